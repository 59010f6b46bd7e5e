"""The page in a browser: what is drawn, found, filtered and shown, with the network off."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kg.export.html import write_html
from tests.html_graphs import HOSTILE, hostile, synthetic
from tests.html_visit import PIXELS, Visit

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = next((path for path in map(shutil.which, NAMES) if path), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: install the package chromium"),
]

MARKUP = ", ".join(
    f"#{place} {tag}" for place in ("panel", "options") for tag in ("script", "img", "style", "b", "i", "u")
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, graph in (("synthetic", synthetic()), ("hostile", hostile()), ("small", synthetic(12))):
        made[name] = folder / f"{name}.html"
        with made[name].open("wb") as stream:
            write_html(graph, stream, None)
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Any, files: dict[str, Path]) -> Iterator[Any]:
    opened: list[Visit] = []

    def start(name: str = "synthetic", fragment: str = "", **context: Any) -> Visit:
        opened.append(Visit(browser, files[name], fragment, **context))
        return opened[-1]

    yield start
    for item in opened:
        item.close()


def test_draws_a_bounded_overview_with_labels(visit: Any) -> None:
    page = visit()
    nodes, edges = page.drawn()
    assert 100 < nodes <= 180
    assert edges > 50
    inked, colors = page.page.evaluate(PIXELS)
    assert inked > 10_000
    assert colors > 20


def test_tells_when_it_is_interactive(visit: Any) -> None:
    # How fast it is belongs to a benchmark; here it must get there at all, on a machine however busy.
    assert 0 < visit().page.evaluate("Number(document.documentElement.dataset.readyAfter)") < 60_000


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Harbour-10", "Harbour-10"),
        ("harbuor 10", "Harbour-10"),
        ("osprey100", "Osprey 100"),
        ("tidal forcasting", "tidal forecasting"),
    ],
)
def test_search_finds_names_with_and_without_typing_errors(visit: Any, typed: str, found: str) -> None:
    page = visit()
    page.find(typed)
    assert page.page.locator("#options li .name").first.inner_text().startswith(found)


def test_search_finds_aliases_and_says_when_nothing_matches(visit: Any) -> None:
    page = visit()
    name = next(label for label in (item.label for item in synthetic().entities) if label.endswith("-77"))
    page.find(f"{name} system")
    assert name in page.page.locator("#options li").first.inner_text()
    page.find("qqqqqqqq")
    assert page.page.locator("#options li.none").count() == 1


def test_choosing_shows_evidence_with_the_mention_marked(visit: Any) -> None:
    page = visit()
    page.find("Harbour-10")
    page.page.keyboard.press("Enter")
    assert page.page.locator("#panel-title").inner_text() == "Harbour-10"
    marks = page.page.locator("#panel blockquote mark").all_inner_texts()
    assert marks
    assert set(marks) <= {"Harbour-10"}
    assert "On Harbour-10 it reaches" in page.panel()
    assert "%" in page.page.locator("#panel .result td.number").first.inner_text()
    assert page.page.evaluate("location.hash") == "#node=dataset/harbour-10"


def test_clicking_the_canvas_selects_and_double_click_focuses(visit: Any) -> None:
    page = visit(fragment="#focus=dataset/harbour-10")
    box = page.page.locator("#canvas").bounding_box()
    centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.page.mouse.click(*centre)
    assert page.page.locator("#panel-title").inner_text() == "Harbour-10"
    page.page.mouse.click(box["x"] + 8, box["y"] + box["height"] / 2)
    page.page.wait_for_selector("#panel .intro")
    page.page.mouse.dblclick(*centre)
    page.page.wait_for_selector("#panel [data-node='dataset/harbour-10']")
    assert "focus=dataset/harbour-10" in page.page.evaluate("location.hash")


def test_filters_change_what_is_drawn(visit: Any) -> None:
    page = visit()
    before = page.drawn()
    page.page.locator("input[name=kind-Method]").uncheck()
    without = page.drawn()
    assert without[0] < before[0]
    assert without[1] < before[1]
    page.page.locator("input[name=kind-Method]").check()
    assert page.drawn() == before
    page.page.locator("input[name=relation-evaluatedOn]").uncheck()
    assert page.drawn()[1] < before[1]
    page.page.locator("input[name=relation-evaluatedOn]").check()
    page.page.locator("#confidence").fill("0.85")
    assert page.drawn()[0] < before[0]
    assert page.drawn()[1] < before[1]
    page.page.locator("#confidence").fill("0")
    page.page.locator("#year-from").select_option("2023")
    assert page.drawn()[1] < before[1]


def test_focus_expand_back_and_show_all(visit: Any) -> None:
    page = visit()
    overview = page.drawn()
    page.find("Harbour-10")
    page.page.keyboard.press("Enter")
    page.page.locator("#panel button:has-text('Focus')").click()
    focused = page.drawn()
    assert 2 < focused[0] <= 65
    page.page.keyboard.press("ArrowRight")
    page.page.locator("#canvas").focus()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("Space")
    assert page.drawn()[0] > focused[0]
    page.page.locator("#tools button:has-text('Show all')").click()
    graph = synthetic()
    assert page.drawn() == (len(graph.papers) + len(graph.things), len(graph.claims))
    for _ in range(3):
        page.page.locator("#crumbs button:has-text('Back')").click()
    assert page.drawn() == overview


def test_the_address_restores_the_view(visit: Any) -> None:
    page = visit(
        fragment="#focus=dataset/harbour-10&node=hardware/osprey-100&without=Task&not=comparesTo&min=0.4&from=2019"
    )
    assert page.page.locator("#panel-title").inner_text() == "Osprey 100"
    assert not page.page.locator("input[name=kind-Task]").is_checked()
    assert not page.page.locator("input[name=relation-comparesTo]").is_checked()
    assert page.page.locator("#confidence").input_value() == "0.4"
    assert page.page.locator("#year-from").input_value() == "2019"
    again = visit(fragment=page.page.evaluate("location.hash"))
    assert again.drawn() == page.drawn()


@pytest.mark.parametrize(
    "fragment", ["#node=nothing", "#focus=%00&view=all&min=x", "#view=path&path=a,b", "#min=99&from=1"]
)
def test_a_wrong_address_opens_the_overview(visit: Any, fragment: str) -> None:
    assert visit(fragment=fragment).page.locator("#canvas canvas").count() == 1


def test_path_between_two_things(visit: Any) -> None:
    page = visit(fragment="#node=dataset/harbour-10")
    page.page.locator("#panel button:has-text('path')").click()
    page.page.keyboard.type("Osprey 100")
    page.page.keyboard.press("Enter")
    nodes, edges = page.drawn()
    assert nodes >= 3
    assert edges >= nodes - 1
    assert "Path of" in page.page.locator("#crumbs").inner_text()


def test_things_are_compared_side_by_side(visit: Any) -> None:
    page = visit()
    methods = (item.label for item in synthetic().entities if item.type == "Method")
    names = [label for label in methods if label.endswith(("-40", "-41"))]
    for name in names:
        page.find(name)
        page.page.keyboard.press("Enter")
        page.page.locator("#panel button:has-text('Compare')").click()
    page.page.locator("#crumbs button:has-text('Compare 2')").click()
    rows = page.page.locator("dialog tbody th").all_inner_texts()
    assert {"proposed by", "compares to", "targets", "evaluated on", "builds on", "runs on"} <= set(rows)
    assert [row for row in rows if row.startswith("accuracy on ")]
    assert page.page.locator("dialog thead th").all_inner_texts() == names


def test_the_page_of_real_listings_is_small_and_draws(browser: Any, seeds: tuple[Path, Any]) -> None:
    folder, report = seeds
    path = folder / "graph.html"
    assert path.stat().st_size < 3_000_000
    page = Visit(browser, path)
    nodes, edges = page.drawn()
    assert 50 < nodes <= 180
    assert edges > 30
    best = max(report.graph.things, key=lambda item: (len(item.papers), item.id))
    page.find(best.label)
    page.page.keyboard.press("Enter")
    assert page.page.locator("#panel-title").inner_text().split() == best.label.split()
    assert page.page.locator("#panel mark").count() > 0
    page.close()


def test_all_of_it_works_by_keyboard(visit: Any) -> None:
    page = visit()
    keyboard = page.page.keyboard
    keyboard.press("/")
    assert page.page.evaluate("document.activeElement.id") == "search"
    keyboard.type("granite")
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    assert "Granite" in page.page.locator("#panel-title").inner_text()
    first = page.page.locator("#panel-title").inner_text()
    keyboard.press("ArrowUp")
    assert page.page.locator("#panel-title").inner_text() != first
    keyboard.press("Enter")
    assert "focus=" in page.page.evaluate("location.hash")
    keyboard.press("Backspace")
    assert "focus=" not in page.page.evaluate("location.hash")
    keyboard.press("Escape")
    assert page.page.locator("#panel .intro").count() == 1
    keyboard.press("?")
    assert page.page.locator("dialog[open]").count() == 1
    keyboard.press("Escape")
    reached = set()
    for _ in range(60):
        keyboard.press("Tab")
        reached.add(
            page.page.evaluate(
                "document.activeElement.id || document.activeElement.name || document.activeElement.textContent"
            )
        )
    assert {"search", "canvas", "confidence", "year-from", "kind-Method", "Overview", "Table"} <= reached


def test_every_control_has_a_name(visit: Any) -> None:
    page = visit(fragment="#node=dataset/harbour-10")
    nameless = page.page.evaluate(
        "[...document.querySelectorAll('button, input, select, summary, [role]')].filter(e =>"
        " !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length)"
        " && e.id !== 'status' && e.offsetParent).map(e => e.outerHTML)"
    )
    assert nameless == []


def test_table_sorts_and_saves_the_visible_part(visit: Any) -> None:
    page = visit("small")
    page.page.locator("#tools button:has-text('Table')").click()
    names = page.page.locator("dialog tbody tr td:first-child")
    assert names.count() == page.drawn()[0]
    page.page.locator("dialog th button").first.click()
    shown = [name.casefold() for name in names.all_inner_texts()]
    assert shown[0] <= shown[-1]
    with page.page.expect_download() as saved:
        page.page.locator("dialog button:has-text('Edges in view')").click()
    text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    assert text.count("\n") >= page.drawn()[1]
    assert text.startswith("subject,relation,object,confidence,papers,sentence")
    page.page.keyboard.press("Escape")
    page.page.locator("#tools summary").click()
    with page.page.expect_download() as picture:
        page.page.locator("#tools button:has-text('PNG')").click()
    assert Path(picture.value.path()).read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_theme_follows_the_system_and_the_switch(visit: Any, theme: str) -> None:
    page = visit("small", color_scheme=theme)
    root = page.page.locator("html")
    assert root.get_attribute("data-theme") == theme
    page.page.locator("#tools [aria-label='Light or dark']").click()
    assert root.get_attribute("data-theme") != theme


@pytest.mark.parametrize(("width", "height"), [(360, 640), (820, 600), (2560, 1440)])
def test_fits_windows_from_phone_to_wall(visit: Any, width: int, height: int) -> None:
    page = visit(fragment="#node=dataset/harbour-10", viewport={"width": width, "height": height})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.page.locator("#panel-title").is_visible()
    assert page.page.locator("#search").is_visible()
    if width < 861:
        page.page.locator("#panel .close").click()
        page.page.locator("#tools button[aria-label=Filters]").click()
    page.page.locator("input[name=kind-Task]").uncheck()
    inked, _ = page.page.evaluate(PIXELS)
    assert inked > 500


def test_hostile_names_stay_text_everywhere(visit: Any) -> None:
    page = visit("hostile")
    title = page.page.title()
    elements = f"document.querySelectorAll({MARKUP!r}).length"
    for number, text in enumerate(HOSTILE, 100):
        page.find(f"M{number}")
        assert page.page.evaluate(elements) == 0
        page.page.keyboard.press("Enter")
        shown = page.page.locator("#panel-title").evaluate("e => e.textContent")
        assert shown.encode("utf-8", "replace") == f"M{number} {text}".encode("utf-8", "replace")
        assert page.page.evaluate(elements) == 0
    assert page.page.locator("a[href^='javascript:']").count() == 0
    assert page.page.title() == title
    page.page.locator("#tools button:has-text('Table')").click()
    assert page.page.locator("dialog tbody tr").count() == page.drawn()[0]


def test_hostile_titles_of_papers_stay_text(visit: Any) -> None:
    page = visit("hostile")
    for paper in hostile().papers:
        page.page.evaluate("hash => { location.hash = hash }", f"#node={paper.id}")
        page.page.wait_for_selector(f"#panel [data-node='{paper.id}']")
        shown = page.page.locator("#panel-title").evaluate("e => e.textContent")
        assert shown.encode("utf-8", "replace") == paper.title.encode("utf-8", "replace")
        assert page.page.locator("#panel a[href^='javascript:']").count() == 0
        assert page.page.locator("#panel mark").count() >= 1


def test_addresses_become_links_only_when_http(visit: Any) -> None:
    linked = visit("synthetic", fragment="#node=dataset/harbour-10")
    hrefs = linked.page.locator("#panel a").evaluate_all("links => links.map(link => [link.href, link.rel])")
    assert hrefs
    assert all(href.startswith("https://papers.example/") and "noopener" in rel for href, rel in hrefs)
