"""The page in a browser: what is drawn, found, filtered and shown, with the network off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kg.analysis.topics import communities
from tests.html_graphs import HOSTILE, hostile, synthetic
from tests.html_visit import MARKS, PIXELS, Visit

pytestmark = MARKS

MARKUP = ", ".join(
    f"#{place} {tag}"
    for place in ("panel", "search-options", "tip")
    for tag in ("script", "img", "style", "b", "i", "u")
)


def test_draws_a_bounded_overview_with_labels(visit: Any) -> None:
    page = visit()
    nodes, edges = page.drawn()
    assert 80 < nodes <= 130
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
    assert page.page.locator("#search-options li .name").first.inner_text().startswith(found)


def test_search_finds_aliases_and_says_when_nothing_matches(visit: Any) -> None:
    page = visit()
    name = next(label for label in (item.label for item in synthetic().entities) if label.endswith("-77"))
    page.find(f"{name} system")
    assert name in page.page.locator("#search-options li").first.inner_text()
    page.find("qqqqqqqq")
    assert page.page.locator("#search-options li.none").count() == 1


def test_choosing_shows_evidence_with_the_mention_marked(visit: Any) -> None:
    page = visit()
    page.find("Harbour-10")
    page.page.keyboard.press("Enter")
    assert page.title() == "Harbour-10"
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
    assert page.title() == "Harbour-10"
    page.page.mouse.click(box["x"] + 8, box["y"] + box["height"] / 2)
    page.page.wait_for_selector("#panel .intro")
    page.page.mouse.dblclick(*centre)
    page.page.wait_for_selector("#panel [data-node='dataset/harbour-10']")
    assert "focus=dataset/harbour-10" in page.page.evaluate("location.hash")


def test_filters_change_what_is_drawn_and_the_next_best_fill_the_overview(visit: Any) -> None:
    page = visit()
    before = page.drawn()
    methods = {name for name, kind, *_ in page.table() if kind == "Method"}
    page.page.locator("input[name=kind-Method]").uncheck()
    without = page.table()
    assert {kind for _, kind, *_ in without} == {"Paper", "Dataset", "Hardware", "Task"}
    assert len(without) > before[0] - len(methods)
    page.page.locator("input[name=kind-Method]").check()
    assert page.drawn() == before
    page.page.locator("input[name=relation-evaluatedOn]").uncheck()
    assert "evaluated on" not in {row[1] for row in page.table("Edges in view")}
    page.page.locator("input[name=relation-evaluatedOn]").check()
    page.page.locator("#confidence").fill("0.85")
    edges = page.table("Edges in view")
    assert edges
    assert all(int(row[3].rstrip("%")) >= 85 for row in edges)
    page.page.locator("#confidence").fill("0")
    page.page.locator("#year-from").select_option("2023")
    assert page.drawn()[0] > before[0] / 2
    page.page.locator("#reset").click()
    assert page.drawn() == before
    assert page.page.evaluate("location.hash") == ""


def test_one_paper_can_be_chosen_to_see_what_it_says(visit: Any) -> None:
    page = visit()
    graph = synthetic()
    paper = next(item for item in graph.papers if item.title.endswith("no. 40"))
    page.find(paper.title.partition(":")[0], "paper")
    assert page.page.locator("#paper-options li .name").first.inner_text() == paper.title
    page.page.keyboard.press("Enter")
    said = [claim for claim in graph.claims if paper.id in claim.papers]
    assert page.drawn()[1] == len(said)
    assert {row[0] for row in page.table()} >= {
        thing.label for thing in graph.things if thing.id in {claim.object for claim in said}
    }
    assert page.page.evaluate("location.hash").endswith(f"&paper={paper.id}")
    assert page.title() == paper.title
    page.page.locator("#paper-clear").click()
    assert page.page.evaluate("location.hash") == ""


def test_a_topic_shows_its_members_alone_and_the_address_restores_it(visit: Any) -> None:
    page = visit()
    before = page.table()
    topics = communities(synthetic())
    assert {row[-1] for row in before} == set(topics.labels)
    page.page.locator("#topic").focus()
    for _ in range(2):
        page.page.keyboard.press("ArrowDown")
    assert page.page.evaluate("document.activeElement.id") == "topic"
    label = topics.labels[1]
    assert label in page.page.locator("#status").inner_text()
    rows = page.table()
    assert {row[-1] for row in rows} == {label}
    # Places that others leave go to the next best of the topic.
    assert len(rows) > sum(row[-1] == label for row in before)
    again = visit(fragment=page.page.evaluate("location.hash"))
    assert again.page.locator("#topic").input_value() == "1"
    assert again.table() == rows
    again.page.locator("#reset").click()
    assert again.page.evaluate("location.hash") == ""
    assert again.table() == before


def test_the_panel_tells_the_topic_and_filters_by_it(visit: Any) -> None:
    node = "dataset/harbour-10"
    topics = communities(synthetic())
    page = visit(fragment=f"#focus={node}&node={node}")
    assert f"Topic\n{topics.label(node)}" in page.panel()
    page.page.locator("#panel button:has-text('Only this topic')").focus()
    page.page.keyboard.press("Enter")
    assert page.page.evaluate("document.activeElement.id") == "only-topic"
    assert page.page.locator("#topic").input_value() == str(topics.of[node])
    assert {row[-1] for row in page.table()} == {topics.label(node)}
    page.page.locator("#only-topic").press("Enter")
    assert len({row[-1] for row in page.table()}) > 1
    # What is chosen by name is shown, whatever the topic.
    page.page.locator("#topic").select_option(index=1 + topics.of[node])
    other = next(paper for paper in synthetic().papers if topics.of[paper.id] != topics.of[node])
    page.choose(other.title)
    assert page.title() == other.title
    assert page.page.locator("#topic").input_value() == "-1"


def test_topics_without_a_name_are_numbered_and_no_topics_give_no_filter(visit: Any) -> None:
    named = visit("hostile")
    options = named.page.locator("#topic option").all_inner_texts()
    labels = communities(hostile()).labels
    assert "" in labels
    assert f"Topic {labels.index('') + 1} (" in " ".join(options)
    named.page.locator("#topic").select_option(index=1 + labels.index(""))
    again = visit("hostile", fragment=named.page.evaluate("location.hash"))
    assert again.drawn() == named.drawn()
    assert visit("one").page.locator("#topic").count() == 0


def test_clusters_open_and_close(visit: Any) -> None:
    page = visit()
    overview = page.drawn()
    entry = page.page.locator("#panel section:has-text('Clusters') button").first
    label = entry.inner_text()
    entry.click()
    assert page.title() == label
    assert page.page.evaluate("new URLSearchParams(location.hash.slice(1)).get('cluster')") == label
    assert 10 < page.drawn()[0] <= 70
    opened = page.drawn()
    assert visit(fragment=page.page.evaluate("location.hash")).drawn() == opened
    page.page.locator("#crumbs button:has-text('Back')").click()
    assert page.drawn() == overview


def test_things_are_hidden_shown_again_and_pinned(visit: Any) -> None:
    page = visit()
    page.choose("Harbour-10")
    page.page.locator("#panel button:has-text('Pin')").click()
    page.page.locator("#panel button:has-text('Unpin')").wait_for()
    page.choose("Osprey 100")
    page.page.locator("#panel button:has-text('Focus')").click()
    page.page.locator("#tools [aria-label=Overview]").click()
    page.page.locator("#panel .close").click()
    page.choose("tidal forecasting")
    page.page.locator("#panel button:has-text('Focus')").click()
    assert "Harbour-10" in {row[0] for row in page.table()}
    again = visit(fragment=page.page.evaluate("location.hash"))
    assert "Harbour-10" in {row[0] for row in again.table()}
    page.choose("Harbour-10")
    page.page.locator("#panel button:has-text('Hide')").click()
    assert "Harbour-10" not in {row[0] for row in page.table()}
    page.page.locator("#crumbs button:has-text('hidden')").click()
    assert page.page.locator("#crumbs button:has-text('hidden')").count() == 0


def test_a_card_tells_of_what_is_under_the_pointer(visit: Any) -> None:
    page = visit(fragment="#focus=dataset/harbour-10", viewport={"width": 1280, "height": 800})
    box = page.page.locator("#canvas").bounding_box()
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.page.locator("#tip:not([hidden])").wait_for()
    assert "Harbour-10" in page.page.locator("#tip").inner_text()
    page.page.mouse.move(box["x"] + 5, box["y"] + 60)
    page.page.locator("#tip[hidden]").wait_for(state="attached")


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
    assert page.title() == "Osprey 100"
    assert not page.page.locator("input[name=kind-Task]").is_checked()
    assert not page.page.locator("input[name=relation-comparesTo]").is_checked()
    assert page.page.locator("#confidence").input_value() == "0.4"
    assert page.page.locator("#year-from").input_value() == "2019"
    again = visit(fragment=page.page.evaluate("location.hash"))
    assert again.drawn() == page.drawn()


@pytest.mark.parametrize(
    "fragment", ["#node=nothing", "#focus=%00&view=all&min=x", "#view=path&path=a,b", "#min=99&from=1", "#topic=none"]
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
    assert 50 < nodes <= 130
    assert edges > 30
    best = max(report.graph.things, key=lambda item: (len(item.papers), item.id))
    page.find(best.label)
    page.page.keyboard.press("Enter")
    assert page.title().split() == best.label.split()
    assert page.page.locator("#panel mark").count() > 0
    page.close()


def test_table_sorts_and_saves_the_visible_part(visit: Any) -> None:
    page = visit("small")
    page.page.locator("#tools button:has-text('Table')").click()
    names = page.page.locator("dialog tbody tr td:first-child")
    assert names.count() == page.drawn()[0]
    page.page.locator("dialog th button").first.click()
    shown = [name.casefold() for name in names.all_inner_texts()]
    assert shown[0] <= shown[-1]
    with page.page.expect_download() as saved:
        page.page.locator("dialog button:has-text('Edges in view (CSV)')").click()
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
