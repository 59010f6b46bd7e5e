"""How well hidden edges are found again: the prediction behind `kg gaps` beside simple ones.

    python benchmarks/linkprediction.py DIR [--share 0.2] [--seeds 0] [--most 1500] [--fit] [--write FILE]

A seeded fifth of all (paper, thing) pairs of `comparesTo` and of `evaluatedOn` is hidden: the paper loses every edge to
the thing, of whatever relation. Each hidden thing is then ranked among all things of legal kinds that the rest of the
graph uses, without the paper's other things. Reported are hits@10 and mean reciprocal rank, over all hidden edges and
over those whose thing another paper still uses (no method can name what it has never seen). Ties count as their mean.

The abstract names what is hidden. So the figures that count are those with every name of a hidden thing cut out of its
paper's text; those with the text as it is are given beside them.

`--fit` learns the weights anew on a fifth of the edges that are left, hidden the same way; without it those of the
package are used. They come from `--fit --write` on the 20,000 papers of the corpus with the same seed, so that no edge
that is measured there was learnt from. Those for small graphs come from collections of papers that are near each other.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kg.analysis import linkpred
from kg.analysis.common import PREFIX
from kg.analysis.linkpred import GOALS, Ground, Model, Query
from kg.analysis.matrices import RELATION, Corpus, Floats, Ints, Sparse, from_store, text_matrix
from kg.store import OpenGraph, open_graph, select

Pairs = list[tuple[int, int]]
COLLECTIONS = 120
Names = dict[tuple[int, int], set[str]]


def surface_forms(opened: OpenGraph, corpus: Corpus) -> Names:
    """Return how papers write things, by (paper, thing)."""
    papers = {iri: row for row, iri in enumerate(corpus.papers)}
    things = {iri: row for row, iri in enumerate(corpus.things)}
    aliases: dict[str, set[str]] = defaultdict(set)
    for row in select(opened, f"{PREFIX} SELECT ?t ?name WHERE {{ ?t skos:prefLabel|skos:altLabel ?name }}"):
        aliases[row["t"]].add(row["name"])
    found: dict[tuple[int, int], set[str]] = defaultdict(set)
    query = f"""{PREFIX} SELECT DISTINCT ?p ?t ?words WHERE {{ ?c rdf:object ?t ; kg:evidence ?e .
      ?e kg:inPaper ?p ; kg:surfaceForm ?words }}"""
    for row in select(opened, query):
        found[papers[row["p"]], things[row["t"]]] |= {row["words"]} | aliases[row["t"]]
    return found


def masked(corpus: Corpus, hidden: Pairs, names: Names) -> Sparse:
    """Return TF-IDF of texts from which the names of hidden things are cut."""
    titles, abstracts = list(corpus.titles), list(corpus.abstracts)
    for paper, thing in hidden:
        for name in sorted(names[paper, thing], key=lambda n: (-len(n), n)):
            pattern = re.compile(re.escape(name), re.IGNORECASE)
            titles[paper] = pattern.sub(" ", titles[paper])
            abstracts[paper] = pattern.sub(" ", abstracts[paper])
    return text_matrix(titles, abstracts).matrix


def without(links: Ints, hidden: Pairs, width: int) -> Ints:
    """Return the links but those that join a hidden pair."""
    codes = np.array([paper * width + thing for paper, thing in hidden], np.int64)
    return links[~np.isin(links[:, 0].astype(np.int64) * width + links[:, 2], codes)]


def queries(corpus: Corpus, links: Ints, words: Sparse, hidden: Pairs, most: int) -> list[tuple[Query, list[int]]]:
    """Return for each paper of hidden pairs what is left of it and what was hidden."""
    by_paper: dict[int, list[int]] = defaultdict(list)
    for paper, thing in hidden:
        by_paper[paper].append(thing)
    made = []
    for paper in sorted(by_paper)[:: max(1, len(by_paper) // most)]:
        low, high = np.searchsorted(links[:, 0], [paper, paper + 1])
        own = np.unique(links[low:high, 2])
        made.append((Query(words[[paper]], own, corpus.years[paper] or 0, (paper,)), by_paper[paper]))
    return made


def learn(base: Ground, asked: Sequence[tuple[Query, list[int]]]) -> Model:
    """Return weights from hidden edges."""
    values, right = [], []
    for query, hidden in asked:
        things, found, _ = linkpred.features(base, query)
        values.append(found)
        right.append(np.isin(things, hidden))
    return linkpred.fit(np.concatenate(values), np.concatenate(right))


def ours(model: Model | None) -> Callable[[Ground, Query], Floats]:
    """Return the prediction as a score for every thing."""

    def score(base: Ground, query: Query) -> Floats:
        found = linkpred.predict(base, query, model)
        scores = np.full(base.things.shape[1], -np.inf)
        scores[found.things] = found.scores
        return scores

    return score


def ranks(base: Ground, asked: Sequence[tuple[Query, list[int]]], score: Callable[[Ground, Query], Floats]) -> Floats:
    """Return the rank of each hidden thing; infinite for one that nothing else uses."""
    found = []
    for query, hidden in asked:
        scores = np.where(base.legal, score(base, query), -np.inf)
        scores[query.things] = -np.inf
        scores[list(query.known)] = -np.inf
        for thing in hidden:
            if not base.legal[thing]:
                found.append(np.inf)
                continue
            rest = scores[base.legal & ~np.isin(np.arange(len(scores)), [h for h in hidden if h != thing])]
            above, same = int((rest > scores[thing]).sum()), int((rest == scores[thing]).sum())
            found.append(1 + above + (same - 1) / 2)
    return np.array(found)


def row(name: str, found: Floats) -> str:
    """Return a line of the table."""
    seen = found[np.isfinite(found)]
    cells = [np.mean(found <= 10), np.mean(1 / found), np.mean(seen <= 10), np.mean(1 / seen)]
    return f"  {name:34}" + "".join(f"{cell:{size}.3f}" for cell, size in zip(cells, (10, 8, 14, 10), strict=True))


@dataclass(frozen=True)
class Split:
    """Hidden (paper, thing) pairs of a goal, those to learn from, and how many there were."""

    hidden: Pairs
    second: Pairs
    total: int


def split(corpus: Corpus, goal: str, share: float, seed: int) -> Split:
    """Return a seeded split."""
    relation = RELATION[GOALS[goal].value]
    pairs = np.unique(corpus.links[corpus.links[:, 1] == relation][:, [0, 2]], axis=0)
    order = [(int(p), int(t)) for p, t in pairs[np.random.default_rng(seed).permutation(len(pairs))]]
    count = int(share * len(pairs))
    return Split(order[:count], order[count : count + int(share * (len(pairs) - count))], len(pairs))


def collection(corpus: Corpus, names: Names, rows: Ints) -> tuple[Corpus, Names]:
    """Return a graph of some of the papers."""
    number = np.full(len(corpus.papers), -1)
    number[rows] = np.arange(len(rows))
    links = corpus.links[number[corpus.links[:, 0]] >= 0].copy()
    kept, place = np.unique(links[:, 2], return_inverse=True)
    links[:, 0], links[:, 2] = number[links[:, 0]], place
    papers, things = rows.tolist(), kept.tolist()
    part = replace(
        corpus,
        papers=tuple(corpus.papers[i] for i in papers),
        titles=tuple(corpus.titles[i] for i in papers),
        abstracts=tuple(corpus.abstracts[i] for i in papers),
        years=tuple(corpus.years[i] for i in papers),
        things=tuple(corpus.things[i] for i in things),
        labels=tuple(corpus.labels[i] for i in things),
        kinds=tuple(corpus.kinds[i] for i in things),
        links=links,
    )
    forms: Names = defaultdict(set)
    for paper, _, thing in links.tolist():
        forms[paper, thing] = names[papers[paper], things[thing]]
    return part, forms


def learn_small(corpus: Corpus, names: Names, plain: Sparse, goal: str, share: float, seed: int) -> Model:
    """Return weights for small graphs, learnt from papers that are near each other in a large one."""
    rng = np.random.default_rng(seed)
    values, right = [], []
    for number in range(COLLECTIONS):
        size = int(rng.integers(80, 500))
        near = (plain @ plain[[int(rng.integers(len(corpus.papers)))]].T).toarray().ravel()
        part, forms = collection(corpus, names, np.sort(np.argsort(-near, kind="stable")[:size]).astype(np.int32))
        parts = split(part, goal, share, number)
        links = without(part.links, parts.hidden, len(part.things))
        words = masked(part, parts.hidden, forms)
        base = linkpred.ground(goal, words, part.years, part.kinds, links, len(part.papers))
        for query, hidden in queries(part, links, words, parts.hidden, size):
            things, found, _ = linkpred.features(base, query)
            values.append(found)
            right.append(np.isin(things, hidden))
    return linkpred.fit(np.concatenate(values), np.concatenate(right))


def measure(
    corpus: Corpus, names: Names, plain: Sparse, goal: str, parts: Split, most: int, fit: bool
) -> tuple[dict[str, Floats], Model | None]:
    """Return the ranks of hidden things by method, and the weights that were learnt."""
    words = masked(corpus, parts.hidden + parts.second, names)
    links = without(corpus.links, parts.hidden, len(corpus.things))

    def made(words: Sparse, links: Ints) -> Ground:
        return linkpred.ground(goal, words, corpus.years, corpus.kinds, links, len(corpus.papers))

    model = None
    if fit:
        fewer = without(links, parts.second, len(corpus.things))
        model = learn(made(words, fewer), queries(corpus, fewer, words, parts.second, most))
    base = made(words, links)
    asked = queries(corpus, links, words, parts.hidden, most)
    bare = [
        (Query(q.words, np.empty(0, np.int32), q.year, q.rows, tuple(q.things.tolist())), hidden) for q, hidden in asked
    ]
    as_is = queries(corpus, links, plain, parts.hidden, most)
    return {
        "popularity": ranks(base, asked, linkpred.popularity),
        "common neighbours": ranks(base, asked, linkpred.common_neighbours),
        "ours, hidden names cut from text": ranks(base, asked, ours(model)),
        "ours, text only (cold start)": ranks(base, bare, ours(model)),
        "ours, text as it is": ranks(made(plain, links), as_is, ours(model)),
    }, model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="splits; their ranks are put together")
    parser.add_argument("--most", type=int, default=1500, help="papers asked about, at most")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--write", type=Path, help="file for the weights that --fit learns with the first seed")
    options = parser.parse_args()
    opened = open_graph(options.folder)
    corpus = from_store(opened)
    names = surface_forms(opened, corpus)
    plain = text_matrix(corpus.titles, corpus.abstracts).matrix
    print(f"{len(corpus.papers)} papers, {len(corpus.things)} things, seeds {', '.join(map(str, options.seeds))}")
    learnt = []
    for goal, relation in GOALS.items():
        pooled: dict[str, list[Floats]] = defaultdict(list)
        for seed in options.seeds:
            parts = split(corpus, goal, options.share, seed)
            found, model = measure(corpus, names, plain, goal, parts, options.most, options.fit)
            for name, some in found.items():
                pooled[name].append(some)
            if model and seed == options.seeds[0]:
                learnt.append(linkpred.to_toml(goal, model))
                small = learn_small(corpus, names, plain, goal, options.share, seed)
                learnt.append(linkpred.to_toml(f"small-{goal}", small))
        asked = np.concatenate(pooled["popularity"])
        print(
            f"\n{relation.value}: {len(parts.hidden)} of {parts.total} edges hidden, {len(asked)} asked, "
            f"{int(np.isfinite(asked).sum())} of things seen elsewhere"
        )
        print(f"  {'':34}{'hits@10':>10}{'MRR':>8}{'hits@10 seen':>14}{'MRR seen':>10}")
        for name, several in pooled.items():
            print(row(name, np.concatenate(several)))
    if options.write and learnt:
        head = "# Mean, standard deviation and weight of each feature.\n"
        head += "# Made by benchmarks/linkprediction.py --fit --write.\n"
        options.write.write_text("\n".join([head, *learnt]), encoding="utf-8")


if __name__ == "__main__":
    main()
