"""From probabilities to statements: which candidates become entities, with which type, claims and evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kg.extract.candidates import Candidate, CandidateSpan, Reading
from kg.extract.features import cue_support
from kg.extract.headline import certainly_proposed
from kg.extract.patterns import title_name
from kg.extract.roles import KINDS
from kg.extract.trees import Floats
from kg.extract.vague import is_vague
from kg.model import LEGAL, EntityType, Evidence, Extraction, LocalClaim, LocalEntity, Relation
from kg.text import is_name_like, name_key, sentence_of

_TYPE = {
    "method": EntityType.METHOD,
    "dataset": EntityType.DATASET,
    "hardware": EntityType.HARDWARE,
    "task": EntityType.TASK,
}
_USE = {EntityType.METHOD: Relation.BUILDS_ON, EntityType.HARDWARE: Relation.RUNS_ON}
_RELATIONS = (Relation.PROPOSES, Relation.COMPARES_TO, Relation.TARGETS, Relation.USES)
MAX_EVIDENCE = 4
SAME_PLACE = 0.5
"""Share of nested mentions from which two candidates are readings of one name (chosen by cross-validation)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A candidate (by index) that stands in ``relation``, as what, and how likely."""

    candidate: int
    relation: Relation
    type: EntityType
    confidence: float


def decide(
    candidates: Sequence[Candidate], probabilities: Mapping[str, Floats], thresholds: Mapping[str, float]
) -> tuple[Decision, ...]:
    """Return the decisions above their thresholds, candidate by candidate; vague references name nothing.

    The type of a decision is the likeliest one that is legal for its relation.
    """
    out: list[Decision] = []
    decisions = {relation: f"relation {relation.value}" for relation in _RELATIONS}
    asked = [(r, probabilities[name].tolist(), thresholds.get(name, 0.5)) for r, name in decisions.items()]
    for k, candidate in enumerate(candidates):
        for relation, values, threshold in asked:
            p = values[k]
            if p < threshold or is_vague(candidate.names[0]):
                continue
            legal = [t for t in KINDS if _TYPE[t] in LEGAL[relation]]
            best = max(legal, key=lambda t: probabilities[f"type {t}"][k])
            kind = _TYPE[best]
            precise = relation
            if relation is Relation.USES:
                trained = float(probabilities["how trainedOn"][k]) >= thresholds.get("how trainedOn", 0.5)
                precise = _USE.get(kind, Relation.TRAINED_ON if trained else Relation.EVALUATED_ON)
            out.append(Decision(k, precise, kind, round(p, 4)))
    return _one_name_a_place(candidates, out)


def _one_name_a_place(candidates: Sequence[Candidate], decisions: list[Decision]) -> tuple[Decision, ...]:
    """Keep the likelier of two decisions for one relation whose mentions lie inside each other half of the time.

    "MLPerf 1.1 record" and "MLPerf 1.1" at one place are two readings of one name, not two baselines.
    """
    kept: list[Decision] = []
    for decision in sorted(decisions, key=lambda d: (-d.confidence, d.candidate)):
        own = candidates[decision.candidate]
        rivals = (candidates[d.candidate] for d in kept if d.relation.general is decision.relation.general)
        if not any(max(_share_inside(own, rival), _share_inside(rival, own)) >= SAME_PLACE for rival in rivals):
            kept.append(decision)
    return tuple(sorted(kept, key=lambda d: (d.candidate, d.relation)))


def _share_inside(inner: Candidate, outer: Candidate) -> float:
    """Share of the mentions of ``inner`` that lie inside mentions of ``outer``."""
    inside = sum(
        any(o.section == s.section and o.start <= s.start and s.end <= o.end for o in outer.spans) for s in inner.spans
    )
    return inside / len(inner.spans)


def state(reading: Reading, decisions: tuple[Decision, ...]) -> Extraction:
    """Turn decisions into entities and claims with evidence; results are added by the caller."""
    entities: dict[str, LocalEntity] = {}
    claims: list[LocalClaim] = []
    headline: tuple[float, str] | None = None
    for decision in decisions:
        candidate = reading.candidates[decision.candidate]
        entity = _entity(reading, candidate, decision)
        old = entities.get(entity.ref)
        if old is None or old.confidence < entity.confidence:
            entities[entity.ref] = entity
        claims.append(
            LocalClaim(decision.relation, entity.ref, decision.confidence, _evidence(reading, candidate, decision))
        )
        if decision.relation is Relation.PROPOSES and decision.type is EntityType.METHOD:
            standing = _headline_standing(reading, candidate, decision.confidence)
            if standing and (headline is None or standing > headline[0]):
                headline = (standing, entity.ref)
    return Extraction(reading.paper.id, tuple(entities.values()), tuple(claims), (), headline[1] if headline else None)


def _headline_standing(reading: Reading, candidate: Candidate, confidence: float) -> float:
    """How much a proposed method stands for the whole paper; 0 when it cannot: a description is no name.

    The name before the colon of the title goes first, then names in the title, then other names. What the title does
    not name, or not as a name, must be proposed beyond doubt: it may be a part of the contribution.
    """
    title = title_name(reading.paper.title)
    titled = [(s.start, s.end) for s in candidate.spans if s.section == "title"]
    named = bool(candidate.pairs) or is_name_like(candidate.names[0]) or certainly_proposed(reading, candidate)
    if not named and not titled:
        return 0.0
    if confidence < (0.85 if not titled else 0.0 if named else 0.8):
        return 0.0
    return confidence + 1.0 * (title is not None and title in titled) + 0.4 * bool(titled) + 0.3 * named


def evidence_at(reading: Reading, span: CandidateSpan) -> Evidence:
    """Return the evidence that a span of this paper gives."""
    return place_evidence(reading, span.section, span.start, span.end)


def place_evidence(reading: Reading, section: str, start: int, end: int) -> Evidence:
    """Return the evidence at ``start:end`` of a section, with the sentence around it."""
    text = reading.paper.section(section)
    low, high = sentence_of(reading.sentences[section], start, end)
    return Evidence(reading.paper.id, section, start, end, text[start:end], text[low:high], low)


def _entity(reading: Reading, candidate: Candidate, decision: Decision) -> LocalEntity:
    names = _names(candidate)
    return LocalEntity(
        key=name_key(names[0]),
        type=decision.type,
        names=names,
        mentions=tuple(evidence_at(reading, span) for span in candidate.spans),
        confidence=decision.confidence,
        concept=candidate.concept.iri if candidate.concept else None,
        pairs=candidate.pairs,
    )


def _names(candidate: Candidate) -> tuple[str, ...]:
    """Names with a defined short form first, since papers and readers know the thing by it."""
    shorts = [short for short, _ in candidate.pairs if short in candidate.names]
    return tuple(dict.fromkeys([*sorted(shorts), *candidate.names]))


def _evidence(reading: Reading, candidate: Candidate, decision: Decision) -> tuple[Evidence, ...]:
    """Return the mentions that support the claim best, at most :data:`MAX_EVIDENCE`, in reading order."""
    support = [(_support(reading, span, decision.relation), span) for span in candidate.spans]
    top = max(value for value, _ in support)
    good = [(value, span) for value, span in support if value >= 0.5 * top]
    good.sort(key=lambda pair: (-pair[0], pair[1].place))
    chosen: list[CandidateSpan] = []
    seen: set[tuple[str, int, str]] = set()
    for _, span in good:
        sentence = sentence_of(reading.sentences[span.section], span.start, span.end)
        key = (span.section, sentence[0], span.text)
        if key not in seen and len(chosen) < MAX_EVIDENCE:
            seen.add(key)
            chosen.append(span)
    return tuple(evidence_at(reading, span) for span in sorted(chosen, key=lambda s: s.place))


def _support(reading: Reading, span: CandidateSpan, relation: Relation) -> float:
    """How well a mention supports a relation: the tagger's role probability where there is one, else cue phrases."""
    cue = cue_support(reading, span, relation)
    if span.score is None:
        return 0.01 + 0.2 * cue
    role = span.score.roles.get(relation.value, 0.0)
    return 0.01 + role + 0.1 * cue
