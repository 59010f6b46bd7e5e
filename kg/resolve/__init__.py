"""Resolution: one node for one thing over all papers, and the graph that follows from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
    Paper,
    Relation,
    Result,
)
from kg.resolve.belief import combine
from kg.resolve.labels import best_label
from kg.resolve.names import SPELLING, TRUST, Canonical, Names
from kg.resolve.overrides import Overrides, read_overrides
from kg.text import name_key
from kg.vocabulary import Concept, Gazetteer

__all__ = ["Overrides", "read_overrides", "resolve"]

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


@dataclass
class _Group:
    """All local entities with one canonical key and one type, while the graph is being put together."""

    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    papers: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)
    concepts: set[Concept] = field(default_factory=set)


@dataclass(frozen=True)
class _Placed:
    """An extraction whose local entities and metrics have their places in the graph."""

    extraction: Extraction
    things: Mapping[str, _Where]
    metrics: Mapping[str, _Where]

    def thing(self, ref: str | None) -> _Where | None:
        return self.things.get(ref) if ref else None


def resolve(
    papers: Sequence[Paper],
    extractions: Iterable[Extraction],
    gazetteer: Gazetteer,
    overrides: Overrides | None = None,
) -> KnowledgeGraph:
    """Join the extractions of ``papers`` to one graph; their order does not matter, what is given twice counts once."""
    overrides = overrides or Overrides()
    ordered = _ordered(extractions)
    measured = {r.metric: _metric_entity(r) for e in ordered for r in e.results if r.metric}
    names = Names((*(entity for e in ordered for entity in e.entities), *measured.values()), gazetteer, overrides)
    metrics = {metric: names.canonical(entity) for metric, entity in measured.items()}
    identity = [{entity.ref: names.canonical(entity) for entity in e.entities} for e in ordered]
    types = _types(ordered, identity)
    groups: dict[_Where, _Group] = defaultdict(_Group)
    placed: list[_Placed] = []
    for e, identities in zip(ordered, identity, strict=True):
        things: dict[str, _Where] = {}
        for entity in e.entities:
            who = identities[entity.ref]
            where = (types[who.key, entity.type] if entity.type in _OBJECTS else entity.type, who.key)
            things[entity.ref] = where
            _join(groups[where], e.paper, entity.names, who, names)
        used = {r.metric: (EntityType.METRIC, metrics[r.metric].key) for r in e.results if r.metric}
        for metric, where in used.items():
            _join(groups[where], e.paper, (metric,), metrics[metric], names)
        placed.append(_Placed(e, things, used))
    labels = _labels(groups, overrides)
    readable = Counter((kind, ids.slug(label)) for (kind, _), label in labels.items())
    entities = {
        (kind, key): _entity((kind, key), group, label, alone=readable[kind, ids.slug(label)] == 1)
        for (kind, key), group in groups.items()
        for label in (labels[kind, key],)
    }
    claims = _claims(placed, entities)
    compared = {c.object for c in claims if c.relation is Relation.COMPARES_TO}
    results = {_result(p, r, entities) for p in placed for r in p.extraction.results}
    return KnowledgeGraph(
        papers=tuple(sorted(papers, key=lambda p: p.id)),
        entities=tuple(sorted((replace(x, baseline=x.id in compared) for x in entities.values()), key=lambda x: x.id)),
        claims=tuple(sorted(claims, key=lambda c: (c.subject, c.relation, c.object))),
        results=tuple(sorted(results, key=lambda r: (r.paper, r.evidence, r.id, repr(r)))),
        merges=tuple(sorted(_merges(groups, entities))),
    )


def _ordered(extractions: Iterable[Extraction]) -> list[Extraction]:
    """Sort by paper; two unlike extractions of one paper (records with one title) by content, equal ones count once."""
    by_paper: dict[str, dict[Extraction, None]] = defaultdict(dict)
    for e in extractions:
        by_paper[e.paper][e] = None
    return [e for _, same in sorted(by_paper.items()) for e in (sorted(same, key=repr) if len(same) > 1 else same)]


def _types(
    ordered: Sequence[Extraction], identity: Sequence[Mapping[str, Canonical]]
) -> dict[tuple[str, EntityType], EntityType]:
    """Return for each key and type that papers give it one of Method, Dataset, Hardware.

    The vocabulary's type wins, else what the papers say most firmly. Only a short bare acronym that is hardware to some
    and no hardware to others (SSD, the drive and the detector) is two things.
    """
    votes: dict[str, Counter[EntityType]] = defaultdict(Counter)
    known: set[str] = set()
    for e, identities in zip(ordered, identity, strict=True):
        for entity in e.entities:
            who = identities[entity.ref]
            if entity.type in _OBJECTS:
                votes[who.key][entity.type] += round(entity.confidence * 1000)
                if who.concept and who.concept.type in _OBJECTS:
                    votes[who.key][who.concept.type] += 10**12
                    known.add(who.key)
    chosen: dict[tuple[str, EntityType], EntityType] = {}
    for key, count in votes.items():
        ranked = sorted(count, key=lambda t: (-count[t], t))
        homonym = key not in known and len(key) <= ACRONYM and key.isalpha()
        for kind in count:
            same = [t for t in ranked if (t is EntityType.HARDWARE) == (kind is EntityType.HARDWARE)]
            chosen[key, kind] = (same if homonym else ranked)[0]
    return chosen


def _join(group: _Group, paper: str, surfaces: Iterable[str], who: Canonical, names: Names) -> None:
    group.papers.add(paper)
    if who.concept:
        group.concepts.add(who.concept)
    for name in surfaces:
        # A name that the user keeps apart from this node is none of its names, whatever a paper says.
        if not names.kept_apart((name_key(name),), who.key):
            group.names[name].add(paper)
            group.reasons[name] = min(group.reasons.get(name, SPELLING), who.reason, key=TRUST.index)


def _metric_entity(result: LocalResult) -> LocalEntity:
    name = result.metric
    return LocalEntity(name_key(name), EntityType.METRIC, (name,), (result.evidence,), result.confidence)


def _labels(groups: Mapping[_Where, _Group], overrides: Overrides) -> dict[_Where, str]:
    """Return what each node is shown under: the user's name, the vocabulary's, else the papers' commonest."""
    labels: dict[_Where, str] = {}
    for (kind, key), group in groups.items():
        if key in overrides.same and key in overrides.names:
            labels[kind, key] = overrides.names[key]
        elif group.concepts:
            labels[kind, key] = min(group.concepts).labels[0]
        else:
            labels[kind, key] = best_label(Counter({n: len(p) for n, p in group.names.items()}), kind)
    shown = Counter((kind, label) for (kind, _), label in labels.items())
    for (kind, key), label in labels.items():
        # Homonyms (AP, AP) are told apart by their full names.
        full = {n: len(p) for n, p in groups[kind, key].names.items() if name_key(n) == key}
        if shown[kind, label] > 1 and full and not groups[kind, key].concepts:
            labels[kind, key] = best_label(Counter(full), kind)
    return labels


