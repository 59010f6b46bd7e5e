"""Names that a paper certainly proposes, whatever a model makes of them.

A tagger that learned from papers knows famous names as things that are used and compared with, and so doubts the
papers that proposed them. Two forms of text leave no doubt. On the 1,840 annotated training papers a name-like title
head ("SlowFast: ...", "SlowFast Technical Report") was proposed in 366 of 369 papers, and what a sentence introduces by
a name or with its abbreviation ("we propose SlowFast", "this paper presents a network called SlowFast", "we introduce a
neural radiance field (NeRF), which") in 430 of 438 places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kg.extract.abbreviations import abbreviations
from kg.extract.candidates import Candidate, CandidateSpan, Reading
from kg.extract.patterns import title_name
from kg.extract.trees import Floats
from kg.text import Span, is_name_like

CERTAIN = 0.97
"""Probability of the statement, from the counts above."""
OTHERWISE = 0.05
"""Most that is left for other relations of such a name: a paper does not use or compare with what it proposes."""

_INTRODUCES = (
    r"\b(?:we|(?:this|the|our) (?:paper|work|article|study|report)) "
    r"(?:(?:\w+ly|then|also|further|here|thus|therefore) )?"
    r"(?:propose|introduce|present|develop|describe|release)s?"
)
_CALLED = r"(?:(?<!so-)called|named|dubbed|termed|coined|which we (?:call|name|term|dub|refer to as))"
_NAMING = rf"(?: (?:the|our)| (?:an?|the|our) [^.,;:()]{{3,80}},(?: the)?| [^.;:]{{3,120}}\b{_CALLED})?"
_BEFORE_NAME = re.compile(rf"{_INTRODUCES}{_NAMING}\s*$", re.IGNORECASE)
_BEFORE_TERM = re.compile(
    rf"{_INTRODUCES}{_NAMING}(?: (?:an?|the|our))?(?: (?:novel|new|simple|efficient))*\s*$", re.IGNORECASE
)
_BEHIND_NAME = re.compile(r"(?![\s–—-]?\w)|\s(?:an?|the|which|that)\b")
_BEHIND_TERM = re.compile(r"s?\)(?:[,.;:]|\s(?:an?|the|which|that|to|for|as|by)\b)")
_CAPITAL = re.compile(r"[A-Z][\w+-]+(?: [A-Z][\w+-]+)?")
_FAR = 180
"""Characters before a name in which a sentence may introduce it."""
_WORDS = 2


def certainly_proposed(reading: Reading, candidate: Candidate) -> bool:
    """Tell whether the title or a sentence introduces the candidate by name.

    Names of more than two words are left to the model, since their ends are uncertain, unless an abbreviation in
    brackets ends them.
    """
    head = title_name(reading.paper.title)
    return any(_is_headline(span, head) or _is_introduced(span, reading.paper.abstract) for span in candidate.spans)


def _is_headline(span: CandidateSpan, head: Span | None) -> bool:
    return span.section == "title" and (span.start, span.end) == head and _is_name(span.text)


def _is_name(text: str) -> bool:
    return len(text.split()) <= _WORDS and is_name_like(text)


def _is_introduced(span: CandidateSpan, text: str) -> bool:
    """Tell whether a sentence of the abstract introduces what stands at the span, by its name or by a definition."""
    if span.section != "abstract":
        return False
    before = text[max(0, span.start - _FAR) : span.start]
    if (
        (_is_name(span.text) or _CAPITAL.fullmatch(span.text))
        and _BEHIND_NAME.match(text, span.end)
        and _BEFORE_NAME.search(before)
    ):
        return True
    ends = [p.short_end for p in abbreviations(text) if (p.long_start, p.long_end) == (span.start, span.end)]
    return any(_BEHIND_TERM.match(text, end) for end in ends) and bool(_BEFORE_TERM.search(before))


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
