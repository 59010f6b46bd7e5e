"""Terms of the ontology as constants, and the ontology itself as a graph.

``ontology/kg.ttl`` defines the terms; a test holds it and these constants in step both ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from types import MappingProxyType

import pyoxigraph as ox

from kg import ids
from kg.model import EntityType, Relation
from kg.resources import data

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
OWL = "http://www.w3.org/2002/07/owl#"
XSD = "http://www.w3.org/2001/XMLSchema#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
DCTERMS = "http://purl.org/dc/terms/"
SCHEMA = "https://schema.org/"

PREFIXES = MappingProxyType(
    {
        "kg": ids.ONTOLOGY,
        "dcterms": DCTERMS,
        "owl": OWL,
        "rdf": RDF,
        "rdfs": RDFS,
        "schema": SCHEMA,
        "skos": SKOS,
        "xsd": XSD,
    }
)
"""Namespaces of the ontology and of the vocabularies that exported graphs use."""

_LOCAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")

KINDS = ("paper", *(kind.value.lower() for kind in EntityType), "claim", "evidence", "result")
"""First segments of ids; each is the prefix of its things, so that ``method:resnet-50`` is an IRI."""


def prefixes(base: str = ids.BASE) -> dict[str, str]:
    """Return the prefixes of a graph whose things are minted under ``base``: those of vocabularies and of things."""
    return {**PREFIXES, "kgid": base, **{kind: f"{base}{kind}/" for kind in KINDS}}


class Shortener:
    """Shortens IRIs to prefixed names that Turtle, SPARQL and JSON-LD read alike; what does not fit stays whole."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self._names = {namespace: name for name, namespace in prefixes.items()}
        self._short = lru_cache(maxsize=65_536)(self._shorten)

    def __call__(self, iri: str) -> str | None:
        """Return the prefixed name of an IRI, or None.

        >>> Shortener({"ex": "http://example.org/"})("http://example.org/a-1")
        'ex:a-1'
        """
        return self._short(iri)

    def _shorten(self, iri: str) -> str | None:
        cut = max(iri.rfind("/"), iri.rfind("#")) + 1
        prefix = self._names.get(iri[:cut])
        return f"{prefix}:{iri[cut:]}" if prefix is not None and _LOCAL.fullmatch(iri, cut) else None


@lru_cache(maxsize=4)
def shortener(base: str) -> Shortener:
    """Return the shortener of a graph whose things are minted under ``base``; who describe it share what it knows."""
    return Shortener(prefixes(base))


def _kg(name: str) -> ox.NamedNode:
    return ox.NamedNode(ids.ONTOLOGY + name)


PAPER = _kg("Paper")
BASELINE = _kg("Baseline")
CLAIM = _kg("Claim")
EVIDENCE = _kg("Evidence")
RESULT = _kg("Result")
CLASSES = MappingProxyType({kind: _kg(kind.value) for kind in EntityType})
"""Class of each kind of entity."""

PROPERTIES = MappingProxyType({relation: _kg(relation.value) for relation in Relation})
"""Property of each relation."""

STATED_IN = _kg("statedIn")
HAS_EVIDENCE = _kg("evidence")
IN_PAPER = _kg("inPaper")
CONFIDENCE = _kg("confidence")
SECTION = _kg("section")
SENTENCE = _kg("sentence")
SURFACE_FORM = _kg("surfaceForm")
START = _kg("start")
END = _kg("end")
METRIC = _kg("metric")
VALUE = _kg("value")
VALUE_TEXT = _kg("valueText")
UNIT = _kg("unit")
DIRECTION = _kg("direction")
BOUND = _kg("bound")
OF_METHOD = _kg("ofMethod")
AGAINST_BASELINE = _kg("againstBaseline")
ON_DATASET = _kg("onDataset")
AUTHOR_COUNT = _kg("authorCount")
VENUE = _kg("venue")
INFERRED = _kg("inferred")

TYPE = ox.NamedNode(f"{RDF}type")
SUBJECT = ox.NamedNode(f"{RDF}subject")
PREDICATE = ox.NamedNode(f"{RDF}predicate")
OBJECT = ox.NamedNode(f"{RDF}object")
TITLE = ox.NamedNode(f"{DCTERMS}title")
ALTERNATIVE = ox.NamedNode(f"{DCTERMS}alternative")
ABSTRACT = ox.NamedNode(f"{DCTERMS}abstract")
CREATOR = ox.NamedNode(f"{DCTERMS}creator")
DATE = ox.NamedNode(f"{DCTERMS}date")
IDENTIFIER = ox.NamedNode(f"{DCTERMS}identifier")
URL = ox.NamedNode(f"{SCHEMA}url")
PREF_LABEL = ox.NamedNode(f"{SKOS}prefLabel")
ALT_LABEL = ox.NamedNode(f"{SKOS}altLabel")
EXACT_MATCH = ox.NamedNode(f"{SKOS}exactMatch")
CLOSE_MATCH = ox.NamedNode(f"{SKOS}closeMatch")


@cache
def load() -> ox.Store:
    """Return the ontology as a store; callers share it and must not change it.

    Raises:
        KGError: the installation lacks the file.
    """
    store = ox.Store()
    store.load(path=str(data("ontology/kg.ttl")), format=ox.RdfFormat.TURTLE)
    return store


def declared() -> Iterator[ox.NamedNode]:
    """Yield every term that the ontology declares, also those of others that exported graphs contain, sorted by IRI."""
    nodes = {
        quad.subject for quad in load().quads_for_pattern(None, TYPE, None) if isinstance(quad.subject, ox.NamedNode)
    }
    yield from sorted(nodes, key=lambda node: node.value)


def inferred() -> frozenset[ox.NamedNode]:
    """Return the terms that exported graphs leave out because they follow from others."""
    quads = load().quads_for_pattern(None, INFERRED, ox.Literal(True))
    return frozenset(quad.subject for quad in quads if isinstance(quad.subject, ox.NamedNode))


def definition(term: ox.NamedNode) -> str:
    """Return the definition of a term, or the note of use of a term of others; empty if there is none."""
    for name in ("definition", "scopeNote"):
        for quad in load().quads_for_pattern(term, ox.NamedNode(SKOS + name), None):
            if isinstance(quad.object, ox.Literal):
                return quad.object.value
    return ""
