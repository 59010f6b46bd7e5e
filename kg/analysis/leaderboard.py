"""What is reported on a dataset: results by method, in lists of comparable numbers, and who is said to beat whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kg import ontology
from kg.analysis.common import (
    Measurement,
    Quote,
    Thing,
    all_names,
    measurements,
    quote_key,
    resolve,
    statements,
    things,
)
from kg.analysis.measures import HIGHER, Group, Kind, Reading, read
from kg.analysis.order import Beat, PartialOrder, amount, beats, partial_orders, said_on
from kg.errors import InputError
from kg.store import OpenGraph
from kg.text import name_key


@dataclass(frozen=True, slots=True)
class Row:
    """A number in a list. ``rank`` is its place, None where an order would say nothing; equal numbers share one.

    ``quotes`` are all sentences of one paper that report it of this method.
    """

    measured: Measurement
    reading: Reading
    quotes: tuple[Quote, ...]
    rank: int | None = None

    @property
    def paper(self) -> Thing:
        """The paper that reports it."""
        return self.measured.quote.paper


@dataclass(frozen=True, slots=True)
class Listing:
    """Numbers of one group, the best first where it is known which way is better, else the largest first."""

    group: Group
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A method with several values of one group. ``papers`` tells whether different papers report them: then they
    contradict each other; one paper that gives several means sizes or settings of a method more often than not."""

    method: Thing
    group: Group
    rows: tuple[Row, ...]
    papers: bool


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """All that a graph reports on a dataset. ``metric`` is the metric asked for, as given, or empty for all.

    ``nearby`` are datasets of like names with their numbers of results, which are not included; ``evaluated`` counts
    the papers that evaluate on the dataset.
    """

    dataset: Thing
    metric: str
    listings: tuple[Listing, ...]
    disagreements: tuple[Disagreement, ...]
    orders: tuple[PartialOrder, ...]
    nearby: tuple[tuple[Thing, int], ...]
    evaluated: int

    @property
    def rows(self) -> Iterator[Row]:
        """All rows, list by list."""
        return (row for listing in self.listings for row in listing.rows)


def leaderboard(opened: OpenGraph, dataset: str, metric: str = "") -> Leaderboard:
    """Return what a graph reports on the dataset with this name.

    Args:
        opened: the graph.
        dataset: any of its names.
        metric: a metric, by name or by its last words; all if empty.

    Raises:
        InputError: no dataset has such a name, or none of its results is of such a metric.
    """
    found = resolve(opened, dataset, ("Dataset",))
    measured = measurements(opened, datasets=[found.iri])
    reports = beats(opened, measured, said_on(opened, found.iri))
    if metric:
        chosen = _chosen(opened, metric, measured, found)
        measured = [m for m in measured if m.metric and m.metric.iri in chosen]
        wanted = {name_key(m.metric.label) for m in measured if m.metric}
        reports = [beat for beat in reports if name_key(beat.metric) in wanted]
    listings = tuple(_listings(measured))
    return Leaderboard(
        found,
        metric,
        listings,
        tuple(_disagreements(listings)),
        partial_orders(reports),
        tuple(_nearby(opened, found)),
        _evaluated(opened, found),
    )


def _chosen(opened: OpenGraph, wanted: str, measured: Sequence[Measurement], dataset: Thing) -> set[str]:
    """Return the metrics that a name means: by name or alias, else those whose names hold it."""
    metrics = {m.metric.iri: m.metric for m in measured if m.metric}
    key = name_key(wanted)
    by_name = {iri for iri, known in all_names(opened, metrics).items() if any(name_key(name) == key for name in known)}
    folded = wanted.casefold().strip()
    by_part = {iri for iri, metric in metrics.items() if folded and folded in metric.label.casefold()}
    chosen = by_name or by_part
    if not chosen:
        counts = sorted({metric.label for metric in metrics.values()})
        has = (
            f"its metrics are {', '.join(counts[:12])}{', ...' if len(counts) > 12 else ''}"
            if counts
            else "it has none"
        )
        raise InputError(f"{opened.path}: no result on {dataset.label} is of the metric {wanted!r}; {has}")
    return chosen


