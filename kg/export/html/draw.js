// Draws what is visible with vis-network.
let network = null, nodeSet = null, edgeSet = null;
let shown = { places: new Map(), edges: [], labels: [] };
let hovered = -1;
let made = new Map();
let grow = 1;
let bold = 12;
const last = { nodes: new Map(), edges: new Map() };

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let ink = {};
function readInk() {
  ink = { text: css("--ink"), soft: css("--soft"), back: css("--stage"), accent: css("--accent"), font: css("--font"), line: css("--line-strong"), region: css("--region"), regionOver: css("--region-over") };
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
  network.on("beforeDrawing", drawRegions);
  network.on("afterDrawing", drawLabels);
  network.on("hoverNode", ({ node }) => { hovered = node; network.redraw(); });
  network.on("blurNode", () => { hovered = -1; network.redraw(); });
  container.querySelector("canvas").setAttribute("aria-hidden", "true");
}

// Where things stand on two arcs, with labels beside them.
const sideBySide = () => state.mode === "focus" || (state.mode === "overview" && state.paper >= 0);

// Things at full strength while something is selected; null where all are.
function emphasis() {
  if (state.paper >= 0 && state.selected === state.paper) return null;
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
  const small = sideBySide() && i !== state.focus ? Math.min(1, 9 / node.size) : 1;
  const size = (made.get(i)?.size ?? node.size) * small * grow;
  const border_ = chosen ? 3 : node.baseline ? 1.8 : 1;
  return {
    id: i, x: place.x, y: place.y, size, shape: GRAPH.kinds[node.kind].shape,
    color: { background: color, border }, borderWidth: border_, borderWidthSelected: border_,
    ...(state.pinned.has(i) ? { shapeProperties: { borderDashes: [2, 2] } } : { shapeProperties: { borderDashes: false } }),
  };
}

function edgeLook(edge, near, bend) {
  const line = GRAPH.relations[edge.relation];
  const centre = state.selected;
  const strong = edge.i === state.edge || (near && (edge.s === centre || edge.t === centre));
  const many = shown.edges.length > 900;
  const apart = state.mode === "overview" && GRAPH.nodes[edge.s].cluster !== GRAPH.nodes[edge.t].cluster;
  const focal = state.mode !== "focus" || edge.s === state.focus || edge.t === state.focus;
  let opacity = near ? (strong ? 0.95 : 0.07) : focal ? (many ? 0.3 : apart ? 0.16 : state.mode === "overview" ? 0.5 : 0.75) : shown.edges.length < 60 ? 0.6 : 0.13;
  if (edge.i === state.edge) opacity = 1;
  return {
    id: edge.i, from: edge.s, to: edge.t, color: { color: line.color, opacity },
    dashes: line.dashes.length ? line.dashes.map((dash) => dash * grow) : false,
    width: (edge.i === state.edge ? 4 : strong ? line.width * 1.3 : line.width) * grow,
    arrows: strong || (!apart && shown.edges.length < (state.mode === "focus" ? 40 : 500)) ? { to: { enabled: true, scaleFactor: strong ? 0.6 : 0.4 } } : "",
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

// Height of the part of the stage that the panel covers on a narrow window.
function covered() {
  const stage = byId("stage").getBoundingClientRect();
  const panel = byId("panel");
  const box = panel.getBoundingClientRect();
  const over = box.left < stage.right - 1 && document.body.classList.contains("show-panel");
  return over ? panel.offsetHeight : 0;
}

// Things and lines of a wide picture are drawn larger, so that they are seen before one zooms in.
function setGrow() {
  const next = sideBySide() || state.mode === "path" ? 1 : Math.min(1.5, Math.max(1, 0.5 / scaleToFit(shown.places.values()).scale));
  if (Math.abs(next - grow) < 0.05) return;
  grow = next;
  draw();
}

function scaleToFit(places) {
  const xs = [], ys = [];
  for (const place of places) { xs.push(place.x); ys.push(place.y); }
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const stage = byId("canvas");
  const under = covered();
  const sides = sideBySide() ? Math.min(400, stage.clientWidth * 0.5) : Math.min(120, stage.clientWidth * 0.12);
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
  const stage = byId("canvas");
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
