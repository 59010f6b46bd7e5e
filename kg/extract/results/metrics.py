"""Which metric a number measures: names of metrics around it, else what the phrase and the unit tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from kg.extract.results.context import Context, direction
from kg.extract.results.quantities import TIME_UNITS


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's canonical name, and where it was found: right, left, phrase, list, unit or none."""

    name: str
    source: str


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Any]:
    with Path(__file__).with_name("metrics.toml").open("rb") as stream:
        return tomllib.load(stream)


@lru_cache(maxsize=2)
def _words(name: str) -> frozenset[str]:
    return frozenset(_table()["words"][name].split())


def _key(surface: str) -> str:
    folded = re.sub(r"[\s\-_{}$]+", "", surface.casefold())
    return folded[:-1] if folded.endswith("s") and not folded.endswith(("ss", "us")) else folded


@lru_cache(maxsize=1)
def _names() -> tuple[re.Pattern[str], Mapping[str, str]]:
    """Return one pattern for all names, longest first, and the canonical form by folded surface form."""
    loose = {_key(s): name for name, surfaces in _table()["names"].items() for s in surfaces}
    exact = {_key(s): name for name, surfaces in _table()["exact"].items() for s in surfaces}
    kept = "|".join(re.escape(w) for w in _table()["kept"]["words"])

    def alternatives(part: str) -> str:
        surfaces = sorted({s for group in _table()[part].values() for s in group}, key=lambda s: (-len(s), s))
        return "|".join(re.sub(r"(?:\\ |\\-)", r"[\\s-]?", re.escape(s)) for s in surfaces)

    source = (
        rf"(?<![^\W_])(?P<kept>(?i:(?:{kept})\s){{0,2}})"
        rf"(?:(?P<loose>(?i:{alternatives('names')}))|(?P<exact>{alternatives('exact')}))s?(?![^\W_])"
    )
    return re.compile(source), {**exact, **loose}


_CHANGED = re.compile(
    r"\b(?:reduc\w+|decreas\w+|lower\w*|cut\w*|shrink\w*|sav\w+|improv\w+|increas\w+|boost\w*|enhanc\w+|rais\w+|accelerat(?:es?|ed|ing))\s"
    r"(?:(?:the|its|their|our|both|overall|average|required)\s){0,2}(?P<what>(?:[^\W\d][\w-]*\s){1,4}?)"
    r"(?:by|up to|from|to)\b[^.;,]{0,40}$",
    re.IGNORECASE,
)
_OF = re.compile(
    r"(?<![\w-])(?P<what>(?:[^\W\d][\w-]*\s){0,2}[^\W\d][\w-]*)\s(?:\([^()]{1,12}\)\s)?(?:of|:|=|is)\s(?:[^\W\d]+\s|\$|~){0,3}$"
)
_COMPARED = re.compile(
    r"^[\s$)]*(?:fewer|less|lower|smaller|higher|better|more|larger|greater|faster|improved|increased|reduced|longer|shorter)\s"
    r"(?P<what>(?:[^\W\d][\w-]*\s?){1,3})",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w-])[+~$]?\d")
_QUANTITY = re.compile(
    r"(?<![\w-])\d[\d.,]*\s?(?:\\?%|x\b|times|\\times|[KMBG]\b|ms\b|fps\b|GB\b|MB\b|(?=[A-Za-z]))", re.IGNORECASE
)
_PREPOSITION = re.compile(r"\b(?:on|at|with|for|and|of)\b|\w[^(]{0,40}\(", re.IGNORECASE)
_CHANGE_IN = re.compile(
    r"^[\s$)]*(?:reductions?|increases?|improvements?|gains?|decreases?|savings?|drops?|boosts?|loss)\s(?:of|in|on)\s$",
    re.IGNORECASE,
)
_SIDE = re.compile(r"\b(?:without|at|same|similar|comparable|par|with|maintain\w*|while|and)\b", re.IGNORECASE)
_PHASE = re.compile(r"\w*\s(?:in\s|for\s|at\s|during\s)?(training|inference|decoding|generation)\b", re.IGNORECASE)
_VERBAL = re.compile(
    r"^(?:achiev|outperform|improv|surpass|reach|obtain|yield|show|attain|increas|reduc)\w*$", re.IGNORECASE
)
_FASTER = re.compile(
    r"\b(?:faster|quicker|speed(?:s|ed|ing|up|ups)?|speed-ups?|accelerat(?:es?|ed|ing|ions?)|slower)\b", re.IGNORECASE
)
_CLAUSE_END = re.compile(
    r"[.;]|,\s(?!and\b)|\b(?:while|whereas|and\s(?:\w+ly\s)?(?:reduc|improv|achiev|outperform|surpass|speed|increas|decreas|sav|run|us)\w*)\b",
    re.IGNORECASE,
)
_CLAUSE_START = re.compile(
    r"[;]|,\s(?:while|whereas|and\s\w+ing)\b|\bwhile\b|\band\s(?=(?:reduc|improv|achiev|outperform|surpass|speed|increas|decreas|sav)\w*)|(?<=\d)%?\s(?:and|,)\s(?=\w+ing\b)",
    re.IGNORECASE,
)


