"""From the scores of a SciER model to mentions and relations, thresholds, and the measures of the benchmark."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from kg.train.scier import COLUMNS, KINDS, Chunk, JointNetwork, Span, collate_pairs, pairs_of
from kg.train.scier_data import RELATIONS, Document, Sentence
from kg.train.trainer import batches, collate

FLOOR = 0.05
PAIR_FLOOR = 0.1
"""Score from which a span may take part in a relation: a sure relation makes up for an unsure mention."""
GRID = tuple(round(0.05 + 0.025 * k, 3) for k in range(31))

Scored = tuple[Span, float]
Mention = tuple[int, int, str]
Relation = tuple[Mention, str, Mention]


@dataclass(frozen=True, slots=True)
class Found:
    """What a model says of one sentence."""

    mentions: frozenset[Mention] = frozenset()
    relations: frozenset[Relation] = frozenset()


@dataclass(slots=True)
class Counts:
    """Right, predicted and gold items."""

    right: int = 0
    predicted: int = 0
    gold: int = 0

    def add(self, found: frozenset[Any] | set[Any], gold: frozenset[Any] | set[Any]) -> None:
        """Add a sentence."""
        self.right += len(found & gold)
        self.predicted += len(found)
        self.gold += len(gold)

    @property
    def precision(self) -> float:
        """Right among predicted."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Right among gold."""
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.predicted + self.gold
        return 2 * self.right / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score on a span is a mention and a pair is related."""

    mention: float = 0.5
    relation: float = 0.4


@dataclass(slots=True)
class Measures:
    """Micro-averaged counts over all sentences.

    ``mention``: exact span and type.  ``relation``: both exact spans and the label; ``relation_typed`` (Rel+) both
    types as well.  The direction always counts.  ``by_type`` and ``by_label`` split the first and the last of these.
    """

    mention: Counts = field(default_factory=Counts)
    relation: Counts = field(default_factory=Counts)
    relation_typed: Counts = field(default_factory=Counts)
    by_type: dict[str, Counts] = field(default_factory=lambda: {k: Counts() for k in KINDS})
    by_label: dict[str, Counts] = field(default_factory=lambda: {r: Counts() for r in RELATIONS})


def _grouped(chunked: Sequence[Chunk], size: int) -> Iterator[list[int]]:
    number = {id(c.example): k for k, c in enumerate(chunked)}
    for group in batches([c.example for c in chunked], size, None):
        yield [number[id(e)] for e in group]


@torch.no_grad()
def score_spans(network: JointNetwork, chunked: Sequence[Chunk], size: int = 8) -> list[list[list[Scored]]]:
    """Return by chunk and sentence the spans with a score of at least :data:`FLOOR`.

    A span's score is the probability of being a mention times that of its best type.
    """
    network.eval()
    out: list[list[list[Scored]]] = [[] for _ in chunked]
    for rows in _grouped(chunked, size):
        batch = collate([chunked[k].example for k in rows])
        with torch.autocast("cpu", torch.bfloat16):
            values = torch.sigmoid(network.spans(*batch.inputs)).numpy()
        at = 0
        for k, (example, count) in zip(rows, batch.parts, strict=True):
            part = values[at : at + count]
            at += count
            kinds = part[:, COLUMNS].argmax(1)
            scores = part[:, 0] * part[:, COLUMNS].max(1)
            bounds = [*chunked[k].offsets, len(example.window.words) + 1]
            for low, high in pairwise(bounds):
                inside = np.flatnonzero((example.starts >= low) & (example.starts < high) & (scores >= FLOOR))
                out[k].append(
                    [
                        ((int(example.starts[n]) - low, int(example.ends[n]) - low, int(kinds[n])), float(scores[n]))
                        for n in inside
                    ]
                )
    return out


def choose_spans(scored: Sequence[Scored], threshold: float) -> list[Span]:
    """Return spans from the best score down that reach ``threshold`` and overlap no better one, in text order."""
    kept: list[Span] = []
    for span, score in sorted(scored, key=lambda s: (-s[1], s[0])):
        if score >= threshold and all(span[1] < k[0] or k[1] < span[0] for k in kept):
            kept.append(span)
    return sorted(kept)


@torch.no_grad()
def score_pairs(
    network: JointNetwork, chunked: Sequence[Chunk], mentions: Sequence[Sequence[Sequence[Span]]], size: int = 8
) -> list[list[list[tuple[Span, Span, Any]]]]:
    """Return by chunk and sentence all pairs of mentions, the earlier one first, with the probabilities of classes."""
    network.eval()
    out: list[list[list[tuple[Span, Span, Any]]]] = [[[] for _ in c.sentences] for c in chunked]
    for rows in _grouped(chunked, size):
        batch = collate([chunked[k].example for k in rows])
        pairs = collate_pairs([chunked[k] for k in rows], batch.inputs[0].shape[1], [mentions[k] for k in rows])
        if pairs is None:
            continue
        with torch.autocast("cpu", torch.bfloat16):
            states = network.spans.encode(*batch.inputs[:4]).flatten(0, 1)
            logits = network.pairs(states, pairs)
        values = iter(torch.softmax(logits, 1).numpy())
        for k in rows:
            for s, found in enumerate(mentions[k]):
                out[k][s] = [(found[a], found[b], next(values)) for a, b, _ in pairs_of(found)]
    return out


def choose_relations(
    pairs: Sequence[tuple[Span, Span, Any]], scored: Sequence[Scored], threshold: float
) -> list[tuple[Span, str, Span]]:
    """Return the best relation of each pair where its score reaches ``threshold``.

    The score is the probability of the relation times the geometric mean of the scores of both mentions.
    """
    worth = dict(scored)
    out = []
    for a, b, values in pairs:
        best = int(np.argmax(values[:-1]))
        if values[best] * math.sqrt(worth[a] * worth[b]) >= threshold:
            label = RELATIONS[best % len(RELATIONS)]
            out.append((a, label, b) if best < len(RELATIONS) else (b, label, a))
    return out


def named(span: Span) -> Mention:
    """Return a span with the name of its type."""
    return span[0], span[1], KINDS[span[2]]


def find(network: JointNetwork, chunked: Sequence[Chunk], thresholds: Thresholds) -> list[list[Found]]:
    """Return by chunk and sentence what the model finds."""
    scored, pairs = score_all(network, chunked)
    return [
        [_found(s, p, thresholds) for s, p in zip(ss, ps, strict=True)] for ss, ps in zip(scored, pairs, strict=True)
    ]


def score_all(
    network: JointNetwork, chunked: Sequence[Chunk]
) -> tuple[list[list[list[Scored]]], list[list[list[tuple[Span, Span, Any]]]]]:
    """Return by chunk and sentence scored spans, and scored pairs of those that may take part in a relation."""
    scored = score_spans(network, chunked)
    return scored, score_pairs(network, chunked, [[choose_spans(s, PAIR_FLOOR) for s in c] for c in scored])


def _found(scored: Sequence[Scored], pairs: Sequence[tuple[Span, Span, Any]], thresholds: Thresholds) -> Found:
    relations = choose_relations(pairs, scored, thresholds.relation)
    return Found(
        frozenset(named(m) for m in choose_spans(scored, thresholds.mention)),
        frozenset((named(a), label, named(b)) for a, label, b in relations),
    )


def gold_relations(sentence: Sentence) -> frozenset[Relation]:
    """Return the annotated relations with their mentions."""
    return frozenset((sentence.mentions[a], label, sentence.mentions[b]) for a, label, b in sentence.relations)


def measure(sentences: Sequence[Sentence], found: Sequence[Found]) -> Measures:
    """Compare found with annotated sentences, both in the same order."""
    out = Measures()
    for sentence, f in zip(sentences, found, strict=True):
        gold, relations = frozenset(sentence.mentions), gold_relations(sentence)
        out.mention.add(f.mentions, gold)
        out.relation_typed.add(f.relations, relations)
        out.relation.add(*({(a[:2], r, b[:2]) for a, r, b in side} for side in (f.relations, relations)))
        for kind, counts in out.by_type.items():
            counts.add(*({m for m in side if m[2] == kind} for side in (f.mentions, gold)))
        for label, counts in out.by_label.items():
            counts.add(*({r for r in side if r[1] == label} for side in (f.relations, relations)))
    return out


def tune(network: JointNetwork, chunked: Sequence[Chunk]) -> tuple[Thresholds, Measures]:
    """Return the thresholds with the highest mention F1 and the highest Rel+ F1 on annotated chunks."""
    sentences = [s for c in chunked for s in c.sentences]
    by_chunk = score_all(network, chunked)
    scored, pairs = [s for c in by_chunk[0] for s in c], [p for c in by_chunk[1] for p in c]

    def measured(thresholds: Thresholds) -> Measures:
        return measure(sentences, [_found(s, p, thresholds) for s, p in zip(scored, pairs, strict=True)])

    mention = _best(lambda t: measured(Thresholds(t, 1.0)).mention.f1)
    relation = _best(lambda t: measured(Thresholds(1.0, t)).relation_typed.f1)
    best = Thresholds(mention, relation)
    return best, measured(best)


def _best(value_of: Callable[[float], float]) -> float:
    """Return the value of :data:`GRID` with the highest mean over itself and its neighbours, which is less noisy."""
    values = [value_of(t) for t in GRID]
    smooth = [sum(values[max(0, k - 1) : k + 2]) / len(values[max(0, k - 1) : k + 2]) for k in range(len(values))]
    return GRID[int(np.argmax(smooth))]


def describe(documents: Sequence[Document]) -> Counter[str]:
    """Count documents, sentences, mentions and relations."""
    sentences = [s for d in documents for s in d.sentences]
    return Counter(
        documents=len(documents),
        sentences=len(sentences),
        mentions=sum(len(s.mentions) for s in sentences),
        relations=sum(len(s.relations) for s in sentences),
    )
