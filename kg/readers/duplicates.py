"""Joining of records that list the same paper.

Records are compared only within blocks that share a key (the title, a fingerprint of the abstract, an identifier), so
a million records take seconds, not days. Whether two records are the same is decided symmetrically from their content,
connected records become one, and rounds are repeated until nothing changes: hence the result does not depend on order,
and joining what is joined already changes nothing.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from kg import ids
from kg.model import Paper

GLOBAL_IDENTIFIERS = ("arxiv:", "doi:", "openalex:", "s2:", "pmid:", "pmcid:", "acl:", "dblp:")
"""Prefixes of identifiers that a catalogue gives; keys of a person's own library are no evidence."""

MIN_FINGERPRINT = 150
"""Letters of an abstract below which it says nothing about identity ("No abstract available.")."""

MIN_PREFIX = 120

_ALL_PAIRS = 40
_WINDOW = 6
_NO_LETTERS = dict.fromkeys(code for code in range(128) if not chr(code).isalnum())
_DIGITS = re.compile(r"\d+")
_WORDS = re.compile(r"\w+")


def deduplicate(papers: Iterable[Paper]) -> tuple[Paper, ...]:
    """Return each paper once, sorted by id, with the metadata of all records of it.

    Two records are the same paper if their titles are equal up to case, punctuation and LaTeX markup; or if their
    titles are alike and they share the abstract, its beginning, or an identifier. An identifier alone is no proof:
    in real dumps it is not always unique. Titles that differ in a number ("Part 1", "Part 2") are different.
    """
    found = [_Record(paper) for paper in papers]
    while True:
        joined = _round(found)
        if len(joined) == len(found):
            return tuple(sorted((record.paper for record in joined), key=_order))
        found = joined


def title_similarity(left: str, right: str) -> float:
    """Return the Dice coefficient of the character bigrams of two title keys, in [0, 1]. Symmetric.

    Dice, L. R. (1945), Measures of the amount of ecologic association between species. Ecology 26(3).
    """
    if left == right:
        return 1.0
    first, second = (Counter(key[i : i + 2] for i in range(len(key) - 1)) for key in (left, right))
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 0.0


