"""What every reader shares: the value that registers a format, what it is given, and what it gives back."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kg.model import Paper, Place
from kg.readers.json_stream import Problem, json_values
from kg.readers.source import Source


@dataclass(frozen=True, slots=True, order=True)
class Skipped:
    """A record, or a whole file, that could not be read: where it is and why."""

    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True)
class Sample:
    """The start of a file, by which its format is recognised. ``complete`` is true when it is the whole file."""

    text: str
    complete: bool

    @cached_property
    def records(self) -> tuple[Mapping[str, Any], ...]:
        """The first JSON objects of the sample, at most five; empty when the text is not JSON."""
        if self.text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
            return ()
        found: list[Mapping[str, Any]] = []
        for _, value in json_values(io.StringIO(self.text)):
            if isinstance(value, dict):
                found.append(value)
            if len(found) == 5 or (isinstance(value, Problem) and found):
                break
        return tuple(found)

    @cached_property
    def keys(self) -> frozenset[str]:
        """Lower-case keys of :attr:`records`; of all objects in the text when the first record is longer than that."""
        if self.records:
            return frozenset(str(key).casefold() for record in self.records for key in record)
        if self.text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
            return frozenset()
        return frozenset(key.casefold() for key in re.findall(r'"([A-Za-z_]\w*)"\s*:', self.text))

    @cached_property
    def root(self) -> str:
        """Local name of the root element when the text is XML or HTML, else empty."""
        match = _ROOT.match(self.text)
        return match[1].rpartition(":")[2] if match else ""


# Declarations, comments and a document type (with its internal subset) may stand before the root element.
_ROOT = re.compile(
    r"\ufeff?(?:\s|<\?[^>]*>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>)*+<([A-Za-z_][\w.:-]*)",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader is told beside the data: the name of the file, the format, the year of a page's dates."""

    file: str
    format: str
    page_year: int | None = None

    def place(self, line: int = 0) -> Place:
        """Return the place of a record in this file."""
        return Place(self.file, line, self.format)

    def skipped(self, line: int, reason: str) -> Skipped:
        """Return the report of a record that cannot be read; ``reason`` may quote it, whatever signs are in it."""
        return Skipped(self.place(line), one_line(reason))


def one_line(text: str) -> str:
    """Return ``text`` as a message can hold it: on one line, other signs that cannot be printed replaced.

    >>> one_line("broken at \x1b[2J\u2028 here ")
    'broken at \ufffd[2J here'
    """
    line = " ".join(text.split())
    return line if line.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in line)


@dataclass(frozen=True, slots=True)
class Reader:
    """A format. ``sniff`` returns how sure it is in [0, 1]; ``read`` yields papers and skipped records as they come."""

    name: str
    title: str
    sniff: Callable[[Sample], float]
    read: Callable[[Source, Context], Iterator[Paper | Skipped]]
