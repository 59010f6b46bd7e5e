"""Topics: clusters of papers by their words and by the things that their claims name.

The same clusters are the communities of nodes in GraphML and on the page; see :func:`communities`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kg.analysis.matrices import (
    Corpus,
    Floats,
    Text,
    distinct_pairs,
    from_graph,
    link_matrix,
    rarity,
    scaled_columns,
    text_matrix,
    unit_rows,
    words,
)
from kg.analysis.regions import join_topics, region_labels
from kg.model import KnowledgeGraph

Matrix = npt.NDArray[np.float32]

DIMENSIONS = 50
"""Dimensions of the latent space; more add noise to distances between short texts."""
THING_WEIGHT = 0.7
"""Weight of the things of a paper beside its words, whose weight is 1."""
SAMPLE = 40_000
"""Papers from which the space and the clusters are made; those beyond it are put in their places."""
MOST_TOPICS = 40
"""More are no overview."""
SILHOUETTE_SAMPLE = 1_500
PRIOR = 500.0
"""Weight of the prior in :func:`log_odds`, in terms: about those of ten papers."""
LABEL_TERMS = 3
LONGER = 0.35
"""How sure a longer term must be, in parts of a word of its own, to stand for the word in a label."""
THING_PAPERS = 3
"""Papers from which on the name of a thing may label a topic."""
TITLES, TITLE_SHARE = 2, 0.1
"""Titles of a topic, and their share, in which a lone word must stand to label it, unless it is a name."""
SURFACE_PAPERS = 60
CHOICE_SAMPLE = 5_000
"""Papers on which the number of clusters is chosen."""


@dataclass(frozen=True, slots=True)
class Communities:
    """Communities of a graph: ``of`` has the number of each node, ``labels`` the label of each number.

    Numbers start at 0 with the community of most papers. A paper of which no word or thing occurs in another paper,
    and an entity that only such papers name, is in none and not in ``of``. ``regions`` has the number of the region of
    each community (:mod:`kg.analysis.regions`), ``region_labels`` the label of each region.
    """

    of: Mapping[str, int]
    labels: tuple[str, ...]
    regions: tuple[int, ...] = ()
    region_labels: tuple[str, ...] = ()

    def label(self, node: str) -> str:
        """Return the label of a node's community; empty if it is in none.

        >>> Communities({"paper/a": 0}, ("speech recognition",)).label("paper/a")
        'speech recognition'
        """
        number = self.of.get(node)
        return "" if number is None else self.labels[number]


@dataclass(frozen=True, slots=True)
class Clusters:
    """Papers by cluster: ``of`` is the cluster of each paper (-1: none), ``closeness`` the cosine to its centre.

    Clusters are numbered by size, ties by their first paper. ``silhouette`` is the mean over a sample for the number of
    clusters that was taken, None when it was given or there is one.
    """

    of: npt.NDArray[np.int32]
    closeness: Matrix
    count: int
    silhouette: float | None


_last: list[tuple[KnowledgeGraph, Communities]] = []
"""What was found last: the exporters of one build ask for the same graph one after the other."""


def communities(graph: KnowledgeGraph) -> Communities:
    """Return the community of every paper and entity of a graph, with labels.

    Papers are clustered by their words and things (:func:`cluster`); an entity goes where most papers go whose claims
    name it, the lower number where several have as many. Depends on the papers and claims alone, not on their order.
    20,000 papers take a few seconds and a graph without papers has no communities.
    """
    if _last and _last[0][0] is graph:
        return _last[0][1]
    corpus = from_graph(graph)
    text = space_text(corpus)
    clusters = cluster(corpus, text)
    of = {paper: int(number) for paper, number in zip(corpus.papers, clusters.of, strict=True) if number >= 0}
    of |= {
        corpus.things[row]: number
        for row, number in enumerate(thing_clusters(corpus, clusters).tolist())
        if number >= 0
    }
    terms = label_terms(corpus, text, clusters)
    region = join_topics(clusters.of, text.matrix, clusters.count)
    found = Communities(of, tuple(map(", ".join, terms)), tuple(region), tuple(region_labels(region, terms)))
    _last[:] = [(graph, found)]
    return found


def thing_clusters(corpus: Corpus, clusters: Clusters) -> npt.NDArray[np.int32]:
    """Return the cluster of each thing, -1 for none."""
    table = thing_table(corpus, clusters)
    return (
        np.where(table.any(axis=1), table.argmax(axis=1), -1).astype(np.int32)
        if clusters.count
        else np.full(len(corpus.things), -1, np.int32)
    )


def thing_table(corpus: Corpus, clusters: Clusters) -> npt.NDArray[np.int64]:
    """Return things x clusters with the number of papers that name the thing in a claim."""
    papers, things = distinct_pairs(corpus.links, len(corpus.things))
    number = clusters.of[papers]
    held = number >= 0
    table = np.zeros((len(corpus.things), clusters.count), np.int64)
    np.add.at(table, (things[held], number[held]), 1)
    return table


def space_text(corpus: Corpus) -> Text:
    """Return TF-IDF of all papers, with the vocabulary of a sample of a large corpus."""
    if len(corpus.papers) <= SAMPLE:
        return text_matrix(corpus.titles, corpus.abstracts)
    chosen = _sample(len(corpus.papers), SAMPLE).tolist()
    made = text_matrix([corpus.titles[i] for i in chosen], [corpus.abstracts[i] for i in chosen])
    return Text(made.rows(corpus.titles, corpus.abstracts), made.vocabulary, made.idf)


def cluster(corpus: Corpus, text: Text, count: int | None = None) -> Clusters:
    """Cluster papers: latent semantic analysis of words and things, then k-means on the unit sphere.

    The number of clusters, if not given, is the smallest one whose mean silhouette is within one standard error of the
    best, among numbers up to the root of half the papers and 40. One thread and fixed seeds make it repeatable.
    Sources: P. Rousseeuw, Silhouettes, J. Comput. Appl. Math. 20 (1987); the rule of one standard error: L. Breiman et
    al., Classification and Regression Trees (1984); the bound: K. Mardia et al., Multivariate Analysis (1979).
    """
    with one_thread():
        points = _points(corpus, text)
        real = np.flatnonzero(np.linalg.norm(points, axis=1) > 0.5)
        of = np.full(len(corpus.papers), -1, np.int32)
        closeness = np.zeros(len(corpus.papers), np.float32)
        if not len(real):
            return Clusters(of, closeness, 0, None)
        placed = points[real]
        sample = placed[_sample(len(real), SAMPLE)]
        distinct = len(np.unique(sample.round(5), axis=0))
        wanted, silhouette = _best(sample, distinct) if count is None else (count, None)
        centres = _kmeans(sample, min(wanted, distinct))[0]
        near = placed @ centres.T
        nearest = near.argmax(axis=1)
        sizes = np.bincount(nearest, minlength=len(centres))
        first = np.full(len(centres), len(placed))
        np.minimum.at(first, nearest, np.arange(len(placed)))
        order = [number for number in np.lexsort((first, -sizes)) if sizes[number]]
        rank = np.full(len(centres), -1)
        rank[order] = np.arange(len(order))
        of[real] = rank[nearest]
        closeness[real] = near.max(axis=1)
    return Clusters(of, closeness, len(order), silhouette)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let numerical libraries use one thread: with more, the order of sums and so their last digits vary."""
    # Only libraries that are loaded already are limited.
    import sklearn.cluster
    import sklearn.decomposition
    import sklearn.metrics  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        yield


