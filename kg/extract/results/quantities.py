"""The grammar of numbers in papers: values with units, ranges, lists, multiples, orders of magnitude, number words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from kg.extract.results.lexicon import pattern, table

MAX_QUANTITIES = 400
"""No abstract has more numbers than this; what stands behind them is not looked at."""

MAX_DIGITS = 32
"""A longer run of digits is a key or noise, not a measurement."""

_POWER = r"\^\s?\{?\s?[-−]?\d{1,3}\s?\}?"
_EXPONENT = rf"(?:\s?(?:\\times|×|x|\*|times|\\cdot)\s?10\s?{_POWER}|{_POWER}|e[-+]\d{{1,3}})"
_DIGITS = rf"(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:(?<=\d){_EXPONENT})?"
# A number may be glued to a LaTeX command that lost its backslash ("approx13%", "x21"), not to a name ("ResNet-50").
_GLUED = ("approx", "sim", "simeq", "leq", "geq", "times/", "x/", *(rf"\b{w}" for w in ("pm", "to", "x", "by")))
# Behind @ stands what a metric is taken at.
_START = rf"(?:(?<![\w.,^@])(?<![^\W\d][-‐‑–−/_])|{'|'.join(f'(?<={w})' for w in _GLUED)})"
_WORD = "|".join(sorted(table()["words"], key=len, reverse=True))
_LETTERS = "".join(sorted({*"aoith", *(word[0] for word in table()["words"])}))
_ATOM = re.compile(
    # What comes first in either half is implied by the rest; it is soon seen to fail, and this is tried at every sign.
    rf"(?=[+\-−]?\.?\d)(?P<digits>{_START}[+\-−]?{_DIGITS}(?!\.?\d))"
    rf"|\b(?=[1{_LETTERS}])(?:"
    r"(?P<third>(?:one|a|two|three)[\s-](?P<part>third|quarter|fifth|tenth|half|thirds|quarters|fifths))(?:\sof\b|\b)"
    rf"|(?P<word>{_WORD})(?=[\s-]|fold)"
    r"|(?<!several )(?<!few )(?P<order>(?:an?\s|in the\s|one\s|1\s)?orders?[\s-]of[\s-]magnitudes?)\b"
    r"|(?P<twice>twice|half)\b(?!-)"
    r")",
    re.IGNORECASE,
)
_SPACED = re.compile(r"(?<![\w.,])\d{1,3}(?:[   ]\d{3})+(?=times|[xX]\b|\s?%|\\times|×)")
_FRACTION = re.compile(r"1\s?/\s?(\d{1,2})(?![\d.,/]|\s?%)")
_RANGE = re.compile(
    r"\s?\$?\s?(?:[-‐‑–—−]{1,2}|~|∼|\$?\\sim\$?|sim(?=\s?\d)|to|or(?=\s(?:two|three|more)))\s?\$?\s?(?=[\d.+]|[a-z])",
    re.IGNORECASE,
)
_JOIN = re.compile(
    r"[\s$)]*(?:,\s*and|,|and|or|/|&|;|vs\.?)\s*(?:(?:an?|by|the|up to|over|about|around|more than)\s)?[\s$(+\-~−]*$"
)
_UNCERTAIN = re.compile(r"\s?\$?\s?(?:Â?±|\+/?-|\\pm|pm)\s?\$?\s?\d+(?:\.\d+)?", re.IGNORECASE)
_GAP = re.compile(r"(?:\s?\\?[\s$,;!{}+]?(?:\\text(?:bf|rm|it)?\{)?)?[\s$}\-]{0,3}")
_UNIT_END = (
    r"(?:(?<=\w)(?![^\W_])|(?<=\w)(?=faster|speed|fewer|smaller|higher|larger|less|lower|more|reduc)(?<=x)|(?<=\W))"
)
_MAGNITUDE = re.compile(r"\s?-?orders?[\s-]of[\s-]magnitudes?\b", re.IGNORECASE)
_FACTOR = re.compile(
    r"\bfactors?\s(?:of\s)?(?:up to |about |around |over |almost |nearly |roughly |more than |at least |"
    r"approximately |of |"
    r"\$|~|\\sim ?)*(?:(?<=factors of )[\d.]{1,8}(?:\sand|,)\s)?$",
    re.IGNORECASE,
)
_CROSS = re.compile(r"(?:(?<![^\W_])[xX]|×|\\times)\s?\$?\s?$")
TIME_UNITS = frozenset(table()["groups"]["time"].split())
"""Canonical units of durations."""

_DIMENSION = re.compile(r"\s?\$?\s?(?:[x×*]|\\times)\s?\$?\s?\d")
_DIMENSION_BEFORE = re.compile(r"\d\s?\$?\s?(?:[x×*]|\\times)\s?\$?\s?$")
_UNIT_WORDS = frozenset(table()["groups"]["worded"].split())


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of a text: ``start:end`` spans number and unit, ``number_end`` ends the number.

    ``text`` is the value as written (digits and sign), ``unit`` canonical or empty, ``bound`` what limits it,
    ``kind`` how it is written (digits, word, order, range, fraction), ``group`` the same for numbers of one list.
    """

    start: int
    end: int
    number_end: int
    text: str
    unit: str
    kind: str
    bound: str = ""
    group: int = -1
    unit_shared: bool = False


