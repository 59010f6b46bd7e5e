"""Regions: topics joined until there are no more than a reader takes in at a glance."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kg.analysis.matrices import Sparse

REGIONS = 12
"""Most regions of a picture."""

_SEVERAL = re.compile(r"\w[\s-]+\w")

SEPARATOR = " \u00b7 "
"""Between the names in the label of a region."""


def join_topics(of: npt.NDArray[np.int32], texts: Sparse, count: int, most: int = REGIONS) -> list[int]:
    """Return the region of each of ``count`` topics, numbered by the number of papers.

    As long as there are too many, the smallest one joins the one whose papers use the most similar words: the cosine
    of the sums of their rows. So no region stays tiny, and the largest topics stay what they are.

    Args:
        of: the topic of each paper, -1 for none; topics are numbered by the number of papers.
        texts: a row of weighted words for each paper.
        count: number of topics.
        most: number of regions.
    """
    if count <= most:
        return list(range(count))
    from scipy.sparse import csr_matrix

    held = np.flatnonzero(of >= 0)
    member = csr_matrix((np.ones(len(held)), (of[held], held)), shape=(count, len(of)))
    sums = member @ texts
    # Similarities of sums are sums of similarities of topics, so the words are needed once.
    alike = np.asarray((sums @ sums.T).todense(), np.float64).round(6)
    sizes = np.bincount(of[held], minlength=count).tolist()
    parts = [[number] for number in range(count)]
    while len(parts) > most:
        weights = [sum(sizes[number] for number in part) for part in parts]
        small = min(range(len(parts)), key=lambda at: (weights[at], -parts[at][0]))
        lengths = [np.sqrt(_between(alike, part, part)) or 1.0 for part in parts]
        near = {at: _between(alike, parts[small], part) / lengths[at] for at, part in enumerate(parts) if at != small}
        best = max(near, key=lambda at: (near[at], -parts[at][0]))
        parts[best] = sorted(parts[best] + parts[small])
        del parts[small]
    parts.sort(key=lambda part: (-sum(sizes[number] for number in part), part[0]))
    region = [0] * count
    for at, part in enumerate(parts):
        for number in part:
            region[number] = at
    return region


def _between(alike: npt.NDArray[np.float64], left: Sequence[int], right: Sequence[int]) -> float:
    return float(alike[np.ix_(left, right)].sum())


def region_labels(region: Sequence[int], terms: Sequence[Sequence[str]]) -> list[str]:
    """Return a label for each region: the first terms of its two largest topics, or two terms of its only one.

    A term of several words tells more without its neighbours, so such come before lone words of the same topic. Where
    a label says the same of two regions, the second one has more terms.

    Args:
        region: of each topic, the largest topic first.
        terms: of each topic, the most telling first.

    >>> region_labels([0, 1, 0], [("parsing", "tree"), ("grasping", "gripper", "hand"), ("translation",)])
    ['parsing · translation', 'grasping · gripper']
    >>> region_labels([0], [("regret", "online learning", "bound")])
    ['online learning · regret']
    """
    found: list[str] = []
    for number in range(max(region, default=-1) + 1):
        topics = [
            sorted(terms[topic], key=lambda term: not _SEVERAL.search(term))
            for topic, at in enumerate(region)
            if at == number and terms[topic]
        ]
        named = [topic[0] for topic in topics] + [term for topic in topics for term in topic[1:]]
        names = list(dict.fromkeys(named))
        labels = [SEPARATOR.join(names[:many]) for many in range(2, max(len(names), 2) + 1)]
        found.append(next((label for label in labels if label not in found), labels[0]))
    return found
