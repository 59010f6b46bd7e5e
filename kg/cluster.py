"""The engine of a cluster: pieces of work go to the workers of a Dask scheduler.

Workers read and write files of the build's folder, which must be on a file system that all of them share. A worker that
dies costs the piece that it had in hand: the scheduler gives it to another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Self, TypeVar

from kg.engine import DIED, QUEUED, Engine
from kg.errors import InputError, KGError
from kg.resources import code_digest

P = TypeVar("P")
R = TypeVar("R")

PATIENCE = 15.0
"""Seconds to wait for the scheduler, and for the first worker."""


def dask(scheduler: str) -> Engine:
    """Return the engine that uses the workers of a scheduler, for instance ``tcp://10.0.0.1:8786``.

    Raises:
        InputError: the extra ``cluster`` is not installed.
    """
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise InputError("the engine dask needs packages that are not here; pip install 'paper-kg[cluster]'") from error
    return _Dask(scheduler)


class _Dask:
    """Connects when there is something to do: a folder in which nothing is new needs no cluster."""

    apart = True

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler
        self._client: Any = None

    @property
    def workers(self) -> int:
        return max(1, len(self._connected().scheduler_info(n_workers=-1)["workers"]))

    def _connected(self) -> Any:
        """Return the client.

        Raises:
            InputError: no scheduler answers.
            KGError: it has no workers.
        """
        import distributed

        if self._client is None:
            try:
                client: Any = distributed.Client(self._scheduler, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
            except (OSError, ValueError, TimeoutError) as error:
                raise InputError(
                    f"{self._scheduler}: no Dask scheduler answers there ({' '.join(str(error).split())[:200]}); start "
                    "one with `dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`"
                ) from error
            self._client = client
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise KGError(
                f"{self._scheduler}: the scheduler has no workers; start some: dask worker {self._scheduler}"
            ) from error
        return self._client

    def map(self, function: Callable[[P], R], pieces: Iterable[P], count: int) -> Iterator[R]:
        import distributed

        if not count:
            return
        client, workers = self._connected(), self.workers
        following = iter(pieces)
        running: Any = distributed.as_completed(loop=client.loop)  # type: ignore[no-untyped-call]

        def submit(number: int) -> None:
            for piece in islice(following, number):
                # Not pure: the same piece may have to be done again, when a file of it was lost.
                running.add(client.submit(_do, function, piece, code_digest(), pure=False, retries=2))

        # Handed out little by little: what waits would fill the scheduler's memory.
        submit(workers * QUEUED)
        for future in running:
            try:
                made: R = future.result()
            except distributed.KilledWorker as error:
                raise KGError(f"{self._scheduler}: workers {DIED.format('larger workers')}") from error
            submit(1)
            yield made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _do(function: Callable[[P], R], piece: P, code: str) -> R:
    """Do a piece of work on a worker.

    Raises:
        KGError: the worker has another version of this program than the one that asks.
    """
    if code_digest() != code:
        import socket

        raise KGError(f"{socket.gethostname()}: runs another version of paper-kg; install the same one there")
    return function(piece)
