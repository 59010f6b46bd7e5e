"""Which names mean one thing over all papers.

Every way of naming a thing is given one canonical key, in this order of trust: the user's file, the paper's own
definition of an abbreviation, the vocabulary, an abbreviation whose expansion the other papers agree on, the name
itself. Keys are looked up in one step, never chained pair by pair, so what differs at the ends of a chain stays apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from kg.model import EntityType
from kg.resolve.alone import Alone
from kg.resolve.expansions import Expansions
from kg.resolve.outline import Shape
from kg.resolve.overrides import Overrides
from kg.text import name_key
from kg.vocabulary import Concept

USER = "user file"
DEFINED = "abbreviation defined in the paper"
VOCABULARY = "vocabulary"
AGREED = "abbreviation with one known expansion"
OTHER_SPELLING = "another spelling of an abbreviation's expansion"
TASK_FORM = "another form of the task's name"
SPELLING = "same spelling"
TRUST = (USER, DEFINED, VOCABULARY, AGREED, OTHER_SPELLING, TASK_FORM, SPELLING)
"""The reasons to give a name to a node, the strongest first."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """The identity of a thing as named: a key, why it has that key, and the vocabulary entry if that is why."""

    key: str
    reason: str
    concept: Concept | None = None


class Names:
    """Gives names their canonical keys; made from all that papers name, whose order does not matter."""

    def __init__(self, counted: Iterable[tuple[Shape, int]], alone: Alone, overrides: Overrides) -> None:
        """``counted`` are ways of naming things, each with the papers that name one so."""
        self._alone = alone
        self._gazetteer = alone.gazetteer
        self._overrides = overrides
        self._expansions = Expansions()
        tasks: set[str] = {name_key(c.labels[0]) for c in self._gazetteer.concepts if c.type is EntityType.TASK}
        for shape, count in counted:
            for said in shape.definitions:
                self._expansions.add(said.key, said.long, said.form, said.long_key, shape.type, count)
            if shape.type is EntityType.TASK:
                tasks.update(shape.keys)
        self._ing = _unique((_stem(key), key) for key in tasks if key.endswith("ing"))
        self._others = {key: overrides.others(key) for pair in overrides.different for key in pair}
        self._targets = self._user_targets()
        self._reached = {other: self._reach(other) for others in self._others.values() for other in others}

    def canonical(self, shape: Shape) -> Canonical:
        """Return the identity of a thing that is named so."""
        if not self._overrides.same and not self._others:
            return self._proposed(shape)
        known = [*shape.keys, *map(name_key, shape.names)]
        for key in known:
            if key in self._overrides.same:
                return Canonical(self._overrides.same[key], USER, self._entry(next(filter(None, shape.concepts), "")))
        found = self._proposed(shape)
        key = self._targets.get(found.key, found.key)
        if key != found.key:
            found = Canonical(key, USER, found.concept)
        return Canonical(shape.keys[0], USER) if self.kept_apart(known, key) and key != shape.keys[0] else found

    def kept_apart(self, keys: Iterable[str], node: str) -> bool:
        """Tell whether the user says that a thing with one of these name keys is not the node with key ``node``."""
        if not self._others:
            return False
        return any(
            key != node and any(node in self._reached[other] for other in self._others.get(key, ())) for key in keys
        )

    def names_of(self, shape: Shape, node: str) -> tuple[str, ...]:
        """Return the names that a thing named so gives to the node with key ``node``, each once.

        A name that the user keeps apart from this node is none of its names, whatever a paper says.
        """
        if not self._others:
            return tuple(dict.fromkeys(shape.names)) if len(shape.names) > 1 else shape.names
        return tuple(name for name in dict.fromkeys(shape.names) if not self.kept_apart((name_key(name),), node))

    def _proposed(self, shape: Shape) -> Canonical:
        for said in shape.definitions:
            if concept := self._entry(said.concept):
                return Canonical(name_key(concept.labels[0]), VOCABULARY, concept)
            # Papers that spell the expansion a little otherwise still agree on the abbreviation.
            return self._spelt(self._expansions.agreed(said.form, said.long), shape.type, DEFINED)
        for iri in shape.concepts:
            if concept := self._entry(iri):
                return Canonical(name_key(concept.labels[0]), VOCABULARY, concept)
        for name in shape.names:
            if _is_short(name) and (spellings := self._expansions.only(name, shape.type)):
                return self._spelt(spellings, shape.type, AGREED)
        for key in shape.keys:
            if spellings := self._expansions.spellings(key):
                return self._spelt(spellings, shape.type, OTHER_SPELLING)
        if shape.type is EntityType.TASK and (form := self._ing.get(shape.keys[0])):
            return Canonical(form, TASK_FORM)
        return Canonical(shape.keys[0], SPELLING)

    def _entry(self, iri: str) -> Concept | None:
        return self._gazetteer.get(iri) if iri else None

    def _spelt(self, spellings: Iterable[str], type_: EntityType, reason: str) -> Canonical:
        """Return the identity under spellings of one expansion: the one in the vocabulary, else the first."""
        names = list(spellings)
        for name in names:
            if concept := self._alone.concept(name, type_):
                return Canonical(name_key(concept.labels[0]), reason, concept)
        return Canonical(self._alone.own_key(names[0], type_), reason)

    def _user_targets(self) -> dict[str, str]:
        """Extend the user's lists to what the vocabulary calls their members: ``[R50, X]`` moves ResNet-50 to X."""
        targets: dict[str, str] = {}
        for key in sorted(self._overrides.same):
            for concept in self._gazetteer.lookup(self._overrides.names.get(key, key)):
                targets.setdefault(name_key(concept.labels[0]), self._overrides.same[key])
        return targets | dict(self._overrides.same)

    def _reach(self, key: str) -> set[str]:
        """Return the keys of the nodes to which a name of the user's file goes if nothing forbids it."""
        found = {key, self._targets.get(key, key)}
        name = self._overrides.names.get(key, key)
        for concept in self._gazetteer.lookup(name):
            target = name_key(concept.labels[0])
            found |= {target, self._targets.get(target, target)}
        for spellings in self._expansions.all(name):
            for agreed in map(name_key, spellings):
                found |= {agreed, self._targets.get(agreed, agreed)}
        return found


def _is_short(name: str) -> bool:
    return len(name) <= 12 and " " not in name.strip() and sum(c.isupper() for c in name) >= 2


def _stem(key: str) -> str:
    """Return the verb or noun of a key in *-ing*: "imagecaptioning" is "imagecaption"."""
    return key.removesuffix("ing")


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, set[str]] = defaultdict(set)
    for stem, key in pairs:
        found[stem].add(key)
        found[stem + "e"].add(key)
        if len(stem) > 3 and stem[-1] == stem[-2]:
            found[stem[:-1]].add(key)
    return {stem: min(keys) for stem, keys in found.items() if len(keys) == 1}
