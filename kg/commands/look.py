"""What a graph holds."""

from __future__ import annotations

from typing import Annotated

import typer

from kg.commands.common import Debug, Source, user_errors


def show(
    source: Source,
    name: Annotated[str, typer.Argument(help="Any name of a thing or title of a paper.")],
    debug: Debug = False,
) -> None:
    """Show what the graph says of one thing, with the sentences."""
    with user_errors(debug):
        from kg.console import print_card
        from kg.show import show as look

        print_card(look(source, name))


def stats(source: Source, debug: Debug = False) -> None:
    """Count nodes and edges by type."""
    with user_errors(debug):
        from kg.stats import count

        for heading, rows in count(source).items():
            print(heading)
            for name, number in rows.items():
                print(f"  {name:24}{number:9}")
