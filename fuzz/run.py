"""Fuzz the readers for a while: `python fuzz/run.py --seconds 60 [--reader NAME] [--out DIR]`.

Exit code 0: nothing found. 1: a finding; its input, and the command that repeats it, are printed. 2: atheris is not
installed (`pip install atheris`) or an option is wrong.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fuzz.target import targets, timed  # noqa: E402 - the project may not be installed

MEMORY_MB = 1500


def seeds() -> list[Path]:
    """Return the files with which every reader starts: the examples and the cases of the tests."""
    cases = ROOT / "tests" / "cases" / "readers"
    found = [*(ROOT / "examples").glob("*.*"), *cases.glob("*/*")]
    return sorted(path for path in found if path.is_file() and path.name not in ("README.md", "expected.json"))


def fuzz(name: str, seconds: int, out: Path) -> Path | None:
    """Fuzz one target; return the input of a finding, or None. What libFuzzer says goes to ``out/NAME.log``."""
    corpus, findings = out / "corpus" / name, out / "findings" / name
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for path in seeds():
        (corpus / f"seed-{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
    before = set(findings.iterdir())
    command = [
        *(sys.executable, "-m", "fuzz.harness", name, f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_MB}"),
        # Slowness is measured in processor time by the target; this is for what never comes back.
        *("-max_len=65536", "-len_control=0", "-timeout=300", "-report_slow_units=300", "-print_final_stats=1"),
        *(f"-artifact_prefix={findings}/", str(corpus)),
    ]
    log = out / f"{name}.log"
    with log.open("wb") as stream:
        code = subprocess.run(command, cwd=ROOT, stdout=stream, stderr=stream, check=False).returncode
    new = sorted(set(findings.iterdir()) - before)
    if code and not new:
        sys.exit(f"{name}: the fuzzer failed with exit code {code} and left no input; see {log}")
    return new[0] if new else None


def runs(log: Path) -> str:
    """Return the number of inputs that libFuzzer tried, as it says at the end of its log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.split()[-1] for line in reversed(lines) if "number_of_executed_units" in line), "?")


def main() -> int:
    """Run the command line; return its exit code."""
    names = list(targets())
    parser = argparse.ArgumentParser(description="Fuzz the readers.")
    parser.add_argument("--seconds", type=int, default=60, help="time for each reader (60)")
    parser.add_argument("--reader", choices=names, action="append", help="only this one; may be repeated")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "fuzz", help="folder of corpus, findings and logs")
    parser.add_argument("--replay", type=Path, help="run the one --reader on this file, without atheris")
    given = parser.parse_args()
    if given.replay:
        if len(given.reader or ()) != 1:
            parser.error("--replay needs one --reader")
        timed(targets()[given.reader[0]], given.replay.read_bytes())
        print(f"{given.replay}: nothing wrong")
        return 0
    if importlib.util.find_spec("atheris") is None:
        print("fuzz: atheris is not installed; pip install atheris", file=sys.stderr)
        return 2
    found = 0
    for name in given.reader or names:
        finding = fuzz(name, given.seconds, given.out)
        if finding is None:
            print(f"{name}: {runs(given.out / f'{name}.log')} inputs, nothing found", flush=True)
            continue
        found += 1
        print(f"{name}: FOUND {finding}, see {given.out / f'{name}.log'}; repeat it with")
        print(f"  python fuzz/run.py --reader {name} --replay {os.path.relpath(finding)}", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
