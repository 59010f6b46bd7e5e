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

_VOCABULARY = tuple(t for t in EntityType if t is not EntityType.METRIC)
_SCORED = ("entity", *TYPES, *ROLES)
_WRITTEN = (
    *(f"head {head}" for head in _GENERIC_HEADS),
    *("name-like", "all capitals", "lower case", "digit", "words", "characters", "hyphen"),
)
_PLACES = (
    *("in title", "before colon", "behind colon", "title start", "mentions", "sentences", "first place", "last place"),
    *("in first sentence", "in last sentence", "nested", "nested entity", "contains", "contained entity"),
    *("title has name", "is headline", "paper sentences", "paper candidates"),
)
_RANKS = ("rank proposes", "rank entity", "gap headline")


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
    return (
        *(f"{how} {role}" for role in _SCORED for how in ("max", "mean")),
        *(f"second {role}" for role in _SCORED),
        "second share",
        *(f"vocabulary {kind.value}" for kind in _VOCABULARY),
        *(f"source {source}" for source in PATTERNS),
        *_WRITTEN,
        "defined",
        "names",
        *_PLACES,
        *_RANKS,
        *_cue_names(),
    )


@lru_cache(maxsize=1)
def _cue_names() -> tuple[str, ...]:
    return tuple(f"{place} {name}" for place, name, _ in cues())


def features(reading: Reading) -> npt.NDArray[np.float32]:
    """Return a matrix of shape (candidates, features) for the candidates of one paper."""
    column = _columns()
    rows = [_of_one(reading, candidate) for candidate in reading.candidates]
    out = np.array(rows, dtype=np.float32).reshape(len(rows), len(column))
    _nesting(reading, out, column)
    _ranks(out, column)
    return out


@lru_cache(maxsize=1)
def _columns() -> dict[str, int]:
    return {name: k for k, name in enumerate(feature_names())}


def _of_one(reading: Reading, candidate: Candidate) -> list[float]:
    """Return the features of a candidate in the order of :func:`feature_names`."""
    spans = candidate.spans
    scores = [s.score for s in spans if s.score is not None]
    second = [s.second for s in spans if s.second is not None]
    kind = candidate.concept.type if candidate.concept else None
    sources = frozenset().union(*(s.sources for s in spans))
    found = {cue for span in spans for cue in _cues_at(reading, span)}
    return [
        *_most_and_mean(scores),
        *_most(second),
        len(second) / len(spans),
        *(float(kind is known) for known in _VOCABULARY),
        *(float(source in sources) for source in PATTERNS),
        *_written(candidate.names[0]),
        float(bool(candidate.pairs)),
        float(len(candidate.names)),
        *_places(reading, candidate),
        *(0.0 for _ in _RANKS),
        *(float(cue in found) for cue in _cue_names()),
    ]


def _most_and_mean(scores: Sequence[SpanScore]) -> list[float]:
    """Return for entity, each type and each role the largest and the mean score."""
    if not scores:
        return [0.0] * (2 * len(_SCORED))
    return [x for values in _columns_of(scores) for x in (max(values), sum(values) / len(values))]


def _most(scores: Sequence[SpanScore]) -> list[float]:
    return [max(values) for values in _columns_of(scores)] if scores else [0.0] * len(_SCORED)


def _columns_of(scores: Sequence[SpanScore]) -> Iterable[tuple[float, ...]]:
    """Return for entity, each type and each role the scores of all spans."""
    rows = ((s.entity, *(s.types.get(t, 0.0) for t in TYPES), *(s.roles.get(r, 0.0) for r in ROLES)) for s in scores)
    return zip(*rows, strict=True)


@lru_cache(maxsize=50_000)
def _written(name: str) -> tuple[float, ...]:
    """Return the features :data:`_WRITTEN` of the way a name is written."""
    last = name.casefold().rstrip("s")
    return (
        *(float(last.endswith(head)) for head in _GENERIC_HEADS),
        float(is_name_like(name)),
        float(name.isupper()),
        float(name.islower()),
        float(any(c.isdigit() for c in name)),
        float(len(name.split())),
        float(min(len(name), 60)),
        float("-" in name),
    )


