"""Which of its surface forms a thing is shown under."""

from __future__ import annotations

from collections.abc import Mapping

from kg.model import EntityType
from kg.text import bare_name, plain


def best_label(names: Mapping[str, int], kind: EntityType) -> str:
    """Return the surface form to show; ``names`` gives the number of papers that use each.

    It is the commonest; a task in lower case where some paper writes it so.

    Forms with LaTeX, determiners or counts ("8 A100 GPUs") are a last resort. Ties go to the shorter form, then by code
    point, so that no order of papers matters.
    """

    def rank(name: str) -> tuple[bool, bool, bool, int, int, str]:
        capitals = kind is EntityType.TASK and name[:1].isupper() and name[1:2].islower()
        return (
            any(c in name for c in "$\\{}"),
            bare_name(name) != plain(name),
            capitals,
            -names[name],
            len(name),
            name,
        )

    return min(names, key=rank)
