"""The explorer: one HTML file, drawn by the vis-network of pyvis, that opens from disk without any network request."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, BinaryIO

from kg import ids
from kg.export.html.payload import LINES, ordered, payload
from kg.model import KnowledgeGraph
from kg.view import View, page_size, view

TITLE = "Knowledge graph of research papers"

SCRIPTS = (
    "text.js",
    "dom.js",
    "data.js",
    "search.js",
    "state.js",
    "arrange.js",
    "labels.js",
    "draw.js",
    "panel.js",
    "tables.js",
    "compare.js",
    "save.js",
    "picture.js",
    "filters.js",
    "tools.js",
    "app.js",
)
"""Parts of the page's script in the order in which they are joined."""

DRAWING: Mapping[str, Any] = {
    "physics": {"enabled": False, "stabilization": {"enabled": False}},
    "layout": {"improvedLayout": False, "randomSeed": 1},
    "interaction": {"hover": True, "tooltipDelay": 1_000_000_000, "keyboard": False, "multiselect": False},
    "nodes": {"borderWidth": 1, "shadow": False, "chosen": False},
    "edges": {"chosen": False, "selectionWidth": 0, "hoverWidth": 0},
}
"""Options of vis-network: positions are computed beforehand, and the page draws labels and tooltips itself."""

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def to_json(value: object) -> str:
    """Return ``value`` as JSON that is plain ASCII and holds no character with a meaning in HTML.

    >>> to_json("</script>\\u2028&")
    '"\\\\u003c/script\\\\u003e\\\\u2028\\\\u0026"'
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&]", lambda match: _ESCAPES[match[0]], text)


def drawing(shown: View) -> dict[str, Any]:
    """Return nodes, edges and options of the first picture as pyvis makes them for vis-network.

    Only the overview goes through pyvis: it compares every new node with all former ones, so its time grows with the
    square of their number.
    """
    # pyvis imports IPython; whoever writes other formats does not wait for it.
    from pyvis.network import Network

    network = Network(directed=True)
    network.set_options(json.dumps(DRAWING))
    place = {node.id: number for number, node in enumerate(shown.nodes)}
    by_id = {node.id: node for node in shown.nodes}
    most = max((node.degree for node in shown.nodes), default=0)
    for name, (x, y) in shown.overview.items():
        shape, size = by_id[name].shape, page_size(by_id[name].degree, most)
        network.add_node(place[name], label=shape.label, color=shape.color, size=size, x=x, y=y)
    for number, edge in enumerate(ordered(shown, place)):
        if edge.source in shown.overview and edge.target in shown.overview:
            color, dashes, width = LINES[edge.relation]
            source, target = place[edge.source], place[edge.target]
            network.add_edge(source, target, id=number, color=color, dashes=dashes or False, width=width)
    nodes, edges, _, _, _, options = network.get_network_data()
    return {"nodes": nodes, "edges": edges, "options": json.loads(options) if isinstance(options, str) else options}


def library() -> str:
    """Return the source of vis-network out of the installed pyvis, without the link to its source map.

    Its style sheet is left out: 220 kB of pictures for editing buttons that this page does not have.
    """
    source = (files("pyvis") / "lib" / "vis-9.1.2" / "vis-network.min.js").read_text(encoding="utf-8")
    return re.sub(r"\n//# sourceMappingURL=.*\s*\Z", "\n", source)


def write_html(graph: KnowledgeGraph, stream: BinaryIO, options: object = None) -> None:
    """Write the page of ``graph`` to ``stream`` as UTF-8.

    Args:
        graph: what to show.
        stream: binary, open for writing.
        options: its ``base`` (of the IRIs of nodes) and ``title`` are used where it has them.
    """
    title = getattr(options, "title", None) or TITLE
    base = getattr(options, "base", None) or ids.BASE
    shown = view(graph)
    parts = payload(shown, title, base)
    parts["core"]["drawing"] = drawing(shown)
    stream.write(page(title, parts).encode("utf-8", "replace"))


def pack(value: object) -> str:
    """Return ``value`` as compressed JSON in base64; equal values give equal text."""
    # No time of writing in the header. Level 9 takes twice the time of 6 for one part in a hundred of the bytes.
    return base64.b64encode(gzip.compress(to_json(value).encode("ascii"), 6, mtime=0)).decode("ascii")


def page(title: str, data: Mapping[str, Any]) -> str:
    """Return the whole page around the parts of ``data``, each JSON values."""
    here = files(__name__)
    script = "".join((here / name).read_text(encoding="utf-8") for name in SCRIPTS)
    script = f'(() => {{\n"use strict";\n{script}}})();\n'
    style = (here / "page.css").read_text(encoding="utf-8")
    visnet = library()
    packed = {
        name: f'<script type="application/octet-stream" data-part="{name}">{pack(value)}</script>'
        for name, value in data.items()
    }
    policy = (
        f"default-src 'none'; script-src {_hash(visnet)} {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": html.escape(_clean(title)),
        "style": style,
        "library": visnet,
        "script": script,
        # The page starts before the browser has read what the first picture does not need.
        "core": packed.pop("core", ""),
        "rest": "\n".join(packed.values()),
    }
    template = (here / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode('utf-8')).digest()).decode('ascii')}'"


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")
