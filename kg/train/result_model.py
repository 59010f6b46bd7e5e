"""Train the decision of results on annotated papers: logistic regression over the properties of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from kg.extract.results import numbers
from kg.extract.results.decision import ResultModel
from kg.gold import Facts, Tally, matching_value, score
from kg.ids import digest, title_key
from kg.text import sentences

MIN_PAPERS = 3
"""A property seen fewer times is not learned."""


@dataclass(frozen=True, slots=True)
class Example:
    """A paper's numbers: for each the form in which values are compared, and its properties."""

    gold: Facts
    keys: tuple[str, ...]
    properties: tuple[list[str], ...]
    weight: float = 1.0

    def label(self, key: str) -> int:
        """Return 1 for a number that the gold demands, 0 for one it lacks, -1 for one that annotators disagree on."""
        if key in _values(self.gold, "results"):
            return 1
        return -1 if key in _values(self.gold, "results_may") else 0


def example(gold: Facts, abstract: str, weight: float = 1.0) -> Example:
    """Find the numbers of an annotated abstract."""
    found = numbers(abstract, sentences(abstract))
    keys = tuple(matching_value(context.quantity.text, context.quantity.unit) for context, _, _ in found)
    return Example(gold, keys, tuple(properties for _, _, properties in found), weight)


def _values(gold: Facts, name: str) -> frozenset[str]:
    return frozenset(matching_value(x["value"], x.get("unit", "")) for x in gold.get(name, ()))


def fit(examples: Sequence[Example], *, strength: float = 0.3, seed: int = 13) -> dict[str, float]:
    """Return the weights of a logistic regression with an L2 penalty (``strength`` is its inverse)."""
    rows = [(set(p), e.label(k), e.weight) for e in examples for k, p in zip(e.keys, e.properties, strict=True)]
    rows = [row for row in rows if row[1] >= 0]
    counts = Counter(p for properties, _, _ in rows for p in properties)
    column = {p: k for k, p in enumerate(sorted(p for p, n in counts.items() if n >= MIN_PAPERS))}
    indices: list[int] = []
    ends = [0]
    for properties, _, _ in rows:
        indices += sorted(column[p] for p in properties if p in column)
        ends.append(len(indices))
    matrix = sp.csr_matrix((np.ones(len(indices)), indices, ends), shape=(len(rows), len(column)))
    model = LogisticRegression(C=strength, solver="liblinear", max_iter=500, fit_intercept=False, random_state=seed)
    model.fit(matrix, [label for _, label, _ in rows], sample_weight=[weight for _, _, weight in rows])
    # Rounded, so that the last bits of a linear algebra library do not change the shipped file.
    return {p: round(float(w), 4) for p, w in zip(column, model.coef_[0], strict=True)}


def probabilities(weights: Mapping[str, float], ex: Example) -> tuple[float, ...]:
    """Return the probability of each number of a paper."""
    model = ResultModel(weights, 0.5, "")
    return tuple(model.probability(p) for p in ex.properties)


def cross_validate(examples: Sequence[Example], *, folds: int = 5, seed: int = 13) -> tuple[tuple[float, ...], ...]:
    """Return for each paper the probabilities of its numbers by a model that did not see the paper."""
    order = np.random.default_rng(seed).permutation(len(examples))
    fold = np.empty(len(examples), dtype=np.int64)
    fold[order] = np.arange(len(examples)) % folds
    out: list[tuple[float, ...]] = [()] * len(examples)
    for held in range(folds):
        weights = fit([e for k, e in enumerate(examples) if fold[k] != held], seed=seed)
        for k in np.flatnonzero(fold == held).tolist():
            out[k] = probabilities(weights, examples[k])
    return tuple(out)


def measure(examples: Sequence[Example], scores: Sequence[Sequence[float]], threshold: float) -> Tally:
    """Return the results tally of what passes the threshold."""
    gold = {title_key(e.gold["title"]): e.gold for e in examples}
    facts: dict[str, Facts] = {}
    for e, values in zip(examples, scores, strict=True):
        passed = [key.rsplit("|", 1) for key, p in zip(e.keys, values, strict=True) if p >= threshold]
        facts[title_key(e.gold["title"])] = {"results": [{"value": value, "unit": unit} for value, unit in passed]}
    return score(gold, facts)["results"]


def calibration_error(examples: Sequence[Example], scores: Sequence[Sequence[float]], bins: int = 10) -> float:
    """Return the expected calibration error over equally wide bins."""
    pairs = [(p, e.label(k)) for e, s in zip(examples, scores, strict=True) for k, p in zip(e.keys, s, strict=True)]
    known = np.array([(p, label) for p, label in pairs if label >= 0])
    if not len(known):
        return 0.0
    bin_of: npt.NDArray[np.int64] = np.minimum((known[:, 0] * bins).astype(np.int64), bins - 1)
    gaps = [
        len(part) * abs(float(np.diff(part.mean(axis=0))[0])) for b in range(bins) if len(part := known[bin_of == b])
    ]
    return sum(gaps) / len(known)


def train_results(
    train: Sequence[Example], dev: Sequence[Example], *, seed: int = 13, report: Callable[[str], None] = print
) -> ResultModel:
    """Cross-validate on all papers, report the measures of both parts, and fit the model on all papers.

    The threshold maximises F1 over all out-of-fold papers.
    """
    examples = [*train, *dev]
    scores = cross_validate(examples, seed=seed)
    grid = [round(0.3 + 0.05 * k, 2) for k in range(8)]
    threshold = max(grid, key=lambda t: measure(examples, scores, t).f1)
    for name, part in (("train", slice(0, len(train))), ("dev", slice(len(train), len(examples)))):
        if examples[part]:
            tally = measure(examples[part], scores[part], threshold)
            error = calibration_error(examples[part], scores[part])
            report(
                f"results, {name}: precision {tally.precision:.3f} recall {tally.recall:.3f} F1 {tally.f1:.3f} "
                f"calibration error {error:.3f}"
            )
    weights = fit(examples, seed=seed)
    mark = digest(str(threshold), *(f"{p} {w:.4f}" for p, w in sorted(weights.items())))
    return ResultModel(weights, threshold, mark)