def canonical(match: re.Match[str]) -> str:
    """Return the canonical name of a match of the metric pattern, with the words in front that belong to it."""
    _, known = _names()
    name = known[_key(match["loose"] or match["exact"])]
    kept = " ".join(w for w in match["kept"].split() if w.casefold() not in {"average", "mean", "overall", "relative"})
    return f"{kept.casefold()} {name}" if kept and not name.startswith(kept.casefold()) else name


def _fits(name: str, unit: str) -> bool:
    """Tell whether a metric can have a unit: no accuracy in FPS, no parameters without a multiplier."""
    groups = _table()["families"]
    words = name.casefold()

    def of(family: str) -> bool:
        return any(words.endswith(w) for w in groups[family])

    if unit == "FPS" or "per second" in unit or unit in {"Hz", "kHz", "tokens/s", "images/s"}:
        return of("speed")
    if unit in TIME_UNITS or unit.startswith(("GPU", "TPU")):
        return of("time") or of("cost")
    if unit in {"GB", "MB", "KB", "TB"}:
        return of("memory")
    if unit in {"K", "M", "B", "G", "T", "million", "billion", "trillion"} or "FLOP" in unit or "MAC" in unit:
        return of("count") or of("cost")
    if unit in {"", "points", "dB"}:
        return not any(of(family) for family in ("speed", "time", "memory", "count", "cost"))
    return True


def _pick(matches: Iterable[re.Match[str]], unit: str) -> list[re.Match[str]]:
    return [m for m in matches if _fits(canonical(m), unit)]


def metric(context: Context, before: tuple[Context, Metric] | None = None) -> Metric:
    """Return the metric of a number; ``before`` is the number in front of it with its metric, for lists."""
    pattern, _ = _names()
    unit = context.quantity.unit
    right = context.right
    end = _CLAUSE_END.search(right)
    right = right[: end.start()] if end else right
    next_number = _NUMBER.search(right)
    near = right[: next_number.start()] if next_number else right
    match = next(iter(_pick(pattern.finditer(near), unit)), None)
    gap = near[: match.start()] if match else ""
    if match and len(gap.split()) <= 2 and (_CHANGE_IN.match(gap) or not _PREPOSITION.search(gap)):
        return Metric(_speed(canonical(match), near), "right")
    if unit in {"x", "%"} and (faster := _FASTER.search(near[:40])) and len(near[: faster.start()].split()) <= 3:
        behind = _PHASE.match(near[faster.start() :])
        return Metric(f"{behind[1].casefold()} speedup" if behind else "speedup", "right")
    if phrase := _phrase(_COMPARED.match(near)):
        return Metric(phrase, "phrase")
    left = context.left
    start = max((m.end() for m in _CLAUSE_START.finditer(left)), default=0)
    left = left[start:][-110:]
    numbers = [m.end() for m in _QUANTITY.finditer(left)]
    # What follows a number closely ("22.8M parameters, 82.3% on ...") is the metric of that one.
    taken = {m.start() for m in pattern.finditer(left) if any(0 <= m.start() - n <= 2 for n in numbers)}
    matches = [m for m in _pick(pattern.finditer(left, max(numbers, default=0)), unit) if m.start() not in taken]
    if matches and len(left) - matches[-1].end() < 45:
        return Metric(_speed(canonical(matches[-1]), left[matches[-1].start() :]), "left")
    if (
        match
        and len(gap.split()) <= 7
        and not _SIDE.search(gap)
        and canonical(match) not in _table()["families"]["vague"]
    ):
        return Metric(_speed(canonical(match), near), "right far")
    if phrase := _phrase(_CHANGED.search(left)):
        return Metric(phrase, "phrase")
    if before and before[1].name and before[0].quantity.unit == unit and before[0].number == context.number:
        return Metric(before[1].name, "list")
    if phrase := _phrase(_OF.search(left)):
        return Metric(phrase, "phrase")
    if matches:
        return Metric(canonical(matches[-1]), "left far")
    return _by_unit(context, left, before)


