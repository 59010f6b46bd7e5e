"""The view model: what the HTML page, the server and the GraphML file show of a graph, without any of their formats."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from kg.analysis.topics import communities
from kg.clusters import Cluster, atlas
from kg.layout import Links, place
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

OVERVIEW_LIMIT = 130
"""Nodes of the overview, whatever the size of the graph: what a person can read on one screen."""

PLACED_LIMIT = 3_000
"""Largest number of nodes that a page can show all at once; positions of more are not computed for it."""

PAPER_LIMIT = 80_000
"""Papers that a page carries at most: browsers take files of 60 MB well, and a paper takes about 0.7 kB."""


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
    if text.isascii() and text.isprintable():  # as most are
        line = " ".join(text[: limit * 4].split())
        return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
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


def page_size(degree: int, most: int) -> float:
    """Return the radius of a node on a page, where the best joined node has ``most`` claims: 22 at most.

    >>> page_size(0, 700), page_size(9, 9), page_size(700, 700)
    (5.0, 14.0, 22.0)
    """
    return round(5.0 + min(3.0, 17.0 / math.sqrt(max(most, 1))) * math.sqrt(degree), 2)


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
    links = tuple(links_between(graph, index).items())
    return _shapes(nodes, degree, _points(len(nodes), links, tuple(node_size(degree[node]) for node in nodes)))


def _shapes(
    nodes: Mapping[str, tuple[str, str]], degree: Mapping[str, int], points: list[list[float]] | None = None
) -> dict[str, NodeView]:
    return {
        node: NodeView(
            x=round(points[number][0], 1) + 0.0 if points else 0.0,
            y=round(points[number][1], 1) + 0.0 if points else 0.0,
            size=node_size(degree[node]),
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
    papers that name the entity, or the paper itself; ``links`` are addresses of the same thing elsewhere. ``cluster``
    is a position in the view's clusters, ``topic`` one in its topics; -1 where it is in none.
    """

    id: str
    shape: NodeView
    name: str
    names: tuple[str, ...]
    degree: int
    baseline: bool
    links: tuple[str, ...]
    papers: tuple[str, ...]
    cluster: int = -1
    topic: int = -1
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
    """Everything that a page shows; every part sorted by id, clusters the largest first.

    ``overview`` holds the best joined nodes with positions of their own, in which labels have room. ``placed`` tells
    whether nodes have a position in a picture of all of them. ``left_out`` counts papers that the page leaves out.
    ``topics`` are the labels of the communities of the whole graph (:mod:`kg.analysis.topics`), some of them empty.
    """

    nodes: tuple[NodeDetail, ...]
    edges: tuple[EdgeDetail, ...]
    results: tuple[ResultDetail, ...]
    overview: Mapping[str, tuple[float, float]]
    clusters: tuple[Cluster, ...] = ()
    topics: tuple[str, ...] = ()
    placed: bool = True
    left_out: int = 0


def quote(evidence: Evidence) -> Quote:
    """Return a piece of evidence with offsets that count from the start of its sentence."""
    low, high = evidence.start - evidence.sentence_start, evidence.end - evidence.sentence_start
    return Quote(evidence.paper, evidence.section, evidence.sentence, low, high)


def best_part(graph: KnowledgeGraph, limit: int = PAPER_LIMIT) -> KnowledgeGraph:
    """Return the part of ``graph`` that its ``limit`` best joined papers state; the graph itself if it has no more.

    A paper is joined to others by the things that they name as well.
    """
    if len(graph.papers) <= limit:
        return graph
    shared: Counter[str] = Counter()
    for entity in graph.things:
        if len(entity.papers) > 1:
            shared.update(entity.papers)
    kept = set(sorted((paper.id for paper in graph.papers), key=lambda name: (-shared[name], name))[:limit])
    entities = [replace(e, papers=tuple(sorted(kept.intersection(e.papers)))) for e in graph.entities]
    entities = [entity for entity in entities if entity.papers or entity.type is EntityType.METRIC]
    there = kept | {entity.id for entity in entities}
    claims = []
    for claim in graph.claims:
        evidence = tuple(item for item in claim.evidence if item.paper in kept)
        if evidence and claim.subject in there and claim.object in there:
            claims.append(replace(claim, papers=tuple(sorted(kept.intersection(claim.papers))), evidence=evidence))
    return replace(
        graph,
        papers=tuple(paper for paper in graph.papers if paper.id in kept),
        entities=tuple(entities),
        claims=tuple(claims),
        results=tuple(result for result in graph.results if result.paper in kept),
    )


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


def view(graph: KnowledgeGraph, limit: int = OVERVIEW_LIMIT, papers: int = PAPER_LIMIT) -> View:
    """Return all that a page shows of ``graph``: at most ``limit`` nodes in the overview, ``papers`` papers in all."""
    whole = len(graph.papers)
    # Of the whole graph, so that the page and the GraphML file have the same numbers.
    topics = communities(graph)
    graph = best_part(graph, papers)
    degree = degrees(graph)
    names = kinds(graph)
    placed = len(names) <= PLACED_LIMIT
    shapes = layout(graph) if placed else _shapes(names, degree)
    most = max(degree.values(), default=0)
    found = atlas(graph, topics, {node: page_size(degree[node], most) for node in names}, limit)
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
            cluster=found.home.get(paper.id, -1),
            topic=topics.of.get(paper.id, -1),
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
            cluster=found.home.get(entity.id, -1),
            topic=topics.of.get(entity.id, -1),
        )
        for entity in graph.things
    ]
    metrics = {entity.id: entity.label for entity in graph.entities if entity.type is EntityType.METRIC}
    return View(
        nodes=tuple(sorted(nodes, key=lambda node: node.id)),
        edges=tuple(sorted(map(_edge, graph.claims), key=lambda edge: edge.id)),
        results=tuple(sorted((_result(r, metrics) for r in graph.results), key=lambda result: result.id)),
        overview=found.overview,
        clusters=found.clusters,
        topics=topics.labels,
        placed=placed,
        left_out=whole - len(graph.papers),
    )
