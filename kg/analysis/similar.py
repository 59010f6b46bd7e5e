"""Nearest papers: by their words, and by the baselines, datasets, tasks and other things that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kg.analysis.common import Quote, Thing
from kg.analysis.linkpred import Closeness, best, closeness
from kg.analysis.matrices import RELATION, Floats, link_matrix, rarity, scaled_columns, unit_rows, words
from kg.analysis.queries import Asked
from kg.analysis.render import Block, Document, Item, Items, Notes, Table, Text, quote_json, table, thing_json
from kg.analysis.tables import Tables, quotes
from kg.model import Relation

THINGS = 0.5
"""Weight of shared things beside the cosine of words."""
WORDS = 5
"""Words shown that two papers share."""
SHARED = 5
"""Things shown that two papers share."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A thing that two papers name. ``rarity`` is the logarithm of all papers over those that name it."""

    thing: Thing
    rarity: float
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A near paper. ``score`` is the cosine of words plus half the cosine of things weighted by rarity.

    ``shared`` starts with the rarest thing, ``words`` with the word that adds most to the cosine.
    """

    paper: Thing
    score: float
    by_words: float
    by_things: float
    shared: tuple[Shared, ...]
    words: tuple[str, ...]
    proposes: tuple[Thing, ...] = ()


def near(given: Tables, asked: Asked) -> tuple[Closeness, Floats]:
    """Return how near all papers are by words and by things, and both together."""
    corpus = given.corpus
    every = link_matrix(corpus.links, (len(corpus.papers), len(corpus.things)))
    weights = rarity(every)
    found = closeness(given.text.matrix, unit_rows(scaled_columns(every, weights)), weights, asked.query)
    return found, found.words + THINGS * found.things


def neighbours(given: Tables, asked: Asked, limit: int = 10) -> tuple[Neighbour, ...]:
    """Return the nearest papers with what makes them near, best first; papers with nothing in common are none."""
    corpus = given.corpus
    found, score = near(given, asked)
    rows = best(score, limit or len(score))
    rows = rows[np.lexsort((rows, -score[rows]))]
    every = link_matrix(corpus.links, (len(corpus.papers), len(corpus.things)))
    weights = rarity(every)
    shared = {
        int(row): sorted(
            np.intersect1d(every.indices[every.indptr[row] : every.indptr[row + 1]], asked.query.things).tolist(),
            key=lambda thing: (-weights[thing], thing),
        )
        for row in rows
    }
    proposed: dict[int, list[int]] = {}
    for paper, _, thing in corpus.links[corpus.links[:, 1] == RELATION[Relation.PROPOSES.value]].tolist():
        proposed.setdefault(paper, []).append(thing)
    told = quotes(given, [(row, thing) for row, some in shared.items() for thing in some[:SHARED]])
    return tuple(
        Neighbour(
            given.paper(row),
            float(score[row]),
            float(found.words[row]),
            float(found.things[row]),
            tuple(Shared(given.thing(t), float(weights[t]), told.get((row, t), ())) for t in some),
            _words(given, asked, row, [corpus.labels[t] for t in some[:SHARED]]),
            tuple(given.thing(t) for t in proposed.get(row, ())),
        )
        for row, some in shared.items()
    )


def _words(given: Tables, asked: Asked, row: int, said: Sequence[str]) -> tuple[str, ...]:
    """Return the terms that add most to the cosine of a paper and the query, without those in names already said."""
    product = given.text.matrix[[row]].multiply(asked.query.words).tocsr()
    order = np.lexsort((product.indices, -product.data))
    used = {word for name in said for word in words(name)}
    chosen: list[str] = []
    for place in order.tolist():
        term = given.text.vocabulary[product.indices[place]]
        parts = set(term.split())
        if parts & used or len(chosen) == WORDS:
            continue
        chosen.append(term)
        used |= parts
    return tuple(chosen)


def document(
    asked: Asked, found: Sequence[Neighbour], more: Sequence[Block] = (), notes: Notes | None = None
) -> Document:
    """Return the answer; ``more`` are blocks to put after the neighbours, whose sentences ``notes`` numbers."""
    notes = notes or Notes()
    rows = []
    for one in found:
        # What is both a method and a task is said once.
        once = {s.thing.label: s for s in reversed(one.shared)}
        labels = [s.thing.label for s in one.shared if once[s.thing.label] is s]
        shared = [Item(label, notes(*once[label].quotes[:1])) for label in labels[:SHARED]]
        if len(labels) > SHARED:
            shared.append(Item(f"and {len(labels) - SHARED} more", quiet=True))
        paper = [Item(one.paper.label)]
        if one.proposes:
            paper.append(Item(f"proposes {', '.join(thing.label for thing in one.proposes)}", quiet=True))
        rows.append((f"{one.score:.2f}", paper, str(one.paper.year or ""), shared, Item(", ".join(one.words))))
    lead = [asked.about] if asked.about else []
    blocks: list[Block] = []
    if asked.found:
        named = tuple(Item(f"{thing.label} ({thing.kind.lower()})", notes(quote)) for thing, quote in asked.found)
        note = f"Named, but not in the graph: {', '.join(asked.unknown)}." if asked.unknown else ""
        blocks.append(Items("What the text names that the graph knows", named, note))
    elif asked.unknown:
        blocks.append(
            Text(f"The graph knows none of what it names: {', '.join(asked.unknown)}.", "What the text names")
        )
    if rows:
        blocks.append(_table(rows))
    else:
        blocks.append(Text("No paper here has a telling word or a thing in common with it.", "Nearest papers"))
    return Document(
        f"Papers like {asked.label}",
        tuple(lead),
        (*blocks, *more),
        notes.quotes,
        ("score", "by words", "by things", "paper", "year", "shared", "words", "iri"),
        tuple(
            (
                round(n.score, 4),
                round(n.by_words, 4),
                round(n.by_things, 4),
                n.paper.label,
                n.paper.year,
                "; ".join(s.thing.label for s in n.shared),
                "; ".join(n.words),
                n.paper.iri,
            )
            for n in found
        ),
        {
            "asked": asked.label,
            "named": [{"thing": thing_json(t), "evidence": quote_json(q)} for t, q in asked.found],
            "unknown": list(asked.unknown),
            "similar": [_json(n) for n in found],
        },
    )


def _table(rows: Sequence[Sequence[object]]) -> Table:
    return table(
        "Nearest papers",
        ("score", "paper", "year", "shared things, rarest first", "shared words"),
        rows,  # type: ignore[arg-type]
        numeric=(0, 2),
        wide=(1, 3, 4),
        note="Score: cosine of words, plus half the cosine of things weighted by rarity.",
    )


def _json(one: Neighbour) -> dict[str, object]:
    shared = [{"thing": thing_json(s.thing), "evidence": [quote_json(q) for q in s.quotes]} for s in one.shared]
    return {
        "paper": thing_json(one.paper),
        "score": round(one.score, 4),
        "by_words": round(one.by_words, 4),
        "by_things": round(one.by_things, 4),
        "shared": shared,
        "words": list(one.words),
        "proposes": [thing_json(thing) for thing in one.proposes],
    }
