"""How well names alone find which mentions of a paper mean one thing: SciREX gold mentions, three ways of grouping.

    python benchmarks/resolution.py [--scirex ../shared/benchmarks/scirex/dev.jsonl.gz]

SciREX (S. Jain et al., "SciREX: A Challenge Dataset for Document-Level Information Extraction", ACL 2020) clusters the
mentions of a full paper. Clusters of things that a result tuple names (salient) are made by people; those of all other
things come with the release too. Grouping sees the mentions' text and the definitions "Full Name (ABBR)" of the paper.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from kg.extract.abbreviations import abbreviations
from kg.extract.grouping import Definition, same_thing
from kg.vocabulary import Gazetteer, default_gazetteer

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ROOT.parent / "shared" / "benchmarks" / "scirex" / "dev.jsonl.gz"

Clusters = Sequence[frozenset[Hashable]]
"""A clustering: sets of mentions that do not overlap."""


@dataclass(frozen=True)
class Score:
    """Precision and recall as fractions of sums over all documents, as the CoNLL scorer adds them up."""

    hit_precision: float = 0.0
    of_precision: float = 0.0
    hit_recall: float = 0.0
    of_recall: float = 0.0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.hit_precision + other.hit_precision,
            self.of_precision + other.of_precision,
            self.hit_recall + other.hit_recall,
            self.of_recall + other.of_recall,
        )

    @property
    def precision(self) -> float:
        return self.hit_precision / self.of_precision if self.of_precision else 0.0

    @property
    def recall(self) -> float:
        return self.hit_recall / self.of_recall if self.of_recall else 0.0

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def muc(gold: Clusters, found: Clusters) -> Score:
    """Return the link-based score of M. Vilain et al., "A model-theoretic coreference scoring scheme", MUC-6, 1995.

    Recall is ``sum(|S| - |p(S)|) / sum(|S| - 1)`` over gold clusters S, where p(S) are the parts into which the found
    clusters cut S; precision is the same with both sides exchanged.
    """

    def links(keys: Clusters, others: Clusters) -> tuple[float, float]:
        owner = {m: k for k, cluster in enumerate(others) for m in cluster}
        kept = total = 0
        for cluster in keys:
            known = {owner[m] for m in cluster if m in owner}
            kept += len(cluster) - len(known) - sum(m not in owner for m in cluster)
            total += len(cluster) - 1
        return float(kept), float(total)

    return Score(*links(found, gold), *links(gold, found))


def b_cubed(gold: Clusters, found: Clusters) -> Score:
    """Return the mention-based score of A. Bagga and B. Baldwin, "Algorithms for scoring coreference chains", 1998.

    Each mention's precision is ``|G & F| / |F|`` and its recall ``|G & F| / |G|`` for its gold cluster G and found
    cluster F; the score is the mean over found (precision) and gold (recall) mentions.
    """

    def mean(keys: Clusters, others: Clusters) -> tuple[float, float]:
        owner = {m: k for k, cluster in enumerate(others) for m in cluster}
        hit = 0.0
        for cluster in keys:
            shares = Counter(owner[m] for m in cluster if m in owner)
            hit += sum(n * n for n in shares.values()) / len(cluster)
        return hit, float(sum(map(len, keys)))

    return Score(*mean(found, gold), *mean(gold, found))


def ceaf_e(gold: Clusters, found: Clusters) -> Score:
    """Return the entity-based score of X. Luo, "On coreference resolution performance metrics", HLT/EMNLP 2005.

    Clusters are aligned one to one so that the sum of ``phi4(G, F) = 2 |G & F| / (|G| + |F|)`` is greatest; precision
    divides that sum by the number of found clusters, recall by that of gold clusters.
    """
    owner = {m: k for k, cluster in enumerate(found) for m in cluster}
    similarity = np.zeros((len(gold), len(found)))
    for row, cluster in enumerate(gold):
        for column, shared in Counter(owner[m] for m in cluster if m in owner).items():
            similarity[row, column] = 2 * shared / (len(cluster) + len(found[column]))
    total = float(similarity[linear_sum_assignment(-similarity)].sum())
    return Score(total, float(len(found)), total, float(len(gold)))


METRICS: dict[str, Callable[[Clusters, Clusters], Score]] = {"MUC": muc, "B3": b_cubed, "CEAF-e": ceaf_e}


def conll(scores: Iterable[Score]) -> float:
    """Return the mean F1 of MUC, B3 and CEAF-e (S. Pradhan et al., CoNLL 2012 shared task)."""
    values = [score.f1 for score in scores]
    return sum(values) / len(values)


@dataclass(frozen=True)
class Document:
    """A paper: its text, all gold mentions as (start, end) code points, and the gold clusters of mentions."""

    name: str
    text: str
    mentions: tuple[tuple[int, int], ...]
    salient: tuple[frozenset[Hashable], ...]
    others: tuple[frozenset[Hashable], ...]


def read_scirex(path: Path) -> Iterator[Document]:
    """Read SciREX documents; the words are joined to text again, so that hyphens and brackets stand as usual."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield _document(json.loads(line))


