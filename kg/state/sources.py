"""The files from which a graph's papers come: what was read of a file once is not read again while it is unchanged."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from kg.codec import dump_paper, load_paper
from kg.ids import digest
from kg.model import Paper, Place
from kg.readers import InputFile, Skipped, expand, read
from kg.state.parts import read_part, write_part

RECORDS = "records"
"""Folder of the parts that hold records as read."""

CHUNK = 4096
"""Records of a part at most."""

_PAPER, _SKIPPED = "paper", "skipped"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """An input file as it was read.

    ``path`` is its real path, empty for standard input and pipes; ``digest`` the hash of its bytes and of how it was
    read, empty when it must be read again; ``parts`` hold its records; ``read`` and ``skipped`` count them.
    """

    name: str
    path: str
    digest: str
    parts: tuple[str, ...]
    read: int
    skipped: int

    @property
    def identity(self) -> str:
        """What tells sources apart: of two with one identity the later one counts."""
        return self.path or f"{self.name}\t{self.parts}"


@dataclass(frozen=True, slots=True)
class Gathered:
    """All sources of a folder after its inputs were read; ``passed_over`` are things beside the inputs."""

    sources: tuple[Source, ...]
    passed_over: tuple[Skipped, ...]


def gather(
    inputs: Sequence[str],
    known: Iterable[Source],
    folder: Path,
    *,
    reader_code: str,
    page_year: int | None = None,
    stdin: BinaryIO | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Gathered:
    """Read what is new or changed of ``inputs`` and return all sources, those that were ``known`` before among them.

    A file that was read before is replaced by what it holds now; one that has gone from a folder that is read again
    is dropped with its records. ``reader_code`` stands for the version of the readers.

    Raises:
        InputError: an input is wrong, see :func:`kg.readers.read`.
        OSError: records cannot be written to ``folder``.
    """
    files, _ = expand(inputs)
    sources = {source.identity: source for source in known}
    marks = {file: _mark(file, page_year, reader_code) for file in files}
    for identity in [key for key, s in sources.items() if s.path and _left(s.path, inputs, files)]:
        del sources[identity]

    def unchanged(file: InputFile) -> bool:
        source = sources.get(_real(file))
        return source is not None and bool(marks[file]) and source.digest == marks[file] and source.name == file.name

    by_name = {file.name: file for file in files}
    passed_over: list[Skipped] = []
    count = 0
    for name, items in groupby(read(inputs, page_year=page_year, stdin=stdin, unless=unchanged), key=_file_of):
        file = by_name.get(name)
        if file is None:
            passed_over += (item for item in items if isinstance(item, Skipped))
            continue
        source = Source(name, _real(file), marks[file], (), 0, 0)
        for chunk in _chunks(items):
            parts = (*source.parts, _write(folder, chunk))
            papers = sum(isinstance(item, Paper) for item in chunk)
            source = replace(
                source, parts=parts, read=source.read + papers, skipped=source.skipped + len(chunk) - papers
            )
            progress(count := count + papers)
        sources[source.identity] = source
    return Gathered(tuple(sorted(sources.values())), tuple(passed_over))


def records(sources: Iterable[Source], folder: Path) -> Iterator[Paper | Skipped]:
    """Yield all that was read of the sources.

    Raises:
        OSError, ValueError: a part is missing or damaged.
    """
    for source in sources:
        for part in source.parts:
            for kind, text in read_part(folder / part):
                paper = load_paper(text)
                yield paper if kind == _PAPER else Skipped(paper.places[0], paper.title)


def without(source: Source, folder: Path, unwanted: Callable[[Paper], bool]) -> Source:
    """Return a source without some of its papers; when it is named again, it is read again."""
    items = list(records([source], folder))
    kept = [item for item in items if isinstance(item, Skipped) or not unwanted(item)]
    if len(kept) == len(items):
        return source
    parts = tuple(_write(folder, chunk) for chunk in _chunks(kept))
    papers = sum(isinstance(item, Paper) for item in kept)
    return replace(source, digest="", parts=parts, read=papers, skipped=len(kept) - papers)


def _write(folder: Path, items: Iterable[Paper | Skipped]) -> str:
    return write_part(folder, map(_line, items))


def _line(item: Paper | Skipped) -> tuple[str, str]:
    if isinstance(item, Paper):
        return _PAPER, dump_paper(item)
    # What was skipped has a place and a reason: a paper's line holds both.
    return _SKIPPED, dump_paper(Paper(title=item.reason, places=(item.place,)))


def _chunks(items: Iterable[Paper | Skipped]) -> Iterator[list[Paper | Skipped]]:
    chunk: list[Paper | Skipped] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _file_of(item: Paper | Skipped) -> str:
    place: Place = item.place if isinstance(item, Skipped) else item.places[0]
    return place.file


def _real(file: InputFile) -> str:
    if file.path is None or not file.regular:
        return ""
    # Bytes of a name that are no UTF-8 come as surrogates; the state file is ASCII JSON, which can hold them.
    return os.path.realpath(file.path)


def _left(path: str, inputs: Iterable[str], files: Iterable[InputFile]) -> bool:
    """Tell whether a file that was read before has gone from a folder that is read now."""
    folders = [os.path.realpath(given) + os.sep for given in inputs if os.path.isdir(given)]
    return any(path.startswith(folder) for folder in folders) and path not in {_real(file) for file in files}


def _mark(file: InputFile, page_year: int | None, reader_code: str) -> str:
    if not _real(file):
        return ""
    content = hashlib.sha256()
    try:
        with open(_real(file), "rb") as stream:
            while block := stream.read(1 << 20):
                content.update(block)
    except OSError:
        return ""  # reading it tells what is wrong
    return digest(content.hexdigest(), str(page_year), reader_code, length=32)
