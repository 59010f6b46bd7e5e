// The panel beside the graph: what a thing is, and every statement about it with its sentence.
const FIRST = 8;

// A place that is filled when its data is unpacked; nothing happens if the reader went on before.
function later(promise, make) {
  const holder = el("div", { "aria-busy": "true" });
  promise.then((value) => {
    holder.replaceChildren(...[make(value)].flat().filter(Boolean));
    holder.removeAttribute("aria-busy");
  }, fail);
  return holder;
}

function glyphButton(i, text) {
  const node = GRAPH.nodes[i];
  return [glyph(node.kind), el("button", { class: "link", type: "button", onclick: () => choose(i, true) }, bdi(text ?? cut(node.name, 300)))];
}

function meter(value) {
  return el("span", { class: "meter", title: `${TEXT.confidence} ${percent(value)}` },
    svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { width: value * 100, height: 10 })),
    el("span", {}, el("span", { class: "sr" }, `${TEXT.confidence} `), percent(value)));
}

// Offsets count code points, which are not the units of a JavaScript string.
function marked(quote) {
  const points = Array.from(quote.text);
  const part = (from, to) => points.slice(from, to).join("");
  return [part(0, quote.start), el("mark", {}, part(quote.start, quote.end)), part(quote.end)];
}

function quoteBlock(quote, home) {
  const paper = quote.paper >= 0 && quote.paper !== home ? GRAPH.nodes[quote.paper] : null;
  const source = [];
  if (paper) source.push("\u2014", el("button", { class: "link", type: "button", onclick: () => choose(paper.i, true) }, bdi(cut(paper.name, 140))));
  if (quote.section === 0) source.push(el("span", { class: "badge" }, TEXT.inTitle));
  const block = el("blockquote", {}, el("div", { class: "long" }, bdiParts(marked(quote))));
  if (source.length) block.append(el("span", { class: "source" }, ...source));
  return block;
}
function bdiParts(parts) {
  const holder = el("bdi", {});
  holder.append(...parts);
  return holder;
}

// A list that starts short and grows by a button.
function growing(items, make, first = FIRST) {
  const holder = el("div");
  const add = (from, count) => {
    holder.append(...items.slice(from, from + count).map(make));
    const left = items.length - from - count;
    if (left > 0) {
      const button = el("button", { class: "more", type: "button" }, TEXT.more(Math.min(left, 50)));
      button.addEventListener("click", () => {
        button.remove();
        const before = holder.childElementCount;
        add(from + count, 50);
        holder.children[before]?.querySelector("button")?.focus();
      });
      holder.append(button);
    }
  };
  add(0, first);
  return holder;
}

function quotes(edge, home) {
  return later(quotesOf(edge), (all) => {
    const own = state.paper >= 0 ? all.filter((quote) => quote.paper === state.paper) : all;
    const [head, ...rest] = own.length ? own : all;
    const parts = head ? [quoteBlock(head, home)] : [];
    if (rest.length) {
      const button = el("button", { class: "more", type: "button" }, TEXT.moreQuotes(rest.length));
      button.addEventListener("click", () => {
        const list = growing(rest, (quote) => quoteBlock(quote, home), 20);
        button.replaceWith(list);
        list.tabIndex = -1;
        list.focus();
      });
      parts.push(button);
    }
    return parts;
  });
}

const end = (i) => el("span", { class: "end" }, ...glyphButton(i));
function fact(edge, i, home) {
  const node = el("div", { class: "fact", "data-edge": edge.i });
  const parts = i < 0 ? [end(edge.s), el("span", { class: "quiet" }, relationText(edge, edge.s)), end(edge.t)] : glyphButton(otherEnd(edge, i));
  const papers = edge.paperCount > 1 ? el("span", { class: "badge" }, TEXT.supports(edge.paperCount)) : null;
  node.append(el("div", { class: `top${i < 0 ? " wrap" : ""}` }, ...parts, papers, meter(edge.confidence)), quotes(edge, home));
  return node;
}

const relationText = (edge, from) => TEXT.relation[GRAPH.relations[edge.relation].name][edge.s === from ? 0 : 1];

function lineSample(relation) {
  const look = GRAPH.relations[relation];
  const scale = look.dashes.map((dash) => dash * 0.7).join(" ");
  return svg("svg", { viewBox: "0 0 22 10", class: "line", "aria-hidden": "true" },
    svg("path", { d: "M0 5h22", stroke: look.color, "stroke-width": Math.max(1.8, look.width), ...(scale ? { "stroke-dasharray": scale } : {}) }));
}

