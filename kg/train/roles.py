"""Train the role model: boosted trees over candidate features, calibrated on papers they have not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from kg.errors import InputError
from kg.extract.candidates import Candidate, Reading
from kg.extract.decide import decide
from kg.extract.features import features
from kg.extract.headline import with_certain_headlines
from kg.extract.roles import DECISIONS, KINDS, RELATIONS, RoleModel
from kg.extract.trees import Floats, from_sklearn, sigmoid
from kg.gold import Facts, Tally, item_names, matching_name, score
from kg.ids import digest, title_key

GOLD_RELATION = {"proposes": "proposes", "comparesTo": "compares_to", "targets": "targets", "uses": "uses"}


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A paper with its candidates' features (n, f) and gold."""

    reading: Reading
    rows: npt.NDArray[np.float32]
    gold: Facts
    weight: float = 1.0


def example(reading: Reading, gold: Facts, weight: float = 1.0) -> Example:
    """Compute the features of a paper's candidates."""
    return Example(reading, features(reading), gold, weight)


def labels(ex: Example) -> dict[str, npt.NDArray[np.int8]]:
    """Return for each decision 1, 0 or -1 (not to be learned from) by candidate."""
    count = len(ex.reading.candidates)
    out = {d: np.full(count, -1, dtype=np.int8) for d in DECISIONS}
    names = [frozenset(matching_name(n) for n in c.names) for c in ex.reading.candidates]
    for relation in RELATIONS:
        out[f"relation {relation}"][:] = 0
        for item in ex.gold.get(GOLD_RELATION[relation], ()):
            wanted = item_names(item)
            for k, own in enumerate(names):
                if own & wanted:
                    out[f"relation {relation}"][k] = 1
                    # A thing may have two types (a technique that is also the problem): each counts as right.
                    for t in KINDS:
                        column = out[f"type {t}"]
                        column[k] = 1 if t == item["type"] else max(column[k], 0)
                    if relation == "uses" and item["type"] == "dataset":
                        out["how trainedOn"][k] = int(item.get("how") == "trained-on")
    return out


def fit_trees(rows: npt.NDArray[np.float32], target: npt.NDArray[np.int8], weight: Floats, seed: int) -> Any:
    """Fit one ensemble; small leaves are forbidden because there are few papers."""
    model = HistGradientBoostingClassifier(
        max_iter=180,
        learning_rate=0.06,
        max_leaf_nodes=12,
        min_samples_leaf=20,
        l2_regularization=3.0,
        max_features=0.4,
        random_state=seed,
        early_stopping=False,
    )
    return model.fit(rows, target, sample_weight=weight)


def fit(examples: Sequence[Example], *, seed: int = 13) -> dict[str, Any]:
    """Fit one ensemble a decision.

    Raises:
        InputError: the papers show a decision in one way only, so that nothing can be learned.
    """
    rows = np.concatenate([e.rows for e in examples])
    weight = np.concatenate([np.full(len(e.rows), e.weight) for e in examples])
    marks = [labels(e) for e in examples]
    out = {}
    for decision in DECISIONS:
        target = np.concatenate([m[decision] for m in marks])
        known = target >= 0
        if len(np.unique(target[known])) < 2:
            raise InputError(f"too few annotated papers: all answers to {decision!r} are the same; annotate more")
        out[decision] = fit_trees(rows[known], target[known], weight[known], seed)
    return out


def cross_validate(
    examples: Sequence[Example], scored: Sequence[int], *, folds: int = 5, seed: int = 13
) -> dict[int, dict[str, Floats]]:
    """Return out-of-fold scores for the papers with the indices ``scored``; the others train in every fold."""
    order = np.random.default_rng(seed).permutation(np.array(scored))
    out: dict[int, dict[str, Floats]] = {}
    for fold in range(folds):
        held = set(order[fold::folds].tolist())
        models = fit([e for k, e in enumerate(examples) if k not in held], seed=seed)
        trees = {d: from_sklearn(m) for d, m in models.items()}
        for k in sorted(held):
            out[k] = {d: t.decide(examples[k].rows) for d, t in trees.items()}
    return out


def calibrate(
    examples: Sequence[Example], scores: Mapping[int, Mapping[str, Floats]]
) -> dict[str, tuple[float, float]]:
    """Fit slope and intercept of a logistic map by decision on out-of-fold scores.

    A decision that the scored papers show in one way only keeps its scores, which are log odds as they are.
    """
    out = {}
    for decision in DECISIONS:
        x = np.concatenate([scores[k][decision] for k in sorted(scores)])
        y = np.concatenate([labels(examples[k])[decision] for k in sorted(scores)])
        known = y >= 0
        if len(np.unique(y[known])) < 2:
            out[decision] = (1.0, 0.0)
            continue
        model = LogisticRegression(C=100.0).fit(x[known, None], y[known])
        out[decision] = (float(model.coef_[0, 0]), float(model.intercept_[0]))
    return out


def predicted_facts(ex: Example, probabilities: Mapping[str, Floats], thresholds: Mapping[str, float]) -> Facts:
    """Return what the thresholds let through, in the shape of the gold files."""
    facts: dict[str, Any] = {r: [] for r in GOLD_RELATION.values()}
    for d in decide(ex.reading.candidates, probabilities, thresholds):
        candidate: Candidate = ex.reading.candidates[d.candidate]
        relation = GOLD_RELATION[d.relation.general.value]
        facts[relation].append(
            {"name": candidate.names[0], "aliases": candidate.names[1:], "type": d.type.value.lower()}
        )
    return facts


def apply_calibration(
    scores: Mapping[str, Floats], calibration: Mapping[str, tuple[float, float]]
) -> dict[str, Floats]:
    """Map raw scores to probabilities."""
    return {d: sigmoid(calibration[d][0] * s + calibration[d][1]) for d, s in scores.items()}


