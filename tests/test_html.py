"""The page as a file: one part, closed to the network, with data that is never markup."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import Any

import networkx as nx
import pytest

from kg.export.base import ExportOptions
from kg.export.graphml import write_graphml
from kg.export.html import SCRIPTS, library, page, to_json, write_html
from kg.export.html.payload import TEXT_CHUNK
from kg.model import KnowledgeGraph
from tests.html_graphs import HOSTILE, hostile, synthetic


@dataclass(frozen=True)
class Options:
    base: str = "https://example.org/kg/"
    title: str | None = None


class Parts(HTMLParser):
    """Elements with their attributes, and the text of scripts and styles."""

    CDATA_CONTENT_ELEMENTS = ("script", "style")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in {"script", "style"} and data.strip():
            tag, attributes = self.elements[-1]
            self.raw.append((tag, attributes, data))


def written(graph: KnowledgeGraph, options: Options | None = None) -> bytes:
    stream = io.BytesIO()
    write_html(graph, stream, options or Options())
    return stream.getvalue()


@cache
def pages() -> dict[str, bytes]:
    return {"synthetic": written(synthetic()), "hostile": written(hostile()), "empty": written(KnowledgeGraph())}


def data_of(text: bytes) -> dict[str, Any]:
    """Return the parts of the data by name."""
    return {
        str(attributes["data-part"]): json.loads(gzip.decompress(base64.b64decode(content)))
        for tag, attributes, content in Parts(text.decode("utf-8")).raw
        if tag == "script" and attributes.get("data-part")
    }


@pytest.mark.parametrize("name", ["synthetic", "hostile", "empty"])
def test_the_page_is_one_file_that_refers_to_nothing_outside(name: str) -> None:
    for tag, attributes in Parts(pages()[name].decode("utf-8")).elements:
        for key in ("src", "href", "srcset", "data", "action", "poster"):
            assert (attributes.get(key) or "#").startswith(("#", "data:image/svg+xml,")), (tag, attributes)
        assert not [key for key in attributes if key.startswith("on") or key == "style"], (tag, attributes)
    assert b"sourceMappingURL" not in pages()[name]


@pytest.mark.parametrize("name", ["synthetic", "hostile", "empty"])
def test_the_policy_allows_the_parts_of_the_page_and_nothing_else(name: str) -> None:
    parts = Parts(pages()[name].decode("utf-8"))
    policy = next(a["content"] for tag, a in parts.elements if tag == "meta" and a.get("http-equiv"))
    assert policy is not None
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert "unsafe" not in policy
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        hashes = [
            "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
            for found, attributes, text in parts.raw
            if found == tag and not attributes.get("data-part")
        ]
        assert rules[kind] == hashes


def test_scripts_do_not_make_markup_or_code_from_strings() -> None:
    source = page("t", {})
    own = source[source.rindex("<script>") :]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|cssText|srcdoc", own
    )
    assert len(SCRIPTS) == len(set(SCRIPTS))


@pytest.mark.parametrize("text", HOSTILE)
def test_json_survives_the_way_through_the_page(text: str) -> None:
    packed = to_json([text, {text: 1}])
    assert packed.isascii()
    assert not set(packed) & set("<>&\u2028\u2029\x00")
    assert json.loads(packed) == [text, {text: 1}]


def test_hostile_names_are_in_the_data_as_they_are_and_nowhere_else() -> None:
    data = data_of(pages()["hostile"])
    names = dict(enumerate(data["core"]["nodes"]["label"].split("\n"))) | dict(zip(*data["names"]["full"], strict=True))
    assert len(names) == len(data["core"]["nodes"]["id"].split("\n"))
    assert {f"{text} {number}" for number, text in enumerate(HOSTILE)} <= set(names.values())
    # The number of parts depends on the size of the graph; everything else is the same elements in the same order.
    assert tags_of("hostile") == tags_of("empty")


def tags_of(name: str) -> list[str]:
    return [tag for tag, attributes in Parts(pages()[name].decode("utf-8")).elements if not attributes.get("data-part")]


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_title_of_the_page_stays_text(title: str) -> None:
    parts = Parts(written(KnowledgeGraph(), Options(title=title)).decode("utf-8"))
    assert [tag for tag, attributes in parts.elements if not attributes.get("data-part")] == tags_of("empty")


def test_data_holds_every_node_edge_and_result_and_quotes_by_code_point() -> None:
    graph = synthetic()
    data = data_of(pages()["synthetic"])
    core = data["core"]
    ids, edges = core["nodes"]["id"].split("\n"), core["edges"]
    assert core["base"] == "https://example.org/kg/"
    assert len(ids) == len(core["nodes"]["label"].split("\n")) == len(graph.papers) + len(graph.things)
    assert len(data["results"]["rows"]) == core["results"] == len(graph.results)
    claims = {(claim.subject, claim.relation.value, claim.object): claim for claim in graph.claims}
    found = [
        (ids[source], core["relations"][relation]["name"], ids[target])
        for source, target, relation in zip(edges["s"], edges["t"], edges["relation"], strict=True)
    ]
    assert len(found) == len(claims)
    assert set(found) == set(claims)
    chunks = [data[f"text-{number}"] for number in range(-(-len(found) // TEXT_CHUNK))]
    assert len(chunks) > 1
    for number, key in enumerate(found):
        chunk = chunks[number // TEXT_CHUNK]
        flat = chunk["quotes"][number % TEXT_CHUNK]
        quotes = [flat[at : at + 5] for at in range(0, len(flat), 5)]
        forms = {item.surface_form for item in claims[key].evidence}
        assert len(quotes) == len(claims[key].evidence)
        for paper, _, sentence, start, end in quotes:
            assert ids[paper] in claims[key].papers
            assert chunk["sentences"][sentence][start:end] in forms


def test_papers_of_things_and_statements_are_columns() -> None:
    graph = synthetic()
    core = data_of(pages()["synthetic"])["core"]
    ids = core["nodes"]["id"].split("\n")
    named = {thing.id: sorted(thing.papers) for thing in graph.things}
    flat = iter(core["nodes"]["papers"]["flat"])
    for number, count in enumerate(core["nodes"]["papers"]["counts"]):
        assert [ids[next(flat)] for _ in range(count)] == named.get(ids[number], [])
    assert sum(core["edges"]["papers"]["counts"]) == len(core["edges"]["papers"]["flat"])


def test_topics_are_the_communities_of_the_graphml_file() -> None:
    stream = io.BytesIO()
    write_graphml(synthetic(), stream, ExportOptions())
    nodes = nx.parse_graphml(stream.getvalue().decode("utf-8"), force_multigraph=True).nodes
    core = data_of(pages()["synthetic"])["core"]
    topics = dict(zip(core["nodes"]["id"].split("\n"), core["nodes"]["topic"], strict=True))
    assert topics == {node: values.get("community", -1) for node, values in nodes.items()}
    assert len(set(topics.values()) - {-1}) == len(core["topics"]) > 1
    for node, number in topics.items():
        assert nodes[node].get("topic", "") == (core["topics"][number] if number >= 0 else "")
    assert data_of(pages()["empty"])["core"]["topics"] == []


def test_pyvis_makes_the_first_picture_without_physics() -> None:
    drawing = data_of(pages()["synthetic"])["core"]["drawing"]
    assert drawing["options"]["physics"]["enabled"] is False
    ids = {node["id"] for node in drawing["nodes"]}
    assert 80 < len(ids) <= 130
    assert all({"x", "y", "size", "color", "shape"} <= set(node) for node in drawing["nodes"])
    assert drawing["edges"]
    assert all(edge["from"] in ids and edge["to"] in ids and edge["arrows"] == "to" for edge in drawing["edges"])
    assert "vis-network" in library()


def test_equal_graphs_give_equal_bytes_and_a_small_file() -> None:
    assert written(synthetic()) == pages()["synthetic"]
    assert len(pages()["synthetic"]) < 3_000_000
