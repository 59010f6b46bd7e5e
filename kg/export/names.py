"""The index of all names, for searching as one types and with typing errors."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from kg import ids
from kg.errors import KGError
from kg.export.base import ExportOptions
from kg.export.text import clean
from kg.model import Claim, KnowledgeGraph, Result
from kg.names_index import FILENAME, Named, write


def write_names(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write the index as an SQLite database.

    Raises:
        KGError: SQLite cannot make it, for instance because it was compiled without FTS5.
    """
    with TemporaryDirectory(prefix="kg-names-") as folder:
        path = Path(folder) / FILENAME
        try:
            # Closed before it is read: only then all of it is in the file.
            with closing(sqlite3.connect(path)) as connection:
                write(connection, named(graph, options.base))
        except sqlite3.Error as error:
            raise KGError(f"{FILENAME}: SQLite cannot write the index of names ({error})") from error
        with path.open("rb") as made:
            shutil.copyfileobj(made, stream, 1 << 20)


def named(graph: KnowledgeGraph, base: str = ids.BASE) -> Iterator[Named]:
    """Yield papers and things with their names, as the RDF of the graph has them."""
    papers: dict[str, set[str]] = {}
    edges: Counter[str] = Counter()
    for ends, sources in chain(map(_of_claim, graph.claims), map(_of_result, graph.results)):
        edges.update(set(ends))
        edges.update(sources - set(ends))
        for end in ends:
            papers.setdefault(end, set()).update(sources)
    for paper in graph.papers:
        names = tuple(clean(variant) for variant in paper.variants)
        yield Named(ids.iri(paper.id, base), "Paper", clean(paper.title), names, 0, edges[paper.id])
    for entity in graph.entities:
        names = tuple(map(clean, entity.aliases))
        stating = len(papers.get(entity.id, ()))
        yield Named(ids.iri(entity.id, base), entity.type.value, clean(entity.label), names, stating, edges[entity.id])


def _of_claim(claim: Claim) -> tuple[tuple[str, ...], set[str]]:
    return (claim.subject, claim.object), set(claim.papers)


def _of_result(result: Result) -> tuple[tuple[str, ...], set[str]]:
    ends = (result.metric, result.method, result.baseline, result.dataset)
    return tuple(end for end in ends if end), {result.paper}
