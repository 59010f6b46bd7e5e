"""The card of a thing for the terminal and as Markdown."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Iterator

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from kg.search import Fit, Hit
from kg.show import Card, Edge, Found, Number, PaperRef, Quote, grouped

QUOTES = 2
"""Sentences that are printed for an edge."""

_FILL = re.compile(r" +(?=(?:\x1b\[0m)?$)")
_UNSEEN = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#$~!&])")


def line(text: str) -> str:
    """Return text of papers on one line, without codes that a terminal would obey.

    >>> line("a\\x1b[31m\\nb")
    'a [31m b'
    """
    return _CONTROL.sub(" ", _UNSEEN.sub("", text)).encode("utf-8", "replace").decode("utf-8")


def card_parts(found: Found, limit: int | None, width: int) -> Iterator[RenderableType]:
    """Yield what a terminal of ``width`` columns prints for a card; at most ``limit`` rows of each kind."""
    card = found.card
    yield Text.assemble((line(card.label), "bold"), "  ", (_types(card), "cyan"))
    yield Text(line(card.iri), "dim", overflow="fold")
    for words, text in _about(card):
        yield _hanging(words, text)
    yield Text(_counts(card), "dim")
    name_width = max(16, min(34, width // 4))
    for words, edges in grouped(card.edges):
        yield _heading(f"{'→' if edges[0].outgoing else '←'} {words}", len(edges))
        table = _grid()
        table.add_column(width=name_width, overflow="fold")
        table.add_column(width=4, justify="right")
        table.add_column(ratio=1, overflow="fold")
        for edge in edges[:limit]:
            table.add_row(Text(line(edge.other)), f"{edge.confidence:.2f}", _quotes(edge.quotes))
        yield table
        yield from _rest(len(edges), limit)
    if card.results:
        yield _heading("results", len(card.results))
        yield _numbers(card.results[:limit])
        yield from _rest(len(card.results), limit)
    if card.papers:
        yield _heading("papers", len(card.papers))
        table = _grid()
        table.add_column(width=4)
        table.add_column(ratio=1, overflow="fold")
        for paper in card.papers[:limit]:
            address = f"\n{line(paper.url)}" if paper.url else ""
            table.add_row(paper.year or "–", Text.assemble(line(paper.title), (address, "dim")))
        yield table
        yield from _rest(len(card.papers), limit)


def print_card(found: Found, limit: int | None = None) -> None:
    """Print a thing with its papers, edges by relation and numbers; at most ``limit`` rows of each."""
    width = max(shutil.get_terminal_size((120, 24)).columns, 40)
    console = Console(highlight=False, width=width)
    with console.capture() as printed:
        for part in card_parts(found, limit, width):
            console.print(part)
    # Tables fill lines up with spaces, which would stand in the way of who copies or searches the text.
    text = "".join(f"{_FILL.sub('', row)}\n" for row in printed.get().splitlines())
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def notes(found: Found, asked: str) -> list[str]:
    """Return what a person should know of the choice of this card: how its name differs, what else is called so."""
    hit, said = found.hit, []
    if hit.fit is Fit.ALIAS and line(hit.name) != line(found.card.label):
        said.append(f"{line(hit.name)} is another name of {line(found.card.label)}")
    elif hit.fit not in (Fit.EXACT, Fit.ALIAS):
        also = f" ({line(hit.name)})" if hit.name != hit.label else ""
        said.append(f"nothing is called {line(asked)!r}; the nearest is {line(hit.label)}{also}")
    if found.others:
        same = hit.fit in (Fit.EXACT, Fit.ALIAS)
        said.append(("also called so: " if same else "or did you mean: ") + "; ".join(map(_offer, found.others)))
    return said


def _offer(hit: Hit) -> str:
    short = "/".join(hit.iri.rsplit("/", 2)[-2:])
    return f"{line(hit.label)} ({short})"


def _types(card: Card) -> str:
    return ", ".join(line(kind).lower() for kind in card.types)


def _counts(card: Card) -> str:
    numbers = (("paper", len(card.papers)), ("edge", len(card.edges)), ("result", len(card.results)))
    return ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for word, n in numbers if n) or "nothing is said of it"


def _about(card: Card) -> Iterator[tuple[str, str]]:
    if card.aliases:
        yield "also called", ", ".join(map(line, card.aliases))
    for words, iri in card.links:
        yield words, line(iri)
    for words, text in card.facts:
        yield words, line(text)


def _hanging(words: str, text: str) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(width=11, style="dim")
    table.add_column(ratio=1, overflow="fold")
    table.add_row(words, Text(text))
    return table


def _heading(words: str, count: int) -> Text:
    return Text.assemble("\n", (words, "bold"), (f"  {count}", "dim"))


def _grid() -> Table:
    return Table.grid(padding=(0, 2, 0, 0), pad_edge=False, expand=True)


def _rest(count: int, limit: int | None) -> Iterator[RenderableType]:
    if limit is not None and count > limit:
        yield Text(f"{count - limit} more: --limit 0 prints all", "dim")


def _quotes(quotes: tuple[Quote, ...]) -> Text:
    text = Text()
    for number, quote in enumerate(quotes[:QUOTES]):
        sentence = Text(line(quote.sentence))
        words = line(quote.words)
        start = sentence.plain.find(words)
        if words and start >= 0:
            sentence.stylize("bold", start, start + len(words))
        text.append("\n" if number else "")
        text.append_text(sentence)
        text.append(f"\n{_source(quote.paper)}", "dim")
    if len(quotes) > QUOTES:
        text.append(f"\nand {len(quotes) - QUOTES} more", "dim")
    return text


def _source(paper: PaperRef) -> str:
    return f"{line(paper.title)} ({paper.year})" if paper.year else line(paper.title)


def _numbers(results: Iterable[Number]) -> Table:
    """Return the numbers as a table; columns that no result fills are left out."""
    rows = list(results)
    columns = {
        "metric": [r.metric for r in rows],
        "value": [r.value for r in rows],
        "method": [r.method for r in rows],
        "dataset": [r.dataset for r in rows],
        "against": [r.baseline for r in rows],
    }
    filled = {title: values for title, values in columns.items() if any(values)}
    table = _grid()
    for title in filled:
        table.add_column(Text(title), ratio=None if title == "value" else 2, overflow="fold", no_wrap=title == "value")
    table.add_column("paper", ratio=4, overflow="fold")
    table.show_header, table.header_style = True, "dim"
    for number, row in enumerate(rows):
        source = Text(_source(row.quote.paper), "dim")
        table.add_row(*(Text(line(values[number])) for values in filled.values()), source)
    return table


def to_markdown(found: Found, limit: int | None = None) -> str:
    """Return a found card as Markdown; text of papers stays text."""
    card = found.card
    parts = [f"# {_md(card.label)}", "", f"{_md(_types(card))}: `{line(card.iri)}`", ""]
    parts += [f"- {words}: {_md(text)}" for words, text in _about(card)]
    parts += ["", _counts(card) + "."]
    for words, edges in grouped(card.edges):
        parts += ["", f"## {words} ({len(edges)})", ""]
        for edge in edges[:limit]:
            parts += _md_edge(edge)
    if card.results:
        parts += ["", f"## results ({len(card.results)})", ""]
        parts += ["| metric | value | method | dataset | against | paper |", "| --- | --- | --- | --- | --- | --- |"]
        for r in card.results[:limit]:
            cells = (r.metric, r.value, r.method, r.dataset, r.baseline, _source(r.quote.paper))
            parts.append(f"| {' | '.join(_md(cell) for cell in cells)} |")
    if card.papers:
        parts += ["", f"## papers ({len(card.papers)})", ""]
        for paper in card.papers[:limit]:
            address = f" {_md(paper.url)}" if paper.url else ""
            parts.append(f"- {_md(_source(paper))}{address}")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)) + "\n"


def _md_edge(edge: Edge) -> Iterator[str]:
    yield f"- **{_md(edge.other)}** ({edge.confidence:.2f})"
    for quote in edge.quotes:
        yield f"  - “{_md(quote.sentence)}” {_md(_source(quote.paper))}"


def _md(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", line(text))
