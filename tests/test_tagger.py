"""The span tagger: words and candidate spans, the shipped model, alignment of the gold files."""

from __future__ import annotations

import json
import pickle
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import InputError
from kg.extract.spans import MAX_SPAN_WORDS, MAX_TOKENS, candidate_spans, paper_words, split_words, windows
from kg.extract.tagger import SpanTagger
from kg.train.data import LABELS, align, gold_paper, read_gold

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "kg" / "models" / "default"
GOLD = ROOT.parent / "shared" / "gold" / "train.jsonl"
TITLE = "SwiftFormer: Efficient Additive Attention for Mobile Vision"
ABSTRACT = (
    "We present SwiftFormer, a vision transformer for image classification on mobile devices. "
    "It outperforms MobileViT-v2 on ImageNet-1K and runs in 0.8 ms on an iPhone 14."
)


@pytest.fixture(scope="module")
def tagger() -> SpanTagger:
    if not (MODEL / "tagger.onnx").is_file():
        pytest.skip("kg/models/default holds no model")
    return SpanTagger.load(MODEL)


class FakePieces:
    """An encoding with ``count`` pieces for every word."""

    def __init__(self, words: int, count: int = 1) -> None:
        self.ids = [7] * (words * count)
        self.word_ids: list[int | None] = [i for i in range(words) for _ in range(count)]


@given(st.text(max_size=200), st.text(max_size=400))
def test_words_and_candidates_are_slices_within_one_sentence(title: str, abstract: str) -> None:
    words = paper_words(title, abstract)
    texts = {"title": title, "abstract": abstract}
    assert all(texts[w.section][w.start : w.end] == w.text for w in words)
    assert all(a.sentence <= b.sentence for a, b in pairwise(words))
    for i, j in candidate_spans(words):
        assert 0 <= j - i < MAX_SPAN_WORDS
        assert words[i].sentence == words[j].sentence
        assert words[i].section == words[j].section


def test_sentences_end_at_stops_but_not_at_abbreviations() -> None:
    words = split_words("We beat e.g. BERT by 2.5 points. Then GPT-2 vs. T5.", "abstract")
    sentences = {w.text: w.sentence for w in words}
    assert sentences["BERT"] == sentences["points"] == 0
    assert sentences["GPT"] == sentences["T5"] == 1


def test_a_name_that_starts_with_a_function_word_and_a_hyphen_is_a_candidate() -> None:
    words = split_words("on-device inference", "title")
    found = {" ".join(w.text for w in words[i : j + 1]) for i, j in candidate_spans(words)}
    assert "on - device inference" in found


@pytest.mark.parametrize(
    ("title", "body", "pieces"), [(5, 100, 1), (5, 3000, 1), (700, 900, 1), (600, 0, 2), (0, 600, 90)]
)
def test_windows_fit_the_encoder_and_cover_every_word(title: int, body: int, pieces: int) -> None:
    words = paper_words("t " * title, "a " * body)
    made = windows(words, FakePieces(len(words), pieces), cls=1, sep=2, unk=3)
    assert {int(k) for w in made for k in w.words} == set(range(title + body))
    for w in made:
        assert len(w.input_ids) == len(w.token_type_ids) == len(w.shape_ids) <= MAX_TOKENS
        assert (w.first <= w.last).all()


def test_a_word_without_pieces_becomes_unknown() -> None:
    words = paper_words("a b", "")
    pieces = FakePieces(1)
    (window,) = windows(words, pieces, cls=1, sep=2, unk=3)
    assert window.input_ids.tolist() == [1, 7, 3, 2, 2]


def test_alignment_gives_all_roles_and_leaves_nested_aliases_unsaid() -> None:
    item = {"name": "SlowFast network", "aliases": ["SlowFast"], "type": "method", "need": "must"}
    paper = gold_paper(
        {
            "id": "1",
            "title": "On SlowFast",
            "abstract": "We train a SlowFast network.",
            "uses": [{**item, "how": "builds-on"}],
            "compares_to": [{**item, "need": "may"}],
        }
    )
    words = paper_words(paper.title, paper.abstract)
    spans = list(candidate_spans(words))
    labels, weights = align(paper, words, spans)
    named = {
        (words[i].section, " ".join(w.text for w in words[i : j + 1])): (
            {name for name, v in zip(LABELS, labels[k], strict=True) if v},
            float(weights[k].min()),
        )
        for k, (i, j) in enumerate(spans)
    }
    everything = {"entity", "method", "buildsOn", "comparesTo", "main"}
    assert named["title", "SlowFast"] == (everything, 1.0)
    assert named["abstract", "SlowFast network"] == (everything, 1.0)
    assert named["abstract", "SlowFast"] == (set(), 0.0)
    assert named["abstract", "train"] == (set(), 1.0)


