"""Extractions by content: what was extracted once is not extracted again, on whatever machine that was."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from kg.codec import dump_extraction
from kg.engine import QUEUED
from kg.extract import Extractor, load_extractor
from kg.ids import digest
from kg.model import Paper
from kg.report import peak_memory
from kg.state.parts import drop_parts, list_parts, read_part, write_part

EXTRACTIONS = "extractions"
"""Folder of the parts that hold extractions."""


SMALL, LARGE = 8, 64
"""Papers of a piece of extraction, at least and at most."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a piece of work: a part (empty if nothing was extracted), its keys, and keys that failed, and why.

    ``worker`` names the process that did it and ``memory`` is the most that it held, in MiB (0: not known).
    """

    part: str
    keys: tuple[str, ...]
    failed: tuple[tuple[str, str], ...] = ()
    worker: str = ""
    memory: int = 0


def this_worker() -> str:
    """Return a name of this process, unlike those of others on a cluster."""
    return f"{socket.gethostname()}:{os.getpid()}"


def content_key(paper: Paper, fingerprint: str) -> str:
    """Return the key of what an extractor with this fingerprint makes of a paper."""
    return digest(fingerprint, paper.title, paper.abstract, length=32)


@dataclass(frozen=True, slots=True)
class Work:
    """What to extract with: ``folder`` is where parts go, ``model`` and ``fast`` choose the extractor."""

    folder: Path
    model: Path | None = None
    fast: bool = False


def pieces(papers: Sequence[Paper], workers: int) -> list[Sequence[Paper]]:
    """Cut papers into pieces: large enough to be worth a part, small enough that all workers have some."""
    # The first one is small: its time tells whether more processes are worth starting.
    size = min(max(-(-len(papers) // (workers * QUEUED)), SMALL), LARGE)
    starts = [0, *range(SMALL, len(papers), size)]
    return [papers[i:j] for i, j in pairwise([*starts, len(papers)]) if j > i]


def extract(papers: Sequence[Paper], *, work: Work) -> Done:
    """Do a piece of work in this process.

    Raises:
        OSError: the part cannot be written.
    """
    return extract_part(papers, extractor(work.model, work.fast), work.folder)


def extractor(model: Path | None, fast: bool) -> Extractor:
    """Return the extractor of a model, loaded once a process while its files stay the same.

    Raises:
        InputError: the folder holds no model of this version.
    """
    files = sorted(model.iterdir()) if model and model.is_dir() else ()
    return _extractor(model, fast, tuple((file.name, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=2)
def _extractor(model: Path | None, fast: bool, files: tuple[tuple[str, int], ...]) -> Extractor:
    return load_extractor(model, fast=fast)


def extract_part(papers: Sequence[Paper], extractor: Extractor, folder: Path) -> Done:
    """Extract papers and keep what came of them as one part of ``folder``.

    A paper on which the extractor fails is told and does not stop the others.

    Raises:
        OSError: the part cannot be written.
    """
    lines: list[tuple[str, str]] = []
    failed: list[tuple[str, str]] = []
    for paper in papers:
        key = content_key(paper, extractor.fingerprint)
        try:
            lines.append((key, dump_extraction(extractor.extract(paper))))
        except Exception as error:  # any paper of anybody may come here; the build must outlive it
            failed.append((key, f"{type(error).__name__}: {error}"))
    part = write_part(folder, lines) if lines else ""
    return Done(part, tuple(key for key, _ in lines), tuple(failed), this_worker(), peak_memory(os.getpid()))


def index(folder: Path) -> dict[str, str]:
    """Return for each key the part that holds it (the first one by name). Damaged parts count as absent."""
    found: dict[str, str] = {}
    for part in list_parts(folder):
        with suppress(OSError, ValueError):
            for key, _ in read_part(folder / part):
                found.setdefault(key, part)
    return found


def keep_only(folder: Path, keys: Iterable[str], part_of: Mapping[str, str]) -> None:
    """Drop the parts that hold nothing any more; those that hold little are written anew, so that no folder bloats."""
    wanted = set(keys)
    live: dict[str, int] = {}
    size: dict[str, int] = {}
    for key, part in part_of.items():
        size[part] = size.get(part, 0) + 1
        live[part] = live.get(part, 0) + (key in wanted)
    kept = {part for part, count in live.items() if 2 * count >= size[part]}
    for part, count in live.items():
        if count and part not in kept:
            kept.add(write_part(folder, [(k, text) for k, text in read_part(folder / part) if k in wanted]))
    drop_parts(folder, kept)
