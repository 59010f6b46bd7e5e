"""Engines: who does the work. An engine applies a function to pieces of work, here or elsewhere, and no more.

Functions and pieces are sent to other processes, so both must be picklable, and a function may be applied to a piece
again when a worker dies.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from kg.errors import KGError
from kg.processes import start_worker

P = TypeVar("P")
R = TypeVar("R")

QUEUED = 4
"""Pieces of work a process that are handed out at a time."""

STARTING = 2.0
"""Seconds that a process takes to start, about: work that is done sooner than that is not worth one."""

DIED = (
    "died, perhaps for want of memory; what was extracted is kept: run the same command again, with {} if memory is "
    "short"
)
"""What is said of workers that died, with what helps."""


class Engine(Protocol):
    """Who does the work. It is open from its first use to the end of its ``with`` block, and may be used again.

    ``apart`` tells that workers share files with this process and nothing else.
    """

    @property
    def apart(self) -> bool: ...

    @property
    def workers(self) -> int:
        """Pieces of work that are done at a time."""

    def map(self, function: Callable[[P], R], pieces: Iterable[P], count: int) -> Iterator[R]:
        """Yield what the function makes of each piece, in whatever order that is done; ``count`` is how many there are.

        Raises:
            KGError: workers died; or whatever the function raises.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Local:
    """The engine of this machine: processes that are started when there is enough to do, else this one alone."""

    apart = False

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    @property
    def workers(self) -> int:
        return self._jobs or os.cpu_count() or 1

    def map(self, function: Callable[[P], R], pieces: Iterable[P], count: int) -> Iterator[R]:
        following = iter(pieces)
        if self._pool is None:
            spent = 0.0
            for done, piece in enumerate(following, 1):
                started = time.monotonic()
                made = function(piece)
                spent += time.monotonic() - started
                yield made
                # What was done tells how long the rest would take here, and whether processes are worth their start.
                if self.workers > 1 and spent / done * (count - done) > STARTING * self.workers:
                    # Spawned, not forked: the parent may hold threads of numerical libraries, which fork does not copy.
                    self._pool = ProcessPoolExecutor(self.workers, get_context("spawn"), start_worker)
                    break
            else:
                return
        pool = self._pool
        try:
            yield from self._spread(pool, function, following)
        except BrokenProcessPool as error:
            raise KGError(f"a process of the build {DIED.format('fewer --jobs')}") from error

    def _spread(self, pool: ProcessPoolExecutor, function: Callable[[P], R], following: Iterator[P]) -> Iterator[R]:
        # Handed out little by little: a million papers are not pickled at once.
        running: set[Future[R]] = set()
        while True:
            running |= {pool.submit(function, p) for p in islice(following, self.workers * QUEUED - len(running))}
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        pool, self._pool = self._pool, None
        if pool:
            # Not waited for: processes take a second to give up what they hold.
            pool.shutdown(wait=False, cancel_futures=True)


def local(jobs: int = 0) -> Engine:
    """Return the engine of this machine: ``jobs`` processes, 0 for one a processor."""
    return Local(jobs)
