"""Counts of a graph."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox

from kg import ids
from kg.store import open_graph

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_QUERIES = {
    "nodes": "SELECT ?k (COUNT(DISTINCT ?s) AS ?n) WHERE { ?s a ?k } GROUP BY ?k",
    "edges": f"SELECT ?k (COUNT(DISTINCT ?c) AS ?n) WHERE {{ ?c <{_RDF}predicate> ?k }} GROUP BY ?k",
}


def count(source: Path) -> dict[str, dict[str, int]]:
    """Return numbers of things by class, of claims by property, and of triples."""
    graph = open_graph(source)
    out: dict[str, dict[str, int]] = {}
    for heading, query in _QUERIES.items():
        rows = graph.store.query(query, use_default_graph_as_union=graph.union)
        assert isinstance(rows, ox.QuerySolutions)
        found = {row["k"].value: int(row["n"].value) for row in rows}
        out[heading] = {
            k.removeprefix(ids.ONTOLOGY): n
            for k, n in sorted(found.items(), key=lambda x: (-x[1], x[0]))
            if k.startswith(ids.ONTOLOGY)
        }
    out["triples"] = {"all": graph.triples}
    return out
