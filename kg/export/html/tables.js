// Results as table and chart, and the tables of what is in view.
const signed = (result) => `${result.bound && !result.text.startsWith(result.bound) ? `${result.bound} ` : ""}${result.text}${result.unit ? (["%", "x", "\u00d7"].includes(result.unit) ? result.unit : ` ${result.unit}`) : ""}`;
const arrow = (result) => ({ up: " \u2191", down: " \u2193" })[result.direction] ?? "";

function cellLink(i) {
  return i < 0 ? "" : el("button", { class: "link", type: "button", onclick: () => choose(i, true) }, bdi(cut(GRAPH.nodes[i].name, 90)));
}

function resultGroups(node, results) {
  if (!results.length) return [];
  const columns = [[TEXT.method, "method"], [TEXT.against, "baseline"], [TEXT.dataset, "dataset"], [TEXT.paper, "paper"]]
    .filter(([, key]) => results.some((result) => result[key] >= 0 && result[key] !== node.i && (key !== "paper" || result.method < 0)));
  const rows = results.map((result) => {
    const sentence = el("tr", { hidden: true }, el("td", {}));
    sentence.firstChild.colSpan = columns.length + 2;
    const value = el("button", { class: "link", type: "button", "aria-expanded": "false" }, bdi(cut(signed(result), 40) + arrow(result)));
    value.addEventListener("click", () => {
      if (!sentence.firstChild.childElementCount) sentence.firstChild.append(quoteBlock(result.quote, node.i));
      sentence.hidden = !sentence.hidden;
      value.setAttribute("aria-expanded", String(!sentence.hidden));
    });
    const head = el("tr", { class: "result" }, el("td", {}, bdi(cut(result.metric, 80))), el("td", { class: "number" }, value),
      ...columns.map(([, key]) => el("td", {}, cellLink(result[key] === node.i ? -1 : result[key]))));
    return [head, sentence];
  });
  const table = el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, TEXT.metric), el("th", { scope: "col", class: "number" }, TEXT.value),
    ...columns.map(([title]) => el("th", { scope: "col" }, title)))));
  const body = el("tbody");
  table.append(body);
  body.append(...rows.slice(0, 20).flat());
  const content = el("div", {}, charts(node, results), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": TEXT.results }, table));
  if (rows.length > 20) {
    const button = el("button", { class: "more", type: "button" }, TEXT.more(rows.length - 20));
    button.addEventListener("click", () => { button.remove(); body.append(...rows.slice(20).flat()); });
    content.append(button);
  }
  return [group(TEXT.results, results.length, content)];
}

// Bars of one metric on one dataset, where at least two methods have a level in the same unit.
function charts(node, results) {
  const groups = new Map();
  for (const result of results) {
    if (result.value === null || result.direction || result.method < 0 || result.dataset !== node.i) continue;
    const key = `${fold(result.metric)}|${result.unit}`;
    if (groups.has(key)) groups.get(key).push(result);
    else groups.set(key, [result]);
  }
  const parts = [];
  for (const group_ of groups.values()) {
    if (new Set(group_.map((result) => result.method)).size < 2) continue;
    group_.sort((a, b) => Number(b.value) - Number(a.value) || a.i - b.i);
    const most = Math.max(...group_.map((result) => Math.abs(Number(result.value)))) || 1;
    parts.push(el("p", { class: "caption" }, TEXT.bestOf(cut(group_[0].metric, 60))), el("div", { class: "bars" }, ...group_.slice(0, 12).flatMap((result) => [
      cellLink(result.method),
      svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { width: (Math.abs(Number(result.value)) / most) * 100, height: 10, rx: 1, fill: GRAPH.kinds[GRAPH.nodes[result.method].kind].color })),
      el("span", {}, signed(result)),
    ])));
  }
  return parts.length ? el("div", {}, ...parts) : null;
}

