"""The two long stages of a build: extraction of what is missing, and resolution, done by an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from kg.engine import QUEUED, Engine
from kg.errors import KGError
from kg.model import KnowledgeGraph, Paper
from kg.readers import Skipped
from kg.report import Report, Stage
from kg.resolve import join
from kg.state import FOLDER, State
from kg.state.extractions import EXTRACTIONS, Work, extract, pieces, this_worker
from kg.state.outlines import keep_outlines, outlines_folder, parts_of
from kg.vocabulary import default_gazetteer

Progress = Callable[[str, int, int], None]
"""Called with the stage, the items done and the items in all (0: not known)."""

OUTLINES_AT_A_TIME = 16
"""Parts whose outlines are one piece of work at most."""


def extract_missing(
    papers: Mapping[str, Paper],
    part_of: dict[str, str],
    work: Work,
    engine: Engine,
    report: Report,
    progress: Progress,
    stage: Stage,
) -> bool:
    """Extract what is missing and note in ``part_of`` where it is; tell whether all went well."""
    missing = [paper for key, paper in papers.items() if key not in part_of]
    report.reused = done = len(papers) - len(missing)
    progress("extract", done, len(papers))
    todo = pieces(missing, engine.workers) if missing else []
    memory: dict[str, int] = {}
    failed = False
    for piece in engine.map(partial(extract, work=work), todo, len(todo)):
        if not papers.keys() >= set(piece.keys):
            raise KGError(f"{piece.worker}: has another model than this machine; put the same one there")
        if piece.part and not (work.folder / piece.part).is_file():
            raise KGError(
                f"{piece.worker}: wrote {work.folder / piece.part}, which is not to be seen here; put the folder of "
                "the graph on a file system that all machines share"
            )
        part_of.update(dict.fromkeys(piece.keys, piece.part))
        done += len(piece.keys) + len(piece.failed)
        memory[piece.worker] = max(memory.get(piece.worker, 0), piece.memory)
        for key, reason in piece.failed:
            paper, failed = papers[key], True
            report.skip(Skipped(paper.places[0], f"nothing extracted from {paper.title[:80]!r}: {reason}"))
        progress("extract", done, len(papers))
    stage.items = len(missing)
    stage.memory = sum(used for worker, used in memory.items() if worker != this_worker())
    return not failed


def resolve_papers(
    papers: Mapping[str, Paper],
    part_of: Mapping[str, str],
    state: State,
    out: Path,
    engine: Engine | None = None,
) -> KnowledgeGraph:
    """Join what was extracted of papers to one graph.

    Args:
        papers, part_of: paper and part by key.
        engine: who does the work, and writes outlines to the folder; without it nothing is kept.

    Raises:
        OSError: files cannot be read or written.
        KGError: the engine fails.
    """
    folder, gazetteer = (out / FOLDER).resolve(), default_gazetteer()
    extractions, outlines = folder / EXTRACTIONS, outlines_folder(folder, gazetteer)
    parts = parts_of(extractions, papers, part_of, outlines)
    if engine:
        new = [part.name for part in parts if not (outlines / part.name).is_file()]
        size = min(OUTLINES_AT_A_TIME, -(-len(new) // (engine.workers * QUEUED))) if new else 1
        groups = [new[i : i + size] for i in range(0, len(new), size)]
        for _ in engine.map(partial(keep_outlines, folder=extractions, outlines=outlines), groups, len(groups)):
            pass
    return join(tuple(papers.values()), parts, gazetteer, state.overrides, folder=folder, engine=engine)
