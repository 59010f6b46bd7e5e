"""Resolution: one node for one thing over all papers, and the graph that follows from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Protocol

from kg import ids
from kg.model import (
    LEGAL,
    USES_KINDS,
    Claim,
    Entity,
    EntityType,
    Evidence,
    Extraction,
    KnowledgeGraph,
    LocalEntity,
    LocalResult,
    Merge,
    Outline,
    Paper,
    Relation,
    Result,
)
from kg.resolve.belief import combine
from kg.resolve.labels import best_label
from kg.resolve.names import SPELLING, TRUST, Canonical, Names
from kg.resolve.overrides import Overrides, read_overrides
from kg.resolve.plain import (
    Said,
    dump_claim,
    dump_result,
    dump_said,
    load_claim,
    load_result,
    load_said,
    result_key,
    said_key,
)
from kg.spool import Spool, collect
from kg.text import name_key
from kg.vocabulary import Concept, Gazetteer

__all__ = ["Overrides", "join", "read_overrides", "resolve"]

_USE_OF = {
    EntityType.METHOD: Relation.BUILDS_ON,
    EntityType.DATASET: Relation.EVALUATED_ON,
    EntityType.HARDWARE: Relation.RUNS_ON,
}
_OBJECTS = (EntityType.METHOD, EntityType.DATASET, EntityType.HARDWARE)
ACRONYM = 4
"""Letters up to which a name without expansion may mean a thing of another kind in the next paper."""
_Where = tuple[EntityType, str]
"""Where an entity is found while the graph is put together: its type and its canonical key."""
_Types = dict[tuple[str, EntityType], EntityType]


@dataclass(slots=True)
class _Group:
    """All local entities with one canonical key and one type, while the graph is being put together.

    ``names`` counts for each surface form the papers that use it; ``papers`` are theirs, in the order met.
    """

    names: dict[str, int] = field(default_factory=dict)
    papers: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    concept: Concept | None = None

    def add(self, paper: str, reasons: Mapping[str, str]) -> None:
        """Count the names that a paper gives the thing, with the reasons why they are its names."""
        if not self.papers or self.papers[-1] != paper:
            self.papers.append(paper)
        for name, reason in reasons.items():
            self.names[name] = self.names.get(name, 0) + 1
            self.reasons[name] = min(self.reasons.get(name, SPELLING), reason, key=TRUST.index)


class Stated(Protocol):
    """What papers state, read in several passes: names first, then claims. Each paper comes once, in any order."""

    def outlines(self) -> Iterable[Outline]: ...

    def __iter__(self) -> Iterator[Extraction]: ...


@dataclass(frozen=True, slots=True)
class _Listed:
    """Extractions at hand."""

    extractions: Sequence[Extraction]

    def outlines(self) -> Iterable[Outline]:
        return [
            Outline(e.paper, e.entities, tuple(dict.fromkeys(r.metric for r in e.results if r.metric)))
            for e in self.extractions
        ]

    def __iter__(self) -> Iterator[Extraction]:
        return iter(self.extractions)


def resolve(
    papers: Sequence[Paper],
    extractions: Iterable[Extraction],
    gazetteer: Gazetteer,
    overrides: Overrides | None = None,
) -> KnowledgeGraph:
    """Join the extractions of ``papers`` to one graph; their order does not matter, what is given twice counts once."""
    return join(papers, _Listed(_ordered(extractions)), gazetteer, overrides)


def join(
    papers: Sequence[Paper],
    stated: Stated,
    gazetteer: Gazetteer,
    overrides: Overrides | None = None,
    *,
    folder: Path | None = None,
    limit: int | None = None,
) -> KnowledgeGraph:
    """Join what papers state to one graph, in memory that grows with the number of names, not of sentences.

    Args:
        folder: where claims and results go that are more than ``limit`` (default :data:`kg.spool.LIMIT`).
    """
    overrides = overrides or Overrides()
    names = Names(_all_entities(stated), gazetteer, overrides)
    types = _types(stated, names)
    groups = _groups(stated, names, types)
    labels = _labels(groups, overrides)
    readable = Counter((kind, ids.slug(label)) for (kind, _), label in labels.items())
    identity = {
        where: ids.entity_id(where[0].value.lower(), where[1], label, alone=readable[where[0], ids.slug(label)] == 1)
        for where, label in labels.items()
    }
    merges = tuple(sorted(_merges(groups, identity, labels)))
    said = Spool(said_key, dump_said, load_said, limit=limit, folder=folder)
    results = Spool(result_key, dump_result, load_result, limit=limit, folder=folder)
    compared: set[str] = set()
    for extraction in stated:
        things = {e.ref: _where(e, names.canonical(e), types) for e in extraction.entities}
        for item in _said(extraction, things, identity):
            said.add((item,))
            if item.relation == Relation.COMPARES_TO:
                compared.add(item.object)
        metrics = {
            metric: identity[EntityType.METRIC, names.canonical(_metric_entity(metric)).key]
            for metric in {result.metric for result in extraction.results if result.metric}
        }
        results.add(_result(extraction.paper, r, things, metrics, identity) for r in extraction.results)
    entities = (
        _entity(where, groups.pop(where), labels[where], identity[where], identity[where] in compared)
        for where in sorted(identity, key=identity.__getitem__)
    )
    return KnowledgeGraph(
        papers=tuple(sorted(papers, key=lambda p: p.id)),
        entities=tuple(entities),
        claims=collect(_claims(said), dump_claim, load_claim, limit=limit, folder=folder),
        results=collect((r for r, _ in groupby(results)), dump_result, load_result, limit=limit, folder=folder),
        merges=merges,
    )


def _all_entities(stated: Stated) -> Iterator[LocalEntity]:
    metrics: set[str] = set()
    for outline in stated.outlines():
        yield from outline.entities
        metrics.update(outline.metrics)
    yield from map(_metric_entity, sorted(metrics))


def _where(entity: LocalEntity, who: Canonical, types: _Types) -> _Where:
    kind = entity.type
    return (types.get((who.key, kind), kind) if kind in _OBJECTS else kind, who.key)


def _ordered(extractions: Iterable[Extraction]) -> list[Extraction]:
    """Sort by paper; two unlike extractions of one paper (records with one title) by content, equal ones count once."""
    by_paper: dict[str, dict[Extraction, None]] = defaultdict(dict)
    for e in extractions:
        by_paper[e.paper][e] = None
    return [e for _, same in sorted(by_paper.items()) for e in (sorted(same, key=repr) if len(same) > 1 else same)]


def _types(stated: Stated, names: Names) -> _Types:
    """Return the type of the thing for each key and type that papers give it, where these differ.

    It is one of Method, Dataset, Hardware: the vocabulary's, else what the papers say most firmly. Only a short bare
    acronym that is hardware to some and no hardware to others (SSD, the drive and the detector) is two things.
    """
    votes: dict[str, Counter[EntityType]] = {}
    # Most things have one type everywhere; they take a pair and no counter.
    single: dict[str, tuple[EntityType, int]] = {}
    known: set[str] = set()
    for outline in stated.outlines():
        for entity in outline.entities:
            if entity.type not in _OBJECTS:
                continue
            who = names.canonical(entity)
            _vote(who.key, entity.type, round(entity.confidence * 1000), single, votes)
            if who.concept and who.concept.type in _OBJECTS:
                _vote(who.key, who.concept.type, 10**12, single, votes)
                known.add(who.key)
    chosen: _Types = {}
    for key, count in votes.items():
        ranked = sorted(count, key=lambda t: (-count[t], t))
        homonym = key not in known and len(key) <= ACRONYM and key.isalpha()
        for kind in count:
            same = [t for t in ranked if (t is EntityType.HARDWARE) == (kind is EntityType.HARDWARE)]
            chosen[key, kind] = (same if homonym else ranked)[0]
    return chosen


def _vote(
    key: str,
    kind: EntityType,
    weight: int,
    single: dict[str, tuple[EntityType, int]],
    votes: dict[str, Counter[EntityType]],
) -> None:
    if key in votes:
        votes[key][kind] += weight
        return
    former, sum_ = single.get(key, (kind, 0))
    if former is kind:
        single[key] = (kind, sum_ + weight)
    else:
        del single[key]
        votes[key] = Counter({former: sum_, kind: weight})


def _groups(stated: Stated, names: Names, types: _Types) -> dict[_Where, _Group]:
    groups: dict[_Where, _Group] = defaultdict(_Group)
    for outline in stated.outlines():
        here: dict[_Where, dict[str, str]] = defaultdict(dict)
        for entity in (*outline.entities, *map(_metric_entity, outline.metrics)):
            who = names.canonical(entity)
            where = _where(entity, who, types)
            reasons, group = here[where], groups[where]
            if who.concept:
                group.concept = min(group.concept, who.concept) if group.concept else who.concept
            for name in entity.names:
                # A name that the user keeps apart from this node is none of its names, whatever a paper says.
                if not names.kept_apart(map(name_key, (name,)), who.key):
                    reasons[name] = min(reasons.get(name, SPELLING), who.reason, key=TRUST.index)
        for where, reasons in here.items():
            groups[where].add(outline.paper, reasons)
    return groups


def _metric_entity(name: str) -> LocalEntity:
    return LocalEntity(name_key(name), EntityType.METRIC, (name,), (), 1.0)


def _labels(groups: Mapping[_Where, _Group], overrides: Overrides) -> dict[_Where, str]:
    """Return what each node is shown under: the user's name, the vocabulary's, else the papers' commonest."""
    labels: dict[_Where, str] = {}
    for (kind, key), group in groups.items():
        if key in overrides.same and key in overrides.names:
            labels[kind, key] = overrides.names[key]
        elif group.concept:
            labels[kind, key] = group.concept.labels[0]
        else:
            labels[kind, key] = best_label(group.names, kind)
    shown = Counter((kind, label) for (kind, _), label in labels.items())
    for (kind, key), label in labels.items():
        if shown[kind, label] > 1 and not groups[kind, key].concept:
            # Homonyms (AP, AP) are told apart by their full names.
            full = {name: count for name, count in groups[kind, key].names.items() if name_key(name) == key}
            labels[kind, key] = best_label(full, kind) if full else label
    return labels


