// Unpacks the parts of the data when they are needed, and reads their columns as things, edges and results.
let GRAPH = null;
const unpacked = new Map();

// A promise of a part; every part is unpacked once and its text let go.
function part(name) {
  if (!unpacked.has(name)) unpacked.set(name, unpack(name));
  return unpacked.get(name);
}

const wholeRead = new Promise((resolve) => {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", resolve, { once: true });
  else resolve();
});

async function unpack(name) {
  const find = () => document.querySelector(`script[data-part="${name}"]`);
  let holder = name === "core" ? find() : null;
  if (!holder) {
    await wholeRead;
    holder = find();
  }
  const packed = atob(holder.textContent);
  holder.remove();
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i += 1) bytes[i] = packed.charCodeAt(i);
  return JSON.parse(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text());
}

// Lists of numbers, one after the other, and where each begins.
function lists({ counts, flat }) {
  const starts = new Int32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i += 1) starts[i + 1] = starts[i] + counts[i];
  return { flat, starts, at: (i) => flat.slice(starts[i], starts[i + 1]), size: (i) => starts[i + 1] - starts[i] };
}

// For each value below size the numbers of the lists that hold it.
function transposed({ starts, flat }, size) {
  const counts = new Int32Array(size), fill = new Int32Array(size), out = new Int32Array(flat.length);
  for (const value of flat) counts[value] += 1;
  for (let i = 1; i < size; i += 1) fill[i] = fill[i - 1] + counts[i - 1];
  for (let list = 0; list + 1 < starts.length; list += 1) {
    for (let at = starts[list]; at < starts[list + 1]; at += 1) out[fill[flat[at]]++] = list;
  }
  return lists({ counts, flat: out });
}

function adjacency({ s, t }, size) {
  const flat = new Int32Array(2 * s.length), counts = new Int32Array(s.length);
  let end = 0;
  for (let i = 0; i < s.length; i += 1) {
    flat[end++] = s[i];
    if (t[i] !== s[i]) flat[end++] = t[i];
    counts[i] = t[i] === s[i] ? 1 : 2;
  }
  return transposed(lists({ counts, flat: flat.subarray(0, end) }), size);
}

class Thing {
  constructor(i, kind, label, cluster, baseline) { Object.assign(this, { i, kind, label, cluster, baseline, near: null }); }
  get id() { return GRAPH.ids[this.i]; }
  get degree() { return GRAPH.joins.size(this.i); }
  get edges() { return (this.near ??= Array.from(GRAPH.joins.at(this.i), edgeAt)); }
  get isPaper() { return this.kind === 0; }
  get papers() { return this.isPaper ? [this.i] : GRAPH.paperLists.at(this.i); }
  get paperCount() { return this.isPaper ? 1 : GRAPH.paperLists.size(this.i); }
  get topic() { return GRAPH.topic[this.i]; }
  get year() { return GRAPH.year[this.i] || undefined; }
  get said() { return Array.from(GRAPH.saidLists().at(this.i), edgeAt); }
  get saidCount() { return GRAPH.saidLists().size(this.i); }
  get named() { return GRAPH.namedLists().at(this.i); }
  // Names longer than a label, and aliases, come with a part of their own.
  get name() { return GRAPH.full.get(this.i) ?? this.label; }
  get names() { return GRAPH.also.get(this.i) ?? []; }
  get size() { return 5 + Math.min(3, 17 / Math.sqrt(Math.max(GRAPH.most, 1))) * Math.sqrt(this.degree); }
}

class Edge {
  constructor(i) { this.i = i; }
  get s() { return GRAPH.edges.s[this.i]; }
  get t() { return GRAPH.edges.t[this.i]; }
  get relation() { return GRAPH.edges.relation[this.i]; }
  get confidence() { return GRAPH.edges.confidence[this.i] / 1000; }
  get papers() { return GRAPH.edgePapers.at(this.i); }
  get paperCount() { return GRAPH.edgePapers.size(this.i); }
}

const known = new Map();
function edgeAt(i) {
  if (!known.has(i)) known.set(i, new Edge(i));
  return known.get(i);
}

function once(make) {
  let value = null;
  return () => (value ??= make());
}

