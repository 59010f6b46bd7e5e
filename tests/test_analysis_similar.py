"""Neighbours: near papers of the same field with the reasons, and a new text placed without changing the graph."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kg.analysis.place import document, place
from kg.analysis.queries import ask_name, text_of
from kg.analysis.render import render
from kg.analysis.similar import neighbours
from kg.analysis.tables import tables
from kg.cli import app
from kg.errors import InputError
from kg.export import export
from kg.model import EntityType, Relation
from kg.store import OpenGraph, open_graph
from tests.graphs import Draft
from tests.test_analysis_gaps import FIELDS, fields

NEW = """TinyNet: waveform models of speech

We propose TinyNet, which reads the phoneme and the waveform of a speaker. TinyNet outperforms Wav2x on Libri. It is
trained from scratch for keyword spotting.
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenGraph:
    folder = tmp_path_factory.mktemp("similar")
    export(fields(), folder, ["ttl"])
    return open_graph(folder)


def test_neighbours_are_of_the_field_and_do_not_hold_the_paper(opened: OpenGraph) -> None:
    given = tables(opened)
    for field in FIELDS:
        found = neighbours(given, ask_name(given, f"{field}Net2"), 8)
        assert len(found) == 8
        assert all(one.paper.label.startswith(field) for one in found)
        assert f"{field}Net2:" not in " ".join(one.paper.label for one in found)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_reasons_are_true(opened: OpenGraph) -> None:
    given = tables(opened)
    for one in neighbours(given, ask_name(given, "VisionNet4"), 0):
        row = given.paper_row(one.paper.iri)
        assert row is not None
        links = given.corpus.links
        named = {given.corpus.things[t] for t in links[links[:, 0] == row][:, 2].tolist()}
        assert {shared.thing.iri for shared in one.shared} <= named
        assert [shared.rarity for shared in one.shared] == sorted((s.rarity for s in one.shared), reverse=True)
        assert all(quote.paper.iri == one.paper.iri for shared in one.shared for quote in shared.quotes)
        assert one.score == pytest.approx(one.by_words + one.by_things / 2)


def test_a_name_that_is_not_there_is_told(opened: OpenGraph) -> None:
    given = tables(opened)
    assert ask_name(given, "SpeechNet 3").about.startswith("SpeechNet3 is proposed in")
    assert ask_name(given, "SpeechNettt3").about.startswith("Nothing is called 'SpeechNettt3'; the nearest name")


def test_rare_things_count_more_than_common_ones(tmp_path: Path) -> None:
    draft = Draft()
    common, rare = draft.entity(EntityType.DATASET, "Everywhere"), draft.entity(EntityType.DATASET, "Seldom")
    for i in range(12):
        some = [(common, "Everywhere")] * (i < 9) + [(rare, "Seldom")] * (i in (0, 11))
        paper = draft.paper(f"P{i}", " ".join(f"We use {name}." for _, name in some))
        for thing, name in some:
            draft.claim(paper.id, Relation.EVALUATED_ON, thing, 0.9, draft.quote(paper, name))
    export(draft.graph(), tmp_path, ["ttl"])
    given = tables(open_graph(tmp_path))
    found = neighbours(given, ask_name(given, "P0"), 0)
    assert found[0].paper.label == "P11"
    assert found[0].by_things > found[1].by_things > 0


def test_a_new_text_is_placed_and_the_graph_stays(opened: OpenGraph) -> None:
    before = len(opened.store)
    found = place(opened, "-", stdin=NEW, limit=5)
    assert found.asked.label.startswith("TinyNet")
    assert {"Wav2x", "Libri"} <= {thing.label for thing, _ in found.asked.found}
    assert all(one.paper.label.startswith("Speech") for one in found.neighbours)
    assert found.advice is not None
    assert found.advice.suggestions["baseline"][0].thing.label == "Deeper"
    told = {s.thing.label for some in found.advice.suggestions.values() for s in some}
    assert not told & {"Wav2x", "Libri"}
    shown = render(document(found), evidence=True)
    assert "Baselines to consider" in shown
    assert "TinyNet outperforms Wav2x on Libri." in shown
    assert len(opened.store) == before


def test_the_text_of_a_paper_that_is_there_does_not_find_itself(opened: OpenGraph) -> None:
    paper = fields().papers[0]
    found = place(opened, "-", stdin=f"{paper.title}\n{paper.abstract}")
    assert paper.title not in [one.paper.label for one in found.neighbours]


def test_a_text_with_nothing_in_common(opened: OpenGraph) -> None:
    found = place(opened, "-", stdin="Zzyzx qwertz uiop.")
    assert found.neighbours == ()
    assert "nothing" in render(document(found)).lower() or "No paper" in render(document(found))


def test_what_is_a_name_and_what_a_text(opened: OpenGraph, tmp_path: Path) -> None:
    assert place(opened, "SpeechNet3").advice is None
    with pytest.raises(InputError, match="nothing is called"):
        place(opened, "Qwertzuiop")
    short = place(opened, "acoustic waveform of a speaker")
    assert "taken for a text" in short.asked.about
    assert short.neighbours[0].paper.label.startswith("Speech")
    assert place(opened, NEW).advice is not None
    file = tmp_path / "new.txt"
    file.write_text(NEW, encoding="utf-8")
    assert place(opened, str(file)).asked.label == place(opened, NEW).asked.label
    file.write_bytes(b"\xff\xfe\x00broken")
    with pytest.raises(InputError, match="must be UTF-8"):
        place(opened, str(file))
    with pytest.raises(InputError, match="standard input: no text"):
        place(opened, "-", stdin=" \n ")


def test_first_line_is_the_title_where_it_is_one() -> None:
    assert text_of("-", "A title\nThe text. More.") == ("A title", "The text. More.")
    assert text_of("-", "One sentence that ends.\nAnother.") == ("", "One sentence that ends. Another.")
    assert text_of("Only a text. Of two sentences.") == ("", "Only a text. Of two sentences.")


def test_command_reads_standard_input(opened: OpenGraph) -> None:
    runner = CliRunner()
    done = runner.invoke(app, ["similar", str(opened.path), "-", "-f", "json", "--limit", "3"], input=NEW)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert "Deeper" in json.dumps(told["baselines"])
    done = runner.invoke(app, ["similar", str(opened.path), "VisionNet1", "--format", "csv"])
    assert done.stdout.startswith("score,by words,by things,paper")
    wrong = runner.invoke(app, ["similar", str(opened.path), "Qwertzuiop"])
    assert (wrong.exit_code, len(wrong.stderr.strip().splitlines())) == (2, 1)
