"""What analyses share: things found by name, claims, results, papers and quotes read from an open graph.

What belongs to a thing is looked up in the indexes of the store, thing by thing: an answer costs what it holds, not
what the graph does. (SPARQL with a list of things may scan all claims for want of statistics.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import pyoxigraph as ox

from kg import ids, ontology
from kg.errors import InputError
from kg.model import EntityType
from kg.ontology import ALT_LABEL, DATE, PREF_LABEL, TITLE, TYPE
from kg.search import Fit, open_names, search
from kg.show import choose
from kg.store import OpenGraph

PREFIX = f"""PREFIX kg: <{ids.ONTOLOGY}>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX schema: <https://schema.org/>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
"""
"""Prefixes to put before a query for :func:`kg.store.select`."""

PAPER = "Paper"
KINDS = (PAPER, *(kind.value for kind in EntityType))
"""Kinds of things: local names of their classes. ``Baseline`` and ``Claim`` are none."""


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """A paper or entity. ``kind`` is one of :data:`KINDS`; ``year`` is that of a paper whose date is known."""

    label: str
    kind: str
    iri: str
    year: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence with the paper that says it. ``section`` is ``title`` or ``abstract``; ``words`` the marked ones."""

    sentence: str
    paper: Thing
    section: str = "abstract"
    words: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim. ``relation`` is the most precise one (``evaluatedOn`` rather than ``uses``); quotes are sorted."""

    subject: Thing
    relation: str
    object: Thing
    confidence: float
    quotes: tuple[Quote, ...]

    @property
    def papers(self) -> tuple[Thing, ...]:
        """The papers that state it, sorted."""
        return tuple(sorted({quote.paper for quote in self.quotes}))


@dataclass(frozen=True, slots=True)
class Measurement:
    """A reported number; fields as in :class:`kg.model.Result`, with things for ids and one quote."""

    iri: str
    metric: Thing | None
    value: Decimal | None
    value_text: str
    unit: str
    direction: str
    bound: str
    method: Thing | None
    baseline: Thing | None
    dataset: Thing | None
    confidence: float
    quote: Quote


def quote_key(quote: Quote) -> tuple[object, ...]:
    """Order of quotes: by year (unknown last), paper, section (title last), sentence."""
    year = quote.paper.year
    return (year is None, year or 0, quote.paper.label, quote.section, quote.sentence, quote.words)


Properties = Mapping[str, tuple[str, ...]]
"""Values of one thing by IRI of the property, sorted."""


def properties(opened: OpenGraph, iri: str) -> Properties:
    """Return all that is said of a thing, over all graphs of a file."""
    found: dict[str, set[str]] = defaultdict(set)
    for quad in opened.store.quads_for_pattern(ox.NamedNode(iri), None, None, None):
        found[quad.predicate.value].add(_value(quad.object))
    return {name: tuple(sorted(held)) for name, held in found.items()}


def holders(opened: OpenGraph, predicate: ox.NamedNode, iri: str) -> list[str]:
    """Return the IRIs of what has a thing as its ``predicate``, sorted."""
    quads = opened.store.quads_for_pattern(None, predicate, ox.NamedNode(iri), None)
    return sorted({quad.subject.value for quad in quads if isinstance(quad.subject, ox.NamedNode)})


def _value(term: object) -> str:
    return str(getattr(term, "value", term))


def _one(found: Properties, predicate: ox.NamedNode, default: str = "") -> str:
    return found.get(predicate.value, (default,))[0]


def things(opened: OpenGraph, iris: Iterable[str]) -> dict[str, Thing]:
    """Return label, kind and year of things by IRI; one without a label carries its IRI as label."""
    return {iri: _thing(opened, iri) for iri in sorted(set(iris))}


def _thing(opened: OpenGraph, iri: str) -> Thing:
    node = ox.NamedNode(iri)

    def read(predicate: ox.NamedNode) -> list[str]:
        return sorted(_value(q.object) for q in opened.store.quads_for_pattern(node, predicate, None, None))

    labels = read(PREF_LABEL) or read(TITLE)
    kinds = sorted(kind for type_ in read(TYPE) if (kind := type_.removeprefix(ids.ONTOLOGY)) in KINDS)
    years = [year for date in read(DATE) if (year := year_of(date)) is not None]
    return Thing(labels[0] if labels else iri, kinds[0] if kinds else "", iri, min(years, default=None))


def year_of(date: str) -> int | None:
    """Return the year of an XSD date, or None where it has none.

    >>> year_of("2024-11-12"), year_of("--11-12")
    (2024, None)
    """
    return int(date[:4]) if date[:4].isdigit() and date[:4].isascii() else None


def resolve(opened: OpenGraph, name: str, kinds: Sequence[str] = ()) -> Thing:
    """Return the thing that ``name`` means: any label, alias or title, else by similarity.

    Args:
        kinds: kinds wanted; where several things have exactly this name, one of an earlier kind is taken.

    Raises:
        InputError: nothing in the graph has a name like it, or what has it is of another kind.
    """
    exact = {
        quad.subject.value
        for predicate in (PREF_LABEL, ALT_LABEL, TITLE)
        for quad in opened.store.quads_for_pattern(None, predicate, ox.Literal(clean_name(name)), None)
        if isinstance(quad.subject, ox.NamedNode)
    }
    homonyms = [thing for thing in things(opened, exact).values() if not kinds or thing.kind in kinds]
    if len(homonyms) == 1:
        return homonyms[0]
    if homonyms:
        order = {kind: number for number, kind in enumerate(kinds)}
        counts = degrees(opened, [thing.iri for thing in homonyms])
        return min(homonyms, key=lambda t: (order.get(t.kind, len(order)), -counts.get(t.iri, 0), t.iri))
    index = open_names(opened)
    best, _ = choose(index, opened, name)
    plain = (Fit.EXACT, Fit.ALIAS)
    hits = [best, *search(index, name, _SEARCHED)]
    # A name that fits another kind exactly is not meant for what merely begins like it.
    fitting = [hit for hit in hits if not kinds or hit.kind in kinds]
    fitting = [hit for hit in fitting if hit.fit in plain or best.fit not in plain]
    if not fitting:
        wanted = " or ".join(kind.lower() for kind in kinds)
        raise InputError(f"{opened.path}: {name!r} is the {best.kind.lower()} {best.label!r}; name a {wanted}")
    return _thing(opened, fitting[0].iri)


_SEARCHED = 40
"""Names looked at for one of a wanted kind."""


def clean_name(name: str) -> str:
    """Return a name from a command line without code points that RDF cannot hold."""
    return name.encode("utf-8", "replace").decode("utf-8")


def degrees(opened: OpenGraph, iris: Iterable[str]) -> dict[str, int]:
    """Return the number of claims about each thing, in either role."""
    return {
        iri: len(holders(opened, ontology.SUBJECT, iri)) + len(holders(opened, ontology.OBJECT, iri))
        for iri in sorted(set(iris))
    }


def statements(
    opened: OpenGraph,
    subjects: Iterable[str] | None = None,
    objects: Iterable[str] | None = None,
    relations: Iterable[str] = (),
) -> list[Statement]:
    """Return claims with these subjects, these objects, or both, by relation and most trusted first.

    Args:
        opened: the graph.
        subjects: IRIs; None for any.
        objects: IRIs; None for any. One of both must be given.
        relations: local names wanted, for instance ``buildsOn``; all if empty.

    Raises:
        ValueError: neither subjects nor objects are given.
    """
    if subjects is None and objects is None:
        raise ValueError("statements() wants subjects or objects")
    claims: set[str] | None = None
    for predicate, given in ((ontology.SUBJECT, subjects), (ontology.OBJECT, objects)):
        if given is not None:
            found = {claim for iri in sorted(set(given)) for claim in holders(opened, predicate, iri)}
            claims = found if claims is None else claims & found
    return read_claims(opened, claims or (), relations)


def read_claims(opened: OpenGraph, claims: Iterable[str], relations: Iterable[str] = ()) -> list[Statement]:
    """Return claims with these IRIs, sorted like :func:`statements`; those of other relations are left out."""
    wanted = set(relations)
    reader = _Reader(opened)
    read = (reader.statement(claim, wanted) for claim in sorted(set(claims)))
    made = [statement for statement in read if statement is not None]
    return sorted(made, key=lambda s: (s.relation, -s.confidence, s.subject, s.object))


class _Reader:
    """Reads claims and results, each thing and each piece of evidence once."""

    def __init__(self, opened: OpenGraph) -> None:
        self._opened = opened
        self._things: dict[str, Thing] = {}
        self._quotes: dict[str, Quote | None] = {}

    def thing(self, iri: str) -> Thing:
        if iri not in self._things:
            self._things[iri] = _thing(self._opened, iri)
        return self._things[iri]

    def optional(self, found: Properties, predicate: ox.NamedNode) -> Thing | None:
        iri = _one(found, predicate)
        return self.thing(iri) if iri else None

    def quote(self, iri: str) -> Quote | None:
        if iri not in self._quotes:
            found = properties(self._opened, iri)
            sentence, paper = _one(found, ontology.SENTENCE), _one(found, ontology.IN_PAPER)
            section = _one(found, ontology.SECTION, "abstract")
            words = _one(found, ontology.SURFACE_FORM)
            self._quotes[iri] = Quote(sentence, self.thing(paper), section, words) if sentence and paper else None
        return self._quotes[iri]

    def quotes(self, found: Properties) -> tuple[Quote, ...]:
        read = (self.quote(iri) for iri in found.get(ontology.HAS_EVIDENCE.value, ()))
        return tuple(sorted({quote for quote in read if quote is not None}, key=quote_key))

    def statement(self, claim: str, wanted: Collection[str]) -> Statement | None:
        # Asked first because things that thousands of claims are about are common, and few of their claims are wanted.
        if wanted and not any(self._holds(claim, name) for name in wanted):
            return None
        found = properties(self._opened, claim)
        # A claim of a kind of use carries kg:uses as well.
        names = [name.removeprefix(ids.ONTOLOGY) for name in found.get(ontology.PREDICATE.value, ())]
        relation = min(names, key=lambda name: (name == "uses", name), default="")
        quotes = self.quotes(found) if relation and (not wanted or relation in wanted) else ()
        subject, target = _one(found, ontology.SUBJECT), _one(found, ontology.OBJECT)
        if not quotes or not subject or not target:
            return None
        confidence = float(_one(found, ontology.CONFIDENCE, "1"))
        return Statement(self.thing(subject), relation, self.thing(target), confidence, quotes)

    def _holds(self, claim: str, relation: str) -> bool:
        term = ox.NamedNode(ids.ONTOLOGY + relation)
        quads = self._opened.store.quads_for_pattern(ox.NamedNode(claim), ontology.PREDICATE, term, None)
        return next(iter(quads), None) is not None

    def measurement(self, iri: str) -> Measurement | None:
        found = properties(self._opened, iri)
        quotes, text = self.quotes(found), _one(found, ontology.VALUE_TEXT)
        if not quotes or not text:
            return None
        return Measurement(
            iri=iri,
            metric=self.optional(found, ontology.METRIC),
            value=number(_one(found, ontology.VALUE)),
            value_text=text,
            unit=_one(found, ontology.UNIT),
            direction=_one(found, ontology.DIRECTION),
            bound=_one(found, ontology.BOUND),
            method=self.optional(found, ontology.OF_METHOD),
            baseline=self.optional(found, ontology.AGAINST_BASELINE),
            dataset=self.optional(found, ontology.ON_DATASET),
            confidence=float(_one(found, ontology.CONFIDENCE, "1")),
            quote=quotes[0],
        )


def measurements(
    opened: OpenGraph,
    *,
    datasets: Iterable[str] | None = None,
    methods: Iterable[str] | None = None,
    baselines: Iterable[str] | None = None,
    papers: Iterable[str] | None = None,
) -> list[Measurement]:
    """Return reported numbers on these datasets, of these methods, against these baselines or in these papers.

    All that are given hold.

    Raises:
        ValueError: nothing is given.
    """
    given = (
        (ontology.ON_DATASET, datasets),
        (ontology.OF_METHOD, methods),
        (ontology.AGAINST_BASELINE, baselines),
        (ontology.STATED_IN, papers),
    )
    results: set[str] | None = None
    for predicate, iris in given:
        if iris is not None:
            found = {result for iri in sorted(set(iris)) for result in holders(opened, predicate, iri)}
            results = found if results is None else results & found
    if results is None:
        raise ValueError("measurements() wants datasets, methods, baselines or papers")
    reader = _Reader(opened)
    # Claims are stated in papers too; what has no number is none.
    made = [m for result in sorted(results) if (m := reader.measurement(result)) is not None]
    return sorted(made, key=lambda m: (quote_key(m.quote), m.value_text, m.iri))


def all_names(opened: OpenGraph, iris: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return labels and aliases of things, sorted."""
    return {
        iri: tuple(
            sorted(
                {
                    _value(quad.object)
                    for predicate in (PREF_LABEL, ALT_LABEL)
                    for quad in opened.store.quads_for_pattern(ox.NamedNode(iri), predicate, None, None)
                }
            )
        )
        for iri in sorted(set(iris))
    }


