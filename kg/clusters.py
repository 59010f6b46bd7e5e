"""The picture with which a page opens: the regions of topics, each with what joins most in it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kg.analysis.topics import Communities
from kg.layout import Array, Links, force, separate, spiral
from kg.model import KnowledgeGraph

CLUSTER_NODES = 70
"""Most members of a cluster that are drawn when a reader opens it."""

WITHOUT_CLUSTERS = 40
"""Graphs of at most so many nodes are one picture without regions."""

_HALF_WIDTH, _HALF_HEIGHT, _TITLE, _GAP = 62.0, 25.0, 46.0, 30.0
"""Room for a node with its label, for the title of a cluster and between clusters, in units of positions."""

Places = dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The papers of a region (:mod:`kg.analysis.regions`) with the things that they name.

    ``size`` counts all its members in the graph, papers among them; ``places`` are positions of its best joined
    members in a picture of their own, in the unit of node sizes.
    """

    label: str
    size: int
    places: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Atlas:
    """Clusters, the number of the cluster of every node that has one, and positions of the nodes of the overview."""

    clusters: tuple[Cluster, ...]
    home: Mapping[str, int]
    overview: Mapping[str, tuple[float, float]]


class _Joins:
    """Claims as a plain undirected graph: neighbours and the number of claims of each node."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        self.near: defaultdict[str, set[str]] = defaultdict(set)
        self.degree: defaultdict[str, int] = defaultdict(int)
        self.pairs: defaultdict[tuple[str, str], float] = defaultdict(float)
        for claim in graph.claims:
            ends = claim.subject, claim.object
            for node, other in (ends, ends[::-1]):
                self.degree[node] += 1
                if node != other:
                    self.near[node].add(other)
            self.pairs[min(ends), max(ends)] += 1.0

    def links(self, nodes: Sequence[str]) -> Links:
        index = {node: number for number, node in enumerate(nodes)}
        found: Links = {}
        for node in nodes:
            for other in sorted(self.near[node]):
                if node < other and other in index:
                    left, right = sorted((index[node], index[other]))
                    found[left, right] = self.pairs[node, other]
        return found


def _choose(members: Sequence[str], support: Mapping[str, int], joins: _Joins, limit: int) -> list[str]:
    """Return at most ``limit`` members: what most papers name, and what joins most of that; papers come last."""
    ranked = sorted((node for node in members if node in support), key=lambda node: (-support[node], node))
    common = ranked[: math.ceil(limit * 0.55)]
    inside = set(common)
    rest = [node for node in members if node not in inside and joins.near[node] & inside]
    rest.sort(
        key=lambda node: (node not in support, -min(len(joins.near[node] & inside), 3), -joins.degree[node], node)
    )
    inside.update(rest[: limit - len(common)])
    return sorted(node for node in inside if joins.near[node] & inside) or sorted(inside)


def atlas(graph: KnowledgeGraph, topics: Communities, size: Mapping[str, float], limit: int) -> Atlas:
    """Return clusters and an overview of at most ``limit`` nodes.

    Args:
        graph: what to show.
        topics: communities of this graph, or of one of which it is a part.
        size: radius of every node, which gives the unit of positions.
        limit: bound of the overview, whatever the size of the graph.
    """
    joins = _Joins(graph)
    nodes = sorted(size)
    support = {thing.id: len(set(thing.papers)) for thing in graph.things}
    home, names = _home(nodes, topics) if len(nodes) > WITHOUT_CLUSTERS else ({}, [])
    count = len(names)
    if count < 2:
        chosen = nodes if len(nodes) <= limit else _choose(nodes, support, joins, limit)
        return Atlas((), {}, _named(chosen, arrange(joins.links(chosen), [size[node] for node in chosen])))
    members: list[list[str]] = [[] for _ in range(count)]
    for node in nodes:
        if node in home:
            members[home[node]].append(node)
    share = [math.sqrt(len(group)) for group in members]
    quotas = [max(3, int(limit * part / sum(share))) for part in share]
    groups = [_choose(group, support, joins, quota) for group, quota in zip(members, quotas, strict=True)]
    pictures = [arrange(joins.links(group), [size[node] for node in group]) for group in groups]
    centres = _centres(groups, pictures, joins)
    overview = {
        node: (round(x + centre[0], 1) + 0.0, round(y + centre[1], 1) + 0.0)
        for group, picture, centre in zip(groups, pictures, centres.tolist(), strict=True)
        for node, (x, y) in zip(group, picture.tolist(), strict=True)
    }
    clusters = []
    for label, group in zip(names, members, strict=True):
        best = _choose(group, support, joins, CLUSTER_NODES)
        places = _named(best, arrange(joins.links(best), [size[node] for node in best]))
        clusters.append(Cluster(label, len(group), places))
    return Atlas(tuple(clusters), home, dict(sorted(overview.items())))


def _home(nodes: Sequence[str], topics: Communities) -> tuple[dict[str, int], list[str]]:
    """Return the cluster of each node that has one, and the labels of clusters, the one of most nodes first."""
    found = {node: topics.regions[topics.of[node]] for node in nodes if node in topics.of}
    sizes = Counter(found.values())
    order = sorted(sizes, key=lambda number: (-sizes[number], number))
    rank = {number: at for at, number in enumerate(order)}
    return {node: rank[number] for node, number in found.items()}, [topics.region_labels[number] for number in order]


def _named(nodes: Sequence[str], points: Array) -> Places:
    rounded = points.round(1).tolist()
    return {node: (x + 0.0, y + 0.0) for node, (x, y) in zip(nodes, rounded, strict=True)}


def arrange(links: Links, sizes: Sequence[float]) -> Array:
    """Return positions around the origin, wider than high, with room for a label at each node."""
    radius = np.array([*sizes], dtype=np.float64) + 14.0
    if not len(radius):
        return np.zeros((0, 2))
    points = force(spiral(len(radius), 60.0), links, radius, steps=220, gravity=0.16)
    half_width, half_height = radius - 14.0 + _HALF_WIDTH * 0.8, radius - 14.0 + _HALF_HEIGHT * 0.8
    points = separate(points * np.array([1.3, 1.0]), half_width, half_height, steps=240)
    low, high = points.min(axis=0), points.max(axis=0)
    centred: Array = points - (low + high) / 2.0
    return centred


def _centres(groups: Sequence[Sequence[str]], pictures: Sequence[Array], joins: _Joins) -> Array:
    """Return centres for the pictures of clusters, near to those they are joined with, without overlaps."""
    home = {node: number for number, group in enumerate(groups) for node in group}
    ties: Links = {}
    for node in sorted(home):
        for other in sorted(joins.near[node]):
            if other in home and home[other] > home[node]:
                pair = home[node], home[other]
                ties[pair] = ties.get(pair, 0.0) + joins.pairs[min(node, other), max(node, other)]
    tamed = {pair: math.sqrt(weight) for pair, weight in ties.items()}
    reach = np.array([np.abs(picture).max(axis=0) if len(picture) else np.zeros(2) for picture in pictures])
    half_width = reach[:, 0] + _HALF_WIDTH + _GAP / 2.0
    half_height = reach[:, 1] + (_HALF_HEIGHT + _TITLE + _GAP) / 2.0 + _HALF_HEIGHT
    disc = np.sqrt(half_width * half_height)
    points = force(spiral(len(groups), float(disc.sum()) / len(groups) * 2.0), tamed, disc, steps=200, gravity=0.1)
    points = separate(points * np.array([1.25, 1.0]), half_width, half_height, steps=400)
    # Drawn together step by step: what touches is pushed apart again, so that gaps close from the outside in.
    for _ in range(30):
        points = separate(points * 0.96, half_width, half_height, steps=60)
    return separate(points, half_width, half_height, steps=400)
