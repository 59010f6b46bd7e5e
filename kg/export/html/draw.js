// Draws what is visible with vis-network; labels are drawn here, like those of a map: as many as fit, the important first.
let network = null, nodeSet = null, edgeSet = null;
let shown = { places: new Map(), edges: [], labels: [] };
let hovered = -1;
let boxes = [];
let made = new Map();
let grow = 1;
let bold = 12;
// What many papers name counts more than what one paper says much of.
const importance = (node) => node.edges.length + 3 * (node.papers.length - 1);
const last = { nodes: new Map(), edges: new Map() };

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let ink = {};
function readInk() {
  ink = { text: css("--ink"), soft: css("--soft"), back: css("--stage"), accent: css("--accent"), font: css("--font"), line: css("--line-strong") };
}

function channels(color) {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}
function blend(color, other, share) {
  const [a, b] = [channels(color), channels(other)];
  return `#${a.map((value, k) => Math.round(value * (1 - share) + b[k] * share).toString(16).padStart(2, "0")).join("")}`;
}

function startDrawing(container) {
  readInk();
  const ranks = GRAPH.overview.map(([i]) => importance(GRAPH.nodes[i])).sort((a, b) => b - a);
  bold = Math.max(6, ranks[Math.min(24, ranks.length - 1)] ?? 6);
  made = new Map(GRAPH.drawing.nodes.map(({ label, ...node }) => [node.id, node]));
  nodeSet = new vis.DataSet();
  edgeSet = new vis.DataSet();
  network = new vis.Network(container, { nodes: nodeSet, edges: edgeSet }, GRAPH.drawing.options);
  network.on("afterDrawing", drawLabels);
  network.on("hoverNode", ({ node }) => { hovered = node; network.redraw(); });
  network.on("blurNode", () => { hovered = -1; network.redraw(); });
  container.querySelector("canvas").setAttribute("aria-hidden", "true");
}

// Things at full strength while something is selected; null where all are.
function emphasis() {
  if (state.mode === "path" || (state.mode === "focus" && state.selected === state.focus)) return null;
  const centre = state.selected >= 0 && shown.places.has(state.selected) ? state.selected : -1;
  if (centre < 0) return null;
  const near = new Set([centre]);
  for (const edge of shown.edges) if (edge.s === centre || edge.t === centre) near.add(edge.s).add(edge.t);
  return near;
}

function nodeLook(i, near) {
  const node = GRAPH.nodes[i], place = shown.places.get(i);
  const faded = near && !near.has(i);
  const base = made.get(i)?.color ?? GRAPH.kinds[node.kind].color;
  const color = faded ? blend(base, ink.back, 0.78) : base;
  const chosen = i === state.selected;
  const border = chosen ? ink.text : node.baseline && !faded ? blend(base, ink.text, 0.55) : blend(color, ink.back, 0.25);
  const small = state.mode === "focus" && i !== state.focus ? Math.min(1, 9 / node.size) : 1;
  const size = (made.get(i)?.size ?? node.size) * small * grow;
  const border_ = chosen ? 3 : node.baseline ? 1.8 : 1;
  return {
    id: i, x: place.x, y: place.y, size, shape: GRAPH.kinds[node.kind].shape,
    color: { background: color, border }, borderWidth: border_, borderWidthSelected: border_,
  };
}

function edgeLook(edge, near, bend) {
  const line = GRAPH.relations[edge.relation];
  const centre = state.selected;
  const strong = edge.i === state.edge || (near && (edge.s === centre || edge.t === centre));
  const many = shown.edges.length > 900;
  const focal = state.mode !== "focus" || edge.s === state.focus || edge.t === state.focus;
  let opacity = near ? (strong ? 0.95 : 0.07) : focal ? (many ? 0.3 : state.mode === "overview" ? 0.55 : 0.8) : shown.edges.length < 60 ? 0.6 : 0.13;
  if (edge.i === state.edge) opacity = 1;
  return {
    id: edge.i, from: edge.s, to: edge.t, color: { color: line.color, opacity },
    dashes: line.dashes.length ? line.dashes.map((dash) => dash * grow) : false,
    width: (edge.i === state.edge ? 4 : strong ? line.width * 1.3 : line.width) * grow,
    arrows: strong || shown.edges.length < (state.mode === "focus" ? 40 : 400) ? { to: { enabled: true, scaleFactor: strong ? 0.6 : 0.4 } } : "",
    smooth: many ? false : { enabled: true, type: "curvedCW", roundness: state.mode === "focus" ? 0.02 + 0.06 * bend : 0.07 + 0.13 * bend },
  };
}

function update(set, known, records) {
  const changed = [], ids = new Set();
  for (const record of records) {
    ids.add(record.id);
    const signature = JSON.stringify(record);
    if (known.get(record.id) !== signature) {
      changed.push(record);
      known.set(record.id, signature);
    }
  }
  const gone = [...known.keys()].filter((id) => !ids.has(id));
  for (const id of gone) known.delete(id);
  if (gone.length) set.remove(gone);
  if (changed.length) set.update(changed);
}

