"""What commands share: options, and errors as one line with an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kg.errors import KGError

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no summary.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Model = Annotated[Path | None, typer.Option("--model", help="Folder of a model made by `kg train`.")]
Fast = Annotated[bool, typer.Option("--fast", help="Use the small model without an encoder: faster, less accurate.")]
JsonLog = Annotated[
    bool, typer.Option("--json-log", help="Tell progress, skips, errors and a summary as JSON lines on stderr.")
]
Source = Annotated[Path, typer.Argument(metavar="DIR", help="A built folder, or an RDF file.")]


@contextmanager
def user_errors(debug: bool, json_log: bool = False) -> Iterator[None]:
    """Turn errors into one line, of JSON if that is wanted, and an exit code."""
    try:
        yield
    except BrokenPipeError:
        # The reader of our output has gone (`kg query ... | head`): no error of ours.
        sys.stderr.close()
        raise typer.Exit(0) from None
    except KGError as error:
        if debug:
            raise
        if json_log:
            from kg.watch import log_error

            log_error(error)
        else:
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
