"""Building a graph, and what it can be built from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kg.commands.common import Debug, Fast, Model, Quiet, user_errors


def build(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs, or - for standard input.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the graph.")] = Path("exports"),
    formats: Annotated[
        str | None, typer.Option("--format", "-f", help="Formats, with commas (see `kg formats`).")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="Processes; 0: one a processor.")] = 0,
    page_year: Annotated[
        int | None,
        typer.Option("--page-year", min=1000, max=9999, help="Year of dates that a saved page gives without one."),
    ] = None,
    names: Annotated[Path | None, typer.Option("--names", help="YAML file of same: and different: names.")] = None,
    base: Annotated[str | None, typer.Option("--base", help="IRI under which things are minted.")] = None,
    model: Model = None,
    fast: Fast = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Read papers and write the graph: RDF, GraphML, tables and an HTML page."""
    with user_errors(debug):
        from kg import console
        from kg.build import BuildOptions
        from kg.build import build as run
        from kg.export import ExportOptions
        from kg.resolve import Overrides, read_overrides

        options = BuildOptions(
            formats=tuple(f.strip() for f in formats.split(",") if f.strip()) if formats else None,
            jobs=jobs,
            page_year=page_year,
            model=model,
            fast=fast,
            overrides=read_overrides(names) if names else Overrides(),
            export=ExportOptions(base=base) if base else ExportOptions(),
        )
        with console.progress(quiet=quiet) as progress:
            report = run(inputs, out, options, progress=progress)
        for skipped in report.skipped[:5]:
            print(f"kg: skipped {skipped}", file=sys.stderr)
        if len(report.skipped) > 5:
            print(f"kg: skipped {len(report.skipped) - 5} more, see {out / 'report.json'}", file=sys.stderr)
        if not quiet:
            print(f"{out}: {', '.join(report.files)} in {sum(report.seconds.values()):.1f} s")
            console.print_counts(report.counts(), len(report.graph.results))


def formats(debug: Debug = False) -> None:
    """List what can be read and what can be written."""
    with user_errors(debug):
        from kg.export import FORMATS
        from kg.readers import READERS

        print("read:")
        for reader in READERS:
            print(f"  {reader.name:20}{reader.title}")
        print("written:")
        for format_ in FORMATS.values():
            files = ", ".join(output.filename for output in format_.outputs)
            print(f"  {format_.name:20}{format_.title} ({files}){'' if format_.default else ', on request'}")