def test_nearly_all_gold_names_are_candidates() -> None:
    if not GOLD.is_file():
        pytest.skip("../shared/gold/train.jsonl is not here")
    items = reached = 0
    for paper in read_gold(GOLD)[:300]:
        words = paper_words(paper.title, paper.abstract)
        texts = {"title": paper.title, "abstract": paper.abstract}
        surfaces = {texts[words[i].section][words[i].start : words[j].end] for i, j in candidate_spans(words)}
        items += len(paper.items)
        reached += sum(not surfaces.isdisjoint(item.names) for item in paper.items)
    assert reached / items > 0.99


def test_gold_file_errors_name_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps({"id": "1", "title": "T"}) + "\n", encoding="utf8")
    with pytest.raises(ValueError, match=r"gold\.jsonl, line 1"):
        read_gold(path)


def test_the_model_finds_the_obvious(tagger: SpanTagger) -> None:
    spans = tagger.tag(TITLE, ABSTRACT)
    best = {s.text: s for s in spans if s.entity > 0.5}
    assert best["SwiftFormer"].type == "method"
    assert best["SwiftFormer"].roles["proposes"] > 0.5
    assert best["ImageNet-1K"].type == "dataset"
    assert best["ImageNet-1K"].roles["evaluatedOn"] > 0.5
    assert best["image classification"].roles["targets"] > 0.5
    assert best["MobileViT-v2"].roles["comparesTo"] > 0.5


def test_scores_are_slices_probabilities_sorted_and_repeatable(tagger: SpanTagger) -> None:
    spans = tagger.tag(TITLE, ABSTRACT)
    texts = {"title": TITLE, "abstract": ABSTRACT}
    for s in spans:
        assert texts[s.section][s.start : s.end] == s.text
        assert set(s.types) == set(tagger.types)
        assert set(s.roles) == set(tagger.roles)
        assert all(0 <= v <= 1 for v in (s.entity, *s.types.values(), *s.roles.values()))
    order = [(s.section != "title", s.start, s.end) for s in spans]
    assert order == sorted(order)
    assert tagger.tag(TITLE, ABSTRACT) == spans
    again = SpanTagger.load(MODEL)
    assert again.tag(TITLE, ABSTRACT) == spans
    assert again.fingerprint == tagger.fingerprint
    assert pickle.loads(pickle.dumps(spans)) == spans


@pytest.mark.parametrize(
    ("title", "abstract"),
    [
        ("", ""),
        (" \n\t\u2028", "\u200b\u0000"),
        ("BERT", ""),
        ("", "BERT"),
        ("-", "$ $ $ { } ( )"),
        ("深層学習による画像認識", "我们提出了一种新的方法，在ImageNet上进行评估。"),
        ("\ud800 lone surrogate", "a\udfffb \U0001f600 ResNet\u00ad-50"),
        ("x" * 5000, "\x00\x01\x02 PK\x03\x04 \ufffd" * 50),
        ("word " * 700, "GPU " * 700),
    ],
)
def test_odd_text_is_taken(tagger: SpanTagger, title: str, abstract: str) -> None:
    texts = {"title": title, "abstract": abstract}
    for s in tagger.tag(title, abstract, floor=0.0):
        assert texts[s.section][s.start : s.end] == s.text


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60), st.text(max_size=200))
def test_any_text_is_taken(tagger: SpanTagger, title: str, abstract: str) -> None:
    texts = {"title": title, "abstract": abstract}
    assert all(texts[s.section][s.start : s.end] == s.text for s in tagger.tag(title, abstract))


def test_long_text_is_read_to_its_end(tagger: SpanTagger) -> None:
    filler = "This sentence says nothing of interest to anybody. " * 300
    spans = tagger.tag(TITLE, filler + ABSTRACT)
    assert any(s.text == "ImageNet-1K" and s.start > len(filler) and s.entity > 0.5 for s in spans)


@pytest.mark.slow
def test_a_hundred_thousand_words(tagger: SpanTagger) -> None:
    assert isinstance(tagger.tag("", "one two three ResNet " * 25_000), tuple)


def test_a_folder_without_a_model_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tagger\.json: no such file"):
        SpanTagger.load(tmp_path)


def test_a_damaged_model_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "tagger.json").write_text('{"format": 1, "types": [], "roles": []}', encoding="utf8")
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf8")
    (tmp_path / "tagger.onnx").write_bytes(b"no")
    with pytest.raises(InputError, match="cannot be read"):
        SpanTagger.load(tmp_path)
    (tmp_path / "tagger.json").write_text('{"format": 99}', encoding="utf8")
    with pytest.raises(InputError, match="format 99"):
        SpanTagger.load(tmp_path)
    (tmp_path / "tagger.json").write_text("[]", encoding="utf8")
    with pytest.raises(InputError, match="not the description"):
        SpanTagger.load(tmp_path)
