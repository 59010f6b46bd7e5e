"""The graph as an embedded database: a folder that opens in milliseconds and answers SPARQL without reading RDF.

A built folder holds ``store/NAME/``, a database (RocksDB, by pyoxigraph) that is never changed, and
``store/current``, a small file that names it. Another export makes another database beside it and replaces the small
file, so a reader goes on with what it opened. The database that is not current goes when nobody has it open.

rdflib asks the same database through oxrdflib::

    from oxrdflib import OxigraphStore
    from rdflib import Graph
    from rdflib.graph import DATASET_DEFAULT_GRAPH_ID
    from kg.store import open_graph

    opened = open_graph(Path("exports"))
    graph = Graph(OxigraphStore(store=opened.store), identifier=DATASET_DEFAULT_GRAPH_ID)

(Keep ``opened``: while it lives, no export removes its database.)
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pyoxigraph as ox

from kg import locks
from kg.errors import KGError
from kg.export.base import ExportOptions, Work
from kg.export.commit import Transaction, latest, told
from kg.export.turtle import write_ntriples
from kg.model import KnowledgeGraph

FOLDER = "store"
POINTER = f"{FOLDER}/current"
RDF_FILES: Mapping[str, ox.RdfFormat] = {
    "graph.nt": ox.RdfFormat.N_TRIPLES,
    "graph.ttl": ox.RdfFormat.TURTLE,
    "graph.jsonld": ox.RdfFormat.JSON_LD,
}
"""Files of a built folder that hold the same graph, the fastest to read first."""

PIECE = 8 << 20
"""Bytes that are loaded at a time: 2.4 million triples took 1.5 GB of memory at once, a quarter GB in pieces."""

_HELD = "CURRENT"
"""A file that every database of RocksDB has: readers share a lock on it, so that who would remove it knows of them."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which database is the current one: its folder in :data:`FOLDER`, and what a reader need not count.

    ``base`` is the IRI under which its things are minted; ``files`` has the SHA-256 of the RDF files of the same
    export.
    """

    name: str
    triples: int
    base: str
    files: Mapping[str, str] = field(default_factory=dict)

    def dump(self) -> bytes:
        """Return the content of the file."""
        return (json.dumps(asdict(self), indent=1) + "\n").encode()


def read_pointer(path: Path) -> Pointer | None:
    """Return what such a file says; None if it is not there or says nothing that makes sense."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        pointer = Pointer(
            str(record["name"]),
            int(record["triples"]),
            str(record["base"]),
            {str(name): str(digest) for name, digest in record["files"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return pointer if pointer.name.replace("-", "").isalnum() else None


@dataclass(frozen=True, slots=True)
class StoreOutput:
    """The folder of databases, as an output of a format."""

    filename: str = FOLDER
    media_type: str = "application/vnd.rocksdb"

    def stage(self, graph: KnowledgeGraph, transaction: Transaction, options: ExportOptions) -> Work:
        """Prepare a database from an RDF file of the same export, or from one made for this."""
        sweep(transaction.directory)
        staged = transaction.names()
        name = next((name for name in RDF_FILES if name in staged and name != "graph.jsonld"), None)
        if name:
            source = transaction.stage(name)
        else:
            source = transaction.scratch("graph.nt")
            with source.open("wb") as stream:
                write_ntriples(graph, stream, options)
        made: list[Pointer] = []

        def load() -> None:
            made.append(_load(source, transaction, options.base))

        def point() -> None:
            (pointer,) = made
            names = [name for name in RDF_FILES if name in transaction.names()]
            files = {name: pointer.files.get(name) or digest(transaction.stage(name)) for name in names}
            transaction.write(POINTER, replace(pointer, files=files).dump())
            transaction.then(lambda: sweep(transaction.directory))

        return Work(load, point)


def _load(source: Path, transaction: Transaction, base: str) -> Pointer:
    """Fill a new database from an RDF file. Named after the content of the file, and numbered if the name is taken."""
    content = digest(source)
    stem = content[:16]
    name, number = stem, 1
    while (transaction.directory / FOLDER / name).exists():
        number += 1
        name = f"{stem}-{number}"
    folder = transaction.stage(f"{FOLDER}/{name}")
    with told(transaction.directory):
        try:
            store = ox.Store(folder)
            # Not checked: this program wrote it a moment ago.
            for piece in pieces(source):
                store.bulk_load(input=piece, format=RDF_FILES[source.name], lenient=True)
            store.optimize()
            store.flush()
            triples = len(store)
        except (SyntaxError, ValueError) as error:
            raise KGError(f"{transaction.directory / FOLDER}: cannot be made ({error})") from error
        del store
        # The log tells paths of this machine, and the lock is for those who write.
        for leftover in (*folder.glob("LOG*"), folder / "LOCK"):
            leftover.unlink(missing_ok=True)
    return Pointer(name, triples, base, {source.name: content})


def pieces(source: Path, size: int = PIECE) -> Iterator[bytes]:
    """Cut a Turtle or N-Triples file of our own into files of about ``size`` bytes: a loader sorts what it is given.

    Our Turtle has its prefixes first and an empty line between subjects; no literal holds a line break.
    """
    gap = b"\n" if source.suffix == ".nt" else b"\n\n"
    head, rest = b"", b""
    with source.open("rb") as stream:
        while block := stream.read(size):
            block = rest + block
            cut = block.rfind(gap) + 1
            if not cut:  # a subject larger than a piece
                rest = block
                continue
            yield head + block[:cut]
            if not head and gap == b"\n\n":
                head = block[: block.index(gap) + 1]
            rest = block[cut:]
    if rest.strip():
        yield head + rest


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hold(database: Path) -> BinaryIO | None:
    """Return an open file that keeps a database from removal while it stays open; None if there is no database."""
    try:
        stream = (database / _HELD).open("rb")
    except OSError:
        return None
    if locks.take(stream.fileno(), shared=True) and locks.is_at(stream.fileno(), database / _HELD):
        return stream
    stream.close()
    return None


def sweep(directory: Path) -> None:
    """Remove the databases of a folder that are neither current nor open; what cannot be removed stays."""
    pointer = read_pointer(latest(directory, POINTER))
    current = pointer.name if pointer else ""
    folder = directory / FOLDER
    for database in folder.iterdir() if folder.is_dir() else ():
        if database.name != current and (database / _HELD).is_file():
            with suppress(OSError):
                _remove(database)


def _remove(database: Path) -> None:
    descriptor = os.open(database / _HELD, os.O_RDWR)
    try:
        if not locks.take(descriptor):
            return
        # First what readers look for, so that none of them opens what is going.
        (database / _HELD).unlink()
        shutil.rmtree(database, ignore_errors=True)
    finally:
        os.close(descriptor)
