"""How well the extractor and its tagger do on public benchmarks, beside published figures.

    python benchmarks/extraction.py [--data ../shared] [--skip gold] [--scier-model DIR | --train-scier DIR]

Prints one Markdown table. A benchmark whose data or model is absent is left out with a reason on stderr.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Threads of linear algebra that wait for each other are slower than one where other programs run.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from kg.errors import InputError
from kg.extract.pipeline import shipped
from kg.extract.tagger import SpanScore, SpanTagger

ROOT = Path(__file__).resolve().parents[1]
SCIREX_TYPES = {"Method": "method", "Material": "dataset", "Task": "task"}
TDMSCI_TYPES = {"TASK": "task", "DATASET": "dataset"}
TUNING_DOCUMENTS = 12
FIFTH = 5
GRID = tuple(round(0.1 + 0.05 * k, 2) for k in range(18))

Span = tuple[int, int, str]
"""Offsets of the first character and behind the last one, and the type."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; ``published`` and ``source`` say what others reached, by which paper."""

    benchmark: str
    system: str
    measure: str
    ours: str
    published: str = "–"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its annotated spans."""

    text: str
    spans: frozenset[Span]


@dataclass(slots=True)
class Tally:
    """Predicted and gold spans, and how many of each are matched."""

    predicted: int = 0
    gold: int = 0
    right: int = 0
    recalled: int = 0

    def add(self, predicted: Iterable[Span], gold: Iterable[Span], match: Callable[[Span, Span], bool]) -> None:
        """Add the spans of a text."""
        ours, theirs = set(predicted), set(gold)
        self.predicted += len(ours)
        self.gold += len(theirs)
        self.right += sum(any(match(a, b) for b in theirs) for a in ours)
        self.recalled += sum(any(match(a, b) for a in ours) for b in theirs)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0..1."""
        precision = self.right / self.predicted if self.predicted else 0.0
        recall = self.recalled / self.gold if self.gold else 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def __str__(self) -> str:
        precision = self.right / self.predicted if self.predicted else 0.0
        recall = self.recalled / self.gold if self.gold else 0.0
        return f"{self.f1:.3f} (P {precision:.3f}, R {recall:.3f})"


def exact(a: Span, b: Span) -> bool:
    """Tell whether two spans have the same bounds and type."""
    return a == b


def overlap(a: Span, b: Span) -> bool:
    """Tell whether two spans of the same type share a character."""
    return a[2] == b[2] and a[0] < b[1] and b[0] < a[1]