def _places(reading: Reading, candidate: Candidate) -> tuple[float, ...]:
    """Return the features :data:`_PLACES`; those of nesting are filled in later."""
    title, count = reading.paper.title, max(len(reading.sentences["abstract"]), 1)
    head = title_name(title)
    body = [_sentence_index(reading, s) for s in candidate.spans if s.section == "abstract"]
    titled = [s for s in candidate.spans if s.section == "title"]
    return (
        float(bool(titled)),
        float(any(s.end <= head[1] for s in titled)) if head else 0.0,
        float(any(s.start >= head[1] for s in titled)) if head else 0.0,
        float(any(s.start == 0 for s in titled)),
        float(min(len(candidate.spans), 8)),
        float(min(len(set(body)), 8)),
        min(body) / count if body else -1.0,
        max(body) / count if body else -1.0,
        float(0 in body),
        float(count - 1 in body),
        *(0.0, 0.0, 0.0, 0.0),
        float(head is not None),
        float(any((s.start, s.end) == head for s in titled)),
        float(count),
        float(len(reading.candidates)),
    )


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
        return tuple(finder.name for finder in finders.all if finder.find(context))
    text = context.lower()
    found = {k for k, find in finders.anywhere if find(text)}
    for token in _TOKEN.finditer(text):
        for k, match in finders.begun_by[token.group()]:
            if k not in found and match(text, token.start()):
                found.add(k)
    return tuple(finders.all[k].name for k in sorted(found)) if found else ()


_TOKEN = re.compile(r"\w+|[^\w\s]", re.ASCII)
_SIZES = (1, 2, 3)
_REMEMBERED = 100_000
_Matches = tuple[tuple[int, Callable[[str, int], re.Match[str] | None]], ...]
_Find = Callable[[str], re.Match[str] | None]


@dataclass(frozen=True, slots=True)
class _Finder:
    """How a cue is looked for: in any text, and quicker in text of lower-case ASCII.

    ``begins`` are the first signs, at most three, of the tokens with which it can begin; None if not known.
    """

    name: str
    find: _Find
    plain: re.Pattern[str]
    begins: frozenset[str] | None


class _Finders:
    """The cues of one place: ``all``, those to look for in the whole text, and those that a token can begin."""

    def __init__(self, finders: Sequence[_Finder]) -> None:
        self.all = finders
        self.anywhere = tuple(
            (k, f.plain.match if f.plain.pattern[0] == "^" else f.plain.search)
            for k, f in enumerate(finders)
            if f.begins is None
        )
        self.begun_by = _Begun(finders)


class _Begun(dict[str, _Matches]):
    """Maps a token to the cues that can begin with it, by number, and how to look for them there."""

    def __init__(self, finders: Sequence[_Finder]) -> None:
        self._finders = finders

    def __missing__(self, token: str) -> _Matches:
        begun = {token[:size] for size in _SIZES}
        found = tuple(
            (k, f.plain.match) for k, f in enumerate(self._finders) if f.begins and not f.begins.isdisjoint(begun)
        )
        if len(self) < _REMEMBERED:
            self[token] = found
        return found


@lru_cache(maxsize=1)
def _finders() -> dict[str, _Finders]:
    """Return the finders of all cues by place.

    Without the need to fold case a search is several times faster; what a pattern finds is the same.
    """
    out: dict[str, list[_Finder]] = {"left": [], "right": [], "sentence": []}
    for place, name, pattern in cues():
        lower = re.sub(r"\\.|[A-Z]", lambda m: m.group() if len(m.group()) > 1 else m.group().lower(), pattern.pattern)
        low = re.compile(lower, re.ASCII)
        out[place].append(_Finder(f"{place} {name}", pattern.search, low, beginnings(lower)))
    return {place: _Finders(finders) for place, finders in out.items()}


def beginnings(pattern: str) -> frozenset[str] | None:
    r"""Return the first signs, at most three, of the tokens with which a pattern ``(word|,|word...)`` can begin.

    A word begins at a ``\b``, that of the pattern or its own.

    >>> sorted(beginnings(r"\b(us(e|ing)|on|built (on|upon))\b"))
    ['bui', 'on', 'us']
    >>> sorted(beginnings(r"(,|\band\b)\s*$"))
    [',', 'and']
    >>> beginnings(r"^\s*:") is None, beginnings("(and|or)") is None
    (True, True)
    """
    head = re.match(r"(\\b)?\(", pattern)
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
    found = {_literal(f"{head[1] or ''}{option}") for option in options}
    return frozenset(found) if all(found) else None


def _literal(option: str) -> str:
    """Return the signs with which an alternative begins whatever follows, at most three; empty if not known."""
    if option in (",", "/"):
        return option
    word = re.match(r"\\b([a-z]*)", option)
    if not word:
        return ""
    # A letter before ? * { need not be there.
    sure = word[1][:-1] if option[word.end() :][:1] in ("?", "*", "{") else word[1]
    return sure[: _SIZES[-1]]


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
