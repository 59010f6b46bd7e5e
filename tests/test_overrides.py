"""A user's file of names that are the same or different, and that it wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import InputError
from kg.model import EntityType
from kg.resolve import Overrides, read_overrides, resolve
from kg.vocabulary import Concept, Gazetteer
from tests.names import paper_with

GAZETTEER = Gazetteer(
    [
        Concept("v:resnet50", EntityType.METHOD, ("ResNet-50", "R50", "residual network with 50 layers")),
        Concept("v:coco", EntityType.DATASET, ("COCO", "Common Objects in Context")),
    ]
)


def read(tmp_path: Path, text: str) -> Overrides:
    path = tmp_path / "names.yaml"
    path.write_text(text, encoding="utf-8")
    return read_overrides(path)


def nodes(overrides: Overrides, *names: str, defined: tuple[str, str] | None = None) -> dict[str, str]:
    """Return the label of the node of each name, each name in a paper of its own."""
    things = [paper_with(f"Paper {n}", EntityType.METHOD, n) for n in names]
    things += [paper_with("Paper with a definition", EntityType.METHOD, defined[0], defined)] if defined else []
    graph = resolve([p for p, _ in things], [e for _, e in things], GAZETTEER, overrides)
    by_paper = {paper: x.label for x in graph.entities for paper in x.papers}
    return {name: by_paper[paper.id] for (paper, _), name in zip(things, [*names, "defined"], strict=False)}


def test_same_joins_under_the_first_name(tmp_path: Path) -> None:
    overrides = read(tmp_path, "same:\n  - [My Net, Netto, NTT]\n")
    assert nodes(overrides, "netto", "NTT", "My-Net") == dict.fromkeys(("netto", "NTT", "My-Net"), "My Net")


def test_same_moves_what_the_vocabulary_joins(tmp_path: Path) -> None:
    overrides = read(tmp_path, "same:\n  - [Old Faithful, R50]\n")
    labels = nodes(overrides, "ResNet-50", "R50", "Old Faithful", "residual network with 50 layers")
    assert set(labels.values()) == {"Old Faithful"}


def test_lists_that_share_a_name_are_one(tmp_path: Path) -> None:
    overrides = read(tmp_path, "same:\n  - [A1, B1]\n  - [C1, D1]\n  - [D1, B1]\n")
    assert set(overrides.same.values()) == {"a1"}
    assert set(overrides.same) == {"a1", "b1", "c1", "d1"}


@pytest.mark.parametrize("pair", ["[ResNet-50, R50]", "[R50, residual network with 50 layers]", "[r50, resnet 50]"])
def test_different_splits_what_the_vocabulary_joins(tmp_path: Path, pair: str) -> None:
    labels = nodes(read(tmp_path, f"different:\n  - {pair}\n"), "ResNet-50", "R50", "residual network with 50 layers")
    left, right = (n.strip() for n in pair.strip("[]").split(","))
    same = {k.casefold().replace("-", " "): v for k, v in labels.items()}
    assert same[left.casefold().replace("-", " ")] != same[right.casefold().replace("-", " ")]


def test_different_splits_a_defined_abbreviation(tmp_path: Path) -> None:
    overrides = read(tmp_path, "different:\n  - [SNN, spiking neural network]\n")
    things = [paper_with("One", EntityType.METHOD, "SNN", ("SNN", "spiking neural network"))]
    things += [paper_with("Two", EntityType.METHOD, "spiking neural networks")]
    graph = resolve([p for p, _ in things], [e for _, e in things], GAZETTEER, overrides)
    assert {x.label: x.aliases for x in graph.entities} == {"SNN": (), "spiking neural networks": ()}


def test_same_beats_the_vocabulary_and_different_keeps_third_names(tmp_path: Path) -> None:
    overrides = read(tmp_path, "same:\n  - [MyCOCO, Common Objects in Context]\ndifferent:\n  - [MyCOCO, COCO]\n")
    labels = nodes(overrides, "COCO", "Common Objects in Context", "MyCOCO")
    assert labels["Common Objects in Context"] == labels["MyCOCO"] == "MyCOCO"
    assert labels["COCO"] == "COCO"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "same:\n  - [A-1, B1, C1]\ndifferent:\n  - [C1, a1]\n",
            r"names\.yaml: 'A-1' and 'C1' are both same: and different:",
        ),
        ("same:\n  - [A1, B1]\n  - [B1, C1]\ndifferent:\n  - [A1, C1]\n", "'A1' and 'C1' are both"),
        ("different:\n  - [ResNet-50, resnet 50]\n", "'ResNet-50' and 'resnet 50' are one name"),
        ("same: [A, B]\n", "same: entry 1 must be a list of two or more names"),
        ("same:\n  - [A]\n", "entry 1 must be a list of two or more"),
        ("same:\n  - [A, 5]\n", "put numbers in quotes"),
        ("same: A\n", "same: must be a list of lists"),
        ("sane:\n  - [A, B]\n", "only the keys same: and different:"),
        ("- A\n", "only the keys same: and different:"),
        ("same: [\n", "not a YAML file"),
    ],
)
def test_faults_of_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as fault:
        read(tmp_path, text)
    assert str(tmp_path / "names.yaml") in str(fault.value)
    assert "\n" not in str(fault.value)


def test_missing_and_empty_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none"):
        read_overrides(tmp_path / "none.yaml")
    assert read(tmp_path, "") == Overrides()
    assert read(tmp_path, "same:\ndifferent:\n") == Overrides()


NAMES = (
    "ResNet-50",
    "R50",
    "residual network with 50 layers",
    "Alpha Beta Net",
    "ABN",
    "Netto",
    "Gamma Net",
    "Delta Net",
)


def contradicts(lists: list[list[str]], apart: list[list[str]]) -> bool:
    """Tell whether names that are kept apart are joined, perhaps over several lists."""
    sets = [set(group) for group in lists]
    for _ in lists:
        sets = [a.union(*(b for b in sets if a & b)) for a in sets]
    return any(set(pair) <= group for pair in apart for group in sets)


@given(
    lists=st.lists(st.lists(st.sampled_from(NAMES), min_size=2, max_size=3, unique=True), max_size=3),
    apart=st.lists(st.lists(st.sampled_from(NAMES), min_size=2, max_size=2, unique=True), max_size=3),
    define=st.booleans(),
)
def test_the_file_always_wins(
    tmp_path_factory: pytest.TempPathFactory, lists: list[list[str]], apart: list[list[str]], define: bool
) -> None:
    path = tmp_path_factory.mktemp("names") / "names.yaml"
    path.write_text(f"same: {lists}\ndifferent: {apart}\n".replace("'", '"'), encoding="utf-8")
    if contradicts(lists, apart):
        with pytest.raises(InputError, match="are both same: and different:"):
            read_overrides(path)
        return
    overrides = read_overrides(path)
    labels = nodes(overrides, *NAMES, defined=("ABN", "Alpha Beta Net") if define else None)
    for group in lists:
        assert len({labels[name] for name in group}) == 1, (group, labels)
    for left, right in apart:
        assert labels[left] != labels[right], (left, right, labels)
