"""Generic records: JSON or JSON lines with a title and, mostly, an abstract, under the usual names in any case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.fields import Draft, arxiv_id, doi, names, prefixed, xsd_date
from kg.readers.json_records import read_json
from kg.readers.source import Source

FIELDS: dict[str, tuple[str, ...]] = {
    "title": ("title", "paper title", "article title", "document title", "papertitle", "name", "display name"),
    "abstract": (
        "abstract",
        "summary",
        "abstract note",
        "abstract text",
        "paper abstract",
        "paperabstract",
        "description",
    ),
    "authors": ("authors", "author", "author full names", "author names", "author(s)", "creators", "creator"),
    "date": (
        "date",
        "publication date",
        "published",
        "publicationdate",
        "published date",
        "publishedat",
        "created",
        "issued",
    ),
    "year": ("year", "publication year", "pub year", "publicationyear"),
    "venue": (
        "venue",
        "journal",
        "booktitle",
        "conference",
        "source title",
        "publication title",
        "container-title",
        "publisher name",
    ),
    "url": ("url", "link", "urls", "paper url", "pdf url", "homepage"),
    "doi": ("doi",),
    "arxiv": ("arxiv", "arxiv id", "arxivid", "eprint"),
    "pmid": ("pmid", "pubmed id"),
    "id": ("id", "paper id", "key", "uid"),
}
"""Names under which records and tables hold each field, the best first. Case, underscores and spaces do not matter."""

_LONGEST = 100
"""Characters beyond which a name is none of these, so that odd records cannot fill the memory with names."""


def plain_name(name: str) -> str:
    """Return the name of a column or key as :data:`FIELDS` writes it; empty when it is longer than any of them.

    >>> plain_name(" Abstract_Note ")
    'abstract note'
    """
    return _plain_name(name) if len(name) <= _LONGEST else ""


@lru_cache(maxsize=1024)
def _plain_name(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").split())


def draft(record: Mapping[str, Any]) -> Draft:
    """Take a record with the usual field names apart."""
    given: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(key, str) and value not in (None, "", [], {}):
            given.setdefault(plain_name(key), value)
    found = {field: next((given[name] for name in known if name in given), None) for field, known in FIELDS.items()}
    address = found["url"][0] if isinstance(found["url"], list) else found["url"]
    digital = doi(found["doi"]) or (doi(address) if isinstance(address, str) and "doi.org/" in address else None)
    arxiv = next((name for name in map(arxiv_id, (found["arxiv"], found["id"], address, found["doi"])) if name), None)
    return Draft(
        title=found["title"],
        abstract=found["abstract"],
        authors=names(found["authors"]),
        date=xsd_date(found["date"]) or xsd_date(found["year"]),
        identifiers=(digital, arxiv, prefixed("pmid", found["pmid"]), None if arxiv else prefixed("id", found["id"])),
        url=address,
        venue=found["venue"],
    )


def _sniff(sample: Sample) -> float:
    keys = {plain_name(key) for key in sample.keys}
    if not keys & set(FIELDS["title"][:5]):
        return 0.0
    return 0.5 if keys & set(FIELDS["abstract"]) else 0.3


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    return read_json(source, context, draft)


READER = Reader("records", "records with title and abstract (JSON, JSON lines)", _sniff, _read)
