"""Parts: immutable files of keyed lines, named by their content.

A part is a zstd-compressed text of lines ``KEY TAB JSON``. Since its name is the hash of what it holds, a part is
never changed, writing it twice does no harm, and machines of a cluster may write into one folder side by side.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import zstandard

SUFFIX = ".part.zst"
LEVEL = 3
"""Level of compression: a higher one takes longer than it saves."""


def write_part(folder: Path, lines: Iterable[tuple[str, str]]) -> str:
    """Write ``(key, JSON)`` lines as one part and return its name.

    Raises:
        OSError: it cannot be written.
    """
    data = "".join(f"{key}\t{text}\n" for key, text in lines).encode("ascii")
    name = _name(data)
    path = folder / name
    if not _is_sound(path):
        folder.mkdir(parents=True, exist_ok=True)
        # The process and not the time alone: two writers of one part must not share a file.
        beside = folder / f".{name}.{os.getpid()}.tmp"
        try:
            with beside.open("wb") as stream:
                stream.write(zstandard.compress(data, LEVEL))
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    return name


def read_part(path: Path) -> list[tuple[str, str]]:
    """Return the ``(key, JSON)`` lines of a part.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    packed = path.read_bytes()
    try:
        data = zstandard.decompress(packed)
    except zstandard.ZstdError as error:
        raise ValueError(f"{path.name} is damaged ({error})") from error
    if _name(data) != path.name:
        raise ValueError(f"{path.name} is damaged (its content is another)")
    lines = data.decode("ascii").splitlines()
    return [(key, text) for key, _, text in (line.partition("\t") for line in lines)]


def _name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:24] + SUFFIX


def _is_sound(path: Path) -> bool:
    try:
        read_part(path)
    except (OSError, ValueError):
        return False
    return True


def list_parts(folder: Path) -> list[str]:
    """Return the names of all parts in a folder, sorted; what killed writers left behind is no part."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX) and not name.startswith("."))
    except FileNotFoundError:
        return []


def drop_parts(folder: Path, keep: Iterable[str]) -> None:
    """Remove all parts but those named, and the rests of killed writers."""
    kept = set(keep)
    for name in os.listdir(folder) if folder.is_dir() else ():
        if (name.endswith(SUFFIX) and name not in kept) or name.endswith(".tmp"):
            (folder / name).unlink(missing_ok=True)
