"""What stands around a number: clause, direction, and the features of the decision whether it is a reported result."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kg.extract.results.lexicon import cues, directions, table
from kg.extract.results.quantities import TIME_UNITS, Quantity
from kg.text import Span

LEFT, RIGHT, SENTENCE = 160, 130, 700
"""Characters of the sentence that are looked at before a number, behind it and in all."""

_TOKEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|\d+(?:[.,]\d+)*|[%$()\[\]=:;,.<>+~/-]|\S")
_CLAUSE = re.compile(
    r"[;:]|,\s(?:while|whereas|but|and\s(?:\w+\s)?(?:reduc|improv|achiev|outperform|increas)\w+|with|which|where)\b"
)
_REACHED = re.compile(r"\b(?:achiev|reach|attain|obtain|scor|retain|maintain)\w*\b", re.IGNORECASE)
_BOUND = re.compile(
    r"(?:\b(?:more|greater|higher|better|larger|less|lower|fewer|smaller)\sthan|\b(?:exceed|surpass)\w*(?:\sthe)?)[\s$(~]*$",
    re.IGNORECASE,
)
_TOLD = ("first_person", "experiment", "achieve", "compare", "background")
_COUNTED = frozenset(table()["groups"]["counted"].split())


@dataclass(frozen=True, slots=True)
class Context:
    """A number with the text around it; ``left`` and ``right`` stay within the sentence ``low:high``.

    ``own`` tells whether the section has come to speak of its own work: not at all, earlier, here or later.
    """

    quantity: Quantity
    left: str
    right: str
    sentence: str
    low: int
    high: int
    number: int
    sentences: int
    own: str = "no"


def contexts(text: str, sentences: Sequence[Span], found: Sequence[Quantity]) -> tuple[Context, ...]:
    """Put each number into its sentence; ``found`` is in reading order."""
    out: list[Context] = []
    at = 0
    first = next((pattern for place, name, pattern in cues() if (place, name) == ("sentence", "first_person"))).search(
        text
    )
    for quantity in found:
        while at + 1 < len(sentences) and sentences[at][1] <= quantity.start:
            at += 1
        low, high = min(sentences[at][0], quantity.start), max(sentences[at][1], quantity.end)
        left = text[max(low, quantity.start - LEFT) : quantity.start]
        right = text[quantity.end : min(high, quantity.end + RIGHT)]
        around = text[max(low, quantity.start - SENTENCE // 2) : min(high, quantity.end + SENTENCE // 2)]
        own = (
            "no"
            if first is None
            else "later"
            if first.start() >= high
            else "here"
            if first.start() >= low
            else "before"
        )
        out.append(Context(quantity, left, right, around, low, high, at, len(sentences), own))
    return tuple(out)


_BY = re.compile(
    r"\bby[\s$(~]*(?:up\sto\s|over\s|about\s|around\s|more\sthan\s|an?\s|average\s|of\s|at\sleast\s|additional\s){0,3}[\s$(~]*$",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    r"[\s$)]*(?:[\w@.-]+\s){0,2}?(?:higher|better|lower|worse|improvements?|gains?|increase|decrease|drop|decline)\b",
    re.IGNORECASE,
)


def with_points(around: Sequence[Context]) -> tuple[Context, ...]:
    """Give bare numbers that tell a difference ("by 1.4", "2.3 higher") the unit points; others of their list follow.

    Factors and shares say so, hence what is left is a difference on the metric's own scale.
    """
    groups = {c.quantity.group for c in around if not c.quantity.unit and _is_difference(c)}
    return tuple(
        replace(c, quantity=replace(c.quantity, unit="points"))
        if not c.quantity.unit and c.quantity.group in groups
        else c
        for c in around
    )


def _is_difference(context: Context) -> bool:
    if context.quantity.kind not in ("digits", "range") or context.quantity.text[0] == "+":
        return False
    decimal = "." in context.quantity.text
    return decimal and bool(_BY.search(context.left[-40:]) or _CHANGED.match(context.right[:50]))


def direction(context: Context) -> str:
    """Return up or down when the number tells a change, by the nearest cue of its clause; else the empty string.

    >>> from kg.extract.results.quantities import quantities
    >>> text = "It is 4.5x faster and reduces FLOPs by 30%, with 82.7% accuracy"
    >>> [direction(c) for c in contexts(text, [(0, len(text))], quantities(text))]
    ['up', 'down', '']
    >>> text = "it surpasses all others with 80.0% and, improving on these, attains a new best 81.5% accuracy"
    >>> [direction(c) for c in contexts(text, [(0, len(text))], quantities(text))]
    ['up', '']
    """
    left = context.left[max((m.end() for m in _CLAUSE.finditer(context.left)), default=0) :][-90:]
    # "higher than 99%", "surpassing the 58.5%": what the number is compared with, no change by it.
    left = _BOUND.sub("", left)
    right = context.right[:60]
    cut = re.search(r"[.;,:]|\band\b", right)
    right = right[: cut.start()] if cut else right
    best: tuple[int, str, int] | None = None
    for name, pattern in directions():
        behind = pattern.search(right)
        before = list(pattern.finditer(left))
        # A cue right behind the number ("15% fewer") binds more tightly than a verb before it.
        options = [(behind.start(), name, len(left))] if behind else []
        options += [(len(left) - before[-1].end() + 12, name, before[-1].end())] if before else []
        best = min([*options, *([best] if best else [])], default=None)
    if best is None:
        return ""
    is_change = context.quantity.unit in {"%", "x", "points", "order of magnitude", "orders of magnitude"} or re.search(
        r"\bby[\s$(~+]*(?:\w+\s){0,3}$", left, re.IGNORECASE
    )
    level = re.search(r"\b(?:accuracy|score|of|to|reach\w*|achiev\w*|attain\w*)[\s$(~]*$", left, re.IGNORECASE)
    change_noun = re.search(
        r"\b(?:improvements?|reductions?|gains?|speed-?ups?|decreases?|increases?|drops?|savings?|loss|decline|boosts?|"
        r"margin|factors?)\s(?:of|to)[\s$(~]*(?:\w+\s){0,2}$",
        left,
        re.IGNORECASE,
    )
    # "outperforms others and attains 80%": the nearer verb says that the number is what was reached.
    reached = level or _REACHED.search(left, best[2])
    return best[1] if is_change and (best[0] < 12 or not reached or change_noun) else ""


def features(around: Sequence[Context], sources: Sequence[str]) -> tuple[list[str], ...]:
    """Return for each number of a section its features as names of present properties.

    ``sources`` tells for each where its metric was found (see :class:`kg.extract.results.metrics.Metric`).
    """
    per_sentence = Counter(c.number for c in around)
    units = Counter(c.quantity.unit for c in around)
    return tuple(
        [
            *_features(
                c, around[k - 1] if k else None, around[k + 1] if k + 1 < len(around) else None, per_sentence, units
            ),
            f"metric {source}",
            f"metric {source},{_unit_class(c.quantity)}",
        ]
        for k, (c, source) in enumerate(zip(around, sources, strict=True))
    )


def _features(
    context: Context, before: Context | None, after: Context | None, per_sentence: Counter[int], units: Counter[str]
) -> list[str]:
    quantity = context.quantity
    kind = _unit_class(quantity)
    out = ["bias", f"unit={quantity.unit}", f"class={kind}", f"kind={quantity.kind}", f"bound={quantity.bound}"]
    out += [
        f"class={kind},kind={quantity.kind}",
        f"shape={_shape(quantity.text)}",
        f"shape={_shape(quantity.text)},{kind}",
    ]
    for place, name, pattern in cues():
        text = context.left if place == "left" else context.right if place == "right" else context.sentence
        if pattern.search(text):
            out += [f"{place} {name}", f"{place} {name},{kind}"]
    # Together the cues of a sentence say more than each: background without "we" is somebody else's number.
    told = "".join("x" if f"sentence {cue}" in out else "-" for cue in _TOLD)
    out += [f"sentence {told}", f"sentence {told},{kind}"]
    out += [f"own {context.own}", f"own {context.own},{kind}", f"own {context.own} {told}"]
    if quantity.unit_shared:
        out.append("shared unit")
    if way := direction(context):
        out += [f"direction {way}", f"direction {way},{kind}"]
    out.append(f"same unit={min(4, units[quantity.unit])},{kind}")
    return [*out, *_words(context, kind), *_place(context, before, after, per_sentence)]


def _words(context: Context, kind: str) -> list[str]:
    """Return the words beside a number, by distance and as a bag."""
    left = [_plain(t) for t in _TOKEN.findall(context.left[-80:])]
    right = [_plain(t) for t in _TOKEN.findall(context.right[:80])]
    out: list[str] = []
    for side, near in (("l", left[:-4:-1]), ("r", right[:3])):
        out += [f"{side}{k}={token}" for k, token in enumerate(near)]
        out += [f"{side}0={token},{kind}" for token in near[:1]]
    if len(left) > 1:
        out.append(f"l10={left[-2]} {left[-1]}")
    if len(right) > 1:
        out.append(f"r01={right[0]} {right[1]}")
    return [*out, *(f"lbag={t}" for t in dict.fromkeys(left[-10:])), *(f"rbag={t}" for t in dict.fromkeys(right[:8]))]


def _place(context: Context, before: Context | None, after: Context | None, per_sentence: Counter[int]) -> list[str]:
    """Return where the number stands in the abstract, and what numbers stand beside it."""
    share = context.number / max(1, context.sentences - 1)
    out = [
        f"place={int(share * 4.99)}",
        f"from end={min(3, context.sentences - 1 - context.number)}",
        f"first={context.number == 0}",
        f"numbers={min(5, per_sentence[context.number])}",
    ]
    for side, other in (("before", before), ("after", after)):
        if other and other.number == context.number:
            near = "near" if abs(other.quantity.start - context.quantity.start) < 40 else "far"
            out.append(f"{side} {near} {_unit_class(other.quantity)}")
            if other.quantity.group == context.quantity.group:
                out.append(f"{side} list {_unit_class(other.quantity)}")
    return out


def _plain(token: str) -> str:
    return "#" if token[0].isdigit() else token.casefold()[:24]


def _unit_class(quantity: Quantity) -> str:
    unit = quantity.unit
    if unit in _COUNTED:
        return "count"
    if unit in TIME_UNITS:
        return "time"
    if unit in {"%", "x", "points", "", "FPS"}:
        return unit or ("decimal" if "." in quantity.text else "integer")
    return "magnitude" if "magnitude" in unit else "other"


def _shape(text: str) -> str:
    """Return digits before and behind the point; years and round numbers are told apart."""
    if re.fullmatch(r"(?:19|20)\d\d", text):
        return "year"
    if text in {"100", "10", "1", "0", "50", "90", "95", "99"}:
        return text
    whole, _, rest = text.lstrip("+-").partition(".")
    return f"{min(4, len(whole))}.{min(3, len(rest))}{'r' if '-' in text[1:] else ''}{'+' if text[:1] in '+-' else ''}"
