"""JSON-LD: a context and one node object a line, so that a file of any size is written and compared by lines."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import pyoxigraph as ox

from kg import ontology as o
from kg.export.base import ExportOptions
from kg.export.rdf import Description, Term, describe
from kg.model import KnowledgeGraph
from kg.ontology import Shortener

_LINKS = (
    *o.PROPERTIES.values(),
    o.SUBJECT,
    o.PREDICATE,
    o.OBJECT,
    o.STATED_IN,
    o.HAS_EVIDENCE,
    o.IN_PAPER,
    o.OF_METHOD,
    o.AGAINST_BASELINE,
    o.ON_DATASET,
    o.URL,
    o.EXACT_MATCH,
    o.CLOSE_MATCH,
)
_TYPED = {o.CONFIDENCE: "xsd:double", o.VALUE: "xsd:decimal"}


def context(base: str) -> dict[str, Any]:
    """Return the JSON-LD context of a graph whose things are minted under ``base``."""
    prefixes = o.prefixes(base)
    short = Shortener(prefixes)
    typed = {str(short(link.value)): {"@type": "@id"} for link in _LINKS}
    typed |= {str(short(predicate.value)): {"@type": datatype} for predicate, datatype in _TYPED.items()}
    return {**prefixes, **typed}


def write_jsonld(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write the graph as JSON-LD 1.1 with prefixed names."""
    declared = context(options.base)
    coerced = {name: value["@type"] for name, value in declared.items() if isinstance(value, dict)}
    short = Shortener(o.prefixes(options.base))
    stream.write(b'{"@context": ' + _dump(declared) + b',\n"@graph": [')
    separator = b"\n"
    for description in describe(graph, options):
        stream.write(separator + _dump(_node(description, short, coerced)))
        separator = b",\n"
    stream.write(b"\n]}\n")


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ")).encode()


def _node(description: Description, short: Shortener, coerced: dict[str, str]) -> dict[str, Any]:
    node: dict[str, list[Any]] = {}
    for predicate, value in description.properties:
        name = "@type" if predicate == o.TYPE else short(predicate.value) or predicate.value
        node.setdefault(name, []).append(_value(value, short, "@id" if name == "@type" else coerced.get(name)))
    subject = description.subject.value
    flat = {name: found[0] if len(found) == 1 else found for name, found in node.items()}
    return {"@id": short(subject) or subject, **flat}


def _value(term: Term, short: Shortener, coercion: str | None) -> Any:
    if isinstance(term, ox.NamedNode):
        name = short(term.value) or term.value
        return name if coercion == "@id" else {"@id": name}
    datatype = short(term.datatype.value) or term.datatype.value
    if datatype == "xsd:integer" and coercion is None:
        return int(term.value)
    if datatype == (coercion or "xsd:string"):
        return term.value
    return {"@type": datatype, "@value": term.value}
