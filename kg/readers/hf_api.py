"""The JSON of the Hugging Face *Daily Papers* API: a list of objects with a ``paper`` each, or papers themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.fields import Draft, arxiv_id, items, mapping, names, xsd_date
from kg.readers.json_records import read_json
from kg.readers.source import Source


def _sniff(sample: Sample) -> float:
    if any({"title", "summary", "id"} & set(mapping(record.get("paper"))) for record in sample.records):
        return 0.95
    keys = sample.keys
    if not sample.records:
        return 0.9 if {"paper", "summary", "publishedat"} <= keys else 0.0
    return 0.9 if {"id", "title", "summary"} <= keys and keys & {"publishedat", "upvotes", "ai_summary"} else 0.0


def _convert(record: Mapping[str, Any]) -> Draft:
    paper = mapping(record.get("paper")) or record
    identifier = arxiv_id(paper.get("id"))
    return Draft(
        title=paper.get("title") or record.get("title"),
        abstract=paper.get("summary") or record.get("summary"),
        authors=names([author for author in items(paper.get("authors")) if not mapping(author).get("hidden")]),
        date=xsd_date(paper.get("publishedAt")) or xsd_date(record.get("publishedAt")),
        identifiers=(identifier,),
        url=f"https://huggingface.co/papers/{identifier.removeprefix('arxiv:')}" if identifier else None,
    )


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    return read_json(source, context, _convert)


READER = Reader("hf-api", "Hugging Face Daily Papers API (JSON)", _sniff, _read)
