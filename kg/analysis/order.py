"""Who is reported to be better than whom, and the partial order that follows from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import networkx as nx

from kg.analysis.common import Measurement, Quote, Statement, Thing, all_names, beside, quote_key, read_claims
from kg.analysis.measures import HIGHER, Kind, better, is_cost, is_gain, read
from kg.analysis.verdict import verdicts
from kg.store import OpenGraph


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing is reported to be better than another. ``metric`` is empty where the text names none.

    ``how`` says what it rests on: a change against a baseline, two numbers of one sentence, or the words themselves;
    ``amount`` is the number with its unit, if there is one.
    """

    winner: Thing
    loser: Thing
    metric: str
    how: str
    amount: str
    quote: Quote

    @property
    def cost(self) -> bool:
        """Whether it is about what computing costs rather than how well something is done."""
        return is_cost(self.metric) if self.metric else False


CHANGE, NUMBERS, WORDS = "a change", "two numbers", "words"
"""What a report rests on: a change against a baseline, two numbers of one sentence, the words of the sentence."""


def beat_key(beat: Beat) -> tuple[object, ...]:
    """Order of reports: by winner, loser, metric, then quote."""
    return (beat.winner, beat.loser, beat.metric, beat.how, beat.amount, quote_key(beat.quote))


def beats(opened: OpenGraph, measured: Sequence[Measurement], compared: Sequence[Statement]) -> list[Beat]:
    """Return what results and comparisons say of who is better, sorted and each once.

    A comparison counts only where its sentence says which is better; a result counts where it is a change against a
    baseline on a metric whose better direction is known, or where two levels stand in one sentence.
    """
    held = [m.method for m in measured if m.method] + [m.baseline for m in measured if m.baseline]
    held += [thing for statement in compared for thing in (statement.subject, statement.object)]
    known = all_names(opened, (thing.iri for thing in held))
    # Names of all compared things by sentence: any of them may be the one that a cue speaks of.
    near: dict[tuple[str, str], set[str]] = defaultdict(set)
    for statement in compared:
        for quote in statement.quotes:
            near[quote.paper.iri, quote.sentence].add(statement.object.iri)
    for m in measured:
        near[m.quote.paper.iri, m.quote.sentence] |= {t.iri for t in (m.method, m.baseline) if t}
    found = [*_changes(measured, known, near), *_pairs(measured)]
    for statement in compared:
        for quote in statement.quotes:
            found += _said(statement.subject, statement.object, "", "", quote, known, near)
    return sorted(_told_once(beat for beat in found if _comparable(beat)), key=beat_key)


def _comparable(beat: Beat) -> bool:
    """Tell whether two things can be rivals: a method that is "better than ImageNet" beats no dataset."""
    return (beat.winner.kind == "Dataset") == (beat.loser.kind == "Dataset")


def _told_once(reports: Iterable[Beat]) -> set[Beat]:
    """Return reports without those by words whose sentence gives a number for the same."""
    held = set(reports)

    def about(beat: Beat) -> tuple[object, ...]:
        return (beat.winner, beat.loser, beat.cost, beat.quote.paper.iri, beat.quote.sentence)

    numbers = {about(beat) for beat in held if beat.how != WORDS}
    return {beat for beat in held if beat.how != WORDS or about(beat) not in numbers}


def _changes(
    measured: Iterable[Measurement], known: Mapping[str, tuple[str, ...]], near: Mapping[tuple[str, str], set[str]]
) -> Iterator[Beat]:
    for m in measured:
        if m.method is None or m.baseline is None or m.method.iri == m.baseline.iri:
            continue
        metric = m.metric.label if m.metric else ""
        group = read(m).group
        if group.kind is Kind.LEVEL:
            yield from _said(m.method, m.baseline, metric, amount(m), m.quote, known, near)
        elif group.kind in (Kind.CHANGE, Kind.MULTIPLE):
            way, direction = better(metric), group.direction
            if way and direction:
                won = is_gain(metric) or (direction == "up") == (way == HIGHER)
                pair = (m.method, m.baseline) if won else (m.baseline, m.method)
                yield Beat(*pair, metric, CHANGE, amount(m), m.quote)


