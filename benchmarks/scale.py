"""How a build grows: time and memory by stage and size, a build with nothing new, an addition, the slope of memory.

    python benchmarks/scale.py [--data ../shared] [--sizes 2000,6000,20000] [--jobs 2] [--model fast]
    python benchmarks/scale.py --memory 5000,20000,80000 [--formats ttl,html,graphml,names,store]
    python benchmarks/scale.py --cluster 6000 [--workers 1,2]

The first form runs `kg build` on prefixes of the corpus, each into an empty folder; its last folder is then built again
with nothing new and with 100 papers more. The second form resolves and exports graphs larger than the corpus, made of
variants of its papers: names that no vocabulary has are changed letter for letter, so that each copy brings things of
its own. Variants are not sent through the extractor, nor through the search for duplicates, which would find them. The
third form starts a Dask scheduler and workers on this machine and tells what a further worker gains.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice, product
from pathlib import Path

from kg.codec import dump_extraction, load_extraction
from kg.engine import local
from kg.export import ExportOptions, stage_export
from kg.export.commit import Transaction, lock
from kg.extract import load_extractor
from kg.model import Paper
from kg.readers import Skipped, deduplicate, read
from kg.report import Report
from kg.resolve import join
from kg.state.extractions import Work, content_key, extract, index, pieces
from kg.state.outlines import keep_outlines, outlines_folder, parts_of
from kg.state.parts import list_parts, read_part, write_part
from kg.vocabulary import default_gazetteer

ROOT = Path(__file__).resolve().parent.parent
_NAME = re.compile(r"\b(?=\w*[A-Z]\w*[A-Z0-9])[A-Za-z0-9]{3,}\b")


def exponent(points: list[tuple[int, float]]) -> float:
    """Return the least-squares slope of log(seconds) over log(papers): 1 is linear growth."""
    logs = [(math.log(n), math.log(seconds)) for n, seconds in points]
    mean_x, mean_y = (sum(values) / len(logs) for values in zip(*logs, strict=True))
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)


def kg_build(source: Path, out: Path, jobs: int, model: str, *more: str) -> tuple[float, dict[str, object]]:
    """Return wall seconds and the report of one `kg build` of its own process."""
    command = [sys.executable, "-m", "kg", "build", str(source), "--out", str(out), "--jobs", str(jobs), "--quiet"]
    started = time.perf_counter()
    subprocess.run([*command, *(["--fast"] if model == "fast" else []), *more], check=True)
    return time.perf_counter() - started, json.loads((out / "report.json").read_text(encoding="utf-8"))


def growth(lines: list[str], sizes: list[int], jobs: int, model: str, folder: Path) -> None:
    totals: list[tuple[int, float]] = []
    stages: dict[str, list[tuple[int, float]]] = {}
    print(f"{'papers':>8} {'stage':10}{'seconds':>9}{'papers/s':>10}{'peak MiB':>10}")
    out = folder / "out"
    for size in sizes:
        out = folder / f"out{size}"
        source = folder / f"papers{size}.jsonl"
        source.write_text("".join(lines[:size]), encoding="utf-8")
        seconds, report = kg_build(source, out, jobs, model)
        for stage in report["stages"]:  # type: ignore[attr-defined]
            name, spent, peak = stage["stage"], stage["seconds"], stage["peak_memory_mib"]
            stages.setdefault(name, []).append((size, spent))
            print(f"{size:8} {name:10}{spent:9.2f}{size / max(spent, 1e-9):10.0f}{peak:10}")
        print(f"{size:8} {'all':10}{seconds:9.2f}{size / seconds:10.1f}")
        totals.append((size, seconds))
    if len(sizes) > 1:
        for name, points in (*stages.items(), ("all", totals)):
            print(f"growth exponent of {name:10}{exponent(points):6.3f}")
    last = sizes[-1]
    again, _ = kg_build(folder / f"papers{last}.jsonl", out, jobs, model)
    print(f"again, nothing new: {again:.2f} s")
    more = folder / "more.jsonl"
    more.write_text("".join(lines[last : last + 100] or variants_of(lines[:100])), encoding="utf-8")
    seconds, report = kg_build(more, out, jobs, model)
    export = report["seconds"]["export"]  # type: ignore[index]
    full = totals[-1][1]
    print(
        f"100 papers more: {seconds:.1f} s, of which export {export:.1f} s; "
        f"the rest is {(seconds - export) / full:.1%} of the full build"
    )


@contextmanager
def dask_cluster(workers: int, folder: Path) -> Iterator[str]:
    """Run a scheduler and workers of one thread each, and give the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    running: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"distributed.cli.{name}", *arguments, "--no-dashboard"]
        with (folder / f"{name}.log").open("ab") as log:
            running.append(subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log))

    try:
        start("dask_scheduler", "--host", "127.0.0.1", "--port", str(port))
        for _ in range(workers):
            start("dask_worker", address, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
        from distributed import Client

        with Client(address, timeout=60, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            client.wait_for_workers(workers, timeout=60)  # type: ignore[no-untyped-call]
        yield address
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(30)


def speed_up(lines: list[str], counts: list[int], model: str, folder: Path) -> None:
    """Print what extraction and resolution take with some numbers of workers, start of the workers left out."""
    source = folder / f"papers{len(lines)}.jsonl"
    source.write_text("".join(lines), encoding="utf-8")
    first: dict[str, float] = {}
    for workers in counts:
        out = folder / f"cluster{workers}"
        with dask_cluster(workers, folder) as address:
            _, report = kg_build(
                source, out, 1, model, "--fresh", "--format", "ttl", "--engine", "dask", "--scheduler", address
            )
        for stage in report["stages"]:  # type: ignore[attr-defined]
            name, spent = stage["stage"], stage["seconds"]
            if name in ("extract", "resolve"):
                gain = first.setdefault(name, spent) / max(spent, 1e-9)
                print(f"{len(lines):8} papers  {workers} workers  {name:10}{spent:9.2f} s{gain:7.2f} times", flush=True)
        shutil.rmtree(out)


def variants_of(lines: list[str]) -> list[str]:
    """Return other papers than those of the corpus, for an addition to the whole of it."""
    change = changer(1)
    out = []
    for line in lines:
        record = json.loads(line)
        words = str(record["abstract"]).split()
        text = change(" ".join(words[len(words) // 2 :] + words[: len(words) // 2]))
        out.append(
            json.dumps({**record, "title": f"Further notes: {change(record['title'])[::-1]}", "abstract": text}) + "\n"
        )
    return out


def changer(number: int) -> Callable[[str], str]:
    """Return a function that gives names without an entry in a vocabulary another last letter, the same each time."""
    known = {
        word
        for concept in default_gazetteer().concepts
        for label in concept.labels
        for word in re.findall(r"\w+", label)
    }

    def swap(match: re.Match[str]) -> str:
        word = match.group()
        if word in known or not number:
            return word
        letters = "abcdefghijklmnopqrstuvwxyz"
        return word[:-1] + letters[(ord(word[-1].lower()) + number) % 26]

    return lambda text: _NAME.sub(swap, text)


def variant(paper: Paper, number: int, change: Callable[[str], str]) -> Paper:
    """Return a copy of a paper with other names and another title, whose places are those of the original."""
    if not number:
        return paper
    title = change(paper.title)
    marks = "‐‑‒–—"
    title = re.sub(r"\w(?=\W|$)", marks[number % 5], title, count=1) if title == paper.title else title
    return replace(paper, title=title, abstract=change(paper.abstract), variants=())


def memory(size: int, source: Path, parts: Path, folder: Path, formats: list[str], limit: int) -> None:
    """Resolve and export ``size`` papers in this process and print its peak."""
    fingerprint = load_extractor(None, fast=True).fingerprint
    read_papers = deduplicate(item for item in read([source]) if not isinstance(item, Skipped))
    originals = {content_key(paper, fingerprint): paper for paper in read_papers}
    del read_papers
    made, by_key = folder / "parts", {}
    for number, part in product(range(-(-size // len(originals))), list_parts(parts)):
        change = changer(number)
        lines: list[tuple[str, str]] = []
        for key, text in read_part(parts / part):
            if key in originals and len(by_key) < size:
                paper = variant(originals[key], number, change)
                by_key[content_key(paper, fingerprint)] = paper
                lines.append((content_key(paper, fingerprint), variant_extraction(text, originals[key], paper, change)))
        if lines:
            write_part(made, lines)
    del originals
    outlines = outlines_folder(folder, default_gazetteer())
    part_of = index(made)
    report = Report(lambda: graph)
    with report.stage("outlines"):
        keep_outlines(list_parts(made), folder=made, outlines=outlines)
    with report.stage("resolve"):
        found = parts_of(made, by_key, part_of, outlines)
        graph = join(tuple(by_key.values()), found, default_gazetteer(), folder=folder, limit=limit)
    del by_key, found, part_of
    with lock(folder / "out") as held:
        for name in formats:
            with report.stage(name), Transaction(held) as transaction:
                stage_export(graph, transaction, [name], ExportOptions())
    peaks = {stage.name: stage.memory for stage in report.stages}
    print(json.dumps({"papers": len(graph.papers), "peaks": peaks, "seconds": report.seconds}))


def variant_extraction(text: str, original: Paper, paper: Paper, change: Callable[[str], str]) -> str:
    """Return the extraction of a variant of a paper: its names changed, its places those of the original."""
    extraction = load_extraction(text, original)
    entities = tuple(
        replace(
            entity,
            names=tuple(dict.fromkeys(map(change, entity.names))),
            pairs=tuple((change(short), change(long_)) for short, long_ in entity.pairs),
        )
        for entity in extraction.entities
    )
    return dump_extraction(replace(extraction, paper=paper.id, entities=entities))


def slope(sizes: list[int], source: Path, folder: Path, formats: str, limit: int) -> None:
    """Print peak memory of resolution and exports by size, and what a million papers would take."""
    print("extracting the corpus once ...", flush=True)
    papers = deduplicate(item for item in read([source]) if not isinstance(item, Skipped))
    parts = folder / "parts"
    extractor = load_extractor(None, fast=True)
    known = index(parts)
    missing = [paper for paper in papers if content_key(paper, extractor.fingerprint) not in known]
    with local() as engine:
        todo = pieces(missing, engine.workers) if missing else []
        for _ in engine.map(partial(extract, work=Work(parts, fast=True)), todo, len(todo)):
            pass
    peaks: dict[int, dict[str, int]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(dir=folder) as here:
            command = [sys.executable, __file__, "--child", str(size), "--source", str(source), "--parts", str(parts)]
            command += ["--folder", here, "--formats", formats, "--limit", str(limit)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        peaks[size] = found["peaks"]
        for name, peak in found["peaks"].items():
            print(
                f"{found['papers']:8} papers  {name:10} peak {peak:6} MiB {found['seconds'][name]:8.1f} s", flush=True
            )
    first, last = sizes[0], sizes[-1]
    for name in peaks[first]:
        rate = (peaks[last][name] - peaks[first][name]) / (last - first)
        at_million = peaks[last][name] + rate * (1_000_000 - last)
        print(f"{name:10} {rate * 1024:6.2f} KiB a paper, so {at_million / 1024:5.1f} GiB at 1,000,000 papers")


def head(path: Path, count: int) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from islice(lines, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--sizes", default="2000,6000,20000")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--model", choices=("fast", "default"), default="fast")
    parser.add_argument("--memory", help="sizes of graphs to resolve and export")
    parser.add_argument("--cluster", type=int, help="papers to extract and resolve on a cluster of this machine")
    parser.add_argument("--workers", default="1,2", help="numbers of workers of the cluster")
    parser.add_argument("--formats", default="ttl,jsonld,void,csv,graphml,html")
    parser.add_argument("--limit", type=int, default=50_000, help="claims and results that are held in memory")
    parser.add_argument("--work", type=Path, help="folder for what is made on the way; kept")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--parts", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        memory(options.child, options.source, options.parts, options.folder, options.formats.split(","), options.limit)
        return
    corpus = options.data / "corpus" / "papers-20k.jsonl.gz"
    if not corpus.is_file():
        sys.exit(f"{corpus}: the corpus is not here; give its folder with --data")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.work or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if options.memory:
            slope([int(n) for n in options.memory.split(",")], corpus, folder, options.formats, options.limit)
        elif options.cluster:
            counts = [int(n) for n in options.workers.split(",")]
            speed_up(list(head(corpus, options.cluster)), counts, options.model, folder)
        else:
            sizes = [int(n) for n in options.sizes.split(",")]
            growth(list(head(corpus, sizes[-1] + 100)), sizes, options.jobs, options.model, folder)


if __name__ == "__main__":
    main()
