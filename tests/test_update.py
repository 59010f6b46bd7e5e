"""A folder that grows and shrinks: always the graph that one build of the same papers makes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.building import BuildOptions, build, export_folder, load_graph, remove
from kg.errors import InputError, KGError
from kg.report import Report
from kg.state import FOLDER, load_state
from kg.state.extractions import EXTRACTIONS
from kg.state.parts import SUFFIX, list_parts, read_part, write_part
from kg.store import open_graph

FORMATS = ("ttl", "graphml", "csv")
FILES = ("graph.ttl", "graph.graphml", "nodes.csv", "edges.csv")
PAPERS = {
    "TinyNet: a small network": "We propose TinyNet for image classification. It beats ResNet-50 on ImageNet by 2.1%.",
    "SlimFormer, a slim transformer": "We propose SlimFormer. SlimFormer outperforms TinyNet and BERT on SQuAD.",
    "Pruning on a Raspberry Pi": "We prune ResNet-50 and run it on a Raspberry Pi 4. It is 3x faster than MobileNetV2.",
    "A study of quantisation": "We compare GPTQ with AWQ. GPTQ needs half of the memory of AWQ on an NVIDIA A100.",
}


def write(path: Path, *titles: str, **changed: str) -> Path:
    lines = [json.dumps({"title": title, "abstract": changed.get(title, PAPERS[title])}) for title in titles]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def options(**more: object) -> BuildOptions:
    return BuildOptions(formats=FORMATS, jobs=1, fast=True, **more)  # type: ignore[arg-type]


def scratch(tmp_path: Path, *titles: str) -> dict[str, bytes]:
    folder = tmp_path / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    build([write(tmp_path / "all.jsonl", *titles)], folder, options())
    return content(folder)


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_adding_equals_building_at_once(tmp_path: Path) -> None:
    first, second, third, fourth = PAPERS
    out = tmp_path / "out"
    build([write(tmp_path / "a.jsonl", first, second)], out, options())
    report = build([write(tmp_path / "b.jsonl", third, fourth)], out, options())
    assert (report.read, report.reused) == (4, 2)
    assert content(out) == scratch(tmp_path, *PAPERS)


def test_removing_equals_building_without(tmp_path: Path) -> None:
    first, second, third, _ = PAPERS
    out = tmp_path / "out"
    build([write(tmp_path / "a.jsonl", first, second, third)], out, options())
    report = remove(out, [second])
    assert report.reused == 0
    assert content(out) == scratch(tmp_path, first, third)
    assert "SlimFormer" not in (out / "graph.ttl").read_text(encoding="utf-8")
    assert "TinyNet" in (out / "graph.ttl").read_text(encoding="utf-8"), "another paper speaks of it"


def test_removed_paper_comes_back_when_its_file_is_named_again(tmp_path: Path) -> None:
    first, second, *_ = PAPERS
    out = tmp_path / "out"
    source = write(tmp_path / "a.jsonl", first, second)
    build([source], out, options())
    remove(out, [second])
    assert build([source], out, options()).read == 2
    assert content(out) == scratch(tmp_path, first, second)


def test_changed_file_replaces_what_it_held(tmp_path: Path) -> None:
    first, second, third, _ = PAPERS
    out = tmp_path / "out"
    source = write(tmp_path / "a.jsonl", first, second)
    build([source], out, options())
    write(source, second, third)
    report = build([source], out, options())
    assert (report.read, report.reused) == (2, 1)
    assert content(out) == scratch(tmp_path, second, third)


def test_file_that_left_a_folder_leaves_the_graph(tmp_path: Path) -> None:
    first, second, *_ = PAPERS
    papers = tmp_path / "papers"
    papers.mkdir()
    write(papers / "a.jsonl", first)
    write(papers / "b.jsonl", second)
    out = tmp_path / "out"
    build([papers], out, options())
    (papers / "b.jsonl").unlink()
    build([papers], out, options())
    assert content(out) == scratch(tmp_path, first)


def test_fresh_build_forgets(tmp_path: Path) -> None:
    first, second, *_ = PAPERS
    out = tmp_path / "out"
    build([write(tmp_path / "a.jsonl", first)], out, options())
    build([write(tmp_path / "b.jsonl", second)], out, options(fresh=True))
    assert content(out) == scratch(tmp_path, second)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(PAPERS))), min_size=1, max_size=5))
def test_any_history_gives_the_graph_of_what_is_left(tmp_path: Path, steps: list[tuple[bool, str]]) -> None:
    out = tmp_path / "out"
    shutil.rmtree(out, ignore_errors=True)
    present: set[str] = set()
    for number, (add, title) in enumerate(steps):
        if add or len(present - {title}) == 0:
            build([write(tmp_path / f"{sorted(PAPERS).index(title)}.jsonl", title)], out, options())
            present.add(title)
        elif title in present:
            remove(out, [title])
            present.remove(title)
        else:
            with pytest.raises(InputError, match="no paper has the title"):
                remove(out, [title])
        assert number < len(steps)
    assert content(out) == scratch(tmp_path, *sorted(present))


def test_remove_finds_papers_by_id_and_identifier(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    records = [
        {"title": title, "abstract": text, "arxiv_id": f"2401.0000{n}"}
        for n, (title, text) in enumerate(PAPERS.items())
    ]
    source.write_text("\n".join(map(json.dumps, records)) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    graph = build([source], out, options()).graph
    identified = next(paper for paper in graph.papers if paper.identifiers)
    other = next(paper for paper in graph.papers if paper is not identified)
    left = remove(out, [identified.identifiers[0], other.id]).graph
    assert {paper.id for paper in left.papers} == {p.id for p in graph.papers} - {identified.id, other.id}


def test_what_cannot_be_removed_is_told(tmp_path: Path) -> None:
    first, *_ = PAPERS
    out = tmp_path / "out"
    build([write(tmp_path / "a.jsonl", first)], out, options())
    before = content(out)
    with pytest.raises(InputError, match="did you mean 'TinyNet: a small network'"):
        remove(out, ["TinyNet: the small network"])
    with pytest.raises(InputError, match="no paper would be left"):
        remove(out, [first])
    with pytest.raises(InputError, match="run kg build"):
        remove(tmp_path, [first])
    assert content(out) == before


def test_export_of_a_built_folder_equals_that_of_a_build(tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = write(tmp_path / "a.jsonl", *PAPERS)
    build([source], out, BuildOptions(formats=("ttl",), jobs=1, fast=True))
    report = export_folder(out, ["nt", "csv"])
    assert set(report.files) >= {"graph.nt", "nodes.csv", "edges.csv"}
    whole = tmp_path / "whole"
    build([source], whole, BuildOptions(formats=("ttl", "nt", "csv"), jobs=1, fast=True))
    for name in ("graph.ttl", "graph.nt", "nodes.csv", "edges.csv"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def test_load_graph_gives_what_the_build_made(tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = build([write(tmp_path / "a.jsonl", *PAPERS)], out, options()).graph
    assert load_graph(out) == made


def test_standard_input_adds(tmp_path: Path) -> None:
    first, second, *_ = PAPERS
    out = tmp_path / "out"
    for title in (first, second):
        with write(tmp_path / "in.jsonl", title).open("rb") as stream:
            build(["-"], out, options(), stdin=stream)
    assert content(out) == scratch(tmp_path, first, second)


def test_lost_and_damaged_parts_are_made_anew(tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = write(tmp_path / "a.jsonl", *PAPERS)
    build([source], out, options())
    before = content(out)
    folder = out / FOLDER / EXTRACTIONS
    part = folder / list_parts(folder)[0]
    part.write_bytes(part.read_bytes()[:-7])
    write(tmp_path / "a.jsonl", *PAPERS).touch()
    report = build([source], out, options(fresh=True))
    assert report.reused == 0
    assert content(out) == before
    shutil.rmtree(out / FOLDER)
    assert build([source], out, options()).reused == 0
    assert content(out) == before


def test_damaged_records_are_told(tmp_path: Path) -> None:
    first, second, *_ = PAPERS
    out = tmp_path / "out"
    build([write(tmp_path / "a.jsonl", first)], out, options())
    state = load_state(out)
    assert state is not None
    (out / FOLDER / "records" / state.sources[0].parts[0]).unlink()
    with pytest.raises(KGError, match="--fresh"):
        build([write(tmp_path / "b.jsonl", second)], out, options())


def test_base_and_names_of_a_folder_stay(tmp_path: Path) -> None:
    first, second, *_ = PAPERS
    out = tmp_path / "out"
    build([write(tmp_path / "a.jsonl", first)], out, options(base="https://example.org/kg/"))
    build([write(tmp_path / "b.jsonl", second)], out, options())
    text = (out / "graph.ttl").read_text(encoding="utf-8")
    assert "https://example.org/kg/" in text


def test_failing_paper_does_not_stop_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kg.extract.pipeline import Pipeline

    real = Pipeline.extract

    def faulty(self: Pipeline, paper: object) -> object:
        if "SlimFormer" in paper.title:  # type: ignore[attr-defined]
            raise ZeroDivisionError("by design of this test")
        return real(self, paper)  # type: ignore[arg-type]

    monkeypatch.setattr(Pipeline, "extract", faulty)
    report: Report = build([write(tmp_path / "a.jsonl", *PAPERS)], tmp_path / "out", options())
    assert len(report.graph.papers) == len(PAPERS)
    (skipped,) = report.skipped
    assert skipped.place.line == 2
    assert "by design of this test" in skipped.reason
    monkeypatch.undo()
    assert build([tmp_path / "a.jsonl"], tmp_path / "out", options()).reused == len(PAPERS) - 1


def test_parts_are_named_by_content_and_damage_is_noticed(tmp_path: Path) -> None:
    lines = [("k1", '{"a":1}'), ("k2", "[]")]
    name = write_part(tmp_path, lines)
    assert name == write_part(tmp_path, lines)
    assert name.endswith(SUFFIX)
    assert read_part(tmp_path / name) == lines
    (tmp_path / name).write_bytes(b"no part")
    with pytest.raises(ValueError, match="damaged"):
        list(read_part(tmp_path / name))


def test_nothing_new_touches_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = write(tmp_path / "a.jsonl", *PAPERS)
    every = BuildOptions(jobs=1, fast=True)
    first = build([source], out, every)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    again = build([source], out, every)
    assert (first.unchanged, again.unchanged) == (False, True)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before
    assert again.summary() == first.summary()
    assert again.graph == first.graph


@pytest.mark.parametrize("name", ["graph.ttl", "graph.html", "store/current"])
def test_a_lost_or_cut_file_is_made_again(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    source = write(tmp_path / "a.jsonl", *PAPERS)
    every = BuildOptions(jobs=1, fast=True)
    build([source], out, every)
    before, triples = (out / name).read_bytes(), len(open_graph(out).store)
    (out / name).write_bytes(before[:-3])
    assert not build([source], out, every).unchanged
    assert len(open_graph(out).store) == triples
    assert name == "store/current" or (out / name).read_bytes() == before


def test_files_that_are_out_of_step_go(tmp_path: Path) -> None:
    first, second, *_ = PAPERS
    out = tmp_path / "out"
    build([write(tmp_path / "a.jsonl", first)], out, BuildOptions(formats=("ttl", "csv"), jobs=1, fast=True))
    kept = build([tmp_path / "a.jsonl"], out, BuildOptions(formats=("ttl",), jobs=1, fast=True))
    assert set(kept.files) == {"graph.ttl", "nodes.csv", "edges.csv"}, "the graph is the same, so its tables are right"
    build([write(tmp_path / "b.jsonl", second)], out, BuildOptions(formats=("ttl",), jobs=1, fast=True))
    assert not (out / "nodes.csv").exists()
