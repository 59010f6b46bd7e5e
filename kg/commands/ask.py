"""Questions to a graph."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kg.commands.common import Debug, Source, user_errors
from kg.errors import InputError


def query(
    source: Source,
    question: Annotated[
        str, typer.Argument(metavar="QUERY", help="SPARQL text, a .rq file, or the name of a bundled question.")
    ],
    format_: Annotated[str, typer.Option("--format", "-f", help="table, csv, tsv, json, xml or ttl.")] = "table",
    values: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE: another value for a parameter of a bundled question.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Ask a SPARQL question of a built folder or an RDF file."""
    with user_errors(debug):
        from kg.query import run_query

        pairs = [v.partition("=") for v in values or ()]
        if any(not sep for _, sep, _ in pairs):
            raise InputError("--set wants NAME=VALUE")
        run_query(source, question, format_, sys.stdout.buffer, values={n: v for n, _, v in pairs})


def questions(debug: Debug = False) -> None:
    """List the questions that come with the program."""
    with user_errors(debug):
        from kg.query import questions as bundled

        for item in bundled():
            print(f"{item.name:32}{item.title}")
