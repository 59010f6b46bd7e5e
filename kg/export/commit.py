"""Files of a folder, put in place together: a reader sees all of them as they were before, or all as they are after.

A writer holds the folder's lock, stages files beside it, and commits::

    with lock(directory) as held, Transaction(held) as files:
        files.write("report.json", content)
        with files.stage("graph.ttl").open("wb") as stream:
            ...
    # leaving the block without an error commits; with one, nothing has changed

Everything is prepared in the hidden folder ``.commit``, on the same file system. The commit point is the moment at
which the journal appears there, a list of what is ready. Then each file is renamed to its place, which takes
milliseconds, and the journal goes. A writer that is killed before the commit point leaves the former files, and what it
had prepared is swept by the next one; one that is killed behind it leaves the journal, and the next writer, or
:func:`settle` of a reader that may write, finishes the work. A reader that may not write finds the new files through
:func:`latest`.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType

from kg import locks
from kg.errors import InputError, KGError
from kg.export.durable import sync, sync_tree

FOLDER = ".commit"
"""Hidden folder of a built folder in which a commit is prepared; there is none between commits."""

_JOURNAL = "journal"
_LOCK = "lock"
_SCRATCH = ".scratch"
_STAGING = re.compile(r"new-[0-9a-f]{16}")
_PATIENCE = (0.02, 0.05, 0.1)
"""Seconds between the tries for the lock: a reader that settles a commit holds it for an instant."""


@dataclass(frozen=True, slots=True)
class Lock:
    """The right to change a folder; made by :func:`lock`."""

    directory: Path


@dataclass(frozen=True, slots=True)
class _Journal:
    """What is ready: names relative to the folder, below ``staging`` in :data:`FOLDER` until they are in place."""

    staging: str
    names: tuple[str, ...]


class Transaction:
    """Files that get to their places together. Use it as a context manager, or call one of its two ends.

    ``with`` commits at its end, and discards what was staged when an error leaves it.
    """

    def __init__(self, held: Lock) -> None:
        self.directory = held.directory
        self._staging = f"new-{secrets.token_hex(8)}"
        self._names: list[str] = []
        self._then: list[Callable[[], None]] = []

    def stage(self, name: str) -> Path:
        """Return where to write the new content of ``name``, a file or a folder, relative to the folder.

        Parents are made; what lies at ``name`` is replaced by the commit and not changed before.

        Raises:
            ValueError: the name leads out of the folder.
            KGError: the place cannot be made.
        """
        path = self._make_room(self._staging, name)
        if name not in self._names:
            self._names.append(name)
        return path

    def scratch(self, name: str) -> Path:
        """Return where to write a file that is needed until the commit and is no part of it.

        Raises:
            ValueError: the name leads out of the folder.
            KGError: the place cannot be made.
        """
        return self._make_room(f"{self._staging}/{_SCRATCH}", name)

    def _make_room(self, parent: str, name: str) -> Path:
        if not _inside(name):
            raise ValueError(f"{name!r} is no name of a file in a folder")
        path = self.directory / FOLDER / parent / name
        with told(self.directory):
            path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def then(self, action: Callable[[], None]) -> None:
        """Do this when the commit is done: tidying up, which must not fail."""
        self._then.append(action)

    def write(self, name: str, content: bytes) -> None:
        """Stage a file with this content.

        Raises:
            KGError: it cannot be written.
        """
        path = self.stage(name)
        with told(self.directory):
            path.write_bytes(content)

    def names(self) -> tuple[str, ...]:
        """Return the staged names in the order in which they were staged."""
        return tuple(self._names)

    def commit(self) -> None:
        """Put what was staged in its places, durably.

        All files get one time of modification, by which a reader tells files of one commit from leftovers of another.
        Contents of sub-folders come first and the files of the folder itself last; whatever was staged and is not
        there is an error.

        Raises:
            KGError: the disk is full or the folder cannot be written. The former files are whole, except after the
                commit point, when the message says that the new ones are complete and what finishes the work.
        """
        with told(self.directory):
            staged = self.directory / FOLDER / self._staging
            moment = time.time_ns()
            for name in self._names:
                sync_tree(staged / name)
                os.utime(staged / name, ns=(moment, moment))
            if not self._names:
                return
            for parent in {(staged / name).parent for name in self._names}:
                sync(parent)
            ordered = sorted(self._names, key=lambda name: (-name.count("/"), not (staged / name).is_dir()))
            journal = _Journal(self._staging, tuple(ordered))
            _write_journal(self.directory, journal)
        try:
            _put_in_place(self.directory, journal)
        except OSError as error:
            raise KGError(
                f"{self.directory}: the new graph is complete but not in place ({_reason(error)}); mend that, then run "
                "the same command again"
            ) from error
        self._names.clear()
        for action in self._then:
            action()

    def discard(self) -> None:
        """Throw away what was staged; what is past the commit point stays, for it will be put in place."""
        journal = _read_journal(self.directory)
        if journal is None or journal.staging != self._staging:
            shutil.rmtree(self.directory / FOLDER / self._staging, ignore_errors=True)
        self._names.clear()

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self.discard()


@contextmanager
def lock(directory: Path) -> Iterator[Lock]:
    """Hold the right to change a folder, which is made if there is none, and finish or sweep what killed writers left.

    The lock goes when the process does, however that ends. On a file system without locks nothing keeps a second
    writer out.

    Raises:
        InputError: ``directory`` is not a folder.
        KGError: somebody else is writing to it, or it cannot be written.
    """
    with told(directory):
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = _acquire(directory)
        if descriptor is None:
            raise KGError(
                f"{directory}: {_holder(directory)} is writing to this folder; wait until it is done, or choose "
                "another folder with --out"
            )
    try:
        with told(directory):
            _roll_forward(directory)
            _sweep(directory)
        yield Lock(directory)
    finally:
        _release(directory, descriptor)


def settle(directory: Path) -> None:
    """Finish a commit that was interrupted, or wait a moment for a writer that is at it; silent where it may not."""
    if not journal_of(directory).is_file():
        return
    with suppress(OSError):
        descriptor = _acquire(directory, patience=())
        if descriptor is not None:
            try:
                _roll_forward(directory)
            finally:
                _release(directory, descriptor)
            return
        for wait in _PATIENCE:
            if not journal_of(directory).is_file():
                return
            time.sleep(wait)


def journal_of(directory: Path) -> Path:
    """Return the place of the journal, which is there from the commit point of a transaction to its end."""
    return directory / FOLDER / _JOURNAL


def latest(directory: Path, name: str) -> Path:
    """Return where the content of ``name`` by the latest commit lies: in its place, or still beside it."""
    journal = _read_journal(directory)
    if journal and name in journal.names:
        staged = directory / FOLDER / journal.staging / name
        if staged.exists():
            return staged
    return directory / name


@contextmanager
def told(directory: Path) -> Iterator[None]:
    """Tell errors of the system while a folder is written in one line for people, with the place that they know.

    Raises:
        InputError: ``directory`` is not a folder.
        KGError: anything else that went wrong.
    """
    try:
        yield
    except OSError as error:
        path = directory if directory.exists() or directory.is_symlink() else _nearest(directory)
        if not path.is_dir():
            raise InputError(f"{directory}: not a folder; choose another place for the graph") from error
        raise KGError(
            f"{_place(error, directory)}: cannot be written ({_reason(error)}); nothing in the folder has changed"
        ) from error


def _nearest(path: Path) -> Path:
    return next((parent for parent in path.parents if parent.exists()), path)


def _place(error: OSError, directory: Path) -> Path:
    """Return the place of an error as its user knows it: the target, not the file that is prepared for it."""
    if not isinstance(error.filename, str | os.PathLike):
        return directory
    path = Path(error.filename)
    with suppress(ValueError):
        inner = path.relative_to(directory / FOLDER).parts
        return directory.joinpath(*inner[1:]) if inner and _STAGING.fullmatch(inner[0]) else directory
    return path


def _reason(error: OSError) -> str:
    # An error of the database is a chain of causes that names files of its own; the last link is the system's.
    return error.strerror or " ".join(str(error).split()).rpartition(": ")[2] or type(error).__name__


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return (
        bool(path.parts)
        and not path.is_absolute()
        and not {"..", FOLDER, _SCRATCH} & set(path.parts)
        and "\\" not in name
    )


# The lock.


def _acquire(directory: Path, patience: Iterable[float] = _PATIENCE) -> int | None:
    """Return the descriptor of the locked lock file, or None when somebody else has it."""
    path = directory / FOLDER / _LOCK
    waits = iter(patience)
    while True:
        try:
            path.parent.mkdir(exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            if not directory.is_dir():
                raise
            continue  # the former holder tidied up between the two calls
        if locks.take(descriptor):
            if locks.is_at(descriptor, path):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"{os.getpid()} on {socket.gethostname()}\n".encode())
                return descriptor
            os.close(descriptor)
            continue
        os.close(descriptor)
        wait = next(waits, None)
        if wait is None:
            return None
        time.sleep(wait)


def _release(directory: Path, descriptor: int) -> None:
    """Give the lock back and leave no trace of it. The file goes before the lock: who waits for it then sees so."""
    with suppress(OSError):
        (directory / FOLDER / _LOCK).unlink()
    os.close(descriptor)
    with suppress(OSError):
        (directory / FOLDER).rmdir()


def _holder(directory: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        text = (directory / FOLDER / _LOCK).read_text(encoding="utf-8").strip()
        if text:
            return f"another process ({text})"
    return "another process"


# The journal.


def _write_journal(directory: Path, journal: _Journal) -> None:
    folder = directory / FOLDER
    part = folder / f"{journal.staging}.{_JOURNAL}"
    content = json.dumps({"staging": journal.staging, "names": journal.names}, indent=1) + "\n"
    try:
        with part.open("w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        sync(folder)
        part.replace(folder / _JOURNAL)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _read_journal(directory: Path) -> _Journal | None:
    """Return the journal of a folder; None if there is none, or it is not one that this program wrote."""
    try:
        record = json.loads(journal_of(directory).read_text(encoding="utf-8"))
        staging, names = str(record["staging"]), tuple(map(str, record["names"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return _Journal(staging, names) if _STAGING.fullmatch(staging) and all(map(_inside, names)) else None


def _roll_forward(directory: Path) -> None:
    journal = _read_journal(directory)
    if journal:
        _put_in_place(directory, journal)


def _put_in_place(directory: Path, journal: _Journal) -> None:
    """Rename what is ready to its place and drop the journal; doing it again, or the rest of it, does no harm."""
    staged = directory / FOLDER / journal.staging
    root = directory.resolve()
    sync(directory / FOLDER)  # the journal must not be lost once the first file has its new content
    changed = {directory}
    for number, name in enumerate(journal.names):
        source, target = staged / name, directory / name
        if not os.path.lexists(source):
            continue  # in its place since the last try
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(root):
            raise OSError(f"{target.parent} is a link that leads out of the folder")
        if os.path.lexists(target) and (source.is_dir() or target.is_dir()):
            # A folder cannot be renamed over another: the former one steps aside.
            target.replace(staged / f"old-{number}-{secrets.token_hex(4)}")
        source.replace(target)
        changed.add(target.parent)
    for folder in changed:
        sync(folder)
    journal_of(directory).unlink()
    sync(directory / FOLDER)
    shutil.rmtree(staged, ignore_errors=True)


def _sweep(directory: Path) -> None:
    """Remove what killed writers had prepared; the lock makes sure that nobody is at it."""
    for path in (directory / FOLDER).iterdir():
        if path.name == _LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
