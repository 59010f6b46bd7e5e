"""The graph as RDF: descriptions of one subject each, shared by all RDF formats.

The order is that of reading: papers, things, claims with the evidence that they rest on, results with theirs; within
each, by id. An RDF term is written the same way by every format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import pyoxigraph as ox

from kg import ids
from kg import ontology as o
from kg.errors import KGError
from kg.export.base import ExportOptions
from kg.export.text import clean
from kg.model import Claim, Entity, Evidence, KnowledgeGraph, Paper, Relation, Result

Term = ox.NamedNode | ox.Literal
Property = tuple[ox.NamedNode, Term]
Assertions = dict[str, list[Property]]

_XSD = {
    name: ox.NamedNode(o.XSD + name)
    for name in ("anyURI", "date", "decimal", "double", "gMonthDay", "gYear", "gYearMonth")
}
_DATES = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "date", "{}"),
    (re.compile(r"\d{4}-\d\d"), "gYearMonth", "{}-01"),
    (re.compile(r"\d{4}"), "gYear", "{}-01-01"),
    (re.compile(r"--\d\d-\d\d"), "gMonthDay", "2000{}"),
)


class Description(NamedTuple):
    """A subject with all its properties. ``part`` is the heading under which a reader looks for it."""

    part: str
    subject: ox.NamedNode
    properties: list[Property]


def literal(text: str, datatype: str | None = None) -> ox.Literal:
    """Return a literal of cleaned text; ``datatype`` is a local name of XSD, none for a string."""
    return ox.Literal(clean(text), datatype=_XSD[datatype]) if datatype else ox.Literal(clean(text))


def date_literal(text: str) -> ox.Literal:
    """Return a date with the datatype of its precision; a plain string when the calendar has no such date.

    >>> [date_literal(text).datatype.value.rpartition("#")[2] for text in ("2024-11", "2023-02-29")]
    ['gYearMonth', 'string']
    """
    for pattern, datatype, whole in _DATES:
        if pattern.fullmatch(text):
            try:
                date.fromisoformat(whole.format(text.removeprefix("-")))
            except ValueError:
                break
            return literal(text, datatype)
    return literal(text)


def decimal_literal(text: str) -> ox.Literal | None:
    """Return a finite number as xsd:decimal in its plain notation, else None.

    >>> decimal_literal("1e3").value, decimal_literal("40-76"), decimal_literal("nan")
    ('1000', None, None)
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    # Beyond this a number is a slip of the extractor, and its plain notation would not fit in any store.
    if not number.is_finite() or abs(number.adjusted()) > 100:
        return None
    return literal(format(number, "f"), "decimal")


def confidence_literal(value: float) -> ox.Literal:
    """Return a probability as xsd:double with four digits behind the point at most."""
    return literal(repr(round(float(value), 4)), "double")


def reference(text: str) -> Term:
    """Return a web address as an IRI when it is one, else as a literal: the text comes from a file of somebody else."""
    if text.lower().startswith(("http://", "https://")):
        try:
            return ox.NamedNode(text)
        except ValueError:
            pass
    return literal(text, "anyURI")


def describe(graph: KnowledgeGraph, options: ExportOptions) -> Iterator[Description]:
    """Yield a description of every paper, entity, claim, piece of evidence and result; each subject once.

    Raises:
        KGError: a claim or result names something that the graph lacks, or a match of an entity is no IRI.
    """
    base = options.base
    assertions = _assertions(graph, base)
    for paper in sorted(graph.papers, key=lambda paper: paper.id):
        yield Description("Papers", _node(paper.id, base), _paper(paper) + assertions.pop(paper.id, []))
    for entity in sorted(graph.entities, key=lambda entity: entity.id):
        yield Description("Things", _node(entity.id, base), _entity(entity) + assertions.pop(entity.id, []))
    for subject in assertions:
        raise KGError(f"the graph is broken: a claim speaks of {subject}, which is neither a paper nor an entity of it")
    seen: set[str] = set()
    for claim in sorted(graph.claims, key=lambda claim: claim.id):
        yield Description("Claims", _node(claim.id, base), _claim(claim, base))
        yield from _evidence(claim.evidence, "Claims", base, seen)
    for result in sorted(graph.results, key=lambda result: result.id):
        yield Description("Results", _node(result.id, base), _result(result, base))
        yield from _evidence((result.evidence,), "Results", base, seen)


def triples(graph: KnowledgeGraph, options: ExportOptions) -> Iterator[ox.Triple]:
    """Yield all triples of :func:`describe`."""
    for _, subject, properties in describe(graph, options):
        for predicate, value in properties:
            yield ox.Triple(subject, predicate, value)


def _node(identifier: str, base: str) -> ox.NamedNode:
    return ox.NamedNode(ids.iri(identifier, base))


def _strings(predicate: ox.NamedNode, values: Iterable[str | None]) -> list[Property]:
    """Return one property for each distinct value that is not empty, in the given order."""
    return [(predicate, literal(value)) for value in dict.fromkeys(values) if value]


