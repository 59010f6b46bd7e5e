"""TEI as GROBID writes it: title, authors and abstract are in the header of each document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.fields import Draft, arxiv_id, doi, finish, xsd_date
from kg.readers.source import Source
from kg.readers.xml_stream import child, children, elements, text_of


def _sniff(sample: Sample) -> float:
    return 0.95 if sample.root in ("TEI", "teiCorpus") else 0.0


def _main_title(parent: Any) -> str:
    titles = children(parent, "title")
    return text_of(next((title for title in titles if title.get("type") == "main"), titles[0] if titles else None))


def _author(element: Any) -> str:
    name = child(element, "persName")
    if name is None:
        return text_of(element) if not len(element) else ""
    parts = [*children(name, "forename"), *children(name, "surname")]
    return " ".join(text_of(part) for part in parts) or text_of(name)


def _draft(header: Any) -> Draft:
    description = child(header, "fileDesc")
    article = child(description, "sourceDesc", "biblStruct")
    analytic, monograph = child(article, "analytic"), child(article, "monogr")
    numbers = [*children(article, "idno"), *children(analytic, "idno"), *children(monograph, "idno")]
    dates = [child(monograph, "imprint", "date"), child(description, "publicationStmt", "date")]
    heading = child(header, "profileDesc", "abstract", "head")
    if heading is not None:
        heading.getparent().remove(heading)
    return Draft(
        title=_main_title(child(description, "titleStmt")) or _main_title(analytic),
        abstract=text_of(child(header, "profileDesc", "abstract")),
        authors=tuple(_author(author) for author in children(analytic, "author")),
        date=next(
            (date for date in (xsd_date(d.get("when") or text_of(d)) for d in dates if d is not None) if date), None
        ),
        identifiers=(
            *(doi(text_of(number)) for number in numbers if number.get("type", "").casefold() == "doi"),
            *(
                arxiv_id(text_of(number).partition("[")[0])
                for number in numbers
                if number.get("type", "").casefold() in ("arxiv", "doi")
            ),
        ),
        venue=_main_title(monograph),
    )


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    for found in elements(source, "teiHeader", context):
        if isinstance(found, Skipped):
            yield found
            continue
        line, header = found
        # The header of a whole corpus describes no paper.
        if header.get("type") != "corpus":
            yield finish(_draft(header), context, line)


READER = Reader("tei", "TEI documents of GROBID (XML)", _sniff, _read)
