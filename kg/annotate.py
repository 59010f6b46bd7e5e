"""One text in, what it states out: for people who want to see, and for programs that want JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from kg.extract import Extractor, load_extractor
from kg.model import Evidence, Extraction, Paper
from kg.readers.clean import clean_text


@lru_cache(maxsize=4)
def _extractor(model: Path | None, fast: bool) -> Extractor:
    return load_extractor(model, fast=fast)


def annotate(text: str, *, title: str = "", model: Path | None = None, fast: bool = False) -> list[dict[str, Any]]:
    """Return what a text states, one object a sentence.

    Each object has ``section``, ``sentence``, ``start`` (offset of the sentence), ``mentions`` (``text``, ``start``,
    ``end``, ``type``, ``confidence``, ``name``), ``claims`` (``relation``, ``object``, ``type``, ``confidence``) and
    ``results``. Offsets count code points of the section. Sentences without any of these are left out.

    >>> annotate("")
    []
    """
    title, body = clean_text(title), clean_text(text)
    if not title and not body:
        return []
    extraction = _extractor(model, fast).extract(Paper(title=title, abstract=body))
    return list(by_sentence(extraction))


def by_sentence(extraction: Extraction) -> Iterator[dict[str, Any]]:
    """Yield the sentences of an extraction in reading order, each with its mentions, claims and results."""
    sentences: dict[tuple[bool, int], dict[str, Any]] = {}

    def sentence(evidence: Evidence) -> dict[str, Any]:
        place = (evidence.section != "title", evidence.sentence_start)
        return sentences.setdefault(
            place,
            {
                "section": evidence.section,
                "sentence": evidence.sentence,
                "start": evidence.sentence_start,
                "mentions": [],
                "claims": [],
                "results": [],
            },
        )

    things = {entity.ref: entity for entity in extraction.entities}
    for entity in extraction.entities:
        for mention in entity.mentions:
            sentence(mention)["mentions"].append(
                {
                    "text": mention.surface_form,
                    "start": mention.start,
                    "end": mention.end,
                    "type": entity.type.value,
                    "confidence": entity.confidence,
                    "name": entity.names[0],
                }
            )
    for claim in extraction.claims:
        thing = things[claim.object]
        for evidence in claim.evidence:
            sentence(evidence)["claims"].append(
                {
                    "relation": claim.relation.value,
                    "object": thing.names[0],
                    "type": thing.type.value,
                    "confidence": claim.confidence,
                }
            )
    for result in extraction.results:
        sentence(result.evidence)["results"].append(
            {
                "metric": result.metric,
                "value": result.value_text,
                "unit": result.unit,
                "direction": result.direction,
                "bound": result.bound,
                **{k: _name(things, getattr(result, k)) for k in ("method", "baseline", "dataset")},
            }
        )
    for _, found in sorted(sentences.items()):
        found["mentions"].sort(key=lambda m: (m["start"], m["end"], m["type"]))
        yield found


def _name(things: dict[str, Any], ref: str | None) -> str | None:
    return things[ref].names[0] if ref in things else None


def annotate_papers(
    papers: Iterable[Paper], *, model: Path | None = None, fast: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the sentences of several papers, each with the ``paper``'s title."""
    for paper in papers:
        for found in by_sentence(_extractor(model, fast).extract(paper)):
            yield {"paper": paper.title, **found}
