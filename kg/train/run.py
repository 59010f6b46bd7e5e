"""Train all parts of a model folder, one after the other, from the data folder."""

from __future__ import annotations

import json
from collections.abc import Callable
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
from kg.train.tagger import HELD_OUT, read_training_papers, split, train_tagger
from kg.vocabulary import default_gazetteer

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


def role_examples(data: Path, tagger: SpanTagger) -> tuple[list[role_training.Example], int]:
    """Return examples for the role model and how many of them, the first ones, are dev papers.

    All of them are papers that the tagger was not trained on: the dev papers, and the share of the training papers
    that was held out. Scores of papers that it has seen would be too good to learn from.
    """
    gazetteer = default_gazetteer()

    def example(paper: Paper, gold: Facts, weight: float) -> role_training.Example:
        scores = tagger.tag(paper.title, paper.abstract)
        return role_training.example(read_candidates(paper, scores, gazetteer), gold, weight)

    dev = [example(paper, gold, DEV_WEIGHT) for paper, gold in dev_papers(data)]
    papers, _ = read_training_papers(data)
    held = split(papers, HELD_OUT)[1]
    return [*dev, *(example(Paper(title=p.title, abstract=p.abstract), p.record, 1.0) for p in held)], len(dev)


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

    Args:
        data: folder with ``gold/train.jsonl``, ``gold/dev.jsonl`` and ``seeds/``.
        tagger: train the tagger too; without it, ``out`` must have one, and only the small models are made anew.

    Raises:
        InputError: data, encoder or tagger are missing.
    """
    if tagger:
        meta = train_tagger(data, out, seed=seed, epochs=epochs, encoder=encoder)
        report(f"tagger, held-out papers: {meta.get('held_out_f1')}")
    examples, dev = role_examples(data, SpanTagger.load(out))
    report(f"roles: {len(examples)} papers, cross-validated on {dev}")
    model, figures = role_training.train_roles(examples, range(dev), seed=seed, report=report)
    roles.save(model, out / "roles.npz")
    (out / "roles.json").write_text(json.dumps(asdict(figures), indent=1) + "\n", encoding="utf-8")
    papers, _ = read_training_papers(data)
    single = [result_model.example(p.record, p.abstract) for p in papers]
    double = [result_model.example(gold, paper.abstract, 2.0) for paper, gold in dev_papers(data)]
    decision.save(result_model.train_results(single, double, seed=seed, report=report), out / "results.npz")
