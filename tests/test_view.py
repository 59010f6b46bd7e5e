"""The view model: positions, sizes, labels, the choice of the overview, quotes."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.analysis.topics import communities
from kg.layout import compact, dense_groups, force, place, separate, spiral
from kg.model import EntityType, KnowledgeGraph
from kg.view import (
    OVERVIEW_LIMIT,
    PALETTE,
    SHAPES,
    best_part,
    layout,
    node_size,
    one_line,
    page_size,
    view,
)
from tests.html_graphs import FIELDS, HOSTILE, fields, hostile, synthetic

ROOT = Path(__file__).parents[1]

FINGERPRINT = """
import hashlib, json
from dataclasses import astuple
from kg.view import layout, view
from tests.html_graphs import synthetic
graph = synthetic(150)
seen = view(graph)
shown = [[key, *astuple(value)] for key, value in layout(graph).items()] + [list(seen.overview.items())]
shown += [[cluster.label, cluster.size, list(cluster.places.items())] for cluster in seen.clusters]
shown += [[node.id, node.topic] for node in seen.nodes] + [list(seen.topics)]
print(hashlib.sha256(json.dumps(shown).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def graph() -> KnowledgeGraph:
    return synthetic()


def shuffled(graph: KnowledgeGraph, seed: int) -> KnowledgeGraph:
    draw = random.Random(seed)
    parts = {
        name: tuple(draw.sample(getattr(graph, name), len(getattr(graph, name))))
        for name in ("papers", "entities", "claims", "results")
    }
    return dataclasses.replace(graph, **parts)


def test_layout_covers_papers_and_entities_with_kind_colour_and_size(graph: KnowledgeGraph) -> None:
    shown = layout(graph)
    assert list(shown) == sorted([*(paper.id for paper in graph.papers), *(item.id for item in graph.things)])
    assert {item.kind for item in shown.values()} == {"Paper", "Method", "Dataset", "Hardware", "Task"}
    assert all(item.color == PALETTE[item.kind] for item in shown.values())
    assert all(5.0 <= item.size <= 36.0 for item in shown.values())


def test_palette_and_shapes_tell_all_kinds_apart() -> None:
    kinds = {"Paper", *(kind.value for kind in EntityType)}
    assert set(PALETTE) == set(SHAPES) == kinds
    assert len(set(PALETTE.values())) == len(set(SHAPES.values())) == len(kinds)
    assert all(len(color) == 7 and int(color[1:], 16) >= 0 for color in PALETTE.values())


def test_nodes_do_not_lie_on_each_other(graph: KnowledgeGraph) -> None:
    shown = list(layout(graph).values())
    x = np.array([item.x for item in shown])
    y = np.array([item.y for item in shown])
    size = np.array([item.size for item in shown])
    apart = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    overlap = np.triu(apart < (size[:, None] + size[None, :]) * 0.6, 1).sum()
    assert overlap < len(shown) * 0.02


def test_neighbours_are_nearer_than_strangers(graph: KnowledgeGraph) -> None:
    shown = layout(graph)

    def gap(left: str, right: str) -> float:
        return float(np.hypot(shown[left].x - shown[right].x, shown[left].y - shown[right].y))

    joined = np.mean([gap(claim.subject, claim.object) for claim in graph.claims])
    draw = random.Random(1)
    strangers = np.mean([gap(*draw.sample(list(shown), 2)) for _ in range(2000)])
    assert joined < strangers * 0.75


def test_layout_of_1500_nodes_takes_less_than_three_seconds(graph: KnowledgeGraph) -> None:
    start = time.process_time()
    assert len(layout(graph)) > 1400
    assert time.process_time() - start < 3.0


def test_layout_does_not_depend_on_the_order_of_the_parts() -> None:
    small = synthetic(150)
    assert view(small) == view(shuffled(small, 3)) == view(shuffled(small, 4))


def test_layout_does_not_depend_on_hash_seed_or_threads() -> None:
    prints = set()
    for seed, threads in (("0", "1"), ("1", "2"), ("77", "2")):
        env = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", FINGERPRINT], cwd=ROOT, env=env, capture_output=True, text=True, check=True
        )
        prints.add(done.stdout.strip())
    assert len(prints) == 1
    assert len(prints.pop()) == len(hashlib.sha256(json.dumps(1).encode()).hexdigest())


def test_large_graphs_are_placed_in_linear_time() -> None:
    draw = random.Random(2)

    def seconds(count: int) -> float:
        links = {}
        for node in range(1, count):
            other = draw.randrange(node // 40 * 40, node) if node % 40 else draw.randrange(node)
            links[min(node, other), max(node, other)] = 1.0
        start = time.process_time()
        points = place(count, links, [6.0] * count)
        assert len({(round(x), round(y)) for x, y in points.tolist()}) > count * 0.95
        return time.process_time() - start

    small, large = seconds(6_000), seconds(18_000)
    assert large < max(small, 0.5) * 6


def test_empty_single_and_loose_nodes_are_placed() -> None:
    assert layout(KnowledgeGraph()) == {}
    assert view(KnowledgeGraph()).overview == {}
    assert place(1, {}, [5.0]).tolist() == [[0.0, 0.0]]
    points = place(400, {}, [5.0] * 400)
    assert len({tuple(point) for point in points.tolist()}) == 400


def test_a_dense_set_without_communities_is_placed() -> None:
    links = dict.fromkeys(itertools.combinations(range(300), 2), 1.0)
    points = place(300, links, [5.0] * 300)
    assert np.isfinite(points).all()
    assert len({tuple(point) for point in points.tolist()}) == 300


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(0, 10_000))
def test_force_keeps_every_node_finite_and_apart(count: int, seed: int) -> None:
    draw = random.Random(seed)
    links = {tuple(sorted(draw.sample(range(count), 2))): 1.0 for _ in range(count)}
    radius = np.full(count, 8.0)
    points = compact(force(spiral(count, 20.0), links, radius), radius)  # type: ignore[arg-type]
    assert np.isfinite(points).all()
    assert len({(round(x, 3), round(y, 3)) for x, y in points.tolist()}) == count


def test_separate_leaves_no_overlap_where_there_is_room() -> None:
    half = np.full(12, 10.0)
    points = separate(np.zeros((12, 2)), half, half, steps=400)
    assert not [
        (a, b) for a, b in itertools.combinations(points.tolist(), 2) if abs(a[0] - b[0]) < 18 and abs(a[1] - b[1]) < 18
    ]


def test_dense_groups_are_found_and_sorted() -> None:
    cliques = {(start + a, start + b): 1.0 for start in (0, 10, 20) for a, b in itertools.combinations(range(10), 2)}
    assert dense_groups(30, {**cliques, (9, 10): 1.0, (19, 20): 1.0}) == [
        list(range(10)),
        list(range(10, 20)),
        list(range(20, 30)),
    ]


def test_size_grows_with_claims_and_is_bounded() -> None:
    sizes = [node_size(degree) for degree in range(300)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 36.0


@pytest.mark.parametrize("text", HOSTILE)
def test_labels_are_one_printable_line(text: str) -> None:
    label = one_line(text)
    assert len(label) <= 80
    assert not set(label) & set("\x00\x07\t\r\n\u2028\u2029\u202e\u2066\u202c\ud800\u200b\ufeff")
    label.encode("utf-8")


def test_overview_is_bounded_joined_and_holds_what_most_papers_share(graph: KnowledgeGraph) -> None:
    inside = set(view(graph).overview)
    assert OVERVIEW_LIMIT * 0.7 < len(inside) <= OVERVIEW_LIMIT
    joined = {
        end
        for claim in graph.claims
        if claim.subject in inside and claim.object in inside
        for end in (claim.subject, claim.object)
    }
    assert joined == inside
    shared = sorted(graph.things, key=lambda item: (-len(item.papers), item.id))[:10]
    assert {item.id for item in shared} <= inside
    assert len(view(synthetic(900)).overview) <= OVERVIEW_LIMIT


def test_small_graphs_are_shown_whole() -> None:
    small = synthetic(5)
    assert set(view(small).overview) == set(layout(small))
    assert view(small).clusters == ()


def test_clusters_part_what_different_papers_name() -> None:
    shown = view(fields())
    names = {node.id: node.name for node in shown.nodes}
    home = {node.id: node.cluster for node in shown.nodes}
    assert len(shown.clusters) == 3
    for topic in FIELDS:
        assert len({home[key] for key, name in names.items() if name.startswith(topic)}) == 1
        assert [one.label for one in shown.clusters if topic in one.label]
    assert sorted((one.size for one in shown.clusters), reverse=True) == [one.size for one in shown.clusters]
    for number, cluster in enumerate(shown.clusters):
        assert cluster.places
        assert {home[key] for key in cluster.places} == {number}


def test_clusters_of_the_overview_do_not_lie_on_each_other() -> None:
    shown = view(fields())
    home = {node.id: node.cluster for node in shown.nodes}
    boxes = []
    for number in range(len(shown.clusters)):
        points = np.array([place for key, place in shown.overview.items() if home[key] == number])
        boxes.append((points.min(axis=0), points.max(axis=0)))
    for (low, high), (other_low, other_high) in itertools.combinations(boxes, 2):
        assert ((high < other_low) | (other_high < low)).any()


def test_a_page_of_a_huge_graph_carries_its_best_joined_part() -> None:
    whole = synthetic(60)
    part = best_part(whole, 20)
    kept = {paper.id for paper in part.papers}
    assert len(kept) == 20
    assert all(set(claim.papers) <= kept and {item.paper for item in claim.evidence} <= kept for claim in part.claims)
    there = kept | {item.id for item in part.entities}
    assert all(claim.subject in there and claim.object in there for claim in part.claims)
    assert all(result.paper in kept for result in part.results)
    shown = view(whole, papers=20)
    assert shown.left_out == 40
    assert best_part(whole, 60) is whole


def test_topics_are_those_of_the_whole_graph() -> None:
    whole = synthetic(60)
    found = communities(whole)
    assert len(found.labels) > 1
    for papers in (20, 60):
        shown = view(whole, papers=papers)
        assert shown.topics == found.labels
        assert {node.id: node.topic for node in shown.nodes} == {
            node.id: found.of.get(node.id, -1) for node in shown.nodes
        }


def test_clusters_are_the_regions_of_topics() -> None:
    whole = synthetic(300)
    found = communities(whole)
    shown = view(whole)
    assert sorted(cluster.label for cluster in shown.clusters) == sorted(found.region_labels)
    for node in shown.nodes:
        label = shown.clusters[node.cluster].label if node.cluster >= 0 else None
        assert label == (found.region_labels[found.regions[node.topic]] if node.topic >= 0 else None)


def test_sizes_on_a_page_are_bounded_however_large_the_graph() -> None:
    sizes = [page_size(degree, 5000) for degree in range(0, 5001, 50)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 22.0
    assert page_size(4, 10) == node_size(4)


def test_quotes_mark_the_mention_in_its_sentence(graph: KnowledgeGraph) -> None:
    shown = view(graph)
    texts = {paper.id: paper for paper in graph.papers}
    by_id = {claim.id: claim for claim in graph.claims}
    for edge in shown.edges:
        forms = {item.surface_form for item in by_id[edge.id].evidence}
        for quote in edge.quotes:
            assert quote.sentence[quote.start : quote.end] in forms
            assert quote.sentence in texts[quote.paper].section(quote.section)
    for result in shown.results:
        assert result.quote.sentence[result.quote.start : result.quote.end] == result.value_text


def test_view_of_hostile_names_keeps_them_as_they_are() -> None:
    shown = {node.id: node for node in view(hostile()).nodes}
    names = {node.name for node in shown.values()}
    assert {f"{text} {number}" for number, text in enumerate(HOSTILE)} <= names
