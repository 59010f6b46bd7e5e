"""The Dask engine with a real scheduler and real worker processes: the same bytes, also when a worker dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from kg.building import BuildOptions, build
from kg.errors import InputError
from kg.spool import PREFIX
from kg.state import FOLDER
from kg.state.extractions import EXTRACTIONS
from kg.state.parts import list_parts

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

FORMATS = ("ttl", "graphml", "csv", "chunks")
FILES = ("graph.ttl", "graph.graphml", "nodes.csv", "edges.csv", "chunks/graph-00000.nt.gz")
PAPERS = 400


@dataclass
class Cluster:
    address: str
    workers: list[subprocess.Popen[bytes]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    address = f"tcp://127.0.0.1:{free_port()}"
    environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3", "OMP_NUM_THREADS": "1"}

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]]
        with (tmp_path / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)

    scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard")
    options = ("--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(tmp_path))
    workers = [start("dask_worker", address, *options) for _ in range(2)]
    try:
        yield Cluster(address, workers)
    finally:
        for process in (*workers, scheduler):
            process.terminate()
        for process in (*workers, scheduler):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    lines = [
        {
            "title": f"SlimNet-{n}: pruning for small machines, part {n}",
            "abstract": f"We propose SlimNet-{n}, which prunes ResNet-50. SlimNet-{n} outperforms MobileNetV2 on "
            f"ImageNet by {n % 7 + 1}.{n % 10}% and runs {n % 5 + 2}x faster on a Raspberry Pi 4.",
        }
        for n in range(PAPERS)
    ]
    path = tmp_path / "papers.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    return path


def run(source: Path, out: Path, address: str) -> BuildOptions:
    from kg.cluster import dask

    options = BuildOptions(formats=FORMATS, fast=True, engine=dask(address))
    build([source], out, options)
    return options


@pytest.mark.slow
def test_cluster_gives_the_bytes_of_one_machine_also_when_a_worker_is_killed(
    cluster: Cluster, source: Path, tmp_path: Path
) -> None:
    build([source], tmp_path / "local", BuildOptions(formats=FORMATS, fast=True, jobs=1))
    run(source, tmp_path / "whole", cluster.address)
    folder = tmp_path / "hurt" / FOLDER / EXTRACTIONS
    at_death: list[int] = []

    def kill_one() -> None:
        deadline = time.monotonic() + 60
        while len(list_parts(folder)) < 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        at_death.append(len(list_parts(folder)))
        cluster.workers[0].send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    run(source, tmp_path / "hurt", cluster.address)
    killer.join()
    assert at_death[0] >= 1
    assert at_death[0] < len(list_parts(folder)), "the worker died when all was done"
    assert cluster.workers[0].wait(10) == -signal.SIGKILL
    for name in FILES:
        expected = (tmp_path / "local" / name).read_bytes()
        assert (tmp_path / "whole" / name).read_bytes() == expected
        assert (tmp_path / "hurt" / name).read_bytes() == expected


@pytest.mark.slow
def test_worker_killed_during_resolution_costs_its_piece_only(
    cluster: Cluster, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kg.cluster import dask

    # Small pieces, so that there are some when the worker dies.
    monkeypatch.setattr("kg.resolve.PAPERS", 20)
    monkeypatch.setattr("kg.resolve.SHARD", 50)
    # Not GraphML: its layout remembers the last graph, which keeps the files of that.
    formats = ("ttl", "csv", "chunks")
    out = tmp_path / "hurt"
    build([source], tmp_path / "local", BuildOptions(formats=formats, fast=True, jobs=1))
    # What is extracted already is not extracted again: all that the workers have to do is resolution.
    shutil.copytree(tmp_path / "local" / FOLDER / EXTRACTIONS, out / FOLDER / EXTRACTIONS)
    engine = Killing(dask(cluster.address), cluster.workers[0])
    report = build([source], out, BuildOptions(formats=formats, fast=True, engine=engine))
    assert report.reused == PAPERS
    assert cluster.workers[0].wait(10) == -signal.SIGKILL
    assert {name for name, count in engine.done if count > 2} == {"keep_outlines", "write_rows", "reduce_shard"}
    del report
    for name in set(FILES) - {"graph.graphml"}:
        assert (out / name).read_bytes() == (tmp_path / "local" / name).read_bytes(), name
    assert not list((out / FOLDER).glob(f"{PREFIX}*")), "rows were left behind"


@dataclass
class Killing:
    """An engine that kills a worker when the first rows were written, while others are being written."""

    engine: Any
    worker: subprocess.Popen[bytes]
    done: list[tuple[str, int]] = field(default_factory=list)
    apart: bool = True

    @property
    def workers(self) -> int:
        return int(self.engine.workers)

    def map(self, function: Any, pieces: Iterable[Any], count: int) -> Iterator[Any]:
        name = function.func.__name__
        self.done.append((name, count))
        for number, made in enumerate(self.engine.map(function, pieces, count)):
            if name == "write_rows" and number == 0:
                self.worker.send_signal(signal.SIGKILL)
            yield made

    def __enter__(self) -> Self:
        self.engine.__enter__()
        return self

    def __exit__(self, *_: Any) -> None:
        self.engine.__exit__(None, None, None)


def test_no_scheduler_is_told(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kg import cluster

    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        run(source, tmp_path / "out", f"tcp://127.0.0.1:{free_port()}")
