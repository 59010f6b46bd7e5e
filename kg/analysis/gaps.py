"""Gaps: baselines and datasets that comparable papers use and this one does not, with the papers that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kg.analysis import linkpred
from kg.analysis.common import Quote, Thing, plural
from kg.analysis.linkpred import GOALS
from kg.analysis.matrices import RELATION, Floats
from kg.analysis.queries import Asked, ask_name
from kg.analysis.render import Block, Document, Item, Notes, Table, Text, quote_json, table, thing_json
from kg.analysis.similar import THINGS
from kg.analysis.tables import Tables, quotes, tables
from kg.extract.vague import is_vague
from kg.store import OpenGraph
from kg.text import is_name_like

COMPARABLE = (30, 0.05, 100)
"""Papers that count as comparable, the nearest ones by words and shared things: at least so many, this share of all, at
most so many."""
NAMES = 12
REASONS = 3
"""Papers shown for each suggestion."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A comparable paper that uses the thing. ``closeness`` is as in :class:`~kg.analysis.similar.Neighbour`."""

    paper: Thing
    closeness: float
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A thing that comparable papers use. ``score`` is the log-odds of :func:`kg.analysis.linkpred.predict`.

    ``users`` counts comparable papers with the relation, ``papers`` all papers with it; ``reasons`` are the nearest.
    """

    thing: Thing
    score: float
    users: int
    papers: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is missing, by goal (``baseline``, ``dataset``), best first.

    ``has`` is what is there already, that of most papers first; ``comparable`` are the nearest papers, of which
    ``compared`` were looked at.
    """

    asked: Asked
    suggestions: dict[str, tuple[Suggestion, ...]]
    has: dict[str, tuple[Thing, ...]]
    comparable: tuple[Thing, ...]
    compared: int


def gaps(opened: OpenGraph, name: str, limit: int = 10) -> Gaps:
    """Return what comparable papers use and a paper or method of the graph does not; at most ``limit`` of each goal.

    Raises:
        InputError: nothing has a name like it.
    """
    given = tables(opened)
    return find_gaps(given, ask_name(given, name), limit)


def find_gaps(given: Tables, asked: Asked, limit: int = 10) -> Gaps:
    """Return the gaps of a query, for instance of a text that is not in the graph."""
    corpus = given.corpus
    found: dict[str, tuple[Suggestion, ...]] = {}
    has: dict[str, tuple[Thing, ...]] = {}
    comparable: tuple[Thing, ...] = ()
    compared = 0
    for goal in ("baseline", "dataset"):
        base = linkpred.ground(goal, given.text.matrix, corpus.years, corpus.kinds, corpus.links, len(corpus.papers))
        scored = linkpred.predict(base, asked.query)
        closeness = scored.near.words + THINGS * scored.near.things
        least, part, most = COMPARABLE
        nearest = linkpred.best(closeness, min(max(least, int(part * len(closeness))), most))
        rank = np.zeros(len(closeness))
        rank[nearest] = closeness[nearest]
        if not comparable:
            order = nearest[np.lexsort((nearest, -closeness[nearest]))]
            comparable, compared = tuple(given.paper(int(row)) for row in order[:5]), len(nearest)
        found[goal] = _suggest(given, asked, base, scored, rank, limit)
        relation = RELATION[GOALS[goal].value]
        own = np.isin(corpus.links[:, 0], asked.query.rows) & (corpus.links[:, 1] == relation)
        rows, counts = np.unique(corpus.links[own][:, 2], return_counts=True)
        self = asked.thing.iri if asked.thing else ""
        has[goal] = tuple(
            given.thing(int(rows[i])) for i in np.lexsort((rows, -counts)) if corpus.things[rows[i]] != self
        )
    return Gaps(asked, found, has, comparable, compared)


