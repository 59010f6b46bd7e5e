"""The data that the page carries: a view in columns, cut into parts that the page unpacks when it needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

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

TEXT_CHUNK, ABOUT_CHUNK = 1_500, 4_000
"""Edges whose sentences, and nodes whose bibliographic data, are unpacked together: about 0.3 MB, or 10 ms."""

_Item = TypeVar("_Item")


class _Table:
    """Values in the order of their first use, each once."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}

    def add(self, value: str) -> int:
        return self.index.setdefault(value, len(self.index))


def ordered(view: View, place: Mapping[str, int]) -> list[EdgeDetail]:
    """Return the edges between nodes of the view by the paper that states them first: its sentences lie together."""

    def key(item: EdgeDetail) -> tuple[int, int, int, str]:
        paper = place.get(item.papers[0], -1) if item.papers else -1
        return paper, place[item.source], place[item.target], item.relation

    return sorted((item for item in view.edges if item.source in place and item.target in place), key=key)


def _quote(item: Quote, place: Mapping[str, int], sentences: _Table) -> list[int]:
    section = SECTIONS.index(item.section)
    return [place.get(item.paper, -1), section, sentences.add(item.sentence), item.start, item.end]


def _lists(rows: Iterable[Sequence[str]], place: Mapping[str, int]) -> dict[str, list[int]]:
    """Return lists of positions of papers as one column and the length of each list."""
    counts: list[int] = []
    flat: list[int] = []
    for row in rows:
        found = [place[paper] for paper in row if paper in place]
        counts.append(len(found))
        flat += found
    return {"counts": counts, "flat": flat}


def payload(view: View, title: str, base: str = ids.BASE) -> dict[str, Any]:
    """Return the parts of the view by name, each of JSON values.

    Nodes, edges and papers are referred to by position; offsets count code points. ``core`` is what the first picture,
    filters and neighbours need; ``names`` holds aliases and long names; ``results`` the results; ``about-N`` the other
    facts of the N-th :data:`ABOUT_CHUNK` nodes; ``text-N`` the quotes of the N-th :data:`TEXT_CHUNK` edges. The page's
    ``data.js`` reads exactly this form.
    """
    place = {node.id: number for number, node in enumerate(view.nodes)}
    edges = ordered(view, place)
    parts: dict[str, Any] = {"core": _core(view, edges, place, title, base), "names": _names(view.nodes)}
    parts["results"] = _results(view.results, place)
    for number, chunk in enumerate(_chunks(view.nodes, ABOUT_CHUNK)):
        parts[f"about-{number}"] = [_about(node) for node in chunk]
    for number, some in enumerate(_chunks(edges, TEXT_CHUNK)):
        sentences = _Table()
        quotes = [[value for item in edge.quotes for value in _quote(item, place, sentences)] for edge in some]
        parts[f"text-{number}"] = {"quotes": quotes, "sentences": list(sentences.index)}
    return parts


def _chunks(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (items[first : first + size] for first in range(0, len(items), size))


def _core(view: View, edges: Sequence[EdgeDetail], place: Mapping[str, int], title: str, base: str) -> dict[str, Any]:
    kinds, relations = list(PALETTE), [relation.value for relation in Relation]
    numbers = {kind: number for number, kind in enumerate(kinds)}
    nodes: dict[str, Any] = {
        "id": "\n".join(node.id for node in view.nodes),
        "label": "\n".join(node.shape.label for node in view.nodes),
        "kind": [numbers[node.shape.kind] for node in view.nodes],
        "baseline": [number for number, node in enumerate(view.nodes) if node.baseline],
        "cluster": [node.cluster for node in view.nodes],
        "topic": [node.topic for node in view.nodes],
        "year": [node.year or 0 for node in view.nodes],
        "papers": _lists((node.papers if node.shape.kind != kinds[0] else () for node in view.nodes), place),
    }
    if view.placed:
        nodes |= {"x": [node.shape.x for node in view.nodes], "y": [node.shape.y for node in view.nodes]}
    return {
        "title": title,
        "base": base,
        "kinds": [{"name": kind, "color": PALETTE[kind], "shape": SHAPES[kind]} for kind in kinds],
        "relations": [
            {"name": name, "color": LINES[name][0], "dashes": LINES[name][1], "width": LINES[name][2]}
            for name in relations
        ],
        "nodes": nodes,
        "edges": {
            "s": [place[edge.source] for edge in edges],
            "t": [place[edge.target] for edge in edges],
            "relation": [relations.index(edge.relation) for edge in edges],
            "confidence": [round(edge.confidence * 1000) for edge in edges],
            "papers": _lists((edge.papers for edge in edges), place),
        },
        "results": len(view.results),
        "overview": [[place[name], x, y] for name, (x, y) in view.overview.items()],
        "clusters": [
            {
                "label": one.label,
                "size": one.size,
                "places": [[place[name], x, y] for name, (x, y) in one.places.items()],
            }
            for one in view.clusters
        ],
        "topics": list(view.topics),
        "leftOut": view.left_out,
        "chunks": {"text": TEXT_CHUNK, "about": ABOUT_CHUNK},
    }


def _names(nodes: Sequence[NodeDetail]) -> dict[str, Any]:
    full = [(number, node.name) for number, node in enumerate(nodes) if node.name != node.shape.label]
    also = [(number, list(node.names)) for number, node in enumerate(nodes) if node.names]
    return {
        "full": [[number for number, _ in full], [name for _, name in full]],
        "also": [[number for number, _ in also], [names for _, names in also]],
    }


def _about(node: NodeDetail) -> dict[str, Any] | int:
    facts: dict[str, Any] = {}
    for key in ("links", "authors", "identifiers"):
        if values := getattr(node, key):
            facts[key] = list(values)
    for key in ("date", "venue", "url", "author_count"):
        if (value := getattr(node, key)) is not None:
            facts[key] = value
    return facts or 0


def _results(results: Sequence[ResultDetail], place: Mapping[str, int]) -> dict[str, Any]:
    sentences = _Table()

    def row(item: ResultDetail) -> list[Any]:
        ends = [place.get(end, -1) if end else -1 for end in (item.paper, item.method, item.baseline, item.dataset)]
        texts = [item.metric, item.value_text, item.value, item.unit, item.direction, item.bound]
        return [*ends, *texts, item.confidence, _quote(item.quote, place, sentences)]

    return {"rows": [row(item) for item in results], "sentences": list(sentences.index)}
