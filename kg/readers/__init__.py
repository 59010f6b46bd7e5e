"""Readers: from files of many formats to papers.

Formats are recognised by content, not by the names of files. To add one, write a module with a
:class:`~kg.readers.base.Reader` and add it to :data:`READERS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from kg.errors import InputError
from kg.model import Paper, Place
from kg.readers import (
    arxiv_atom,
    arxiv_snapshot,
    bibtex,
    hf_api,
    hf_page,
    jats,
    openalex,
    records,
    ris,
    semantic_scholar,
    table,
    tei,
)
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.duplicates import deduplicate
from kg.readers.expand import InputFile, expand
from kg.readers.source import Source, UnreadableError, open_regular, open_source

__all__ = ["READERS", "InputFile", "Reader", "Sample", "Skipped", "deduplicate", "detect", "expand", "read"]

READERS: tuple[Reader, ...] = (
    hf_page.READER,
    hf_api.READER,
    arxiv_atom.READER,
    arxiv_snapshot.READER,
    bibtex.READER,
    ris.READER,
    openalex.READER,
    semantic_scholar.READER,
    table.READER,
    records.READER,
    jats.READER,
    tei.READER,
)
"""All formats. When two are equally sure of a file, the first one here reads it."""


BESIDE = frozenset({".md", ".rst", ".rq", ".ipynb", ".py"})
"""Suffixes of notes, questions and code that lie beside data in a folder: that they hold no papers is no news."""


FAULT = "the reader failed on this file, which is an error of this program: please report it"


def detect(sample: Sample | str) -> Reader | None:
    """Return the reader that is surest of a file that starts with ``sample``; None when none knows it.

    >>> detect("@article{he2016, title = {Deep Residual Learning}}").name
    'bibtex'
    >>> detect("Dear diary") is None
    True
    """
    if isinstance(sample, str):
        sample = Sample(sample, complete=True)
    best, confidence = None, 0.0
    for reader in READERS:
        if (sure := reader.sniff(sample)) > confidence:
            best, confidence = reader, sure
    return best


def read(
    inputs: Iterable[str | Path],
    *,
    page_year: int | None = None,
    stdin: BinaryIO | None = None,
    unless: Callable[[InputFile], bool] = lambda file: False,
) -> Iterator[Paper | Skipped]:
    """Read papers from files, folders (with all that is in them), globs and ``-`` (``stdin``, else standard input).

    The result does not depend on the order of ``inputs``. Papers come as they stand in the files: see
    :func:`deduplicate`. What cannot be read is reported as :class:`Skipped` in its place. ``page_year`` is the year
    of dates on saved pages that have none. Files for which ``unless`` is true are left out.

    Raises:
        InputError: an input that was named itself (not just its folder) is missing, empty, binary or of no known
            format: at once. It turns out to hold no paper: when its turn comes.
    """
    if page_year is not None and not 1900 <= page_year <= 2999:
        raise InputError(f"the page year {page_year} is no year; give one such as 2024")
    found, skipped = expand(inputs)
    files = [file for file in found if not unless(file)]
    opened: dict[InputFile, tuple[Source, Reader]] = {}
    for file in files:
        if file.named:
            with ExitStack() as stack:
                source = _open(file, stdin, stack)
                if not file.regular:  # a pipe cannot be opened twice
                    opened[file] = source
                    stack.pop_all()
    return _read(files, skipped, opened, page_year)


def _read(
    files: list[InputFile],
    skipped: list[Skipped],
    opened: dict[InputFile, tuple[Source, Reader]],
    page_year: int | None,
) -> Iterator[Paper | Skipped]:
    yield from skipped
    for file in files:
        with ExitStack() as stack:
            try:
                source, reader = opened[file] if file in opened else _open(file, None, stack)
            except InputError as error:
                if file.named:
                    raise
                if file.path is not None and Path(file.path).suffix.casefold() in BESIDE:
                    continue
                yield Skipped(Place(file.name), str(error).removeprefix(f"{file.name}: "))
                continue
            yield from _read_file(file, source, reader, page_year)


def _read_file(file: InputFile, source: Source, reader: Reader, page_year: int | None) -> Iterator[Paper | Skipped]:
    context = Context(file.name, reader.name, page_year)
    empty = True
    try:
        for item in reader.read(source, context):
            empty = False
            yield item
    except UnreadableError as error:
        empty = False
        yield context.skipped(0, f"{error}; the papers before this place are kept")
    except OSError as error:
        empty = False
        yield context.skipped(0, f"reading failed: {error.strerror or error}; the papers before this place are kept")
    except Exception as error:  # a fault of ours in one file must not cost the others
        empty = False
        yield context.skipped(0, f"{FAULT} ({type(error).__name__}: {error}); the papers before this place are kept")
    if empty:
        reason = f"looks like {reader.title} but holds no papers; name another file"
        if file.named:
            raise InputError(f"{file.name}: {reason}")
        yield context.skipped(0, reason)


def _open(file: InputFile, stdin: BinaryIO | None, stack: ExitStack) -> tuple[Source, Reader]:
    """Open a file and find its reader.

    Raises:
        InputError: it cannot be opened, or no reader knows it.
    """
    try:
        if file.path is None:
            stream: BinaryIO = stdin or sys.stdin.buffer
        else:
            opened = open_regular(file.path) if file.regular else open(file.path, "rb", buffering=0)  # noqa: SIM115
            stream = stack.enter_context(opened)
        source = open_source(stream)
    except UnreadableError as error:
        raise InputError(f"{file.name}: {error}") from error
    except OSError as error:
        raise InputError(f"{file.name}: cannot be opened: {error.strerror or error}") from error
    sample = Sample(source.sample(), source.complete)
    reader = detect(sample)
    if reader is None:
        raise InputError(f"{file.name}: {_unknown(sample)}")
    return source, reader


def _unknown(sample: Sample) -> str:
    if sample.root.casefold() in ("html", "!doctype"):
        return "is a web page; copy its text out of the browser into a file, or fetch the JSON of the site's API"
    if sample.records or sample.text.lstrip()[:1] in ("{", "["):
        return 'is JSON, but its records have no "title"; see the documentation for the shapes that can be read'
    if sample.root:
        return f"is XML with the root element <{sample.root}>; read are Atom of arXiv, JATS and TEI"
    known = ", ".join(sorted({reader.name for reader in READERS}))
    return f"is of no format that can be read ({known}); a table needs a header with a title column"
