"""The extraction benchmark: readers, matching, decoding and measures on small texts."""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kg.errors import InputError
from kg.extract.tagger import SpanScore
from kg.train import scier_data

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "extraction.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("extraction_benchmark", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def pack(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()))
    return path


def score(start: int, end: int, entity: float, kind: str) -> SpanScore:
    return SpanScore("abstract", start, end, "x" * (end - start), entity, {"method": 0.1, "task": 0.1, kind: 0.9}, {})


def test_tokens_are_joined_as_people_write(bench: ModuleType) -> None:
    tokens = ["state", "-", "of", "-", "the", "-", "art", "(", "SOTA", ")", ",", "x"]
    text, places = bench.join_tokens(tokens)
    assert text == "state-of-the-art (SOTA), x"
    assert [text[a:b] for a, b in places] == tokens


def test_scirex_mentions_become_offsets_in_their_section(bench: ModuleType, tmp_path: Path) -> None:
    document = {
        "words": ["Pose", "Net", ".", "On", "COCO", "dataset", ",", "by", "mAP", "."],
        "sections": [[0, 3], [3, 10]],
        "ner": [[0, 2, "Method"], [4, 6, "Material"], [8, 9, "Metric"]],
    }
    (sections,) = bench.read_scirex(pack(tmp_path / "a.gz", json.dumps(document) + "\n"))
    assert [(s.text, {(s.text[a:b], t) for a, b, t in s.spans}) for s in sections] == [
        ("Pose Net.", {("Pose Net", "method")}),
        ("On COCO dataset, by mAP.", {("COCO dataset", "dataset")}),
    ]


def test_tdmsci_sentences_keep_spacing_and_neighbouring_spans(bench: ModuleType, tmp_path: Path) -> None:
    rows = [("On", 10, "O"), ("SQuAD", 13, "B-DATASET"), ("2.0", 19, "I-DATASET"), ("NER", 23, "B-TASK")]
    lines = "".join(f"{a}\t{b}\t{c}\n" for a, b, c in [*rows, (",", 26, "O"), ("F1", 28, "B-METRIC")])
    one, two = bench.read_tdmsci(pack(tmp_path / "a.gz", lines + "\n\nQA\t0\tB-TASK"))
    assert one.text == "On SQuAD 2.0 NER, F1"
    assert {(one.text[a:b], t) for a, b, t in one.spans} == {("SQuAD 2.0", "dataset"), ("NER", "task")}
    assert two.spans == {(0, 2, "task")}


def test_the_held_out_fifth_depends_on_the_sentence_alone(bench: ModuleType) -> None:
    chosen = [bench.held_out(f"sentence {k}") for k in range(1000)]
    assert chosen == [bench.held_out(f"sentence {k}") for k in range(1000)]
    assert 150 < sum(chosen) < 250


def test_of_overlapping_spans_the_most_certain_stays_and_unwanted_types_only_block(bench: ModuleType) -> None:
    spans = [
        score(0, 4, 0.7, "task"),
        score(3, 9, 0.9, "hardware"),
        score(10, 12, 0.6, "task"),
        score(20, 22, 0.2, "task"),
    ]
    assert bench.choose(spans, 0.5, ["task", "method"]) == [(10, 12, "task")]


def test_exact_and_overlap_f1(bench: ModuleType) -> None:
    exact, loose = bench.Tally(), bench.Tally()
    found, gold = [(0, 4, "task"), (6, 9, "task"), (20, 25, "method")], [(0, 4, "task"), (5, 9, "task")]
    exact.add(found, gold, bench.exact)
    loose.add(found, gold, bench.overlap)
    assert exact.f1 == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))
    assert loose.f1 == pytest.approx(2 * (2 / 3) * 1 / (2 / 3 + 1))


def test_absent_data_and_models_are_said(bench: ModuleType, tmp_path: Path) -> None:
    options = bench.arguments().parse_args(["--data", str(tmp_path)])
    for run in bench.BENCHMARKS.values():
        with pytest.raises(InputError, match=r"is not there; give the folder"):
            run(options)
    folder = tmp_path / "benchmarks" / "scier"
    folder.mkdir(parents=True)
    for name in ("train.jsonl.gz", "dev-spans.jsonl.gz"):
        pack(folder / name, "")
    with pytest.raises(InputError, match="give --scier-model DIR, or --train-scier DIR"):
        bench.scier(argparse.Namespace(data=tmp_path, train_scier=None, scier_model=None))


