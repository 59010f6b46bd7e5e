"""Is a graph well formed, and is it right?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg.commands.common import Debug, Source, user_errors


def validate(source: Source, debug: Debug = False) -> None:
    """Check a graph against the SHACL shapes; exit code 1 if it breaks one."""
    with user_errors(debug):
        from kg.validate import validate as check

        report = check(source)
        for violation in report.violations:
            print(violation)
        print(f"{source}: {len(report.violations)} violations" if report.violations else f"{source}: conforms")
        if report.violations:
            raise typer.Exit(1)


def evaluate(
    source: Source,
    gold: Annotated[Path, typer.Option("--gold", help="JSON lines of annotated papers.")],
    errors: Annotated[Path | None, typer.Option("--errors", help="Write wrong and missed items to this file.")] = None,
    debug: Debug = False,
) -> None:
    """Measure a graph against gold annotations: precision, recall and F1 by relation and type."""
    with user_errors(debug):
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