def _pairs(measured: Iterable[Measurement]) -> Iterator[Beat]:
    """Yield the better one of two levels of two methods that one sentence reports on one metric and dataset."""
    together: dict[tuple[object, ...], list[Measurement]] = defaultdict(list)
    for m in measured:
        group = read(m).group
        if m.method and group.ranked:
            place = m.dataset.iri if m.dataset else ""
            together[m.quote.paper.iri, m.quote.sentence, place, group].append(m)
    for rows in together.values():
        group = read(rows[0]).group
        # Several numbers of one method are sizes or settings: which of them to compare is not said.
        if len({m.method for m in rows}) != len(rows):
            continue
        for left, right in combinations(rows, 2):
            a, b = read(left).size, read(right).size
            if a is None or b is None or a == b or left.method is None or right.method is None:
                continue
            first, second = (left, right) if (a > b) == (group.better == HIGHER) else (right, left)
            assert first.method is not None
            assert second.method is not None
            told = f"{amount(first)} against {amount(second)}"
            metric = first.metric.label if first.metric else ""
            yield Beat(first.method, second.method, metric, NUMBERS, told, first.quote)


def _said(
    subject: Thing,
    target: Thing,
    metric: str,
    told: str,
    quote: Quote,
    known: Mapping[str, tuple[str, ...]],
    near: Mapping[tuple[str, str], set[str]],
) -> Iterator[Beat]:
    rest = near.get((quote.paper.iri, quote.sentence), set()) - {subject.iri, target.iri}
    others = [name for iri in sorted(rest) for name in known.get(iri, ())]
    for verdict in verdicts(quote.sentence, known.get(subject.iri, ()), known.get(target.iri, ()), others):
        pair = (subject, target) if verdict.sign > 0 else (target, subject)
        yield Beat(*pair, verdict.aspect or metric, WORDS, told if not verdict.aspect else "", quote)


def amount(measured: Measurement) -> str:
    """Return a number as written, with its unit and bound.

    The bound "about" is kept too: what a sentence leaves open is left open.
    """
    unit = measured.unit
    joined = f"{measured.value_text}{unit}" if unit in ("%", "x") else f"{measured.value_text} {unit}".rstrip()
    return f"{measured.bound} {joined}" if measured.bound else joined


@dataclass(frozen=True, slots=True)
class Conflict:
    """Reports that cannot all hold: each says that a thing is better than the next one, in a circle.

    Two things make the plain case: A better than B, and B better than A.
    """

    things: tuple[Thing, ...]
    beats: tuple[Beat, ...]


@dataclass(frozen=True, slots=True)
class PartialOrder:
    """What follows from reports without conflict.

    ``levels`` hold the things from the unbeaten down; a thing stands below all that beat it. ``edges`` are the
    reports that no chain of others implies, as (winner, loser). ``conflicts`` are left out of both, and so are
    ``mixed``: reports by which each of two or more things is better on some metric than the next.
    """

    title: str
    levels: tuple[tuple[Thing, ...], ...]
    edges: tuple[tuple[Thing, Thing], ...]
    beats: tuple[Beat, ...]
    conflicts: tuple[Conflict, ...]
    mixed: tuple[Beat, ...]


def partial_orders(reports: Sequence[Beat]) -> tuple[PartialOrder, ...]:
    """Return one order of quality and one of cost, as far as there are reports.

    A method may well be more accurate and slower: the two are not mixed.
    """
    quality = [beat for beat in reports if not beat.cost]
    cost = [beat for beat in reports if beat.cost]
    made = (_order("by quality", quality), _order("by cost: speed, size, memory, energy", cost))
    return tuple(order for order in made if order.beats)


