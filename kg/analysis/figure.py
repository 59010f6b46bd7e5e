"""Drawings of small directed graphs in columns, as SVG: deterministic, text as text, with a title and a description."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from xml.sax.saxutils import escape

from kg.analysis.document import shown
from kg.ids import digest

WIDTH, GAP_X, GAP_Y, LINE, PAD = 176, 74, 14, 15, 8
"""Sizes in pixels: width of a box, room between columns and between boxes, height of a line, room inside a box."""
CHARS, LINES = 25, 3
"""A label is broken after so many columns of text, and cut after so many lines; its tooltip has all of it."""
SWEEPS = 6
BEND = 4
"""Height of the place that an arrow takes in a column which it passes."""


@dataclass(frozen=True, slots=True)
class Node:
    """A box. ``column`` counts from the left; ``strong`` marks the thing that the drawing is about; ``tip`` is its
    tooltip."""

    key: str
    label: str
    column: int
    strong: bool = False
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow between two nodes."""

    source: str
    target: str
    tip: str = ""


def draw(
    title: str,
    description: str,
    nodes: Sequence[Node],
    links: Sequence[Link],
    headings: Mapping[int, str] | None = None,
) -> str:
    """Return a drawing as an ``<svg>`` element.

    Boxes of a column are ordered so that few arrows cross: each goes to the mean place of its neighbours, in sweeps to
    the right and to the left (the barycenter heuristic of Sugiyama, Tagawa and Toda, 1981).

    Args:
        title: what is drawn.
        description: the same in a sentence, for those who do not see it.
        nodes: boxes; keys are unique.
        links: arrows; those to unknown keys or to themselves are left out.
        headings: words above columns.
    """
    column_of = {node.key: node.column for node in nodes}
    links = [link for link in links if {link.source, link.target} <= column_of.keys() and link.source != link.target]
    routes, bends = _routes(column_of, links)
    columns = _columns([*nodes, *bends], [step for route in routes for step in pairwise(route)])
    headings = headings or {}
    top = 34 if headings else 12
    heights = {node.key: 2 * PAD + LINE * len(_wrapped(node.label)) for node in nodes}
    heights |= {bend.key: BEND for bend in bends}
    tallest = max((sum(heights[n.key] + GAP_Y for n in column) for column in columns), default=0)
    places: dict[str, tuple[float, float]] = {}
    for number, column in enumerate(columns):
        y = top + (tallest - sum(heights[n.key] + GAP_Y for n in column)) / 2
        for node in column:
            places[node.key] = (12 + number * (WIDTH + GAP_X), y)
            y += heights[node.key] + GAP_Y
    width = 24 + max(len(columns), 1) * (WIDTH + GAP_X) - GAP_X
    height = top + tallest + 8
    mark = digest(title, description, *sorted(column_of), length=8)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="fig" role="img" aria-labelledby="t{mark} d{mark}" '
        f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}">',
        f'<title id="t{mark}">{_text(title)}</title>',
        f'<desc id="d{mark}">{_text(description)}</desc>',
        f'<rect class="ground" width="{_n(width)}" height="{_n(height)}"/>',
    ]
    for number in range(len(columns)):
        if number in headings:
            x = 12 + number * (WIDTH + GAP_X) + WIDTH / 2
            parts.append(f'<path class="grid" d="M{_n(x)} {top - 8}V{_n(height - 4)}"/>')
            parts.append(
                f'<text class="quiet" x="{_n(x)}" y="18" text-anchor="middle">{_text(headings[number])}</text>'
            )
    parts += [_arrow(link, route, places, heights) for link, route in zip(links, routes, strict=True)]
    drawn = {node.key for node in nodes}
    parts += [_box(n, places[n.key], heights[n.key]) for column in columns for n in column if n.key in drawn]
    return "\n".join([*parts, "</svg>"])


def svg_file(svg: str) -> str:
    """Return a drawing as a file of its own: with its style sheet, light and dark by the reader's setting."""
    style = (files("kg.analysis") / "figure.css").read_text(encoding="utf-8")
    head, mark, rest = svg.partition("<title")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<style>{escape(style)}</style>\n{mark}{rest}\n'


def _routes(column_of: Mapping[str, int], links: Sequence[Link]) -> tuple[list[list[str]], list[Node]]:
    """Return the boxes and bends that each arrow passes, and the bends.

    An arrow over several columns has a place of its own in each, so that it runs round boxes and not behind them.
    """
    routes: list[list[str]] = []
    bends: list[Node] = []
    for number, link in enumerate(links):
        between = range(column_of[link.source] + 1, column_of[link.target])
        held = [Node(f"\x1f{number} {column}", "", column) for column in between]
        bends += held
        routes.append([link.source, *(bend.key for bend in held), link.target])
    return routes, bends


