// The query page: example questions with their parameters, the editor, and the answer as a table that sorts.
import { el, offerNames, ROOT } from "./names.js";
import { makeEditor } from "./editor.js";

const settings = JSON.parse(document.getElementById("settings").textContent);
const $ = (id) => document.getElementById(id);
const VALUES = /VALUES\s+\?(\w+)\s*\{\s*"((?:[^"\\\n]|\\.)*)"\s*\}/g;
const PAGE = 200;
const ROWS = { csv: ["CSV", "text/csv"], tsv: ["TSV", "text/tab-separated-values"], json: ["JSON", "application/sparql-results+json"], xml: ["XML", "application/sparql-results+xml"] };
const TRIPLES = { ttl: ["Turtle", "text/turtle"], nt: ["N-Triples", "application/n-triples"], jsonld: ["JSON-LD", "application/ld+json"], rdf: ["RDF/XML", "application/rdf+xml"] };
const ACCEPT = "application/sparql-results+json, application/n-triples;q=0.9";
const NAMESPACES = Object.entries(settings.prefixes).sort((a, b) => b[1].length - a[1].length);

const editor = makeEditor({
  area: $("text"), paint: $("paint"), gutter: $("gutter"), list: $("completions"), settings, run, changed: () => { mend(""); refreshParameters(); remember(false); },
});
let running = null, answered = "", shown = "";

