"""The main job: from input files to a built folder, and what changes such a folder."""

from __future__ import annotations

import difflib
import gc
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from kg.engine import Engine, local
from kg.errors import InputError, KGError
from kg.export import FORMATS, ExportOptions, chosen_formats, stage_export
from kg.export.commit import Lock, Transaction, lock, told
from kg.export.store import sweep
from kg.ids import digest, title_key
from kg.model import KnowledgeGraph, Paper
from kg.processes import RARE
from kg.readers import Skipped, deduplicate
from kg.report import Report, read_summary
from kg.resolve import Overrides
from kg.resources import code_digest, data
from kg.spool import sweep as sweep_scratch
from kg.stages import Progress, extract_missing, resolve_papers
from kg.state import FOLDER, STATE_FILE, State, load_state
from kg.state.extractions import EXTRACTIONS, Work, content_key, extractor, index, keep_only
from kg.state.outlines import drop_outlines, outlines_folder
from kg.state.parts import drop_parts
from kg.state.sources import RECORDS, Source, gather, records, without
from kg.vocabulary import default_gazetteer


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """How to build.

    ``formats``, ``base``, ``license`` and ``overrides`` that are None stay as the folder has them, else they are the
    default ones. ``jobs`` are processes, 0 for one a processor; another ``engine`` may extract in their place.
    ``fresh`` forgets the papers that the folder had.
    """

    formats: tuple[str, ...] | None = None
    base: str | None = None
    license: str | None = None
    overrides: Overrides | None = None
    jobs: int = 0
    engine: Engine | None = None
    page_year: int | None = None
    model: Path | None = None
    fast: bool = False
    fresh: bool = False


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
    report = Report(lambda: load_graph(out))
    fingerprint = extractor(options.model, options.fast).fingerprint
    with _changing(out) as held, options.engine or local(options.jobs) as engine:
        state = _settled(State() if options.fresh else load_state(out) or State(), options, fingerprint)
        with report.stage("read") as stage:
            state = replace(state, sources=_gather(inputs, out, state, options, report, progress, stdin))
            if _in_step(state, out, report):
                return report
            papers = _keyed(_papers(state, out, report), state)
            stage.items = report.read
        part_of = index(out / FOLDER / EXTRACTIONS)
        with report.stage("extract") as stage:
            # Workers elsewhere have another working folder.
            model = options.model.resolve() if options.model else None
            work = Work((out / FOLDER / EXTRACTIONS).resolve(), model, options.fast)
            whole = extract_missing(papers, part_of, work, engine, report, progress, stage)
        _finish(papers, part_of, state, held, engine, report, progress, whole=whole)
    return report


def remove(out: Path, names: Sequence[str], *, progress: Progress = lambda stage, done, total: None) -> Report:
    """Take papers out of the graph of a built folder, with what no other paper states.

    Args:
        names: titles, identifiers (``arxiv:2401.00001``), ids or IRIs of papers of the graph.

    Raises:
        InputError: the folder or a name is wrong, or no paper would be left.
        KGError: a file cannot be written.
    """
    report = Report(lambda: load_graph(out))
    with _changing(out) as held:
        state = _remembered(out)
        with report.stage("read") as stage:
            papers = _papers(state, out, report)
            gone = {key for name in names for key in _titles(_named(name, papers, state.base, out))}
            folder = out / FOLDER / RECORDS
            sources = [without(s, folder, lambda paper: title_key(paper.title) in gone) for s in state.sources]
            if not any(source.read for source in sources):
                raise InputError(f"{out}: no paper would be left; delete the folder instead")
            state = replace(state, sources=tuple(s for s in sources if s.parts))
            report.skipped, report.skipped_count = [], 0
            kept = _keyed(_papers(state, out, report), state)
            stage.items = report.read
        _finish(kept, index(out / FOLDER / EXTRACTIONS), state, held, local(), report, progress)
    return report


def export_folder(out: Path, formats: Sequence[str], *, progress: Progress = lambda s, d, t: None) -> Report:
    """Write the graph of a built folder in further formats.

    Raises:
        InputError: the folder or a format is wrong.
        KGError: a file cannot be written.
    """
    chosen_formats(formats)
    report = Report(lambda: load_graph(out))
    with _changing(out) as held:
        state = _remembered(out)
        asked = [format_.name for format_ in chosen_formats({*formats, *state.formats})]
        state = replace(state, formats=tuple(asked))
        with report.stage("read") as stage:
            if _in_step(state, out, report):
                return report
            kept = _keyed(_papers(state, out, report), state)
            stage.items = report.read
        _finish(kept, index(out / FOLDER / EXTRACTIONS), state, held, local(), report, progress)
    return report


def load_graph(out: Path) -> KnowledgeGraph:
    """Return the graph of a built folder as its build made it.

    Raises:
        InputError: the folder was not built by this program, or what it remembers is damaged.
    """
    state = _remembered(out)
    papers = _keyed(_papers(state, out, Report(KnowledgeGraph)), state)
    return resolve_papers(papers, index(out / FOLDER / EXTRACTIONS), state, out)


def _settled(old: State, options: BuildOptions, fingerprint: str) -> State:
    formats = chosen_formats(options.formats) if options.formats or not old.formats else chosen_formats(old.formats)
    return replace(
        old,
        fingerprint=fingerprint,
        formats=tuple(format_.name for format_ in formats),
        base=options.base or old.base,
        license=options.license or old.license,
        overrides=old.overrides if options.overrides is None else options.overrides,
    )


