"""The page for everybody: axe-core finds nothing serious, every control has a name and works by keyboard."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.html_visit import MARKS, Visit

pytestmark = MARKS

AXE = "4.10.3"

CONTROLS = "a[href], button, input, select, summary, textarea, [tabindex='0']"

WALK = """selector => {
  const open = (node) => node.checkVisibility({visibilityProperty: true}) && !node.disabled && node.tabIndex >= 0;
  const nodes = [...document.querySelectorAll(selector)].filter(open);
  nodes.forEach((node, k) => { node.dataset.walk = k; });
  return nodes.length;
}"""
"""Number every control that a mouse could reach."""


@pytest.fixture(scope="module")
def axe() -> str:
    """Return the source of axe-core, kept in the user's cache folder once npm has fetched it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paper-kg" / f"axe-core-{AXE}"
    source = cache / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed: it fetches axe-core")
        cache.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--prefix", str(cache), "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run([*command, f"axe-core@{AXE}"], capture_output=True, text=True, timeout=120, check=False)
        if done.returncode or not source.exists():
            pytest.skip(f"npm could not fetch axe-core: {done.stderr.strip()[-200:]}")
    return source.read_text(encoding="utf-8")


def open_table(page: Visit) -> None:
    page.page.locator("#tools [aria-label=Table]").click()


def open_help(page: Visit) -> None:
    page.page.keyboard.press("?")


def open_search(page: Visit) -> None:
    page.find("harbour")


def open_saving(page: Visit) -> None:
    page.page.locator("#saving summary").click()


def compare(page: Visit) -> None:
    for name in ("Harbour-10", "Osprey 100"):
        page.choose(name)
        page.page.locator("#panel button:has-text('Compare')").click()
    page.page.locator("#crumbs button:has-text('Compare 2')").click()


SCENES = {
    "overview": ("", None),
    "thing": ("#node=dataset/harbour-10", None),
    "focus": ("#focus=dataset/harbour-10&node=dataset/harbour-10&min=0.4", None),
    "table": ("", open_table),
    "help": ("", open_help),
    "search": ("", open_search),
    "saving": ("", open_saving),
    "comparison": ("", compare),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(visit: Any, axe: str, theme: str) -> None:
    for width in (1280, 360):
        for name, (fragment, act) in SCENES.items():
            if width == 360 and (theme == "dark" or name not in {"overview", "thing", "table"}):
                continue
            page = visit(fragment=fragment, color_scheme=theme, viewport={"width": width, "height": 800})
            if act is not None:
                act(page)
            page.settled()
            page.page.evaluate(axe)
            found = page.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            serious = [
                (name, width, item["id"], node["html"][:200], node["failureSummary"][:300])
                for item in found["violations"]
                if item["impact"] in {"serious", "critical"}
                for node in item["nodes"][:3]
            ]
            assert serious == []
            page.close()


def test_every_control_has_a_name(visit: Any) -> None:
    page = visit(fragment="#node=dataset/harbour-10")
    nameless = page.page.evaluate(
        "[...document.querySelectorAll('button, input, select, summary, [role]')].filter(e =>"
        " !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length)"
        " && !['status', 'tip'].includes(e.id) && e.offsetParent).map(e => e.outerHTML)"
    )
    assert nameless == []


@pytest.mark.parametrize("fragment", ["", "#node=task/tidal-forecasting"])
def test_tab_reaches_every_control_in_the_order_of_the_page(visit: Any, fragment: str) -> None:
    page = visit("small", fragment=fragment)
    count = page.page.evaluate(WALK, CONTROLS)
    page.page.evaluate("document.activeElement.blur()")
    walked = []
    for _ in range(count + 3):
        page.page.keyboard.press("Tab")
        walked.append(page.page.evaluate("document.activeElement.dataset.walk ?? ''"))
    numbers = [int(number) for number in walked if number]
    assert sorted(set(numbers)) == list(range(count))
    turn = numbers.index(0)
    around = numbers[turn:] + numbers[:turn]
    assert list(dict.fromkeys(around)) == list(range(count))


def test_the_focus_is_seen_on_every_kind_of_control(visit: Any) -> None:
    page = visit(fragment="#node=dataset/harbour-10")
    outlines = set()
    for _ in range(40):
        page.page.keyboard.press("Tab")
        outlines.add(page.page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))
    assert outlines == {"solid"}


