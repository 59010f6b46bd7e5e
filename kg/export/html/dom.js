// The few helpers that make elements. Text of papers only ever becomes text nodes.
const SVG = "http://www.w3.org/2000/svg";
const ATTRIBUTES = new Set(["class", "id", "type", "role", "tabindex", "for", "value", "min", "max", "step", "placeholder",
  "autocomplete", "spellcheck", "title", "open", "disabled", "hidden", "checked", "scope", "lang", "dir", "name"]);

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key.startsWith("aria-") || key.startsWith("data-")) node.setAttribute(key, value);
    else if (!ATTRIBUTES.has(key)) throw new Error(`attribute ${key}`);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// A name of unknown writing direction; bdi keeps its marks from turning the words around it.
const bdi = (text) => el("bdi", {}, text);

// A link only where the address is plain http(s); anything else stays text.
function link(address, ...children) {
  let target = null;
  try { target = new URL(address); } catch { /* not an address */ }
  if (!target || !["http:", "https:"].includes(target.protocol)) return el("span", {}, ...children);
  const node = el("a", {}, ...children);
  node.href = target.href;
  node.target = "_blank";
  node.rel = "noopener noreferrer";
  return node;
}

const ICONS = {
  search: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.3 15.3 20 20", close: "M6 6l12 12M18 6 6 18",
  filters: "M4 6h16M7 12h10M10 18h4", overview: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  everything: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18",
  table: "M4 5h16v14H4zM4 10h16M10 5v14", save: "M12 4v11M7 10l5 5 5-5M5 20h14",
  help: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M12 16.6v.4",
  theme: "M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.500 10.500z", back: "M10 5l-6 7 6 7M4 12h16", plus: "M12 5v14M5 12h14",
  minus: "M5 12h14", fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  focus: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 2v4M12 18v4M2 12h4M18 12h4", path: "M6 18a2 2 0 1 0 .1 0zM18 6a2 2 0 1 0 .1 0zM8 17c6-1 2-9 8-11",
  compare: "M4 5h6v14H4zM14 5h6v14h-6z",
  pin: "M9 3h6l-1 6 4 4H6l4-4zM12 13v8", eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7zM12 9a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
  hide: "M4 4l16 16M9.900 5.500A9 9 0 0 1 21 12a12 12 0 0 1-2.300 3M6 7.500A12 12 0 0 0 3 12a9.500 9.500 0 0 0 12 6", copy: "M9 9h11v11H9zM5 15H4V4h11v1",
};
const icon = (name) =>
  svg("svg", { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" },
    svg("path", { d: ICONS[name] }));

// The same shapes as vis-network draws, for legend and lists.
const OUTLINES = {
  square: "M2 2h10v10H2z", diamond: "M7 .5 13.500 7 7 13.500 .5 7z", triangle: "M7 1l6.500 11.500h-13z", triangleDown: "M7 13 .5 1.500h13z",
  hexagon: "M3.700 1.200h6.600L13.600 7l-3.300 5.800H3.700L.4 7z", dot: "M7 1a6 6 0 1 1 0 12A6 6 0 0 1 7 1z",
};
function glyph(kind) {
  const look = GRAPH.kinds[kind];
  return svg("svg", { viewBox: "0 0 14 14", class: "glyph", "aria-hidden": "true" }, svg("path", { d: OUTLINES[look.shape], fill: look.color }));
}

const number = (n) => n.toLocaleString("en");
const percent = (value) => `${Math.round(value * 100)}%`;
const cut = (text, limit) => (text.length <= limit ? text : `${Array.from(text.slice(0, limit * 2)).slice(0, limit - 1).join("")}\u2026`);
const byId = (id) => document.getElementById(id);

// Copies text also where a page from disk has no clipboard of its own.
async function copyText(text) {
  const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  if (done) return true;
  const area = el("textarea", { class: "sr", "aria-hidden": "true", tabindex: "-1" });
  const holder = document.querySelector("dialog[open]") ?? document.body;
  const before = document.activeElement;
  area.value = text;
  holder.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  before?.focus();
  return copied;
}
