"""Resolution of many papers as a grouped reduction, by whatever engine does the work.

Workers turn papers into rows and write them by shard, a range of what rows are sorted by; then each shard is reduced to
the claims, or results, of its range. The shards one after the other are the table, in its order. (J. Dean and S.
Ghemawat, MapReduce, 2004; the ranges are those of their sorting example.)
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from kg.engine import Engine
from kg.model import Claim, Relation, Result, Stated
from kg.resolve.alone import Alone
from kg.resolve.outline import Named, Outline
from kg.resolve.rows import (
    Said,
    Thing,
    claims,
    dump_claim,
    dump_result,
    dump_said,
    load_claim,
    load_result,
    load_said,
    results,
    rows_of,
)
from kg.spool import Frames, Scratch, Table, append_frames, new_file, read_frames, write_frames

T = TypeVar("T")

SHARD = 100_000
"""Rows of a shard, about: they are sorted in memory."""

PAPERS = 2048
"""Papers of a piece of work at most, about: their texts are sent to a worker."""


class Piece(Protocol):
    """Some papers, each of them once, and what they state; small, for it is sent to workers."""

    @property
    def papers(self) -> Sequence[str]:
        """Ids of the papers, in the order of the outline."""

    def outline(self, alone: Alone) -> Outline: ...

    def stated(self) -> Iterable[Stated]:
        """What each of the papers states, in the order of the outline."""


class Share(NamedTuple):
    """A piece with its outline and the nodes of that one's shapes."""

    piece: Piece
    named: Sequence[Named]
    things: Sequence[Thing]


class Made(NamedTuple):
    """Rows by shard, and the ids of what papers compare with."""

    said: tuple[Frames, ...]
    reported: tuple[Frames, ...]
    compared: frozenset[str]


class Cuts(NamedTuple):
    """Where the ranges of shards end: those of claims by subject, those of results by paper."""

    subjects: tuple[str, ...]
    papers: tuple[str, ...]


def compared(said: Iterable[Said]) -> Iterator[str]:
    """Yield the ids of what rows compare something with."""
    return (row.object for row in said if row.relation == Relation.COMPARES_TO)


def rows(share: Share) -> tuple[list[Said], list[Result]]:
    """Return the rows of the papers of a share."""
    said: list[Said] = []
    reported: list[Result] = []
    for stated, named in zip(share.piece.stated(), share.named, strict=True):
        some, more = rows_of(stated, named, share.things)
        said += some
        reported += more
    return said, reported


def cut(values: Iterable[str], shards: int) -> tuple[str, ...]:
    """Return where to cut sorted values into ranges that hold as many each, about."""
    ordered = sorted(values)
    return tuple(ordered[len(ordered) * n // shards] for n in range(1, shards)) if ordered else ()


def map_and_reduce(
    shares: Iterable[Sequence[Share]], count: int, cuts: Cuts, engine: Engine, folder: Path | None
) -> tuple[Table[Claim], Table[Result], set[str]]:
    """Return claims, results and the ids of baselines.

    Args:
        shares: ``count`` groups of shares; each is a piece of work.
        folder: where files go; an engine's workers must find them under the same path.

    Raises:
        OSError: files cannot be written or read.
        KGError: the engine fails.
    """
    scratch = Scratch(folder)
    made: list[Made] = list(engine.map(partial(write_rows, folder=scratch.path, cuts=cuts), shares, count))
    # A table is read in the order of its shards, whoever was ready first.
    jobs = [
        (kind, shard, [getattr(some, kind)[shard] for some in made])
        for kind, bounds in (("said", cuts.subjects), ("reported", cuts.papers))
        for shard in range(len(bounds) + 1)
    ]
    found = {
        (kind, shard): frames
        for kind, shard, frames in engine.map(partial(reduce_shard, folder=scratch.path), jobs, len(jobs))
    }
    tables = [[found[kind, shard] for kind, shard, _ in jobs if kind == wanted] for wanted in ("said", "reported")]
    everything = set().union(*(some.compared for some in made))
    return Table(tables[0], load_claim, scratch), Table(tables[1], load_result, scratch), everything


def write_rows(shares: Sequence[Share], *, folder: Path, cuts: Cuts) -> Made:
    """Write the rows of papers by shard to one file of ``folder``: what a worker does first."""
    by_subject: list[list[Said]] = [[] for _ in range(len(cuts.subjects) + 1)]
    by_paper: list[list[Result]] = [[] for _ in range(len(cuts.papers) + 1)]
    baselines: set[str] = set()
    for share in shares:
        said, reported = rows(share)
        baselines.update(compared(said))
        sort_out(said, attrgetter("subject"), cuts.subjects, by_subject)
        sort_out(reported, attrgetter("paper"), cuts.papers, by_paper)
    stream, path = new_file(folder)
    with stream:
        return Made(
            tuple(append_frames(map(dump_said, some), stream, path) for some in by_subject),
            tuple(append_frames(map(dump_result, some), stream, path) for some in by_paper),
            frozenset(baselines),
        )


def sort_out(items: Iterable[T], key: Callable[[T], str], cuts: Sequence[str], into: list[list[T]]) -> None:
    """Put each item into the list of the range in which its key falls."""
    for item in items:
        into[bisect_right(cuts, key(item))].append(item)


def reduce_shard(job: tuple[str, int, Sequence[Frames]], *, folder: Path) -> tuple[str, int, Frames]:
    """Write what the rows of one shard make to a file of ``folder``: what a worker does then."""
    kind, shard, parts = job
    plain: Iterator[Any] = (row for part in parts for row in read_frames(part))
    if kind == "said":
        return kind, shard, write_frames(map(dump_claim, claims(map(load_said, plain))), folder)
    return kind, shard, write_frames(map(dump_result, results(map(load_result, plain))), folder)
