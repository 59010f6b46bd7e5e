"""Builds that are killed, starved and crossed: the folder holds the former graph or the new one, whole, and goes on."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kg.building import BuildOptions, build
from kg.export.commit import settle
from kg.state import FOLDER, load_state
from kg.state.extractions import EXTRACTIONS, index
from kg.store import open_graph, select
from tests.environment import uncovered

FORMATS = "ttl,store,graphml,csv"
KILLS = int(os.environ.get("KG_KILLS", "8"))
"""Random moments at which a build is killed; `make soak` sets 50."""


def papers(path: Path, first: int, count: int) -> Path:
    lines = [
        {
            "title": f"SlimNet-{n}: pruning for small machines, part {n}",
            "abstract": f"We propose SlimNet-{n}, which prunes ResNet-50. SlimNet-{n} outperforms MobileNetV2 by "
            f"{n % 9 + 1}.{n % 10}% on ImageNet.",
        }
        for n in range(first, first + count)
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    return path


def command(source: Path, out: Path, *more: str) -> list[str]:
    base = [sys.executable, "-m", "kg", "build", str(source), "--out", str(out), "--fast", "--quiet"]
    return [*base, "--jobs", "1", "--format", FORMATS, *more]


def content(out: Path) -> dict[str, str]:
    """Hashes of what a user sees, and what the database says."""
    names = ("graph.ttl", "graph.graphml", "nodes.csv", "edges.csv")
    found = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in names}
    opened = open_graph(out)
    rows = select(opened, "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }")
    return {**found, "triples": rows[0]["n"]}


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path) -> None:
    first, second = papers(tmp_path / "a.jsonl", 0, 60), papers(tmp_path / "b.jsonl", 60, 240)
    out, whole = tmp_path / "out", tmp_path / "whole"
    build([first], out, BuildOptions(formats=tuple(FORMATS.split(",")), jobs=1, fast=True))
    old = content(out)
    started = time.monotonic()
    build([first, second], whole, BuildOptions(formats=tuple(FORMATS.split(",")), jobs=1, fast=True))
    span = time.monotonic() - started + 2.0
    new = content(whole)
    moments = random.Random(7)
    for _ in range(KILLS):
        kept = len(index(out / FOLDER / EXTRACTIONS))
        process = subprocess.Popen(command(second, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(moments.uniform(0.05, span))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        settle(out)
        assert content(out) in (old, new)
        assert len(index(out / FOLDER / EXTRACTIONS)) >= kept, "finished work was lost"
    subprocess.run(command(second, out), check=True, capture_output=True)
    assert content(out) == new
    assert not list(out.glob(".commit/new-*"))


def test_full_disk_leaves_the_former_graph(tmp_path: Path) -> None:
    first, second = papers(tmp_path / "a.jsonl", 0, 5), papers(tmp_path / "b.jsonl", 5, 120)
    out = tmp_path / "out"
    build([first], out, BuildOptions(formats=tuple(FORMATS.split(",")), jobs=1, fast=True))
    old = content(out)

    def small_files() -> None:
        # A file may not outgrow this: what a full disk is to the one that writes it.
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = subprocess.run(
        command(second, out), preexec_fn=small_files, capture_output=True, text=True, check=False, env=uncovered()
    )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("kg: ")
    assert "cannot be written" in line
    assert content(out) == old
    subprocess.run(command(second, out), check=True, capture_output=True)
    assert content(out) != old


def test_two_builds_into_one_folder(tmp_path: Path) -> None:
    first, second = papers(tmp_path / "a.jsonl", 0, 200), papers(tmp_path / "b.jsonl", 200, 3)
    out = tmp_path / "out"
    slow = subprocess.Popen(command(first, out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (out / FOLDER).is_dir() and time.monotonic() < deadline:
        time.sleep(0.01)
    crossed = subprocess.run(command(second, out), capture_output=True, text=True, check=False)
    assert slow.wait(120) == 0, slow.stderr and slow.stderr.read()
    assert crossed.returncode == 1
    assert "is writing to this folder" in crossed.stderr
    assert crossed.stderr.count("\n") == 1
    state = load_state(out)
    assert state is not None
    assert [source.name for source in state.sources] == [str(first)]


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/self/ns/mnt").exists(), reason="needs a mount namespace")
def test_folder_that_may_not_be_written(tmp_path: Path) -> None:
    source = papers(tmp_path / "a.jsonl", 0, 3)
    out = tmp_path / "out"
    build([source], out, BuildOptions(formats=tuple(FORMATS.split(",")), jobs=1, fast=True))
    old = content(out)
    more = papers(tmp_path / "b.jsonl", 3, 3)
    if os.geteuid() == 0:
        # Root may write where modes forbid it: a read-only mount stops it too.
        shell = f'mount --bind "{out}" "{out}" && mount -o remount,ro,bind "{out}" && exec "$@"'
        run = ["unshare", "--mount", "sh", "-c", shell, "sh", *command(more, out)]
        probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
        if probe.returncode:
            pytest.skip("this machine lets nobody make a mount namespace")
    else:
        out.chmod(0o555)
        run = command(more, out)
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    out.chmod(0o755)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot be written" in done.stderr
    assert content(out) == old


def test_workers_go_with_a_killed_build(tmp_path: Path) -> None:
    source = papers(tmp_path / "a.jsonl", 0, 4000)  # enough to be worth processes
    run = [*command(source, tmp_path / "out"), "--jobs", "2"]
    process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        pytest.skip("this system does not list the children of a process")
    deadline = time.monotonic() + 60
    # The first piece is done by the build itself, what follows by workers.
    while len(index(tmp_path / "out" / FOLDER / EXTRACTIONS)) < 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = children.read_text(encoding="ascii").split()
    assert len(workers) >= 2
    process.kill()
    process.wait()
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline + 30:
        time.sleep(0.05)
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
