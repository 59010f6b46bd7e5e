"""What people see of a running command: progress on stderr, tables and cards on stdout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kg.gold import Tally
from kg.watch import log_error, log_skipped, log_summary, progress

__all__ = ["log_error", "log_skipped", "log_summary", "print_counts", "print_tallies", "progress"]


def print_counts(summary: Mapping[str, Any]) -> None:
    """Print node and edge counts on two lines, and the number of results."""
    for what in ("nodes", "edges"):
        print(f"{what}: " + ", ".join(f"{n} {name}" for name, n in summary[what].items()))
    print(f"results: {summary['results']}")


def print_tallies(tallies: Mapping[str, Tally]) -> None:
    """Print precision, recall and F1 by measure."""
    print(f"{'':16}{'precision':>10}{'recall':>8}{'F1':>8}{'predicted':>11}{'must':>6}")
    for name, t in tallies.items():
        print(f"{name:16}{t.precision:10.3f}{t.recall:8.3f}{t.f1:8.3f}{t.predicted:11}{t.must:6}")
