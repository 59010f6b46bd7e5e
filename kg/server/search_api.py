"""Search for names as JSON for pages that complete what is typed, and as a page of hits for people."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from urllib.parse import quote

from kg import ids
from kg import ontology as o
from kg.search import MOST, Hit, NameIndex, nearest, open_names, search
from kg.server.context import Context
from kg.store import OpenGraph, select

LIMIT = 10
"""Hits that an answer has unless another number is asked for."""

LONGEST = 500
"""Signs of a name that are read; more is cut off."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the start page tells of a graph: numbers by kind, and the most prominent things of each kind."""

    kinds: tuple[tuple[str, int], ...]
    claims: int
    results: int
    prominent: tuple[tuple[str, tuple[Hit, ...]], ...]


@dataclass(frozen=True, slots=True)
class Now:
    """The graph as it stands, with its index of names."""

    graph: OpenGraph
    names: NameIndex


class Names:
    """Keeps the index of names of a context's graph open, and opens another one when the folder was built again."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._now: Now | None = None
        self._summary: Summary | None = None

    def now(self) -> Now:
        """Return graph and index of this moment.

        Raises:
            InputError: the folder has no graph that can be read.
        """
        graph = self._context.graph
        with self._lock:
            if self._now is None or self._now.graph is not graph:
                # The former index closes when the last request that reads it is done with it.
                self._now, self._summary = Now(graph, open_names(graph)), None
            return self._now

    def summary(self) -> Summary:
        """Return numbers of the graph; they are counted once for each graph."""
        now = self.now()
        with self._lock:
            if self._summary is None:
                self._summary = _summary(now)
            return self._summary


def _summary(now: Now) -> Summary:
    kinds = now.names.kinds()
    claims, results = (
        int(select(now.graph, f"SELECT (COUNT(*) AS ?n) {{ ?it a {kind} }}")[0]["n"]) for kind in (o.CLAIM, o.RESULT)
    )
    prominent = tuple((kind, now.names.prominent(kind, 8)) for kind, _ in kinds if kind != "Paper")
    return Summary(kinds, claims, results, prominent)


def address(iri: str, base: str, root: str = "") -> str:
    """Return the path of the page of an IRI.

    >>> address("http://e.org/id/method/a", "http://e.org/id/")
    '/id/method/a'
    >>> address("http://other.org/x", "http://e.org/id/")
    '/id?iri=http%3A%2F%2Fother.org%2Fx'
    """
    if iri.startswith(ids.ONTOLOGY):
        return f"{root}/ontology#{quote(iri[len(ids.ONTOLOGY) :], safe='')}"
    if iri.startswith(base) and len(iri) > len(base):
        return f"{root}/id/{quote(iri[len(base) :], safe='/-._~%+')}"
    return f"{root}/id?iri={quote(iri, safe='')}"


def hits(names: Names, text: str, limit: int = LIMIT) -> tuple[tuple[Hit, ...], bool]:
    """Return hits for a text, and whether they fit it; else they are what comes nearest."""
    index = names.now().names
    found = search(index, text[:LONGEST], min(max(limit, 1), MOST))
    return (found, True) if found else (nearest(index, text[:LONGEST]), False)


def as_json(found: tuple[Hit, ...], fits: bool, asked: str, base: str, root: str = "") -> dict[str, object]:
    """Return hits as JSON values: ``fits`` is false when they are only what comes nearest."""
    return {
        "query": asked[:LONGEST],
        "fits": fits,
        "hits": [
            {
                "iri": hit.iri,
                "page": address(hit.iri, base, root),
                "label": hit.label,
                "kind": hit.kind,
                "name": hit.name,
                "fit": hit.fit.value,
                "papers": hit.papers,
                "edges": hit.edges,
            }
            for hit in found
        ],
    }
