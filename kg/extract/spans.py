"""Words, written shapes, candidate spans and windows: what a paper looks like to the span tagger.

Training (:mod:`kg.train`) and run time (:mod:`kg.extract.tagger`) share this module, so that both see the same input.
It needs numpy alone.

A *word* is a run of letters and digits or one other visible character, so hyphens, slashes and brackets are words of
their own and a name such as ``ResNet-50`` is three words.  A *candidate span* is a sequence of words of one sentence
that could be a name: it starts and ends at word boundaries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Section = Literal["title", "abstract"]
Ints = npt.NDArray[np.int64]

MAX_SPAN_WORDS = 12
MAX_TOKENS = 512
TITLE_TOKENS = 128
OVERLAP_WORDS = 48

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_SENTENCE_END = re.compile(r"[.!?;](?=\s)|[.!?;]$")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|vs|cf|al|etc|fig|eq|no|resp|approx)|\b[A-Za-z]|\d)$", re.IGNORECASE)
# A name does not start or end with these words; they are left out only to have fewer candidates.
_EDGE_STOP = frozenset(
    re.findall(
        r"\w+",
        """the of and or is are was were be been being has have had which who whose that this these those it its we our
        us they their them he she his her you your i if then than but because while although thus therefore however also
        can could may might will would shall should must do does did not as where when there here such""",
    )
)
_START_STOP = _EDGE_STOP | frozenset(
    ("to", "by", "from", "with", "for", "into", "onto", "via", "in", "on", "at", "between", "among", "over", "under")
)
_END_STOP = _EDGE_STOP | frozenset(("a", "an", "by", "from", "with", "for", "into", "onto", "via", "between", "among"))
_OPEN_MARKS = frozenset("$\\{(@#*λαβ∇~«“\"'`[^")
_CLOSE_MARKS = frozenset("$}*+)#^%!]'”\"")

# Written shapes; the order is part of the trained model.
SHAPES = (
    "special",
    "lower",
    "capital",
    "title",
    "upper",
    "mixed",
    "number",
    "digits",
    "punct",
    "mark",
    "foreign",
    "long",
)
SHAPE_COUNT = len(SHAPES) * 3


class Word(NamedTuple):
    """A word with its place: ``section[start:end] == text``; offsets count code points."""

    section: Section
    start: int
    end: int
    text: str
    sentence: int


class Pieces(Protocol):
    """The part of ``tokenizers.Encoding`` that is used here."""

    @property
    def ids(self) -> list[int]: ...

    @property
    def word_ids(self) -> list[int | None]: ...


@dataclass(frozen=True, slots=True)
class Window:
    """One input of the encoder.

    ``words`` are indices into the paper's words; ``first`` and ``last`` are the positions of the first and last
    word piece of each of them.  All other arrays have one value a token, ``[CLS] title [SEP] text [SEP]``.
    """

    words: Ints
    first: Ints
    last: Ints
    input_ids: Ints
    token_type_ids: Ints
    shape_ids: Ints


def split_words(text: str, section: Section, sentence: int = 0) -> list[Word]:
    """Split ``text`` into words and number its sentences from ``sentence`` on.

    >>> [w.text for w in split_words("ResNet-50 wins.", "title")]
    ['ResNet', '-', '50', 'wins', '.']
    """
    ends = [m.end() for m in _SENTENCE_END.finditer(text) if not _is_abbreviation(text, m.start())]
    out: list[Word] = []
    following = 0
    for m in _WORD.finditer(text):
        while following < len(ends) and m.start() >= ends[following]:
            following += 1
        out.append(Word(section, m.start(), m.end(), m.group(), sentence + following))
    return out


def paper_words(title: str, abstract: str) -> list[Word]:
    """Return the words of both sections, title first; sentence numbers differ between the sections."""
    words = split_words(title, "title")
    return words + split_words(abstract, "abstract", words[-1].sentence + 1 if words else 0)


def _is_abbreviation(text: str, dot: int) -> bool:
    return text[dot] == "." and _ABBREVIATION.search(text[max(0, dot - 8) : dot]) is not None and dot + 1 < len(text)


def shape_of(word: str) -> int:
    """Return the index in :data:`SHAPES` of the way a word is written.

    >>> [SHAPES[shape_of(w)] for w in ("graph", "Graph", "BERT", "ResNet", "V100", "-")]
    ['lower', 'title', 'upper', 'mixed', 'digits', 'punct']
    """
    if word.isdigit():
        return 6
    if any(c.isdigit() for c in word):
        return 7
    if not word[0].isalnum():
        return 8 if word in ".,;:!?()-'\"" else 9
    if not word.isascii():
        return 10
    if len(word) > 24:
        return 11
    if word.islower():
        return 1
    if len(word) == 1:
        return 2
    if word.isupper():
        return 4
    return 3 if word[1:].islower() else 5


def candidate_spans(words: Sequence[Word], *, longest: int = MAX_SPAN_WORDS) -> Iterator[tuple[int, int]]:
    """Yield ``(first, last)`` word indices, both inclusive, of every span that could be a name.

    A candidate lies in one sentence, has at most ``longest`` words, and neither starts nor ends with punctuation or
    with a function word.
    """
    hyphen = [w.text in "-/" for w in words]
    starts = [_may_start(w.text) or hyphen[k + 1 : k + 2] == [True] for k, w in enumerate(words)]
    ends = [_may_end(w.text) or (k > 0 and hyphen[k - 1]) for k, w in enumerate(words)]
    for i, w in enumerate(words):
        if not starts[i]:
            continue
        for j in range(i, min(i + longest, len(words))):
            if words[j].sentence != w.sentence or words[j].section != w.section:
                break
            if ends[j] and (j > i or w.text[0].isalnum()):
                yield i, j


def _may_start(word: str) -> bool:
    if word[0].isalnum():
        return word.isupper() or word.casefold() not in _START_STOP
    return word in _OPEN_MARKS


def _may_end(word: str) -> bool:
    if word[0].isalnum():
        return word.isupper() or word.casefold() not in _END_STOP
    return word in _CLOSE_MARKS


def windows(
    words: Sequence[Word], pieces: Pieces, *, cls: int, sep: int, unk: int, glued: Sequence[bool] | None = None
) -> list[Window]:
    """Cut a paper into inputs of at most :data:`MAX_TOKENS` tokens; most papers need one.

    ``pieces`` is the encoding of the words as a pre-tokenised sequence without special tokens.  Every window starts
    with the title (its first :data:`TITLE_TOKENS` tokens when long); windows of a long abstract overlap by
    :data:`OVERLAP_WORDS` words.  A title that is too long has windows of its own.  A word that the tokeniser drops
    becomes the unknown token, so each word has at least one.
    """
    per_word: list[list[int]] = [[] for _ in words]
    for token, word_id in zip(pieces.ids, pieces.word_ids, strict=True):
        if word_id is not None:
            per_word[word_id].append(token)
    per_word = [p or [unk] for p in per_word]
    shapes = [shape_of(w.text) for w in words]
    tight = glued if glued is not None else glued_to_previous(words)
    n_title = sum(w.section == "title" for w in words)
    title, body = range(n_title), range(n_title, len(words))
    plan: list[tuple[range, range]] = []
    if sum(len(per_word[i]) for i in title) > TITLE_TOKENS:
        plan += [(chunk, range(0)) for chunk in _chunks(title, per_word, MAX_TOKENS - 3)]
        kept, used = 0, 0
        while used + len(per_word[kept]) <= TITLE_TOKENS:
            used += len(per_word[kept])
            kept += 1
        title = range(kept)
    room = MAX_TOKENS - 3 - sum(len(per_word[i]) for i in title)
    plan += [(title, chunk) for chunk in _chunks(body, per_word, room)]
    if not plan:
        plan = [(title, body)]
    return [_window(a, b, per_word, shapes, tight, cls, sep) for a, b in plan]


def glued_to_previous(words: Sequence[Word]) -> list[bool]:
    """Tell for each word whether it follows the one before without white space."""
    return [k > 0 and words[k - 1].end == w.start and words[k - 1].section == w.section for k, w in enumerate(words)]


def _chunks(part: range, per_word: list[list[int]], room: int) -> Iterator[range]:
    start = part.start
    while start < part.stop:
        stop, used = start, 0
        while stop < part.stop and used + len(per_word[stop]) <= room:
            used += len(per_word[stop])
            stop += 1
        yield range(start, stop)
        if stop == part.stop:
            return
        start = max(start + 1, stop - OVERLAP_WORDS)


def _window(
    title: range, body: range, per_word: list[list[int]], shapes: list[int], tight: Sequence[bool], cls: int, sep: int
) -> Window:
    ids, types, shape_ids = [cls], [0], [0]
    first: list[int] = []
    last: list[int] = []
    for part, kind in ((title, 0), (body, 1)):
        for i in part:
            first.append(len(ids))
            for k, token in enumerate(per_word[i]):
                ids.append(token)
                types.append(kind)
                shape_ids.append(shapes[i] * 3 + (2 if k else int(tight[i])))
            last.append(len(ids) - 1)
        ids.append(sep)
        types.append(kind)
        shape_ids.append(0)
    return Window(*(np.array(x, dtype=np.int64) for x in ([*title, *body], first, last, ids, types, shape_ids)))
