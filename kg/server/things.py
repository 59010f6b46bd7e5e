"""What the server says of one IRI: a page for people, the triples around it for machines."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

import pyoxigraph as ox

from kg import ids
from kg import ontology as o
from kg.export.turtle import write_triples
from kg.ontology import Shortener
from kg.resources import data
from kg.server.negotiate import Offer
from kg.store import OpenGraph

TURTLE = Offer("ttl", ("text/turtle",), charset=True)
JSON_LD = Offer("jsonld", ("application/ld+json", "application/json"))
N_TRIPLES = Offer("nt", ("application/n-triples", "text/plain"))
RDF_XML = Offer("rdf", ("application/rdf+xml",))
HTML = Offer("html", ("text/html", "application/xhtml+xml"), charset=True)
OFFERS = (TURTLE, HTML, JSON_LD, N_TRIPLES, RDF_XML)
"""Forms of a description, the one for clients without a wish first."""

_FORMATS = {"jsonld": ox.RdfFormat.JSON_LD, "nt": ox.RdfFormat.N_TRIPLES, "rdf": ox.RdfFormat.RDF_XML}

MOST = 10_000
"""Triples of a description that point at the thing; more are left out."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a property as a page shows it: text, and for an IRI where it leads."""

    text: str
    iri: str = ""
    known: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A property of a thing: its name, its IRI, whether it leads to the thing instead of from it, and its values."""

    name: str
    iri: str
    inverse: bool
    values: tuple[Value, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class TermEntry:
    """A term of the ontology as the page and the completion of the query page show it."""

    name: str
    iri: str
    sort: str
    label: str
    definition: str


def description(opened: OpenGraph, iri: str) -> list[ox.Triple]:
    """Return the triples from and to a thing, its own first; empty if the graph does not know it.

    Raises:
        ValueError: ``iri`` is no IRI.
    """
    node = ox.NamedNode(iri)
    found = [quad.triple for quad in opened.store.quads_for_pattern(node, None, None)]
    found += (quad.triple for quad in islice(opened.store.quads_for_pattern(None, None, node), MOST))
    return sorted(set(found), key=lambda triple: (triple.subject != node, str(triple)))


def serialized(triples: Iterable[ox.Triple], form: str, prefixes: Mapping[str, str]) -> bytes:
    """Return triples as ``ttl``, ``jsonld``, ``nt`` or ``rdf``."""
    stream = io.BytesIO()
    if form == "ttl":
        write_triples(triples, stream, prefixes)
    elif form == "nt":
        ox.serialize(triples, stream, ox.RdfFormat.N_TRIPLES)
    else:
        ox.serialize(triples, stream, _FORMATS[form], prefixes=dict(prefixes))
    return stream.getvalue()


def rows(opened: OpenGraph, iri: str, triples: Iterable[ox.Triple], limit: int = 100) -> list[Row]:
    """Return all properties of a thing for a page, those that lead to it last; at most ``limit`` values of each."""
    short = Shortener(opened.prefixes)
    values: dict[tuple[bool, str], list[object]] = {}
    for triple in triples:
        inverse = getattr(triple.subject, "value", "") != iri
        values.setdefault((inverse, triple.predicate.value), []).append(triple.subject if inverse else triple.object)
    return [
        Row(
            short(predicate) or predicate,
            predicate,
            inverse,
            tuple(_value(opened, term, short) for term in found[:limit]),
            max(len(found) - limit, 0),
        )
        for (inverse, predicate), found in sorted(values.items())
    ]


def _value(opened: OpenGraph, term: object, short: Shortener) -> Value:
    if isinstance(term, ox.NamedNode):
        known = (
            term.value.startswith(ids.ONTOLOGY)
            or next(opened.store.quads_for_pattern(term, None, None), None) is not None
        )
        return Value(_label(opened, term) or short(term.value) or term.value, term.value, known)
    return Value(str(getattr(term, "value", term)))


def _label(opened: OpenGraph, node: ox.NamedNode) -> str:
    for predicate in (o.PREF_LABEL, o.TITLE):
        labels = sorted(
            str(getattr(q.object, "value", "")) for q in opened.store.quads_for_pattern(node, predicate, None)
        )
        if labels:
            return labels[0]
    return ""


def ontology_as(form: str) -> bytes:
    """Return the ontology as ``ttl``, ``jsonld``, ``nt`` or ``rdf``."""
    if form == "ttl":
        return data("ontology/kg.ttl").read_bytes()
    triples = sorted((quad.triple for quad in o.load()), key=str)
    return serialized(triples, form, o.PREFIXES)


def terms() -> list[TermEntry]:
    """Return the terms that the ontology declares: those of its own first, classes before properties."""
    short = Shortener(o.PREFIXES)
    entries = []
    for node in o.declared():
        kinds = {getattr(quad.object, "value", "") for quad in o.load().quads_for_pattern(node, o.TYPE, None)}
        sort = "class" if f"{o.OWL}Class" in kinds else "property" if any("Property" in kind for kind in kinds) else ""
        if sort:
            labels = o.load().quads_for_pattern(node, ox.NamedNode(f"{o.RDFS}label"), None)
            label = min((str(getattr(quad.object, "value", "")) for quad in labels), default="")
            entries.append(TermEntry(short(node.value) or node.value, node.value, sort, label, o.definition(node)))
    return sorted(entries, key=lambda term: (not term.iri.startswith(ids.ONTOLOGY), term.sort, term.name))
