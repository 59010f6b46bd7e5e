// Places things that the file holds no position for: around a focus, along a path, beside what was expanded.
const FOCUS_LIMIT = 64;

// Neighbours stand on two arcs, right then left, grouped by relation, so that every label has a line of its own.
function arrangeFocus(i, near) {
  const shown = new Set(near.slice(0, FOCUS_LIMIT));
  const groupOf = new Map();
  for (const edge of GRAPH.nodes[i].edges) {
    const other = otherEnd(edge, i);
    if (!shown.has(other) || groupOf.has(other) || !edgePasses(edge)) continue;
    groupOf.set(other, (edge.s === i ? 0 : 100) + edge.relation);
  }
  for (const other of shown) if (!groupOf.has(other)) groupOf.set(other, 200);
  const order = [...groupOf].sort(([a, ga], [b, gb]) => ga - gb || GRAPH.nodes[a].kind - GRAPH.nodes[b].kind || GRAPH.nodes[b].degree - GRAPH.nodes[a].degree || a - b);
  const places = new Map([[i, { x: 0, y: 0, side: 0 }]]);
  const half = Math.ceil(order.length / 2);
  const rows = Math.max(half, 1);
  const height = Math.max(90, Math.min(rows * 38, 430));
  order.forEach(([other], rank_) => {
    const right = rank_ < half;
    const row = right ? rank_ : order.length - 1 - rank_;
    const count = right ? half : order.length - half;
    const t = count === 1 ? 0 : (2 * (row + 0.5)) / count - 1;
    const bend = Math.sqrt(Math.max(0, 1 - t * t * 0.92));
    const x = (order.length <= 4 ? 150 : 200 + 130 * bend) * (right ? 1 : -1);
    places.set(other, { x, y: t * height, side: right ? 1 : -1 });
  });
  // Few neighbours leave room for theirs, which fan out behind them.
  if (order.length <= 4 && state.paper < 0) {
    for (const [other] of order) {
      const wanted = neighbours(other).filter((far) => !places.has(far)).slice(0, 14);
      for (const [far, spot] of arrangeExtra(other, wanted, places)) places.set(far, spot);
      if (wanted.length) places.get(other).side = 0;
    }
  }
  return places;
}

// What one paper says: the thing that most of its statements are about, and the others around it.
function arrangePaper() {
  const { things, edges } = paperPart();
  const counts = new Map();
  for (const edge of [...edges].map(edgeAt)) for (const end of [edge.s, edge.t]) counts.set(end, (counts.get(end) ?? 0) + 1);
  const [centre] = [...counts].sort(([a, ca], [b, cb]) => cb - ca || a - b)[0] ?? [state.paper];
  const others = [...things].filter((i) => i !== centre && nodePasses(GRAPH.nodes[i]))
    .sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || importance(GRAPH.nodes[b]) - importance(GRAPH.nodes[a]) || a - b);
  return arrangeFocus(centre, others);
}

function arrangePath(path) {
  return new Map(path.map((i, rank_) => [i, { x: rank_ * 240, y: rank_ % 2 ? 50 : -50 }]));
}

// Pinned things stay in the picture: those that a new view would leave out stand in rows beneath it.
function keepPinned() {
  const places = basePositions();
  const missing = [...state.pinned].filter((i) => !places.has(i));
  const spots = [...places.values()];
  const low = Math.max(0, ...spots.map(({ y }) => y)), left = Math.min(0, ...spots.map(({ x }) => x));
  state.extra = new Map(missing.map((i, k) => [i, { x: left + (k % 5) * 170, y: low + 110 + 70 * Math.floor(k / 5) }]));
}

// Free spots around a thing on a spiral that turns by the golden angle; away from what is drawn already.
function arrangeExtra(i, wanted, places) {
  const centre = places.get(i);
  const taken = [...places.values()];
  const spots = new Map();
  const turn = Math.PI * (3 - Math.sqrt(5));
  let step = 0;
  for (const other of wanted) {
    for (; step < 900; step += 1) {
      const radius = 70 + 13 * Math.sqrt(step) * 2;
      const row = (step % 24) + 1;
      const spot = centre.side
        ? { x: centre.x + centre.side * (220 + Math.floor(step / 24) * 240), y: centre.y + (row % 2 ? 1 : -1) * (row >> 1) * 44, side: centre.side }
        : { x: Math.round(centre.x + radius * Math.cos(step * turn) * 1.2), y: Math.round(centre.y + radius * Math.sin(step * turn)), side: 0 };
      const [aside, above] = centre.side ? [150, 40] : [62, 34];
      if (taken.every((place) => Math.abs(place.x - spot.x) > aside || Math.abs(place.y - spot.y) > above)) {
        spots.set(other, spot);
        taken.push(spot);
        step += 1;
        break;
      }
    }
  }
  return spots;
}
