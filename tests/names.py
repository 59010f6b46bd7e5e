"""The hand-made pairs of names, and how the resolver is asked about one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kg.model import EntityType, Evidence, Extraction, LocalEntity, Paper
from kg.resolve import resolve
from kg.text import name_key
from kg.vocabulary import Gazetteer

PAIRS = Path(__file__).resolve().parent / "cases" / "names" / "pairs.tsv"


@dataclass(frozen=True)
class Pair:
    """One line of the list; the columns are explained at its top."""

    line: int
    verdict: str
    kind: str
    types: tuple[EntityType, EntityType]
    left: str
    right: str
    how: str
    known: str

    @property
    def half(self) -> str:
        """Which half of the list: rules may be tuned on ``tune``, ``held`` is only measured."""
        return "tune" if hashlib.sha256(f"{self.left}\t{self.right}".encode()).digest()[0] % 2 else "held"

    def __str__(self) -> str:
        return f"{self.verdict}: {self.left} | {self.right} ({self.kind}, {self.how})"


def read_pairs(path: Path = PAIRS) -> tuple[Pair, ...]:
    """Read the list.

    Raises:
        ValueError: a line has another number of columns, or an unknown verdict, type or way.
    """
    return tuple(_pairs(path))


def _pairs(path: Path) -> Iterator[Pair]:
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line or line.startswith(("#", "verdict\t")):
            continue
        cells = line.split("\t")
        if (
            len(cells) != 7
            or cells[0] not in ("same", "different")
            or cells[5] not in ("alone", "defined", "both-defined")
        ):
            raise ValueError(f"{path.name}:{number}: not a pair of names: {line!r}")
        first, _, second = cells[2].partition("|")
        types = (EntityType(first), EntityType(second or first))
        yield Pair(number, cells[0], cells[1], types, cells[3], cells[4], cells[5], cells[6])


def paper_with(
    title: str, type_: EntityType, name: str, definition: tuple[str, str] | None = None
) -> tuple[Paper, Extraction]:
    """Return a paper that names one thing, with a definition (short, long) of it if given."""
    names = definition or (name,)
    text = f"{definition[1]} ({definition[0]})" if definition else name
    paper = Paper(title=title, abstract=text)
    mentions = tuple(
        Evidence(paper.id, "abstract", at, at + len(n), n, text, 0) for n in names for at in [text.index(n)]
    )
    entity = LocalEntity(name_key(names[0]), type_, names, mentions, 0.9, pairs=(definition,) if definition else ())
    return paper, Extraction(paper.id, (entity,))


def papers_of(pair: Pair) -> list[tuple[Paper, Extraction]]:
    """Return the papers in which the names of the pair stand; first of the left, then of the right."""
    left, right = pair.types
    if pair.how == "both-defined":
        return [
            paper_with("First", left, pair.left, split_definition(pair.left)),
            paper_with("Second", right, pair.right, split_definition(pair.right)),
        ]
    papers = [paper_with("First", left, pair.left), paper_with("Second", right, pair.right)]
    if pair.how == "defined":
        papers.append(paper_with("Third", left, pair.left, (pair.right, pair.left)))
    return papers


def split_definition(text: str) -> tuple[str, str]:
    """Return (short, long) of ``Full Name (ABBR)``."""
    long_, _, short = text.rstrip(")").rpartition(" (")
    return short, long_


def merged(pair: Pair, gazetteer: Gazetteer) -> bool:
    """Tell whether the resolver gives both names of the pair one node."""
    things = papers_of(pair)
    graph = resolve([p for p, _ in things], [e for _, e in things], gazetteer)
    nodes = [{x.id for x in graph.entities if paper.id in x.papers} for paper, _ in things]
    assert all(len(n) == 1 for n in nodes)
    return all(n == nodes[0] for n in nodes)
