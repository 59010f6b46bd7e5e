"""Resolution: one node for one thing over all papers, and the graph that follows from it.

1. The outline of some papers: what they name (:mod:`kg.resolve.outline`), each worker for its own.
2. The nodes under which all that goes (:mod:`kg.resolve.nodes`), in one place.
3. Rows: what the papers state about these nodes, and the claims and results that rows make (:mod:`kg.resolve.rows`);
   for many papers as a grouped reduction (:mod:`kg.resolve.spread`), else in memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from kg.engine import Engine, local
from kg.model import Claim, Extraction, KnowledgeGraph, LocalResult, Paper, Result, Stated
from kg.resolve.alone import Alone
from kg.resolve.names import Names
from kg.resolve.nodes import Nodes, counted, find_nodes
from kg.resolve.outline import Outline, outline
from kg.resolve.overrides import Overrides, read_overrides
from kg.resolve.rows import Said, claims, results
from kg.resolve.spread import PAPERS, SHARD, Cuts, Piece, Share, compared, cut, map_and_reduce, rows
from kg.vocabulary import Gazetteer

__all__ = ["Overrides", "Piece", "join", "read_overrides", "resolve"]

LIMIT = 400_000
"""Claims and results of papers that are held in memory; those of more papers lie on disk."""

KEPT = 50_000
"""Papers whose outlines are kept in memory, some 2 kB each."""

SAMPLE = 500
"""Pieces that tell how rows lie."""


def resolve(
    papers: Sequence[Paper],
    extractions: Iterable[Extraction],
    gazetteer: Gazetteer,
    overrides: Overrides | None = None,
) -> KnowledgeGraph:
    """Join the extractions of ``papers`` to one graph; their order does not matter, what is given twice counts once."""
    return join(papers, [_Listed(_ordered(extractions))], gazetteer, overrides)


def join(
    papers: Sequence[Paper],
    pieces: Sequence[Piece],
    gazetteer: Gazetteer,
    overrides: Overrides | None = None,
    *,
    folder: Path | None = None,
    limit: int | None = None,
    engine: Engine | None = None,
) -> KnowledgeGraph:
    """Join what papers state to one graph, in memory that grows with the number of names, not of sentences.

    Args:
        pieces: what the papers state.
        folder: where claims and results go that are more than ``limit`` (default :data:`LIMIT`).
        engine: who makes these (default: this process); one whose workers are elsewhere makes all,
            through files of ``folder``.

    Raises:
        OSError: files cannot be written or read.
        KGError: the engine fails.
    """
    overrides, engine = overrides or Overrides(), engine or local(1)
    outlines = _Outlines(pieces, Alone(gazetteer))
    names = Names(counted(made for made, _ in outlines), outlines.alone, overrides)
    nodes = find_nodes(outlines, names, overrides)
    del names
    merges = tuple(sorted(nodes.merges()))
    made: tuple[Collection[Claim], Collection[Result], set[str]]
    if engine.apart or not outlines.kept or outlines.rows() > (LIMIT if limit is None else limit):
        groups = _groups(pieces)
        shares = ([_share(pieces, outlines, nodes, place) for place in group] for group in groups)
        made = map_and_reduce(shares, len(groups), _cuts(outlines, nodes, engine), engine, folder)
    else:
        made = _in_memory(_share(pieces, outlines, nodes, place) for place in range(len(pieces)))
    return KnowledgeGraph(
        papers=tuple(sorted(papers, key=lambda p: p.id)),
        entities=tuple(nodes.entities(made[2])),
        claims=made[0],
        results=made[1],
        merges=merges,
    )


class _Outlines(Sequence[tuple[Outline, Sequence[str]]]):
    """The outlines of pieces with the ids of their papers; those of a graph of moderate size are read but once."""

    def __init__(self, pieces: Sequence[Piece], alone: Alone) -> None:
        self.alone = alone
        self._pieces = pieces
        self._found: dict[int, Outline] = {}
        self.kept = sum(len(piece.papers) for piece in pieces) <= KEPT

    def __len__(self) -> int:
        return len(self._pieces)

    def __getitem__(self, place: Any) -> Any:
        piece = self._pieces[place]
        made = self._found.get(place)
        if made is None:
            made = piece.outline(self.alone)
            if self.kept:
                self._found[place] = made
        return made, piece.papers

    def rows(self) -> int:
        """Return the number of claims or of results of all papers, whichever are more."""
        papers = [named for made, _ in self for named in made.papers]
        return max(sum(named.claims for named in papers), sum(named.results for named in papers))


@dataclass(frozen=True, slots=True)
class _Listed:
    """Extractions at hand."""

    extractions: Sequence[Extraction]

    @property
    def papers(self) -> Sequence[str]:
        return [e.paper for e in self.extractions]

    def outline(self, alone: Alone) -> Outline:
        return outline(((stated.paper, stated) for stated in self.stated()), alone)

    def stated(self) -> Iterator[Stated]:
        for e in self.extractions:
            yield Stated(
                e.paper,
                [(x.ref, (x.type.value, x.names, x.pairs), x.confidence) for x in e.entities],
                [(c.relation.value, c.object, c.confidence, c.evidence) for c in e.claims],
                [tuple(getattr(r, name) for name in _FIELDS) for r in e.results],
                e.headline,
            )


_FIELDS = tuple(field.name for field in fields(LocalResult))


def _ordered(extractions: Iterable[Extraction]) -> list[Extraction]:
    """Sort by paper; two unlike extractions of one paper (records with one title) by content, equal ones count once."""
    by_paper: dict[str, dict[Extraction, None]] = defaultdict(dict)
    for e in extractions:
        by_paper[e.paper][e] = None
    return [e for _, same in sorted(by_paper.items()) for e in (sorted(same, key=repr) if len(same) > 1 else same)]


def _share(pieces: Sequence[Piece], outlines: _Outlines, nodes: Nodes, place: int) -> Share:
    things = [(nodes.wheres[number][0], nodes.identity[number]) for number in nodes.shapes[place]]
    return Share(pieces[place], outlines[place][0].papers, things)


def _in_memory(shares: Iterable[Share]) -> tuple[tuple[Claim, ...], tuple[Result, ...], set[str]]:
    said: list[Said] = []
    reported: list[Result] = []
    for share in shares:
        some, more = rows(share)
        said += some
        reported += more
    return tuple(claims(said)), tuple(results(reported)), set(compared(said))


def _groups(pieces: Sequence[Piece]) -> list[list[int]]:
    """Return the places of pieces that one worker takes at a time."""
    groups: list[list[int]] = []
    size = PAPERS
    for place, piece in enumerate(pieces):
        if size >= PAPERS:
            groups.append([])
            size = 0
        groups[-1].append(place)
        size += len(piece.papers)
    return groups


def _cuts(outlines: _Outlines, nodes: Nodes, engine: Engine) -> Cuts:
    """Return where to cut claims and results into shards, from what a sample of the pieces holds."""
    places = range(0, len(outlines), max(1, len(outlines) // SAMPLE))
    papers: list[str] = []
    subjects: list[str] = []
    rows = 0
    for place in places:
        made, ids = outlines[place]
        papers += ids
        for named, paper in zip(made.papers, ids, strict=True):
            rows += named.claims
            if named.headline < 0:
                subjects.append(paper)
            else:
                subjects.append(nodes.identity[nodes.shapes[place][named.entities[named.headline]]])
    shards = max(engine.workers, -(-rows * len(outlines) // max(1, len(places)) // SHARD))
    # A paper is the subject of what it proposes, and its headline of the rest.
    return Cuts(cut([*subjects, *papers[::4]], shards), cut(papers, shards))
