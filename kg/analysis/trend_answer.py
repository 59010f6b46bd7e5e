"""Trends as a document, with a figure of small multiples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kg.analysis.charts import Group, Panel, percent, small_multiples, sparkline
from kg.analysis.common import plural
from kg.analysis.render import Block, Document, Figure, Item, Notes, Text, quote_json, table, thing_json
from kg.analysis.trends import Trend, Trends, chosen

COLORS: Mapping[str, str] = {
    "new": "#009e73",
    "rising": "#0072b2",
    "fading": "#d55e00",
    "gone": "#cc79a7",
    "": "#7f8790",
}
"""Colour by change. Source: M. Okabe and K. Ito, Color Universal Design (2008). The words stand beside it."""

_CAPTION = "Each panel has a scale of its own. --figure FILE writes the drawing alone, as SVG or PNG."
_HEADINGS = {"taken up": "newly appearing and rising", "given up": "fading and gone", "most used": "most used"}
_PLURALS = {
    "dataset": "Datasets",
    "baseline": "Baselines",
    "method": "Methods",
    "hardware": "Hardware",
    "task": "Tasks",
}


def document(found: Trends, limit: int = 8) -> Document:
    """Return the answer of ``kg trends``: what is taken up and given up; where that is nothing, what is used most."""
    picked = chosen(found.subjects, limit)
    notes = Notes()
    first, last = found.periods[0][0], found.periods[-1][1]
    span = f"{found.year}" if found.year == last else f"{found.year} to {last}"
    lead = [
        f"Shares of papers in {span} beside those from {first} to {found.year - 1}, among "
        f"{plural(found.dated, 'paper')} with a year."
    ]
    lead.append("A change in what was collected looks like a trend as well.")
    if found.undated:
        lead.append(f"Left out: {plural(found.undated, 'paper')} without a year.")
    if found.outside:
        lead.append(f"Left out: {plural(found.outside, 'paper')} of other years.")
    blocks: list[Block] = []
    for name, lists in picked.items():
        changed = [key for key in ("taken up", "given up") if lists[key]]
        for key in changed or ["most used"]:
            title = f"{_PLURALS[name]}: {_HEADINGS[key]}"
            if not lists[key]:
                blocks.append(Text("None is named by as many as three dated papers.", _PLURALS[name]))
            else:
                note = "" if changed else "No change that could not be chance."
                blocks.append(_table(found, title, lists[key], notes, note))
    blocks.append(Figure("Shares by year", figure(found, limit), _CAPTION))
    return Document(
        f"Trends from {first} to {last}",
        tuple(lead),
        tuple(blocks),
        notes.quotes,
        (
            "kind",
            "name",
            "change",
            "papers",
            "before",
            "since",
            "ratio",
            "p",
            "first",
            "last",
            *map(_name, found.periods),
            "iri",
        ),
        tuple(
            (
                name,
                t.thing.label,
                t.change,
                t.papers,
                t.before,
                t.since,
                round(t.ratio, 3),
                float(f"{t.p:.3g}"),
                t.first,
                t.last,
                *t.counts,
                t.thing.iri,
            )
            for name, all_ in found.subjects.items()
            for t in all_
        ),
        _data(found),
    )


def _table(found: Trends, title: str, rows: Sequence[Trend], notes: Notes, note: str) -> Block:
    later = sum(size for (low, _), size in zip(found.periods, found.sizes, strict=True) if low >= found.year)
    before, since = max(found.dated - later, 1), max(later, 1)
    made = []
    for t in rows:
        papers = [Item(f"{q.paper.label} ({q.paper.year})", notes(q)) for q in t.quotes]
        line = sparkline(shares(t, found))
        change = [Item(t.change)] if t.change else [Item("no clear change", quiet=True)]
        made.append(
            (t.thing.label, change, line, percent(t.before / before), percent(t.since / since), str(t.papers), papers)
        )
    columns = ("name", "change", _span(found), f"before {found.year}", "since", "papers", "for instance")
    return table(title, columns, made, numeric=(3, 4, 5), wide=(6,), note=note)


def _span(found: Trends) -> str:
    return f"{found.periods[0][0]}–{found.periods[-1][1]}"


def shares(trend: Trend, found: Trends) -> tuple[float, ...]:
    """Return the share of papers by period."""
    return tuple(count / size if size else 0.0 for count, size in zip(trend.counts, found.sizes, strict=True))


def figure(found: Trends, limit: int = 8) -> str:
    """Return the drawing: one panel a thing, those of one heading together."""
    groups = []
    for name, lists in chosen(found.subjects, limit).items():
        changed = [key for key in ("taken up", "given up") if lists[key]]
        for key in changed or ["most used"]:
            panels = tuple(Panel(t.thing.label, shares(t, found), COLORS[t.change], t.change) for t in lists[key])
            groups.append(Group(f"{_PLURALS[name]}: {_HEADINGS[key]}", panels))
    title = f"Share of papers by year, {_span(found)}"
    about = (
        f"Small multiples from {plural(found.dated, 'dated paper')}: for each thing the share of the papers of a year "
        f"that name it. Years from {found.year} on are compared with those before."
    )
    return small_multiples(title, about, found.periods, groups)


def _name(period: tuple[int, int]) -> str:
    return str(period[0]) if period[0] == period[1] else f"{period[0]}-{period[1]}"


def _data(found: Trends) -> dict[str, object]:
    return {
        "periods": [list(period) for period in found.periods],
        "papers": list(found.sizes),
        "since": found.year,
        "dated": found.dated,
        "undated": found.undated,
        "trends": {
            name: [
                {
                    "thing": thing_json(t.thing),
                    "change": t.change,
                    "papers": list(t.counts),
                    "before": t.before,
                    "since": t.since,
                    "ratio": round(t.ratio, 3),
                    "p": float(f"{t.p:.3g}"),
                    "evidence": [quote_json(q) for q in t.quotes],
                }
                for t in all_
            ]
            for name, all_ in found.subjects.items()
        },
    }
