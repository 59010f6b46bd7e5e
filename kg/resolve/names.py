"""Which names mean one thing over all papers.

Every local entity is given one canonical key, in this order of trust: the user's file, the paper's own definition of
an abbreviation, the vocabulary, an abbreviation whose expansion the other papers agree on, the name itself. Keys are
looked up in one step, never chained pair by pair, so what differs at the ends of a chain stays apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kg.model import EntityType, LocalEntity
from kg.resolve.expansions import Expansions, expansion_key
from kg.resolve.overrides import Overrides
from kg.text import bare_name, name_key, split_definition, without_generic
from kg.vocabulary import Concept, Gazetteer

USER = "user file"
DEFINED = "abbreviation defined in the paper"
VOCABULARY = "vocabulary"
AGREED = "abbreviation with one known expansion"
OTHER_SPELLING = "another spelling of an abbreviation's expansion"
TASK_FORM = "another form of the task's name"
SPELLING = "same spelling"
TRUST = (USER, DEFINED, VOCABULARY, AGREED, OTHER_SPELLING, TASK_FORM, SPELLING)
"""The reasons to give a name to a node, the strongest first."""

REMEMBERED = 200_000
"""Names whose keys are kept, so that memory does not grow with each new name."""

# Words that only say what kind of thing the name is, by kind; they go for a look-up in the vocabulary.
_KIND_WORD = {
    EntityType.DATASET: re.compile(r"[\s-]+(?:data ?sets?|benchmarks?|corpus|corpora|challenge|competition)$", re.I),
    EntityType.METHOD: re.compile(r"[\s-]+(?:model|network|algorithm|architecture|method|framework|backbone)s?$", re.I),
    EntityType.TASK: re.compile(r"[\s-]+(?:task|problem|challenge)s?$", re.I),
    EntityType.HARDWARE: re.compile(
        r"[\s-]+(?:GPU|CPU|processor|chip|board|device|platform|card|accelerator)s?$", re.I
    ),
    EntityType.METRIC: re.compile(r"[\s-]+(?:scores?|values?|metrics?)$", re.I),
}
_MAKER = re.compile(r"^(?:NVIDIA|Intel|AMD|Xilinx|Google|IBM|Apple|Qualcomm|ARM|Huawei|Samsung)\s+(?=\S)", re.I)


@dataclass(frozen=True, slots=True)
class Canonical:
    """The identity of a local entity: a key, why it has that key, and the vocabulary entry if that is why."""

    key: str
    reason: str
    concept: Concept | None = None


class Names:
    """Gives names their canonical keys; made from all entities of all papers, whose order does not matter."""

    def __init__(self, entities: Iterable[LocalEntity], gazetteer: Gazetteer, overrides: Overrides) -> None:
        self._gazetteer = gazetteer
        self._overrides = overrides
        self._expansions = Expansions()
        self._concepts: dict[tuple[str, EntityType], Concept | None] = {}
        self._own: dict[tuple[str, EntityType], str] = {}
        self._known: dict[tuple[EntityType, tuple[str, ...], tuple[tuple[str, str], ...]], Canonical] = {}
        tasks: set[str] = {name_key(c.labels[0]) for c in gazetteer.concepts if c.type is EntityType.TASK}
        for entity in entities:
            for short, long_ in definitions(entity):
                self._expansions.add(short, long_, entity.type)
            if entity.type is EntityType.TASK:
                tasks.update(self.own_key(name, entity.type) for name in entity.names)
        self._ing = _unique((_stem(key), key) for key in tasks if key.endswith("ing"))
        self._others = {key: overrides.others(key) for pair in overrides.different for key in pair}
        self._targets = self._user_targets()
        self._reached = {other: self._reach(other) for others in self._others.values() for other in others}

    def canonical(self, entity: LocalEntity) -> Canonical:
        """Return the identity of one local entity."""
        # Names come again and again, in each paper and each pass.
        what = (entity.type, entity.names, entity.pairs)
        if what not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[what] = self._canonical(entity)
        return self._known[what]

    def _canonical(self, entity: LocalEntity) -> Canonical:
        keys = [self.own_key(name, entity.type) for name in entity.names]
        known = [*keys, *map(name_key, entity.names)]
        for key in known:
            if key in self._overrides.same:
                return Canonical(self._overrides.same[key], USER, self._first_concept(entity))
        found = self._proposed(entity, keys)
        key = self._targets.get(found.key, found.key)
        if key != found.key:
            found = Canonical(key, USER, found.concept)
        return Canonical(keys[0], USER) if self.kept_apart(known, key) and key != keys[0] else found

    def kept_apart(self, keys: Iterable[str], node: str) -> bool:
        """Tell whether the user says that a thing with one of these name keys is not the node with key ``node``."""
        if not self._others:
            return False
        return any(
            key != node and any(node in self._reached[other] for other in self._others.get(key, ())) for key in keys
        )

    def own_key(self, name: str, type_: EntityType) -> str:
        """Return the key of a name of this kind on its own, without what other papers or the vocabulary say."""
        where = (name, type_)
        if where not in self._own:
            if len(self._own) >= REMEMBERED:
                self._own.clear()
            self._own[where] = self._own_key(name, type_)
        return self._own[where]

    def _own_key(self, name: str, type_: EntityType) -> str:
        text = bare_name(name)
        core = without_generic(text)
        # "NAS benchmark" is no NAS, "ImageNet benchmark" is ImageNet: the vocabulary knows what the rest is.
        if core != text and (kinds := {c.type for c in self._gazetteer.lookup(core)}) and not _related(type_, kinds):
            return name_key(text, generic=False)
        if type_ is EntityType.TASK and " " in (core := _KIND_WORD[type_].sub("", text)):
            return name_key(core)
        if (
            type_ is EntityType.HARDWARE
            and name_key(core := _MAKER.sub("", text)) != name_key(text)
            and _is_product(core)
        ):
            return name_key(core)
        return name_key(text)

    def _proposed(self, entity: LocalEntity, keys: list[str]) -> Canonical:
        for short, long_ in definitions(entity):
            concept = self.concept(long_, entity.type) or self._concept_with_expansion(short, long_, entity.type)
            if concept:
                return Canonical(name_key(concept.labels[0]), VOCABULARY, concept)
            # Papers that spell the expansion a little otherwise still agree on the abbreviation.
            return self._spelt(self._expansions.agreed(short, long_), entity.type, DEFINED)
        for name in entity.names:
            if concept := self.concept(name, entity.type):
                return Canonical(name_key(concept.labels[0]), VOCABULARY, concept)
        for name in entity.names:
            if _is_short(name) and (spellings := self._expansions.only(name, entity.type)):
                return self._spelt(spellings, entity.type, AGREED)
        for key in keys:
            if spellings := self._expansions.spellings(key):
                return self._spelt(spellings, entity.type, OTHER_SPELLING)
        if entity.type is EntityType.TASK and (form := self._ing.get(keys[0])):
            return Canonical(form, TASK_FORM)
        return Canonical(keys[0], SPELLING)

    def _spelt(self, spellings: Iterable[str], type_: EntityType, reason: str) -> Canonical:
        """Return the identity under spellings of one expansion: the one in the vocabulary, else the first."""
        names = list(spellings)
        for name in names:
            if concept := self.concept(name, type_):
                return Canonical(name_key(concept.labels[0]), reason, concept)
        return Canonical(self.own_key(names[0], type_), reason)

    def concept(self, name: str, type_: EntityType) -> Concept | None:
        """Return the vocabulary's entry for a name of this kind, if there is exactly one that fits best."""
        where = (name, type_)
        if where not in self._concepts:
            if len(self._concepts) >= REMEMBERED:
                self._concepts.clear()
            self._concepts[where] = self._concept(name, type_)
        return self._concepts[where]

    def _concept(self, name: str, type_: EntityType) -> Concept | None:
        found = self._gazetteer.lookup(name)
        same = [c for c in found if c.type is type_]
        other = [c for c in found if (c.type is EntityType.METRIC) == (type_ is EntityType.METRIC)]
        if same or other:
            return (same or other)[0] if len(same or other) == 1 else None
        for form in _shorter(bare_name(name), type_):
            same = [c for c in self._gazetteer.lookup(form) if c.type is type_]
            if len(same) == 1:
                return same[0]
        return None

    def _first_concept(self, entity: LocalEntity) -> Concept | None:
        return next((c for name in entity.names if (c := self.concept(name, entity.type))), None)

    def _concept_with_expansion(self, short: str, long_: str, type_: EntityType) -> Concept | None:
        """Return the entry of an abbreviation if one of its labels is the given expansion, a little otherwise spelt."""
        concept = self.concept(short, type_)
        wanted = expansion_key(long_, short)
        return concept if concept and any(expansion_key(label, short) == wanted for label in concept.labels) else None

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


