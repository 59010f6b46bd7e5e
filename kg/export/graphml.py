"""GraphML as the importer of Gephi wants it, which networkx and igraph read as well.

Gephi knows a property by the id of its key first and by its name second, nodes and edges apart; a key for both would
become a plain column. Hence every id equals the name, except that of the edges' label: ids must be unique in a file
and ``label`` is taken by the nodes, so it is ``edgelabel``, Gephi's other word for it.

``community`` (a number, to partition and colour by) and ``topic`` (its label) come from :mod:`kg.analysis.topics`.
"""

from __future__ import annotations

import re
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

from kg.analysis.topics import communities
from kg.export.base import ExportOptions
from kg.export.rows import EdgeRow, NodeRow, edges, nodes
from kg.export.text import REPLACEMENT
from kg.model import KnowledgeGraph
from kg.view import NodeView, layout

_NODE_KEYS = {
    "label": "string",
    "x": "float",
    "y": "float",
    "z": "float",
    "size": "float",
    "r": "int",
    "g": "int",
    "b": "int",
    "title": "string",
    "type": "string",
    "baseline": "boolean",
    "papers": "int",
    "aliases": "string",
    "iri": "string",
    "concept": "string",
    "date": "string",
    "year": "int",
    "authors": "string",
    "author_count": "int",
    "identifiers": "string",
    "venue": "string",
    "url": "string",
    "community": "int",
    "topic": "string",
}
_EDGE_KEYS = {
    "edgelabel": "string",
    "claim": "string",
    "weight": "double",
    "relation": "string",
    "confidence": "double",
    "sources": "string",
    "evidence": "string",
}
_NAMES = {"edgelabel": "label"}
_FIELDS = {"edgelabel": "label", "claim": "id"}
"""Fields of the rows whose key is called otherwise. The id is repeated as data because igraph mixes up ids of edges."""

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">\n'
)

Scalar = str | int | float | bool | None

_ROW = tuple(name for name in _NODE_KEYS if name in NodeRow.__slots__ and name != "label")
_EDGE = tuple((key, _FIELDS.get(key, key)) for key in _EDGE_KEYS)

# Mark-up, what XML forbids, and a carriage return, which would come back from element text as a line feed.
_UNSAFE = re.compile("[^\t\n\u0020-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def write_graphml(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write papers and entities as nodes with their places and colours, claims as directed edges."""
    views = layout(graph)
    found = communities(graph)
    stream.write(_HEAD.encode())
    for domain, keys in (("node", _NODE_KEYS), ("edge", _EDGE_KEYS)):
        for key, type_ in keys.items():
            name = _NAMES.get(key, key)
            stream.write(f'  <key id="{key}" for="{domain}" attr.name="{name}" attr.type="{type_}"/>\n'.encode())
    stream.write(b'  <graph id="G" edgedefault="directed">\n')
    for row in nodes(graph, options):
        topic: dict[str, Scalar] = {"community": found.of.get(row.id), "topic": found.label(row.id)}
        data = _data({**_drawing(views[row.id]), **_properties(row), **topic})
        stream.write(f"    <node id={quoteattr(row.id)}>{data}</node>\n".encode())
    for edge in edges(graph):
        head = f"    <edge id={quoteattr(edge.id)} source={quoteattr(edge.source)} target={quoteattr(edge.target)}>"
        stream.write(f"{head}{_data(_claim(edge))}</edge>\n".encode())
    stream.write(b"  </graph>\n</graphml>\n")


def _drawing(view: NodeView) -> dict[str, Scalar]:
    red, green, blue = (int(view.color[at : at + 2], 16) for at in (1, 3, 5))
    # Gephi's y axis points up, that of a page down; both shall show the same picture.
    place = {"x": view.x, "y": 0.0 - view.y, "z": 0.0, "size": view.size}
    return {"label": view.label, **place, "r": red, "g": green, "b": blue}


def _properties(row: NodeRow) -> dict[str, Scalar]:
    renamed: dict[str, Scalar] = {"title": row.label}
    return renamed | {name: getattr(row, name) for name in _ROW}


def _claim(edge: EdgeRow) -> dict[str, Scalar]:
    return {key: getattr(edge, name) for key, name in _EDGE}


def _data(values: dict[str, Scalar]) -> str:
    """Return the data elements of all values that are there, without white space around them."""
    return "".join(
        [
            f'<data key="{key}">{_text(value)}</data>'
            for key, value in values.items()
            if value is not None and value != ""
        ]
    )


def _text(value: Scalar) -> str:
    if isinstance(value, str):
        return _UNSAFE.sub(_mend, value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def _mend(found: re.Match[str]) -> str:
    return _REFERENCES.get(found[0], REPLACEMENT)