function draw() {
  const { places, edges } = visible();
  const near = ((shown = { places, edges, labels: [] }), emphasis());
  const bends = new Map();
  const looks = edges.map((edge) => {
    const pair = `${Math.min(edge.s, edge.t)} ${Math.max(edge.s, edge.t)}`;
    const bend = bends.get(pair) ?? 0;
    bends.set(pair, bend + 1);
    return edgeLook(edge, near, bend);
  });
  update(edgeSet, last.edges, looks.filter((look) => last.nodes.has(look.from) && last.nodes.has(look.to)));
  update(nodeSet, last.nodes, [...places.keys()].map((i) => nodeLook(i, near)));
  update(edgeSet, last.edges, looks);
  const weight = (i) => (i === state.selected ? 1e9 : i === state.focus ? 1e8 : near?.has(i) ? 1e6 : 0) + importance(GRAPH.nodes[i]);
  shown.labels = [...places.keys()].map((i) => ({ i, weight: weight(i), faded: near !== null && !near.has(i) })).sort((a, b) => b.weight - a.weight || a.i - b.i);
  network.redraw();
}

// A grid of occupied rectangles, so that the test for free room stays quick with thousands of things.
function roomFinder() {
  const cells = new Map();
  const each = (box, visit) => {
    for (let cx = Math.floor(box[0] / 80); cx <= Math.floor(box[2] / 80); cx += 1) {
      for (let cy = Math.floor(box[1] / 40); cy <= Math.floor(box[3] / 40); cy += 1) if (visit(`${cx},${cy}`)) return true;
    }
    return false;
  };
  return {
    take(box) { each(box, (cell) => { if (cells.has(cell)) cells.get(cell).push(box); else cells.set(cell, [box]); }); },
    free: (box) => !each(box, (cell) => (cells.get(cell) ?? []).some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])),
  };
}

// The first place beside a thing where its label, or a shorter form of it, fits; a leading label is placed anyhow.
const widths = new Map();
function labelSpot(context, spot, name, size, lead, hub, wide, room) {
  const lengths = spot.side ? [44, 32, 24, 17, 11] : lead ? [56, 30] : [30, 20];
  const pad = state.mode === "all" ? 9 : 2;
  let first = null, over = null, former = null;
  for (const length of lengths) {
    const text = cut(name, length);
    if (text === former) continue;
    former = text;
    const key = `${context.font}|${text}`;
    if (!widths.has(key)) widths.set(key, context.measureText(text).width);
    const width = widths.get(key), r = spot.radius + 4;
    const all = [
      [spot.x - width / 2, spot.y + r - 1], [spot.x + r, spot.y - size / 2 - 1],
      [spot.x - r - width, spot.y - size / 2 - 1], [spot.x - width / 2, spot.y - r - size - 1],
    ];
    for (const [x, y] of spot.side && lead ? [all[0], all[3]] : spot.side > 0 ? [all[1]] : spot.side < 0 ? [all[2]] : all) {
      const box = [x - pad, y - pad / 2, x + width + pad, y + size + pad / 2];
      first ??= { x, y, text, box };
      if (x < 3 || x + width > wide - 3 || !room.labels.free(box)) continue;
      if (room.things.free(box)) return { x, y, text, box };
      // What many papers name is labelled also where that covers a smaller thing.
      if (hub) over ??= { x, y, text, box };
    }
  }
  return over ?? (lead ? first : null);
}

