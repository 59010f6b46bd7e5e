"""Papers and extractions as JSON lines and back: how a folder keeps what was read and extracted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kg.model import (
    SECTIONS,
    EntityType,
    Evidence,
    Extraction,
    LocalClaim,
    LocalEntity,
    LocalResult,
    Outline,
    Paper,
    Place,
    Relation,
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


def load_extraction(text: str, paper: Paper, *, mentions: bool = True) -> Extraction:
    """Return the extraction of ``paper`` that :func:`dump_extraction` wrote, with or without mentions of its entities.

    Raises:
        ValueError: the text is no extraction of this paper.
    """
    name = paper.id
    sections = tuple(map(paper.section, SECTIONS))

    def evidence(place: Sequence[int]) -> Evidence:
        section, start, end, low, high = place
        text = sections[section]
        return Evidence(name, SECTIONS[section], start, end, text[start:end], text[low:high], low)

    try:
        entities, claims, results, headline = json.loads(text)
        return Extraction(
            paper=name,
            entities=tuple(_entity(x, tuple(map(evidence, x[3])) if mentions else ()) for x in entities),
            claims=tuple(LocalClaim(Relation(x[0]), x[1], x[2], tuple(map(evidence, x[3]))) for x in claims),
            results=tuple(_result(x, evidence(x[4])) for x in results),
            headline=headline,
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"no extraction: {error}") from error


def load_outline(text: str, paper: str) -> Outline:
    """Return the outline of an extraction that :func:`dump_extraction` wrote; ``paper`` is the id of its paper.

    Raises:
        ValueError: the text is no extraction.
    """
    try:
        entities, _, results, _ = json.loads(text)
        return Outline(
            paper,
            tuple(_entity(x, ()) for x in entities),
            tuple(dict.fromkeys(x[0] for x in results if x[0])),
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"no extraction: {error}") from error


def _places(items: Sequence[Evidence]) -> list[tuple[int, int, int, int, int]]:
    return [
        (SECTIONS.index(e.section), e.start, e.end, e.sentence_start, e.sentence_start + len(e.sentence)) for e in items
    ]


def _entity(x: list[Any], mentions: tuple[Evidence, ...]) -> LocalEntity:
    type_, key, names, _, confidence, concept, pairs = x
    return LocalEntity(
        key=key,
        type=EntityType(type_),
        names=tuple(names),
        mentions=mentions,
        confidence=confidence,
        concept=concept,
        pairs=tuple((short, long_) for short, long_ in pairs),
    )


def _result(x: list[Any], evidence: Evidence) -> LocalResult:
    values: Any = (*x[:4], evidence, *x[5:])  # in the order of its fields
    return LocalResult(*values)
