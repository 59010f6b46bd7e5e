"""Everything that a graph says of one thing, found by any of its names."""

from __future__ import annotations

import difflib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from kg import ids
from kg.errors import InputError
from kg.store import OpenGraph, open_graph, select
from kg.text import name_key

_PREFIX = f"""PREFIX kg: <{ids.ONTOLOGY}>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
"""
_NAMES = f"{_PREFIX} SELECT ?thing ?name WHERE {{ ?thing skos:prefLabel|skos:altLabel|dcterms:title ?name }}"
_ABOUT = f"""{_PREFIX} SELECT ?label ?type WHERE {{
  VALUES ?thing {{ <%s> }} ?thing skos:prefLabel|dcterms:title ?label ; a ?type }}"""
_EDGES = f"""{_PREFIX} SELECT DISTINCT ?claim ?how ?other ?out ?confidence ?sentence ?title WHERE {{
  VALUES ?thing {{ <%s> }}
  {{ ?claim rdf:subject ?thing ; rdf:object ?o . BIND(true AS ?out) }}
  UNION {{ ?claim rdf:object ?thing ; rdf:subject ?o . BIND(false AS ?out) }}
  ?claim rdf:predicate ?how ; kg:confidence ?confidence ; kg:evidence ?e . ?e kg:sentence ?sentence ; kg:inPaper ?p .
  ?p dcterms:title ?title . ?o skos:prefLabel|dcterms:title ?other . FILTER(?how != kg:uses || NOT EXISTS {{
    ?claim rdf:predicate ?precise . FILTER(?precise != kg:uses) }})
}}"""
CUTOFF = 0.75
"""Least similarity (difflib's ratio of normal forms) for a name to count as meant."""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A claim as seen from the thing: ``outgoing`` when the thing is its subject."""

    relation: str
    outgoing: bool
    other: str
    confidence: float
    sentences: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A thing with its names and edges; ``sentences`` of edges are (paper's title, sentence)."""

    iri: str
    label: str
    types: tuple[str, ...]
    aliases: tuple[str, ...]
    papers: tuple[str, ...]
    edges: tuple[Edge, ...]


def show(source: Path, name: str) -> Card:
    """Return the card of the thing that ``name`` fits best: exactly, else by similarity.

    Raises:
        InputError: nothing in the graph has a name like it; the message offers the nearest ones.
    """
    opened = open_graph(source)
    return card(opened, find(opened, name))


def find(opened: OpenGraph, name: str) -> str:
    """Return the IRI of the thing whose label or alias fits ``name`` best."""
    by_key: dict[str, set[str]] = defaultdict(set)
    text: dict[str, str] = {}
    for row in select(opened, _NAMES):
        by_key[name_key(row["name"])].add(row["thing"])
        text.setdefault(name_key(row["name"]), row["name"])
    wanted = name_key(name)
    if wanted not in by_key:
        near = difflib.get_close_matches(wanted, list(by_key), n=4, cutoff=CUTOFF)
        if not near:
            hints = difflib.get_close_matches(wanted, list(by_key), n=3, cutoff=0.4)
            offer = f"; did you mean {', '.join(text[h] for h in hints)}?" if hints else ""
            raise InputError(f"{opened.path}: nothing is called {name!r}{offer}")
        wanted = near[0]
    # Of homonyms the one with more edges is meant more often.
    return min(by_key[wanted], key=lambda iri: (-len(card(opened, iri).edges), iri))


def card(opened: OpenGraph, iri: str) -> Card:
    """Return what the graph says of one thing."""
    about = select(opened, _ABOUT % iri)
    names = sorted(
        {row["name"] for row in select(opened, _NAMES.replace("WHERE {", f"WHERE {{ VALUES ?thing {{ <{iri}> }}"))}
    )
    label = min((row["label"] for row in about), default=iri)
    edges: dict[str, dict[str, str]] = {}
    sentences: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in select(opened, _EDGES % iri):
        edges[row["claim"]] = row
        sentences[row["claim"]].add((row["title"], row["sentence"]))
    found = tuple(
        sorted(
            Edge(
                row["how"].rpartition("#")[2],
                row["out"] == "true",
                row["other"],
                float(row["confidence"]),
                tuple(sorted(sentences[claim])),
            )
            for claim, row in edges.items()
        )
    )
    papers = tuple(sorted({title for edge in found for title, _ in edge.sentences}))
    types = tuple(sorted({row["type"].rpartition("#")[2] for row in about}))
    return Card(iri, label, types, tuple(n for n in names if n != label), papers, found)
