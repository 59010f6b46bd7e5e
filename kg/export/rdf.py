"""The graph as RDF: descriptions of one subject each, shared by all RDF formats.

The order is that of reading: papers, things, claims with the evidence that they rest on, results with theirs; papers
and things by id, claims by what they say. An RDF term is written the same way by every format.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import pyoxigraph as ox

from kg import ids
from kg import ontology as o
from kg.errors import KGError
from kg.export.base import ExportOptions
from kg.export.order import claims, results
from kg.export.text import clean
from kg.model import Claim, Entity, Evidence, KnowledgeGraph, Paper, Relation, Result

Term = ox.NamedNode | ox.Literal
Property = tuple[ox.NamedNode, Term]

_XSD = {
    name: ox.NamedNode(o.XSD + name)
    for name in ("anyURI", "date", "decimal", "double", "gMonthDay", "gYear", "gYearMonth")
}
_ORDER = {relation: number for number, relation in enumerate(Relation)}
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
    entities = sorted(graph.entities, key=lambda entity: entity.id)
    known = {entity.id for entity in entities}
    for kind, nodes in (
        ("Papers", ((p.id, _paper(p)) for p in sorted(graph.papers, key=lambda paper: paper.id))),
        ("Things", ((e.id, _entity(e)) for e in entities)),
    ):
        ours = (claim for claim in claims(graph) if claim.subject.startswith("paper/") == (kind == "Papers"))
        for name, properties, said in _with_claims(nodes, ours):
            yield Description(kind, _node(name, base), properties + _assertions(said, known, base))
    seen: set[int] = set()
    for claim in claims(graph):
        items = _by_id(claim.evidence)
        yield Description("Claims", _node(claim.id, base), _claim(claim, items, base))
        yield from _evidence(items, "Claims", base, seen)
    for result in results(graph):
        items = _by_id((result.evidence,))
        yield Description("Results", _node(result.id, base), _result(result, items, base))
        yield from _evidence(items, "Results", base, seen)


def triples(graph: KnowledgeGraph, options: ExportOptions) -> Iterator[ox.Triple]:
    """Yield all triples of :func:`describe`."""
    for _, subject, properties in describe(graph, options):
        for predicate, value in properties:
            yield ox.Triple(subject, predicate, value)


@lru_cache(maxsize=65_536)
def _node(identifier: str, base: str) -> ox.NamedNode:
    return ox.NamedNode(ids.iri(identifier, base))


def _strings(predicate: ox.NamedNode, values: Iterable[str | None]) -> list[Property]:
    """Return one property for each distinct value that is not empty, in the given order."""
    return [(predicate, literal(value)) for value in dict.fromkeys(values) if value]


def _with_claims(
    nodes: Iterable[tuple[str, list[Property]]], said: Iterable[Claim]
) -> Iterator[tuple[str, list[Property], list[Claim]]]:
    """Yield each node with the claims of which it is the subject; both come in the order of ids.

    Raises:
        KGError: a claim has a subject that is no node.
    """
    groups = groupby(said, key=attrgetter("subject"))
    subject, own = next(groups, (None, ()))
    for name, properties in nodes:
        if subject == name:
            yield name, properties, list(own)
            subject, own = next(groups, (None, ()))
        else:
            yield name, properties, []
    if subject is not None:
        raise KGError(f"the graph is broken: a claim speaks of {subject}, which is neither a paper nor an entity of it")


def _assertions(said: Iterable[Claim], known: Container[str], base: str) -> list[Property]:
    """Return the asserted triples of one subject, a kind of use with its general relation."""
    stated: set[tuple[int, str, Relation]] = set()
    for claim in said:
        if claim.object not in known:
            raise KGError(f"the graph is broken: claim {claim.id} points at {claim.object}, which is no entity of it")
        stated.update((_ORDER[r], claim.object, r) for r in {claim.relation, claim.relation.general})
    return [(o.PROPERTIES[relation], _node(target, base)) for _, target, relation in sorted(stated)]


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


def _claim(claim: Claim, evidence: Iterable[str], base: str) -> list[Property]:
    properties: list[Property] = [(o.TYPE, o.CLAIM), (o.SUBJECT, _node(claim.subject, base))]
    properties += [
        (o.PREDICATE, o.PROPERTIES[relation]) for relation in dict.fromkeys((claim.relation, claim.relation.general))
    ]
    properties.append((o.OBJECT, _node(claim.object, base)))
    properties += [(o.STATED_IN, _node(paper, base)) for paper in sorted(set(claim.papers))]
    properties.append((o.CONFIDENCE, confidence_literal(claim.confidence)))
    return properties + [(o.HAS_EVIDENCE, _node(item, base)) for item in evidence]


def _by_id(evidence: Iterable[Evidence]) -> dict[str, Evidence]:
    """Return pieces of evidence in order by their ids, which cost a hash each."""
    found: dict[str, Evidence] = {}
    for item in sorted(evidence):
        found.setdefault(item.id, item)
    return found


def _evidence(items: Mapping[str, Evidence], part: str, base: str, seen: set[int]) -> Iterator[Description]:
    """Yield what was not described before: one place may support several claims and results."""
    for name, item in items.items():
        # As numbers the ids of millions of places need half of the memory; they are 64 bits of a hash in any case.
        number = int(name.rpartition("/")[2], 16)
        if number in seen:
            continue
        seen.add(number)
        properties: list[Property] = [
            (o.TYPE, o.EVIDENCE),
            (o.IN_PAPER, _node(item.paper, base)),
            (o.SECTION, literal(item.section)),
            (o.SENTENCE, literal(item.sentence)),
            (o.SURFACE_FORM, literal(item.surface_form)),
            (o.START, ox.Literal(item.start)),
            (o.END, ox.Literal(item.end)),
        ]
        yield Description(part, _node(name, base), properties)


def _result(result: Result, evidence: Iterable[str], base: str) -> list[Property]:
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
    return properties + [(o.HAS_EVIDENCE, _node(item, base)) for item in evidence]
