// The buttons above the graph and beside it, saving, help, light and dark.
const modeButtons = new Map();
function buildTools() {
  const button = (name, act, kind = "") => el("button", { class: `button ${kind}`, type: "button", "aria-label": TEXT[name], title: TEXT[name], onclick: act }, icon(name), el("span", { class: "text" }, TEXT[name]));
  const overview = button("overview", () => setMode("overview"));
  modeButtons.set("overview", overview);
  const parts = [button("filters", toggleFilters, "only-small"), overview];
  if (canShowAll() && GRAPH.nodes.length > GRAPH.overview.length) {
    const all = button("everything", () => setMode("all"));
    modeButtons.set("all", all);
    parts.push(all);
  }
  const kinds = [["savePng", savePng], ["saveSvg", saveSvg], ["saveNodes", saveNodes], ["saveEdges", saveEdges], ["saveGraphml", saveGraphml], ["saveTurtle", saveTurtle]];
  const menu = el("div", { class: "menu" }, ...kinds.map(([name, act]) =>
    el("button", { class: "button", type: "button", onclick: () => { saving.open = false; saving.firstChild.focus(); Promise.resolve(act()).catch(fail); } }, el("span", { class: "text" }, TEXT[name]))));
  const saving = el("details", { id: "saving" }, el("summary", { "aria-label": TEXT.save, title: TEXT.save }, icon("save"), el("span", { class: "text" }, TEXT.save)), menu);
  saving.addEventListener("focusout", (event) => { if (!saving.contains(event.relatedTarget)) saving.open = false; });
  saving.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !saving.open) return;
    saving.open = false;
    saving.firstChild.focus();
    event.stopPropagation();
  });
  const small = (name, act) => el("button", { class: "button", type: "button", "aria-label": TEXT[name], title: TEXT[name], onclick: act }, icon(name));
  parts.push(button("table", () => showTable()), saving, small("theme", switchTheme), small("help", showHelp));
  byId("tools").replaceChildren(...parts);
  const zoom = (name, key, act) => el("button", { type: "button", "aria-label": TEXT[key], title: TEXT[key], onclick: act }, icon(name));
  byId("zoom").replaceChildren(zoom("plus", "zoomIn", () => zoomBy(1.35)), zoom("minus", "zoomOut", () => zoomBy(1 / 1.35)), zoom("fit", "fit", () => fit()));
}

function toggleFilters() {
  if (document.body.classList.toggle("show-filters")) byId("filters").querySelector("button, input")?.focus();
}

function showHelp() {
  openDialog(TEXT.help, el("div", {}, el("p", {}, TEXT.introHow), el("dl", { class: "keys" }, ...TEXT.keys.flatMap(([key, text]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, text)]))));
}

function theme() {
  let saved = null;
  try { saved = localStorage.getItem("paper-kg-theme"); } catch { /* storage may be forbidden for files */ }
  return saved ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
function switchTheme() {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  try { localStorage.setItem("paper-kg-theme", next); } catch { /* as above */ }
  setTheme(next);
}
function setTheme(name) {
  document.documentElement.dataset.theme = name;
  readInk();
  if (network) draw();
}

// A card at the pointer: the whole name of a thing, or the statement of a line.
function showTip(at, ...content) {
  const tip = byId("tip"), stage = byId("stage").getBoundingClientRect();
  tip.replaceChildren(...content);
  tip.hidden = false;
  const left = Math.min(Math.max(8, at.x + 14), stage.width - tip.offsetWidth - 8);
  const below = at.y + 18 + tip.offsetHeight < stage.height;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${below ? at.y + 18 : Math.max(8, at.y - tip.offsetHeight - 12)}px`;
}
const hideTip = () => { byId("tip").hidden = true; };

function tipOfThing(i, at) {
  const node = GRAPH.nodes[i], names = cut(node.names.join(", "), 160);
  showTip(at, el("div", { class: "kind" }, glyph(node.kind), el("span", {}, kindName(node)), node.baseline ? el("span", { class: "badge" }, TEXT.baseline) : null),
    el("strong", {}, bdi(cut(node.name, 240))), names && !node.isPaper ? el("div", { class: "quiet" }, bdi(TEXT.aliases(names))) : null,
    el("div", { class: "quiet" }, TEXT.tip(node.degree, node.paperCount)));
}

function tipOfEdge(i, at) {
  const edge = edgeAt(i);
  showTip(at, el("div", {}, bdi(cut(GRAPH.nodes[edge.s].name, 80)), " ", el("span", { class: "quiet" }, relationText(edge, edge.s)), " ", bdi(cut(GRAPH.nodes[edge.t].name, 80))),
    el("div", { class: "quiet" }, `${TEXT.confidence} ${percent(edge.confidence)}`));
}
