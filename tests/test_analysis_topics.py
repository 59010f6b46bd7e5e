"""Topics: clusters that are there, labels that tell them apart, the same whatever the order."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from kg.analysis.matrices import from_graph, from_store, text_matrix, unit_rows
from kg.analysis.regions import REGIONS, join_topics, region_labels
from kg.analysis.topic_answer import document, topics
from kg.analysis.topics import cluster, communities, label_terms, log_odds, space_text
from kg.errors import InputError
from kg.export import export
from kg.model import EntityType, KnowledgeGraph, Paper, Relation
from kg.store import open_graph
from tests.graphs import Draft, vision
from tests.html_graphs import synthetic

SUBJECTS = {
    "speech": ("speech recognition", "LibriSpeech", "acoustic phoneme speaker utterance waveform"),
    "robots": ("robot grasping", "YCB", "gripper arm finger torque contact"),
    "graphs": ("node classification", "Cora", "vertex edge neighbour adjacency embedding"),
}


def three_subjects(each: int = 14) -> KnowledgeGraph:
    """Papers of three subjects of unlike size, each with words and a dataset of its own."""
    draft = Draft()
    for number, (name, (task, dataset, vocabulary)) in enumerate(SUBJECTS.items()):
        target = draft.entity(EntityType.TASK, task)
        data = draft.entity(EntityType.DATASET, dataset)
        words = vocabulary.split()
        for i in range(each - 3 * number):
            some = " ".join(words[(i + k) % len(words)] for k in range(3))
            paper = draft.paper(
                f"{name.title()}{i}: {task} with {words[i % 5]} {words[(i + 2) % 5]}",
                f"We study {task} by {some}. We evaluate on {dataset}.",
            )
            draft.claim(paper.id, Relation.TARGETS, target, 0.9, draft.quote(paper, task))
            draft.claim(paper.id, Relation.EVALUATED_ON, data, 0.9, draft.quote(paper, dataset))
    return draft.graph()


def test_communities_are_the_subjects() -> None:
    graph = three_subjects()
    found = communities(graph)
    assert len(found.labels) == 3
    for paper in graph.papers:
        expected = next(number for number, name in enumerate(SUBJECTS) if paper.title.startswith(name.title()))
        assert found.of[paper.id] == expected, paper.title
    labels = {entity.id: entity.label for entity in graph.things}
    assert {labels[node]: found.of[node] for node in labels} == {
        "speech recognition": 0, "LibriSpeech": 0, "robot grasping": 1, "YCB": 1, "node classification": 2, "Cora": 2
    }  # fmt: skip
    for number, (task, _, _) in enumerate(SUBJECTS.values()):
        assert set(task.split()) & set(found.labels[number].lower().replace(",", "").split())
        assert found.label(graph.papers[0].id) in found.labels


def test_order_does_not_matter() -> None:
    graph = three_subjects()
    shuffled = replace(
        graph,
        papers=tuple(random.Random(5).sample(graph.papers, len(graph.papers))),
        entities=graph.entities[::-1],
        claims=tuple(random.Random(6).sample(graph.claims, len(graph.claims))),
    )
    assert communities(shuffled) == communities(graph)


@pytest.mark.parametrize("graph", [KnowledgeGraph(), vision(), KnowledgeGraph(papers=(Paper("Of"), Paper("The")))])
def test_little_graphs(graph: KnowledgeGraph) -> None:
    found = communities(graph)
    assert set(found.of) <= {item.id for item in (*graph.papers, *graph.things)}
    assert set(found.of.values()) == set(range(len(found.labels)))
    assert found.label("paper/nowhere") == ""


def test_store_and_memory_give_one_corpus(tmp_path: Path) -> None:
    graph = three_subjects()
    export(graph, tmp_path, ["ttl"])
    there, here = from_store(open_graph(tmp_path)), from_graph(graph)
    assert there.titles == here.titles
    assert there.labels == here.labels
    assert there.links.tolist() == here.links.tolist()
    assert [iri.rpartition("/id/")[2] for iri in there.papers] == list(here.papers)


def test_answer_has_the_communities_of_the_files(tmp_path: Path) -> None:
    graph = three_subjects()
    export(graph, tmp_path, ["ttl", "graphml"])
    opened = open_graph(tmp_path)
    found = topics(opened)
    assert tuple(topic.label for topic in found.topics) == communities(graph).labels
    assert [topic.size for topic in found.topics] == [14, 11, 8]
    assert {thing.label for thing, _ in found.topics[0].things} == {"speech recognition", "LibriSpeech"}
    assert f'<data key="topic">{found.topics[1].label}</data>' in (tmp_path / "graph.graphml").read_text("utf-8")
    assert "14" in str(document(found).records[0])
    fewer = topics(opened, 2)
    assert len(fewer.topics) == 2
    assert fewer.silhouette is None
    assert sum(topic.size for topic in fewer.topics) == 33
    with pytest.raises(InputError, match="from 1 to"):
        topics(opened, 0)


def test_more_topics_than_papers_are_as_many_as_there_are() -> None:
    corpus = from_graph(vision())
    found = cluster(corpus, space_text(corpus), 40)
    assert 1 <= found.count <= 3
    assert set(found.of.tolist()) == set(range(found.count))


def test_log_odds_knows_what_is_commoner_and_how_sure() -> None:
    z = log_odds(np.array([50.0, 5.0, 10.0]), np.array([60.0, 50.0, 20.0]))
    assert z[0] > 0 > z[1]
    few = log_odds(np.array([5.0, 0.0, 1.0]), np.array([6.0, 5.0, 2.0]))
    assert z[0] > few[0] > 0


def test_a_label_is_written_as_papers_write_it() -> None:
    draft = Draft()
    for i in range(6):
        draft.paper(f"GANs for faces {i}", f"A GAN draws faces. GANs learn number {i}.")
        draft.paper(f"Sorting queries {i}", f"A query is sorted. Queries have number {i}.")
    corpus = from_graph(draft.graph())
    text = space_text(corpus)
    labels = label_terms(corpus, text, cluster(corpus, text, 2))
    said = {term for terms in labels for term in terms}
    assert "GAN" in said
    assert any(term.lower().endswith("query") for term in said)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60)), max_size=8))
def test_any_text_makes_rows_of_length_one_or_zero(texts: list[tuple[str, str]]) -> None:
    made = text_matrix([t for t, _ in texts], [a for _, a in texts])
    assert made.matrix.shape == (len(texts), len(made.vocabulary))
    lengths = np.sqrt(np.asarray(made.matrix.multiply(made.matrix).sum(axis=1)).ravel())
    assert all(abs(x) < 1e-6 or abs(x - 1) < 1e-4 for x in lengths)
    again = made.rows([t for t, _ in texts], [a for _, a in texts])
    assert np.allclose(again.toarray(), made.matrix.toarray(), atol=1e-6)
    assert unit_rows(made.matrix).shape == made.matrix.shape


def test_too_many_topics_join_those_with_the_same_words() -> None:
    of = np.array([0, 0, 0, 1, 1, 2, 2, 3, -1], np.int32)
    rows = [
        [1, 0, 0],
        [1, 0, 0],
        [1, 0, 0],
        [0.9, 0.1, 0],
        [0.8, 0, 0.2],
        [0, 1, 0],
        [0, 1, 0],
        [0, 0.7, 0.3],
        [0, 0, 1],
    ]
    texts = csr_matrix(np.array(rows))
    assert join_topics(of, texts, 4, 4) == [0, 1, 2, 3]
    assert join_topics(of, texts, 4, 3) == [0, 2, 1, 1]
    assert join_topics(of, texts, 4, 2) == [0, 0, 1, 1]
    assert join_topics(of, texts, 4, 1) == [0, 0, 0, 0]
    assert join_topics(of[:0], texts[:0], 0) == []


def test_labels_of_regions_differ() -> None:
    same = ("mobile robot", "path")
    assert region_labels([0, 1, 2], [same, (*same, "wheel"), ()]) == [
        "mobile robot · path",
        "mobile robot · path · wheel",
        "",
    ]


def test_regions_are_made_of_whole_topics() -> None:
    found = communities(synthetic(400))
    assert len(found.labels) > 1
    assert len(found.regions) == len(found.labels)
    assert set(found.regions) == set(range(len(found.region_labels)))
    assert len(found.region_labels) <= REGIONS
