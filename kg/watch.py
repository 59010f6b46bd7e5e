"""Watching long work: a bar on a terminal, a line a minute in a log, or events as JSON lines; all of it on stderr.

The events of ``--json-log`` are objects of one line each, with ``event`` and ``time`` (UTC, ISO 8601), and

- ``progress``: ``stage``, ``done``, ``total`` (null when not known), ``seconds`` since the stage began, ``rate`` (items
  a second) and ``left`` (seconds; both null when not known). The first and the last of a stage always come, others at
  most every :data:`JSON_SECONDS`, and one every :data:`LOG_SECONDS` while a stage counts nothing;
- ``skip``: ``file``, ``line`` (0 if the format has none), ``format``, ``reason``;
- ``error``: ``message``, ``exit_code``;
- ``summary``: whatever the command tells at its end, for ``kg build`` the counts and seconds of ``report.json``.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

    from kg.errors import KGError
    from kg.readers import Skipped

Report = Callable[[str, int, int], None]
"""Called with the stage, the items done and the items in all (0: not known). A stage ends when another begins."""

LOG_SECONDS = 60.0
JSON_SECONDS = 5.0

WINDOW = 60
"""Seconds that count for the rate: what was long ago says little about the time left."""


@dataclass(slots=True)
class Stage:
    """How far a stage is. Times are seconds of a steady clock.

    What was done when the stage began (found in a cache, for instance) does not count for the rate.
    """

    name: str
    begun: float
    done: int = 0
    total: int = 0
    samples: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=WINDOW + 2))

    def update(self, now: float, done: int, total: int) -> None:
        """Take in how much is done at ``now``."""
        self.done, self.total = done, total
        if not self.samples or now - self.samples[-1][0] >= 1.0:
            self.samples.append((now, done))

    @property
    def finished(self) -> bool:
        return bool(self.total) and self.done >= self.total

    def rate(self, now: float) -> float | None:
        """Return the items a second of the last :data:`WINDOW` seconds, or None as long as nothing can be said."""
        recent = next((sample for sample in self.samples if now - sample[0] <= WINDOW), (now, self.done))
        passed, done = now - recent[0], self.done - recent[1]
        return done / passed if passed >= 0.5 and done > 0 else None

    def left(self, now: float) -> float | None:
        """Return the seconds to the end of the stage, or None as long as nothing can be said."""
        rate = self.rate(now)
        return (self.total - self.done) / rate if rate and self.total else None

    def describe(self, now: float) -> str:
        """Return the state on one line.

        >>> stage = Stage("extract", begun=0.0)
        >>> stage.update(0.0, 0, 20_000); stage.update(4.0, 400, 20_000); stage.describe(4.0)
        'extract 400/20,000 (2%), 100/s, 3:16 left'
        """
        if not self.total and not self.done:
            return f"{self.name} ..." if now - self.begun < 1 else f"{self.name} ... ({clock(now - self.begun)})"
        parts = [f"{self.name} {self.done:,}"]
        if self.total:
            parts = [f"{self.name} {self.done:,}/{self.total:,} ({self.done * 100 // self.total}%)"]
        rate, left = self.rate(now), self.left(now)
        if rate:
            parts.append(f"{speed(rate)}/s")
        if left is not None and not self.finished:
            parts.append(f"{clock(left)} left")
        return ", ".join(parts)


def clock(seconds: float) -> str:
    """Return a time as people read it.

    >>> clock(7), clock(196), clock(5025), clock(400_000)
    ('0:07', '3:16', '1:23:45', '4 d 15 h')
    """
    whole = round(seconds)
    if whole >= 99 * 3600:
        return f"{whole // 86400} d {whole % 86400 // 3600} h"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def speed(rate: float) -> str:
    """Return a rate with two or three digits that mean something.

    >>> speed(0.0312), speed(4.26), speed(85.4), speed(12345.6)
    ('0.031', '4.3', '85', '12,346')
    """
    return f"{rate:.2g}" if rate < 1 else f"{rate:.1f}" if rate < 10 else f"{rate:,.0f}"


@contextmanager
def progress(*, quiet: bool = False, json_log: bool = False) -> Iterator[Report]:
    """Yield a progress function.

    A terminal shows a bar with rate and time left; a log gets one line a minute, even while a stage counts nothing;
    with ``json_log`` it gets ``progress`` events. ``quiet`` silences the first two.
    """
    if json_log:
        with _lines(_json_line, JSON_SECONDS) as update:
            yield update
    elif quiet:
        yield lambda stage, done, total: None
    elif sys.stderr.isatty() and (bar := _bar()):
        with bar:
            yield _Bar(bar).update
    else:
        with _lines(lambda stage, now: stage.describe(now), LOG_SECONDS) as update:
            yield update


def log_skipped(skipped: Skipped) -> None:
    """Write a ``skip`` event."""
    place = skipped.place
    _event("skip", file=place.file, line=place.line, format=place.format, reason=skipped.reason)


def log_error(error: KGError) -> None:
    """Write an ``error`` event."""
    _event("error", message=str(error), exit_code=error.exit_code)


def log_summary(summary: Mapping[str, Any]) -> None:
    """Write a ``summary`` event with these JSON values."""
    _event("summary", **summary)


def _event(kind: str, **values: Any) -> None:
    print(_json(kind, **values), file=sys.stderr, flush=True)


def _json(kind: str, **values: Any) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    # ASCII, so that no sign of a title can end a line or fail in the encoding of the log.
    return json.dumps({"event": kind, "time": now, **values})


def _json_line(stage: Stage, now: float) -> str:
    rate, left = stage.rate(now), stage.left(now)
    return _json(
        "progress",
        stage=stage.name,
        done=stage.done,
        total=stage.total or None,
        seconds=round(now - stage.begun, 1),
        rate=round(rate, 3) if rate else None,
        left=round(left, 1) if left is not None else None,
    )


class _Log:
    """Writes the first and the last state of each stage, and others not too often."""

    def __init__(self, line: Callable[[Stage, float], str], every: float) -> None:
        self._line = line
        self._every = every
        self._lock = threading.Lock()
        self._stage: Stage | None = None
        self._written = 0.0
        self._pending = False

    def update(self, name: str, done: int, total: int) -> None:
        now = time.monotonic()
        with self._lock:
            stage = self._stage
            if new := stage is None or stage.name != name:
                self._close(now)
                stage = self._stage = Stage(name, now)
            assert stage is not None
            stage.update(now, done, total)
            self._pending = True
            if new or stage.finished or now - self._written >= self._every:
                self._write(now)

    def remind(self) -> None:
        """Write the state when nothing has been written for a minute: a stage that counts nothing is alive too."""
        now = time.monotonic()
        with self._lock:
            if self._stage and not self._stage.finished and now - self._written >= LOG_SECONDS:
                self._write(now)

    def close(self) -> None:
        with self._lock:
            self._close(time.monotonic())

    def _close(self, now: float) -> None:
        """Write the last count of a stage whose total nobody knew."""
        if self._stage and self._pending:
            self._write(now)

    def _write(self, now: float) -> None:
        if self._stage:
            print(self._line(self._stage, now), file=sys.stderr, flush=True)
            self._written, self._pending = now, False


@contextmanager
def _lines(line: Callable[[Stage, float], str], every: float) -> Iterator[Report]:
    log, ended = _Log(line, every), threading.Event()

    def remind() -> None:
        while not ended.wait(min(every, 1.0)):
            log.remind()

    thread = threading.Thread(target=remind, name="progress", daemon=True)
    thread.start()
    try:
        yield log.update
        log.close()
    finally:
        ended.set()
        thread.join()


class _Bar:
    """Shows the stages on a terminal, one line each."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._stage: Stage | None = None
        self._task: Any = None

    def update(self, name: str, done: int, total: int) -> None:
        now = time.monotonic()
        if self._stage is None or self._stage.name != name:
            self._close()
            self._stage = Stage(name, now)
            self._task = self._bar.add_task(name, total=total or None, stage=self._stage)
        self._stage.update(now, done, total)
        self._bar.update(self._task, completed=done, total=total or None)

    def _close(self) -> None:
        """Fill the bar of a stage that is over: where the total was not known, it is what was done."""
        if self._stage:
            total = self._stage.total or self._stage.done or 1
            self._bar.update(self._task, completed=total, total=total)
            self._bar.stop_task(self._task)


