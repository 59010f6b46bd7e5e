"""Opening of inputs: decompression by magic bytes, recognition of binaries and encodings, all of it streaming.

Memory stays flat whatever the size of the input: a line longer than :data:`MAX_LINE` is passed over, not held, and
compressed data that swells out of all proportion is given up.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, Protocol, cast

import zstandard

SAMPLE = 1 << 18
"""Bytes by which a format is recognised."""

MAX_LINE = 1 << 24
"""Characters of a line, or of one record, beyond which it is passed over."""

MAX_RATIO = 200
"""Factor by which compressed data may grow, once it has grown to :data:`FREE_OUTPUT` bytes."""

FREE_OUTPUT = 1 << 26

_MAX_LAYERS = 3

_BINARIES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "is a PDF file; turn it into text first, for instance with GROBID, and read the TEI file"),
    (0, b"PK\x03\x04", "is a ZIP archive (or an Office file); unpack it and read what is inside"),
    (0, b"\xfd7zXZ\x00", "is compressed with xz; unpack it, or compress it with gzip, zstd or bzip2"),
    (0, b"7z\xbc\xaf\x27\x1c", "is a 7z archive; unpack it and read what is inside"),
    (0, b"Rar!\x1a\x07", "is a RAR archive; unpack it and read what is inside"),
    (257, b"ustar", "is a tar archive; unpack it and read the folder"),
    (0, b"PAR1", "is a Parquet file; export it as CSV or JSON lines"),
    (0, b"ARROW1", "is an Arrow file; export it as CSV or JSON lines"),
    (0, b"SQLite format 3\x00", "is an SQLite database; export it as CSV or JSON lines"),
    (0, b"\x89PNG\r\n", "is an image, not a list of papers"),
    (0, b"\xff\xd8\xff", "is an image, not a list of papers"),
    (0, b"GIF8", "is an image, not a list of papers"),
)


class UnreadableError(Exception):
    """The input cannot be read (any further); the message says why and how to mend it, without the file's name."""


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Counting:
    """Passes reads on and counts the bytes."""

    def __init__(self, stream: _Readable) -> None:
        self.stream = stream
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self.stream.read(size)
        self.count += len(data)
        return data


class _Guarded(io.RawIOBase):
    """A decompressed stream that gives up on bombs and tells damage in words.

    ``packed`` counts the bytes of the input itself, however many layers of compression lie between: each of them could
    stay within bounds where all of them together do not.
    """

    def __init__(self, inner: _Readable, packed: _Counting, name: str) -> None:
        self._inner = inner
        self._packed = packed
        self._name = name
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        try:
            data = self._inner.read(len(buffer))
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, ValueError) as error:
            mend = "unpack it by hand" if "memory" in str(error) else "fetch the file anew"
            raise UnreadableError(f"the {self._name} data is damaged or cut off here ({error}); {mend}") from error
        self._count += len(data)
        if self._count > FREE_OUTPUT and self._count > MAX_RATIO * max(self._packed.count, 1):
            raise UnreadableError(
                f"the {self._name} data unpacks to more than {MAX_RATIO} times its size and was given up; "
                "unpack it by hand if it is sound"
            )
        buffer[: len(data)] = data
        return len(data)


class _Rejoined(io.RawIOBase):
    """A stream whose head was read ahead."""

    def __init__(self, head: bytes, rest: _Readable) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        if self._head:
            data = bytes(self._head[: len(buffer)])
            self._head = self._head[len(data) :]
        else:
            data = self._rest.read(len(buffer)) or b""
        buffer[: len(data)] = data
        return len(data)


def _open_gzip(stream: _Readable) -> _Readable:
    return cast(_Readable, gzip.GzipFile(fileobj=cast(BinaryIO, stream)))


def _open_bzip2(stream: _Readable) -> _Readable:
    return cast(_Readable, bz2.BZ2File(cast(BinaryIO, stream)))


class _Zstandard:
    """Unpacks zstd frames. Unlike the stream reader of the library, it notices when the last frame is cut off.

    Input goes in by small pieces, because a piece may unpack to tens of thousands of times its size.
    """

    def __init__(self, stream: _Readable) -> None:
        self._stream = stream
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame = self._decompressor.decompressobj()
        self._in_frame = False
        self._ready = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        while not self._ready:
            piece = self._stream.read(1024)
            if not piece:
                if self._in_frame:
                    raise EOFError("the last frame has no end")
                return b""
            self._ready = memoryview(self._unpack(piece))
        data = bytes(self._ready[:size])
        self._ready = self._ready[size:]
        return data

    def _unpack(self, piece: bytes) -> bytes:
        parts: list[bytes] = []
        while piece:
            parts.append(self._frame.decompress(piece))
            self._in_frame, piece = not self._frame.eof, b""
            if self._frame.eof:
                piece = self._frame.unused_data
                self._frame = self._decompressor.decompressobj()
        return b"".join(parts)


_COMPRESSIONS: tuple[tuple[bytes, str, Callable[[_Readable], _Readable]], ...] = (
    (b"\x1f\x8b\x08", "gzip", _open_gzip),
    (b"BZh", "bzip2", _open_bzip2),
    (b"\x28\xb5\x2f\xfd", "zstd", _Zstandard),
)