@lru_cache(maxsize=1)
def _units() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, pattern(rf"(?:{source}){_UNIT_END}")) for name, source in table()["units"].items())


@lru_cache(maxsize=1)
def _unit_head() -> re.Pattern[str]:
    return pattern("|".join(f"(?:{source})" for source in table()["units"].values()))


@lru_cache(maxsize=1)
def _multipliers() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile(rf"\s?(?:{source})(?![^\W_])")) for name, source in table()["multipliers"].items())


@lru_cache(maxsize=1)
def _bounds() -> tuple[tuple[str, re.Pattern[str]], ...]:
    filler = r"(?:\s|\$|\(|\ba\b|\ban\b|\bonly\b|\bjust\b|\bof\b|\+)*$"
    return tuple((name, pattern(rf"(?:(?<!\w)|(?<=\\)){source}{filler}")) for name, source in table()["bounds"].items())


def _unit_at(text: str, at: int) -> tuple[str, int] | None:
    """Return the unit behind a number and where it ends."""
    for name, multiplier in _multipliers():
        if match := multiplier.match(text, at):
            return name, match.end()
    gap = _GAP.match(text, at)
    start = gap.end() if gap and not _unit_head().match(text, at) else at
    if not _unit_head().match(text, start):
        start = at
        while start < min(len(text), at + 3) and text[start] in " -":
            start += 1
    for name, unit in _units():
        match = unit.match(text, start)
        if match and not (name == "x" and re.match(r"[\s$}]{0,3}\d", text[match.end() : match.end() + 4])):
            return (name if name != "=" else match.group().casefold()), match.end()
    return None


def quantities(text: str) -> tuple[Quantity, ...]:
    """Return the numbers of a text in reading order; linear in its length.

    >>> [(q.text, q.unit, q.bound) for q in quantities("up to 4.5x faster, 82.7% and 90% top-1, ResNet-50")]
    [('4.5', 'x', 'up to'), ('82.7', '%', ''), ('90', '%', '')]
    >>> [(q.text, q.unit) for q in quantities("Recall@10 of 45.2%")]
    [('45.2', '%')]
    >>> [(q.text, q.unit) for q in quantities("five times smaller, two orders of magnitude, 40-76.7 times")]
    [('5', 'x'), ('2', 'orders of magnitude'), ('40-76.7', 'x')]
    """
    found: list[Quantity] = []
    at = 0
    while len(found) < MAX_QUANTITIES:
        quantity = _next(text, at)
        if quantity is None:
            break
        at = max(quantity.end, quantity.number_end)
        if quantity.kind != "skip":
            found.append(quantity)
    return tuple(_with_bounds(text, _share_units(text, found)))


