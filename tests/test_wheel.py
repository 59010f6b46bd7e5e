"""The wheel alone does the main job: built here, installed in an empty environment outside of the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.paths import ROOT

PAPER = {"title": "TinyNet: a small network", "abstract": "We propose TinyNet. It outperforms ResNet-50 on ImageNet."}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_wheel_carries_what_it_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "kg/_data/ontology/kg.ttl",
        "kg/_data/ontology/shapes.ttl",
        "kg/_data/ontology/vocab/datasets.ttl",
        "kg/_data/ontology/vocab/keys.json",
        "kg/_data/queries/top-baselines.rq",
        "kg/models/default/tagger.onnx",
        "kg/models/default/tagger.npz",
        "kg/models/default/roles.npz",
        "kg/models/fast/roles.npz",
        "kg/extract/cues.toml",
        "kg/export/html/page.html",
    ):
        assert name in names
    assert not [name for name in names if name.endswith(("folds.npz", "second.npz"))]  # for training only
    assert wheel.stat().st_size < 60_000_000


@pytest.mark.slow
def test_installed_wheel_builds_and_answers(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel]
    subprocess.run([str(part) for part in install], check=True, capture_output=True, cwd=tmp_path)
    (tmp_path / "papers.jsonl").write_text(json.dumps(PAPER), encoding="utf-8")

    def kg(*arguments: str) -> str:
        command = [str(environment / "bin" / "kg"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "graph.html" in kg("build", "papers.jsonl", "--out", "graph")
    assert "ResNet-50" in kg("query", "graph", "top-baselines", "--format", "csv")
    assert "conforms" in kg("validate", "graph")