def join_tokens(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Write tokens as text, without the spaces that tokenisers put around marks, and return the tokens' offsets.

    >>> join_tokens(["a", "state", "-", "of", "-", "the", "-", "art", "model", "(", "CNN", ")", "."])[0]
    'a state-of-the-art model (CNN).'
    """
    text, places = "", []
    for k, token in enumerate(tokens):
        before = tokens[k - 1] if k else ""
        if text and token[:1] not in "-/.,;:)]%'" and before not in ("-", "/", "(", "["):
            text += " "
        places.append((len(text), len(text) + len(token)))
        text += token
    return text, places


def read_scirex(path: Path, types: Mapping[str, str] = SCIREX_TYPES) -> Iterator[list[Text]]:
    """Yield the sections of each document of a SciREX file; mentions are found by token offsets."""
    with gzip.open(path, "rt", encoding="utf8") as lines:
        for line in lines:
            document = json.loads(line)
            sections = []
            for start, end in document["sections"]:
                text, places = join_tokens(document["words"][start:end])
                spans = frozenset(
                    (places[a - start][0], places[b - 1 - start][1], types[kind])
                    for a, b, kind in document["ner"]
                    if kind in types and start <= a < b <= end
                )
                sections.append(Text(text, spans))
            yield sections


def read_tdmsci(path: Path, types: Mapping[str, str] = TDMSCI_TYPES) -> Iterator[Text]:
    """Yield the sentences of a TDMSci file: a token, its offset in the paper and its BIO tag a line."""
    tokens: list[tuple[str, int, str]] = []
    with gzip.open(path, "rt", encoding="utf8") as lines:
        for line in [*lines, ""]:
            parts = line.rstrip("\n").split("\t")
            if len(parts) >= 3:
                tokens.append((parts[0], int(parts[1]), parts[2]))
            elif tokens:
                yield _sentence(tokens, types)
                tokens = []


def _sentence(tokens: Sequence[tuple[str, int, str]], types: Mapping[str, str]) -> Text:
    text, spans = "", []
    begun: tuple[int, str] | None = None
    end = 0
    for token, offset, tag in tokens:
        if begun and tag != f"I-{begun[1]}":
            spans.append((begun[0], end, begun[1]))
            begun = None
        # Offsets restore the spacing; where they jump (a figure was cut out) one space is enough.
        text += " " if text and offset - tokens[0][1] != len(text) else ""
        if tag != "O" and not begun:
            begun = (len(text), tag[2:])
        text += token
        end = len(text)
    if begun:
        spans.append((begun[0], end, begun[1]))
    return Text(text, frozenset((a, b, types[kind]) for a, b, kind in spans if kind in types))


def held_out(text: str) -> bool:
    """Tell whether a sentence belongs to the fifth that is measured; it depends on the sentence alone."""
    return hashlib.sha256(text.encode()).digest()[0] % FIFTH == 0


def choose(scored: Iterable[SpanScore], threshold: float, types: Iterable[str]) -> list[Span]:
    """Return the spans of the wanted types from the most certain down that overlap no more certain one."""
    wanted, kept = set(types), list[Span]()
    for s in sorted(scored, key=lambda s: (-s.entity, s.start, s.end)):
        if s.entity < threshold:
            break
        if all(s.end <= a or b <= s.start for a, b, _ in kept):
            kept.append((s.start, s.end, s.type))
    return [k for k in kept if k[2] in wanted]


@dataclass(slots=True)
class Scored:
    """Texts with the tagger's spans."""

    texts: list[Text] = field(default_factory=list)
    spans: list[list[SpanScore]] = field(default_factory=list)

    def tag(self, tagger: SpanTagger, text: Text) -> None:
        """Read a text, which stands alone, as an abstract without a title."""
        self.texts.append(text)
        self.spans.append([s for s in tagger.tag("", text.text, floor=GRID[0]) if s.entity >= GRID[0]])

    def tally(self, threshold: float, types: Iterable[str], match: Callable[[Span, Span], bool]) -> Tally:
        """Compare with the annotation."""
        out = Tally()
        for text, spans in zip(self.texts, self.spans, strict=True):
            out.add(choose(spans, threshold, types), text.spans, match)
        return out

    def best_threshold(self, types: Iterable[str]) -> float:
        """Return the threshold of :data:`GRID` with the highest exact F1."""
        kinds = tuple(types)
        return max(GRID, key=lambda t: self.tally(t, kinds, exact).f1)


def mention_rows(name: str, train: Scored, test: Scored, types: Mapping[str, str], published: str) -> list[Row]:
    """Measure the tagger; only the threshold comes from ``train``."""
    kinds = sorted(set(types.values()))
    threshold = train.best_threshold(kinds)
    system = f"shipped tagger, zero-shot, threshold {threshold} from train"
    rows = [
        Row(
            name,
            system,
            f"mention F1, {label}",
            str(test.tally(threshold, kinds, match)),
            *PUBLISHED.get(published, ()),
        )
        for label, match in (("exact span and type", exact), ("overlap and type", overlap))
    ]
    for kind in kinds:
        only = Scored([Text(t.text, frozenset(s for s in t.spans if s[2] == kind)) for t in test.texts], test.spans)
        rows.append(Row(name, system, f"{kind}, exact", str(only.tally(threshold, [kind], exact))))
    return rows
