"""Semantic Scholar records: API answers (one, a list, ``data``) and the JSON lines of its datasets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.fields import Draft, arxiv_id, doi, mapping, names, prefixed, xsd_date
from kg.readers.json_records import read_json
from kg.readers.source import Source

# Answers about citations wrap the paper in one of these.
_WRAPPERS = ("citingPaper", "citedPaper")
_MARKS = {
    "paperid",
    "corpusid",
    "externalids",
    "publicationdate",
    "publicationtypes",
    "fieldsofstudy",
    "s2fieldsofstudy",
    "citingpaper",
    "citedpaper",
}


def _sniff(sample: Sample) -> float:
    marks = sample.keys & _MARKS
    return 0.9 if marks & {"paperid", "corpusid", "externalids", "citingpaper", "citedpaper"} else 0.0


def _convert(record: Mapping[str, Any]) -> Draft:
    for wrapper in _WRAPPERS:
        record = mapping(record.get(wrapper)) or record
    fields = {key.casefold(): value for key, value in record.items()}
    external = {key.casefold(): value for key, value in mapping(fields.get("externalids")).items()}
    arxiv = external.get("arxiv")
    return Draft(
        title=fields.get("title"),
        abstract=fields.get("abstract"),
        authors=names(fields.get("authors")),
        date=xsd_date(fields.get("publicationdate")) or xsd_date(fields.get("year")),
        identifiers=(
            prefixed("s2", fields.get("paperid")),
            prefixed("s2:CorpusID", fields.get("corpusid") or external.get("corpusid")),
            arxiv_id(arxiv) or arxiv_id(external.get("doi")),
            doi(external.get("doi")),
            prefixed("pmid", external.get("pubmed")),
            prefixed("acl", external.get("acl")),
            prefixed("dblp", external.get("dblp")),
        ),
        url=fields.get("url"),
        venue=fields.get("venue") or mapping(fields.get("journal")).get("name"),
    )


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    return read_json(source, context, _convert)


READER = Reader("semantic-scholar", "Semantic Scholar records (JSON, JSON lines)", _sniff, _read)