def _assertions(graph: KnowledgeGraph, base: str) -> Assertions:
    """Return the asserted triples by the id of their subject, a kind of use with its general relation."""
    known = {entity.id for entity in graph.entities}
    order = {relation: number for number, relation in enumerate(Relation)}
    stated: dict[str, set[tuple[int, str, Relation]]] = {}
    for claim in graph.claims:
        if claim.object not in known:
            raise KGError(f"the graph is broken: claim {claim.id} points at {claim.object}, which is no entity of it")
        for relation in {claim.relation, claim.relation.general}:
            stated.setdefault(claim.subject, set()).add((order[relation], claim.object, relation))
    return {
        subject: [(o.PROPERTIES[relation], _node(target, base)) for _, target, relation in sorted(found)]
        for subject, found in sorted(stated.items())
    }


def _paper(paper: Paper) -> list[Property]:
    properties: list[Property] = [(o.TYPE, o.PAPER), (o.TITLE, literal(paper.title))]
    properties += _strings(o.ALTERNATIVE, (title for title in paper.variants if title != paper.title))
    properties += _strings(o.CREATOR, paper.authors)
    if paper.author_count is not None:
        properties.append((o.AUTHOR_COUNT, ox.Literal(paper.author_count)))
    if paper.date:
        properties.append((o.DATE, date_literal(paper.date)))
    properties += _strings(o.VENUE, (paper.venue,))
    properties += _strings(o.IDENTIFIER, sorted(paper.identifiers))
    if paper.url:
        properties.append((o.URL, reference(paper.url)))
    return properties + _strings(o.ABSTRACT, (paper.abstract,))


def _entity(entity: Entity) -> list[Property]:
    properties: list[Property] = [(o.TYPE, o.CLASSES[entity.type])]
    if entity.baseline:
        properties.append((o.TYPE, o.BASELINE))
    properties.append((o.PREF_LABEL, literal(entity.label)))
    label = clean(entity.label)
    properties += _strings(o.ALT_LABEL, (name for name in sorted(map(clean, entity.aliases)) if name != label))
    concepts = [(o.EXACT_MATCH, entity.concept)] if entity.concept else []
    for predicate, concept in concepts + [
        (o.CLOSE_MATCH, match) for match in sorted(set(entity.matches) - {entity.concept})
    ]:
        try:
            properties.append((predicate, ox.NamedNode(concept)))
        except ValueError as error:
            raise KGError(
                f"{entity.label}: its match {concept!r} is not an IRI ({error}); mend it in the vocabulary"
            ) from error
    return properties


def _claim(claim: Claim, base: str) -> list[Property]:
    properties: list[Property] = [(o.TYPE, o.CLAIM), (o.SUBJECT, _node(claim.subject, base))]
    properties += [
        (o.PREDICATE, o.PROPERTIES[relation]) for relation in dict.fromkeys((claim.relation, claim.relation.general))
    ]
    properties.append((o.OBJECT, _node(claim.object, base)))
    properties += [(o.STATED_IN, _node(paper, base)) for paper in sorted(set(claim.papers))]
    properties.append((o.CONFIDENCE, confidence_literal(claim.confidence)))
    return properties + [
        (o.HAS_EVIDENCE, _node(item, base)) for item in dict.fromkeys(e.id for e in sorted(claim.evidence))
    ]


def _evidence(items: Iterable[Evidence], part: str, base: str, seen: set[str]) -> Iterator[Description]:
    """Yield what was not described before: one place may support several claims and results."""
    for item in sorted(items):
        if item.id in seen:
            continue
        seen.add(item.id)
        properties: list[Property] = [
            (o.TYPE, o.EVIDENCE),
            (o.IN_PAPER, _node(item.paper, base)),
            (o.SECTION, literal(item.section)),
            (o.SENTENCE, literal(item.sentence)),
            (o.SURFACE_FORM, literal(item.surface_form)),
            (o.START, ox.Literal(item.start)),
            (o.END, ox.Literal(item.end)),
        ]
        yield Description(part, _node(item.id, base), properties)


def _result(result: Result, base: str) -> list[Property]:
    properties: list[Property] = [(o.TYPE, o.RESULT), (o.STATED_IN, _node(result.paper, base))]
    number = decimal_literal(result.value) if result.value else None
    if number is not None:
        properties.append((o.VALUE, number))
    properties += _strings(o.VALUE_TEXT, (result.value_text,)) + _strings(o.UNIT, (result.unit,))
    properties += _strings(o.DIRECTION, (result.direction,)) + _strings(o.BOUND, (result.bound,))
    ends = (
        (o.METRIC, result.metric),
        (o.OF_METHOD, result.method),
        (o.AGAINST_BASELINE, result.baseline),
        (o.ON_DATASET, result.dataset),
    )
    properties += [(predicate, _node(entity, base)) for predicate, entity in ends if entity]
    properties.append((o.CONFIDENCE, confidence_literal(result.confidence)))
    return [*properties, (o.HAS_EVIDENCE, _node(result.evidence.id, base))]
