"""The gazetteer: what it reads, what it finds in text, what it knows of a name."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import InputError
from kg.model import EntityType
from kg.resources import data
from kg.vocabulary import KEYS, Concept, Gazetteer, default_gazetteer, fold, load, made_keys, read_keys

HEADER = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix kg: <https://w3id.org/paper-kg/ontology#> .
@prefix v: <https://example.org/v/> .
"""
GAZETTEER = Gazetteer(
    [
        Concept("v:mobilenet", EntityType.METHOD, ("MobileNetV2", "MobileNet V2")),
        Concept("v:pruning", EntityType.METHOD, ("pruning",)),
        Concept("v:structured", EntityType.METHOD, ("structured pruning", "filter pruning")),
        Concept("v:atis", EntityType.DATASET, ("ATIS",)),
        Concept("v:gpu", EntityType.HARDWARE, ("GPU",)),
        Concept("v:sam", EntityType.METHOD, ("SAM", "Segment Anything"), case_sensitive=True),
        Concept("v:a100", EntityType.HARDWARE, ("NVIDIA A100", "A100", "A100 GPU")),
        Concept("v:frechet", EntityType.METRIC, ("Fréchet inception distance", "FID")),
    ]
)


def found(text: str) -> list[tuple[str, str]]:
    return [(text[m.start : m.end], m.concept.iri.partition(":")[2]) for m in GAZETTEER.find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We use MobileNet-V2 here", [("MobileNet-V2", "mobilenet")]),
        ("structured pruning beats pruning", [("structured pruning", "structured"), ("pruning", "pruning")]),
        ("it works at is best", []),
        ("on ATIS.", [("ATIS", "atis")]),
        ("many GPUs, one gpu", [("GPUs", "gpu")]),
        ("GPUs on 8 A100s", [("GPUs", "gpu")]),
        ("SAM and Sam", [("SAM", "sam")]),
        ("a unpruning step", []),
        ("on NVIDIA A100 GPUs", [("NVIDIA A100", "a100"), ("GPUs", "gpu")]),
        ("", []),
    ],
)
def test_matches(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@given(st.text(alphabet=st.sampled_from("GPUs ATIprunigMobleNetV2-\u2028\u0130𝔸"), max_size=80))
def test_matches_are_places_in_order_without_overlap(text: str) -> None:
    matches = GAZETTEER.find(text)
    assert all(0 <= m.start < m.end <= len(text) for m in matches)
    assert all(a.end <= b.start for a, b in pairwise(matches))
    assert all(fold(text[m.start : m.end])[0].startswith(fold(m.label)[0]) for m in matches)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mobilenetv2", ["v:mobilenet"]),
        ("the MobileNet V2", ["v:mobilenet"]),
        (r"\textbf{MobileNetV2}", ["v:mobilenet"]),
        ("GPUs", ["v:gpu"]),
        ("gpu", []),
        ("8 A100 GPUs", ["v:a100"]),
        ("Sam", []),
        ("segment anything", []),
        ("Frechet Inception Distance", ["v:frechet"]),
        ("Fréchet Inception Distance (FID)", ["v:frechet"]),
        ("nothing of the kind", []),
        ("", []),
    ],
)
def test_lookup(name: str, expected: list[str]) -> None:
    assert [c.iri for c in GAZETTEER.lookup(name)] == expected


def test_get_and_empty() -> None:
    concept = GAZETTEER.get("v:gpu")
    assert concept is not None
    assert concept.labels == ("GPU",)
    assert GAZETTEER.get("v:none") is None
    assert Gazetteer([]).find("GPU") == ()
    assert Gazetteer([]).lookup("GPU") == ()


def test_read_a_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "v.ttl").write_text(
        HEADER
        + 'v:b a skos:Concept, kg:Hardware ; skos:prefLabel "B1"@en ; skos:altLabel "Bee"@en, "B1"@en ;\n'
        + "  skos:broader v:a ; skos:exactMatch <http://www.wikidata.org/entity/Q1> ; kg:caseSensitive true .\n"
        + "v:s a skos:ConceptScheme .\n",
        encoding="utf-8",
    )
    assert load(tmp_path.glob("*.ttl")) == (
        Concept(
            "https://example.org/v/b",
            EntityType.HARDWARE,
            ("B1", "Bee"),
            ("https://example.org/v/a",),
            ("http://www.wikidata.org/entity/Q1",),
            True,
        ),
    )
    assert default_gazetteer(tmp_path).lookup("Bee")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v:b a skos:Concept", r"v\.ttl: not a Turtle vocabulary"),
        ('v:b a skos:Concept ; skos:prefLabel "B" .', "one of the classes Method"),
        ("v:b a skos:Concept, kg:Method .", "needs one skos:prefLabel"),
    ],
)
def test_faults_of_a_vocabulary(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "v.ttl").write_text(HEADER + text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load([tmp_path / "v.ttl"])


def test_shipped_vocabularies_know_well_known_things() -> None:
    gazetteer = default_gazetteer()
    assert len(gazetteer.concepts) >= 1500
    for name, kind in (
        ("COCO", "Dataset"),
        ("the NVIDIA A100", "Hardware"),
        ("object detection", "Task"),
        ("BERT", "Method"),
    ):
        assert {c.type.value for c in gazetteer.lookup(name)} == {kind}, name


def test_a_long_text_is_matched_as_a_short_one() -> None:
    gazetteer = default_gazetteer()
    text = "We evaluate pruned ResNet-50 models on ImageNet with an A100 GPU; at is not a data set. "
    assert len(gazetteer.find(text * 1600)) == 1600 * len(gazetteer.find(text)) > 0


def test_a_label_with_hyphen_and_space_is_found_whole() -> None:
    found = default_gazetteer().find("It reaches 82.7% top-1 accuracy by low-rank adaptation.")
    assert [m.label for m in found] == ["top-1 accuracy", "low-rank adaptation"]


def test_kept_normal_forms_are_in_step_with_the_vocabularies() -> None:
    directory = data("ontology/vocab")
    concepts = load(directory.glob("*.ttl"))
    assert (directory / KEYS).read_bytes() == made_keys(concepts), "run: python -m kg.vocabulary"


def test_kept_normal_forms_find_what_worked_out_ones_find(tmp_path: Path) -> None:
    concepts = [*GAZETTEER.concepts, Concept("v:words", EntityType.TASK, ("7 scenes", "modelling of matrices"))]
    (tmp_path / KEYS).write_bytes(made_keys(concepts))
    keys = read_keys(tmp_path / KEYS, concepts)
    assert keys
    assert set(keys.values()) >= {"7scene", "frechetinceptiondistance"}
    known, plain = Gazetteer(concepts, keys), Gazetteer(concepts)
    for name in ("the modeling of a matrix", "modeling of matrix", "Frechet inception distances", "7-Scene", "none"):
        assert known.lookup(name) == plain.lookup(name), name
    assert known.lookup("modeling of matrix")


def test_normal_forms_of_other_labels_are_not_taken(tmp_path: Path) -> None:
    file = tmp_path / KEYS
    assert read_keys(file, GAZETTEER.concepts) is None
    file.write_bytes(made_keys(GAZETTEER.concepts[1:]))
    assert read_keys(file, GAZETTEER.concepts) is None
    for broken in (b"", b"[]", b"{}", b'{"keys": {}}', b"\xff"):
        file.write_bytes(broken)
        assert read_keys(file, GAZETTEER.concepts) is None
