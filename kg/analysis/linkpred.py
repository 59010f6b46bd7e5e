"""Link prediction: which datasets a paper would be evaluated on, and with what it would be compared.

Papers with similar words and papers with the same things vote for what they use; a logistic regression weighs the
votes, how common a thing is, and how often it serves as a baseline at all. Its weights stand in ``linkpred.toml``; they
were learnt from hidden edges of a large graph by ``benchmarks/linkprediction.py``, which also measures the prediction.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kg.analysis.matrices import RELATIONS, Floats, Ints, Sparse, csr, link_matrix, rarity, scaled_columns, unit_rows
from kg.model import EntityType, Relation

GOALS: Mapping[str, Relation] = {"dataset": Relation.EVALUATED_ON, "baseline": Relation.COMPARES_TO}
"""What is predicted: relations of a paper."""

NEIGHBOURS = 60
"""Papers nearest by words that vote."""
SMALL = 1_000
"""Papers below which a graph is a collection on one subject, where common things say more and words less."""
POOL = 150
"""Things that each kind of vote may bring into the choice."""
FEATURES = (
    "words: votes",
    "things: votes",
    "papers by relation",
    "papers",
    "words: votes by relation",
    "words: all papers",
    "words: mean of its papers",
    "years apart",
    "things: votes by relation",
    "share of its papers by relation",
    "things: mean of its papers",
    "words: votes by paper",
)


@dataclass(frozen=True, slots=True)
class Query:
    """What a paper is known by. ``rows`` are its own numbers in the graph (none for a new text): they have no vote.

    ``words`` is its row of TF-IDF, ``things`` the numbers of what it names, ``year`` 0 if unknown. ``known`` are things
    that are no prediction, beside those.
    """

    words: Sparse
    things: Ints
    year: int = 0
    rows: tuple[int, ...] = ()
    known: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """A graph as the prediction sees it, for one goal."""

    goal: str
    words: Sparse
    years: npt.NDArray[np.int64]
    things: Sparse
    weights: Floats
    used: Sparse
    related: Sparse
    papers: Floats
    papers_related: Floats
    mean_year: Floats
    legal: npt.NDArray[np.bool_]


def ground(
    goal: str, words: Sparse, years: Sequence[int | None], kinds: Sequence[str], links: Ints, count: int
) -> Ground:
    """Return what the prediction of a goal of :data:`GOALS` reads.

    Args:
        words: TF-IDF of the papers, rows of length 1.
        years: of the papers.
        kinds: of the things.
        links: rows (paper, relation, thing), see :class:`kg.analysis.matrices.Corpus`.
        count: number of papers.
    """
    shape = (count, len(kinds))
    every = link_matrix(links, shape)
    used = link_matrix(links, shape, [name for name in RELATIONS if name != Relation.PROPOSES.value])
    related = link_matrix(links, shape, [GOALS[goal].value])
    weights = rarity(every)
    when = np.array([year or 0 for year in years], np.int64)
    papers = np.asarray(used.sum(axis=0)).ravel()
    dated = np.asarray(used.T @ (when > 0)).ravel()
    mean_year = np.where(dated > 0, np.asarray(used.T @ when).ravel() / np.maximum(dated, 1), 0.0)
    kind = np.array(kinds, object)
    legal = kind == EntityType.DATASET.value if goal == "dataset" else kind != EntityType.TASK.value
    return Ground(
        goal,
        words,
        when,
        unit_rows(scaled_columns(every, weights)),
        weights,
        used.T.tocsr(),
        related.T.tocsr(),
        papers,
        np.asarray(related.sum(axis=0)).ravel(),
        mean_year,
        legal.astype(bool) & (papers > 0),
    )


@dataclass(frozen=True, slots=True)
class Closeness:
    """How near each paper is to a query: cosines of words and of things weighted by rarity; 0 for its own rows."""

    words: Floats
    things: Floats


def closeness(words: Sparse, things: Sparse, weights: Floats, query: Query) -> Closeness:
    """Return how near all papers are to a query.

    Args:
        words: TF-IDF of the papers.
        things: things of the papers, weighted, rows of length 1.
        weights: of the things.
    """
    by_words = np.asarray((words @ query.words.T).toarray(), np.float64).ravel()
    vector = np.zeros(len(weights))
    vector[query.things] = weights[query.things]
    length = float(np.linalg.norm(vector))
    by_things = np.asarray(things @ (vector / length if length else vector), np.float64).ravel()
    own = list(query.rows)
    by_words[own] = by_things[own] = 0.0
    return Closeness(by_words, by_things)


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates for a query, best first: numbers of things with their scores (log-odds), and how near papers are."""

    things: Ints
    scores: Floats
    near: Closeness


