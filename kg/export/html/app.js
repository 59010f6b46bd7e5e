// Joins the parts: controls, keyboard, selection, the address of the view.
let pathFrom = -1;
let writing = false;

function refresh({ refit = false, quick = false, panel = true } = {}) {
  draw();
  if (panel) showPanel();
  if (refit) fit(covered() && state.mode === "overview" && shown.places.has(state.selected) ? nearby(state.selected) : undefined, quick);
  byId("empty").hidden = shown.places.size > 0;
  const status = byId("status");
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
  else if (state.mode === "cluster") showCluster(state.cluster);
  else showIntro();
  document.body.classList.toggle("show-panel", state.edge >= 0 || state.selected >= 0 || state.mode === "cluster");
}

function writeFragment() {
  const next = fragment();
  if (next === location.hash.slice(1)) return;
  writing = true;
  history.replaceState(null, "", next ? `#${next}` : location.pathname + location.search);
  writing = false;
}

function showCrumbs() {
  const crumbs = byId("crumbs");
  const button = (name, content, act) => el("button", { class: "button", type: "button", onclick: act, title: TEXT[name] ?? "" }, icon(name), el("span", {}, content));
  const parts = [];
  if (past.length) parts.push(button("back", TEXT.back, back));
  if (state.mode === "focus") parts.push(el("span", { class: "button primary" }, glyph(GRAPH.nodes[state.focus].kind), el("span", {}, bdi(cut(GRAPH.nodes[state.focus].name, 40)))));
  if (state.mode === "cluster") parts.push(el("span", { class: "button primary" }, el("span", {}, bdi(GRAPH.clusters[state.cluster].label))));
  if (state.mode === "path") parts.push(el("span", { class: "button primary" }, el("span", {}, TEXT.pathFound(state.path.length - 1))));
  if (pathFrom >= 0) parts.push(button("close", TEXT.pathHint(cut(GRAPH.nodes[pathFrom].name, 40)), () => { pathFrom = -1; showCrumbs(); }));
  if (compared.length === 1) parts.push(button("compare", TEXT.compareOne(cut(GRAPH.nodes[compared[0]].name, 30)), () => toggleCompared(compared[0])));
  if (compared.length > 1) parts.push(button("compare", TEXT.compareNow(compared.length), showComparison));
  if (state.hidden.size) parts.push(button("eye", TEXT.unhide(state.hidden.size), unhide));
  crumbs.replaceChildren(...parts);
  for (const [mode, node] of modeButtons) node.setAttribute("aria-pressed", String(state.mode === mode));
}

function say(text) {
  byId("status").textContent = text;
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
      if (state.topic !== GRAPH.nodes[i].topic) state.topic = -1;
      if (!nodePasses(GRAPH.nodes[i])) Object.assign(state, { paper: -1, from: null, to: null });
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
  say(TEXT.selected(kindName(node), cut(node.name, 80), node.degree));
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
    if (i !== state.selected && !state.pinned.has(i)) state.extra.delete(i);
  }
}

function focusOn(i) {
  remember();
  Object.assign(state, { mode: "focus", focus: i, cluster: -1, selected: i, edge: -1 });
  state.hidden.delete(i);
  keepPinned();
  refresh({ refit: true });
  say(TEXT.selected(kindName(GRAPH.nodes[i]), cut(GRAPH.nodes[i].name, 80), GRAPH.nodes[i].degree));
}

function setMode(mode) {
  if (state.mode === mode && !state.extra.size && state.paper < 0) return fit();
  remember();
  const selected = state.mode === "cluster" ? -1 : state.selected;
  Object.assign(state, { mode, focus: -1, cluster: -1, selected, edge: -1, path: [] });
  if (mode === "overview" && state.paper >= 0) { state.paper = -1; buildFilters(); }
  keepPinned();
  refresh({ refit: true });
}

function openCluster(k) {
  remember();
  Object.assign(state, { mode: "cluster", cluster: k, focus: -1, selected: -1, edge: -1, path: [] });
  if (state.paper >= 0) { state.paper = -1; buildFilters(); }
  keepPinned();
  refresh({ refit: true });
  say(TEXT.openedCluster(GRAPH.clusters[k].label));
}

function hide(i) {
  remember();
  state.hidden.add(i);
  state.pinned.delete(i);
  if (state.focus === i) Object.assign(state, { mode: "overview", focus: -1 });
  state.selected = -1;
  refresh();
  byId("canvas").focus();
}

function unhide() {
  remember();
  state.hidden = new Set();
  refresh();
  byId("canvas").focus();
}

// A pinned thing keeps its place and stays in the picture when the view changes.
function togglePin(i) {
  const place = shown.places.get(i);
  if (state.pinned.delete(i)) state.extra.delete(i);
  else if (place) { state.pinned.add(i); state.extra.set(i, place); }
  refresh();
}

function startPath(i) {
  pathFrom = i;
  showCrumbs();
  byId("search").focus();
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
  Object.assign(state, { mode: "path", path, focus: -1, cluster: -1, selected: i, edge: -1 });
  keepPinned();
  return refresh({ refit: true });
}

