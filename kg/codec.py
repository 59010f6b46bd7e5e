"""Papers and extractions as JSON lines and back: how a folder keeps what was read and extracted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from kg.model import (
    SECTIONS,
    EntityType,
    Evidence,
    Extraction,
    LocalClaim,
    LocalEntity,
    LocalResult,
    Naming,
    Paper,
    Place,
    Relation,
    Stated,
)

_PAPER = ("title", "abstract", "authors", "author_count", "date", "identifiers", "url", "venue", "variants", "places")


def _json(value: object) -> str:
    # Escaped: papers may hold lone surrogates, which UTF-8 cannot write.
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def dump_paper(paper: Paper) -> str:
    """Return a paper as one line of JSON; equal papers with equal places give equal text."""
    record = [getattr(paper, name) for name in _PAPER[:-1]]
    return _json([*record, [(p.file, p.line, p.format) for p in paper.places]])


def load_paper(text: str) -> Paper:
    """Return the paper that :func:`dump_paper` wrote.

    Raises:
        ValueError: the text is no paper.
    """
    try:
        record = dict(zip(_PAPER, json.loads(text), strict=True))
        for name in ("authors", "identifiers", "variants"):
            record[name] = tuple(record[name])
        return Paper(**{**record, "places": tuple(Place(*place) for place in record["places"])})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no paper: {error}") from error


def dump_extraction(extraction: Extraction) -> str:
    """Return an extraction as one line of JSON; equal extractions give equal text.

    Evidence is written as places alone: its words stand in the paper.
    """
    entities = [
        (e.type.value, e.key, e.names, _places(e.mentions), e.confidence, e.concept, e.pairs)
        for e in extraction.entities
    ]
    claims = [(c.relation.value, c.object, c.confidence, _places(c.evidence)) for c in extraction.claims]
    results = [
        (
            *(r.metric, r.value_text, r.value, r.unit, _places((r.evidence,))[0], r.direction, r.bound),
            *(r.method, r.baseline, r.dataset, r.confidence),
        )
        for r in extraction.results
    ]
    return _json((entities, claims, results, extraction.headline))


def load_extraction(text: str, paper: Paper) -> Extraction:
    """Return the extraction of ``paper`` that :func:`dump_extraction` wrote.

    Raises:
        ValueError: the text is no extraction of this paper.
    """
    evidence = _evidence_of(paper)
    try:
        entities, claims, results, headline = json.loads(text)
        return Extraction(
            paper=paper.id,
            entities=tuple(_local_entity(x, tuple(map(evidence, x[3]))) for x in entities),
            claims=tuple(LocalClaim(Relation(x[0]), x[1], x[2], tuple(map(evidence, x[3]))) for x in claims),
            results=tuple(_local_result(x, evidence(x[4])) for x in results),
            headline=headline,
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"no extraction: {error}") from error


def load_stated(text: str, paper: Paper) -> Stated:
    """Return what ``paper`` states, from the line that :func:`dump_extraction` wrote.

    Raises:
        ValueError: the text is no extraction of this paper.
    """
    return _stated(text, paper.id, _evidence_of(paper))


def load_named(text: str) -> Stated:
    """Return what an extraction names, as :func:`load_stated` does, but without paper and evidence.

    Raises:
        ValueError: the text is no extraction.
    """
    return _stated(text, "", None)


def _stated(text: str, paper: str, evidence: Callable[[Sequence[int]], Evidence] | None) -> Stated:
    try:
        entities, claims, results, headline = json.loads(text)
        return Stated(
            paper,
            [_entity(x) for x in entities],
            [(x[0], x[1], x[2], tuple(map(evidence, x[3])) if evidence else ()) for x in claims],
            [(*x[:4], evidence(x[4]) if evidence else None, *x[5:]) for x in results],
            headline,
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"no extraction: {error}") from error


def _evidence_of(paper: Paper) -> Callable[[Sequence[int]], Evidence]:
    """Return what makes evidence of a place in a paper, as :func:`_places` writes it."""
    name = paper.id
    sections = tuple((section, paper.section(section)) for section in SECTIONS)

    def evidence(place: Sequence[int]) -> Evidence:
        number, start, end, low, high = place
        section, words = sections[number]
        return Evidence(name, section, start, end, words[start:end], words[low:high], low)

    return evidence


def _places(items: Sequence[Evidence]) -> list[tuple[int, int, int, int, int]]:
    return [
        (SECTIONS.index(e.section), e.start, e.end, e.sentence_start, e.sentence_start + len(e.sentence)) for e in items
    ]


def _entity(x: Sequence[Any]) -> tuple[str, Naming, float]:
    type_, key, names, _, confidence, _, pairs = x
    return f"{type_}:{key}", (type_, tuple(names), tuple([(short, long_) for short, long_ in pairs])), confidence


def _local_result(x: Sequence[Any], evidence: Evidence) -> LocalResult:
    values: Any = (*x[:4], evidence, *x[5:])  # in the order of its fields
    return LocalResult(*values)


def _local_entity(x: Sequence[Any], mentions: tuple[Evidence, ...]) -> LocalEntity:
    _, (type_, names, pairs), confidence = _entity(x)
    return LocalEntity(x[1], EntityType(type_), names, mentions, confidence, x[5], pairs)