def _points(corpus: Corpus, text: Text) -> Matrix:
    """Return papers as points of length 1 (or 0: nothing in common with another paper)."""
    from scipy.sparse import hstack

    links = link_matrix(corpus.links, (len(corpus.papers), len(corpus.things)))
    shared = np.bincount(links.indices, minlength=len(corpus.things)) > 1
    things = unit_rows(scaled_columns(links, rarity(links) * shared))
    both: Any = hstack([text.matrix, things * THING_WEIGHT]).tocsr().astype(np.float32)
    both.eliminate_zeros()
    rows = _sample(both.shape[0], SAMPLE)
    dimensions = min(DIMENSIONS, len(rows) - 1, both.shape[1] - 1)
    if dimensions < 2:
        # Too little for a space: papers with any word or thing are one cluster.
        alike: Matrix = (np.diff(both.indptr) > 0).astype(np.float32)[:, None]
        return alike
    from sklearn.decomposition import TruncatedSVD

    # The share of variance, which is not used here, is 0/0 for papers without words in common.
    with np.errstate(divide="ignore", invalid="ignore"):
        svd = TruncatedSVD(dimensions, n_iter=2, random_state=0).fit(both[rows])
    points: Matrix = np.asarray(svd.transform(both), np.float32)
    length = np.linalg.norm(points, axis=1, keepdims=True)
    # The last digits depend on the numerical library; without them, so do fewer borderline cases.
    unit: Matrix = np.where(length > 1e-4, points / np.maximum(length, 1e-4), 0.0).round(5).astype(np.float32)
    return unit


