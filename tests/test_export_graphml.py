"""GraphML: read back by networkx and igraph, and looked at with the eyes of Gephi's importer."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import igraph
import networkx as nx
import pytest

from kg.export import FORMATS, ExportOptions, export
from kg.export.text import clean
from kg.graph import to_networkx
from kg.model import KnowledgeGraph, Paper, Relation
from kg.view import PALETTE, layout
from tests.graphs import HOSTILE, hostile, vision

NS = {"g": "http://graphml.graphdrawing.org/xmlns"}
GEPHI_NODE = {"label", "d3", "x", "y", "xpos", "ypos", "z", "size", "r", "g", "b"}
GEPHI_EDGE = {"label", "edgelabel", "d7", "weight", "Edge Weight", "id", "edgeid", "r", "g", "b"}
GEPHI_TYPES = {"string", "int", "long", "float", "double", "boolean"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("graphml")
    return {
        name: export(make(), root / name, ["graphml"])[0] for name, make in (("vision", vision), ("hostile", hostile))
    }


def rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:], 16)


def test_networkx_reads_all_nodes_edges_labels_and_colours(files: dict[str, Path]) -> None:
    graph, views = vision(), layout(vision())
    read = nx.read_graphml(files["vision"], force_multigraph=True)
    assert read.is_directed()
    assert set(read.nodes) == {item.id for item in (*graph.papers, *graph.things)} == set(views)
    for node, data in read.nodes(data=True):
        view = views[node]
        assert data["label"] == view.label
        assert (data["r"], data["g"], data["b"]) == rgb(PALETTE[data["type"]])
        assert (data["x"], data["y"], data["z"], data["size"]) == (view.x, -view.y, 0.0, view.size)
    edges = {key: (source, target, data) for source, target, key, data in read.edges(keys=True, data=True)}
    assert set(edges) == {claim.id for claim in graph.claims}
    for claim in graph.claims:
        source, target, data = edges[claim.id]
        assert (source, target) == (claim.subject, claim.object)
        assert data["claim"] == claim.id
        assert (data["label"], data["relation"]) == (claim.relation.value, claim.relation.general.value)
        assert (data["weight"], data["confidence"]) == (len(claim.papers), claim.confidence)
        assert all(evidence.sentence in data["evidence"] for evidence in claim.evidence)


def test_igraph_reads_the_same(files: dict[str, Path]) -> None:
    graph, views = vision(), layout(vision())
    read = igraph.Graph.Read_GraphML(str(files["vision"]))
    assert (read.vcount(), read.ecount(), read.is_directed()) == (len(views), len(graph.claims), True)
    for vertex in read.vs:
        view = views[vertex["id"]]
        assert vertex["label"] == view.label
        assert (vertex["r"], vertex["g"], vertex["b"]) == rgb(view.color)
    found = {edge["claim"]: (read.vs[edge.source]["id"], edge["label"], read.vs[edge.target]["id"]) for edge in read.es}
    assert found == {claim.id: (claim.subject, claim.relation.value, claim.object) for claim in graph.claims}


def test_gephi_finds_every_property_by_the_id_of_its_key(files: dict[str, Path]) -> None:
    """Gephi looks the id up first, then the name, nodes and edges apart; a key for "all" is never a property."""
    root = ET.parse(files["vision"]).getroot()
    keys = root.findall("g:key", NS)
    ids = [key.get("id") for key in keys]
    assert len(ids) == len(set(ids)), "GraphML wants ids that are unique in the file"
    assert {key.get("attr.type") for key in keys} <= GEPHI_TYPES
    meaning: dict[str, dict[str, str]] = {"node": {}, "edge": {}}
    for key in keys:
        domain, identifier, name = str(key.get("for")), str(key.get("id")), str(key.get("attr.name"))
        assert domain in meaning
        table = GEPHI_NODE if domain == "node" else GEPHI_EDGE
        if identifier in table or name in table:
            meaning[domain][identifier] = name
            assert identifier == name or (identifier, name) == ("edgelabel", "label")
    assert set(meaning["node"]) == {"label", "x", "y", "z", "size", "r", "g", "b"}
    assert set(meaning["edge"]) == {"edgelabel", "weight"}
    assert {key.get("attr.type") for key in keys if key.get("id") in "rgb"} == {"int"}
    values = {node.get("id"): {d.get("key"): d.text for d in node} for node in root.iter(f"{{{NS['g']}}}node")}
    assert all(
        re.fullmatch(r"\d{1,3}", str(data[c])) and int(str(data[c])) < 256 for data in values.values() for c in "rgb"
    )
    assert values["method/resnet-50"]["baseline"] == "true"
    assert values["method/rownet"]["baseline"] == "false"


def test_hostile_text_comes_back_as_text(files: dict[str, Path]) -> None:
    read = nx.read_graphml(files["hostile"])
    titles = {data["title"] for _, data in read.nodes(data=True) if data["type"] == "Paper"}
    assert titles == {clean(text) for text in HOSTILE}
    assert igraph.Graph.Read_GraphML(str(files["hostile"])).vcount() == 2 * len(HOSTILE)
    assert not re.search(rb"<script|[\x00-\x08\x0b\x0c\x0e-\x1f]", files["hostile"].read_bytes())


def test_paper_without_claims_and_empty_graph_are_legal() -> None:
    for graph, count in ((KnowledgeGraph(papers=(Paper("Alone"),)), 1), (KnowledgeGraph(), 0)):
        stream = io.BytesIO()
        FORMATS["graphml"].outputs[0].write(graph, stream, ExportOptions())
        stream.seek(0)
        assert len(nx.read_graphml(stream)) == count


def test_networkx_graph_is_keyed_by_claim() -> None:
    graph = vision()
    network = to_networkx(graph)
    assert list(network.nodes) == [item.id for item in (*graph.papers, *graph.things)]
    assert {key for _, _, key in network.edges(keys=True)} == {claim.id for claim in graph.claims}
    claim = next(claim for claim in graph.claims if claim.relation is Relation.COMPARES_TO)
    data = network.edges[claim.subject, claim.object, claim.id]
    assert data == {"relation": claim.relation, "confidence": 0.95, "papers": claim.papers, "claim": claim}
    assert network.nodes["method/resnet-50"]["kind"] == "Method"
    assert network.nodes[graph.papers[0].id] == {
        "kind": "Paper",
        "label": graph.papers[0].title,
        "item": graph.papers[0],
    }
