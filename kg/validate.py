"""Checks that a graph has the shape that its readers rely on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from kg import ids
from kg.errors import InputError
from kg.ontology import RDFS, TYPE, Shortener, declared
from kg.resources import data
from kg.shacl import Shapes
from kg.store import OpenGraph, open_graph


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """A node of the graph that breaks a shape.

    All but ``message`` are prefixed names or terms, and empty where there is none.
    """

    focus: str
    message: str
    path: str = ""
    value: str = ""

    def __str__(self) -> str:
        """Return the violation as one line."""
        about = " ".join(part for part in (self.path, self.value) if part)
        return f"{self.focus}: {self.message}" + (f" ({about})" if about else "")


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a validation: the file that was read, its number of triples, and what is wrong with it."""

    path: Path
    triples: int
    violations: tuple[Violation, ...]

    @property
    def conforms(self) -> bool:
        """Whether nothing is wrong."""
        return not self.violations

    def __str__(self) -> str:
        """Return a line for each violation and one that sums up."""
        count = len(self.violations)
        outcome = "conforms" if self.conforms else f"{count} violation{'' if count == 1 else 's'}"
        return "\n".join([*map(str, self.violations), f"{self.path}: {self.triples} triples, {outcome}"])


def validate(source: Path, shapes: Path | None = None) -> Report:
    """Check a built folder or an RDF file against SHACL shapes and for terms that the ontology lacks.

    Args:
        shapes: a Turtle file with shapes; those of the project if None.

    Raises:
        InputError: a file cannot be read, or ``source`` holds no graph of papers.
    """
    graph = open_graph(source)
    if next(_terms(graph), None) is None:
        raise InputError(
            f"{graph.path}: uses no term of {ids.ONTOLOGY}, so it is no graph of papers; name a built folder"
        )
    found = {*_unknown(graph), *_violations(graph, Shapes(shapes or data("ontology/shapes.ttl")))}
    return Report(graph.path, len(graph.store), tuple(sorted(found)))


def _violations(graph: OpenGraph, shapes: Shapes) -> Iterator[Violation]:
    short = Shortener(graph.prefixes)
    subclass = ox.NamedNode(f"{RDFS}subClassOf")
    subclasses = next(graph.store.quads_for_pattern(None, subclass, None), None) is not None
    for check in shapes.checks(subclasses=subclasses):
        path = check.path and f"{'^' * check.path.startswith('^')}{_name(ox.NamedNode(check.path.strip('^<>')), short)}"
        rows = graph.store.query(check.query, use_default_graph_as_union=graph.union)
        assert isinstance(rows, ox.QuerySolutions)
        columns = {variable.value for variable in rows.variables}
        for row in rows:
            value = row["value"] if "value" in columns else None
            # A node shape judges the focus node itself: naming it twice would tell nothing.
            shown = "" if value is None or value == row["this"] else _name(value, short)
            yield Violation(_name(row["this"], short), check.message, path, shown)


def _terms(graph: OpenGraph) -> Iterator[ox.NamedNode]:
    """Yield properties and classes of the project's namespace that the graph uses."""
    query = "SELECT DISTINCT ?term WHERE { { ?s ?term ?o } UNION { ?s %s ?term } FILTER(STRSTARTS(STR(?term), %s)) }"
    rows = graph.store.query(query % (TYPE, ox.Literal(ids.ONTOLOGY)), use_default_graph_as_union=graph.union)
    assert isinstance(rows, ox.QuerySolutions)
    yield from (row["term"] for row in rows if isinstance(row["term"], ox.NamedNode))


def _unknown(graph: OpenGraph) -> Iterator[Violation]:
    known = set(declared())
    short = Shortener(graph.prefixes)
    for term in _terms(graph):
        if term not in known:
            yield Violation(_name(term, short), "the ontology has no such term")


def _name(term: object, short: Shortener) -> str:
    """Return a term on one line of bounded length."""
    if isinstance(term, ox.NamedNode):
        return short(term.value) or term.value
    text = term.value if isinstance(term, ox.Literal) else str(term)
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    line = line if len(line) <= 80 else f"{line[:79]}…"
    return f'"{line}"' if isinstance(term, ox.Literal) else line
