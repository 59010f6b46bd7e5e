"""Sentences, and the normal form of names."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.text import bare_name, name_key, plain, sentence_of, sentences, shape, split_definition, without_generic


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("ResNet-50", "resnet 50"),
        ("MobileNet V2", "MobileNetV2"),
        ("CNNs", "CNN"),
        ("A100s", "A100"),
        ("losses", "loss"),
        ("matrices", "matrix"),
        (r"$\beta$-VAE", "β-VAE"),
        (r"$\ell_1$", "L1"),
        ("U$^2$-Net", "U²-Net"),
        ("Fréchet distance", "Frechet distance"),
        ("λ-DARTS", r"$\lambda$-DARTS"),
        ("image colourisation", "image colorization"),
        ("language modelling", "language modeling"),
        ("the COCO dataset", "COCO"),
        ("OpenAI's GPT-4", "GPT-4"),
        ("Strassen’s algorithm", "Strassen algorithm"),
        ("8 NVIDIA A100 GPUs", "NVIDIA A100"),
        ("16x V100", "V100"),
        ("4090 GPU", "4090 GPUs"),
        ("Neural Architecture Search (NAS)", "neural architecture search"),
        ("Wide & Deep", "Wide-and-Deep"),
    ],
)
def test_equal_names(left: str, right: str) -> None:
    assert name_key(left) == name_key(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("ResNet-50", "ResNet-101"),
        ("GPT-3.5", "GPT-35"),
        ("Llama 2 7B", "Llama 27B"),
        ("Qwen-1.8B", "Qwen-18B"),
        ("WRN-28-10", "WRN-281-0"),
        ("DARTS", "DART"),
        ("FlowNetS", "FlowNet"),
        ("YOLOv5s", "YOLOv5"),
        ("UNet++", "UNet"),
        ("A*", "A"),
        ("C++", "C"),
        ("DNN accelerator", "DNN"),
        ("INT8 accelerator", "INT8"),
        ("AI models", "AI"),
        ("neural network", "neural"),
        ("28 nm chips", "chips"),
        ("3090 GPU", "GPU"),
        ("7 CNNs", "CNNs"),
        ("A100 (80GB)", "A100"),
        ("हिन्दी", "हन्दी"),
    ],
)
def test_unlike_names(left: str, right: str) -> None:
    assert name_key(left) != name_key(right)


@given(st.text(max_size=40))
def test_key_is_stable_and_never_lost(name: str) -> None:
    key = name_key(name)
    assert bool(key) == bool(name)
    assert name_key(f"{key} x") == name_key(f"{key}  X ")


@given(st.from_regex(r"[A-Z][a-z]{2,8}(Net|Former)", fullmatch=True), st.integers(1, 999), st.integers(1, 999))
def test_numbers_tell_names_apart(stem: str, one: int, other: int) -> None:
    assert (name_key(f"{stem}-{one}") == name_key(f"{stem} {other}")) == (one == other)
    assert (name_key(f"{stem}v{one}") == name_key(f"{stem} V{other}")) == (one == other)


def test_generic_word_is_kept_on_request() -> None:
    assert name_key("COCO dataset", generic=False) != name_key("COCO")
    assert without_generic("Jetson Nano board") == "Jetson Nano"


def test_parts_of_names() -> None:
    assert bare_name("a single RTX 3090") == "RTX 3090"
    assert plain("ＣＯＣＯ\u00a0\\textbf{2017}") == "COCO 2017"
    assert split_definition("Segment Anything Model (SAM)") == ("SAM", "Segment Anything Model")
    assert split_definition("ResNet (R50)") is None
    assert split_definition("convolution (see above)") is None


@given(st.text(alphabet=st.sampled_from("abAB .!?e.g()\n\u2028$\\1"), max_size=200))
def test_sentences_cover_all_but_white_space(text: str) -> None:
    spans = sentences(text)
    assert all(0 <= a < b <= len(text) for a, b in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    outside = "".join(
        text[a:b] for a, b in zip([0, *(b for _, b in spans)], [*(a for a, _ in spans), len(text)], strict=True)
    )
    assert not outside.strip()


def test_abbreviations_do_not_end_sentences() -> None:
    text = "We follow J. Smith et al. (2020), i.e. prune early. It works."
    assert [text[a:b] for a, b in sentences(text)] == [
        "We follow J. Smith et al. (2020), i.e. prune early.",
        "It works.",
    ]


def test_sentence_of_a_span() -> None:
    spans = sentences("One here. Two there.")
    assert sentence_of(spans, 10, 13) == (10, 20)
    assert sentence_of(spans, 4, 13) == (0, 20)
    with pytest.raises(ValueError, match="no sentence"):
        sentence_of((), 0, 1)


def test_shapes() -> None:
    assert [shape(w) for w in ("ResNet-50", "COCO", "")] == ["XxXx-d", "X", ""]
