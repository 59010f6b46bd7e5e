"""Which graphs a query looks at, from the request or from its FROM clauses, and how deep it nests.

A built folder has one graph: the default graph. It also has a name, the IRI of its Turtle file, by which
``default-graph-uri`` and FROM may ask for it. An RDF file with named graphs (TriG, N-Quads) has those; without a choice
a query looks at all of them together. Graphs of other places are not fetched: to name one is an error, so that nobody
takes an empty answer for a true one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyoxigraph as ox

from kg.errors import InputError
from kg.query import QUIET
from kg.server.context import base_of
from kg.store import OpenGraph

_FROM = r"\bFROM\s+(?P<named>NAMED\s+)?(?:<(?P<iri>[^<>\"{}|^`\\\x00-\x20]*)>|(?P<prefix>[\w.-]*):(?P<local>[\w.-]*))"
_PREFIX = re.compile(r"\bPREFIX\s+([\w.-]*):\s*<([^<>\"{}|^`\\\x00-\x20]*)>", re.IGNORECASE)
_TOKEN = re.compile(rf"{_FROM}|(?P<open>[({{\[])|(?P<close>[)}}\]])|{QUIET.pattern}", re.IGNORECASE | re.DOTALL)
_SHOWN = 5
"""How many names of graphs an error lists."""

DefaultGraphs = list[ox.NamedNode | ox.BlankNode | ox.DefaultGraph]
NamedGraphs = list[ox.NamedNode | ox.BlankNode]


@dataclass(frozen=True, slots=True)
class Graphs:
    """The graphs of an open file: ``name`` is that of the default graph, ``named`` are the others."""

    name: str
    named: frozenset[str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The graphs that a query looks at: those that make up its default graph, and those that GRAPH finds."""

    default: DefaultGraphs
    named: NamedGraphs


def graph_name(base: str) -> str:
    """Return the name of the graph of a built folder.

    >>> graph_name("https://example.org/id/")
    'https://example.org/id/graph.ttl'
    """
    return f"{base.rstrip('#/')}/graph.ttl"


def graphs_of(graph: OpenGraph) -> Graphs:
    """Return the graphs of an open file."""
    named = frozenset(name.value for name in graph.store.named_graphs() if isinstance(name, ox.NamedNode))
    return Graphs(graph_name(base_of(graph)), named)


def choose(
    graphs: Graphs, graph: OpenGraph, query: str, default: Sequence[str], named: Sequence[str], depth: int
) -> Chosen | None:
    """Return the graphs that a request chooses, else those of FROM and FROM NAMED, else None: all there are.

    Raises:
        InputError: a graph is not here, or brackets of the query nest deeper than ``depth``.
    """
    clauses = _scan(graph, query, depth)
    if not default and not named:
        default = [iri for is_named, iri in clauses if not is_named]
        named = [iri for is_named, iri in clauses if is_named]
        if not default and not named:
            return None
    chosen: DefaultGraphs = []
    for iri in default:
        if iri == graphs.name:
            chosen.append(ox.DefaultGraph())
        else:
            chosen.append(_known(graphs, iri))
    if graphs.name in named and graphs.name not in graphs.named:
        raise InputError(f"query: the graph <{graphs.name}> is the default graph here; ask it without GRAPH")
    return Chosen(chosen, [_known(graphs, iri) for iri in named])


def _known(graphs: Graphs, iri: str) -> ox.NamedNode:
    if iri not in graphs.named:
        names = [graphs.name, *sorted(graphs.named)]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        shown = ", ".join(f"<{name}>" for name in names[:_SHOWN])
        raise InputError(f"query: there is no graph <{iri[:200]}> here, and none is fetched; there is {shown}{more}")
    return ox.NamedNode(iri)


def _scan(graph: OpenGraph, query: str, depth: int) -> list[tuple[bool, str]]:
    """Return the FROM clauses of a query, as pairs of whether it is NAMED and the IRI."""
    clauses: list[tuple[bool, str]] = []
    prefixes: dict[str, str] | None = None
    level = 0
    for match in _TOKEN.finditer(query):
        if match["open"]:
            level += 1
            if level > depth:
                line = query.count("\n", 0, match.start()) + 1
                column = match.start() - query.rfind("\n", 0, match.start())
                where = f"line {line}, column {column}"
                raise InputError(f"query: {where}: brackets nest more than {depth} deep, the limit of this server")
        elif match["close"]:
            level -= 1
        elif match["iri"] is not None:
            clauses.append((match["named"] is not None, match["iri"]))
        elif match["local"] is not None:
            if prefixes is None:
                prefixes = {**graph.prefixes, **dict(_PREFIX.findall(query))}
            clauses.append((match["named"] is not None, prefixes.get(match["prefix"], "") + match["local"]))
    return clauses