def _sample(size: int, most: int) -> npt.NDArray[np.int64]:
    """Return at most ``most`` row numbers, evenly spaced."""
    return np.arange(size) if size <= most else np.linspace(0, size - 1, most).astype(np.int64)


def _kmeans(points: Matrix, count: int) -> tuple[Matrix, npt.NDArray[np.int32]]:
    from sklearn.cluster import KMeans

    found = KMeans(count, n_init=1, max_iter=50, random_state=0).fit(points)
    centres: Matrix = found.cluster_centers_.astype(np.float32)
    return centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9), found.labels_


def _best(points: Matrix, distinct: int) -> tuple[int, float | None]:
    """Return the number of clusters and its silhouette."""
    from sklearn.metrics import silhouette_samples

    most = min(int(math.sqrt(len(points) / 2)), MOST_TOPICS, distinct - 1)
    if most < 2:
        return 1, None
    sample = points[_sample(len(points), CHOICE_SAMPLE)]
    probe = _sample(len(sample), SILHOUETTE_SAMPLE)
    tried: list[tuple[int, float, float]] = []
    for count in sorted({min(round(2 * 1.3**step), most) for step in range(16)}):
        seen = _kmeans(sample, count)[1][probe]
        if 1 < len(np.unique(seen)) < len(probe):
            values = silhouette_samples(sample[probe], seen)
            tried.append((count, float(values.mean()), float(values.std() / math.sqrt(len(values)))))
    if not tried:
        return 1, None
    _, best, error = max(tried, key=lambda found: found[1])
    return next((count, mean) for count, mean, _ in tried if mean >= best - error)


def log_odds(inside: Floats, everywhere: Floats, prior: float = PRIOR) -> Floats:
    """Return for each term how sure it is that it is commoner inside than outside, as a z-score.

    Args:
        inside: counts of terms in the cluster.
        everywhere: counts in all clusters, the cluster among them.
        prior: weight of the prior, which has the proportions of all.

    Source: B. Monroe, M. Colaresi, K. Quinn, Fightin' Words, Political Analysis 16 (2008): log odds ratio with an
    informative Dirichlet prior, divided by its standard deviation.
    """
    outside = everywhere - inside
    alpha = prior * everywhere / max(everywhere.sum(), 1.0)
    n_in, n_out, n_prior = inside.sum(), outside.sum(), alpha.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = np.log((inside + alpha) / (n_in + n_prior - inside - alpha))
        delta -= np.log((outside + alpha) / (n_out + n_prior - outside - alpha))
        z = delta / np.sqrt(1 / (inside + alpha) + 1 / (outside + alpha))
    sure: Floats = np.nan_to_num(z, nan=0.0, posinf=0.0, neginf=0.0)
    return sure


