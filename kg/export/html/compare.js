// Two to five things side by side: what each proposes, compares to, targets, uses, and its results.
const COMPARE_LIMIT = 5;
const compared = [];

function toggleCompared(i) {
  const at = compared.indexOf(i);
  if (at >= 0) compared.splice(at, 1);
  else if (compared.length < COMPARE_LIMIT) compared.push(i);
  refresh();
}

// Names at the other end of the edges of one relation and direction, those that several columns share first.
function sharedRows(relation, forward) {
  const columns = compared.map((i) => {
    const others = new Map();
    for (const edge of GRAPH.nodes[i].edges) {
      if (edge.relation !== relation || !edgePasses(edge) || (edge.s === i) !== forward) continue;
      const other = otherEnd(edge, i);
      if (!(others.get(other)?.confidence >= edge.confidence)) others.set(other, edge);
    }
    return others;
  });
  const count = (other) => columns.filter((others) => others.has(other)).length;
  return columns.map((others) => [...others.keys()].sort((a, b) => count(b) - count(a) || GRAPH.nodes[b].degree - GRAPH.nodes[a].degree || a - b)
    .map((other) => ({ other, shared: count(other) > 1 })));
}

// One row for each metric, dataset and unit on which at least one of the things has a result.
function resultRows() {
  const rows = new Map();
  for (const i of compared) {
    for (const result of GRAPH.results.get(i) ?? []) {
      if (result.method !== i) continue;
      const key = `${fold(result.metric)}|${result.dataset}|${result.unit}|${result.direction}`;
      if (!rows.has(key)) rows.set(key, { metric: result.metric, dataset: result.dataset, cells: new Map() });
      const { cells } = rows.get(key);
      cells.set(i, [...(cells.get(i) ?? []), result]);
    }
  }
  return [...rows.values()].sort((a, b) => b.cells.size - a.cells.size || (a.metric < b.metric ? -1 : 1));
}

async function showComparison() {
  await resultParts();
  const dialog = byId("dialog");
  const go = (i, limit = 70) => el("button", { class: "link", type: "button", onclick: () => { dialog.close(); choose(i, true); } }, bdi(cut(GRAPH.nodes[i].name, limit)));
  const body = el("tbody");
  GRAPH.relations.forEach((relation, k) => {
    for (const forward of [true, false]) {
      const columns = sharedRows(k, forward);
      if (columns.every((others) => !others.length)) continue;
      body.append(el("tr", {}, el("th", { scope: "row" }, TEXT.relation[relation.name][forward ? 0 : 1]),
        ...columns.map((others) => el("td", {}, ...others.slice(0, 12).map(({ other, shared }) => el("div", { class: shared ? "shared" : "" }, go(other))),
          others.length > 12 ? el("span", { class: "quiet" }, TEXT.andMore(others.length - 12)) : null))));
    }
  });
  for (const row of resultRows().slice(0, 60)) {
    const name = row.dataset >= 0 ? TEXT.metricOn(cut(row.metric, 60), cut(GRAPH.nodes[row.dataset].name, 60)) : cut(row.metric, 80);
    body.append(el("tr", {}, el("th", { scope: "row" }, bdi(name)),
      ...compared.map((i) => el("td", {}, ...(row.cells.get(i) ?? []).map((result) => el("div", {}, bdi(cut(signed(result), 40) + arrow(result))))))));
  }
  const head = el("tr", {}, el("td", {}), ...compared.map((i) => el("th", { scope: "col" }, go(i))));
  openDialog(TEXT.comparison, el("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": TEXT.comparison }, el("table", { class: "compare" }, el("thead", {}, head), body)), true);
}