def _next(text: str, at: int) -> Quantity | None:
    match = _ATOM.search(text, at)
    if match is None:
        return None
    if spaced := _SPACED.match(text, match.start()):
        return _digits(text, spaced.start(), spaced.end(), re.sub(r"\s", " ", spaced.group()))
    start, end = match.span()
    if match["order"]:
        plural = match.group().casefold().rstrip().endswith("orders of magnitude")
        return Quantity(start, end, end, "1", "order of magnitude", "skip" if plural else "order")
    if match["twice"]:
        text_ = "2" if match.group().casefold() == "twice" else "0.5"
        return Quantity(start, end, end, text_, "x", match.group().casefold())
    if match["third"]:
        return _part(match)
    if match["word"]:
        return _word(text, match)
    fraction = _FRACTION.match(text, start)
    if fraction:
        return Quantity(start, fraction.end(), fraction.end(), f"1/{fraction[1]}", "", "fraction")
    return _digits(text, start, end, _written(match.group()))


def _part(match: re.Match[str]) -> Quantity:
    count = {"one": 1, "a": 1, "two": 2, "three": 3}[re.split(r"[\s-]", match["third"].casefold())[0]]
    part = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "tenth": 10}[match["part"].casefold().rstrip("s")]
    value = "0.5" if part == 2 else f"{count}/{part}"
    return Quantity(match.start(), match.end("third"), match.end("third"), value, "x" if part == 2 else "", "fraction")


def _written(number: str) -> str:
    """Return digits and sign without mark-up.

    >>> _written("10^{19}"), _written("−0.24")
    ('10^19', '-0.24')
    """
    clean = re.sub(r"[{}\s]", "", number).replace("−", "-")
    return re.sub(r"\\times|times|\\cdot|[x*]", "×", clean)


def _word(text: str, match: re.Match[str]) -> Quantity:
    """A number word counts only with a unit behind it ("five times", "two to four seconds") or as a factor."""
    value = str(table()["words"][match.group().casefold()])
    start, end = match.span()
    gap = _RANGE.match(text, end)
    second = _ATOM.match(text, gap.end()) if gap else None
    if second and second["word"] and gap and re.search(r"to|or", gap.group(), re.IGNORECASE):
        value, end, kind = f"{value}-{table()['words'][second.group().casefold()]}", second.end(), "range"
    else:
        kind = "word"
    if magnitude := _MAGNITUDE.match(text, end):
        unit = "order of magnitude" if value == "1" else "orders of magnitude"
        return Quantity(start, magnitude.end(), end, value, unit, "order")
    unit_at = _unit_at(text, end)
    if unit_at and unit_at[0] in _UNIT_WORDS:
        return Quantity(start, unit_at[1], end, value, unit_at[0], kind)
    if _FACTOR.search(text[max(0, start - 40) : start]):
        return Quantity(start, end, end, value, "x", kind)
    return Quantity(start, end, end, value, "", "skip")


def _digits(text: str, start: int, end: int, value: str) -> Quantity:
    if uncertain := _UNCERTAIN.match(text, end):
        end = uncertain.end()
    if (
        end - start > MAX_DIGITS
        or _DIMENSION.match(text, end)
        or _DIMENSION_BEFORE.search(text[max(0, start - 12) : start])
    ):
        return Quantity(start, end, end, value, "", "skip")
    first = _unit_at(text, end)
    kind = "digits"
    number_end = end
    gap = _RANGE.match(text, first[1] if first else end)
    second = _ATOM.match(text, gap.end()) if gap else None
    if gap and not (second and second["digits"]):
        second = re.compile(rf"\+?{_DIGITS}").match(text, gap.end())
    if gap and second and _is_range(text, start, gap.group(), value, second.group()):
        after = _unit_at(text, second.end())
        # "from 39.8% to 40.9%" tells where it ends: the second number stands alone.
        if _word_before(text, start) == "from" and (after or first or ("", 0))[0] != "x":
            return Quantity(start, first[1] if first else end, end, value, first[0] if first else "", "from")
        if first is None or after is None or first[0] == after[0]:
            value, kind = f"{value.lstrip('+')}-{_written(second.group()).lstrip('+-')}", "range"
            number_end = second.end()
            first = after or (first[0], number_end) if first else after
    if magnitude := _MAGNITUDE.match(text, number_end):
        return Quantity(start, magnitude.end(), number_end, value, "orders of magnitude", "order")
    unit, stop = first if first else ("", number_end)
    before = text[max(0, start - 40) : start]
    if not unit and (_FACTOR.search(before) or _CROSS.search(before)):
        unit = "x"
    return Quantity(start, max(stop, number_end), number_end, value, unit, kind)


