"""Trends: planted changes are found and nothing else, papers without a year are told, drawings are well-formed."""

from __future__ import annotations

import math
import random
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kg.analysis.charts import Group, Panel, percent, small_multiples, sparkline
from kg.analysis.render import render
from kg.analysis.trend_answer import document, figure
from kg.analysis.trends import Trend, discoveries, trends, two_sided
from kg.cli import app
from kg.errors import InputError
from kg.export import export
from kg.model import EntityType, KnowledgeGraph, Relation
from kg.store import OpenGraph, open_graph
from tests.graphs import HOSTILE, Draft

SVG = "{http://www.w3.org/2000/svg}"


def decades(seed: int = 3) -> KnowledgeGraph:
    """400 papers of ten years: OldNet fades from 20%, NewNet appears in 2021, Steady is in 15% and rare ones come by
    chance; twelve papers more have no year."""
    draft = Draft()
    rng = random.Random(seed)
    old, new, steady = (draft.entity(EntityType.METHOD, name) for name in ("OldNet", "NewNet", "Steady"))
    data = draft.entity(EntityType.DATASET, "Benchy")
    rare = [draft.entity(EntityType.METHOD, f"Rare{i}") for i in range(12)]
    for i in range(412):
        year = 2015 + i % 10 if i < 400 else None
        after = year is not None and year >= 2021
        used = [old] * (rng.random() < (0.02 if after else 0.2)) + [new] * (after and rng.random() < 0.3)
        used += [steady] * (rng.random() < 0.15) + [x for x in rare if rng.random() < 0.01]
        names = [x.rpartition("/")[2] for x in used]
        text = " ".join(f"It builds on {name}." for name in names) + " We test on Benchy."
        paper = draft.paper(f"Paper number {i}", text, date=str(year) if year else None)
        for thing, name in zip(used, names, strict=True):
            draft.claim(paper.id, Relation.BUILDS_ON, thing, 0.9, draft.quote(paper, name))
        draft.claim(paper.id, Relation.EVALUATED_ON, data, 0.9, draft.quote(paper, "Benchy"))
    return draft.graph()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenGraph:
    folder = tmp_path_factory.mktemp("trends")
    export(decades(), folder, ["ttl"])
    return open_graph(folder)


def named(found: tuple[Trend, ...], name: str) -> Trend:
    return next(trend for trend in found if trend.thing.label == name)


def test_planted_changes_are_found_and_nothing_else(opened: OpenGraph) -> None:
    found = trends(opened)
    methods = found.subjects["method"]
    assert found.year == 2021
    assert (named(methods, "NewNet").change, named(methods, "OldNet").change) == ("new", "fading")
    assert [t.thing.label for t in methods if t.change] == ["NewNet", "OldNet"]
    assert named(methods, "NewNet").first == 2021
    assert named(found.subjects["dataset"], "Benchy").change == ""
    assert named(found.subjects["dataset"], "Benchy").counts == found.sizes == (40,) * 10
    assert found.subjects["baseline"] == found.subjects["hardware"] == ()


def test_papers_without_a_year_are_told_and_not_counted(opened: OpenGraph) -> None:
    found = trends(opened)
    assert (found.dated, found.undated) == (400, 12)
    assert "12 papers without a year" in render(document(found))
    assert named(found.subjects["dataset"], "Benchy").papers == 400


def test_years_asked_for(opened: OpenGraph) -> None:
    found = trends(opened, ["method"], first=2016, last=2022, since=2022)
    assert found.periods[0][0], found.periods[-1][1] == (2016, 2022)
    assert (found.year, found.dated, found.outside) == (2022, 280, 120)
    assert set(found.subjects) == {"method"}
    for wrong, says in (
        ({"kinds": ["venue"]}, "no such kind; there are dataset"),
        ({"first": 2020, "last": 2019}, "swap"),
        ({"first": 1900, "last": 1901}, "its years are 2015 to 2024"),
        ({"since": 2015}, "must lie after 2015"),
    ):
        with pytest.raises(InputError, match=says):
            trends(opened, **wrong)  # type: ignore[arg-type]


def test_no_year_at_all_says_how_to_give_one(tmp_path: Path) -> None:
    draft = Draft()
    draft.paper("Undated", "Nothing.")
    export(draft.graph(), tmp_path, ["ttl"])
    with pytest.raises(InputError, match="page-year"):
        trends(open_graph(tmp_path))


def test_two_sided_is_the_binomial() -> None:
    k, n, share = 7, 9, 0.3
    weights = [math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(n + 1)]
    expected = min(1.0, 2 * min(sum(weights[: k + 1]), sum(weights[k:])))
    assert two_sided(np.array([float(k)]), np.array([float(n)]), share)[0] == pytest.approx(expected)
    assert two_sided(np.array([0.0, 4.0]), np.array([4.0, 4.0]), 1.0).tolist() == [1, 1]


def test_chance_is_seldom_a_discovery() -> None:
    rng = np.random.default_rng(1)
    total = rng.integers(3, 60, 400).astype(float)
    told = [
        discoveries(two_sided(rng.binomial(total.astype(int), 0.4).astype(float), total, 0.4), 0.05).sum()
        for _ in range(40)
    ]
    assert np.mean(np.array(told) > 0) <= 0.1


def test_examples_quote_the_change(opened: OpenGraph) -> None:
    shown = document(trends(opened))
    sentences = [quote.sentence for quote in shown.quotes]
    assert "It builds on newnet." in sentences
    assert all("Paper number" in quote.paper.label for quote in shown.quotes)


def test_figure_is_text_and_has_a_panel_for_each(opened: OpenGraph) -> None:
    drawn = ET.fromstring(figure(trends(opened)))
    assert drawn.find(f"{SVG}title") is not None
    assert "400 dated papers" in (drawn.findtext(f"{SVG}desc") or "")
    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    assert {"NewNet", "OldNet", "Benchy", "2015", "2024", "new", "fading"} <= set(texts)
    ids = [node.get("id") for node in drawn.iter() if node.get("id")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_data(name: str) -> None:
    drawn = small_multiples(name, name, [(2000, 2000)], [Group(name, (Panel(name, (0.5,), "#000000"),))])
    tree = ET.fromstring(drawn)
    assert {node.tag for node in tree.iter()} <= {
        SVG + tag for tag in ("svg", "title", "desc", "rect", "text", "g", "line")
    }


def test_sparkline_and_percent() -> None:
    assert sparkline([]) == ""
    assert sparkline([0.0, 0.0]) == "▁▁"
    assert sparkline([0.001, 1.0]) == "▂█"
    assert [percent(x) for x in (0.5, 0.0995, 0.002)] == ["50%", "10%", "0.20%"]


def test_command_writes_figure_and_table(opened: OpenGraph, tmp_path: Path) -> None:
    drawing = tmp_path / "trends.svg"
    done = CliRunner().invoke(
        app, ["trends", str(opened.path.parent), "--kind", "method", "--figure", str(drawing), "--format", "csv"]
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("kind,name,change,papers")
    assert "method,NewNet,new," in done.stdout
    assert ET.parse(drawing).getroot().tag == f"{SVG}svg"
    wrong = CliRunner().invoke(app, ["trends", str(opened.path.parent), "--kind", "x"])
    assert wrong.exit_code == 2
    assert len(wrong.stderr.strip().splitlines()) == 1
