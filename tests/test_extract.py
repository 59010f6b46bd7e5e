"""Extraction of one paper: abbreviations, patterns, candidates, features, and the statements that follow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.codec import dump_extraction, load_extraction
from kg.errors import InputError
from kg.extract import Extractor, load_extractor, roles
from kg.extract.abbreviations import abbreviations
from kg.extract.candidates import Candidate, CandidateSpan, read_candidates
from kg.extract.decide import decide, state
from kg.extract.features import feature_names, features
from kg.extract.headline import certainly_proposed
from kg.extract.patterns import named_spans, title_name
from kg.extract.pipeline import shipped
from kg.extract.trees import Trees, from_arrays, sigmoid
from kg.extract.vague import is_vague
from kg.model import EntityType, Evidence, Extraction, LocalClaim, Paper, Relation
from kg.vocabulary import default_gazetteer

PAPER = Paper(
    title="TinyNet: Fast Image Classification on Microcontrollers",
    abstract=(
        "Convolutional neural networks (CNNs) are large. We propose TinyNet, a small convolutional network for image "
        "classification on microcontrollers. TinyNet uses depthwise separable convolutions. On ImageNet, TinyNet "
        "outperforms MobileNetV2 by 1.5% and runs 2.4x faster on an NVIDIA Jetson Nano. Unlike SqueezeNet, it needs no "
        "fire modules."
    ),
)


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return load_extractor()


@pytest.fixture(scope="module")
def extraction(extractor: Extractor) -> Extraction:
    return extractor.extract(PAPER)


def said(extraction: Extraction) -> set[tuple[str, str]]:
    names = {e.ref: e.names for e in extraction.entities}
    return {(c.relation.value, name) for c in extraction.claims for name in names[c.object]}


def test_states_what_the_paper_says(extraction: Extraction) -> None:
    found = said(extraction)
    assert ("proposes", "TinyNet") in found
    assert ("comparesTo", "MobileNetV2") in found
    assert ("evaluatedOn", "ImageNet") in found
    assert {("targets", "image classification"), ("targets", "Image Classification")} & found
    assert extraction.headline == "Method:tinynet"


def test_unlike_is_not_uses(extraction: Extraction) -> None:
    assert ("buildsOn", "SqueezeNet") not in said(extraction)


def test_evidence_of_a_comparison_is_the_sentence_that_compares(extraction: Extraction) -> None:
    claim = next(c for c in extraction.claims if c.relation is Relation.COMPARES_TO and "mobilenetv2" in c.object)
    assert any("outperforms" in e.sentence for e in claim.evidence)


def test_results_have_value_and_unit(extraction: Extraction) -> None:
    found = {(r.value_text, r.unit) for r in extraction.results}
    assert ("2.4", "x") in found
    assert any(value == "1.5" for value, _ in found)


def test_extraction_survives_a_round_trip(extraction: Extraction) -> None:
    assert load_extraction(dump_extraction(extraction), PAPER) == extraction
    with pytest.raises(ValueError, match="no extraction"):
        load_extraction("{}", PAPER)


@pytest.mark.parametrize(
    ("title", "abstract"),
    [
        ("", "text without a title"),
        ("Word", ""),
        ("题目", "本文提出了一种新的方法。" * 20),
        ("\u202eTitle <script>", "a\u2028b \U0001f600 " * 50),
        ("Long", "We use ResNet-50 on ImageNet. " * 20_000),
        ("Binary", bytes(range(256)).decode("latin-1") * 20),
    ],
)
def test_odd_input_gives_sensible_output(extractor: Extractor, title: str, abstract: str) -> None:
    found = extractor.extract(Paper(title=title, abstract=abstract))
    for claim in found.claims:
        assert 0.0 <= claim.confidence <= 1.0


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.text(max_size=400))
def test_any_text_is_read(title: str, abstract: str) -> None:
    reading = read_candidates(Paper(title=title, abstract=abstract), (), default_gazetteer())
    rows = features(reading)
    assert rows.shape == (len(reading.candidates), len(feature_names()))
    assert np.isfinite(rows).all()


def test_one_paper_in_two_processes_is_one_result(extractor: Extractor, extraction: Extraction) -> None:
    assert load_extractor().extract(PAPER) == extraction


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("neural architecture search (NAS)", [("NAS", "neural architecture search")]),
        ("NAS (neural architecture search)", [("NAS", "neural architecture search")]),
        ("relational graph neural networks (RGNNs)", [("RGNNs", "relational graph neural networks")]),
        ("Low-Rank Adaptation (LoRA)", [("LoRA", "Low-Rank Adaptation")]),
        ("large language models (LLMs; see below)", [("LLMs", "large language models")]),
        ("the results (see Figure 2) are good", []),
        ("a method (Smith et al., 2020)", []),
        ("LoRA, (LoRA)", []),
    ],
)
def test_abbreviations(text: str, pairs: list[tuple[str, str]]) -> None:
    found = abbreviations(text)
    assert [(a.short, a.long) for a in found] == pairs
    assert all(
        text[a.long_start : a.long_end] == a.long and text[a.short_start : a.short_end] == a.short for a in found
    )


def test_title_names() -> None:
    assert title_name("SqueezeNet: AlexNet-level accuracy") == (0, 10)
    assert title_name("A title without a colon") is None
    assert title_name("A very long phrase of many words before: the colon") is None


def test_named_spans_find_model_names() -> None:
    text = "MobileNetV2, nnU-Net, GPT-3.5 and Swin-T on the Cityscapes dataset; see Fig. 2 at CVPR."
    found = {text[n.start : n.end] for n in named_spans(text, "abstract")}
    assert {"MobileNetV2", "nnU-Net", "GPT-3.5", "Swin-T", "Cityscapes"} <= found
    assert not {"CVPR", "Fig"} & found


def test_a_defined_abbreviation_outweighs_the_vocabulary() -> None:
    paper = Paper(title="On access", abstract="A generic attention network (GAN) helps. The GAN is small.")
    reading = read_candidates(paper, (), default_gazetteer())
    group = next(c for c in reading.candidates if "GAN" in c.names)
    assert "generic attention network" in group.names


def test_evidence_must_quote() -> None:
    with pytest.raises(ValueError, match="quotes"):
        Evidence("paper/x", "abstract", 0, 3, "abd", "abc", 0)
    with pytest.raises(ValueError, match="section"):
        Evidence("paper/x", "body", 0, 3, "abc", "abc", 0)
    with pytest.raises(ValueError, match="no evidence"):
        LocalClaim(Relation.USES, "Method:x", 0.5, ())


def test_trees_walk_to_the_right_leaf() -> None:
    # One tree: x0 <= 0.5 -> -1, else (x1 <= 2 -> 3, else 5).
    trees = Trees(
        feature=np.array([0, 0, 1, 0, 0], dtype=np.int32),
        threshold=np.array([0.5, 0, 2.0, 0, 0]),
        left=np.array([1, 1, 3, 3, 4], dtype=np.int32),
        right=np.array([2, 1, 4, 3, 4], dtype=np.int32),
        value=np.array([0.0, -1.0, 0.0, 3.0, 5.0]),
        roots=np.array([0], dtype=np.int32),
        baseline=0.25,
        depth=2,
    )
    rows = np.array([[0.5, 9], [1, 2], [1, 3]], dtype=np.float32)
    assert from_arrays(trees.arrays()).decide(rows).tolist() == [-0.75, 3.25, 5.25]


def test_trees_equal_scikit_learn() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    from kg.extract.trees import from_sklearn

    random = np.random.default_rng(0)
    rows = random.random((300, 5)).astype(np.float32)
    target = (rows[:, 0] + rows[:, 1] ** 2 > 0.8).astype(int)
    model = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=6).fit(rows, target)
    assert np.allclose(sigmoid(from_sklearn(model).decide(rows)), model.predict_proba(rows)[:, 1], atol=1e-6)


def test_role_model_of_other_features_is_refused(tmp_path: Path) -> None:
    (tmp_path / "roles.npz").write_bytes(b"not numpy")
    with pytest.raises(InputError, match="not a role model"):
        roles.load(tmp_path / "roles.npz")
    with pytest.raises(InputError, match="no model"):
        load_extractor(tmp_path / "nowhere")


def test_metrics_are_no_methods(extraction: Extraction) -> None:
    assert {e.type for e in extraction.entities} <= set(EntityType) - {EntityType.METRIC}


def stated(title: str, abstract: str) -> dict[str, dict[str, float]]:
    """Relations by name for a paper, from the shipped pipeline."""
    found = load_extractor().extract(Paper(title=title, abstract=abstract))
    names = {e.ref: e.names[0] for e in found.entities}
    out: dict[str, dict[str, float]] = {}
    for claim in found.claims:
        out.setdefault(names[claim.object], {})[claim.relation.value] = claim.confidence
    return out


def test_a_famous_name_in_the_title_head_is_proposed() -> None:
    relations = stated(
        "BERT: Pre-training of Deep Bidirectional Transformers",
        "We introduce BERT, a Transformer encoder. It is evaluated on GLUE and SQuAD.",
    )["BERT"]
    assert relations["proposes"] >= 0.9
    assert not {"buildsOn", "comparesTo"} & set(relations)


@pytest.mark.parametrize(
    ("title", "abstract", "certain"),
    [
        ("SlowNet: a title", "Text.", True),
        ("A title", "We propose SlowNet, a network.", True),
        ("A title", "We then introduce SlowNet (the slow one).", True),
        ("A title", "We propose SlowNet training for all.", False),
        ("A title", "We compare with SlowNet, a network.", False),
        ("Learning: a title", "Text on learning.", False),
        ("SlowNet Technical Report", "Text.", True),
        ("A title", "This paper presents a network called SlowNet.", True),
        ("A title", "We introduce a network for video, SlowNet, and a loss.", True),
        ("A title", "We propose the Transformer, a sequence model.", True),
        ("A title", "We propose a novel Vision Transformer (ViT), which needs no convolution.", True),
        ("A title", "We propose a Vision Transformer (ViT) compression scheme.", False),
        ("A title", "We propose Transformer training for all.", False),
        ("A title", "They use a network called SlowNet.", False),
        ("A title", "We propose a method for so-called SlowNet.", False),
    ],
)
def test_certain_headlines(title: str, abstract: str, certain: bool) -> None:
    reading = read_candidates(Paper(title=title, abstract=abstract), (), default_gazetteer())
    assert any(certainly_proposed(reading, candidate) for candidate in reading.candidates) is certain


def test_a_famous_name_can_be_what_a_paper_is_about(extractor: Extractor) -> None:
    abstract = "We propose the Transformer, a sequence model without recurrence. The Transformer is fast."
    extraction = extractor.extract(Paper(title="Attention instead of recurrence", abstract=abstract))
    assert extraction.headline
    names = {entity.ref: entity.names[0] for entity in extraction.entities}
    assert names[extraction.headline] == "Transformer"


def test_one_place_names_one_thing_a_relation() -> None:
    paper = Paper(title="A title", abstract="It beats the MLPerf 1.1 record holder.")
    reading = read_candidates(paper, (), default_gazetteer())
    spans = [("MLPerf 1.1", 13, 23), ("MLPerf 1.1 record", 13, 30), ("title", 2, 7)]
    sections = ("abstract", "abstract", "title")
    things = [
        Candidate(name, (name,), (CandidateSpan(section, start, end, name),))
        for (name, start, end), section in zip(spans, sections, strict=True)
    ]
    ones = np.array([0.9, 0.8, 0.7])
    zeros = np.zeros(3)
    probabilities = {
        **{f"relation {r}": zeros for r in ("proposes", "targets", "uses")},
        "relation comparesTo": ones,
        **{f"type {t}": zeros for t in ("dataset", "hardware", "task")},
        "type method": ones,
        "how trainedOn": zeros,
    }
    kept = decide(things, probabilities, {})
    assert [d.candidate for d in kept] == [0, 2]
    assert state(replace(reading, candidates=tuple(things)), kept).headline is None


@pytest.mark.parametrize("name", ["existing methods", "two public datasets", "our framework", "SOTA models"])
def test_vague_references(name: str) -> None:
    assert is_vague(name)


@pytest.mark.parametrize("name", ["pruning", "ResNet-50", "neural networks", "visual prompting", "The Pile"])
def test_names_are_not_vague(name: str) -> None:
    assert not is_vague(name)


def test_types_are_decided_where_a_relation_holds_and_only_there() -> None:
    model = roles.load(shipped("fast") / "roles.npz")
    reading = read_candidates(
        Paper(
            title="FooNet: small networks",
            abstract="We propose FooNet. It beats ResNet-50 on ImageNet, and however it may be, LSTMs are slow.",
        ),
        (),
        default_gazetteer(),
    )
    rows = features(reading)
    everything = model.predict(rows)
    relations = {d: everything[d] for d in roles.RELATION_DECISIONS}
    found = model.with_types(rows, relations)
    holds = np.any([values >= model.thresholds[d] for d, values in relations.items()], axis=0)
    assert found.keys() == everything.keys()
    for decision in roles.TYPE_DECISIONS:
        assert found[decision].tolist() == np.where(holds, everything[decision], 0.0).tolist()
    relations["relation uses"][0] = 1.0
    assert model.with_types(rows, relations)["type method"][0] == everything["type method"][0] > 0.0
