"""N-Triples in numbered, compressed files: what the bulk loaders of large triple stores take in parallel."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO

import pyoxigraph as ox

from kg.export.base import ExportOptions
from kg.export.commit import Transaction
from kg.export.rdf import triples
from kg.model import KnowledgeGraph

TRIPLES = 1_000_000
"""Triples of a file: some 150 MB of text, 10 MB compressed."""


@dataclass(frozen=True, slots=True)
class ChunksOutput:
    """The folder of numbered files, as an output of a format."""

    filename: str = "chunks"
    media_type: str = "application/gzip"
    triples: int = TRIPLES

    def stage(self, graph: KnowledgeGraph, transaction: Transaction, options: ExportOptions) -> None:
        """Write the files."""
        folder = transaction.stage(self.filename)
        folder.mkdir()
        for number, chunk in enumerate(_chunks(triples(graph, options), self.triples)):
            with (folder / f"graph-{number:05}.nt.gz").open("wb") as stream:
                _write(chunk, stream)


def _write(chunk: Iterable[ox.Triple], stream: BinaryIO) -> None:
    # No name and no time in the header: equal graphs give equal files.
    with gzip.GzipFile("", "wb", 6, stream, mtime=0) as packed:
        ox.serialize(chunk, packed, ox.RdfFormat.N_TRIPLES)  # type: ignore[arg-type]


def _chunks(items: Iterator[ox.Triple], size: int) -> Iterator[Iterable[ox.Triple]]:
    """Cut a stream; each piece must be read to its end before the next is asked for."""
    for first in items:
        yield chain((first,), islice(items, size - 1))
