"""Vocabularies: SKOS concepts with their labels, matched in text by one automaton in linear time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from pathlib import Path

import ahocorasick
import pyoxigraph as ox

from kg import ids
from kg.errors import InputError
from kg.model import EntityType
from kg.text import bare_name, name_key

SKOS = "http://www.w3.org/2004/02/skos/core#"
_RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
KEYS = "keys.json"
"""File beside the vocabularies with what :func:`made_keys` gives."""
_CLASSES = {ids.ONTOLOGY + kind.value: kind for kind in EntityType}
_DROPPED = frozenset("-_ \t\n\r\u00a0\u2010\u2011\u2012\u2013\u2014\u2212\u2009\u202f")
_KEPT = bytes(chr(code) not in _DROPPED for code in range(256))


@dataclass(frozen=True, slots=True, order=True)
class Concept:
    """An entry of a vocabulary: ``labels`` start with the preferred one; ``matches`` are IRIs in other authorities."""

    iri: str
    type: EntityType
    labels: tuple[str, ...]
    broader: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    case_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A label found in a text: code-point offsets, the concept, and the label that matched."""

    start: int
    end: int
    concept: Concept
    label: str


def load(paths: Iterable[Path]) -> tuple[Concept, ...]:
    """Read SKOS Turtle files and return their concepts sorted by IRI.

    Raises:
        InputError: a file is not Turtle, or a concept lacks a label or one of the five classes.
    """
    facts: dict[str, dict[str, list[str]]] = {}
    for path in sorted(paths):
        try:
            for triple in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
                about = facts.setdefault(triple.subject.value, {})
                about.setdefault(triple.predicate.value, []).append(triple.object.value)
        except (SyntaxError, ValueError, OSError) as error:
            raise InputError(f"{path}: not a Turtle vocabulary ({error}); mend the file or leave it out") from error
    return tuple(
        _concept(iri, properties)
        for iri, properties in sorted(facts.items())
        if f"{SKOS}Concept" in properties.get(_RDF_TYPE, ())
    )


def _concept(iri: str, properties: dict[str, list[str]]) -> Concept:
    kinds = list(dict.fromkeys(_CLASSES[name] for name in properties[_RDF_TYPE] if name in _CLASSES))
    preferred = sorted(properties.get(f"{SKOS}prefLabel", ()))
    if len(kinds) != 1 or not preferred:
        raise InputError(f"{iri}: a concept needs one skos:prefLabel and one of the classes {', '.join(EntityType)}")
    return Concept(
        iri=iri,
        type=kinds[0],
        labels=(*preferred, *sorted(set(properties.get(f"{SKOS}altLabel", ())).difference(preferred))),
        broader=tuple(sorted(properties.get(f"{SKOS}broader", ()))),
        matches=tuple(sorted({*properties.get(f"{SKOS}exactMatch", ()), *properties.get(f"{SKOS}closeMatch", ())})),
        case_sensitive="true" in properties.get(f"{ids.ONTOLOGY}caseSensitive", ()),
    )


def fold(text: str) -> tuple[str, list[int]]:
    """Return ``text`` in lower case without spaces and hyphens, and for each kept sign its offset in ``text``.

    >>> fold("MobileNet-V2")
    ('mobilenetv2', [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11])
    """
    kept: Iterable[int] = (
        text.encode("ascii").translate(_KEPT) if text.isascii() else (sign not in _DROPPED for sign in text)
    )
    return text.translate(_FOLDED), list(compress(range(len(text)), kept))


class _Folded(dict[int, str | None]):
    """Maps a sign to its lower case and those that are dropped to None; filled as signs are met."""

    def __missing__(self, code: int) -> str | None:
        sign = chr(code)
        lower = sign.lower()
        # One sign stays one sign, or offsets would drift (the Turkish capital I with dot lowers to two).
        self[code] = None if sign in _DROPPED else lower if len(lower) == 1 else sign
        return self[code]


_FOLDED = _Folded()


