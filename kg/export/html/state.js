// What is shown: one value of state, and pure functions from it to the things and edges that are drawn.
const ALL_LIMIT = 3000;
const DRAWN_LIMIT = 420;

const state = {
  mode: "overview", focus: -1, selected: -1, edge: -1, extra: new Map(), hidden: new Set(), path: [],
  kindsOff: new Set(), relationsOff: new Set(), confidence: 0, from: null, to: null,
};
const past = [];

const yearsChosen = () => state.from !== null || state.to !== null;
const inYears = (year) => year !== undefined && year >= (state.from ?? -Infinity) && year <= (state.to ?? Infinity);

function nodePasses(node) {
  if (state.kindsOff.has(node.kind) || state.hidden.has(node.i)) return false;
  return !yearsChosen() || node.papers.some((paper) => inYears(GRAPH.nodes[paper].year));
}

function edgePasses(edge) {
  if (state.relationsOff.has(edge.relation) || edge.confidence < state.confidence) return false;
  return !yearsChosen() || edge.papers.some((paper) => inYears(GRAPH.nodes[paper].year));
}

const edgesFiltered = () => state.relationsOff.size > 0 || state.confidence > 0 || yearsChosen();

// Neighbours over edges that pass, the surest and best joined first.
function neighbours(i) {
  const best = new Map();
  for (const edge of GRAPH.nodes[i].edges) {
    const other = otherEnd(edge, i);
    if (other === i || !edgePasses(edge) || !nodePasses(GRAPH.nodes[other])) continue;
    if (!(best.get(other)?.confidence >= edge.confidence)) best.set(other, edge);
  }
  return [...best].sort(([a, ea], [b, eb]) =>
    GRAPH.nodes[b].edges.length - GRAPH.nodes[a].edges.length || eb.confidence - ea.confidence || a - b).map(([other]) => other);
}

function basePositions() {
  if (state.mode === "all") return new Map(GRAPH.nodes.map((node) => [node.i, { x: node.x, y: node.y }]));
  if (state.mode === "path") return arrangePath(state.path);
  if (state.mode === "focus") return arrangeFocus(state.focus);
  const shape = overviewShape();
  return new Map(GRAPH.overview.map(([i, x, y]) => [i, { x: x * shape, y: y / shape }]));
}

// How far the overview is stretched so that it fills a window that is wider or higher than it.
let stretch = null;
function overviewShape() {
  if (stretch !== null) return stretch;
  const stage = document.getElementById("canvas");
  const span = (k) => Math.max(1, ...GRAPH.overview.map((row) => row[k])) - Math.min(-1, ...GRAPH.overview.map((row) => row[k]));
  const ratio = (Math.max(120, stage.clientWidth - 150) / Math.max(120, stage.clientHeight - 110)) / (span(1) / span(2));
  stretch = Math.sqrt(Math.min(2, Math.max(0.55, ratio)));
  return stretch;
}

// Things with their positions and the edges between them, after all filters.
function visible() {
  const places = new Map();
  for (const [i, place] of [...basePositions(), ...state.extra]) {
    if (nodePasses(GRAPH.nodes[i]) || i === state.focus) places.set(i, place);
  }
  const edges = [];
  const joined = new Set();
  const couldJoin = new Set();
  for (const i of places.keys()) {
    for (const edge of GRAPH.nodes[i].edges) {
      if (edge.s !== i || !places.has(edge.t)) continue;
      couldJoin.add(edge.s).add(edge.t);
      if (!edgePasses(edge)) continue;
      edges.push(edge);
      joined.add(edge.s).add(edge.t);
    }
  }
  if (edgesFiltered()) {
    for (const i of [...places.keys()]) {
      const kept = joined.has(i) || i === state.focus || (i === state.selected && !couldJoin.has(i));
      if (!kept && GRAPH.nodes[i].edges.length > 0) places.delete(i);
    }
  }
  return { places, edges };
}

const snapshot = () => ({ mode: state.mode, focus: state.focus, selected: state.selected, path: state.path, extra: new Map(state.extra) });

function remember() {
  past.push(snapshot());
  if (past.length > 50) past.shift();
}

// Shortest path over edges that pass, by breadth first search; ties go to the better joined.
function shortestPath(from, to) {
  const cameFrom = new Map([[from, -1]]);
  let row = [from];
  while (row.length && !cameFrom.has(to)) {
    const next = [];
    for (const i of row) {
      for (const other of neighbours(i)) {
        if (cameFrom.has(other)) continue;
        cameFrom.set(other, i);
        next.push(other);
      }
    }
    row = next;
  }
  if (!cameFrom.has(to)) return null;
  const path = [];
  for (let i = to; i >= 0; i = cameFrom.get(i)) path.unshift(i);
  return path;
}

function readFragment() {
  const query = new URLSearchParams(location.hash.slice(1));
  const at = (key) => GRAPH.byId.get(query.get(key) ?? "") ?? -1;
  const list = (key, names) => new Set((query.get(key) ?? "").split(",").map((name) => names.indexOf(name)).filter((k) => k >= 0));
  const year = (key) => (GRAPH.years.includes(Number(query.get(key))) ? Number(query.get(key)) : null);
  const mode = query.get("view");
  state.selected = at("node");
  state.focus = at("focus");
  state.path = mode === "path" ? (query.get("path") ?? "").split(",").map((id) => GRAPH.byId.get(id) ?? -1) : [];
  state.mode = "overview";
  if (mode === "all" && GRAPH.nodes.length <= ALL_LIMIT) state.mode = "all";
  else if (mode === "path" && state.path.length > 1 && !state.path.includes(-1)) state.mode = "path";
  else if (state.focus >= 0) state.mode = "focus";
  state.kindsOff = list("without", GRAPH.kinds.map((kind) => kind.name));
  state.relationsOff = list("not", GRAPH.relations.map((relation) => relation.name));
  state.confidence = Math.min(1, Math.max(0, Number(query.get("min")) || 0));
  state.from = year("from");
  state.to = year("to");
  state.extra = new Map();
}

function fragment() {
  const query = new URLSearchParams();
  const id = (i) => GRAPH.nodes[i].id;
  if (state.mode === "focus") query.set("focus", id(state.focus));
  if (state.mode === "all" || state.mode === "path") query.set("view", state.mode);
  if (state.mode === "path") query.set("path", state.path.map(id).join(","));
  if (state.selected >= 0) query.set("node", id(state.selected));
  if (state.kindsOff.size) query.set("without", [...state.kindsOff].sort().map((k) => GRAPH.kinds[k].name).join(","));
  if (state.relationsOff.size) query.set("not", [...state.relationsOff].sort().map((k) => GRAPH.relations[k].name).join(","));
  if (state.confidence) query.set("min", String(state.confidence));
  if (state.from !== null) query.set("from", String(state.from));
  if (state.to !== null) query.set("to", String(state.to));
  return query.toString().replaceAll("%2F", "/").replaceAll("%2C", ",");
}