def _gather(
    inputs: Sequence[str | Path],
    out: Path,
    state: State,
    options: BuildOptions,
    report: Report,
    progress: Progress,
    stdin: BinaryIO | None,
) -> tuple[Source, ...]:
    found = gather(
        [str(given) for given in inputs],
        state.sources,
        out / FOLDER / RECORDS,
        reader_code=code_digest("readers"),
        page_year=options.page_year,
        stdin=stdin,
        progress=lambda count: progress("read", count, 0),
    )
    for skipped in found.passed_over:
        report.skip(skipped)
    return found.sources


def _papers(state: State, out: Path, report: Report) -> tuple[Paper, ...]:
    """Return the papers of the folder's sources, each once, and note in ``report`` what they hold."""
    read: list[Paper] = []
    try:
        for item in records(state.sources, out / FOLDER / RECORDS):
            if isinstance(item, Skipped):
                report.skip(item)
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


def _keyed(papers: Iterable[Paper], state: State) -> dict[str, Paper]:
    """Return papers by the key of their extraction."""
    return {content_key(paper, state.fingerprint): paper for paper in papers}


def _finish(
    papers: Mapping[str, Paper],
    part_of: Mapping[str, str],
    state: State,
    held: Lock,
    engine: Engine,
    report: Report,
    progress: Progress,
    *,
    whole: bool = True,
) -> None:
    """Resolve and write the graph, and let the folder remember how it was made.

    Files that are in step stay as they are; those of other formats that would be out of step go.
    """
    out = held.directory
    graph = _graph_hash(state)
    old = state.files if graph == state.graph else {}
    todo = [name for name in state.formats if not _current(name, old, out)]
    # With the end of this block the engine is done: what it held need not lie beside the export.
    with engine, report.stage("resolve") as stage:
        progress("resolve", 0, 0)
        report.made = resolve_papers(papers, part_of, state, out, engine)
        stage.items = len(papers)
    report.skipped.sort(key=lambda s: (s.place, s.reason))
    with Transaction(held) as transaction:
        with report.stage("export") as stage:
            progress("export", 0, 0)
            stage_export(report.made, transaction, todo, ExportOptions(base=state.base, license=state.license))
            stage.items = len(papers)
        sizes = {name: _size(transaction.stage(name)) for name in transaction.names()}
        # A paper that failed is tried again, so its folder is not taken for done.
        files = {**old, **sizes}
        gone = tuple(sorted(n for n in {*state.gone, *state.files} - set(files) if (out / n).is_file()))
        state = replace(state, graph=graph if whole else "", files=files, gone=gone)
        report.files = tuple(state.files)
        transaction.write("report.json", report.dump())
        transaction.write(f"{FOLDER}/{STATE_FILE}", state.dump())
    _clear(papers, part_of, state, out)


def _clear(papers: Iterable[str], part_of: Mapping[str, str], state: State, out: Path) -> None:
    """Remove what the graph does not need any more. It goes last: a build that is killed before loses nothing."""
    for name in state.gone:
        (out / name).unlink(missing_ok=True)
    sweep(out)  # databases go when no reader has them open
    drop_parts(out / FOLDER / RECORDS, (part for source in state.sources for part in source.parts))
    keep_only(out / FOLDER / EXTRACTIONS, papers, part_of)
    drop_outlines(out / FOLDER, outlines_folder(out / FOLDER, default_gazetteer()))


def _in_step(state: State, out: Path, report: Report) -> bool:
    """Tell whether all that is wanted is there, and if so, note it in ``report``."""
    if state.graph != _graph_hash(state) or not all(_current(name, state.files, out) for name in state.formats):
        return False
    report.former = read_summary(out / "report.json")
    if not report.former:
        return False
    report.unchanged = True
    report.read = sum(source.read for source in state.sources)
    report.reused = report.former["nodes"].get("Paper", 0)
    report.duplicates = report.read - report.reused
    report.files = tuple(state.files)
    return True


def _graph_hash(state: State) -> str:
    """Return a hash of all that the graph and its files follow from."""
    names = state.overrides
    words = sorted(data("ontology").rglob("*.ttl"))
    return digest(
        state.fingerprint,
        state.base,
        state.license or "",
        code_digest(),
        repr((sorted(names.same.items()), sorted(map(sorted, names.different)), sorted(names.names.items()))),
        *(hashlib.sha256(path.read_bytes()).hexdigest() for path in words),
        *sorted(part for source in state.sources for part in source.parts),
        length=32,
    )


def _current(name: str, files: Mapping[str, int], out: Path) -> bool:
    for output in FORMATS[name].outputs:
        ours = [file for file in files if file == output.filename or file.startswith(f"{output.filename}/")]
        if not ours or any(files[file] != _size(out / file) for file in ours):
            return False
    return True


def _size(path: Path) -> int:
    """Return the bytes of a file, of a folder those of all files in it, of nothing -1."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size if path.is_file() else -1


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
def _changing(out: Path) -> Iterator[Lock]:
    """Hold the right to change the folder, and tell what is wrong with it in words."""
    before = gc.get_threshold()
    # Values have no cycles and there are millions of them: looking for cycles less often saves a tenth of the time.
    gc.set_threshold(*RARE)
    try:
        with lock(out) as held, told(out):
            sweep_scratch(out / FOLDER)
            yield held
    finally:
        gc.set_threshold(*before)
