"""The command line: thin commands over the functions of the package."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

import kg
from kg.errors import InputError, KGError

app = typer.Typer(
    name="kg",
    help="Build a knowledge graph of research papers and ask it questions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no summary.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Model = Annotated[Path | None, typer.Option("--model", help="Folder of a model made by `kg train`.")]
Fast = Annotated[bool, typer.Option("--fast", help="Use the small model without an encoder: faster, less accurate.")]
Source = Annotated[Path, typer.Argument(metavar="DIR", help="A built folder, or an RDF file.")]


@contextmanager
def _errors(debug: bool) -> Iterator[None]:
    """Turn errors into one line and an exit code."""
    try:
        yield
    except BrokenPipeError:
        # The reader of our output has gone (`kg query ... | head`): no error of ours.
        sys.stderr.close()
        raise typer.Exit(0) from None
    except KGError as error:
        if debug:
            raise
        print(f"kg: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        print("kg: stopped; what was extracted is kept, the same command continues", file=sys.stderr)
        raise typer.Exit(1) from None
    except Exception as error:
        if debug:
            raise
        line = " ".join(str(error).split())
        print(f"kg: {type(error).__name__}: {line}; run again with --debug for the details", file=sys.stderr)
        raise typer.Exit(1) from None


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


@app.command()
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
    with _errors(debug):
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


@app.command()
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
    with _errors(debug):
        from kg.query import run_query

        pairs = [v.partition("=") for v in values or ()]
        if any(not sep for _, sep, _ in pairs):
            raise InputError("--set wants NAME=VALUE")
        run_query(source, question, format_, sys.stdout.buffer, values={n: v for n, _, v in pairs})


@app.command()
def questions(debug: Debug = False) -> None:
    """List the questions that come with the program."""
    with _errors(debug):
        from kg.query import questions as bundled

        for item in bundled():
            print(f"{item.name:32}{item.title}")


@app.command()
def show(
    source: Source,
    name: Annotated[str, typer.Argument(help="Any name of a thing or title of a paper.")],
    debug: Debug = False,
) -> None:
    """Show what the graph says of one thing, with the sentences."""
    with _errors(debug):
        from kg.console import print_card
        from kg.show import show as look

        print_card(look(source, name))


@app.command()
def stats(source: Source, debug: Debug = False) -> None:
    """Count nodes and edges by type."""
    with _errors(debug):
        from kg.stats import count

        for heading, rows in count(source).items():
            print(heading)
            for name, number in rows.items():
                print(f"  {name:24}{number:9}")


@app.command()
def validate(source: Source, debug: Debug = False) -> None:
    """Check a graph against the SHACL shapes; exit code 1 if it breaks one."""
    with _errors(debug):
        from kg.validate import validate as check

        report = check(source)
        for violation in report.violations:
            print(violation)
        print(f"{source}: {len(report.violations)} violations" if report.violations else f"{source}: conforms")
        if report.violations:
            raise typer.Exit(1)


@app.command()
def evaluate(
    source: Source,
    gold: Annotated[Path, typer.Option("--gold", help="JSON lines of annotated papers.")],
    errors: Annotated[Path | None, typer.Option("--errors", help="Write wrong and missed items to this file.")] = None,
    debug: Debug = False,
) -> None:
    """Measure a graph against gold annotations: precision, recall and F1 by relation and type."""
    with _errors(debug):
        from kg.console import print_tallies
        from kg.evaluate import evaluate as measure

        found = measure(source, gold)
        print(f"papers in gold: {found.papers}, absent from the graph: {len(found.absent)}")
        print_tallies(found.tallies)
        if errors:
            lines = [
                f"{name}\t{kind}\t{title}\t{item}\n"
                for name, tally in found.tallies.items()
                for kind, items in (("wrong", tally.wrong), ("missed", tally.missed))
                for title, item in items
            ]
            errors.write_text("".join(lines), encoding="utf-8")


@app.command()
def annotate(
    text: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Text file; standard input if left out or -.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Title of the text.")] = "",
    model: Model = None,
    fast: Fast = False,
    debug: Debug = False,
) -> None:
    """Say what a text states: JSON lines of sentences with mentions, claims and results."""
    with _errors(debug):
        from kg.annotate import annotate as run

        body = sys.stdin.buffer.read() if text is None or str(text) == "-" else _read(text)
        for sentence in run(body.decode("utf-8", "replace"), title=title, model=model, fast=fast):
            print(json.dumps(sentence, ensure_ascii=False))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


@app.command()
def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with gold/ and seeds/.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Model folder to write.")],
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 13,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the tagger.")] = 9,
    encoder: Annotated[Path | None, typer.Option(help="Folder of an encoder's weights.")] = None,
    tagger: Annotated[bool, typer.Option(help="Train the tagger too, not the rest alone.")] = True,
    fast: Annotated[bool, typer.Option("--fast", help="Train the small model without an encoder.")] = False,
    debug: Debug = False,
) -> None:
    """Train a model from annotated papers (needs the extra `train`: pip install 'paper-kg[train]')."""
    with _errors(debug):
        try:
            from kg.train.crf import train_fast
            from kg.train.run import train as run
        except ImportError as error:
            raise InputError(
                f"training needs packages that are not here ({error}); pip install 'paper-kg[train]'"
            ) from error
        if fast:
            train_fast(data, out, seed=seed)
        else:
            run(data, out, seed=seed, epochs=epochs, encoder=encoder, tagger=tagger)


@app.command()
def formats(debug: Debug = False) -> None:
    """List what can be read and what can be written."""
    with _errors(debug):
        from kg.export import FORMATS
        from kg.readers import READERS

        print("read:")
        for reader in READERS:
            print(f"  {reader.name:20}{reader.title}")
        print("written:")
        for format_ in FORMATS.values():
            files = ", ".join(output.filename for output in format_.outputs)
            print(f"  {format_.name:20}{format_.title} ({files}){'' if format_.default else ', on request'}")


def main() -> None:
    """Entry point of the command ``kg``."""
    app()
