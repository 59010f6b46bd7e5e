"""A leaderboard as a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kg.analysis.common import Quote, Thing, plural, quote_key
from kg.analysis.figure import Link, Node, draw, svg_file
from kg.analysis.leaderboard import Disagreement, Leaderboard, Listing, Row, better_words
from kg.analysis.measures import Kind
from kg.analysis.order import Beat, PartialOrder, amount, dot
from kg.analysis.render import (
    Block,
    Document,
    Figure,
    Item,
    Items,
    Loose,
    Notes,
    Table,
    Text,
    quote_json,
    table,
    thing_json,
)
from kg.errors import InputError

LIMIT = 25
"""Rows of a list that are shown unless more are asked for; files of CSV and JSON hold all."""

FIELDS = (
    "list", "metric", "kind", "rank", "better", "method", "value", "unit", "bound", "direction", "scale", "protocol",
    "conditions", "against", "paper", "year", "confidence", "sentence", "note",
)  # fmt: skip

_NOT_NAMED = "(method not named)"


def document(board: Leaderboard, *, limit: int = LIMIT) -> Document:
    """Return a leaderboard as a document.

    Args:
        board: what to show.
        limit: rows of each list; all for 0.
    """
    notes = Notes()
    blocks: list[Block] = []
    several = [listing for listing in board.listings if len(listing.rows) > 1]
    single = [listing for listing in board.listings if len(listing.rows) == 1]
    blocks += [_listing(listing, notes, limit) for listing in several]
    if single:
        blocks.append(_single(single, notes, several != []))
    for order in board.orders:
        blocks += _order(order, board.dataset, notes)
    if board.disagreements:
        blocks.append(_disagreements(board.disagreements, notes))
    if not board.orders and board.listings:
        blocks.append(Text("No sentence here says plainly that one named method beats another.", "Who beats whom"))
    title = f"Results on {board.dataset.label}" + (f": {board.metric}" if board.metric else "")
    return Document(
        title,
        tuple(_lead(board)),
        tuple(blocks),
        notes.quotes,
        FIELDS,
        tuple(_record(listing, row) for listing in board.listings for row in listing.rows),
        _data(board),
    )


def _lead(board: Leaderboard) -> Iterator[str]:
    rows = list(board.rows)
    papers = {row.paper.iri for row in rows}
    methods = {row.measured.method.iri for row in rows if row.measured.method}
    years = sorted({row.paper.year for row in rows if row.paper.year})
    name = board.dataset.label
    if rows:
        span = f", {years[0]} to {years[-1]}" if len(years) > 1 else f", {years[0]}" if years else ", years not known"
        counted = f"{plural(len(rows), 'result')} of {plural(len(methods), 'named method')}"
        yield f"{counted} in {plural(len(papers), 'paper')}{span}."
        yield (
            "Numbers stand in one list only if metric, unit and kind are equal. Abstracts seldom tell the protocol "
            "(split, extra data, size of the model): read the sentences before you compare."
        )
    else:
        told = f"{plural(board.evaluated, 'paper')} evaluate{'s' if board.evaluated == 1 else ''} on it"
        yield f"This graph holds no result on {name}; {told}, without a number in title or abstract that is tied to it."
    if board.nearby:
        near = ", ".join(f"{thing.label} ({count})" for thing, count in board.nearby[:6])
        yield f"Not included: results on datasets of like names: {near}."


def _method(row: Row) -> Item:
    method = row.measured.method
    return Item(method.label) if method else Item(_NOT_NAMED, quiet=True)


def _with(row: Row) -> list[Item]:
    told = list(row.reading.conditions)
    if row.reading.note and row.reading.note != "about":
        told.append(row.reading.note)
    return [Item(", ".join(told), quiet=True)] if told else []


def _year(paper: Thing) -> str:
    return str(paper.year) if paper.year else ""


def _listing(listing: Listing, notes: Notes, limit: int) -> Table:
    shown = listing.rows[:limit] if limit else listing.rows
    group = listing.group
    change = group.kind in (Kind.CHANGE, Kind.MULTIPLE)
    columns = ["rank"] * group.ranked + ["method", "value"] + ["against"] * change + ["said with", "paper", "year"]
    rows: list[list[Loose]] = []
    for row in shown:
        value = Item(amount(row.measured), notes(*row.quotes))
        baseline = row.measured.baseline.label if row.measured.baseline else ""
        cells: list[Loose] = [
            _method(row),
            value,
            *([baseline] if change else []),
            _with(row),
            row.paper.label,
            _year(row.paper),
        ]
        rows.append([str(row.rank), *cells] if group.ranked else cells)
    told = [better_words(group)] if better_words(group) else []
    if not group.ranked:
        told.append(_why(listing))
    if len(shown) < len(listing.rows):
        told.append(f"{len(listing.rows) - len(shown)} more are not shown")
    numeric = [columns.index(name) for name in ("rank", "value", "year") if name in columns]
    wide = [columns.index("method"), columns.index("paper")]
    return table(group.heading, columns, rows, note=_sentence(told), numeric=numeric, wide=wide)


def _why(listing: Listing) -> str:
    """Return why the numbers of a list are in order of size and not ranked."""
    kind = listing.group.kind
    if kind in (Kind.CHANGE, Kind.MULTIPLE):
        return "each is a change against its own baseline, so the order of size ranks nobody"
    if kind is Kind.LEVEL and listing.group.bound:
        return f"“{listing.group.bound}” a number is not the number, so nobody is ranked"
    return "the order of size ranks nobody"


def _sentence(told: Sequence[str]) -> str:
    text = "; ".join(told)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _single(listings: Iterable[Listing], notes: Notes, others: bool) -> Table:
    rows: list[list[Loose]] = []
    for listing in listings:
        row = listing.rows[0]
        against = f"against {row.measured.baseline.label}" if row.measured.baseline else ""
        value = Item(amount(row.measured), notes(*row.quotes))
        told = [*_with(row), *([Item(against, quiet=True)] if against else [])]
        way = better_words(listing.group)
        what = [Item(listing.group.heading), *([Item(way, quiet=True)] if way else [])]
        rows.append([what, _method(row), value, told, row.paper.label, _year(row.paper)])
    title = "Numbers that stand alone" if others else "Numbers, each of a kind of its own"
    return table(title, ("what", "method", "value", "said with", "paper", "year"), rows, numeric=(2, 5), wide=(0, 1, 4))


def _order(order: PartialOrder, dataset: Thing, notes: Notes) -> Iterator[Block]:
    """Yield the levels of an order, the reports that it rests on, and what contradicts."""
    beaten: dict[Thing, list[Thing]] = {}
    for winner, loser in order.edges:
        beaten.setdefault(loser, []).append(winner)
    linked = {thing for edge in order.edges for thing in edge}
    lines = []
    for number, level in enumerate(order.levels, 1):
        told = [
            thing.label + (f" (after {', '.join(w.label for w in sorted(beaten[thing]))})" if thing in beaten else "")
            for thing in level
            if thing in linked
        ]
        if told:
            lines.append(Item(f"{number}: {'; '.join(told)}"))
    if lines:
        note = (
            "Nobody is reported to beat what stands in 1. What follows from a chain of others is left out; things of "
            "one level are not compared with each other."
        )
        yield Items(f"Who beats whom, {order.title}", tuple(lines), note)
        yield Figure(f"Drawing, {order.title}", figure(order, dataset))
    rows: list[list[Loose]] = [[b.winner.label, b.loser.label, *_report(b, notes)] for b in order.beats]
    columns = ("better", "than", "on", "by", "from", "paper", "year")
    yield table(f"Reports of who beats whom, {order.title}", columns, rows, numeric=(6,), wide=(0, 1, 5))
    if order.conflicts:
        found = tuple(
            Item(
                f"{' and '.join(t.label for t in conflict.things)}: "
                + "; ".join(_told(beat) for beat in conflict.beats),
                notes(*sorted({beat.quote for beat in conflict.beats}, key=quote_key)),
            )
            for conflict in order.conflicts
        )
        yield Items(f"Contradictions, {order.title}", found, "Neither side enters the order.")
    if order.mixed:
        both = tuple(Item(_told(beat), notes(beat.quote)) for beat in order.mixed)
        yield Items(
            f"Better on one metric, worse on another, {order.title}",
            both,
            "These do not enter the order: it would run in a circle.",
        )


def _report(beat: Beat, notes: Notes) -> tuple[Loose, ...]:
    told = Item(beat.how, notes(beat.quote), quiet=True)
    return (beat.metric or "not said on what", beat.amount, told, beat.quote.paper.label, _year(beat.quote.paper))


def _told(beat: Beat) -> str:
    on = f" on {beat.metric}" if beat.metric else ""
    by = f" ({beat.amount})" if beat.amount else ""
    return f"{beat.winner.label} beats {beat.loser.label}{on}{by}"


def _disagreements(found: Iterable[Disagreement], notes: Notes) -> Items:
    lines = []
    for item in found:
        numbers = ", ".join(dict.fromkeys(amount(row.measured) for row in item.rows))
        quotes: list[Quote] = [quote for row in item.rows for quote in row.quotes]
        why = "papers differ" if item.papers else "one paper gives several: sizes or settings, most likely"
        lines.append(Item(f"{item.method.label}, {item.group.heading}: {numbers} ({why})", notes(*quotes)))
    return Items("Several values for one method", tuple(lines))


def figure(order: PartialOrder, dataset: Thing) -> str:
    """Return the drawing of an order: an arrow runs from the better to the worse one."""
    linked = {thing for edge in order.edges for thing in edge}
    nodes = [
        Node(thing.iri, thing.label, number)
        for number, level in enumerate(order.levels)
        for thing in level
        if thing in linked
    ]
    told = {pair: [b for b in order.beats if (b.winner, b.loser) == pair] for pair in order.edges}
    links = [Link(a.iri, b.iri, "; ".join(_told(beat) for beat in told[a, b])) for a, b in order.edges]
    description = "; ".join(link.tip for link in links)
    return draw(f"Who beats whom on {dataset.label}, {order.title}", f"{description}.", nodes, links)


def figure_file(board: Leaderboard) -> str:
    """Return the drawing of the first order as a file.

    Raises:
        InputError: there is nothing to draw.
    """
    return svg_file(figure(_first(board), board.dataset))


def dot_file(board: Leaderboard) -> str:
    """Return the first order in the language of Graphviz.

    Raises:
        InputError: there is nothing to draw.
    """
    return dot(_first(board))


def _first(board: Leaderboard) -> PartialOrder:
    order = next((order for order in board.orders if order.edges), None)
    if order is None:
        raise InputError(f"{board.dataset.label}: no sentence says who beats whom on it, so there is nothing to draw")
    return order


def _record(listing: Listing, row: Row) -> tuple[str | int | float | None, ...]:
    measured, group = row.measured, listing.group
    return (
        group.heading,
        group.metric,
        group.kind.value,
        row.rank,
        group.better,
        measured.method.label if measured.method else None,
        measured.value_text,
        measured.unit,
        measured.bound,
        group.direction,
        group.scale,
        group.protocol,
        ", ".join(row.reading.conditions),
        measured.baseline.label if measured.baseline else None,
        row.paper.label,
        row.paper.year,
        measured.confidence,
        measured.quote.sentence,
        row.reading.note,
    )


def _data(board: Leaderboard) -> dict[str, object]:
    return {
        "dataset": thing_json(board.dataset),
        "metric": board.metric,
        "evaluated": board.evaluated,
        "lists": [
            {
                "heading": listing.group.heading,
                "metric": listing.group.metric,
                "kind": listing.group.kind.value,
                "dimension": listing.group.dimension,
                "better": listing.group.better or None,
                "direction": listing.group.direction,
                "bound": listing.group.bound,
                "scale": listing.group.scale,
                "protocol": listing.group.protocol,
                "rows": [_row(row) for row in listing.rows],
            }
            for listing in board.listings
        ],
        "orders": [_order_data(order) for order in board.orders],
        "several values": [
            {
                "method": thing_json(item.method),
                "list": item.group.heading,
                "values": [amount(row.measured) for row in item.rows],
                "papers differ": item.papers,
                "evidence": [quote_json(quote) for row in item.rows for quote in row.quotes],
            }
            for item in board.disagreements
        ],
        "not included": [{"dataset": thing_json(thing), "results": count} for thing, count in board.nearby],
    }


def _row(row: Row) -> dict[str, object]:
    measured = row.measured
    return {
        "rank": row.rank,
        "method": thing_json(measured.method),
        "value": None if measured.value is None else str(measured.value),
        "text": amount(measured),
        "unit": measured.unit,
        "bound": measured.bound,
        "against": thing_json(measured.baseline),
        "conditions": list(row.reading.conditions),
        "note": row.reading.note,
        "confidence": measured.confidence,
        "evidence": [quote_json(quote) for quote in row.quotes],
    }


def _order_data(order: PartialOrder) -> dict[str, object]:
    return {
        "title": order.title,
        "levels": [[thing_json(thing) for thing in level] for level in order.levels],
        "edges": [{"better": thing_json(a), "than": thing_json(b)} for a, b in order.edges],
        "reports": [beat_json(beat) for beat in order.beats],
        "contradictions": [[beat_json(beat) for beat in conflict.beats] for conflict in order.conflicts],
        "mixed": [beat_json(beat) for beat in order.mixed],
    }


def beat_json(beat: Beat) -> dict[str, object]:
    """Return a report for JSON."""
    return {
        "better": thing_json(beat.winner),
        "than": thing_json(beat.loser),
        "metric": beat.metric or None,
        "amount": beat.amount or None,
        "from": beat.how,
        "evidence": quote_json(beat.quote),
    }
