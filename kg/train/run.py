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
from kg.extract.crf import LABELS, CrfTagger
from kg.extract.results import decision
from kg.extract.tagger import SpanTagger
from kg.gold import Facts, read_gold
from kg.ids import title_key
from kg.model import Paper
from kg.readers import Skipped, deduplicate, read
from kg.train import result_model
from kg.train import roles as role_training
from kg.train.crf import train_crf
from kg.train.data import GoldPaper, gold_paper
from kg.train.folds import Scores, load_scores, out_of_fold, save_scores
from kg.train.tagger import read_training_papers, shuffled, train_tagger
from kg.vocabulary import default_gazetteer

SCORES, SECOND = "folds.npz", "second.npz"
"""Files of a model folder with what taggers that have not seen the papers make of them; only training reads them."""

FOLDS = 2
"""Encoders that score the training papers out of fold; each costs nearly half as much as the one that ships."""

HELD_OUT = 0.1
"""Share of the training papers that the encoder which scores the dev papers does not see, for figures of its own."""

DEV_WEIGHT, FAST_DEV_WEIGHT = 4.0, 1.5
"""Weight of the papers that two people annotated, beside 1 for those that one did; chosen by cross-validation."""


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


def role_examples(data: Path, model: Path, weight: float = DEV_WEIGHT) -> tuple[list[role_training.Example], int]:
    """Return examples for the role model and how many of them, the first ones, are dev papers.

    Args:
        weight: of each dev paper.
        model: folder with the scores of all papers by taggers that have not seen them (:mod:`kg.train.folds`), and
            perhaps with those of a second kind of tagger.

    Raises:
        InputError: data or scores are missing.
    """
    gazetteer = default_gazetteer()
    single, double = shuffled(read_training_papers(data)[0]), gold_dev(data)
    papers = [*double, *single]
    scored = load_scores(papers, model / SCORES)
    second = load_scores(papers, model / SECOND) if (model / SECOND).is_file() else [()] * len(papers)

    def example(gold: GoldPaper, spans: Scores, others: Scores, weight: float) -> role_training.Example:
        paper = Paper(title=gold.title, abstract=gold.abstract)
        return role_training.example(read_candidates(paper, spans, gazetteer, others), gold.record, weight)

    weights = [weight] * len(double) + [1.0] * len(single)
    return list(map(example, papers, scored, second, weights)), len(double)


def train(
    data: Path,
    out: Path,
    *,
    seed: int = 13,
    epochs: int = 9,
    encoder: Path | None = None,
    tagger: bool = True,
    fast: bool = False,
    report: Callable[[str], None] = print,
) -> None:
    """Train taggers, role model and result model, and write the model folder ``out``.

    The default model has two taggers, an encoder and a CRF, the fast one has the CRF alone. They learn from the
    training papers; the role model learns from the scores that taggers give to papers that they have not seen, which
    are kept in the folder.

    Args:
        data: folder with ``gold/train.jsonl``, ``gold/dev.jsonl`` and ``seeds/``.
        tagger: train the taggers too; without it, ``out`` must have them and their scores, and only the small models
            are made anew.

    Raises:
        InputError: data, encoder, tagger or scores are missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    if tagger:
        _train_crf(data, out, SCORES if fast else SECOND, seed=seed)
        if not fast:
            _train_encoder(data, out, seed=seed, epochs=epochs, encoder=encoder)
    examples, dev = role_examples(data, out, FAST_DEV_WEIGHT if fast else DEV_WEIGHT)
    report(f"roles: {len(examples)} papers, cross-validated on {dev}")
    model, figures = role_training.train_roles(examples, range(dev), seed=seed, report=report)
    roles.save(model, out / "roles.npz")
    _write_json(out / "roles.json", asdict(figures))
    if not fast:
        papers, _ = read_training_papers(data)
        single = [result_model.example(p.record, p.abstract) for p in papers]
        double = [result_model.example(gold, paper.abstract, 2.0) for paper, gold in dev_papers(data)]
        decision.save(result_model.train_results(single, double, seed=seed, report=report), out / "results.npz")


def _train_crf(data: Path, out: Path, scores: str, *, seed: int) -> None:
    papers, scored = train_crf(data, out, seed=seed)
    tagger = CrfTagger.load(out)
    dev = gold_dev(data)
    scored += [tagger.tag(p.title, p.abstract) for p in dev]
    save_scores([*papers, *dev], scored, out / scores)
    about = {"seed": seed, "labels": list(LABELS), "data": {**_sources(data), "papers": len(papers)}}
    _write_json(out / "crf.json", about)


def _train_encoder(data: Path, out: Path, *, seed: int, epochs: int, encoder: Path | None) -> None:
    """Write the tagger that ships, which learns from all papers, and scores of all papers by others.

    Those are two of halves of the training papers, and one of nine tenths of them for the dev papers.
    """
    single, double = shuffled(read_training_papers(data)[0]), gold_dev(data)
    about = _sources(data)

    def make(some: Sequence[GoldPaper], folder: Path) -> SpanTagger:
        return train_tagger(some, folder, about=about, seed=seed, epochs=epochs, encoder=encoder)

    with tempfile.TemporaryDirectory(dir=out) as folder:
        tenths = make(single[int(len(single) * HELD_OUT) :], Path(folder) / "tenths")
        scored = out_of_fold(single, lambda some, fold: make(some, Path(folder) / f"fold{fold}"), folds=FOLDS)
        scored += [tenths.tag(p.title, p.abstract) for p in double]
    save_scores([*single, *double], scored, out / SCORES)
    make([*single, *double], out)


def _sources(data: Path) -> dict[str, str]:
    return {"sha256 of gold/train.jsonl": read_training_papers(data)[1]}


def _write_json(path: Path, about: object) -> None:
    path.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
