"""The fast span tagger: a linear-chain conditional random field over words, evaluated by numpy.

The model of J. Lafferty, A. McCallum and F. Pereira, "Conditional random fields", ICML 2001: every word gets a label
``B-x`` (a name starts), ``I-x`` (it goes on) or ``O``, where ``x`` is a type with a role (``dataset/evaluatedOn``).
:mod:`kg.train.crf` trains it with CRFsuite and stores the weights as plain arrays; evaluated here instead of by
CRFsuite they give exact probabilities of whole spans, and a distinct word is looked up once, not once an occurrence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from kg.errors import InputError
from kg.extract.crf_features import AFTER, BEFORE, OFFSETS, PAD, Page, page, state_features, word_features
from kg.extract.spans import MAX_SPAN_WORDS, Word
from kg.extract.tagger import SpanScore
from kg.vocabulary import Gazetteer, default_gazetteer

FORMAT = 1
FLOOR = 0.1
LONGEST_CHAIN = 160
"""A longer sentence is read in pieces of this many words: the work is one step a word, whatever the batch."""
CACHED_WORDS = 60_000

TYPES = ("method", "dataset", "hardware", "task")
ROLES = ("proposes", "buildsOn", "evaluatedOn", "trainedOn", "runsOn", "targets", "comparesTo")
KINDS = (
    "method/proposes",
    "method/comparesTo",
    "method/buildsOn",
    "dataset/proposes",
    "dataset/evaluatedOn",
    "dataset/trainedOn",
    "hardware/proposes",
    "hardware/runsOn",
    "hardware/targets",
    "task/targets",
)
"""What a name can be; of an item with several roles the first one counts."""
LABELS = ("O", *(f"B-{k}" for k in KINDS), *(f"I-{k}" for k in KINDS))

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
_N = len(KINDS)
_RESCALE = 8
_TINY = 1e-280


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """``state`` (features + 1, labels), the last row zero for unknown features; ``rows`` maps a feature to its row;
    ``transitions`` (labels, labels), from row to column."""

    rows: Mapping[str, int]
    state: Floats
    transitions: Floats


class CrfTagger:
    """Scores the spans of a paper with a conditional random field.  Make one with :meth:`load`."""

    def __init__(self, weights: Weights, fingerprint: str, gazetteer: Gazetteer | None = None) -> None:
        self._weights = weights
        self._gazetteer = gazetteer or default_gazetteer()
        self.fingerprint = fingerprint
        self._factors = legal_transitions() * np.exp(weights.transitions, dtype=np.float64)
        self._table = np.zeros((4096, len(OFFSETS), len(LABELS)), dtype=np.float32)
        self._places: dict[str, int] = {}
        self._lock = Lock()
        self._before, self._after = (_pairs(weights.rows, name) for name in (BEFORE, AFTER))
        self._rows_of_flags = lru_cache(maxsize=CACHED_WORDS)(self._rows)
        # A word needs one row at least, hence the last one, which is zero.
        unknown = (len(weights.state) - 1,)
        self._rows_of_state = lru_cache(maxsize=CACHED_WORDS)(lambda s: self._rows(state_features(s)) or unknown)

    @classmethod
    def load(cls, directory: Path, gazetteer: Gazetteer | None = None) -> CrfTagger:
        """Load the model in ``directory``.

        Raises:
            InputError: ``tagger.npz`` is missing, broken or made for another version of this program.
        """
        path = directory / "tagger.npz"
        return cls(load_weights(path), hashlib.sha256(path.read_bytes()).hexdigest()[:16], gazetteer)

    def tag(self, title: str, abstract: str, *, floor: float = FLOOR) -> tuple[SpanScore, ...]:
        """Return the spans whose ``entity`` probability is at least ``floor``, title first, in reading order."""
        read = page(title, abstract, self._gazetteer)
        if not read.words:
            return ()
        texts = {"title": title, "abstract": abstract}
        firsts, lasts, kinds = spans_of(self._state(read), chains(read.words), self._factors, floor)
        found: list[SpanScore] = []
        for i, j, row in zip(firsts, lasts, np.minimum(kinds @ _SUMS, 1.0).round(5).tolist(), strict=True):
            word, end = read.words[i], read.words[j].end
            types = dict(zip(TYPES, row[1:], strict=False))
            roles = dict(zip(ROLES, row[1 + len(TYPES) :], strict=True))
            surface = texts[word.section][word.start : end]
            found.append(SpanScore(word.section, word.start, end, surface, row[0], types, roles))
        return tuple(sorted(found, key=lambda s: (s.section != "title", s.start, s.end)))

    def _word_scores(self, word: str) -> Floats:
        """Return what a word adds to the scores of the labels around it: one row an offset of :data:`OFFSETS`."""
        rows, state = self._weights.rows, self._weights.state
        return np.array(
            [state[[r for n in names if (r := rows.get(n)) is not None]].sum(axis=0) for names in word_features(word)]
        )

    def _rows(self, names: Iterable[str]) -> tuple[int, ...]:
        rows = self._weights.rows
        return tuple(r for name in names if (r := rows.get(name)) is not None)

    def _words(self, words: Sequence[str]) -> Floats:
        """Return the scores that each of ``words`` adds around it, (words, offsets, labels)."""
        with self._lock:
            if len(self._places) + len(words) > CACHED_WORDS:
                self._places.clear()
            for word in dict.fromkeys(words):
                if word not in self._places:
                    place = len(self._places)
                    if place >= len(self._table):
                        self._table = np.concatenate([self._table, np.zeros_like(self._table)])
                    self._table[place] = self._word_scores(word)
                    self._places[word] = place
            places = [self._places[w] for w in words]
            return self._table[places]

    def _state(self, read: Page) -> Floats:
        """Return the scores of the labels of each word, (words, labels)."""
        state = self._weights.state
        # Two pads on either side of each sentence, so that no word sees those of another sentence.
        spread: list[str] = []
        at: list[int] = []
        for start, end in read.sentences:
            spread += (PAD, PAD)
            at += range(len(spread), len(spread) + end - start)
            spread += [w.text for w in read.words[start:end]]
            spread += (PAD, PAD)
        table = self._words(spread)
        size = len(spread)
        total = np.zeros((size, len(LABELS)), dtype=np.float32)
        for k, offset in enumerate(OFFSETS):
            low, high = max(0, -offset), size - max(0, offset)
            total[low:high] += table[low + offset : high + offset, k]
        flat, begins = self._context(read)
        scores = total[at] + np.add.reduceat(state[flat], begins, axis=0)
        for (start, end), names in zip(read.sentences, read.shared, strict=True):
            scores[start:end] += state[list(self._rows_of_flags(tuple(names)))].sum(axis=0)
        return np.asarray(scores, dtype=np.float32)

    def _context(self, read: Page) -> tuple[list[int], list[int]]:
        """Return the rows of all features of context, one behind the other, and where those of each word begin."""
        flat: list[int] = []
        begins: list[int] = []
        none: dict[str, int] = {}
        lowers, of_state, of_flags = read.lowers, self._rows_of_state, self._rows_of_flags
        pairs_before, pairs_after = self._before, self._after
        for start, end in read.sentences:
            behind = pairs_before.get(PAD, none)
            afters = (*lowers[start + 1 : end], PAD)
            words = zip(lowers[start:end], afters, read.states[start:end], read.flags[start:end], strict=True)
            for low, after, state, flags in words:
                begins.append(len(flat))
                flat += of_state(state)
                if flags:
                    flat += of_flags(flags)
                if low in behind:
                    flat.append(behind[low])
                if low in pairs_after and after in (ahead := pairs_after[low]):
                    flat.append(ahead[after])
                behind = pairs_before.get(low, none)
        return flat, begins


def _pairs(rows: Mapping[str, int], start: str) -> dict[str, dict[str, int]]:
    """Return by first and second word the rows of the features of two words whose names begin with ``start``."""
    out: dict[str, dict[str, int]] = {}
    for name, row in rows.items():
        if name.startswith(start):
            first, second = name[len(start) :].split(" ")
            out.setdefault(first, {})[second] = row
    return out


def load_weights(path: Path) -> Weights:
    """Read the arrays that :func:`kg.train.crf.save_weights` wrote.

    Raises:
        InputError: the file is missing, broken, or of another format.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            head = json.loads(bytes(stored["head"]).decode())
            names = bytes(stored["names"]).decode().split("\n")
            state = np.zeros((len(names) + 1, len(LABELS)), dtype=np.float32)
            state[stored["feature"], stored["label"]] = stored["weight"]
            transitions = np.asarray(stored["transitions"], dtype=np.float32)
    except Exception as error:  # zip, numpy and json have their own classes for a damaged file
        raise InputError(f"{path}: not a tagger ({error}); make one with `kg train`") from error
    if head["format"] != FORMAT or tuple(head["labels"]) != LABELS:
        raise InputError(f"{path}: made for another version of this program; make a new one with `kg train`")
    return Weights({name: k for k, name in enumerate(names)}, state, transitions)


