"""Shapes: what exporters write conforms, each way to break a graph is found, and pyshacl finds the same."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pyoxigraph as ox
import pyshacl
import pytest
import rdflib

from kg.errors import InputError
from kg.export import ExportOptions, export
from kg.resources import data
from kg.validate import Violation, validate
from tests.graphs import hostile, vision

SHAPES = data("ontology/shapes.ttl")
PREFIX = """
PREFIX kg: <https://w3id.org/paper-kg/ontology#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX schema: <https://schema.org/>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
PREFIX dataset: <https://w3id.org/paper-kg/id/dataset/>
PREFIX hardware: <https://w3id.org/paper-kg/id/hardware/>
PREFIX method: <https://w3id.org/paper-kg/id/method/>
PREFIX task: <https://w3id.org/paper-kg/id/task/>
"""
FAULTS = {
    fault["name"]: (fault["update"], set(fault["messages"]))
    for fault in tomllib.loads(Path(__file__).with_name("shape_faults.toml").read_text(encoding="utf-8"))["fault"]
}


@pytest.fixture(scope="module")
def turtle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = export(vision(), tmp_path_factory.mktemp("valid"), ["ttl"])
    return path


def changed(turtle: Path, update: str, target: Path) -> Path:
    store = ox.Store()
    store.load(path=str(turtle), format=ox.RdfFormat.TURTLE)
    before = {str(quad) for quad in store}
    store.update(PREFIX + update)
    assert {str(quad) for quad in store} != before, "the update must hit something"
    store.dump(str(target), format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    return target


def test_exports_conform(turtle: Path, tmp_path: Path) -> None:
    report = validate(turtle.parent)
    assert report.conforms
    assert str(report) == f"{turtle}: {report.triples} triples, conforms"
    assert report.triples == len(rdflib.Graph().parse(turtle))
    export(vision(), tmp_path, ["jsonld"], ExportOptions(base="https://example.org/"))
    assert validate(tmp_path).conforms


def test_hostile_text_conforms(tmp_path: Path) -> None:
    export(hostile(), tmp_path, ["ttl"])
    messages = {violation.message for violation in validate(tmp_path).violations}
    assert messages == {"a baseline is compared with something"}, "the hand-made graph compares nothing"


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found(turtle: Path, tmp_path: Path, name: str) -> None:
    update, messages = FAULTS[name]
    report = validate(changed(turtle, update, tmp_path / "g.nt"))
    assert {violation.message for violation in report.violations} == messages
    assert not report.conforms


def oracle(path: Path, shapes: Path = SHAPES) -> set[tuple[str, str]]:
    """Focus nodes and messages that pyshacl finds."""
    _, results, _ = pyshacl.validate(rdflib.Graph().parse(path), shacl_graph=rdflib.Graph().parse(shapes))
    sh = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    return {
        (str(results.value(result, sh.focusNode)), str(results.value(result, sh.resultMessage)))
        for result in results.subjects(rdflib.RDF.type, sh.ValidationResult)
    }


def found(path: Path, shapes: Path | None = None) -> set[tuple[str, str]]:
    prefix = {
        kind: f"https://w3id.org/paper-kg/id/{kind}/"
        for kind in ("paper", "method", "dataset", "hardware", "task", "claim", "evidence", "result")
    }
    pairs = set()
    for violation in validate(path, shapes).violations:
        kind, _, local = violation.focus.partition(":")
        pairs.add((prefix[kind] + local if kind in prefix else violation.focus, violation.message))
    return pairs


@pytest.mark.slow
def test_pyshacl_finds_the_same(turtle: Path, tmp_path: Path) -> None:
    """All faults in one graph as far as they do not undo each other, so that the slow oracle runs once."""
    apart = {
        "no title",
        "claim without triple",
        "claim without evidence",
        "claim without paper",
        "kind without general",
    }
    apart |= {"confidence as decimal", "empty label", "label in a language"}
    apart |= {"offset that is no number"}  # rdflib falls into an endless recursion when it subtracts from it
    path = turtle
    for number, name in enumerate(sorted(set(FAULTS) - apart)):
        path = changed(path, FAULTS[name][0], tmp_path / f"{number}.ttl")
    expected = oracle(path)
    assert len(expected) > 30
    assert found(path) == expected
    assert oracle(turtle) == found(turtle) == set()


def test_unknown_terms_are_found(turtle: Path, tmp_path: Path) -> None:
    path = changed(turtle, "INSERT DATA { method:rownet kg:compareTo method:thincut ; a kg:Model }", tmp_path / "g.nt")
    assert validate(path).violations == (
        Violation("kg:Model", "the ontology has no such term"),
        Violation("kg:compareTo", "the ontology has no such term"),
    )


def test_violation_is_one_line_with_place_and_value(turtle: Path, tmp_path: Path) -> None:
    path = changed(
        turtle,
        f"INSERT {{ ?p dcterms:identifier '{'x' * 90}\\n\\u001B' }} WHERE {{ ?p kg:runsOn hardware:nvidia-a100 }}",
        tmp_path / "g.nt",
    )
    (violation,) = validate(path).violations
    assert str(violation) == (
        "paper:a-note-on-image-classification-30066c82: an identifier begins with its scheme, for instance doi: "
        f'(dcterms:identifier "{"x" * 79}…")'
    )
    assert str(validate(path)).splitlines()[-1].endswith(", 1 violation")


def test_a_graph_of_something_else_is_told(tmp_path: Path) -> None:
    path = tmp_path / "g.ttl"
    path.write_text("<http://e.org/a> <http://e.org/b> 1 .", encoding="utf-8")
    with pytest.raises(InputError, match="no graph of papers"):
        validate(path)


SHAPE = """@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix kg: <https://w3id.org/paper-kg/ontology#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix ex: <https://example.org/> . @prefix dcterms: <http://purl.org/dc/terms/> .
ex:S a sh:NodeShape ; sh:targetClass kg:Method ; %s .
"""


@pytest.mark.parametrize(
    "body",
    [
        "sh:property [ sh:path skos:prefLabel ; sh:maxLength 6 ; sh:message 'm' ]",
        "sh:property [ sh:path skos:prefLabel ; sh:pattern '^R' ; sh:message 'm' ]",
        "sh:property [ sh:path skos:altLabel ; sh:minCount 2 ; sh:message 'm' ]",
        "sh:property [ sh:path [ sh:inversePath kg:proposes ] ; sh:minCount 1 ; sh:message 'm' ]",
        "sh:property [ sh:path [ sh:inversePath kg:ofMethod ] ; sh:maxCount 0 ; sh:message 'm' ]",
        "sh:property [ sh:path kg:uses ; sh:class kg:Dataset ; sh:message 'm' ]",
        "sh:property [ sh:path kg:uses ; sh:nodeKind sh:Literal ; sh:message 'm' ]",
        "sh:property [ sh:path skos:prefLabel ; sh:in ( 'RowNet' 5 ) ; sh:message 'm' ]",
        "sh:property [ sh:path skos:prefLabel ; sh:minInclusive 5 ; sh:message 'm' ]",
        "sh:class kg:Baseline ; sh:message 'm'",
        "sh:or ( [ sh:class kg:Baseline ] [ sh:class kg:Task ] ) ; sh:message 'm'",
    ],
)
def test_shapes_of_others_mean_the_same_to_pyshacl(turtle: Path, tmp_path: Path, body: str) -> None:
    shapes = tmp_path / "shapes.ttl"
    shapes.write_text(SHAPE % body, encoding="utf-8")
    expected = oracle(turtle, shapes)
    assert expected
    assert found(turtle, shapes) == expected


def test_target_node_and_subclasses_of_the_data_count(turtle: Path, tmp_path: Path) -> None:
    shapes = tmp_path / "shapes.ttl"
    shapes.write_text(
        SHAPE % "sh:property [ sh:path skos:prefLabel ; sh:maxCount 0 ; sh:message 'm' ]"
        + "ex:T a sh:NodeShape ; sh:targetNode <https://w3id.org/paper-kg/id/task/network-pruning> ; "
        + "sh:class kg:Paper ; sh:message 't' ."
        + "ex:Untargeted a sh:NodeShape ; sh:class kg:Paper .",
        encoding="utf-8",
    )
    path = changed(turtle, "INSERT DATA { kg:Dataset rdfs:subClassOf kg:Method }", tmp_path / "g.ttl")
    assert found(path, shapes) == oracle(path, shapes)
    assert {focus.rsplit("/", 1)[-1] for focus, _ in found(path, shapes)} == {
        "rownet", "thincut", "resnet-50", "imagenet", "cifar-10", "network-pruning"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sh:closed true", "uses sh:closed, which kg validate cannot check"),
        (
            "sh:property [ sh:path ( kg:uses skos:prefLabel ) ; sh:minCount 1 ]",
            "has a path that kg validate cannot follow",
        ),
        ("sh:or ( [ sh:path kg:uses ; sh:minCount 1 ] )", "a property shape in sh:or"),
        ("sh:or ( [ sh:not [ sh:class kg:Task ] ] )", "uses sh:not"),
        ("sh:sparql [ sh:select 'ASK {}' ]", "a SPARQL constraint without 'WHERE {'"),
        ("sh:in [ kg:uses 1 ]", "a list of a shape is broken"),
        ("sh:property 5 .. ", "shapes cannot be read"),
    ],
)
def test_shapes_that_cannot_be_checked_are_refused(turtle: Path, tmp_path: Path, body: str, message: str) -> None:
    shapes = tmp_path / "shapes.ttl"
    shapes.write_text(SHAPE % body, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        validate(turtle, shapes)