@dataclass(frozen=True)
class Source:
    """An opened, decompressed input. Its data can be taken once, as :meth:`binary` or as :meth:`text`."""

    head: bytes
    complete: bool
    encoding: str
    stream: io.BufferedReader

    def binary(self) -> BinaryIO:
        """Return the bytes, decompressed."""
        return self.stream

    def text(self, encoding: str | None = None) -> io.TextIOWrapper:
        """Return the characters, in ``encoding`` if the format declares one.

        Bytes that are not UTF-8 are read as Windows-1252, so no byte stops the reading.
        """
        return io.TextIOWrapper(self.stream, encoding=encoding or self.encoding, errors="kg-windows-1252", newline=None)

    def sample(self) -> str:
        """Return the characters of :attr:`head`."""
        decoder = codecs.getincrementaldecoder(self.encoding)("kg-windows-1252")
        return decoder.decode(self.head, final=self.complete).replace("\r\n", "\n").replace("\r", "\n")


def open_source(stream: _Readable) -> Source:
    """Open ``stream``: unpack it, and recognise its encoding.

    Raises:
        UnreadableError: it is empty, binary, damaged or compressed too often.
    """
    stream = packed = _Counting(stream)
    for layer in range(_MAX_LAYERS + 1):
        try:
            head = _read_exactly(stream, SAMPLE)
        except OSError as error:
            raise UnreadableError(f"cannot be read: {error.strerror or error}") from error
        stream = io.BufferedReader(_Rejoined(head, stream), buffer_size=1 << 16)
        compression = next((entry for entry in _COMPRESSIONS if head.startswith(entry[0])), None)
        if compression is None:
            return Source(head, len(head) < SAMPLE, _encoding(head), cast(io.BufferedReader, stream))
        if layer == _MAX_LAYERS:
            break
        stream = io.BufferedReader(_Guarded(compression[2](stream), packed, compression[1]), buffer_size=1 << 16)
    raise UnreadableError(f"is compressed more than {_MAX_LAYERS} times over; unpack it first")


NOT_REGULAR = {
    stat.S_ISFIFO: "a named pipe",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
    stat.S_ISSOCK: "a socket",
    stat.S_ISDIR: "a folder",
}


def kind_of(mode: int) -> str | None:
    """Return what a file that is no regular file is instead ("a device"); None for a regular one."""
    if stat.S_ISREG(mode):
        return None
    return next((name for test, name in NOT_REGULAR.items() if test(mode)), "something else")


def open_regular(path: str) -> BinaryIO:
    """Open a regular file; whatever it has become since it was found, opening never waits.

    Raises:
        UnreadableError: it is a pipe or a device by now.
        OSError: it cannot be opened.
    """
    # Opening a pipe that nobody writes to would wait forever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    stream = open(descriptor, "rb", buffering=0)  # noqa: SIM115 - the caller closes it
    if kind := kind_of(os.fstat(descriptor).st_mode):
        stream.close()
        raise UnreadableError(f"is {kind}, not a regular file")
    return stream


def lines(stream: IO[str], limit: int = MAX_LINE) -> Iterator[tuple[int, str | None]]:
    """Yield the number and the text of every line, without its end; None stands for a line longer than ``limit``.

    Only line feeds and carriage returns end a line: U+2028 and form feeds occur within text.
    """
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) > limit and not line.endswith("\n"):
            while (rest := stream.readline(limit)) and not rest.endswith("\n"):
                pass
            yield number, None
        else:
            yield number, line.rstrip("\n")


def _read_exactly(stream: _Readable, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _encoding(head: bytes) -> str:
    if not head.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise UnreadableError("is empty; name a file with papers")
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
    ):
        if head.startswith(mark):
            return name
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for offset, magic, reason in _BINARIES:
        if head[offset : offset + len(magic)] == magic:
            raise UnreadableError(reason)
    even, odd = head[0::2].count(0) / len(head), head[1::2].count(0) / len(head)
    if odd > 0.3 and even < 0.05:
        return "utf-16-le"
    if even > 0.3 and odd < 0.05:
        return "utf-16-be"
    controls = len(head) - len(head.translate(None, bytes([*range(9), *range(14, 27), 28, 29, 30, 31, 127])))
    if controls > len(head) * 0.03:
        raise UnreadableError("is a binary file, not text")
    return "utf-8"


_NEVER_FIRST = re.compile(rb"[\x80-\xc1\xf5-\xff]{2,4096}")
"""Bytes with which no character of UTF-8 starts: a run of them is decoded at once, which matters in a large file."""


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Decode what is no UTF-8 as Windows-1252, which is what such bytes nearly always are in bibliographies."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    if not error.encoding.startswith("utf-8"):
        return "\ufffd", error.end
    if wrong[:1] == b"\xed" and len(error.object) > error.start + 2:
        return "\ufffd", error.start + 3  # a surrogate written as three bytes
    if run := _NEVER_FIRST.match(error.object, error.start):
        wrong = run[0]
    return wrong.decode("cp1252", errors="replace"), error.start + len(wrong)


codecs.register_error("kg-windows-1252", _windows_1252)
