// Results as table and chart, the table of what is in view, and what is saved to a file.
const signed = (result) => `${result.bound && !result.text.startsWith(result.bound) ? `${result.bound} ` : ""}${result.text}${result.unit ? (["%", "x", "\u00d7"].includes(result.unit) ? result.unit : ` ${result.unit}`) : ""}`;
const arrow = (result) => ({ up: " \u2191", down: " \u2193" })[result.direction] ?? "";

function cellLink(i) {
  return i < 0 ? "" : el("button", { class: "link", type: "button", onclick: () => choose(i, true) }, bdi(cut(GRAPH.nodes[i].name, 90)));
}

function resultGroups(node) {
  const results = node.results.filter((result) => result.confidence >= state.confidence);
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

// Spreadsheets run cells that begin like a formula; a quote before them keeps them text.
function csv(rows) {
  const cell = (value) => {
    const text = String(value ?? "").replaceAll("\u0000", "");
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `\ufeff${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

const nodeRows = () => [...shown.places.keys()].map((i) => GRAPH.nodes[i])
  .map((node) => [GRAPH.base + node.id, kindName(node), node.name, node.names.join(" | "), node.edges.length, node.papers.length]);
const edgeRows = () => shown.edges.map((edge) => {
  const quote = edge.quotes[0];
  return [GRAPH.nodes[edge.s].name, GRAPH.relations[edge.relation].name, GRAPH.nodes[edge.t].name, edge.confidence,
    edge.papers.map((paper) => GRAPH.nodes[paper].name).join(" | "), quote ? quote.text : ""];
});

function save(name, content, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const anchor = el("a");
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
const saveNodes = () => save("nodes.csv", csv([["id", "type", "name", "aliases", "edges", "papers"], ...nodeRows()]), "text/csv;charset=utf-8");
const saveEdges = () => save("edges.csv", csv([["subject", "relation", "object", "confidence", "papers", "sentence"], ...edgeRows()]), "text/csv;charset=utf-8");

function savePicture() {
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

function showTable() {
  const dialog = document.getElementById("help");
  const rows = [...shown.places.keys()].map((i) => GRAPH.nodes[i]);
  const columns = [
    [TEXT.thing, (node) => fold(node.name)], [TEXT.type, (node) => kindName(node)],
    [TEXT.degree, (node) => -node.edges.length], [TEXT.inPapers, (node) => -node.papers.length],
  ];
  const body = el("tbody");
  let sorted = 2, down = false;
  const heads = columns.map(([title], k) => el("th", { scope: "col", class: k > 1 ? "number" : "" },
    el("button", { type: "button", onclick: () => { down = sorted === k ? !down : false; sorted = k; fill(); } }, title)));
  const fill = () => {
    const key = columns[sorted][1];
    const compare = (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.i - b.i);
    rows.sort((a, b) => (down ? -1 : 1) * compare(a, b));
    body.replaceChildren(...rows.slice(0, 500).map((node) => el("tr", {},
      el("td", {}, el("button", { class: "link", type: "button", onclick: () => { dialog.close(); choose(node.i, true); } }, bdi(cut(node.name, 160)))),
      el("td", {}, kindName(node)), el("td", { class: "number" }, number(node.edges.length)), el("td", { class: "number" }, number(node.papers.length)))));
    heads.forEach((head, k) => head.setAttribute("aria-sort", k !== sorted ? "none" : down === k > 1 ? "ascending" : "descending"));
  };
  fill();
  openDialog(TEXT.tableTitle, el("div", {},
    el("div", { class: "actions" }, el("button", { class: "button", type: "button", onclick: saveNodes }, icon("save"), TEXT.saveNodes),
      el("button", { class: "button", type: "button", onclick: saveEdges }, icon("save"), TEXT.saveEdges)),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": TEXT.tableTitle }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), body)),
    rows.length > 500 ? el("p", { class: "quiet note" }, TEXT.rowsShown(500, number(rows.length))) : null), true);
}

function openDialog(title, content, wide = false) {
  const dialog = document.getElementById("help");
  dialog.className = wide ? "wide" : "";
  dialog.setAttribute("aria-label", title);
  dialog.replaceChildren(el("header", {}, el("h2", {}, title), el("button", { class: "button", type: "button", "aria-label": TEXT.close, onclick: () => dialog.close() }, icon("close"))), content);
  dialog.showModal();
}