def _columns(nodes: Sequence[Node], steps: Sequence[tuple[str, str]]) -> list[list[Node]]:
    """Return nodes by column, each column in an order with few crossings."""
    columns: list[list[Node]] = [[] for _ in range(max((node.column for node in nodes), default=-1) + 1)]
    for node in sorted(nodes, key=lambda node: (node.column, node.label, node.key)):
        columns[node.column].append(node)
    beside: dict[str, list[str]] = defaultdict(list)
    for source, target in steps:
        beside[source].append(target)
        beside[target].append(source)
    for sweep in range(SWEEPS):
        place = {node.key: _share(number, len(column)) for column in columns for number, node in enumerate(column)}
        for column in columns if sweep % 2 == 0 else reversed(columns):

            def mean(node: Node, place: dict[str, float] = place) -> tuple[float, str, str]:
                near = [place[key] for key in beside[node.key] if key in place]
                return (round(sum(near) / len(near) if near else place[node.key], 9), node.label, node.key)

            column.sort(key=mean)
            place |= {node.key: _share(number, len(column)) for number, node in enumerate(column)}
    return columns


def _share(number: int, count: int) -> float:
    return (number + 0.5) / count


def _box(node: Node, place: tuple[float, float], height: float) -> str:
    x, y = place
    kind = "self" if node.strong else "box"
    lines = "".join(
        f'<tspan x="{_n(x + WIDTH / 2)}" y="{_n(y + PAD + LINE * number + 11)}">{_text(line)}</tspan>'
        for number, line in enumerate(_wrapped(node.label))
    )
    return (
        f'<g><title>{_text(node.tip or node.label)}</title><rect class="{kind}" x="{_n(x)}" y="{_n(y)}" '
        f'width="{WIDTH}" height="{_n(height)}" rx="7"/><text text-anchor="middle">{lines}</text></g>'
    )


def _arrow(
    link: Link, route: Sequence[str], places: Mapping[str, tuple[float, float]], heights: Mapping[str, float]
) -> str:
    """Return a curve from the right side of a box to the left side of another, or round the right for a way back."""
    tip = f"<title>{_text(link.tip)}</title>" if link.tip else ""
    points = [(places[key][0], places[key][1] + heights[key] / 2) for key in route]
    (x, y), (end, last) = points[0], points[-1]
    x += WIDTH
    path = f"M{_n(x)} {_n(y)}"
    if end <= points[0][0]:
        bend, end = max(x, end + WIDTH) + 34, end + WIDTH
        path += f"C{_n(bend)} {_n(y)} {_n(bend)} {_n(last)} {_n(end + 6)} {_n(last)}"
        head = f"M{_n(end)} {_n(last)}l8 -4v8z"
    else:
        for number, (left, level) in enumerate(points[1:], 2):
            stop = left - 6 if number == len(points) else left
            half = (stop - x) / 2
            path += f"C{_n(x + half)} {_n(y)} {_n(stop - half)} {_n(level)} {_n(stop)} {_n(level)}"
            x, y = left + WIDTH, level
            if number < len(points):
                path += f"H{_n(x)}"
        head = f"M{_n(end)} {_n(last)}l-8 -4v8z"
    return f'<g>{tip}<path class="line" d="{path}"/><path class="tip" d="{head}"/></g>'


def _wrapped(label: str) -> list[str]:
    """Return a label in lines.

    >>> _wrapped("Deep Residual Learning for Image Recognition")
    ['Deep Residual Learning', 'for Image Recognition']
    """
    lines: list[str] = []
    for word in shown(label).split() or [""]:
        pieces = [word[n : n + CHARS] for n in range(0, len(word), CHARS)] or [""]
        for piece in pieces:
            if lines and _columns_of(lines[-1]) + 1 + _columns_of(piece) <= CHARS:
                lines[-1] += f" {piece}"
            else:
                lines.append(piece)
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], f"{lines[LINES - 1][: CHARS - 1]}…"]
    return lines


def _columns_of(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _text(text: str) -> str:
    return escape(shown(text))


def _n(value: float) -> str:
    return re.sub(r"\.?0+$", "", f"{value:.1f}") if value % 1 else str(int(value))


__all__ = ["Link", "Node", "draw", "svg_file"]
