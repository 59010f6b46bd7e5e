"""Measure a built graph against gold annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg import ids
from kg.gold import RELATIONS, Tally, read_gold, score
from kg.ids import title_key
from kg.model import Relation
from kg.store import open_graph, select

_PREFIX = f"""PREFIX kg: <{ids.ONTOLOGY}>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
"""
_CLAIMS = f"""{_PREFIX}
SELECT DISTINCT ?title ?p ?o ?type ?name WHERE {{
  ?claim a kg:Claim ; kg:statedIn ?paper ; rdf:predicate ?p ; rdf:object ?o .
  ?paper dcterms:title ?title .
  ?o a ?type . FILTER(?type IN (kg:Method, kg:Dataset, kg:Hardware, kg:Task))
  {{ ?o skos:prefLabel ?name }} UNION {{ ?claim kg:evidence [ kg:surfaceForm ?name ; kg:inPaper ?paper ] }}
}}"""
_RESULTS = f"""{_PREFIX}
SELECT DISTINCT ?title ?r ?text ?unit WHERE {{
  ?r a kg:Result ; kg:statedIn ?paper ; kg:valueText ?text . ?paper dcterms:title ?title .
  OPTIONAL {{ ?r kg:unit ?unit }}
}}"""
_FIELD = {r.value: {"comparesTo": "compares_to"}.get(r.general.value, r.general.value) for r in Relation}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Tallies by measure, and how many gold papers the graph does not have."""

    papers: int
    absent: tuple[str, ...]
    tallies: Mapping[str, Tally]


def graph_facts(source: Path) -> dict[str, dict[str, Any]]:
    """Return the facts of a built folder or RDF file by normalised title, in the shape of the gold files."""
    opened = open_graph(source)
    items: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in select(opened, _CLAIMS):
        key = (row["title"], _FIELD.get(row["p"].rpartition("#")[2], ""), row["o"])
        item = items.setdefault(key, {"names": set(), "type": row["type"].rpartition("#")[2].lower()})
        item["names"].add(row["name"])
    facts: dict[str, dict[str, Any]] = {}
    for (title, relation, _), item in sorted(items.items()):
        if relation:
            names = sorted(item["names"])
            _paper(facts, title)[relation].append({"name": names[0], "aliases": names[1:], "type": item["type"]})
    for row in select(opened, _RESULTS):
        _paper(facts, row["title"])["results"].append({"value": row["text"], "unit": row.get("unit", "")})
    return facts


def _paper(facts: dict[str, dict[str, Any]], title: str) -> dict[str, Any]:
    return facts.setdefault(title_key(title), {"title": title, "results": [], **{r: [] for r in RELATIONS}})


def evaluate(source: Path, gold_file: Path) -> Evaluation:
    """Score a graph against a gold file.

    Raises:
        InputError: one of them cannot be read.
    """
    gold = read_gold(gold_file)
    facts = graph_facts(source)
    absent = tuple(sorted(paper["title"] for key, paper in gold.items() if key not in facts))
    return Evaluation(len(gold), absent, score(gold, facts))
