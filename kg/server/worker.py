"""A process that answers queries: the library cannot interrupt a query, but a process can be killed.

Started by :mod:`kg.server.workers` as ``python -m kg.server.worker``. Standard input brings jobs, standard output takes
replies; each is a frame: the length of a JSON object in four bytes, the object, and in a reply ``size`` bytes after it.
It ends when its input ends.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyoxigraph as ox

from kg.errors import InputError, KGError
from kg.query import ask
from kg.server.context import base_of
from kg.server.dataset import Graphs, choose, graphs_of
from kg.server.rows import COUNTERS, Spool, TooLarge
from kg.store import OpenGraph, open_graph

Found = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples

FRAME = struct.Struct(">I")
INLINE = 1024 * 1024
"""Bytes of an answer that stay in memory; a larger one goes to the file that the job names."""

ROWS = {
    "json": ox.QueryResultsFormat.JSON,
    "xml": ox.QueryResultsFormat.XML,
    "csv": ox.QueryResultsFormat.CSV,
    "tsv": ox.QueryResultsFormat.TSV,
}
TRIPLES = {
    "turtle": ox.RdfFormat.TURTLE,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "rdfxml": ox.RdfFormat.RDF_XML,
    "jsonld": ox.RdfFormat.JSON_LD,
}
_GROWTH = 256 * 1024 * 1024
"""Bytes by which a process may have grown after an answer before it is replaced by a fresh one."""
_MARGIN = 5.0
"""Seconds after its time limit at which a query whose server has died ends by itself."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as a client sends it.

    ``rows``, ``boolean`` and ``triples`` name the format for each kind of answer, or are empty when the client takes
    none. ``default`` and ``named`` are the graphs that the request names.
    """

    query: str
    rows: str = "json"
    boolean: str = "json"
    triples: str = "turtle"
    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job(Asked):
    """A query to answer within limits. ``spool`` is the file for an answer that is large."""

    spool: str = ""
    seconds: float = 30.0
    max_rows: int = 0
    max_bytes: int = 0
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What comes back: ``kind`` is rows, boolean, triples, or a refusal with its ``status`` and ``detail``.

    Before it comes one of the kind ``taken``, so that who dies of a job is told from who was dead.
    ``size`` bytes follow, unless they are ``spooled``. ``spent`` tells that the process is to be replaced.
    """

    kind: str
    status: int = 200
    detail: str = ""
    count: int = 0
    size: int = 0
    spooled: bool = False
    spent: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """What a worker tells of the graph that it opened: base IRI, number of triples, graphs."""

    base: str
    triples: int
    graph: str
    named: tuple[str, ...]


class _Refused(Exception):  # noqa: N818 - an answer, not a failure
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def answer(graph: OpenGraph, graphs: Graphs, job: Job) -> tuple[Reply, bytes]:
    """Return the reply to a job and the bytes of the answer, empty when they are in the file of the job."""
    try:
        chosen = choose(graphs, graph, job.query, job.default, job.named, job.depth)
        if chosen is None:
            return _written(ask(graph, job.query), graph, job)
        found = ask(graph, job.query, default_graph=chosen.default, named_graphs=chosen.named)
        return _written(found, graph, job)
    except _Refused as error:
        return Reply("refusal", error.status, error.detail), b""
    except TooLarge as error:
        detail = f"the answer has more than {error}, the limit of this server; add a LIMIT, or ask for less"
        return Reply("refusal", 422, detail), b""
    except InputError as error:
        return Reply("refusal", 400, str(error)), b""
    except MemoryError:
        return Reply("refusal", 422, "the query needs more memory than this server gives to one", spent=True), b""
    except (KGError, OSError, RuntimeError, ValueError) as error:
        return Reply("refusal", 422, f"the query failed: {error}"), b""


