"""JSON-LD: a context and one node object a line, so that a file of any size is written and compared by lines."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import pyoxigraph as ox

from kg import ontology as o
from kg.export.base import ExportOptions
from kg.export.rdf import Description, Term
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


class JSONLDScribe:
    """Writes the graph as JSON-LD 1.1 with prefixed names."""

    def __init__(self, graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
        declared = context(options.base)
        self._coerced = {name: value["@type"] for name, value in declared.items() if isinstance(value, dict)}
        self._short = o.shortener(options.base)
        self._stream = stream
        self._separator = b"\n"
        self._names: dict[ox.NamedNode, tuple[str, str | None]] = {o.TYPE: ("@type", "@id")}
        stream.write(b'{"@context": ' + _dump(declared) + b',\n"@graph": [')

    def add(self, description: Description) -> None:
        """Write the line of a subject."""
        self._stream.write(self._separator + _dump(self._node(description)))
        self._separator = b",\n"

    def end(self) -> None:
        """Close the list of nodes."""
        self._stream.write(b"\n]}\n")

    def _node(self, description: Description) -> dict[str, Any]:
        _, subject, properties = description
        iri = subject.value
        node: dict[str, Any] = {"@id": self._short(iri) or iri}
        several: dict[str, list[Any]] = {}
        for predicate, term in properties:
            name, coercion = self._names.get(predicate) or self._name(predicate)
            value = _value(term, self._short, coercion)
            if name in several:
                several[name].append(value)
            elif name in node:
                several[name] = node[name] = [node[name], value]
            else:
                node[name] = value
        return node

    def _name(self, predicate: ox.NamedNode) -> tuple[str, str | None]:
        """Return the name of a property, and the type that the context gives its values."""
        name = self._short(predicate.value) or predicate.value
        found = self._names[predicate] = name, self._coerced.get(name)
        return found


_encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


def _dump(value: dict[str, Any]) -> bytes:
    return _encode(value).encode()


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
