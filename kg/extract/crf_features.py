"""What the fast tagger sees of a word: itself, its neighbours, and where it stands.

Features are strings.  Those of a word alone (:func:`word_features`) are the same wherever it occurs, so the tagger
adds up their weights once for each distinct word; only the features of context are made anew.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
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
BEFORE, AFTER = "b=", "n="
"""What features of a word with the one before it, or after it, start with."""
State = tuple[str, int, str, int, str]
"""The last cue and how far back it is (0..3), the last preposition and the same, and the cue before the last."""
_TITLE_SHAPES = tuple(f"t={shape_}" for shape_ in SHAPES)
_TIMES = {2: ("m=2",), 3: ("m=3",), 4: ("m=4",)}
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

    ``lowers`` are the ``words`` in lower case; ``sentences`` are ranges of words; ``states`` tell what stands before
    each word; ``flags`` are further features of each word, ``shared`` those that all words of a sentence have.
    """

    words: tuple[Word, ...]
    lowers: tuple[str, ...]
    sentences: tuple[tuple[int, int], ...]
    states: tuple[State, ...]
    flags: tuple[tuple[str, ...], ...]
    shared: tuple[list[str], ...]

    def context(self, start: int, end: int) -> Iterator[list[str]]:
        """Yield the features of context of each word of the sentence ``start:end``."""
        for k in range(start, end):
            before = self.lowers[k - 1] if k > start else PAD
            after = self.lowers[k + 1] if k + 1 < end else PAD
            low = self.lowers[k]
            yield [*self.flags[k], f"{BEFORE}{before} {low}", f"{AFTER}{low} {after}", *state_features(self.states[k])]


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
    states: list[State] = []
    flags: list[tuple[str, ...]] = []
    for number, (start, end) in enumerate(sentences):
        in_title = words[start].section == "title"
        found = [cue_of(low) for low in lowers[start:end]]
        where = "title" if in_title else _place(number, count)
        shared.append([f"S={where}", *(f"S{'t' if in_title else ''}={c}" for c in sorted({*found} - {""}))])
        cue = preposition = last = "-"
        near = far = 0
        stop = -1
        for k in range(start, end):
            word, low = words[k], lowers[k]
            states.append((cue, far >> 2 if far < 12 else 3, preposition, near if near < 3 else 3, last))
            f = marks.get(k, ())
            if in_title:
                f += (_TITLE_SHAPES[shape_of(word.text)],)
                if head:
                    f += ("th",) if word.end <= head[1] else ("tb",)
            elif low in known:
                f += ("in title", "in head") if low in named else ("in title",)
            if counts[low] > 1 and low not in _DULL:
                f += _TIMES[min(counts[low], 4)]
            if stop == word.start:
                f += ("glued",)
            stop = word.end
            if k + 1 < end and stop == words[k + 1].start:
                f += ("glues",)
            flags.append(f)
            far += 1
            near += 1
            if found[k - start]:
                last, cue, far = cue, found[k - start], 0
            if low in _PREPOSITIONS:
                preposition, near = low, 0
    return Page(tuple(words), tuple(lowers), tuple(sentences), tuple(states), tuple(flags), tuple(shared))


def state_features(state: State) -> tuple[str, ...]:
    """Return the features of what stands before a word."""
    cue, far, preposition, near, last = state
    return f"c={cue}{far}", f"cp={cue} {preposition}", f"pg={preposition}{near}", f"lp={last} {preposition}"


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


def _marks(words: Sequence[Word], texts: dict[Section, str], gazetteer: Gazetteer) -> dict[int, tuple[str, ...]]:
    """Return for words by index how vocabularies and defined abbreviations mark them."""
    out: dict[int, tuple[str, ...]] = {}
    at = {(w.section, w.start): k for k, w in enumerate(words)}

    def mark(section: Section, start: int, end: int, name: str) -> None:
        k = at.get((section, start))
        place = "B"
        while k is not None and k < len(words) and words[k].section == section and words[k].start < end:
            out[k] = (*out.get(k, ()), f"{name}{place}")
            place, k = "I", k + 1

    for section, text in texts.items():
        for match in gazetteer.find(text):
            mark(section, match.start, match.end, f"v={match.concept.type.value}")
        for pair in abbreviations(text):
            mark(section, pair.long_start, pair.long_end, "long")
            mark(section, pair.short_start, pair.short_end, "short")
    return out
