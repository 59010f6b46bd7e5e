// Labels like those of a map: as many as fit, the important first, under the titles of the regions.
let boxes = [];
let titled = [];

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

// Regions of clusters: the hull of their things, with a title above; on narrow windows the first name of it.
let regions = [];
const withRegions = () => state.mode === "overview" && GRAPH.clusters.length > 1 && state.paper < 0;

function findRegions() {
  if (!withRegions()) return [];
  const groups = new Map();
  for (const [i, place] of shown.places) {
    const { cluster } = GRAPH.nodes[i];
    if (cluster < 0 || state.extra.has(i)) continue;
    if (!groups.has(cluster)) groups.set(cluster, []);
    groups.get(cluster).push(place);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([cluster, points]) => ({ cluster, hull: hullOf(points), top: Math.min(...points.map(({ y }) => y)) }));
}

// Andrew's monotone chain.
function hullOf(points) {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  const turn = (o, a, b) => (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
  const half = (row) => {
    const chain = [];
    for (const point of row) {
      while (chain.length > 1 && turn(chain.at(-2), chain.at(-1), point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return sorted.length < 3 ? sorted : [...half(sorted), ...half(sorted.reverse())];
}

function drawRegions(context) {
  regions = findRegions();
  context.save();
  context.lineJoin = "round";
  context.lineCap = "round";
  for (const { hull, cluster } of regions) {
    context.beginPath();
    hull.forEach(({ x, y }, k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.strokeStyle = context.fillStyle = cluster === overRegion ? ink.regionOver : ink.region;
    context.lineWidth = REGION_PAD * 2;
    context.stroke();
    context.fill();
  }
  context.restore();
}
const REGION_PAD = 38;
let overRegion = -1;

function regionTitles(context, view, ratio, scale, wide, room) {
  const titles = [];
  for (const { hull, top, cluster } of regions) {
    const xs = hull.map(({ x }) => x);
    const x = (view.a * ((Math.min(...xs) + Math.max(...xs)) / 2) + view.e) / ratio;
    const y = (view.d * top + view.f) / ratio - REGION_PAD * scale;
    const size = wide > 1600 ? 16 : 13;
    context.font = `650 ${size}px ${ink.font}`;
    const span = (Math.max(...xs) - Math.min(...xs) + 2 * REGION_PAD) * scale;
    const names = GRAPH.clusters[cluster].label;
    const first = names.split(" \u00b7 ")[0];
    for (const [text, most] of [[names, span], [first, span + 90], [cut(first, 16), Infinity]]) {
      const width = context.measureText(text).width;
      const left = Math.min(Math.max(x - width / 2, 8), wide - width - 8);
      const box = [left - 4, y - size - 6, left + width + 4, y + 1];
      if (width > most || !room.labels.free(box)) continue;
      titles.push({ cluster, text, size, x: left, y: y - size - 3, box });
      room.labels.take(box);
      break;
    }
  }
  return titles;
}

function drawLabels(context) {
  const scale = network.getScale();
  const view = context.getTransform();
  const ratio = view.a / scale;
  const { clientWidth: wide, clientHeight: high } = byId("canvas");
  const room = { things: roomFinder(), labels: roomFinder() };
  boxes = [];
  context.save();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const stage = byId("canvas").getBoundingClientRect();
  for (const control of ["status", "zoom"]) {
    const at = byId(control).getBoundingClientRect();
    room.labels.take([at.left - stage.left, at.top - stage.top, at.right - stage.left, at.bottom - stage.top]);
  }
  titled = regionTitles(context, view, ratio, scale, wide, room);
  const spots = [];
  for (const label of shown.labels) {
    const place = network.body.nodes[label.i];
    if (!place) continue;
    const x = (view.a * place.x + view.e) / ratio, y = (view.d * place.y + view.f) / ratio;
    if (x < -200 || y < -60 || x > wide + 200 || y > high + 60) continue;
    const radius = place.options.size * scale;
    spots.push({ ...label, x, y, radius, side: shown.places.get(label.i)?.side ?? 0 });
    const core = radius * (importance(GRAPH.nodes[label.i]) >= bold ? 0.9 : 0.6);
    if (radius > 7 && !label.faded) room.labels.take([x - core, y - core, x + core, y + core]);
    if (radius > 3 && !label.faded) room.things.take([x - radius * 0.7, y - radius * 0.7, x + radius * 0.7, y + radius * 0.7]);
  }
  context.textBaseline = "top";
  context.lineJoin = "round";
  for (const title of titled) {
    context.font = `650 ${title.size}px ${ink.font}`;
    context.lineWidth = 4;
    context.strokeStyle = ink.back;
    context.strokeText(title.text, title.x, title.y);
    context.fillStyle = title.cluster === overRegion ? ink.text : ink.accent;
    context.fillText(title.text, title.x, title.y);
  }
  let written = 0;
  const screen = Math.min(1.3, Math.max(1, wide / 1300));
  for (const spot of spots) {
    const lead = spot.i === hovered || spot.i === state.selected || spot.i === state.focus;
    if (!lead && (written > 260 || (spot.faded && !sideBySide()))) continue;
    const node = GRAPH.nodes[spot.i];
    const size = screen * (lead ? 14 : Math.min(15, 11.5 + Math.log2(1 + importance(node)) * 0.35));
    context.font = `${lead || importance(node) >= bold ? 600 : 400} ${size}px ${ink.font}`;
    const found = labelSpot(context, spot, node.label, size, lead, importance(node) >= bold && state.mode !== "all", wide, room);
    if (!found) continue;
    const { x, y, text, box } = found;
    room.labels.take(box);
    boxes.push({ i: spot.i, box, x, y, text, size, font: context.font, faded: spot.faded });
    written += 1;
    context.lineWidth = 3.5;
    context.strokeStyle = ink.back;
    context.strokeText(text, x, y + 1);
    context.fillStyle = spot.faded ? ink.soft : ink.text;
    context.fillText(text, x, y + 1);
  }
  context.restore();
}

const titleAt = ({ x, y }) => titled.find(({ box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3])?.cluster ?? -1;
const labelAt = ({ x, y }) => boxes.find(({ box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3])?.i ?? -1;
