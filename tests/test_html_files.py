"""What the page hands over: pictures, tables and graphs of the visible part, with hostile names as they are."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import networkx as nx
import pyoxigraph as ox
import pytest

from kg import ontology as o
from kg.analysis.topics import communities
from kg.export.text import clean
from tests.html_graphs import HOSTILE, hostile, synthetic
from tests.html_visit import MARKS, Visit

pytestmark = MARKS

SVG = "{http://www.w3.org/2000/svg}"


def whole(text: str) -> str:
    """Return ``text`` as a file can hold it: lone surrogates cannot be written, NUL is in no text format."""
    return clean(text)


def names_of_hostile() -> set[str]:
    graph = hostile()
    return {whole(item.title) for item in graph.papers} | {whole(item.label) for item in graph.things}


def graphml_of(text: bytes) -> tuple[dict[str, dict[str, str]], list[dict[str, str]]]:
    """Return nodes by id and edges as their data."""
    root = ElementTree.fromstring(text)
    space = "{http://graphml.graphdrawing.org/xmlns}"

    def data(node: ElementTree.Element) -> dict[str, str]:
        return {item.attrib["key"]: item.text or "" for item in node.iter(f"{space}data")} | node.attrib

    return {item.attrib["id"]: data(item) for item in root.iter(f"{space}node")}, [
        data(item) for item in root.iter(f"{space}edge")
    ]


def show_all_of_hostile(visit: Any) -> Visit:
    page: Visit = visit("hostile", fragment="#view=all")
    return page


def test_graphml_holds_the_visible_part_and_networkx_reads_it(visit: Any) -> None:
    page = visit(fragment="#focus=dataset/harbour-10")
    nodes, edges = page.drawn()
    text = page.saved("GraphML")
    graph = nx.parse_graphml(text.decode("utf-8"), force_multigraph=True)
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (nodes, edges)
    hub = graph.nodes["dataset/harbour-10"]
    assert hub["title"] == "Harbour-10"
    assert hub["type"] == "Dataset"
    assert {"x", "y", "size", "r", "g", "b", "iri"} <= set(hub)
    topics = communities(synthetic())
    for node, values in graph.nodes(data=True):
        assert (values["community"], values["topic"]) == (topics.of[node], topics.label(node))
    header, *rows = csv.reader(io.StringIO(page.saved("Nodes in view").decode("utf-8-sig"), newline=""))
    numbers = [(row[header.index("community")], row[header.index("topic")]) for row in rows]
    assert numbers == [(str(values["community"]), values["topic"]) for _, values in graph.nodes(data=True)]
    claims = {(claim.subject, claim.object, claim.relation.value): claim for claim in synthetic().claims}
    for source, target, values in graph.edges(data=True):
        claim = claims[source, target, values["label"]]
        assert values["weight"] == len(claim.papers)
        assert values["confidence"] == pytest.approx(claim.confidence)
        assert values["evidence"] == " | ".join(dict.fromkeys(item.sentence for item in sorted(claim.evidence)))


def test_turtle_holds_the_visible_part_with_claims_and_sentences(visit: Any) -> None:
    page = visit(fragment="#focus=dataset/harbour-10")
    nodes, edges = page.drawn()
    store = ox.Store()
    store.load(page.saved("Turtle"), format=ox.RdfFormat.TURTLE)
    claims = list(store.quads_for_pattern(None, o.TYPE, o.CLAIM))
    assert len(claims) == edges
    typed = {
        quad.subject for quad in store.quads_for_pattern(None, o.TYPE, None) if isinstance(quad.subject, ox.NamedNode)
    }
    assert len(typed) >= nodes
    for quad in claims:
        subject, target = (
            next(store.quads_for_pattern(quad.subject, end, None)).object for end in (o.SUBJECT, o.OBJECT)
        )
        predicates = [item.object for item in store.quads_for_pattern(quad.subject, o.PREDICATE, None)]
        assert predicates
        assert all(ox.Quad(subject, predicate, target) in store for predicate in predicates)
        evidence = [item.object for item in store.quads_for_pattern(quad.subject, o.HAS_EVIDENCE, None)]
        assert evidence
        for item in evidence:
            sentence, form = (
                next(store.quads_for_pattern(item, name, None)).object.value for name in (o.SENTENCE, o.SURFACE_FORM)
            )
            assert form in sentence


def test_svg_is_the_picture_with_shapes_lines_and_labels(visit: Any) -> None:
    page = visit(fragment="#focus=dataset/harbour-10")
    nodes, edges = page.drawn()
    root = ElementTree.fromstring(page.saved("SVG"))
    assert len([node for node in root.iter() if node.find(f"{SVG}title") is not None]) == nodes + 1
    assert len(list(root.iter(f"{SVG}path"))) == edges
    assert "Harbour-10" in {node.text for node in root.iter(f"{SVG}text")}
    assert not {node.tag for node in root.iter()} & {f"{SVG}script", f"{SVG}foreignObject", f"{SVG}a"}


def test_hostile_names_stay_text_in_tables(visit: Any) -> None:
    page = visit("hostile")
    nodes = list(csv.reader(io.StringIO(page.saved("Nodes in view").decode("utf-8-sig"), newline="")))
    edges = list(csv.reader(io.StringIO(page.saved("Edges in view").decode("utf-8-sig"), newline="")))
    assert len(nodes) == page.drawn()[0] + 1
    assert len(edges) == page.drawn()[1] + 1
    # NUL is in no table, a lone surrogate in no file, and a cell that would run as a formula has a quote before it.
    expected = {re.sub("[\ud800-\udfff]", "\ufffd", name.replace("\x00", "")) for name in hostile_names()}
    expected = {f"'{name}" if re.match(r"[=+\-@\t\r]", name) else name for name in expected}
    assert {row[2] for row in nodes[1:]} == expected
    for row in nodes[1:] + edges[1:]:
        assert not [cell for cell in row if re.match(r"[=+@\t\r]", cell)]


def hostile_names() -> set[str]:
    graph = hostile()
    return {item.title for item in graph.papers} | {item.label for item in graph.things}


def test_hostile_names_stay_text_in_graphml(visit: Any) -> None:
    page = visit("hostile")
    nodes, edges = graphml_of(page.saved("GraphML"))
    assert {item["title"] for item in nodes.values()} == names_of_hostile()
    sentences = {whole(item.sentence) for claim in hostile().claims for item in claim.evidence}
    assert {edge["evidence"] for edge in edges} == sentences


def test_hostile_names_stay_text_in_turtle(visit: Any) -> None:
    page = visit("hostile")
    store = ox.Store()
    store.load(page.saved("Turtle"), format=ox.RdfFormat.TURTLE)
    named = {quad.object.value for key in (o.TITLE, o.PREF_LABEL) for quad in store.quads_for_pattern(None, key, None)}
    assert named == names_of_hostile()
    sentences = {whole(item.sentence) for claim in hostile().claims for item in claim.evidence}
    assert {quad.object.value for quad in store.quads_for_pattern(None, o.SENTENCE, None)} == sentences


def test_hostile_names_stay_text_in_svg(visit: Any) -> None:
    page = visit("hostile")
    root = ElementTree.fromstring(page.saved("SVG"))
    titles = {node.text or "" for node in root.iter(f"{SVG}title")}
    # A parser reads a carriage return in text as a line feed.
    assert {name.replace("\r\n", "\n").replace("\r", "\n") for name in names_of_hostile()} <= titles
    drawn = {node.tag.removeprefix(SVG) for node in root.iter()}
    assert drawn <= {"svg", "title", "rect", "circle", "polygon", "path", "text"}


CENTRE = {
    "circle": lambda at: (float(at["cx"]), float(at["cy"])),
    "rect": lambda at: (float(at["x"]) + float(at["width"]) / 2, float(at["y"]) + float(at["height"]) / 2),
}
"""Where the shapes of methods and papers stand in a saved picture, which has the unit of the screen."""


def test_hostile_names_stay_text_on_the_card_at_the_pointer(visit: Any) -> None:
    page = visit("hostile")
    root = ElementTree.fromstring(page.saved("SVG"))
    shapes = [node for node in root.iter() if node.find(f"{SVG}title") is not None and "stroke" in node.attrib]
    spots = [CENTRE[tag](node.attrib) for node in shapes if (tag := node.tag.removeprefix(SVG)) in CENTRE]
    box = page.page.locator("#canvas").bounding_box()
    expected = {name[:200].encode("utf-8", "replace") for name in hostile_names()}
    seen = set()
    for x, y in spots:
        page.page.mouse.move(box["x"] + 3, box["y"] + 90)
        page.page.locator("#tip[hidden]").wait_for(state="attached")
        page.page.mouse.move(box["x"] + x, box["y"] + y)
        page.page.locator("#tip:not([hidden])").wait_for()
        found = page.page.locator("#tip").evaluate(
            "tip => [tip.querySelector('strong')?.textContent ?? null,"
            " ...[...tip.querySelectorAll('*')].map(e => e.localName)]"
        )
        text, *elements = found
        assert set(elements) <= {"div", "span", "strong", "bdi", "svg", "path"}
        if text is not None:
            seen.add(text[:200].encode("utf-8", "replace"))
    assert len(HOSTILE) == 30
    assert seen <= expected
    assert len(seen) > 50
