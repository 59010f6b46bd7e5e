"""Lineages: both directions, years, circles, limits, the drawing, and every form of the answer."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import pytest
from lxml import html
from typer.testing import CliRunner

from kg.analysis import family
from kg.analysis.figure import Link, Node, draw, svg_file
from kg.analysis.lineage import Lineage, lineage
from kg.analysis.render import FORMATS, render
from kg.cli import app
from kg.errors import InputError
from kg.export import export
from kg.model import EntityType, KnowledgeGraph, Relation
from kg.store import open_graph
from tests.graphs import HOSTILE, Draft, hostile, vision
from tests.paths import ROOT

SVG = "{http://www.w3.org/2000/svg}"
runner = CliRunner()

PARENTS = {
    "Root": [],
    "Trunk": ["Root"],
    "Bough": ["Trunk", "Root"],
    "Twig": ["Bough"],
    "Leaf": ["Bough"],
    "Bud": ["Twig"],
}
YEARS = {"Trunk": "2015-12-10", "Bough": "2017", "Twig": "2019", "Leaf": "--04-01", "Bud": "2020-05"}


def tree(parents: dict[str, list[str]] | None = None, years: dict[str, str] | None = None) -> KnowledgeGraph:
    """Methods that build on each other; each but those without parents and year is proposed by a paper of its own."""
    draft = Draft()
    parents = PARENTS if parents is None else parents
    years = YEARS if years is None else years
    made = {name: draft.entity(EntityType.METHOD, name) for name in parents}
    for name, on in parents.items():
        if not on and name not in years:
            continue
        text = f"We present {name}. It builds on {' and on '.join(on)}." if on else f"We present {name}."
        paper = draft.paper(f"The {name} paper", text, date=years.get(name))
        draft.claim(paper.id, Relation.PROPOSES, made[name], 0.9, draft.quote(paper, name))
        for parent in on:
            draft.claim(made[name], Relation.BUILDS_ON, made[parent], 0.8, draft.quote(paper, parent))
    return draft.graph()


def look(graph: KnowledgeGraph, folder: Path, name: str, **rest: int) -> Lineage:
    export(graph, folder, ["nt"])
    return lineage(open_graph(folder), name, **rest)


def pairs(steps: object) -> list[tuple[str, str, int]]:
    return sorted((step.child.label, step.parent.label, step.depth) for step in steps)  # type: ignore[attr-defined]


def test_both_directions_by_depth(tmp_path: Path) -> None:
    found = look(tree(), tmp_path, "bough")
    assert pairs(found.ancestors) == [("Bough", "Root", 1), ("Bough", "Trunk", 1), ("Trunk", "Root", 2)]
    assert pairs(found.descendants) == [("Bud", "Twig", 2), ("Leaf", "Bough", 1), ("Twig", "Bough", 1)]
    near = look(tree(), tmp_path, "Bough", depth=1)
    assert {step.depth for step in (*near.ancestors, *near.descendants)} == {1}


def test_years_are_those_of_the_papers_and_only_those(tmp_path: Path) -> None:
    found = look(tree(), tmp_path, "Bough")
    known = {thing.label: found.year(thing) for thing in found.things}
    assert known == {"Root": None, "Trunk": 2015, "Bough": 2017, "Twig": 2019, "Leaf": None, "Bud": 2020}
    text = render(family.document(found), evidence=True)
    assert "The year of 4 of 6 things is known." in text
    assert "Proposed by The Bough paper (2017)." in text
    lines = [line.strip(" │├└─") for line in text.split("What builds on it")[1].splitlines()]
    assert [line.split(" [")[0] for line in lines if line][:4] == ["Bough (2017)", "Twig (2019)", "Bud (2020)", "Leaf"]
    assert "Root (" not in text


def test_a_paper_is_followed_by_what_it_proposes(tmp_path: Path) -> None:
    found = look(tree(), tmp_path, "The Bough paper", depth=1)
    assert [thing.label for thing in found.proposes] == ["Bough"]
    assert {parent for _, parent, _ in pairs(found.ancestors)} == {"Trunk", "Root"}
    assert {child for child, _, _ in pairs(found.descendants)} == {"Twig", "Leaf"}


def test_circles_end_and_are_told(tmp_path: Path) -> None:
    ring = {"Ant": ["Bee"], "Bee": ["Cat"], "Cat": ["Ant"], "Dog": ["Ant"]}
    found = look(tree(ring, {}), tmp_path, "Ant", depth=6)
    assert [[thing.label for thing in circle] for circle in found.circles] == [["Ant", "Bee", "Cat"]]
    text = render(family.document(found))
    assert "Ant ↔ Bee ↔ Cat" in text
    assert text.count("a circle: see above") == 2
    ET.fromstring(family.figure(found))


def test_what_comes_twice_is_opened_once(tmp_path: Path) -> None:
    diamond = {"Top": [], "Left": ["Top"], "Right": ["Top"], "Low": ["Left", "Right"], "Lowest": ["Low"]}
    text = render(family.document(look(tree(diamond, {}), tmp_path, "Top", depth=4)))
    assert text.count("Lowest") == 1
    assert "Low, see above" in text


def test_the_limit_keeps_what_most_papers_say_and_counts_the_rest(tmp_path: Path) -> None:
    wide = {"Hub": [], **{f"Spoke{number:02}": ["Hub"] for number in range(20)}}
    graph = tree(wide, {})
    found = look(graph, tmp_path, "Hub", limit=5)
    assert len(found.descendants) == 5
    assert [(thing.label, down, count) for thing, down, count in found.hidden] == [("Hub", True, 15)]
    text = render(family.document(found))
    assert "20 things build on it; the 5 stated by most papers are shown" in text
    assert "and 15 more" in text
    assert len(look(graph, tmp_path, "Hub", limit=0).descendants) == 20


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    text = render(family.document(look(tree({"Alone": []}, {"Alone": "2020"}), tmp_path, "Alone")))
    assert "Nothing here says that it builds on anything." in text
    assert "Nothing here says what builds on it." in text
    orphan = render(family.document(look(tree(), tmp_path / "b", "Root")))
    assert "No paper in this graph proposes it, so its year is not known here." in orphan


def test_names_that_have_no_lineage(tmp_path: Path) -> None:
    export(tree(), tmp_path, ["nt"])
    with pytest.raises(InputError, match="nothing is called 'Quokka-9000'"):
        lineage(open_graph(tmp_path), "Quokka-9000")
    export(vision(), tmp_path / "vision", ["nt"])
    with pytest.raises(InputError, match="is the task 'image classification'; name a method or paper"):
        lineage(open_graph(tmp_path / "vision"), "image classification")


@pytest.mark.parametrize("fmt", FORMATS)
def test_formats_can_be_read_again(fmt: str, tmp_path: Path) -> None:
    found = look(tree(), tmp_path, "Bough")
    text = render(family.document(found), fmt, evidence=True)
    sentence = "It builds on Trunk and on Root."
    if fmt == "json":
        data = json.loads(text)
        edges = {(step["thing"]["label"], step["builds on"]["label"]) for step in data["builds on"]}
        assert edges == {("Bough", "Root"), ("Bough", "Trunk"), ("Trunk", "Root")}
        assert {thing["label"]: thing["year"] for thing in data["things"]}["Trunk"] == 2015
    elif fmt == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == 6
        assert {row["sentence"] for row in rows if row["thing"] == "Bough"} == {sentence}
    elif fmt == "html":
        page = html.document_fromstring(text)
        assert len(page.xpath("//*[local-name()='svg']//*[local-name()='rect'][@class='box' or @class='self']")) == 6
        assert not page.xpath("//script | //link | //*[@style]")
        assert sentence in page.text_content()
    else:
        assert sentence in text


@pytest.mark.parametrize("fmt", FORMATS)
def test_hostile_names_stay_text(fmt: str, tmp_path: Path) -> None:
    export(hostile(), tmp_path, ["nt"])
    source = open_graph(tmp_path)
    for name in HOSTILE[::3]:
        found = lineage(source, name)
        text = render(family.document(found), fmt, evidence=True)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u2028\u2029\u202e]", text)
        ET.fromstring(svg_file(family.figure(found)))


def test_the_drawing_has_text_title_and_description(tmp_path: Path) -> None:
    found = look(tree(), tmp_path, "Bough")
    root = ET.fromstring(svg_file(family.figure(found)))
    assert root.findtext(f"{SVG}title") == "Lineage of Bough"
    assert "Trunk builds on Root" in (root.findtext(f"{SVG}desc") or "")
    assert root.get("role") == "img"
    marked = (root.get("aria-labelledby") or "").split()
    assert {element.get("id") for element in root.iter() if element.get("id")} == set(marked)
    words = {text.text for text in root.iter(f"{SVG}tspan")}
    assert words == set(PARENTS)
    heads = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "quiet"]
    assert heads == ["year not known", "2015", "2017", "2019", "2020"]


def test_boxes_do_not_overlap_and_arrows_end_at_them() -> None:
    shuffler = random.Random(3)
    nodes = [Node(f"n{number}", "word " * (number % 9 + 1), number % 5) for number in range(40)]
    links = [Link(f"n{a}", f"n{b}") for a, b in shuffler.sample(list(combinations(range(40), 2)), 60)]
    root = ET.fromstring(draw("t", "d", nodes, links))
    boxes = [
        tuple(float(rect.get(name, "0")) for name in ("x", "y", "width", "height"))
        for rect in root.iter(f"{SVG}rect")
        if rect.get("class") == "box"
    ]
    assert len(boxes) == 40
    for (x, y, w, h), (x2, y2, w2, h2) in combinations(boxes, 2):
        assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    width, height = (float(root.get(name, "0")) for name in ("width", "height"))
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)
    edges = {(x, round(y + h / 2, 1)) for x, y, w, h in boxes} | {(x + w, round(y + h / 2, 1)) for x, y, w, h in boxes}
    tips = [
        re.match(r"M(\S+) (\S+)l", path.get("d", "")) for path in root.iter(f"{SVG}path") if path.get("class") == "tip"
    ]
    assert len(tips) == 60
    for tip in tips:
        assert tip is not None
        assert any(abs(float(tip[1]) - x) < 0.2 and abs(float(tip[2]) - y) < 0.2 for x, y in edges)


def test_the_order_of_input_changes_nothing(tmp_path: Path) -> None:
    found = look(tree(), tmp_path / "a", "Bough")
    lines = (tmp_path / "a" / "graph.nt").read_text(encoding="utf-8").splitlines(keepends=True)
    random.Random(5).shuffle(lines)
    mixed = tmp_path / "b.nt"
    mixed.write_text("".join(lines), encoding="utf-8")
    again = lineage(open_graph(mixed), "Bough")
    assert render(family.document(again), "html") == render(family.document(found), "html")


def test_the_command_on_a_built_folder(tmp_path: Path) -> None:
    drawing = tmp_path / "lineage.svg"
    done = runner.invoke(app, ["lineage", str(ROOT / "exports"), "qlora", "--evidence", "--figure", str(drawing)])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Lineage of QLoRA\nProposed by QLoRA: Efficient Finetuning of Quantized LLMs (2023).")
    assert "LoRA (2021)" in done.stdout
    assert "[1] “" in done.stdout
    assert ET.parse(drawing).getroot().tag == f"{SVG}svg"
    failed = runner.invoke(app, ["lineage", str(ROOT / "exports"), "qlora", "--figure", str(tmp_path / "no" / "x.svg")])
    assert failed.exit_code == 1
    assert "cannot be written" in failed.stderr