// --- the address: #question=NAME or #query=SPARQL restores what was asked ---
function remember(asked) {
  const known = settings.questions.find((question) => question.text === editor.text);
  const hash = known ? `#question=${known.name}` : editor.text.trim() ? `#query=${encodeURIComponent(editor.text)}` : "";
  for (const link of document.querySelectorAll("[data-question]")) {
    if (link.dataset.question === known?.name) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  if (location.hash === hash) return;
  if (asked) history.pushState(null, "", hash || location.pathname);
  else history.replaceState(null, "", hash || location.pathname);
}
function restore() {
  const [key, value = ""] = location.hash.slice(1).split(/=(.*)/s);
  let text = null;
  try {
    if (key === "query") text = decodeURIComponent(value);
    if (key === "question") text = settings.questions.find((question) => question.name === value)?.text ?? null;
  } catch { text = null; }
  if (text === null || text === editor.text) return false;
  editor.text = text;
  refreshParameters();
  remember(false);
  return true;
}

// --- parameters: each stands in a VALUES ?name { "..." } of its own ---
function refreshParameters() {
  // A question may use one value at several places: it is one parameter.
  const found = [...new Map([...editor.text.matchAll(VALUES)].map((match) => [match[1], match[2]]).reverse())].reverse();
  const key = found.map(([name]) => name).join(" ");
  const box = $("parameters");
  if (key !== shown) {
    shown = key;
    box.hidden = !found.length;
    box.replaceChildren();
    for (const [name, value] of found) {
      const input = el("input", { id: `parameter-${name}`, spellcheck: "false", maxlength: "300" });
      const holder = el("div", { class: "combo" }, el("label", { for: input.id }, name), input);
      box.append(holder);
      input.addEventListener("input", () => setParameter(name, input.value));
      if (!/^-?[\d.]+$/.test(value)) offerNames(input, (hit) => { input.value = hit.label; setParameter(name, hit.label); run(); });
    }
  }
  for (const [name, value] of found) {
    const input = $(`parameter-${name}`);
    if (document.activeElement !== input) input.value = value.replace(/\\(.)/g, "$1");
  }
}
function setParameter(name, value) {
  const quoted = value.replace(/[\\"]/g, "\\$&").replace(/\s+/g, " ");
  editor.text = editor.text.replace(VALUES, (whole, key) => (key === name ? `VALUES ?${name} { "${quoted}" }` : whole));
  remember(false);
}

// --- asking ---
async function send(text, accept, signal) {
  return fetch(`${ROOT}/sparql`, { method: "POST", headers: { "Content-Type": "application/sparql-query", Accept: accept }, body: text, signal });
}
async function run() {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  const text = editor.text;
  mend("");
  $("status").textContent = "Asking …";
  $("stop").hidden = false;
  const started = performance.now();
  try {
    const answer = await send(text, ACCEPT, mine.signal);
    const body = await answer.text();
    if (mine !== running) return;
    const seconds = (performance.now() - started) / 1000;
    if (!answer.ok) { fail(body, answer.status); return; }
    answered = text;
    remember(true);
    show(body, answer.headers.get("Content-Type") ?? "", seconds);
  } catch (error) {
    if (mine !== running) return;
    clear();
    if (error.name === "AbortError") $("status").textContent = "Stopped.";
    else mend("The server does not answer. Is it still running?");
  } finally {
    if (mine === running) { running = null; $("stop").hidden = true; }
  }
}
function clear() {
  $("status").textContent = "";
  $("answer").replaceChildren();
  $("save").hidden = true;
}
function mend(message, line = 0, column = 0) {
  const box = $("problem");
  if (!message) { box.replaceChildren(); return; }
  const go = line ? el("button", { type: "button", onclick: () => editor.go(line, column) }, `Go to line ${line}`) : null;
  box.replaceChildren(message, ...(go ? [" ", go] : []));
}
function fail(body, status) {
  clear();
  let detail = body.trim();
  let place = /\bline (\d+), column (\d+)\b/.exec(detail);
  try {
    const told = JSON.parse(detail);
    detail = told.detail ?? told.title ?? detail;
    if (told.line) place = [null, told.line, told.column ?? 1];
    else place = /\bline (\d+), column (\d+)\b/.exec(detail);
  } catch { /* plain text */ }
  const [line, column] = place ? [Number(place[1]), Number(place[2])] : [0, 0];
  if (line) editor.mark(line, column);
  mend(detail.replace(/^query: /, "").slice(0, 2000) || `The server answers ${status}.`, line, column);
}

// --- the answer ---
function show(body, type, seconds) {
  const save = $("save");
  const triples = !type.includes("sparql-results");
  save.hidden = false;
  save.replaceChildren(...Object.entries(triples ? TRIPLES : ROWS).map(([ending, [label, media]]) => el("button", { type: "button", class: "button", onclick: () => download(ending, media) }, label)));
  const time = `${seconds < 0.995 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`}`;
  if (!triples) {
    const answer = JSON.parse(body);
    if ("boolean" in answer) {
      $("status").textContent = `${answer.boolean ? "Yes" : "No"}, in ${time}.`;
      $("answer").replaceChildren(el("p", { class: "verdict" }, answer.boolean ? "Yes" : "No"));
      return;
    }
    const columns = answer.head.vars;
    table(columns, answer.results.bindings.map((row) => columns.map((name) => row[name] ?? null)), time, "row");
  } else table(["subject", "predicate", "object"], readTriples(body), time, "triple");
}
// N-Triples, a line for each triple.
function readTriples(text) {
  const term = String.raw`(<[^>]*>|_:\S+|"(?:[^"\\]|\\.)*"(?:@[\w-]+|\^\^<[^>]*>)?)`;
  const line = new RegExp(`^${term} ${term} ${term} \\.$`);
  return text.split("\n").map((row) => line.exec(row)).filter(Boolean).map((match) => match.slice(1, 4).map(readTerm));
}
function readTerm(text) {
  if (text[0] === "<") return { type: "uri", value: unescaped(text.slice(1, -1)) };
  if (text[0] === "_") return { type: "bnode", value: text.slice(2) };
  const [, value, language, datatype] = /^"((?:[^"\\]|\\.)*)"(?:@([\w-]+)|\^\^<([^>]*)>)?$/s.exec(text);
  return { type: "literal", value: unescaped(value), "xml:lang": language, datatype };
}
const LETTERS = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };
const unescaped = (text) => text.replace(/\\u([\dA-Fa-f]{4})|\\U([\dA-Fa-f]{8})|\\(.)/g, (_, a, b, c) => (a ?? b ? String.fromCodePoint(parseInt(a ?? b, 16)) : LETTERS[c] ?? c));

