"""Extractions by content: what was extracted once is not extracted again, on whatever machine that was."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kg.codec import dump_extraction, load_extraction, load_outline
from kg.extract import Extractor
from kg.ids import digest
from kg.model import Extraction, Outline, Paper
from kg.report import peak_memory
from kg.state.parts import drop_parts, list_parts, read_part, write_part

EXTRACTIONS = "extractions"
"""Folder of the parts that hold extractions."""

KEPT_OUTLINES = 50_000
"""Outlines that are kept in memory, some 2 kB each."""


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


class Extractions:
    """The extractions of some papers, read from their parts anew in each pass, so that memory holds one at a time."""

    def __init__(self, folder: Path, papers: Mapping[str, Paper], part_of: Mapping[str, str]) -> None:
        """``papers`` and ``part_of`` give paper and part by key; a paper without a part states nothing."""
        self._folder = folder
        self._papers = papers
        self._part_of = part_of
        self._parts = sorted({part_of[key] for key in papers if key in part_of})
        self._outlines: list[Outline] | None = None

    def outlines(self) -> Iterable[Outline]:
        """Return the outlines of all extractions; those of a graph of moderate size are read but once."""
        if self._outlines is None:
            found = (load_outline(text, paper.id) for text, paper in self._lines())
            if len(self._papers) > KEPT_OUTLINES:
                return found
            self._outlines = list(found)
        return self._outlines

    def __iter__(self) -> Iterator[Extraction]:
        for text, paper in self._lines():
            yield load_extraction(text, paper, mentions=False)

    def _lines(self) -> Iterator[tuple[str, Paper]]:
        for part in self._parts:
            for key, text in read_part(self._folder / part):
                if (paper := self._papers.get(key)) is not None and self._part_of[key] == part:
                    yield text, paper


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
