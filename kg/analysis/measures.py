"""What a reported number means: which way its metric is better, its unit, and with which others it can be compared.

Names, units and cue words are in ``metrics.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from kg.analysis.common import Measurement
from kg.text import name_key

HIGHER, LOWER = "higher", "lower"
_TIMES = ("time", "processor time")


class Kind(StrEnum):
    """What a number is; numbers of two kinds are never compared. The value is the word of headings."""

    LEVEL = "level"
    """A value that was reached."""
    CHANGE = "change"
    """A difference to something else, in the unit of the metric or in % of it."""
    MULTIPLE = "multiple"
    """A factor or orders of magnitude against something else."""
    SHARE = "share"
    """A percentage of something that is not measured in percent, for instance of the parameters."""
    UNSAID = "points, level or change not said"
    """Points without a word that tells a level from a change."""
    RANGE = "range"
    """Several numbers in one, as written."""
    OTHER = "said of what is compared"
    """A number of a former best or a baseline that the extraction gives to the method of the sentence."""


@cache
def table() -> Mapping[str, Any]:
    """Return ``metrics.toml``."""
    return tomllib.loads((files("kg.analysis") / "metrics.toml").read_text(encoding="utf-8"))


@cache
def _keys(*path: str) -> frozenset[str]:
    found: Any = table()
    for name in path:
        found = found[name]
    return frozenset(name_key(name) for name in found)


@cache
def _pattern(*path: str) -> re.Pattern[str]:
    found: Any = table()
    for name in path:
        found = found[name]
    return re.compile(found, re.IGNORECASE)


@lru_cache(maxsize=4096)
def known_name(metric: str) -> str:
    """Return the key of the listed metric that ``metric`` is or is a kind of; empty if there is none.

    >>> known_name("Segmentation accuracy") == known_name("accuracies"), known_name("survival time")
    (True, '')
    """
    listed = frozenset().union(*(_keys("better", way) for way in table()["better"]))
    key = name_key(metric)
    if key in listed:
        return key
    words = metric.split()
    heads = _keys("heads", "names")
    # The longest ending first: the test error rate is an error rate.
    return next((end for n in range(1, len(words)) if (end := name_key(" ".join(words[n:]))) in heads), "")


def better(metric: str) -> str:
    """Return ``higher`` or ``lower``: which way a metric is better by its definition; empty if that is not known.

    >>> better("top-1 accuracy"), better("latency"), better("attack success rate")
    ('higher', 'lower', '')
    """
    key = known_name(metric)
    if key in _keys("better", "lower"):
        return LOWER
    return HIGHER if key in _keys("better", "higher") | _keys("better", "gain") else ""


def is_gain(metric: str) -> bool:
    """Tell whether a metric is itself a change for the better, as a speedup is."""
    return known_name(metric) in _keys("better", "gain")


def is_cost(metric: str) -> bool:
    """Tell whether a metric measures what computing costs (time, size, energy) rather than how well it is done."""
    return known_name(metric) in _keys("cost", "names")


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Numbers that can stand in one list: equal in all of these. ``better`` is ``higher``, ``lower`` or empty.

    ``scale`` of a change is ``absolute``, ``relative``, ``absolute or relative not said`` or empty; ``direction`` is
    that of a change.
    """

    metric: str
    kind: Kind
    dimension: str
    direction: str = ""
    bound: str = ""
    scale: str = ""
    protocol: str = ""

    @property
    def better(self) -> str:
        """Which way is better for numbers of this group: known for levels of a metric with a known direction."""
        known = known_name(self.metric)
        share = self.dimension in ("%", "as a fraction")
        if self.kind is not Kind.LEVEL or (not share and known in _keys("percent", "names") | _keys("vague", "names")):
            return ""
        # No metric of which more is better is a span of time: the name or the unit belongs to another number.
        if better(self.metric) == HIGHER and self.dimension in _TIMES:
            return ""
        return better(self.metric)

    @property
    def ranked(self) -> bool:
        """Whether an order by value says who is better: exact levels of a metric with a known direction."""
        return bool(self.better) and not self.bound

    @property
    def heading(self) -> str:
        """What the numbers are, in words."""
        metric = self.metric or "metric not named"
        unit = f", {self.dimension or 'no unit'}" if self.dimension != self.metric else ""
        if self.kind is Kind.LEVEL:
            text = f"{metric}{unit}"
        elif self.kind in (Kind.CHANGE, Kind.MULTIPLE):
            way = {"up": "increase", "down": "decrease"}.get(self.direction, "change, up or down not said")
            noun = way if self.kind is Kind.CHANGE else f"{way} as a multiple"
            text = f"{metric}: {noun}{unit}{f', {self.scale}' if self.scale else ''}"
        else:
            text = f"{metric}: {self.kind.value}{unit if self.kind is not Kind.UNSAID else ''}"
        text += f", “{self.bound}”" if self.bound else ""
        return text + (f", {self.protocol}" if self.protocol else "")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a number is to be read. ``size`` orders numbers of one group (base units of the dimension), None if it is
    not one number. ``conditions`` are circumstances that the sentence names; ``note`` says what was concluded."""

    group: Group
    size: Decimal | None
    conditions: tuple[str, ...] = ()
    note: str = ""


def read(measured: Measurement) -> Reading:
    """Return how a reported number is to be read, from its fields and the words around it."""
    metric = measured.metric.label if measured.metric else ""
    before, after = around(measured.quote.sentence, measured.quote.words or measured.value_text)
    kind, direction = _kind(measured, metric, before, after)
    dimension, size, note = _unit(measured, metric, kind)
    scale = _scale(measured, before, after) if kind is Kind.CHANGE else ""
    # "About" leaves a number what it is; a bound makes it another statement.
    bound = measured.bound if measured.bound != "about" else ""
    note = note or ("about" if measured.bound == "about" else "")
    protocol = ", ".join(_named("protocols", before, after))
    group = Group(metric, kind, dimension, direction, bound, scale, protocol)
    return Reading(group, size, _named("conditions", before, after), note)


def around(sentence: str, words: str) -> tuple[str, str]:
    """Return what stands before and behind the marked words of a sentence.

    >>> around("It reaches 82.7% on ImageNet.", "82.7%")
    ('It reaches ', ' on ImageNet.')
    """
    before, marked, after = sentence.partition(words)
    return (before, after) if marked else (sentence, "")


_FAR = 50
"""Percent from which a share without a word of change beside it is a level."""
_MULTIPLES = frozenset({"x", "order of magnitude", "orders of magnitude"})


def _kind(measured: Measurement, metric: str, before: str, after: str) -> tuple[Kind, str]:
    """Return the kind of a number and, of a change, its direction."""
    if measured.value is None:
        return Kind.RANGE, ""
    if measured.unit in _MULTIPLES:
        return Kind.MULTIPLE, "up" if is_gain(metric) else measured.direction
    said = _pattern("change", "before").search(before[-160:]) or _pattern("change", "after").search(after[:90])
    signed = measured.value_text.startswith("+")
    other = _pattern("other", "before").search(before) and not _pattern("other", "bound").search(before)
    # A share that large is no change unless a word beside it says so: the mark comes from another number's words.
    shares = _keys("percent", "names") | _keys("vague", "names") - _keys("better", "gain")
    far = measured.unit == "%" and measured.value >= _FAR and known_name(metric) in shares
    if said or signed or (measured.direction and not other and not far):
        if is_gain(metric):
            return Kind.CHANGE, "up"
        found = "down" if said and _pattern("change", "down").search(said.group()) else "up" if said or signed else ""
        direction = measured.direction or found
        # An error that "is improved by 0.8 %" goes down, though the word points up.
        near = f"{before[-160:]} {after[:60]}"
        if direction == "up" and better(metric) == LOWER and _pattern("change", "improved").search(near):
            direction = "down"
        return Kind.CHANGE, direction
    if other:
        return Kind.OTHER, ""
    if measured.unit == "points":
        return Kind.UNSAID, ""
    if measured.unit == "%" and is_cost(metric):
        return Kind.SHARE, ""
    return Kind.LEVEL, ""


@cache
def _units() -> Mapping[str, tuple[str, Decimal]]:
    return {
        unit: (dimension, Decimal(factor))
        for dimension, units in table()["units"].items()
        for unit, factor in units.items()
    }


def _unit(measured: Measurement, metric: str, kind: Kind) -> tuple[str, Decimal | None, str]:
    """Return the dimension of a number, its size in base units, and what was concluded."""
    unit, value = measured.unit, measured.value
    if unit in _units():
        dimension, factor = _units()[unit]
        return dimension, None if value is None else value * factor, ""
    if "magnitude" in unit:
        return "orders of magnitude", value, ""
    if not unit and known_name(metric) in _keys("percent", "names") and value is not None:
        if 1 < value <= 100 and kind is Kind.LEVEL:
            return "%", value, "no unit written, read as %"
        if 0 <= value <= 1 and kind is Kind.LEVEL:
            return "as a fraction", value, ""
    return unit, value, ""


def _scale(measured: Measurement, before: str, after: str) -> str:
    if measured.unit == "points":
        return "absolute"
    near = f"{before[-40:]} {after[:60]}"
    for name in ("relative", "absolute"):
        if _pattern("scale", name).search(near):
            return name
    return "absolute or relative not said" if measured.unit == "%" else ""


# Where the words about the next number begin, and what looks like a reported number.
_NEXT = re.compile(r";|(?:,| and| but| while)\s[^,;]*?\d+(?:\.\d+)?\s?\\?%|(?:,| and|\(and)\s\$?\d+\.\d+")
_FIGURE = re.compile(r"\d+\.\d+|\d+\s?\\?%")
_CLAUSE = re.compile(r"[,;(]|\band\b")


def _named(section: str, before: str, after: str) -> tuple[str, ...]:
    """Return the circumstances of a section of the table that the words of a number name.

    A sentence with several numbers often names several circumstances: what stands behind a number is its own, else
    what stands before all numbers, or in the clause of this one.
    """
    nearest = _NEXT.split(after, maxsplit=1)[0]
    ahead = f"{_FIGURE.split(before, maxsplit=1)[0]} {_CLAUSE.split(before)[-1]}"
    names = {name: re.compile(source, re.IGNORECASE) for name, source in table()[section].items()}
    found = tuple(name for name, pattern in names.items() if pattern.search(nearest))
    return found or tuple(name for name, pattern in names.items() if pattern.search(ahead))
