"""Claims and results in the order of writing, also of graphs that were put together by hand or lie on disk."""

from __future__ import annotations

from collections.abc import Iterable

from kg.model import Claim, KnowledgeGraph, Result
from kg.spool import Table


def claims(graph: KnowledgeGraph) -> Iterable[Claim]:
    """Return the claims by subject, relation and object."""
    if isinstance(graph.claims, Table):  # sorted when it was made
        return graph.claims
    return sorted(graph.claims, key=lambda claim: (claim.subject, claim.relation.value, claim.object))


def results(graph: KnowledgeGraph) -> Iterable[Result]:
    """Return the results by paper and place."""
    if isinstance(graph.results, Table):
        return graph.results
    return sorted(graph.results, key=lambda result: (result.paper, result.evidence, result.id))
