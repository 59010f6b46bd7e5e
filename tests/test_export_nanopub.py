"""Nanopublications: well formed by the guidelines, verifiable by their trusty URIs, and saying what the graph says."""

from __future__ import annotations

import dataclasses
import io
import logging
import re
import tracemalloc
import warnings
from collections.abc import Callable, Iterator

import pyoxigraph as ox
import pytest

from kg import ontology as o
from kg.errors import KGError
from kg.export import FORMATS, ExportOptions
from kg.export.nanopub import NP, NPX, PROV, artifact_code, nanopublications, write_nanopubs
from kg.ids import iri
from kg.model import KnowledgeGraph, Relation
from tests.graphs import hostile, vision

BASE = "https://w3id.org/paper-kg/id/"
GRAPHS = [vision, hostile]
Make = Callable[[], KnowledgeGraph]


def written(graph: KnowledgeGraph, options: ExportOptions | None = None) -> bytes:
    stream = io.BytesIO()
    write_nanopubs(graph, stream, options or ExportOptions())
    return stream.getvalue()


def split(trig: bytes) -> Iterator[str]:
    """Yield each nanopublication as a document of its own."""
    head, *parts = re.split(r"^(?=@prefix this:)", trig.decode(), flags=re.MULTILINE)
    return (head + part for part in parts)


def parsed(text: str) -> list[ox.Quad]:
    return list(ox.parse(input=text.encode(), format=ox.RdfFormat.TRIG))


def values(quads: list[ox.Quad], predicate: str, graph: ox.NamedNode | None = None) -> list[str]:
    return sorted(
        q.object.value for q in quads if q.predicate.value == predicate and (graph is None or q.graph_name == graph)
    )


def only(quads: list[ox.Quad], predicate: str) -> ox.Quad:
    (quad,) = (q for q in quads if q.predicate.value == predicate)
    return quad


@pytest.mark.parametrize("make", GRAPHS)
def test_each_is_well_formed(make: Make) -> None:
    """The criteria of the guidelines' section "Well-formed Nanopublications", in their order."""
    documents = list(split(written(make())))
    assert len(documents) == len(make().claims) + len(make().results)
    for text in documents:
        quads = parsed(text)
        assert all(isinstance(quad.graph_name, ox.NamedNode) for quad in quads)
        (first,) = (q for q in quads if q.predicate == o.TYPE and q.object.value == f"{NP}Nanopublication")
        this, head = first.subject, first.graph_name
        graphs = [head]
        for name in ("hasAssertion", "hasProvenance", "hasPublicationInfo"):
            quad = only(quads, NP + name)
            assert (quad.subject, quad.graph_name) == (this, head)
            graphs.append(quad.object)
        _, assertion, provenance, information = graphs
        assert len({this, *graphs}) == 5
        assert {quad.graph_name for quad in quads} == set(graphs)
        assert any(assertion in (q.subject, q.object) for q in quads if q.graph_name == provenance)
        assert {q.subject for q in quads if q.graph_name == information} == {this}
        assert not any(isinstance(term, ox.BlankNode) for q in quads for term in (q.subject, q.object))


@pytest.mark.parametrize("make", GRAPHS)
def test_names_hold_the_hash_of_the_content(make: Make) -> None:
    for text in split(written(make())):
        quads = parsed(text)
        this = only(quads, f"{NP}hasAssertion").subject.value
        assert re.fullmatch(rf"{BASE}np/RA[A-Za-z0-9_-]{{43}}", this)
        assert this.rpartition("/")[2] == artifact_code(quads, this)
        for place, quad in enumerate(quads):
            if isinstance(quad.object, ox.Literal):
                forged = ox.Literal(f"{quad.object.value}!", datatype=quad.object.datatype)
                quads[place] = ox.Quad(quad.subject, quad.predicate, forged, quad.graph_name)
                break
        assert this.rpartition("/")[2] != artifact_code(quads, this)


