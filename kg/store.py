"""Opens a built folder or an RDF file for questions, in memory."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import pyoxigraph as ox

from kg.errors import InputError
from kg.ontology import prefixes

BUILT = ("graph.nt", "graph.ttl", "graph.jsonld")
"""Files of a built folder that hold the graph, the fastest to read first."""

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


@dataclass(frozen=True, slots=True)
class OpenGraph:
    """A graph that can be asked. ``prefixes`` are the usual ones and those that the file declares."""

    path: Path
    store: ox.Store
    prefixes: Mapping[str, str] = field(default_factory=prefixes)

    @property
    def union(self) -> bool:
        """Whether the file has named graphs; questions then look at all of them together."""
        return next(iter(self.store.named_graphs()), None) is not None


def graph_file(source: Path) -> Path:
    """Return the RDF file to read: ``source`` itself, or that of the latest build in a folder.

    Raises:
        InputError: there is none.
    """
    if source.is_dir():
        found = [source / name for name in BUILT if (source / name).is_file()]
        if not found:
            raise InputError(
                f"{source}: no {' or '.join(BUILT[1:])} in this folder; make one with: kg build INPUT --out {source}"
            )
        # An export gives all of its files one time; an older file belongs to an earlier graph.
        latest = max(path.stat().st_mtime_ns for path in found)
        return next(path for path in found if path.stat().st_mtime_ns == latest)
    if not source.is_file():
        raise InputError(f"{source}: no such file or folder; give a built folder or an RDF file")
    return source


def open_graph(source: Path) -> OpenGraph:
    """Load a built folder or an RDF file: Turtle, N-Triples, N-Quads, TriG, N3, RDF/XML or JSON-LD, plain or gzipped.

    The suffix tells the format; without a known one, the content does.

    Raises:
        InputError: there is nothing to read, or it is not RDF; the message has the line.
    """
    path = graph_file(source)
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
    solutions = opened.store.query(query, use_default_graph_as_union=True)
    assert isinstance(solutions, ox.QuerySolutions)
    names = [v.value for v in solutions.variables]
    return [{n: row[n].value for n in names if row[n] is not None} for row in solutions]
