"""Which of two named things a sentence calls the better one; silence where it does not say so plainly.

Cue words are in ``verdict.toml``. The rules prefer silence to error: a cue must stand between the two names, in one
clause, with the subject as the nearest possible doer.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from kg.analysis.measures import HIGHER, better, known_name

FARTHEST = 110
"""Most characters between a cue and the name that it points at: room for a list of names."""


@dataclass(frozen=True, slots=True, order=True)
class Verdict:
    """``sign`` is 1 when the subject is better, -1 when the object is. ``aspect`` is the metric, or empty: overall."""

    sign: int
    aspect: str = ""


def verdicts(
    sentence: str, subject: Sequence[str], target: Sequence[str], others: Iterable[str] = (), *, own: bool = True
) -> tuple[Verdict, ...]:
    """Return what a sentence says of two things, sorted; nothing if it does not say which is better.

    Args:
        subject: names of the one.
        target: names of the other.
        others: names of further things, which may be the doers instead of the subject.
        own: whether the sentence is of the paper that presents the subject, so that "we" and "it" mean the subject.

    >>> verdicts("Our FooNet outperforms BarNet on ImageNet.", ["FooNet"], ["BarNet"])
    (Verdict(sign=1, aspect=''),)
    >>> verdicts("FooNet is on par with BarNet.", ["FooNet"], ["BarNet"])
    ()
    """
    text = " ".join(sentence.split())
    if text.endswith("?") or _rules()["undecided"]["question"].search(text):
        return ()
    # A name that holds the other one ("BERT-large", "BERT") is not that other one.
    ours, theirs, rest = (_spans(text, names) for names in (subject, target, others))
    spans = [*ours, *theirs, *rest]
    ours, theirs, rest = ([span for span in held if not _inside(span, spans)] for held in (ours, theirs, rest))
    selves = [match.span() for match in _rules()["subject"]["self"].finditer(text)] if own else []
    found = {
        verdict
        for cue in _cues(text)
        for verdict in _decide(text, cue, sorted(ours + selves), theirs, rest, [c.start for c in _cues(text)])
    }
    aspects = {verdict.aspect for verdict in found}
    contradicted = {aspect for aspect in aspects if len({v.sign for v in found if v.aspect == aspect}) > 1}
    return tuple(sorted(verdict for verdict in found if verdict.aspect not in contradicted))


@dataclass(frozen=True, slots=True)
class _Cue:
    start: int
    end: int
    sign: int
    aspect: str


Span = tuple[int, int]


@cache
def _rules() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    table = tomllib.loads((files("kg.analysis") / "verdict.toml").read_text(encoding="utf-8"))
    return {
        section: {name: re.compile(source, re.IGNORECASE) for name, source in rules.items()}
        for section, rules in table.items()
        if section != "aspects"
    }


@cache
def _aspects() -> Mapping[str, str]:
    table = tomllib.loads((files("kg.analysis") / "verdict.toml").read_text(encoding="utf-8"))
    aspects: Mapping[str, str] = table["aspects"]
    return aspects


def _cues(text: str) -> list[_Cue]:
    """Return the cues of a sentence in order; where two overlap, the longer one."""
    found: list[_Cue] = []
    for section, sign in (("worse", -1), ("better", 1)):
        for name, rule in _rules()[section].items():
            found += [_Cue(*match.span(), sign, _aspects().get(name, "")) for match in rule.finditer(text)]
    for name, rule in _rules()["compare"].items():
        for match in rule.finditer(text):
            metric = known_name(match["metric"])
            way = better(match["metric"])
            if metric and way:
                sign = 1 if (name == "more") == (way == HIGHER) else -1
                found.append(_Cue(*match.span(), sign, match["metric"].casefold()))
    found.sort(key=lambda cue: (cue.start - cue.end, cue.start))
    kept: list[_Cue] = []
    for cue in found:
        if all(cue.end <= other.start or other.end <= cue.start for other in kept):
            kept.append(cue)
    return sorted(kept, key=lambda cue: cue.start)


def _decide(
    text: str, cue: _Cue, ours: list[Span], theirs: list[Span], rest: list[Span], starts: list[int]
) -> Iterator[Verdict]:
    if _rules()["undecided"]["before"].search(text[: cue.start]) or _rules()["undecided"]["equal"].search(
        text[: cue.start]
    ):
        return
    for left, right, sign in ((ours, theirs, cue.sign), (theirs, ours, -cue.sign)):
        aimed = any(_reaches(text, cue, span, starts) for span in right)
        if aimed and _doer(text, cue, left, [*right, *rest], opening=left is ours):
            yield Verdict(sign, cue.aspect)


def _reaches(text: str, cue: _Cue, span: Span, starts: list[int]) -> bool:
    """Tell whether a cue points at a name behind it: near, in the same clause, with no other cue between."""
    if not cue.end <= span[0] <= cue.end + FARTHEST:
        return False
    between = text[cue.end : span[0]]
    if any(cue.end <= start < span[0] for start in starts):
        return False
    return not _rules()["undecided"]["inside"].search(between)


def _doer(text: str, cue: _Cue, left: list[Span], others: list[Span], *, opening: bool) -> bool:
    """Tell whether one of the names of ``left`` is who the cue speaks of: the nearest before it in the clause."""
    start = max((m.end() for m in re.finditer(r";|,? (?:while|whereas|but)\b", text[: cue.start])), default=0)
    before = [(span, True) for span in left if start <= span[0] and span[1] <= cue.start]
    before += [(span, False) for span in others if start <= span[0] and span[1] <= cue.start]
    modifier = _rules()["subject"]["modifier"]
    doers = [(span, mine) for span, mine in before if not modifier.search(text[start : span[0]])]
    if doers:
        return max(doers)[1]
    # "Outperforming B, our method ..." has its subject behind.
    return opening and not before and cue.start <= 1 and any(span[0] > cue.end for span in left)


def _spans(text: str, names: Iterable[str]) -> list[Span]:
    """Return where names stand in a text as whole words, the longest first."""
    found: list[Span] = []
    for name in sorted({" ".join(name.split()) for name in names}, key=lambda name: (-len(name), name)):
        if len(name) < 2:
            continue
        # A plural s and a size behind a hyphen are tolerated: "ResNets", "YOLOv4-tiny" are not other words.
        for match in re.finditer(
            rf"(?<![\w-]){re.escape(name)}s?(?![\w])", text, 0 if len(name) < 4 else re.IGNORECASE
        ):
            if not _inside(match.span(), found):
                found.append(match.span())
    return sorted(found)


def _inside(span: Span, spans: Iterable[Span]) -> bool:
    """Tell whether a span lies in a longer one."""
    return any(low <= span[0] and span[1] <= high and (low, high) != span for low, high in spans)
