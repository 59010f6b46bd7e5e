"""Engines: who extracts. Each takes pieces of work and gives back what was done, in whatever order it is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from kg.errors import KGError
from kg.extract import Extractor, load_extractor
from kg.model import Paper
from kg.processes import start_worker
from kg.state.extractions import Done, extract_part

QUEUED = 4
"""Pieces of work a process that are handed out at a time."""

_SMALL, _LARGE = 8, 64


@dataclass(frozen=True, slots=True)
class Work:
    """What to extract with: ``folder`` is where parts go, ``model`` and ``fast`` choose the extractor."""

    folder: Path
    model: Path | None = None
    fast: bool = False


Engine = Callable[[Sequence[Paper], Work], Iterator[Done]]
"""Extracts papers into parts of the work's folder."""


def pieces(papers: Sequence[Paper], workers: int) -> list[Sequence[Paper]]:
    """Cut papers into pieces: large enough to be worth a part, small enough that all workers have some."""
    size = min(max(-(-len(papers) // (workers * QUEUED)), _SMALL), _LARGE)
    return [papers[i : i + size] for i in range(0, len(papers), size)]


def do(papers: Sequence[Paper], work: Work) -> Done:
    """Do one piece of work in this process; the extractor is loaded once.

    Raises:
        OSError: the part cannot be written.
    """
    return extract_part(papers, _extractor(work.model, work.fast), work.folder)


@lru_cache(maxsize=2)
def _extractor(model: Path | None, fast: bool) -> Extractor:
    return load_extractor(model, fast=fast)


def local(jobs: int = 0) -> Engine:
    """Return the engine of this machine: ``jobs`` processes, 0 for one a processor."""

    def run(papers: Sequence[Paper], work: Work) -> Iterator[Done]:
        workers = jobs or os.cpu_count() or 1
        todo = pieces(papers, workers)
        if min(workers, len(todo)) <= 1:
            for piece in todo:
                yield do(piece, work)
            return
        # Spawned, not forked: the parent may hold threads of numerical libraries, which do not survive a fork.
        with ProcessPoolExecutor(min(workers, len(todo)), get_context("spawn"), start_worker) as pool:
            try:
                yield from _drain(pool, todo, work, workers * QUEUED)
            except BrokenProcessPool as error:
                raise KGError(
                    "a process of the build died, perhaps for want of memory; what was extracted is kept: run the same "
                    "command again, with fewer --jobs if memory is short"
                ) from error

    return run


def _drain(pool: ProcessPoolExecutor, todo: list[Sequence[Paper]], work: Work, queued: int) -> Iterator[Done]:
    # Handed out little by little: a million papers are not pickled at once.
    running: set[Future[Done]] = set()
    following = iter(todo)
    while True:
        for piece in following:
            running.add(pool.submit(do, piece, work))
            if len(running) >= queued:
                break
        if not running:
            return
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()