def test_hash_is_that_of_the_reference() -> None:
    """The code of this document was computed by the Python package nanopub 2.0.1."""
    text = """@prefix this: <https://example.org/np/draft> . @prefix sub: <https://example.org/np/draft#> .
        @prefix np: <http://www.nanopub.org/nschema#> . @prefix ex: <https://example.org/> .
        sub:Head { this: a np:Nanopublication ; np:hasAssertion sub:assertion ; np:hasProvenance sub:provenance ;
                   np:hasPublicationInfo sub:pubinfo . }
        sub:assertion { ex:rownet ex:says "a \\\\ b\\nc", "\U0001f469\u200d\U0001f52c", 5 ; ex:uses ex:imagenet . }
        sub:provenance { sub:assertion ex:from ex:paper , sub:part . }
        sub:pubinfo { this: ex:by ex:program . }"""
    assert (
        artifact_code(parsed(text), "https://example.org/np/draft") == "RA_SX84XVKjEfHpuaHhCVY7mX2pxrEODdqGSkdT_mfElc"
    )


@pytest.mark.parametrize("make", GRAPHS)
def test_another_implementation_accepts_them(make: Make) -> None:
    package = pytest.importorskip("nanopub", reason="the package nanopub, which checks nanopublications, is not here")
    import rdflib

    logging.getLogger("rdflib.term").setLevel(logging.ERROR)
    for text in split(written(make())):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            graph = rdflib.ConjunctiveGraph()
            graph.parse(data=text, format="trig")
            nanopub = package.Nanopub(rdf=graph, conf=package.NanopubConf())
        assert nanopub.is_valid
        assert nanopub.has_valid_trusty


def test_assertions_are_the_triples_of_the_graph() -> None:
    graph = vision()
    relations = set(o.PROPERTIES.values())
    stream = io.BytesIO()
    FORMATS["nt"].outputs[0].write(graph, stream, ExportOptions())
    triples = {
        (q.subject, q.predicate, q.object)
        for q in ox.parse(input=stream.getvalue(), format=ox.RdfFormat.N_TRIPLES)
        if q.predicate in relations
    }
    found = {
        (q.subject, q.predicate, q.object)
        for nanopub in nanopublications(graph, ExportOptions())
        for q in nanopub.quads
        if q.graph_name.value.endswith("#assertion") and q.predicate in relations
    }
    assert found == triples


def test_a_claim_with_its_sources() -> None:
    graph = vision()
    claim = next(c for c in graph.claims if c.relation is Relation.COMPARES_TO)
    (quads,) = (
        list(n.quads)
        for n in nanopublications(graph, ExportOptions())
        if ox.NamedNode(iri(claim.id)) in {q.object for q in n.quads}
    )
    this = only(quads, f"{NP}hasAssertion")
    assertion, provenance = this.object, only(quads, f"{NP}hasProvenance").object
    derived = {q.object.value for q in quads if q.subject == assertion and q.predicate.value == f"{PROV}wasDerivedFrom"}
    assert derived == {*map(iri, claim.papers), *(iri(item.id) for item in claim.evidence)}
    assert len(claim.papers) == 2
    assert values(quads, o.SENTENCE.value, provenance) == sorted(e.sentence for e in claim.evidence)
    assert values(quads, o.CONFIDENCE.value, provenance) == ["0.95"]
    assert values(quads, o.TITLE.value) == ["A Note on Image Classification", "RowNet: Rows for Vision"]
    assert values(quads, f"{PROV}used") == sorted(map(iri, claim.papers))
    agent = only(quads, f"{PROV}wasAssociatedWith").object
    assert ox.Quad(agent, o.TYPE, ox.NamedNode(f"{PROV}SoftwareAgent"), provenance) in quads
    assert only(quads, o.CREATOR.value).object == agent
    labels = [q.object.value for q in quads if q.predicate.value.endswith("#label") and q.subject == this.subject]
    assert labels == ["RowNet compares to ResNet-50"]
    assert only(quads, f"{NPX}hasNanopubType").object == o.CLAIM


