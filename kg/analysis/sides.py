"""A comparison as a document."""

from __future__ import annotations

from collections.abc import Iterator

from kg.analysis.board import beat_json
from kg.analysis.common import PAPER, Measurement, Thing, plural
from kg.analysis.compare import SHARED, Comparison, Entry, Line, ResultLine, verdict_words
from kg.analysis.measures import read
from kg.analysis.order import amount
from kg.analysis.render import Block, Document, Item, Items, Loose, Notes, Table, quote_json, table, thing_json

LIMIT = 8
"""Things in a cell and results of a kind that are shown unless more are asked for; files of CSV and JSON hold all."""

FIELDS = ("of", "row", "what", "dataset", "value", "confidence", "paper", "year", "sentence")


def document(found: Comparison, *, limit: int = LIMIT) -> Document:
    """Return a comparison as a document.

    Args:
        found: what to show.
        limit: things in a cell, and results that only one has; all for 0.
    """
    notes = Notes()
    blocks: list[Block] = [_table(found, notes, limit)]
    blocks += _results(found, notes, limit)
    blocks += _between(found, notes)
    blocks += _agreement(found, limit)
    blocks += _meetings(found, notes, limit)
    return Document(
        " and ".join(_short(thing) for thing in found.things) + ", side by side",
        tuple(_lead(found)),
        tuple(blocks),
        notes.quotes,
        FIELDS,
        tuple(_records(found)),
        _data(found),
    )


def _short(thing: Thing) -> str:
    return f"“{thing.label}”" if thing.kind == PAPER else thing.label


def _lead(found: Comparison) -> Iterator[str]:
    yield from verdict_words(found)
    silent = [thing for number, thing in enumerate(found.things) if not any(line.cells[number] for line in found.lines)]
    for thing in silent:
        yield f"The graph holds no statement on {thing.label}."


def _heads(found: Comparison) -> list[str]:
    """Return headings of columns; kinds are named where they differ, and two of one label keep apart."""
    labels = [thing.label for thing in found.things]
    kinds = {thing.kind for thing in found.things}
    if len(kinds) > 1 or len(set(labels)) < len(labels):
        return [f"{thing.label} ({thing.kind.lower()})" for thing in found.things]
    return labels


def _entry(entry: Entry, notes: Notes, shared: bool) -> Item:
    label = f"{entry.thing.label} ({entry.thing.year})" if entry.thing.year else entry.thing.label
    return Item(f"{label} *" if shared else label, notes(*entry.quotes))


def _table(found: Comparison, notes: Notes, limit: int) -> Table:
    common = {(name, thing) for name, thing, _ in found.common()}
    rows: list[list[Loose]] = []
    for line in found.lines:
        cells: list[Loose] = [line.name]
        for cell in line.cells:
            shown = cell[:limit] if limit else cell
            held = [_entry(entry, notes, (line.name, entry.thing) in common) for entry in shown]
            if len(shown) < len(cell):
                held.append(Item(f"and {len(cell) - len(shown)} more", quiet=True))
            cells.append(held or [Item("not stated", quiet=True)])
        rows.append(cells)
    note = "* stands at several of them." if common else ""
    return table("What is stated", ["", *_heads(found)], rows, note=note, wide=range(1, len(found.things) + 1))


def _number(measured: Measurement, notes: Notes) -> Item:
    """Return a number with what it says beside its heading."""
    reading = read(measured)
    beside = [f"against {measured.baseline.label}"] if measured.baseline else []
    beside += [*reading.conditions, *([reading.note] if reading.note not in ("", "about") else [])]
    told = f" ({', '.join(beside)})" if beside else ""
    return Item(f"{amount(measured)}{told}", notes(measured.quote))


def _results(found: Comparison, notes: Notes, limit: int) -> Iterator[Block]:
    shared = [line for line in found.results if line.shared]
    single = [line for line in found.results if not line.shared]
    wide = range(2, len(found.things) + 2)
    columns = ["dataset", "what", *_heads(found)]
    if shared:
        note = (
            "Equal in dataset, metric, unit and kind. A change is against its own baseline, and protocols may differ: "
            "read the sentences."
        )
        rows = [_line(line, notes) for line in shared]
        yield table("Results that can be set side by side", columns, rows, note=note, wide=wide)
    elif single:
        yield Items(
            "Results that can be set side by side",
            (Item("None: no two have a result of one kind on one dataset.", quiet=True),),
        )
    if single:
        shown = single[:limit] if limit else single
        note = (
            f"{plural(len(single) - len(shown), 'more kind')} of result not shown." if len(shown) < len(single) else ""
        )
        rows = [_line(line, notes) for line in shown]
        title = "Other results"
        yield table(title, columns, rows, note=note, wide=wide)


def _line(line: ResultLine, notes: Notes) -> list[Loose]:
    cells: list[Loose] = [
        [_number(measured, notes) for measured in cell] or [Item("not stated", quiet=True)] for cell in line.cells
    ]
    where = Item(line.dataset.label) if line.dataset else Item("dataset not named", quiet=True)
    way = {"higher": "higher is better", "lower": "lower is better"}.get(line.group.better, "")
    return [where, [Item(line.group.heading), *([Item(way, quiet=True)] if way else [])], *cells]


