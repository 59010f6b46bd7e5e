"""Export formats, from one registry: add a module and an entry of :data:`FORMATS`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO

from kg.errors import InputError, KGError
from kg.export.base import ExportOptions, Format, Output, Product, Work, Writer
from kg.export.chunks import ChunksOutput
from kg.export.commit import Transaction, lock, told
from kg.export.described import Described, stage_described
from kg.export.jsonld import JSONLDScribe
from kg.export.names import write_names
from kg.export.nanopub import write_nanopubs
from kg.export.neo4j import NEO4J_OUTPUTS
from kg.export.store import StoreOutput
from kg.export.tables import write_edges, write_nodes
from kg.export.turtle import NTriplesScribe, TurtleScribe
from kg.export.void import VoidScribe
from kg.model import KnowledgeGraph
from kg.processes import start_worker

__all__ = [
    "FORMATS",
    "ExportOptions",
    "Format",
    "Output",
    "Product",
    "Work",
    "Writer",
    "chosen_formats",
    "export",
    "stage_export",
]


def _write_graphml(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    # Imported on use: the layout needs numerical libraries that the other formats do without.
    from kg.export.graphml import write_graphml

    write_graphml(graph, stream, options)


def _write_html(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    from kg.export.html import write_html

    write_html(graph, stream, options)


_ALL = (
    Format("ttl", "Turtle", (Described("graph.ttl", "text/turtle", TurtleScribe),)),
    Format("nt", "N-Triples", (Described("graph.nt", "application/n-triples", NTriplesScribe),), default=False),
    Format("chunks", "N-Triples in numbered files, for bulk loaders", (ChunksOutput(),), default=False),
    Format("store", "embedded database, for kg query and kg serve", (StoreOutput(),)),
    Format(
        "names",
        "index of names, for kg show and kg serve",
        (Output("names.sqlite", "application/vnd.sqlite3", write_names),),
    ),
    Format("jsonld", "JSON-LD", (Described("graph.jsonld", "application/ld+json", JSONLDScribe),)),
    Format("void", "VoID description of the dataset", (Described("void.ttl", "text/turtle", VoidScribe),)),
    Format(
        "nanopub",
        "nanopublications in TriG",
        (Output("nanopubs.trig", "application/trig", write_nanopubs),),
        default=False,
    ),
    Format("neo4j", "CSV and the command for neo4j-admin database import", NEO4J_OUTPUTS, default=False),
    Format(
        "graphml",
        "GraphML, for Gephi",
        (Output("graph.graphml", "application/graphml+xml", _write_graphml),),
    ),
    Format(
        "csv",
        "nodes and edges as tables",
        (Output("nodes.csv", "text/csv", write_nodes), Output("edges.csv", "text/csv", write_edges)),
    ),
    Format("html", "interactive page", (Output("graph.html", "text/html", _write_html),)),
)
APART = 500
"""Papers from which some files are written by a process of their own."""

FORMATS: dict[str, Format] = {format_.name: format_ for format_ in _ALL}
"""All formats by name."""


def export(
    graph: KnowledgeGraph,
    directory: Path,
    formats: Iterable[str] | None = None,
    options: ExportOptions | None = None,
) -> list[Path]:
    """Write the graph to ``directory`` and return the paths written, in the order of the registry.

    All of them are put in place together (:mod:`kg.export.commit`), so that a failed or killed export leaves the former
    ones whole.

    Args:
        formats: names of :data:`FORMATS`; the default ones if None.

    Raises:
        InputError: a format is unknown, or ``directory`` cannot be a folder.
        KGError: the graph is broken, a file cannot be written, or somebody else is writing to the folder.
    """
    chosen_formats(formats)
    with lock(directory) as held, Transaction(held) as transaction:
        return stage_export(graph, transaction, formats, options)


def stage_export(
    graph: KnowledgeGraph,
    transaction: Transaction,
    formats: Iterable[str] | None = None,
    options: ExportOptions | None = None,
) -> list[Path]:
    """Prepare the graph as a part of a transaction; return the paths that it will have, in the order of the registry.

    Args:
        formats: names of :data:`FORMATS`; the default ones if None.

    Raises:
        InputError: a format is unknown.
        KGError: the graph is broken or a file cannot be written.
    """
    products = [product for format_ in chosen_formats(formats) for product in format_.outputs]
    options = options or ExportOptions()
    described = [product for product in products if isinstance(product, Described)]
    far = [product for product in products if isinstance(product, Output)]
    if len(graph.papers) < APART or len(far) == len(products) or not _may_fork():
        far = []
    # What needs no description takes about as long as the descriptions and the database, which is filled from them.
    near = [product for product in products if product not in far and product not in described]
    with told(transaction.directory), ThreadPoolExecutor(1, "export") as thread:
        started: list[tuple[Future[None], Work]] = []
        with _apart(far, graph, transaction, options):
            stage_described(described, graph, transaction, options)
            for product in near:
                work = product.stage(graph, transaction, options)
                if work:
                    started.append((thread.submit(work.beside), work))
        # Only now are all files there, also those that the other process writes.
        for future, work in started:
            future.result()
            work.after()
    return [transaction.directory / product.filename for product in products]


@contextmanager
def _apart(
    outputs: Sequence[Output], graph: KnowledgeGraph, transaction: Transaction, options: ExportOptions
) -> Iterator[None]:
    """Write files in a forked process meanwhile: it has the graph without anything being copied."""
    if not outputs:
        yield
        return
    _JOBS[:] = [(output.write, transaction.stage(output.filename), graph, options) for output in outputs]
    try:
        with ProcessPoolExecutor(1, get_context("fork"), start_worker) as pool:
            written = [pool.submit(_write_apart, number) for number in range(len(_JOBS))]
            yield
            for future in written:
                future.result()
    except BrokenProcessPool as error:
        raise KGError("a process of the export died, perhaps for want of memory; run the same command again") from error
    finally:
        _JOBS.clear()


_JOBS: list[tuple[Writer, Path, KnowledgeGraph, ExportOptions]] = []
"""What the forked process finds in its copy of this one's memory."""


def _write_apart(number: int) -> None:
    write, path, graph, options = _JOBS[number]
    with path.open("wb") as stream:
        write(graph, stream, options)


def _may_fork() -> bool:
    """Whether forking is known to be safe: on macOS system libraries are not, and Windows has none."""
    return sys.platform == "linux" and (os.cpu_count() or 1) > 1


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
