"""Watching a build: on a real terminal, in a log, as JSON lines."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from kg.errors import InputError
from kg.model import Place
from kg.readers import Skipped
from kg.watch import Stage, log_error, log_skipped, log_summary
from tests.paths import ROOT

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

WORK = """
import sys, time
from kg import watch
with watch.progress(**eval(sys.argv[1])) as progress:
    progress("read", 1000, 0)
    time.sleep(0.7)
    progress("read", 2000, 0)
    progress("extract", 100, 500)
    for done in range(120, 501, 20):
        time.sleep(0.06)
        progress("extract", done, 500)
    progress("resolve", 0, 0)
    time.sleep(0.2)
    progress("export", 0, 0)
print("done")
"""


def on_terminal(command: list[str], width: int, **environment: str) -> tuple[int, str]:
    """Run ``command`` in a terminal of this width; return its exit code and all that the terminal was sent."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    unset = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
    env = {name: value for name, value in os.environ.items() if name not in unset}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env={**env, "TERM": "xterm-256color", **environment}
    )
    os.close(slave)
    sent = b""
    try:
        while part := os.read(master, 1 << 16):
            sent += part
    except OSError:
        pass  # Linux tells the end of a terminal by an error
    finally:
        os.close(master)
    return process.wait(), sent.decode("utf-8", "replace")


def frames(sent: str) -> list[str]:
    """Return the lines that were shown, without colours and movements."""
    return [line for line in re.split(r"[\r\n]+", ANSI.sub("", sent)) if line.strip()]


def piped(command: list[str]) -> tuple[str, str]:
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=ROOT, check=True)
    return done.stdout, done.stderr


def working(**options: bool) -> list[str]:
    return [sys.executable, "-c", WORK, repr(options)]


def test_a_terminal_shows_count_rate_and_time_left() -> None:
    code, sent = on_terminal(working(), 100)
    shown = frames(sent)
    assert code == 0
    extract = [line for line in shown if line.startswith("extract")]
    assert any(re.search(r"extract +\S*[━╸╺].* \d+/500 +\d+/s +0:0\d left", line) for line in extract), extract
    assert any(re.search(r"read .* 2,000", line) for line in shown)
    assert any(re.search(r"resolve .* 0:00 so far", line) for line in shown)
    # 100 of the 500 were there before: the rate is that of the other 400 only.
    rates = [int(match[1]) for line in extract if (match := re.search(r" (\d+)/s", line))]
    assert rates
    assert all(80 <= rate <= 400 for rate in rates)
    # At the end the bar is gone, the cursor is back, and what is printed then stands alone.
    assert sent.count("\x1b[?25l") == sent.count("\x1b[?25h") == 1
    assert frames(sent)[-1] == "done"


@pytest.mark.parametrize("width", [20, 39, 59])
def test_a_narrow_terminal_shows_what_fits_on_one_line(width: int) -> None:
    code, sent = on_terminal(working(), width)
    shown = frames(sent)
    assert code == 0
    assert max(map(len, shown)) <= width
    assert any(re.search(r"extract +\d+% +0:0\d|extract +\d+/500 +0:0\d left", line) for line in shown), shown


def test_a_terminal_without_a_cursor_gets_lines() -> None:
    _, sent = on_terminal(working(), 80, TERM="dumb")
    assert "\x1b" not in sent
    assert "extract 500/500 (100%)" in sent


def test_a_log_gets_the_first_and_the_last_of_each_stage() -> None:
    stdout, stderr = piped(working())
    assert stdout == "done\n"
    lines = stderr.splitlines()
    assert lines[0] == "read 1,000"
    assert re.fullmatch(r"read 2,000, [\d,]+/s", lines[1])
    assert lines[2] == "extract 100/500 (20%)"
    assert re.fullmatch(r"extract 500/500 \(100%\), \d+/s", lines[3])
    assert lines[4:] == ["resolve ...", "export ..."]


def test_quiet_is_quiet() -> None:
    assert piped(working(quiet=True)) == ("done\n", "")
    _, sent = on_terminal(working(quiet=True), 80)
    assert sent == "done\r\n"


def test_a_json_log_is_events_only() -> None:
    stdout, stderr = piped(working(json_log=True, quiet=True))
    events = [json.loads(line) for line in stderr.splitlines()]
    assert stdout == "done\n"
    assert {event["event"] for event in events} == {"progress"}
    assert [(e["stage"], e["done"], e["total"]) for e in events] == [
        ("read", 1000, None),
        ("read", 2000, None),
        ("extract", 100, 500),
        ("extract", 500, 500),
        ("resolve", 0, None),
        ("export", 0, None),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"]) for event in events)
    assert 80 <= events[3]["rate"] <= 400
    assert events[3]["left"] == 0
    assert events[2]["rate"] is None
    assert events[2]["left"] is None


def test_a_json_log_on_a_terminal_has_no_bar() -> None:
    _, sent = on_terminal(working(json_log=True), 80)
    assert "\x1b" not in sent
    assert all(json.loads(line) for line in sent.splitlines()[:-1])


def test_events_of_skips_errors_and_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    log_skipped(Skipped(Place("a\u2028b.json", 3, "records"), 'broken "JSON"'))
    log_error(InputError("x.json: is empty"))
    log_summary({"records": {"read": 2}, "seconds": {"read": 0.1}})
    printed = capsys.readouterr().err
    assert printed.isascii()
    skip, error, summary = (json.loads(line) for line in printed.splitlines())
    assert skip.items() >= {"event": "skip", "file": "a\u2028b.json", "line": 3, "reason": 'broken "JSON"'}.items()
    assert error.items() >= {"event": "error", "message": "x.json: is empty", "exit_code": 2}.items()
    assert summary.items() >= {"event": "summary", "records": {"read": 2}}.items()


def test_a_stage_that_counts_nothing_still_says_that_it_lives() -> None:
    slow = "from kg import watch; import time; watch.LOG_SECONDS = 1.0\n"
    slow += "with watch.progress() as progress:\n progress('resolve', 0, 0)\n time.sleep(3.5)"
    _, stderr = piped([sys.executable, "-c", slow])
    assert stderr.startswith("resolve ...\nresolve ... (0:0")
    assert 3 <= len(stderr.splitlines()) <= 5


def test_the_time_left_follows_the_last_minute() -> None:
    stage = Stage("extract", begun=0.0)
    stage.update(0.0, 5_000, 10_000)  # from the cache of an earlier build
    assert stage.left(0.1) is None
    for second in range(1, 101):
        stage.update(float(second), 5_000 + 10 * second, 10_000)
    assert stage.rate(100.0) == pytest.approx(10, rel=0.05)
    assert stage.left(100.0) == pytest.approx(400, rel=0.05)
    for second in range(101, 201):  # it slows down
        stage.update(float(second), 6_000 + 2 * (second - 100), 10_000)
    assert stage.left(200.0) == pytest.approx(1_900, rel=0.05)
    # While nothing comes the rate falls; after a minute nothing is known any more.
    assert stage.left(230.0) == pytest.approx(3_800, rel=0.1)
    assert stage.left(300.0) is None


def test_a_build_on_a_terminal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kg", "build", "examples/low-precision.tsv", "--fast", "--jobs", "1"]
    code, sent = on_terminal([*command, "--format", "csv", "--out", str(tmp_path / "graph")], 90)
    assert code == 0
    assert any(line.startswith("extract") for line in frames(sent))
    assert frames(sent)[-1].startswith("results: ")
    assert sent.rfind("\x1b[?25h") < sent.rfind("results: ")
