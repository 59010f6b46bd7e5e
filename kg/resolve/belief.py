"""Belief in a claim from the papers that state it: counting papers, not mentions."""

from __future__ import annotations

from collections.abc import Iterable

SUPPORT = ((1, 0.65), (2, 0.70), (10, 0.88))
"""Share of right edges by the number of papers that state them, as measured for a published graph of papers; the last
one is for ten or more. Our own annotated papers hold too few edges of several papers to fit anything on."""

SHARE = 0.176
"""How much of a further paper's confidence counts. Fitted to :data:`SUPPORT` by least squares (a test fits it again):
papers copy each other and share the extractor's mistakes, so they are far from independent sources."""


def combine(confidences: Iterable[float]) -> float:
    """Return the belief in a claim that papers state with these confidences, in [0, 1].

    The strongest paper counts in full, each further one with :data:`SHARE` of its confidence, as a noisy-or:
    ``1 - (1 - p1) * (1 - s p2) * ...``. One paper leaves its confidence as it is; more papers never lower it.

    >>> combine([0.7]), combine([0.65, 0.65])
    (0.7, 0.69)
    """
    ordered = sorted(confidences, reverse=True)
    doubt = 1.0
    for k, p in enumerate(ordered):
        doubt *= 1.0 - (p if k == 0 else SHARE * p)
    return round(min(max(1.0 - doubt, 0.0), 1.0), 4)