function drawLabels(context) {
  const scale = network.getScale();
  const view = context.getTransform();
  const ratio = view.a / scale;
  const { clientWidth: wide, clientHeight: high } = document.getElementById("canvas");
  const room = { things: roomFinder(), labels: roomFinder() };
  boxes = [];
  context.save();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const stage = document.getElementById("canvas").getBoundingClientRect();
  for (const control of ["status", "zoom"]) {
    const at = document.getElementById(control).getBoundingClientRect();
    room.labels.take([at.left - stage.left, at.top - stage.top, at.right - stage.left, at.bottom - stage.top]);
  }
  const spots = [];
  for (const label of shown.labels) {
    const place = network.body.nodes[label.i];
    if (!place) continue;
    const x = (view.a * place.x + view.e) / ratio, y = (view.d * place.y + view.f) / ratio;
    if (x < -200 || y < -60 || x > wide + 200 || y > high + 60) continue;
    const radius = place.options.size * scale;
    spots.push({ ...label, x, y, radius, side: shown.places.get(label.i)?.side ?? 0 });
    const core = radius * 0.6;
    if (radius > 8 && !label.faded) room.labels.take([x - core, y - core, x + core, y + core]);
    if (radius > 3 && !label.faded) room.things.take([x - radius * 0.7, y - radius * 0.7, x + radius * 0.7, y + radius * 0.7]);
  }
  let written = 0;
  const screen = Math.min(1.3, Math.max(1, wide / 1300));
  for (const spot of spots) {
    const lead = spot.i === hovered || spot.i === state.selected || spot.i === state.focus;
    if (!lead && (written > 260 || (spot.faded && state.mode !== "focus"))) continue;
    const node = GRAPH.nodes[spot.i];
    const size = screen * (lead ? 14 : Math.min(15, 11.5 + Math.log2(1 + importance(node)) * 0.35));
    context.font = `${lead || importance(node) >= bold ? 600 : 400} ${size}px ${ink.font}`;
    const found = labelSpot(context, spot, node.label, size, lead, importance(node) >= bold && state.mode !== "all", wide, room);
    if (!found) continue;
    const { x, y, text, box } = found;
    room.labels.take(box);
    boxes.push({ i: spot.i, box });
    written += 1;
    context.textBaseline = "top";
    context.lineJoin = "round";
    context.lineWidth = 3.5;
    context.strokeStyle = ink.back;
    context.strokeText(text, x, y + 1);
    context.fillStyle = spot.faded ? ink.soft : ink.text;
    context.fillText(text, x, y + 1);
  }
  context.restore();
}

const labelAt = ({ x, y }) => boxes.find(({ box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3])?.i ?? -1;

// Height of the part of the stage that the panel covers on a narrow window.
function covered() {
  const stage = document.getElementById("stage").getBoundingClientRect();
  const panel = document.getElementById("panel");
  const box = panel.getBoundingClientRect();
  const over = box.left < stage.right - 1 && document.body.classList.contains("show-panel");
  return over ? panel.offsetHeight : 0;
}

// Things and lines of a wide picture are drawn larger, so that they are seen before one zooms in.
function setGrow() {
  const next = state.mode === "focus" || state.mode === "path" ? 1 : Math.min(1.5, Math.max(1, 0.5 / scaleToFit(shown.places.values()).scale));
  if (Math.abs(next - grow) < 0.05) return;
  grow = next;
  draw();
}

function scaleToFit(places) {
  const xs = [], ys = [];
  for (const place of places) { xs.push(place.x); ys.push(place.y); }
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const stage = document.getElementById("canvas");
  const under = covered();
  const sides = state.mode === "focus" ? Math.min(400, stage.clientWidth * 0.5) : Math.min(120, stage.clientWidth * 0.12);
  const wide = Math.max(60, stage.clientWidth - sides), high = Math.max(60, stage.clientHeight - under - 110);
  const scale = Math.min(wide / Math.max(right - left, 80), high / Math.max(bottom - top, 80), 1.5);
  return { scale, x: (left + right) / 2, y: (top + bottom) / 2, under };
}

function fit(ids = [...shown.places.keys()], quick = false) {
  const places = ids.map((i) => shown.places.get(i)).filter(Boolean);
  if (!places.length) return;
  setGrow();
  const { scale: widest, x, y, under } = scaleToFit(places);
  // A few things of many are shown in their surroundings, not as large as the window allows.
  const scale = places.length < shown.places.size ? Math.min(widest, 0.8) : widest;
  const still = quick || matchMedia("(prefers-reduced-motion: reduce)").matches;
  network.moveTo({
    position: { x, y }, scale, offset: { x: 0, y: -under / 2 },
    animation: still ? false : { duration: 320, easingFunction: "easeInOutCubic" },
  });
}

function reveal(i) {
  const place = shown.places.get(i);
  if (!place) return;
  const at = network.canvasToDOM(place);
  const stage = document.getElementById("canvas");
  const under = covered();
  if (at.x > 40 && at.y > 60 && at.x < stage.clientWidth - 40 && at.y < stage.clientHeight - under - 40) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  network.moveTo({ position: place, offset: { x: 0, y: -under / 2 }, animation: still ? false : { duration: 260, easingFunction: "easeInOutCubic" } });
}

function zoomBy(factor) {
  network.moveTo({ scale: Math.min(6, Math.max(0.02, network.getScale() * factor)), animation: false });
}

// The nearest drawn thing in a direction, by distance with a penalty for turning aside.
function toward(dx, dy) {
  const start = shown.places.get(state.selected) ?? network.getViewPosition();
  let best = -1, least = Infinity;
  for (const [i, place] of shown.places) {
    if (i === state.selected) continue;
    const ahead = (place.x - start.x) * dx + (place.y - start.y) * dy;
    const aside = Math.abs((place.x - start.x) * dy) + Math.abs((place.y - start.y) * dx);
    if (ahead <= 0 && shown.places.has(state.selected)) continue;
    const cost = Math.abs(ahead) + aside * 2.2;
    if (cost < least) [best, least] = [i, cost];
  }
  return best;
}
