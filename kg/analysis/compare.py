"""Methods or papers side by side: what the graph says of each, where they agree and differ, and of one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kg.analysis.common import (
    PAPER,
    Measurement,
    Quote,
    Statement,
    Thing,
    all_names,
    measurements,
    plural,
    quote_key,
    resolve,
    statements,
)
from kg.analysis.measures import Group, read
from kg.analysis.order import WORDS, Beat, beat_key, beats
from kg.analysis.verdict import verdicts
from kg.errors import InputError
from kg.store import OpenGraph

FEWEST, MOST = 2, 5
"""How many things can be compared."""

ROWS: tuple[tuple[str, str, bool], ...] = (
    ("proposed by", "proposes", False),
    ("proposes", "proposes", True),
    ("targets", "targets", True),
    ("builds on", "buildsOn", True),
    ("uses", "uses", True),
    ("trained on", "trainedOn", True),
    ("evaluated on", "evaluatedOn", True),
    ("runs on", "runsOn", True),
    ("compares with", "comparesTo", True),
    ("is compared with by", "comparesTo", False),
    ("is built on by", "buildsOn", False),
    ("is used by", "uses", False),
    ("is evaluated on by", "evaluatedOn", False),
    ("is trained on by", "trainedOn", False),
    ("is run on by", "runsOn", False),
)
"""Rows of a comparison: name, relation, and whether the thing is its subject."""

SHARED = frozenset(
    {"proposes", "targets", "builds on", "uses", "trained on", "evaluated on", "runs on", "compares with"}
)
"""Rows in which agreement and difference say something of the things themselves."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A thing in a cell with the claim's confidence and quotes; of several claims the most trusted one's."""

    thing: Thing
    confidence: float
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A row: one tuple of entries for each thing compared, most often stated first."""

    name: str
    cells: tuple[tuple[Entry, ...], ...]


@dataclass(frozen=True, slots=True)
class ResultLine:
    """Results of one group on one dataset, one tuple for each thing compared."""

    dataset: Thing | None
    group: Group
    cells: tuple[tuple[Measurement, ...], ...]

    @property
    def shared(self) -> bool:
        """Whether at least two things have such a result on a dataset that is named."""
        return self.dataset is not None and sum(bool(cell) for cell in self.cells) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Things side by side. ``between`` are claims that compare them with each other, ``beats`` what is reported of who
    is better."""

    things: tuple[Thing, ...]
    lines: tuple[Line, ...]
    results: tuple[ResultLine, ...]
    between: tuple[Statement, ...]
    beats: tuple[Beat, ...]

    def common(self) -> Iterator[tuple[str, Thing, tuple[Thing, ...]]]:
        """Yield row, thing and those compared that have it, for all that at least two have; by number, then name."""
        found = []
        for line in self.lines:
            if line.name in SHARED:
                holders: dict[Thing, list[Thing]] = defaultdict(list)
                for owner, cell in zip(self.things, line.cells, strict=True):
                    for entry in cell:
                        holders[entry.thing].append(owner)
                found += [(line.name, thing, tuple(have)) for thing, have in holders.items() if len(have) > 1]
        order = {name: number for number, (name, _, _) in enumerate(ROWS)}
        yield from sorted(found, key=lambda item: (-len(item[2]), order[item[0]], item[1]))

    def meetings(self) -> Iterator[tuple[str, Thing, tuple[Thing, ...], tuple[Quote, ...]]]:
        """Yield row, work, those compared that the work speaks of, and quotes, for works that speak of several."""
        found = []
        for line in self.lines:
            if line.name in SHARED or line.name == "proposed by":
                continue
            spoken: dict[Thing, list[tuple[Thing, Entry]]] = defaultdict(list)
            for owner, cell in zip(self.things, line.cells, strict=True):
                for entry in cell:
                    spoken[entry.thing].append((owner, entry))
            for work, held in spoken.items():
                if len(held) > 1:
                    quotes = {quote for _, entry in held for quote in entry.quotes}
                    owners = tuple(owner for owner, _ in held)
                    found.append((line.name, work, owners, tuple(sorted(quotes, key=quote_key))))
        order = {name: number for number, (name, _, _) in enumerate(ROWS)}
        yield from sorted(found, key=lambda item: (-len(item[2]), order[item[0]], item[1]))


def compare(opened: OpenGraph, names: Sequence[str]) -> Comparison:
    """Return methods or papers side by side.

    What a paper proposes stands for the paper: a claim's subject is the method that a paper is about, if it names one.

    Args:
        opened: the graph.
        names: two to five names of things or titles of papers.

    Raises:
        InputError: there are too few or too many, two mean the same thing, or a name is not in the graph.
    """
    if not FEWEST <= len(names) <= MOST:
        raise InputError(f"compare takes {FEWEST} to {MOST} names, not {len(names)}")
    things = tuple(resolve(opened, name, ("Method", PAPER, "Dataset", "Hardware", "Task")) for name in names)
    for number, thing in enumerate(things):
        if thing in things[:number]:
            first = names[things.index(thing)]
            raise InputError(f"{first!r} and {names[number]!r} both mean {thing.label!r}; name another thing")
    views = [_View(opened, thing) for thing in things]
    lines = [Line(name, tuple(view.row(relation, outgoing) for view in views)) for name, relation, outgoing in ROWS]
    between = tuple(_between(views))
    return Comparison(
        things,
        tuple(line for line in lines if any(line.cells)),
        tuple(_results(views)),
        between,
        tuple(_beats(opened, views, between)),
    )


