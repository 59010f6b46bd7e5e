"""How `kg serve` bears many clients at once, on the questions that come with the program.

    python benchmarks/server.py DIR [--clients 64] [--seconds 60] [--workers N] [--cache MiB]

Starts a server of its own on a free port. First one client asks each question a few times, alone; then all clients ask
all questions in turn, each on a connection that stays open, and compare the number of bytes of each answer with that of
the first. Clients and server share the machine. Memory is that of the server and its workers together. The server keeps
answers, as it does for everybody, so most come from memory; with --cache 0 every one is worked out anew.
"""

from __future__ import annotations

import argparse
import http.client
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from kg.query import Question, questions

ALONE = 5
"""Times each question is asked by the single client."""
HEADS = (("first ms", 10), ("again ms", 10), ("requests", 10), ("median ms", 12), ("p99 ms", 12), ("max ms", 12))


@dataclass
class Tally:
    """What one client saw: milliseconds by question, and errors by kind."""

    spent: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)


@contextmanager
def server(directory: Path, options: Sequence[str]) -> Iterator[tuple[str, psutil.Process]]:
    """Run a server; yield its address and process."""
    command = [sys.executable, "-m", "kg", "serve", str(directory), "--port", "0", "--quiet", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        found = re.search(r"http://\S+?/", process.stdout.readline())
        if not found:
            sys.exit(f"{directory}: the server did not start")
        yield found[0], psutil.Process(process.pid)
        process.send_signal(signal.SIGTERM)
        if process.wait(60):
            sys.exit(f"the server ended with {process.returncode}")
    finally:
        process.kill()


class Client:
    """Asks on one connection, which it opens again when it was closed."""

    def __init__(self, url: str, accept: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        self._headers = {"Accept": accept, "Content-Type": "application/sparql-query"}

    def ask(self, question: Question) -> tuple[int, int]:
        """Return status and number of bytes of the answer."""
        self._connection.request("POST", "/sparql", question.text.encode(), self._headers)
        response = self._connection.getresponse()
        return response.status, len(response.read())

    def close(self) -> None:
        self._connection.close()


def hammer(url: str, accept: str, first: int, sizes: dict[str, int], end: float, tally: Tally) -> None:
    """Ask the questions in turn until the end."""
    client = Client(url, accept)
    asked = questions()
    number = first
    while time.perf_counter() < end:
        question = asked[number % len(asked)]
        number += 1
        started = time.perf_counter()
        try:
            status, size = client.ask(question)
        except (OSError, http.client.HTTPException) as error:
            tally.errors[type(error).__name__] += 1
            client.close()
            continue
        if status != 200:
            tally.errors[f"status {status}"] += 1
        elif size != sizes[question.name]:
            tally.errors["another answer"] += 1
        else:
            tally.spent.setdefault(question.name, []).append((time.perf_counter() - started) * 1000)
    client.close()


def resident(process: psutil.Process) -> float:
    """Return MiB of memory of a process and its children."""
    total = process.memory_info().rss
    for child in process.children():
        try:
            total += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1024 / 1024


def p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]


def row(name: str, values: Sequence[float], alone: tuple[float, float] | None) -> str:
    before = "".join(f"{value:10.1f}" for value in alone) if alone else f"{'':20}"
    return f"{name:24}{before}{len(values):10}{statistics.median(values):12.1f}{p99(values):12.1f}{max(values):12.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--cache", type=int, help="MiB of answers that the server keeps; 0 asks the graph each time")
    parser.add_argument("--accept", default="application/sparql-results+json, text/turtle;q=0.5")
    options = parser.parse_args()
    started = time.perf_counter()
    given = {"--workers": options.workers, "--cache": options.cache}
    passed = [part for name, value in given.items() if value is not None for part in (name, str(value))]
    with server(options.directory, passed) as (url, process):
        print(f"{options.directory}: the server listens after {time.perf_counter() - started:.1f} s")
        client, sizes, alone = Client(url, options.accept), dict[str, int](), dict[str, tuple[float, float]]()
        for question in questions():
            spent = []
            for _ in range(ALONE):
                moment = time.perf_counter()
                status, sizes[question.name] = client.ask(question)
                spent.append((time.perf_counter() - moment) * 1000)
                if status != 200:
                    sys.exit(f"{question.name}: status {status}")
            alone[question.name] = (spent[0], statistics.median(spent[1:]))
        client.close()
        before = resident(process)
        tallies = [Tally() for _ in range(options.clients)]
        begun = time.perf_counter()
        end = begun + options.seconds
        threads = [
            threading.Thread(target=hammer, args=(url, options.accept, number, sizes, end, tally))
            for number, tally in enumerate(tallies)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - begun
        after = resident(process)
    print(
        f"{'question':24}{'first ms':>10}{'again ms':>10}{'requests':>10}{'median ms':>12}{'p99 ms':>12}{'max ms':>12}"
    )
    everything: list[float] = []
    for name in sizes:
        values = [value for tally in tallies for value in tally.spent.get(name, ())]
        everything += values
        if values:
            print(row(name, values, alone[name]))
    if everything:
        print(row("all", everything, None))
    errors = sum((tally.errors for tally in tallies), Counter[str]())
    named = ", ".join(f"{count} {kind}" for kind, count in sorted(errors.items()))
    rate = len(everything) / took
    print(f"{options.clients} clients, {took:.1f} s: {rate:.1f} requests/s, {errors.total()} errors {named}".rstrip())
    print(f"memory: {before:.0f} MiB before, {after:.0f} MiB after")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
