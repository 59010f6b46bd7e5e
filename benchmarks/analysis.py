"""How long each answer over a built folder takes when it is asked again.

    python benchmarks/analysis.py DIR [--runs 3] [--most 2.0]

Every command runs as a process of its own, once to fill its cache (`first`), then `--runs` times; the median of those
is `warm`, and `CPU` the median of processor time, which other work on the machine changes less. Names to ask about are
taken from the graph: its most used dataset, its two methods and the paper with most comparisons, its most used method.
The exit code is 1 when a warm answer takes longer than `--most` seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from kg.analysis.common import PREFIX
from kg.analysis.matrices import from_store
from kg.analysis.topics import cluster, label_terms, space_text
from kg.store import OpenGraph, open_graph, select

TEXT = """Light transformers for semantic segmentation

We propose a light transformer for semantic segmentation. It outperforms ResNet-50 on Cityscapes and ImageNet at half
the latency on a GPU."""


def most(opened: OpenGraph, pattern: str, count: int) -> list[str]:
    """Return the labels of the ?x that match a pattern with most ?by."""
    query = f"""{PREFIX} SELECT ?label (COUNT(DISTINCT ?by) AS ?n) WHERE {{
      {pattern} ?x skos:prefLabel|dcterms:title ?label }} GROUP BY ?x ?label ORDER BY DESC(?n) ?label LIMIT {count}"""
    rows = select(opened, query)
    return [row["label"] for row in rows]


def commands(opened: OpenGraph) -> dict[str, list[str]]:
    """Return the commands to time, without the folder."""
    (dataset,) = most(opened, "?x a kg:Dataset . ?by kg:evaluatedOn ?x .", 1)
    one, two = most(opened, "?x a kg:Method ; kg:comparesTo ?by . ?paper kg:proposes ?x .", 2)
    (used,) = most(opened, "?x a kg:Method . ?by kg:buildsOn ?x .", 1)
    (paper,) = most(opened, "?x a kg:Paper ; kg:proposes/kg:comparesTo ?by .", 1)
    return {
        "compare": [one, two],
        "leaderboard": [dataset],
        "lineage": [used],
        "gaps METHOD": [one],
        "gaps PAPER": [paper],
        "similar PAPER": [paper],
        "similar TEXT": [TEXT],
        "topics": [],
        "trends": [],
    }


def run(folder: Path, command: str, arguments: list[str]) -> tuple[float, float]:
    """Return the seconds and processor seconds of one run."""
    started, before = time.perf_counter(), os.times()
    line = [sys.executable, "-m", "kg", command, str(folder), *arguments]
    done = subprocess.run(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"kg {command}: {done.stderr.decode('utf-8', 'replace').strip()}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, cpu


def communities(opened: OpenGraph) -> float:
    """Return the processor seconds that a build spends on communities."""
    corpus = from_store(opened)
    before = time.process_time()
    text = space_text(corpus)
    label_terms(corpus, text, cluster(corpus, text))
    return time.process_time() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--most", type=float, default=2.0)
    options = parser.parse_args()
    opened = open_graph(options.folder)
    (papers,) = select(opened, f"{PREFIX} SELECT (COUNT(?p) AS ?n) WHERE {{ ?p a kg:Paper }}")
    print(f"{papers['n']} papers, median of {options.runs} runs, seconds")
    print(f"{'':16}{'first':>8}{'warm':>8}{'CPU':>8}")
    print(f"{'communities':16}{'':8}{'':8}{communities(opened):8.2f}  in each build")
    slow = False
    for name, arguments in commands(opened).items():
        command = name.partition(" ")[0]
        first, _ = run(options.folder, command, arguments)
        timed = sorted(run(options.folder, command, arguments) for _ in range(options.runs))
        warm, cpu = statistics.median(t for t, _ in timed), statistics.median(c for _, c in timed)
        slow = slow or warm > options.most
        print(f"{name:16}{first:8.2f}{warm:8.2f}{cpu:8.2f}{'  too slow' if warm > options.most else ''}", flush=True)
    sys.exit(int(slow))


if __name__ == "__main__":
    main()