class _Sets:
    """Disjoint sets of positions (union-find with path halving); the smallest position stands for its set."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, item: int) -> int:
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def union(self, left: int, right: int) -> None:
        left, right = self.find(left), self.find(right)
        if left != right:
            self._parent[max(left, right)] = min(left, right)


class _Record:
    """A paper with the keys under which it is compared; they are computed once, however many rounds there are."""

    __slots__ = ("key", "marks", "paper")

    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.key = _key(paper.title)
        self.marks = tuple(_marks(paper))


def _round(records: list[_Record]) -> list[_Record]:
    sets = _Sets(len(records))
    first: dict[str, int] = {}
    for position, record in enumerate(records):
        for key in (record.key, *map(_key, record.paper.variants)):
            sets.union(position, first.setdefault(key, position))
    blocks: dict[int, list[int]] = {}
    for position, record in enumerate(records):
        for mark in record.marks:
            blocks.setdefault(mark, []).append(position)
    for members in blocks.values():
        if len(members) > 1:
            for left, right in _candidates(members, records, sets):
                if _same(records[left], records[right]):
                    sets.union(left, right)
    groups: dict[int, list[_Record]] = {}
    for position, record in enumerate(records):
        groups.setdefault(sets.find(position), []).append(record)
    return [
        group[0] if len(group) == 1 else _Record(_merge([record.paper for record in group]))
        for group in groups.values()
    ]


def _candidates(members: list[int], records: list[_Record], sets: _Sets) -> Iterator[tuple[int, int]]:
    """Yield the pairs of a block: all of a small one, neighbours in the order of titles in a large one."""
    if len(members) <= _ALL_PAIRS:
        for index, left in enumerate(members):
            for right in members[index + 1 :]:
                if sets.find(left) != sets.find(right):
                    yield left, right
        return
    # Records with one title are joined already, so one of them stands for all.
    distinct: dict[str, int] = {}
    for position in members:
        known = distinct.setdefault(records[position].key, position)
        if _content(records[position].paper) < _content(records[known].paper):
            distinct[records[position].key] = position
    for ordered in (sorted(distinct), sorted(distinct, key=lambda key: key[::-1])):
        for index, key in enumerate(ordered):
            for other in ordered[index + 1 : index + 1 + _WINDOW]:
                if sets.find(distinct[key]) != sets.find(distinct[other]):
                    yield distinct[key], distinct[other]


def _content(paper: Paper) -> tuple[str, str, tuple[str, ...]]:
    return (paper.title, paper.abstract, paper.identifiers)


def _same(first: _Record, second: _Record) -> bool:
    """Whether two records that share a mark are one paper; the thresholds leave room for retitled versions only."""
    if _DIGITS.findall(first.key) != _DIGITS.findall(second.key):
        return False
    left, right = first.paper, second.paper
    likeness = title_similarity(first.key, second.key)
    shorter, longer = sorted((first.key, second.key), key=lambda key: (len(key), key))
    if len(shorter) >= 4 and longer.startswith(shorter):
        likeness = max(likeness, 0.6)  # one record lacks the subtitle
    if likeness < 0.5:
        return False
    texts = _plain(left.abstract), _plain(right.abstract)
    if min(map(len, texts)) < MIN_PREFIX:
        return likeness >= 0.85 and bool(_shared_identifiers(left, right))
    if texts[0] == texts[1] and len(texts[0]) >= MIN_FINGERPRINT:
        return True
    overlap = _overlap(left.abstract, right.abstract)
    return likeness >= 0.6 and overlap >= (0.5 if _shared_identifiers(left, right) else 0.7)


def _shared_identifiers(left: Paper, right: Paper) -> set[str]:
    return {name for name in set(left.identifiers) & set(right.identifiers) if name.startswith(GLOBAL_IDENTIFIERS)}


def _overlap(left: str, right: str) -> float:
    """Share of the words of the shorter text that the longer one has too."""
    first, second = (Counter(_WORDS.findall(text.casefold())) for text in (left, right))
    fewer = min(first.total(), second.total())
    return (first & second).total() / fewer if fewer else 0.0


def _key(title: str) -> str:
    return ids.title_key(title) or title


def _plain(text: str) -> str:
    """Return the letters and digits of ``text`` in lower case."""
    if text.isascii():
        return text.translate(_NO_LETTERS).casefold()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _marks(paper: Paper) -> Iterator[int]:
    """Yield short keys under which a record may meet another record of its paper."""
    plain = _plain(paper.abstract)
    if len(plain) >= MIN_PREFIX:
        yield _digest("prefix", plain[:MIN_PREFIX])
        yield _digest("suffix", plain[-MIN_PREFIX:])
    for name in paper.identifiers:
        if name.startswith(GLOBAL_IDENTIFIERS):
            yield _digest("identifier", name)


def _digest(kind: str, text: str) -> int:
    data = f"{kind} {text}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def _merge(group: list[Paper]) -> Paper:
    if len(group) == 1:
        return group[0]
    titles = {title for paper in group for title in (paper.title, *paper.variants)}
    title = min(titles, key=_title_rank)
    authors = min((paper.authors for paper in group), key=lambda names: (-len(names), -sum(map(len, names)), names))
    counts = [paper.author_count for paper in group if paper.author_count is not None]
    return Paper(
        title=title,
        abstract=min((paper.abstract for paper in group), key=lambda text: (-len(text), text)),
        authors=authors,
        author_count=max([*counts, len(authors)], default=None) or None,
        date=min((paper.date for paper in group if paper.date), key=_date_rank, default=None),
        identifiers=tuple(sorted({name for paper in group for name in paper.identifiers})),
        url=min((paper.url for paper in group if paper.url), key=_url_rank, default=None),
        venue=min((paper.venue for paper in group if paper.venue), key=_venue_rank, default=None),
        variants=tuple(sorted(titles - {title})),
        places=tuple(sorted({place for paper in group for place in paper.places})),
    )


def _title_rank(title: str) -> tuple[bool, bool, int, str]:
    """Prefer a title in mixed case, then one that still has its LaTeX, then the longest."""
    return (title.isupper() or title.islower(), "$" not in title and "\\" not in title, -len(title), title)


def _date_rank(date: str) -> tuple[int, str]:
    """Prefer the most precise date, then the earliest; a day without a year comes last."""
    return (99 if date.startswith("--") else -len(date), date)


def _url_rank(url: str) -> tuple[bool, bool, str]:
    return ("doi.org/" not in url, "arxiv.org/" not in url, url)


def _venue_rank(venue: str) -> tuple[bool, int, str]:
    return ("arxiv" in venue.casefold(), -len(venue), venue)


def _order(paper: Paper) -> tuple[str, str]:
    return (paper.id, paper.title)
