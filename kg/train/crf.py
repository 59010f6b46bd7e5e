"""Train the fast tagger: CRFsuite (N. Okazaki, 2007) fits the weights, plain arrays keep them."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kg.extract.crf import FORMAT, KINDS, LABELS, CrfTagger, Weights, chains, load_weights
from kg.extract.crf_features import OFFSETS, PAD, page, word_features
from kg.extract.spans import candidate_spans
from kg.train.data import ROLES, TYPES, GoldPaper, align
from kg.train.folds import Scores, out_of_fold
from kg.train.tagger import read_training_papers
from kg.vocabulary import Gazetteer, default_gazetteer

FOLDS = 5
"""Taggers that score papers out of fold; each is quickly trained."""

Sequences = list[tuple[list[list[str]], list[str]]]
"""One item a run of words: the features of each word, and its label."""

_OTHERWISE = {"method": "buildsOn", "dataset": "evaluatedOn", "hardware": "runsOn", "task": "targets"}
"""The role of a name whose own role is too rare to be learned."""


def kind_of(type_: str, roles: frozenset[str]) -> str:
    """Return which of :data:`~kg.extract.crf.KINDS` stands for a name of this type in these roles."""
    kinds = [k for k in KINDS if k.split("/")[0] == type_ and k.split("/")[1] in roles]
    return kinds[0] if kinds else f"{type_}/{_OTHERWISE[type_]}"


def labels_of(paper: GoldPaper, words: Sequence[Any]) -> list[str]:
    """Return the label of each word; of overlapping names one that must be found goes first, then the longest."""
    spans = list(candidate_spans(words))
    marks, _ = align(paper, words, spans)
    named = [(spans[k], marks[k]) for k in np.nonzero(marks[:, 0])[0]]
    named.sort(key=lambda item: (-item[1][-1], item[0][0] - item[0][1], item[0]))
    out = ["O"] * len(words)
    for (first, last), row in named:
        if any(label != "O" for label in out[first : last + 1]):
            continue
        type_ = TYPES[int(row[1 : 1 + len(TYPES)].argmax())]
        roles = frozenset(r for k, r in enumerate(ROLES) if row[1 + len(TYPES) + k])
        kind = kind_of(type_, roles)
        out[first : last + 1] = [f"B-{kind}", *(f"I-{kind}" for _ in range(last - first))]
    return out


def sequences(paper: GoldPaper, gazetteer: Gazetteer) -> Sequences:
    """Return the training sequences of a paper, with the features that :class:`~kg.extract.crf.CrfTagger` adds up."""
    read = page(paper.title, paper.abstract, gazetteer)
    labels = labels_of(paper, read.words)
    rows = [names for sentence in read.sentences for names in read.context(*sentence)]
    for (start, end), shared in zip(read.sentences, read.shared, strict=True):
        for k in range(start, end):
            rows[k] += shared
            for slot, offset in enumerate(OFFSETS):
                inside = start <= k + offset < end
                rows[k] += word_features(read.words[k + offset].text if inside else PAD)[slot]
    return [(rows[a:b], labels[a:b]) for a, b in chains(read.words)]


def fit(data: Sequence[Sequences], *, c1: float = 1.0, c2: float = 0.1, iterations: int = 70) -> Weights:
    """Fit the weights by L-BFGS with the penalties ``c1`` (L1) and ``c2`` (L2); the same data give the same weights."""
    import pycrfsuite

    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params(
        {
            "c1": c1,
            "c2": c2,
            "max_iterations": iterations,
            "feature.minfreq": 2,
            "feature.possible_transitions": True,
        }
    )
    for paper in data:
        for rows, labels in paper:
            trainer.append(rows, labels)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        info = tagger.info()
        tagger.close()
    names = sorted({name for name, _ in info.state_features})
    rows_of = {name: k for k, name in enumerate(names)}
    column = {label: k for k, label in enumerate(LABELS)}
    state = np.zeros((len(names) + 1, len(LABELS)), dtype=np.float32)
    for (name, label), weight in info.state_features.items():
        state[rows_of[name], column[label]] = weight
    transitions = np.zeros((len(LABELS), len(LABELS)), dtype=np.float32)
    for (before, after), weight in info.transitions.items():
        transitions[column[before], column[after]] = weight
    return Weights(rows_of, state, transitions)


def save_weights(weights: Weights, path: Path) -> None:
    """Write the weights, without those too small to matter, as one ``.npz`` file; equal weights give equal bytes."""
    kept = np.abs(weights.state) >= 1e-3
    used = np.nonzero(kept[:-1].any(axis=1))[0]
    all_names = sorted(weights.rows, key=weights.rows.__getitem__)
    feature, label = np.nonzero(kept[used])
    values = weights.state[used][feature, label]
    head = json.dumps({"format": FORMAT, "labels": LABELS}).encode()
    np.savez_compressed(
        path,
        allow_pickle=False,
        head=np.frombuffer(head, dtype=np.uint8),
        names=np.frombuffer("\n".join(all_names[k] for k in used).encode(), dtype=np.uint8),
        feature=feature.astype(np.int32),
        label=label.astype(np.int8),
        weight=values.astype(np.float16),
        transitions=weights.transitions,
    )


def train_crf(data: Path, out: Path, *, seed: int = 13) -> tuple[list[GoldPaper], list[Scores]]:
    """Train the CRF on the training papers and write ``out/tagger.npz``.

    About 10 minutes on one core.

    Args:
        data: folder with ``gold/train.jsonl``.

    Returns:
        the training papers with their scores out of fold: five taggers, each trained on four fifths, score the rest.

    Raises:
        InputError: data are missing or wrong.
    """
    papers = shuffled(read_training_papers(data)[0], seed)
    runs = {paper: sequences(paper, default_gazetteer()) for paper in papers}
    out.mkdir(parents=True, exist_ok=True)
    save_weights(fit([runs[paper] for paper in papers]), out / "tagger.npz")
    with tempfile.TemporaryDirectory() as folder:

        def make(some: Sequence[GoldPaper], fold: int) -> CrfTagger:
            path = Path(folder) / f"fold{fold}.npz"
            save_weights(fit([runs[paper] for paper in some]), path)
            return CrfTagger(load_weights(path), path.name)

        return papers, out_of_fold(papers, make, folds=FOLDS)


def shuffled(papers: Sequence[GoldPaper], seed: int) -> list[GoldPaper]:
    """Return the papers in an order that depends on the seed alone."""
    mixed = sorted(papers, key=lambda p: (p.id, p.title))
    random.Random(seed).shuffle(mixed)
    return mixed
