// Joins the parts: controls, keyboard, selection, the address of the view.
let rowsOfSearch = null;
let pathFrom = -1;
let writing = false;

function refresh({ refit = false, quick = false, panel = true } = {}) {
  draw();
  if (panel) showPanel();
  if (refit) fit(covered() && state.mode === "overview" && shown.places.has(state.selected) ? nearby(state.selected) : undefined, quick);
  document.getElementById("empty").hidden = shown.places.size > 0;
  const status = document.getElementById("status");
  status.textContent = TEXT.drawn(number(shown.places.size), number(GRAPH.nodes.length), number(shown.edges.length));
  status.dataset.nodes = shown.places.size;
  status.dataset.edges = shown.edges.length;
  showCrumbs();
  writeFragment();
}

const nearby = (i) => [i, ...neighbours(i).filter((other) => shown.places.has(other))];

function showPanel() {
  if (state.edge >= 0) showEdge(state.edge);
  else if (state.selected >= 0) showThing(state.selected);
  else showIntro();
  document.body.classList.toggle("show-panel", state.edge >= 0 || state.selected >= 0);
}

function writeFragment() {
  const next = fragment();
  if (next === location.hash.slice(1)) return;
  writing = true;
  history.replaceState(null, "", next ? `#${next}` : location.pathname + location.search);
  writing = false;
}

function showCrumbs() {
  const crumbs = document.getElementById("crumbs");
  const button = (name, content, act) => el("button", { class: "button", type: "button", onclick: act, title: TEXT[name] ?? "" }, icon(name), el("span", {}, content));
  const parts = [];
  if (past.length) parts.push(button("back", TEXT.back, back));
  if (state.mode === "focus") parts.push(el("span", { class: "button primary" }, glyph(GRAPH.nodes[state.focus].kind), el("span", {}, bdi(cut(GRAPH.nodes[state.focus].name, 40)))));
  if (state.mode === "path") parts.push(el("span", { class: "button primary" }, el("span", {}, TEXT.pathFound(state.path.length - 1))));
  if (pathFrom >= 0) parts.push(button("close", TEXT.pathHint(cut(GRAPH.nodes[pathFrom].name, 40)), () => { pathFrom = -1; showCrumbs(); }));
  if (compared.length === 1) parts.push(button("compare", TEXT.compareOne(cut(GRAPH.nodes[compared[0]].name, 30)), () => toggleCompared(compared[0])));
  if (compared.length > 1) parts.push(button("compare", TEXT.compareNow(compared.length), showComparison));
  crumbs.replaceChildren(...parts);
  for (const [mode, node] of modeButtons) node.setAttribute("aria-pressed", String(state.mode === mode));
}

function say(text) {
  document.getElementById("status").textContent = text;
}

// Select a thing; where it is not drawn, it is drawn beside its best drawn neighbour, or else focused.
function choose(i, move = false) {
  if (pathFrom >= 0 && i !== pathFrom) return endPath(i);
  state.edge = -1;
  state.selected = i;
  if (!shown.places.has(i)) {
    if (!nodePasses(GRAPH.nodes[i])) {
      state.kindsOff.delete(GRAPH.nodes[i].kind);
      state.hidden.delete(i);
      buildFilters();
    }
    const anchor = neighbours(i).find((other) => shown.places.has(other));
    if (state.mode === "all" || anchor === undefined) return focusOn(i);
    remember();
    for (const [other, spot] of arrangeExtra(anchor, [i], shown.places)) state.extra.set(other, spot);
    bound();
  }
  refresh();
  if (move || covered()) reveal(i);
  const node = GRAPH.nodes[i];
  say(TEXT.selected(kindName(node), cut(node.name, 80), node.edges.length));
}

function expand(i, count) {
  if (!shown.places.has(i)) return;
  const wanted = neighbours(i).filter((other) => !shown.places.has(other)).slice(0, count);
  if (!wanted.length) return;
  remember();
  for (const [other, spot] of arrangeExtra(i, wanted, shown.places)) state.extra.set(other, spot);
  bound();
  refresh({ refit: state.mode === "focus" });
}

// What was brought in first goes first, so that the picture stays readable however far the reader goes.
function bound() {
  const room = Math.max(60, DRAWN_LIMIT - basePositions().size);
  for (const i of state.extra.keys()) {
    if (state.extra.size <= room) break;
    if (i !== state.selected) state.extra.delete(i);
  }
}

