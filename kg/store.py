"""Opens a built folder or an RDF file for questions.

A built folder has a database that is ready for them, which opens in milliseconds; any number of readers may do so, also
while a build is at work. Without one, or when an RDF file of the folder is newer, that file is loaded into memory.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import pyoxigraph as ox

from kg.errors import InputError
from kg.export.commit import journal_of, latest, settle
from kg.export.store import FOLDER, POINTER, RDF_FILES, Pointer, digest, hold, read_pointer
from kg.ontology import prefixes

SUFFIXES: Mapping[str, ox.RdfFormat] = {
    ".ttl": ox.RdfFormat.TURTLE,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".nq": ox.RdfFormat.N_QUADS,
    ".trig": ox.RdfFormat.TRIG,
    ".n3": ox.RdfFormat.N3,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".owl": ox.RdfFormat.RDF_XML,
    ".xml": ox.RdfFormat.RDF_XML,
    ".jsonld": ox.RdfFormat.JSON_LD,
    ".json": ox.RdfFormat.JSON_LD,
}

_GZIP = b"\x1f\x8b"


_TRIES = 5
"""How often a reader looks for the database again: builds that end meanwhile may take it away as often."""


@dataclass(frozen=True, slots=True)
class OpenGraph:
    """A graph that can be asked.

    ``path`` is the file or database that was opened. ``prefixes`` are the usual ones and those that the file declares.
    ``hold`` keeps the database from removal by builds, so keep the graph for as long as its store is asked.
    """

    path: Path
    store: ox.Store
    prefixes: Mapping[str, str] = field(default_factory=prefixes)
    hold: BinaryIO | None = field(default=None, compare=False, repr=False)
    counted: int | None = field(default=None, compare=False, repr=False)

    @property
    def union(self) -> bool:
        """Whether the file has named graphs; questions then look at all of them together."""
        return next(iter(self.store.named_graphs()), None) is not None

    @property
    def triples(self) -> int:
        """Number of triples."""
        return len(self.store) if self.counted is None else self.counted


def graph_file(source: Path) -> Path:
    """Return the RDF file to read: ``source`` itself, or that of the latest build in a folder.

    Raises:
        InputError: there is none.
    """
    if not source.is_dir():
        if not source.is_file():
            raise InputError(f"{source}: no such file or folder; give a built folder or an RDF file")
        return source
    found = _rdf_files(source)
    if not found:
        names = " or ".join(list(RDF_FILES)[1:])
        raise InputError(f"{source}: no {names} in this folder; make one with: kg build INPUT --out {source}")
    # An export gives all of its files one time; an older file belongs to an earlier graph.
    newest = max(found.values())
    return next(path for path, moment in found.items() if moment == newest)


def _rdf_files(folder: Path) -> dict[Path, int]:
    """Return the RDF files of a built folder with their times in nanoseconds, the fastest to read first."""
    found: dict[Path, int] = {}
    for name in RDF_FILES:
        with suppress(OSError):
            path = latest(folder, name)
            found[path] = path.stat().st_mtime_ns
    return found


def open_graph(source: Path) -> OpenGraph:
    """Open a built folder or an RDF file: Turtle, N-Triples, N-Quads, TriG, N3, RDF/XML or JSON-LD, plain or gzipped.

    The suffix tells the format; without a known one, the content does.

    Raises:
        InputError: there is nothing to read, or it is not RDF; the message has the line.
    """
    if source.is_dir():
        settle(source)
        return _open_database(source) or _load(graph_file(source))
    return _load(graph_file(source))


def _open_database(folder: Path) -> OpenGraph | None:
    """Return the current database of a built folder; None if it has none that belongs to its RDF files and opens."""
    for _ in range(_TRIES):
        before = signature(folder)
        opened = _try_database(folder)
        if opened or before == signature(folder):
            return opened
        time.sleep(0.01)  # a build ended while we looked
    return None


def _try_database(folder: Path) -> OpenGraph | None:
    pointer = read_pointer(latest(folder, POINTER))
    if pointer is None or not _is_current(pointer, folder):
        return None
    path = latest(folder, f"{FOLDER}/{pointer.name}")
    held = hold(path)
    if held is None:
        return None
    try:
        store = ox.Store.read_only(str(path))
        if next(store.quads_for_pattern(None, None, None), None) is not None:
            return OpenGraph(folder / FOLDER, store, prefixes(pointer.base), held, pointer.triples)
    except (OSError, ValueError, RuntimeError):
        pass
    held.close()
    return None


def signature(folder: Path) -> tuple[object, ...]:
    """Return what tells one state of a built folder from another: a reader may compare it to learn of a new build."""
    found: list[object] = []
    for path in (journal_of(folder), folder / POINTER, *(folder / name for name in RDF_FILES)):
        try:
            status = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_ino, status.st_size))
    return tuple(found)


def _is_current(pointer: Pointer, folder: Path) -> bool:
    """Return whether no RDF file of a folder tells another graph than its database.

    Files of one export have one time, and leftovers of others are older. A file that is newer may have been edited, or
    copied with a new time: its content tells.
    """
    newer = _rdf_files(folder)
    try:
        moment = latest(folder, POINTER).stat().st_mtime_ns
        return all(
            when <= moment or (pointer.files.get(path.name) or "") == digest(path) for path, when in newer.items()
        )
    except OSError:
        return False


def _load(path: Path) -> OpenGraph:
    try:
        rdf_format = _format(path)
        declared = _declared(path, rdf_format)
        store = ox.Store()
        with _open(path) as stream:
            store.bulk_load(stream, format=rdf_format, base_iri=path.resolve().as_uri())
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path}: not RDF that can be read: {_line(error)}; mend the file or name another") from error
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read ({_line(error)})") from error
    if not len(store):
        raise InputError(f"{path}: holds no triples; name a built folder or another RDF file")
    return OpenGraph(path, store, {**prefixes(), **declared})


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        zipped = stream.read(2) == _GZIP
    return cast(BinaryIO, gzip.open(path, "rb")) if zipped else path.open("rb")


def _format(path: Path) -> ox.RdfFormat:
    name = path.name.removesuffix(".gz")
    known = SUFFIXES.get(Path(name).suffix.lower())
    if known:
        return known
    with _open(path) as stream:
        head = stream.read(4096)
    if b"\0" in head:
        raise ValueError("it is a binary file")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"<?xml", b"<rdf:", b"<!DOCTYPE")):
        return ox.RdfFormat.RDF_XML
    if start.startswith((b"{", b'["', b"[{", b"[\n")):
        return ox.RdfFormat.JSON_LD
    with suppress(SyntaxError, StopIteration):
        next(ox.parse(input=start[: start.rfind(b"\n") + 1] or start, format=ox.RdfFormat.N_QUADS))
        return ox.RdfFormat.N_QUADS
    return ox.RdfFormat.TRIG


def _declared(path: Path, rdf_format: ox.RdfFormat) -> dict[str, str]:
    """Return the prefixes that stand before the first triple of a file."""
    if rdf_format in (ox.RdfFormat.N_TRIPLES, ox.RdfFormat.N_QUADS, ox.RdfFormat.JSON_LD):
        return {}
    with _open(path) as stream:
        parser = ox.parse(stream, format=rdf_format, base_iri=path.resolve().as_uri())
        next(parser, None)
        return dict(parser.prefixes)


def select(opened: OpenGraph, query: str) -> list[dict[str, str]]:
    """Return the rows of a SELECT query as plain strings by variable; what a row leaves open is left out of it."""
    solutions = opened.store.query(query, use_default_graph_as_union=opened.union)
    assert isinstance(solutions, ox.QuerySolutions)
    names = [v.value for v in solutions.variables]
    return [{n: row[n].value for n in names if row[n] is not None} for row in solutions]
