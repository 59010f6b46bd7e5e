"""A lineage as a document and as a drawing."""

from __future__ import annotations

from collections.abc import Iterator

from kg.analysis.common import PAPER, Thing
from kg.analysis.figure import Link, Node, draw
from kg.analysis.lineage import Lineage, Step, by_parent
from kg.analysis.render import (
    Block,
    Branch,
    Document,
    Figure,
    Item,
    Items,
    Notes,
    Tree,
    quote_json,
    thing_json,
)

FIELDS = ("direction", "depth", "thing", "year", "builds on", "year of that", "confidence", "paper", "sentence")


def document(found: Lineage) -> Document:
    """Return a lineage as a document: two trees, circles, and the drawing."""
    notes = Notes()
    blocks: list[Block] = []
    if found.ancestors:
        blocks.append(Tree("What it builds on", _tree(found, notes, down=False)))
    if found.descendants:
        blocks.append(Tree("What builds on it", _tree(found, notes, down=True)))
    if found.circles:
        circles = tuple(Item(" ↔ ".join(thing.label for thing in circle)) for circle in found.circles)
        note = "Each of these is said to build on the others and they on it; the trees stop where one comes again."
        blocks.append(Items("Circles", circles, note))
    if found.ancestors or found.descendants:
        blocks.append(Figure("Drawing", figure(found), ""))
    records = [
        (
            direction,
            step.depth,
            step.child.label,
            found.year(step.child),
            step.parent.label,
            found.year(step.parent),
            step.confidence,
            quote.paper.label,
            quote.sentence,
        )
        for direction, steps in (("builds on", found.ancestors), ("is built on by", found.descendants))
        for step in steps
        for quote in step.quotes
    ]
    return Document(
        f"Lineage of {found.thing.label}",
        tuple(_lead(found)),
        tuple(blocks),
        notes.quotes,
        FIELDS,
        tuple(records),
        _data(found),
    )


def named(found: Lineage, thing: Thing) -> str:
    """Return the label of a thing with its year where that is known."""
    year = found.year(thing)
    return f"{thing.label} ({year})" if year else thing.label


def _lead(found: Lineage) -> Iterator[str]:
    thing = found.thing
    if thing.kind == PAPER:
        proposed = ", ".join(item.label for item in found.proposes)
        yield f"{named(found, thing)} {f'proposes {proposed}' if proposed else 'proposes nothing that it names'}."
    else:
        papers = dict(found.origins).get(thing, ())
        told = "; ".join(f"{paper.label} ({paper.year})" if paper.year else paper.label for paper in papers[:3])
        more = f" and {len(papers) - 3} more" if len(papers) > 3 else ""
        if papers:
            yield f"Proposed by {told}{more}."
            if len(papers) > 1:
                yield "Several papers propose something of this name: the earliest gives its year."
        else:
            yield "No paper in this graph proposes it, so its year is not known here."
    counts = {down: len({s.child if down else s.parent for s in steps if s.depth == 1})
              for down, steps in ((False, found.ancestors), (True, found.descendants))}  # fmt: skip
    left = {(item, down): count for item, down, count in found.hidden}
    for down in (False, True):
        total = counts[down] + left.get((thing, down), 0)
        if not total:
            yield "Nothing here says what builds on it." if down else "Nothing here says that it builds on anything."
        elif total > counts[down]:
            told = f"{total} things build on it" if down else f"It builds on {total} things"
            yield f"{told}; the {counts[down]} stated by most papers are shown (--limit 0 shows all)."
    known = [item for item in found.things if found.year(item)]
    if 0 < len(known) < len(found.things):
        yield f"The year of {len(known)} of {len(found.things)} things is known."
    elif not known:
        yield "No year is known."


