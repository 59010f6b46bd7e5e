"""Turtle and N-Triples.

Turtle has a writer of its own because a file that people read and that a repository compares line by line needs a
fixed order of prefixes, headings and a line for each property, which serializers leave to chance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import BinaryIO

import pyoxigraph as ox

from kg import ontology as o
from kg.export.base import ExportOptions
from kg.export.rdf import Description, triples
from kg.model import KnowledgeGraph
from kg.ontology import Shortener

Names = dict[ox.NamedNode, str]
AnyTerm = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple

_BARE = {f"{o.XSD}integer": re.compile(r"[+-]?\d+"), f"{o.XSD}decimal": re.compile(r"[+-]?\d*\.\d+")}

_HELD = 10_000
"""Triples that are written together as N-Triples."""


class TurtleScribe:
    """Writes the graph as Turtle: prefixes, then a paragraph for each subject under a heading for each part."""

    def __init__(self, graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
        prefixes = o.prefixes(options.base)
        self._short = o.shortener(options.base)
        self._names: Names = {o.TYPE: "a"}
        self._stream = stream
        self._part = ""
        for name, namespace in prefixes.items():
            stream.write(f"@prefix {name}: <{namespace}> .\n".encode())

    def add(self, description: Description) -> None:
        """Write the paragraph of a subject."""
        part, subject, properties = description
        if part != self._part:
            self._part = part
            self._stream.write(f"\n\n#### {part}\n".encode())
        self._stream.write(_paragraph(subject, properties, self._short, self._names).encode())

    def end(self) -> None:
        """Do nothing: a Turtle file ends with its last paragraph."""


class NTriplesScribe:
    """Writes the graph as N-Triples, a line for each triple."""

    def __init__(self, graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
        self._stream = stream
        self._held: list[ox.Triple] = []

    def add(self, description: Description) -> None:
        """Take the triples of a subject."""
        _, subject, properties = description
        self._held += [ox.Triple(subject, predicate, value) for predicate, value in properties]
        if len(self._held) >= _HELD:
            self.end()

    def end(self) -> None:
        """Write what is held."""
        ox.serialize(self._held, self._stream, ox.RdfFormat.N_TRIPLES)
        self._held.clear()


def write_ntriples(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write the graph as N-Triples in a pass of its own."""
    ox.serialize(triples(graph, options), stream, ox.RdfFormat.N_TRIPLES)


def write_triples(triples_: Iterable[ox.Triple], stream: BinaryIO, prefixes: Mapping[str, str]) -> None:
    """Write triples, sorted by subject, as Turtle with those of ``prefixes`` that they need."""
    short = Shortener(prefixes)
    names: Names = {o.TYPE: "a"}
    paragraphs: list[str] = []
    for subject, group in groupby(triples_, key=lambda triple: triple.subject):
        paragraphs.append(_paragraph(subject, ((triple.predicate, triple.object) for triple in group), short, names))
    body = "".join(paragraphs)
    needed = {name: namespace for name, namespace in prefixes.items() if f"{name}:" in body}
    stream.write("".join(f"@prefix {name}: <{namespace}> .\n" for name, namespace in needed.items()).encode())
    stream.write(body.encode("utf-8", "replace"))


def _paragraph(
    subject: AnyTerm, properties: Iterable[tuple[ox.NamedNode, AnyTerm]], short: Shortener, names: Names
) -> str:
    """Return the triples of a subject; ``names`` has those of properties met before, and gets the others."""
    values: dict[str, str] = {}
    for predicate, value in properties:
        name = names.get(predicate)
        if name is None:
            name = names[predicate] = _term(predicate, short)
        term = _term(value, short)
        values[name] = f"{values[name]}, {term}" if name in values else f"{name} {term}"
    joined = " ;\n    ".join(values.values())
    return f"\n{_term(subject, short)} {joined} .\n"


def _term(term: AnyTerm, short: Shortener) -> str:
    if isinstance(term, ox.NamedNode):
        return short(term.value) or str(term)
    text = str(term)
    # A string needs no more than its quotes; what has a language or a datatype ends with that.
    if text[-1] == '"' or not isinstance(term, ox.Literal) or term.language:
        return text
    datatype = term.datatype.value
    bare = _BARE.get(datatype)
    if bare and bare.fullmatch(term.value):
        return term.value
    return f"{ox.Literal(term.value)}^^{short(datatype) or term.datatype}"
