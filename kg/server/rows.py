"""Answers within limits: what a serializer writes is counted, and refused when there is too much of it.

The rows of an answer are counted in the bytes that the library writes, format by format: it has no limit of rows, and
to take each row apart in Python would double the time of an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


class TooLarge(Exception):  # noqa: N818 - an answer, not a failure
    """An answer has more rows or bytes than allowed; the message says which and how many."""


class Spool:
    """A writer that keeps a small answer in memory and writes a larger one to a file, within limits.

    ``inline`` bytes stay in memory, ``size`` bytes and ``rows`` are allowed; ``count`` returns how many rows a piece of
    the answer begins or ends, and is None when the caller counts them.
    """

    def __init__(
        self, path: Path, inline: int, size: int, rows: int = 0, count: Callable[[bytes], int] | None = None
    ) -> None:
        self._path = path
        self._inline = inline
        self._limits = (size, rows)
        self._count = count
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self.size = 0
        self.rows = 0

    @property
    def spooled(self) -> bool:
        """Whether the answer is in the file."""
        return self._file is not None

    def write(self, data: bytes) -> int:
        """Take a piece of the answer.

        Raises:
            TooLarge: it goes beyond the limits.
            OSError: the file cannot be written.
        """
        self.size += len(data)
        if self.size > self._limits[0]:
            raise TooLarge(f"{self._limits[0]:,} bytes")
        if self._count:
            self.rows += self._count(data)
            if self.rows > self._limits[1]:
                raise TooLarge(f"{self._limits[1]:,} rows")
        if self._file is None and self.size > self._inline:
            self._file = self._path.open("wb")
            self._file.write(self._memory)
            self._memory.clear()
        if self._file is None:
            self._memory += data
        else:
            self._file.write(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: the file is complete when the answer is."""

    def close(self) -> bytes:
        """Return what is in memory, and complete the file."""
        if self._file is not None:
            self._file.close()
        return bytes(self._memory)


class CsvRows:
    """Counts the records of CSV: ends of line outside quotes, less the heading."""

    def __init__(self) -> None:
        self._quoted = 0
        self._seen = -1

    def __call__(self, data: bytes) -> int:
        parts = data.split(b'"')
        lines = sum(part.count(b"\n") for part in parts[self._quoted :: 2])
        self._quoted = (self._quoted + len(parts) - 1) % 2
        before, self._seen = self._seen, self._seen + lines
        return max(self._seen, 0) - max(before, 0)


class TsvRows:
    """Counts the records of TSV, in which values have no ends of line, less the heading."""

    def __init__(self) -> None:
        self._seen = -1

    def __call__(self, data: bytes) -> int:
        before, self._seen = self._seen, self._seen + data.count(b"\n")
        return max(self._seen, 0) - max(before, 0)


class XmlRows:
    """Counts the ends of ``<result>`` elements, which text cannot hold unescaped."""

    END = b"</result>"

    def __init__(self) -> None:
        self._tail = b""

    def __call__(self, data: bytes) -> int:
        text = self._tail + data
        found = text.count(self.END)
        self._tail = text[-(len(self.END) - 1) :]
        return found


class JsonRows:
    """Counts the objects in the list ``bindings``: outside strings, the first follows ``[``, the others ``},``.

    Within a row no object follows another without a key between them.
    """

    FIRST, NEXT = b"[{", b"},{"

    def __init__(self) -> None:
        self._pending = b""
        self._quoted = 0
        self._tail = b""

    def __call__(self, data: bytes) -> int:
        text = self._pending + data
        # An escape may be cut in two: keep an odd backslash back until what it escapes is here.
        slashes = len(text) - len(text.rstrip(b"\\"))
        self._pending = text[-1:] if slashes % 2 else b""
        text = text[: len(text) - len(self._pending)]
        if b"\\" in text:
            text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
        parts = text.split(b'"')
        # A string leaves a mark in its place, so that what stands on both sides of it does not touch.
        structure = self._tail + (b"" if not self._quoted else b'"') + b'"'.join(parts[self._quoted :: 2])
        self._quoted = (self._quoted + len(parts) - 1) % 2
        found = structure.count(self.NEXT) + structure.count(self.FIRST, len(self._tail) - 1 if self._tail else 0)
        self._tail = structure[-(len(self.NEXT) - 1) :]
        return found


COUNTERS: dict[str, Callable[[], Callable[[bytes], int]]] = {
    "csv": CsvRows,
    "tsv": TsvRows,
    "xml": XmlRows,
    "json": JsonRows,
}
"""Counters by name of the format of rows."""
