"""A pool of processes that answer queries, each killed and replaced when a query goes beyond its limits."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

import kg
from kg.errors import InputError
from kg.server.cache import Answer, AnswerCache
from kg.server.context import MIB, Limits, Stamp, stamp
from kg.server.problems import Refusal
from kg.server.worker import FRAME, Asked, Job, Opened, Reply, frame

LOG = logging.getLogger("kg.server")

_POLL = 0.5
"""Seconds between looks at the folder. Two equal looks in a row tell that a build has ended."""
_START = 600.0
"""Seconds a worker may take to open the graph: a large RDF file is loaded, which a database is not."""
_AGAIN = 1.0
"""Seconds to the next try when a worker could not be started."""
_END = 5.0
"""Seconds a process may take to end by itself."""
_HELD = 4
"""Large answers on their way to clients, for each worker: they lie on the disk."""


class _WasDeadError(Exception):
    """A worker had died before it was asked."""


class _Worker:
    """A process with the graph open; ``stamp`` is that of the folder when it started."""

    def __init__(self, process: asyncio.subprocess.Process, started: Stamp, opened: Opened) -> None:
        self.process = process
        self.stamp = started
        self.opened = opened

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def ask(self, job: Job) -> tuple[Reply, bytes]:
        """Return its reply to a job, and the bytes that follow.

        Raises:
            _WasDeadError: the process had died before.
            EOFError, OSError: it died of the job.
        """
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write(frame(asdict(job)))
            await self.process.stdin.drain()
            await _read_frame(self.process.stdout)  # it has taken the job
        except (EOFError, OSError) as error:
            raise _WasDeadError from error
        reply = Reply(**await _read_frame(self.process.stdout))
        return reply, await self.process.stdout.readexactly(0 if reply.spooled else reply.size)

    def retire(self) -> None:
        """Let it end by itself, which it does when it has nothing to do."""
        assert self.process.stdin
        self.process.stdin.close()

    def kill(self) -> None:
        """End it at once, whatever it does."""
        with suppress(ProcessLookupError):
            self.process.kill()


class Pool:
    """Workers on one folder. Start it, ask it, close it, all on one event loop."""

    def __init__(self, source: Path, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._starting = 0
        self._waiting: deque[asyncio.Future[_Worker]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._stamp: Stamp = ()
        self._cache = AnswerCache(limits.cache)
        self._jobs = 0
        self._held = 0
        self._closing = False
        self.opened: Opened | None = None
        self.generation = 0

    @property
    def state(self) -> dict[str, int]:
        """How many workers are idle, busy and starting, and how many requests wait for one."""
        return {
            "idle": len(self._idle),
            "busy": len(self._busy),
            "starting": self._starting,
            "waiting": len(self._waiting),
        }

    async def start(self) -> None:
        """Start the workers, and wait until the first has opened the graph.

        Raises:
            InputError: the folder has no graph that can be read.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="kg-serve-", ignore_cleanup_errors=True)
        self._take_up(await self._new())
        self._later(self._watch())

    async def close(self) -> None:
        """End all workers and whatever they do."""
        self.drain()
        for task in self._tasks:
            task.cancel()
        for worker in self._busy:
            worker.kill()
        for worker in self._idle:
            worker.retire()
        for worker in (*self._idle, *self._busy):
            try:
                await asyncio.wait_for(worker.process.wait(), _END)
            except TimeoutError:
                worker.kill()
                await worker.process.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._folder:
            self._folder.cleanup()

    def drain(self) -> None:
        """Refuse requests from now on, also those that wait; running queries go on."""
        self._closing = True
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(_stopping())

    async def answer(self, asked: Asked) -> Answer:
        """Return the answer to a query.

        Raises:
            Refusal: the query is wrong, went beyond a limit, or the server has no time for it.
        """
        known = self._cache.get(asked)
        while known is None:
            with suppress(_WasDeadError):
                return await self._answer(await self._acquire(), asked)
        return known

    async def _answer(self, worker: _Worker, asked: Asked) -> Answer:
        assert self._folder
        limits = self._limits
        self._jobs += 1
        spool = Path(self._folder.name) / f"answer-{self._jobs}"
        job = Job(
            **asdict(asked),
            spool=str(spool),
            seconds=limits.seconds,
            max_rows=limits.rows,
            max_bytes=limits.answer,
            depth=limits.depth,
        )
        unharmed = False
        try:
            async with asyncio.timeout(limits.seconds):
                reply, body = await worker.ask(job)
            unharmed = not reply.spent
            if reply.kind == "refusal":
                raise Refusal(reply.status, reply.detail)
            answer = Answer(reply.kind, reply.count, reply.size, body, self._take(spool) if reply.spooled else None)
            if worker.stamp == self._stamp:
                self._cache.put(asked, answer)
            return answer
        except TimeoutError:
            detail = f"the query took more than {limits.seconds:g} seconds and was stopped; ask for less"
            raise Refusal(422, detail) from None
        except (EOFError, OSError):
            raise await self._died(worker) from None
        finally:
            # Also when the client has gone: its task is cancelled then, and the query must not go on.
            if unharmed:
                self._release(worker)
            else:
                self._discard(worker)
            # An open file cannot be removed everywhere; it then goes with the folder.
            with suppress(OSError):
                spool.unlink(missing_ok=True)

    def release(self, file: BinaryIO) -> None:
        """Close the file of a large answer."""
        file.close()
        self._held -= 1

    def _take(self, spool: Path) -> BinaryIO:
        if self._held >= _HELD * self._limits.workers:
            raise Refusal(503, "too many large answers are being sent; try again", {"Retry-After": "5"})
        file = spool.open("rb")
        self._held += 1
        return file

    async def _died(self, worker: _Worker) -> Refusal:
        with suppress(TimeoutError):
            await asyncio.wait_for(worker.process.wait(), _END)
        code = worker.process.returncode
        LOG.warning("worker %d ended with %s while it answered", worker.process.pid, code)
        if code == -getattr(signal, "SIGSEGV", 11):
            return Refusal(422, "the query is too long or nests too deep for this server; make it simpler")
        memory = self._limits.memory // MIB
        return Refusal(422, f"the query was stopped: it needs more than {memory} MiB of memory; ask for less")

    async def _acquire(self) -> _Worker:
        if self._closing:
            raise _stopping()
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                self._busy.add(worker)
                return worker
            self._fill()
        if len(self._waiting) >= self._limits.queue:
            raise _overload()
        future: asyncio.Future[_Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            async with asyncio.timeout(self._limits.wait):
                return await future
        except BaseException as error:
            with suppress(ValueError):
                self._waiting.remove(future)
            if future.done() and not future.cancelled() and future.exception() is None:
                self._release(future.result())  # it came at the moment at which we gave up
            if isinstance(error, TimeoutError):
                raise _overload() from None
            raise

    def _give(self, worker: _Worker) -> None:
        """Hand a worker to the request that waits longest, or let it idle."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                self._busy.add(worker)
                future.set_result(worker)
                return
        self._idle.append(worker)

    def _release(self, worker: _Worker) -> None:
        self._busy.discard(worker)
        if worker.alive and worker.stamp == self._stamp:
            self._give(worker)
        else:
            self._discard(worker)

    def _discard(self, worker: _Worker) -> None:
        self._busy.discard(worker)
        worker.kill()
        self._fill()

    def _fill(self) -> None:
        """Start as many workers as the pool lacks."""
        there = sum(worker.stamp == self._stamp for worker in (*self._idle, *self._busy))
        for _ in range(self._limits.workers - there - self._starting):
            if not self._closing:
                self._starting += 1
                self._later(self._add())

    def _take_up(self, worker: _Worker) -> None:
        """Answer from the graph of this worker from now on."""
        self._stamp = worker.stamp
        self._cache.clear()
        self.opened = worker.opened
        self.generation += 1
        for former in self._idle:
            former.retire()
        self._idle.clear()
        self._give(worker)
        self._fill()

    async def _add(self) -> None:
        """Start a worker; try until that goes well."""
        try:
            while not self._closing:
                try:
                    worker = await self._new()
                except (InputError, OSError) as error:
                    LOG.warning("no new worker: %s", error)
                    await asyncio.sleep(_AGAIN)
                    continue
                if worker.stamp == self._stamp:
                    self._give(worker)
                    return
                worker.kill()  # the folder was built meanwhile
                await asyncio.sleep(_POLL)
        finally:
            self._starting -= 1

    async def _watch(self) -> None:
        """Take up the graph of each new build, and replace workers that died without a query."""
        before, failed = self._stamp, self._stamp
        while True:
            await asyncio.sleep(_POLL)
            now = await asyncio.to_thread(stamp, self._source)
            if now and now == before and now not in (self._stamp, failed):
                try:
                    self._take_up(await self._new())
                    LOG.info("%s was built anew; answers come from the new graph", self._source)
                except (InputError, OSError) as error:
                    failed = now
                    LOG.warning("the graph changed and cannot be read; answers come from the former one: %s", error)
            before = now
            dead = [worker for worker in self._idle if not worker.alive]
            if dead:
                self._idle = [worker for worker in self._idle if worker.alive]
                self._fill()

    async def _new(self) -> _Worker:
        """Start a worker on the graph as it stands, and wait until it has opened it.

        Raises:
            InputError: it cannot.
        """
        while True:
            worker = await self._open(stamp(self._source))
            if worker.stamp == stamp(self._source):
                return worker
            worker.kill()  # the folder changed meanwhile; nobody knows which graph it opened
            await asyncio.sleep(_POLL)

    async def _open(self, started: Stamp) -> _Worker:
        root = str(Path(kg.__file__).resolve().parent.parent)
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "kg.server.worker",
            str(self._source),
            str(self._limits.memory),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        assert process.stdout
        opened = None
        try:
            async with asyncio.timeout(_START):
                record = await _read_frame(process.stdout)
            if record.pop("kind") != "ready":
                raise InputError(str(record["detail"]))
            opened = Opened(**{**record, "named": tuple(record["named"])})
            return _Worker(process, started, opened)
        except (EOFError, TimeoutError) as error:
            raise InputError(f"{self._source}: a process that should open it ended before it did") from error
        finally:
            if opened is None:
                with suppress(ProcessLookupError):
                    process.kill()
                # Until it is waited for, its pipes are open, which is told on stderr when the loop ends.
                await process.wait()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _read_frame(stream: asyncio.StreamReader) -> dict[str, Any]:
    (length,) = FRAME.unpack(await stream.readexactly(FRAME.size))
    return cast(dict[str, Any], json.loads(await stream.readexactly(length)))


def _overload() -> Refusal:
    return Refusal(503, "the server is busy with other queries; try again", {"Retry-After": "5"})


def _stopping() -> Refusal:
    return Refusal(503, "the server is stopping", {"Retry-After": "30"})
