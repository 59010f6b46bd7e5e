"""The topics of a built folder with what is typical of them, as an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kg.analysis.common import Thing, plural
from kg.analysis.render import Document, Item, table, thing_json
from kg.analysis.tables import Tables, cached, full_corpus, pack, tables, unpack
from kg.analysis.topics import Clusters, cluster, label_terms, log_odds, thing_table
from kg.errors import InputError
from kg.store import OpenGraph

MOST = 200
"""Topics that may be asked for."""
CENTRAL = 3
TYPICAL = 6
LEAST = 2
"""Papers of a topic that must name a thing to make it typical."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic. ``things`` come with the number of its papers that name them, the most telling first.

    ``central`` are the papers nearest to its centre.
    """

    number: int
    label: str
    size: int
    things: tuple[tuple[Thing, int], ...]
    central: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics by size. ``silhouette`` is the mean of the papers' silhouettes where the number of topics was chosen by
    it, else None; ``left`` counts papers in no topic."""

    topics: tuple[Topic, ...]
    papers: int
    left: int
    silhouette: float | None


def topics(opened: OpenGraph, count: int | None = None) -> Topics:
    """Return the topics of a graph: the communities of its page and GraphML, or ``count`` clusters of the same kind.

    Raises:
        InputError: the number is out of range.
    """
    if count is not None and not 1 <= count <= MOST:
        raise InputError(f"--topics {count}: must be from 1 to {MOST}")
    given = tables(opened)
    kept = cached(opened, f"topics{count or ''}", lambda: _make(given, count))
    silhouette = float(kept["silhouette"][0])
    clusters = Clusters(
        kept["of"], kept["closeness"], int(kept["count"][0]), None if np.isnan(silhouette) else silhouette
    )
    labels = unpack(kept["labels"])
    by_thing = thing_table(given.corpus, clusters)
    found = tuple(_topic(given, clusters, by_thing, number, label) for number, label in enumerate(labels))
    return Topics(found, len(clusters.of), int((clusters.of < 0).sum()), clusters.silhouette)


def _make(given: Tables, count: int | None) -> dict[str, Any]:
    corpus = full_corpus(given)
    clusters = cluster(corpus, given.text, count)
    silhouette = np.nan if clusters.silhouette is None else clusters.silhouette
    return {
        "of": clusters.of,
        "closeness": clusters.closeness,
        "count": np.array([clusters.count]),
        "silhouette": np.array([silhouette]),
        "labels": pack(", ".join(terms) for terms in label_terms(corpus, given.text, clusters)),
    }


def _topic(given: Tables, clusters: Clusters, by_thing: Any, number: int, label: str) -> Topic:
    rows = np.flatnonzero(clusters.of == number)
    near = rows[np.lexsort((rows, -clusters.closeness[rows]))]
    inside = by_thing[:, number].astype(float)
    telling = log_odds(inside, by_thing.sum(axis=1).astype(float)) if clusters.count > 1 else inside
    least = LEAST if len(rows) > LEAST else 1
    order = [int(t) for t in np.lexsort((np.arange(len(inside)), -telling))[: 4 * TYPICAL] if inside[t] >= least]
    things = tuple((given.thing(t), int(inside[t])) for t in order[:TYPICAL] if telling[t] > 0)
    return Topic(number, label, len(rows), things, tuple(given.paper(int(row)) for row in near[:CENTRAL]))


def _names(topic: Topic) -> list[tuple[str, int]]:
    """Return names of things with their papers; what is both a method and a task is told apart."""
    labels = [thing.label for thing, _ in topic.things]
    return [
        (f"{thing.label} as {thing.kind.lower()}" if labels.count(thing.label) > 1 else thing.label, n)
        for thing, n in topic.things
    ]


def document(found: Topics, limit: int = 0) -> Document:
    """Return the answer of ``kg topics``."""
    shown = found.topics[: limit or None]
    lead = [f"{plural(len(found.topics), 'topic')} of {plural(found.papers, 'paper')}."]
    if found.silhouette is not None:
        lead[0] += f" Their number is the one with the best silhouette ({found.silhouette:.2f}, within its error)."
    if found.left:
        lead.append(f"In none: {plural(found.left, 'paper')} that share no word or thing with another paper.")
    if len(shown) < len(found.topics):
        lead.append(f"Shown: the {len(shown)} largest.")
    rows = [
        (
            str(t.number),
            t.label,
            str(t.size),
            [Item(f"{name} ({n})") for name, n in _names(t)],
            [Item(p.label + (f" ({p.year})" if p.year else "")) for p in t.central],
        )
        for t in shown
    ]
    columns = ("", "topic", "papers", "typical things (papers)", "central papers")
    return Document(
        "Topics",
        tuple(lead),
        (table("", columns, rows, numeric=(0, 2), wide=(1, 3, 4)),),
        (),
        ("number", "topic", "papers", "things", "central papers"),
        tuple(
            (t.number, t.label, t.size, "; ".join(x.label for x, _ in t.things), "; ".join(p.label for p in t.central))
            for t in shown
        ),
        {
            "papers": found.papers,
            "in_none": found.left,
            "silhouette": found.silhouette,
            "topics": [
                {
                    "number": t.number,
                    "label": t.label,
                    "papers": t.size,
                    "things": [{"thing": thing_json(x), "papers": n} for x, n in t.things],
                    "central": [thing_json(p) for p in t.central],
                }
                for t in shown
            ],
        },
    )