def choose_thresholds(
    examples: Sequence[Example], probabilities: Mapping[int, Mapping[str, Floats]], *, measure: str = "edges"
) -> dict[str, float]:
    """Return thresholds by relation that maximise the F1 of ``measure`` by coordinate ascent."""
    gold = {title_key(examples[k].gold["title"]): examples[k].gold for k in probabilities}

    def value(thresholds: Mapping[str, float]) -> float:
        facts = {
            title_key(examples[k].gold["title"]): predicted_facts(examples[k], p, thresholds)
            for k, p in probabilities.items()
        }
        tallies = score(gold, facts)
        return tallies[measure].f1 + 0.5 * tallies["nodes"].f1

    best = {f"relation {r}": 0.4 for r in RELATIONS}
    for _ in range(2):
        for name in best:
            grid = [round(0.15 + 0.05 * k, 2) for k in range(12)]
            worth = {t: value({**best, name: t}) for t in grid}
            best[name] = max(grid, key=worth.__getitem__)
    return {**{k: round(v, 2) for k, v in best.items()}, "how trainedOn": 0.5}


@dataclass(frozen=True, slots=True)
class Figures:
    """What cross-validation measured.

    ``measures``: (precision, recall, F1) by name; ``nested``: F1 of nodes, edges and types with the thresholds chosen
    on the other half of the papers; ``reliability``: (mean probability, share that is right, number) of decisions in
    ten equal bins; ``calibration_error``: mean distance of the two over all decisions, and over those above 0.5.
    """

    measures: Mapping[str, tuple[float, float, float]]
    nested: Mapping[str, float]
    thresholds: Mapping[str, float]
    reliability: tuple[tuple[float, float, int], ...]
    calibration_error: tuple[float, float]


def reliability(
    examples: Sequence[Example], probabilities: Mapping[int, Mapping[str, Floats]]
) -> tuple[tuple[tuple[float, float, int], ...], tuple[float, float]]:
    """Return the bins of a reliability diagram and the expected calibration errors (Guo et al., ICML 2017, eq. 3)."""
    p = np.concatenate([probabilities[k][f"relation {r}"] for k in sorted(probabilities) for r in RELATIONS])
    marks = {k: labels(examples[k]) for k in probabilities}
    y = np.concatenate([marks[k][f"relation {r}"] for k in sorted(probabilities) for r in RELATIONS])
    bins = np.minimum((p * 10).astype(int), 9)
    table = tuple(
        (round(float(p[bins == b].mean()), 4), round(float(y[bins == b].mean()), 4), int((bins == b).sum()))
        for b in range(10)
        if (bins == b).any()
    )

    def error(rows: Sequence[tuple[float, float, int]]) -> float:
        total = sum(n for _, _, n in rows)
        return round(sum(abs(said - right) * n for said, right, n in rows) / max(total, 1), 4)

    return table, (error(table), error([row for row in table if row[0] > 0.5]))


def measure(
    examples: Sequence[Example],
    probabilities: Mapping[int, Mapping[str, Floats]],
    thresholds: Mapping[int, Mapping[str, float]],
) -> dict[str, Tally]:
    """Score the papers of ``probabilities``, each with the thresholds given for it."""
    gold, facts = {}, {}
    for k, p in probabilities.items():
        key = title_key(examples[k].gold["title"])
        gold[key] = examples[k].gold
        facts[key] = predicted_facts(examples[k], p, thresholds[k])
    return score(gold, facts)


def train_roles(
    examples: Sequence[Example], scored: Sequence[int], *, seed: int = 13, report: Callable[[str], None] = print
) -> tuple[RoleModel, Figures]:
    """Cross-validate on the papers ``scored``, report the measures, and fit the model on all papers.

    Returns:
        the model, whose calibration and thresholds come from out-of-fold scores, and what was measured.
    """
    out_of_fold = cross_validate(examples, scored, seed=seed)
    calibration = calibrate(examples, out_of_fold)
    probabilities = {
        k: with_certain_headlines(examples[k].reading, apply_calibration(s, calibration))
        for k, s in out_of_fold.items()
    }
    thresholds = choose_thresholds(examples, probabilities)
    tallies = measure(examples, probabilities, dict.fromkeys(probabilities, thresholds))
    for name, tally in tallies.items():
        report(f"{name:16}{tally.precision:8.3f}{tally.recall:8.3f}{tally.f1:8.3f}{tally.predicted:7}{tally.must:6}")
    order = np.random.default_rng(seed).permutation(np.array(sorted(scored))).tolist()
    by_paper: dict[int, Mapping[str, float]] = {}
    for one, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        chosen = choose_thresholds(examples, {k: probabilities[k] for k in one})
        by_paper |= dict.fromkeys(other, chosen)
    nested = {k: round(t.f1, 4) for k, t in measure(examples, probabilities, by_paper).items()}
    bins, errors = reliability(examples, probabilities)
    figures = Figures(
        {k: (round(t.precision, 4), round(t.recall, 4), round(t.f1, 4)) for k, t in tallies.items() if k != "results"},
        {k: nested[k] for k in ("nodes", "edges", "type_of_matched")},
        thresholds,
        bins,
        errors,
    )
    report(f"thresholds {thresholds}; chosen on the other half: {figures.nested}; calibration error {errors}")
    models = fit(examples, seed=seed)
    trees = {d: from_sklearn(m) for d, m in models.items()}
    parts = (f"{d}{t.threshold.tobytes().hex()}{t.value.tobytes().hex()}" for d, t in sorted(trees.items()))
    return RoleModel(trees, calibration, thresholds, digest(*parts, str(thresholds), str(calibration))), figures
