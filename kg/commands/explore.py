"""Answers about the whole collection: gaps, neighbours, topics, trends."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kg.commands.answers import AnswerFormat, FigureFile, To, WithEvidence, emit, write_drawing
from kg.commands.common import Debug, Source, user_errors

Most = Annotated[int, typer.Option("--limit", min=0, help="Rows of each list that are shown; 0 shows all.")]


def gaps(
    source: Source,
    name: Annotated[str, typer.Argument(help="Any name of a method, or the title of a paper.")],
    limit: Most = 10,
    format_: AnswerFormat = "table",
    evidence: WithEvidence = False,
    out: To = None,
    debug: Debug = False,
) -> None:
    """List baselines and datasets that comparable papers use and this one does not, with the papers that say so."""
    with user_errors(debug):
        from kg.analysis import gaps as answers
        from kg.store import open_graph

        emit(answers.document(answers.gaps(open_graph(source), name, limit)), format_, evidence, out)


def similar(
    source: Source,
    what: Annotated[
        str,
        typer.Argument(metavar="PAPER|TEXT|FILE|-", help="A title, a method, a text, a file of text, or - to read it."),
    ],
    limit: Most = 10,
    year: Annotated[int, typer.Option("--year", help="Year of a text that is not in the graph.")] = 0,
    format_: AnswerFormat = "table",
    evidence: WithEvidence = False,
    out: To = None,
    debug: Debug = False,
) -> None:
    """Find the nearest papers; for a new text also what to compare it with and what to evaluate it on."""
    with user_errors(debug):
        from kg.analysis.place import document, place
        from kg.store import open_graph

        text = sys.stdin.buffer.read().decode("utf-8", "replace") if what == "-" else None
        emit(document(place(open_graph(source), what, stdin=text, limit=limit, year=year)), format_, evidence, out)


def topics(
    source: Source,
    count: Annotated[
        int | None, typer.Option("--topics", "-n", help="Number of topics; chosen by silhouette if absent.")
    ] = None,
    limit: Most = 0,
    format_: AnswerFormat = "table",
    out: To = None,
    debug: Debug = False,
) -> None:
    """Group the papers into topics, with the things and papers that are typical of each."""
    with user_errors(debug):
        from kg.analysis import topic_answer as answers
        from kg.store import open_graph

        emit(answers.document(answers.topics(open_graph(source), count), limit), format_, False, out)


def trends(
    source: Source,
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", help="dataset, baseline, method, hardware or task; may be repeated.")
    ] = None,
    first: Annotated[int | None, typer.Option("--from", help="First year looked at.")] = None,
    last: Annotated[int | None, typer.Option("--to", help="Last year looked at.")] = None,
    since: Annotated[
        int | None, typer.Option("--since", help="Compare years from this one on with those before.")
    ] = None,
    limit: Most = 8,
    format_: AnswerFormat = "table",
    evidence: WithEvidence = False,
    out: To = None,
    figure: FigureFile = None,
    debug: Debug = False,
) -> None:
    """Show which datasets, baselines, methods, hardware and tasks papers take up and give up, by year."""
    with user_errors(debug):
        from kg.analysis import trend_answer as answers
        from kg.analysis.trends import trends as look
        from kg.store import open_graph

        found = look(open_graph(source), kinds or (), first=first, last=last, since=since, quoted=limit)
        if figure is not None:
            write_drawing(figure, answers.figure(found, limit))
        emit(answers.document(found, limit), format_, evidence, out)
