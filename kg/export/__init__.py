"""Export formats, from one registry: add a module and an entry of :data:`FORMATS`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from kg.errors import InputError, KGError
from kg.export.base import ExportOptions, Format, Output, Writer
from kg.export.jsonld import write_jsonld
from kg.export.tables import write_edges, write_nodes
from kg.export.turtle import write_ntriples, write_turtle
from kg.model import KnowledgeGraph

__all__ = ["FORMATS", "ExportOptions", "Format", "Output", "Writer", "chosen_formats", "export"]


def _write_graphml(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    # Imported on use: the layout needs numerical libraries that the other formats do without.
    from kg.export.graphml import write_graphml

    write_graphml(graph, stream, options)


def _write_html(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    from kg.export.html import write_html

    write_html(graph, stream, options)


_ALL = (
    Format("ttl", "Turtle", (Output("graph.ttl", "text/turtle", write_turtle),)),
    Format("nt", "N-Triples", (Output("graph.nt", "application/n-triples", write_ntriples),), default=False),
    Format("jsonld", "JSON-LD", (Output("graph.jsonld", "application/ld+json", write_jsonld),)),
    Format("graphml", "GraphML, for Gephi", (Output("graph.graphml", "application/graphml+xml", _write_graphml),)),
    Format(
        "csv",
        "nodes and edges as tables",
        (Output("nodes.csv", "text/csv", write_nodes), Output("edges.csv", "text/csv", write_edges)),
    ),
    Format("html", "interactive page", (Output("graph.html", "text/html", _write_html),)),
)
FORMATS: dict[str, Format] = {format_.name: format_ for format_ in _ALL}
"""All formats by name."""

_LEFTOVER_SECONDS = 86_400


def export(
    graph: KnowledgeGraph,
    directory: Path,
    formats: Iterable[str] | None = None,
    options: ExportOptions | None = None,
) -> list[Path]:
    """Write the graph to ``directory`` and return the paths written, in the order of the registry.

    All files are written beside their targets first and put in place together at the end, so that a failed or killed
    export leaves the former files whole. They share one time of modification, by which a reader tells files of one
    export from leftovers of another.

    Args:
        formats: names of :data:`FORMATS`; the default ones if None.

    Raises:
        InputError: a format is unknown, or ``directory`` cannot be a folder.
        KGError: the graph is broken or a file cannot be written.
    """
    chosen = chosen_formats(formats)
    options = options or ExportOptions()
    outputs = [output for format_ in chosen for output in format_.outputs]
    pending: list[tuple[Path, Path]] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _sweep(directory, outputs)
        for output in outputs:
            target = directory / output.filename
            part = directory / f".{output.filename}.{os.getpid()}.part"
            pending.append((part, target))
            with part.open("wb") as stream:
                output.write(graph, stream, options)
                stream.flush()
                os.fsync(stream.fileno())
        moment = time.time_ns()
        for part, target in pending:
            os.utime(part, ns=(moment, moment))
            part.replace(target)
        _sync(directory)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{directory}: not a folder; choose another place for the graph") from error
    except OSError as error:
        raise KGError(f"{error.filename or directory}: cannot be written ({error.strerror or error})") from error
    finally:
        for part, _ in pending:
            part.unlink(missing_ok=True)
    return [target for _, target in pending]


def chosen_formats(formats: Iterable[str] | None) -> list[Format]:
    """Return the formats with these names in the order of the registry; the default ones for None.

    Raises:
        InputError: a name is unknown.
    """
    if formats is None:
        return [format_ for format_ in _ALL if format_.default]
    names = set(formats)
    unknown = sorted(names - set(FORMATS))
    if unknown:
        raise InputError(f"no export format {', '.join(unknown)}; there are {', '.join(FORMATS)}")
    return [format_ for format_ in _ALL if format_.name in names]


def _sweep(directory: Path, outputs: Iterable[Output]) -> None:
    """Remove what killed exports left behind; a day's age spares the files of an export that runs now."""
    for output in outputs:
        for part in directory.glob(f".{output.filename}.*.part"):
            with suppress(OSError):
                if time.time() - part.stat().st_mtime > _LEFTOVER_SECONDS:
                    part.unlink()


def _sync(directory: Path) -> None:
    """Make the renames durable where the system can (not on Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
