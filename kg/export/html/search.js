// Finds things by name or alias: exact, prefix, word prefix, part, and with typing errors.
const fold = (text) =>
  text.slice(0, 300).normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase().replace(/[^\p{L}\p{N}+#]+/gu, " ").trim();

// One row for each name. Rows are made in slices while the page is idle, or at once when somebody types.
const rowsOfSearch = [];
let indexed = -1;
function indexTo(deadline = null) {
  if (indexed < 0) return false;
  for (; indexed < GRAPH.nodes.length; indexed += 1) {
    if (deadline && indexed % 200 === 0 && deadline.timeRemaining() < 3) return false;
    const node = GRAPH.nodes[indexed];
    for (const name of [node.name, ...node.names]) {
      const key = fold(name);
      if (key) rowsOfSearch.push({ i: node.i, key, packed: key.replaceAll(" ", ""), name, first: name === node.name });
    }
  }
  return true;
}

// Least optimal string alignment distance between a word and the beginnings of another, or limit + 1 where it is larger.
function distance(a, b, limit) {
  const size = Math.min(b.length, a.length + limit);
  if (size < a.length - limit) return limit + 1;
  let before = null, last = Array.from({ length: size + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= size; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2] + 1);
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > limit) return limit + 1;
    before = last;
    last = row;
  }
  return Math.min(...last.slice(Math.max(0, a.length - limit)));
}

function rank(row, query, packed) {
  if (row.key === query || row.packed === packed) return 0;
  if (row.key.startsWith(query) || row.packed.startsWith(packed)) return 1;
  if (row.key.includes(` ${query}`)) return 2;
  if (query.length > 1 && (row.key.includes(query) || (packed.length > 3 && row.packed.includes(packed)))) return 3;
  return -1;
}

// The names that hold each word; made when somebody first mistypes.
let holders = null;
function wordIndex() {
  if (holders) return holders;
  holders = new Map();
  rowsOfSearch.forEach((row, k) => {
    for (const word of new Set(row.key.split(" "))) {
      if (holders.has(word)) holders.get(word).push(k);
      else holders.set(word, [k]);
    }
  });
  return holders;
}

// Names in which every word of the query is close to the beginning of a word, with the sum of the distances.
function close(words) {
  let found = null;
  for (const word of words) {
    const limit = word.length < 4 ? 0 : word.length < 8 ? 1 : 2;
    const hits = new Map();
    for (const [other, rows] of wordIndex()) {
      if (other.length < word.length - limit) continue;
      const far = distance(word, other, limit);
      if (far > limit) continue;
      for (const k of rows) {
        if (found && !found.has(k)) continue;
        const total = far + (found?.get(k) ?? 0);
        if (!(hits.get(k) <= total)) hits.set(k, total);
      }
    }
    found = hits;
    if (!found.size) break;
  }
  return found;
}

function search(rows, text, accept = () => true, limit = 12) {
  const query = fold(text);
  if (!query) return [];
  const packed = query.replaceAll(" ", ""), words = query.split(" ");
  const found = new Map();
  const keep = (row, score) => {
    const value = score * 2 + (row.first ? 0 : 1);
    const known = found.get(row.i);
    if (!known || value < known.value) found.set(row.i, { i: row.i, value, alias: row.first ? null : row.name });
  };
  for (const row of rows) {
    if (!accept(row.i)) continue;
    const score = rank(row, query, packed);
    if (score >= 0) keep(row, score);
    else if (words.length > 1 && words.every((word) => row.key.includes(word))) keep(row, 4);
  }
  if (found.size < 5) {
    for (const [k, score] of close(words)) {
      const row = rows[k];
      if (accept(row.i)) keep(row, 5 + score);
    }
  }
  return [...found.values()]
    .sort((a, b) => a.value - b.value || importance(GRAPH.nodes[b.i]) - importance(GRAPH.nodes[a.i]) || a.i - b.i)
    .slice(0, limit);
}
