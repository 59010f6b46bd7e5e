"""Building a graph, and what it can be built from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.commands.common import Debug, Fast, JsonLog, Model, Quiet, user_errors
from kg.errors import InputError

if TYPE_CHECKING:
    from kg.engine import Engine
    from kg.report import Report

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A built folder.")]


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
    license_: Annotated[str | None, typer.Option("--license", help="IRI of the licence of the graph.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the papers that the folder has.")] = False,
    engine: Annotated[str, typer.Option(help="Who does the work: local or dask.")] = "local",
    scheduler: Annotated[str | None, typer.Option(help="Address of the Dask scheduler, for --engine dask.")] = None,
    model: Model = None,
    fast: Fast = False,
    quiet: Quiet = False,
    json_log: JsonLog = False,
    debug: Debug = False,
) -> None:
    """Read papers and write the graph: RDF, GraphML, tables and an HTML page."""
    with user_errors(debug, json_log):
        from kg import console
        from kg.building import BuildOptions
        from kg.building import build as run
        from kg.export import ExportOptions
        from kg.resolve import read_overrides

        options = BuildOptions(
            formats=_names(formats) if formats else None,
            engine=_engine(engine, scheduler, jobs),
            page_year=page_year,
            model=model,
            fast=fast,
            overrides=read_overrides(names) if names else None,
            base=ExportOptions(base=base).base if base else None,
            license=ExportOptions(license=license_).license,
            fresh=fresh,
        )
        with console.progress(quiet=quiet, json_log=json_log) as progress:
            report = run(inputs, out, options, progress=progress)
        _tell(report, out, quiet, json_log)


def remove(
    out: Folder,
    papers: Annotated[
        list[str], typer.Argument(metavar="PAPER...", help="Titles, identifiers (arxiv:2401.00001), ids or IRIs.")
    ],
    quiet: Quiet = False,
    json_log: JsonLog = False,
    debug: Debug = False,
) -> None:
    """Take papers out of a graph, with the facts that no other paper states."""
    with user_errors(debug, json_log):
        from kg import console
        from kg.building import remove as run

        with console.progress(quiet=quiet, json_log=json_log) as progress:
            report = run(out, papers, progress=progress)
        _tell(report, out, quiet, json_log)


def export(
    out: Folder,
    formats: Annotated[str, typer.Option("--format", "-f", help="Formats, with commas (see `kg formats`).")],
    quiet: Quiet = False,
    json_log: JsonLog = False,
    debug: Debug = False,
) -> None:
    """Write the graph of a built folder in further formats."""
    with user_errors(debug, json_log):
        from kg import console
        from kg.building import export_folder

        with console.progress(quiet=quiet, json_log=json_log) as progress:
            report = export_folder(out, _names(formats), progress=progress)
        _tell(report, out, quiet, json_log)


def _engine(name: str, scheduler: str | None, jobs: int) -> Engine:
    from kg.engine import local

    if name == "local" and scheduler is None:
        return local(jobs)
    if name == "dask" and scheduler:
        from kg.cluster import dask

        return dask(scheduler)
    if name == "dask":
        raise InputError("--engine dask wants --scheduler ADDRESS, for instance tcp://10.0.0.1:8786")
    if name == "local":
        raise InputError("--scheduler goes with --engine dask")
    raise InputError(f"no engine {name}; there are local, dask")


def _names(formats: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in formats.split(",") if name.strip())


def _tell(report: Report, out: Path, quiet: bool, json_log: bool) -> None:
    """Print what a build did: what it passed over always, the rest unless it shall be quiet."""
    from kg import console

    if json_log:
        for skipped in report.skipped:
            console.log_skipped(skipped)
        console.log_summary(report.as_dict())
        return
    for skipped in report.skipped[:5]:
        print(f"kg: skipped {skipped}", file=sys.stderr)
    if report.skipped_count > 5:
        print(f"kg: skipped {report.skipped_count - 5} more, see {out / 'report.json'}", file=sys.stderr)
    if not quiet:
        what = "nothing new" if report.unchanged else ", ".join(report.files)
        print(f"{out}: {what} in {sum(report.seconds.values()):.1f} s")
        console.print_counts(report.summary())


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
