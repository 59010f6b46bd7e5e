"""The arXiv metadata snapshot: JSON lines with id, title, abstract, versions and parsed authors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.clean import decode_accents
from kg.readers.fields import Draft, arxiv_id, doi, items, mapping, names, strings, xsd_date
from kg.readers.json_records import read_json
from kg.readers.source import Source

_MARKS = {"authors_parsed", "update_date", "submitter", "journal-ref", "report-no"}


def _sniff(sample: Sample) -> float:
    keys = sample.keys
    return 0.95 if {"title", "abstract"} <= keys and len(keys & _MARKS) >= 2 else 0.0


def _author(parts: object) -> str:
    last, first, suffix = (*strings(parts), "", "", "")[:3]
    return " ".join(part.strip() for part in (first, last, suffix) if part.strip())


def _convert(record: Mapping[str, Any]) -> Draft:
    versions = items(record.get("versions"))
    authors = tuple(_author(parts) for parts in items(record.get("authors_parsed"))) or names(record.get("authors"))
    return Draft(
        title=record.get("title"),
        abstract=record.get("abstract"),
        authors=tuple(decode_accents(name) for name in authors),
        date=xsd_date(mapping(versions[0] if versions else None).get("created")) or xsd_date(record.get("update_date")),
        identifiers=(arxiv_id(record.get("id")), doi(record.get("doi"))),
        venue=record.get("journal-ref"),
    )


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    return read_json(source, context, _convert)


READER = Reader("arxiv-snapshot", "arXiv metadata snapshot (JSON lines)", _sniff, _read)
