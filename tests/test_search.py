"""Search by name: what people type, with and without errors, and what ``kg show`` makes of it."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from kg.cli import app
from kg.export import export
from kg.export.base import ExportOptions
from kg.export.names import named, write_names
from kg.model import EntityType, KnowledgeGraph, Relation
from kg.names_index import FILENAME, fold
from kg.search import Fit, NameIndex, by_iri, nearest, open_names, search
from kg.search import named as named_of_store
from kg.spelling import distance, edits
from kg.store import OpenGraph, open_graph
from tests.graphs import HOSTILE, Draft, hostile

runner = CliRunner()

TITLES = (
    "Sparse Attention for Long Documents",
    "Attention Is Cheap: Long Sparse Networks",
    "A Café of Naïve Baselines",
    "Measuring $\\beta$-Nets with C++ and C#",
)


def things() -> KnowledgeGraph:
    """Things whose names are near each other, homonyms, and papers that are told apart by words."""
    draft = Draft()
    for title in TITLES:
        draft.paper(title, f"We test it on ImageNet. {title} uses MobileNetV3.", date="2021")
    method, dataset, task = EntityType.METHOD, EntityType.DATASET, EntityType.TASK
    names = {
        name: draft.entity(kind, name, *aliases)
        for kind, name, *aliases in (
            (method, "MobileNetV3", "MobileNet v3 (large)"),
            (method, "MobileNetV2"),
            (method, "MobileViT"),
            (method, "BERT", "Bidirectional Encoder Representations from Transformers"),
            (method, "BEiT"),
            (dataset, "ImageNet", "ILSVRC 2012"),
            (dataset, "ImageNet-A"),
            (method, "GPT-3.5"),
            (method, "GPT-4"),
            (method, "spiking neural network", "SNN"),
            (task, "scheduling of neural nets", "SNN"),
            (method, "知識グラフ"),
        )
    }
    papers = list(draft.papers.values())
    for paper in papers:
        draft.claim(paper.id, Relation.EVALUATED_ON, names["ImageNet"], 0.9, draft.quote(paper, "ImageNet"))
    for paper in papers[:2]:
        draft.claim(paper.id, Relation.BUILDS_ON, names["MobileNetV3"], 0.8, draft.quote(paper, "MobileNetV3"))
    draft.claim(
        papers[0].id, Relation.USES, names["spiking neural network"], 0.7, draft.quote(papers[0], "MobileNetV3")
    )
    return draft.graph()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("names")
    export(things(), made, ["ttl"])
    return made


@pytest.fixture(scope="module")
def opened(folder: Path) -> OpenGraph:
    return open_graph(folder)


@pytest.fixture(scope="module")
def index(opened: OpenGraph) -> Iterator[NameIndex]:
    made = open_names(opened)
    yield made
    made.connection.close()


def index_bytes(graph: KnowledgeGraph) -> bytes:
    stream = io.BytesIO()
    write_names(graph, stream, ExportOptions())
    return stream.getvalue()


@pytest.mark.parametrize(
    ("typed", "label", "fit"),
    [
        ("MobileNetV3", "MobileNetV3", Fit.EXACT),
        ("mobilenet v3", "MobileNetV3", Fit.EXACT),
        ("mobile-net V3", "MobileNetV3", Fit.EXACT),
        ("the ImageNet dataset", "ImageNet", Fit.EXACT),
        ("mobilnet v3", "MobileNetV3", Fit.NEAR),
        ("mobielnetv3", "MobileNetV3", Fit.NEAR),
        ("ImagNet", "ImageNet", Fit.NEAR),
        ("imgaenet", "ImageNet", Fit.NEAR),
        ("iamgent", "ImageNet", Fit.NEAR),
        ("bret", "BERT", Fit.NEAR),
        ("ilsvrc2012", "ImageNet", Fit.ALIAS),
        ("v3 mobilenet", "MobileNetV3", Fit.WORDS),
        ("net mobile v2", "MobileNetV2", Fit.WORDS),
        ("mobilevi", "MobileViT", Fit.PREFIX),
        ("encoder bidirectional", "BERT", Fit.WORDS),
        ("documents sparse long", TITLES[0], Fit.WORDS),
        ("atention is cheap", TITLES[1], Fit.NEAR),
        ("a cafe of naive", TITLES[2], Fit.PREFIX),
        ("c++ measuring", TITLES[3], Fit.WORDS),
        ("知識", "知識グラフ", Fit.PREFIX),
    ],
)
def test_finds_what_is_meant(index: NameIndex, typed: str, label: str, fit: Fit) -> None:
    best = search(index, typed)[0]
    assert (best.label, best.fit) == (label, fit)


def test_ranks_exact_then_alias_then_begun_then_near_and_equals_by_papers(index: NameIndex) -> None:
    found = search(index, "imagenet")
    assert [hit.label for hit in found[:2]] == ["ImageNet", "ImageNet-A"]
    assert [hit.rank for hit in found] == sorted(hit.rank for hit in found)
    begun = [hit.label for hit in search(index, "mob") if hit.fit is Fit.PREFIX]
    assert begun == ["MobileNetV3", "MobileNetV2", "MobileViT"]  # two papers, none, none


def test_every_thing_comes_once(index: NameIndex) -> None:
    for typed in ("m", "net", "mobile", "snn", "a"):
        iris = [hit.iri for hit in search(index, typed, 50)]
        assert len(iris) == len(set(iris))


def test_homonyms_are_all_found_the_better_known_first(index: NameIndex) -> None:
    found = [hit for hit in search(index, "SNN") if hit.fit is Fit.ALIAS]
    assert [(hit.label, hit.kind) for hit in found] == [
        ("spiking neural network", "Method"),
        ("scheduling of neural nets", "Task"),
    ]


def test_another_version_is_no_typing_error(index: NameIndex) -> None:
    assert search(index, "GPT-5") == ()
    assert search(index, "MobileNetV4") == ()
    assert {hit.label for hit in nearest(index, "GPT-5")} == {"GPT-4", "GPT-3.5"}


def test_typing_ahead_finds_the_thing_at_every_length(index: NameIndex) -> None:
    for length in range(3, len("mobilenetv3") + 1):
        assert "MobileNetV3" in [hit.label for hit in search(index, "mobilenetv3"[:length])]


@pytest.mark.parametrize(
    "typed", ["", "  ", "...", "\x00", "\ud800", '"', "'", "a* OR b", '") --', "NEAR(a b)", "x" * 5000]
)
def test_odd_questions_neither_fail_nor_are_read_as_syntax(index: NameIndex, typed: str) -> None:
    assert all(hit.label for hit in search(index, typed))
    assert all(hit.fit is Fit.FAR for hit in nearest(index, typed))


@settings(max_examples=60, deadline=None)
@example("packed:a")
@given(st.text(max_size=40))
def test_any_text_can_be_asked(index: NameIndex, typed: str) -> None:
    found = search(index, typed, 5)
    assert len(found) <= 5
    assert list(found) == sorted(found, key=lambda hit: hit.rank)


@given(st.text("abc1", max_size=6), st.text("abc1", max_size=6))
def test_distance_is_symmetric_and_agrees_with_edits(a: str, b: str) -> None:
    far = distance(a, b, 12)
    assert far == distance(b, a, 12)
    assert (far == 0) == (a == b)
    if a and b:
        assert (b in edits(a)) == (far == 1)


@given(st.text(max_size=30))
def test_folding_is_idempotent(text: str) -> None:
    assert fold(" ".join(fold(text))) == fold(text)


def test_index_is_equal_for_equal_graphs_and_another_order_of_names() -> None:
    graph = things()
    turned = replace(
        graph,
        papers=graph.papers[::-1],
        entities=tuple(replace(e, aliases=e.aliases[::-1]) for e in graph.entities[::-1]),
        claims=graph.claims[::-1],
    )
    made = index_bytes(graph)
    assert made[:15] == b"SQLite format 3"
    assert made == index_bytes(graph) == index_bytes(turned)


def test_index_does_not_depend_on_hash_seeds() -> None:
    code = (
        "import hashlib, io; from tests.test_search import index_bytes, things;"
        "print(hashlib.sha256(index_bytes(things())).hexdigest())"
    )
    root = Path(__file__).parent.parent
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1


def test_the_index_of_an_export_and_of_a_store_are_the_same(opened: OpenGraph) -> None:
    def plain(named_things: object) -> list[object]:
        return sorted((t.iri, t.kind, t.label, sorted({t.label, *t.names}), t.papers, t.edges) for t in named_things)  # type: ignore[attr-defined]

    assert plain(named(things())) == plain(named_of_store(opened))


def test_file_beside_the_graph_is_used_when_it_is_of_that_graph(folder: Path, tmp_path: Path) -> None:
    here = tmp_path / "graph"
    shutil.copytree(folder, here)
    (here / FILENAME).write_bytes(index_bytes(things()))  # another time, as after a copy: the content tells
    names = open_names(open_graph(here))
    assert names.connection.execute("PRAGMA database_list").fetchone()[2] == str((here / FILENAME).resolve())
    assert search(names, "imagnet")[0].label == "ImageNet"
    draft = Draft()
    draft.entity(EntityType.METHOD, "OtherNet")
    (here / FILENAME).write_bytes(index_bytes(draft.graph()))
    fresh = open_names(open_graph(here))
    assert search(fresh, "imagnet")[0].label == "ImageNet"
    (here / FILENAME).write_bytes(b"no database")
    assert search(open_names(open_graph(here)), "imagnet")[0].label == "ImageNet"


def test_hostile_names_are_found(tmp_path: Path) -> None:
    export(hostile(), tmp_path, ["ttl"])
    index = open_names(open_graph(tmp_path))
    for number, name in enumerate(HOSTILE):
        kind = list(EntityType)[number % 3].value
        found = [hit for hit in search(index, name, 40) if hit.kind == kind]
        assert found, name
        assert by_iri(index, found[0].iri) is not None


def show(folder: Path, *arguments: str, columns: int = 100) -> tuple[int, str, str]:
    done = runner.invoke(app, ["show", str(folder), *arguments], env={"COLUMNS": str(columns), "TERM": "dumb"})
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_show_fits_the_terminal_and_gives_evidence(folder: Path, columns: int) -> None:
    code, out, err = show(folder, "mobilnet v3", columns=columns)
    assert code == 0, err
    assert max(map(len, out.splitlines())) <= columns
    text = " ".join(out.split())
    assert out.startswith("MobileNetV3  method")
    assert "also called MobileNet v3 (large)" in text
    assert "← built on by 2" in text
    assert "0.80" in text
    assert {"uses", "MobileNetV3."} <= set(text.split())
    assert "2021" in text
    assert "nothing is called 'mobilnet v3'; the nearest is MobileNetV3" in err


def test_show_prints_links_results_and_facts_of_papers(examples: tuple[Path, object]) -> None:
    folder = examples[0]
    linked = json.loads(runner.invoke(app, ["query", str(folder), _LINKED, "-f", "json"]).stdout)
    label = linked["results"]["bindings"][0]["label"]["value"]
    code, out, _ = show(folder, label)
    assert code == 0
    assert re.search(r"(exact|close) match +http", out)
    numbers = json.loads(runner.invoke(app, ["query", str(folder), _MEASURED, "-f", "json"]).stdout)["results"][
        "bindings"
    ][0]
    code, out, _ = show(folder, numbers["paper"]["value"], "--limit", "0")
    assert code == 0
    assert "results" in out
    assert numbers["value"]["value"] in out


_LINKED = "SELECT ?label { ?x skos:exactMatch ?y ; skos:prefLabel ?label } ORDER BY ?label LIMIT 1"
_MEASURED = "SELECT ?paper ?value { ?r kg:valueText ?value ; kg:statedIn ?paper } ORDER BY ?paper ?value LIMIT 1"


def test_show_limits_rows_and_says_so(folder: Path) -> None:
    _, out, _ = show(folder, "ImageNet", "--limit", "1")
    assert out.count("0.90") == 1
    assert "3 more: --limit 0 prints all" in out
    _, out, _ = show(folder, "ImageNet", "--limit", "0")
    assert out.count("0.90") == 4


def test_show_as_json_and_markdown(folder: Path) -> None:
    code, out, _ = show(folder, "imagenet", "--format", "json")
    found = json.loads(out)
    assert code == 0
    assert (found["label"], found["types"], found["match"]["fit"]) == ("ImageNet", ["Dataset"], "exact")
    assert found["counts"] == {"papers": 4, "edges": 4, "results": 0}
    assert {edge["relation"] for edge in found["edges"]} == {"evaluatedOn"}
    assert all("ImageNet" in quote["sentence"] for edge in found["edges"] for quote in edge["quotes"])
    _, out, _ = show(folder, TITLES[3], "--format", "md")
    assert out.startswith("# Measuring \\$\\\\beta\\$-Nets with C++ and C\\#\n")


def test_show_offers_homonyms_and_takes_an_id(folder: Path) -> None:
    _, out, err = show(folder, "SNN")
    assert out.startswith("spiking neural network")
    offered = re.search(r"\(task/([\w-]+)\)", err)
    assert offered
    for name in (f"task/{offered[1]}", f"task:{offered[1]}", f"https://w3id.org/paper-kg/id/task/{offered[1]}"):
        code, out, err = show(folder, name)
        assert (code, out.split("  ")[0], err) == (0, "scheduling of neural nets", "")


def test_show_without_a_hit_offers_the_nearest_and_fails(folder: Path) -> None:
    code, out, err = show(folder, "GPT-5")
    assert (code, out) == (2, "")
    assert "GPT-4 (method)" in err
    assert len(err.strip().splitlines()) == 1
    code, _, err = show(folder, "quux")
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert show(folder, "BERT", "--format", "docx")[0] == 2


def test_show_never_sends_codes_of_papers_to_the_terminal(tmp_path: Path) -> None:
    export(hostile(), tmp_path, ["ttl"])
    for name in HOSTILE:
        for form in ("table", "md"):
            code, out, err = show(tmp_path, name.encode("utf-8", "replace").decode(), "--format", form)
            assert code == 0, err
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", out + err)
