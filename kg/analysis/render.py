"""Documents as terminal text, Markdown, CSV, one HTML file or JSON.

Another format is a function and one line of :data:`FORMATS`. The parts of a document (:mod:`kg.analysis.document`) can
be imported from here too.

>>> notes = Notes()
>>> one = notes(Quote("We beat B.", Thing("A paper", "Paper", "http://example.org/p", 2024)))
>>> answer = Document("Answer", blocks=(table("", ("name", "n"), [["B", Item("2", one)]]),), quotes=notes.quotes)
>>> print(render(answer, "md", evidence=True))
# Answer
<BLANKLINE>
| name | n |
| --- | --- |
| B | 2 \\[1] |
<BLANKLINE>
## Evidence
<BLANKLINE>
1. “We beat B.” A paper (2024)
<BLANKLINE>
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text as RichText
from rich.tree import Tree as RichTree

from kg.analysis.common import Quote, Thing
from kg.analysis.document import (
    Block,
    Branch,
    Cell,
    Document,
    Figure,
    Item,
    Items,
    Loose,
    Notes,
    Scalar,
    Table,
    Text,
    Tree,
    items,
    quote_json,
    shown,
    source_line,
    table,
    thing_json,
)
from kg.errors import InputError
from kg.export.tables import guard

__all__ = [
    "FORMATS", "Block", "Branch", "Cell", "Document", "Figure", "Item", "Items", "Loose", "Notes", "Quote", "Table",
    "Text", "Thing", "Tree", "items", "quote_json", "render", "shown", "source_line", "table", "thing_json",
]  # fmt: skip

_OBEYED = re.compile("[\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def render(
    document: Document, fmt: str = "table", *, evidence: bool = False, width: int = 120, color: bool = False
) -> str:
    """Return a document in a format of :data:`FORMATS`, ending in a line break.

    Args:
        evidence: print the sentences, numbered, and their numbers where they belong; HTML and JSON always have them.
        width: columns of the terminal.
        color: whether the terminal shows bold and pale text.

    Raises:
        InputError: the format is unknown.
    """
    if fmt not in FORMATS:
        raise InputError(f"no format {fmt}; there are {', '.join(FORMATS)}")
    return FORMATS[fmt](document, evidence, width, color)


def _marks(item: Item, evidence: bool) -> str:
    return f" [{', '.join(map(str, item.notes))}]" if evidence and item.notes else ""


def _terminal(document: Document, evidence: bool, width: int, color: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=color, color_system="standard" if color else None,
                      highlight=False, legacy_windows=False)  # fmt: skip
    console.print(RichText(shown(document.title), style="bold"))
    for text in document.lead:
        console.print(RichText(shown(text)))
    for block in _printed(document):
        console.print()
        if block.title:
            console.print(RichText(shown(block.title), style="bold"))
        _terminal_block(console, block, evidence)
    if evidence and document.quotes:
        console.print()
        console.print(RichText("Evidence", style="bold"))
        for number, quote in enumerate(document.quotes, 1):
            line = RichText(f"“{shown(quote.sentence)}” ")
            line.append(shown(source_line(quote)), style="dim")
            grid = RichTable.grid(padding=(0, 1))
            grid.add_column(width=4, justify="right")
            grid.add_column(overflow="fold")
            grid.add_row(RichText(f"[{number}]"), line)
            console.print(grid)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().split("\n")[:-1])


def _printed(document: Document) -> Iterable[Block]:
    """Return the blocks that text can show: a drawing without a caption has nothing to print."""
    return (block for block in document.blocks if not isinstance(block, Figure) or block.caption)


def _styled(item: Item, evidence: bool) -> RichText:
    text = RichText(shown(item.text), style="dim" if item.quiet else "")
    text.append(_marks(item, evidence), style="dim")
    return text


def _terminal_block(console: Console, block: Block, evidence: bool) -> None:
    if isinstance(block, Table):
        grid = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for number, column in enumerate(block.columns):
            wide, right = number in block.wide, number in block.numeric
            grid.add_column(RichText(shown(column)), overflow="fold", ratio=1 if wide else None,
                            justify="right" if right else "left")  # fmt: skip
        for row in block.rows:
            grid.add_row(*(RichText("\n").join(_styled(item, evidence) for item in cell) for cell in row))
        console.print(grid)
        if block.note:
            console.print(RichText(shown(block.note), style="dim"))
    elif isinstance(block, Text):
        console.print(RichText(shown(block.text)))
    elif isinstance(block, Items):
        for item in block.items:
            line = RichTable.grid(padding=(0, 1))
            line.add_column(width=2, justify="right")
            line.add_column(overflow="fold")
            line.add_row("•", _styled(item, evidence))
            console.print(line)
        if block.note:
            console.print(RichText(shown(block.note), style="dim"))
    elif isinstance(block, Tree):
        tree = RichTree(_styled(block.root.item, evidence))
        _grow(tree, block.root, evidence)
        console.print(Padding(tree, (0, 0)))
    elif block.caption:
        console.print(RichText(shown(block.caption), style="dim"))


def _grow(tree: RichTree, branch: Branch, evidence: bool) -> None:
    for child in branch.children:
        _grow(tree.add(_styled(child.item, evidence)), child, evidence)


_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#&$])")


def _escaped(text: str) -> str:
    """Return text so that Markdown shows it as it stands."""
    # What would begin a list is taken for one only before a space or the end.
    escaped = re.sub(r"^(\s*\d+)([.)])(?=\s|$)", r"\1\\\2", _MARKDOWN.sub(r"\\\1", shown(text)))
    return re.sub(r"^(\s*)([-+=])", r"\1\\\2", escaped)


def _md_item(item: Item, evidence: bool) -> str:
    marks = _marks(item, evidence)
    return _escaped(item.text) + marks.replace("[", "\\[")


def _markdown(document: Document, evidence: bool, width: int, color: bool) -> str:
    lines = [f"# {_escaped(document.title)}", ""]
    for text in document.lead:
        lines += [_escaped(text), ""]
    for block in _printed(document):
        if block.title:
            lines += [f"## {_escaped(block.title)}", ""]
        lines += [*_md_block(block, evidence), ""]
    if evidence and document.quotes:
        lines += ["## Evidence", ""]
        for number, quote in enumerate(document.quotes, 1):
            lines.append(f"{number}. “{_escaped(quote.sentence)}” {_escaped(source_line(quote))}")
        lines.append("")
    return "\n".join(lines) + "\n" * (lines[-1] != "")


def _md_block(block: Block, evidence: bool) -> list[str]:
    if isinstance(block, Table):
        rows = [
            [" <br> ".join(_md_item(item, evidence) for item in cell) for cell in row] for row in block.rows
        ]  # <br> is what tables of GitHub and pandoc break lines at
        rule = ["---:" if number in block.numeric else "---" for number in range(len(block.columns))]
        lines = [f"| {' | '.join(line)} |" for line in ([_escaped(c) for c in block.columns], rule, *rows)]
        return [*lines, *(["", _escaped(block.note)] if block.note else [])]
    if isinstance(block, Text):
        return [_escaped(block.text)]
    if isinstance(block, Items):
        lines = [f"- {_md_item(item, evidence)}" for item in block.items]
        return [*lines, *(["", _escaped(block.note)] if block.note else [])]
    if isinstance(block, Tree):
        return list(_md_branch(block.root, 0, evidence))
    return [_escaped(block.caption)] if block.caption else []


def _md_branch(branch: Branch, depth: int, evidence: bool) -> Iterable[str]:
    yield f"{'  ' * depth}- {_md_item(branch.item, evidence)}"
    for child in branch.children:
        yield from _md_branch(child, depth + 1, evidence)


def _csv(document: Document, evidence: bool, width: int, color: bool) -> str:
    fields, records = document.fields, document.records
    if not fields:
        first = next((block for block in document.blocks if isinstance(block, Table)), Table("", (), ()))
        fields = first.columns
        records = tuple(tuple("; ".join(item.text for item in cell) for cell in row) for row in first.rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows([guard(shown(cell)) if isinstance(cell, str) else _plain(cell) for cell in row] for row in records)
    return out.getvalue()


def _plain(cell: Scalar) -> Scalar:
    return ("true" if cell else "false") if isinstance(cell, bool) else cell


def _json(document: Document, evidence: bool, width: int, color: bool) -> str:
    data: Mapping[str, object] = document.data or {
        "title": document.title,
        "tables": [
            {
                "title": block.title,
                "columns": list(block.columns),
                "rows": [[[item.text for item in cell] for cell in row] for row in block.rows],
            }
            for block in document.blocks
            if isinstance(block, Table)
        ],
        "evidence": [quote_json(quote) for quote in document.quotes],
    }
    text = json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)
    # Letters stay readable; what a terminal or another reader would obey is written as an escape.
    return _OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def _html(document: Document, evidence: bool, width: int, color: bool) -> str:
    # Imported on use: it is the one format that needs a page around it, and that page needs the names above.
    from kg.analysis.page import page

    return page(document)


Renderer = Callable[[Document, bool, int, bool], str]

FORMATS: Mapping[str, Renderer] = {
    "table": _terminal,
    "md": _markdown,
    "csv": _csv,
    "html": _html,
    "json": _json,
}
"""Formats by name: functions of a document, whether to print evidence, the width, and whether to use colour."""