def _order(title: str, reports: Sequence[Beat]) -> PartialOrder:
    conflicts = tuple(_conflicts(reports))
    bad = {(beat.winner, beat.loser) for conflict in conflicts for beat in conflict.beats}
    graph: nx.DiGraph[Thing] = nx.DiGraph()
    for beat in sorted(reports, key=beat_key):
        graph.add_nodes_from((beat.winner, beat.loser))
        if (beat.winner, beat.loser) not in bad:
            graph.add_edge(beat.winner, beat.loser)
    circled = _break(graph)
    mixed = tuple(beat for beat in sorted(reports, key=beat_key) if (beat.winner, beat.loser) in circled)
    reduced = nx.transitive_reduction(graph)
    levels = tuple(tuple(sorted(level)) for level in nx.topological_generations(graph))
    return PartialOrder(
        title, levels, tuple(sorted(reduced.edges)), tuple(sorted(reports, key=beat_key)), conflicts, mixed
    )


def _conflicts(reports: Sequence[Beat]) -> Iterator[Conflict]:
    """Yield circles of reports on one metric; a report that names no metric speaks for each of them."""
    metrics = sorted({beat.metric for beat in reports if beat.metric}) or [""]
    seen: set[frozenset[Thing]] = set()
    for metric in metrics:
        graph: nx.DiGraph[Thing] = nx.DiGraph()
        by_pair: dict[tuple[Thing, Thing], list[Beat]] = defaultdict(list)
        for beat in reports:
            if beat.metric in (metric, ""):
                graph.add_edge(beat.winner, beat.loser)
                by_pair[beat.winner, beat.loser].append(beat)
        for members in sorted(sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1):
            if frozenset(members) in seen:
                continue
            seen.add(frozenset(members))
            inside = [(a, b) for a, b in sorted(graph.edges) if a in members and b in members]
            yield Conflict(tuple(members), tuple(beat for pair in inside for beat in by_pair[pair]))


def _break(graph: nx.DiGraph[Thing]) -> set[tuple[Thing, Thing]]:
    """Remove and return the edges of circles that are left when several metrics are put together."""
    circled = {
        (a, b)
        for part in nx.strongly_connected_components(graph)
        if len(part) > 1
        for a, b in graph.edges
        if a in part and b in part
    }
    graph.remove_edges_from(circled)
    return circled


def dot(order: PartialOrder) -> str:
    r"""Return an order in the language of Graphviz, an arrow from the better to the worse one.

    Names are quoted as its grammar wants: a backslash and a quotation mark get a backslash before them.
    """
    held = [thing for level in order.levels for thing in level]
    number = {thing: f"n{place}" for place, thing in enumerate(held)}
    lines = ["digraph order {", "  rankdir=TB;", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    lines += [f"  {number[thing]} [label={_quoted(thing.label)}];" for thing in held]
    for winner, loser in order.edges:
        told = sorted({b.metric or "overall" for b in order.beats if (b.winner, b.loser) == (winner, loser)})
        lines.append(f"  {number[winner]} -> {number[loser]} [label={_quoted(', '.join(told))}];")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    plain = " ".join(text.split())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def said_on(opened: OpenGraph, dataset: str) -> list[Statement]:
    """Return comparisons whose sentence names a dataset, with only such sentences as quotes."""
    places = beside(opened, dataset)
    found = read_claims(opened, {claim for claims in places.values() for claim in claims}, ["comparesTo"])
    return [kept for statement in found if (kept := _only(statement, places)).quotes]


def _only(statement: Statement, here: Collection[tuple[str, str]]) -> Statement:
    quotes = tuple(quote for quote in statement.quotes if (quote.paper.iri, quote.sentence) in here)
    return Statement(statement.subject, statement.relation, statement.object, statement.confidence, quotes)


__all__ = [
    "CHANGE", "NUMBERS", "WORDS", "Beat", "Conflict", "PartialOrder", "amount", "beat_key", "beats", "dot",
    "partial_orders", "said_on",
]  # fmt: skip
