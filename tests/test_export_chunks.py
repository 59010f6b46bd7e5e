"""Numbered files of triples: together they are the graph, and equal graphs give equal files."""

from __future__ import annotations

import gzip
from pathlib import Path

from kg.export import ExportOptions, export
from kg.export.chunks import ChunksOutput
from kg.export.commit import Transaction, lock
from tests.graphs import vision


def test_chunks_together_are_the_graph(tmp_path: Path) -> None:
    graph = vision()
    for name in ("a", "b"):
        with lock(tmp_path / name) as held, Transaction(held) as transaction:
            ChunksOutput(triples=100).stage(graph, transaction, ExportOptions())
    files = sorted((tmp_path / "a" / "chunks").iterdir())
    lines = [gzip.decompress(path.read_bytes()).decode().splitlines() for path in files]
    assert len(files) > 2
    assert {len(chunk) for chunk in lines[:-1]} == {100}
    export(graph, tmp_path, ("nt",))
    assert [line for chunk in lines for line in chunk] == (tmp_path / "graph.nt").read_text().splitlines()
    for path in files:
        assert path.read_bytes() == (tmp_path / "b" / "chunks" / path.name).read_bytes()


def test_a_smaller_graph_leaves_no_old_chunk(tmp_path: Path) -> None:
    for size in (50, 10_000):
        with lock(tmp_path) as held, Transaction(held) as transaction:
            ChunksOutput(triples=size).stage(vision(), transaction, ExportOptions())
    assert [path.name for path in (tmp_path / "chunks").iterdir()] == ["graph-00000.nt.gz"]
