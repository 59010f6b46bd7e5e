"""Times of comparisons, leaderboards and lineages over a built folder: python benchmarks/answers.py DIR [NAME ...]

Each answer is made twice and rendered as a table; the second time counts (warm). Names are those that most claims are
about, unless some are given. Prints milliseconds by the clock and of the processor; the store is open.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from kg import ids, ontology
from kg.analysis import board, family, sides
from kg.analysis.common import holders
from kg.analysis.compare import compare
from kg.analysis.leaderboard import leaderboard
from kg.analysis.lineage import lineage
from kg.analysis.render import Document, render
from kg.model import EntityType
from kg.store import OpenGraph, open_graph, select

MOST = 3


def busiest(opened: OpenGraph, kind: EntityType) -> list[str]:
    """Return labels of the things of a kind that most claims are about."""
    a, label = f"<{ids.ONTOLOGY}{kind.value}>", ontology.PREF_LABEL
    rows = select(opened, f"SELECT ?thing ?label WHERE {{ ?thing a {a} ; {label} ?label }}")
    counted = sorted((-len(holders(opened, ontology.OBJECT, row["thing"])), row["label"]) for row in rows)
    return [label for _, label in counted[:MOST]]


def timed(name: str, make: Callable[[], Document]) -> None:
    """Print the time of the second of two runs."""
    for _ in range(2):
        start, worked = time.perf_counter(), time.process_time()
        text = render(make())
        spent, work = time.perf_counter() - start, time.process_time() - worked
    print(f"{name[:60]:62}{1000 * spent:7.0f} ms{1000 * work:7.0f} ms CPU{len(text):9} characters")


def main() -> None:
    """Run all."""
    start = time.perf_counter()
    opened = open_graph(Path(sys.argv[1]))
    print(f"{'open':62}{1000 * (time.perf_counter() - start):7.0f} ms")
    methods = sys.argv[2:] or busiest(opened, EntityType.METHOD)
    for dataset in busiest(opened, EntityType.DATASET):
        timed(f"leaderboard {dataset}", lambda dataset=dataset: board.document(leaderboard(opened, dataset)))
    for method in methods:
        timed(f"lineage {method}", lambda method=method: family.document(lineage(opened, method)))
    timed(f"compare {' '.join(methods)}", lambda: sides.document(compare(opened, methods)))


if __name__ == "__main__":
    main()
