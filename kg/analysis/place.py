"""Places a paper, a method or a new text among the papers of a graph, without changing the graph."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kg.analysis import gaps, similar
from kg.analysis.queries import Asked, ask_name, ask_text, is_file, text_of
from kg.analysis.render import Document, Notes
from kg.analysis.tables import tables
from kg.errors import InputError
from kg.store import OpenGraph

TEXT_WORDS = 25
"""Words from which on nothing is a mistyped title; comparing it with every name would take many seconds."""
NAME_WORDS = 3
"""Words from which on what is like no name in the graph is taken for a text."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where something stands: its neighbours, and for a text that is not in the graph what it may be compared with."""

    asked: Asked
    neighbours: tuple[similar.Neighbour, ...]
    advice: gaps.Gaps | None = None


def place(opened: OpenGraph, what: str, *, stdin: str | None = None, limit: int = 10, year: int = 0) -> Placed:
    """Return where a paper, a method or a text stands in a graph.

    Args:
        what: a title or name of the graph, a text, the name of a file of text, or ``-`` for ``stdin``.
        limit: neighbours and suggestions of each kind; 0 for all.
        year: of a text, 0 if unknown.

    Raises:
        InputError: it is neither a name in the graph nor a text.
    """
    given = tables(opened)
    long = len(what.split()) >= TEXT_WORDS or "\n" in what.strip()
    about = ""
    if what != "-" and not is_file(what) and (not long or what in given.corpus.titles):
        try:
            asked = ask_name(given, what)
        except InputError:
            if len(what.split()) < NAME_WORDS:
                raise
            about = "No paper or thing of the graph has a name like it, so it is taken for a text."
        else:
            return Placed(asked, similar.neighbours(given, asked, limit))
    asked = replace(ask_text(given, *text_of(what, stdin), year=year), about=about)
    return Placed(asked, similar.neighbours(given, asked, limit), gaps.find_gaps(given, asked, limit))


def document(placed: Placed) -> Document:
    """Return the answer of ``kg similar``."""
    notes = Notes()
    found = similar.document(placed.asked, placed.neighbours, notes=notes)
    if placed.advice is None:
        return found
    more = gaps.blocks(placed.advice, notes, new=True)
    advice = gaps.data(placed.advice)
    data = {**found.data, "baselines": advice["baselines"], "datasets": advice["datasets"]}
    return Document(found.title, found.lead, (*found.blocks, *more), notes.quotes, found.fields, found.records, data)
