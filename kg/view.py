"""The view model: what the HTML page, the server and the GraphML file show of a graph, without any of their formats."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from kg.layout import Links, force, place, separate, spiral
from kg.model import Claim, EntityType, Evidence, KnowledgeGraph, Result

PAPER = "Paper"

PALETTE: Mapping[str, str] = MappingProxyType(
    {
        PAPER: "#7f8790",
        EntityType.METHOD.value: "#0072b2",
        EntityType.DATASET.value: "#009e73",
        EntityType.HARDWARE.value: "#d55e00",
        EntityType.TASK.value: "#cc79a7",
        EntityType.METRIC.value: "#e69f00",
    }
)
"""Colour by kind. Source: M. Okabe and K. Ito, Color Universal Design (2008); papers are a neutral grey."""

SHAPES: Mapping[str, str] = MappingProxyType(
    {
        PAPER: "square",
        EntityType.METHOD.value: "dot",
        EntityType.DATASET.value: "hexagon",
        EntityType.HARDWARE.value: "triangle",
        EntityType.TASK.value: "diamond",
        EntityType.METRIC.value: "triangleDown",
    }
)
"""Shape by kind, so that colour is never the only sign; the names are those of vis-network."""

LABEL_LIMIT = 80

OVERVIEW_LIMIT = 180
"""Nodes of the overview, whatever the size of the graph: what a person can read on one screen."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """How a node is drawn: centre ``x`` and ``y``, radius ``size`` (one unit for all three), ``color`` as ``#rrggbb``.

    ``label`` is one line without control characters; ``kind`` is ``Paper`` or a value of ``EntityType``.
    """

    x: float
    y: float
    size: float
    color: str
    label: str
    kind: str


def one_line(text: str, limit: int = LABEL_LIMIT) -> str:
    """Return ``text`` as one line of at most ``limit`` code points, without control and direction characters.

    >>> one_line("A\\u2028very\\x00 long   name", 12)
    'A very long…'
    """
    kept = []
    marks = 0
    for char in text[: limit * 4]:
        category = unicodedata.category(char)
        marks = marks + 1 if category[0] == "M" else 0
        if category in {"Cc", "Zl", "Zp", "Zs"}:
            kept.append(" ")
        # No script stacks more than a few marks on a letter; hundreds of them would be drawn over other labels.
        elif marks <= 3 and category not in {"Cs", "Cn"} and (category != "Cf" or char == "\u200d"):
            kept.append(char)
    line = " ".join("".join(kept).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def degrees(graph: KnowledgeGraph) -> Counter[str]:
    """Return the number of claims at each paper and entity, by id."""
    count: Counter[str] = Counter()
    for claim in graph.claims:
        count[claim.subject] += 1
        count[claim.object] += 1
    return count


def node_size(degree: int) -> float:
    """Return the radius of a node with ``degree`` claims: the drawn area grows with the number of claims.

    >>> node_size(0), node_size(9), node_size(10_000)
    (5.0, 14.0, 36.0)
    """
    return round(min(36.0, 5.0 + 3.0 * math.sqrt(degree)), 2)


def kinds(graph: KnowledgeGraph) -> dict[str, tuple[str, str]]:
    """Return kind and full name (title or label) of every paper and entity, sorted by id."""
    found = {paper.id: (PAPER, paper.title) for paper in graph.papers}
    found.update((entity.id, (entity.type.value, entity.label)) for entity in graph.things)
    return dict(sorted(found.items()))


def links_between(graph: KnowledgeGraph, index: Mapping[str, int]) -> Links:
    """Return how many claims join each pair of the indexed nodes, in either direction."""
    links: Links = {}
    for claim in graph.claims:
        left, right = index.get(claim.subject), index.get(claim.object)
        if left is None or right is None or left == right:
            continue
        pair = (min(left, right), max(left, right))
        links[pair] = links.get(pair, 0.0) + 1.0
    return links


@lru_cache(maxsize=1)
def _points(
    count: int, links: tuple[tuple[tuple[int, int], float], ...], sizes: tuple[float, ...]
) -> list[list[float]]:
    """Return the places of nodes; kept, because GraphML and the page draw the same graph one after the other."""
    places: list[list[float]] = place(count, dict(links), list(sizes)).tolist()
    return places


def layout(graph: KnowledgeGraph) -> dict[str, NodeView]:
    """Return position, size, colour and label of every paper and entity, by id, sorted by id.

    Positions depend on ids and claims alone, not on their order, the hash seed or the machine.
    """
    nodes = kinds(graph)
    index = {node: number for number, node in enumerate(nodes)}
    degree = degrees(graph)
    sizes = {node: node_size(degree[node]) for node in nodes}
    links = tuple(links_between(graph, index).items())
    points = _points(len(nodes), links, tuple(sizes.values()))
    return {
        node: NodeView(
            x=round(points[number][0], 1) + 0.0,
            y=round(points[number][1], 1) + 0.0,
            size=sizes[node],
            color=PALETTE[kind],
            label=one_line(name) or node,
            kind=kind,
        )
        for number, (node, (kind, name)) in enumerate(nodes.items())
    }


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a paper; ``sentence[start:end]``, in code points, is the mention or number that it supports."""

    paper: str
    section: str
    sentence: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NodeDetail:
    """A paper or an entity with all that a reader sees of it; the fields after ``papers`` are those of papers.

    ``names`` are the other surface forms of an entity, or other titles of a paper. ``papers`` are the ids of the
    papers that name the entity, or the paper itself; ``links`` are addresses of the same thing elsewhere.
    """

    id: str
    shape: NodeView
    name: str
    names: tuple[str, ...]
    degree: int
    baseline: bool
    links: tuple[str, ...]
    papers: tuple[str, ...]
    authors: tuple[str, ...] = ()
    author_count: int | None = None
    date: str | None = None
    year: int | None = None
    venue: str | None = None
    url: str | None = None
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EdgeDetail:
    """A claim between two nodes, with the sentences that state it."""

    id: str
    source: str
    target: str
    relation: str
    confidence: float
    papers: tuple[str, ...]
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class ResultDetail:
    """A reported number; ``quote`` marks it in its sentence, the other fields are those of ``Result``."""

    id: str
    paper: str
    metric: str
    value_text: str
    value: str | None
    unit: str
    direction: str
    bound: str
    method: str | None
    baseline: str | None
    dataset: str | None
    confidence: float
    quote: Quote


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a page shows; every part sorted by id.

    ``overview`` holds the best joined nodes with positions of their own, in which labels have room.
    """

    nodes: tuple[NodeDetail, ...]
    edges: tuple[EdgeDetail, ...]
    results: tuple[ResultDetail, ...]
    overview: Mapping[str, tuple[float, float]]


def quote(evidence: Evidence) -> Quote:
    """Return a piece of evidence with offsets that count from the start of its sentence."""
    low, high = evidence.start - evidence.sentence_start, evidence.end - evidence.sentence_start
    return Quote(evidence.paper, evidence.section, evidence.sentence, low, high)


def choose_overview(graph: KnowledgeGraph, limit: int = OVERVIEW_LIMIT) -> list[str]:
    """Return the ids of at most ``limit`` nodes that show the graph best, sorted.

    Half are what most papers have in common; the others are those that join most of these, so that the overview
    shows how its parts hang together. What nothing joins to the rest is left out of the overview of a large graph.
    """
    nodes = list(kinds(graph))
    if len(nodes) <= limit:
        return nodes
    degree = degrees(graph)
    sources: dict[str, set[str]] = {node: set() for node in nodes}
    joined: dict[str, set[str]] = {node: set() for node in nodes}
    for claim in graph.claims:
        if claim.subject in joined and claim.object in joined:
            for node, other in ((claim.subject, claim.object), (claim.object, claim.subject)):
                sources[node].update(claim.papers)
                joined[node].add(other)
    ranked = sorted(nodes, key=lambda node: (-len(sources[node]), -degree[node], node))
    chosen = set(ranked[: limit // 2])
    bridges = {node: len(joined[node] & chosen) for node in nodes}
    rest = [node for node in ranked if node not in chosen and bridges[node]]
    rest.sort(key=lambda node: (-min(bridges[node], 3), -degree[node], node))
    chosen.update(rest[: limit - len(chosen)])
    return sorted(node for node in chosen if joined[node] & chosen) or sorted(chosen)


def overview(graph: KnowledgeGraph, limit: int = OVERVIEW_LIMIT) -> dict[str, tuple[float, float]]:
    """Return positions for the nodes of the overview, wider than high, with room for a label at each node."""
    nodes = choose_overview(graph, limit)
    index = {node: number for number, node in enumerate(nodes)}
    degree = degrees(graph)
    radius = np.array([node_size(degree[node]) + 14.0 for node in nodes])
    if not nodes:
        return {}
    start = spiral(len(nodes), 60.0)
    points = force(start, links_between(graph, index), radius, steps=220, gravity=0.11)
    points = separate(points * np.array([1.3, 1.0]), radius + 30.0, radius + 6.0, steps=200)
    return {
        node: (round(points[number][0], 1) + 0.0, round(points[number][1], 1) + 0.0) for node, number in index.items()
    }


def _edge(claim: Claim) -> EdgeDetail:
    quotes = tuple(quote(evidence) for evidence in sorted(claim.evidence))
    confidence = round(claim.confidence, 3)
    return EdgeDetail(
        claim.id, claim.subject, claim.object, claim.relation.value, confidence, tuple(sorted(claim.papers)), quotes
    )


def _result(result: Result, metrics: Mapping[str, str]) -> ResultDetail:
    return ResultDetail(
        id=result.id,
        paper=result.paper,
        metric=metrics.get(result.metric, result.metric),
        value_text=result.value_text,
        value=result.value,
        unit=result.unit,
        direction=result.direction,
        bound=result.bound,
        method=result.method,
        baseline=result.baseline,
        dataset=result.dataset,
        confidence=round(result.confidence, 3),
        quote=quote(result.evidence),
    )


def view(graph: KnowledgeGraph, limit: int = OVERVIEW_LIMIT) -> View:
    """Return all that a page shows of ``graph``; ``limit`` bounds the nodes of the overview."""
    shapes = layout(graph)
    degree = degrees(graph)
    nodes = [
        NodeDetail(
            id=paper.id,
            shape=shapes[paper.id],
            name=paper.title,
            names=paper.variants,
            degree=degree[paper.id],
            baseline=False,
            links=(),
            papers=(paper.id,),
            authors=paper.authors,
            author_count=paper.author_count,
            date=paper.date,
            year=paper.year,
            venue=paper.venue,
            url=paper.url,
            identifiers=paper.identifiers,
        )
        for paper in graph.papers
    ]
    nodes += [
        NodeDetail(
            id=entity.id,
            shape=shapes[entity.id],
            name=entity.label,
            names=entity.aliases,
            degree=degree[entity.id],
            baseline=entity.baseline,
            links=tuple(sorted(entity.matches)),
            papers=tuple(sorted(entity.papers)),
        )
        for entity in graph.things
    ]
    metrics = {entity.id: entity.label for entity in graph.entities if entity.type is EntityType.METRIC}
    return View(
        nodes=tuple(sorted(nodes, key=lambda node: node.id)),
        edges=tuple(sorted(map(_edge, graph.claims), key=lambda edge: edge.id)),
        results=tuple(sorted((_result(r, metrics) for r in graph.results), key=lambda result: result.id)),
        overview=overview(graph, limit),
    )
