// The visible part as files: tables, GraphML, Turtle. What papers say is escaped by the rules of each format.

// Spreadsheets run cells that begin like a formula; a quote before them keeps them text.
function csv(rows) {
  const cell = (value) => {
    const text = String(value ?? "").replaceAll("\u0000", "").toWellFormed();
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `\ufeff${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

const quotesInView = async () => new Map(await Promise.all(shown.edges.map(async (edge) => [edge, await quotesOf(edge)])));
const thingsInView = async () => {
  await nameParts();
  const nodes = [...shown.places.keys()].map((i) => GRAPH.nodes[i]);
  return Promise.all(nodes.map(async (node) => ({ node, about: await aboutOf(node.i) })));
};

const nodeRows = async () => (await thingsInView()).map(({ node, about }) =>
  [iri(node.id), kindName(node), node.name, node.names.join(" | "), node.degree, node.paperCount, about.date ?? "", about.url ?? "",
    node.topic < 0 ? "" : node.topic, GRAPH.topics[node.topic] ?? ""]);
async function edgeRows() {
  await nameParts();
  const said = await quotesInView();
  return shown.edges.map((edge) => [GRAPH.nodes[edge.s].name, GRAPH.relations[edge.relation].name, GRAPH.nodes[edge.t].name, edge.confidence,
    Array.from(edge.papers, (paper) => GRAPH.nodes[paper].name).join(" | "), said.get(edge)[0]?.text ?? ""]);
}

function save(name, content, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const anchor = el("a");
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
const saveNodes = async () => save("nodes.csv", csv([["id", "type", "name", "aliases", "edges", "papers", "date", "url", "community", "topic"], ...await nodeRows()]), "text/csv;charset=utf-8");
const saveEdges = async () => save("edges.csv", csv([["subject", "relation", "object", "confidence", "papers", "sentence"], ...await edgeRows()]), "text/csv;charset=utf-8");

// What XML 1.0 forbids becomes U+FFFD, one for one.
// eslint-disable-next-line no-control-regex
const plain = (text) => String(text).toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;" };
const xml = (text) => plain(text).replace(/[&<>"\r\n\t]/g, (char) => ENTITIES[char]);

// Keys whose id equals the name, as the importer of Gephi wants them.
const GRAPHML_NODES = { label: "string", x: "float", y: "float", size: "float", r: "int", g: "int", b: "int", title: "string", type: "string", baseline: "boolean", papers: "int", aliases: "string", iri: "string", date: "string", url: "string", community: "int", topic: "string" };
const GRAPHML_EDGES = { edgelabel: "string", weight: "double", relation: "string", confidence: "double", sources: "string", evidence: "string" };
const general = (relation) => (["evaluatedOn", "trainedOn", "buildsOn", "runsOn"].includes(relation) ? "uses" : relation);

async function graphml() {
  const [things, said] = [await thingsInView(), await quotesInView()];
  const keys = (domain, types) => Object.entries(types).map(([key, type]) => `  <key id="${key}" for="${domain}" attr.name="${key === "edgelabel" ? "label" : key}" attr.type="${type}"/>`);
  const data = (values) => Object.entries(values).filter(([, value]) => value !== "" && value !== undefined).map(([key, value]) => `<data key="${key}">${xml(value)}</data>`).join("");
  const nodes = things.map(({ node, about }) => {
    const { x, y } = shown.places.get(node.i);
    const [r, g, b] = channels(GRAPH.kinds[node.kind].color);
    // Gephi's y axis points up, that of a page down.
    const values = { label: node.label, x, y: 0 - y, size: node.size, r, g, b, title: node.name, type: kindName(node), baseline: node.baseline, papers: node.paperCount, aliases: node.names.join(" | "), iri: iri(node.id), date: about.date, url: about.url,
      community: node.topic < 0 ? undefined : node.topic, topic: GRAPH.topics[node.topic] };
    return `    <node id="${xml(node.id)}">${data(values)}</node>`;
  });
  const edges = shown.edges.map((edge) => {
    const relation = GRAPH.relations[edge.relation].name;
    const values = {
      edgelabel: relation, weight: edge.paperCount, relation: general(relation), confidence: edge.confidence,
      sources: Array.from(edge.papers, (paper) => GRAPH.ids[paper]).join(" | "), evidence: [...new Set(said.get(edge).map((quote) => quote.text))].join(" | "),
    };
    return `    <edge id="e${edge.i}" source="${xml(GRAPH.ids[edge.s])}" target="${xml(GRAPH.ids[edge.t])}">${data(values)}</edge>`;
  });
  return ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ...keys("node", GRAPHML_NODES), ...keys("edge", GRAPHML_EDGES), '  <graph id="G" edgedefault="directed">', ...nodes, ...edges, "  </graph>", "</graphml>", ""].join("\n");
}

const ESCAPED = { "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t" };
const literal = (text) => `"${plain(text).replace(/[\\"\n\r\t]/g, (char) => ESCAPED[char])}"`;
const DATES = [[/^\d{4}-\d\d-\d\d$/, "date"], [/^\d{4}-\d\d$/, "gYearMonth"], [/^\d{4}$/, "gYear"], [/^--\d\d-\d\d$/, "gMonthDay"]];
function dateLiteral(text) {
  const type = DATES.find(([pattern]) => pattern.test(text))?.[1];
  const whole = new Date(text.startsWith("--") ? `2000-${text.slice(2)}` : text.padEnd(10, "-01"));
  return type && !Number.isNaN(whole.getTime()) && whole.toISOString().includes(text.replace(/^--/, "-")) ? `${literal(text)}^^xsd:${type}` : literal(text);
}
function reference(address) {
  try {
    const { href, protocol } = new URL(address);
    if (/^https?:$/.test(protocol) && !/[<>"{}|^`\\\s]/.test(href)) return `<${href}>`;
  } catch { /* not an address */ }
  return `${literal(address)}^^xsd:anyURI`;
}

// Things of the view, their edges as triples, and each edge as a claim with its sentences.
async function turtle() {
  const [things, said] = [await thingsInView(), await quotesInView()];
  const term = (i) => `<${iri(GRAPH.ids[i])}>`;
  const paragraph = (subject, rows) => `\n${subject} ${rows.map(([property, ...values]) => `${property} ${values.join(", ")}`).join(" ;\n    ")} .\n`;
  const out = ["kg: <https://w3id.org/paper-kg/ontology#>", "dcterms: <http://purl.org/dc/terms/>", "rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>",
    "schema: <https://schema.org/>", "skos: <http://www.w3.org/2004/02/skos/core#>", "xsd: <http://www.w3.org/2001/XMLSchema#>"].map((line) => `@prefix ${line} .\n`);
  const facts = new Map(things.map(({ node }) => [node.i, new Map()]));
  for (const edge of shown.edges) {
    const name = GRAPH.relations[edge.relation].name;
    for (const property of new Set([name, general(name)])) {
      const row = facts.get(edge.s);
      row.set(property, [...(row.get(property) ?? []), term(edge.t)]);
    }
  }
  const cited = new Set([...shown.edges.flatMap((edge) => [...edge.papers])].filter((paper) => !shown.places.has(paper)));
  const papers = await Promise.all([...cited].map(async (i) => ({ node: GRAPH.nodes[i], about: await aboutOf(i) })));
  for (const { node, about } of [...things, ...papers]) {
    const rows = [["a", `kg:${kindName(node)}`, ...(node.baseline ? ["kg:Baseline"] : [])], [node.isPaper ? "dcterms:title" : "skos:prefLabel", literal(node.name)]];
    if (node.names.length) rows.push([node.isPaper ? "dcterms:alternative" : "skos:altLabel", ...new Set(node.names.map(literal))]);
    if (about.authors?.length) rows.push(["dcterms:creator", ...new Set(about.authors.map(literal))]);
    if (about.date) rows.push(["dcterms:date", dateLiteral(about.date)]);
    if (about.identifiers?.length) rows.push(["dcterms:identifier", ...new Set(about.identifiers.map(literal))]);
    if (about.url) rows.push(["schema:url", reference(about.url)]);
    for (const [property, targets] of facts.get(node.i) ?? []) rows.push([`kg:${property}`, ...new Set(targets)]);
    out.push(paragraph(term(node.i), rows));
  }
  for (const edge of shown.edges) {
    const name = GRAPH.relations[edge.relation].name;
    const evidence = said.get(edge).map((quote) => {
      const form = Array.from(quote.text).slice(quote.start, quote.end).join("");
      const from = quote.paper >= 0 ? `kg:inPaper ${term(quote.paper)} ; ` : "";
      return `[ a kg:Evidence ; ${from}kg:section "${quote.section ? "abstract" : "title"}" ; kg:sentence ${literal(quote.text)} ; kg:surfaceForm ${literal(form)} ]`;
    });
    const rows = [["a", "kg:Claim"], ["rdf:subject", term(edge.s)], ["rdf:predicate", ...new Set([`kg:${name}`, `kg:${general(name)}`])], ["rdf:object", term(edge.t)]];
    if (edge.paperCount) rows.push(["kg:statedIn", ...Array.from(edge.papers, term)]);
    rows.push(["kg:confidence", `"${edge.confidence}"^^xsd:double`]);
    if (evidence.length) rows.push(["kg:evidence", ...evidence]);
    out.push(paragraph("[]", rows));
  }
  return out.join("");
}
const saveGraphml = async () => save("graph.graphml", await graphml(), "application/graphml+xml");
const saveTurtle = async () => save("graph.ttl", await turtle(), "text/turtle");
