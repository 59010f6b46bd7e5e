"""The data that the page carries: a view as plain lists, with everything repeated put in tables."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kg import ids
from kg.model import SECTIONS, Relation
from kg.view import PALETTE, SHAPES, EdgeDetail, NodeDetail, Quote, ResultDetail, View

LINES: Mapping[str, tuple[str, list[int], float]] = MappingProxyType(
    {
        Relation.PROPOSES.value: ("#66717c", [], 2.2),
        Relation.COMPARES_TO.value: ("#d55e00", [9, 5], 1.6),
        Relation.TARGETS.value: ("#b4558a", [2, 5], 1.8),
        Relation.USES.value: ("#0a8a9f", [], 1.4),
        Relation.EVALUATED_ON.value: ("#009e73", [], 1.4),
        Relation.TRAINED_ON.value: ("#009e73", [12, 4, 2, 4], 1.4),
        Relation.BUILDS_ON.value: ("#0072b2", [], 1.4),
        Relation.RUNS_ON.value: ("#c77700", [2, 3], 1.6),
    }
)
"""Colour, dashes and width of the line of each relation: colour is never the only sign."""


class _Table:
    """Values in the order of their first use, each once."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}

    def add(self, value: str) -> int:
        return self.index.setdefault(value, len(self.index))


def payload(view: View, title: str, base: str = ids.BASE) -> dict[str, Any]:
    """Return the view as JSON values.

    Nodes, edges and papers are referred to by position in ``nodes``; sentences by position in ``sentences``. Offsets
    count code points. The page's ``data.js`` reads exactly this form.
    """
    kinds, relations = list(PALETTE), [relation.value for relation in Relation]
    place = {node.id: number for number, node in enumerate(view.nodes)}
    sentences = _Table()

    def quote(item: Quote) -> list[int]:
        section = SECTIONS.index(item.section)
        return [place.get(item.paper, -1), section, sentences.add(item.sentence), item.start, item.end]

    def node(item: NodeDetail) -> list[Any]:
        shape = item.shape
        extra: dict[str, Any] = {}
        for key in ("names", "links", "authors", "identifiers"):
            if values := getattr(item, key):
                extra[key] = list(values)
        for key in ("date", "year", "venue", "url", "author_count"):
            if (value := getattr(item, key)) is not None:
                extra[key] = value
        if item.name != shape.label:
            extra["name"] = item.name
        papers = [place[paper] for paper in item.papers if paper in place]
        return [
            item.id,
            kinds.index(shape.kind),
            shape.label,
            shape.x,
            shape.y,
            shape.size,
            int(item.baseline),
            papers,
            extra,
        ]

    def edge(item: EdgeDetail) -> list[Any]:
        papers = [place[paper] for paper in item.papers if paper in place]
        return [
            place[item.source],
            place[item.target],
            relations.index(item.relation),
            item.confidence,
            papers,
            [quote(entry) for entry in item.quotes],
        ]

    def result(item: ResultDetail) -> list[Any]:
        ends = [place.get(end, -1) if end else -1 for end in (item.paper, item.method, item.baseline, item.dataset)]
        texts = [item.metric, item.value_text, item.value, item.unit, item.direction, item.bound]
        return [*ends, *texts, item.confidence, quote(item.quote)]

    return {
        "title": title,
        "base": base,
        "kinds": [{"name": kind, "color": PALETTE[kind], "shape": SHAPES[kind]} for kind in kinds],
        "relations": [
            {"name": name, "color": LINES[name][0], "dashes": LINES[name][1], "width": LINES[name][2]}
            for name in relations
        ],
        "nodes": [node(item) for item in view.nodes],
        "edges": [edge(item) for item in view.edges if item.source in place and item.target in place],
        "results": [result(item) for item in view.results],
        "sentences": list(sentences.index),
        "overview": [[place[name], x, y] for name, (x, y) in view.overview.items()],
    }
