"""Answers of the arXiv API: an Atom feed with an entry per paper."""

from __future__ import annotations

from collections.abc import Iterator

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.fields import Draft, arxiv_id, doi, finish, xsd_date
from kg.readers.source import Source
from kg.readers.xml_stream import child, children, elements, text_of


def _sniff(sample: Sample) -> float:
    return 0.95 if sample.root == "feed" and "arxiv.org" in sample.text else 0.0


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    for found in elements(source, "entry", context):
        if isinstance(found, Skipped):
            yield found
            continue
        line, entry = found
        address = text_of(child(entry, "id")).strip()
        if "/api/errors" in address:
            yield context.skipped(
                line, f"the arXiv API answered with an error: {text_of(child(entry, 'summary'))[:200]}"
            )
            continue
        draft = Draft(
            title=text_of(child(entry, "title")),
            abstract=text_of(child(entry, "summary")),
            authors=tuple(text_of(child(author, "name")) for author in children(entry, "author")),
            date=xsd_date(text_of(child(entry, "published")).strip()),
            identifiers=(arxiv_id(address), doi(text_of(child(entry, "doi")))),
            venue=text_of(child(entry, "journal_ref")),
        )
        yield finish(draft, context, line)


READER = Reader("arxiv-atom", "arXiv API (Atom)", _sniff, _read)
