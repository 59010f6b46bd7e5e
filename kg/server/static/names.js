// A text field that offers names of the graph while one types (the combobox pattern of WAI-ARIA).
export const ROOT = document.documentElement.dataset.root;
const SVG = "http://www.w3.org/2000/svg";
const MARKS = {
  Paper: ["M2 2h10v10H2z", "#7f8790"], Method: ["M7 1a6 6 0 1 1 0 12A6 6 0 0 1 7 1z", "#0072b2"],
  Dataset: ["M3.700 1.200h6.600L13.600 7l-3.300 5.800H3.700L.4 7z", "#009e73"], Hardware: ["M7 1l6.500 11.500h-13z", "#d55e00"],
  Task: ["M7 .5 13.500 7 7 13.500 .5 7z", "#cc79a7"], Metric: ["M7 13 .5 1.500h13z", "#e69f00"],
};
const WAIT = 60;

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function glyph(kind) {
  const mark = MARKS[kind];
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 14 14");
  made.setAttribute("class", "glyph");
  made.setAttribute("aria-hidden", "true");
  if (mark) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", mark[0]);
    path.setAttribute("fill", mark[1]);
    made.append(path);
  }
  return made;
}

export async function names(text, limit, signal) {
  const answer = await fetch(`${ROOT}/search?q=${encodeURIComponent(text)}&limit=${limit}`, { headers: { Accept: "application/json" }, signal });
  if (!answer.ok) throw new Error(`search: ${answer.status}`);
  return answer.json();
}

let count = 0;

// Offers names under ``input``; ``take`` gets the hit that was chosen.
export function offerNames(input, take) {
  count += 1;
  const id = `names-${count}`;
  const list = el("ul", { id, class: "options", role: "listbox", "aria-label": "Names", hidden: "" });
  const said = el("span", { class: "sr", role: "status" });
  const box = el("div", { class: "combo" });
  input.replaceWith(box);
  box.append(input, list, said);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", id], ["autocomplete", "off"]]) input.setAttribute(name, value);
  let hits = [], active = -1, timer = 0, asking = null;

  const close = () => {
    clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (hit) => { close(); take(hit); };
  const move = (to) => {
    active = to;
    [...list.children].forEach((row, k) => row.setAttribute("aria-selected", String(k === active)));
    if (active < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", `${id}-${active}`);
      list.children[active].scrollIntoView({ block: "nearest" });
    }
  };
  const show = (found) => {
    hits = found.hits;
    list.replaceChildren(...hits.map((hit, k) => el("li", { id: `${id}-${k}`, role: "option", "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); choose(hit); } },
      glyph(hit.kind), el("span", { class: "name" }, el("bdi", {}, hit.label), hit.name === hit.label ? null : el("span", { class: "quiet" }, "  ", el("bdi", {}, hit.name))),
      el("span", { class: "quiet" }, hit.papers ? `${hit.papers} ${hit.papers === 1 ? "paper" : "papers"}` : hit.kind.toLowerCase()))));
    list.hidden = !hits.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    said.textContent = hits.length ? `${found.fits ? "" : "Nothing is called so. "}${hits.length} ${hits.length === 1 ? "name" : "names"}` : "No name fits";
    move(-1);
  };
  const ask = async () => {
    const text = input.value.trim();
    asking?.abort();
    if (!text) { close(); return; }
    asking = new AbortController();
    try {
      const found = await names(text, 10, asking.signal);
      if (document.activeElement === input) show(found);
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  };
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, WAIT); });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else move((active + (event.key === "ArrowDown" ? 1 : -1) + hits.length + (active < 0 && event.key === "ArrowUp" ? 1 : 0)) % hits.length);
    } else if (event.key === "Enter" && !list.hidden && active >= 0) {
      event.preventDefault();
      choose(hits[active]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
}