def _document(record: dict[str, Any]) -> Document:
    text, places = detokenise(record["words"])
    spans = {(first, last): (places[first][0], places[last - 1][1]) for first, last, _ in record["ner"]}

    def clusters(name: str) -> tuple[frozenset[Hashable], ...]:
        taken: set[tuple[int, int]] = set()
        found: list[frozenset[Hashable]] = []
        # A few mentions stand in two salient clusters; the smaller, more special one keeps them.
        for _, members in sorted(record[name].items(), key=lambda item: (len(item[1]), item[0])):
            free = {tuple(m) for m in members} - taken
            taken |= free
            if free:
                found.append(frozenset(spans[m] for m in free))
        return tuple(found)

    return Document(
        record["doc_id"], text, tuple(sorted(set(spans.values()))), clusters("coref"), clusters("coref_non_salient")
    )


def detokenise(words: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Join words with spaces, but not round hyphens and slashes nor inside brackets; return text and words' places.

    >>> detokenise(["Faster", "R", "-", "CNN", "(", "FRCNN", ")", "wins"])[0]
    'Faster R-CNN (FRCNN) wins'
    """
    text = ""
    places: list[tuple[int, int]] = []
    for k, word in enumerate(words):
        before = words[k - 1] if k else ""
        joined = not k or word in "-/),.;:%" or before in ("-", "/", "(")
        text += word if joined else f" {word}"
        places.append((len(text) - len(word), len(text)))
    return text, places


Grouping = Callable[[Document], dict[tuple[int, int], str]]


def exact(document: Document) -> dict[tuple[int, int], str]:
    """Group mentions with the same text."""
    return {(a, b): document.text[a:b] for a, b in document.mentions}


def lower_case(document: Document) -> dict[tuple[int, int], str]:
    """Group mentions with the same text in lower case, white space aside."""
    return {(a, b): re.sub(r"\s+", " ", document.text[a:b].lower()) for a, b in document.mentions}


def by_name(gazetteer: Gazetteer) -> Grouping:
    """Group mentions as the extractor does: normal form, the paper's own abbreviations, the vocabulary."""

    def group(document: Document) -> dict[tuple[int, int], str]:
        definitions = [
            Definition((1, a.short_start, a.short_end), a.short, a.long) for a in abbreviations(document.text)
        ]
        mentions = [((1, a, b), document.text[a:b], None) for a, b in document.mentions]
        return {(a, b): key for (_, a, b), key in same_thing(mentions, definitions, gazetteer).items()}

    return group


def measure(documents: Sequence[Document], grouping: Grouping, *, salient: bool) -> dict[str, Score]:
    """Score a grouping of the gold mentions, of the salient clusters only or of all."""
    totals = dict.fromkeys(METRICS, Score())
    for document in documents:
        gold = document.salient if salient else (*document.salient, *document.others)
        wanted = {m for cluster in gold for m in cluster}
        groups: dict[str, set[Hashable]] = defaultdict(set)
        for mention, key in grouping(document).items():
            if mention in wanted:
                groups[key].add(mention)
        found = [frozenset(group) for _, group in sorted(groups.items())]
        for name, metric in METRICS.items():
            totals[name] = totals[name] + metric(gold, found)
    return totals


def table(documents: Sequence[Document], groupings: dict[str, Grouping]) -> str:
    """Return the figures as a Markdown table, in per cent."""
    lines = [
        "| clusters | grouping | B3 P | B3 R | B3 F1 | MUC F1 | CEAF-e F1 | CoNLL F1 |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for salient in (True, False):
        for name, grouping in groupings.items():
            scores = measure(documents, grouping, salient=salient)
            b3 = scores["B3"]
            figures = (b3.precision, b3.recall, b3.f1, scores["MUC"].f1, scores["CEAF-e"].f1, conll(scores.values()))
            cells = " | ".join(f"{100 * value:.1f}" for value in figures)
            lines.append(f"| {'salient' if salient else 'all'} | {name} | {cells} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; without the data, say so and end well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--scirex", type=Path, default=DEFAULT, help="a SciREX file (.jsonl.gz)")
    path = parser.parse_args(arguments).scirex
    if not path.is_file():
        print(f"skipped: {path} is absent; give --scirex FILE", file=sys.stderr)
        return 0
    documents = list(read_scirex(path))
    print(table(documents, {"exact string": exact, "lower case": lower_case, "names": by_name(default_gazetteer())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