def _between(found: Comparison, notes: Notes) -> Iterator[Block]:
    if found.beats:
        rows: list[list[Loose]] = [
            [
                beat.winner.label,
                beat.loser.label,
                beat.metric or "not said on what",
                beat.amount,
                Item(beat.how, notes(beat.quote), quiet=True),
                beat.quote.paper.label,
                str(beat.quote.paper.year or ""),
            ]
            for beat in found.beats
        ]
        columns = ("better", "than", "on", "by", "from", "paper", "year")
        yield table("Who is reported to beat whom", columns, rows, numeric=(6,), wide=(5,))
    decided = {(beat.quote.paper.iri, beat.quote.sentence) for beat in found.beats}
    open_ = [
        Item(f"{claim.subject.label} is compared with {claim.object.label}: “{quote.sentence}”", notes(quote))
        for claim in found.between
        for quote in claim.quotes
        if (quote.paper.iri, quote.sentence) not in decided
    ]
    if open_:
        yield Items("Compared with each other, without a plain word on who is better", tuple(open_))


def _agreement(found: Comparison, limit: int) -> Iterator[Block]:
    agreed = [
        Item(f"{name} {thing.label}: {'all' if len(have) == len(found.things) else ', '.join(t.label for t in have)}")
        for name, thing, have in found.common()
    ]
    yield Items("Where they agree", tuple(agreed) or (Item("Nothing is stated of more than one of them.", quiet=True),))
    apart = [Item(text) for line in found.lines if line.name in SHARED for text in _apart(found, line, limit)]
    if apart:
        note = "What a title and an abstract do not state may hold all the same."
        yield Items("Where they differ", tuple(apart), note)


def _meetings(found: Comparison, notes: Notes, limit: int) -> Iterator[Block]:
    met = list(found.meetings())
    shown = met[: 2 * limit] if limit else met
    if shown:
        lines = [
            Item(f"{_short(work)} {_ACTIVE[row]} {' and '.join(thing.label for thing in have)}", notes(*quotes))
            for row, work, have, quotes in shown
        ]
        note = f"{len(met) - len(shown)} more are not shown." if len(shown) < len(met) else ""
        yield Items("Works that speak of several of them", tuple(lines), note)


_ACTIVE = {
    "is compared with by": "compares with",
    "is built on by": "builds on",
    "is used by": "uses",
    "is evaluated on by": "is evaluated on",
    "is trained on by": "is trained on",
    "is run on by": "runs on",
}


def _apart(found: Comparison, line: Line, limit: int) -> Iterator[str]:
    """Yield what only one of the things has in a row, if another has something else there."""
    if line.name == "proposes" or sum(bool(cell) for cell in line.cells) < 2:
        return
    for number, (owner, cell) in enumerate(zip(found.things, line.cells, strict=True)):
        theirs = {e.thing for place, other in enumerate(line.cells) if place != number for e in other}
        only = [entry.thing.label for entry in cell if entry.thing not in theirs]
        if only:
            shown = only[:limit] if limit else only
            more = f" and {len(only) - len(shown)} more" if len(shown) < len(only) else ""
            yield f"{line.name}: only {owner.label}: {', '.join(shown)}{more}"


def _records(found: Comparison) -> Iterator[tuple[str | int | float | None, ...]]:
    for line in found.lines:
        for owner, cell in zip(found.things, line.cells, strict=True):
            for entry in cell:
                for quote in entry.quotes:
                    paper = quote.paper
                    what = (line.name, entry.thing.label, None, None, entry.confidence)
                    yield (owner.label, *what, paper.label, paper.year, quote.sentence)
    for result in found.results:
        for owner, numbers in zip(found.things, result.cells, strict=True):
            for m in numbers:
                dataset = result.dataset.label if result.dataset else None
                value = ("result", result.group.heading, dataset, amount(m), m.confidence)
                yield (owner.label, *value, m.quote.paper.label, m.quote.paper.year, m.quote.sentence)


def _data(found: Comparison) -> dict[str, object]:
    return {
        "things": [thing_json(thing) for thing in found.things],
        "rows": [
            {
                "row": line.name,
                "cells": [
                    [
                        {
                            "thing": thing_json(entry.thing),
                            "confidence": entry.confidence,
                            "evidence": [quote_json(quote) for quote in entry.quotes],
                        }
                        for entry in cell
                    ]
                    for cell in line.cells
                ],
            }
            for line in found.lines
        ],
        "results": [
            {
                "dataset": thing_json(line.dataset),
                "heading": line.group.heading,
                "metric": line.group.metric,
                "kind": line.group.kind.value,
                "better": line.group.better or None,
                "cells": [[_measured(measured) for measured in cell] for cell in line.cells],
            }
            for line in found.results
        ],
        "reports": [beat_json(beat) for beat in found.beats],
        "comparisons": [
            {
                "of": thing_json(claim.subject),
                "with": thing_json(claim.object),
                "evidence": [quote_json(quote) for quote in claim.quotes],
            }
            for claim in found.between
        ],
        "meet": [
            {
                "row": row,
                "work": thing_json(work),
                "of": [thing_json(owner) for owner in have],
                "evidence": [quote_json(quote) for quote in quotes],
            }
            for row, work, have, quotes in found.meetings()
        ],
        "agree": [
            {"row": name, "thing": thing_json(thing), "of": [thing_json(owner) for owner in have]}
            for name, thing, have in found.common()
        ],
    }


def _measured(measured: Measurement) -> dict[str, object]:
    return {
        "text": amount(measured),
        "value": None if measured.value is None else str(measured.value),
        "unit": measured.unit,
        "bound": measured.bound,
        "against": thing_json(measured.baseline),
        "confidence": measured.confidence,
        "evidence": quote_json(measured.quote),
    }
