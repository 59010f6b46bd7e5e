// Search with typing ahead, and the filters.

// A text field with a list of found things below it, after the combobox pattern of WAI-ARIA.
function combobox({ id, label, placeholder, accept = () => true, take, parts = [] }) {
  const list = el("ul", { id: `${id}-options`, class: "options", role: "listbox", "aria-label": label, hidden: true });
  const input = el("input", { id, type: "search", role: "combobox", placeholder, autocomplete: "off", spellcheck: "false", "aria-label": label, "aria-controls": list.id, "aria-expanded": "false", "aria-autocomplete": "list" });
  let found = [], active = -1;
  const open = (yes) => { list.hidden = !yes; input.setAttribute("aria-expanded", String(yes)); if (!yes) input.removeAttribute("aria-activedescendant"); };
  const mark = (to) => {
    active = to;
    [...list.children].forEach((row, k) => row.setAttribute("aria-selected", String(k === active)));
    if (active >= 0) {
      input.setAttribute("aria-activedescendant", list.children[active].id);
      list.children[active].scrollIntoView({ block: "nearest" });
    }
  };
  const choose_ = (k) => {
    open(false);
    input.value = "";
    take(found[k].i, input);
  };
  const show = async () => {
    const typed = input.value;
    if (!fold(typed)) return open(false);
    await nameParts();
    if (indexed < 0) indexed = 0;
    indexTo();
    if (input.value !== typed) return undefined;
    found = search(rowsOfSearch, typed, accept);
    list.replaceChildren(...found.map(({ i, alias }, k) => {
      const node = GRAPH.nodes[i];
      const name = el("span", { class: "name" }, bdi(cut(node.name, 160)), alias ? el("span", { class: "quiet" }, " ", bdi(TEXT.alias(cut(alias, 80)))) : null);
      const row = el("li", { id: `${id}-option-${k}`, role: "option", "aria-selected": "false" }, glyph(node.kind), name, el("span", { class: "count" }, node.isPaper && node.year ? String(node.year) : kindName(node)));
      row.addEventListener("mousedown", (event) => { event.preventDefault(); choose_(k); });
      return row;
    }));
    if (!found.length) list.append(el("li", { class: "none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, TEXT.noMatch));
    list.dataset.typed = typed;
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
    } else if (event.key === "Enter" && !list.hidden && active >= 0) {
      // Else the key would also press what gets the focus.
      event.preventDefault();
      choose_(active);
    } else if (event.key === "Escape") {
      if (list.hidden && !input.value) byId("canvas").focus();
      input.value = "";
      open(false);
    } else return;
    event.stopPropagation();
  });
  return [...parts.slice(0, 1), input, ...parts.slice(1), list];
}

function buildSearch() {
  const take = (i, input) => {
    if (!matchMedia("(max-width: 860px)").matches) byId("canvas").focus();
    else input.blur();
    choose(i, true);
  };
  byId("search-box").replaceChildren(...combobox({ id: "search", label: TEXT.searchLabel, placeholder: TEXT.search, take, parts: [icon("search"), el("kbd", { "aria-hidden": "true" }, "/")] }));
}

function setPaper(i) {
  remember();
  if (i < 0 && state.selected === state.paper) state.selected = -1;
  state.paper = i;
  state.edge = -1;
  if (i >= 0) state.selected = i;
  // A paper of another topic would leave nothing to see.
  if (i >= 0 && state.topic !== GRAPH.nodes[i].topic) state.topic = -1;
  if (i >= 0 && state.mode !== "focus") Object.assign(state, { mode: "overview", cluster: -1, path: [] });
  keepPinned();
  buildFilters();
  refresh({ refit: true });
  say(i < 0 ? TEXT.allPapers : TEXT.ofPaper(cut(GRAPH.nodes[i].name, 80)));
}

function setTopic(k) {
  remember();
  state.topic = k;
  state.edge = -1;
  // A topic is seen in a picture of many things; around one thing and on a path there is little of it.
  if (k >= 0 && state.mode !== "all" && state.mode !== "cluster") Object.assign(state, { mode: "overview", focus: -1, path: [] });
  if (k >= 0 && state.paper >= 0 && GRAPH.nodes[state.paper].topic !== k) state.paper = -1;
  keepPinned();
  buildFilters();
  refresh({ refit: true });
  say(`${k < 0 ? TEXT.allTopics : `${TEXT.topic}: ${topicName(k)}`}. ${TEXT.drawn(number(shown.places.size), number(GRAPH.nodes.length), number(shown.edges.length))}`);
}

function topicFilter() {
  const counts = GRAPH.topics.map(() => 0);
  for (const node of GRAPH.nodes) if (node.isPaper && node.topic >= 0) counts[node.topic] += 1;
  const select = el("select", { id: "topic", class: "wide", "aria-label": TEXT.topic }, el("option", { value: "-1" }, TEXT.allTopics),
    ...counts.flatMap((count, k) => (count ? [el("option", { value: String(k) }, `${cut(topicName(k), 100)} (${number(count)})`)] : [])));
  select.value = String(state.topic);
  select.addEventListener("change", () => { setTopic(Number(select.value)); byId("topic").focus(); });
  // The box is too narrow for most names.
  return el("div", {}, select, state.topic >= 0 ? el("p", { class: "quiet note" }, bdi(cut(topicName(state.topic), 200))) : null);
}

function paperFilter() {
  if (state.paper >= 0) {
    const paper = GRAPH.nodes[state.paper];
    return el("div", { class: "chosen" }, el("button", { class: "link", type: "button", onclick: () => choose(paper.i, true) }, bdi(cut(paper.name, 120))),
      el("button", { class: "close", type: "button", id: "paper-clear", "aria-label": TEXT.allPapers, title: TEXT.allPapers, onclick: () => { setPaper(-1); byId("paper").focus(); } }, icon("close")));
  }
  const take = (i) => { setPaper(i); byId("paper-clear").focus(); };
  return el("div", { class: "search small" }, ...combobox({ id: "paper", label: TEXT.paperFilter, placeholder: TEXT.paperPlaceholder, accept: (i) => GRAPH.nodes[i].isPaper, take }));
}

function buildFilters() {
  const counts = (numbers) => numbers.reduce((map, k) => map.set(k, (map.get(k) ?? 0) + 1), new Map());
  const toggle = (set, k) => { if (set.has(k)) set.delete(k); else set.add(k); refresh(); };
  const row = (set, k, sample, text, count, name) => {
    const box = el("input", { type: "checkbox", checked: !set.has(k), name });
    const label = el("label", { class: `check${set.has(k) ? " off" : ""}` }, box, sample, el("span", { class: "what" }, text), el("span", { class: "count" }, number(count)));
    box.addEventListener("change", () => { toggle(set, k); label.classList.toggle("off", set.has(k)); });
    return label;
  };
  const head = (text, set) => el("div", { class: "head" }, el("h2", {}, text),
    set ? el("button", { type: "button", "aria-label": `${TEXT.allKinds}: ${text}`, onclick: () => { set.clear(); buildFilters(); refresh(); } }, TEXT.allKinds) : null);
  const kinds = counts(GRAPH.nodes.map((node) => node.kind)), relations = counts(GRAPH.edges.relation);
  const parts = [
    el("section", {}, head(TEXT.kinds, state.kindsOff), ...GRAPH.kinds.flatMap((kind, k) => (kinds.has(k) ? [row(state.kindsOff, k, glyph(k), TEXT.plural[kind.name], kinds.get(k), `kind-${kind.name}`)] : [])),
      GRAPH.nodes.some((node) => node.baseline) ? el("p", { class: "quiet note" }, TEXT.legend) : null),
    el("section", {}, head(TEXT.relations, state.relationsOff), ...GRAPH.relations.flatMap((relation, k) => (relations.has(k) ? [row(state.relationsOff, k, lineSample(k), TEXT.relation[relation.name][0], relations.get(k), `relation-${relation.name}`)] : []))),
  ];
  const value = el("span", { class: "count" }, TEXT.atLeast(percent(state.confidence)));
  const slider = el("input", { type: "range", id: "confidence", min: "0", max: "1", step: "0.05", value: String(state.confidence), "aria-label": TEXT.confidence });
  slider.addEventListener("input", () => { state.confidence = Number(slider.value); value.textContent = TEXT.atLeast(percent(state.confidence)); refresh(); });
  parts.push(el("section", {}, el("div", { class: "head" }, el("h2", {}, TEXT.confidence), value), slider));
  if (kinds.has(0)) parts.push(el("section", {}, head(TEXT.paperFilter), paperFilter()));
  if (manyTopics()) parts.push(el("section", {}, head(TEXT.topic), topicFilter()));
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
  parts.push(el("button", { class: "button", type: "button", id: "reset", onclick: resetFilters }, TEXT.reset));
  const filters = byId("filters");
  filters.setAttribute("aria-label", TEXT.filters);
  filters.replaceChildren(...parts);
}

function resetFilters() {
  Object.assign(state, { kindsOff: new Set(), relationsOff: new Set(), confidence: 0, from: null, to: null, paper: -1, topic: -1, hidden: new Set() });
  buildFilters();
  refresh({ refit: true });
  byId("reset").focus();
}
