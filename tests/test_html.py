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

import pytest

from kg.export.html import COMPRESS_FROM, SCRIPTS, library, page, to_json, write_html
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
    for tag, attributes, content in Parts(text.decode("utf-8")).raw:
        if tag == "script" and attributes.get("id") == "graph-data":
            plain = gzip.decompress(base64.b64decode(content)) if attributes["data-encoding"] == "gzip" else content
            loaded: dict[str, Any] = json.loads(plain)
            return loaded
    raise AssertionError("no data in the page")


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
            if found == tag and attributes.get("type") != "application/json"
        ]
        assert rules[kind] == hashes


def test_scripts_do_not_make_markup_or_code_from_strings() -> None:
    source = page("t", "{}")
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
    names = {node[8].get("name", node[2]) for node in data["nodes"]}
    assert {f"{text} {number}" for number, text in enumerate(HOSTILE)} <= names
    tags = [tag for tag, _ in Parts(pages()["hostile"].decode("utf-8")).elements]
    assert tags == [tag for tag, _ in Parts(pages()["empty"].decode("utf-8")).elements]


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_title_of_the_page_stays_text(title: str) -> None:
    parts = Parts(written(KnowledgeGraph(), Options(title=title)).decode("utf-8"))
    assert [tag for tag, _ in parts.elements] == [tag for tag, _ in Parts(pages()["empty"].decode()).elements]


def test_data_is_compressed_when_it_is_long() -> None:
    assert b'data-encoding="gzip"' in pages()["synthetic"]
    assert b'data-encoding="plain"' in pages()["empty"]
    assert len(json.dumps(data_of(pages()["synthetic"]))) > COMPRESS_FROM


def test_data_holds_every_node_edge_and_result_and_quotes_by_code_point() -> None:
    graph = synthetic()
    data = data_of(pages()["synthetic"])
    assert data["base"] == "https://example.org/kg/"
    assert len(data["nodes"]) == len(graph.papers) + len(graph.things)
    assert len(data["edges"]) == len(graph.claims)
    assert len(data["results"]) == len(graph.results)
    claims = {claim.id: claim for claim in graph.claims}
    for row, claim in zip(data["edges"], (claims[key] for key in sorted(claims)), strict=True):
        assert data["nodes"][row[0]][0] == claim.subject
        assert data["nodes"][row[1]][0] == claim.object
        assert data["relations"][row[2]]["name"] == claim.relation
        forms = {item.surface_form for item in claim.evidence}
        for _, _, sentence, start, end in row[5]:
            assert data["sentences"][sentence][start:end] in forms


def test_pyvis_makes_the_first_picture_without_physics() -> None:
    drawing = data_of(pages()["synthetic"])["drawing"]
    assert drawing["options"]["physics"]["enabled"] is False
    ids = {node["id"] for node in drawing["nodes"]}
    assert 100 < len(ids) <= 180
    assert all({"x", "y", "size", "color", "shape"} <= set(node) for node in drawing["nodes"])
    assert drawing["edges"]
    assert all(edge["from"] in ids and edge["to"] in ids and edge["arrows"] == "to" for edge in drawing["edges"])
    assert "vis-network" in library()


def test_equal_graphs_give_equal_bytes_and_a_small_file() -> None:
    assert written(synthetic()) == pages()["synthetic"]
    assert len(pages()["synthetic"]) < 3_000_000
