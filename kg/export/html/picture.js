// The present picture as PNG or SVG: what is on the stage, with its labels, on the ground of the theme.
function savePng() {
  const source = document.querySelector("#canvas canvas");
  const copy = document.createElement("canvas");
  copy.width = source.width;
  copy.height = source.height;
  const context = copy.getContext("2d");
  context.fillStyle = ink.back;
  context.fillRect(0, 0, copy.width, copy.height);
  context.drawImage(source, 0, 0);
  copy.toBlob((blob) => save("graph.png", blob, "image/png"), "image/png");
}

const round = (value) => Math.round(value * 100) / 100;

// Outlines of the shapes of vis-network, by centre and radius.
const polygon = (x, y, r, turns, first, lift = 0) => Array.from({ length: turns }, (_, k) => {
  const angle = first + (k * 2 * Math.PI) / turns;
  return `${round(x + r * Math.cos(angle))},${round(y + lift + r * Math.sin(angle))}`;
}).join(" ");
const DRAWN = {
  dot: (x, y, r) => ["circle", { cx: round(x), cy: round(y), r: round(r) }],
  square: (x, y, r) => ["rect", { x: round(x - r), y: round(y - r), width: round(2 * r), height: round(2 * r) }],
  diamond: (x, y, r) => ["polygon", { points: polygon(x, y, r, 4, 0) }],
  hexagon: (x, y, r) => ["polygon", { points: polygon(x, y, r, 6, 0) }],
  triangle: (x, y, r) => ["polygon", { points: polygon(x, y, r * 1.15, 3, -Math.PI / 2, r * 0.275) }],
  triangleDown: (x, y, r) => ["polygon", { points: polygon(x, y, r * 1.15, 3, Math.PI / 2, -r * 0.275) }],
};

function picture() {
  const { clientWidth: wide, clientHeight: high } = byId("canvas");
  const scale = network.getScale();
  const at = ({ x, y }) => network.canvasToDOM({ x, y });
  const inside = ({ x, y }) => x > -300 && y > -300 && x < wide + 300 && y < high + 300;
  const root = svg("svg", { xmlns: SVG, viewBox: `0 0 ${wide} ${high}`, width: wide, height: high, "font-family": ink.font });
  root.append(svg("title", {}, plain(GRAPH.title)), svg("rect", { width: wide, height: high, fill: ink.back }));
  for (const { hull } of regions) {
    const points = hull.map(at).map(({ x, y }) => `${round(x)},${round(y)}`).join(" ");
    root.append(svg("polygon", { points, fill: ink.region, stroke: ink.region, "stroke-width": round(REGION_PAD * 2 * scale), "stroke-linejoin": "round" }));
  }
  const looks = new Map(edgeSet.get().map((look) => [look.id, look]));
  for (const edge of shown.edges) {
    const from = at(shown.places.get(edge.s)), to = at(shown.places.get(edge.t)), look = looks.get(edge.i);
    if (!look || !(inside(from) || inside(to))) continue;
    const via = network.body.edges[edge.i]?.edgeType.getViaNode?.();
    const mid = via ? at(via) : null;
    root.append(svg("path", {
      d: `M${round(from.x)} ${round(from.y)}${mid ? `Q${round(mid.x)} ${round(mid.y)} ` : "L"}${round(to.x)} ${round(to.y)}`, fill: "none",
      stroke: look.color.color, "stroke-opacity": look.color.opacity, "stroke-width": round(look.width * scale),
      ...(look.dashes ? { "stroke-dasharray": look.dashes.map((dash) => round(dash * scale)).join(" ") } : {}),
    }));
    if (look.arrows) root.append(arrowHead(mid ?? from, to, shown.places.get(edge.t), edge, look, scale));
  }
  for (const look of nodeSet.get()) {
    const spot = at(look);
    if (!inside(spot)) continue;
    const [tag, shape] = DRAWN[look.shape](spot.x, spot.y, look.size * scale);
    root.append(svg(tag, { ...shape, fill: look.color.background, stroke: look.color.border, "stroke-width": round(look.borderWidth * scale) },
      svg("title", {}, plain(GRAPH.nodes[look.id].name))));
  }
  const halo = { stroke: ink.back, "stroke-width": 3.5, "stroke-linejoin": "round", "paint-order": "stroke", "dominant-baseline": "hanging" };
  for (const { x, y, size, text } of titled) root.append(svg("text", { x: round(x), y: round(y), "font-size": size, "font-weight": 650, fill: ink.accent, ...halo }, plain(text)));
  for (const { x, y, size, text, font, faded } of boxes) {
    root.append(svg("text", { x: round(x), y: round(y + 1), "font-size": round(size), "font-weight": parseInt(font, 10), fill: faded ? ink.soft : ink.text, ...halo }, plain(text)));
  }
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(root)}\n`;
}

function arrowHead(from, to, place, edge, look, scale) {
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  const size = Math.max(3, 10 * look.arrows.to.scaleFactor * scale), back = (nodeSet.get(edge.t)?.size ?? 0) * scale;
  const tip = { x: to.x - back * Math.cos(angle), y: to.y - back * Math.sin(angle) };
  const corner = (turn) => `${round(tip.x - size * Math.cos(angle + turn))},${round(tip.y - size * Math.sin(angle + turn))}`;
  return svg("polygon", { points: `${round(tip.x)},${round(tip.y)} ${corner(0.4)} ${corner(-0.4)}`, fill: look.color.color, "fill-opacity": look.color.opacity });
}
const saveSvg = () => save("graph.svg", picture(), "image/svg+xml");
