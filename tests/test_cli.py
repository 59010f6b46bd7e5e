"""The command line: what people type, what they see, and what they see when something is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kg.cli import app
from kg.report import Report
from tests.paths import ROOT

runner = CliRunner()
GOLD_LINE = {
    "id": "1",
    "title": "TinyNet: a small network",
    "proposes": [{"name": "TinyNet", "aliases": [], "type": "method", "need": "must"}],
    "uses": [{"name": "ImageNet", "aliases": [], "type": "dataset", "need": "must", "how": "evaluated-on"}],
    "targets": [],
    "compares_to": [{"name": "ResNet-50", "aliases": [], "type": "method", "need": "must"}],
    "results": [],
    "results_may": [],
}
ABSTRACT = (
    "We propose TinyNet, a small network for image classification. "
    "TinyNet outperforms ResNet-50 on ImageNet in accuracy."
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    source = folder / "papers.jsonl"
    source.write_text(json.dumps({"title": GOLD_LINE["title"], "abstract": ABSTRACT}) + "\n", encoding="utf-8")
    done = runner.invoke(app, ["build", str(source), "--out", str(folder / "out"), "--format", "ttl,nt", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert "graph.ttl" in done.stdout
    return folder / "out"


def test_every_command_has_help() -> None:
    listed = runner.invoke(app, ["--help"])
    assert listed.exit_code == 0
    commands = [c.name or c.callback.__name__ for c in app.registered_commands if c.callback]
    for command in commands:
        assert command in listed.stdout
        shown = runner.invoke(app, [command, "--help"])
        assert shown.exit_code == 0
        assert len(shown.stdout.strip().splitlines()) > 3


def test_version() -> None:
    assert re.fullmatch(r"kg \d+\.\d+\.\d+\n", runner.invoke(app, ["--version"]).stdout)


def test_query_answers(tiny: Path) -> None:
    ask = "SELECT ?l WHERE { ?p a kg:Paper ; kg:proposes/skos:prefLabel ?l }"
    done = runner.invoke(app, ["query", str(tiny), ask, "--format", "csv"])
    assert done.exit_code == 0
    assert "TinyNet" in done.stdout


def test_wrong_query_is_one_line(tiny: Path) -> None:
    done = runner.invoke(app, ["query", str(tiny), "SELECT ?x WHERE { ?x"])
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.output


def test_set_without_value(tiny: Path) -> None:
    done = runner.invoke(app, ["query", str(tiny), "top-baselines", "--set", "thing"])
    assert (done.exit_code, "NAME=VALUE" in done.stderr) == (2, True)


def test_show_finds_by_near_name(tiny: Path) -> None:
    done = runner.invoke(app, ["show", str(tiny), "tiny net"])
    assert done.exit_code == 0, done.output
    assert "TinyNet" in done.stdout
    assert "→ compares to" in done.stdout
    missing = runner.invoke(app, ["show", str(tiny), "quux"])
    assert missing.exit_code == 2


def test_stats_and_validate(tiny: Path) -> None:
    counted = runner.invoke(app, ["stats", str(tiny)])
    assert counted.exit_code == 0
    assert re.search(r"Paper +1\n", counted.stdout)
    checked = runner.invoke(app, ["validate", str(tiny)])
    assert checked.exit_code == 0, checked.output


def test_validate_fails_on_a_broken_graph(tiny: Path, tmp_path: Path) -> None:
    text = (tiny / "graph.nt").read_text(encoding="utf-8")
    broken = tmp_path / "broken.nt"
    broken.write_text("\n".join(line for line in text.splitlines() if "confidence" not in line), encoding="utf-8")
    done = runner.invoke(app, ["validate", str(broken)])
    assert done.exit_code == 1
    assert "violation" in done.stdout
    assert done.stderr == ""


def test_evaluate_prints_measures_and_errors(tiny: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text(json.dumps(GOLD_LINE) + "\n", encoding="utf-8")
    done = runner.invoke(app, ["evaluate", str(tiny), "--gold", str(gold), "--errors", str(tmp_path / "errors.tsv")])
    assert done.exit_code == 0, done.output
    assert re.search(r"proposes +1\.000 +1\.000", done.stdout)
    wrong = runner.invoke(app, ["evaluate", str(tiny), "--gold", str(tiny / "graph.nt")])
    assert wrong.exit_code == 2


def test_annotate_reads_standard_input() -> None:
    done = runner.invoke(app, ["annotate", "--title", GOLD_LINE["title"]], input=ABSTRACT)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    mentions = {m["text"]: m for row in rows for m in row["mentions"] if row["section"] == "abstract"}
    assert "ResNet-50" in mentions
    assert mentions["accuracy"]["type"] == "Metric"
    place = mentions["ResNet-50"]
    assert ABSTRACT[place["start"] : place["end"]] == "ResNet-50"
    assert runner.invoke(app, ["annotate"], input="").stdout == ""
    assert runner.invoke(app, ["annotate", "no-such-file.txt"]).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["build", "no-such-file.txt"], "no-such-file.txt"),
        (["build", "examples", "--format", "docx"], "docx"),
        (["build", "examples", "--model", "tests"], "no model"),
        (["query", "no-such-folder", "ASK {}"], "no-such-folder"),
        (["query", "tests", "ASK {}"], "kg build"),
    ],
)
def test_errors_name_what_is_wrong(
    arguments: list[str], word: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    if arguments[0] == "build":
        arguments = [*arguments, "--out", str(tmp_path)]
    done = runner.invoke(app, arguments)
    assert done.exit_code == 2, done.output
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_formats_lists_readers_and_exporters() -> None:
    done = runner.invoke(app, ["formats"])
    assert done.exit_code == 0
    for word in ("graph.graphml", "BibTeX", "graph.ttl"):
        assert word in done.stdout


def test_questions_are_listed(examples: tuple[Path, Report]) -> None:
    done = runner.invoke(app, ["questions"])
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert len(names) >= 12
    first = runner.invoke(app, ["query", str(examples[0]), names[0], "--format", "json"])
    assert first.exit_code == 0, first.output


def two_papers(folder: Path) -> Path:
    source = folder / "papers.jsonl"
    records = [
        {"title": GOLD_LINE["title"], "abstract": ABSTRACT},
        {"title": "Another paper on GPTQ", "abstract": "We use GPTQ."},
    ]
    source.write_text("\n".join([*map(json.dumps, records), "{no record"]) + "\n", encoding="utf-8")
    return source


def test_remove_and_export_tell_what_they_did(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    options = ["--fast", "--jobs", "1", "--format", "ttl"]
    done = runner.invoke(app, ["build", str(two_papers(tmp_path)), "--out", out, *options])
    assert "skipped" in done.stderr
    assert runner.invoke(app, ["build", str(tmp_path / "papers.jsonl"), "--out", out, *options]).stdout.startswith(
        f"{out}: nothing new"
    )
    done = runner.invoke(app, ["export", out, "--format", "nt,csv"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "graph.nt").is_file()
    done = runner.invoke(app, ["remove", out, "Another paper on GPTQ"])
    assert done.exit_code == 0, done.output
    assert "1 Paper" in done.stdout
    assert "GPTQ" not in (tmp_path / "out" / "graph.nt").read_text(encoding="utf-8")


def test_json_log_is_lines_of_json(tmp_path: Path) -> None:
    command = [
        "build",
        str(two_papers(tmp_path)),
        "--out",
        str(tmp_path / "out"),
        "--fast",
        "--jobs",
        "1",
        "--json-log",
    ]
    done = runner.invoke(app, [*command, "--format", "ttl"])
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [e["event"] for e in events if e["event"] != "progress"] == ["skip", "summary"]
    assert next(e for e in events if e["event"] == "skip")["line"] == 3
    assert events[-1]["nodes"]["Paper"] == 2
    failed = runner.invoke(app, ["build", str(tmp_path / "nothing"), "--out", str(tmp_path / "out"), "--json-log"])
    (event,) = map(json.loads, failed.stderr.splitlines())
    assert (event["event"], event["exit_code"], failed.exit_code) == ("error", 2, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "dask"], "wants --scheduler"),
        (["--scheduler", "tcp://127.0.0.1:1"], "goes with --engine dask"),
        (["--engine", "ray"], "no engine ray; there are local, dask"),
        (["--license", "no iri"], "is not an IRI"),
    ],
)
def test_engines_and_licences_are_checked(tmp_path: Path, options: list[str], message: str) -> None:
    done = runner.invoke(app, ["build", str(two_papers(tmp_path)), "--out", str(tmp_path / "out"), *options])
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()
