"""Train all parts of a model folder, one after the other, from the data folder."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from kg.errors import InputError
from kg.extract import roles
from kg.extract.candidates import read_candidates
from kg.extract.results import decision
from kg.extract.tagger import SpanTagger
from kg.gold import Facts, read_gold
from kg.ids import title_key
from kg.model import Paper
from kg.readers import Skipped, deduplicate, read
from kg.train import result_model
from kg.train import roles as role_training
from kg.train.data import GoldPaper, gold_paper
from kg.train.folds import Scores, load_scores, out_of_fold, save_scores
from kg.train.tagger import read_training_papers, shuffled, train_tagger
from kg.vocabulary import default_gazetteer

FOLD_SCORES = "folds.npz"
"""File of a model folder with what taggers that have not seen the papers make of them; only training reads it."""

DEV_WEIGHT = 1.5
"""Weight of the papers that two people annotated, beside 1 for those that one did."""


def dev_papers(data: Path) -> list[tuple[Paper, Facts]]:
    """Return the gold dev papers with their text, which stands in the saved pages of the data folder.

    Raises:
        InputError: pages or gold file are missing.
    """
    pages = sorted((data / "seeds").glob("*.txt"))
    if not pages:
        raise InputError(f"{data}: no saved pages in seeds/; give the data folder that has gold/ and seeds/")
    gold = read_gold(data / "gold" / "dev.jsonl")
    papers = deduplicate(item for item in read(pages) if not isinstance(item, Skipped))
    return [(paper, gold[key]) for paper in papers if (key := title_key(paper.title)) in gold]


def gold_dev(data: Path) -> list[GoldPaper]:
    """Return the gold dev papers in the shape of the training papers."""
    return [
        gold_paper({**gold, "id": paper.id, "title": paper.title, "abstract": paper.abstract})
        for paper, gold in dev_papers(data)
    ]


def role_examples(data: Path, scores: Path) -> tuple[list[role_training.Example], int]:
    """Return examples for the role model and how many of them, the first ones, are dev papers.

    Args:
        scores: file of the scores of all papers by taggers that have not seen them (:mod:`kg.train.folds`).

    Raises:
        InputError: data or scores are missing.
    """
    gazetteer = default_gazetteer()
    single, double = shuffled(read_training_papers(data)[0]), gold_dev(data)
    scored = load_scores([*double, *single], scores)

    def example(gold: GoldPaper, spans: Scores, weight: float) -> role_training.Example:
        paper = Paper(title=gold.title, abstract=gold.abstract)
        return role_training.example(read_candidates(paper, spans, gazetteer), gold.record, weight)

    weights = [DEV_WEIGHT] * len(double) + [1.0] * len(single)
    return list(map(example, [*double, *single], scored, weights)), len(double)


def train(
    data: Path,
    out: Path,
    *,
    seed: int = 13,
    epochs: int = 9,
    encoder: Path | None = None,
    tagger: bool = True,
    report: Callable[[str], None] = print,
) -> None:
    """Train tagger, role model and result model, and write the model folder ``out``.

    The tagger learns from all papers. The role model learns from the scores that taggers of half of the training papers
    give to the others and to the dev papers; they are kept in ``out/folds.npz``.

    Args:
        data: folder with ``gold/train.jsonl``, ``gold/dev.jsonl`` and ``seeds/``.
        tagger: train the taggers too; without it, ``out`` must have one and its ``folds.npz``, and only the small
            models are made anew.

    Raises:
        InputError: data, encoder, tagger or scores are missing.
    """
    if tagger:
        _train_taggers(data, out, seed=seed, epochs=epochs, encoder=encoder)
    examples, dev = role_examples(data, out / FOLD_SCORES)
    report(f"roles: {len(examples)} papers, cross-validated on {dev}")
    model, figures = role_training.train_roles(examples, range(dev), seed=seed, report=report)
    roles.save(model, out / "roles.npz")
    (out / "roles.json").write_text(json.dumps(asdict(figures), indent=1) + "\n", encoding="utf-8")
    papers, _ = read_training_papers(data)
    single = [result_model.example(p.record, p.abstract) for p in papers]
    double = [result_model.example(gold, paper.abstract, 2.0) for paper, gold in dev_papers(data)]
    decision.save(result_model.train_results(single, double, seed=seed, report=report), out / "results.npz")


def _train_taggers(data: Path, out: Path, *, seed: int, epochs: int, encoder: Path | None) -> None:
    """Write the scores out of fold, then the tagger that learns from all papers."""
    papers, digest = read_training_papers(data)
    single, double = shuffled(papers), gold_dev(data)
    about = {"files": ["gold/train.jsonl", "gold/dev.jsonl"], "sha256 of gold/train.jsonl": digest}

    def make(some: Sequence[GoldPaper], folder: Path) -> SpanTagger:
        return train_tagger(some, folder, about=about, seed=seed, epochs=epochs, encoder=encoder)

    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        scored = out_of_fold(single, double, lambda some, fold: make(some, Path(folder) / f"fold{fold}"))
    save_scores([*single, *double], scored, out / FOLD_SCORES)
    make([*single, *double], out)
