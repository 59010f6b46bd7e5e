"""Gaps: what a field uses and one of its papers does not is found, with the papers that say so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kg.analysis import linkpred
from kg.analysis.gaps import document, gaps
from kg.analysis.matrices import RELATION, from_store, text_matrix
from kg.analysis.queries import query_of
from kg.analysis.tables import tables
from kg.cli import app
from kg.errors import InputError
from kg.export import export
from kg.model import EntityType, KnowledgeGraph, Relation
from kg.store import OpenGraph, open_graph
from tests.graphs import Draft
from tests.paths import ROOT

FIELDS = {
    "Speech": ("phoneme waveform speaker acoustic", "Libri", ("Wav2x", "Deeper")),
    "Vision": ("pixel camera texture contour", "ImageSet", ("ResBlock", "Swinger")),
}


def fields() -> KnowledgeGraph:
    """Two fields of twelve papers each, which share a common dataset; the last paper of each lacks what others have."""
    draft = Draft()
    common = draft.entity(EntityType.DATASET, "Commons")
    for field, (words, data_name, baselines) in FIELDS.items():
        data = draft.entity(EntityType.DATASET, data_name)
        rivals = [draft.entity(EntityType.METHOD, name, baseline=True) for name in baselines]
        vague = draft.entity(EntityType.METHOD, "existing methods", baseline=True)
        terms = words.split()
        for i in range(12):
            name = f"{field}Net{i}"
            last = i == 11
            text = f"{name} is about {terms[i % 4]} and {terms[(i + 1) % 4]}. It beats existing methods."
            text += " It runs on Commons."
            text += "" if last else f" We evaluate on {data_name}. It beats {baselines[i % 2]}."
            paper = draft.paper(f"{name}: {terms[(i + 2) % 4]} of {field.lower()}", text, date=str(2015 + i % 6))
            method = draft.entity(EntityType.METHOD, name)
            draft.claim(paper.id, Relation.PROPOSES, method, 0.9, draft.quote(paper, name))
            draft.claim(method, Relation.COMPARES_TO, vague, 0.9, draft.quote(paper, "existing methods"))
            draft.claim(method, Relation.EVALUATED_ON, common, 0.9, draft.quote(paper, "Commons"))
            if not last:
                draft.claim(method, Relation.EVALUATED_ON, data, 0.9, draft.quote(paper, data_name))
                draft.claim(method, Relation.COMPARES_TO, rivals[i % 2], 0.9, draft.quote(paper, baselines[i % 2]))
    return draft.graph()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenGraph:
    folder = tmp_path_factory.mktemp("gaps")
    export(fields(), folder, ["ttl"])
    (folder / "report.json").write_text("{}", encoding="utf-8")
    return open_graph(folder)


@pytest.mark.parametrize(("field", "other"), [("Speech", "Vision"), ("Vision", "Speech")])
@pytest.mark.parametrize("by", ["{}Net11", "{}Net11: {} of {}"])
def test_what_the_field_uses_comes_first(opened: OpenGraph, field: str, other: str, by: str) -> None:
    name = by.format(field, FIELDS[field][0].split()[1], field.lower())
    found = gaps(opened, name)
    assert found.suggestions["dataset"][0].thing.label == FIELDS[field][1]
    assert {s.thing.label for s in found.suggestions["baseline"][:2]} == set(FIELDS[field][2])
    assert [thing.label for thing in found.has["dataset"]] == ["Commons"]


def test_reasons_are_papers_that_say_so(opened: OpenGraph) -> None:
    for suggestions in gaps(opened, "SpeechNet11").suggestions.values():
        for suggestion in suggestions:
            assert suggestion.users >= len(suggestion.reasons) > 0
            for reason in suggestion.reasons:
                assert reason.quotes
                assert all(suggestion.thing.label in quote.sentence for quote in reason.quotes)
                assert all(quote.paper == reason.paper for quote in reason.quotes)


def test_nothing_vague_and_nothing_that_is_there_already(opened: OpenGraph) -> None:
    for number in range(12):
        found = gaps(opened, f"VisionNet{number}")
        has = {thing.label for things in found.has.values() for thing in things}
        told = {s.thing.label for some in found.suggestions.values() for s in some}
        assert not told & (has | {"existing methods", f"VisionNet{number}"})


def test_a_method_without_a_paper_is_known_by_those_that_name_it(opened: OpenGraph) -> None:
    found = gaps(opened, "Wav2x")
    assert "No paper here proposes Wav2x" in document(found).lead[0]
    assert found.asked.query.rows
    assert "Wav2x" not in {thing.label for thing in found.has["baseline"]}


def test_unknown_name(opened: OpenGraph) -> None:
    with pytest.raises(InputError, match="nothing is called"):
        gaps(opened, "no such thing at all")


def test_prediction_beats_popularity_and_common_neighbours_on_hidden_edges(opened: OpenGraph) -> None:
    corpus = from_store(opened)
    words = text_matrix(corpus.titles, corpus.abstracts).matrix
    goal = RELATION[Relation.EVALUATED_ON.value]
    of_field = [t for t, label in enumerate(corpus.labels) if label in {"Libri", "ImageSet"}]
    edges = [(p, t) for p, r, t in corpus.links.tolist() if r == goal and t in of_field]
    ranks: dict[str, list[int]] = {"ours": [], "popularity": [], "common": []}
    for paper, thing in edges:
        links = corpus.links[~((corpus.links[:, 0] == paper) & (corpus.links[:, 2] == thing))]
        base = linkpred.ground("dataset", words, corpus.years, corpus.kinds, links, len(corpus.papers))
        own = np.unique(links[links[:, 0] == paper][:, 2])
        query = linkpred.Query(words[[paper]], own.astype(np.int32), corpus.years[paper] or 0, (paper,))
        ours = linkpred.predict(base, query).things.tolist()
        ranks["ours"].append(1 + ours.index(thing))
        for name, score in (("popularity", linkpred.popularity), ("common", linkpred.common_neighbours)):
            scores = score(base, query)
            rivals = [t for t in of_field if t not in own]
            ranks[name].append(sum(scores[t] >= scores[thing] for t in rivals))
    assert np.mean(np.array(ranks["ours"]) == 1) > 0.9
    assert np.mean(ranks["ours"]) < min(np.mean(ranks["popularity"]), np.mean(ranks["common"]))


def test_fitting_finds_what_tells_right_from_wrong() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, len(linkpred.FEATURES)))
    model = linkpred.fit(values, values[:, 2] - values[:, 7] > 1)
    assert model.weight.argmax() == 2
    assert model.weight.argmin() == 7
    again = linkpred.to_toml("dataset", model)
    assert again.count("\n") == len(linkpred.FEATURES) + 2
    for goal in linkpred.GOALS:
        for papers in (100, 20_000):
            assert linkpred.shipped(goal, papers).weight.shape == (len(linkpred.FEATURES),)


def test_tables_are_kept_and_a_broken_or_forbidden_cache_does_no_harm(tmp_path: Path) -> None:
    export(fields(), tmp_path, ["ttl"])
    (tmp_path / "report.json").write_text("{}", encoding="utf-8")
    fresh = tables(open_graph(tmp_path))
    (kept,) = (tmp_path / ".cache").glob("analysis-tables-*.npz")
    again = tables(open_graph(tmp_path))
    assert again.corpus.titles == fresh.corpus.titles
    assert again.names == fresh.names
    assert (again.text.matrix != fresh.text.matrix).nnz == 0
    kept.write_bytes(b"PK broken")
    assert tables(open_graph(tmp_path)).corpus.labels == fresh.corpus.labels
    export(KnowledgeGraph(papers=fields().papers[:3]), tmp_path, ["ttl"])
    assert len(tables(open_graph(tmp_path)).corpus.papers) == 3
    assert len(list((tmp_path / ".cache").glob("analysis-tables-*.npz"))) == 1


def test_beside_a_file_that_no_build_made_nothing_is_written(tmp_path: Path) -> None:
    export(fields(), tmp_path, ["ttl"])
    tables(open_graph(tmp_path / "graph.ttl"))
    assert sorted(os.listdir(tmp_path)) == ["graph.ttl"]


def test_query_of_several_papers_takes_what_a_tenth_of_them_has(opened: OpenGraph) -> None:
    given = tables(opened)
    rows = list(range(24))
    query = query_of(given, rows)
    labels = {given.corpus.labels[t] for t in query.things.tolist()}
    assert "Commons" in labels
    assert "SpeechNet3" not in labels
    assert given.corpus.labels.index("SpeechNet3") in query.known


def test_command(opened: OpenGraph) -> None:
    folder = str(opened.path.parent)
    done = CliRunner().invoke(app, ["gaps", folder, "SpeechNet11", "--evidence"])
    assert done.exit_code == 0, done.output
    assert "Libri" in done.stdout
    assert "We evaluate on Libri." in done.stdout
    told = json.loads(CliRunner().invoke(app, ["gaps", folder, "SpeechNet11", "-f", "json", "--limit", "1"]).stdout)
    assert "Libri" in json.dumps(told)


def test_benchmark_measures(opened: OpenGraph) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "linkprediction.py"), str(opened.path.parent)]
    done = subprocess.run([*command, "--seeds", "0", "1"], capture_output=True, text=True, check=True, cwd=ROOT)
    table = {line[2:36].strip(): line[36:].split() for line in done.stdout.splitlines() if line.startswith("  ")}
    ours, common = table["ours, hidden names cut from text"], table["common neighbours"]
    assert float(ours[1]) > float(common[1])
    assert all(0 <= float(cell) <= 1 for row in (ours, common) for cell in row)
