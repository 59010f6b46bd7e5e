"""Trends: which datasets, methods, baselines, hardware and tasks papers take up and give up, by year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from kg.analysis.common import Quote, Thing, plural
from kg.analysis.matrices import RELATIONS, Floats, Sparse, link_matrix
from kg.analysis.tables import Tables, quotes, tables
from kg.errors import InputError
from kg.model import EntityType, Relation
from kg.store import OpenGraph

_USED = tuple(name for name in RELATIONS if name != Relation.PROPOSES.value)
_BASELINE = (Relation.COMPARES_TO.value,)
SUBJECTS: dict[str, tuple[EntityType | None, tuple[str, ...]]] = {
    "dataset": (EntityType.DATASET, _USED),
    "baseline": (None, _BASELINE),
    "method": (EntityType.METHOD, _USED),
    "hardware": (EntityType.HARDWARE, _USED),
    "task": (EntityType.TASK, _USED),
}
"""What trends are about: the kind of thing (None: any) and the relations that count. What a paper itself proposes
is not a thing that it takes up."""

FALSE_DISCOVERIES = 0.05
"""Share of false ones among the trends that are told."""
MIN_PAPERS = 3
"""Fewer papers of a thing are no trend, whatever their years."""
RECENT = 1 / 3
"""Share of the dated papers that the later years hold at least, where no year is given."""
PERIOD, PERIOD_PAPERS = 0.02, 5
"""Share of the dated papers, and number of papers, below which a year is joined to the next one in a plot."""
EXAMPLES = 2


@dataclass(frozen=True, slots=True)
class Trend:
    """A thing over time.

    ``counts`` are papers by period; ``before`` and ``since`` papers in the earlier and later years; ``ratio`` the share
    of papers in later years over that in earlier ones, with half a paper added to both; ``p`` the probability of so
    uneven a split by chance; ``change`` is ``new``, ``rising``, ``fading``, ``gone`` or empty (no evidence of any).
    """

    thing: Thing
    counts: tuple[int, ...]
    papers: int
    before: int
    since: int
    ratio: float
    p: float
    change: str
    first: int
    last: int
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Trends:
    """Trends by subject. ``periods`` are first and last years; ``sizes`` the papers of each; ``year`` begins the later
    years; ``dated`` and ``undated`` count papers with and without a year. Each list is ordered by ``p``."""

    periods: tuple[tuple[int, int], ...]
    sizes: tuple[int, ...]
    year: int
    dated: int
    undated: int
    outside: int
    subjects: dict[str, tuple[Trend, ...]] = field(default_factory=dict)


def trends(
    opened: OpenGraph,
    kinds: Sequence[str] = (),
    *,
    first: int | None = None,
    last: int | None = None,
    since: int | None = None,
    quoted: int = 8,
) -> Trends:
    """Return what the papers of a graph take up and give up.

    A thing's papers in later and earlier years are compared with all papers of those years: given their sum, the number
    in later years is binomial if nothing changed, so the test is exact. Source: J. Przyborowski, H. Wilenski,
    Homogeneity of results in testing samples from Poisson series, Biometrika 31 (1940). Of many things tested, those
    that keep false discoveries to 5% are told: Y. Benjamini, Y. Hochberg, J. R. Stat. Soc. B 57 (1995).

    Args:
        kinds: names of :data:`SUBJECTS`; all if empty.
        first: first year looked at.
        last: last year looked at.
        since: first of the later years; by default the last one from which on there are a third of the dated papers.
        quoted: how many things of each list of :func:`chosen` get sentences; 0 for all.

    Raises:
        InputError: no such kind, the years contradict each other, or no paper has a year between them.
    """
    unknown = sorted(set(kinds) - set(SUBJECTS))
    if unknown:
        raise InputError(f"--kind {unknown[0]}: no such kind; there are {', '.join(SUBJECTS)}")
    if first is not None and last is not None and first > last:
        raise InputError(f"--from {first} is later than --to {last}; swap them")
    given = tables(opened)
    years = np.array([year or 0 for year in given.corpus.years], np.int64)
    dated = years > 0
    if not dated.any():
        raise InputError(
            f"{opened.path}: none of its {plural(len(years), 'paper')} has a year, so there are no trends; a saved "
            "page gets one by: kg build --page-year YEAR"
        )
    low = int(years[dated].min()) if first is None else first
    high = int(years[dated].max()) if last is None else last
    inside = dated & (years >= low) & (years <= high)
    if not inside.any():
        raise InputError(f"{opened.path}: no paper from {low} to {high}; its years are {_span(years[dated])}")
    chosen = years[inside]
    split = _split(chosen) if since is None else since
    if since is not None and not chosen.min() < since <= chosen.max():
        raise InputError(f"--since {since}: must lie after {chosen.min()} and not after {chosen.max()}")
    periods = _periods(chosen)
    found = {
        name: _subject(given, name, years, inside, periods, split)
        for name in (SUBJECTS if not kinds else dict.fromkeys(kinds))
    }
    sizes = tuple(int(((chosen >= a) & (chosen <= b)).sum()) for a, b in periods)
    outside = int(dated.sum() - inside.sum())
    found = _with_quotes(given, found, inside, quoted)
    return Trends(periods, sizes, split, len(chosen), int((~dated).sum()), outside, found)


def _span(years: npt.NDArray[np.int64]) -> str:
    return f"{years.min()} to {years.max()}"


def _split(years: npt.NDArray[np.int64]) -> int:
    """Return the last year from which on there are enough papers, but not the first year of all."""
    distinct = np.unique(years)
    enough = [int(year) for year in distinct[1:] if (years >= year).mean() >= RECENT]
    return max(enough) if enough else int(distinct[-1])


def _periods(years: npt.NDArray[np.int64]) -> tuple[tuple[int, int], ...]:
    """Return years, with small ones joined to the next so that a share is not one of a handful of papers."""
    least = max(PERIOD * len(years), PERIOD_PAPERS)
    periods: list[tuple[int, int]] = []
    start, held = int(years.min()), 0
    for year in range(start, int(years.max()) + 1):
        held += int((years == year).sum())
        if held >= least:
            periods.append((start, year))
            start, held = year + 1, 0
    if start <= int(years.max()):
        # The last years are told apart although they are small: they are what a reader looks for.
        periods.append((start, int(years.max())))
    return tuple(periods)


def _subject(
    given: Tables,
    name: str,
    years: npt.NDArray[np.int64],
    inside: npt.NDArray[np.bool_],
    periods: tuple[tuple[int, int], ...],
    split: int,
) -> tuple[Trend, ...]:
    kind, relations = SUBJECTS[name]
    corpus = given.corpus
    rows = np.flatnonzero(inside)
    links: Sparse = link_matrix(corpus.links, (len(corpus.papers), len(corpus.things)), relations)[rows]
    later = years[rows] >= split
    since = np.asarray(links[np.flatnonzero(later)].sum(axis=0)).ravel()
    before = np.asarray(links[np.flatnonzero(~later)].sum(axis=0)).ravel()
    of_kind = np.array([kind is None or k == kind.value for k in corpus.kinds], bool)
    tested = np.flatnonzero(of_kind & (before + since >= MIN_PAPERS))
    if not len(tested):
        return ()
    share = float(later.mean())
    p = two_sided(since[tested], (before + since)[tested], share)
    told = discoveries(p, FALSE_DISCOVERIES)
    made = links.tocsc()
    ends = np.array([high for _, high in periods])
    found = []
    for place, column in enumerate(tested.tolist()):
        holders = made.indices[made.indptr[column] : made.indptr[column + 1]]
        when = years[rows[holders]]
        b, s = int(before[column]), int(since[column])
        ratio = ((s + 0.5) / (later.sum() + 1)) / ((b + 0.5) / ((~later).sum() + 1))
        counts = tuple(np.bincount(np.searchsorted(ends, when), minlength=len(periods)).tolist())
        change = _change(b, s, ratio) if told[place] else ""
        trend = Trend(
            given.thing(column),
            counts,
            b + s,
            b,
            s,
            float(ratio),
            float(p[place]),
            change,
            int(when.min()),
            int(when.max()),
        )
        found.append(trend)
    return tuple(sorted(found, key=lambda t: (t.p, -t.papers, t.thing.label, t.thing.iri)))


def _change(before: int, since: int, ratio: float) -> str:
    if ratio > 1:
        return "rising" if before else "new"
    return "fading" if since else "gone"


def two_sided(since: Floats, total: Floats, share: float) -> Floats:
    """Return twice the smaller tail of a binomial, at most 1: the probability of so uneven a split by chance.

    >>> two_sided(np.array([5.0]), np.array([5.0]), 0.5).round(4).tolist()
    [0.0625]
    """
    from scipy.special import bdtr, bdtrc

    if not 0 < share < 1:
        return np.ones(len(since))
    number = total.astype(np.int64)
    low = bdtr(since, number, share)
    high = np.where(since > 0, bdtrc(np.maximum(since - 1, 0), number, share), 1.0)
    p: Floats = np.minimum(1.0, 2 * np.minimum(low, high))
    return p


def discoveries(p: Floats, rate: float) -> npt.NDArray[np.bool_]:
    """Return which hypotheses the procedure of Benjamini and Hochberg rejects.

    >>> discoveries(np.array([0.01, 0.9, 0.02]), 0.05).tolist()
    [True, False, True]
    """
    order = np.argsort(p, kind="stable")
    fits = np.flatnonzero(p[order] <= rate * np.arange(1, len(p) + 1) / max(len(p), 1))
    rejected = np.zeros(len(p), bool)
    if len(fits):
        rejected[order[: fits[-1] + 1]] = True
    return rejected


def chosen(found: Mapping[str, tuple[Trend, ...]], limit: int) -> dict[str, dict[str, list[Trend]]]:
    """Return by subject what to show under ``taken up``, ``given up`` and ``most used``: at most ``limit`` of each.

    Where nothing changed demonstrably, the most used things are all there is to show.
    """
    shown: dict[str, dict[str, list[Trend]]] = {}
    for name, all_ in found.items():
        most = sorted(all_, key=lambda t: (-t.papers, t.thing.label, t.thing.iri))
        shown[name] = {
            "taken up": [t for t in all_ if t.change in ("new", "rising")][: limit or None],
            "given up": [t for t in all_ if t.change in ("fading", "gone")][: limit or None],
            "most used": most[: limit or None],
        }
    return shown


def _with_quotes(
    given: Tables, found: dict[str, tuple[Trend, ...]], inside: npt.NDArray[np.bool_], limit: int
) -> dict[str, tuple[Trend, ...]]:
    """Add a few sentences to the trends that are shown: of the first papers of what is new, else of the last ones."""
    corpus = given.corpus
    number = {iri: row for row, iri in enumerate(corpus.things)}
    wanted: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for name, lists in chosen(found, limit).items():
        relations = [RELATIONS.index(relation) for relation in SUBJECTS[name][1]]
        links = corpus.links[np.isin(corpus.links[:, 1], relations) & inside[corpus.links[:, 0]]]
        for trend in (*lists["taken up"], *lists["given up"]):
            thing = number[trend.thing.iri]
            papers = np.unique(links[links[:, 2] == thing][:, 0]).tolist()
            papers.sort(key=lambda row: (corpus.years[row] or 0, row))
            shown = papers[:EXAMPLES] if trend.change == "new" else papers[-EXAMPLES:]
            wanted[name, trend.thing.iri] = [(paper, thing) for paper in shown]
    told = quotes(given, [pair for pairs in wanted.values() for pair in pairs])

    def quoted(name: str, trend: Trend) -> Trend:
        pairs = wanted.get((name, trend.thing.iri), ())
        return replace(trend, quotes=tuple(told[pair][0] for pair in pairs if pair in told)) if pairs else trend

    return {name: tuple(quoted(name, trend) for trend in all_) for name, all_ in found.items()}
