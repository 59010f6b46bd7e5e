"""A user's own say about names: ``same:`` and ``different:`` lists in a small YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import yaml

from kg.errors import InputError
from kg.text import name_key


@dataclass(frozen=True, slots=True)
class Overrides:
    """``same`` maps the key of a name to the key of the first name of its list; ``different`` holds pairs of keys.

    ``names`` gives for each key the name as the user wrote it.
    """

    same: Mapping[str, str] = field(default_factory=dict)
    different: frozenset[frozenset[str]] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)

    def others(self, key: str) -> frozenset[str]:
        """Return the keys that the user keeps apart from ``key``."""
        return frozenset(other for pair in self.different if key in pair for other in pair if other != key)


def read_overrides(path: Path) -> Overrides:
    """Read an override file.

    ::

        same:
          - [ResNet-50, R50, residual network with 50 layers]
        different:
          - [SNN, spiking neural network]

    Raises:
        InputError: the file cannot be read, has another shape, or says both of one pair of names.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path}: not a YAML file of same: and different: lists ({error})".replace("\n", " ")
        ) from error
    if not isinstance(content, dict) or set(content) - {"same", "different"}:
        raise InputError(f"{path}: only the keys same: and different: are known, each a list of lists of names")
    groups = {kind: _groups(path, kind, content.get(kind) or []) for kind in ("same", "different")}
    names: dict[str, str] = {}
    for group in (*groups["same"], *groups["different"]):
        for key, name in group.items():
            names.setdefault(key, name)
    same = _joined([list(group) for group in groups["same"]])
    different = frozenset(frozenset(pair) for group in groups["different"] for pair in combinations(group, 2))
    for left, right in sorted(sorted(pair) for pair in different):
        if same.get(left, left) == same.get(right, right):
            raise InputError(
                f"{path}: {names[left]!r} and {names[right]!r} are both same: and different:; take one of them out"
            )
    return Overrides(same, different, names)


def _joined(groups: list[list[str]]) -> dict[str, str]:
    """Map every key to the first key of its list; lists that share a name are one list, since the user says so."""
    first: dict[str, str] = {}
    for group in groups:
        roots = dict.fromkeys(first.get(key, key) for key in group)
        # The list that stands first in the file gives the name.
        target = next((r for r in first.values() if r in roots), group[0])
        for key in (*group, *(k for k, r in first.items() if r in roots)):
            first[key] = target
    return first


def _groups(path: Path, kind: str, value: object) -> list[dict[str, str]]:
    """Return each list of names as a mapping of their keys to the names."""
    if not isinstance(value, list):
        raise InputError(f"{path}: {kind}: must be a list of lists of names")
    found: list[dict[str, str]] = []
    for number, group in enumerate(value, 1):
        if not isinstance(group, list) or len(group) < 2 or not all(isinstance(n, str) and n.strip() for n in group):
            raise InputError(
                f"{path}: {kind}: entry {number} must be a list of two or more names (put numbers in quotes)"
            )
        keys: dict[str, str] = {}
        for name in group:
            other = keys.setdefault(name_key(name), name)
            if kind == "different" and other is not name:
                raise InputError(
                    f"{path}: {kind}: entry {number}: {other!r} and {name!r} are one name (case, hyphens, plural aside)"
                )
        found.append(keys)
    return found