def _tree(found: Lineage, notes: Notes, *, down: bool) -> Branch:
    steps = by_parent(found.descendants if down else found.ancestors, down=down)
    hidden = {thing: count for thing, way, count in found.hidden if way == down}
    opened: set[Thing] = set()

    def order(step: Step) -> tuple[object, ...]:
        thing = step.child if down else step.parent
        year = found.year(thing)
        return (year is None, year or 0, thing)

    def grow(thing: Thing, item: Item, path: tuple[Thing, ...]) -> Branch:
        opened.add(thing)
        branches = []
        for step in sorted(steps.get(thing, ()), key=order):
            other = step.child if down else step.parent
            label = named(found, other)
            marks = notes(*step.quotes)
            if other in path:
                branches.append(Branch(Item(f"{label}, a circle: see above", marks, quiet=True)))
            elif other in opened and steps.get(other):
                branches.append(Branch(Item(f"{label}, see above", marks, quiet=True)))
            else:
                branches.append(grow(other, Item(label, marks), (*path, other)))
        if hidden.get(thing):
            branches.append(Branch(Item(f"and {hidden[thing]} more", quiet=True)))
        return Branch(item, tuple(branches))

    return grow(found.thing, Item(named(found, found.thing)), (found.thing,))


def figure(found: Lineage) -> str:
    """Return the drawing of a lineage: an arrow runs from what is built on to what builds on it.

    Columns are years where the years of most things are known, with a column for those of unknown year; else they are
    the steps from the thing asked for.
    """
    held = found.things
    known = sorted({year for thing in held if (year := found.year(thing)) is not None})
    dated = sum(found.year(thing) is not None for thing in held) * 2 > len(held) and len(known) > 1
    headings: dict[int, str] = {}
    if dated:
        places = {year: number for number, year in enumerate(known)}
        headings = {number: str(year) for year, number in places.items()}
        if any(found.year(thing) is None for thing in held):
            headings = {0: "year not known", **{number + 1: words for number, words in headings.items()}}
            places = {year: number + 1 for year, number in places.items()}
        column = {thing: places.get(found.year(thing) or 0, 0) for thing in held}
    else:
        depths = {found.thing: 0}
        for sign, steps in ((-1, found.ancestors), (1, found.descendants)):
            for step in steps:
                depths.setdefault(step.child if sign > 0 else step.parent, sign * step.depth)
        first = min(depths.values())
        column = {thing: depths.get(thing, 0) - first for thing in held}
        headings = {-first: "", **headings}
        headings = {number: words for number, words in headings.items() if words}
    nodes = [
        Node(thing.iri, named(found, thing) if not dated else thing.label, column[thing], thing == found.thing)
        for thing in held
    ]
    links = {
        (step.parent.iri, step.child.iri): Link(
            step.parent.iri,
            step.child.iri,
            f"{step.child.label} builds on {step.parent.label}: {step.quotes[0].sentence}",
        )
        for step in (*found.ancestors, *found.descendants)
    }
    told = [f"{step.child.label} builds on {step.parent.label}" for step in (*found.ancestors, *found.descendants)]
    return draw(
        f"Lineage of {found.thing.label}",
        f"{'; '.join(dict.fromkeys(told))}." if told else "Nothing builds on it and it builds on nothing.",
        nodes,
        [links[pair] for pair in sorted(links)],
        headings,
    )


def _data(found: Lineage) -> dict[str, object]:
    def steps(held: tuple[Step, ...]) -> list[dict[str, object]]:
        return [
            {
                "thing": thing_json(step.child),
                "builds on": thing_json(step.parent),
                "depth": step.depth,
                "confidence": step.confidence,
                "evidence": [quote_json(quote) for quote in step.quotes],
            }
            for step in held
        ]

    origins = dict(found.origins)
    return {
        "thing": thing_json(found.thing),
        "proposes": [thing_json(item) for item in found.proposes],
        "depth": found.depth,
        "things": [
            {
                **(thing_json(thing) or {}),
                "year": found.year(thing),
                "proposed by": [thing_json(paper) for paper in origins.get(thing, ())],
            }
            for thing in found.things
        ],
        "builds on": steps(found.ancestors),
        "is built on by": steps(found.descendants),
        "circles": [[thing_json(thing) for thing in circle] for circle in found.circles],
        "left out": [
            {"thing": thing_json(thing), "direction": "is built on by" if down else "builds on", "count": count}
            for thing, down, count in found.hidden
        ],
    }
