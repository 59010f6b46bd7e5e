"""Collections that may be larger than memory: compressed frames of plain values in files of a scratch folder."""

from __future__ import annotations

import marshal
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import zstandard

from kg.locks import take

T = TypeVar("T")

FRAME = 512
"""Items of a frame: what is read and unpacked at a time."""

PREFIX = "scratch-"

Plain = Any
"""What :mod:`marshal` can write: numbers, strings, None, and tuples of them."""


class Frames(NamedTuple):
    """Items in a file: the places of their frames, as (offset, bytes), and the number of items."""

    path: str
    places: tuple[tuple[int, int], ...]
    size: int


class Table(Collection[T]):
    """A collection on disk that is read from start to end, as often as is wanted, also by several readers at once."""

    def __init__(self, parts: Sequence[Frames], load: Callable[[Plain], T], scratch: Scratch) -> None:
        """``parts`` hold the items in order; their ``scratch`` folder stays as long as the table."""
        self._parts = parts
        self._load = load
        self._scratch = scratch

    def __len__(self) -> int:
        return sum(part.size for part in self._parts)

    def __iter__(self) -> Iterator[T]:
        for part in self._parts:
            yield from map(self._load, read_frames(part))

    def __contains__(self, item: object) -> bool:
        return any(item == other for other in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Collection) or len(self) != len(other):
            return NotImplemented if not isinstance(other, Collection) else False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


class Scratch:
    """A folder for what is made on the way: it goes with this object, or by :func:`sweep` if its process was killed.

    Args:
        parent: where it is made (None: where temporary files go).
    """

    def __init__(self, parent: Path | None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
        lock = (self.path / "lock").open("wb")
        take(lock.fileno())
        weakref.finalize(self, _remove, self.path, lock, os.getpid())


def new_file(folder: Path) -> tuple[BinaryIO, str]:
    """Return a new file of ``folder``, open, and its path; no other process gets the same.

    Raises:
        OSError: the folder cannot be written.
    """
    descriptor, path = tempfile.mkstemp(".frames", "", folder)
    return os.fdopen(descriptor, "wb"), path


def sweep(parent: Path) -> None:
    """Remove the scratch folders in ``parent`` that nobody uses any more."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError), (folder / "lock").open("rb+") as lock:
            if take(lock.fileno()):
                shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            folder.rmdir()  # one that was killed before it had a lock


def _remove(path: Path, lock: BinaryIO, owner: int) -> None:
    if os.getpid() == owner:  # not a forked process that has a copy of the owner's memory
        lock.close()
        shutil.rmtree(path, ignore_errors=True)


def append_frames(items: Iterable[Plain], stream: BinaryIO, path: str) -> Frames:
    """Write plain values to the end of an open file and return where they are.

    Raises:
        OSError: the disk is full or the file cannot be written.
    """
    places: list[tuple[int, int]] = []
    count = 0
    frame: list[Plain] = []

    def write() -> None:
        data = zstandard.compress(marshal.dumps(frame), 1)
        places.append((stream.tell(), len(data)))
        stream.write(data)

    for item in items:
        frame.append(item)
        if len(frame) == FRAME:
            write()
            count += len(frame)
            frame = []
    if frame:
        write()
        count += len(frame)
    return Frames(path, tuple(places), count)


def write_frames(items: Iterable[Plain], folder: Path) -> Frames:
    """Write plain values to a new file of ``folder``.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    stream, path = new_file(folder)
    with stream:
        return append_frames(items, stream, path)


def read_frames(frames: Frames) -> Iterator[Plain]:
    """Yield the values that were written.

    Raises:
        OSError: the file cannot be read.
    """
    if not frames.places:
        return
    with open(frames.path, "rb") as stream:
        for place, size in frames.places:
            stream.seek(place)
            yield from marshal.loads(zstandard.decompress(stream.read(size)))