def beside(opened: OpenGraph, thing: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the claims that rest on a sentence in which some claim names a thing, by paper and sentence."""
    store = opened.store

    def read(node: ox.NamedNode, predicate: ox.NamedNode) -> list[Any]:
        return [quad.object for quad in store.quads_for_pattern(node, predicate, None, None)]

    places: set[tuple[Any, Any]] = set()
    for claim in holders(opened, ontology.OBJECT, thing):
        for evidence in read(ox.NamedNode(claim), ontology.HAS_EVIDENCE):
            papers, sentences = read(evidence, ontology.IN_PAPER), read(evidence, ontology.SENTENCE)
            places.update((paper, sentence) for paper in papers for sentence in sentences)
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for paper, sentence in places:
        for quad in store.quads_for_pattern(None, ontology.SENTENCE, sentence, None):
            if isinstance(quad.subject, ox.NamedNode) and paper in read(quad.subject, ontology.IN_PAPER):
                found[paper.value, sentence.value].update(holders(opened, ontology.HAS_EVIDENCE, quad.subject.value))
    return {place: tuple(sorted(claims)) for place, claims in sorted(found.items())}


def number(text: str) -> Decimal | None:
    """Return a finite decimal, or None.

    >>> number("82.70"), number("40-76.7")
    (Decimal('82.70'), None)
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def plural(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> plural(1, "paper"), plural(2, "paper")
    ('1 paper', '2 papers')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
