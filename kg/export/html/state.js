// What is shown: one value of state, and pure functions from it to the things and edges that are drawn.
const canShowAll = () => GRAPH.x !== undefined;
const DRAWN_LIMIT = 420;

const state = {
  mode: "overview", focus: -1, cluster: -1, selected: -1, edge: -1, extra: new Map(), hidden: new Set(), pinned: new Set(), path: [],
  kindsOff: new Set(), relationsOff: new Set(), confidence: 0, from: null, to: null, paper: -1, topic: -1,
};
const past = [];

const yearsChosen = () => state.from !== null || state.to !== null;
const inYears = (paper) => {
  const { year } = GRAPH.nodes[paper];
  return year !== undefined && year >= (state.from ?? -Infinity) && year <= (state.to ?? Infinity);
};

// What one paper names and says, itself among it.
let ofPaper = { paper: -1, things: null, edges: null };
function paperPart() {
  if (ofPaper.paper !== state.paper) {
    const paper = GRAPH.nodes[state.paper];
    const edges = paper.said;
    ofPaper = {
      paper: state.paper, edges: new Set(edges.map((edge) => edge.i)),
      things: new Set([paper.i, ...paper.named, ...edges.flatMap((edge) => [edge.s, edge.t])]),
    };
  }
  return ofPaper;
}

function nodePasses(node) {
  if (state.kindsOff.has(node.kind) || state.hidden.has(node.i)) return false;
  if (state.topic >= 0 && node.topic !== state.topic) return false;
  if (state.paper >= 0 && !paperPart().things.has(node.i)) return false;
  return !yearsChosen() || node.papers.some(inYears);
}

function edgePasses(edge) {
  if (state.relationsOff.has(edge.relation) || edge.confidence < state.confidence) return false;
  if (state.paper >= 0 && !paperPart().edges.has(edge.i)) return false;
  return !yearsChosen() || edge.papers.some(inYears);
}

const edgesFiltered = () => state.relationsOff.size > 0 || state.confidence > 0 || state.paper >= 0 || yearsChosen();
const filtered = () => edgesFiltered() || state.kindsOff.size > 0 || state.hidden.size > 0 || state.topic >= 0;

// Neighbours over edges that pass, the surest and best joined first.
function neighbours(i) {
  const best = new Map();
  for (const edge of GRAPH.nodes[i].edges) {
    const other = otherEnd(edge, i);
    if (other === i || !edgePasses(edge) || !nodePasses(GRAPH.nodes[other])) continue;
    if (!(best.get(other)?.confidence >= edge.confidence)) best.set(other, edge);
  }
  return [...best].sort(([a, ea], [b, eb]) =>
    GRAPH.nodes[b].degree - GRAPH.nodes[a].degree || eb.confidence - ea.confidence || a - b).map(([other]) => other);
}

// A topic lies in one region, whose own picture has more of it than the overview.
const regionOfTopic = () => (state.topic < 0 ? -1 : GRAPH.nodes.find((node) => node.topic === state.topic)?.cluster ?? -1);

function basePositions() {
  if (state.mode === "all") return new Map(GRAPH.nodes.map((node) => [node.i, { x: GRAPH.x[node.i], y: GRAPH.y[node.i] }]));
  if (state.mode === "path") return arrangePath(state.path);
  if (state.mode === "focus") return arrangeFocus(state.focus, neighbours(state.focus));
  if (state.paper >= 0) return arrangePaper();
  const cluster = state.mode === "cluster" ? state.cluster : regionOfTopic();
  const shape = cluster >= 0 ? 1 : overviewShape();
  const rows = cluster >= 0 ? GRAPH.clusters[cluster].places : GRAPH.overview;
  return refilled(rows.map(([i, x, y]) => [i, { x: x * shape, y: y / shape }]));
}

// Where filters take things out of the picture, the next best of the same cluster that pass take their places.
let refill = { key: null, places: null };
function refilled(rows) {
  if (!filtered()) return new Map(rows);
  const { kindsOff, relationsOff, hidden, confidence, from, to, topic, mode, cluster } = state;
  const key = JSON.stringify([mode, cluster, [...kindsOff], [...relationsOff], [...hidden], confidence, from, to, topic, stretch]);
  if (refill.key === key) return new Map(refill.places);
  const passing = (node) => node.edges.filter((edge) => edgePasses(edge) && nodePasses(GRAPH.nodes[otherEnd(edge, node.i)]));
  const links = (node, among) => passing(node).filter((edge) => among.has(otherEnd(edge, node.i))).length;
  const inPicture = new Set(rows.map(([i]) => i).filter((i) => nodePasses(GRAPH.nodes[i])));
  // With types alone chosen, a thing may stand without an edge: its name is the answer.
  const alone = !edgesFiltered();
  const places = new Map(rows.filter(([i]) => inPicture.has(i) && (alone || links(GRAPH.nodes[i], inPicture))));
  const free = new Map();
  for (const [i, spot] of rows) {
    const home = GRAPH.nodes[i].cluster;
    if (!places.has(i)) free.set(home, [...(free.get(home) ?? []), spot]);
  }
  for (const [home, spots] of free) {
    // What most papers name goes in first, then what joins it to the rest; what joins nothing leaves its place again.
    const common = [];
    for (const node of GRAPH.members().get(home) ?? []) {
      if (common.length >= spots.length / 2) break;
      if (!places.has(node.i) && nodePasses(node) && (alone || passing(node).length)) common.push(node.i);
    }
    const centre = new Set([...common, ...[...places.keys()].filter((i) => GRAPH.nodes[i].cluster === home)]);
    const counts = new Map();
    for (const i of centre) {
      for (const edge of passing(GRAPH.nodes[i])) {
        const other = otherEnd(edge, i);
        if (!centre.has(other) && !places.has(other) && GRAPH.nodes[other].cluster === home) counts.set(other, (counts.get(other) ?? 0) + 1);
      }
    }
    const bridges = [...counts].map(([i, count]) => [GRAPH.nodes[i], Math.min(3, count)])
      .sort(([a, ca], [b, cb]) => cb - ca || importance(b) - importance(a) || a.i - b.i).map(([node]) => node.i);
    const chosen = [...common, ...bridges.slice(0, spots.length - common.length)];
    const all = new Set([...places.keys(), ...chosen]);
    const kept = chosen.filter((i) => alone || links(GRAPH.nodes[i], all));
    kept.slice(0, spots.length).forEach((i, k) => places.set(i, spots[k]));
  }
  refill = { key, places: [...places] };
  return places;
}

