"""The fast tagger: inference against enumeration, features, training, the shipped model."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import InputError
from kg.extract.crf import KINDS, LABELS, CrfTagger, Weights, chains, legal_transitions, load_weights, spans_of
from kg.extract.crf_features import page
from kg.extract.pipeline import load_pipeline, shipped
from kg.extract.spans import paper_words
from kg.model import EntityType, Paper, Relation
from kg.train.crf import fit, kind_of, labels_of, save_weights, sequences
from kg.train.data import GoldPaper, gold_paper
from kg.vocabulary import default_gazetteer

TITLE = "SwiftFormer: Efficient Additive Attention for Mobile Vision"
ABSTRACT = (
    "We present SwiftFormer, a vision transformer for image classification on mobile devices. "
    "It outperforms MobileViT-v2 on ImageNet-1K and runs in 0.8 ms on an iPhone 14."
)


def annotated(name: str, title: str, abstract: str) -> GoldPaper:
    item = {"type": "method", "need": "must", "aliases": []}
    return gold_paper(
        {
            "id": name,
            "title": title,
            "abstract": abstract,
            "proposes": [{**item, "name": name}],
            "uses": [{**item, "name": "ImageNet", "type": "dataset", "how": "evaluated-on"}],
            "compares_to": [{**item, "name": "ResNet-50"}],
            "targets": [{**item, "name": "image classification", "type": "task"}],
        }
    )


def papers(count: int) -> list[GoldPaper]:
    names = [f"{a}{b}" for a in ("Swift", "Deep", "Tiny", "Wide") for b in ("Net", "Former", "Mixer")][:count]
    return [
        annotated(
            name,
            f"{name}: better image classification",
            f"We propose {name} for image classification. It outperforms ResNet-50 on ImageNet by {k} points.",
        )
        for k, name in enumerate(names)
    ]


def random_weights(names: list[str], seed: int = 3) -> Weights:
    rng = np.random.default_rng(seed)
    state = rng.normal(0, 1, (len(names) + 1, len(LABELS))).astype(np.float32)
    state[-1] = 0
    transitions = rng.normal(0, 1, (len(LABELS), len(LABELS))).astype(np.float32)
    return Weights({n: k for k, n in enumerate(names)}, state, transitions)


def enumerated(scores: np.ndarray, factors: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Probabilities of all spans of one run, by adding up all sequences of labels."""
    size, kinds = len(scores), len(KINDS)
    total = 0.0
    out: dict[tuple[int, int], np.ndarray] = {}
    for path in itertools.product(range(len(LABELS)), repeat=size):
        if path[0] > kinds:
            continue
        weight = np.exp(sum(scores[t, y] for t, y in enumerate(path)))
        weight *= np.prod([factors[a, b] for a, b in itertools.pairwise(path)])
        total += weight
        for i, label in enumerate(path):
            if 1 <= label <= kinds:
                j = i
                while j + 1 < size and path[j + 1] == label + kinds:
                    j += 1
                out.setdefault((i, j), np.zeros(kinds))[label - 1] += weight
    return {span: p / total for span, p in out.items()}


@pytest.mark.parametrize("seed", range(3))
def test_span_probabilities_are_those_of_all_label_sequences_added_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (5, len(LABELS))).astype(np.float32)
    factors = legal_transitions() * np.exp(rng.normal(0, 1, (len(LABELS), len(LABELS))))
    firsts, lasts, kinds = spans_of(scores, [(0, 2), (2, 5)], factors, 0.0)
    found = {(i, j): row for i, j, row in zip(firsts, lasts, kinds, strict=True)}
    expected = enumerated(scores[:2], factors)
    expected |= {(i + 2, j + 2): p for (i, j), p in enumerated(scores[2:], factors).items()}
    assert {span for span, p in found.items() if p.sum() > 0} == set(expected)
    for span, p in expected.items():
        np.testing.assert_allclose(found[span], p, rtol=1e-5)


def test_a_long_sentence_neither_overflows_nor_vanishes() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 60, (160, len(LABELS))).astype(np.float32)
    factors = legal_transitions() * np.exp(rng.normal(0, 8, (len(LABELS), len(LABELS))))
    _, _, kinds = spans_of(scores, [(0, 160)], factors, 0.05)
    assert len(kinds)
    assert np.isfinite(kinds).all()
    assert (kinds.sum(axis=1) <= 1 + 1e-9).all()


def test_the_tagger_adds_up_the_features_that_training_shows_to_crfsuite() -> None:
    gazetteer = default_gazetteer()
    paper = papers(1)[0]
    rows = [names for run, _ in sequences(paper, gazetteer) for names in run]
    weights = random_weights(sorted({n for names in rows for n in names if "a" in n}))
    expected = [sum((weights.state[weights.rows[n]] for n in names if n in weights.rows), 0.0) for names in rows]
    got = CrfTagger(weights, "x", gazetteer)._state(page(paper.title, paper.abstract, gazetteer))
    np.testing.assert_allclose(got, np.array(expected), rtol=1e-4, atol=1e-4)


def test_labels_follow_the_gold_items_and_longer_names_win() -> None:
    paper = papers(1)[0]
    words = paper_words(paper.title, paper.abstract)
    labels = dict(zip([w.text for w in words], labels_of(paper, words), strict=True))
    assert labels["SwiftNet"] == "B-method/proposes"
    assert labels["image"] == "B-task/targets"
    assert labels["classification"] == "I-task/targets"
    assert labels["ResNet"] == "B-method/comparesTo"
    assert labels["50"] == "I-method/comparesTo"
    assert labels["ImageNet"] == "B-dataset/evaluatedOn"
    assert labels["outperforms"] == "O"