// The two tables of what is in view: titles of columns, rows to sort, cells to show.
const tables = {
  nodes: () => ({
    title: TEXT.tableTitle, rows: [...shown.places.keys()].map((i) => GRAPH.nodes[i]), sorted: 2,
    columns: [
      { title: TEXT.thing, key: (node) => fold(node.name) || node.name, cell: (node, go) => go(node.i), text: (node) => node.name },
      { title: TEXT.type, key: kindName, cell: kindName },
      { title: TEXT.degree, number: true, key: (node) => -node.degree, cell: (node) => number(node.degree), text: (node) => node.degree },
      { title: TEXT.inPapers, number: true, key: (node) => -node.paperCount, cell: (node) => number(node.paperCount), text: (node) => node.paperCount },
      ...(manyTopics() ? [{ title: TEXT.topic, wide: true, key: (node) => (node.topic < 0 ? Infinity : node.topic), cell: (node) => bdi(topicName(node.topic)), text: (node) => topicName(node.topic) }] : []),
    ],
  }),
  edges: () => ({
    title: TEXT.tableEdges, rows: shown.edges, sorted: 3,
    columns: [
      { title: TEXT.subject, key: (edge) => fold(GRAPH.nodes[edge.s].name), cell: (edge, go) => go(edge.s), text: (edge) => GRAPH.nodes[edge.s].name },
      { title: TEXT.relationOne, key: (edge) => edge.relation, cell: (edge) => relationText(edge, edge.s) },
      { title: TEXT.object, key: (edge) => fold(GRAPH.nodes[edge.t].name), cell: (edge, go) => go(edge.t), text: (edge) => GRAPH.nodes[edge.t].name },
      { title: TEXT.confidence, number: true, key: (edge) => -edge.confidence, cell: (edge) => percent(edge.confidence), text: (edge) => edge.confidence },
      { title: TEXT.inPapers, number: true, key: (edge) => -edge.paperCount, cell: (edge) => number(edge.paperCount), text: (edge) => edge.paperCount },
    ],
  }),
};
const TABLE_ROWS = 500;
const look = (column) => (column.number ? "number" : column.wide ? "wide" : "");

function showTable(which = "nodes") {
  const dialog = byId("dialog");
  const { title, rows, columns, sorted: first } = tables[which]();
  let sorted = first, down = false;
  const order = [...rows];
  const body = el("tbody");
  const go = (i) => el("button", { class: "link", type: "button", onclick: () => { dialog.close(); choose(i, true); } }, bdi(cut(GRAPH.nodes[i].name, 160)));
  const heads = columns.map((column, k) => el("th", { scope: "col", class: look(column) },
    el("button", { type: "button", onclick: () => { down = sorted === k ? !down : false; sorted = k; fill(); } }, column.title)));
  const fill = () => {
    const { key, number: numeric } = columns[sorted];
    const keys = new Map(order.map((row) => [row, key(row)]));
    order.sort((a, b) => (down ? -1 : 1) * (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : a.i - b.i));
    body.replaceChildren(...order.slice(0, TABLE_ROWS).map((row) => el("tr", {}, ...columns.map((column) => el("td", { class: look(column) }, column.cell(row, go))))));
    heads.forEach((head, k) => head.setAttribute("aria-sort", k !== sorted ? "none" : down === Boolean(numeric) ? "ascending" : "descending"));
  };
  fill();
  const action = (name, text, act) => el("button", { class: "button", type: "button", onclick: act }, icon(name), el("span", {}, text));
  const copy = action("copy", TEXT.copyTable, async () => {
    const lines = [columns.map((column) => column.title), ...order.map((row) => columns.map((column) => String((column.text ?? column.cell)(row)).replace(/[\t\r\n]+/g, " ")))];
    if (await copyText(lines.map((line) => line.join("\t")).join("\n"))) copy.lastChild.textContent = TEXT.copied;
  });
  const tab = (name, text) => el("button", { class: "button", type: "button", "aria-pressed": String(name === which), onclick: () => showTable(name) }, text);
  openDialog(title, el("div", {},
    el("div", { class: "actions" }, el("div", { class: "tabs", role: "group", "aria-label": TEXT.table }, tab("nodes", TEXT.tableTitle), tab("edges", TEXT.tableEdges)),
      copy, action("save", TEXT.saveNodes, saveNodes), action("save", TEXT.saveEdges, saveEdges)),
    rows.length ? el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), body))
      : el("p", { class: "quiet note" }, TEXT.nothing),
    rows.length > TABLE_ROWS ? el("p", { class: "quiet note" }, TEXT.rowsShown(number(TABLE_ROWS), number(rows.length))) : null), true);
}

function openDialog(title, content, wide = false) {
  const dialog = byId("dialog");
  dialog.className = wide ? "wide" : "";
  dialog.setAttribute("aria-label", title);
  dialog.replaceChildren(el("header", {}, el("h2", { tabindex: "-1" }, title), el("button", { class: "button", type: "button", "aria-label": TEXT.close, onclick: () => dialog.close() }, icon("close"))), content);
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("h2").focus();
}