function back() {
  const former = past.pop();
  if (!former) return;
  Object.assign(state, former, { edge: -1 });
  refresh({ refit: true });
}

function clearSelection() {
  const had = state.selected >= 0 || state.edge >= 0;
  state.selected = -1;
  state.edge = -1;
  pathFrom = -1;
  refresh();
  if (had) byId("canvas").focus();
}

const KEYS = {
  ArrowUp: () => step(0, -1), ArrowDown: () => step(0, 1), ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0),
  Enter: () => { if (state.selected >= 0) focusOn(state.selected); }, " ": () => { if (state.selected >= 0) expand(state.selected, 12); },
  "+": () => zoomBy(1.35), "=": () => zoomBy(1.35), "-": () => zoomBy(1 / 1.35), 0: () => fit(), Backspace: back, Escape: clearSelection,
  h: () => { if (state.selected >= 0) hide(state.selected); }, p: () => { if (state.selected >= 0) togglePin(state.selected); },
};
function step(dx, dy) {
  const next = toward(dx, dy);
  if (next >= 0) choose(next, true);
}

function listen() {
  const canvas = byId("canvas");
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  document.addEventListener("keydown", (event) => {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName) && event.target.type !== "checkbox" && event.target.type !== "range";
    if (typing || event.ctrlKey || event.metaKey || event.altKey || byId("dialog").open) return;
    if (event.key === "/") { event.preventDefault(); byId("search").focus(); }
    else if (event.key === "?") showHelp();
    else if (event.key === "Escape" && event.target !== canvas) { document.body.classList.remove("show-filters"); clearSelection(); }
  });
  network.on("click", ({ nodes, edges, pointer }) => {
    canvas.focus({ preventScroll: true });
    document.body.classList.remove("show-filters");
    const hit = nodes[0] ?? labelAt(pointer.DOM);
    const region = titleAt(pointer.DOM);
    hideTip();
    if (hit < 0 && region >= 0) return openCluster(region);
    if (hit >= 0) {
      const grow = state.selected !== hit && pathFrom < 0 && state.mode !== "all";
      choose(hit);
      if (grow) expand(hit, 8);
    } else if (edges.length) {
      state.edge = edges[0];
      refresh();
    } else if (state.selected >= 0 || state.edge >= 0) clearSelection();
    return undefined;
  });
  network.on("doubleClick", ({ nodes, pointer }) => {
    const hit = nodes[0] ?? labelAt(pointer.DOM);
    if (hit >= 0) focusOn(hit);
  });
  network.on("dragStart", hideTip);
  network.on("zoom", hideTip);
  network.on("dragEnd", ({ nodes }) => {
    for (const [name, place] of Object.entries(network.getPositions(nodes))) {
      state.extra.set(Number(name), { ...shown.places.get(Number(name)), ...place });
      state.pinned.add(Number(name));
    }
    if (nodes.length) refresh();
  });
  network.on("hoverNode", ({ node, pointer }) => { canvas.style.cursor = "pointer"; tipOfThing(node, pointer.DOM); });
  network.on("hoverEdge", ({ edge, pointer }) => { canvas.style.cursor = "pointer"; tipOfEdge(edge, pointer.DOM); });
  for (const gone of ["blurNode", "blurEdge"]) network.on(gone, () => { canvas.style.cursor = ""; hideTip(); });
  canvas.addEventListener("mousemove", (event) => {
    const stage = canvas.getBoundingClientRect();
    const over = titleAt({ x: event.clientX - stage.left, y: event.clientY - stage.top });
    if (over === overRegion) return;
    overRegion = over;
    canvas.style.cursor = over >= 0 ? "pointer" : "";
    network.redraw();
  });
  canvas.addEventListener("mouseleave", hideTip);
  addEventListener("hashchange", () => { if (!writing) { readFragment(); buildFilters(); refresh({ refit: true }); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(theme()));
}

async function start() {
  setTheme(theme());
  GRAPH = linkData(await part("core"));
  byId("title").textContent = cut(GRAPH.title, 200);
  const skip = byId("skip");
  skip.textContent = TEXT.skip;
  skip.addEventListener("click", (event) => { event.preventDefault(); byId("canvas").focus(); });
  const canvas = byId("canvas");
  const stage = el("div", { class: "drawing" });
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", TEXT.canvas);
  canvas.append(stage);
  byId("empty").textContent = GRAPH.nodes.length ? TEXT.nothing : TEXT.emptyGraph;
  byId("tools").setAttribute("aria-label", TEXT.tools);
  byId("panel").setAttribute("aria-label", TEXT.thing);
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

// What was not needed for the first picture is unpacked and indexed in slices while the page is idle.
function prepare() {
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(() => act({ timeRemaining: () => 10 }), 30));
  const work = (deadline) => { if (!indexTo(deadline)) idle(work); };
  idle(async () => {
    await nameParts();
    if (indexed < 0) indexed = 0;
    idle(work);
    await resultParts();
  });
}

function fail(problem) {
  const empty = byId("empty");
  empty.textContent = TEXT.failed + problem.message;
  empty.hidden = false;
  throw problem;
}

start().then(prepare).catch(fail);