def _listings(measured: Iterable[Measurement]) -> Iterator[Listing]:
    groups: dict[Group, dict[tuple[str, str, str, str], list[tuple[Measurement, Reading]]]] = defaultdict(dict)
    for m in measured:
        reading = read(m)
        who = m.method.iri if m.method else ""
        same = (who, amount(m), m.quote.paper.iri, m.baseline.iri if m.baseline else "")
        groups[reading.group].setdefault(same, []).append((m, reading))
    made = []
    for group, found in groups.items():
        rows = [
            Row(pairs[0][0], pairs[0][1], tuple(sorted({m.quote for m, _ in pairs}, key=quote_key)))
            for pairs in found.values()
        ]
        made.append(Listing(group, tuple(_ranked(group, rows))))
    # Rankings first, the longest first; then changes, shares and ranges.
    yield from sorted(made, key=lambda x: (not x.group.ranked, x.group.kind is not Kind.LEVEL, -len(x.rows), x.group))


def _ranked(group: Group, rows: Iterable[Row]) -> Iterator[Row]:
    sign = -1 if group.better != "lower" else 1

    def order(row: Row) -> tuple[object, ...]:
        size = row.reading.size
        name = row.measured.method.label if row.measured.method else ""
        return (size is None, sign * (size or Decimal(0)), name == "", name, quote_key(row.measured.quote))

    ordered = sorted(rows, key=order)
    ranks: dict[Decimal | None, int] = {}
    for place, row in enumerate(ordered, 1):
        rank = ranks.setdefault(row.reading.size, place) if group.ranked else None
        yield Row(row.measured, row.reading, row.quotes, rank)


def _disagreements(listings: Iterable[Listing]) -> Iterator[Disagreement]:
    """Yield methods with several exact levels that differ by more than rounding."""
    for listing in listings:
        if listing.group.kind is not Kind.LEVEL or listing.group.bound:
            continue
        by_method: dict[Thing, list[Row]] = defaultdict(list)
        for row in listing.rows:
            if row.measured.method:
                by_method[row.measured.method].append(row)
        for method, rows in sorted(by_method.items()):
            papers: dict[str, list[Row]] = defaultdict(list)
            for row in rows:
                papers[row.paper.iri].append(row)
            if len({row.reading.size for row in rows}) > 1 and not _agree(rows):
                yield Disagreement(method, listing.group, tuple(rows), len(papers) > 1)


def _agree(rows: Sequence[Row]) -> bool:
    """Tell whether values are one number rounded to different places: they differ by half a last place at most."""
    known = [(row.reading.size, row.measured) for row in rows if row.reading.size is not None]
    sizes = [size for size, _ in known]
    return len(known) == len(rows) and max(sizes) - min(sizes) <= max(_rounding(size, m) for size, m in known)


def _rounding(size: Decimal, measured: Measurement) -> Decimal:
    """Return half of the last place of a number as written, in base units: 70.0 and 70 are equal, not equally exact."""
    places = len(measured.value_text.partition(".")[2])
    factor = size / measured.value if measured.value else Decimal(1)
    return Decimal(5).scaleb(-places - 1) * abs(factor)


def _nearby(opened: OpenGraph, dataset: Thing) -> Iterator[tuple[Thing, int]]:
    """Yield datasets with results whose names hold this name, most results first."""
    counts: Counter[str] = Counter()
    for quad in opened.store.quads_for_pattern(None, ontology.ON_DATASET, None, None):
        counts[str(getattr(quad.object, "value", quad.object))] += 1
    key = name_key(dataset.label)
    others = things(opened, (iri for iri in counts if iri != dataset.iri)).values() if len(key) > 2 else ()
    found = [(thing, counts[thing.iri]) for thing in others if key in name_key(thing.label)]
    yield from sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _evaluated(opened: OpenGraph, dataset: Thing) -> int:
    found = statements(opened, objects=[dataset.iri], relations=["evaluatedOn"])
    return len({paper.iri for statement in found for paper in statement.papers})


def better_words(group: Group) -> str:
    """Return which way is better, in words, or that it is not known."""
    if group.kind is not Kind.LEVEL:
        return ""
    return {HIGHER: "higher is better", "lower": "lower is better"}.get(
        group.better, "which way is better is not known"
    )


__all__ = ["Beat", "Disagreement", "Leaderboard", "Listing", "Row", "better_words", "leaderboard"]