def _bar() -> Progress | None:
    """Return the display, as much of it as fits; None for a terminal that cannot move its cursor."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task
    from rich.table import Column as TableColumn
    from rich.text import Text

    console = Console(stderr=True)
    if console.is_dumb_terminal or not console.is_terminal:
        return None

    class Column(ProgressColumn):
        max_refresh = 0.5

        def __init__(self, text: Callable[[Stage, float, bool], str], style: str) -> None:
            self._text, self._style = text, style
            super().__init__(TableColumn(no_wrap=True))

        def render(self, task: Task) -> Text:
            over = task.stop_time is not None or task.fields["stage"].finished
            return Text(self._text(task.fields["stage"], time.monotonic(), over), self._style, justify="right")

    def count(stage: Stage, now: float, over: bool) -> str:
        if stage.total:
            return f"{stage.done:,}/{stage.total:,}"
        return f"{stage.done:,}" if stage.done else ""

    def percent(stage: Stage, now: float, over: bool) -> str:
        return f"{stage.done * 100 // stage.total}%" if stage.total else ""

    def pace(stage: Stage, now: float, over: bool) -> str:
        rate = None if over else stage.rate(now)
        return f"{speed(rate)}/s" if rate else ""

    def left(stage: Stage, now: float, over: bool) -> str:
        if over:
            return ""
        seconds = stage.left(now)
        if seconds is not None:
            return f"{clock(seconds)} left" if width >= 40 else clock(seconds)
        return "" if stage.total else f"{clock(now - stage.begun)} so far" if width >= 40 else "..."

    width = console.width
    columns: list[ProgressColumn] = [Column(lambda stage, now, over: stage.name, "")]
    if width >= 60:
        columns.append(BarColumn(bar_width=None))
    columns.append(Column(count if width >= 40 else percent, "progress.download"))
    if width >= 60:
        columns.append(Column(pace, "progress.data.speed"))
    columns.append(Column(left, "progress.remaining"))
    return Progress(*columns, console=console, transient=True, expand=width >= 60)
