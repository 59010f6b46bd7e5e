"""Results: the grammar of numbers, metrics, links, and the decision what a paper reports."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import InputError
from kg.extract.candidates import Reading
from kg.extract.results import numbers, read_results
from kg.extract.results.decision import ResultModel, load, save, shipped_model
from kg.extract.results.quantities import decimal_value, quantities
from kg.model import EntityType, Evidence, Extraction, LocalClaim, LocalEntity, LocalResult, Paper, Relation
from kg.text import name_key, sentences

GOLD = Path(__file__).parents[2] / "shared" / "gold" / "train.jsonl"


def reading(abstract: str, title: str = "A paper") -> Reading:
    paper = Paper(title, abstract)
    return Reading(paper, {"title": sentences(title), "abstract": sentences(abstract)}, ())


def stated(text: str, *things: tuple[str, EntityType, Relation]) -> Extraction:
    """Build an extraction whose entities are named as given; the first proposed method is the headline."""
    entities, claims = [], []
    headline = None
    for name, kind, relation in things:
        places = [k for k in range(len(text)) if text.startswith(name, k)]
        mentions = tuple(Evidence("p", "abstract", k, k + len(name), name, text, 0) for k in places)
        entity = LocalEntity(name_key(name), kind, (name,), mentions, 1.0)
        entities.append(entity)
        claims.append(LocalClaim(relation, entity.ref, 1.0, mentions[:1]))
        if relation is Relation.PROPOSES and headline is None:
            headline = entity.ref
    return Extraction("p", tuple(entities), tuple(claims), (), headline)


def found(abstract: str) -> dict[str, LocalResult]:
    return {r.value_text: r for r in read_results(reading(abstract), Extraction("p"))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It runs 4.5x faster.", [("4.5", "x")]),
        (r"a $4.5\times$ speed-up", [("4.5", "x")]),
        (r"a 4.5$\times$ speed-up", [("4.5", "x")]),
        (r"only 3{\texttimes} slower", [("3", "x")]),
        ("a 3-fold gain", [("3", "x")]),
        ("a tenfold gain", [("10", "x")]),
        ("five times smaller", [("5", "x")]),
        ("twice as fast at half the size", [("2", "x"), ("0.5", "x")]),
        ("needs one third of the energy", [("1/3", "")]),
        ("smaller by a factor of 14 to 116", [("14-116", "x")]),
        ("smaller by factors of 5 and 100", [("5", "x"), ("100", "x")]),
        ("x21 faster", [("21", "x")]),
        ("an order of magnitude cheaper", [("1", "order of magnitude")]),
        ("two orders of magnitude cheaper", [("2", "orders of magnitude")]),
        ("one to two orders of magnitude cheaper", [("1-2", "orders of magnitude")]),
        (r"we lose 30\% and 12.5 percent", [("30", "%"), ("12.5", "%")]),
        ("a gain of 1.7 points", [("1.7", "points")]),
        ("a gain of 2.9 percentage points", [("2.9", "points")]),
        ("1.2 BLEU points better", [("1.2", "points")]),
        ("40-76.7 times", [("40-76.7", "x")]),
        ("1.7x - 2.7x faster", [("1.7-2.7", "x")]),
        ("12.4% to 17.5% less power", [("12.4-17.5", "%")]),
        ("speedups ranging from 2x to 13x", [("2-13", "x")]),
        ("saves 15times sim 24times", [("15-24", "x")]),
        ("approx13% smaller", [("13", "%")]),
        ("reaches 11.0 ± 1.3 points", [("11.0", "points")]),
        ("94% and 92%", [("94", "%"), ("92", "%")]),
        ("2.1x and 3.4x, respectively", [("2.1", "x"), ("3.4", "x")]),
        ("at 20 and 40 Hz", [("20", "Hz"), ("40", "Hz")]),
        ("2.24/7.17 points", [("2.24", "points"), ("7.17", "points")]),
        ("over 4,000 times faster", [("4,000", "x")]),
        ("a 5 700times speed-up", [("5 700", "x")]),
        ("more than 10^{19} networks", [("10^19", "")]),
        ("5.7M parameters, 167M FLOPs", [("5.7", "M"), ("167", "M")]),
        ("16 ms at 58 FPS on 2GB", [("16", "ms"), ("58", "FPS"), ("2", "GB")]),
        ("120 frames per second", [("120", "FPS")]),
        ("1,000 sentences per second", [("1,000", "sentences per second")]),
        ("within two to four seconds", [("2-4", "seconds")]),
        ("a change of −0.24% and +0.8%", [("-0.24", "%"), ("+0.8", "%")]),
        ("only 1/3 of the cost", [("1/3", "")]),
    ],
)
def test_quantities_have_value_and_unit(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(q.text, q.unit) for q in quantities(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "ResNet-50 and COCO-2017",
        "224x224 images",
        r"3$\times$3 kernels",
        "several orders of magnitude",
        "one of the best",
    ],
)
def test_names_and_dimensions_are_no_quantities(text: str) -> None:
    assert quantities(text) == ()


def test_from_a_to_b_is_told_apart_from_a_range() -> None:
    kinds = [(q.text, q.kind) for q in quantities("improves the score from 39.8% to 40.9%")]
    assert kinds == [("39.8", "from"), ("40.9", "digits")]


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("up to 3x", "up to"),
        ("as much as 3x", "up to"),
        ("more than 3x", "over"),
        ("$>3\\times$", "over"),
        ("less than 3%", "under"),
        ("roughly 3%", "about"),
        ("~3%", "about"),
        ("of 3%", ""),
    ],
)
def test_bound_is_what_stands_before_the_number(text: str, bound: str) -> None:
    assert [q.bound for q in quantities(text)] == [bound]


@pytest.mark.parametrize(
    ("text", "value"),
    [("82.70", "82.7"), ("4,000", "4000"), ("10^4", "10000"), ("10^-2", "0.01"), ("+0.8", "0.8"), ("1/4", "0.25")],
)
def test_one_number_has_a_decimal_value(text: str, value: str) -> None:
    assert decimal_value(text) == value


@pytest.mark.parametrize("text", ["40-76.7", "1/0", "10^99", "", "nan", "1" * 60])
def test_what_is_no_plain_number_has_no_decimal_value(text: str) -> None:
    assert decimal_value(text) is None


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.sampled_from(
                [
                    "4.5x",
                    "82.7%",
                    "up to",
                    "from",
                    " to ",
                    "-",
                    "–",
                    "$\\times$",
                    "five times",
                    ", and ",
                    "10^{3}",
                    "±",
                    "\u2028",
                ]
            ),
        ),
        max_size=25,
    ).map("".join)
)
def test_any_text_gives_ordered_quotable_numbers(text: str) -> None:
    at = 0
    for q in quantities(text):
        assert at <= q.start < q.number_end <= q.end <= len(text)
        assert q.text
        at = q.end
    for result in read_results(reading(text), Extraction("p")):
        evidence = result.evidence
        assert text[evidence.start : evidence.end] == evidence.surface_form
        assert 0.0 <= result.confidence <= 1.0


@pytest.mark.parametrize(
    ("text", "metrics"),
    [
        ("TinyNet reaches 82.7% top-1 accuracy on ImageNet.", ["top-1 accuracy"]),
        ("TinyNet has an accuracy of 82.7%.", ["accuracy"]),
        ("We score 43.1% mAP at 58 FPS.", ["mAP", "frame rate"]),
        ("It cuts FLOPs by up to 30% and is 2.5x faster.", ["FLOPs", "speedup"]),
        ("It gives 2.1x faster inference.", ["inference speedup"]),
        ("It needs 6x fewer parameters and 30% less memory.", ["parameters", "memory"]),
        ("FID of 3.2 and 4.9 on two sets.", ["FID", "FID"]),
        ("MobileX is 3.2% more accurate.", ["accuracy"]),
        ("It takes 12 ms.", ["latency"]),
        ("It reduces the visual index by 60x.", ["visual index"]),
        ("It gives a 5x reduction of model size.", ["model size"]),
    ],
)
def test_metric_comes_from_the_words_around(text: str, metrics: list[str]) -> None:
    assert [metric.name for _, metric, _ in numbers(text, sentences(text))] == metrics


def test_differences_without_a_unit_are_points() -> None:
    text = "We beat the baseline by 1.12 and 5.97 in F1, and reach 83.0 in total."
    assert [c.quantity.unit for c, _, _ in numbers(text, sentences(text))] == ["points", "points", ""]


ABSTRACT = (
    "Large networks have been trained on 14 million images since 2012 and need 8-bit weights. "
    "We propose TinyNet, a network for image classification. "
    "Experiments show that TinyNet achieves 82.7% top-1 accuracy on ImageNet and 43.1% mAP on COCO. "
    "It is up to 4.5x faster than ResNet-50 and reduces FLOPs by 30%, improving accuracy from 75.1% to 76.4%."
)
THINGS = (
    ("TinyNet", EntityType.METHOD, Relation.PROPOSES),
    ("ImageNet", EntityType.DATASET, Relation.EVALUATED_ON),
    ("COCO", EntityType.DATASET, Relation.EVALUATED_ON),
    ("ResNet-50", EntityType.METHOD, Relation.COMPARES_TO),
    ("image classification", EntityType.TASK, Relation.TARGETS),
)


def test_an_abstract_is_read_as_a_person_would() -> None:
    results = {r.value_text: r for r in read_results(reading(ABSTRACT), stated(ABSTRACT, *THINGS))}
    assert set(results) == {"82.7", "43.1", "4.5", "30", "76.4"}
    assert {(r.metric, r.unit) for r in results.values()} == {
        ("top-1 accuracy", "%"),
        ("mAP", "%"),
        ("speedup", "x"),
        ("FLOPs", "%"),
        ("accuracy", "%"),
    }
    assert results["82.7"].dataset == "Dataset:imagenet"
    assert results["43.1"].dataset == "Dataset:coco"
    assert {r.method for r in results.values()} == {"Method:tinynet"}
    assert results["4.5"].baseline == f"Method:{name_key('ResNet-50')}"
    assert results["82.7"].baseline is None
    assert (results["4.5"].direction, results["4.5"].bound) == ("up", "up to")
    assert results["30"].direction == "down"
    assert results["82.7"].direction == ""
    assert results["4.5"].evidence.sentence.startswith("It is up to 4.5x faster")
    assert results["82.7"].value == "82.7"


@pytest.mark.parametrize(
    "abstract",
    [
        "The dataset contains 12,000 images of 80 categories and was collected in 2019.",
        "We train TinyNet with a batch size of 256, a learning rate of 0.1 and 8-bit weights. The code is public.",
        "Data centres account for 2% of the energy of the world. Existing schedulers waste 40% of memory. We fix it.",
        "The arm has 6 degrees of freedom. We propose a planner for it.",
    ],
)
def test_settings_sizes_and_background_are_no_results(abstract: str) -> None:
    assert found(abstract) == {}


def test_respectively_pairs_numbers_with_datasets_and_baselines() -> None:
    text = "We propose TinyNet. TinyNet achieves an accuracy of 91.2% and 85.3% on MNIST and SVHN, respectively."
    extraction = stated(
        text,
        ("TinyNet", EntityType.METHOD, Relation.PROPOSES),
        ("MNIST", EntityType.DATASET, Relation.EVALUATED_ON),
        ("SVHN", EntityType.DATASET, Relation.EVALUATED_ON),
    )
    results = {r.value_text: r.dataset for r in read_results(reading(text), extraction)}
    assert results == {"91.2": "Dataset:mnist", "85.3": "Dataset:svhn"}
    text = "We propose FastQ. FastQ is 1.5x faster than MobileA and 2.6x faster than MobileB on phones."
    extraction = stated(
        text,
        ("FastQ", EntityType.METHOD, Relation.PROPOSES),
        ("MobileA", EntityType.METHOD, Relation.COMPARES_TO),
        ("MobileB", EntityType.METHOD, Relation.COMPARES_TO),
    )
    results = {r.value_text: r.baseline for r in read_results(reading(text), extraction)}
    assert results == {"1.5": "Method:mobilea", "2.6": "Method:mobileb"}


def test_a_verb_of_winning_binds_its_baseline() -> None:
    text = "Our method outperforms MobileA by 3.1% on average in terms of accuracy."
    extraction = stated(text, ("MobileA", EntityType.METHOD, Relation.COMPARES_TO))
    (result,) = read_results(reading(text), extraction)
    assert (result.baseline, result.method, result.dataset) == ("Method:mobilea", None, None)


def test_a_title_that_repeats_the_abstract_adds_nothing() -> None:
    abstract = "We show that TinyNet is 4.5x faster than existing networks."
    results = read_results(reading(abstract, "TinyNet: 4.5x faster image classification"), Extraction("p"))
    assert [(r.value_text, r.evidence.section) for r in results] == [("4.5", "abstract")]


@pytest.mark.parametrize(
    "text", ["", " ", "word", "\x00\ud800\u2028", "模型的准确率达到 82.7%，速度提高 3 倍。", "%PDF-1.4 \x01\x02"]
)
def test_odd_inputs_are_read(text: str) -> None:
    for result in read_results(reading(text), Extraction("p")):
        assert result.value_text


@pytest.mark.parametrize(
    "text",
    [
        "4.5x faster than " * 100_000,
        "1" * 300_000,
        "1.5 and " * 60_000,
        "by a factor of " * 40_000,
        "1/" * 100_000,
        "a-" * 150_000,
    ],
)
def test_long_input_is_read_in_linear_time(text: str) -> None:
    read = reading(text)
    start = time.process_time()
    read_results(read, Extraction("p"))
    assert time.process_time() - start < 10


def test_equal_input_gives_equal_results() -> None:
    extraction = stated(ABSTRACT, *THINGS)
    turned = Extraction("p", extraction.entities[::-1], extraction.claims[::-1], (), extraction.headline)
    assert read_results(reading(ABSTRACT), extraction) == read_results(reading(ABSTRACT), turned)


def test_model_is_stored_byte_for_byte(tmp_path: Path) -> None:
    model = shipped_model()
    assert model.weights
    save(model, tmp_path / "a.npz")
    again = load(tmp_path / "a.npz")
    save(ResultModel(dict(reversed(again.weights.items())), again.threshold, again.fingerprint), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert again.threshold == model.threshold
    assert again.probability(["bias", "unknown property"]) == pytest.approx(model.probability(["bias"]), abs=1e-6)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 broken", b"text"])
def test_a_broken_model_is_refused_with_its_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "results.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"results\.npz: not a model of results"):
        load(path)


def test_training_generalises_to_unseen_papers() -> None:
    if not GOLD.is_file():
        pytest.skip("no annotated papers beside the project (../shared/gold)")
    from kg.train.result_model import calibration_error, example, fit, measure, probabilities

    lines = GOLD.read_text(encoding="utf-8").splitlines()[:700]
    examples = [example(record, record["abstract"]) for record in map(json.loads, lines)]
    weights = fit(examples[:500])
    assert weights == fit(examples[:500])
    held = examples[500:]
    scores = [probabilities(weights, e) for e in held]
    tally = measure(held, scores, 0.4)
    assert tally.must > 50
    assert tally.f1 > 0.7
    assert calibration_error(held, scores) < 0.15
