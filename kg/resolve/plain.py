"""Claims and results as plain values and back: how a graph that is larger than memory keeps them on disk."""

from __future__ import annotations

from typing import Any, NamedTuple

from kg.model import Claim, Evidence, Relation, Result


class Said(NamedTuple):
    """What one paper says once: a claim before those of all papers are joined."""

    subject: str
    relation: str
    object: str
    paper: str
    confidence: float
    evidence: tuple[Evidence, ...]


def said_key(said: Said) -> tuple[str, str, str, str]:
    """What said things are sorted by: those of one claim stand together, by paper."""
    return said[:4]


def dump_said(said: Said) -> Any:
    return (*said[:5], tuple(map(_evidence, said.evidence)))


def load_said(plain: Any) -> Said:
    subject, relation, object_, paper, confidence, evidence = plain
    return Said(subject, relation, object_, paper, confidence, tuple(Evidence(*e) for e in evidence))


def dump_claim(claim: Claim) -> Any:
    evidence = tuple(map(_evidence, claim.evidence))
    return claim.subject, claim.relation.value, claim.object, claim.papers, claim.confidence, evidence


def load_claim(plain: Any) -> Claim:
    subject, relation, object_, papers, confidence, evidence = plain
    return Claim(subject, Relation(relation), object_, papers, confidence, tuple(Evidence(*e) for e in evidence))


def result_key(result: Result) -> tuple[str, Evidence, str, str]:
    """What results are sorted by."""
    return result.paper, result.evidence, result.id, repr(result)


def dump_result(result: Result) -> Any:
    return (
        *(result.paper, result.metric, result.value_text, result.value, result.unit, _evidence(result.evidence)),
        *(result.direction, result.bound, result.method, result.baseline, result.dataset, result.confidence),
    )


def load_result(plain: Any) -> Result:
    values: Any = (*plain[:5], Evidence(*plain[5]), *plain[6:])  # in the order of its fields
    return Result(*values)


def _evidence(e: Evidence) -> Any:
    return e.paper, e.section, e.start, e.end, e.surface_form, e.sentence, e.sentence_start