class Gazetteer:
    """Finds the labels of concepts in text; linear in the length of the text, however many labels there are."""

    def __init__(self, concepts: Iterable[Concept], keys: Mapping[str, str] | None = None) -> None:
        """Take in concepts.

        Args:
            keys: normal forms (:func:`~kg.text.name_key`) of those labels for which they differ from :func:`fold`;
                None to work them out when they are needed.
        """
        self.concepts = tuple(sorted(concepts))
        self._by_iri = {concept.iri: concept for concept in self.concepts}
        self._automaton = ahocorasick.Automaton()
        labels: dict[str, list[tuple[Concept, str]]] = defaultdict(list)
        for concept in self.concepts:
            for label in concept.labels:
                folded = label.translate(_FOLDED)
                if len(folded) > 1:
                    labels[folded].append((concept, label))
        for folded, owners in labels.items():
            self._automaton.add_word(folded, (len(folded), tuple(owners)))
        if labels:
            self._automaton.make_automaton()
        self._labels = labels
        self._given = keys
        self._keys: dict[str, list[tuple[Concept, str]]] | None = None
        self._recent: dict[str, tuple[Match, ...]] = {}
        self._found = lru_cache(maxsize=20_000)(self._lookup)

    def get(self, iri: str) -> Concept | None:
        """Return the concept with this IRI, or None."""
        return self._by_iri.get(iri)

    def lookup(self, name: str) -> tuple[Concept, ...]:
        """Return the concepts that have ``name`` as a label.

        The label as written goes first (case, spaces, hyphens and a plural s aside), then a label with the same
        :func:`~kg.text.name_key`: without determiner, LaTeX, count of machines, accents.
        """
        return self._found(name)

    def _lookup(self, name: str) -> tuple[Concept, ...]:
        folded = name.translate(_FOLDED)
        forms = (folded, folded[:-1]) if folded.endswith("s") and len(folded) > 2 else (folded,)
        for form in forms:
            found = tuple(dict.fromkeys(c for c, label in self._labels.get(form, ()) if _case_fits(c, label, name)))
            if found:
                return found
        bare = bare_name(name)
        owners = self._by_key().get(name_key(bare, generic=False), ())
        return tuple(dict.fromkeys(c for c, label in owners if _case_fits(c, label, bare)))

    def _by_key(self) -> dict[str, list[tuple[Concept, str]]]:
        """Return the labels by their normal form; built when first asked for, since matching text needs it not."""
        if self._keys is None:
            given, found = self._given, defaultdict[str, list[tuple[Concept, str]]](list)
            for folded, owners in self._labels.items():
                for owner in owners:
                    label = owner[1]
                    key = name_key(label, generic=False) if given is None else given.get(label, folded)
                    found[key].append(owner)
            self._keys = dict(found)
        return self._keys

    def find(self, text: str) -> tuple[Match, ...]:
        """Return the labels in ``text`` in order, longest first where labels overlap; whole words only."""
        if not self._labels:
            return ()
        if text in self._recent:
            return self._recent[text]
        found = sorted(self._candidates(text), key=lambda m: (m.start - m.end, m.start, m.concept.iri))
        taken: list[Match] = []
        covered = bytearray(len(text))
        for match in found:
            if not any(covered[match.start : match.end]):
                covered[match.start : match.end] = b"\x01" * (match.end - match.start)
                taken.append(match)
        matches = tuple(sorted(taken, key=lambda m: m.start))
        # A tagger and what follows it ask for the same texts; a paper later they are of no use.
        self._recent = {**dict(list(self._recent.items())[-3:]), text: matches}
        return matches

    def _candidates(self, text: str) -> Iterator[Match]:
        folded, offsets = fold(text)
        for last, (length, owners) in self._automaton.iter(folded):
            start, end = offsets[last - length + 1], offsets[last] + 1
            if start > 0 and text[start - 1].isalnum() and text[start].isalnum():
                continue
            if end < len(text) and text[end].isalnum():
                plural = text[end] in "sS" and not (end + 1 < len(text) and text[end + 1].isalnum())
                if not plural or not text[end - 1].isalpha():
                    continue
                end += 1
            surface = text[start:end]
            for concept, label in owners:
                if _case_fits(concept, label, surface) and _words_fit(label, surface):
                    yield Match(start, end, concept, label)
                    break


@lru_cache(maxsize=200_000)
def _joints(text: str, *, inside: bool) -> frozenset[int]:
    """Return the places (counted in kept signs) where white space stands in ``text``.

    With ``inside`` also those where it could: at hyphens, and between letters and digits or small and capital letters.
    """
    joints: set[int] = set()
    kept = 0
    for before, sign in zip(" " + text, text, strict=False):
        if sign in _DROPPED or sign.isspace():
            if sign.isspace() or inside:
                joints.add(kept)
            continue
        if inside and (before.isdigit() != sign.isdigit() or (before.islower() and sign.isupper())):
            joints.add(kept)
        kept += 1
    return frozenset(joints)


def _words_fit(label: str, surface: str) -> bool:
    """Tell whether the words of ``surface`` end where those of ``label`` could: "at is" is not ATIS."""
    return _joints(surface, inside=False) <= _joints(label, inside=True)


def _case_fits(concept: Concept, label: str, surface: str) -> bool:
    """Short labels and those marked case-sensitive must be written as in the vocabulary (hyphens and plural aside)."""
    squeezed = "".join(c for c in label if c not in _DROPPED)
    if not concept.case_sensitive and (len(squeezed) > 3 or not squeezed.isalpha()):
        return True
    seen = "".join(c for c in surface if c not in _DROPPED)
    return seen in (squeezed, squeezed + "s")


@lru_cache(maxsize=4)
def default_gazetteer(directory: Path | None = None) -> Gazetteer:
    """Return the gazetteer of the shipped vocabularies, or of all ``*.ttl`` files in ``directory``."""
    if directory is None:
        from kg.resources import data

        directory = data("ontology/vocab")
    concepts = load(directory.glob("*.ttl"))
    return Gazetteer(concepts, read_keys(directory / KEYS, concepts))


def made_keys(concepts: Iterable[Concept]) -> bytes:
    """Return the content of a file of normal forms: those of labels for which they differ from :func:`fold`.

    To work them out takes as long as the rest of a start. Write the file again after a change of the vocabularies or
    of :func:`~kg.text.name_key`: ``python -m kg.vocabulary``.
    """
    labels = _all_labels(concepts)
    keys = {label: name_key(label, generic=False) for label in sorted(set(labels))}
    other = {label: key for label, key in keys.items() if key != label.translate(_FOLDED)}
    return (json.dumps({"labels": ids.digest(*labels), "keys": other}, ensure_ascii=False, indent=0) + "\n").encode()


def read_keys(path: Path, concepts: Iterable[Concept]) -> dict[str, str] | None:
    """Return the normal forms kept in a file; None if there is none, or it was made for other labels."""
    try:
        kept = json.loads(path.read_bytes())
        known: dict[str, str] = kept["keys"]
        return known if kept["labels"] == ids.digest(*_all_labels(concepts)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _all_labels(concepts: Iterable[Concept]) -> list[str]:
    return [label for concept in sorted(concepts) for label in concept.labels]


def main() -> None:
    """Write the normal forms of the labels of the checkout beside its vocabularies."""
    from kg.resources import data

    directory = data("ontology/vocab")
    (directory / KEYS).write_bytes(made_keys(load(directory.glob("*.ttl"))))


if __name__ == "__main__":
    main()
