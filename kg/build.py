"""The main job: from input files to a built folder, and what changes such a folder."""

from __future__ import annotations

import difflib
import gc
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from kg.engine import RARE, Engine, Work, local
from kg.errors import InputError, KGError
from kg.export import ExportOptions, chosen_formats, export
from kg.extract import load_extractor
from kg.ids import title_key
from kg.model import KnowledgeGraph, Paper
from kg.readers import Skipped, deduplicate
from kg.resolve import Overrides, resolve
from kg.resources import code_digest
from kg.state import FOLDER, STATE_FILE, State, load_state
from kg.state.extractions import EXTRACTIONS, Extractions, content_key, index, keep_only
from kg.state.parts import drop_parts
from kg.state.sources import RECORDS, Source, gather, records, without
from kg.vocabulary import default_gazetteer

Progress = Callable[[str, int, int], None]
"""Called with the stage, the items done and the items in all (0: not known)."""

MAX_SKIPPED_LISTED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """How to build.

    ``formats``, ``base`` and ``overrides`` that are None stay as the folder has them, else they are the default ones.
    ``jobs`` are processes, 0 for one a processor; another ``engine`` may extract in their place. ``fresh`` forgets
    the papers that the folder had.
    """

    formats: tuple[str, ...] | None = None
    base: str | None = None
    overrides: Overrides | None = None
    jobs: int = 0
    engine: Engine | None = None
    page_year: int | None = None
    model: Path | None = None
    fast: bool = False
    fresh: bool = False


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

    Papers that the folder has from other inputs stay in its graph, so that a build adds; what was extracted before is
    not extracted again. The result is the same as that of one build of all inputs.

    Raises:
        InputError: an input, an option or the model is wrong, or no paper could be read.
        KGError: a file cannot be written.
    """
    options = options or BuildOptions()
    # What is wrong with the command line is said before the work, not behind it.
    chosen_formats(options.formats)
    with _rare_collection(), _writing(out):
        return _build([str(i) for i in inputs], out, options, progress, stdin)


def _build(
    inputs: Sequence[str], out: Path, options: BuildOptions, progress: Progress, stdin: BinaryIO | None
) -> Report:
    report = Report()
    extractor = load_extractor(options.model, fast=options.fast)
    state = _settled(State() if options.fresh else load_state(out) or State(), options, extractor.fingerprint)
    with _stage(report, "read"):
        state = replace(state, sources=_gather(inputs, out, state, options, report, progress, stdin))
        papers = _papers(state, out, report)
    with _stage(report, "extract"):
        _extract(papers, state, out, options, report, progress)
    _finish(papers, state, out, report, progress)
    return report


def remove(out: Path, names: Sequence[str], *, progress: Progress = lambda stage, done, total: None) -> Report:
    """Take papers out of the graph of a built folder, with what no other paper states.

    Args:
        names: titles, identifiers (``arxiv:2401.00001``), ids or IRIs of papers of the graph.

    Raises:
        InputError: the folder or a name is wrong, or no paper would be left.
        KGError: a file cannot be written.
    """
    with _rare_collection(), _writing(out):
        state = _remembered(out)
        report = Report()
        with _stage(report, "read"):
            papers = _papers(state, out, report)
            gone = {key for name in names for key in _titles(_named(name, papers, state.base, out))}
            folder = out / FOLDER / RECORDS
            sources = [without(s, folder, lambda paper: title_key(paper.title) in gone) for s in state.sources]
            report = Report(seconds=report.seconds)
            state = replace(state, sources=tuple(s for s in sources if s.parts))
            papers = _papers(state, out, report)
            if not papers:
                raise InputError(f"{out}: no paper would be left; delete the folder instead")
        _finish(papers, state, out, report, progress)
    return report


def export_folder(out: Path, formats: Sequence[str], *, progress: Progress = lambda s, d, t: None) -> Report:
    """Write the graph of a built folder in further formats.

    Raises:
        InputError: the folder or a format is wrong.
        KGError: a file cannot be written.
    """
    chosen_formats(formats)
    with _rare_collection(), _writing(out):
        state = _remembered(out)
        report = Report()
        with _stage(report, "read"):
            papers = _papers(state, out, report)
        _finish(papers, replace(state, formats=tuple(formats)), out, report, progress)
    return report


def load_graph(out: Path) -> KnowledgeGraph:
    """Return the graph of a built folder as its build made it.

    Raises:
        InputError: the folder was not built by this program, or what it remembers is damaged.
    """
    state = _remembered(out)
    papers = _papers(state, out, Report())
    return _resolve(papers, state, out)


def _settled(old: State, options: BuildOptions, fingerprint: str) -> State:
    formats = chosen_formats(options.formats) if options.formats or not old.formats else chosen_formats(old.formats)
    return replace(
        old,
        fingerprint=fingerprint,
        formats=tuple(format_.name for format_ in formats),
        base=options.base or old.base,
        overrides=old.overrides if options.overrides is None else options.overrides,
    )


def _gather(
    inputs: Sequence[str],
    out: Path,
    state: State,
    options: BuildOptions,
    report: Report,
    progress: Progress,
    stdin: BinaryIO | None,
) -> tuple[Source, ...]:
    found = gather(
        inputs,
        state.sources,
        out / FOLDER / RECORDS,
        reader_code=code_digest("readers"),
        page_year=options.page_year,
        stdin=stdin,
        progress=lambda count: progress("read", count, 0),
    )
    report.skipped += found.passed_over
    return found.sources


def _papers(state: State, out: Path, report: Report) -> tuple[Paper, ...]:
    """Return the papers of the folder's sources, each once, and note in ``report`` what they hold."""
    read: list[Paper] = []
    try:
        for item in records(state.sources, out / FOLDER / RECORDS):
            if isinstance(item, Skipped):
                report.skipped.append(item)
            else:
                read.append(item)
    except (OSError, ValueError) as error:
        raise KGError(
            f"{out}: what the folder remembers of its papers is damaged ({error}); build it anew: kg build --fresh"
        ) from error
    report.read = len(read)
    report.skipped.sort(key=lambda s: (s.place, s.reason))
    if not read and report.skipped:
        raise InputError(f"no paper found (for instance {report.skipped[0]}); see `kg formats` for what can be read")
    papers = deduplicate(read)
    report.duplicates = len(read) - len(papers)
    return papers


