"""Everything that a graph says of one thing or paper, as a value that the terminal, files and pages show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from kg import ids
from kg import ontology as o
from kg.errors import InputError
from kg.search import Fit, Hit, NameIndex, by_iri, nearest, open_names, search
from kg.store import OpenGraph, open_graph

RELATIONS: Mapping[str, tuple[str, str]] = {
    "proposes": ("proposes", "proposed by"),
    "comparesTo": ("compares to", "compared with by"),
    "targets": ("targets", "targeted by"),
    "evaluatedOn": ("evaluated on", "used for evaluation by"),
    "trainedOn": ("trained on", "used for training by"),
    "buildsOn": ("builds on", "built on by"),
    "runsOn": ("runs on", "runs"),
    "uses": ("uses", "used by"),
}
"""Words for a relation, read from its subject and from its object, in the order in which they are shown."""

_LINKS = {
    f"{o.OWL}sameAs": "same as",
    o.EXACT_MATCH.value: "exact match",
    o.CLOSE_MATCH.value: "close match",
    f"{o.SKOS}relatedMatch": "related match",
    f"{o.RDFS}seeAlso": "see also",
}
_ENDS = {"metric": o.METRIC, "method": o.OF_METHOD, "baseline": o.AGAINST_BASELINE, "dataset": o.ON_DATASET}
_OFFERED = 5


@dataclass(frozen=True, slots=True, order=True)
class PaperRef:
    """A paper as others point at it; ``year`` and ``url`` are empty where the source has none."""

    title: str
    year: str
    url: str
    iri: str


@dataclass(frozen=True, slots=True, order=True)
class Quote:
    """A sentence with the words in it that name the thing, and the paper that says so."""

    paper: PaperRef
    sentence: str
    words: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A claim as seen from the thing: ``outgoing`` when the thing is its subject, else ``other`` is the subject."""

    relation: str
    outgoing: bool
    other: str
    other_iri: str
    other_kind: str
    confidence: float
    quotes: tuple[Quote, ...]

    @property
    def words(self) -> str:
        """The relation in words, read from the thing."""
        forward, backward = RELATIONS.get(self.relation, (self.relation, f"{self.relation} of"))
        return forward if self.outgoing else backward

    @property
    def rank(self) -> tuple[bool, int, str, float, str, str]:
        """Edges sort by it: outgoing first, by relation, the surest first."""
        order = list(RELATIONS)
        place = order.index(self.relation) if self.relation in RELATIONS else len(order)
        return not self.outgoing, place, self.relation, -self.confidence, self.other, self.other_iri


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric result; what the sentence does not say is empty. Names come with their IRIs in ``iris``, by field."""

    metric: str
    value: str
    method: str
    baseline: str
    dataset: str
    confidence: float
    quote: Quote
    iris: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A thing or paper with all that is said of it.

    ``types`` are local names of classes, the most telling first. ``links`` are pairs of words and an IRI elsewhere;
    ``facts`` are pairs of words and text (authors, date, ...) and stand at papers. ``papers`` name the thing.
    """

    iri: str
    label: str
    types: tuple[str, ...]
    aliases: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    papers: tuple[PaperRef, ...]
    edges: tuple[Edge, ...]
    results: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The card that was asked for, how its name fits, and what else is called like it."""

    card: Card
    hit: Hit
    others: tuple[Hit, ...]


def show(source: Path, name: str) -> Found:
    """Return the card of the thing that ``name`` fits best; ``name`` may also be an IRI or an id.

    Raises:
        InputError: nothing in the graph has a name like it; the message offers the nearest ones.
    """
    opened = open_graph(source)
    hit, others = choose(open_names(opened), opened, name)
    return Found(card(opened, hit.iri), hit, others)


def find(opened: OpenGraph, name: str) -> str:
    """Return the IRI of the thing or paper that ``name`` fits best.

    Raises:
        InputError: nothing in the graph has a name like it; the message offers the nearest ones.
    """
    return choose(open_names(opened), opened, name)[0].iri


def choose(index: NameIndex, opened: OpenGraph, name: str) -> tuple[Hit, tuple[Hit, ...]]:
    """Return the best hit of a name, and others of which it may have been meant.

    Raises:
        InputError: nothing has a name like it.
    """
    base = opened.prefixes.get("kgid", ids.BASE)
    prefix, colon, rest = name.partition(":")
    for iri in (name, base + name, opened.prefixes.get(prefix, "") + rest if colon else ""):
        known = by_iri(index, iri) if iri and not re.search(r"\s", iri) else None
        if known:
            return known, ()
    hits = search(index, name, _OFFERED + 1)
    if not hits:
        near = [f"{hit.name} ({hit.kind.lower()})" for hit in nearest(index, name)]
        offer = f"did you mean {', '.join(near)}?" if near else "kg stats counts what there is"
        raise InputError(f"{opened.path}: nothing is called {name!r}; {offer}")
    best = hits[0]
    # An exact name needs no offers but homonyms; another one may have been meant when it is not exact.
    exact = best.fit in (Fit.EXACT, Fit.ALIAS)
    others = tuple(hit for hit in hits[1:] if not exact or hit.fit in (Fit.EXACT, Fit.ALIAS))
    return best, others[:_OFFERED]


def card(opened: OpenGraph, iri: str) -> Card:
    """Return what the graph says of one thing or paper; a card without label and edges when it does not know it."""
    node = ox.NamedNode(iri)
    names = _Names(opened)
    own = [(quad.predicate.value, quad.object) for quad in opened.store.quads_for_pattern(node, None, None)]
    kinds = {_text(value) for predicate, value in own if predicate == o.TYPE.value}
    types = sorted((kind.rpartition("#")[2].rpartition("/")[2] for kind in kinds), key=lambda t: (t == "Baseline", t))
    label = names.label(node)
    other_names = {_text(v) for p, v in own if p in (o.ALT_LABEL.value, o.PREF_LABEL.value, o.ALTERNATIVE.value)}
    edges = sorted(_edges(names, node), key=lambda edge: edge.rank)
    results = sorted(_results(names, node), key=lambda r: (r.metric, r.dataset, r.value, r.quote))
    quoted = {quote.paper for edge in edges for quote in edge.quotes} | {number.quote.paper for number in results}
    return Card(
        iri,
        label,
        tuple(types),
        tuple(sorted(other_names - {label}, key=lambda name: (name.casefold(), name))),
        tuple(sorted((_LINKS[p], v.value) for p, v in own if p in _LINKS and isinstance(v, ox.NamedNode))),
        tuple(_facts(own)),
        tuple(sorted((p for p in quoted if p.iri != iri), key=lambda p: (-int(p.year or 0), p.title, p.iri))),
        tuple(edges),
        tuple(results),
    )


def statement(opened: OpenGraph, iri: str) -> tuple[str, tuple[Quote, ...]]:
    """Return what a claim, result or piece of evidence says in a line, and its sentences; the IRI for other things."""
    node, names = ox.NamedNode(iri), _Names(opened)
    quotes = names.quotes(node)
    subject, target = names.nodes(node, o.SUBJECT), names.nodes(node, o.OBJECT)
    if subject and target:
        relations = [value.rpartition("#")[2] for value in names.values(node, o.PREDICATE)]
        relation = next((name for name in relations if name != "uses"), "uses")
        said = RELATIONS.get(relation, (relation, ""))[0]
        return f"{names.label(subject[0])} {said} {names.label(target[0])}", quotes
    if names.value(node, o.VALUE_TEXT):
        metric = names.nodes(node, o.METRIC)
        return f"{names.label(metric[0]) if metric else 'value'}: {_value(names, node)}", quotes
    if names.value(node, o.SENTENCE):
        papers = names.nodes(node, o.IN_PAPER)
        quotes = tuple(
            Quote(names.paper(paper), names.value(node, o.SENTENCE), names.value(node, o.SURFACE_FORM))
            for paper in papers
        )
        return names.value(node, o.SURFACE_FORM), quotes
    return iri, quotes


_FACTS = (
    (o.CREATOR.value, "authors"),
    (o.DATE.value, "date"),
    (o.VENUE.value, "venue"),
    (o.IDENTIFIER.value, "identifiers"),
    (o.URL.value, "url"),
    (o.ABSTRACT.value, "abstract"),
)


def _facts(own: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, str]]:
    for predicate, words in _FACTS:
        values = sorted(_text(value) for p, value in own if p == predicate)
        if values:
            yield words, ", ".join(values)


class _Names:
    """What a card says of other things, looked up once for each."""

    def __init__(self, opened: OpenGraph) -> None:
        self.store = opened.store
        self._labels: dict[str, str] = {}
        self._papers: dict[str, PaperRef] = {}

    def values(self, node: Any, predicate: ox.NamedNode) -> list[str]:
        return sorted(_text(quad.object) for quad in self.store.quads_for_pattern(node, predicate, None))

    def value(self, node: Any, predicate: ox.NamedNode) -> str:
        return next(iter(self.values(node, predicate)), "")

    def nodes(self, node: Any, predicate: ox.NamedNode) -> list[Any]:
        return sorted((quad.object for quad in self.store.quads_for_pattern(node, predicate, None)), key=str)

    def label(self, node: Any) -> str:
        if node.value not in self._labels:
            found = self.value(node, o.PREF_LABEL) or self.value(node, o.TITLE)
            self._labels[node.value] = found or node.value
        return self._labels[node.value]

    def kind(self, node: Any) -> str:
        kinds = set(self.values(node, o.TYPE)) - {o.BASELINE.value}
        return min(kinds, default="").rpartition("#")[2]

    def paper(self, node: Any) -> PaperRef:
        if node.value not in self._papers:
            year = re.match(r"\d{4}", self.value(node, o.DATE))
            self._papers[node.value] = PaperRef(
                self.label(node), year.group() if year else "", self.value(node, o.URL), node.value
            )
        return self._papers[node.value]

    def quotes(self, statement: Any) -> tuple[Quote, ...]:
        found = {
            Quote(self.paper(paper), self.value(place, o.SENTENCE), self.value(place, o.SURFACE_FORM))
            for place in self.nodes(statement, o.HAS_EVIDENCE)
            for paper in self.nodes(place, o.IN_PAPER)
        }
        return tuple(sorted(found))


def _text(term: object) -> str:
    return str(getattr(term, "value", term))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _edges(names: _Names, node: ox.NamedNode) -> Iterable[Edge]:
    for end, far in ((o.SUBJECT, o.OBJECT), (o.OBJECT, o.SUBJECT)):
        for quad in list(names.store.quads_for_pattern(None, end, node)):
            claim = quad.subject
            relations = [value.rpartition("#")[2] for value in names.values(claim, o.PREDICATE)]
            # A claim by a kind of use bears the general relation as well.
            precise = [relation for relation in relations if relation != "uses"] or relations
            confidence = _number(names.value(claim, o.CONFIDENCE))
            for other in names.nodes(claim, far):
                for relation in precise:
                    yield Edge(
                        relation, end == o.SUBJECT, names.label(other), other.value, names.kind(other), confidence,
                        names.quotes(claim),
                    )  # fmt: skip


def _results(names: _Names, node: ox.NamedNode) -> Iterable[Number]:
    found = {
        quad.subject
        for predicate in (*_ENDS.values(), o.STATED_IN)
        for quad in names.store.quads_for_pattern(None, predicate, node)
    }
    for result in sorted(found, key=str):
        if not names.value(result, o.VALUE_TEXT):
            continue
        ends = {field: next(iter(names.nodes(result, predicate)), None) for field, predicate in _ENDS.items()}
        text = {field: names.label(end) if end is not None else "" for field, end in ends.items()}
        quotes = names.quotes(result)
        if quotes:
            yield Number(
                text["metric"], _value(names, result), text["method"], text["baseline"], text["dataset"],
                _number(names.value(result, o.CONFIDENCE)), quotes[0],
                tuple((field, end.value) for field, end in ends.items() if end is not None),
            )  # fmt: skip


_ARROWS = {"up": "↑ ", "down": "↓ "}


def _value(names: _Names, result: Any) -> str:
    """Return the number as people write it: direction, bound, value as in the text, unit."""
    text, unit = names.value(result, o.VALUE_TEXT), names.value(result, o.UNIT)
    arrow, bound = _ARROWS.get(names.value(result, o.DIRECTION), ""), names.value(result, o.BOUND)
    measured = text if not unit or text.endswith(unit) else f"{text}{'' if unit in ('%', 'x') else ' '}{unit}"
    return f"{arrow}{bound} {measured}" if bound else f"{arrow}{measured}"


def grouped(edges: Iterable[Edge]) -> list[tuple[str, list[Edge]]]:
    """Return edges by relation in words, in the order in which they are shown."""
    return [(words, list(some)) for words, some in groupby(edges, key=lambda edge: edge.words)]


def to_json(found: Found, limit: int | None = None) -> str:
    """Return a found card as JSON; of lists that ``limit`` cuts, ``counts`` has the whole length."""
    shown = found.card
    value = asdict(shown) | {
        "links": [{"relation": words, "iri": iri} for words, iri in shown.links],
        "facts": dict(shown.facts),
        "papers": [asdict(paper) for paper in shown.papers[:limit]],
        "edges": [asdict(edge) for _, some in grouped(shown.edges) for edge in some[:limit]],
        "results": [asdict(number) | {"iris": dict(number.iris)} for number in shown.results[:limit]],
        "counts": {"papers": len(shown.papers), "edges": len(shown.edges), "results": len(shown.results)},
        "match": {"fit": found.hit.fit.value, "name": found.hit.name},
        "others": [{"iri": h.iri, "label": h.label, "kind": h.kind, "fit": h.fit.value} for h in found.others],
    }
    return json.dumps(value, ensure_ascii=False, indent=2)
