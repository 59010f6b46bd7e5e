"""Candidates: all spans of one paper that may name a thing, grouped so that one thing is one candidate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kg.extract.abbreviations import Abbreviation, abbreviations
from kg.extract.grouping import Definition, same_thing, trusted
from kg.extract.patterns import named_spans
from kg.model import SECTIONS, EntityType, Paper
from kg.text import Span, name_key, sentences
from kg.vocabulary import Concept, Gazetteer


class SpanScore(Protocol):
    """What a tagger says of a span; probabilities in [0, 1]."""

    @property
    def section(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def entity(self) -> float: ...
    @property
    def types(self) -> Mapping[str, float]: ...
    @property
    def roles(self) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True)
class CandidateSpan:
    """A span with everything that marked it: names of patterns, the tagger's score, the vocabulary entry.

    ``second`` is the score of a second tagger, whose spans are looked at where there is one of the others.
    """

    section: str
    start: int
    end: int
    text: str
    sources: frozenset[str] = frozenset()
    score: SpanScore | None = None
    concept: Concept | None = None
    hint: EntityType | None = None
    second: SpanScore | None = None

    @property
    def place(self) -> tuple[int, int, int]:
        """Sort key in reading order: section, start, end."""
        return SECTIONS.index(self.section), self.start, self.end


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible thing of a paper: its names, most frequent first, and its spans in reading order."""

    key: str
    names: tuple[str, ...]
    spans: tuple[CandidateSpan, ...]
    concept: Concept | None = None
    pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A paper prepared for extraction: sentences by section, candidates, abbreviations."""

    paper: Paper
    sentences: Mapping[str, tuple[Span, ...]]
    candidates: tuple[Candidate, ...]
    abbreviations: tuple[Abbreviation, ...] = field(default=())


def read_candidates(
    paper: Paper, scores: Iterable[SpanScore], gazetteer: Gazetteer, second: Iterable[SpanScore] = ()
) -> Reading:
    """Collect spans from the tagger's ``scores``, the vocabulary and the naming patterns, and group them.

    Args:
        second: scores of a second tagger; they are noted at the spans that the others found.
    """
    other = {(score.section, score.start, score.end): score for score in second}
    spans: dict[tuple[str, int, int], CandidateSpan] = {}
    defined: list[tuple[str, Abbreviation]] = []

    def add(section: str, start: int, end: int, source: str, **extra: object) -> None:
        place = (section, start, end)
        old = spans.get(place) or CandidateSpan(section, start, end, paper.section(section)[start:end])
        spans[place] = CandidateSpan(
            section,
            start,
            end,
            old.text,
            old.sources | {source},
            extra.get("score") or old.score,  # type: ignore[arg-type]
            extra.get("concept") or old.concept,  # type: ignore[arg-type]
            extra.get("hint") or old.hint,  # type: ignore[arg-type]
            other.get(place),
        )

    for score in scores:
        add(score.section, score.start, score.end, "tagger", score=score)
    for section in SECTIONS:
        text = paper.section(section)
        for match in gazetteer.find(text):
            add(section, match.start, match.end, "vocabulary", concept=match.concept)
        for named in named_spans(text, section):
            add(section, named.start, named.end, named.pattern, hint=named.type)
        for pair in abbreviations(text):
            defined.append((section, pair))
            add(section, pair.long_start, pair.long_end, "long form")
            add(section, pair.short_start, pair.short_end, "short form")
    everything = [s for s in spans.values() if any(c.isalnum() for c in s.text)]
    return Reading(
        paper,
        {section: sentences(paper.section(section)) for section in SECTIONS},
        _group(everything, defined, gazetteer),
        tuple(pair for _, pair in defined),
    )


def _group(
    spans: list[CandidateSpan], defined: list[tuple[str, Abbreviation]], gazetteer: Gazetteer
) -> tuple[Candidate, ...]:
    definitions = trusted(
        Definition((SECTIONS.index(section), a.short_start, a.short_end), a.short, a.long) for section, a in defined
    )
    things = same_thing(((s.place, s.text, s.concept) for s in spans), definitions, gazetteer)
    groups: dict[str, list[CandidateSpan]] = defaultdict(list)
    for span in sorted(spans, key=lambda s: s.place):
        groups[things[span.place]].append(span)
    pairs: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for definition in definitions:
        if definition.place in things:
            pairs[things[definition.place]].add((definition.short, definition.long))
    return tuple(_candidate(members, tuple(sorted(pairs[thing])), gazetteer) for thing, members in groups.items())


def _only(concepts: tuple[Concept, ...]) -> Concept | None:
    return concepts[0] if concepts else None


def _candidate(spans: list[CandidateSpan], pairs: tuple[tuple[str, str], ...], gazetteer: Gazetteer) -> Candidate:
    spans = sorted(spans, key=lambda s: s.place)
    counts: dict[str, int] = defaultdict(int)
    for span in spans:
        counts[span.text] += 1
    names = tuple(sorted(counts, key=lambda n: (-counts[n], -len(n), n)))
    concepts = [c for name in names if (c := _only(gazetteer.lookup(name)))] or [s.concept for s in spans if s.concept]
    return Candidate(name_key(names[0]), names, tuple(spans), concepts[0] if concepts else None, pairs)