def features(base: Ground, query: Query) -> tuple[Ints, Floats, Closeness]:
    """Return candidates (things that are not the paper's own) and their features, in the order of :data:`FEATURES`."""
    near = closeness(base.words, base.things, base.weights, query)
    nearest = np.zeros(len(near.words))
    top = best(near.words, NEIGHBOURS)
    nearest[top] = near.words[top]
    votes, votes_related = base.used @ nearest, base.related @ nearest
    shared, shared_related = base.used @ near.things, base.related @ near.things
    every = base.used @ near.words
    mean = every / (base.papers + 2)
    allowed = base.legal.copy()
    allowed[query.things] = False
    allowed[list(query.known)] = False
    pools = (votes, votes_related, shared, shared_related, every, mean, base.papers_related)
    found = np.unique(np.concatenate([best(np.where(allowed, pool, 0.0), POOL) for pool in pools]))
    c = found.astype(np.int32)
    apart = np.abs(query.year - base.mean_year[c]) if query.year else np.zeros(len(c))
    columns = (
        np.log1p(20 * votes[c]),
        np.log1p(20 * shared[c]),
        np.log1p(base.papers_related[c]),
        np.log1p(base.papers[c]),
        np.log1p(20 * votes_related[c]),
        np.log1p(20 * every[c]),
        mean[c],
        np.where(base.mean_year[c] > 0, np.minimum(apart, 20) / 10, 0.0),
        np.log1p(20 * shared_related[c]),
        np.log((base.papers_related[c] + 0.5) / (base.papers[c] + 1)),
        shared[c] / (base.papers[c] + 2),
        votes[c] / (base.papers[c] + 2),
    )
    return c, np.stack(columns, axis=1), near


def best(values: Floats, most: int) -> npt.NDArray[np.int64]:
    """Return the places of the highest positive values, ties by place, sorted by place."""
    positive = np.flatnonzero(values > 0)
    if len(positive) > most:
        positive = np.sort(positive[np.lexsort((positive, -values[positive]))[:most]])
    return positive


@dataclass(frozen=True, slots=True)
class Model:
    """Weights of :data:`FEATURES` after they are centred and scaled."""

    centre: Floats
    scale: Floats
    weight: Floats
    bias: float

    def __call__(self, values: Floats) -> Floats:
        """Return log-odds by row."""
        odds: Floats = ((values - self.centre) / self.scale) @ self.weight + self.bias
        return odds


def shipped(goal: str, papers: int) -> Model:
    """Return the weights that come with the package for a graph of so many papers."""
    return _shipped(f"small-{goal}" if papers < SMALL else goal)


@cache
def _shipped(section: str) -> Model:
    kept = tomllib.loads(Path(__file__).with_name("linkpred.toml").read_text(encoding="utf-8"))[section]
    rows = np.array([kept[name] for name in FEATURES])
    return Model(rows[:, 0], rows[:, 1], rows[:, 2], float(kept["bias"]))


def fit(values: Floats, right: npt.NDArray[np.bool_]) -> Model:
    """Return weights learnt from candidates of many papers, of which some are ``right``: scikit-learn's logistic
    regression with its default penalty."""
    from sklearn.linear_model import LogisticRegression

    centre, scale = values.mean(axis=0), values.std(axis=0) + 1e-9
    made = LogisticRegression(max_iter=1000).fit((values - centre) / scale, right)
    return Model(centre, scale, made.coef_[0], float(made.intercept_[0]))


def to_toml(section: str, model: Model) -> str:
    """Return weights as a table of ``linkpred.toml``: mean, standard deviation and weight of each feature."""
    lines = [f"[{section}]", f"bias = {model.bias:.4f}"]
    for name, *row in zip(FEATURES, model.centre, model.scale, model.weight, strict=True):
        lines.append(f'"{name}" = [{", ".join(f"{float(value):.5g}" for value in row)}]')
    return "\n".join(lines) + "\n"


def predict(base: Ground, query: Query, model: Model | None = None) -> Scored:
    """Return what a paper that names these things and words would also use, best first."""
    things, values, near = features(base, query)
    scores = (model or shipped(base.goal, len(base.years)))(values) if len(things) else np.empty(0)
    order = np.lexsort((things, -scores))
    return Scored(things[order], scores[order], near)


def popularity(base: Ground, query: Query) -> Floats:
    """Return the simplest prediction: what most papers use (for measuring)."""
    return base.papers_related


def common_neighbours(base: Ground, query: Query) -> Floats:
    """Return for each thing the number of papers that use it and share a thing with the query (for measuring).

    Source: D. Liben-Nowell, J. Kleinberg, The link-prediction problem for social networks, JASIST 58 (2007).
    """
    pattern: Any = csr(np.ones(len(base.things.data)), base.things.indices, base.things.indptr, base.things.shape[1])
    own = np.zeros(base.things.shape[1])
    own[query.things] = 1.0
    share = np.asarray(pattern @ own).ravel() > 0
    share[list(query.rows)] = False
    count: Floats = np.asarray(base.related @ share.astype(float)).ravel()
    return count
