"""The VoID description: every number in it is the one that a query of the exported graph gives."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib

from kg.errors import InputError
from kg.export import FORMATS, ExportOptions
from kg.export.void import count
from kg.model import KnowledgeGraph
from kg.report import Report
from tests.graphs import hostile, vision

VOID = rdflib.Namespace("http://rdfs.org/ns/void#")
DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
SPACE = "https://w3id.org/paper-kg/id/void#"
TERMS = {
    "Dataset",
    "DatasetDescription",
    "Linkset",
    "class",
    "classPartition",
    "classes",
    "dataDump",
    "distinctSubjects",
    "entities",
    "exampleResource",
    "feature",
    "linkPredicate",
    "objectsTarget",
    "properties",
    "property",
    "propertyPartition",
    "subjectsTarget",
    "subset",
    "triples",
    "uriSpace",
    "vocabulary",
}
"""Those terms of VoID that the description uses, from the vocabulary's own list."""


def written(graph: KnowledgeGraph, name: str, options: ExportOptions | None = None) -> bytes:
    stream = io.BytesIO()
    FORMATS[name].outputs[0].write(graph, stream, options or ExportOptions())
    return stream.getvalue()


def described(graph: KnowledgeGraph, options: ExportOptions | None = None) -> rdflib.Graph:
    return rdflib.Graph().parse(data=written(graph, "void", options), format="turtle")


def counts(source: bytes | Path, query: str) -> dict[str, int]:
    store = ox.Store()
    if isinstance(source, Path):
        store.load(path=str(source), format=ox.RdfFormat.TURTLE)
    else:
        store.load(input=source, format=ox.RdfFormat.TURTLE)
    rows = store.query(query)
    assert isinstance(rows, ox.QuerySolutions)
    return {row["key"].value: int(row["n"].value) for row in rows}


def parts(void: rdflib.Graph, partition: str, key: str, number: str) -> dict[str, int]:
    return {
        str(void.value(part, VOID[key])): int(str(void.value(part, VOID[number])))
        for part in void.objects(rdflib.URIRef(f"{SPACE}dataset"), VOID[partition])
    }


@pytest.mark.parametrize("make", [vision, hostile, KnowledgeGraph])
def test_numbers_are_those_of_the_graph(make: Callable[[], KnowledgeGraph]) -> None:
    check(described(make()), written(make(), "ttl"))


def test_numbers_are_those_of_the_examples(examples: tuple[Path, Report]) -> None:
    check(described(examples[1].graph), examples[0] / "graph.ttl")


def check(void: rdflib.Graph, turtle: bytes | Path) -> None:
    by_class = counts(turtle, "SELECT (STR(?c) AS ?key) (COUNT(*) AS ?n) { ?s a ?c } GROUP BY ?c")
    by_property = counts(turtle, "SELECT (STR(?p) AS ?key) (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?p")
    subjects = counts(turtle, 'SELECT ("s" AS ?key) (COUNT(DISTINCT ?s) AS ?n) { ?s ?p ?o }')["s"]
    assert parts(void, "classPartition", "class", "entities") == by_class
    assert parts(void, "propertyPartition", "property", "triples") == by_property
    totals = {
        "triples": sum(by_property.values()),
        "entities": subjects,
        "distinctSubjects": subjects,
        "classes": len(by_class),
        "properties": len(by_property),
    }
    dataset = rdflib.URIRef(f"{SPACE}dataset")
    assert {name: int(str(void.value(dataset, VOID[name]))) for name in totals} == totals
    links = counts(
        turtle,
        "PREFIX skos: <http://www.w3.org/2004/02/skos/core#> SELECT (STR(?p) AS ?key) (COUNT(*) AS ?n) "
        "{ VALUES ?p { skos:exactMatch skos:closeMatch } ?s ?p ?o } GROUP BY ?p",
    )
    found: dict[str, int] = {}
    for linkset in void.subjects(rdflib.RDF.type, VOID.Linkset):
        predicate = str(void.value(linkset, VOID.linkPredicate))
        found[predicate] = found.get(predicate, 0) + int(str(void.value(linkset, VOID.triples)))
        assert (dataset, VOID.subset, linkset) in void
        assert (void.value(linkset, VOID.objectsTarget), rdflib.RDF.type, VOID.Dataset) in void
    assert found == links


def test_examples_vocabularies_and_files_are_there() -> None:
    void = described(vision())
    dataset = rdflib.URIRef(f"{SPACE}dataset")
    graph = rdflib.Graph().parse(data=written(vision(), "ttl"), format="turtle")
    samples = set(void.objects(dataset, VOID.exampleResource))
    assert samples <= set(graph.subjects())
    assert rdflib.URIRef("https://w3id.org/paper-kg/id/method/resnet-50") in samples
    assert len(samples) == 6
    spaces = {str(space) for space in void.objects(dataset, VOID.vocabulary)}
    used = {*graph.predicates(), *graph.objects(None, rdflib.RDF.type)}
    assert all(sum(str(term).startswith(space) for space in spaces) == 1 for term in used)
    files = {str(dump).rpartition("/")[2] for dump in void.objects(dataset, VOID.dataDump)}
    assert files == {FORMATS[name].outputs[0].filename for name in ("ttl", "jsonld")}
    assert str(void.value(dataset, VOID.uriSpace)) == "https://w3id.org/paper-kg/id/"
    (document,) = void.subjects(rdflib.RDF.type, VOID.DatasetDescription)
    assert void.value(document, rdflib.FOAF.primaryTopic) == dataset


def test_only_terms_of_void_are_used() -> None:
    used = {str(term).removeprefix(VOID) for triple in described(vision()) for term in triple if VOID in str(term)}
    assert used == TERMS


def test_licence_is_said_when_the_owner_says_it() -> None:
    licence = "https://creativecommons.org/licenses/by/4.0/"
    assert not list(described(vision()).objects(None, rdflib.DCTERMS.license))
    said = described(vision(), ExportOptions(license=licence))
    assert list(said.objects(None, rdflib.DCTERMS.license)) == [rdflib.URIRef(licence)]
    for wrong in ("CC-BY", "https://example.org/a b", ""):
        with pytest.raises(InputError, match="is not an IRI; give for instance https"):
            ExportOptions(license=wrong)


@pytest.mark.parametrize("base", ["https://example.org/papers/", "https://example.org/papers#", "urn:papers/"])
def test_any_base_gives_whole_iris(base: str) -> None:
    void = described(vision(), ExportOptions(base=base))
    root = base.rstrip("#/")
    assert (rdflib.URIRef(f"{root}/void#dataset"), rdflib.RDF.type, VOID.Dataset) in void
    assert set(void.objects(None, VOID.dataDump)) == {
        rdflib.URIRef(f"{root}/graph.ttl"),
        rdflib.URIRef(f"{root}/graph.jsonld"),
    }


def test_strings_that_cleaning_makes_equal_count_once() -> None:
    graph = vision()
    paper = dataclasses.replace(graph.papers[0], authors=("A\x00", "A\x01"))
    twice = dataclasses.replace(graph, papers=(paper, *graph.papers[1:]))
    assert count(twice, ExportOptions()).triples == len(
        rdflib.Graph().parse(data=written(twice, "ttl"), format="turtle")
    )
