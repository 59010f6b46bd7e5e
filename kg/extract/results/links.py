"""Of which method, against which baseline and on which dataset a number is told; what is not clear is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kg.extract.results.context import Context, direction
from kg.extract.results.lexicon import pattern, table
from kg.model import EntityType, Extraction, Relation

MAX_MENTIONS = 1_000
"""Mentions looked at in one section; an abstract has a few dozen."""

REACH = 300
"""Characters between a number and the thing it is told of, at most."""

_COLON = re.compile(r"\s*(?:[:=(]|\sis|\swith)\s*[$~]?")
_CHANGES = frozenset({"%", "points", "x", "order of magnitude", "orders of magnitude"})
_ON_DATA = frozenset({"%", "points", "", "x", "dB"})


@lru_cache(maxsize=16)
def _cue(name: str) -> re.Pattern[str]:
    cues = table()["links"]
    return pattern(cues[name].replace("{filler}", cues["filler"]))


@dataclass(frozen=True, slots=True)
class Links:
    """References (:attr:`kg.model.LocalEntity.ref`) of method, baseline and dataset, or None."""

    method: str | None = None
    baseline: str | None = None
    dataset: str | None = None


@dataclass(frozen=True, slots=True)
class _Mention:
    start: int
    end: int
    ref: str
    type: EntityType


@dataclass(frozen=True, slots=True)
class _Sentence:
    """The mentions of a sentence, and which of them are compared with, act as subject, or name data."""

    mentions: tuple[_Mention, ...]
    against: tuple[_Mention, ...]
    subjects: tuple[_Mention, ...]
    data: tuple[_Mention, ...]


@dataclass(frozen=True, slots=True)
class _List:
    """The place of a number in its list: rank, length, and where the list ends."""

    rank: int
    size: int
    end: int


class Linker:
    """Finds the things that the numbers of one section speak of."""

    def __init__(self, text: str, section: str, stated: Extraction) -> None:
        self._text = text
        self._headline = stated.headline
        self._mentions = _longest(
            _Mention(e.start, e.end, entity.ref, entity.type)
            for entity in stated.entities
            for e in entity.mentions
            if e.section == section and entity.type is not EntityType.TASK
        )
        self._proposed = {claim.object for claim in stated.claims if claim.relation is Relation.PROPOSES}

    def links(self, around: Sequence[Context]) -> tuple[Links, ...]:
        """Return the links of each number of the section; ``around`` is in reading order."""
        groups: dict[int, list[Context]] = {}
        for context in around:
            groups.setdefault(context.quantity.group, []).append(context)
        sentences: dict[tuple[int, int], _Sentence] = {}
        out: list[Links] = []
        for context in around:
            place = (context.low, context.high)
            sentence = sentences.get(place) or self._sentence(*place)
            sentences[place] = sentence
            group = groups[context.quantity.group]
            listed = _List(group.index(context), len(group), group[-1].quantity.end)
            out.append(
                Links(
                    self._method(context, sentence),
                    self._baseline(context, sentence.against, listed),
                    self._dataset(context, sentence.data, listed),
                )
            )
        return tuple(out)

    def _sentence(self, low: int, high: int) -> _Sentence:
        inside = tuple(m for m in self._mentions if low <= m.start and m.end <= high)
        actors = [m for m in inside if m.type in (EntityType.METHOD, EntityType.HARDWARE)]
        against: list[_Mention] = []
        for k, mention in enumerate(inside):
            if mention not in actors or mention.ref in self._proposed:
                continue
            # Behind "than", "outperforms" and the like, or next in a list of such.
            listed = (
                k > 0 and inside[k - 1] in against[-1:] and _cue("also").match(self._between(inside[k - 1], mention))
            )
            if _cue("against").search(self._before(mention)) or listed:
                against.append(mention)
        compared = set(against)
        subjects = (m for m in actors if m not in compared and _cue("achieves").match(self._text[m.end : m.end + 90]))
        data = (m for m in inside if m.type is EntityType.DATASET)
        return _Sentence(inside, tuple(against), tuple(subjects), tuple(data))

    def _before(self, mention: _Mention) -> str:
        return self._text[max(0, mention.start - 90) : mention.start]

    def _between(self, left: _Mention, right: _Mention) -> str:
        return self._text[left.end : right.start] if right.start - left.end < REACH else "."

    def _clear(self, start: int, end: int, limit: int, *, numbers: bool = False) -> bool:
        """Tell whether ``start:end`` is short, within one clause, and (unless ``numbers``) without another number."""
        if not 0 <= end - start < limit:
            return False
        gap = self._text[start:end]
        return not _cue("clause_break").search(gap) and (numbers or not _cue("number").search(gap))

    def _method(self, context: Context, sentence: _Sentence) -> str | None:
        number = context.quantity.start
        lead = self._text[max(context.low, number - 2 * REACH) : number]
        subjects = [m for m in sentence.subjects if m.end <= number]
        subjects = [m for m in subjects if self._clear(m.end, number, REACH, numbers=True)] or subjects
        if subjects:
            last = subjects[-1]
            if last.ref in self._proposed:
                return last.ref
            # "we show that X reaches ...": a method of others is the subject only when nothing of the paper's own is.
            if not _cue("ours").search(lead) and self._headline not in {m.ref for m in sentence.mentions}:
                return last.ref
        own = {m.ref for m in sentence.mentions if m.ref in self._proposed and m.type is EntityType.METHOD}
        if self._headline is None:
            return own.pop() if len(own) == 1 else None
        # A sentence that speaks of others and not of the paper's own work does not say whose number it is.
        compared = set(sentence.against)
        others = (m for m in sentence.mentions if m.type is EntityType.METHOD and m.end <= number and m not in compared)
        own_work = own or _cue("ours").search(lead) or any(m.ref in self._proposed for m in sentence.mentions)
        return self._headline if own_work or not any(others) else None

    def _baseline(self, context: Context, against: Sequence[_Mention], listed: _List) -> str | None:
        quantity = context.quantity
        if not against:
            return None
        behind = [m for m in against if m.start >= listed.end]
        if behind and listed.size > 1:
            run = self._run(behind)
            if len(run) == listed.size and self._clear(listed.end, behind[0].start, REACH):
                return run[listed.rank].ref
        after = next((m for m in against if m.start >= quantity.end), None)
        if after and self._clear(quantity.end, after.start, 120):
            return after.ref
        if quantity.unit not in _CHANGES or not direction(context):
            return None
        if len({m.ref for m in against}) == 1:
            low, high = (quantity.end, after.start) if after else (against[0].end, quantity.start)
            return against[0].ref if self._clear(low, high, 140, numbers=True) else None
        before = [m for m in against if m.end <= quantity.start][-1:]
        # "outperforms X by 3%": a verb binds what follows; "2% higher than X and 3% higher ..." does not.
        if (
            before
            and _cue("against_verb").search(self._before(before[0]))
            and self._clear(before[0].end, quantity.start, 90)
        ):
            return before[0].ref
        return None

    def _dataset(self, context: Context, data: Sequence[_Mention], listed: _List) -> str | None:
        if not data:
            return None
        quantity = context.quantity
        behind = [m for m in data if m.start >= listed.end]
        if behind and listed.size > 1:
            run = self._run(behind)
            if len(run) == listed.size and self._clear(listed.end, behind[0].start, REACH):
                return run[listed.rank].ref
        after = [m for m in data if m.start >= quantity.end]
        if after and self._clear(quantity.end, after[0].start, 90):
            gap = self._text[quantity.end : after[0].start]
            if _cue("on_data").search(gap) or len(gap) < 3:
                run = self._run(after)
                return after[0].ref if len(run) in (1, listed.size) else None
        before = [m for m in data if m.end <= quantity.start]
        if before and _COLON.fullmatch(self._text, before[-1].end, quantity.start):
            return before[-1].ref
        if len({m.ref for m in data}) == 1:
            return data[0].ref if self._told_of(context, data[0]) else None
        if before and len({m.ref for m in before}) == 1 and self._clear(before[-1].end, quantity.start, 110):
            lead = self._text[max(context.low, before[-1].start - REACH) : before[-1].start]
            if _cue("on_data").search(lead) and not _cue("number").search(lead):
                return before[-1].ref
        return None

    def _told_of(self, context: Context, data: _Mention) -> bool:
        """Tell whether a number is about the only dataset of its sentence: it stands behind "on" in the same clause."""
        quantity = context.quantity
        if quantity.unit not in _ON_DATA or not _cue("on_data").search(self._before(data)):
            return False
        low, high = (data.end, quantity.start) if data.end <= quantity.start else (quantity.end, data.start)
        return self._clear(low, high, 160, numbers=True)

    def _run(self, mentions: Sequence[_Mention]) -> list[_Mention]:
        """Return the leading mentions that form one list ("A, B and C")."""
        run = [mentions[0]]
        for mention in mentions[1:]:
            if not _cue("also").match(self._between(run[-1], mention)):
                break
            run.append(mention)
        return run


def _longest(mentions: Iterable[_Mention]) -> tuple[_Mention, ...]:
    """Keep of nested mentions the longest one, in reading order."""
    ordered = sorted(mentions, key=lambda m: (m.start, -m.end, m.ref))[:MAX_MENTIONS]
    out: list[_Mention] = []
    for mention in ordered:
        if not out or mention.start >= out[-1].end:
            out.append(mention)
    return tuple(out)
