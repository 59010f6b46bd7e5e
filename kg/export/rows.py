"""Nodes and edges flattened to scalars, for formats that know nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kg import ids
from kg.export.base import ExportOptions
from kg.export.order import claims
from kg.export.text import clean
from kg.model import Claim, Entity, KnowledgeGraph, Paper

SEPARATOR = " | "
"""Between the values of a property that has several."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A paper or entity. ``papers`` counts the papers that name it; a paper names itself."""

    id: str
    label: str
    type: str
    baseline: bool
    papers: int
    aliases: str
    iri: str
    concept: str = ""
    date: str = ""
    year: int | None = None
    authors: str = ""
    author_count: int | None = None
    identifiers: str = ""
    venue: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """A claim. ``weight`` is the number of papers that state it: a paper that repeats itself is one source."""

    id: str
    source: str
    target: str
    label: str
    relation: str
    weight: float
    confidence: float
    sources: str
    evidence: str


def nodes(graph: KnowledgeGraph, options: ExportOptions) -> Iterator[NodeRow]:
    """Yield papers, then entities, each sorted by id."""
    for paper in sorted(graph.papers, key=lambda paper: paper.id):
        yield _paper(paper, options.base)
    for entity in sorted(graph.things, key=lambda entity: entity.id):
        yield _entity(entity, options.base)


def edges(graph: KnowledgeGraph) -> Iterator[EdgeRow]:
    """Yield claims sorted by subject, relation and object."""
    yield from map(_edge, claims(graph))


def _join(values: Iterable[str]) -> str:
    return SEPARATOR.join(dict.fromkeys(clean(value) for value in values))


def _paper(paper: Paper, base: str) -> NodeRow:
    return NodeRow(
        id=paper.id,
        label=clean(paper.title),
        type="Paper",
        baseline=False,
        papers=1,
        aliases=_join(paper.variants),
        iri=ids.iri(paper.id, base),
        date=clean(paper.date or ""),
        year=paper.year,
        authors=_join(paper.authors),
        author_count=paper.author_count,
        identifiers=_join(sorted(paper.identifiers)),
        venue=clean(paper.venue or ""),
        url=clean(paper.url or ""),
    )


def _entity(entity: Entity, base: str) -> NodeRow:
    return NodeRow(
        id=entity.id,
        label=clean(entity.label),
        type=entity.type.value,
        baseline=entity.baseline,
        papers=len(set(entity.papers)),
        aliases=_join(alias for alias in sorted(entity.aliases) if alias != entity.label),
        iri=ids.iri(entity.id, base),
        concept=clean(entity.concept or ""),
    )


def _edge(claim: Claim) -> EdgeRow:
    papers = sorted(set(claim.papers))
    return EdgeRow(
        id=claim.id,
        source=claim.subject,
        target=claim.object,
        label=claim.relation.value,
        relation=claim.relation.general.value,
        weight=float(len(papers)),
        confidence=round(float(claim.confidence), 4),
        sources=_join(papers),
        evidence=_join(evidence.sentence for evidence in sorted(claim.evidence)),
    )
