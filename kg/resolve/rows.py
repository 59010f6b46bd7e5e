"""Rows: what papers state about nodes, and the claims and results that rows of all papers make.

Rows of one paper need only the ids of what it names (:func:`rows_of`), so any worker makes them; rows of one subject,
or of one paper, make claims, or results, without the others (:func:`claims`, :func:`results`): these may be spread too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from kg.model import LEGAL, USES_KINDS, Claim, EntityType, Evidence, Relation, Result, Stated
from kg.resolve.belief import combine
from kg.resolve.nodes import OBJECTS
from kg.resolve.outline import Named

Thing = tuple[EntityType, str]
"""A node: type and id."""

_USE_OF = {
    EntityType.METHOD: Relation.BUILDS_ON,
    EntityType.DATASET: Relation.EVALUATED_ON,
    EntityType.HARDWARE: Relation.RUNS_ON,
}
_RELATIONS = {relation.value: relation for relation in Relation}


class Said(NamedTuple):
    """What one paper says once: a claim before those of all papers are joined."""

    subject: str
    relation: str
    object: str
    paper: str
    confidence: float
    evidence: tuple[Evidence, ...]


def rows_of(stated: Stated, named: Named, things: Sequence[Thing]) -> tuple[list[Said], list[Result]]:
    """Return what a paper says and reports; ``things`` are the nodes of the shapes of its outline."""
    here = {ref: things[place] for (ref, _, _), place in zip(stated.entities, named.entities, strict=True)}
    metrics = {name: things[place][1] for name, place in zip(stated.metrics, named.metrics, strict=True)}
    return list(_said(stated, here)), [_result(stated.paper, fields, here, metrics) for fields in stated.results]


def _said(stated: Stated, here: Mapping[str, Thing]) -> Iterator[Said]:
    paper = stated.paper
    main = here.get(stated.headline) if stated.headline else None
    headline = main[1] if main else paper
    for name, ref, confidence, evidence in stated.claims:
        kind, target = here[ref]
        relation = _RELATIONS[name]
        if kind not in LEGAL[relation]:
            if relation not in USES_KINDS:
                continue
            relation = _USE_OF[kind]
        subject = paper if relation is Relation.PROPOSES or headline == target else headline
        yield Said(subject, relation.value, target, paper, confidence, evidence)


def _result(paper: str, fields: Sequence[Any], here: Mapping[str, Thing], metrics: Mapping[str, str]) -> Result:
    metric, value_text, value, unit, evidence, direction, bound, method, baseline, dataset, confidence = fields

    def thing(ref: str | None, legal: tuple[EntityType, ...] = OBJECTS) -> str | None:
        where = here.get(ref) if ref else None
        # Other papers may have taught that the thing is of another type than this paper's words suggest.
        return where[1] if where and where[0] in legal else None

    return Result(
        *(paper, metrics[metric] if metric else "", value_text, value, unit, evidence, direction, bound),
        *(thing(method), thing(baseline), thing(dataset, (EntityType.DATASET,)), confidence),
    )


def said_key(said: Said) -> tuple[str, str, str, str]:
    """What said things are sorted by: those of one claim stand together, by paper."""
    return said[:4]


def claims(said: Iterable[Said]) -> Iterator[Claim]:
    """Join what papers say, in any order, to claims in their order: a paper's confidence is its firmest statement's."""
    for (subject, relation, object_), same in groupby(sorted(said, key=said_key), key=itemgetter(0, 1, 2)):
        rows = list(same)
        if len(rows) == 1:
            (row,) = rows
            yield _claim(subject, relation, object_, (row.paper,), combine((row.confidence,)), _places(row.evidence))
            continue
        confidences: list[float] = []
        evidence: list[Evidence] = []
        papers: list[str] = []
        for paper, items in groupby(rows, key=itemgetter(3)):
            own = list(items)
            papers.append(paper)
            confidences.append(max(item.confidence for item in own))
            evidence += _places([place for item in own for place in item.evidence])
        yield _claim(subject, relation, object_, tuple(papers), combine(confidences), evidence)


def _claim(
    subject: str, relation: str, object_: str, papers: tuple[str, ...], belief: float, evidence: Iterable[Evidence]
) -> Claim:
    return Claim(subject, _RELATIONS[relation], object_, papers, belief, tuple(evidence))


def _places(evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    # Most is said once in one place, which needs no hashing and no sorting.
    return sorted(set(evidence)) if len(evidence) > 1 else evidence


def results(reported: Iterable[Result]) -> Iterator[Result]:
    """Return results in the order of papers and places, each once."""
    for _, same in groupby(sorted(reported, key=_place), key=_place):
        rows = list(same)
        # What has a place of its own needs no id for its order.
        yield from dict.fromkeys(sorted(rows, key=lambda r: (r.id, repr(r)))) if len(rows) > 1 else rows


def _place(result: Result) -> tuple[str, str, str, int, int, str, str, int]:
    e = result.evidence
    return result.paper, e.paper, e.section, e.start, e.end, e.surface_form, e.sentence, e.sentence_start


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
    return Claim(subject, _RELATIONS[relation], object_, papers, confidence, tuple(Evidence(*e) for e in evidence))


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
