// An editor for SPARQL: a plain text area, which browsers and screen readers know, over a painted copy of its text.
import { el, names } from "./names.js";

const KEYWORDS = "ASK BASE CONSTRUCT DESCRIBE SELECT WHERE FROM NAMED PREFIX DISTINCT REDUCED ORDER BY ASC DESC GROUP HAVING LIMIT OFFSET VALUES OPTIONAL UNION MINUS FILTER BIND AS EXISTS NOT IN GRAPH SERVICE SILENT UNDEF TRUE FALSE SEPARATOR".split(" ");
const FUNCTIONS = "COUNT SUM MIN MAX AVG SAMPLE GROUP_CONCAT STR LANG LANGMATCHES DATATYPE BOUND IRI URI BNODE RAND ABS CEIL FLOOR ROUND CONCAT STRLEN UCASE LCASE ENCODE_FOR_URI CONTAINS STRSTARTS STRENDS STRBEFORE STRAFTER YEAR MONTH DAY NOW COALESCE IF STRLANG STRDT SAMETERM ISIRI ISURI ISBLANK ISLITERAL ISNUMERIC REGEX SUBSTR REPLACE".split(" ");
const WORDS = new Set([...KEYWORDS, ...FUNCTIONS]);
const TOKEN = /(?<c>#[^\n]*)|(?<i><[^<>"{}|^`\\\s]*>)|(?<s>'''(?:[^\\]|\\[^])*?(?:'''|$)|"""(?:[^\\]|\\[^])*?(?:"""|$)|'(?:[^'\\\n]|\\.)*'?|"(?:[^"\\\n]|\\.)*"?)|(?<v>[?$]\w+)|(?<n>(?:[A-Za-z][\w-]*)?:[\w.%-]*)|(?<w>[A-Za-z_]\w*)/g;
const SHOWN = 60, WINDOW = 9;

// The kinds of signs of a text: [kind, start, end], in order.
export function tokens(text) {
  const found = [];
  for (const match of text.matchAll(TOKEN)) {
    const groups = match.groups;
    let kind = Object.keys(groups).find((name) => groups[name] !== undefined);
    if (kind === "w") kind = WORDS.has(match[0].toUpperCase()) || match[0] === "a" ? "k" : "";
    if (kind) found.push([kind, match.index, match.index + match[0].length]);
  }
  return found;
}

// ``settings``: prefixes (name to namespace) and terms ([name, sort, definition]); ``run`` is called for Ctrl+Enter.
export function makeEditor({ area, paint, gutter, list, settings, run, changed }) {
  const frame = area.closest(".editor");
  const said = el("span", { class: "sr", role: "status" });
  frame.append(said);
  let bad = 0, badColumn = 0, offers = [], active = 0, from = 0, asked = 0, timer = 0, first = 0;

  function draw() {
    const text = area.value;
    const parts = [];
    let at = 0;
    const badStart = bad ? offsetOf(bad, badColumn) : -1;
    const push = (kind, start, end) => {
      for (const [a, b, isBad] of split(start, end, badStart)) {
        const classes = [kind, isBad ? "bad" : ""].filter(Boolean).join(" ");
        parts.push(classes ? el("span", { class: classes }, text.slice(a, b)) : text.slice(a, b));
      }
    };
    for (const [kind, start, end] of tokens(text)) {
      if (start > at) push("", at, start);
      push(kind, start, end);
      at = end;
    }
    if (at < text.length) push("", at, text.length);
    paint.replaceChildren(...parts, "\n ");
    const lines = text.split("\n").length;
    gutter.replaceChildren(...Array.from({ length: lines }, (_, k) => el("div", k + 1 === bad ? { class: "bad" } : {}, String(k + 1))));
    follow();
  }
  // The signs from the place of an error to the end of its line are marked.
  function split(start, end, badStart) {
    if (badStart < 0) return [[start, end, false]];
    let stop = area.value.indexOf("\n", badStart);
    if (stop < 0) stop = area.value.length;
    const cuts = [start, ...[badStart, stop].filter((cut) => cut > start && cut < end), end];
    return cuts.slice(1).map((cut, k) => [cuts[k], cut, cuts[k] >= badStart && cut <= stop]);
  }
  function follow() {
    paint.scrollTop = area.scrollTop;
    paint.scrollLeft = area.scrollLeft;
    gutter.scrollTop = area.scrollTop;
  }
  // Lines and columns count from 1 and in code points, as the server counts.
  function offsetOf(line, column) {
    const lines = area.value.split("\n");
    const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    return before + Array.from(lines[line - 1] ?? "").slice(0, Math.max(column - 1, 0)).join("").length;
  }
  function insert(text, start, end) {
    area.focus();
    area.setSelectionRange(start, end);
    // The only way that keeps the browser's own undo.
    if (!document.execCommand("insertText", false, text)) area.setRangeText(text, start, end, "end");
    edited();
  }
  function edited() {
    bad = 0;
    draw();
    changed();
  }

  function context() {
    const caret = area.selectionStart, before = area.value.slice(0, caret);
    const inside = tokens(area.value).find(([, start, end]) => start < caret && caret <= end);
    if (inside?.[0] === "c") return null;
    if (inside?.[0] === "s" && !(caret === inside[2] && /^(["'])(?:[^\\]|\\.)*\1$/.test(before.slice(inside[1])) && caret - inside[1] > 1)) {
      return { sort: "string", start: inside[1] + 1, text: before.slice(inside[1] + 1) };
    }
    if (inside?.[0] === "i") return null;
    const match = /([?$]\w*|(?:[A-Za-z][\w-]*)?:[\w-]*|[A-Za-z_][\w-]*)$/.exec(before);
    const text = match?.[0] ?? "";
    return { sort: /^[?$]/.test(text) ? "variable" : text.includes(":") ? "term" : "word", start: caret - text.length, text };
  }
  function local({ sort, text, start }) {
    const low = text.toLowerCase();
    if (sort === "variable") {
      const others = tokens(area.value).filter(([kind, a]) => kind === "v" && a !== start).map(([, a, b]) => area.value.slice(a, b));
      return [...new Set(others)].filter((name) => name.slice(1).toLowerCase().startsWith(low.slice(1)) && name !== text).sort().map((name) => ({ name, note: "variable" }));
    }
    const begins = (name) => name.toLowerCase().startsWith(low);
    const terms = settings.terms.filter(([name]) => begins(name) || (sort === "word" && low.length > 1 && name.split(":").pop().toLowerCase().startsWith(low)))
      .map(([name, , definition]) => ({ name, note: definition }));
    if (sort === "term") return terms;
    const words = [...KEYWORDS, ...FUNCTIONS].filter(begins).map((name) => ({ name, note: KEYWORDS.includes(name) ? "keyword" : "function", insert: KEYWORDS.includes(name) ? `${name} ` : `${name}(` }));
    const prefixes = Object.keys(settings.prefixes).filter(begins).sort().map((name) => ({ name: `${name}:`, note: settings.prefixes[name] }));
    return [...words, ...prefixes, ...terms];
  }
  async function complete(forced) {
    const here = context();
    asked += 1;
    const mine = asked;
    if (!here || (!forced && here.text.length < (here.sort === "variable" || here.text.includes(":") ? 1 : 2))) { close(); return; }
    let found = [];
    if (here.sort === "string") {
      const caret = area.selectionStart;
      // Until names come, offers for another place are no offers for this one.
      if (here.start !== from) hide();
      if (here.text.trim()) {
        try {
          const answer = await names(here.text, 8);
          const told = answer.hits.filter((hit) => hit.fit !== "near");
          found = (told.length ? told : answer.hits).map((hit) => ({ name: hit.label, note: hit.kind.toLowerCase(), insert: hit.label.replace(/[\\"']/g, "\\$&") }));
        } catch { found = []; }
      }
      if (mine !== asked || caret !== area.selectionStart) return;
    } else found = local(here);
    if (found.length === 1 && found[0].name === here.text) found = [];
    offers = found.slice(0, SHOWN);
    from = here.start;
    if (!offers.length) { close(); if (forced) said.textContent = "No completions"; return; }
    list.hidden = false;
    frame.classList.add("listing");
    first = 0;
    select(0);
    place(here.start);
    said.textContent = `${offers.length} ${offers.length === 1 ? "completion" : "completions"}; arrow keys choose, Enter takes, Escape closes`;
  }
  function place(start) {
    // Where a sign stands is measured on the painted copy, which has the same letters at the same places.
    const range = document.createRange();
    const walker = document.createTreeWalker(paint, NodeFilter.SHOW_TEXT);
    let left = start, node = walker.nextNode();
    while (node && left >= node.length) { left -= node.length; node = walker.nextNode(); }
    if (!node) return;
    range.setStart(node, left);
    range.setEnd(node, Math.min(left + 1, node.length));
    const sign = range.getBoundingClientRect(), box = frame.getBoundingClientRect();
    list.style.left = `${Math.max(8, Math.min(sign.left - box.left, box.width - list.offsetWidth - 8))}px`;
    list.style.top = `${sign.top - box.top + 22}px`;
  }
  function select(k) {
    active = (k + offers.length) % offers.length;
    // A window of the offers instead of a list that scrolls, which would need the focus that the text keeps.
    first = Math.max(active - WINDOW + 1, Math.min(first, active));
    list.replaceChildren(...offers.slice(first, first + WINDOW).map((offer, row) => {
      const number = first + row;
      const pick = (event) => { event.preventDefault(); take(number); };
      return el("li", { id: `completion-${number}`, role: "option", "aria-selected": String(number === active), "aria-posinset": number + 1, "aria-setsize": offers.length, onmousedown: pick },
        el("span", { class: "name" }, offer.name), el("span", { class: "quiet" }, offer.note));
    }));
    area.setAttribute("aria-activedescendant", `completion-${active}`);
  }
  function take(k) {
    const offer = offers[k], end = area.selectionStart;
    close();
    insert(offer.insert ?? offer.name, from, end);
  }
  function close() {
    asked += 1;
    clearTimeout(timer);
    hide();
  }
  function hide() {
    list.hidden = true;
    frame.classList.remove("listing");
    area.removeAttribute("aria-activedescendant");
  }

  area.addEventListener("input", (event) => {
    edited();
    clearTimeout(timer);
    if (/^(insertText|deleteContentBackward)$/.test(event.inputType ?? "")) timer = setTimeout(() => complete(false), 70);
    else close();
  });
  area.addEventListener("scroll", () => { follow(); close(); });
  area.addEventListener("blur", close);
  area.addEventListener("click", close);
  area.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key === "Enter") { event.preventDefault(); close(); run(); return; }
    if (command && (event.key === " " || event.code === "Space")) { event.preventDefault(); complete(true); return; }
    if (!list.hidden) {
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 6, PageUp: -6 };
      if (steps[event.key]) { event.preventDefault(); select(active + steps[event.key]); return; }
      if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); take(active); return; }
      if (event.key === "Escape") { event.preventDefault(); close(); return; }
      if (/^(ArrowLeft|ArrowRight|Home|End)$/.test(event.key)) close();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      const line = area.value.slice(0, area.selectionStart).split("\n").pop();
      const indent = /^[ \t]*/.exec(line)[0] + (/[{(]\s*$/.test(line) ? "  " : "");
      if (indent) { event.preventDefault(); insert(`\n${indent}`, area.selectionStart, area.selectionEnd); }
    }
  });
  new ResizeObserver(follow).observe(area);
  draw();

  return {
    get text() { return area.value; },
    set text(value) { area.value = value; bad = 0; close(); draw(); area.scrollTop = 0; area.scrollLeft = 0; },
    mark(line, column) { bad = line; badColumn = column; draw(); },
    go(line, column) {
      const offset = offsetOf(line, column);
      area.focus();
      area.setSelectionRange(offset, offset);
      area.scrollTop = Math.max(0, (line - 4) * 20);
    },
  };
}