// Statements at one thing, by relation and direction, the surest first.
function statements(i) {
  const groups = new Map();
  for (const edge of GRAPH.nodes[i].edges) {
    if (!edgePasses(edge)) continue;
    const key = edge.relation * 2 + (edge.s === i ? 0 : 1);
    if (groups.has(key)) groups.get(key).push(edge);
    else groups.set(key, [edge]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([key, edges]) => {
    edges.sort((a, b) => b.paperCount - a.paperCount || b.confidence - a.confidence || a.i - b.i);
    const name = GRAPH.relations[key >> 1].name;
    return group(TEXT.relation[name][key & 1], edges.length, growing(edges, (edge) => fact(edge, i, i)), lineSample(key >> 1));
  });
}

function group(title, count, content, sample = null) {
  return el("section", { class: "group" }, el("h3", {}, sample, el("span", {}, title), el("span", { class: "count" }, number(count))), content);
}

function saidGroups(i) {
  const other = GRAPH.nodes[i].said.filter((edge) => edge.s !== i && edgePasses(edge));
  if (!other.length) return [];
  other.sort((a, b) => a.relation - b.relation || b.confidence - a.confidence || a.i - b.i);
  return [group(TEXT.stated, other.length, growing(other, (edge) => fact(edge, -1, i)))];
}

function papersGroup(node) {
  const papers = node.papers.filter((paper) => paper !== node.i);
  if (!papers.length) return [];
  const row = (paper) => {
    const address = later(aboutOf(paper), ({ url }) => (url ? link(url, "\u2197", el("span", { class: "sr" }, TEXT.openPaper)) : null));
    address.className = "meter";
    return el("div", { class: "fact" }, el("div", { class: "top" }, ...glyphButton(paper), address));
  };
  return [group(TEXT.papers, papers.length, growing(papers, row))];
}

function factsOf(node, extra) {
  const list = el("dl", { class: "facts" });
  const add = (term, ...value) => list.append(el("dt", {}, term), el("dd", {}, ...value));
  if (extra.authors?.length) add(TEXT.authors, bdi(cut(extra.authors.join(", "), 400)));
  else if (extra.author_count) add(TEXT.authors, TEXT.authorCount(extra.author_count));
  if (extra.date) add(TEXT.date, extra.date);
  if (extra.venue) add(TEXT.venue, bdi(cut(extra.venue, 200)));
  if (extra.identifiers) add(TEXT.identifiers, bdi(cut(extra.identifiers.join(", "), 300)));
  if (node.cluster >= 0 && GRAPH.clusters.length > 1) {
    add(TEXT.cluster, el("button", { class: "link", type: "button", onclick: () => openCluster(node.cluster) }, bdi(GRAPH.clusters[node.cluster].label)));
  }
  if (node.topic >= 0 && manyTopics()) add(TEXT.topic, bdi(cut(topicName(node.topic), 200)));
  if (extra.links) add(TEXT.sameAs, ...extra.links.flatMap((address) => [link(address, cut(address.replace(/^https?:\/\//, ""), 60)), el("br")]));
  return list.childElementCount ? list : null;
}

function actionsOf(node) {
  const button = (name, text, act) => el("button", { class: "button", type: "button", onclick: act }, icon(name), el("span", {}, text));
  const copy = button("copy", TEXT.copy, async () => { if (await copyText(location.href)) copy.lastChild.textContent = TEXT.copied; });
  const missing = neighbours(node.i).filter((i) => !shown.places.has(i)).length;
  const only = state.topic >= 0 && state.topic === node.topic;
  const topic = node.topic < 0 || !manyTopics() ? null
    : button("filters", only ? TEXT.allTopics : TEXT.onlyTopic, () => { setTopic(only ? -1 : node.topic); byId("only-topic")?.focus(); });
  if (topic) topic.id = "only-topic";
  const compares = compared.includes(node.i), pinned = state.pinned.has(node.i);
  return el("div", { class: "actions" },
    state.focus === node.i && state.mode === "focus" ? null : button("focus", TEXT.focusOn, () => focusOn(node.i)),
    missing && shown.places.has(node.i) ? button("plus", TEXT.expandMore(Math.min(missing, 24)), () => expand(node.i, 24)) : null,
    button("path", TEXT.from1, () => startPath(node.i)),
    compares || compared.length < COMPARE_LIMIT ? button("compare", compares ? TEXT.uncompare : TEXT.compare, () => toggleCompared(node.i)) : null,
    node.isPaper && state.paper !== node.i ? button("filters", TEXT.onlyPaper, () => setPaper(node.i)) : null,
    topic,
    shown.places.has(node.i) ? button("pin", pinned ? TEXT.unpin : TEXT.pin, () => togglePin(node.i)) : null,
    button("hide", TEXT.hide, () => hide(node.i)), copy);
}

// The panel is made again when names are unpacked; what the reader scrolled to stays.
function fillPanel(...content) {
  const panel = byId("panel");
  panel.replaceChildren(...content);
  panel.scrollTop = 0;
}

const closeButton = () => el("button", { class: "close", type: "button", "aria-label": TEXT.close, onclick: clearSelection }, icon("close"));
const panelTitle = (...content) => el("h2", { id: "panel-title", tabindex: "-1" }, ...content);

function showThing(i) {
  const node = GRAPH.nodes[i];
  const head = (extra) => {
    const names = cut(node.names.join(", "), 900);
    return [
      panelTitle(extra.url ? link(extra.url, bdi(node.name)) : bdi(node.name)),
      names ? el("p", { class: "names quiet" }, bdi(node.isPaper ? TEXT.otherTitles(names) : TEXT.aliases(names))) : null,
      factsOf(node, extra),
    ];
  };
  const known_ = Promise.all([aboutOf(i), nameParts()]);
  fillPanel(el("article", { class: "thing", "data-node": node.id },
    el("header", {},
      el("div", { class: "kind" }, glyph(node.kind), el("span", {}, kindName(node)), node.baseline ? el("span", { class: "badge" }, TEXT.baseline) : null, closeButton()),
      later(known_, ([extra]) => head(extra)), actionsOf(node)),
    ...statements(i), ...saidGroups(i), later(resultsOf(i), (results) => resultGroups(node, results)), ...papersGroup(node)));
}

function showEdge(i) {
  const edge = edgeAt(i);
  fillPanel(el("article", { class: "thing", "data-edge": i },
    el("header", {}, el("div", { class: "kind" }, lineSample(edge.relation), el("span", {}, TEXT.edge), closeButton()),
      panelTitle(bdi(cut(GRAPH.nodes[edge.s].name, 200)), " ", el("span", { class: "quiet" }, relationText(edge, edge.s)), " ", bdi(cut(GRAPH.nodes[edge.t].name, 200)))),
    fact(edge, -1, -1)));
}

// The best of each kind among some things, as lists of buttons.
function rankedGroups(nodes) {
  const weights = { Paper: (node) => node.saidCount, Method: (node) => node.degree };
  const best = GRAPH.kinds.map((kind, k) => {
    const weigh = weights[kind.name] ?? ((node) => node.paperCount);
    const rows = nodes.filter((node) => node.kind === k && (node.degree || node.saidCount) && nodePasses(node))
      .map((node) => ({ node, weight: weigh(node) })).sort((a, b) => b.weight - a.weight || a.node.i - b.node.i).slice(0, 6)
      .map(({ node, weight }) => el("li", {}, ...glyphButton(node.i, cut(node.name, 120)), el("span", { class: "count" }, number(weight))));
    return rows.length ? el("section", { class: "group" }, el("h3", {}, TEXT.ranked[kind.name]), el("ul", { class: "ranked" }, ...rows)) : null;
  });
  return [...best.slice(1), best[0]].filter(Boolean);
}

const clusterButton = (k) => el("button", { class: "link", type: "button", onclick: () => openCluster(k) }, bdi(GRAPH.clusters[k].label));

function showIntro() {
  const papers = GRAPH.nodes.filter((node) => node.isPaper).length;
  const clusters = GRAPH.clusters.length > 1
    ? el("section", { class: "group" }, el("h3", {}, TEXT.clusters), el("ul", { class: "ranked" },
      ...GRAPH.clusters.map((cluster, k) => el("li", {}, clusterButton(k), el("span", { class: "count" }, number(cluster.size))))))
    : null;
  fillPanel(el("div", { class: "intro" }, panelTitle(TEXT.introTitle),
    el("p", {}, TEXT.intro(number(papers), number(GRAPH.nodes.length - papers), number(GRAPH.edgeCount), number(GRAPH.resultCount))),
    GRAPH.leftOut ? el("p", { class: "quiet" }, TEXT.leftOut(number(papers), number(papers + GRAPH.leftOut))) : null,
    el("p", { class: "quiet" }, TEXT.introHow), clusters, ...rankedGroups(GRAPH.nodes)));
}

function showCluster(k) {
  const members = GRAPH.nodes.filter((node) => node.cluster === k);
  fillPanel(el("div", { class: "intro" },
    el("div", { class: "kind" }, icon("overview"), el("span", {}, TEXT.cluster)), panelTitle(bdi(GRAPH.clusters[k].label)),
    el("p", {}, TEXT.clusterHas(number(members.filter((node) => node.isPaper).length), number(members.filter((node) => !node.isPaper).length))),
    ...rankedGroups(members)));
}
