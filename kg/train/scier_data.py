"""Read SciER: sentences with mentions as strings (train) or as token spans (dev)."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RELATIONS = (
    "Part-Of",
    "SubClass-Of",
    "SubTask-Of",
    "Benchmark-For",
    "Trained-With",
    "Evaluated-With",
    "Synonym-Of",
    "Used-For",
    "Compare-With",
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence; ``mentions`` are (first token, last token, type), ``relations`` (head, label, tail) by mention index.

    ``unsure`` spans have the text of a mention where the data does not tell which occurrence is meant.
    """

    tokens: tuple[str, ...]
    mentions: tuple[tuple[int, int, str], ...]
    relations: tuple[tuple[int, str, int], ...] = ()
    unsure: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The annotated sentences of a paper, in the order of the file."""

    id: str
    sentences: tuple[Sentence, ...]


def read_strings(path: Path) -> list[Document]:
    """Read a file of sentences whose mentions are strings, and find them in the tokens."""
    grouped: dict[str, list[Sentence]] = {}
    for record in _records(path):
        grouped.setdefault(str(record["doc_id"]), []).append(locate(record))
    return [Document(name, tuple(sentences)) for name, sentences in grouped.items()]


def read_spans(path: Path) -> list[Document]:
    """Read a file of documents whose mentions are token spans."""
    out = []
    for record in _records(path):
        sentences, at = [], 0
        for tokens, ner, relations in zip(record["sentences"], record["ner"], record["relations"], strict=True):
            place = {(i, j): k for k, (i, j, _) in enumerate(ner)}
            sentences.append(
                Sentence(
                    tuple(tokens),
                    tuple((i - at, j - at, kind) for i, j, kind in ner),
                    tuple((place[a, b], label, place[c, d]) for a, b, c, d, label in relations),
                )
            )
            at += len(tokens)
        out.append(Document(str(record["doc_id"]), tuple(sentences)))
    return out


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf8") as lines:
        for line in lines:
            yield json.loads(line)


def locate(record: Mapping[str, Any]) -> Sentence:
    """Find mention strings in the tokens of ``record["sentence"]``.

    Mentions of a sentence do not overlap, so longer ones take their tokens first.  A string that occurs as often as it
    is annotated is certain; of one that occurs more often the first occurrences are taken and the others are unsure.
    A relation joins the occurrences that are nearest to each other.
    """
    tokens = tuple(record["sentence"].split())
    wanted = Counter((tuple(text.split()), kind) for text, kind in record["ner"])
    taken = [False] * len(tokens)
    mentions: list[tuple[int, int, str]] = []
    unsure: list[tuple[int, int]] = []
    for (name, kind), count in sorted(wanted.items(), key=lambda item: (-len(item[0][0]), item[0])):
        size = len(name)
        places = [
            i for i in range(len(tokens) - size + 1) if tokens[i : i + size] == name and not any(taken[i : i + size])
        ]
        for n, i in enumerate(places):
            taken[i : i + size] = [True] * size
            if n < count:
                mentions.append((i, i + size - 1, kind))
            else:
                unsure.append((i, i + size - 1))
    mentions.sort()
    by_name: dict[tuple[str, str], list[int]] = {}
    for k, (i, j, kind) in enumerate(mentions):
        by_name.setdefault((" ".join(tokens[i : j + 1]), kind), []).append(k)
    found = []
    for (head, label, tail), _ in _counted(record["rel_plus"]):
        heads, tails = (by_name.get(_name_and_type(side), []) for side in (head, tail))
        options = [(abs(mentions[a][0] - mentions[b][0]), a, b) for a in heads for b in tails if a != b]
        if options:
            _, a, b = min(options)
            found.append((a, label, b))
    return Sentence(tokens, tuple(mentions), tuple(found), tuple(sorted(unsure)))


def _counted(relations: Iterable[Iterable[str]]) -> list[tuple[tuple[str, ...], int]]:
    return list(Counter(tuple(r) for r in relations).items())


def _name_and_type(text: str) -> tuple[str, str]:
    name, _, kind = text.rpartition(":")
    return " ".join(name.split()), kind
