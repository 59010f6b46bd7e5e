"""How long the bundled questions take on a built folder, by its database and by rdflib on the same triples.

    python benchmarks/queries.py [FOLDER] [--runs 5] [--rdflib-papers N]

Without a folder, the examples are built. Times are medians in milliseconds, after one run that is not counted, of
asking and reading the whole answer: on the clock, and of the processor alone, which a busy machine lengthens less.
rdflib is asked once and given up after 20 seconds. It parses slowly, so it gets the triples of the first N papers (by
id) with all that their claims and results speak of, and our engine is timed on the same part beside it; 0 leaves it
out, and a number as large as the graph gives it everything.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox
import rdflib

from kg import ontology as o
from kg.query import questions
from kg.store import OpenGraph, open_graph

ROOT = Path(__file__).resolve().parent.parent
BAR = 200.0
"""Milliseconds that no question should need."""
PATIENCE = 20
"""Seconds after which a question to rdflib is given up."""


def milliseconds(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Return the median times of ``work`` on the clock and on the processor, after one run to warm up."""
    work()
    clock, processor = [], []
    for _ in range(runs):
        started, began = time.perf_counter(), time.thread_time()
        work()
        clock.append(time.perf_counter() - started)
        processor.append(time.thread_time() - began)
    return statistics.median(clock) * 1000, statistics.median(processor) * 1000


def once(work: Callable[[], object], seconds: int) -> float | None:
    """Return the milliseconds that ``work`` takes at once; None if it is stopped because it takes too long."""

    def stop(signal_: int, frame: object) -> None:
        raise TimeoutError

    former = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    started = time.perf_counter()
    try:
        work()
    except TimeoutError:
        return None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)
    return (time.perf_counter() - started) * 1000


def part(opened: OpenGraph, papers: int) -> list[ox.Triple]:
    """Return the triples that describe the first papers, and whatever their claims and results lead to."""
    store = opened.store

    def subjects(predicate: ox.NamedNode, thing: ox.NamedNode) -> list[ox.NamedNode]:
        found = (quad.subject for quad in store.quads_for_pattern(None, predicate, thing))
        return [node for node in found if isinstance(node, ox.NamedNode)]

    every = sorted(subjects(o.TYPE, o.PAPER), key=lambda node: node.value)
    if papers >= len(every):
        return [quad.triple for quad in store]
    chosen = set(every[:papers])
    wanted = set(chosen)
    for paper in chosen:
        wanted.update(node for node in subjects(o.STATED_IN, paper) + subjects(o.IN_PAPER, paper))
    for node in list(wanted - chosen):
        linked = (quad.object for quad in store.quads_for_pattern(node, None, None))
        wanted.update(thing for thing in linked if isinstance(thing, ox.NamedNode))
    wanted -= set(every) - chosen
    triples = (quad.triple for node in wanted for quad in store.quads_for_pattern(node, None, None))
    return [t for t in triples if not isinstance(t.object, ox.NamedNode) or t.object in wanted or _term(t.object)]


def _term(node: ox.NamedNode) -> bool:
    return "#" in node.value


def in_rdflib(triples: list[ox.Triple]) -> rdflib.Graph:
    """Return the triples as a graph of rdflib."""
    data = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    return rdflib.Graph().parse(data=data, format="nt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rdflib-papers", type=int, default=200, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        if options.folder is None:
            subprocess.run(
                [sys.executable, "-m", "kg", "build", str(ROOT / "examples"), "--out", made, "--quiet"], check=True
            )
        slow = report(folder, options.runs, options.rdflib_papers)
    sys.exit(f"slower than {BAR:.0f} ms: {', '.join(slow)}" if slow else 0)


def report(folder: Path, runs: int, papers: int) -> list[str]:
    """Print the table and return the questions that miss the bar."""
    opened = open_graph(folder)
    print(
        f"{opened.path}: {opened.triples} triples; opened in {milliseconds(lambda: open_graph(folder), runs)[0]:.1f} ms"
    )
    small, theirs = ox.Store(), rdflib.Graph()
    if papers:
        triples = part(opened, papers)
        small.bulk_extend(ox.Quad(t.subject, t.predicate, t.object) for t in triples)
        theirs = in_rdflib(triples)
        print(f"part for rdflib: {len(theirs)} triples")
    columns = f"{'rows':>8}{'ms':>10}{'cpu ms':>10}" + (
        f"{'part: ms':>12}{'rdflib ms':>12}{'ratio':>9}" if papers else ""
    )
    print(f"{'question':22}{columns}", flush=True)
    slow, ratios = [], []
    for question in questions():
        text = question.text
        rows = sum(1 for _ in opened.store.query(text))  # type: ignore[arg-type, misc]
        ours, processor = milliseconds(lambda text=text: list(opened.store.query(text)), runs)  # type: ignore[misc]
        line = f"{question.name:22}{rows:8}{ours:10.1f}{processor:10.1f}"
        if ours > BAR:
            slow.append(question.name)
        if papers:
            fast, _ = milliseconds(lambda text=text: list(small.query(text)), runs)  # type: ignore[misc]
            long = once(lambda text=text: list(theirs.query(text)), PATIENCE)  # type: ignore[misc]
            ratio = (long or PATIENCE * 1000) / fast
            ratios.append(ratio)
            more = "" if long else ">"
            line += f"{fast:12.2f}{more + format(long or PATIENCE * 1000, '.1f'):>12}{more + format(ratio, '.0f'):>9}"
        print(line, flush=True)
    if ratios:
        print(f"median ratio of rdflib to our engine on the same part: {statistics.median(ratios):.0f}")
    return slow


if __name__ == "__main__":
    main()
