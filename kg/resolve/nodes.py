"""The nodes of the graph: what papers name, put together by canonical key and type.

It is the small side of resolution: it grows with names, not with sentences, and is done in one place.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kg import ids
from kg.model import Entity, EntityType, Merge
from kg.resolve.labels import best_label
from kg.resolve.names import SPELLING, TRUST, Names
from kg.resolve.outline import Outline, Shape
from kg.resolve.overrides import Overrides
from kg.text import name_key
from kg.vocabulary import Concept

OBJECTS = (EntityType.METHOD, EntityType.DATASET, EntityType.HARDWARE)
"""Types among which papers may differ about one thing."""

ACRONYM = 4
"""Letters up to which a name without expansion may mean a thing of another kind in the next paper."""

CERTAIN = 10**12
"""Weight of the vocabulary's word on the type of a thing, above that of any number of papers."""

_Where = tuple[EntityType, str]
_Reasons = dict[int, tuple[str, Concept | None]]
"""Why shapes, by place, go under their keys, and entries of the vocabulary; those that only share a spelling lack."""

_RANK = {reason: rank for rank, reason in enumerate(TRUST)}


@dataclass(slots=True)
class _Group:
    """All that is called by one canonical key and is of one type, while the graph is being put together.

    ``names`` counts for each surface form the papers that use it; ``reasons`` tell why it is a name of the thing, where
    that is not its spelling; ``papers`` are ids, in the order met.
    """

    names: dict[str, int] = field(default_factory=dict)
    papers: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    concept: Concept | None = None


@dataclass(frozen=True, slots=True)
class Nodes:
    """Things by number: type and key, label, id, and what goes by that name.

    ``shapes`` gives for each outline the numbers of the things that its shapes name.
    """

    wheres: Sequence[_Where]
    shapes: Sequence[array[int]]
    groups: dict[int, _Group]
    labels: Mapping[int, str]
    identity: Mapping[int, str]

    def merges(self) -> Iterator[Merge]:
        """Yield every surface form that became a node under another label, with the reason."""
        for number, group in self.groups.items():
            label = self.labels[number]
            for name in group.names:
                if name != label:
                    reason = group.reasons.get(name, SPELLING)
                    same = reason != SPELLING and name_key(name) == name_key(label)
                    yield Merge(self.identity[number], label, name, SPELLING if same else reason)

    def entities(self, compared: set[str]) -> Iterator[Entity]:
        """Yield the entities by id and give away what they are made of; ``compared`` are ids of baselines."""
        for number in sorted(self.identity, key=self.identity.__getitem__):
            group, label, identifier = self.groups.pop(number), self.labels[number], self.identity[number]
            concept = group.concept
            yield Entity(
                id=identifier,
                type=self.wheres[number][0],
                label=label,
                aliases=tuple(sorted(set(group.names) - {label})),
                concept=concept.iri if concept else None,
                matches=concept.matches if concept else (),
                baseline=identifier in compared,
                papers=tuple(sorted(set(group.papers))) if len(group.papers) > 1 else tuple(group.papers),
            )


def counted(outlines: Iterable[Outline]) -> Iterator[tuple[Shape, int]]:
    """Yield ways of naming things with the papers that name one so; what results measure counts once over all."""
    metrics: set[tuple[str, ...]] = set()
    for made in outlines:
        times = Counter(number for paper in made.papers for number in paper.entities)
        for number, count in times.items():
            yield made.shapes[number], count
        for number in {number for paper in made.papers for number in paper.metrics}:
            shape = made.shapes[number]
            if shape.names not in metrics:
                metrics.add(shape.names)
                yield shape, 1


def find_nodes(outlines: Iterable[tuple[Outline, Sequence[str]]], names: Names, overrides: Overrides) -> Nodes:
    """Return the nodes under which all that papers name goes.

    Args:
        outlines: outlines with the ids of their papers; read twice.
    """
    table: dict[_Where, int] = {}
    weights: dict[int, int] = defaultdict(int)
    known: set[str] = set()
    reasons: list[_Reasons] = []
    shapes = [_canonical(made, names, table, weights, known, reasons) for made, _ in outlines]
    final = _types(table, weights, known)
    wheres = list(table)
    del table
    groups: dict[int, _Group] = defaultdict(_Group)
    for (made, papers), numbers, why in zip(outlines, shapes, reasons, strict=True):
        for place, number in enumerate(numbers):
            numbers[place] = final.get(number, number)
        _group(made, papers, names, numbers, why, wheres, groups)
    groups = dict(groups)
    labels = _labels(groups, wheres, overrides)
    return Nodes(wheres, shapes, groups, labels, _identity(labels, wheres))


