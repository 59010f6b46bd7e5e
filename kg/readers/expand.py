"""From what a person names (files, folders, globs, ``-``) to the files to read, whatever the order."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kg.errors import InputError
from kg.model import Place
from kg.readers.base import Skipped
from kg.readers.source import kind_of

STDIN = "-"
STDIN_NAME = "<stdin>"
_BY_DESCRIPTOR = re.compile(r"/dev/(?:fd/\d+|stdin)$|/proc/(?:self|thread-self|\d+)/(?:task/\d+/)?fd/\d+$")


@dataclass(frozen=True, slots=True, order=True)
class InputFile:
    """A file to read. ``path`` is None for standard input; ``named`` is false for what was found in a folder.

    ``regular`` is false for pipes and devices, which can be opened only once.
    """

    name: str
    path: str | None
    named: bool
    regular: bool = True


def expand(inputs: Iterable[str | Path]) -> tuple[list[InputFile], list[Skipped]]:
    """Return the files that ``inputs`` stand for, sorted by name and each once, and what folders hold beside them.

    Raises:
        InputError: a name stands for nothing, or a folder holds no file.
    """
    files: dict[str, InputFile] = {}
    skipped: set[Skipped] = set()
    for given in inputs:
        for path in _matches(str(given)):
            if path == STDIN:
                found: Iterable[InputFile | Skipped] = [InputFile(STDIN_NAME, None, named=True, regular=False)]
            elif os.path.isdir(path):
                found = _folder(path)
            else:
                found = [_named(path)]
            for file in found:
                if isinstance(file, Skipped):
                    skipped.add(file)
                    continue
                key = os.path.realpath(file.path) if file.path is not None else ""
                known = files.get(key)
                # One file may be reached by several ways; a name of its own counts more than the folder around it.
                if known is None or (not file.named, file.name) < (not known.named, known.name):
                    files[key] = file
    if not files and not skipped:
        raise InputError("no input: name a file, a folder, a pattern such as 'papers/*.json', or - for standard input")
    return sorted(files.values(), key=lambda file: (file.name, file.path or "")), sorted(skipped)


def _matches(given: str) -> list[str]:
    if given == STDIN or os.path.lexists(given):
        if given != STDIN and not os.path.exists(given):
            raise InputError(f"{_printable(given)}: is a link to nothing, or to itself; mend the link or leave it out")
        return [given]
    if any(char in given for char in "*?["):
        if found := sorted(_glob(given)):
            return found
        raise InputError(f"{_printable(given)}: no file matches this pattern; check it with ls")
    if not given:
        raise InputError("an input has an empty name; name a file, a folder, a pattern or -")
    raise InputError(f"{_printable(given)}: there is no such file; check the name")


def _named(path: str) -> InputFile:
    """Return a file that was named itself.

    Raises:
        InputError: it is a pipe or a device. What the shell opened (``/dev/stdin``, ``<(command)``) may be one.
    """
    kind = kind_of(os.stat(path).st_mode)
    if kind and not _BY_DESCRIPTOR.match(os.path.abspath(path)):
        raise InputError(f"{_printable(path)}: is {kind}, no regular file; give its data to standard input (-)")
    return InputFile(_printable(path), path, named=True, regular=kind is None)


def _glob(pattern: str) -> list[str]:
    """Return what matches; ``**`` follows no links, or two links to their own folder would match without end."""
    parts = pattern.replace(os.sep, "/").split("/")
    if "**" not in parts:
        return glob.glob(pattern)
    start = parts.index("**")
    head, tail = "/".join(parts[:start]) or ("/" if start else ""), "/".join(parts[start:])
    found = set()
    for top in glob.glob(head) if head else [""]:
        for path in Path(top or ".").glob(tail):
            inner = path.relative_to(top or ".").parts
            if "/." in tail or not any(part.startswith(".") for part in inner):
                found.add(os.path.join(top, *inner))
    return list(found)


def _folder(top: str) -> Iterator[InputFile | Skipped]:
    empty = True
    closed: list[OSError] = []
    for folder, folders, names in os.walk(top, onerror=closed.append):
        folders.sort()
        for name in list(folders):
            path = os.path.join(folder, name)
            if name.startswith("."):
                folders.remove(name)
                yield _skip(path, "a hidden folder is passed over; name it to read it")
            elif os.path.islink(path):
                yield _skip(path, "a link to a folder is not followed; name it to read it")
        for name in sorted(names):
            path = os.path.join(folder, name)
            empty = False
            if name.startswith("."):
                yield _skip(path, "a hidden file is passed over; name it to read it")
                continue
            try:
                kind = kind_of(os.stat(path).st_mode)
            except OSError as error:
                yield _skip(path, f"cannot be read: {error.strerror or error}")
                continue
            if kind is None:
                yield InputFile(_printable(path), path, named=False)
            else:
                yield _skip(path, f"is {kind}, no regular file")
    for failure in closed:
        if failure.filename == top:
            raise InputError(f"{_printable(top)}: the folder cannot be read: {failure.strerror or failure}")
        yield _skip(str(failure.filename), f"the folder cannot be read: {failure.strerror or failure}")
    if empty and not closed:
        raise InputError(f"{_printable(top)}: the folder holds no files; name one that does")


def _skip(path: str, reason: str) -> Skipped:
    return Skipped(Place(_printable(path)), reason)


def _printable(path: str) -> str:
    """Return a file name that can be written as UTF-8, with forward slashes, on one line."""
    name = os.fsencode(path).decode("utf-8", errors="replace").replace(os.sep, "/")
    return "".join(char if char.isprintable() else "\ufffd" for char in name)