def _entity(where: _Where, group: _Group, label: str, identifier: str, baseline: bool) -> Entity:
    concept = group.concept
    return Entity(
        id=identifier,
        type=where[0],
        label=label,
        aliases=tuple(sorted(set(group.names) - {label})),
        concept=concept.iri if concept else None,
        matches=concept.matches if concept else (),
        baseline=baseline,
        papers=tuple(sorted(group.papers)),
    )


def _said(e: Extraction, things: Mapping[str, _Where], identity: Mapping[_Where, str]) -> Iterator[Said]:
    main = things.get(e.headline) if e.headline else None
    headline = identity[main] if main else e.paper
    for claim in e.claims:
        where = things[claim.object]
        relation = claim.relation
        if where[0] not in LEGAL[relation]:
            if relation not in USES_KINDS:
                continue
            relation = _USE_OF[where[0]]
        subject = e.paper if relation is Relation.PROPOSES or headline == identity[where] else headline
        yield Said(subject, relation.value, identity[where], e.paper, claim.confidence, claim.evidence)


def _claims(said: Iterable[Said]) -> Iterator[Claim]:
    """Join what papers say, sorted, to claims: one paper's confidence is that of its firmest statement."""
    for (subject, relation, object_), same in groupby(said, key=lambda item: item[:3]):
        confidences: list[float] = []
        evidence: list[Evidence] = []
        papers: list[str] = []
        for paper, items in groupby(same, key=attrgetter("paper")):
            own = list(items)
            papers.append(paper)
            confidences.append(max(item.confidence for item in own))
            # Most is said once in one place, which needs no hashing and no sorting.
            places = own[0].evidence if len(own) == 1 else [place for item in own for place in item.evidence]
            evidence += sorted(set(places)) if len(places) > 1 else places
        yield Claim(
            subject,
            Relation(relation),
            object_,
            tuple(papers),
            confidence=combine(confidences),
            evidence=tuple(evidence),
        )


