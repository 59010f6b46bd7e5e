"""The main job: from input files to a built folder."""

from __future__ import annotations

import gc
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO

from kg.cache import Cache, content_key
from kg.errors import InputError, KGError
from kg.export import ExportOptions, chosen_formats, export
from kg.extract import Extractor, load_extractor
from kg.model import Extraction, KnowledgeGraph, Paper
from kg.readers import Skipped, deduplicate, read
from kg.resolve import Overrides, resolve
from kg.vocabulary import default_gazetteer

Progress = Callable[[str, int, int], None]
"""Called with the stage, the items done and the items in all (0: not known)."""

BATCH = 16
RARE = (100_000, 50, 100)
"""Thresholds of the garbage collector during a build: a tenth less time."""
MAX_SKIPPED_LISTED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """How to build. ``jobs`` are processes, 0 for one a processor; ``formats`` None means the default ones."""

    formats: tuple[str, ...] | None = None
    jobs: int = 0
    page_year: int | None = None
    model: Path | None = None
    fast: bool = False
    overrides: Overrides = field(default_factory=Overrides)
    export: ExportOptions = field(default_factory=ExportOptions)


@dataclass(slots=True)
class Report:
    """What a build did; :meth:`as_dict` is ``report.json``."""

    read: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    duplicates: int = 0
    reused: int = 0
    files: tuple[str, ...] = ()
    graph: KnowledgeGraph = field(default_factory=KnowledgeGraph)
    seconds: dict[str, float] = field(default_factory=dict)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the numbers of nodes by class and of edges by property."""
        nodes = Counter(e.type.value for e in self.graph.entities)
        nodes["Paper"] = len(self.graph.papers)
        nodes["Baseline"] = sum(e.baseline for e in self.graph.entities)
        edges = Counter(c.relation.value for c in self.graph.claims)
        return {"nodes": dict(sorted(nodes.items())), "edges": dict(sorted(edges.items()))}

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        graph = self.graph
        return {
            "records": {"read": self.read, "skipped": len(self.skipped), "duplicates": self.duplicates},
            "skipped": [
                {"file": s.place.file, "line": s.place.line, "format": s.place.format, "reason": s.reason}
                for s in self.skipped[:MAX_SKIPPED_LISTED]
            ],
            **self.counts(),
            "results": len(graph.results),
            "evidence": sum(len(c.evidence) for c in graph.claims) + len(graph.results),
            "merges": [
                {"entity": m.entity, "label": m.left, "name": m.right, "reason": m.reason} for m in graph.merges
            ],
            "reused": self.reused,
            "files": list(self.files),
            "seconds": {k: round(v, 3) for k, v in self.seconds.items()},
        }


def build(
    inputs: Sequence[str | Path],
    out: Path,
    options: BuildOptions | None = None,
    *,
    progress: Progress = lambda stage, done, total: None,
    stdin: BinaryIO | None = None,
) -> Report:
    """Read ``inputs``, extract, resolve and write the graph to the folder ``out``.

    Raises:
        InputError: an input, an option or the model is wrong, or no paper could be read.
        KGError: a file cannot be written.
    """
    options = options or BuildOptions()
    report = Report()
    # What is wrong with the command line is said before the work, not behind it.
    chosen_formats(options.formats)
    extractor = load_extractor(options.model, fast=options.fast)
    with _rare_collection():
        return _build(inputs, out, options, extractor, report, progress, stdin)


def _build(
    inputs: Sequence[str | Path],
    out: Path,
    options: BuildOptions,
    extractor: Extractor,
    report: Report,
    progress: Progress,
    stdin: BinaryIO | None,
) -> Report:
    with _stage(report, "read"):
        papers = read_papers(inputs, report, options, progress, stdin)
    with _stage(report, "extract"):
        extractions = extract_all(papers, extractor, out, report, options, progress)
    with _stage(report, "resolve"):
        progress("resolve", 0, 0)
        report.graph = resolve(papers, extractions, default_gazetteer(), options.overrides)
    with _stage(report, "export"):
        progress("export", 0, 0)
        report.files = tuple(path.name for path in export(report.graph, out, options.formats, options.export))
    write_report(report, out / "report.json")
    return report


def read_papers(
    inputs: Sequence[str | Path], report: Report, options: BuildOptions, progress: Progress, stdin: BinaryIO | None
) -> tuple[Paper, ...]:
    """Return the papers of all inputs, each once, and note in ``report`` what was read and skipped.

    Raises:
        InputError: nothing could be read.
    """
    records: list[Paper] = []
    for item in read([str(i) for i in inputs], page_year=options.page_year, stdin=stdin):
        if isinstance(item, Skipped):
            report.skipped.append(item)
        else:
            records.append(item)
            if len(records) % 1000 == 0:
                progress("read", len(records), 0)
    report.read = len(records)
    report.skipped.sort(key=lambda s: (s.place, s.reason))
    if not records:
        first = f" (for instance {report.skipped[0]})" if report.skipped else ""
        raise InputError(f"{', '.join(map(str, inputs))}: no paper found{first}; see `kg formats` for what can be read")
    papers = deduplicate(records)
    report.duplicates = len(records) - len(papers)
    return papers


def extract_all(
    papers: Sequence[Paper],
    extractor: Extractor,
    out: Path,
    report: Report,
    options: BuildOptions,
    progress: Progress,
) -> list[Extraction]:
    """Return the extractions of ``papers`` in their order, those of an earlier build from its cache."""
    keys = [content_key(p, extractor.fingerprint) for p in papers]
    with _cache(out) as cache:
        known = {key: found for key in keys if (found := cache.get(key)) is not None}
        missing = [(k, p) for k, p in zip(keys, papers, strict=True) if k not in known]
        report.reused = len(papers) - len(missing)
        done = report.reused
        progress("extract", done, len(papers))
        for batch in _extract_batches([p for _, p in missing], extractor, options):
            start = done - report.reused
            pairs = [(missing[start + i][0], e) for i, e in enumerate(batch)]
            cache.put(pairs)
            known.update(pairs)
            done += len(batch)
            progress("extract", done, len(papers))
        cache.keep_only(keys)
    # Equal text under two ids cannot be: the id is made from the title. So the key finds the right paper.
    return [known[key] for key in keys]


@contextmanager
def _cache(out: Path) -> Iterator[Cache]:
    try:
        with Cache(out / ".cache" / "extractions.sqlite") as cache:
            yield cache
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{out}: not a folder; choose another place for the graph") from error
    except OSError as error:
        raise KGError(f"{error.filename or out}: cannot be written ({error.strerror or error})") from error


def _extract_batches(papers: list[Paper], extractor: Extractor, options: BuildOptions) -> Iterator[list[Extraction]]:
    batches = [papers[i : i + BATCH] for i in range(0, len(papers), BATCH)]
    jobs = min(options.jobs or os.cpu_count() or 1, len(batches))
    if jobs <= 1:
        for batch in batches:
            yield [extractor.extract(p) for p in batch]
        return
    # Spawned, not forked: the parent may hold threads of numerical libraries, which do not survive a fork.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker, (options.model, options.fast)) as pool:
        yield from pool.map(_extract_batch, batches)


_worker: list[Extractor] = []


def _start_worker(model: Path | None, fast: bool) -> None:
    _worker[:] = [load_extractor(model, fast=fast)]
    gc.set_threshold(*RARE)


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Let the cyclic garbage collector look less often: values have no cycles, and there are millions of them."""
    before = gc.get_threshold()
    gc.set_threshold(*RARE)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _extract_batch(papers: list[Paper]) -> list[Extraction]:
    return [_worker[0].extract(p) for p in papers]


def write_report(report: Report, path: Path) -> None:
    """Write ``report.json`` in one step."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


@contextmanager
def _stage(report: Report, name: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        report.seconds[name] = time.perf_counter() - started
