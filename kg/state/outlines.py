"""Parts as pieces of resolution, with their outlines: its first step, which is kept for each part beside the others.

What is lost of outlines, or was made by another version of the program or with other vocabularies, is made anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import zstandard

from kg.codec import load_named, load_stated
from kg.ids import digest
from kg.model import Paper, Stated
from kg.resolve.alone import Alone
from kg.resolve.outline import Outline, dump_outline, load_outline, only, outline
from kg.resources import code_digest
from kg.state.extractions import EXTRACTIONS, this_worker
from kg.state.parts import drop_parts, list_parts, read_part
from kg.vocabulary import Gazetteer, default_gazetteer

OUTLINES = "outlines"
"""Folder of the outlines of parts; in it one for each version of the program and of the vocabularies."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a folder as a piece of resolution: the papers of it that are wanted, by key, in its order.

    ``outlines`` is where outlines are kept (None: nowhere).
    """

    folder: Path
    name: str
    wanted: Mapping[str, Paper]
    outlines: Path | None = None

    @property
    def papers(self) -> Sequence[str]:
        return [paper.id for paper in self.wanted.values()]

    def outline(self, alone: Alone) -> Outline:
        """Return the outline of the papers that are wanted, from the one that was kept if there is one."""
        made = read_outline(self.outlines, self.name) if self.outlines else None
        return only(made or outline_of(self.folder, self.name, alone), self.wanted)

    def stated(self) -> Iterator[Stated]:
        lines = dict(read_part(self.folder / self.name))
        return (load_stated(lines[key], paper) for key, paper in self.wanted.items())


def parts_of(
    folder: Path, papers: Mapping[str, Paper], part_of: Mapping[str, str], outlines: Path | None = None
) -> list[Part]:
    """Return the parts that hold what was extracted of papers; a paper without a part states nothing.

    Args:
        papers, part_of: paper and part by key.
        outlines: where outlines are kept.
    """
    wanted: dict[str, dict[str, Paper]] = {}
    for key, part in part_of.items():
        if key in papers:
            wanted.setdefault(part, {})[key] = papers[key]
    return [Part(folder, part, wanted[part], outlines) for part in sorted(wanted)]


def outlines_folder(folder: Path, gazetteer: Gazetteer) -> Path:
    """Return where outlines lie that this version of the program makes with a vocabulary, ``folder`` holding all."""
    words = (f"{c.iri} {c.type} {c.labels} {c.case_sensitive}" for c in gazetteer.concepts)
    return folder / OUTLINES / digest(code_digest(), *words, length=16)


def outline_of(folder: Path, part: str, alone: Alone) -> Outline:
    """Return the outline of all papers of a part."""
    return outline(((key, load_named(text)) for key, text in read_part(folder / part)), alone)


def keep_outlines(parts: Sequence[str], *, folder: Path, outlines: Path) -> int:
    """Make the outlines of parts and keep them in ``outlines``; return how many these are.

    Raises:
        OSError: a part cannot be read, or an outline not be written.
    """
    alone = _alone()
    outlines.mkdir(parents=True, exist_ok=True)
    packer = zstandard.ZstdCompressor(level=1, write_checksum=True)
    for part in parts:
        beside = outlines / f".{part}.{this_worker()}.tmp"
        try:
            beside.write_bytes(packer.compress(dump_outline(outline_of(folder, part, alone)).encode("ascii")))
            beside.replace(outlines / part)
        finally:
            beside.unlink(missing_ok=True)
    return len(parts)


@lru_cache(maxsize=1)
def _alone() -> Alone:
    return Alone(default_gazetteer())


def read_outline(outlines: Path, part: str) -> Outline | None:
    """Return the outline that was kept of a part; None where there is none, or a damaged one."""
    try:
        return load_outline(zstandard.decompress((outlines / part).read_bytes()).decode("ascii"))
    except (OSError, ValueError, zstandard.ZstdError):
        return None


def drop_outlines(folder: Path, outlines: Path) -> None:
    """Remove outlines that other versions made, and those of parts that are no more."""
    for old in (folder / OUTLINES).iterdir() if (folder / OUTLINES).is_dir() else ():
        if old != outlines:
            shutil.rmtree(old, ignore_errors=True)
    drop_parts(outlines, list_parts(folder / EXTRACTIONS))