def _written(found: Found, graph: OpenGraph, job: Job) -> tuple[Reply, bytes]:
    kind, name = _kind(found, job)
    if not name:
        raise _Refused(406, kind)
    path = Path(job.spool)
    if isinstance(found, ox.QueryTriples):
        spool, count = Spool(path, INLINE, job.max_bytes), 0

        def limited() -> Iterator[ox.Triple]:
            nonlocal count
            for count, triple in enumerate(dict.fromkeys(_first(found, job.max_rows)), 1):  # noqa: B007 - read below
                yield triple

        ox.serialize(limited(), cast(BinaryIO, spool), TRIPLES[name], prefixes=dict(graph.prefixes))
    else:
        counter = None if isinstance(found, ox.QueryBoolean) else COUNTERS[name]()
        spool = Spool(path, INLINE, job.max_bytes, job.max_rows, counter)
        found.serialize(cast(BinaryIO, spool), ROWS[name])
        count = spool.rows
    body = spool.close()
    return Reply(kind, count=count, size=spool.size, spooled=spool.spooled), body


def _kind(found: Found, job: Job) -> tuple[str, str]:
    if isinstance(found, ox.QueryTriples):
        return "triples", job.triples
    return ("boolean", job.boolean) if isinstance(found, ox.QueryBoolean) else ("rows", job.rows)


def _first(triples: Iterable[ox.Triple], limit: int) -> Iterator[ox.Triple]:
    for count, triple in enumerate(triples, 1):
        if count > limit:
            raise TooLarge(f"{limit:,} triples")
        yield triple


def read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    """Return the object of the next frame; None at the end of the stream."""
    head = stream.read(FRAME.size)
    if len(head) < FRAME.size:
        return None
    return cast(dict[str, Any], json.loads(stream.read(FRAME.unpack(head)[0])))


def frame(record: Mapping[str, object]) -> bytes:
    """Return an object as a frame."""
    text = json.dumps(record).encode()
    return FRAME.pack(len(text)) + text


def serve(source: Path, memory: int, jobs: BinaryIO, replies: BinaryIO) -> None:
    """Open the graph, tell that it is open (or why not), and answer jobs until there are no more."""

    def reply(value: Reply, body: bytes = b"") -> None:
        replies.write(frame(asdict(value)) + body)
        replies.flush()

    try:
        graph = open_graph(source)
        graphs = graphs_of(graph)
        opened = Opened(base_of(graph), graph.triples, graphs.name, tuple(sorted(graphs.named)))
    except KGError as error:
        reply(Reply("refusal", 500, str(error)))
        return
    _limit_memory(memory)
    start = _resident()
    replies.write(frame({"kind": "ready", **asdict(opened)}))
    replies.flush()
    while (record := read_frame(jobs)) is not None:
        reply(Reply("taken"))
        job = Job(**{**record, "default": tuple(record["default"]), "named": tuple(record["named"])})
        _alarm(job.seconds + _MARGIN)
        try:
            value, body = answer(graph, graphs, job)
        except Exception as error:  # the server must learn of what we did not foresee
            value, body = Reply("refusal", 500, f"{type(error).__name__}: {error}", spent=True), b""
        _alarm(0)
        if _resident() - start > _GROWTH:
            value = replace(value, spent=True)
        reply(value, body)


def _alarm(seconds: float) -> None:
    """Have the system end this process after some seconds, 0 for never: its server may be dead by then."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit_memory(more: int) -> None:
    """Let this process take so many bytes beyond what it has now, where the system can hold it to that."""
    with suppress(ImportError, OSError, ValueError, StopIteration):
        import resource

        status = Path("/proc/self/status").read_text(encoding="ascii")
        used = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData:"))
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (used + more, hard))


def _resident() -> int:
    """Return the resident memory of this process in bytes; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Serve the folder of the first argument with as many bytes of memory a query as the second says."""
    # Control-C goes to all processes of a terminal; the server lets running queries finish.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nothing that a library prints may get between the frames.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(BrokenPipeError):
        serve(Path(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
