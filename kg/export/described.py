"""Files that are written from the descriptions of a graph: one pass over it serves all of them.

To describe a graph takes as long as to write a format of it, so formats that need nothing else share the pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from kg.export.base import ExportOptions
from kg.export.commit import Transaction
from kg.export.rdf import Description, describe
from kg.model import KnowledgeGraph


class Scribe(Protocol):
    """Takes the descriptions of a graph one after the other, and writes its file meanwhile or at the end."""

    def add(self, description: Description) -> None:
        """Take the next description."""

    def end(self) -> None:
        """Write what is left; the stream stays open."""


StartScribe = Callable[[KnowledgeGraph, BinaryIO, ExportOptions], Scribe]
"""Makes a scribe that writes to an open binary stream."""


@dataclass(frozen=True, slots=True)
class Described:
    """One file of a format that is written from descriptions."""

    filename: str
    media_type: str
    start: StartScribe

    def write(self, graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
        """Write the file to an open binary stream in a pass of its own."""
        write_described(graph, (self.start(graph, stream, options),), options)

    def stage(self, graph: KnowledgeGraph, transaction: Transaction, options: ExportOptions) -> None:
        """Write the file in a pass of its own."""
        stage_described((self,), graph, transaction, options)


def stage_described(
    products: Iterable[Described], graph: KnowledgeGraph, transaction: Transaction, options: ExportOptions
) -> None:
    """Write files in one pass over the graph.

    Raises:
        KGError: the graph is broken or a file cannot be written.
    """
    with ExitStack() as stack:
        scribes = [
            product.start(graph, stack.enter_context(transaction.stage(product.filename).open("wb")), options)
            for product in products
        ]
        if scribes:
            write_described(graph, scribes, options)


def write_described(graph: KnowledgeGraph, scribes: Sequence[Scribe], options: ExportOptions) -> None:
    """Let ``scribes`` take every description of a graph.

    Raises:
        KGError: a claim or result names something that the graph lacks, or a match of an entity is no IRI.
    """
    adds = [scribe.add for scribe in scribes]
    for description in describe(graph, options):
        for add in adds:
            add(description)
    for scribe in scribes:
        scribe.end()
