"""Servers for tests: `kg serve` as a process of its own on a free port, and a client that sends what it is told."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import psutil

from tests.paths import ROOT

FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"

TURTLE = """
@prefix : <http://example.org/> .
@prefix kg: <https://w3id.org/paper-kg/ontology#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
:a a kg:Method ; skos:prefLabel "Alpha" ; kg:uses :b .
:b a kg:Dataset ; skos:prefLabel "B \\"quoted\\", <b> & {},{ ümlaut" .
"""
"""A graph of five triples, one with a label that each format has to escape."""

TRIG = """
@prefix : <http://example.org/> .
:d :in "default" .
:one { :x :in "one" }
:two { :x :in "two" . :y :in "two" }
"""
"""A default graph and two named ones."""


@dataclass(frozen=True)
class Answer:
    """What came back; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    def column(self, name: str) -> list[str]:
        """The values of a variable in SPARQL results as JSON, sorted."""
        return sorted(row[name]["value"] for row in self.json()["results"]["bindings"])


@dataclass
class Running:
    """A server that runs; a test that ends it sets ``ended``."""

    url: str
    process: subprocess.Popen[str]
    log: Path
    ended: bool = False

    @property
    def endpoint(self) -> str:
        return f"{self.url}sparql"

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    def send(
        self,
        method: str,
        path: str = "/sparql",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> Answer:
        """Send a request with exactly these headers (and Host) and return the answer."""
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in {**({"Content-Length": str(len(body))} if body else {}), **(headers or {})}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, text: str, accept: str = "", timeout: float = 60, **fields: str | list[str]) -> Answer:
        """Ask by GET."""
        path = f"/sparql?{urlencode({'query': text, **fields}, doseq=True)}"
        return self.send("GET", path, headers={"Accept": accept} if accept else {}, timeout=timeout)

    def form(self, text: str, accept: str = "", **fields: str | list[str]) -> Answer:
        """Ask by a form."""
        body = urlencode({"query": text, **fields}, doseq=True).encode()
        return self.send("POST", "/sparql", body, {"Content-Type": FORM, **({"Accept": accept} if accept else {})})

    def post(self, query: str | bytes, accept: str = "", media_type: str = QUERY, **fields: str | list[str]) -> Answer:
        """Ask by a body that is the query."""
        body = query.encode() if isinstance(query, str) else query
        path = f"/sparql?{urlencode(fields, doseq=True)}" if fields else "/sparql"
        return self.send("POST", path, body, {"Content-Type": media_type, **({"Accept": accept} if accept else {})})

    def lines(self) -> list[str]:
        """The lines of the log."""
        return self.log.read_text(encoding="utf-8").split("\n")[:-1]

    def workers(self) -> list[psutil.Process]:
        """The processes that answer queries."""
        return [child for child in psutil.Process(self.process.pid).children() if child.is_running()]

    def resident(self) -> int:
        """Bytes of memory of the server and its workers."""
        total = 0
        for process in (psutil.Process(self.process.pid), *self.workers()):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def wait_ready(self, workers: int, seconds: float = 60) -> None:
        """Wait until so many workers are idle."""
        until(lambda: self.send("GET", "/health").json()["workers"]["idle"] >= workers, seconds)


def until(condition: Any, seconds: float = 60) -> None:
    """Wait until a condition holds, and fail if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.05)


@contextmanager
def serving(source: Path, log: Path, *options: str) -> Iterator[Running]:
    """Serve a folder or file on a free port; at the end stop the server and see that it ends well."""
    command = [sys.executable, "-m", "kg", "serve", str(source), "--port", "0", *options]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8"
        )
    assert process.stdout
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+?/", line)
        assert found, log.read_text(encoding="utf-8")
        running = Running(found[0], process, log)
        # The line comes when the socket takes connections; the first request is answered when the rest is there.
        until(lambda: running.send("GET", "/health").status == 200)
        yield running
        if not running.ended:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, log.read_text(encoding="utf-8")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


_fresh = count(1)


def fresh(query: str) -> str:
    """Return a query that no server has an answer to yet, because nobody has asked it."""
    return f"{query} # {next(_fresh)}"


def percent(text: str) -> str:
    """Percent-encode text as a whole."""
    return quote(text, safe="")