def test_the_table_is_markdown_with_every_published_figure_sourced(bench: ModuleType) -> None:
    text = bench.table([bench.Row("a|b", "s", "m", "0.5", *bench.PUBLISHED["nodes"])])
    lines = text.splitlines()
    assert len(lines) == 3
    assert all(line.replace("\\|", "").count("|") == 7 for line in lines)
    assert all(source for _, source in bench.PUBLISHED.values())


def test_mention_strings_are_found_longest_first() -> None:
    sentence = scier_data.locate(
        {
            "sentence": "Mask R - CNN beats CNN and CNN on COCO",
            "ner": [["CNN", "Method"], ["Mask R - CNN", "Method"], ["COCO", "Dataset"]],
            "rel_plus": [
                ["Mask R - CNN:Method", "Evaluated-With", "COCO:Dataset"],
                ["Mask R - CNN:Method", "Compare-With", "CNN:Method"],
            ],
        }
    )
    assert sentence.mentions == ((0, 3, "Method"), (5, 5, "Method"), (9, 9, "Dataset"))
    assert sentence.unsure == ((7, 7),)
    assert set(sentence.relations) == {(0, "Evaluated-With", 2), (0, "Compare-With", 1)}


def test_a_tiny_model_learns_a_sentence_by_heart_and_survives_its_checkpoint(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the SciER model needs the extra [train]")
    from tokenizers import Tokenizer, models, pre_tokenizers

    from kg.train import scier, scier_decode
    from kg.train.network import NetworkConfig
    from kg.train.trainer import TrainConfig

    torch.manual_seed(1)
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "we": 4, "net": 5, "on": 6, "coco": 7}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    sentence = scier_data.Sentence(
        ("we", "try", "net", "on", "coco"), ((2, 2, "Method"), (4, 4, "Dataset")), ((0, "Evaluated-With", 1),)
    )
    documents = [scier_data.Document("d", (sentence,) * 6)]
    config = NetworkConfig(vocabulary=8, width=24, layers=1, heads=2, inner=24, positions=512, span_width=16)
    checkpoint = tmp_path / "model.pt"
    training = TrainConfig(epochs=80, average=0.5, encoder_rate=3e-3, head_rate=1e-2, warmup=0.02)
    trained = scier.fit(scier.JointNetwork(config), documents, tokenizer, training, checkpoint)
    chunked = list(scier.chunks(documents, tokenizer))
    thresholds, measures = scier_decode.tune(trained, chunked)
    restored = scier.restore(checkpoint)
    found = scier_decode.find(restored, chunked, thresholds)
    assert [f for c in found for f in c] == [f for c in scier_decode.find(trained, chunked, thresholds) for f in c]
    assert measures.mention.f1 == measures.relation_typed.f1 == 1.0
    assert found[0][0].relations == {((2, 2, "Method"), "Evaluated-With", (4, 4, "Dataset"))}


def test_strict_measures_ask_for_span_type_and_direction() -> None:
    pytest.importorskip("torch", reason="the SciER model needs the extra [train]")
    from kg.train.scier_decode import Found, measure

    a, b = (0, 1, "Method"), (3, 3, "Task")
    sentence = scier_data.Sentence(("a", "b", "for", "c"), (a, b), ((0, "Used-For", 1),))
    wrong_type = (0, 1, "Dataset")
    found = Found(frozenset({wrong_type, b}), frozenset({(wrong_type, "Used-For", b), (b, "Used-For", a)}))
    m = measure([sentence], [found])
    assert (m.mention.right, m.mention.predicted, m.mention.gold) == (1, 2, 2)
    assert (m.relation.right, m.relation.predicted, m.relation.gold) == (1, 2, 1)
    assert (m.relation_typed.right, m.relation_typed.predicted) == (0, 2)
