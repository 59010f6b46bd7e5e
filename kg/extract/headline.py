"""Names that a paper certainly proposes, whatever a model makes of them.

A tagger that learned from papers knows famous names as things that are used and compared with, and so doubts the
papers that proposed them. Two forms of text leave no doubt. On the 1,840 annotated training papers a name-like title
head ("SlowFast: ...") was proposed in 366 of 369 papers, a name right behind "we propose" in 144 of 149.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kg.extract.candidates import Candidate, Reading
from kg.extract.patterns import title_name
from kg.extract.trees import Floats
from kg.text import is_name_like

CERTAIN = 0.97
"""Probability of the statement, from the counts above."""
OTHERWISE = 0.05
"""Most that is left for other relations of such a name: a paper does not use or compare with what it proposes."""

_WE_PROPOSE = re.compile(
    r"\bwe (?:(?:\w+ly|then|also|further|here|thus|therefore) )?"
    r"(?:propose|introduce|present|develop|describe|release)\s*$",
    re.IGNORECASE,
)
_WORDS = 2


def certainly_proposed(reading: Reading, candidate: Candidate) -> bool:
    """Tell whether the title or a sentence introduces the candidate by name.

    Names of more than two words are left to the model: their ends are uncertain.
    """
    if not is_name_like(candidate.names[0]):
        return False
    head = title_name(reading.paper.title)
    for span in candidate.spans:
        if len(span.text.split()) > _WORDS or not is_name_like(span.text):
            continue
        if span.section == "title" and (span.start, span.end) == head:
            return True
        if span.section == "abstract":
            text = reading.paper.abstract
            before = text[max(0, span.start - 40) : span.start]
            ends = not re.match(r"[\s-]?\w", text[span.end : span.end + 2])
            if ends and _WE_PROPOSE.search(before):
                return True
    return False


def with_certain_headlines(reading: Reading, probabilities: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the probabilities with those of certainly proposed candidates put right."""
    out = {decision: values.copy() for decision, values in probabilities.items()}
    for k, candidate in enumerate(reading.candidates):
        if certainly_proposed(reading, candidate):
            out["relation proposes"][k] = max(out["relation proposes"][k], CERTAIN)
            for relation in ("uses", "comparesTo", "targets"):
                column = out[f"relation {relation}"]
                column[k] = min(column[k], OTHERWISE)
    return out