function focusOn(i) {
  remember();
  Object.assign(state, { mode: "focus", focus: i, selected: i, edge: -1, extra: new Map() });
  state.hidden.delete(i);
  refresh({ refit: true });
  say(TEXT.selected(kindName(GRAPH.nodes[i]), cut(GRAPH.nodes[i].name, 80), GRAPH.nodes[i].edges.length));
}

function setMode(mode) {
  if (state.mode === mode && !state.extra.size) return fit();
  remember();
  Object.assign(state, { mode, focus: -1, edge: -1, extra: new Map(), path: [] });
  state.hidden.clear();
  refresh({ refit: true });
}

function hide(i) {
  remember();
  state.hidden.add(i);
  if (state.focus === i) Object.assign(state, { mode: "overview", focus: -1 });
  state.selected = -1;
  refresh();
}

function startPath(i) {
  pathFrom = i;
  showCrumbs();
  document.getElementById("search").focus();
}

function endPath(i) {
  const from = pathFrom;
  pathFrom = -1;
  const path = shortestPath(from, i);
  if (!path) {
    showCrumbs();
    return say(TEXT.noPath(cut(GRAPH.nodes[from].name, 40), cut(GRAPH.nodes[i].name, 40)));
  }
  remember();
  Object.assign(state, { mode: "path", path, focus: -1, selected: i, edge: -1, extra: new Map() });
  return refresh({ refit: true });
}

function back() {
  const former = past.pop();
  if (!former) return;
  Object.assign(state, former, { edge: -1 });
  state.hidden.clear();
  refresh({ refit: true });
}

function clearSelection() {
  const had = state.selected >= 0 || state.edge >= 0;
  state.selected = -1;
  state.edge = -1;
  pathFrom = -1;
  refresh();
  if (had) document.getElementById("canvas").focus();
}

function buildSearch() {
  const box = document.getElementById("search-box");
  const list = el("ul", { id: "options", role: "listbox", "aria-label": TEXT.searchLabel, hidden: true });
  const input = el("input", { id: "search", type: "search", role: "combobox", placeholder: TEXT.search, autocomplete: "off", spellcheck: "false", "aria-label": TEXT.searchLabel, "aria-controls": "options", "aria-expanded": "false", "aria-autocomplete": "list" });
  let found = [], active = -1;
  const open = (yes) => { list.hidden = !yes; input.setAttribute("aria-expanded", String(yes)); if (!yes) input.removeAttribute("aria-activedescendant"); };
  const mark = (to) => {
    active = to;
    [...list.children].forEach((row, k) => row.setAttribute("aria-selected", String(k === active)));
    if (active >= 0 && list.children[active].id) {
      input.setAttribute("aria-activedescendant", list.children[active].id);
      list.children[active].scrollIntoView({ block: "nearest" });
    }
  };
  const take = (k) => {
    open(false);
    input.value = "";
    if (!matchMedia("(max-width: 860px)").matches) document.getElementById("canvas").focus();
    else input.blur();
    choose(found[k].i, true);
  };
  const show = () => {
    rowsOfSearch ??= searchIndex(GRAPH.nodes);
    found = search(rowsOfSearch, input.value);
    if (!fold(input.value)) return open(false);
    list.replaceChildren(...found.map(({ i, alias }, k) => {
      const node = GRAPH.nodes[i];
      const name = el("span", { class: "name" }, bdi(cut(node.name, 160)), alias ? el("span", { class: "quiet" }, " ", bdi(TEXT.alias(cut(alias, 80)))) : null);
      const row = el("li", { id: `option-${k}`, role: "option", "aria-selected": "false" }, glyph(node.kind), name, el("span", { class: "count" }, kindName(node)));
      row.addEventListener("mousedown", (event) => { event.preventDefault(); take(k); });
      return row;
    }));
    if (!found.length) list.append(el("li", { class: "none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, TEXT.noMatch));
    open(true);
    mark(found.length ? 0 : -1);
    say(found.length ? TEXT.matches(found.length) : TEXT.noMatch);
    return undefined;
  };
  input.addEventListener("input", show);
  input.addEventListener("blur", () => open(false));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) show();
      else if (found.length) mark((active + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length);
    } else if (event.key === "Enter" && !list.hidden && active >= 0) take(active);
    else if (event.key === "Escape") {
      if (list.hidden && !input.value) document.getElementById("canvas").focus();
      input.value = "";
      open(false);
    } else return;
    event.stopPropagation();
  });
  box.replaceChildren(icon("search"), input, el("kbd", { "aria-hidden": "true" }, "/"), list);
}

