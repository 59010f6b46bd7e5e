"""Leaderboards: what is set side by side, what is kept apart, who beats whom, and every form of the answer."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from lxml import html
from typer.testing import CliRunner

from kg.analysis import board
from kg.analysis.common import Measurement, Quote, Thing
from kg.analysis.leaderboard import Leaderboard, leaderboard
from kg.analysis.measures import Kind, better, read, table
from kg.analysis.order import dot
from kg.analysis.render import FORMATS, render
from kg.analysis.verdict import Verdict, verdicts
from kg.cli import app
from kg.errors import InputError
from kg.export import export
from kg.model import EntityType, Evidence, KnowledgeGraph, Relation
from kg.store import open_graph
from kg.text import name_key
from kg.vocabulary import load
from tests.graphs import HOSTILE, Draft, hostile
from tests.paths import ROOT

METHOD, DATASET = EntityType.METHOD, EntityType.DATASET
runner = CliRunner()


def write(graph: KnowledgeGraph, folder: Path) -> Path:
    export(graph, folder, ["nt"])
    return folder


def look(graph: KnowledgeGraph, folder: Path, dataset: str = "PetSet", metric: str = "") -> Leaderboard:
    return leaderboard(open_graph(write(graph, folder)), dataset, metric)


def lists(found: Leaderboard) -> dict[str, list[tuple[int | None, str]]]:
    """Ranks and values by heading."""
    return {
        listing.group.heading: [(row.rank, row.measured.value_text) for row in listing.rows]
        for listing in found.listings
    }


def numbers() -> KnowledgeGraph:
    """Numbers of every kind on one dataset."""
    draft = Draft()
    data = draft.entity(DATASET, "PetSet")
    base = draft.entity(METHOD, "BaseNet")

    def report(title: str, sentence: str, quote: str, metric: str, value: str, unit: str, **rest: object) -> None:
        paper = draft.paper(title, sentence, date="2020")
        method = draft.entity(METHOD, title, papers=(paper.id,))
        draft.result(paper, quote, metric, value, unit, method=method, dataset=data, **rest)

    report("AlphaNet", "AlphaNet reaches 82.7% accuracy on PetSet.", "82.7%", "accuracy", "82.7", "%")
    report("BetaNet", "BetaNet gets 80.1 accuracy on PetSet.", "80.1", "accuracy", "80.1", "")
    report("GammaNet", "Its accuracy on PetSet is 0.85.", "0.85", "accuracy", "0.85", "")
    report(
        "DeltaNet", "Accuracy on PetSet grows by 4.0%.", "4.0%", "accuracy", "4.0", "%", direction="up", baseline=base
    )
    report("EtaNet", "A relative gain of 9% accuracy on PetSet.", "9%", "accuracy", "9", "%", direction="up")
    report(
        "ThetaNet", "It gains 3 points of accuracy on PetSet.", "3 points", "accuracy", "3", "points", direction="up"
    )
    report("IotaNet", "We reach up to 91% accuracy on PetSet.", "91%", "accuracy", "91", "%", bound="up to")
    report("KappaNet", "Accuracy on PetSet is 70-75%.", "70-75%", "accuracy", "70-75", "%")
    report("LambdaNet", "It is 3.5x faster on PetSet.", "3.5x", "speedup", "3.5", "x", direction="up")
    report("MuNet", "A pass over PetSet takes 40 ms.", "40 ms", "latency", "40", "ms")
    report("NuNet", "A pass over PetSet takes 0.1 s.", "0.1 s", "latency", "0.1", "s")
    report("XiNet", "On PetSet it scores 17 zorks.", "17", "zork number", "17", "")
    report("PiNet", "On PetSet it scores 12 zorks.", "12", "zork number", "12", "")
    report("RhoNet", "In a zero-shot test on PetSet its accuracy is 55%.", "55%", "accuracy", "55", "%")
    report("TauNet", "It beats the previous best of 79% accuracy on PetSet.", "79%", "accuracy", "79", "%")
    report("PhiNet", "It keeps 30% of the parameters on PetSet.", "30%", "parameters", "30", "%")
    return draft.graph()


def test_unlike_numbers_are_never_in_one_list(tmp_path: Path) -> None:
    assert lists(look(numbers(), tmp_path)) == {
        "accuracy, %": [(1, "82.7"), (2, "80.1")],
        "latency, time": [(1, "40"), (2, "0.1")],
        "accuracy, %, zero-shot": [(1, "55")],
        "accuracy, as a fraction": [(1, "0.85")],
        "accuracy, %, “up to”": [(None, "91")],
        "zork number, no unit": [(None, "17"), (None, "12")],
        "accuracy: increase, %, absolute or relative not said": [(None, "4.0")],
        "accuracy: increase, %, relative": [(None, "9")],
        "accuracy: increase, points, absolute": [(None, "3")],
        "accuracy: range, %": [(None, "70-75")],
        "accuracy: said of what is compared, %": [(None, "79")],
        "parameters: share, %": [(None, "30")],
        "speedup: increase as a multiple, x": [(None, "3.5")],
    }


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    text = render(board.document(look(numbers(), tmp_path)))
    assert "Which way is better is not known" in text
    assert "Each is a change against its own baseline" not in text.split("zork number, no unit")[0]
    assert "no unit written, read as %" in text
    assert "No sentence here says plainly" not in text  # DeltaNet is reported against BaseNet


def test_metrics_of_the_table_are_those_of_vocabulary_and_extractor() -> None:
    words = table()["better"]
    listed = [name for way in words for name in words[way]]
    assert len(listed) == len({name_key(name) for name in listed})
    concepts = load([ROOT / "ontology" / "vocab" / "metrics.ttl"])
    vocabulary = {name_key(concept.labels[0]) for concept in concepts}
    extractor = tomllib.loads((ROOT / "kg/extract/results/metrics.toml").read_text(encoding="utf-8"))
    known = vocabulary | {name_key(name) for section in extractor.values() for name in section}
    known.add("improvement")  # the extractor's name for a change of what is not named
    assert {name_key(name) for name in listed} <= known
    assert vocabulary <= {name_key(name) for name in listed}, "a metric without a word on its direction"
    for section in ("heads", "cost", "percent"):
        assert {name_key(name) for name in table()[section]["names"]} <= {name_key(name) for name in listed}


@pytest.mark.parametrize(
    ("metric", "way"),
    [
        ("top-1 accuracy", "higher"),
        ("Accuracies", "higher"),
        ("pose estimation accuracy", "higher"),
        ("latency", "lower"),
        ("test error rate", "lower"),
        ("inference speedup", "higher"),
        ("attack success rate", ""),
        ("survival time", ""),
        ("error reduction", ""),
        ("zork number", ""),
        ("", ""),
    ],
)
def test_direction_of_metrics(metric: str, way: str) -> None:
    assert better(metric) == way


def measured(sentence: str, words: str, metric: str, value: str, unit: str, **rest: str) -> Measurement:
    from decimal import Decimal

    paper = Thing("P", "Paper", "http://example.org/p", 2020)
    return Measurement(
        "http://example.org/r",
        Thing(metric, "Metric", "http://example.org/m"),
        Decimal(value),
        value,
        unit,
        rest.get("direction", ""),
        rest.get("bound", ""),
        None,
        None,
        None,
        1.0,
        Quote(sentence, paper, "abstract", words),
    )


@pytest.mark.parametrize(
    ("sentence", "words", "metric", "value", "unit", "direction", "kind", "way"),
    [
        ("It reaches 83% accuracy.", "83%", "accuracy", "83", "%", "", Kind.LEVEL, ""),
        ("It beats X by up to 5.5% in accuracy.", "5.5%", "accuracy", "5.5", "%", "", Kind.CHANGE, "up"),
        ("With an increase in accuracy of 0.38%.", "0.38%", "accuracy", "0.38", "%", "", Kind.CHANGE, "up"),
        ("Test error is improved over X, by 0.8%.", "0.8%", "test error", "0.8", "%", "up", Kind.CHANGE, "down"),
        ("A 20% lower latency.", "20%", "latency", "20", "%", "", Kind.CHANGE, "down"),
        ("Brings boostings of 5.8% AP.", "5.8%", "AP", "5.8", "%", "", Kind.CHANGE, "up"),
        ("It improves X by 3% on A, and 2% on B.", "2%", "accuracy", "2", "%", "", Kind.CHANGE, "up"),
        ("It improves over X, including 3% on A, 2% on B.", "2%", "accuracy", "2", "%", "", Kind.CHANGE, "up"),
        ("It improves by 3% on A, reaching 83%.", "83%", "accuracy", "83", "%", "", Kind.LEVEL, ""),
        (
            "It beats A by 21 percent on B, 5.9 percent on C.",
            "5.9 percent",
            "recall",
            "5.9",
            "%",
            "",
            Kind.CHANGE,
            "up",
        ),
        ("It beats A, 31x larger than B, by 8%.", "8%", "recall", "8", "%", "up", Kind.CHANGE, "up"),
        ("It has less than 5.8% test error.", "5.8%", "test error", "5.8", "%", "", Kind.LEVEL, ""),
        ("Gains, and 86.6% new best accuracy.", "86.6%", "performance", "86.6", "%", "up", Kind.LEVEL, ""),
        ("It has a 15.3% and 14.7% improvement in MAE.", "15.3%", "MAE", "15.3", "%", "", Kind.CHANGE, "down"),
        ("It falls from 90.95% to less than 0.6%.", "90.95%", "accuracy", "90.95", "%", "down", Kind.OTHER, ""),
        ("The former best was (from 72.8% to", "72.8%", "accuracy", "72.8", "%", "", Kind.OTHER, ""),
        ("It is better than OldNet (74.5%).", "74.5%", "accuracy", "74.5", "%", "up", Kind.OTHER, ""),
        ("More runs and 84.9% accuracy.", "84.9%", "accuracy", "84.9", "%", "up", Kind.LEVEL, ""),
        ("It takes 1.37 times less time.", "1.37 times", "speedup", "1.37", "x", "down", Kind.MULTIPLE, "up"),
        ("It gets 28 BLEU points.", "28 BLEU points", "BLEU", "28", "points", "", Kind.UNSAID, ""),
    ],
)
def test_how_a_number_is_read(
    sentence: str, words: str, metric: str, value: str, unit: str, direction: str, kind: Kind, way: str
) -> None:
    group = read(measured(sentence, words, metric, value, unit, direction=direction)).group
    assert (group.kind, group.direction) == (kind, way)


def test_each_number_has_the_protocol_beside_it() -> None:
    sentence = "It has 46.4 AP (and 65.1 AP50), 66.0% AP on test-dev and 67.9% AP on the val split."
    told = {}
    for words in ("46.4", "65.1", "66.0%", "67.9%"):
        reading = read(measured(sentence, words, "AP", words.rstrip("%"), "%" if "%" in words else ""))
        told[words] = (reading.group.protocol, reading.conditions)
    assert told == {
        "46.4": ("", ()),
        "65.1": ("overlap 0.5", ()),
        "66.0%": ("", ("test-dev",)),
        "67.9%": ("", ("validation set",)),
    }


@pytest.mark.parametrize(
    ("metric", "unit", "way"),
    [
        ("accuracy", "%", "higher"),
        ("accuracy", "epochs", ""),
        ("performance", "%", "higher"),
        ("performance", "bpd", ""),
        ("performance", "", ""),
        ("BLEU", "", "higher"),
        ("speed", "FPS", "higher"),
        ("speed", "hours", ""),
        ("latency", "ms", "lower"),
    ],
)
def test_direction_holds_only_for_units_of_the_metric(metric: str, unit: str, way: str) -> None:
    assert read(measured(f"It has 17 {unit}.", "17", metric, "17", unit)).group.better == way


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("FooNet outperforms BarNet.", [Verdict(1)]),
        ("We outperform BazNet and BarNet on PetSet.", [Verdict(1)]),
        ("Outperforming BarNet, our method is small.", [Verdict(1)]),
        ("FooNet is outperformed by BarNet.", [Verdict(-1)]),
        ("BarNet outperforms FooNet.", [Verdict(-1)]),
        ("FooNet is 3x faster than BarNet.", [Verdict(1, "speed")]),
        ("FooNet has a lower latency than BarNet.", [Verdict(1, "latency")]),
        ("FooNet has a higher latency than BarNet.", [Verdict(-1, "latency")]),
        ("FooNet has more zorks than BarNet.", []),
        ("FooNet does not outperform BarNet.", []),
        ("Does FooNet outperform BarNet?", []),
        ("Does FooNet Perform Better than BarNet: A Study", []),
        ("FooNet may outperform BarNet.", []),
        ("FooNet is on par with BarNet.", []),
        ("FooNet outperforms BazNet and is comparable to BarNet.", []),
        ("BazNet outperforms BarNet.", []),
        ("FooNet outperforms BazNet, while BarNet is small.", []),
        ("FooNet outperforms the state of the art on BarNet.", []),
        ("FooNet outperforms BarNet-Large.", []),
        ("We compare FooNet with BarNet.", []),
        ("", []),
    ],
)
def test_verdicts_of_sentences(sentence: str, found: list[Verdict]) -> None:
    assert list(verdicts(sentence, ["FooNet"], ["BarNet"], ["BazNet", "BarNet-Large"])) == found


def rivals() -> KnowledgeGraph:
    """A chain with a shortcut, a contradiction, one thing said of quality and one of cost, values that differ."""
    draft = Draft()
    data = draft.entity(DATASET, "PetSet")
    other = draft.entity(DATASET, "CarSet")
    made = {name: draft.entity(METHOD, name) for name in ("Ant", "Bee", "Cat", "Dog", "Elk")}

    quotes: dict[tuple[str, Relation, str], list[Evidence]] = {}

    def compare(title: str, text: str, winner: str, loser: str, year: str = "2020") -> None:
        paper = draft.paper(title, text, date=year)
        place, named = (data, "PetSet") if "PetSet" in text else (other, "CarSet")
        said = ((Relation.COMPARES_TO, made[loser], loser), (Relation.EVALUATED_ON, place, named))
        draft.claim(paper.id, Relation.PROPOSES, made[winner], 0.9, draft.quote(paper, winner))
        for relation, thing, words in said:
            # One claim that several papers state keeps the evidence of all.
            held = quotes.setdefault((made[winner], relation, thing), [])
            held.append(draft.quote(paper, words))
            draft.claim(made[winner], relation, thing, 0.9, *held)

    compare("One", "Ant outperforms Bee on PetSet.", "Ant", "Bee")
    compare("Two", "Bee outperforms Cat on PetSet.", "Bee", "Cat")
    compare("Three", "Ant clearly outperforms Cat on PetSet.", "Ant", "Cat")
    compare("Four", "Dog surpasses Elk on PetSet.", "Dog", "Elk")
    compare("Five", "Elk surpasses Dog on PetSet.", "Elk", "Dog", "2021")
    compare("Six", "Cat outperforms Ant on CarSet.", "Cat", "Ant")
    compare("Seven", "Cat is 2x faster than Ant on PetSet.", "Cat", "Ant")
    for title, value in (("Eight", "82.74"), ("Nine", "82.7"), ("Ten", "81.5")):
        paper = draft.paper(title, f"Ant has {value}% accuracy on PetSet.", date="2022")
        draft.result(paper, f"{value}%", "accuracy", value, "%", method=made["Ant"], dataset=data)
    for title, value in (("Eleven", "70.04"), ("Twelve", "70.0")):
        paper = draft.paper(title, f"Bee has {value}% accuracy on PetSet.")
        draft.result(paper, f"{value}%", "accuracy", value, "%", method=made["Bee"], dataset=data)
    paper = draft.paper("Thirteen", "On PetSet Dog has 60% recall and Elk 65%.")
    draft.result(paper, "60%", "recall", "60", "%", method=made["Dog"], dataset=data)
    draft.result(paper, "65%", "recall", "65", "%", method=made["Elk"], dataset=data)
    return draft.graph()


def test_who_beats_whom_is_a_partial_order(tmp_path: Path) -> None:
    found = look(rivals(), tmp_path)
    quality, cost = found.orders
    assert [(a.label, b.label) for a, b in quality.edges] == [("Ant", "Bee"), ("Bee", "Cat")]
    level = {thing.label: number for number, things in enumerate(quality.levels) for thing in things}
    assert level["Ant"] < level["Bee"] < level["Cat"]
    assert [(a.label, b.label) for a, b in cost.edges] == [("Cat", "Ant")]


def test_contradictions_name_both_sentences(tmp_path: Path) -> None:
    found = look(rivals(), tmp_path)
    (conflict,) = found.orders[0].conflicts
    assert [thing.label for thing in conflict.things] == ["Dog", "Elk"]
    sentences = {beat.quote.sentence for beat in conflict.beats}
    assert {"Dog surpasses Elk on PetSet.", "Elk surpasses Dog on PetSet."} <= sentences
    text = render(board.document(found), evidence=True)
    flagged = text.split("Contradictions, by quality")[1]
    numbers = re.search(r"\[([\d, ]+)\]", flagged)
    assert numbers is not None
    for number in numbers[1].split(", "):
        assert re.search(rf"^ *\[{number}\] “", text, re.MULTILINE)


def test_differing_values_are_flagged_and_rounding_is_not(tmp_path: Path) -> None:
    found = look(rivals(), tmp_path)
    (item,) = found.disagreements
    assert (item.method.label, item.papers) == ("Ant", True)
    assert {row.measured.value_text for row in item.rows} == {"82.74", "82.7", "81.5"}


def test_only_the_metric_that_is_asked_for(tmp_path: Path) -> None:
    source = write(rivals(), tmp_path)
    found = leaderboard(open_graph(source), "petset", "Recall")
    assert list(lists(found)) == ["recall, %"]
    assert [(b.winner.label, b.loser.label, b.how) for o in found.orders for b in o.beats] == [
        ("Elk", "Dog", "two numbers")
    ]
    with pytest.raises(InputError, match="metric 'BLEU'; its metrics are accuracy, recall"):
        leaderboard(open_graph(source), "PetSet", "BLEU")


def test_names_that_are_no_datasets(tmp_path: Path) -> None:
    source = write(rivals(), tmp_path)
    with pytest.raises(InputError, match="'Ant' is the method 'Ant'; name a dataset"):
        leaderboard(open_graph(source), "Ant")
    with pytest.raises(InputError, match="nothing is called 'Quokka-9000'"):
        leaderboard(open_graph(source), "Quokka-9000")


def test_a_dataset_without_results(tmp_path: Path) -> None:
    found = look(rivals(), tmp_path, "CarSet")
    text = render(board.document(found))
    assert "This graph holds no result on CarSet; 1 paper evaluates on it" in text
    assert "rank" not in text


def test_drawings_are_graphs_of_the_order(tmp_path: Path) -> None:
    found = look(rivals(), tmp_path)
    drawn = ET.fromstring(board.figure_file(found))
    assert {text for text in drawn.itertext() if text in {"Ant", "Bee", "Cat", "Dog"}} == {"Ant", "Bee", "Cat"}
    lines = dot(found.orders[0]).splitlines()
    assert [line.strip() for line in lines if "->" in line] == [
        'n0 -> n3 [label="overall"];',
        'n3 -> n4 [label="overall"];',
    ]
    with pytest.raises(InputError, match="nothing to draw"):
        board.figure_file(look(rivals(), tmp_path, metric="accuracy"))


@pytest.mark.parametrize("fmt", FORMATS)
def test_formats_can_be_read_again(fmt: str, tmp_path: Path) -> None:
    found = look(rivals(), tmp_path)
    text = render(board.document(found), fmt, evidence=True)
    if fmt == "json":
        data = json.loads(text)
        (accuracy,) = [item for item in data["lists"] if item["metric"] == "accuracy"]
        assert [row["value"] for row in accuracy["rows"]] == ["82.74", "82.7", "81.5", "70.04", "70"]
        assert all(row["evidence"][0]["sentence"] for row in accuracy["rows"])
    elif fmt == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == 7
        assert {row["sentence"] for row in rows if row["method"] == "Dog"} == {
            "On PetSet Dog has 60% recall and Elk 65%."
        }
    elif fmt == "html":
        page = html.document_fromstring(text)
        assert not page.xpath("//script | //link | //*[@style] | //@onclick")
        targets = {f"#{name}" for name in page.xpath("//ol[@class='evidence']/li/@id")}
        assert set(page.xpath("//sup/a/@href")) <= targets
    else:
        assert "Ant has 81.5% accuracy on PetSet." in text.replace("\\", "")


@pytest.mark.parametrize("fmt", FORMATS)
def test_hostile_names_stay_text(fmt: str, tmp_path: Path) -> None:
    source = open_graph(write(hostile(), tmp_path))
    for name in HOSTILE[1::3]:
        text = render(board.document(leaderboard(source, name)), fmt, evidence=True)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u2028\u2029\u202e]", text)
        if fmt == "html":
            assert not html.document_fromstring(text).xpath("//script | //img")


def test_the_order_of_input_changes_nothing(tmp_path: Path) -> None:
    graph = rivals()
    first = render(board.document(look(graph, tmp_path / "a")), "json")
    lines = (tmp_path / "a" / "graph.nt").read_text(encoding="utf-8").splitlines(keepends=True)
    random.Random(7).shuffle(lines)
    mixed = tmp_path / "b.nt"
    mixed.write_text("".join(lines), encoding="utf-8")
    assert render(board.document(leaderboard(open_graph(mixed), "PetSet")), "json") == first


def test_the_command_is_the_same_for_every_hash_seed(tmp_path: Path) -> None:
    write(rivals(), tmp_path)
    answers = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "kg",
                "leaderboard",
                str(tmp_path),
                "PetSet",
                "--evidence",
                "--dot",
                str(tmp_path / seed),
            ],
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "COLUMNS": "120"},
            check=True,
        )
        answers.add((done.stdout, (tmp_path / seed).read_bytes()))
    assert len(answers) == 1


def test_the_command_on_a_built_folder(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    done = runner.invoke(app, ["leaderboard", str(ROOT / "exports"), "imagenet", "-f", "html", "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert done.output == ""
    page = html.document_fromstring(out.read_text(encoding="utf-8"))
    (ranks,) = page.xpath("//section[h2='top-1 accuracy, %']//tbody")
    values = [float(text.rstrip("%")) for text in ranks.xpath("./tr/td[2]//bdi/text()")]
    assert len(values) > 2
    assert values == sorted(values, reverse=True)
    wrong = runner.invoke(app, ["leaderboard", str(ROOT / "exports"), "imagenet", "-f", "pdf"])
    assert wrong.exit_code == 2
    assert "no format pdf" in wrong.stderr
