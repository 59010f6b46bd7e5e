"""The server of a built folder."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from kg.commands.common import Debug, Source, user_errors
from kg.errors import InputError


def serve(
    source: Source,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is open to the network.")] = "localhost",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes any that is free.")] = 8000,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Queries answered at once; by default one a processor, 2 to 8.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds a query may take.")] = 30.0,
    max_rows: Annotated[int, typer.Option(min=1, help="Rows, or triples, an answer may have.")] = 100_000,
    max_size: Annotated[int, typer.Option(min=1, help="MiB an answer may have.")] = 128,
    memory: Annotated[int, typer.Option(min=64, help="MiB of memory a query may take.")] = 1024,
    cache: Annotated[int, typer.Option(min=0, help="MiB of answers kept until the next build; 0 keeps none.")] = 32,
    queue: Annotated[int, typer.Option(min=0, help="Queries that may wait when all workers are busy.")] = 256,
    patience: Annotated[float, typer.Option(min=0.1, help="Seconds a client may take to send or to receive.")] = 20.0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Log no requests, only warnings.")] = False,
    debug: Debug = False,
) -> None:
    """Serve a built folder: SPARQL at /sparql, and pages for people. Stops on Control-C."""
    with user_errors(debug):
        try:
            from kg.server.context import MIB, Limits
            from kg.server.run import serve as run
        except ModuleNotFoundError as error:
            if (error.name or "kg").partition(".")[0] == "kg":
                raise
            raise InputError(f"kg serve needs {error.name}; install it with: pip install 'paper-kg[serve]'") from error
        limits = Limits(
            seconds=timeout,
            rows=max_rows,
            answer=max_size * MIB,
            memory=memory * MIB,
            cache=cache * MIB,
            queue=queue,
            patience=patience,
            workers=workers or min(8, max(2, os.cpu_count() or 2)),
        )

        def announce(address: str) -> None:
            print(f"Serving {source} at {address} with SPARQL at {address}sparql (Control-C stops it)", flush=True)

        run(source, limits, host, port, announce=announce, quiet=quiet, debug=debug)
