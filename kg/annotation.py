"""One text in, what it states out: for people who want to see, and for programs that want JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from kg.extract import Extractor, load_extractor
from kg.model import SECTIONS, EntityType, Evidence, Extraction, Paper
from kg.readers.clean import clean_text
from kg.text import sentence_of, sentences
from kg.vocabulary import default_gazetteer

METRIC_CONFIDENCE = 0.89
"""Share of the vocabulary's metrics that meet a metric which annotators marked (TDMSci, 462 matches)."""


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
    return list(by_sentence(*_read(Paper(title=title, abstract=body), model, fast)))


def _read(paper: Paper, model: Path | None, fast: bool) -> tuple[Extraction, list[tuple[Evidence, str]]]:
    return _extractor(model, fast).extract(paper), list(metric_mentions(paper))


def metric_mentions(paper: Paper) -> Iterator[tuple[Evidence, str]]:
    """Yield the metrics of the vocabulary that the paper names: where, and the preferred label."""
    for section in SECTIONS:
        text = paper.section(section)
        spans = sentences(text)
        for match in default_gazetteer().find(text):
            if match.concept.type is EntityType.METRIC:
                low, high = sentence_of(spans, match.start, match.end)
                surface = text[match.start : match.end]
                place = Evidence(paper.id, section, match.start, match.end, surface, text[low:high], low)
                yield place, match.concept.labels[0]


def by_sentence(extraction: Extraction, metrics: Iterable[tuple[Evidence, str]] = ()) -> Iterator[dict[str, Any]]:
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

    for place, name in metrics:
        sentence(place)["mentions"].append(
            {
                "text": place.surface_form,
                "start": place.start,
                "end": place.end,
                "type": EntityType.METRIC.value,
                "confidence": METRIC_CONFIDENCE,
                "name": name,
            }
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
