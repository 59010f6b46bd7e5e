"""What must hold for every input: readers yield papers and reports, or one clear error, within bounded time."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable

from kg.errors import InputError
from kg.model import Paper
from kg.readers import FAULT, READERS, Reader, Skipped, deduplicate, read
from kg.readers.base import Context
from kg.readers.source import UnreadableError, open_source

MAX_SECONDS = 20.0
"""Processor time for one input of at most 64 KB; what takes longer is no longer linear."""

ANY = "any"
"""Name of the target that recognises the format itself, as ``kg build`` does."""


class TooSlowError(AssertionError):
    """An input took longer than :data:`MAX_SECONDS`."""


def check_items(found: Iterable[Paper | Skipped]) -> None:
    """Check what a reader gave back: text that every export can hold, reasons of one line, places.

    Raises:
        AssertionError: something is wrong with it.
    """
    papers = []
    for item in found:
        assert isinstance(item, Paper | Skipped), f"a reader yields {type(item).__name__}"
        if isinstance(item, Skipped):
            _check_line(item.reason)
            assert item.place.line >= 0
            continue
        papers.append(item)
        assert item.title
        assert len(item.places) == 1
        optional = [text for text in (item.url, item.venue, item.date) if text is not None]
        for text in (item.title, item.abstract, *item.authors, *item.identifiers, *optional):
            text.encode("utf-8")
            assert not any(c in text for c in "\n\r\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), f"not one line: {text!r}"
    assert len(deduplicate(papers)) <= len(papers)


def _check_line(message: str) -> None:
    assert message, "something is skipped without a reason"
    assert not message.startswith(FAULT), message
    assert message.isprintable(), f"not one printable line: {message!r}"


def check_reader(reader: Reader, data: bytes) -> None:
    """Read ``data`` by ``reader``, whatever it is, and check what comes."""
    try:
        source = open_source(io.BytesIO(data))
        found = list(reader.read(source, Context("fuzz", reader.name)))
    except UnreadableError as error:
        _check_line(str(error))
        return
    check_items(found)


def check_any(data: bytes) -> None:
    """Recognise and read ``data`` and check what comes."""
    try:
        found = list(read(["-"], stdin=io.BytesIO(data)))
    except InputError as error:
        _check_line(str(error))
        return
    check_items(found)


def targets() -> dict[str, Callable[[bytes], None]]:
    """Return the check of each reader by its name, and that of :data:`ANY`; each raises when something is wrong."""
    found: dict[str, Callable[[bytes], None]] = {ANY: check_any}
    for reader in READERS:
        found[reader.name] = lambda data, reader=reader: check_reader(reader, data)  # type: ignore[misc]
    return found


def timed(check: Callable[[bytes], None], data: bytes) -> None:
    """Run ``check`` and hold the time.

    Raises:
        TooSlowError: it took too long.
    """
    started = time.process_time()
    check(data)
    spent = time.process_time() - started
    if spent > MAX_SECONDS:
        raise TooSlowError(f"{len(data):,} bytes took {spent:.1f} s of processor time")