function linkData(core) {
  const { nodes, edges } = core;
  const ids = nodes.id ? nodes.id.split("\n") : [], labels = nodes.id ? nodes.label.split("\n") : [];
  const ringed = new Set(nodes.baseline);
  const things = labels.map((label, i) => new Thing(i, nodes.kind[i], label, nodes.cluster[i], ringed.has(i)));
  const joins = adjacency(edges, ids.length);
  const paperLists = lists(nodes.papers), edgePapers = lists(edges.papers);
  let most = 0;
  for (let i = 0; i < ids.length; i += 1) most = Math.max(most, joins.size(i));
  return {
    ...core, ids, nodes: things, edges, joins, most, paperLists, edgePapers, year: nodes.year, topic: nodes.topic, x: nodes.x, y: nodes.y,
    full: new Map(), also: new Map(), results: null, edgeCount: edges.s.length, resultCount: core.results,
    years: [...new Set(nodes.year.filter((year) => year))].sort((a, b) => a - b),
    saidLists: once(() => transposed(edgePapers, ids.length)),
    namedLists: once(() => transposed(paperLists, ids.length)),
    indexOf: once(() => new Map(ids.map((id, i) => [id, i]))),
    // Members of every cluster, and of none, the best joined first.
    members: once(() => {
      const found = new Map(things.map((thing) => [thing.cluster, []]));
      for (const thing of things) found.get(thing.cluster).push(thing);
      for (const group of found.values()) group.sort((a, b) => importance(b) - importance(a) || a.i - b.i);
      return found;
    }),
  };
}

const nameParts = once(async () => {
  const { full, also } = await part("names");
  full[0].forEach((i, k) => GRAPH.full.set(i, full[1][k]));
  also[0].forEach((i, k) => GRAPH.also.set(i, also[1][k]));
});

const resultParts = once(async () => {
  const { rows, sentences } = await part("results");
  const quote = ([paper, section, sentence, start, end]) => ({ paper, section, text: sentences[sentence], start, end });
  const found = new Map();
  rows.forEach(([paper, method, baseline, dataset, metric, text, value, unit, direction, bound, confidence, where], i) => {
    const result = { i, paper, method, baseline, dataset, metric, text, value, unit, direction, bound, confidence, quote: quote(where) };
    for (const end of new Set([paper, method, baseline, dataset])) {
      if (end < 0) continue;
      if (found.has(end)) found.get(end).push(result);
      else found.set(end, [result]);
    }
  });
  GRAPH.results = found;
});

async function resultsOf(i) {
  await resultParts();
  return (GRAPH.results.get(i) ?? []).filter((result) => result.confidence >= state.confidence && (state.paper < 0 || result.paper === state.paper));
}

// What is told of a thing beside its names: authors, date, addresses.
async function aboutOf(i) {
  const rows = await part(`about-${Math.floor(i / GRAPH.chunks.about)}`);
  return rows[i % GRAPH.chunks.about] || {};
}

async function quotesOf(edge) {
  const { quotes, sentences } = await part(`text-${Math.floor(edge.i / GRAPH.chunks.text)}`);
  const flat = quotes[edge.i % GRAPH.chunks.text], found = [];
  for (let k = 0; k < flat.length; k += 5) {
    found.push({ paper: flat[k], section: flat[k + 1], text: sentences[flat[k + 2]], start: flat[k + 3], end: flat[k + 4] });
  }
  return found;
}

const otherEnd = (edge, i) => (edge.s === i ? edge.t : edge.s);
// Some communities have no word of their own; a graph of one topic has nothing to tell apart.
const topicName = (k) => (k < 0 ? "" : GRAPH.topics[k] || TEXT.topicNumber(k + 1));
const manyTopics = () => GRAPH.topics.length > 1;
// A topic in the address: its name, or its number where another has the same name.
const topicKey = (k) => (GRAPH.topics.findIndex((_, other) => topicName(other) === topicName(k)) === k ? topicName(k) : String(k));
const kindName = (node) => GRAPH.kinds[node.kind].name;
const iri = (id) => GRAPH.base + id.split("/").map(encodeURIComponent).join("/");
// What many papers name counts more than what one paper says much of.
const importance = (node) => node.degree + 3 * (node.paperCount - 1);
