"""Scores out of fold: nobody scores what it has learned from, and what is kept comes back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kg.errors import InputError
from kg.extract.candidates import read_candidates
from kg.extract.roles import DECISIONS
from kg.extract.tagger import SpanScore
from kg.model import Paper
from kg.train import roles as role_training
from kg.train.data import ROLES, TYPES, GoldPaper, gold_paper
from kg.train.folds import load_scores, out_of_fold, save_scores
from kg.vocabulary import default_gazetteer


def papers(first: int, count: int) -> list[GoldPaper]:
    return [
        gold_paper({"id": str(k), "title": f"Net{k}: small 🙂 networks", "abstract": f"Net{k} beats ResNet-50."})
        for k in range(first, first + count)
    ]


class Echo:
    """Scores the name before the colon with the number of its fold, and knows what it has seen."""

    def __init__(self, seen: Sequence[GoldPaper], fold: int) -> None:
        self.seen, self.fold = {p.title for p in seen}, fold

    def tag(self, title: str, abstract: str) -> tuple[SpanScore, ...]:
        assert title not in self.seen
        end = title.index(":")
        return (
            SpanScore("title", 0, end, title[:end], 0.25 + self.fold / 2, dict.fromkeys(TYPES, 0.5), _roles(0.125)),
            SpanScore("abstract", 0, end, abstract[:end], 0.0, dict.fromkeys(TYPES, 1.0), _roles(0.75)),
        )


def _roles(value: float) -> dict[str, float]:
    return dict.fromkeys((*ROLES, "main"), value)


def test_each_paper_is_scored_by_a_tagger_that_has_not_seen_it_and_every_tagger_learns() -> None:
    single = papers(0, 7)
    learned: list[int] = []

    def make(seen: Sequence[GoldPaper], fold: int) -> Echo:
        learned.append(len(seen))
        return Echo(seen, fold)

    scored = out_of_fold(single, make, folds=2)
    assert learned == [3, 4]
    assert [spans[0].entity for spans in scored] == [0.25, 0.75] * 3 + [0.25]


def test_scores_come_back_in_any_order_without_holding_text(tmp_path: Path) -> None:
    some = papers(0, 5)
    scored = out_of_fold(some, Echo, folds=2)
    scored[2] = ()
    save_scores(some, scored, tmp_path / "folds.npz")
    assert load_scores(some[::-1], tmp_path / "folds.npz") == scored[::-1]
    assert b"ResNet" not in (tmp_path / "folds.npz").read_bytes()


def test_an_unknown_paper_and_a_broken_file_are_told(tmp_path: Path) -> None:
    path = tmp_path / "folds.npz"
    some = papers(0, 2)
    save_scores(some, out_of_fold(some, Echo, folds=2), path)
    with pytest.raises(InputError, match=r"folds\.npz: has no scores of 'Net9: small"):
        load_scores(papers(9, 1), path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=r"folds\.npz: no scores of papers .*kg train"):
        load_scores(some, path)
    with pytest.raises(InputError, match="no scores of papers"):
        load_scores(some, tmp_path / "nothing.npz")


def test_too_few_papers_to_learn_from_are_told_and_an_answer_that_never_varies_keeps_its_scores() -> None:
    some = [
        role_training.example(
            read_candidates(Paper(title=p.title, abstract=p.abstract), (), default_gazetteer()), p.record
        )
        for p in papers(0, 3)
    ]
    with pytest.raises(InputError, match="annotate more"):
        role_training.fit(some)
    scores = {k: {d: np.zeros(len(e.rows)) for d in DECISIONS} for k, e in enumerate(some)}
    assert set(role_training.calibrate(some, scores).values()) == {(1.0, 0.0)}
