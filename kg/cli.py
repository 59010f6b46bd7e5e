"""The command line."""

from __future__ import annotations

import atexit
import gc
from typing import Annotated

import typer

import kg
from kg.commands import COMMANDS

app = typer.Typer(
    name="kg",
    help="Build a knowledge graph of research papers and ask it questions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"kg {kg.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Build a knowledge graph of research papers and ask it questions."""


for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Entry point of the command ``kg``."""
    # A command makes many objects that stay to its end. To look for garbage among them again and again, and once more
    # when all goes with the process, takes a third of a second on a graph of 20,000 papers.
    gc.set_threshold(50_000, 20, 100)
    atexit.register(gc.freeze)
    app()