class _View:
    """What a graph says of one thing: its own claims, and for a paper those of what it proposes."""

    def __init__(self, opened: OpenGraph, thing: Thing) -> None:
        self.thing = thing
        self.paper = thing.kind == PAPER
        own = statements(opened, subjects=[thing.iri])
        self.proposed = [s.object for s in own if s.relation == "proposes"] if self.paper else []
        self.iris = {thing.iri, *(item.iri for item in self.proposed)}
        outgoing = own
        if self.proposed:
            # Others may speak of the same method: here, one paper is asked about.
            theirs = statements(opened, subjects=[item.iri for item in self.proposed])
            outgoing = [*own, *(kept for s in theirs if (kept := self._mine(s)).quotes)]
        self.outgoing = [s for s in outgoing if s.object.iri not in self.iris or s.relation == "proposes"]
        incoming = statements(opened, objects=sorted(self.iris))
        self.incoming = [s for s in incoming if s.subject.iri not in self.iris]
        if self.paper:
            self.measured = measurements(opened, papers=[thing.iri])
        else:
            self.measured = measurements(opened, methods=[thing.iri])
        self.against = measurements(opened, baselines=sorted(self.iris))

    def _mine(self, statement: Statement) -> Statement:
        quotes = tuple(quote for quote in statement.quotes if quote.paper == self.thing)
        return Statement(statement.subject, statement.relation, statement.object, statement.confidence, quotes)

    def row(self, relation: str, outgoing: bool) -> tuple[Entry, ...]:
        """Return the things at the other end of a relation."""
        claims = self.outgoing if outgoing else self.incoming
        found: dict[Thing, list[Statement]] = defaultdict(list)
        for claim in claims:
            if claim.relation == relation:
                found[claim.object if outgoing else claim.subject].append(claim)
        entries = [
            Entry(
                thing,
                max(claim.confidence for claim in held),
                tuple(sorted({quote for claim in held for quote in claim.quotes}, key=quote_key)),
            )
            for thing, held in found.items()
        ]
        return tuple(sorted(entries, key=lambda e: (-len({q.paper.iri for q in e.quotes}), -e.confidence, e.thing)))


def _results(views: Sequence[_View]) -> Iterator[ResultLine]:
    """Yield results by dataset and group: those that several things have first, then by dataset."""
    found: dict[tuple[Thing | None, Group], list[list[Measurement]]] = {}
    for number, view in enumerate(views):
        for measured in view.measured:
            key = (measured.dataset, read(measured).group)
            found.setdefault(key, [[] for _ in views])[number].append(measured)
    lines = [ResultLine(dataset, group, tuple(map(tuple, cells))) for (dataset, group), cells in found.items()]

    def order(line: ResultLine) -> tuple[object, ...]:
        place = (line.dataset is None, line.dataset.label if line.dataset else "")
        return (not line.shared, -sum(bool(cell) for cell in line.cells), *place, line.group)

    yield from sorted(lines, key=order)


def _between(views: Sequence[_View]) -> Iterator[Statement]:
    """Yield claims that compare the things with each other, each once."""
    seen: set[tuple[str, str]] = set()
    for view in views:
        others = {iri for other in views if other is not view for iri in other.iris}
        for claim in view.outgoing:
            pair = (claim.subject.iri, claim.object.iri)
            if claim.relation == "comparesTo" and claim.object.iri in others and pair not in seen:
                seen.add(pair)
                yield claim


def _beats(opened: OpenGraph, views: Sequence[_View], between: Sequence[Statement]) -> Iterator[Beat]:
    """Yield what is reported of who of the things is better, on whatever dataset."""
    owner = {iri: view.thing for view in views for iri in view.iris}
    measured = {m.iri: m for view in views for m in (*view.measured, *view.against)}
    inside = [
        m
        for _, m in sorted(measured.items())
        if m.method and m.method.iri in owner and (m.baseline is None or m.baseline.iri in owner)
    ]
    found = [*beats(opened, inside, between), *_third_parties(opened, views)]
    owned = [
        Beat(owner[beat.winner.iri], owner[beat.loser.iri], beat.metric, beat.how, beat.amount, beat.quote)
        for beat in found
        if beat.winner.iri in owner and beat.loser.iri in owner
    ]
    yield from sorted({beat for beat in owned if beat.winner != beat.loser}, key=beat_key)


def _third_parties(opened: OpenGraph, views: Sequence[_View]) -> Iterator[Beat]:
    """Yield what works that present neither of two things say of both in one sentence."""
    known = all_names(opened, (iri for view in views for iri in view.iris))
    said = [
        {(quote.paper.iri, quote.sentence): quote for claim in view.incoming for quote in claim.quotes}
        for view in views
    ]
    for number, left in enumerate(views):
        for place, right in enumerate(views[number + 1 :], number + 1):
            for key in sorted(said[number].keys() & said[place].keys()):
                ours, theirs = ([name for iri in sorted(view.iris) for name in known[iri]] for view in (left, right))
                for verdict in verdicts(key[1], ours, theirs, own=False):
                    pair = (left.thing, right.thing) if verdict.sign > 0 else (right.thing, left.thing)
                    yield Beat(*pair, verdict.aspect, WORDS, "", said[number][key])


def verdict_words(found: Comparison) -> Iterable[str]:
    """Return for each pair of things whether the graph says which is better, in words."""
    if not found.beats:
        yield "No sentence here says which of them is better."
        return
    for number, left in enumerate(found.things):
        for right in found.things[number + 1 :]:
            pair = {left, right}
            told = [beat for beat in found.beats if {beat.winner, beat.loser} == pair]
            if told:
                sides = sorted({beat.winner for beat in told})
                if len(sides) == 1:
                    other = right if sides[0] == left else left
                    yield f"{sides[0].label} is reported to beat {other.label} ({plural(len(told), 'report')})."
                else:
                    yield f"Reports on {left.label} and {right.label} go both ways."
            else:
                yield f"No sentence here says which of {left.label} and {right.label} is better."
