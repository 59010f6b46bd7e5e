"""Clusters of things that the same papers name, their labels, and the picture with which a page opens.

Clusters are found on what several papers share, whose number is bounded; everything else joins the cluster of the
papers that name it. So time is linear in papers and names, and one rare name moves nothing.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kg.layout import Array, Links, communities, force, separate, spiral
from kg.model import Entity, EntityType, KnowledgeGraph

CORE_LIMIT = 1_500
"""Most shared things among which clusters are found; Louvain's method takes about two seconds for so many."""

CLUSTER_LIMIT = 12
"""Largest number of clusters: as many regions as a reader takes in at a glance."""

CLUSTER_NODES = 70
"""Most members of a cluster that are drawn when a reader opens it."""

RESOLUTION = 1.35
"""How fine clusters are; with 1, general names such as those of network types draw half of a field together."""

WITHOUT_CLUSTERS = 40
"""Graphs of at most so many nodes are one picture without regions."""

LABEL_WEIGHT = {EntityType.TASK: 1.6, EntityType.HARDWARE: 0.8}
"""How well a kind of thing names a field of research, 1 for the others: tasks say what a field is about."""

_HALF_WIDTH, _HALF_HEIGHT, _TITLE, _GAP = 62.0, 25.0, 46.0, 30.0
"""Room for a node with its label, for the title of a cluster and between clusters, in units of positions."""

_CROWD = 60
"""Things of one paper that count for clusters; lists of hundreds are surveys or slips, and cost the square."""

Places = dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group of things that the same papers name.

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


def find_clusters(graph: KnowledgeGraph) -> dict[str, int]:
    """Return the number of the cluster of each thing and paper that has one; 0 is the largest.

    Two shared things are tied by every paper that names both, the less the more that paper names: M. Newman,
    Scientific collaboration networks II, Physical Review E 64 (2001).
    """
    ranked = sorted(graph.things, key=lambda thing: (-len(thing.papers), thing.id))
    core = [thing for thing in ranked if len(thing.papers) > 1][:CORE_LIMIT]
    named: defaultdict[str, list[int]] = defaultdict(list)
    for number, thing in enumerate(core):
        for paper in sorted(set(thing.papers)):
            named[paper].append(number)
    ties: Links = {}
    for paper in sorted(named):
        members = named[paper][:_CROWD]
        for at, left in enumerate(members):
            for right in members[at + 1 :]:
                ties[left, right] = ties.get((left, right), 0.0) + 1.0 / (len(members) - 1)
    groups = [group for group in communities(len(core), ties, resolution=RESOLUTION) if len(group) > 2] if ties else []
    groups.sort(key=lambda group: (-sum(len(core[number].papers) for number in group), group[0]))
    home = {core[number].id: at for at, group in enumerate(groups[:CLUSTER_LIMIT]) for number in group}
    return _join(graph, core, named, home) if len(groups) > 1 else {}


def _join(
    graph: KnowledgeGraph, core: Sequence[Entity], named: Mapping[str, list[int]], home: dict[str, int]
) -> dict[str, int]:
    """Return the clusters of all: a paper goes where its shared things are, a thing where its papers are."""
    papers: dict[str, int] = {}
    for paper in graph.papers:
        votes: defaultdict[int, float] = defaultdict(float)
        for number in named.get(paper.id, ()):
            if core[number].id in home:
                votes[home[core[number].id]] += 1.0 / len(core[number].papers)
        if votes:
            papers[paper.id] = _winner(votes)
    things = dict(home)
    for thing in graph.things:
        counts: defaultdict[int, float] = defaultdict(float)
        for name in thing.papers:
            if name in papers:
                counts[papers[name]] += 1.0
        if thing.id not in things and counts:
            things[thing.id] = _winner(counts)
    found = papers | things
    sizes = Counter(found.values())
    rank = {number: at for at, number in enumerate(sorted(sizes, key=lambda number: (-sizes[number], number)))}
    return {node: rank[number] for node, number in found.items()}


def _winner(votes: Mapping[int, float]) -> int:
    return min(votes, key=lambda number: (-votes[number], number))


def labels(graph: KnowledgeGraph, home: Mapping[str, int], count: int) -> list[str]:
    """Return a label for each of ``count`` clusters: its two most telling names.

    A name tells the more, the more papers of the cluster have it and the fewer others (the idea of tf-idf).
    """
    scored: list[list[tuple[float, str, Entity]]] = [[] for _ in range(count)]
    for thing in graph.things:
        if thing.id not in home:
            continue
        inside = sum(home.get(paper) == home[thing.id] for paper in set(thing.papers))
        weight = LABEL_WEIGHT.get(thing.type, 1.0) * inside * inside / max(1, len(set(thing.papers)))
        scored[home[thing.id]].append((-weight, thing.id, thing))
    found = []
    for things in scored:
        chosen: list[Entity] = []
        for _, _, thing in sorted(things, key=lambda entry: entry[:2]):
            words = set(thing.label.casefold().replace("-", " ").split())
            if all(not words & set(other.label.casefold().replace("-", " ").split()) for other in chosen):
                chosen.append(thing)
            if len(chosen) == 2:
                break
        chosen.sort(key=lambda thing: thing.type is not EntityType.TASK)
        found.append(" · ".join(thing.label for thing in chosen))
    return found


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


def atlas(graph: KnowledgeGraph, size: Mapping[str, float], limit: int) -> Atlas:
    """Return clusters and an overview of at most ``limit`` nodes.

    Args:
        graph: what to show.
        size: radius of every node, which gives the unit of positions.
        limit: bound of the overview, whatever the size of the graph.
    """
    joins = _Joins(graph)
    nodes = sorted(size)
    support = {thing.id: len(set(thing.papers)) for thing in graph.things}
    home = find_clusters(graph) if len(nodes) > WITHOUT_CLUSTERS else {}
    count = max(home.values(), default=-1) + 1
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
    for label, group in zip(labels(graph, home, count), members, strict=True):
        best = _choose(group, support, joins, CLUSTER_NODES)
        places = _named(best, arrange(joins.links(best), [size[node] for node in best]))
        clusters.append(Cluster(label, len(group), places))
    return Atlas(tuple(clusters), home, dict(sorted(overview.items())))


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
