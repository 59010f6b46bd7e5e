"""Tables: CSV and TSV with a header that names a title column and, mostly, an abstract column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.fields import finish
from kg.readers.records import FIELDS, draft, plain_name
from kg.readers.source import Source, lines

_DELIMITERS = ("\t", ",", ";", "|")
_TITLES = frozenset(FIELDS["title"][:5])
_KNOWN = frozenset(name for names in FIELDS.values() for name in names)
_MAX_CELL = 1 << 20
_MAX_ROW_LINES = 200


@dataclass(frozen=True)
class _Dialect:
    delimiter: str
    quoting: int


def _header(text: str) -> str:
    return next((line for line in text.lstrip("\ufeff").split("\n") if line.strip()), "")


def _rows(text: Iterator[str], dialect: _Dialect) -> Iterator[list[str]]:
    return csv.reader(text, delimiter=dialect.delimiter, quoting=dialect.quoting, strict=False)  # type: ignore[arg-type]


def _recognise(text: str) -> _Dialect | None:
    """Return the dialect under which the first line names a title and one more column, or None."""
    header = _header(text)
    if len(header) > 10_000:
        return None
    for delimiter in _DELIMITERS:
        cells = [plain_name(cell) for cell in next(_rows(iter([header]), _Dialect(delimiter, csv.QUOTE_MINIMAL)), [])]
        if _TITLES & set(cells) and len(_KNOWN & set(cells)) >= 2:
            # Many TSV files hold quotation marks as mere text; reading as quoted ones they would join rows.
            ways = [_Dialect(delimiter, csv.QUOTE_MINIMAL), _Dialect(delimiter, csv.QUOTE_NONE)]
            return min(ways, key=lambda way: _misfits(text, way, len(cells)))
    return None


def _misfits(text: str, dialect: _Dialect, width: int) -> tuple[int, int]:
    wrong = rows = 0
    try:
        for row in _rows(io.StringIO(text), dialect):
            rows += 1
            wrong += len(row) not in (0, width)
    except csv.Error:
        wrong += 1000
    return (wrong, dialect.quoting)


def _sniff(sample: Sample) -> float:
    if sample.text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", "<", "@"):
        return 0.0
    return 0.7 if _recognise(sample.text) else 0.0


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    dialect = _recognise(source.sample())
    if dialect is None:
        return
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL))
    too_long: list[int] = []

    def text() -> Iterator[str]:
        for number, line in lines(source.text(), _MAX_CELL * 4):
            if line is None:
                too_long.append(number)
            yield "\n" if line is None else line.replace("\x00", " ").lstrip("\ufeff" if number == 1 else "") + "\n"

    reader = csv.reader(text(), delimiter=dialect.delimiter, quoting=dialect.quoting)  # type: ignore[arg-type]
    columns: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield context.skipped(line, f"broken table row: {error} (an unclosed quotation mark?)")
            continue
        for number in too_long:
            yield context.skipped(number, f"a line longer than {_MAX_CELL * 4:,} characters is passed over")
        too_long.clear()
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if (spanned := reader.line_num - line + 1) > _MAX_ROW_LINES:
            yield context.skipped(line, f"the row runs over {spanned} lines (an unclosed quotation mark?)")
            continue
        if columns is None:
            columns = row
        elif any(cell.strip() for cell in row[len(columns) :]):
            yield context.skipped(
                line, f"the row has {len(row)} cells where the header has {len(columns)} (an unquoted delimiter?)"
            )
        else:
            yield finish(draft(dict(zip(columns, row, strict=False))), context, line)


READER = Reader("table", "table with title and abstract columns (CSV, TSV)", _sniff, _read)
