"""What the graph of real pages is worth: measured against annotations, checked by shapes, asked with SPARQL."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kg.errors import InputError
from kg.evaluate import evaluate
from kg.gold import Tally, compare, item_names, matching_name, matching_value, read_gold, score
from kg.report import Report
from kg.validate import validate

# Lower bounds, a little below what the shipped model reaches, so that a change for the worse is seen.
# The gold pages trained the role model, so these figures are no estimate for other pages; docs/model-card.md has those.
FLOORS = {"nodes": 0.70, "edges": 0.62, "results": 0.75, "type_of_matched": 0.93}


@pytest.mark.slow
def test_real_pages_reach_the_floors(seeds: tuple[Path, Report], shared: Path) -> None:
    found = evaluate(seeds[0], shared / "gold" / "dev.jsonl")
    assert found.papers == 153
    assert found.absent == ()
    reached = {name: round(found.tallies[name].f1, 3) for name in FLOORS}
    assert all(reached[name] >= floor for name, floor in FLOORS.items()), reached


@pytest.mark.slow
def test_measure_equals_that_of_the_gold_files(seeds: tuple[Path, Report], shared: Path) -> None:
    gold = shared / "gold" / "dev.jsonl"
    command = [sys.executable, str(shared / "gold" / "score.py"), str(gold), str(seeds[0] / "graph.ttl"), "--json"]
    theirs = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    ours = evaluate(seeds[0], gold)
    for name, tally in ours.tallies.items():
        assert theirs[name]["f1"] == pytest.approx(tally.f1, abs=0.004), name


@pytest.mark.slow
def test_graph_of_real_pages_conforms(seeds: tuple[Path, Report]) -> None:
    assert validate(seeds[0]).violations == ()


def test_perfect_facts_score_one(shared: Path) -> None:
    gold = read_gold(shared / "gold" / "dev.jsonl")
    tallies = score(gold, gold)
    assert tallies["edges"].recall == tallies["nodes"].recall == tallies["results"].recall == 1.0
    assert tallies["type_of_matched"].f1 == 1.0


def test_second_item_for_one_gold_item_is_wrong() -> None:
    tally = Tally()
    gold = [(frozenset({"a", "b"}), True, "A")]
    pairs = compare(tally, gold, [(frozenset({"a"}), "a"), (frozenset({"b"}), "b")], "title")
    assert (pairs, tally.hit, tally.predicted, tally.wrong) == ([(0, 0)], 1, 2, [("title", "b")])


def test_matching_forms() -> None:
    assert matching_name("Slow-Fast networks") == matching_name("SlowFast")
    assert matching_value("82.70", "percent") == matching_value("+82.7", "%") == "82.7|%"
    assert matching_value("40–76.7", "%") == "40-76.7|%"
    assert item_names({"name": "COCO dataset", "aliases": ["MS COCO"]}) == {"coco", "mscoco"}


def test_gold_file_with_a_bad_line(tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text('{"title": "a"}\nnot json\n')
    with pytest.raises(InputError, match=r"gold\.jsonl:2"):
        read_gold(tmp_path / "gold.jsonl")
    with pytest.raises(InputError, match="cannot read"):
        read_gold(tmp_path / "none.jsonl")