def chains(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Return the runs of words that are labelled together: sentences, cut at :data:`LONGEST_CHAIN` words."""
    out: list[tuple[int, int]] = []
    start = 0
    for k in range(1, len(words) + 1):
        if k == len(words) or words[k].sentence != words[start].sentence or k - start == LONGEST_CHAIN:
            out.append((start, k))
            start = k
    return out


def legal_transitions() -> Doubles:
    """Return 1 where a label may follow another, else 0: ``I-x`` follows ``B-x`` or ``I-x`` alone."""
    legal = np.ones((len(LABELS), len(LABELS)))
    legal[:, 1 + _N :] = 0
    for k in range(_N):
        legal[[1 + k, 1 + _N + k], 1 + _N + k] = 1
    return legal


def spans_of(
    scores: Floats, runs: Sequence[tuple[int, int]], factors: Doubles, floor: float
) -> tuple[list[int], list[int], Doubles]:
    """Return the spans of at least ``floor``: first words, last words, and probabilities (spans, :data:`KINDS`).

    Forward-backward (L. Rabiner, 1989), with all runs of the paper in step, gives the probability that a name starts
    at a word and, given that it goes on so far, that it goes on further; their product is exact.
    """
    runs = sorted(runs, key=lambda r: r[0] - r[1])
    lengths = np.array([end - start for start, end in runs])
    starts = np.array([start for start, _ in runs])
    steps = int(lengths[0])
    active = (lengths[:, None] > np.arange(steps)).sum(axis=0).tolist()
    index = np.where(np.arange(steps)[:, None] < lengths, starts + np.arange(steps)[:, None], -1)
    local = np.exp(scores - scores.max(axis=1, keepdims=True), dtype=np.float64)[index]
    local[0, :, 1 + _N :] = 0
    forward = np.zeros_like(local)
    forward[0] = local[0]
    backward = np.ones_like(local)
    for t in range(1, steps):
        n = active[t]
        row = forward[t - 1, :n] @ factors
        row *= local[t, :n]
        # Only ratios count, so it is enough to keep the numbers within the range of floats.
        forward[t, :n] = row / row.max(axis=1, keepdims=True) if t % _RESCALE == 0 else row
    turned = np.ascontiguousarray(factors.T)
    for t in range(steps - 2, -1, -1):
        n = active[t + 1]
        row = (local[t + 1, :n] * backward[t + 1, :n]) @ turned
        backward[t, :n] = row / row.max(axis=1, keepdims=True) if t % _RESCALE == 0 else row
    joint = forward * backward
    begins = joint[:, :, 1 : 1 + _N] / np.maximum(joint.sum(axis=2, keepdims=True), _TINY)
    # Of a name of each kind that has just started (or has gone on) at a step, the probability that it goes on.
    weighed = local[1:] * backward[1:]
    inner = weighed[:, :, 1 + _N :]
    away = np.maximum(weighed @ turned, _TINY)
    into = factors[1:, 1 + _N :]
    going = np.zeros((2, steps, len(runs), _N))
    going[0, :-1] = into[:_N].diagonal() * inner / away[:, :, 1 : 1 + _N]
    going[1, :-1] = into[_N:].diagonal() * inner / away[:, :, 1 + _N :]
    going[:, :-1][:, index[1:] < 0] = 0
    return _collect(begins, going, index, floor)


def _collect(
    begins: Doubles, going: Doubles, index: npt.NDArray[Any], floor: float
) -> tuple[list[int], list[int], Doubles]:
    """Follow every name that starts with at least ``floor`` until it has ended with all but less than that."""
    step, run = np.nonzero((begins.sum(axis=2) >= floor) & (index >= 0))
    alive, first = begins[step, run], index[step, run]
    firsts: list[int] = []
    lasts: list[int] = []
    found = [np.zeros((0, _N))]
    for size in range(1, MAX_SPAN_WORDS + 1):
        if not len(step):
            break
        onward = alive * going[min(size - 1, 1), step, run]
        ends = alive - onward
        good = ends.sum(axis=1) >= floor
        here = first[good].tolist()
        firsts += here
        lasts += [k + size - 1 for k in here]
        found.append(ends[good])
        kept = onward.sum(axis=1) >= max(floor, _TINY)
        step, run, alive, first = step[kept] + 1, run[kept], onward[kept], first[kept]
    return firsts, lasts, np.concatenate(found)


def _sums() -> Doubles:
    """Return the matrix that takes probabilities of kinds to those of being a name, of the types and of the roles."""
    parts = [kind.split("/") for kind in KINDS]
    return np.array([[1.0, *(t == a for a in TYPES), *(r == a for a in ROLES)] for t, r in parts], dtype=np.float64)


_SUMS = _sums()
