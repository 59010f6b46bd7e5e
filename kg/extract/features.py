"""Features of a candidate: what the role model looks at, one number a name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kg.extract.candidates import Candidate, CandidateSpan, Reading, SpanScore
from kg.extract.patterns import title_name
from kg.model import EntityType, Relation
from kg.text import is_name_like, sentence_of

ROLES = ("proposes", "buildsOn", "evaluatedOn", "trainedOn", "runsOn", "targets", "comparesTo", "main")
TYPES = ("method", "dataset", "hardware", "task")
PATTERNS = ("tagger", "vocabulary", "title", "dataset", "shape", "long form", "short form")
_GENERIC_HEADS = (
    "network",
    "model",
    "learning",
    "method",
    "framework",
    "attention",
    "search",
    "detection",
    "classification",
)

_HEADS = tuple((f"head {head}", head) for head in _GENERIC_HEADS)
_VOCABULARY = {t: f"vocabulary {t.value}" for t in EntityType if t is not EntityType.METRIC}
_SOURCES = {source: f"source {source}" for source in PATTERNS}
_SCORED = tuple((f"max {name}", f"mean {name}") for name in ("entity", *TYPES, *ROLES))
_SECOND = tuple(f"second {name}" for name in ("entity", *TYPES, *ROLES))


@lru_cache(maxsize=1)
def cues() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """Return (place, name, pattern) of every cue phrase of ``cues.toml``; place is left, right or sentence."""
    with Path(__file__).with_name("cues.toml").open("rb") as stream:
        table: Mapping[str, Mapping[str, str]] = tomllib.load(stream)
    return tuple(
        (place, name, re.compile(pattern, re.IGNORECASE))
        for place, group in table.items()
        for name, pattern in group.items()
    )


@lru_cache(maxsize=1)
def feature_names() -> tuple[str, ...]:
    """Return the names of the features in the order of the columns of :func:`features`."""
    tagger = [f"{how} {role}" for role in ("entity", *TYPES, *ROLES) for how in ("max", "mean")]
    tagger += [*_SECOND, "second share"]
    form = [*_VOCABULARY.values(), *_SOURCES.values(), *(feature for feature, _ in _HEADS)]
    form += ["name-like", "all capitals", "lower case", "digit", "words", "characters", "hyphen", "defined", "names"]
    place = [
        "in title",
        "before colon",
        "behind colon",
        "title start",
        "mentions",
        "sentences",
        "first place",
        "last place",
        "in first sentence",
        "in last sentence",
        "nested",
        "nested entity",
        "contains",
        "contained entity",
        "title has name",
        "is headline",
        "paper sentences",
        "paper candidates",
        "rank proposes",
        "rank entity",
        "gap headline",
    ]
    cue = [f"{place} {name}" for place, name, _ in cues()]
    return (*tagger, *form, *place, *cue)


def features(reading: Reading) -> npt.NDArray[np.float32]:
    """Return a matrix of shape (candidates, features) for the candidates of one paper."""
    column = _columns()
    rows = []
    for candidate in reading.candidates:
        row = [0.0] * len(column)
        for name, value in _of_one(reading, candidate).items():
            row[column[name]] = value
        rows.append(row)
    out = np.array(rows, dtype=np.float32).reshape(len(rows), len(column))
    _nesting(reading, out, column)
    _ranks(out, column)
    return out


@lru_cache(maxsize=1)
def _columns() -> dict[str, int]:
    return {name: k for k, name in enumerate(feature_names())}


def _of_one(reading: Reading, candidate: Candidate) -> dict[str, float]:
    f: dict[str, float] = {}
    scores = [s.score for s in candidate.spans if s.score is not None]
    if scores:
        for (most, mean), values in zip(_SCORED, _columns_of(scores), strict=True):
            f[most], f[mean] = max(values), sum(values) / len(values)
    second = [s.second for s in candidate.spans if s.second is not None]
    if second:
        f |= {name: max(values) for name, values in zip(_SECOND, _columns_of(second), strict=True)}
        f["second share"] = len(second) / len(candidate.spans)
    if candidate.concept and candidate.concept.type in _VOCABULARY:
        f[_VOCABULARY[candidate.concept.type]] = 1.0
    for span in candidate.spans:
        for source in span.sources:
            f[_SOURCES[source]] = 1.0
    name = candidate.names[0]
    last = name.casefold().rstrip("s")
    f |= {feature: float(last.endswith(head)) for feature, head in _HEADS}
    f |= {
        "name-like": float(is_name_like(name)),
        "all capitals": float(name.isupper()),
        "lower case": float(name.islower()),
        "digit": float(any(c.isdigit() for c in name)),
        "words": float(len(name.split())),
        "characters": float(min(len(name), 60)),
        "hyphen": float("-" in name),
        "defined": float(bool(candidate.pairs)),
        "names": float(len(candidate.names)),
    }
    f |= _places(reading, candidate)
    for span in candidate.spans:
        for cue in _cues_at(reading, span):
            f[cue] = 1.0
    return f


def _columns_of(scores: Sequence[SpanScore]) -> Iterable[tuple[float, ...]]:
    """Return for entity, each type and each role the scores of all spans."""
    rows = ((s.entity, *(s.types.get(t, 0.0) for t in TYPES), *(s.roles.get(r, 0.0) for r in ROLES)) for s in scores)
    return zip(*rows, strict=True)


def _places(reading: Reading, candidate: Candidate) -> dict[str, float]:
    title, count = reading.paper.title, max(len(reading.sentences["abstract"]), 1)
    head = title_name(title)
    at = [_sentence_index(reading, s) for s in candidate.spans]
    body = [k for k, s in zip(at, candidate.spans, strict=True) if s.section == "abstract"]
    titled = [s for s in candidate.spans if s.section == "title"]
    return {
        "in title": float(bool(titled)),
        "before colon": float(bool(head) and any(s.end <= head[1] for s in titled)) if head else 0.0,
        "behind colon": float(bool(head) and any(s.start >= head[1] for s in titled)) if head else 0.0,
        "title start": float(any(s.start == 0 for s in titled)),
        "is headline": float(any((s.start, s.end) == head for s in titled)),
        "title has name": float(head is not None),
        "mentions": float(min(len(candidate.spans), 8)),
        "sentences": float(min(len(set(body)), 8)),
        "first place": min(body) / count if body else -1.0,
        "last place": max(body) / count if body else -1.0,
        "in first sentence": float(0 in body),
        "in last sentence": float(count - 1 in body),
        "paper sentences": float(count),
        "paper candidates": float(len(reading.candidates)),
    }


def _sentence_index(reading: Reading, span: CandidateSpan) -> int:
    for k, (start, end) in enumerate(reading.sentences[span.section]):
        if start <= span.start < end:
            return k
    return 0


def _cues_at(reading: Reading, span: CandidateSpan) -> list[str]:
    text = reading.paper.section(span.section)
    start, end = sentence_of(reading.sentences[span.section], span.start, span.end)
    # Cues look at most this far; the bound keeps a 100,000-word sentence linear.
    contexts = {
        "left": text[max(start, span.start - 120) : span.start],
        "right": text[span.end : min(end, span.end + 60)],
        "sentence": text[max(start, span.start - 300) : min(end, span.end + 300)],
    }
    return [cue for place, context in contexts.items() for cue in _cues_in(place, context)]


@lru_cache(maxsize=512)
def _cues_in(place: str, context: str) -> tuple[str, ...]:
    """Return the cues of one place in a context; the spans of a sentence share many contexts."""
    finders = _finders()[place]
    if not (context.isascii() and context.isprintable()):  # \s of ASCII lacks some control signs
        return tuple(finder.name for finder in finders if finder.find(context))
    text = context.lower()
    may = _anywhere(place)
    for word in _WORD.findall(text):
        may |= _begun_by(place, word)
    return tuple(finder.name for k, finder in enumerate(finders) if may >> k & 1 and finder.find_plain(text))


@lru_cache(maxsize=3)
def _anywhere(place: str) -> int:
    """Return the cues, a bit each, of which it is not known with which words they begin."""
    return sum(1 << k for k, finder in enumerate(_finders()[place]) if finder.begins is None)


@lru_cache(maxsize=100_000)
def _begun_by(place: str, word: str) -> int:
    """Return the cues, a bit each, that can begin with a word."""
    begun = {word[:size] for size in _SIZES}
    finders = enumerate(_finders()[place])
    return sum(1 << k for k, finder in finders if finder.begins and not finder.begins.isdisjoint(begun))


_WORD = re.compile(r"\w+", re.ASCII)
_SIZES = (1, 2, 3)
_Find = Callable[[str], re.Match[str] | None]


@dataclass(frozen=True, slots=True)
class _Finder:
    """How a cue is looked for: in any text, and quicker in text of lower-case ASCII.

    ``begins`` are the first letters, at most three, of the words with which it can begin; None if not known.
    """

    name: str
    find: _Find
    find_plain: _Find
    begins: frozenset[str] | None


@lru_cache(maxsize=1)
def _finders() -> dict[str, list[_Finder]]:
    """Return the finders of all cues by place.

    Without the need to fold case a search is several times faster; what a pattern finds is the same.
    """
    out: dict[str, list[_Finder]] = {"left": [], "right": [], "sentence": []}
    for place, name, pattern in cues():
        lower = re.sub(r"\\.|[A-Z]", lambda m: m.group() if len(m.group()) > 1 else m.group().lower(), pattern.pattern)
        low = re.compile(lower, re.ASCII)
        out[place].append(_Finder(f"{place} {name}", pattern.search, low.search, beginnings(lower)))
    return out


def beginnings(pattern: str) -> frozenset[str] | None:
    r"""Return the first letters, at most three, of the words with which a pattern ``\b(word|word...)`` can begin.

    >>> sorted(beginnings(r"\b(us(e|ing)|on|built (on|upon))\b"))
    ['bui', 'on', 'us']
    >>> beginnings(r"^\s*:") is None
    True
    """
    head = re.match(r"\\b\(", pattern)
    if not head:
        return None
    depth, start, options = 0, head.end(), []
    for at in range(start, len(pattern)):
        sign = pattern[at]
        if pattern[at - 1] == "\\":
            continue
        if depth == 0 and sign in "|)":
            options.append(pattern[start:at])
            start = at + 1
            if sign == ")":
                break
        depth += (sign == "(") - (sign == ")")
    found = {_literal(option) for option in options}
    return frozenset(found) if all(found) else None


def _literal(option: str) -> str:
    """Return the letters with which an alternative begins whatever follows, at most three."""
    run = re.match(r"[a-z]*", option)
    letters = run.group() if run else ""
    # A letter before ? * { need not be there.
    return (letters[:-1] if option[len(letters) : len(letters) + 1] in ("?", "*", "{") else letters)[: _SIZES[-1]]


def _nesting(reading: Reading, out: npt.NDArray[np.float32], column: Mapping[str, int]) -> None:
    """Fill in how far the spans of a candidate lie inside, or hold, spans of other candidates."""
    spans = sorted(
        ((s.place, k) for k, c in enumerate(reading.candidates) for s in c.spans),
        key=lambda x: (x[0][0], x[0][1], -x[0][2]),
    )
    inside = np.zeros(len(reading.candidates))
    total = np.array([len(c.spans) for c in reading.candidates], dtype=np.float64)
    around: list[tuple[tuple[int, int, int], int]] = []
    for place, k in spans:
        around = [(p, j) for p, j in around if p[0] == place[0] and p[2] > place[1]]
        holders = [j for p, j in around if p[2] >= place[2] and j != k]
        inside[k] += bool(holders)
        for j in holders:
            _raise(out, k, column["nested entity"], out[j, column["max entity"]])
            _raise(out, j, column["contained entity"], out[k, column["max entity"]])
            out[j, column["contains"]] = 1.0
        around.append((place, k))
    if len(total):
        out[:, column["nested"]] = inside / np.maximum(total, 1)


def _raise(out: npt.NDArray[np.float32], row: int, col: int, value: float) -> None:
    out[row, col] = max(out[row, col], value)


def _ranks(out: npt.NDArray[np.float32], column: Mapping[str, int]) -> None:
    """Fill in the rank among the paper's candidates by proposing and by being a thing, and the gap to the best."""
    if not len(out):
        return
    for name, source in (("rank proposes", "max proposes"), ("rank entity", "max entity")):
        order = np.argsort(-out[:, column[source]], kind="stable")
        out[order, column[name]] = np.minimum(np.arange(len(out)), 20)
    best = out[:, column["max proposes"]].max()
    out[:, column["gap headline"]] = best - out[:, column["max proposes"]]


_SUPPORT: Mapping[Relation, tuple[str, ...]] = {
    Relation.PROPOSES: ("left propose_we", "left naming", "left our", "sentence propose"),
    Relation.COMPARES_TO: ("left compare", "left than", "sentence compare"),
    Relation.TARGETS: ("left target", "right task_word"),
    Relation.BUILDS_ON: ("left use", "left based_on", "sentence first_person"),
    Relation.EVALUATED_ON: ("left evaluate", "left on", "right dataset_word", "sentence evaluate"),
    Relation.TRAINED_ON: ("left train", "right dataset_word"),
    Relation.RUNS_ON: ("left run", "right hardware_word"),
}


def cue_support(reading: Reading, span: CandidateSpan, relation: Relation) -> float:
    """Return the share in [0, 1] of the relation's cue phrases that stand around a mention."""
    wanted = _SUPPORT.get(relation, ())
    found = set(_cues_at(reading, span)) if wanted else set()
    return sum(cue in found for cue in wanted) / max(len(wanted), 1)
