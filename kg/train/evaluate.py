"""From scored spans to the facts of a paper, and thresholds that are best on held-out papers.

This is the plainest decoder that does the scores justice; it measures the tagger on its own.  The pipeline of
:mod:`kg.extract` decides with more features.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from kg.extract.abbreviations import abbreviations
from kg.extract.tagger import SpanScore
from kg.gold import RELATIONS, Facts, Tally, matching_name, score
from kg.ids import title_key
from kg.train.data import GoldPaper

LEGAL = {
    "proposes": ("method", "dataset", "hardware"),
    "uses": ("method", "dataset", "hardware"),
    "targets": ("task", "hardware"),
    "compares_to": ("method", "dataset", "hardware"),
}
ROLES_OF = {
    "proposes": ("proposes",),
    "uses": ("buildsOn", "evaluatedOn", "trainedOn", "runsOn"),
    "targets": ("targets",),
    "compares_to": ("comparesTo",),
}
GRID = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which probability on to believe; for ``floor`` and ``nested`` see :func:`suppress`."""

    floor: float = 0.3
    nested: float = 0.6
    relations: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(RELATIONS, 0.4), hash=False)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return {"floor": self.floor, "nested": self.nested, "relations": dict(self.relations)}


@dataclass(slots=True)
class Group:
    """Spans of one paper that name one thing."""

    spans: list[SpanScore] = field(default_factory=list)

    def relation(self, name: str) -> float:
        """Probability that the thing stands in a relation: that of its best mention."""
        return max(min(1.0, sum(s.roles[r] for r in ROLES_OF[name])) for s in self.spans)

    def types(self) -> dict[str, float]:
        """Mean probability of each type, weighted by the entity score."""
        total = sum(s.entity for s in self.spans)
        return {t: sum(s.entity * s.types[t] for s in self.spans) / total for t in self.spans[0].types}


def suppress(spans: Iterable[SpanScore], floor: float, nested: float) -> list[SpanScore]:
    """Keep spans of at least ``floor``; of overlapping ones the best, and one inside another from ``nested``."""
    kept: list[SpanScore] = []
    for s in sorted(spans, key=lambda s: (-s.entity, s.start - s.end, s.section, s.start)):
        if s.entity < floor:
            break
        clash = [k for k in kept if k.section == s.section and k.start < s.end and s.start < k.end]
        crossing = any((k.start < s.start) == (k.end < s.end) and k.start != s.start and k.end != s.end for k in clash)
        if not clash or (not crossing and s.entity >= nested):
            kept.append(s)
    return kept


def group(spans: Sequence[SpanScore], texts: Mapping[str, str]) -> list[Group]:
    """Join spans whose names match, and the long and short form of an abbreviation that the text defines."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    for text in texts.values():
        for pair in abbreviations(text):
            parent[root(matching_name(pair.short))] = root(matching_name(pair.long))
    groups: dict[str, Group] = defaultdict(Group)
    for s in spans:
        groups[root(matching_name(s.text))].spans.append(s)
    return list(groups.values())


def decode(spans: Sequence[SpanScore], texts: Mapping[str, str], t: Thresholds) -> dict[str, list[dict[str, Any]]]:
    """Return the facts of a paper in the shape of the gold files."""
    facts: dict[str, list[dict[str, Any]]] = {r: [] for r in RELATIONS}
    for g in group(suppress(spans, t.floor, t.nested), texts):
        types = g.types()
        names = sorted({s.text for s in g.spans}, key=lambda n: (-len(n), n))
        for relation in RELATIONS:
            p = g.relation(relation)
            if p < t.relations[relation]:
                continue
            kind = max(LEGAL[relation], key=lambda k: types[k])
            facts[relation].append({"name": names[0], "aliases": names[1:], "type": kind, "confidence": round(p, 4)})
    return facts


def measure(papers: Sequence[GoldPaper], scored: Sequence[Sequence[SpanScore]], t: Thresholds) -> dict[str, Tally]:
    """Decode the spans of annotated papers and score them, see :func:`kg.gold.score`."""
    gold: dict[str, Facts] = {title_key(p.title): p.record for p in papers}
    facts = {
        title_key(p.title): decode(spans, {"title": p.title, "abstract": p.abstract}, t)
        for p, spans in zip(papers, scored, strict=True)
    }
    return score(gold, facts)


def tune(value_of: Callable[[Thresholds], float], start: Thresholds | None = None) -> tuple[Thresholds, float]:
    """Climb to the thresholds with the highest value: one of them at a time over :data:`GRID`, at most three rounds."""
    best = start or Thresholds()
    top = value_of(best)
    moves: list[Callable[[Thresholds, float], Thresholds]] = [
        lambda t, v: replace(t, floor=v),
        lambda t, v: replace(t, nested=v),
        *(partial(_with_relation, relation=r) for r in RELATIONS),
    ]
    for _ in range(3):
        before = top
        for move in moves:
            for value in GRID:
                option = move(best, value)
                found = value_of(option)
                if found > top:
                    best, top = option, found
        if top == before:
            break
    return best, top


def _with_relation(t: Thresholds, value: float, relation: str) -> Thresholds:
    return replace(t, relations={**t.relations, relation: value})
