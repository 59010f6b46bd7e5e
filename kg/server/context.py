"""What all routes of the server share: the folder, its graph as it stands now, and the limits."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kg import ids
from kg.export.store import POINTER, RDF_FILES
from kg.store import OpenGraph, open_graph

MIB = 1024 * 1024

Stamp = tuple[tuple[str, int, int, int], ...]
"""What tells one build of a folder from the next: path, inode, time of modification and size of what is opened."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take of the server.

    ``seconds`` a query may run and ``wait`` may stand in the queue; ``rows`` (triples, for CONSTRUCT and DESCRIBE) and
    ``answer`` bytes it may give; ``memory`` bytes it may take beyond the open graph; ``query`` bytes a request may
    have; ``depth`` of brackets. ``workers`` queries run at once, ``queue`` more wait. ``patience`` is how many seconds
    a client may take to send a request, or to take the next part of an answer. ``cache`` bytes hold answers that may be
    asked for again.
    """

    seconds: float = 30.0
    wait: float = 60.0
    rows: int = 100_000
    answer: int = 128 * MIB
    memory: int = 1024 * MIB
    query: int = 256 * 1024
    depth: int = 64
    workers: int = 2
    queue: int = 256
    patience: float = 20.0
    cache: int = 32 * MIB


class CurrentGraph:
    """The graph of a folder as it stands now, opened on first use and again after each build; for use from threads."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._graph: OpenGraph | None = None

    def get(self) -> OpenGraph:
        """Return the open graph.

        Raises:
            InputError: the folder has no graph that can be read.
        """
        with self._lock:
            now = stamp(self._source)
            if self._graph is None or now != self._stamp:
                self._graph = open_graph(self._source)
                self._stamp = now
            return self._graph


@dataclass(frozen=True, slots=True)
class Context:
    """What a route needs to know: make it with :func:`context_of`.

    ``source`` is the built folder, or an RDF file. :attr:`graph` is asked anew for each request, never kept: it is
    another object after the folder was built again. Asking it blocks, so routes that do are plain functions (which
    starlette runs in threads), not coroutines; what a visitor wrote is never run on it but goes to ``/sparql``.
    """

    source: Path
    limits: Limits
    current: CurrentGraph = field(repr=False)

    @property
    def graph(self) -> OpenGraph:
        """The graph as it stands now.

        Raises:
            InputError: the folder has no graph that can be read.
        """
        return self.current.get()

    @property
    def prefixes(self) -> Mapping[str, str]:
        """Namespaces by prefix that queries may use undeclared."""
        return self.graph.prefixes

    @property
    def base(self) -> str:
        """IRI under which the things of the graph are minted; it ends with a slash or a number sign."""
        return base_of(self.graph)


def base_of(graph: OpenGraph) -> str:
    """Return the IRI under which the things of a graph are minted."""
    return graph.prefixes.get("kgid", ids.BASE)


def context_of(source: Path, limits: Limits | None = None) -> Context:
    """Return the context of a folder or RDF file; nothing is opened yet."""
    return Context(source, limits or Limits(), CurrentGraph(source))


def stamp(source: Path) -> Stamp:
    """Return the stamp of the graph that a folder or file holds now; empty if it holds none."""
    names = (POINTER, *RDF_FILES) if source.is_dir() else ("",)
    found = []
    for path in (source / name for name in names):
        with suppress(OSError):
            status = path.stat()
            found.append((str(path), status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)