const numeric = (term) => term?.type === "literal" && /^https?:\/\/www\.w3\.org\/2001\/XMLSchema#(integer|decimal|double|float|int|long)$/.test(term.datatype ?? "");
const WORDS = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
function compare(a, b) {
  if (!a || !b) return (a ? 0 : 1) - (b ? 0 : 1);
  if (numeric(a) && numeric(b)) return Number(a.value) - Number(b.value);
  return WORDS.compare(a.value, b.value);
}
function short(iri) {
  const known = NAMESPACES.find(([, namespace]) => iri.startsWith(namespace) && /^[\w.%+-]+$/.test(iri.slice(namespace.length)));
  return known ? `${known[0]}:${iri.slice(known[1].length)}` : iri;
}
function page(iri) {
  if (iri.startsWith(settings.prefixes.kg)) return `${ROOT}/ontology#${encodeURIComponent(iri.slice(settings.prefixes.kg.length))}`;
  return iri.startsWith(settings.base) ? `${ROOT}/id/${encodeURI(decoded(iri.slice(settings.base.length)))}` : null;
}
function decoded(text) {
  try { return decodeURI(text); } catch { return text; }
}
function cell(term) {
  if (!term) return el("td");
  if (term.type === "uri") {
    const here = page(term.value);
    if (here) return el("td", {}, el("a", { href: here, title: term.value }, short(term.value)));
    if (/^https?:\/\//.test(term.value)) return el("td", {}, el("a", { href: term.value, rel: "noopener noreferrer external", title: term.value }, short(term.value)));
    return el("td", {}, el("bdi", {}, term.value));
  }
  if (term.type === "literal" && /^https?:\/\/\S+$/.test(term.value) && term.datatype?.endsWith("anyURI")) return el("td", {}, el("a", { href: term.value, rel: "noopener noreferrer external" }, term.value));
  const text = term.type === "bnode" ? `_:${term.value}` : term.type === "triple" ? JSON.stringify(term.value) : term.value;
  return el("td", numeric(term) ? { class: "number" } : {}, numeric(term) ? text : el("bdi", {}, text));
}
function table(columns, rows, time, what) {
  const many = `${rows.length.toLocaleString("en")} ${what}${rows.length === 1 ? "" : "s"}`;
  $("status").textContent = `${many} in ${time}.`;
  if (!rows.length) { $("answer").replaceChildren(el("p", { class: "quiet" }, "Nothing fits this query.")); return; }
  const body = el("tbody");
  let order = rows, until = PAGE;
  const more = el("button", { type: "button", class: "button", onclick: () => { until += 5 * PAGE; fill(); } });
  const fill = () => {
    body.replaceChildren(...order.slice(0, until).map((row) => el("tr", {}, ...row.map(cell))));
    more.hidden = until >= rows.length;
    more.textContent = `Show more of ${many}`;
  };
  const heads = columns.map((name, k) => {
    const head = el("th", { scope: "col", "aria-sort": "none" }, el("button", { type: "button" }, name));
    if (rows.every((row) => !row[k] || numeric(row[k])) && rows.some((row) => row[k])) head.classList.add("number");
    head.firstChild.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      // What is missing stays at the end either way.
      order = [...rows].sort((a, b) => (a[k] && b[k] && !up ? -1 : 1) * compare(a[k], b[k]));
      fill();
    });
    return head;
  });
  fill();
  const holder = el("div", { class: "scroll", role: "region", "aria-label": "Answer", tabindex: "0" }, el("table", {}, el("caption", { class: "sr" }, many), el("thead", {}, el("tr", {}, ...heads)), body));
  $("answer").replaceChildren(holder, more);
}
async function download(ending, media) {
  const answer = await send(answered, media).catch(() => null);
  if (!answer?.ok) { mend(answer ? (await answer.text()).slice(0, 500) : "The server does not answer."); return; }
  const address = URL.createObjectURL(await answer.blob());
  el("a", { href: address, download: `answer.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

$("ask").addEventListener("submit", (event) => { event.preventDefault(); run(); });
$("stop").addEventListener("click", () => running?.abort());
$("link").addEventListener("click", async () => {
  remember(false);
  try { await navigator.clipboard.writeText(location.href); $("status").textContent = "The link is copied."; }
  catch { $("status").textContent = "The address of this page is the link."; }
});
$("questions").addEventListener("click", (event) => {
  const link = event.target.closest("[data-question]");
  if (!link) return;
  event.preventDefault();
  editor.text = settings.questions.find((question) => question.name === link.dataset.question).text;
  refreshParameters();
  run();
  if (matchMedia("(max-width: 900px)").matches) $("ask").scrollIntoView();
});
addEventListener("hashchange", () => { if (restore()) run(); });
addEventListener("popstate", () => { if (restore()) run(); });

if (matchMedia("(max-width: 900px)").matches) $("examples-box").open = false;
if (restore()) run();
else if (!editor.text) {
  editor.text = "SELECT ?baseline (COUNT(DISTINCT ?who) AS ?compared)\nWHERE {\n  ?who kg:comparesTo/skos:prefLabel ?baseline .\n}\nGROUP BY ?baseline\nORDER BY DESC(?compared) ?baseline\nLIMIT 20\n";
}
document.documentElement.dataset.asking = "ready";
