"""Belief in a claim from the papers that state it: counting papers, not mentions."""

from __future__ import annotations

from collections.abc import Iterable

SHARE = 0.5
"""How much of a further paper's confidence counts: papers copy each other, so they are not independent sources."""


def combine(confidences: Iterable[float]) -> float:
    """Return the belief in a claim that papers state with these confidences, in [0, 1].

    The strongest paper counts in full, each further one with :data:`SHARE` of its confidence, as a noisy-or:
    ``1 - (1 - p1) * (1 - s p2) * ...``. One paper leaves its confidence as it is; more papers never lower it.

    >>> combine([0.7]), combine([0.7, 0.6])
    (0.7, 0.79)
    """
    ordered = sorted(confidences, reverse=True)
    doubt = 1.0
    for k, p in enumerate(ordered):
        doubt *= 1.0 - (p if k == 0 else SHARE * p)
    return round(min(max(1.0 - doubt, 0.0), 1.0), 4)
