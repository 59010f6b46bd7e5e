"""What the fast tagger sees of a word: itself, its neighbours, and where it stands.

Features are strings.  Those of a word alone (:func:`word_features`) are the same wherever it occurs, so the tagger
adds up their weights once for each distinct word; only the features of context are made anew.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from kg.extract.abbreviations import abbreviations
from kg.extract.patterns import title_name
from kg.extract.spans import SHAPES, Section, Word, paper_words, shape_of
from kg.text import shape
from kg.vocabulary import Gazetteer

PAD = "<pad>"
"""Stands for what is beyond the ends of a sentence; no word is like it."""
OFFSETS = (-2, -1, 0, 1, 2)
_SEEN = {-2: "ls", -1: "lsf", 0: "lxsfpd", 1: "lsf", 2: "ls"}


def _lists() -> tuple[re.Pattern[str], frozenset[str], frozenset[str]]:
    with Path(__file__).with_name("crf.toml").open("rb") as stream:
        table = tomllib.load(stream)
    kinds = (f"(?P<{name}>(?:{'|'.join(words.split())})$)" for name, words in table["cues"].items())
    cue = re.compile("|".join(kinds).replace("*", r"\w*"))
    return cue, frozenset(table["prepositions"].split()), frozenset(table["dull"].split())


_CUE, _PREPOSITIONS, _DULL = _lists()


@dataclass(frozen=True, slots=True)
class Page:
    """A paper as the fast tagger reads it.

    ``sentences`` are ranges of ``words``; ``context`` has the features of each word, ``shared`` those that all words
    of a sentence have.
    """

    words: tuple[Word, ...]
    sentences: tuple[tuple[int, int], ...]
    context: tuple[list[str], ...]
    shared: tuple[list[str], ...]


@lru_cache(maxsize=60_000)
def word_features(word: str) -> tuple[tuple[str, ...], ...]:
    """Return what a word adds to those around it: for each of :data:`OFFSETS` the features of the word that stands
    there, as the word in the middle sees them.

    >>> word_features("Graphs")[1]
    ('-1l=graphs', '-1s=title', '-1f=phs')
    """
    if word == PAD:
        return tuple((f"{o}pad",) for o in OFFSETS)
    lower = "0" if word.isdigit() else word.lower()
    form = {"l": lower, "s": SHAPES[shape_of(word)], "f": lower[-3:], "p": lower[:3], "d": shape(word)}
    if word != lower:
        form["x"] = word
    return tuple(tuple(f"{o}{kind}={form[kind]}" for kind in _SEEN[o] if kind in form) for o in OFFSETS)


@lru_cache(maxsize=60_000)
def cue_of(lower: str) -> str:
    """Return the kind of cue that a word in lower case is, or nothing.

    >>> cue_of("proposes"), cue_of("uses"), cue_of("usual"), cue_of("cat")
    ('propose', 'use', '', '')
    """
    match = _CUE.match(lower)
    return (match.lastgroup or "") if match else ""


def page(title: str, abstract: str, gazetteer: Gazetteer) -> Page:
    """Split a paper into words and describe the place of each."""
    words = paper_words(title, abstract)
    sentences = _sentences(words)
    lowers = [w.text.lower() for w in words]
    marks = _marks(words, {"title": title, "abstract": abstract}, gazetteer)
    titled = sum(w.section == "title" for w in words)
    head = title_name(title)
    known = set(lowers[:titled]) - _DULL
    named = {lowers[k] for k in range(titled) if head and words[k].end <= head[1]} - _DULL
    counts = Counter(lowers)
    count = len(sentences)
    shared: list[list[str]] = []
    context: list[list[str]] = []
    for number, (start, end) in enumerate(sentences):
        in_title = words[start].section == "title"
        cues = sorted({c for low in lowers[start:end] if (c := cue_of(low))})
        where = "title" if in_title else _place(number, count)
        shared.append([f"S={where}", *(f"S{'t' if in_title else ''}={c}" for c in cues)])
        cue = preposition = last = "-"
        gap, far = 0, 0
        before = PAD
        for k in range(start, end):
            word, low = words[k], lowers[k]
            after = lowers[k + 1] if k + 1 < end else PAD
            near = gap if gap < 3 else 3
            f = [
                *marks[k],
                f"b={before} {low}",
                f"n={low} {after}",
                f"c={cue}{min(far, 12) // 4}",
                f"cp={cue} {preposition}",
                f"pg={preposition}{near}",
                f"lp={last} {preposition}",
            ]
            if in_title:
                f.append(f"t={SHAPES[shape_of(word.text)]}")
                if head:
                    f.append("th" if word.end <= head[1] else "tb")
            elif low in known:
                f.append("in title")
                if low in named:
                    f.append("in head")
            if counts[low] > 1 and low not in _DULL:
                f.append(f"m={min(counts[low], 4)}")
            if k > start and words[k - 1].end == word.start:
                f.append("glued")
            if k + 1 < end and word.end == words[k + 1].start:
                f.append("glues")
            context.append(f)
            found = cue_of(low)
            far += 1
            gap += 1
            if found:
                last, cue, far = cue, found, 0
            if low in _PREPOSITIONS:
                preposition, gap = low, 0
            before = low
    return Page(tuple(words), tuple(sentences), tuple(context), tuple(shared))


def _sentences(words: Sequence[Word]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    start = 0
    for k in range(1, len(words) + 1):
        if k == len(words) or words[k].sentence != words[start].sentence:
            out.append((start, k))
            start = k
    return out


def _place(number: int, count: int) -> str:
    """Return in which part of the abstract a sentence stands; number 0 is the title's."""
    if number >= count - 2:
        return f"last{count - 1 - number}"
    return str(number) if number < 4 else "middle"


def _marks(words: Sequence[Word], texts: dict[Section, str], gazetteer: Gazetteer) -> list[list[str]]:
    """Return for each word how vocabularies and defined abbreviations mark it."""
    out: list[list[str]] = [[] for _ in words]
    at = {(w.section, w.start): k for k, w in enumerate(words)}

    def mark(section: Section, start: int, end: int, name: str) -> None:
        k = at.get((section, start))
        place = "B"
        while k is not None and k < len(words) and words[k].section == section and words[k].start < end:
            out[k].append(f"{name}{place}")
            place, k = "I", k + 1

    for section, text in texts.items():
        for match in gazetteer.find(text):
            mark(section, match.start, match.end, f"v={match.concept.type.value}")
        for pair in abbreviations(text):
            mark(section, pair.long_start, pair.long_end, "long")
            mark(section, pair.short_start, pair.short_end, "short")
    return out