def test_a_result_with_its_source() -> None:
    results = [n for n in nanopublications(vision(), ExportOptions()) if any(q.object == o.RESULT for q in n.quads)]
    labels = sorted(q.object.value for n in results for q in n.quads if q.predicate.value == f"{o.RDFS}label")
    assert [label for label in labels if not label.startswith("paper-kg")] == [
        "RowNet: speed 6.5x against ResNet-50",
        "RowNet: top-1 accuracy 82.7% on ImageNet",
        "ThinCut: speed 2.5x against ResNet-50",
    ]
    for nanopub in results:
        asserted = {q.predicate for q in nanopub.quads if q.graph_name.value.endswith("#assertion")}
        assert {o.TYPE, o.VALUE, o.VALUE_TEXT, o.UNIT, o.METRIC, o.OF_METHOD} <= asserted
        assert not asserted & {o.STATED_IN, o.CONFIDENCE, o.HAS_EVIDENCE}
        told = {q.predicate for q in nanopub.quads if q.graph_name.value.endswith("#provenance")}
        assert {o.STATED_IN, o.CONFIDENCE, o.HAS_EVIDENCE, o.SENTENCE} <= told


def test_a_kind_of_use_bears_the_general_relation() -> None:
    kinds = {
        frozenset(q.predicate for q in nanopub.quads if q.graph_name.value.endswith("#assertion"))
        for nanopub in nanopublications(vision(), ExportOptions())
    }
    uses = o.PROPERTIES[Relation.USES]
    for relation in (Relation.EVALUATED_ON, Relation.TRAINED_ON, Relation.BUILDS_ON, Relation.RUNS_ON):
        assert frozenset({uses, o.PROPERTIES[relation]}) in kinds
    assert frozenset({uses}) in kinds


@pytest.mark.parametrize("base", ["https://example.org/a/", "https://example.org/a#", "urn:a/"])
def test_any_base_gives_whole_iris(base: str) -> None:
    for nanopub in nanopublications(vision(), ExportOptions(base=base)):
        assert re.fullmatch(rf"{base.rstrip('#/')}/np/RA[\w-]{{43}}", nanopub.iri)


def test_licence_is_said_when_the_owner_says_it() -> None:
    licence = "https://creativecommons.org/publicdomain/zero/1.0/"
    predicate = f"{o.DCTERMS}license"
    assert predicate not in written(vision()).decode()
    for nanopub in nanopublications(vision(), ExportOptions(license=licence)):
        assert only(list(nanopub.quads), predicate).object == ox.NamedNode(licence)


def test_the_order_of_the_input_does_not_matter() -> None:
    graph = vision()
    turned = dataclasses.replace(
        graph,
        papers=graph.papers[::-1],
        entities=graph.entities[::-1],
        claims=tuple(dataclasses.replace(claim, evidence=claim.evidence[::-1]) for claim in graph.claims[::-1]),
        results=graph.results[::-1],
    )
    assert written(turned) == written(graph)
    assert b"created" not in written(graph)


def test_a_broken_graph_is_told() -> None:
    graph = vision()
    with pytest.raises(KGError, match="the graph is broken"):
        written(dataclasses.replace(graph, entities=graph.entities[1:]))


def test_memory_does_not_grow_with_the_file() -> None:
    """Ten times as many claims take hardly more memory than once as many: what is written is let go."""

    class Sink(io.RawIOBase):
        size = 0

        def write(self, data: object) -> int:
            self.size += len(bytes(data))  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    def peak(claims: int) -> tuple[int, int]:
        graph = vision()
        many = tuple(
            dataclasses.replace(c, confidence=n / 1000) for n in range(claims // 10) for c in graph.claims[:10]
        )
        sink = Sink()
        tracemalloc.start()
        write_nanopubs(dataclasses.replace(graph, claims=many), sink, ExportOptions())  # type: ignore[arg-type]
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top, sink.size

    (low, small), (high, large) = peak(40), peak(400)
    assert large - small > 500_000
    assert high - low < 100_000
