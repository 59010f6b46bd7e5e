"""Reading of JSON record by record: arrays, containers such as ``{"results": [...]}``, JSON lines, or a mixture.

The standard parser does the work on a sliding buffer. Unlike a parser of whole documents, this one knows the line of
each record, holds one record at a time, and goes on with the next record after a broken one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

CONTAINERS = frozenset(
    {"results", "data", "papers", "works", "items", "records", "documents", "articles", "recommendedpapers"}
)
"""Keys (lower-case) whose list of objects is taken for the records of a file."""

MAX_RECORD = 1 << 24
"""Characters beyond which a record is passed over."""

_CHUNK = 1 << 18
_BLANK = re.compile("[\\s,\x1e\ufeff\x00]*")
_SPACE = re.compile(r"\s*")
_STRUCTURE = re.compile(r'["\\{}\[\]]')
_NEXT = re.compile(r"[,{}\[\]\n]")
_AHEAD = re.compile(rf'"(?:{"|".join(sorted(CONTAINERS))})"\s*:\s*\[\s*\{{', re.IGNORECASE)
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """A stretch of the file that is no JSON."""

    reason: str


class _TruncatedError(Exception):
    """The buffer ends before the value does."""


def json_values(stream: IO[str], limit: int = MAX_RECORD) -> Iterator[tuple[int, object]]:
    """Yield each record of ``stream`` with the 1-based line on which it starts; a :class:`Problem` for what is broken.

    A value that is neither in an array nor in a container is a record of its own.
    """
    return _Scanner(stream, limit).top()


class _Scanner:
    def __init__(self, stream: IO[str], limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._buffer = ""
        self._pos = 0
        self._line = 1
        self._ended = False

    def top(self) -> Iterator[tuple[int, object]]:
        while self._skip(_BLANK):
            char = self._buffer[self._pos]
            if char == "[":
                self._advance(self._pos + 1)
                yield from self._array()
            elif char in "]}":
                self._advance(self._pos + 1)  # left over by a broken record
            elif char == "{":
                yield from self._object()
            else:
                yield from self._record(in_array=False)

    def _array(self) -> Iterator[tuple[int, object]]:
        while self._skip(_BLANK):
            char = self._buffer[self._pos]
            if char in "]}":
                self._advance(self._pos + 1)
                if char == "]":
                    return
            else:
                yield from self._record(in_array=True)

    def _object(self) -> Iterator[tuple[int, object]]:
        """Read a record, or the records of a container, whichever the object turns out to be."""
        try:
            value, end = self._decode(until=_CHUNK)
        except (_TruncatedError, ValueError):
            if _AHEAD.search(self._buffer, self._pos, self._pos + 4096):
                yield from self._container()
            else:
                yield from self._record(in_array=False)
        else:
            if isinstance(value, dict) and any(_is_container(key, content) for key, content in value.items()):
                yield from self._container()
            else:
                line = self._line
                self._advance(end)
                yield line, value

    def _container(self) -> Iterator[tuple[int, object]]:
        self._advance(self._pos + 1)
        while self._skip(_BLANK):
            if self._buffer[self._pos] == "}":
                self._advance(self._pos + 1)
                return
            try:
                key, end = self._decode()
                self._advance(end)
                if not isinstance(key, str) or not self._skip(_SPACE) or self._buffer[self._pos] != ":":
                    raise ValueError("a key and a colon are expected")
                self._advance(self._pos + 1)
                if key.casefold() in CONTAINERS and self._skip(_SPACE) and self._buffer[self._pos] == "[":
                    self._advance(self._pos + 1)
                    yield from self._array()
                    continue
                self._skip(_SPACE)
                self._advance(self._decode()[1])
            except (ValueError, _TruncatedError) as error:
                line = self._line
                while self._fill():
                    self._pos = len(self._buffer)
                self._pos = len(self._buffer)
                yield (
                    line,
                    Problem(
                        f"broken JSON around the list of records ({_explain(error)}); the rest of the file is not read"
                    ),
                )
                return

    def _record(self, *, in_array: bool) -> Iterator[tuple[int, object]]:
        line = self._line
        try:
            value, end = self._decode()
        except _TruncatedError:
            reason = f"a record longer than {self._limit:,} characters is passed over"
        except (ValueError, RecursionError) as error:
            reason = f"broken JSON: {_explain(error)}"
        else:
            self._advance(end)
            yield line, value
            return
        self._resume(in_array=in_array)
        yield line, Problem(reason)

    def _decode(self, until: int | None = None) -> tuple[object, int]:
        """Parse the value at the position; return it with its end.

        Raises:
            _TruncatedError: it is longer than ``until`` (the limit) allows.
            ValueError: it is broken.
        """
        until = until or self._limit
        if self._pos > 2 * _CHUNK:
            self._trim()  # the parser counts the lines of all that lies before an error
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._pos)
            except RecursionError as error:
                raise ValueError("nested too deeply") from error
            except json.JSONDecodeError as error:
                held = len(self._buffer) - self._pos
                cut_off = error.msg.startswith("Unterminated string") or error.pos > len(self._buffer) - 64
                if self._ended or not cut_off:
                    raise
                if held > until:
                    raise _TruncatedError from error
                if not self._fill(held):
                    self._ended = True
            else:
                # A number at the end of the buffer may go on in the next chunk.
                if end < len(self._buffer) or isinstance(value, dict | list | str) or not self._fill():
                    return value, end

    def _resume(self, *, in_array: bool) -> None:
        """Move past a broken record to where the next one starts.

        When the record starts its line, the next one does so too, at the same depth of indentation; otherwise the
        brackets are counted.
        """
        start = self._buffer.rfind("\n", 0, self._pos) + 1
        margin = self._buffer[start : self._pos]
        if self._buffer[self._pos] in "{[" and not margin.strip(" \t,["):
            width = min(len(margin), 1000)
            closing = r"\]" if in_array else ""
            pattern = re.compile(rf"\n[ \t]{{0,{width}}}(?:,[ \t]*)?[\[{{{closing}]")
            while True:
                if match := pattern.search(self._buffer, self._pos + 1):
                    self._advance(match.end() - 1)
                    return
                self._advance(max(self._pos, len(self._buffer) - 2 * width - 4))
                if not self._fill():
                    self._advance(len(self._buffer))
                    return
        if self._buffer[self._pos] in "{[":
            self._match_brackets()
            return
        while not (match := _NEXT.search(self._buffer, self._pos + 1)):
            self._advance(len(self._buffer) - 1)
            if not self._fill():
                self._advance(len(self._buffer))
                return
        self._advance(match.start())

    def _match_brackets(self) -> None:
        depth, quoted, cursor = 0, False, self._pos
        while True:
            while match := _STRUCTURE.search(self._buffer, cursor):
                cursor = match.end()
                char = match[0]
                if char == "\\":
                    cursor += 1
                elif char == '"':
                    quoted = not quoted
                elif not quoted:
                    depth += 1 if char in "{[" else -1
                    if depth <= 0:
                        self._advance(cursor if depth == 0 else cursor - 1)
                        return
            overshoot = max(0, cursor - len(self._buffer))
            self._advance(len(self._buffer))
            if not self._fill():
                return
            cursor = self._pos + overshoot

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Move past what ``pattern`` matches; return whether anything is left."""
        while True:
            match = pattern.match(self._buffer, self._pos)
            self._advance(match.end() if match else self._pos)
            if self._pos < len(self._buffer):
                return True
            if not self._fill():
                return False

    def _advance(self, end: int) -> None:
        end = min(end, len(self._buffer))
        self._line += self._buffer.count("\n", self._pos, end)
        self._pos = end

    def _fill(self, size: int = 0) -> bool:
        """Read at least ``size`` more characters; return False at the end of the stream."""
        more = self._stream.read(max(size, _CHUNK))
        if not more:
            return False
        self._trim(more)
        return True

    def _trim(self, more: str = "") -> None:
        """Drop what was read, and append ``more``.

        The start of the current line is kept, because its indentation matters after a broken record.
        """
        cut = max(self._buffer.rfind("\n", 0, self._pos), self._pos - 256, 0)
        self._buffer = self._buffer[cut:] + more
        self._pos -= cut


def _is_container(key: str, content: object) -> bool:
    return (
        key.casefold() in CONTAINERS
        and isinstance(content, list)
        and any(isinstance(item, dict) for item in content[:3])
    )


def _explain(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg[0].lower() + error.msg[1:]
    if isinstance(error, _TruncatedError):
        return "a value is too long"
    return str(error) or type(error).__name__