function buildFilters() {
  const counts = (items, key) => items.reduce((map, item) => map.set(item[key], (map.get(item[key]) ?? 0) + 1), new Map());
  const toggle = (set, k) => { if (set.has(k)) set.delete(k); else set.add(k); refresh(); };
  const row = (set, k, sample, text, count, name) => {
    const box = el("input", { type: "checkbox", checked: !set.has(k), name });
    const label = el("label", { class: `check${set.has(k) ? " off" : ""}` }, box, sample, el("span", { class: "what" }, text), el("span", { class: "count" }, number(count)));
    box.addEventListener("change", () => { toggle(set, k); label.classList.toggle("off", set.has(k)); });
    return label;
  };
  const head = (text, set) => el("div", { class: "head" }, el("h2", {}, text),
    set ? el("button", { type: "button", "aria-label": `${TEXT.allKinds}: ${text}`, onclick: () => { set.clear(); buildFilters(); refresh(); } }, TEXT.allKinds) : null);
  const kinds = counts(GRAPH.nodes, "kind"), relations = counts(GRAPH.edges, "relation");
  const parts = [
    el("section", {}, head(TEXT.kinds, state.kindsOff), ...GRAPH.kinds.flatMap((kind, k) => (kinds.has(k) ? [row(state.kindsOff, k, glyph(k), TEXT.plural[kind.name], kinds.get(k), `kind-${kind.name}`)] : [])),
      GRAPH.nodes.some((node) => node.baseline) ? el("p", { class: "quiet note" }, TEXT.legend) : null),
    el("section", {}, head(TEXT.relations, state.relationsOff), ...GRAPH.relations.flatMap((relation, k) => (relations.has(k) ? [row(state.relationsOff, k, lineSample(k), TEXT.relation[relation.name][0], relations.get(k), `relation-${relation.name}`)] : []))),
  ];
  const value = el("span", { class: "count" }, TEXT.atLeast(percent(state.confidence)));
  const slider = el("input", { type: "range", id: "confidence", min: "0", max: "1", step: "0.05", value: String(state.confidence), "aria-label": TEXT.confidence });
  slider.addEventListener("input", () => { state.confidence = Number(slider.value); value.textContent = TEXT.atLeast(percent(state.confidence)); refresh(); });
  parts.push(el("section", {}, el("div", { class: "head" }, el("h2", {}, TEXT.confidence), value), slider));
  if (GRAPH.years.length > 1) {
    const select = (key, label, otherwise) => {
      const node = el("select", { id: `year-${key}`, "aria-label": label }, ...GRAPH.years.map((year) => el("option", { value: String(year) }, String(year))));
      node.value = String(state[key] ?? otherwise);
      node.addEventListener("change", () => { state[key] = Number(node.value) === otherwise ? null : Number(node.value); refresh(); });
      return node;
    };
    const undated = GRAPH.nodes.some((node) => kindName(node) === "Paper" && node.year === undefined);
    parts.push(el("section", {}, head(TEXT.years), el("div", { class: "pair" }, select("from", TEXT.from, GRAPH.years[0]), "\u2013", select("to", TEXT.to, GRAPH.years.at(-1))),
      undated ? el("p", { class: "quiet note" }, TEXT.undated) : null));
  }
  const filters = document.getElementById("filters");
  filters.setAttribute("aria-label", TEXT.filters);
  filters.replaceChildren(...parts);
}

