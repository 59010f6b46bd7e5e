"""The life of a server: how it starts, takes up a new build, replaces workers, and stops."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from kg.building import BuildOptions, build
from tests.paths import ROOT
from tests.servers import Answer, Running, fresh, serving, until

COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
PAIRS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f }"
TRIPLES = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
NODES = 2000


def write(folder: Path, triples: int) -> None:
    """Put a graph of so many triples into a folder, in one step."""
    part = folder / ".part"
    part.write_text("".join(f"<http://x/{n}> <http://x/p> {n} .\n" for n in range(triples)), encoding="utf-8")
    part.replace(folder / "graph.ttl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    served = tmp_path / "served"
    served.mkdir()
    write(served, NODES)
    return served


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[Running]:
    with serving(folder, tmp_path / "log", "--workers", "2", "--timeout", "60") as running:
        yield running


def count(server: Running) -> int:
    """The triples there are, worked out anew."""
    return int(server.get(fresh(COUNT)).column("n")[0])


def test_a_new_graph_is_taken_up_without_a_restart(server: Running, folder: Path) -> None:
    kept = [server.get(COUNT).body for _ in range(2)]
    assert count(server) == NODES
    write(folder, 7)
    until(lambda: count(server) == 7)
    assert server.get(COUNT).body not in kept
    server.wait_ready(2)
    assert [count(server) for _ in range(10)] == [7] * 10
    assert len(server.workers()) == 2
    assert server.send("GET", "/health").json()["triples"] == 7
    assert any("built anew" in line for line in server.lines())


def test_a_query_that_runs_keeps_its_graph(server: Running, folder: Path) -> None:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(server.get(PAIRS)))
    thread.start()
    until(lambda: server.send("GET", "/health").json()["workers"]["busy"] == 1)
    write(folder, 7)
    until(lambda: server.send("GET", "/health").json()["triples"] == 7)
    thread.join()
    assert answers[0].column("n") == [str(NODES**2)]


def test_a_graph_that_cannot_be_read_changes_nothing(server: Running, folder: Path) -> None:
    (folder / "graph.ttl").write_text("this is no Turtle", encoding="utf-8")
    until(lambda: any("cannot be read" in line for line in server.lines()))
    assert count(server) == NODES
    (folder / "graph.ttl").unlink()
    assert count(server) == NODES
    write(folder, 9)
    until(lambda: count(server) == 9)


def test_a_folder_that_is_built_again_while_it_is_served(tmp_path: Path) -> None:
    out, page = tmp_path / "out", tmp_path / "papers.jsonl"
    page.write_text('{"title": "FooNet", "abstract": "We propose FooNet."}\n', encoding="utf-8")
    build([page], out, BuildOptions(fast=True))
    papers = "SELECT ?t { ?p a kg:Paper ; dcterms:title ?t }"
    with serving(out, tmp_path / "log", "--workers", "2") as running:
        assert running.get(papers).column("t") == ["FooNet"]
        stop = threading.Event()
        statuses: list[int] = []

        def ask() -> None:
            while not stop.is_set():
                statuses.append(running.get(papers).status)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            page.write_text('{"title": "BarNet", "abstract": "We propose BarNet."}\n', encoding="utf-8")
            build([page], out, BuildOptions(fast=True))
            until(lambda: running.get(papers).column("t") == ["BarNet"])
        finally:
            stop.set()
            thread.join()
        assert set(statuses) == {200}


def test_a_worker_that_dies_is_replaced(server: Running) -> None:
    server.wait_ready(2)
    killed = {worker.pid for worker in server.workers()}
    for worker in server.workers():
        worker.kill()
    assert count(server) == NODES
    server.wait_ready(2)
    assert len(server.workers()) == 2
    assert not killed & {worker.pid for worker in server.workers()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_query_ends_before_the_server_does(folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    with serving(folder, tmp_path / "log", "--workers", "1", "--timeout", "60") as running:
        running.ended = True
        answers: list[Answer] = []
        running_query = threading.Thread(target=lambda: answers.append(running.get(PAIRS)))
        running_query.start()
        until(lambda: running.send("GET", "/health").json()["workers"]["busy"] == 1)
        waiting: list[Answer] = []
        waiting_query = threading.Thread(target=lambda: waiting.append(running.get(COUNT)))
        waiting_query.start()
        until(lambda: running.send("GET", "/health").json()["waiting"] == 1)
        workers = running.workers()
        running.process.send_signal(number)
        assert running.process.wait(90) == 0
        running_query.join()
        waiting_query.join()
        assert answers[0].column("n") == [str(NODES**2)]
        assert waiting[0].status == 503
        assert not any(worker.is_running() for worker in workers)
        assert "Traceback" not in running.log.read_text(encoding="utf-8")


def test_an_endless_query_is_cut_at_its_limit_when_the_server_stops(folder: Path, tmp_path: Path) -> None:
    with serving(folder, tmp_path / "log", "--workers", "1", "--timeout", "2") as running:
        running.ended = True
        answers: list[Answer] = []
        thread = threading.Thread(target=lambda: answers.append(running.get(TRIPLES)))
        thread.start()
        until(lambda: running.send("GET", "/health").json()["workers"]["busy"] == 1)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
        thread.join()
        assert answers[0].status == 422


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot end a process without its children so")
def test_workers_do_not_outlive_a_server_that_is_killed(folder: Path, tmp_path: Path) -> None:
    with serving(folder, tmp_path / "log", "--workers", "2", "--timeout", "1") as running:
        running.ended = True
        running.wait_ready(2)
        workers = running.workers()
        thread = threading.Thread(target=lambda: _quietly(running))
        thread.start()
        until(lambda: running.send("GET", "/health").json()["workers"]["busy"] == 1)
        running.process.kill()
        running.process.wait()
        thread.join()
        until(lambda: not any(worker.is_running() for worker in workers))


def _quietly(running: Running) -> None:
    with suppress(OSError, http.client.HTTPException):
        running.get(TRIPLES)


def kg(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kg", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )


def test_a_folder_without_a_graph_is_an_error_of_one_line(tmp_path: Path) -> None:
    done = kg("serve", str(tmp_path), "--port", "0")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "kg build" in done.stderr
    assert not done.stdout


def test_a_port_that_is_taken_is_an_error_of_one_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = kg("serve", str(folder), "--host", "127.0.0.1", "--port", port)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert port in done.stderr


def test_without_the_extra_the_command_says_how_to_get_it(folder: Path) -> None:
    code = "import sys; sys.modules['uvicorn'] = None; sys.argv[1:1] = ['serve']; import kg.cli; kg.cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["kg: kg serve needs uvicorn; install it with: pip install 'paper-kg[serve]'"]


def test_it_listens_on_this_machine_alone_unless_told_otherwise(server: Running) -> None:
    assert server.url.startswith("http://localhost:")
    addresses = {
        connection.laddr.ip
        for connection in psutil.Process(server.process.pid).net_connections("inet")
        if connection.status == "LISTEN"
    }
    assert addresses
    assert addresses <= {"127.0.0.1", "::1"}
