"""Abbreviations that a text defines: ``Full Name (ABBR)`` and ``ABBR (full name)``.

The alignment follows A. Schwartz and M. Hearst, "A simple algorithm for identifying abbreviation definitions in
biomedical text", PSB 2003: from the right, each letter of the short form is found in the long form, the first one at
the start of a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_INSIDE = re.compile(r"\(([^()]{1,80})\)")
_SHORT = re.compile(r"[^\W_][\w.+*/@-]{0,11}$")


@dataclass(frozen=True, slots=True, order=True)
class Abbreviation:
    """A defined abbreviation: offsets of the long and of the short form, code points."""

    long_start: int
    long_end: int
    short_start: int
    short_end: int
    long: str
    short: str


@lru_cache(maxsize=8)
def abbreviations(text: str) -> tuple[Abbreviation, ...]:
    """Return the definitions in ``text`` in order.

    >>> [(a.short, a.long) for a in abbreviations("We use neural architecture search (NAS) on edge devices.")]
    [('NAS', 'neural architecture search')]
    >>> [(a.short, a.long) for a in abbreviations("NAS (neural architecture search) is costly.")]
    [('NAS', 'neural architecture search')]
    """
    found: list[Abbreviation] = []
    for match in _INSIDE.finditer(text):
        inner = match.group(1)
        short = re.split(r"[,;:]", inner)[0].strip()
        start = match.start(1) + inner.index(short) if short else match.start(1)
        if _is_short(short):
            long_ = _long_form(text[: match.start()], short)
            if long_:
                begin = len(text[: match.start()].rstrip()) - len(long_)
                found.append(Abbreviation(begin, begin + len(long_), start, start + len(short), long_, short))
                continue
        before = re.search(r"([^\W_][\w.+*/@-]*)\s*$", text[: match.start()])
        if before and _is_short(before.group(1)) and len(inner.split()) >= 2:
            aligned = _align(before.group(1), inner)
            if aligned == inner:
                found.append(
                    Abbreviation(match.start(1), match.end(1), before.start(1), before.end(1), inner, before.group(1))
                )
    return tuple(found)


def _is_short(text: str) -> bool:
    return bool(_SHORT.match(text)) and 2 <= len(text) <= 12 and sum(c.isupper() for c in text) >= min(2, len(text) - 1)


def _long_form(before: str, short: str) -> str | None:
    """Return the words before the bracket that the short form abbreviates, or None."""
    base = short[:-1] if short.endswith("s") and len(short) > 2 and short[-2].isupper() else short
    tail = re.split(r"[.;!?](?=\s)|[()]", before)[-1].rstrip()
    letters = sum(c.isalnum() for c in base)
    # At most min(|A| + 5, 2 |A|) words, as in the source.
    starts = [m.start() for m in re.finditer(r"\S+", tail)][-min(letters + 5, letters * 2) :]
    aligned = _align(base, tail[starts[0] :]) if starts else None
    if aligned is None or base.casefold() in aligned.casefold() or len(aligned) <= len(base):
        return None
    return aligned


def _align(short: str, long_: str) -> str | None:
    """Return the part of ``long_`` that spells ``short``, or None (the Schwartz-Hearst alignment)."""
    s, i = len(short) - 1, len(long_) - 1
    while s >= 0:
        letter = short[s].casefold()
        if not letter.isalnum():
            s -= 1
            continue
        while i >= 0 and (long_[i].casefold() != letter or (s == 0 and i > 0 and long_[i - 1].isalnum())):
            i -= 1
        if i < 0:
            return None
        i -= 1
        s -= 1
    start = i + 1
    while start > 0 and long_[start - 1].isalnum():
        start -= 1
    return long_[start:].strip()