def _speed(name: str, around: str) -> str:
    """A metric of time or speed that a "speedup" word belongs to."""
    return (
        "speedup"
        if name in {"speed", "time"} and re.search(r"speed-?\s?up|faster|improvement", around, re.IGNORECASE)
        else name
    )


def _phrase(match: re.Match[str] | None) -> str:
    if match is None:
        return ""
    words = match["what"].split()
    if words and (noun := _table()["nouns"].get(words[0].casefold())):
        return str(noun)
    while words and words[0].casefold() in _words("determiners"):
        words = words[1:]
    stop = next((k for k, w in enumerate(words) if w.casefold() in _words("stop")), len(words))
    words = words[:stop]
    if not words or any(_VERBAL.match(w) for w in words) or len(words[-1]) < 3:
        return ""
    return " ".join(words) if len(" ".join(words)) < 50 else ""


def _by_unit(context: Context, left: str, before: tuple[Context, Metric] | None) -> Metric:
    unit = context.quantity.unit
    if unit == "FPS":
        return Metric("frame rate", "unit")
    if unit.startswith(("GPU", "TPU")):
        return Metric(
            "search cost" if re.search(r"search", context.sentence, re.IGNORECASE) else "training cost", "unit"
        )
    if unit in TIME_UNITS:
        return Metric("latency" if unit in {"ms", "μs", "ns"} else "time", "unit")
    if unit == "dB":
        return Metric("PSNR", "unit")
    if unit in {"GB", "MB", "KB", "TB"}:
        return Metric("memory", "unit")
    if unit in {"FLOPs", "GFLOPs", "MFLOPs", "TFLOPS"}:
        return Metric("FLOPs", "unit")
    if unit in {"epochs", "iterations", "time steps"}:
        return Metric(unit, "unit")
    if unit in {"x", "%"} and _FASTER.search(left):
        return Metric("speedup", "unit")
    if unit in {"%", "points"}:
        quality = list(_pick(_names()[0].finditer(context.sentence), "points"))
        names = [n for m in quality if (n := canonical(m)) not in _table()["families"]["vague"]]
        if names:
            return Metric(names[0], "sentence")
        if before and before[1].name and _fits(before[1].name, "points") and before[0].quantity.unit in {"%", "points"}:
            return Metric(before[1].name, "before")
    if direction(context) == "up" and unit in {"%", "points", "x"}:
        return Metric("improvement", "unit")
    return Metric("", "none")


def metrics(around: Sequence[Context]) -> tuple[Metric, ...]:
    """Return the metric of each number; in a list before a shared metric the last number passes its own forward.

    >>> from kg.extract.results.context import contexts
    >>> from kg.extract.results.quantities import quantities
    >>> text = "We reach 71.2, 74.5 and 78.1 Top-1 and reduce FLOPs by 30%; it runs 4x faster."
    >>> [m.name for m in metrics(contexts(text, [(0, len(text))], quantities(text)))]
    ['top-1 accuracy', 'top-1 accuracy', 'top-1 accuracy', 'FLOPs', 'speedup']
    """
    out: list[Metric] = []
    for k, context in enumerate(around):
        out.append(metric(context, (around[k - 1], out[k - 1]) if k else None))
    for k in range(len(around) - 2, -1, -1):
        this, after = around[k], around[k + 1]
        same = this.quantity.group == after.quantity.group and this.quantity.unit == after.quantity.unit
        if (
            same
            and out[k].source in {"none", "unit", "left far", "phrase"}
            and out[k + 1].source in {"right", "right far", "list"}
        ):
            out[k] = Metric(out[k + 1].name, "list")
    return tuple(out)
