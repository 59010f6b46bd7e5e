"""The main job: what a build leaves behind, and that nothing but its input decides what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kg.building import BuildOptions, build
from kg.errors import InputError
from kg.model import Relation
from kg.report import Report
from tests.paths import ROOT

FILES = ("graph.ttl", "graph.jsonld", "graph.graphml", "nodes.csv", "edges.csv", "graph.html")


def kg(*arguments: str, hash_seed: str = "0", **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "kg", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_examples_make_a_connected_graph(examples: tuple[Path, Report]) -> None:
    out, report = examples
    graph = report.graph
    assert all((out / name).stat().st_size > 500 for name in FILES)
    assert len(graph.papers) >= 15
    assert {claim.relation.general for claim in graph.claims} >= {
        Relation.PROPOSES,
        Relation.COMPARES_TO,
        Relation.USES,
        Relation.TARGETS,
    }
    ids = {p.id for p in graph.papers} | {e.id for e in graph.entities}
    assert all({c.subject, c.object} <= ids for c in graph.claims)
    assert any(len(e.papers) >= 3 for e in graph.entities), "no thing is shared by three papers"


def test_every_claim_quotes_its_paper(examples: tuple[Path, Report]) -> None:
    graph = examples[1].graph
    papers = {p.id: p for p in graph.papers}
    for claim in graph.claims:
        for e in claim.evidence:
            section = papers[e.paper].section(e.section)
            assert section[e.start : e.end] == e.surface_form
            assert section[e.sentence_start :].startswith(e.sentence)


def test_report_counts_what_was_read(examples: tuple[Path, Report]) -> None:
    out, report = examples
    stored = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert stored["records"]["read"] == report.read
    assert stored["records"]["read"] - stored["records"]["duplicates"] == stored["nodes"]["Paper"]
    assert stored["records"]["duplicates"] > 0, "the examples hold a paper twice on purpose"
    assert set(stored["seconds"]) == {"read", "extract", "resolve", "export"}
    assert all(merge["reason"] for merge in stored["merges"])


@pytest.mark.slow
def test_bytes_do_not_depend_on_jobs_hash_seed_or_order(tmp_path: Path) -> None:
    inputs = sorted(
        str(p.relative_to(ROOT))
        for p in (ROOT / "examples").iterdir()
        if p.is_file() and p.suffix not in (".md", ".ipynb")
    )
    runs = [("1", "1", inputs), ("2", "7", inputs[::-1])]
    for k, (jobs, seed, files) in enumerate(runs):
        done = kg("build", *files, "--out", str(tmp_path / str(k)), "--jobs", jobs, "--quiet", hash_seed=seed)
        assert done.returncode == 0, done.stderr
    for name in FILES:
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes(), name


def test_second_build_reuses_what_was_extracted(tmp_path: Path) -> None:
    source = tmp_path / "papers.jsonl"
    source.write_text('{"title": "TinyNet: a small network", "abstract": "We propose TinyNet. It beats ResNet-50."}\n')
    first = build([source], tmp_path / "out", BuildOptions(formats=("ttl",), jobs=1))
    before = (tmp_path / "out" / "graph.ttl").read_bytes()
    second = build([source], tmp_path / "out", BuildOptions(formats=("ttl",), jobs=1))
    assert (first.reused, second.reused) == (0, 1)
    assert (tmp_path / "out" / "graph.ttl").read_bytes() == before


def test_failed_build_leaves_the_former_graph(tmp_path: Path) -> None:
    source = tmp_path / "papers.jsonl"
    source.write_text('{"title": "TinyNet: a small network", "abstract": "We propose TinyNet. It beats ResNet-50."}\n')
    build([source], tmp_path / "out", BuildOptions(formats=("ttl",), jobs=1))
    before = (tmp_path / "out" / "graph.ttl").read_bytes()
    source.write_text("nothing to see here")
    with pytest.raises(InputError):
        build([source], tmp_path / "out", BuildOptions(formats=("ttl",), jobs=1))
    assert (tmp_path / "out" / "graph.ttl").read_bytes() == before
    assert not list((tmp_path / "out").glob(".*.part"))


def test_out_that_is_a_file_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    source = tmp_path / "papers.jsonl"
    source.write_text('{"title": "TinyNet: a small network", "abstract": "We propose TinyNet."}\n')
    with pytest.raises(InputError, match="not a folder"):
        build([source], tmp_path / "out", BuildOptions(formats=("ttl",), jobs=1))


def test_committed_exports_are_those_of_the_examples(examples: tuple[Path, Report]) -> None:
    for name in ("graph.ttl", "graph.jsonld", "void.ttl", "graph.graphml", "nodes.csv", "edges.csv"):
        committed = ROOT / "exports" / name
        assert committed.read_bytes() == (examples[0] / name).read_bytes(), f"exports/{name} is old: run `make exports`"


def test_the_package_offers_its_main_functions_again_and_again() -> None:
    import kg as package

    for _ in range(2):
        assert callable(package.build)
        assert [s["sentence"] for s in package.annotate("We propose FooNet.")] == ["We propose FooNet."]
