"""BibTeX, entry by entry through bibtexparser, so that a broken entry costs no other."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bibtexparser.bibdatabase import COMMON_STRINGS, BibDatabase
from bibtexparser.bparser import BibTexParser

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.clean import decode_accents, strip_braces
from kg.readers.fields import Draft, arxiv_id, doi, finish, prefixed, turned, xsd_date
from kg.readers.source import MAX_LINE, Source, lines

_START = re.compile(r"\s*@\s*([A-Za-z]+)\s*[{(]")
_ENTRY_MARK = re.compile(r"^[ \t]*@\s*[A-Za-z]+\s*[{(]\s*(?:[^\s,{}()]+\s*)?[,=]", re.MULTILINE)
_NO_PAPERS = frozenset({"comment", "preamble"})
_ESCAPED = re.compile(r"\\([&%#_])")
_MAX_ENTRY = 1 << 18
"""Characters beyond which an entry is passed over: the grammar takes seconds for this much."""


def _sniff(sample: Sample) -> float:
    if sample.text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", "<"):
        return 0.0
    match = _ENTRY_MARK.search(sample.text)
    if not match:
        return 0.0
    return (
        0.9
        if not sample.text[: match.start()].strip("\ufeff \t\r\n") or _only_comments(sample.text[: match.start()])
        else 0.4
    )


def _only_comments(text: str) -> bool:
    return all(line.lstrip().startswith(("%", "@", "}", "#")) or not line.strip() for line in text.split("\n"))


@dataclass
class _Block:
    """The lines of one entry."""

    line: int
    kind: str
    parts: list[str] = field(default_factory=list)
    size: int = 0
    depth: int = 0

    def add(self, text: str) -> None:
        self.size += len(text) + 1
        if self.size <= _MAX_ENTRY:
            self.parts.append(text)
            plain = text.replace("\\{", "").replace("\\}", "")
            self.depth += plain.count("{") - plain.count("}")


def _blocks(source: Source, context: Context) -> Iterator[_Block | Skipped]:
    """Cut the text where an ``@entry`` starts a line, whatever the state of the brackets before it."""
    block: _Block | None = None
    for number, line in lines(source.text(), MAX_LINE):
        if line is None:
            if block:
                yield block
            block = None
            yield context.skipped(number, f"a line longer than {MAX_LINE:,} characters is passed over")
            continue
        # Several entries on one line are rare, but exporters write them.
        for piece in re.split(r"(?<=\})\s*(?=@[A-Za-z]+\s*\{)", line) if line.count("@") > 1 else (line,):
            # An unclosed brace must not swallow the entries after it, so a start at the margin always counts.
            start = _START.match(piece)
            if start and (block is None or block.depth <= 0 or not piece[0].isspace()):
                if block:
                    yield block
                block = _Block(number, start[1].casefold())
            if block:
                block.add(piece)
    if block:
        yield block


def _parser() -> BibTexParser:
    """Return a parser for all entries of a file: to make one takes longer than to read an entry."""
    parser = BibTexParser(
        common_strings=False,
        ignore_nonstandard_types=False,
        interpolate_strings=False,
        homogenize_fields=False,
        add_missing_from_crossref=False,
    )
    parser.expect_multiple_parse = True
    return parser


def _people(joined: str) -> Iterator[str]:
    for name in re.split(r" and ", " ".join(decode_accents(joined).split())):
        if name.casefold() != "others":
            yield turned(strip_braces(name).replace("~", " "))


def _plain(text: str) -> str:
    r"""Undo what BibTeX needs and a reader does not: accents, and the escapes of ``& % # _``; formulas stay."""
    return _ESCAPED.sub(r"\1", decode_accents(text))


def _date(entry: dict[str, str]) -> str | None:
    year, month, day = (entry.get(name, "").strip("{} ") for name in ("year", "month", "day"))
    if month.isdigit():
        spelled = f"{year}-{month}-{day}".rstrip("-")
    else:
        spelled = f"{month} {day}, {year}" if month and day else f"{month} {year}".strip()
    return xsd_date(entry.get("date")) or xsd_date(spelled) or xsd_date(year)


