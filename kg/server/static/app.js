// What all pages share: light or dark, and the search field.
import { offerNames } from "./names.js";

const THEME = "kg-theme";
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function stored() {
  try { return localStorage.getItem(THEME); } catch { return null; }
}
if (["light", "dark"].includes(stored())) root.dataset.theme = stored();

const button = document.getElementById("theme");
button.hidden = false;
button.addEventListener("click", () => {
  const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  try { localStorage.setItem(THEME, root.dataset.theme); } catch { /* private windows keep nothing */ }
});

offerNames(document.getElementById("search"), (hit) => { location.href = hit.page; });
document.addEventListener("keydown", (event) => {
  const writing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.getElementById("search").focus();
  }
});
root.dataset.ready = "true";
