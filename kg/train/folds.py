"""Scores of papers by taggers that were not trained on them, from which the role model learns.

A tagger scores the papers it has seen too well to learn from. So the training papers are parted in folds, each scored
by a tagger of the others.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile

import numpy as np

from kg.errors import InputError
from kg.extract.spans import Section
from kg.extract.tagger import SpanScore
from kg.train.data import ROLES, TYPES, GoldPaper

log = logging.getLogger(__name__)

SECTIONS: tuple[Section, ...] = ("title", "abstract")
NAMES = (*ROLES, "main")
Scores = tuple[SpanScore, ...]


class Tagger(Protocol):
    """What a fold's tagger can do."""

    def tag(self, title: str, abstract: str) -> Scores:
        """Return the scored spans of a paper."""
        ...


def out_of_fold(
    papers: Sequence[GoldPaper], make: Callable[[Sequence[GoldPaper], int], Tagger], *, folds: int
) -> list[Scores]:
    """Return the scores of papers by taggers that have not seen them.

    Args:
        make: trains a tagger on papers; gets the number of the fold too.
        folds: each costs a training; with few, taggers learn from little.
    """
    out: list[Scores] = [()] * len(papers)
    for fold in range(folds):
        tagger = make([p for k, p in enumerate(papers) if k % folds != fold], fold)
        for k in range(fold, len(papers), folds):
            out[k] = tagger.tag(papers[k].title, papers[k].abstract)
        log.info("fold %d of %d is scored", fold + 1, folds)
    return out


def save_scores(papers: Sequence[GoldPaper], scored: Sequence[Scores], path: Path) -> None:
    """Write scores without any text: places of spans and probabilities, papers by a hash of their text.

    Probabilities are kept with 16 bits, whose error is below 0.001.
    """
    flat = [span for spans in scored for span in spans]
    place = [(SECTIONS.index(s.section), s.start, s.end) for s in flat]
    values = [(s.entity, *(s.types[t] for t in TYPES), *(s.roles.get(r, 0.0) for r in NAMES)) for s in flat]
    np.savez_compressed(
        path,
        allow_pickle=False,
        paper=np.array([_key(p) for p in papers]),
        count=np.array([len(spans) for spans in scored], dtype=np.int32),
        place=np.array(place, dtype=np.int32).reshape(len(flat), 3),
        value=np.array(values, dtype=np.float16).reshape(len(flat), 1 + len(TYPES) + len(NAMES)),
    )


def load_scores(papers: Sequence[GoldPaper], path: Path) -> list[Scores]:
    """Return the scores of papers that :func:`save_scores` wrote.

    Raises:
        InputError: the file is missing or broken, or lacks a paper.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            keys, count, place, value = (stored[name] for name in ("paper", "count", "place", "value"))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(f"{path}: no scores of papers ({error}); run kg train without --no-tagger") from error
    ends = np.cumsum(count).tolist()
    rows = {key: (end - size, end) for key, size, end in zip(keys.tolist(), count.tolist(), ends, strict=True)}
    out: list[Scores] = []
    for paper in papers:
        if _key(paper) not in rows:
            raise InputError(f"{path}: has no scores of {paper.title[:60]!r}; run kg train without --no-tagger")
        first, end = rows[_key(paper)]
        out.append(tuple(_span(paper, *both) for both in zip(place[first:end], value[first:end], strict=True)))
    return out


def _key(paper: GoldPaper) -> str:
    return hashlib.sha256(f"{paper.title}\n{paper.abstract}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _span(paper: GoldPaper, place: np.ndarray[tuple[int], np.dtype[np.int32]], value: np.ndarray) -> SpanScore:
    number, start, end = place.tolist()
    section = SECTIONS[number]
    entity, *rest = (round(v, 5) for v in value.astype(np.float64).tolist())
    text = (paper.title if section == "title" else paper.abstract)[start:end]
    types, roles = rest[: len(TYPES)], rest[len(TYPES) :]
    return SpanScore(
        section, start, end, text, entity, dict(zip(TYPES, types, strict=True)), dict(zip(NAMES, roles, strict=True))
    )
