"""What a name says on its own: its key and its entry in the vocabulary, whatever other papers say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kg.model import EntityType
from kg.resolve.expansions import expansion_key
from kg.text import bare_name, name_key, without_generic
from kg.vocabulary import Concept, Gazetteer

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


class Alone:
    """Reads names with a vocabulary and nothing else, so that any worker may do it for some papers."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        self._concepts: dict[tuple[str, EntityType], Concept | None] = {}
        self._own: dict[tuple[str, EntityType], str] = {}

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
        if core != text and (kinds := {c.type for c in self.gazetteer.lookup(core)}) and not _related(type_, kinds):
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

    def concept(self, name: str, type_: EntityType) -> Concept | None:
        """Return the vocabulary's entry for a name of this kind, if there is exactly one that fits best."""
        where = (name, type_)
        if where not in self._concepts:
            if len(self._concepts) >= REMEMBERED:
                self._concepts.clear()
            self._concepts[where] = self._concept(name, type_)
        return self._concepts[where]

    def _concept(self, name: str, type_: EntityType) -> Concept | None:
        found = self.gazetteer.lookup(name)
        same = [c for c in found if c.type is type_]
        other = [c for c in found if (c.type is EntityType.METRIC) == (type_ is EntityType.METRIC)]
        if same or other:
            return (same or other)[0] if len(same or other) == 1 else None
        for form in _shorter(bare_name(name), type_):
            same = [c for c in self.gazetteer.lookup(form) if c.type is type_]
            if len(same) == 1:
                return same[0]
        return None

    def defined_concept(self, short: str, long_: str, type_: EntityType) -> Concept | None:
        """Return the entry of an expansion, or of its abbreviation if a label of that is the expansion, a little
        otherwise spelt."""
        if concept := self.concept(long_, type_):
            return concept
        concept = self.concept(short, type_)
        wanted = expansion_key(long_, short)
        return concept if concept and any(expansion_key(label, short) == wanted for label in concept.labels) else None


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