const modeButtons = new Map();
function buildTools() {
  const button = (name, act, kind = "") => el("button", { class: `button ${kind}`, type: "button", "aria-label": TEXT[name], title: TEXT[name], onclick: act }, icon(name), el("span", { class: "text" }, TEXT[name]));
  const overview = button("overview", () => setMode("overview"));
  modeButtons.set("overview", overview);
  const parts = [button("filters", () => { document.body.classList.toggle("show-filters"); }, "only-small"), overview];
  if (GRAPH.nodes.length <= ALL_LIMIT && GRAPH.nodes.length > GRAPH.overview.length) {
    const all = button("everything", () => setMode("all"));
    modeButtons.set("all", all);
    parts.push(all);
  }
  const menu = el("div", { class: "menu" }, ...[["savePng", savePicture], ["saveNodes", saveNodes], ["saveEdges", saveEdges]].map(([name, act]) =>
    el("button", { class: "button", type: "button", onclick: () => { saving.open = false; act(); } }, el("span", { class: "text" }, TEXT[name]))));
  const saving = el("details", {}, el("summary", { "aria-label": TEXT.save, title: TEXT.save }, icon("save"), el("span", { class: "text" }, TEXT.save)), menu);
  saving.addEventListener("focusout", (event) => { if (!saving.contains(event.relatedTarget)) saving.open = false; });
  const plain = (name, act) => el("button", { class: "button", type: "button", "aria-label": TEXT[name], title: TEXT[name], onclick: act }, icon(name));
  parts.push(button("table", showTable), saving, plain("theme", switchTheme), plain("help", showHelp));
  document.getElementById("tools").replaceChildren(...parts);
  const zoom = (name, key, act) => el("button", { type: "button", "aria-label": TEXT[key], title: TEXT[key], onclick: act }, icon(name));
  document.getElementById("zoom").replaceChildren(zoom("plus", "zoomIn", () => zoomBy(1.35)), zoom("minus", "zoomOut", () => zoomBy(1 / 1.35)), zoom("fit", "fit", () => fit()));
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

const KEYS = {
  ArrowUp: () => step(0, -1), ArrowDown: () => step(0, 1), ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0),
  Enter: () => { if (state.selected >= 0) focusOn(state.selected); }, " ": () => { if (state.selected >= 0) expand(state.selected, 12); },
  "+": () => zoomBy(1.35), "=": () => zoomBy(1.35), "-": () => zoomBy(1 / 1.35), 0: () => fit(), Backspace: back, Escape: clearSelection,
};
function step(dx, dy) {
  const next = toward(dx, dy);
  if (next >= 0) choose(next, true);
}

function listen() {
  const canvas = document.getElementById("canvas");
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  document.addEventListener("keydown", (event) => {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName) && event.target.type !== "checkbox" && event.target.type !== "range";
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.getElementById("help").open) return;
    if (event.key === "/") { event.preventDefault(); document.getElementById("search").focus(); }
    else if (event.key === "?") showHelp();
    else if (event.key === "Escape" && event.target !== canvas) { document.body.classList.remove("show-filters"); clearSelection(); }
  });
  network.on("click", ({ nodes, edges, pointer }) => {
    canvas.focus({ preventScroll: true });
    document.body.classList.remove("show-filters");
    const hit = nodes[0] ?? labelAt(pointer.DOM);
    if (hit >= 0) {
      const grow = state.selected !== hit && pathFrom < 0 && state.mode !== "all";
      choose(hit);
      if (grow) expand(hit, 8);
    } else if (edges.length) {
      state.edge = edges[0];
      refresh();
    } else if (state.selected >= 0 || state.edge >= 0) clearSelection();
  });
  network.on("doubleClick", ({ nodes, pointer }) => {
    const hit = nodes[0] ?? labelAt(pointer.DOM);
    if (hit >= 0) focusOn(hit);
  });
  network.on("dragEnd", ({ nodes }) => {
    for (const [i, place] of Object.entries(network.getPositions(nodes))) {
      state.extra.set(Number(i), { ...shown.places.get(Number(i)), ...place });
      draw();
    }
  });
  network.on("hoverNode", () => { canvas.style.cursor = "pointer"; });
  network.on("blurNode", () => { canvas.style.cursor = ""; });
  addEventListener("hashchange", () => { if (!writing) { readFragment(); buildFilters(); refresh({ refit: true }); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(theme()));
}

async function start() {
  setTheme(theme());
  GRAPH = linkData(await readData());
  document.getElementById("title").textContent = cut(GRAPH.title, 200);
  const skip = document.getElementById("skip");
  skip.textContent = TEXT.skip;
  skip.addEventListener("click", (event) => { event.preventDefault(); document.getElementById("canvas").focus(); });
  const canvas = document.getElementById("canvas");
  const stage = el("div", { class: "drawing" });
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", TEXT.canvas);
  canvas.append(stage);
  document.getElementById("empty").textContent = TEXT.nothing;
  document.getElementById("tools").setAttribute("aria-label", TEXT.tools);
  document.getElementById("panel").setAttribute("aria-label", TEXT.thing);
  readFragment();
  buildSearch();
  buildTools();
  buildFilters();
  startDrawing(stage);
  listen();
  refresh({ refit: true, quick: true });
  document.documentElement.dataset.readyAfter = Math.round(performance.now());
  document.documentElement.dataset.ready = "true";
}

start().catch((problem) => {
  const empty = document.getElementById("empty");
  empty.textContent = TEXT.failed + problem.message;
  empty.hidden = false;
  throw problem;
});
