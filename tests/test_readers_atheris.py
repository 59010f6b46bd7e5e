"""The fuzzer runs on every reader, for a moment; `python fuzz/run.py --seconds 600` runs it in earnest."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.target import targets
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed: pip install atheris"
)


@pytest.mark.parametrize("name", targets())
def test_every_reader_for_a_second_under_atheris(name: str, tmp_path: Path) -> None:
    run = ROOT / "fuzz" / "run.py"
    command = [sys.executable, str(run), "--seconds", "1", "--reader", name, "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    log = tmp_path / f"{name}.log"
    assert done.returncode == 0, done.stdout + done.stderr + (log.read_text()[-3000:] if log.exists() else "")
    assert "inputs, nothing found" in done.stdout
    assert int(done.stdout.split()[1]) > 0


def test_a_finding_is_exit_code_1_with_an_input_that_repeats_it(tmp_path: Path) -> None:
    harness = tmp_path / "sitecustomize.py"
    harness.write_text("import fuzz.target\nfuzz.target.MAX_SECONDS = -1.0\n")
    command = [sys.executable, str(ROOT / "fuzz" / "run.py"), "--reader", "ris", "--out", str(tmp_path)]
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [*command, "--seconds", "5"], capture_output=True, text=True, check=False, env=environment, cwd=ROOT
    )
    assert done.returncode == 1, done.stdout + done.stderr
    finding = next((tmp_path / "findings" / "ris").iterdir())
    assert str(finding.name) in done.stdout
    again = subprocess.run([*command, "--replay", str(finding)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (again.returncode, again.stdout) == (0, f"{finding}: nothing wrong\n")