def _suggest(
    given: Tables,
    asked: Asked,
    base: linkpred.Ground,
    scored: linkpred.Scored,
    rank: Floats,
    limit: int,
) -> tuple[Suggestion, ...]:
    chosen: list[tuple[int, float, list[int], int]] = []
    for thing, score in zip(scored.things.tolist(), scored.scores.tolist(), strict=True):
        if limit and len(chosen) == limit:
            break
        users = base.related.indices[base.related.indptr[thing] : base.related.indptr[thing + 1]]
        near = [int(row) for row in users if rank[row] > 0]
        # What no comparable paper uses has no reason; a phrase of one paper that is no name is no advice.
        if (
            not near
            or is_vague(given.corpus.labels[thing])
            or (len(users) < 2 and not _is_name(given.corpus.labels[thing]))
        ):
            continue
        near.sort(key=lambda row: (-rank[row], row))
        chosen.append((thing, score, near, len(set(users.tolist()) - set(asked.query.rows))))
    told = quotes(given, [(row, thing) for thing, _, near, _ in chosen for row in near[:REASONS]])
    return tuple(
        Suggestion(
            given.thing(thing),
            score,
            len(near),
            papers,
            tuple(Reason(given.paper(r), float(rank[r]), told.get((r, thing), ())) for r in near[:REASONS]),
        )
        for thing, score, near, papers in chosen
    )


def _is_name(label: str) -> bool:
    return label[:1].isupper() and is_name_like(label)


_WORDS = {
    "baseline": ("Baselines", "compare with it", "compared with"),
    "dataset": ("Datasets", "are evaluated on it", "evaluated on"),
}


def blocks(found: Gaps, notes: Notes, *, new: bool = False) -> list[Block]:
    """Return the suggestions as tables. ``new`` words them as advice for a text that is not in the graph."""
    made: list[Block] = []
    for goal, suggestions in found.suggestions.items():
        heading, does, _ = _WORDS[goal]
        title = f"{heading} to consider" if new else f"{heading} that comparable papers use and it does not"
        if not suggestions:
            made.append(Text(f"None: no other {goal} is named by a comparable paper.", title))
            continue
        made.append(_table(title, does, suggestions, notes))
    return made


def _table(title: str, does: str, suggestions: Sequence[Suggestion], notes: Notes) -> Table:
    rows = [
        (
            s.thing.label,
            str(s.users),
            str(s.papers),
            [
                Item(r.paper.label + (f" ({r.paper.year})" if r.paper.year else ""), notes(*r.quotes[:1]))
                for r in s.reasons
            ],
        )
        for s in suggestions
    ]
    columns = ("name", "comparable papers", "all papers", f"nearest papers that {does}")
    return table(title, columns, rows, numeric=(1, 2), wide=(3,))


def document(found: Gaps) -> Document:
    """Return the answer of ``kg gaps``."""
    notes = Notes()
    asked = found.asked
    lead = [asked.about] if asked.about else []
    for goal, things in found.has.items():
        names = ", ".join(t.label for t in things[:NAMES])
        if len(things) > NAMES:
            names += f" and {len(things) - NAMES} more"
        lead.append(
            f"It is {_WORDS[goal][2]}: {names}." if names else f"It is {_WORDS[goal][2]} nothing that the graph names."
        )
    nearest = "; ".join(paper.label for paper in found.comparable[:3])
    lead.append(
        f"Looked at: the {plural(found.compared, 'nearest paper')}, first of all {nearest}."
        if found.comparable
        else "No paper here has a telling word or a thing in common with it."
    )
    return Document(
        f"Gaps of {asked.label}",
        tuple(lead),
        tuple(blocks(found, notes)),
        notes.quotes,
        ("goal", "name", "score", "comparable papers", "papers", "nearest paper", "sentence", "iri"),
        tuple(
            (
                goal,
                s.thing.label,
                round(s.score, 3),
                s.users,
                s.papers,
                s.reasons[0].paper.label,
                s.reasons[0].quotes[0].sentence if s.reasons[0].quotes else "",
                s.thing.iri,
            )
            for goal, suggestions in found.suggestions.items()
            for s in suggestions
        ),
        data(found),
    )


def data(found: Gaps) -> dict[str, object]:
    """Return gaps for JSON."""
    return {
        "asked": found.asked.label,
        "has": {goal: [thing_json(t) for t in things] for goal, things in found.has.items()},
        "comparable": [thing_json(paper) for paper in found.comparable],
        **{
            f"{goal}s": [
                {
                    "thing": thing_json(s.thing),
                    "score": round(s.score, 3),
                    "comparable_papers": s.users,
                    "papers": s.papers,
                    "reasons": [
                        {
                            "paper": thing_json(r.paper),
                            "closeness": round(r.closeness, 4),
                            "evidence": [quote_json(q) for q in r.quotes],
                        }
                        for r in s.reasons
                    ],
                }
                for s in suggestions
            ]
            for goal, suggestions in found.suggestions.items()
        },
    }
