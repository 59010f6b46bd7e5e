"""Links of the vocabularies to other authorities: well formed, each thing once, and handed on to the graph."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import pyoxigraph as ox
import pytest

from kg import ontology as o
from kg.ids import iri
from kg.report import Report
from kg.resources import data
from kg.vocabulary import Concept, load

VOCABULARIES = sorted(data("ontology/vocab").glob("*.ttl"))
LINKS = data("ontology/vocab/links.ttl")
SOURCE = f"{o.DCTERMS}source"
FORMS = {
    "www.wikidata.org": r"http://www\.wikidata\.org/entity/Q[1-9]\d*",
    "dbpedia.org": r"http://dbpedia\.org/resource/[A-Z0-9][^\s<>\"{}|\\^`%?#_]*(_[^\s<>\"{}|\\^`%?#_]+)*",
    "arxiv.org": r"https://arxiv\.org/abs/(0[7-9]|1\d|2[0-6])(0[1-9]|1[0-2])\.\d{4,5}",
}
"""How each authority writes its identifiers; arXiv's begin with the year and the month, from April 2007 on."""


@pytest.fixture(scope="module")
def concepts() -> dict[str, Concept]:
    return {concept.iri: concept for concept in load(VOCABULARIES)}


@pytest.fixture(scope="module")
def triples() -> list[ox.Triple]:
    quads = [quad for path in VOCABULARIES for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE)]
    links = {o.EXACT_MATCH.value, o.CLOSE_MATCH.value, SOURCE}
    return [quad.triple for quad in quads if quad.predicate.value in links]


def twice(values: Iterable[object]) -> list[object]:
    return [value for value, number in Counter(values).items() if number > 1]


def test_identifiers_are_of_the_authority_s_form(triples: list[ox.Triple]) -> None:
    for triple in triples:
        value = str(triple.object.value)
        form = FORMS[urlsplit(value).netloc]
        assert re.fullmatch(form, value), value
        assert (triple.predicate.value == SOURCE) == ("arxiv.org" in value), value


def test_there_are_hundreds(triples: list[ox.Triple]) -> None:
    found = Counter(triple.predicate.value for triple in triples)
    assert found[o.EXACT_MATCH.value] > 400
    assert found[SOURCE] > 450


def test_no_two_concepts_are_one_thing(triples: list[ox.Triple]) -> None:
    exact = [t for t in triples if t.predicate == o.EXACT_MATCH]
    assert twice(t.object.value for t in exact) == []
    assert twice((t.subject.value, urlsplit(t.object.value).netloc) for t in exact) == []
    close = {(t.subject.value, t.object.value) for t in triples if t.predicate == o.CLOSE_MATCH}
    assert not close & {(t.subject.value, t.object.value) for t in exact}
    assert twice(t.subject.value for t in triples if t.predicate.value == SOURCE) == []


def test_links_are_of_known_concepts_and_in_order(triples: list[ox.Triple], concepts: dict[str, Concept]) -> None:
    assert {triple.subject.value for triple in triples} <= set(concepts)
    lines = [line.split()[0] for line in LINKS.read_text(encoding="utf-8").splitlines() if line.startswith("kgv:")]
    assert lines == sorted(lines)
    assert twice(lines) == []


def test_links_change_nothing_but_matches(concepts: dict[str, Concept]) -> None:
    """Extraction goes by names, kinds and hierarchy, and those are the same without the file."""
    without = load(path for path in VOCABULARIES if path != LINKS)
    assert [dataclasses.replace(c, matches=()) for c in without] == [
        dataclasses.replace(c, matches=()) for c in concepts.values()
    ]
    assert sum(bool(c.matches) for c in without) < sum(bool(c.matches) for c in concepts.values())


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("m-convolutional-neural-network", "http://dbpedia.org/resource/Convolutional_neural_network"),
        ("m-convolutional-neural-network", "http://www.wikidata.org/entity/Q17084460"),
        ("d-imagenet", "http://dbpedia.org/resource/ImageNet"),
        ("h-fpga", "http://dbpedia.org/resource/Field-programmable_gate_array"),
        ("t-object-detection", "http://dbpedia.org/resource/Object_detection"),
        ("x-psnr", "http://dbpedia.org/resource/Peak_signal-to-noise_ratio"),
    ],
)
def test_well_known_things(concepts: dict[str, Concept], name: str, link: str) -> None:
    assert link in concepts[f"https://w3id.org/paper-kg/vocab/{name}"].matches


def test_links_reach_the_graph(examples: tuple[Path, Report], concepts: dict[str, Concept]) -> None:
    folder, report = examples
    store = ox.Store()
    store.load(path=str(folder / "graph.ttl"), format=ox.RdfFormat.TURTLE)
    linked = [entity for entity in report.graph.entities if entity.concept and concepts[entity.concept].matches]
    assert len(linked) > 10
    for entity in linked:
        subject = ox.NamedNode(iri(entity.id))
        found = {str(q.object.value) for q in store.quads_for_pattern(subject, o.CLOSE_MATCH, None)}
        assert set(concepts[str(entity.concept)].matches) <= found
