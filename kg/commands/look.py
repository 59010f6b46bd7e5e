"""What a graph holds."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kg.commands.common import Debug, Source, user_errors
from kg.errors import InputError


def show(
    source: Source,
    name: Annotated[
        str, typer.Argument(help="Any name of a thing or title of a paper, about as it is spelt; or an id.")
    ],
    format_: Annotated[str, typer.Option("--format", "-f", help="table, md or json.")] = "table",
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=0, help="Rows of each kind, 0 for all.", show_default="10, json: all"),
    ] = None,
    debug: Debug = False,
) -> None:
    """Show what the graph says of one thing, with the sentences."""
    with user_errors(debug):
        if format_ not in ("table", "md", "json"):
            raise InputError(f"no format {format_}; there are table, md, json")
        from kg.show import show as look
        from kg.show import to_json
        from kg.show_text import notes, print_card, to_markdown

        found = look(source, name)
        for note in notes(found, name):
            print(f"kg: {note}", file=sys.stderr)
        if format_ == "json":
            _write(to_json(found, limit or None) + "\n")
            return
        rows = 10 if limit is None else limit or None
        if format_ == "md":
            _write(to_markdown(found, rows))
            return
        print_card(found, rows)


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def stats(source: Source, debug: Debug = False) -> None:
    """Count nodes and edges by type."""
    with user_errors(debug):
        from kg.stats import count

        for heading, rows in count(source).items():
            print(heading)
            for name, number in rows.items():
                print(f"  {name:24}{number:9}")