def _result(
    paper: str,
    result: LocalResult,
    things: Mapping[str, _Where],
    metrics: Mapping[str, str],
    identity: Mapping[_Where, str],
) -> Result:
    def thing(ref: str | None, legal: Container[EntityType] = _OBJECTS) -> str | None:
        where = things.get(ref) if ref else None
        # Other papers may have taught that the thing is of another type than this paper's words suggest.
        return identity[where] if where and where[0] in legal else None

    return Result(
        paper=paper,
        metric=metrics[result.metric] if result.metric else "",
        value_text=result.value_text,
        value=result.value,
        unit=result.unit,
        evidence=result.evidence,
        direction=result.direction,
        bound=result.bound,
        method=thing(result.method),
        baseline=thing(result.baseline),
        dataset=thing(result.dataset, (EntityType.DATASET,)),
        confidence=result.confidence,
    )


def _merges(
    groups: Mapping[_Where, _Group], identity: Mapping[_Where, str], labels: Mapping[_Where, str]
) -> Iterator[Merge]:
    """Every surface form that became a node under another label, with the reason."""
    for where, group in groups.items():
        label = labels[where]
        for name, reason in group.reasons.items():
            if name != label:
                yield Merge(identity[where], label, name, _reason(reason, name, label))


def _reason(reason: str, name: str, label: str) -> str:
    return SPELLING if name_key(name) == name_key(label) else reason
