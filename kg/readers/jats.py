"""JATS, the article format of PubMed Central and many publishers: one article or a set of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.fields import Draft, arxiv_id, doi, finish, prefixed, xsd_date
from kg.readers.source import Source
from kg.readers.xml_stream import child, children, elements, text_of

_ROOTS = {"article": 0.8, "pmc-articleset": 0.95, "articles": 0.6, "OAI-PMH": 0.6}
_DATES = ("epub", "ppub", "pub", "collection")


def _sniff(sample: Sample) -> float:
    if sample.root not in _ROOTS or not any(
        mark in sample.text for mark in ("article-meta", "<front", ":front", "article-title")
    ):
        return 0.0
    return _ROOTS[sample.root]


def _date(element: Any) -> str | None:
    year, month, day = (text_of(child(element, name)).strip() for name in ("year", "month", "day"))
    if month.isdigit() or not month:
        return xsd_date("-".join(part for part in (year, month, day if month else "") if part))
    return xsd_date(f"{month} {day}, {year}" if day else f"{month} {year}")


def _published(meta: Any) -> str | None:
    """Return the first date of publication that is given, in the order of preference electronic, printed, any."""
    dated = children(meta, "pub-date")
    kind = {id(element): element.get("pub-type") or element.get("date-type") or "" for element in dated}
    dated.sort(key=lambda element: _DATES.index(kind[id(element)]) if kind[id(element)] in _DATES else len(_DATES))
    return next((date for date in map(_date, dated) if date), None)


def _abstract(meta: Any) -> str:
    """Return the abstract proper, not the graphical one, the highlights or a translation."""
    found = children(meta, "abstract")
    proper = next((element for element in found if not element.get("abstract-type")), None)
    chosen = proper if proper is not None else next(iter(found), None)
    if chosen is not None and (heading := child(chosen, "title")) is not None:
        chosen.remove(heading)
    return text_of(chosen)


def _authors(meta: Any) -> Iterator[str]:
    for group in children(meta, "contrib-group"):
        for person in children(group, "contrib"):
            if person.get("contrib-type", "author") != "author":
                continue
            name = child(person, "name")
            if name is None:
                name = child(person, "name-alternatives", "name")
            if name is not None:
                yield " ".join(text_of(child(name, part)) for part in ("given-names", "surname", "suffix"))
            else:
                yield text_of(child(person, "string-name")) or text_of(child(person, "collab"))


def _journal(front: Any) -> str:
    meta = child(front, "journal-meta")
    return text_of(child(meta, "journal-title-group", "journal-title")) or text_of(child(meta, "journal-title"))


def _draft(front: Any) -> Draft:
    meta = child(front, "article-meta")
    numbers = {element.get("pub-id-type", ""): text_of(element).strip() for element in children(meta, "article-id")}
    group = child(meta, "title-group")
    title = text_of(child(group, "article-title"))
    subtitle = text_of(child(group, "subtitle")).strip()
    pmcid = numbers.get("pmc") or numbers.get("pmcid") or ""
    return Draft(
        title=f"{title.strip()}: {subtitle}" if subtitle and title.strip() else title,
        abstract=_abstract(meta),
        authors=tuple(_authors(meta)),
        date=_published(meta),
        identifiers=(
            doi(numbers.get("doi")),
            arxiv_id(numbers.get("arxiv") or numbers.get("doi")),
            prefixed("pmid", numbers.get("pmid")),
            prefixed("pmcid", pmcid if pmcid.startswith("PMC") or not pmcid else f"PMC{pmcid}"),
        ),
        venue=_journal(front),
    )


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    for found in elements(source, "front", context):
        if isinstance(found, Skipped):
            yield found
        else:
            line, front = found
            yield finish(_draft(front), context, line)


READER = Reader("jats", "JATS articles (XML)", _sniff, _read)