def press(page: Visit, selector: str, key: str = "Enter") -> None:
    """Do what a keyboard user does once the control has the focus."""
    page.page.locator(selector).first.focus()
    page.page.keyboard.press(key)


def test_search_and_walk_by_keyboard(visit: Any) -> None:
    page = visit()
    keyboard = page.page.keyboard
    keyboard.press("/")
    assert page.page.evaluate("document.activeElement.id") == "search"
    keyboard.type("granite")
    page.find("granite")
    keyboard.press("ArrowDown")
    keyboard.press("ArrowUp")
    keyboard.press("Enter")
    assert "Granite" in page.title()
    first = page.title()
    keyboard.press("ArrowUp")
    assert page.title() != first
    drawn = page.drawn()[0]
    keyboard.press("Space")
    assert page.drawn()[0] >= drawn
    keyboard.press("Enter")
    assert "focus=" in page.page.evaluate("location.hash")
    keyboard.press("p")
    assert "pin=" in page.page.evaluate("location.hash")
    keyboard.press("p")
    keyboard.press("Backspace")
    assert "focus=" not in page.page.evaluate("location.hash")
    keyboard.press("h")
    assert "hide=" in page.page.evaluate("location.hash")
    press(page, "#crumbs button:has-text('hidden')")
    assert "hide=" not in page.page.evaluate("location.hash")
    for key in ("+", "-", "0"):
        keyboard.press(key)
    keyboard.press("Escape")
    assert page.page.locator("#panel .intro").count() == 1
    keyboard.press("?")
    assert page.page.locator("dialog[open]").count() == 1
    keyboard.press("Escape")
    assert page.page.locator("dialog[open]").count() == 0


def test_filters_by_keyboard(visit: Any) -> None:
    page = visit()
    press(page, "input[name=kind-Task]", "Space")
    press(page, "input[name=relation-comparesTo]", "Space")
    press(page, "#confidence", "ArrowRight")
    press(page, "#topic", "ArrowDown")
    press(page, "#year-from", "ArrowDown")
    page.page.locator("#paper").focus()
    page.find("SparseLadder-40", "paper")
    page.page.keyboard.press("Enter")
    address = page.page.evaluate("location.hash")
    assert all(f"{key}=" in address for key in ("without", "not", "min", "from", "paper"))
    press(page, "#paper-clear")
    press(page, "#reset")
    assert page.page.evaluate("location.hash") == ""


def test_views_dialogs_and_saving_by_keyboard(visit: Any) -> None:
    page = visit()
    press(page, "#panel section:has-text('Clusters') button")
    assert "cluster=" in page.page.evaluate("location.hash")
    press(page, "#tools [aria-label='Show all']")
    assert "view=all" in page.page.evaluate("location.hash")
    press(page, "#tools [aria-label=Overview]")
    assert page.page.evaluate("location.hash") == ""
    press(page, "#tools [aria-label='Light or dark']")
    assert page.page.locator("html").get_attribute("data-theme") == "dark"
    press(page, "#tools [aria-label=Table]")
    press(page, "dialog .tabs button:has-text('Edges')")
    press(page, "dialog th button")
    assert page.page.locator("dialog th[aria-sort=ascending], dialog th[aria-sort=descending]").count() == 1
    page.page.keyboard.press("Escape")
    press(page, "#saving summary")
    with page.page.expect_download() as download:
        press(page, "#saving button:has-text('SVG')")
    assert download.value.suggested_filename == "graph.svg"
    press(page, "#saving summary")
    page.page.keyboard.press("Escape")
    assert page.page.locator("#saving[open]").count() == 0


def test_path_and_comparison_by_keyboard(visit: Any) -> None:
    page = visit(fragment="#node=dataset/harbour-10")
    press(page, "#panel button:has-text('Compare')")
    press(page, "#panel button:has-text('path')")
    assert page.page.evaluate("document.activeElement.id") == "search"
    page.choose("Osprey 100")
    assert "view=path" in page.page.evaluate("location.hash")
    press(page, "#panel button:has-text('Compare')")
    press(page, "#crumbs button:has-text('Compare 2')")
    assert page.page.locator("dialog[open] thead th").all_inner_texts() == ["Harbour-10", "Osprey 100"]
    press(page, "dialog tbody button")
    assert page.page.locator("dialog[open]").count() == 0
