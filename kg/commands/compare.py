"""Answers about methods, papers and datasets, each with its sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg.commands.answers import AnswerFormat, FigureFile, To, WithEvidence, emit, write_drawing, write_text
from kg.commands.common import Debug, Source, user_errors


def compare(
    source: Source,
    names: Annotated[list[str], typer.Argument(help="Two to five methods or titles of papers.")],
    limit: Annotated[int, typer.Option(min=0, help="Things shown in a cell; 0 shows all.")] = 8,
    format_: AnswerFormat = "table",
    evidence: WithEvidence = False,
    out: To = None,
    debug: Debug = False,
) -> None:
    """Show methods or papers side by side, where they agree and differ."""
    with user_errors(debug):
        from kg.analysis.compare import compare as look
        from kg.analysis.sides import document
        from kg.store import open_graph

        emit(document(look(open_graph(source), names), limit=limit), format_, evidence, out)


def leaderboard(
    source: Source,
    dataset: Annotated[str, typer.Argument(help="Any name of a dataset.")],
    metric: Annotated[str, typer.Option("--metric", help="Only this metric, for instance 'top-1 accuracy'.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="Rows shown of each list; 0 shows all.")] = 25,
    format_: AnswerFormat = "table",
    evidence: WithEvidence = False,
    out: To = None,
    figure: FigureFile = None,
    dot: Annotated[Path | None, typer.Option("--dot", help="File for who beats whom, for Graphviz.")] = None,
    debug: Debug = False,
) -> None:
    """Show the results on a dataset, in lists of comparable numbers, and who is reported to beat whom."""
    with user_errors(debug):
        from kg.analysis import board
        from kg.analysis.leaderboard import leaderboard as look
        from kg.store import open_graph

        found = look(open_graph(source), dataset, metric)
        answer = board.document(found, limit=limit)
        if figure is not None:
            write_drawing(figure, board.figure_file(found))
        if dot is not None:
            write_text(dot, board.dot_file(found))
        emit(answer, format_, evidence, out)


def lineage(
    source: Source,
    name: Annotated[str, typer.Argument(help="Any name of a method, or the title of a paper.")],
    depth: Annotated[int, typer.Option("--depth", min=1, max=8, help="Steps in either direction.")] = 2,
    limit: Annotated[int, typer.Option(min=0, help="Things shown at each step of one thing; 0 shows all.")] = 12,
    format_: AnswerFormat = "table",
    evidence: WithEvidence = False,
    out: To = None,
    figure: FigureFile = None,
    debug: Debug = False,
) -> None:
    """Show what a method builds on and what builds on it, over papers and time."""
    with user_errors(debug):
        from kg.analysis import family
        from kg.analysis.figure import svg_file
        from kg.analysis.lineage import lineage as look
        from kg.store import open_graph

        found = look(open_graph(source), name, depth=depth, limit=limit)
        if figure is not None:
            write_drawing(figure, svg_file(family.figure(found)))
        emit(family.document(found), format_, evidence, out)
