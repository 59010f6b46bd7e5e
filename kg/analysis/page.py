"""A document as one HTML file: no script, nothing from the network, light and dark by the reader's setting."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable
from importlib.resources import files

from kg.analysis.common import Quote
from kg.analysis.document import (
    Block,
    Branch,
    Document,
    Figure,
    Item,
    Items,
    Table,
    Text,
    Tree,
    shown,
    source_line,
)
from kg.export.text import clean

FIGURE_STYLE = (files("kg.analysis") / "figure.css").read_text(encoding="utf-8")
"""Colours of drawings, light and dark, by class: a file of a figure holds it, a page has it in its own style sheet.

The root ``<svg>`` has class ``fig``; inside, ``box`` and ``self`` (nodes), ``line``, ``tip`` (arrows), ``grid``,
``quiet`` (pale text) and ``ground`` (background)."""

STYLE = FIGURE_STYLE + (files("kg.analysis") / "page.css").read_text(encoding="utf-8")
"""Style sheet of a page."""


def page(document: Document) -> str:
    """Return the HTML file of a document."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="generator" content="paper-kg">',
        f"<title>{_text(document.title)}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        f'<h1 dir="auto">{_text(document.title)}</h1>',
        *(f'<p dir="auto">{_text(line)}</p>' for line in document.lead),
    ]
    for block in document.blocks:
        parts.append("<section>")
        if block.title:
            parts.append(f'<h2 dir="auto">{_text(block.title)}</h2>')
        parts += [*_block(block, document.quotes), "</section>"]
    if document.quotes:
        parts += ["<section>", "<h2>Evidence</h2>", '<ol class="evidence">']
        parts += [_evidence(number, quote) for number, quote in enumerate(document.quotes, 1)]
        parts += ["</ol>", "</section>"]
    parts += ["</main>", "</body>", "</html>", ""]
    return "\n".join(parts)


def _text(text: str) -> str:
    return html.escape(shown(text))


def _evidence(number: int, quote: Quote) -> str:
    sentence = clean(quote.sentence)
    before, marked, after = sentence.partition(clean(quote.words)) if quote.words else (sentence, "", "")
    quoted = f"{_text(before)}<mark>{_text(marked)}</mark>{_text(after)}" if marked else _text(sentence)
    source = _text(source_line(quote))
    return f'<li id="e{number}" dir="auto"><q>{quoted}</q> <span class="quiet">{source}</span></li>'


def _item(item: Item, quotes: tuple[Quote, ...]) -> str:
    text = (
        f'<span class="quiet" dir="auto">{_text(item.text)}</span>' if item.quiet else f"<bdi>{_text(item.text)}</bdi>"
    )
    links = (
        f'<a href="#e{number}" title="{_text(quotes[number - 1].sentence)}">{number}</a>'
        for number in item.notes
        if number <= len(quotes)
    )
    marks = ",".join(links)
    return f"{text}<sup>{marks}</sup>" if marks else text


def _block(block: Block, quotes: tuple[Quote, ...]) -> Iterable[str]:
    if isinstance(block, Table):
        yield from _table(block, quotes)
    elif isinstance(block, Text):
        yield f'<p dir="auto">{_text(block.text)}</p>'
    elif isinstance(block, Items):
        yield "<ul>"
        yield from (f"<li>{_item(item, quotes)}</li>" for item in block.items)
        yield "</ul>"
    elif isinstance(block, Tree):
        yield f'<ul class="tree">{_branch(block.root, quotes)}</ul>'
    elif isinstance(block, Figure):
        yield "<figure>"
        yield block.svg
        if block.caption:
            yield f'<figcaption class="quiet">{_text(block.caption)}</figcaption>'
        yield "</figure>"
    if isinstance(block, Table | Items) and block.note:
        yield f'<p class="quiet" dir="auto">{_text(block.note)}</p>'


def _table(block: Table, quotes: tuple[Quote, ...]) -> Iterable[str]:
    kinds = ["number" if n in block.numeric else "wide" if n in block.wide else "" for n in range(len(block.columns))]
    classes = [f' class="{kind}"' if kind else "" for kind in kinds]
    name = _text(block.title or "table")
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{name}"><table>'
    heads = (f'<th scope="col"{kind}>{_text(column)}</th>' for column, kind in zip(block.columns, classes, strict=True))
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for row in block.rows:
        cells = []
        for number, (cell, kind) in enumerate(zip(row, classes, strict=True)):
            content = "".join(f"<div>{_item(item, quotes)}</div>" for item in cell)
            tag = 'th scope="row"' if number == 0 else "td"
            cells.append(f"<{tag}{kind}>{content}</{tag[:2]}>")
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _branch(branch: Branch, quotes: tuple[Quote, ...]) -> str:
    below = "".join(_branch(child, quotes) for child in branch.children)
    return f"<li>{_item(branch.item, quotes)}{f'<ul>{below}</ul>' if below else ''}</li>"
