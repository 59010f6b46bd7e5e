"""What a method builds on and what builds on it, over papers and time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx

from kg.analysis.common import PAPER, Quote, Statement, Thing, holders, resolve, statements, things
from kg.model import Relation
from kg.ontology import PROPERTIES
from kg.store import OpenGraph

DEPTH, LIMIT = 2, 12
"""Steps in either direction, and things shown at each step of one thing, unless other numbers are asked for."""


@dataclass(frozen=True, slots=True)
class Step:
    """``child`` builds on ``parent``, as ``quotes`` say. ``depth`` counts from the thing asked for, from 1."""

    child: Thing
    parent: Thing
    depth: int
    confidence: float
    quotes: tuple[Quote, ...]

    @property
    def papers(self) -> int:
        """How many papers say so."""
        return len({quote.paper.iri for quote in self.quotes})


@dataclass(frozen=True, slots=True)
class Lineage:
    """The lineage of ``thing``, a method or a paper (then ``proposes`` is what it proposes).

    ``origins`` are the papers that propose a thing by its IRI, the earliest first, and give it its year. ``hidden``
    counts the further children (``True``) or parents (``False``) of a thing that the limit left out. ``circles`` are
    sets of things each of which builds on itself by way of the others.
    """

    thing: Thing
    proposes: tuple[Thing, ...]
    ancestors: tuple[Step, ...]
    descendants: tuple[Step, ...]
    origins: tuple[tuple[Thing, tuple[Thing, ...]], ...]
    hidden: tuple[tuple[Thing, bool, int], ...]
    circles: tuple[tuple[Thing, ...], ...]
    depth: int

    def year(self, thing: Thing) -> int | None:
        """Return the year of a paper, or of the earliest paper that proposes a method; None if it is not known."""
        if thing.kind == PAPER:
            return thing.year
        papers = dict(self.origins).get(thing, ())
        return min((paper.year for paper in papers if paper.year is not None), default=None)

    @property
    def things(self) -> tuple[Thing, ...]:
        """All things of the lineage, sorted."""
        ends = {end for step in (*self.ancestors, *self.descendants) for end in (step.child, step.parent)}
        return tuple(sorted({self.thing, *ends}))


def lineage(opened: OpenGraph, name: str, *, depth: int = DEPTH, limit: int = LIMIT) -> Lineage:
    """Return what a method or paper builds on and what builds on it.

    Args:
        opened: the graph.
        name: any name of a method, dataset or piece of hardware, or a title.
        depth: steps in either direction.
        limit: things kept at each step of one thing, those stated by most papers first; all for 0.

    Raises:
        InputError: nothing has such a name, or it is a task or a metric, which nothing builds on.
    """
    root = resolve(opened, name, ("Method", PAPER, "Dataset", "Hardware"))
    proposed: tuple[Thing, ...] = ()
    if root.kind == PAPER:
        proposed = tuple(s.object for s in statements(opened, subjects=[root.iri], relations=["proposes"]))
    hidden: dict[tuple[Thing, bool], int] = {}
    up = _walk(opened, root, proposed, depth, limit, hidden, down=False)
    down = _walk(opened, root, proposed, depth, limit, hidden, down=True)
    held = sorted({root, *proposed, *(end for step in (*up, *down) for end in (step.child, step.parent))})
    return Lineage(
        root,
        proposed,
        tuple(up),
        tuple(down),
        tuple((thing, _origins(opened, thing)) for thing in held if thing.kind != PAPER),
        tuple((thing, downwards, count) for (thing, downwards), count in sorted(hidden.items())),
        tuple(_circles((*up, *down))),
        depth,
    )


def _walk(
    opened: OpenGraph,
    root: Thing,
    proposed: Sequence[Thing],
    depth: int,
    limit: int,
    hidden: dict[tuple[Thing, bool], int],
    *,
    down: bool,
) -> list[Step]:
    """Return steps in one direction, level by level; each thing is expanded once, so circles end."""
    found: list[Step] = []
    seen = {root.iri}
    frontier = [root]
    for level in range(1, depth + 1):
        following: list[Thing] = []
        for thing in frontier:
            claims = _claims(opened, thing, proposed if thing == root else (), down=down)
            kept = claims[:limit] if limit else claims
            if len(kept) < len(claims):
                hidden[thing, down] = len(claims) - len(kept)
            for claim in kept:
                other = claim.subject if down else claim.object
                # What a paper proposes stands for the paper itself.
                child, parent = (other, thing) if down else (thing, other)
                found.append(Step(child, parent, level, claim.confidence, claim.quotes))
                if other.iri not in seen:
                    seen.add(other.iri)
                    following.append(other)
        frontier = following
    return found


def _claims(opened: OpenGraph, thing: Thing, proposed: Sequence[Thing], *, down: bool) -> list[Statement]:
    """Return what a thing builds on, or what builds on it, most often stated first."""
    iris = [thing.iri, *(item.iri for item in proposed)]
    relations = [Relation.BUILDS_ON.value]
    if down:
        claims = statements(opened, objects=iris, relations=relations)
    else:
        claims = statements(opened, subjects=iris, relations=relations)
    if proposed and not down:
        # Another paper may speak of the same method: here, one paper is asked about.
        mine = [(claim, [quote for quote in claim.quotes if quote.paper == thing]) for claim in claims]
        claims = [
            Statement(claim.subject, claim.relation, claim.object, claim.confidence, tuple(quotes))
            for claim, quotes in mine
            if quotes
        ]
    best: dict[str, Statement] = {}
    for claim in sorted(claims, key=lambda c: (-len(c.papers), -c.confidence, c.subject, c.object)):
        other = claim.subject if down else claim.object
        if other.iri not in iris:
            best.setdefault(other.iri, claim)
    return list(best.values())


def _origins(opened: OpenGraph, thing: Thing) -> tuple[Thing, ...]:
    """Return the papers that propose a thing, the earliest first, those without a year last."""
    papers = things(opened, holders(opened, PROPERTIES[Relation.PROPOSES], thing.iri)).values()
    return tuple(sorted(papers, key=lambda paper: (paper.year is None, paper.year or 0, paper)))


def _circles(steps: Iterable[Step]) -> Iterable[tuple[Thing, ...]]:
    graph: nx.DiGraph[Thing] = nx.DiGraph()
    graph.add_edges_from((step.child, step.parent) for step in steps)
    return sorted(tuple(sorted(part)) for part in nx.strongly_connected_components(graph) if len(part) > 1)


def by_parent(steps: Iterable[Step], *, down: bool) -> dict[Thing, list[Step]]:
    """Return steps by the thing that they start from: the parent downwards, the child upwards."""
    found: dict[Thing, list[Step]] = defaultdict(list)
    for step in steps:
        found[step.parent if down else step.child].append(step)
    return found
