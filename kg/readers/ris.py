"""RIS, record by record through rispy, so that a broken record costs no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import rispy

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.fields import Draft, arxiv_id, doi, finish, prefixed, strings, turned, xsd_date
from kg.readers.source import MAX_LINE, Source, lines

_TYPE = re.compile(r"^\ufeff?[ \t]*TY\s{1,2}-", re.MULTILINE)
_TAG = re.compile(r"^([A-Z][A-Z0-9])\s{1,2}-(?:\s|$)")
_MAX_RECORD = 1 << 20


def _sniff(sample: Sample) -> float:
    return 0.95 if _TYPE.search(sample.text[:10_000]) else 0.0


def _records(source: Source, context: Context) -> Iterator[tuple[int, list[str]] | Skipped]:
    """Cut the text at ``TY`` and ``ER``; tags are set to two spaces and a hyphen, as the standard has them."""
    start, held, size = 0, list[str](), 0
    for number, line in lines(source.text(), MAX_LINE):
        if line is None or size > _MAX_RECORD:
            yield context.skipped(
                number if line is None else start, f"longer than {_MAX_RECORD:,} characters; passed over"
            )
            held, size = [], 0
            if line is None:
                continue
        tag = _TAG.match(line.lstrip("\ufeff"))
        if tag:
            line = f"{tag[1]}  - {line.lstrip(chr(0xFEFF))[tag.end() :].strip()}"
        if tag and tag[1] == "TY":
            if held:
                yield start, held
            start, held, size = number, [], 0
        if line.strip() and (held or (tag and tag[1] == "TY")):
            held.append(line)
            size += len(line)
        elif tag and tag[1] != "ER" and not held:
            yield context.skipped(number, f"the line {tag[1]} stands outside any record")
        if tag and tag[1] == "ER" and held:
            yield start, held
            held, size = [], 0
    if held:
        yield start, held


def _first(record: dict[str, Any], *keys: str) -> str:
    for key in keys:
        value = record.get(key)
        if isinstance(value, list):
            value = " ".join(part for part in value if isinstance(part, str))
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _draft(record: dict[str, Any]) -> Draft:
    addresses = strings(record.get("urls")) or strings(record.get("url"))
    authors = [name for key in ("authors", "first_authors") for name in strings(record.get(key))]
    given_ids = (*addresses, _first(record, "doi"), _first(record, "number"))
    digital = doi(_first(record, "doi"))
    dates = (xsd_date(_first(record, key)) for key in ("date", "publication_year", "year"))
    return Draft(
        title=_first(record, "title", "primary_title", "translated_title"),
        abstract=_first(record, "abstract", "notes_abstract"),
        authors=tuple(turned(name) for name in authors),
        date=next((date for date in dates if date), None),
        identifiers=(
            digital,
            next((name for name in map(arxiv_id, given_ids) if name), None),
            prefixed("id", _first(record, "id")),
        ),
        url=addresses[0] if addresses else None,
        venue=_first(record, "journal_name", "secondary_title", "alternate_title1", "alternate_title3"),
    )


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    for found in _records(source, context):
        if isinstance(found, Skipped):
            yield found
            continue
        start, held = found
        if not held[-1].startswith("ER"):
            held = [*held, "ER  - "]
        try:
            parsed = rispy.loads("\n".join(held) + "\n")
        except Exception as error:  # rispy raises what it pleases on broken records
            yield context.skipped(
                start, f"broken RIS record: {' '.join(str(error).split())[:200] or type(error).__name__}"
            )
            continue
        for record in parsed:
            yield finish(_draft(record), context, start)


READER = Reader("ris", "RIS", _sniff, _read)
