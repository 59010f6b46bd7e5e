"""Which mentions of one paper name the same thing, before anything is known of other papers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kg.text import bare_name, name_key, split_definition
from kg.vocabulary import Concept, Gazetteer

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
    keys = {text: name_key(text) for _, text, _ in listed}
    concepts: dict[str, str] = {}
    by_short: dict[str, list[Definition]] = defaultdict(list)
    inside = (Definition(place, *pair) for place, text, _ in listed if (pair := split_definition(bare_name(text))))
    for definition in sorted({*definitions, *inside}):
        by_short[name_key(definition.short)].append(definition)
        keys.setdefault(definition.long, name_key(definition.long))
    long_keys = {name_key(d.long) for group in by_short.values() for d in group}
    given = [(text, concept) for _, text, concept in listed]
    for text, concept in [*given, *((text, None) for text in keys)]:
        entry = concept or next(iter(gazetteer.lookup(text)), None)
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


def _meant(definitions: Sequence[Definition], place: Place) -> Definition:
    """Return the definition that holds at ``place``: the last one up to it, else the first."""
    before = [d for d in definitions if d.place <= place]
    return before[-1] if before else definitions[0]
