"""How fast papers become a graph, with either model, beside a yardstick run on the same machine.

    python benchmarks/speed.py [--data ../shared] [--papers 600] [--runs 3] [--jobs 2]

Each run is a `kg build` of its own into an empty folder. The yardstick is scikit-learn's TF-IDF over the same
abstracts, in one process: a ratio to it holds on other machines, seconds do not.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def yardstick(texts: list[str]) -> float:
    """Return the seconds that TF-IDF with word pairs takes for the texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    started = time.perf_counter()
    TfidfVectorizer(ngram_range=(1, 2)).fit_transform(texts)
    return time.perf_counter() - started


def build(source: Path, jobs: int, fast: bool) -> tuple[float, dict[str, float]]:
    """Return the wall seconds of one build and its seconds by stage."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "kg", "build", str(source), "--out", out, "--jobs", str(jobs), "--quiet"]
        started = time.perf_counter()
        subprocess.run([*command, *(["--fast"] if fast else [])], check=True)
        seconds = time.perf_counter() - started
        return seconds, json.loads((Path(out) / "report.json").read_text(encoding="utf-8"))["seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--papers", type=int, default=600)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    corpus = options.data / "corpus" / "papers-20k.jsonl.gz"
    if not corpus.is_file():
        sys.exit(f"{corpus}: the corpus is not here; give its folder with --data")
    with gzip.open(corpus, "rt", encoding="utf-8") as lines, tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "papers.jsonl"
        chosen = list(islice(lines, options.papers))
        source.write_text("".join(chosen), encoding="utf-8")
        texts = [str(json.loads(line).get("abstract", "")) for line in chosen]
        print(f"{len(chosen)} abstracts, {options.jobs} jobs, median of {options.runs} runs")
        print(f"{'':12}{'abstracts/s':>12}{'extract/s':>11}{'min s':>8}{'median s':>10}{'max s':>8}{'to TF-IDF':>11}")
        for name, fast in (("default", False), ("fast", True)):
            runs, beside = [], []
            for _ in range(options.runs):
                beside.append(yardstick(texts))
                runs.append(build(source, options.jobs, fast))
            walls = [wall for wall, _ in runs]
            wall, extract = statistics.median(walls), statistics.median(stage["extract"] for _, stage in runs)
            ratio = wall / statistics.median(beside)
            print(
                f"{name:12}{len(chosen) / wall:12.1f}{len(chosen) / extract:11.1f}{min(walls):8.1f}{wall:10.1f}"
                f"{max(walls):8.1f}{ratio:11.1f}"
            )
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"largest process: {peak:.0f} MB resident")


if __name__ == "__main__":
    main()
