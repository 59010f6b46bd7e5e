"""Sorted collections that may be larger than memory: an external merge sort over compressed frames in unnamed files.

D. E. Knuth, The Art of Computer Programming, vol. 3, section 5.4: sort what fits in memory, write it as a run, merge
the runs. The files have no name, so they go with the process, however it ends.
"""

from __future__ import annotations

import heapq
import marshal
import os
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import zstandard

T = TypeVar("T")

FRAME = 512
"""Items of a frame: what is read and unpacked at a time."""

FAN_IN = 64
"""Runs that are merged at a time at most."""

LIMIT = 400_000
"""Items that a spool holds in memory by default."""

Plain = Any
"""What :mod:`marshal` can write: numbers, strings, None, and tuples of them."""


class Table(Collection[T]):
    """A collection on disk that is read from start to end, as often as is wanted, also by several readers at once."""

    def __init__(self, frames: _Frames, load: Callable[[Plain], T]) -> None:
        self._frames = frames
        self._load = load

    def __len__(self) -> int:
        return self._frames.count

    def __iter__(self) -> Iterator[T]:
        return map(self._load, self._frames)

    def __contains__(self, item: object) -> bool:
        return any(item == other for other in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Collection) or len(self) != len(other):
            return NotImplemented if not isinstance(other, Collection) else False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


class Spool(Generic[T]):
    """Takes items in any order and gives them back sorted.

    Args:
        key: what to sort by; it must tell unlike items apart where their order matters.
        dump, load: turn an item into plain values and back.
        limit: items held in memory; beyond it they go to ``folder`` (None: where temporary files go).
    """

    def __init__(
        self,
        key: Callable[[T], Any],
        dump: Callable[[T], Plain],
        load: Callable[[Plain], T],
        *,
        limit: int | None = None,
        folder: Path | None = None,
    ) -> None:
        self._key, self._dump, self._load = key, dump, load
        self._limit = LIMIT if limit is None else limit
        self._folder = folder
        self._items: list[T] = []
        self._runs: list[_Frames] = []

    def add(self, items: Iterable[T]) -> None:
        """Take items."""
        for item in items:
            self._items.append(item)
            if len(self._items) >= self._limit:
                self._write_run()

    def __iter__(self) -> Iterator[T]:
        """Yield all items in order; what was added is gone from memory afterwards."""
        if not self._runs:
            items, self._items = sorted(self._items, key=self._key), []
            return iter(items)
        self._write_run()
        while len(self._runs) > FAN_IN:
            some, self._runs = self._runs[:FAN_IN], self._runs[FAN_IN:]
            self._runs.append(write_frames(map(self._dump, self._merge(some)), self._folder))
        return self._merge(self._runs)

    def _merge(self, runs: list[_Frames]) -> Iterator[T]:
        return heapq.merge(*(map(self._load, run) for run in runs), key=self._key)

    def _write_run(self) -> None:
        if self._items:
            items, self._items = sorted(self._items, key=self._key), []
            self._runs.append(write_frames(map(self._dump, items), self._folder))


def collect(
    items: Iterable[T],
    dump: Callable[[T], Plain],
    load: Callable[[Plain], T],
    *,
    limit: int | None = None,
    folder: Path | None = None,
) -> Collection[T]:
    """Return ``items`` as a tuple, or, when they are more than ``limit``, as a table on disk."""
    limit = LIMIT if limit is None else limit
    following = iter(items)
    head: list[T] = []
    for item in following:
        head.append(item)
        if len(head) > limit:
            break
    else:
        return tuple(head)

    def everything() -> Iterator[Plain]:
        # Given away one by one, so that the head is not held beside the file.
        head.reverse()
        while head:
            yield dump(head.pop())
        yield from map(dump, following)

    return Table(write_frames(everything(), folder), load)


class _Frames:
    """Plain values in a file without a name: compressed frames whose places are known."""

    def __init__(self, folder: Path | None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as this object
        self._places: list[tuple[int, int]] = []
        self._lock = threading.Lock()
        self.count = 0

    def append(self, items: list[Plain]) -> None:
        data = zstandard.compress(marshal.dumps(items), 1)
        self._places.append((self._file.tell(), len(data)))
        self._file.write(data)
        self.count += len(items)

    def flush(self) -> None:
        self._file.flush()

    def __iter__(self) -> Iterator[Plain]:
        for place, size in self._places:
            data = self._read(place, size)
            yield from marshal.loads(zstandard.decompress(data))

    def _read(self, place: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            # Without moving the file's position, which forked processes share.
            return os.pread(self._file.fileno(), size, place)
        with self._lock:
            self._file.seek(place)
            return self._file.read(size)


def write_frames(items: Iterable[Plain], folder: Path | None) -> _Frames:
    """Write plain values to a file without a name in ``folder``.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    frames = _Frames(folder)
    frame: list[Plain] = []
    for item in items:
        frame.append(item)
        if len(frame) == FRAME:
            frames.append(frame)
            frame = []
    if frame:
        frames.append(frame)
    frames.flush()
    return frames