def label_terms(corpus: Corpus, text: Text, clusters: Clusters, count: int = LABEL_TERMS) -> list[tuple[str, ...]]:
    """Return the terms of each cluster that tell it from the others most surely, as its papers write them.

    Terms are words of titles and abstracts, word pairs of titles, and names of tasks, methods, datasets and hardware
    of several papers; that they occur in a paper counts, not how often. The order is that of :func:`log_odds`.
    """
    names, shown, table = _term_table(corpus, text, clusters)
    everywhere = table.sum(axis=0)
    named = {" ".join(words(label)) for label in corpus.labels}
    found = []
    for number in range(clusters.count):
        z = log_odds(table[number], everywhere) if clusters.count > 1 else table[number]
        best = [int(c) for c in np.lexsort((np.arange(len(z)), -z))[:120] if z[c] > 0]
        rows = np.flatnonzero(clusters.of == number)
        titles = Counter(word for row in rows.tolist() for word in set(words(corpus.titles[row])))
        scored = [(names[c], float(z[c])) for c in best]
        # A lone word tells a topic when titles carry it or it is a name; others are ways of speaking.
        enough = max(TITLES, TITLE_SHARE * len(rows))
        telling = [(t, s) for t, s in scored if " " in t or titles[t] >= enough or t in named]
        chosen = _choose(telling or scored, count)
        rows = rows[np.lexsort((rows, -clusters.closeness[rows]))][:SURFACE_PAPERS]
        found.append(tuple(shown.get(term) or _surface(term, rows.tolist(), corpus) for term in chosen))
    return found


def _term_table(corpus: Corpus, text: Text, clusters: Clusters) -> tuple[list[str], dict[str, str], Floats]:
    """Return terms, how to show those that are names, and clusters x terms: the papers in which each occurs."""
    from scipy.sparse import csr_matrix

    held = np.flatnonzero(clusters.of >= 0)
    shape = (clusters.count, len(corpus.papers))
    member = csr_matrix((np.ones(len(held)), (clusters.of[held], held)), shape=shape)
    matrix = text.matrix
    present = csr_matrix((np.ones(len(matrix.data)), matrix.indices, matrix.indptr), shape=matrix.shape)
    by_word = (member @ present).toarray()
    place = {name: number for number, name in enumerate(text.vocabulary)}
    by_thing = thing_table(corpus, clusters)
    extra: dict[str, Floats] = {}
    shown: dict[str, str] = {}
    for row in np.flatnonzero(by_thing.sum(axis=1) >= THING_PAPERS).tolist():
        name = " ".join(words(corpus.labels[row]))
        if " " not in name:
            continue
        counts = by_thing[row].astype(float)
        if name in place:
            # A pair counts in titles only, a thing in claims: either misses papers that the other has.
            by_word[:, place[name]] = np.maximum(by_word[:, place[name]], counts)
        else:
            extra[name] = np.maximum(counts, extra.get(name, 0.0))
            shown.setdefault(name, corpus.labels[row])
    names = [*text.vocabulary, *extra]
    return names, shown, np.hstack([by_word, np.array(list(extra.values())).reshape(len(extra), clusters.count).T])


def _choose(scored: Sequence[tuple[str, float]], count: int) -> list[str]:
    """Return the best terms that share no word: a longer one stands for its words where it is nearly as sure."""
    chosen: list[str] = []
    used: set[str] = set()
    for term, score in scored:
        if len(chosen) == count:
            break
        parts = set(term.split())
        if parts & used:
            continue
        longer = (
            other
            for other, sure in scored
            if sure > LONGER * score and parts < set(other.split()) and not set(other.split()) & used
        )
        best = next(longer, term)
        chosen.append(best)
        used.update(best.split())
    return chosen


def _surface(term: str, rows: Sequence[int], corpus: Corpus) -> str:
    """Return a term as these papers write it most often, in the singular where they do."""
    joined = r"[\s-]+".join(
        rf"{re.escape(w[:-1])}(?:y|ies)" if w.endswith("y") else rf"{re.escape(w)}s?" for w in term.split()
    )
    pattern = re.compile(rf"(?<![^\W_]){joined}(?![^\W_])", re.IGNORECASE)
    seen: Counter[str] = Counter()
    for row in rows:
        seen.update({_singular(form, term) for form in pattern.findall(corpus.abstracts[row])})
    commonest = max(seen, key=lambda form: (seen[form], form), default=term)
    return " ".join(commonest.split())


def _singular(form: str, term: str) -> str:
    """Return a form as found with the ending of ``term``.

    >>> _singular("GANs", "gan"), _singular("Policies", "policy")
    ('GAN', 'Policy')
    """
    return form[: len(term)] if len(form) == len(term) + 1 else form[:-3] + "y" if len(form) > len(term) + 1 else form