def _extract(
    papers: Sequence[Paper], state: State, out: Path, options: BuildOptions, report: Report, progress: Progress
) -> None:
    folder = out / FOLDER / EXTRACTIONS
    known = index(folder)
    by_key = {content_key(paper, state.fingerprint): paper for paper in papers}
    missing = [paper for key, paper in by_key.items() if key not in known]
    report.reused = done = len(by_key) - len(missing)
    progress("extract", done, len(papers))
    engine = options.engine or local(options.jobs)
    for piece in engine(missing, Work(folder, options.model, options.fast)):
        done += len(piece.keys) + len(piece.failed)
        for key, reason in piece.failed:
            paper = by_key[key]
            report.skipped.append(Skipped(paper.places[0], f"nothing extracted from {paper.title[:80]!r}: {reason}"))
        progress("extract", done, len(papers))


def _finish(papers: Sequence[Paper], state: State, out: Path, report: Report, progress: Progress) -> None:
    """Resolve and write the graph, and let the folder remember how it was made."""
    with _stage(report, "resolve"):
        progress("resolve", 0, 0)
        report.graph = _resolve(papers, state, out)
    with _stage(report, "export"):
        progress("export", 0, 0)
        written = export(report.graph, out, state.formats, ExportOptions(base=state.base))
        report.files = tuple(path.name for path in written)
    write_report(report, out / "report.json")
    state = replace(state, files={path.name: path.stat().st_size for path in written})
    _write(out / FOLDER / STATE_FILE, state.dump())
    # What nothing points at any more goes last: a build that is killed before this loses nothing.
    drop_parts(out / FOLDER / RECORDS, (part for source in state.sources for part in source.parts))
    folder = out / FOLDER / EXTRACTIONS
    keep_only(folder, (content_key(paper, state.fingerprint) for paper in papers), index(folder))


def _resolve(papers: Sequence[Paper], state: State, out: Path) -> KnowledgeGraph:
    folder = out / FOLDER / EXTRACTIONS
    by_key = {content_key(paper, state.fingerprint): paper for paper in papers}
    found = Extractions(folder, by_key, index(folder))
    return resolve(papers, found, default_gazetteer(), state.overrides)


def _remembered(out: Path) -> State:
    state = load_state(out)
    if state is None:
        raise InputError(
            f"{out}: `kg build` made no graph here, or what it kept is lost; run kg build INPUT --out {out}"
        )
    return state


def _named(name: str, papers: Sequence[Paper], base: str, out: Path) -> Paper:
    """Return the paper that is called ``name``: its id, IRI, identifier or title."""
    wanted, key = name.removeprefix(base), title_key(name)
    for paper in papers:
        if wanted == paper.id or name in paper.identifiers or key in _titles(paper):
            return paper
    near = difflib.get_close_matches(name, [paper.title for paper in papers], n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise InputError(f"{out}: no paper has the title or identifier {name!r}{hint}")


def _titles(paper: Paper) -> set[str]:
    return {title_key(title) for title in (paper.title, *paper.variants)}


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Tell what is wrong with the folder in words."""
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{out}: not a folder; choose another place for the graph") from error
    except OSError as error:
        raise KGError(f"{error.filename or out}: cannot be written ({error.strerror or error})") from error


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Let the cyclic garbage collector look less often: values have no cycles, and there are millions of them."""
    before = gc.get_threshold()
    gc.set_threshold(*RARE)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def write_report(report: Report, path: Path) -> None:
    """Write ``report.json`` in one step."""
    _write(path, (json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace"))


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(data)
    part.replace(path)


@contextmanager
def _stage(report: Report, name: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        report.seconds[name] = time.perf_counter() - started
