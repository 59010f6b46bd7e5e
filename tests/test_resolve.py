"""Laws of resolution: order, repetition, chains, reasons; and what the graph says of merged things."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.export import export
from kg.extract.abbreviations import abbreviations
from kg.extract.grouping import Definition, same_thing, trusted
from kg.model import (
    EntityType,
    Evidence,
    Extraction,
    KnowledgeGraph,
    LocalClaim,
    LocalEntity,
    LocalResult,
    Paper,
    Relation,
)
from kg.report import Report
from kg.resolve import join, resolve, spread
from kg.resolve.alone import Alone
from kg.resolve.belief import SHARE, SUPPORT, combine
from kg.resolve.expansions import expansion_key
from kg.resolve.labels import best_label
from kg.spool import Table
from kg.state import FOLDER, load_state
from kg.state.extractions import EXTRACTIONS, content_key, index
from kg.state.outlines import Part, keep_outlines, outlines_folder, parts_of, read_outline
from kg.text import name_key
from kg.vocabulary import Concept, Gazetteer, default_gazetteer
from tests.names import paper_with

METHOD, DATASET, HARDWARE, TASK, METRIC = EntityType
GAZETTEER = Gazetteer(
    [
        Concept("v:resnet50", METHOD, ("ResNet-50", "R50", "residual network with 50 layers")),
        Concept("v:resnet101", METHOD, ("ResNet-101",)),
        Concept(
            "v:coco", DATASET, ("COCO", "MS COCO", "Common Objects in Context"), matches=("http://example.org/coco",)
        ),
        Concept("v:a100", HARDWARE, ("NVIDIA A100", "A100")),
        Concept("v:nas", METHOD, ("neural architecture search", "NAS")),
        Concept("v:captioning", TASK, ("image captioning",)),
        Concept("v:map", METRIC, ("mean average precision", "mAP")),
    ]
)
# Long names of which neighbours share their initials, so that chains of abbreviations can form.
SHORT = ("AP", "SNN", "GAT", "R50", "NAS")
LONG = (
    "access point", "application processor", "affinity propagation", "spiking neural network",
    "spiking neural networks", "Siamese neural network", "graph attention network", "guided adversarial training",
    "residual network with 50 layers", "neural architecture search", "network-attached storage",
)  # fmt: skip
PLAIN = ("COCO", "coco dataset", "MS-COCO", "ResNet 50", "ResNet-101", "8 A100 GPUs", "A100", "image caption", "Netto")


@st.composite
def entities(draw: st.DrawFn) -> tuple[EntityType, str, tuple[str, str] | None]:
    kind = draw(st.sampled_from([METHOD, DATASET, HARDWARE, TASK]))
    if draw(st.booleans()):
        return kind, draw(st.sampled_from((*PLAIN, *SHORT, *LONG))), None
    short = draw(st.sampled_from(SHORT))
    long_ = draw(st.sampled_from([name for name in LONG if name[0].casefold() == short[0].casefold()]))
    return kind, short, (short, long_)


RELATION = {
    METHOD: Relation.COMPARES_TO,
    DATASET: Relation.EVALUATED_ON,
    HARDWARE: Relation.RUNS_ON,
    TASK: Relation.TARGETS,
}


def extraction(number: int, drawn: list[tuple[EntityType, str, tuple[str, str] | None]]) -> tuple[Paper, Extraction]:
    paper = Paper(title=f"Paper {number}")
    found: dict[str, LocalEntity] = {}
    for kind, name, definition in drawn:
        names = definition or (name,)
        text = " ".join(names)
        mention = Evidence(paper.id, "abstract", 0, len(names[0]), names[0], text, 0)
        entity = LocalEntity(
            name_key(names[0]), kind, names, (mention,), 0.8, None, (definition,) if definition else ()
        )
        found.setdefault(entity.ref, entity)
    claims = tuple(LocalClaim(RELATION[e.type], e.ref, 0.7, e.mentions) for e in found.values())
    results = tuple(
        LocalResult(metric, "4.5", "4.5", "%", e.mentions[0], method=e.ref)
        for metric, e in zip(("mAP", "mean average precision", "loss"), found.values(), strict=False)
    )
    headline = next((e.ref for e in found.values() if e.type is METHOD), None)
    return paper, Extraction(paper.id, tuple(found.values()), claims, results, headline)


PAPERS = st.lists(st.lists(entities(), max_size=4), max_size=5).map(
    lambda p: [extraction(k, e) for k, e in enumerate(p)]
)


def graph_of(things: list[tuple[Paper, Extraction]]) -> KnowledgeGraph:
    return resolve([p for p, _ in things], [e for _, e in things], GAZETTEER)


@settings(deadline=None)
@given(PAPERS, st.randoms(use_true_random=False))
def test_order_does_not_matter(things: list[tuple[Paper, Extraction]], chance: random.Random) -> None:
    papers, extractions = [p for p, _ in things], [e for _, e in things]
    expected = resolve(papers, extractions, GAZETTEER)
    chance.shuffle(papers)
    chance.shuffle(extractions)
    turned = [
        replace(e, entities=e.entities[::-1], claims=e.claims[::-1], results=e.results[::-1]) for e in extractions
    ]
    assert resolve(papers, turned, GAZETTEER) == expected


@settings(deadline=None)
@given(PAPERS)
def test_what_is_said_twice_counts_once(things: list[tuple[Paper, Extraction]]) -> None:
    papers, extractions = [p for p, _ in things], [e for _, e in things]
    assert resolve(papers, extractions * 2, GAZETTEER) == resolve(papers, extractions, GAZETTEER)


@settings(deadline=None)
@given(PAPERS)
def test_no_chain_joins_what_differs_at_its_ends(things: list[tuple[Paper, Extraction]]) -> None:
    for node in graph_of(things).entities:
        long_names = {n for n in (node.label, *node.aliases) if n in LONG}
        assert len({expansion_key(n) for n in long_names}) <= 1, node


@settings(deadline=None)
@given(PAPERS)
def test_every_merge_has_a_reason_and_every_name_a_merge(things: list[tuple[Paper, Extraction]]) -> None:
    graph = graph_of(things)
    assert all(m.reason for m in graph.merges)
    merged = {(m.entity, m.right) for m in graph.merges}
    assert merged == {(node.id, alias) for node in graph.entities for alias in node.aliases}


@settings(deadline=None)
@given(PAPERS)
def test_nothing_is_lost(things: list[tuple[Paper, Extraction]]) -> None:
    graph = graph_of(things)
    assert len({node.id for node in graph.entities}) == len(graph.entities)
    by_paper = {
        (paper, name) for node in graph.entities for paper in node.papers for name in (node.label, *node.aliases)
    }
    assert all((e.paper, name) in by_paper for _, e in things for x in e.entities for name in x.names)
    known = {node.id for node in graph.entities} | {p.id for p in graph.papers}
    assert all({c.subject, c.object} <= known for c in graph.claims)
    assert {c.object for c in graph.claims if c.relation is Relation.COMPARES_TO} == {
        n.id for n in graph.entities if n.baseline
    }
    assert {(r.paper, r.evidence) for r in graph.results} == {
        (e.paper, r.evidence) for _, e in things for r in e.results
    }
    kind = {n.id: n.type for n in graph.entities}
    assert all(r.metric in known and kind.get(r.method or "", METHOD) is not TASK for r in graph.results)


@settings(deadline=None, max_examples=50)
@given(PAPERS)
def test_a_name_of_one_paper_has_one_node_for_its_type(things: list[tuple[Paper, Extraction]]) -> None:
    graph = graph_of(things)
    for _, e in things:
        for kind in (TASK,):
            mine = [x for x in e.entities if x.type is kind and x.names == ("Netto",)]
            nodes = [
                n for n in graph.entities if n.type is kind and e.paper in n.papers and "Netto" in (n.label, *n.aliases)
            ]
            assert len(nodes) == len(mine)


def labels(*things: tuple[Paper, Extraction]) -> dict[str, str]:
    """Return the label and type of the node by paper title."""
    graph = graph_of(list(things))
    titles = {p.id: p.title for p in graph.papers}
    return {titles[paper]: f"{n.label} ({n.type})" for n in graph.entities for paper in n.papers}


def test_homonyms_stay_apart_and_the_bare_name_joins_neither() -> None:
    found = labels(
        paper_with("wifi", HARDWARE, "AP", ("AP", "access point")),
        paper_with("clusters", METHOD, "AP", ("AP", "affinity propagation")),
        paper_with("bare", METHOD, "AP"),
    )
    assert found == {"wifi": "AP (Hardware)", "clusters": "affinity propagation (Method)", "bare": "AP (Method)"}


def test_one_known_expansion_explains_the_bare_abbreviation() -> None:
    things = [
        paper_with("defines", METHOD, "GAT", ("GAT", "graph attention network")),
        paper_with("uses", METHOD, "GATs"),
    ]
    assert set(labels(*things).values()) == {"GAT (Method)"}
    reasons = {m.right: m.reason for m in graph_of(things).merges}
    assert reasons["graph attention network"] == "abbreviation defined in the paper"
    # Hardware of that name is something else.
    assert len(set(labels(*things, paper_with("chip", HARDWARE, "GAT")).values())) == 2


def test_paper_definition_beats_the_vocabulary() -> None:
    found = labels(
        paper_with("storage", HARDWARE, "NAS", ("NAS", "network-attached storage")),
        paper_with("search", METHOD, "NAS"),
        paper_with("spelt", METHOD, "NAS", ("NAS", "Neural Architecture Searches")),
    )
    assert found["search"] == found["spelt"] == "neural architecture search (Method)"
    assert found["storage"] == "NAS (Hardware)"


def test_vocabulary_gives_label_concept_and_links() -> None:
    (node,) = graph_of([paper_with("one", DATASET, "the MS COCO dataset"), paper_with("two", METHOD, "COCO")]).entities
    assert (node.label, node.type, node.concept, node.matches) == (
        "COCO",
        DATASET,
        "v:coco",
        ("http://example.org/coco",),
    )
    assert node.aliases == ("the MS COCO dataset",)


def test_type_by_vote_but_technique_and_task_are_two() -> None:
    votes = [paper_with(str(k), kind, "Netto") for k, kind in enumerate((METHOD, DATASET, DATASET, TASK))]
    assert set(labels(*votes).values()) == {"Netto (Dataset)", "Netto (Task)"}


def test_short_acronym_of_drive_and_detector_is_two_things() -> None:
    assert len(set(labels(paper_with("drive", HARDWARE, "SSD"), paper_with("detector", METHOD, "SSD")).values())) == 2


def test_task_in_another_form() -> None:
    found = labels(paper_with("one", TASK, "image caption"), paper_with("two", TASK, "image captioning tasks"))
    assert set(found.values()) == {"image captioning (Task)"}
    found = labels(paper_with("one", TASK, "gesture parse"), paper_with("two", TASK, "gesture parsing"))
    assert len(set(found.values())) == 1


def test_label_is_the_commonest_name_whatever_the_order() -> None:
    things = [paper_with(str(k), METHOD, name) for k, name in enumerate(("Net-To", "NetTo", "NetTo", "netto"))]
    assert {labels(*things)[str(k)] for k in range(4)} == {"NetTo (Method)"}
    assert {labels(*things[::-1])[str(k)] for k in range(4)} == {"NetTo (Method)"}


def test_labels_prefer_plain_text_and_lower_case_tasks() -> None:
    from collections import Counter

    assert best_label(Counter({r"$\beta$-VAE": 5, "β-VAE": 1}), METHOD) == "β-VAE"
    assert best_label(Counter({"Image Captioning": 5, "image captioning": 1}), TASK) == "image captioning"
    assert best_label(Counter({"8 X1 boards": 5, "X1 board": 1}), HARDWARE) == "X1 board"


def test_claims_of_two_papers_are_one_claim_with_both_sources() -> None:
    things = [extraction(k, [(DATASET, name, None)]) for k, name in enumerate(("COCO", "MS COCO", "ResNet-101"))]
    graph = graph_of(things)
    by_object = {c.object: c for c in graph.claims}
    assert {c.subject for c in graph.claims} == {p.id for p, _ in things}
    # The third paper calls a method a dataset: the vocabulary corrects the type, the kind of use follows it.
    assert by_object["method/resnet-101"].relation is Relation.BUILDS_ON


def test_a_result_is_on_a_dataset_or_on_none() -> None:
    paper, said = extraction(0, [(DATASET, "ResNet-50", None), (DATASET, "CIFAR-10", None)])
    first, second = said.entities
    results = tuple(
        LocalResult("accuracy", value, value, "%", e.mentions[0], dataset=e.ref)
        for value, e in (("1", first), ("2", second))
    )
    graph = resolve([paper], [replace(said, results=results)], GAZETTEER)
    assert {(r.value, r.dataset) for r in graph.results} == {("1", None), ("2", "dataset/cifar-10")}


def test_metrics_of_results_are_nodes_under_one_name() -> None:
    graph = graph_of([extraction(0, [(METHOD, "Netto", None), (METHOD, "ResNet 50", None), (METHOD, "R50", None)])])
    assert {n.label for n in graph.entities if n.type is METRIC} == {"mean average precision", "loss"}


def test_two_unlike_extractions_of_one_paper() -> None:
    (paper, one), (_, other) = extraction(0, [(METHOD, "Netto", None)]), extraction(0, [(DATASET, "COCO", None)])
    graph = resolve([paper], [one, other], GAZETTEER)
    assert graph == resolve([paper], [other, one], GAZETTEER)
    assert {n.label for n in graph.entities if n.type is not METRIC} == {"Netto", "COCO"}


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_belief_grows_with_papers(confidences: list[float]) -> None:
    belief = combine(confidences)
    assert round(max(confidences), 4) <= belief <= 1
    assert combine([*confidences, 0.5]) >= belief
    assert combine(confidences[::-1]) == belief


def test_share_of_further_papers_is_the_fitted_one() -> None:
    def error(share: float) -> float:
        alone = SUPPORT[0][1]
        return sum((1 - (1 - alone) * (1 - alone * share) ** (n - 1) - right) ** 2 for n, right in SUPPORT)

    assert min((k / 1000 for k in range(1000)), key=error) == SHARE


@pytest.mark.parametrize(
    ("left", "right", "short", "same"),
    [
        ("convolutional neural networks", "Convolution Neural Network", "CNN", True),
        ("multi-layer perceptron", "multilayer perceptrons", "MLP", True),
        ("generative adversarial nets", "Generative Adversarial Network", "GAN", True),
        ("long short-term memory network", "long short term memory", "LSTM", True),
        ("graph neural network", "graph neural", "GNN", False),
        ("recurrent neural network", "recursive neural network", "RNN", False),
        ("binary neural network", "Bayesian neural network", "BNN", False),
        ("neural processing unit", "network processing unit", "NPU", False),
    ],
)
def test_expansions_that_differ_slightly(left: str, right: str, short: str, same: bool) -> None:
    assert (expansion_key(left, short) == expansion_key(right, short)) == same


def grouped(text: str, *mentions: str) -> list[str]:
    """Return the keys that mentions, found in ``text`` from left to right, have within the paper."""
    definitions = [Definition((1, a.short_start, a.short_end), a.short, a.long) for a in abbreviations(text)]
    found: list[tuple[tuple[int, int, int], str, None]] = []
    at = 0
    for mention in mentions:
        start = text.index(mention, at)
        at = start + 1
        found.append(((1, start, start + len(mention)), mention, None))
    things = same_thing(found, definitions, GAZETTEER)
    return [things[place] for place, _, _ in found]


def test_two_expansions_of_one_abbreviation_in_one_paper() -> None:
    text = "An access point (AP) is near. Each AP counts. Average pooling (AP) follows. This AP is a layer."
    first, short, again, other, pooled, last = grouped(text, "access point", "AP", "AP", "Average pooling", "AP", "AP")
    assert first == short == again
    assert other == pooled == last
    assert first != other


def test_mentions_of_one_paper() -> None:
    text = "COCO dataset, MS COCO, Netto model, Netto, VQA task, image-to-image translation tasks, NAS benchmark, NAS"
    keys = grouped(text, *text.split(", "))
    assert keys[0] == keys[1]
    assert keys[2] == keys[3]
    assert keys[6] != keys[7]
    assert len(set(keys)) == 6


def test_letters_found_here_and_there_are_no_definition() -> None:
    wild = Definition((1, 0, 4), "cGAN", "compare using a discriminator conditioned on the input")
    sound = Definition((1, 0, 4), "PACT", "PArameterized Clipping acTivation")
    assert trusted([wild, sound]) == [sound]


@pytest.mark.parametrize(("limit", "shard"), [(1, 7), (3, 1000), (1000, 7)])
def test_graph_on_disk_equals_that_in_memory(
    examples: tuple[Path, Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, shard: int
) -> None:
    monkeypatch.setattr("kg.resolve.SHARD", shard)
    monkeypatch.setattr("kg.resolve.PAPERS", 2)
    graph = examples[1].graph
    large = join(graph.papers, parts(examples), default_gazetteer(), folder=tmp_path, limit=limit)
    assert isinstance(large.claims, Table) == (limit < len(graph.claims))
    assert large == graph
    written = export(large, tmp_path / "large", ("ttl", "jsonld", "csv", "void", "graphml", "html"))
    export(graph, tmp_path / "small", ("ttl", "jsonld", "csv", "void", "graphml", "html"))
    for path in written:
        assert path.read_bytes() == (tmp_path / "small" / path.name).read_bytes(), path.name
    del large
    assert {path.name for path in tmp_path.iterdir()} == {"large", "small"}, "rows were left behind"


def parts(examples: tuple[Path, Report], outlines: Path | None = None, *, papers: int = 1000) -> list[Part]:
    out = examples[0]
    state = load_state(out)
    assert state is not None
    folder = out / FOLDER / EXTRACTIONS
    wanted = {content_key(p, state.fingerprint): p for p in examples[1].graph.papers[:papers]}
    return parts_of(folder, wanted, index(folder), outlines)


def test_outlines_that_were_kept_say_the_same(examples: tuple[Path, Report], tmp_path: Path) -> None:
    gazetteer = default_gazetteer()
    outlines = outlines_folder(tmp_path, gazetteer)
    made = parts(examples, outlines)
    fresh = [part.outline(Alone(gazetteer)) for part in made]
    keep_outlines([part.name for part in made], folder=made[0].folder, outlines=outlines)
    assert all(read_outline(outlines, part.name) for part in made)
    assert [part.outline(Alone(gazetteer)) for part in made] == fresh
    # A paper that is gone takes along what only it names.
    some = examples[1].graph.papers[:2]
    fewer = join(some, parts(examples, outlines, papers=2), gazetteer)
    assert fewer == join(some, parts(examples, papers=2), gazetteer)
    assert {paper for entity in fewer.entities for paper in entity.papers} <= {paper.id for paper in some}
    (outlines / made[0].name).write_bytes(b"rubbish")
    assert read_outline(outlines, made[0].name) is None
    assert made[0].outline(Alone(gazetteer)) == fresh[0]


@settings(deadline=None)
@given(st.lists(st.text("abc", min_size=1, max_size=3)), st.integers(1, 6))
def test_shards_are_ranges(values: list[str], shards: int) -> None:
    cuts = spread.cut(values, shards)
    assert list(cuts) == sorted(cuts)
    into: list[list[str]] = [[] for _ in range(len(cuts) + 1)]
    spread.sort_out(values, str, cuts, into)
    assert [value for shard in into for value in sorted(shard)] == sorted(values)
