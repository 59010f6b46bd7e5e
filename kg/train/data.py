"""Training papers: read the gold files and align their items to candidate spans.

An item of the gold files has a name and aliases that are exact substrings of title or abstract; every whole-word
occurrence becomes a positive span that carries all roles of the item.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kg.extract.spans import Window, Word, candidate_spans, paper_words, windows

TYPES = ("method", "dataset", "hardware", "task")
ROLES = ("proposes", "buildsOn", "evaluatedOn", "trainedOn", "runsOn", "targets", "comparesTo")
LABELS = ("entity", *TYPES, *ROLES, "main")
HOW = {"evaluated-on": "evaluatedOn", "trained-on": "trainedOn", "builds-on": "buildsOn", "runs-on": "runsOn"}
RELATIONS = ("proposes", "uses", "targets", "compares_to")


@dataclass(frozen=True, slots=True)
class GoldItem:
    """One thing that a paper names: ``names`` (the name first), its type, its roles, whether one of them is a must."""

    names: tuple[str, ...]
    type: str
    roles: frozenset[str]
    must: bool


@dataclass(frozen=True, slots=True)
class GoldPaper:
    """An annotated paper; ``record`` is the gold object as read."""

    id: str
    title: str
    abstract: str
    items: tuple[GoldItem, ...]
    record: Mapping[str, Any] = field(repr=False, hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class Example:
    """One window of a paper with its candidate spans.

    Shapes: ``starts``, ``ends`` (S,) word positions within the window, ``labels`` (S, len(LABELS)) of 0 and 1,
    ``weights`` (S, len(LABELS)), 0 where the gold says nothing.
    """

    paper: int
    window: Window
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    labels: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]


def read_gold(path: Path) -> list[GoldPaper]:
    """Read a gold file whose objects carry ``title`` and ``abstract``.

    Raises:
        ValueError: a line is no such object; the message names the file and line.
    """
    out = []
    with path.open(encoding="utf8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                out.append(gold_paper(record))
            except (ValueError, KeyError, TypeError) as e:
                raise ValueError(f"{path}, line {number}: not an annotated paper with text ({e!r})") from e
    return out


def gold_paper(record: Mapping[str, Any]) -> GoldPaper:
    """Turn one gold object into items; the same names under several relations become one item with several roles."""
    merged: dict[tuple[str, str], tuple[list[str], set[str], bool]] = {}
    for relation in RELATIONS:
        for item in record.get(relation, ()):
            role = {"uses": HOW.get(item.get("how", ""), "buildsOn"), "compares_to": "comparesTo"}.get(
                relation, relation
            )
            key = (item["name"], item["type"])
            names, roles, must = merged.setdefault(key, ([], set(), False))
            names += [n for n in (item["name"], *item.get("aliases", ())) if n and n not in names]
            roles.add(role)
            merged[key] = (names, roles, must or item["need"] == "must")
    items = tuple(GoldItem(tuple(n), key[1], frozenset(r), m) for key, (n, r, m) in merged.items())
    return GoldPaper(str(record["id"]), record["title"], record["abstract"], items, record)


def fold_case(name: str) -> str:
    """Return the form under which two surface forms of one paper count as the same (case and hyphens)."""
    return re.sub(r"[\s\-_/]+", "", unicodedata.normalize("NFKC", name).casefold())


def align(paper: GoldPaper, words: Sequence[Word], spans: Sequence[tuple[int, int]]) -> tuple[Any, Any]:
    """Label the candidate spans of a paper.

    A name matches the words it is written with; names of five letters or more match whatever their case.  Inside one
    item the longest match wins and the shorter ones within it are left unsaid (weight 0), since either would be right.

    Returns:
        labels and weights, float32 arrays of shape (len(spans), len(LABELS)).
    """
    place = {s: k for k, s in enumerate(spans)}
    labels = np.zeros((len(spans), len(LABELS)), dtype=np.float32)
    weights = np.ones_like(labels)
    exact: dict[str, list[tuple[int, int]]] = {}
    folded: dict[str, list[tuple[int, int]]] = {}
    texts = {"title": paper.title, "abstract": paper.abstract}
    for i, j in spans:
        surface = texts[words[i].section][words[i].start : words[j].end]
        exact.setdefault(surface, []).append((i, j))
        folded.setdefault(fold_case(surface), []).append((i, j))
    unsaid: list[int] = []
    for item in paper.items:
        found: set[tuple[int, int]] = set()
        for name in item.names:
            found.update(exact.get(name, ()))
            if len(fold_case(name)) >= 5:
                found.update(folded.get(fold_case(name), ()))
        for i, j in found:
            if any((a, b) != (i, j) and a <= i and j <= b for a, b in found):
                unsaid.append(place[i, j])
                continue
            row = labels[place[i, j]]
            row[0] = 1
            row[1 + TYPES.index(item.type)] = 1
            for role in item.roles:
                row[1 + len(TYPES) + ROLES.index(role)] = 1
            row[-1] = max(row[-1], float(item.must))
    for k in unsaid:
        if not labels[k, 0]:
            weights[k] = 0
    return labels, weights


def examples(papers: Iterable[GoldPaper], encode: Any, *, cls: int, sep: int, unk: int) -> Iterator[Example]:
    """Yield the windows of annotated papers with labelled candidates.

    ``encode`` maps a list of words to a ``tokenizers.Encoding`` without special tokens.
    """
    for number, paper in enumerate(papers):
        words = paper_words(paper.title, paper.abstract)
        spans = list(candidate_spans(words))
        labels, weights = align(paper, words, spans)
        for window in windows(words, encode([w.text for w in words]), cls=cls, sep=sep, unk=unk):
            local = {int(w): k for k, w in enumerate(window.words)}
            inside = [k for k, (i, j) in enumerate(spans) if i in local and j in local]
            if not inside:
                continue
            starts = np.array([local[spans[k][0]] for k in inside])
            ends = np.array([local[spans[k][1]] for k in inside])
            yield Example(number, window, starts, ends, labels[inside], weights[inside])
