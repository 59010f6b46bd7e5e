"""Which mentions of one paper name the same thing, before anything is known of other papers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kg.model import EntityType
from kg.text import bare_name, is_adjective, name_key, split_definition
from kg.vocabulary import Concept, Gazetteer

_TAIL = re.compile(
    r"[\s-]+(?:(?P<data>data ?sets?|benchmarks?|corpus|corpora|challenges?|"
    r"(?:training|train|validation|test|dev|development)[\s-]+(?:set|split|data))|"
    r"(?P<task>tasks?|problems?)|"
    r"models?|networks?|systems?|methods?|algorithms?|architectures?|frameworks?|approach(?:es)?|backbones?|baselines?)$",
    re.IGNORECASE,
)
_SMALL = frozenset({"a", "an", "the", "of", "and", "for", "in", "on", "with", "to", "by", "from", "using"})

Place = tuple[int, int, int]
"""Where a mention stands, in reading order: section, start, end."""


@dataclass(frozen=True, slots=True, order=True)
class Definition:
    """An abbreviation that the paper defines at ``place`` (that of its short form)."""

    place: Place
    short: str
    long: str


def same_thing(
    mentions: Iterable[tuple[Place, str, Concept | None]],
    definitions: Sequence[Definition],
    gazetteer: Gazetteer,
) -> dict[Place, str]:
    """Return for each mention the key of the thing it names: equal keys mean one thing.

    A mention goes, in one step, to the expansion that the paper last defined for it (the first one before its
    definition), else to the vocabulary's entry, else it stands for its own name. Nothing is joined pair by pair: two
    expansions of one abbreviation stay two things.
    """
    listed = sorted(mentions, key=lambda mention: mention[:2])
    cores, keys = _cores_and_keys({text for _, text, _ in listed}, gazetteer)
    concepts: dict[str, str] = {}
    by_short: dict[str, list[Definition]] = defaultdict(list)
    inside = (Definition(place, *pair) for place, text, _ in listed if (pair := split_definition(bare_name(text))))
    for definition in sorted({*trusted(definitions), *inside}):
        by_short[name_key(definition.short)].append(definition)
        keys.setdefault(definition.long, name_key(definition.long))
    long_keys = {name_key(d.long) for group in by_short.values() for d in group}
    given = [(text, concept) for _, text, concept in listed]
    for text, concept in [*given, *((text, None) for text in keys)]:
        entry = concept or next(iter(gazetteer.lookup(cores.get(text, text))), None)
        if entry:
            concepts.setdefault(keys[text], f"={entry.iri}")
    things: dict[Place, str] = {}
    for place, text, _ in listed:
        key = keys[text]
        # What the paper itself defines (AP: Access Point) outweighs what the vocabulary thinks it means.
        if key in by_short and key not in long_keys:
            key = keys[_meant(by_short[key], place).long]
        things[place] = concepts.get(key, key)
    return things


def trusted(definitions: Iterable[Definition]) -> list[Definition]:
    """Return the definitions in which at least half of the long form's words start with a letter of the short one.

    Alignment letter by letter also finds "compare using a discriminator conditioned on the input (cGAN)".
    """
    return [d for d in definitions if _initials(d.short, d.long) >= 0.5]


def _initials(short: str, long_: str) -> float:
    words = [w for w in re.findall(r"[^\W_]+", long_.casefold()) if w not in _SMALL] or [long_.casefold()]
    letters = [c for c in short.casefold() if c.isalnum()]
    found = at = 0
    for word in words:
        if word[0] in letters[at:]:
            at = letters.index(word[0], at) + 1
            found += 1
    return found / len(words)


def _cores_and_keys(texts: Iterable[str], gazetteer: Gazetteer) -> tuple[dict[str, str], dict[str, str]]:
    """Return each text without a last word that is none of the name, and the name key of that.

    That is so of "task", of "dataset" behind a known dataset, and of any generic word where the paper also uses the
    name alone.
    """
    keys = {text: name_key(text) for text in sorted(texts)}
    cores: dict[str, str] = {}
    tails = {text: tail for text in keys if (tail := _TAIL.search(text))}
    alone = {key for text, key in keys.items() if text not in tails}
    for text, tail in tails.items():
        core = text[: tail.start()]
        if not core or is_adjective(core):
            continue
        kinds = {c.type for c in gazetteer.lookup(core)} if tail["data"] else set()
        if kinds and kinds != {EntityType.DATASET}:
            keys[text] = name_key(text, generic=False)  # "VQA dataset" beside "VQA", the task
        elif kinds or (tail["task"] and " " in core) or (bare_name(core)[:1].isupper() and name_key(core) in alone):
            cores[text], keys[text] = core, name_key(core)
    return cores, keys


def _meant(definitions: Sequence[Definition], place: Place) -> Definition:
    """Return the definition that holds at ``place``: the last one up to it, else the first."""
    before = [d for d in definitions if d.place <= place]
    return before[-1] if before else definitions[0]
