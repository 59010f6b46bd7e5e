"""Nodes and edges as CSV with the column names that Gephi's spreadsheet import knows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from kg.export.base import ExportOptions
from kg.export.rows import edges, nodes
from kg.model import KnowledgeGraph

NODE_COLUMNS = (
    "Id",
    "Label",
    "Type",
    "Baseline",
    "Papers",
    "Aliases",
    "Date",
    "Authors",
    "Author count",
    "Identifiers",
    "Venue",
    "URL",
    "Concept",
    "IRI",
)
EDGE_COLUMNS = ("Source", "Target", "Type", "Id", "Label", "Relation", "Weight", "Confidence", "Sources", "Evidence")

Cell = str | int | float | bool | None

# Spreadsheets run cells that begin like this as formulas (OWASP, "CSV Injection"); a title must stay text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def guard(text: str) -> str:
    """Return ``text`` so that no spreadsheet takes it for a formula: an apostrophe in front, as people type it.

    >>> guard("=1+1"), guard("ResNet-50")
    ("'=1+1", 'ResNet-50')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def write_nodes(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write a line for each paper and entity, UTF-8."""
    rows = (
        (
            row.id,
            row.label,
            row.type,
            row.baseline,
            row.papers,
            row.aliases,
            row.date,
            row.authors,
            row.author_count,
            row.identifiers,
            row.venue,
            row.url,
            row.concept,
            row.iri,
        )
        for row in nodes(graph, options)
    )
    write_rows(NODE_COLUMNS, map(_cells, rows), stream)


def write_edges(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write a line for each claim, UTF-8."""
    rows = (
        (
            row.source,
            row.target,
            "Directed",
            row.id,
            row.label,
            row.relation,
            row.weight,
            row.confidence,
            row.sources,
            row.evidence,
        )
        for row in edges(graph)
    )
    write_rows(EDGE_COLUMNS, map(_cells, rows), stream)


def write_rows(columns: Iterable[str], rows: Iterable[Iterable[Cell]], stream: BinaryIO) -> None:
    """Write a CSV file with a line of column names to an open binary stream, UTF-8, lines ended by a line feed."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    text.flush()
    text.detach()


def _cells(row: tuple[Cell, ...]) -> Iterator[Cell]:
    for cell in row:
        if isinstance(cell, str):
            yield guard(cell)
        elif isinstance(cell, bool):
            yield "true" if cell else "false"
        else:
            yield cell