def _identity(labels: Mapping[int, str], wheres: Sequence[_Where]) -> dict[int, str]:
    readable = {number: ids.slug(label) for number, label in labels.items()}
    count = Counter((wheres[number][0], text) for number, text in readable.items())
    found: dict[int, str] = {}
    for number, label in labels.items():
        (kind, key), text = wheres[number], readable[number]
        found[number] = ids.entity_id(kind.value.lower(), key, label, alone=count[kind, text] == 1, readable=text)
    return found


def _canonical(
    made: Outline,
    names: Names,
    table: dict[_Where, int],
    weights: dict[int, int],
    known: set[str],
    reasons: list[_Reasons],
) -> array[int]:
    """Return the number of the key and type of each shape; note why it has it, and what papers say of the type."""
    sums: Counter[int] = Counter()
    times: Counter[int] = Counter()
    for paper in made.papers:
        for number, weight in zip(paper.entities, paper.weights, strict=True):
            sums[number] += weight
            times[number] += 1
    numbers = array("I")
    why: _Reasons = {}
    for place, shape in enumerate(made.shapes):
        who = names.canonical(shape)
        number = table.setdefault((shape.type, who.key), len(table))
        numbers.append(number)
        if who.reason != SPELLING or who.concept:
            why[place] = who.reason, who.concept
        if shape.type in OBJECTS:
            weights[number] += sums[place]
            if who.concept and who.concept.type in OBJECTS:
                known.add(who.key)
                weights[table.setdefault((who.concept.type, who.key), len(table))] += CERTAIN * times[place]
    reasons.append(why)
    return numbers


def _types(table: Mapping[_Where, int], weights: Mapping[int, int], known: set[str]) -> dict[int, int]:
    """Return the number of the thing for each key and type that papers give it, where these differ.

    Its type is one of Method, Dataset, Hardware: the vocabulary's, else what the papers say most firmly. Only a short
    bare acronym that is hardware to some and no hardware to others (SSD, the drive and the detector) is two things.
    """
    final: dict[int, int] = {}
    for kind, key in table:
        if kind not in OBJECTS:
            continue
        count = {t: weights[table[t, key]] for t in OBJECTS if (t, key) in table}
        if len(count) < 2:
            continue
        ranked = sorted(count, key=lambda t: (-count[t], t))
        homonym = key not in known and len(key) <= ACRONYM and key.isalpha()
        same = [t for t in ranked if (t is EntityType.HARDWARE) == (kind is EntityType.HARDWARE)]
        final[table[kind, key]] = table[(same if homonym else ranked)[0], key]
    return final


def _group(
    made: Outline,
    papers: Sequence[str],
    names: Names,
    numbers: array[int],
    why: _Reasons,
    wheres: Sequence[_Where],
    groups: dict[int, _Group],
) -> None:
    """Add what an outline names to the groups: a name counts once a paper, however often the paper uses it."""
    given = [names.names_of(shape, wheres[number][1]) for shape, number in zip(made.shapes, numbers, strict=True)]
    times = [0] * len(numbers)
    for paper, identifier in zip(made.papers, papers, strict=True):
        here = (*paper.entities, *paper.metrics)
        things = dict.fromkeys(numbers[place] for place in here)
        for number in things:
            groups[number].papers.append(identifier)
        if len(things) == len(here):
            for place in here:
                times[place] += 1
        else:
            for number, name in dict.fromkeys((numbers[place], name) for place in here for name in given[place]):
                group = groups[number]
                group.names[name] = group.names.get(name, 0) + 1
    for place, number in enumerate(numbers):
        if times[place]:
            count = groups[number].names
            for name in given[place]:
                count[name] = count.get(name, 0) + times[place]
    for place, (reason, concept) in why.items():
        group = groups[numbers[place]]
        if concept:
            group.concept = min(group.concept, concept) if group.concept else concept
        if reason != SPELLING:
            for name in given[place]:
                group.reasons[name] = min(group.reasons.get(name, SPELLING), reason, key=_RANK.__getitem__)


def _labels(groups: Mapping[int, _Group], wheres: Sequence[_Where], overrides: Overrides) -> dict[int, str]:
    """Return what each node is shown under: the user's name, the vocabulary's, else the papers' commonest."""
    labels: dict[int, str] = {}
    for number, group in groups.items():
        kind, key = wheres[number]
        if key in overrides.same and key in overrides.names:
            labels[number] = overrides.names[key]
        elif group.concept:
            labels[number] = group.concept.labels[0]
        else:
            labels[number] = next(iter(group.names)) if len(group.names) == 1 else best_label(group.names, kind)
    shown = Counter((wheres[number][0], label) for number, label in labels.items())
    for number, label in labels.items():
        kind, key = wheres[number]
        if shown[kind, label] > 1 and not groups[number].concept:
            # Homonyms (AP, AP) are told apart by their full names.
            full = {name: count for name, count in groups[number].names.items() if name_key(name) == key}
            labels[number] = best_label(full, kind) if full else label
    return labels
