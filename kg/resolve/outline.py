"""Outlines: what some papers name, each way of naming a thing once, with what that says on its own.

This is the first step of resolution. It needs no other papers, so workers do it side by side, and what it finds about a
part of a folder is kept; the outlines of all papers together tell which names mean one thing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kg.model import EntityType, Naming, Stated
from kg.resolve.alone import Alone
from kg.resolve.expansions import expansion_key
from kg.text import name_key, split_definition


class Definition(NamedTuple):
    """An abbreviation that a paper defines, with the keys of both forms, of the expansion, and its concept.

    ``concept`` is the IRI of a vocabulary entry, or empty.
    """

    short: str
    long: str
    key: str
    long_key: str
    form: str
    concept: str


class Shape(NamedTuple):
    """A way of naming a thing; ``keys`` are those of the names on their own, ``concepts`` IRIs of theirs or empty."""

    type: EntityType
    names: tuple[str, ...]
    keys: tuple[str, ...]
    concepts: tuple[str, ...]
    definitions: tuple[Definition, ...]


class Named(NamedTuple):
    """What one paper names, by places in the list of shapes.

    ``weights`` are thousandths of the confidence in each of ``entities``, ``headline`` the place of the main
    contribution among them (-1: none), ``metrics`` the shapes of its results' metrics, in order; ``claims`` and
    ``results`` count what it states.
    """

    key: str
    entities: tuple[int, ...]
    weights: tuple[int, ...]
    headline: int
    metrics: tuple[int, ...]
    claims: int
    results: int


class Outline(NamedTuple):
    """The outline of some papers."""

    shapes: tuple[Shape, ...]
    papers: tuple[Named, ...]


def outline(stated: Iterable[tuple[str, Stated]], alone: Alone) -> Outline:
    """Return the outline of papers, given with the keys under which they are found again."""
    numbers: dict[Naming, int] = {}
    papers: list[Named] = []
    for key, said in stated:
        refs = [ref for ref, _, _ in said.entities]
        papers.append(
            Named(
                key,
                tuple(numbers.setdefault(naming, len(numbers)) for _, naming, _ in said.entities),
                tuple(round(confidence * 1000) for _, _, confidence in said.entities),
                refs.index(said.headline) if said.headline in refs else -1,
                tuple(
                    numbers.setdefault((EntityType.METRIC.value, (name,), ()), len(numbers)) for name in said.metrics
                ),
                len(said.claims),
                len(said.results),
            )
        )
    return Outline(tuple(_shape(naming, alone) for naming in numbers), tuple(papers))


def _shape(naming: Naming, alone: Alone) -> Shape:
    kind = EntityType(naming[0])
    _, names, pairs = naming
    concepts = (alone.concept(name, kind) for name in names)
    return Shape(
        kind,
        names,
        tuple(alone.own_key(name, kind) for name in names),
        tuple(concept.iri if concept else "" for concept in concepts),
        tuple(_definition(short, long_, kind, alone) for short, long_ in _definitions(names, pairs)),
    )


def _definition(short: str, long_: str, kind: EntityType, alone: Alone) -> Definition:
    concept = alone.defined_concept(short, long_, kind)
    form = expansion_key(long_, short)
    return Definition(short, long_, name_key(short), name_key(long_), form, concept.iri if concept else "")


def _definitions(names: Iterable[str], pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Return the abbreviations, as (short, long), that the paper defines for an entity, also inside its names."""
    yield from pairs
    for name in names:
        pair = split_definition(name)
        if pair:
            yield pair


def only(made: Outline, keys: Iterable[str]) -> Outline:
    """Return the outline of some of the papers, in the order of their keys.

    Raises:
        KeyError: there is no such paper.
    """
    by_key = {named.key: named for named in made.papers}
    papers = [by_key[key] for key in keys]
    if len(papers) == len(made.papers):
        return Outline(made.shapes, tuple(papers))
    numbers: dict[int, int] = {}
    kept = tuple(
        named._replace(
            entities=tuple(numbers.setdefault(place, len(numbers)) for place in named.entities),
            metrics=tuple(numbers.setdefault(place, len(numbers)) for place in named.metrics),
        )
        for named in papers
    )
    return Outline(tuple(made.shapes[place] for place in numbers), kept)


def dump_outline(made: Outline) -> str:
    """Return an outline as JSON."""
    return json.dumps(made, ensure_ascii=True, separators=(",", ":"))


def load_outline(text: str) -> Outline:
    """Return the outline that :func:`dump_outline` wrote.

    Raises:
        ValueError: the text is no outline.
    """
    try:
        shapes, papers = json.loads(text)
        return Outline(
            tuple(
                Shape(_KINDS[kind], tuple(n), tuple(k), tuple(c), tuple(Definition(*x) for x in d) if d else ())
                for kind, n, k, c, d in shapes
            ),
            tuple(Named(key, tuple(e), tuple(w), h, tuple(m), c, r) for key, e, w, h, m, c, r in papers),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no outline: {error}") from error


_KINDS = {kind.value: kind for kind in EntityType}