def definitions(entity: LocalEntity) -> Iterator[tuple[str, str]]:
    """Return the abbreviations, as (short, long), that the paper defines for an entity, also inside its names."""
    yield from entity.pairs
    for name in entity.names:
        pair = split_definition(name)
        if pair:
            yield pair


def _related(type_: EntityType, kinds: set[EntityType]) -> bool:
    """Tell whether a name may keep its kind without its generic word: a dataset is no method."""
    if type_ in (EntityType.DATASET, EntityType.HARDWARE):
        return type_ in kinds
    return bool(kinds & {EntityType.METHOD, EntityType.TASK}) or type_ in kinds


def _shorter(name: str, type_: EntityType) -> Iterator[str]:
    """Return forms of a name without the word for its kind (or with it), and of hardware also without its maker."""
    if (core := without_generic(name)) != name:
        yield core
    core = _KIND_WORD[type_].sub("", name)
    if core != name and (type_ is not EntityType.METHOD or core[:1].isupper()):
        yield core
    if type_ is EntityType.DATASET and " " in name:
        yield f"{name} dataset"
    if type_ is EntityType.HARDWARE:
        unmade = _MAKER.sub("", name)
        core = _KIND_WORD[type_].sub("", unmade)
        if unmade != name and _is_product(unmade):
            yield unmade
        if unmade != name and core != unmade and _is_product(core):
            yield core


def _is_product(name: str) -> bool:
    """Tell whether hardware is a product without its maker's name: a digit, or capitals inside and small letters."""
    return any(c.isdigit() for c in name) or bool(re.search(r"[a-z][A-Z]", name))


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
