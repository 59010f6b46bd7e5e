"""What people see of a running command: progress on stderr, tables and cards on stdout."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from kg.build import Progress as Report
from kg.gold import Tally
from kg.show import Card

LOG_SECONDS = 60.0


@contextmanager
def progress(*, quiet: bool) -> Iterator[Report]:
    """Yield a progress function: a bar with rate and time left on a terminal, one line a minute in a log."""
    if quiet:
        yield lambda stage, done, total: None
    elif sys.stderr.isatty():
        with _bar() as bar:
            tasks: dict[str, int] = {}

            def update(stage: str, done: int, total: int) -> None:
                if stage not in tasks:
                    tasks[stage] = bar.add_task(stage, total=total or None)
                bar.update(tasks[stage], completed=done, total=total or None)  # type: ignore[arg-type]

            yield update
    else:
        yield _log()


def _bar() -> Progress:
    columns = (
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
    )
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)


def _log() -> Report:
    seen: dict[str, float] = {}

    def update(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        finished = total and done == total
        if stage not in seen or finished or now - seen[stage] > LOG_SECONDS:
            seen[stage] = now
            print(f"{stage} {done}/{total}" if total else f"{stage} ...", file=sys.stderr, flush=True)

    return update


def print_counts(counts: Mapping[str, Mapping[str, int]], results: int) -> None:
    """Print node and edge counts on two lines."""
    for what, numbers in counts.items():
        print(f"{what}: " + ", ".join(f"{n} {name}" for name, n in numbers.items()))
    print(f"results: {results}")


def print_card(found: Card) -> None:
    """Print a thing with its edges and evidence sentences."""
    console = Console(highlight=False)
    console.print(
        Text(found.label, style="bold"), Text(f"({', '.join(found.types)})"), f"[dim]{escape(found.iri)}[/dim]"
    )
    if found.aliases:
        console.print(Text("also: " + ", ".join(found.aliases)))
    table = Table(show_lines=True, expand=True)
    table.add_column("edge", min_width=14)
    table.add_column("with", ratio=2, overflow="fold")
    table.add_column("conf.", min_width=5)
    table.add_column("sentence", ratio=5, overflow="fold")
    for edge in found.edges:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", edge.relation).lower()
        arrow = f"→ {words}" if edge.outgoing else f"← {words}"
        sentences = "\n".join(f"{sentence}  ({title})" for title, sentence in edge.sentences)
        table.add_row(Text(arrow), Text(edge.other), f"{edge.confidence:.2f}", Text(sentences))
    console.print(table)


def print_tallies(tallies: Mapping[str, Tally]) -> None:
    """Print precision, recall and F1 by measure."""
    print(f"{'':16}{'precision':>10}{'recall':>8}{'F1':>8}{'predicted':>11}{'must':>6}")
    for name, t in tallies.items():
        print(f"{name:16}{t.precision:10.3f}{t.recall:8.3f}{t.f1:8.3f}{t.predicted:11}{t.must:6}")
