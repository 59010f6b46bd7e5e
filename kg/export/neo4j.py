"""CSV files for ``neo4j-admin database import full``, which loads a new Neo4j database in bulk.

Headers give each column its type (Neo4j operations manual, "Import header format"). Papers, entities and results are
nodes of one id space, because a claim may start at a paper or at an entity. Each relation is a relationship type of its
own, with confidence and evidence as properties.

The values of an array are set apart by the control character that ASCII has for the purpose, unit separator: there is
no way to escape the usual semicolon within a value, and sentences are full of semicolons. ``neo4j-import.sh`` says so
to the program. An empty cell means that the property is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from kg import ids
from kg.errors import KGError
from kg.export.base import ExportOptions, Output
from kg.export.order import claims, results
from kg.export.rdf import decimal_literal
from kg.export.tables import write_rows
from kg.export.text import clean
from kg.model import KnowledgeGraph, Relation

DELIMITER = "\x1f"
SPACE = "Node"

PAPER_COLUMNS = (
    f"id:ID({SPACE})",
    ":LABEL",
    "name:string",
    "abstract:string",
    "date:string",
    "year:int",
    "authors:string[]",
    "authorCount:int",
    "identifiers:string[]",
    "variants:string[]",
    "venue:string",
    "url:string",
    "iri:string",
)
ENTITY_COLUMNS = (
    f"id:ID({SPACE})",
    ":LABEL",
    "name:string",
    "aliases:string[]",
    "papers:int",
    "concept:string",
    "matches:string[]",
    "iri:string",
)
RESULT_COLUMNS = (
    f"id:ID({SPACE})",
    ":LABEL",
    "name:string",
    "value:double",
    "valueText:string",
    "unit:string",
    "direction:string",
    "bound:string",
    "confidence:double",
    "section:string",
    "evidence:string",
    "surfaceForm:string",
    "start:int",
    "end:int",
    "iri:string",
)
CLAIM_COLUMNS = (
    f":START_ID({SPACE})",
    f":END_ID({SPACE})",
    ":TYPE",
    "claim:string",
    "relation:string",
    "papers:string[]",
    "weight:int",
    "confidence:double",
    "evidence:string[]",
    "surfaceForms:string[]",
)
LINK_COLUMNS = (f":START_ID({SPACE})", f":END_ID({SPACE})", ":TYPE")

LINKS = ("STATED_IN", "METRIC", "OF_METHOD", "AGAINST_BASELINE", "ON_DATASET")
"""Relationship types of results: to their paper, metric, method, baseline and dataset."""

Cell = str | int | float | tuple[str, ...] | None


def relationship_type(name: str) -> str:
    """Return the relationship type of a relation, in the spelling that Neo4j recommends.

    >>> relationship_type("comparesTo")
    'COMPARES_TO'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def write_paper_nodes(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write a node for each paper."""
    rows = (
        (
            paper.id,
            "Paper",
            paper.title,
            paper.abstract,
            paper.date,
            paper.year,
            _distinct(paper.authors),
            paper.author_count,
            _distinct(sorted(paper.identifiers)),
            _distinct(paper.variants),
            paper.venue,
            paper.url,
            ids.iri(paper.id, options.base),
        )
        for paper in sorted(graph.papers, key=lambda paper: paper.id)
    )
    write_rows(PAPER_COLUMNS, map(_cells, rows), stream)


def write_entity_nodes(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write a node for each method, dataset, piece of hardware, task and metric; baselines have a second label."""
    rows = (
        (
            entity.id,
            (entity.type.value, "Baseline") if entity.baseline else (entity.type.value,),
            entity.label,
            _distinct(alias for alias in sorted(entity.aliases) if alias != entity.label),
            len(set(entity.papers)),
            entity.concept,
            _distinct(sorted(entity.matches)),
            ids.iri(entity.id, options.base),
        )
        for entity in sorted(graph.entities, key=lambda entity: entity.id)
    )
    write_rows(ENTITY_COLUMNS, map(_cells, rows), stream)


def write_result_nodes(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write a node for each result; ``value`` is a number where the text gives a single one."""
    rows = (
        (
            result.id,
            "Result",
            f"{result.value_text} {result.unit}".strip(),
            number.value if result.value and (number := decimal_literal(result.value)) else None,
            result.value_text,
            result.unit,
            result.direction,
            result.bound,
            round(float(result.confidence), 4),
            result.evidence.section,
            result.evidence.sentence,
            result.evidence.surface_form,
            result.evidence.start,
            result.evidence.end,
            ids.iri(result.id, options.base),
        )
        for result in results(graph)
    )
    write_rows(RESULT_COLUMNS, map(_cells, rows), stream)


def write_claim_relationships(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write a relationship for each claim; ``weight`` counts the papers that state it.

    Raises:
        KGError: a claim starts or ends at something that the graph lacks.
    """
    known = _nodes(graph)
    rows = (
        (
            _checked(claim.subject, claim.id, known),
            _checked(claim.object, claim.id, known),
            relationship_type(claim.relation.value),
            claim.id,
            claim.relation.general.value,
            tuple(sorted(set(claim.papers))),
            len(set(claim.papers)),
            round(float(claim.confidence), 4),
            # Not each once: the two arrays go side by side.
            tuple(item.sentence for item in sorted(claim.evidence)),
            tuple(item.surface_form for item in sorted(claim.evidence)),
        )
        for claim in claims(graph)
    )
    write_rows(CLAIM_COLUMNS, map(_cells, rows), stream)


def write_links(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write what joins results to their paper, metric, method, baseline and dataset.

    Raises:
        KGError: a result names something that the graph lacks.
    """
    known = _nodes(graph)
    rows = (
        (result.id, _checked(end, result.id, known), kind)
        for result in results(graph)
        for kind, end in zip(
            LINKS, (result.paper, result.metric, result.method, result.baseline, result.dataset), strict=True
        )
        if end
    )
    write_rows(LINK_COLUMNS, map(_cells, rows), stream)


def write_command(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write the command that loads the files, as a shell script with remarks for people."""
    nodes = "".join(f"  --nodes={name} \\\n" for name, _ in NODE_FILES)
    relationships = "".join(f"  --relationships={name} \\\n" for name, _ in RELATIONSHIP_FILES)
    kinds = ", ".join(relationship_type(relation.value) for relation in Relation)
    stream.write(
        f"""#!/bin/sh
# Loads the graph into a new Neo4j database (Neo4j 5 or later) that is stopped or does not exist yet:
#   sh neo4j-import.sh [DATABASE]
# In Neo4j Enterprise, run CREATE DATABASE afterwards if the database is new. Then make lookups quick and ids safe:
#   CREATE CONSTRAINT paper_id FOR (p:Paper) REQUIRE p.id IS UNIQUE;
#   CREATE INDEX method_name FOR (m:Method) ON (m.name);
# Nodes: Paper; Method, Dataset, Hardware, Task, Metric (some also Baseline); Result.
# Relationships: {kinds};
# {", ".join(LINKS)} of results. For instance:
#   MATCH (m:Method)-[c:COMPARES_TO]->(b:Baseline) RETURN m.name, b.name, c.confidence, c.evidence LIMIT 10
cd "$(dirname "$0")" || exit 1
exec neo4j-admin database import full \\
{nodes}{relationships}  --array-delimiter="U+{ord(DELIMITER):04X}" \\
  --multiline-fields=true \\
  --id-type=string \\
  --input-encoding=UTF-8 \\
  "${{1:-neo4j}}"
""".encode()
    )


def _nodes(graph: KnowledgeGraph) -> frozenset[str]:
    return frozenset((*(paper.id for paper in graph.papers), *(entity.id for entity in graph.entities)))


def _checked(end: str, statement: str, known: frozenset[str]) -> str:
    # The import stops at a relationship without its ends, after minutes perhaps; so the export does.
    if end not in known:
        raise KGError(f"the graph is broken: {statement} names {end}, which is neither a paper nor an entity of it")
    return end


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _cells(row: tuple[Cell, ...]) -> Iterator[str | int | float | None]:
    for cell in row:
        if isinstance(cell, tuple):
            # Cleaned text holds no control character but tab and line breaks, so no value holds the delimiter.
            yield DELIMITER.join(map(clean, cell))
        else:
            yield clean(cell) if isinstance(cell, str) else cell


NODE_FILES = (
    ("neo4j-papers.csv", write_paper_nodes),
    ("neo4j-entities.csv", write_entity_nodes),
    ("neo4j-results.csv", write_result_nodes),
)
RELATIONSHIP_FILES = (("neo4j-claims.csv", write_claim_relationships), ("neo4j-links.csv", write_links))
NEO4J_OUTPUTS = (
    *(Output(name, "text/csv", writer) for name, writer in (*NODE_FILES, *RELATIONSHIP_FILES)),
    Output("neo4j-import.sh", "application/x-sh", write_command),
)
"""The files of the format; the last is the command that loads the others."""