def _entity(where: _Where, group: _Group, label: str, *, alone: bool) -> Entity:
    kind, key = where
    concept = min(group.concepts, default=None)
    return Entity(
        id=ids.entity_id(kind.value.lower(), key, label, alone=alone),
        type=kind,
        label=label,
        aliases=tuple(sorted(set(group.names) - {label})),
        concept=concept.iri if concept else None,
        matches=concept.matches if concept else (),
        papers=tuple(sorted(group.papers)),
    )


def _claims(placed: Iterable[_Placed], entities: Mapping[_Where, Entity]) -> list[Claim]:
    found: dict[tuple[str, Relation, str], dict[str, tuple[float, tuple[Evidence, ...]]]] = defaultdict(dict)
    for p in placed:
        e = p.extraction
        main = p.thing(e.headline)
        headline = entities[main].id if main else e.paper
        for claim in e.claims:
            thing = entities[p.things[claim.object]]
            relation = claim.relation
            if thing.type not in LEGAL[relation]:
                if relation not in USES_KINDS:
                    continue
                relation = _USE_OF[thing.type]
            subject = e.paper if relation is Relation.PROPOSES or headline == thing.id else headline
            by_paper = found[subject, relation, thing.id]
            confidence, evidence = by_paper.get(e.paper, (0.0, ()))
            by_paper[e.paper] = (max(confidence, claim.confidence), tuple(sorted({*evidence, *claim.evidence})))
    return [
        Claim(
            subject,
            relation,
            object_,
            papers=tuple(sorted(by_paper)),
            confidence=combine(confidence for confidence, _ in by_paper.values()),
            evidence=tuple(item for paper in sorted(by_paper) for item in by_paper[paper][1]),
        )
        for (subject, relation, object_), by_paper in found.items()
    ]


def _result(p: _Placed, result: LocalResult, entities: Mapping[_Where, Entity]) -> Result:
    def thing(ref: str | None, legal: Container[EntityType] = _OBJECTS) -> str | None:
        where = p.thing(ref)
        # Other papers may have taught that the thing is of another type than this paper's words suggest.
        return entities[where].id if where and where[0] in legal else None

    return Result(
        paper=p.extraction.paper,
        metric=entities[p.metrics[result.metric]].id if result.metric else "",
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


def _merges(groups: Mapping[_Where, _Group], entities: Mapping[_Where, Entity]) -> list[Merge]:
    """Every surface form that became a node under another label, with the reason."""
    return [
        Merge(entities[where].id, entities[where].label, name, _reason(reason, name, entities[where].label))
        for where, group in groups.items()
        for name, reason in group.reasons.items()
        if name != entities[where].label
    ]


def _reason(reason: str, name: str, label: str) -> str:
    return SPELLING if name_key(name) == name_key(label) else reason
