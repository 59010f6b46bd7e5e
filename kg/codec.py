"""Extractions as JSON and back: how they are cached."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from kg.model import EntityType, Evidence, Extraction, LocalClaim, LocalEntity, LocalResult, Relation


def dump_extraction(extraction: Extraction) -> str:
    """Return an extraction as compact JSON; equal extractions give equal text."""
    return json.dumps(asdict(extraction), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def load_extraction(text: str) -> Extraction:
    """Return the extraction that :func:`dump_extraction` wrote.

    Raises:
        ValueError: the text is no extraction.
    """
    try:
        record = json.loads(text)
        return Extraction(
            paper=record["paper"],
            entities=tuple(_entity(x) for x in record["entities"]),
            claims=tuple(_claim(x) for x in record["claims"]),
            results=tuple(_result(x) for x in record["results"]),
            headline=record["headline"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no extraction: {error}") from error


def _entity(x: dict[str, Any]) -> LocalEntity:
    mentions = tuple(Evidence(**m) for m in x["mentions"])
    pairs = tuple((short, long_) for short, long_ in x["pairs"])
    return LocalEntity(
        **{**x, "type": EntityType(x["type"]), "names": tuple(x["names"]), "mentions": mentions, "pairs": pairs}
    )


def _claim(x: dict[str, Any]) -> LocalClaim:
    return LocalClaim(
        Relation(x["relation"]), x["object"], x["confidence"], tuple(Evidence(**e) for e in x["evidence"])
    )


def _result(x: dict[str, Any]) -> LocalResult:
    return LocalResult(**{**x, "evidence": Evidence(**x["evidence"])})
