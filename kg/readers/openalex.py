"""OpenAlex works: one work, a list, an API page with ``results``, or JSON lines; abstracts are inverted indexes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.fields import Draft, FieldError, arxiv_id, doi, finish, items, mapping, prefixed, xsd_date
from kg.readers.json_stream import Problem, json_values
from kg.readers.source import Source


def _sniff(sample: Sample) -> float:
    keys = sample.keys
    if "abstract_inverted_index" in keys:
        return 0.95
    is_work = any(str(record.get("id")).startswith("https://openalex.org/W") for record in sample.records)
    return 0.95 if is_work or {"authorships", "display_name"} <= keys else 0.0


def abstract_of(index: object) -> str:
    """Return the text of an inverted index, which maps each word to the positions at which it stands.

    >>> abstract_of({"networks": [1], "Deep": [0], "work.": [2]})
    'Deep networks work.'

    Raises:
        FieldError: it is no inverted index.
    """
    if index is None:
        return ""
    if not isinstance(index, dict):
        raise FieldError('the field "abstract_inverted_index" is not an object')
    placed: list[tuple[int, str]] = []
    for word, positions in index.items():
        if not isinstance(positions, list) or not all(type(position) is int for position in positions):
            raise FieldError('the field "abstract_inverted_index" holds something else than lists of positions')
        placed += ((position, word) for position in positions)
    return " ".join(word for _, word in sorted(placed))


def _convert(record: Mapping[str, Any]) -> Draft:
    known = mapping(record.get("ids"))
    locations = [record.get("primary_location"), *items(record.get("locations"))]
    addresses = [mapping(place).get(key) for place in locations for key in ("landing_page_url", "pdf_url")]
    venue = mapping(mapping(record.get("primary_location")).get("source")).get("display_name")
    number = str(record.get("id") or known.get("openalex") or "").rpartition("/")[2]
    return Draft(
        title=record.get("title") or record.get("display_name"),
        abstract=abstract_of(record.get("abstract_inverted_index")) or record.get("abstract"),
        authors=tuple(
            str(
                mapping(mapping(entry).get("author")).get("display_name") or mapping(entry).get("raw_author_name") or ""
            )
            for entry in items(record.get("authorships"))
        ),
        date=xsd_date(record.get("publication_date")) or xsd_date(record.get("publication_year")),
        identifiers=(
            prefixed("openalex", number),
            doi(record.get("doi") or known.get("doi")),
            *(arxiv_id(address) for address in (record.get("doi"), known.get("arxiv"), *addresses)),
            prefixed("pmid", str(known.get("pmid") or "").rpartition("/")[2]),
        ),
        url=record.get("doi") or next((address for address in addresses if address), None) or record.get("id"),
        venue=venue,
    )


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    for line, value in json_values(source.text()):
        if isinstance(value, Problem):
            yield context.skipped(line, value.reason)
        elif not isinstance(value, dict):
            yield context.skipped(line, "the record is not an OpenAlex work")
        else:
            try:
                draft = _convert(value)
            except FieldError as error:
                yield context.skipped(line, str(error))
            else:
                yield finish(draft, context, line)


READER = Reader("openalex", "OpenAlex works (JSON, JSON lines)", _sniff, _read)
