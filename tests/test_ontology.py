"""The ontology, the model and what exporters write must agree, both ways."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib

from kg import ids, ontology, resources
from kg.errors import KGError
from kg.export import FORMATS, ExportOptions
from kg.model import LEGAL, SECTIONS, USES_KINDS, EntityType, Relation
from tests.graphs import vision

OWN = ontology.PREFIXES["kg"]
OWL, RDFS, RDF = rdflib.OWL, rdflib.RDFS, rdflib.RDF
KG = rdflib.Namespace(OWN)
SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")
SKOS = rdflib.SKOS
KINDS = {OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty}


@pytest.fixture(scope="module")
def graph() -> rdflib.Graph:
    return rdflib.Graph().parse(resources.data("ontology/kg.ttl"))


@pytest.fixture(scope="module")
def shapes() -> rdflib.Graph:
    return rdflib.Graph().parse(resources.data("ontology/shapes.ttl"))


def constants() -> set[ox.NamedNode]:
    found = {value for value in vars(ontology).values() if isinstance(value, ox.NamedNode)}
    return found | set(ontology.CLASSES.values()) | set(ontology.PROPERTIES.values())


def exported() -> set[ox.NamedNode]:
    """Every property and class in an export that uses all there is."""
    stream = io.BytesIO()
    FORMATS["ttl"].outputs[0].write(vision(), stream, ExportOptions())
    used: set[ox.NamedNode] = set()
    for quad in ox.parse(input=stream.getvalue(), format=ox.RdfFormat.TURTLE):
        used.add(quad.predicate)
        if quad.predicate == ontology.TYPE:
            assert isinstance(quad.object, ox.NamedNode)
            used.add(quad.object)
    return used


def test_every_exported_term_is_declared_and_every_declared_term_exported_or_marked() -> None:
    declared = set(ontology.declared())
    header = ox.NamedNode(OWN.removesuffix("#"))
    assert exported() - {ontology.TYPE} == declared - ontology.inferred() - {header}
    assert {term.value.removeprefix(OWN) for term in ontology.inferred()} == {"Entity", "inferred"}


def test_constants_are_the_declared_terms() -> None:
    header = ox.NamedNode(OWN.removesuffix("#"))
    entity = ox.NamedNode(f"{OWN}Entity")
    assert constants() - {ontology.TYPE} == set(ontology.declared()) - {header, entity}


def test_own_terms_are_labelled_defined_and_typed(graph: rdflib.Graph) -> None:
    own = {term for term in graph.subjects(RDF.type) if isinstance(term, rdflib.URIRef) and term.startswith(OWN)}
    assert {KG.Paper, KG.uses, KG.value} < own
    for term in own:
        assert set(graph.objects(term, RDF.type)) & KINDS, term
        (label,), (definition,) = graph.objects(term, RDFS.label), graph.objects(term, SKOS.definition)
        assert label.language == definition.language == "en"
        assert str(definition).endswith("."), term
        assert (term, RDFS.isDefinedBy, rdflib.URIRef(OWN.removesuffix("#"))) in graph
        properties = KINDS - {OWL.Class, OWL.AnnotationProperty}
        if set(graph.objects(term, RDF.type)) & properties:
            assert list(graph.objects(term, RDFS.domain)), term
            assert list(graph.objects(term, RDFS.range)), term
    labels = [str(label) for term in own for label in graph.objects(term, RDFS.label)]
    assert len(labels) == len(set(labels))


def test_no_own_term_is_used_without_being_declared(graph: rdflib.Graph, shapes: rdflib.Graph) -> None:
    own = {term for term in graph.subjects(RDF.type) if isinstance(term, rdflib.URIRef)}
    for source in (graph, shapes):
        for triple in source:
            for term in triple:
                if isinstance(term, rdflib.URIRef) and term.startswith(OWN):
                    assert term in own, term
    for select in shapes.objects(None, SH.select):
        for name in re.findall(r"\bkg:(\w+)", select):
            assert KG[name] in own, name


def members(graph: rdflib.Graph, node: rdflib.term.Node) -> frozenset[str]:
    """Local names of a class or of the classes of a union."""
    union = graph.value(node, OWL.unionOf)
    found = list(rdflib.collection.Collection(graph, union)) if union is not None else [node]
    return frozenset(str(item).removeprefix(OWN) for item in found)


@pytest.mark.parametrize("relation", list(Relation))
def test_ranges_are_the_legal_ends_of_the_model(graph: rdflib.Graph, relation: Relation) -> None:
    ranges = {members(graph, node) for node in graph.objects(KG[relation.value], RDFS.range)} - {
        frozenset({"Baseline"})
    }
    assert ranges == {frozenset(kind.value for kind in LEGAL[relation])}


@pytest.mark.parametrize("relation", list(Relation))
def test_shapes_allow_the_legal_ends_of_the_model(shapes: rdflib.Graph, relation: Relation) -> None:
    (shape,) = shapes.subjects(SH.targetObjectsOf, KG[relation.value])
    classes = {str(term).removeprefix(OWN) for term in shapes.objects(shape, SH["class"])} - {"Baseline"}
    for head in shapes.objects(shape, SH["or"]):
        options = rdflib.collection.Collection(shapes, head)
        classes |= {str(shapes.value(option, SH["class"])).removeprefix(OWN) for option in options}
    assert classes == {kind.value for kind in LEGAL[relation]}


def test_model_and_ontology_have_the_same_kinds_relations_and_sections(graph: rdflib.Graph) -> None:
    assert {str(s).removeprefix(OWN) for s in graph.subjects(RDFS.subClassOf, KG.Entity)} == {
        *(kind.value for kind in EntityType),
        "Baseline",
    }
    kinds = {str(s).removeprefix(OWN) for s in graph.subjects(RDFS.subPropertyOf, KG.uses)}
    assert kinds == {relation.value for relation in USES_KINDS}
    assert all((KG[relation.value], RDF.type, OWL.ObjectProperty) in graph for relation in Relation)
    enumeration = graph.value(graph.value(KG.section, RDFS.range), OWL.oneOf)
    assert tuple(map(str, rdflib.collection.Collection(graph, enumeration))) == SECTIONS


def test_ontology_has_metadata_and_alignments(graph: rdflib.Graph) -> None:
    header = rdflib.URIRef(OWN.removesuffix("#"))
    for predicate in (OWL.versionInfo, OWL.versionIRI, rdflib.DCTERMS.license, rdflib.DCTERMS.title):
        assert len(list(graph.objects(header, predicate))) == 1
    aligned = {str(term) for term in graph.objects() if isinstance(term, rdflib.URIRef)}
    for namespace in (
        "https://schema.org/",
        "http://purl.org/spar/fabio/",
        "http://purl.org/spar/cito/",
        "http://www.w3.org/ns/dcat#",
        "http://www.w3.org/ns/prov#",
    ):
        assert any(term.startswith(namespace) for term in aligned), namespace
    fabio = rdflib.URIRef("http://purl.org/spar/fabio/ResearchPaper")
    assert {fabio, rdflib.SDO.ScholarlyArticle} <= set(graph.objects(KG.Paper, RDFS.subClassOf))
    assert (KG.Claim, RDFS.subClassOf, RDF.Statement) in graph


def test_definition_of_own_and_foreign_terms() -> None:
    assert ontology.definition(ontology.CLASSES[EntityType.TASK]).startswith("A problem or application")
    assert ontology.definition(ontology.TITLE).startswith("The title of a paper")
    assert ontology.definition(ox.NamedNode("https://example.org/nothing")) == ""


def test_prefixes_of_things_lead_to_their_ids() -> None:
    prefixes = ontology.prefixes("https://example.org/")
    short = ontology.Shortener(prefixes)
    assert short(ids.iri("method/resnet-50", "https://example.org/")) == "method:resnet-50"
    assert short(ids.iri("paper/x", "https://example.org/")) == "paper:x"
    assert short("https://example.org/method/a/b") is None
    assert short("https://example.org/method/") is None
    assert short("https://example.org/method/-x") is None


def test_data_files_are_found_and_missing_ones_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resources.data("ontology").is_dir()
    assert list(resources.data("queries").glob("*.rq"))
    for name in ("ontology/none.ttl", "elsewhere"):
        with pytest.raises(KGError, match=f"{name}: this file of the installation is missing"):
            resources.data(name)
    installed = tmp_path / "kg"
    (installed / "_data" / "ontology").mkdir(parents=True)
    (installed / "_data" / "ontology" / "kg.ttl").write_text("", encoding="utf-8")
    monkeypatch.setattr(resources, "_PACKAGE", installed)
    assert resources.data("ontology/kg.ttl") == installed / "_data" / "ontology" / "kg.ttl"