def _word_before(text: str, start: int) -> str:
    words = re.findall(r"[a-z]+", text[max(0, start - 24) : start].casefold())
    return "from" if "from" in words[-2:] and not re.search(r"rang\w+ from", text[max(0, start - 30) : start]) else ""


def _is_range(text: str, start: int, gap: str, low: str, high: str) -> bool:
    """Two numbers with a dash or "to" between them are a range when the second is greater."""
    sign = gap.strip(" $")
    if sign.casefold() == "or":
        return False
    if sign == "" or (sign in "-‐‑–—−" and text[max(0, start - 1) : start].isalpha()):
        return False
    try:
        return Decimal(low.replace(",", "")) < Decimal(high.replace(",", "").lstrip("+"))
    except ArithmeticError:
        return False


def _share_units(text: str, found: list[Quantity]) -> list[Quantity]:
    """In a list ("3.9, 4.1 and 5 mAP", "2 and 40 Hz") a number without a unit takes the one that follows."""
    out = list(found)
    group = 0
    for k in range(len(out) - 1, -1, -1):
        follower = out[k + 1] if k + 1 < len(out) else None
        joined = (
            follower is not None
            and follower.start - out[k].end < 24
            and _JOIN.fullmatch(text, out[k].end, follower.start)
        )
        if not joined or follower is None:
            group += 1
            out[k] = replace(out[k], group=group)
        elif (
            not out[k].unit
            and out[k].kind in ("digits", "range")
            and follower.unit
            and follower.kind in ("digits", "range")
        ):
            out[k] = replace(out[k], group=follower.group, unit=follower.unit, unit_shared=True)
        else:
            out[k] = replace(out[k], group=follower.group)
    return out


def _with_bounds(text: str, found: list[Quantity]) -> Iterator[Quantity]:
    for quantity in found:
        before = text[max(0, quantity.start - 32) : quantity.start]
        name = next((name for name, bound in _bounds() if bound.search(before)), "")
        if not name and text[quantity.number_end : quantity.number_end + 1] == "+":
            name = "over"
        yield replace(quantity, bound=name)


def decimal_value(text: str) -> str | None:
    """Return the plain decimal form of one number, None for ranges and what is no number.

    >>> decimal_value("4,000"), decimal_value("10^3"), decimal_value("1/4"), decimal_value("4-8")
    ('4000', '1000', '0.25', None)
    """
    clean = text.replace(",", "").replace(" ", "").lstrip("+")
    power = re.fullmatch(r"(?:(-?[\d.]+)×)?([\d.]+)\^(-?\d{1,2})", clean)
    fraction = re.fullmatch(r"(\d+)/(\d+)", clean)
    try:
        if power:
            value = Decimal(power[1] or 1) * Decimal(power[2]) ** int(power[3])
        elif fraction:
            value = round(Decimal(fraction[1]) / Decimal(fraction[2]), 6)
        else:
            value = Decimal(clean)
    except ArithmeticError:
        return None
    if not value.is_finite() or abs(value.adjusted()) > 40:
        return None
    return f"{value.normalize():f}"
