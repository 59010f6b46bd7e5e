// Finds things by name or alias: exact, prefix, word prefix, part, and with typing errors.
const fold = (text) =>
  text.slice(0, 300).normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase().replace(/[^\p{L}\p{N}+#]+/gu, " ").trim();

function searchIndex(nodes) {
  const rows = [];
  for (const node of nodes) {
    for (const name of [node.name, ...node.names]) {
      const key = fold(name);
      if (key) rows.push({ i: node.i, key, packed: key.replaceAll(" ", ""), words: null, name, first: name === node.name });
    }
  }
  return rows;
}

// Optimal string alignment distance of a and b, or limit + 1 where it is larger.
function distance(a, b, limit) {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before = [], last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j += 1) {
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
  return last[b.length];
}

function rank(row, query, packed) {
  if (row.key === query || row.packed === packed) return 0;
  if (row.key.startsWith(query) || row.packed.startsWith(packed)) return 1;
  if (row.key.includes(` ${query}`)) return 2;
  if (query.length > 1 && (row.key.includes(query) || (packed.length > 3 && row.packed.includes(packed)))) return 3;
  return -1;
}

// Every word of the query is close to the beginning of a word of the name.
function close(row, words) {
  row.words ??= row.key.split(" ");
  let total = 0;
  for (const word of words) {
    const limit = word.length < 4 ? 0 : word.length < 8 ? 1 : 2;
    let best = limit + 1;
    for (const other of row.words) {
      best = Math.min(best, distance(word, other, limit));
      if (best > 0 && other.length > word.length) {
        for (let size = word.length - limit; size <= Math.min(other.length, word.length + limit); size += 1) {
          best = Math.min(best, distance(word, other.slice(0, size), limit));
        }
      }
      if (best === 0) break;
    }
    if (best > limit) return -1;
    total += best;
  }
  return total;
}

function search(rows, text, limit = 12) {
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
    const score = rank(row, query, packed);
    if (score >= 0) keep(row, score);
    else if (words.length > 1 && words.every((word) => row.key.includes(word))) keep(row, 4);
  }
  if (found.size < 5) {
    for (const row of rows) {
      if (found.has(row.i)) continue;
      const score = close(row, words);
      if (score >= 0) keep(row, 5 + score);
    }
  }
  return [...found.values()]
    .sort((a, b) => a.value - b.value || GRAPH.nodes[b.i].edges.length - GRAPH.nodes[a.i].edges.length || a.i - b.i)
    .slice(0, limit);
}