// How far the overview is stretched so that it fills a window that is wider or higher than it.
let stretch = null;
function overviewShape() {
  if (stretch !== null) return stretch;
  const stage = byId("canvas");
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
      const kept = joined.has(i) || i === state.focus || state.pinned.has(i) || (i === state.selected && !couldJoin.has(i));
      if (!kept && GRAPH.nodes[i].degree > 0) places.delete(i);
    }
  }
  return { places, edges };
}

const snapshot = () => ({ mode: state.mode, focus: state.focus, cluster: state.cluster, selected: state.selected, path: state.path, extra: new Map(state.extra), hidden: new Set(state.hidden) });

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
  const index = location.hash ? GRAPH.indexOf() : new Map();
  const at = (key) => index.get(query.get(key) ?? "") ?? -1;
  const all = (key) => (query.get(key) ?? "").split(",").map((id) => index.get(id) ?? -1);
  const list = (key, names) => new Set((query.get(key) ?? "").split(",").map((name) => names.indexOf(name)).filter((k) => k >= 0));
  const year = (key) => (GRAPH.years.includes(Number(query.get(key))) ? Number(query.get(key)) : null);
  const mode = query.get("view");
  state.selected = at("node");
  state.focus = at("focus");
  state.cluster = GRAPH.clusters.findIndex((cluster) => cluster.label === query.get("cluster"));
  state.path = mode === "path" ? all("path") : [];
  state.mode = "overview";
  if (mode === "all" && canShowAll()) state.mode = "all";
  else if (mode === "path" && state.path.length > 1 && !state.path.includes(-1)) state.mode = "path";
  else if (state.focus >= 0) state.mode = "focus";
  else if (state.cluster >= 0) state.mode = "cluster";
  state.kindsOff = list("without", GRAPH.kinds.map((kind) => kind.name));
  state.relationsOff = list("not", GRAPH.relations.map((relation) => relation.name));
  state.confidence = Math.min(1, Math.max(0, Number(query.get("min")) || 0));
  state.from = year("from");
  state.to = year("to");
  state.paper = at("paper");
  if (state.paper >= 0 && !GRAPH.nodes[state.paper].isPaper) state.paper = -1;
  state.topic = manyTopics() && query.has("topic") ? GRAPH.topics.findIndex((_, k) => topicKey(k) === query.get("topic")) : -1;
  state.hidden = new Set(all("hide").filter((i) => i >= 0));
  state.extra = new Map();
  state.pinned = new Set();
  for (const entry of (query.get("pin") ?? "").split(",")) {
    const [id, x, y] = entry.split("@");
    if (!index.has(id) || !Number.isFinite(Number(x)) || !Number.isFinite(Number(y))) continue;
    state.pinned.add(index.get(id));
    state.extra.set(index.get(id), { x: Number(x), y: Number(y) });
  }
}

function fragment() {
  const query = new URLSearchParams();
  const id = (i) => GRAPH.ids[i];
  if (state.mode === "focus") query.set("focus", id(state.focus));
  if (state.mode === "cluster") query.set("cluster", GRAPH.clusters[state.cluster].label);
  if (state.mode === "all" || state.mode === "path") query.set("view", state.mode);
  if (state.mode === "path") query.set("path", state.path.map(id).join(","));
  if (state.selected >= 0) query.set("node", id(state.selected));
  if (state.kindsOff.size) query.set("without", [...state.kindsOff].sort().map((k) => GRAPH.kinds[k].name).join(","));
  if (state.relationsOff.size) query.set("not", [...state.relationsOff].sort().map((k) => GRAPH.relations[k].name).join(","));
  if (state.confidence) query.set("min", String(state.confidence));
  if (state.from !== null) query.set("from", String(state.from));
  if (state.to !== null) query.set("to", String(state.to));
  if (state.paper >= 0) query.set("paper", id(state.paper));
  if (state.topic >= 0) query.set("topic", topicKey(state.topic));
  if (state.hidden.size) query.set("hide", [...state.hidden].slice(0, 50).map(id).join(","));
  const pins = [...state.pinned].map((i) => [i, shown.places.get(i)]).filter(([, place]) => place);
  if (pins.length) query.set("pin", pins.slice(0, 50).map(([i, { x, y }]) => `${id(i)}@${Math.round(x)}@${Math.round(y)}`).join(","));
  return query.toString().replaceAll("%2F", "/").replaceAll("%2C", ",").replaceAll("%40", "@");
}
