"""Comparisons: what stands side by side, where things agree and differ, the evidence, every form of the answer."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from pathlib import Path

import pytest
from lxml import html
from rich.markdown import Markdown
from typer.testing import CliRunner

from kg.analysis import sides
from kg.analysis.compare import Comparison, compare
from kg.analysis.render import FORMATS, Document, Item, Items, Notes, Quote, Thing, render, shown, table
from kg.building import BuildOptions, build
from kg.cli import app
from kg.errors import InputError
from kg.export import export
from kg.model import EntityType, KnowledgeGraph, Relation
from kg.store import open_graph
from tests.graphs import HOSTILE, Draft, hostile, vision
from tests.paths import ROOT

runner = CliRunner()
METHOD, DATASET, HARDWARE = EntityType.METHOD, EntityType.DATASET, EntityType.HARDWARE


def look(graph: KnowledgeGraph, folder: Path, *names: str) -> Comparison:
    export(graph, folder, ["nt"])
    return compare(open_graph(folder), names)


def cells(found: Comparison) -> dict[str, list[list[str]]]:
    return {line.name: [[entry.thing.label for entry in cell] for cell in line.cells] for line in found.lines}


def rivals() -> KnowledgeGraph:
    draft = Draft()
    data, other = draft.entity(DATASET, "PetSet"), draft.entity(DATASET, "CarSet")
    chip, task = draft.entity(HARDWARE, "Chip9"), draft.entity(EntityType.TASK, "pet naming")
    base = draft.entity(METHOD, "BaseNet")
    first = draft.paper(
        "The AlphaNet paper",
        "AlphaNet does pet naming on Chip9. AlphaNet outperforms BetaNet and BaseNet on PetSet. "
        "It reaches 82.7% accuracy on PetSet in 40 ms. On CarSet it wins 3%.",
        date="2021-05",
    )
    second = draft.paper(
        "The BetaNet paper",
        "BetaNet does pet naming. BetaNet extends BaseNet. Its accuracy on PetSet is 80.1%. "
        "It is 2x faster than BaseNet on PetSet.",
        date="2020",
    )
    alpha, beta = draft.entity(METHOD, "AlphaNet", "Alpha Net"), draft.entity(METHOD, "BetaNet")
    quote, claim = draft.quote, draft.claim
    claim(first.id, Relation.PROPOSES, alpha, 0.9, quote(first, "AlphaNet"))
    claim(alpha, Relation.TARGETS, task, 0.8, quote(first, "pet naming"))
    claim(alpha, Relation.RUNS_ON, chip, 0.8, quote(first, "Chip9"))
    claim(alpha, Relation.COMPARES_TO, beta, 0.9, quote(first, "BetaNet"))
    claim(alpha, Relation.COMPARES_TO, base, 0.9, quote(first, "BaseNet"))
    claim(alpha, Relation.EVALUATED_ON, data, 0.9, quote(first, "PetSet"))
    claim(alpha, Relation.EVALUATED_ON, other, 0.7, quote(first, "CarSet"))
    claim(second.id, Relation.PROPOSES, beta, 0.9, quote(second, "BetaNet"))
    claim(beta, Relation.TARGETS, task, 0.8, quote(second, "pet naming"))
    claim(beta, Relation.BUILDS_ON, base, 0.8, quote(second, "BaseNet"))
    claim(beta, Relation.EVALUATED_ON, data, 0.9, quote(second, "PetSet"))
    draft.result(first, "82.7%", "accuracy", "82.7", "%", method=alpha, dataset=data)
    draft.result(first, "40 ms", "latency", "40", "ms", method=alpha, dataset=data)
    draft.result(first, "3%", "accuracy", "3", "%", method=alpha, dataset=other, direction="up")
    draft.result(second, "80.1%", "accuracy", "80.1", "%", method=beta, dataset=data)
    draft.result(second, "2x", "speedup", "2", "x", method=beta, baseline=base, dataset=data, direction="up")
    return draft.graph()


def test_rows_hold_what_is_stated_of_each(tmp_path: Path) -> None:
    assert cells(look(rivals(), tmp_path, "Alpha Net", "betanet")) == {
        "proposed by": [["The AlphaNet paper"], ["The BetaNet paper"]],
        "targets": [["pet naming"], ["pet naming"]],
        "builds on": [[], ["BaseNet"]],
        "evaluated on": [["PetSet", "CarSet"], ["PetSet"]],
        "runs on": [["Chip9"], []],
        "compares with": [["BaseNet", "BetaNet"], []],
        "is compared with by": [[], ["AlphaNet"]],
    }


def test_agreement_and_difference(tmp_path: Path) -> None:
    found = look(rivals(), tmp_path, "AlphaNet", "BetaNet")
    assert [(row, thing.label, len(have)) for row, thing, have in found.common()] == [
        ("targets", "pet naming", 2),
        ("evaluated on", "PetSet", 2),
    ]
    text = render(sides.document(found))
    agree, differ = text.split("Where they agree")[1].split("Where they differ")
    assert "targets pet naming: all" in agree
    assert "evaluated on: only AlphaNet: CarSet" in differ
    assert "only BetaNet" not in differ  # a row that only one fills tells no difference


def test_results_of_one_kind_stand_side_by_side(tmp_path: Path) -> None:
    found = look(rivals(), tmp_path, "AlphaNet", "BetaNet")
    (shared,) = [line for line in found.results if line.shared]
    assert (shared.group.heading, shared.dataset.label if shared.dataset else "") == ("accuracy, %", "PetSet")
    assert [[m.value_text for m in cell] for cell in shared.cells] == [["82.7"], ["80.1"]]
    assert sum(not line.shared for line in found.results) == 3


def test_who_is_better_is_told_with_its_sentence(tmp_path: Path) -> None:
    found = look(rivals(), tmp_path, "BetaNet", "AlphaNet", "BaseNet")
    told = {(beat.winner.label, beat.loser.label, beat.metric) for beat in found.beats}
    assert told == {("AlphaNet", "BetaNet", ""), ("AlphaNet", "BaseNet", ""), ("BetaNet", "BaseNet", "speedup")}
    text = render(sides.document(found), evidence=True)
    assert "AlphaNet is reported to beat BetaNet (1 report)." in text
    assert "AlphaNet outperforms BetaNet and BaseNet on PetSet." in " ".join(text.split())


def test_works_that_speak_of_both(tmp_path: Path) -> None:
    draft = Draft()
    third = draft.paper("A study", "We study both. BetaNet outperforms AlphaNet on PetSet. We use GammaNet.")
    for name in ("AlphaNet", "BetaNet", "GammaNet"):
        thing = draft.entity(METHOD, name)
        draft.claim(third.id, Relation.COMPARES_TO, thing, 0.8, draft.quote(third, name))
    found = look(draft.graph(), tmp_path, "AlphaNet", "BetaNet", "GammaNet")
    assert [(row, work.label, len(have)) for row, work, have, _ in found.meetings()] == [
        ("is compared with by", "A study", 3)
    ]
    assert [(beat.winner.label, beat.loser.label) for beat in found.beats] == [("BetaNet", "AlphaNet")]
    text = render(sides.document(found))
    assert "“A study” compares with AlphaNet and BetaNet and GammaNet" in text
    assert "No sentence here says which of AlphaNet and GammaNet is better." in text


def test_a_paper_stands_for_what_it_proposes(tmp_path: Path) -> None:
    found = look(vision(), tmp_path, "RowNet: Rows for Vision", "A Note on Image Classification")
    rows = cells(found)
    assert rows["proposes"] == [["RowNet"], []]
    assert rows["compares with"] == [["ResNet-50"], []]
    (cell,) = [line.cells[0] for line in found.lines if line.name == "compares with"]
    assert {quote.paper.label for entry in cell for quote in entry.quotes} == {"RowNet: Rows for Vision"}
    assert [(row, thing.label) for row, thing, _ in found.common()] == [("targets", "image classification")]


def test_thin_data_is_told(tmp_path: Path) -> None:
    draft = Draft()
    for name in ("Lone", "Lorn"):
        draft.entity(METHOD, name)
    text = render(sides.document(look(draft.graph(), tmp_path, "Lone", "Lorn")))
    assert "No sentence here says which of them is better." in text
    assert "The graph holds no statement on Lone." in text
    assert "Nothing is stated of more than one of them." in text


def test_wrong_names_and_numbers_of_names(tmp_path: Path) -> None:
    export(rivals(), tmp_path, ["nt"])
    source = open_graph(tmp_path)
    with pytest.raises(InputError, match="2 to 5 names, not 1"):
        compare(source, ["AlphaNet"])
    with pytest.raises(InputError, match="2 to 5 names, not 6"):
        compare(source, ["AlphaNet"] * 6)
    with pytest.raises(InputError, match="'AlphaNet' and 'Alpha Net' both mean 'AlphaNet'"):
        compare(source, ["AlphaNet", "Alpha Net"])
    with pytest.raises(InputError, match="nothing is called 'Quokka-9000'"):
        compare(source, ["AlphaNet", "Quokka-9000"])


def test_the_limit_counts_the_rest_and_files_hold_all(tmp_path: Path) -> None:
    draft = Draft()
    names = [f"Data{number:02}" for number in range(12)]
    paper = draft.paper("P", f"Big runs on {', '.join(names)}.")
    big = draft.entity(METHOD, "Big")
    draft.entity(METHOD, "Small")
    for name in names:
        draft.claim(big, Relation.EVALUATED_ON, draft.entity(DATASET, name), 0.9, draft.quote(paper, name))
    found = look(draft.graph(), tmp_path, "Big", "Small")
    answer = sides.document(found, limit=5)
    assert "and 7 more" in render(answer)
    assert len(list(csv.DictReader(io.StringIO(render(answer, "csv"))))) == 12
    assert "more" not in render(sides.document(found, limit=0)).split("Where they agree")[0]


@pytest.mark.parametrize("fmt", FORMATS)
def test_formats_can_be_read_again(fmt: str, tmp_path: Path) -> None:
    found = look(rivals(), tmp_path, "AlphaNet", "BetaNet")
    text = render(sides.document(found), fmt, evidence=True)
    if fmt == "json":
        data = json.loads(text)
        (row,) = [row for row in data["rows"] if row["row"] == "runs on"]
        assert [[entry["thing"]["label"] for entry in cell] for cell in row["cells"]] == [["Chip9"], []]
        assert row["cells"][0][0]["evidence"][0]["words"] == "Chip9"
    elif fmt == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        assert {row["value"] for row in rows if row["row"] == "result"} == {"82.7%", "40 ms", "3%", "80.1%", "2x"}
        assert all(row["sentence"] for row in rows)
    elif fmt == "html":
        page = html.document_fromstring(text)
        assert page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0].startswith("default-src 'none'")
        assert "prefers-color-scheme: dark" in text
        names = page.xpath("//ol[@class='evidence']/li/@id")
        assert {f"#{name}" for name in names} >= set(page.xpath("//sup/a/@href"))
        assert [mark.text for mark in page.xpath("//ol[@class='evidence']/li[1]//mark")] == ["AlphaNet"]
    elif fmt == "md":
        kinds = [token.type for token in Markdown(text).parsed]
        assert kinds.count("table_open") == 4
        assert "BetaNet extends BaseNet." in text
    else:
        assert "not stated" in text


@pytest.mark.parametrize("fmt", FORMATS)
def test_hostile_names_stay_text(fmt: str, tmp_path: Path) -> None:
    export(hostile(), tmp_path, ["nt"])
    text = render(sides.document(compare(open_graph(tmp_path), HOSTILE[:5])), fmt, evidence=True)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u2028\u2029\u202e]", text)
    if fmt == "html":
        assert not html.document_fromstring(text).xpath("//script")
    if fmt == "csv":
        assert not any(cell.startswith("=") for row in csv.reader(io.StringIO(text)) for cell in row)


def test_markup_of_papers_is_escaped_in_markdown() -> None:
    wild = "a|b *c* `d` [e](f) <g> $h$ #i"
    paper = Thing(wild, "Paper", "http://example.org/p")
    notes = Notes()
    made = table(wild, ("x",), [[Item(wild, notes(Quote(wild, paper)))]])
    text = render(Document(wild, blocks=(made, Items("", (Item("- 1. x"),))), quotes=notes.quotes), "md", evidence=True)
    inline = [token for token in Markdown(text).parsed if token.type == "inline"]
    plain = ["".join(child.content for child in token.children or () if child.type != "softbreak") for token in inline]
    assert plain == [wild, wild, "x", f"{wild} [1]", "- 1. x", "Evidence", f"“{wild}” {wild}"]
    assert {child.type for token in inline for child in token.children or ()} <= {"text", "text_special"}


def test_terminal_text_obeys_no_codes_of_papers() -> None:
    assert shown("a\x1b[31mb\nc\u202ed\u2028e") == "a [31mb cd e"


def test_the_order_of_input_changes_nothing(tmp_path: Path) -> None:
    found = look(rivals(), tmp_path / "a", "AlphaNet", "BetaNet")
    lines = (tmp_path / "a" / "graph.nt").read_text(encoding="utf-8").splitlines(keepends=True)
    random.Random(11).shuffle(lines)
    mixed = tmp_path / "b.nt"
    mixed.write_text("".join(lines), encoding="utf-8")
    again = compare(open_graph(mixed), ["AlphaNet", "BetaNet"])
    assert render(sides.document(again), "html") == render(sides.document(found), "html")


def test_from_papers_to_the_answer(tmp_path: Path) -> None:
    papers = [
        ("TinyNet: a small network", "We propose TinyNet, a small network. TinyNet outperforms ResNet-50 on ImageNet."),
        ("HugeNet: a large network", "We propose HugeNet, a large network. HugeNet outperforms ResNet-50 on ImageNet."),
    ]
    source = tmp_path / "papers.jsonl"
    source.write_text("".join(json.dumps({"title": t, "abstract": a}) + "\n" for t, a in papers), encoding="utf-8")
    build([source], tmp_path / "out", BuildOptions(fast=True, jobs=1, formats=("nt",)))
    done = runner.invoke(app, ["compare", str(tmp_path / "out"), "tinynet", "hugenet", "-f", "json"])
    assert done.exit_code == 0, done.output
    agreed = {(item["row"], item["thing"]["label"]) for item in json.loads(done.stdout)["agree"]}
    assert {("compares with", "ResNet-50"), ("evaluated on", "ImageNet")} <= agreed


def test_the_command_on_a_built_folder(tmp_path: Path) -> None:
    arguments = ["compare", str(ROOT / "exports"), "QLoRA", "LoRA"]
    done = runner.invoke(app, [*arguments, "--evidence"])
    assert done.exit_code == 0, done.output
    assert re.search(r"^\s*\[1\] “", done.stdout, re.MULTILINE)
    out = tmp_path / "answer.md"
    assert runner.invoke(app, [*arguments, "-f", "md", "-o", str(out)]).stdout == ""
    assert out.read_text(encoding="utf-8").startswith("# QLoRA and LoRA, side by side\n")
    assert [path.name for path in tmp_path.iterdir()] == ["answer.md"]
