"""What an answer is made of: a document of blocks, with its evidence numbered.

An analysis makes a :class:`Document` of :class:`Table`, :class:`Text`, :class:`Items`, :class:`Tree` and
:class:`Figure`; it knows nothing of formats, which are functions in :mod:`kg.analysis.render`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kg.analysis.common import Quote, Thing
from kg.export.text import clean

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of text from the graph with the numbers of its evidence (see :class:`Notes`); ``quiet`` is set pale."""

    text: str
    notes: tuple[int, ...] = ()
    quiet: bool = False


Cell = tuple[Item, ...]
"""What a cell holds: items, one a line."""
Loose = str | int | float | Item | None | Sequence[Item]
"""What :func:`table` takes for a cell: text, number, item, several items, or None for an empty one."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns. ``numeric`` holds positions of columns that are set flush right; ``wide`` those that
    hold sentences or lists and take the room that is left. ``note`` stands below. Make it with :func:`table`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    numeric: tuple[int, ...] = ()
    wide: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, under a heading if ``title`` is given."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list with bullets."""

    title: str
    items: tuple[Item, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """A node of a tree with what hangs below it."""

    item: Item
    children: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree, drawn with lines on a terminal and as nested lists elsewhere."""

    title: str
    root: Branch


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as an ``<svg>`` element without style sheet or script: colours by presentation attributes or by the
    classes of :data:`kg.analysis.page.FIGURE_STYLE`. HTML shows it; other formats show ``caption`` only."""

    title: str
    svg: str
    caption: str = ""


Block = Table | Text | Items | Tree | Figure


@dataclass(frozen=True, slots=True)
class Document:
    """An answer. ``lead`` are paragraphs under the title; ``quotes`` the evidence in the order of its numbers.

    ``records`` is the answer as flat rows for CSV with ``fields`` as header; without them CSV holds the first table.
    ``data`` is the answer as JSON; without it JSON holds the tables.
    """

    title: str
    lead: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    quotes: tuple[Quote, ...] = ()
    fields: tuple[str, ...] = ()
    records: tuple[tuple[Scalar, ...], ...] = ()
    data: Mapping[str, object] = field(default_factory=dict)


class Notes:
    """Numbers quotes from 1 in the order in which they are first cited; an equal sentence of a paper keeps its number.

    >>> notes = Notes()
    >>> paper = Thing("A paper", "Paper", "http://example.org/p")
    >>> notes(Quote("One.", paper), Quote("Two.", paper)), notes(Quote("One.", paper))
    ((1, 2), (1,))
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._quotes: list[Quote] = []

    def __call__(self, *quotes: Quote) -> tuple[int, ...]:
        """Return the numbers of quotes, each once."""
        found: dict[int, None] = {}
        for quote in quotes:
            key = (quote.paper.iri, quote.section, quote.sentence)
            if key not in self._numbers:
                self._quotes.append(quote)
                self._numbers[key] = len(self._quotes)
            found[self._numbers[key]] = None
        return tuple(found)

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """All quotes, the first is number 1."""
        return tuple(self._quotes)


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Loose]],
    *,
    note: str = "",
    numeric: Iterable[int] = (),
    wide: Iterable[int] = (),
) -> Table:
    """Return a table of loosely typed cells.

    Raises:
        ValueError: a row has more or fewer cells than there are columns.
    """
    made = tuple(tuple(items(cell) for cell in row) for row in rows)
    if any(len(row) != len(columns) for row in made):
        raise ValueError(f"table {title!r}: a row does not fit its {len(columns)} columns")
    return Table(title, tuple(columns), made, note, tuple(numeric), tuple(wide))


def items(value: Loose) -> Cell:
    """Return a loosely typed cell as items.

    >>> items(None), items(3)
    ((), (Item(text='3', notes=(), quiet=False),))
    """
    if value is None or value == "":
        return ()
    if isinstance(value, Item):
        return (value,)
    if isinstance(value, str | int | float):
        return (Item(str(value)),)
    return tuple(value)


def thing_json(thing: Thing | None) -> dict[str, object] | None:
    """Return a thing for JSON, or None."""
    if thing is None:
        return None
    known: dict[str, object] = {"label": thing.label, "kind": thing.kind, "iri": thing.iri}
    return known if thing.year is None else {**known, "year": thing.year}


def quote_json(quote: Quote) -> dict[str, object]:
    """Return a quote for JSON."""
    paper = thing_json(quote.paper)
    return {"sentence": quote.sentence, "section": quote.section, "words": quote.words, "paper": paper}


def source_line(quote: Quote) -> str:
    """Return the paper of a quote with its year where that is known."""
    return f"{quote.paper.label} ({quote.paper.year})" if quote.paper.year else quote.paper.label


_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def shown(text: str) -> str:
    r"""Return text of papers for people: one line, without codes that a terminal or a reader would obey.

    >>> shown("a\x1b[31m\nb\u202e")
    'a [31m b'
    """
    return clean(_CONTROL.sub(" ", _BIDI.sub("", text)))