def _draft(entry: dict[str, str], key: str) -> Draft:
    title = strip_braces(_plain(entry.get("title", "")))
    subtitle = strip_braces(_plain(entry.get("subtitle", "")))
    archive = entry.get("archiveprefix") or entry.get("eprinttype") or "arxiv"
    hints = [entry.get("eprint") if archive.casefold() == "arxiv" else None]
    hints += [entry.get(name) for name in ("url", "doi", "journal")]
    venue = entry.get("journal") or entry.get("journaltitle") or entry.get("booktitle") or ""
    return Draft(
        title=f"{title}: {subtitle}" if title and subtitle else title,
        abstract=_plain(entry.get("abstract", "")),
        authors=tuple(_people(entry.get("author", ""))),
        date=_date(entry),
        identifiers=(
            doi(entry.get("doi")) or doi(entry.get("url")),
            next((name for name in map(arxiv_id, hints) if name), None),
            prefixed("pmid", entry.get("pmid")),
            prefixed("bibtex", key),
        ),
        url=entry.get("url"),
        venue=strip_braces(_plain(venue)),
    )


def _parse(block: _Block, strings: dict[str, str], parser: BibTexParser) -> Draft | str | None:
    """Return the draft of an entry, a reason why there is none, or None for what holds no paper."""
    if block.kind in _NO_PAPERS:
        return None
    if block.size > _MAX_ENTRY:
        return f"an entry longer than {_MAX_ENTRY:,} characters is passed over"
    parser.bib_database = BibDatabase()
    # Runs of blanks mean no more than one, and cost the grammar their square in time.
    text = "\n".join(" ".join(line.split()) for line in block.parts if not line.isspace())
    try:
        database: BibDatabase = parser.parse(f"{text}\n", partial=True)
    except RecursionError:
        return "broken BibTeX entry: nested too deeply"
    except Exception as error:  # pyparsing and bibtexparser raise what they please on broken entries
        return f"broken BibTeX entry: {' '.join(str(error).split())[:200] or type(error).__name__}"
    try:
        if block.kind == "string":
            strings.update({name: _as_text(value, strings) for name, value in database.strings.items()})
            return None
        if not database.entries:
            return "broken BibTeX entry (unbalanced braces or a missing comma?)"
        entry = {key.casefold(): _as_text(value, strings) for key, value in database.entries[0].items()}
    except _UnfoldedError:
        return f"its @string names stand for more than {_MAX_ENTRY:,} characters; passed over"
    return _draft(entry, entry.get("id", ""))


class _UnfoldedError(Exception):
    """Names that stand for names swell a value without bounds."""


def _as_text(value: object, strings: dict[str, str]) -> str:
    """Return a value with its ``@string`` names expanded; an unknown name stands for itself, as BibTeX has it.

    Raises:
        _UnfoldedError: it becomes too long.
    """
    if isinstance(value, str):
        return value
    parts: list[str] = []
    size, known = 0, True
    for part in getattr(value, "expr", [value]):
        if isinstance(part, str):
            parts.append(part)
        else:
            name = str(getattr(part, "name", part)).casefold()
            known = known and name in strings
            parts.append(strings.get(name, name))
        size += len(parts[-1])
        if size > _MAX_ENTRY:
            raise _UnfoldedError
    return ("" if known else " ").join(parts)


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # it logs what is reported here as skipped
    strings: dict[str, str] = dict(COMMON_STRINGS)
    parser = _parser()
    for block in _blocks(source, context):
        if isinstance(block, Skipped):
            yield block
            continue
        result = _parse(block, strings, parser)
        if isinstance(result, str):
            yield context.skipped(block.line, result)
        elif result is not None:
            yield finish(result, context, block.line)


READER = Reader("bibtex", "BibTeX", _sniff, _read)
