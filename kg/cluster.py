"""The engine of a cluster: pieces of work go to the workers of a Dask scheduler.

Workers write parts into the build's folder, which must be on a file system that all of them share. A worker that dies
costs the piece that it had in hand: the scheduler gives it to another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from kg.engine import QUEUED, Engine, Work, do, pieces
from kg.errors import InputError, KGError
from kg.model import Paper
from kg.state.extractions import Done

PATIENCE = 15.0
"""Seconds to wait for the scheduler, and for the first worker."""


def dask(scheduler: str) -> Engine:
    """Return the engine that uses the workers of a scheduler, for instance ``tcp://10.0.0.1:8786``.

    Raises:
        InputError: the extra ``cluster`` is not installed, or no scheduler answers there.
    """
    try:
        import distributed
    except ImportError as error:
        raise InputError("the engine dask needs packages that are not here; pip install 'paper-kg[cluster]'") from error

    def run(papers: Sequence[Paper], work: Work) -> Iterator[Done]:
        if not papers:
            return
        work = replace(work, folder=work.folder.resolve(), model=work.model.resolve() if work.model else None)
        try:
            client: Any = distributed.Client(scheduler, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"{scheduler}: no Dask scheduler answers there ({' '.join(str(error).split())[:200]}); start one with "
                "`dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`"
            ) from error
        with client:
            yield from _drain(client, papers, work, scheduler)

    return run


def _drain(client: Any, papers: Sequence[Paper], work: Work, scheduler: str) -> Iterator[Done]:
    import distributed

    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise KGError(f"{scheduler}: the scheduler has no workers; start some: dask worker {scheduler}") from error
    workers = len(client.scheduler_info(n_workers=-1)["workers"])
    following = iter(pieces(papers, workers))
    running: Any = distributed.as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
    # Handed out little by little: what waits would fill the scheduler's memory.
    for piece in following:
        running.add(_submit(client, piece, work))
        if running.count() >= workers * QUEUED:
            break
    for future in running:
        try:
            done: Done = future.result()
        except distributed.KilledWorker as error:
            raise KGError(
                f"{scheduler}: workers died several times over one piece of work, perhaps for want of memory; what was "
                "extracted is kept: run the same command again"
            ) from error
        if done.part and not (work.folder / done.part).is_file():
            raise KGError(
                f"{done.worker}: wrote {work.folder / done.part}, which is not to be seen here; put the folder of the "
                "graph on a file system that all machines share"
            )
        for piece in islice(following, 1):
            running.add(_submit(client, piece, work))
        yield done


def _submit(client: Any, piece: Sequence[Paper], work: Work) -> Any:
    # Not pure: the same piece may have to be done again, when its part was lost.
    return client.submit(do, piece, work, pure=False, retries=2)