@pytest.mark.parametrize(
    ("type_", "roles", "kind"),
    [
        ("method", {"buildsOn", "comparesTo"}, "method/comparesTo"),
        ("hardware", {"comparesTo"}, "hardware/runsOn"),
        ("task", {"proposes"}, "task/targets"),
    ],
)
def test_an_item_of_several_or_rare_roles_has_one_kind(type_: str, roles: set[str], kind: str) -> None:
    assert kind_of(type_, frozenset(roles)) == kind


def test_training_is_deterministic_and_learns_what_it_saw(tmp_path: Path) -> None:
    gazetteer = default_gazetteer()
    data = [sequences(p, gazetteer) for p in papers(10)]
    for name in ("a", "b"):
        save_weights(fit(data, c1=0.05, iterations=30), tmp_path / f"{name}.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    (tmp_path / "tagger.npz").write_bytes((tmp_path / "a.npz").read_bytes())
    unseen = papers(12)[11]
    spans = CrfTagger.load(tmp_path).tag(unseen.title, unseen.abstract)
    sure = {(s.text, s.type, max(s.roles, key=s.roles.__getitem__)) for s in spans if s.entity > 0.5}
    assert ("WideMixer", "method", "proposes") in sure
    assert ("ImageNet", "dataset", "evaluatedOn") in sure


def test_weights_survive_the_file(tmp_path: Path) -> None:
    weights = random_weights(["a", "b=\u2028 x", "c"])
    save_weights(weights, tmp_path / "tagger.npz")
    again = load_weights(tmp_path / "tagger.npz")
    assert dict(again.rows) == dict(weights.rows)
    np.testing.assert_allclose(again.state, weights.state, atol=2e-3)
    np.testing.assert_array_equal(again.transitions, weights.transitions)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"\x00" * 400])
def test_a_broken_model_is_an_input_error_that_names_the_file(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "tagger.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"tagger\.npz"):
        CrfTagger.load(tmp_path)


def test_a_model_with_other_labels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.train.crf.LABELS", LABELS[::-1])
    save_weights(random_weights(["a"]), tmp_path / "tagger.npz")
    with pytest.raises(InputError, match="another version"):
        load_weights(tmp_path / "tagger.npz")


@pytest.fixture(scope="module")
def tagger() -> CrfTagger:
    return CrfTagger.load(shipped("fast"))


@given(st.text(max_size=120), st.text(max_size=300))
@settings(deadline=None)
def test_any_text_gives_slices_with_probabilities(tagger: CrfTagger, title: str, abstract: str) -> None:
    spans = tagger.tag(title, abstract, floor=0.01)
    texts = {"title": title, "abstract": abstract}
    for s in spans:
        assert texts[s.section][s.start : s.end] == s.text != ""
        assert 0.01 <= s.entity <= 1
        assert sum(s.types.values()) == pytest.approx(s.entity, abs=1e-4)
        assert sum(s.roles.values()) == pytest.approx(s.entity, abs=1e-4)
    assert list(spans) == sorted(spans, key=lambda s: (s.section != "title", s.start, s.end))


def test_many_different_words_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = CrfTagger.load(shipped("fast"))
    before = fresh.tag(TITLE, ABSTRACT)
    monkeypatch.setattr("kg.extract.crf.CACHED_WORDS", 6_000)
    for start in (0, 5_000, 10_000):
        fresh.tag("Words", " ".join(f"w{k}" for k in range(start, start + 5_000)))
        assert fresh.tag(TITLE, ABSTRACT) == before


def test_chains_cover_all_words_and_end_with_their_sentences() -> None:
    words = paper_words("A title", "One. Two words. " + "w " * 400)
    runs = chains(words)
    assert [k for a, b in runs for k in range(a, b)] == list(range(len(words)))
    assert all(len({(w.section, w.sentence) for w in words[a:b]}) == 1 for a, b in runs)


def test_a_very_long_text_is_read_in_time(tagger: CrfTagger) -> None:
    started = time.process_time()
    spans = tagger.tag("A title", "we train ResNet-50 on ImageNet and " * 15_000)
    assert spans
    assert time.process_time() - started < 30


def test_the_shipped_model_reads_an_abstract() -> None:
    extraction = load_pipeline(shipped("fast")).extract(Paper(TITLE, ABSTRACT))
    names = {e.ref: (e.names[0], e.type) for e in extraction.entities}
    claims = {(c.relation, *names[c.object]) for c in extraction.claims}
    assert (Relation.PROPOSES, "SwiftFormer", EntityType.METHOD) in claims
    assert (Relation.COMPARES_TO, "MobileViT-v2", EntityType.METHOD) in claims
    assert (Relation.EVALUATED_ON, "ImageNet-1K", EntityType.DATASET) in claims


def test_a_paper_gives_the_same_spans_alone_and_after_others(tagger: CrfTagger) -> None:
    first = tagger.tag(TITLE, ABSTRACT)
    tagger.tag("Another paper", "It uses BERT. " * 40)
    assert CrfTagger.load(shipped("fast")).tag(TITLE, ABSTRACT) == first == tagger.tag(TITLE, ABSTRACT)
