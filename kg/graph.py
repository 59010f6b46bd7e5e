"""The graph as a networkx graph, for programs that walk it."""

from __future__ import annotations

from typing import Any

import networkx as nx

from kg.model import KnowledgeGraph


def to_networkx(graph: KnowledgeGraph) -> nx.MultiDiGraph[Any]:
    """Return papers and entities as nodes and claims as edges keyed by the id of the claim.

    Nodes carry ``kind`` (``Paper`` or a value of ``EntityType``), ``label`` and ``item`` (the :class:`~kg.model.Paper`
    or :class:`~kg.model.Entity`); edges carry ``relation``, ``confidence``, ``papers`` and ``claim``. Nodes and edges
    are added in the order of their ids.
    """
    network: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    for paper in sorted(graph.papers, key=lambda paper: paper.id):
        network.add_node(paper.id, kind="Paper", label=paper.title, item=paper)
    for entity in sorted(graph.things, key=lambda entity: entity.id):
        network.add_node(entity.id, kind=entity.type.value, label=entity.label, item=entity)
    for claim in sorted(graph.claims, key=lambda claim: claim.id):
        network.add_edge(
            claim.subject,
            claim.object,
            key=claim.id,
            relation=claim.relation,
            confidence=claim.confidence,
            papers=claim.papers,
            claim=claim,
        )
    return network
