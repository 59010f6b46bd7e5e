"""RDF and table exports: what is written, that every format says the same, and that files are replaced whole."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import os
import random
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
import rdflib.compare
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import export as exports
from kg.errors import InputError, KGError
from kg.export import FORMATS, ExportOptions, Format, Output, export
from kg.export.rdf import decimal_literal
from kg.export.tables import EDGE_COLUMNS, NODE_COLUMNS, guard
from kg.export.text import clean
from kg.model import Claim, Entity, EntityType, KnowledgeGraph, Paper, Relation
from tests.graphs import HOSTILE, Draft, hostile, vision

ROOT = Path(__file__).resolve().parent.parent
SCORE = ROOT.parent / "shared" / "gold" / "score.py"
RDF = {"ttl": ox.RdfFormat.TURTLE, "nt": ox.RdfFormat.N_TRIPLES, "jsonld": ox.RdfFormat.JSON_LD}
PREFIX = """
PREFIX kg: <https://w3id.org/paper-kg/ontology#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX schema: <https://schema.org/>
PREFIX method: <https://w3id.org/paper-kg/id/method/>
PREFIX dataset: <https://w3id.org/paper-kg/id/dataset/>
"""


def written(graph: KnowledgeGraph, name: str, options: ExportOptions | None = None) -> list[bytes]:
    contents = []
    for output in FORMATS[name].outputs:
        stream = io.BytesIO()
        output.write(graph, stream, options or ExportOptions())
        contents.append(stream.getvalue())
    return contents


def triples(graph: KnowledgeGraph, name: str = "ttl") -> set[str]:
    return {str(quad) for quad in ox.parse(input=written(graph, name)[0], format=RDF[name])}


@pytest.fixture(scope="module")
def store() -> ox.Store:
    store = ox.Store()
    store.load(input=written(vision(), "ttl")[0], format=ox.RdfFormat.TURTLE)
    return store


def select(store: ox.Store, query: str) -> list[tuple[str, ...]]:
    rows = store.query(PREFIX + query)
    assert isinstance(rows, ox.QuerySolutions)
    names = [variable.value for variable in rows.variables]
    return sorted(tuple(str(getattr(row[name], "value", "")) for name in names) for row in rows)


@pytest.mark.parametrize("make", [vision, hostile])
def test_all_rdf_formats_say_the_same(make: Any) -> None:
    graph = make()
    turtle = triples(graph)
    assert len(turtle) > 300
    assert triples(graph, "nt") == turtle
    assert triples(graph, "jsonld") == turtle


def test_turtle_is_read_alike_by_another_library() -> None:
    turtle, nt = written(hostile(), "ttl")[0], written(hostile(), "nt")[0]
    left = rdflib.Graph().parse(data=turtle, format="turtle")
    right = rdflib.Graph().parse(data=nt, format="nt")
    assert len(left) == len(right) == len(triples(hostile()))
    assert rdflib.compare.isomorphic(left, right)


def test_turtle_reads_well() -> None:
    text = written(vision(), "ttl")[0].decode()
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "#### Papers",
        "#### Things",
        "#### Claims",
        "#### Results",
    ]
    assert (
        "\nmethod:resnet-50 a kg:Method, kg:Baseline ;\n"
        '    skos:prefLabel "ResNet-50" ;\n'
        '    skos:altLabel "ResNet50", "resnet 50" ;\n'
        "    skos:exactMatch <https://w3id.org/paper-kg/vocab/methods/resnet-50> ;\n"
        "    skos:closeMatch <http://www.wikidata.org/entity/Q43744058> .\n"
    ) in text
    subjects = [line.split()[0] for line in text.splitlines() if " a kg:" in line and not line.startswith(" ")]
    assert len(subjects) == len(set(subjects)), "each subject has one paragraph"


def test_paper_with_bibliographic_data(store: ox.Store) -> None:
    found = select(
        store,
        """SELECT ?p ?o (DATATYPE(?o) AS ?type) { ?paper dcterms:identifier "arxiv:2411.00001" ; ?p ?o
        FILTER(?p NOT IN (dcterms:abstract, kg:proposes)) }""",
    )
    local = {(p.rsplit("/", 1)[-1].rsplit("#", 1)[-1], o, t.rsplit("#", 1)[-1]) for p, o, t in found}
    assert local == {
        ("type", "https://w3id.org/paper-kg/ontology#Paper", ""),
        ("title", "RowNet: Rows for Vision", "string"),
        ("alternative", "RowNet - Rows for Vision!", "string"),
        ("creator", "Ada Byron", "string"),
        ("creator", "Grace Hopper", "string"),
        ("authorCount", "2", "integer"),
        ("date", "2024-11-12", "date"),
        ("venue", "arXiv", "string"),
        ("identifier", "arxiv:2411.00001", "string"),
        ("url", "https://arxiv.org/abs/2411.00001", ""),
    }


@pytest.mark.parametrize(
    ("date", "datatype"),
    [
        ("2024-11-12", "date"),
        ("2024-11", "gYearMonth"),
        ("2024", "gYear"),
        ("--02-29", "gMonthDay"),
        ("2023-02-29", "string"),
        ("2024-13", "string"),
        ("--13-01", "string"),
        ("Nov 2024", "string"),
    ],
)
def test_dates_are_typed_by_precision(date: str, datatype: str) -> None:
    graph = KnowledgeGraph(papers=(Paper("T", date=date),))
    (found,) = [line for line in written(graph, "nt")[0].decode().splitlines() if "terms/date>" in line]
    suffix = f"^^<http://www.w3.org/2001/XMLSchema#{datatype}>" if datatype != "string" else ""
    assert found.endswith(f'"{date}"{suffix} .')


def test_entity_has_one_label_and_each_other_name_once() -> None:
    entity = Entity("method/a", EntityType.METHOD, "A\x00", ("b", "A\ufffd", "A\x00", "b", "a"))
    found = [
        line.split(" ", 2)[1:] for line in written(KnowledgeGraph(entities=(entity,)), "nt")[0].decode().splitlines()
    ]
    labels = sorted((p.rsplit("#", 1)[-1][:-1], o.removesuffix(" .")) for p, o in found if "Label" in p)
    assert labels == [("altLabel", '"a"'), ("altLabel", '"b"'), ("prefLabel", '"A\ufffd"')]


def test_claim_of_a_kind_of_use_has_both_predicates_and_both_triples(store: ox.Store) -> None:
    assert select(store, "SELECT ?p { method:thincut ?p dataset:imagenet }") == [
        ("https://w3id.org/paper-kg/ontology#evaluatedOn",),
        ("https://w3id.org/paper-kg/ontology#uses",),
    ]
    rows = select(
        store,
        """SELECT ?p ?title ?confidence ?words {
        ?c a kg:Claim ; rdf:subject method:thincut ; rdf:object dataset:imagenet ; rdf:predicate ?p ;
        kg:statedIn/dcterms:title ?title ; kg:confidence ?confidence ; kg:evidence/kg:surfaceForm ?words }""",
    )
    title = "ThinCut: Network Pruning for Small Boards"
    assert rows == [
        ("https://w3id.org/paper-kg/ontology#evaluatedOn", title, "0.88", "ImageNet"),
        ("https://w3id.org/paper-kg/ontology#uses", title, "0.88", "ImageNet"),
    ]


def test_each_asserted_triple_has_a_claim_and_each_claim_its_triple(store: ox.Store) -> None:
    asserted = select(
        store,
        """SELECT ?s ?p ?o { ?s ?p ?o . FILTER(?p IN (kg:proposes, kg:comparesTo, kg:targets, kg:uses, kg:evaluatedOn,
        kg:trainedOn, kg:buildsOn, kg:runsOn)) }""",
    )
    claimed = select(store, "SELECT ?s ?p ?o { ?c a kg:Claim ; rdf:subject ?s ; rdf:predicate ?p ; rdf:object ?o }")
    assert asserted == claimed
    expected = {(c.subject, r.value, c.object) for c in vision().claims for r in (c.relation, c.relation.general)}
    assert len(asserted) == len(expected) == 18


def test_baseline_is_found_through_the_headline_and_without_it(store: ox.Store) -> None:
    rows = select(
        store,
        "SELECT ?title { ?paper a kg:Paper ; dcterms:title ?title ; kg:proposes?/kg:comparesTo method:resnet-50 }",
    )
    assert rows == [("RowNet: Rows for Vision",)]


def test_offsets_mark_the_surface_form_in_the_exported_text() -> None:
    store = ox.Store()
    store.load(input=written(hostile(), "nt")[0], format=ox.RdfFormat.N_TRIPLES)
    rows = store.query(
        PREFIX
        + """SELECT ?text ?start ?end ?words {
        ?e kg:section ?section ; kg:start ?start ; kg:end ?end ; kg:surfaceForm ?words ; kg:inPaper ?p .
        ?p dcterms:title ?title ; dcterms:abstract ?abstract
        BIND(IF(?section = "title", ?title, ?abstract) AS ?text) }"""
    )
    found = [(row["text"].value, int(row["start"].value), int(row["end"].value), row["words"].value) for row in rows]
    assert len(found) == 2 * len(HOSTILE)
    assert all(text[start:end] == words for text, start, end, words in found)
    assert {words for *_, words in found} == {clean(text) for text in HOSTILE}


def test_results_keep_what_the_text_says(store: ox.Store) -> None:
    rows = select(
        store,
        """SELECT ?metric ?value (DATATYPE(?value) AS ?type) ?text ?unit ?direction ?bound ?m ?b ?d {
        ?r a kg:Result ; kg:metric/skos:prefLabel ?metric ; kg:value ?value ; kg:valueText ?text .
        ?r kg:statedIn ?p ; kg:evidence ?e .
        OPTIONAL { ?r kg:unit ?unit } OPTIONAL { ?r kg:direction ?direction } OPTIONAL { ?r kg:bound ?bound }
        OPTIONAL { ?r kg:ofMethod/skos:prefLabel ?m } OPTIONAL { ?r kg:againstBaseline/skos:prefLabel ?b }
        OPTIONAL { ?r kg:onDataset/skos:prefLabel ?d } }""",
    )
    decimal = "http://www.w3.org/2001/XMLSchema#decimal"
    assert rows == [
        ("speed", "2.5", decimal, "2.5", "x", "up", "about", "ThinCut", "ResNet-50", ""),
        ("speed", "6.5", decimal, "6.5", "x", "up", "", "RowNet", "ResNet-50", ""),
        ("top-1 accuracy", "82.7", decimal, "82.7", "%", "", "", "RowNet", "", "ImageNet"),
    ]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("82.70", "82.70"),
        ("-3", "-3"),
        ("1e3", "1000"),
        ("1E-3", "0.001"),
        ("1e999", None),
        ("inf", None),
        ("40-76", None),
    ],
)
def test_values_are_decimals_or_absent(text: str, plain: str | None) -> None:
    literal = decimal_literal(text)
    assert (literal.value if literal else None) == plain


def test_evidence_that_supports_two_statements_is_described_once() -> None:
    draft = Draft()
    paper = draft.paper("T", "Uses Net on Set.")
    net = draft.entity(EntityType.METHOD, "Net")
    words = draft.quote(paper, "Net")
    draft.claim(paper.id, Relation.BUILDS_ON, net, 0.5, words)
    draft.claim(paper.id, Relation.COMPARES_TO, net, 0.5, words)
    draft.result(paper, "Net", "m", "1", "%")
    text = written(draft.graph(), "ttl")[0].decode()
    assert text.count(" a kg:Evidence") == 1
    assert text.count(f"kg:evidence {words.id.replace('/', ':')}") == 3


def test_base_moves_things_and_their_prefixes() -> None:
    base = "https://example.org/my#"
    text = written(vision(), "ttl", ExportOptions(base=base))[0].decode()
    assert "@prefix method: <https://example.org/my#method/> ." in text
    assert "paper-kg/id/" not in text
    moved = {str(quad) for quad in ox.parse(input=text, format=ox.RdfFormat.TURTLE)}
    assert moved == {line.replace("https://w3id.org/paper-kg/id/", base) for line in triples(vision())}


@pytest.mark.parametrize(
    "base", ["", "things/", "https://example.org/x", "https://example.org/a b/", "https://e.org/<x>/"]
)
def test_a_wrong_base_is_refused(base: str) -> None:
    with pytest.raises(InputError, match="give for instance"):
        ExportOptions(base=base)


def test_jsonld_is_a_plain_document_with_one_node_a_line() -> None:
    content = written(vision(), "jsonld")[0].decode()
    document = json.loads(content)
    nodes = {node["@id"]: node for node in document["@graph"]}
    assert nodes["method:thincut"] == {
        "@id": "method:thincut",
        "@type": "kg:Method",
        "skos:prefLabel": "ThinCut",
        "kg:targets": ["hardware:jetson-nano", "task:network-pruning"],
        "kg:uses": ["dataset:cifar-10", "dataset:imagenet", "method:resnet-50"],
        "kg:evaluatedOn": "dataset:imagenet",
        "kg:trainedOn": "dataset:cifar-10",
        "kg:buildsOn": "method:resnet-50",
    }
    assert content.count("\n") == len(nodes) + 3
    assert json.loads(written(KnowledgeGraph(), "jsonld")[0])["@graph"] == []


def test_broken_graphs_are_refused() -> None:
    graph = vision()
    claim = graph.claims[0]
    with pytest.raises(KGError, match="points at method/nothing"):
        written(dataclasses.replace(graph, claims=(dataclasses.replace(claim, object="method/nothing"),)), "nt")
    stray = Claim("paper/nothing", claim.relation, claim.object, claim.papers, 0.5, claim.evidence)
    with pytest.raises(KGError, match="speaks of paper/nothing"):
        written(dataclasses.replace(graph, claims=(stray,)), "nt")
    wrong = Entity("method/x", EntityType.METHOD, "X", matches=("no iri",))
    with pytest.raises(KGError, match="X: its match 'no iri' is not an IRI"):
        written(KnowledgeGraph(entities=(wrong,)), "nt")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), min_size=1, max_size=30))
def test_any_text_survives_every_rdf_format(text: str) -> None:
    graph = KnowledgeGraph(
        papers=(Paper(text, text, authors=(text,)),),
        entities=(Entity("method/x", EntityType.METHOD, text, (text + "2",)),),
    )
    found = triples(graph)
    assert triples(graph, "nt") == found
    assert triples(graph, "jsonld") == found
    values = {quad.object.value for quad in ox.parse(input=written(graph, "ttl")[0], format=ox.RdfFormat.TURTLE)}
    assert clean(text) in values
    assert len(clean(text)) == len(text)


def test_scorer_reads_the_vocabulary(tmp_path: Path) -> None:
    if not SCORE.exists():
        pytest.skip("needs ../shared/gold/score.py")
    (path,) = export(vision(), tmp_path, ["ttl"])
    papers = runpy.run_path(str(SCORE))["load_rdf"](path)
    paper = papers["thincutnetworkpruningforsmallboards"]
    found = {
        rel: {(item["name"], item["type"]) for item in paper[rel]}
        for rel in ("proposes", "uses", "targets", "compares_to")
    }
    assert found == {
        "proposes": {("ThinCut", "method")},
        "uses": {("ResNet-50", "method"), ("ImageNet", "dataset"), ("CIFAR-10", "dataset")},
        "targets": {("Jetson Nano", "hardware"), ("network pruning", "task")},
        "compares_to": set(),
    }
    assert [len(paper[rel]) for rel in ("proposes", "uses", "targets")] == [1, 3, 2]
    assert paper["results"] == [{"value": "2.5", "unit": "x"}]
    assert {item["name"] for item in papers["anoteonimageclassification"]["compares_to"]} == {"ResNet-50"}


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_tables_hold_every_node_and_edge() -> None:
    graph = vision()
    nodes, edges = written(graph, "csv")
    assert nodes.decode().splitlines()[0] == ",".join(NODE_COLUMNS)
    assert edges.decode().splitlines()[0] == ",".join(EDGE_COLUMNS)
    by_id = {row["Id"]: row for row in rows(nodes)}
    assert set(by_id) == {item.id for item in (*graph.papers, *graph.things)}
    resnet = by_id["method/resnet-50"]
    assert (resnet["Label"], resnet["Type"], resnet["Baseline"], resnet["Papers"]) == (
        "ResNet-50",
        "Method",
        "true",
        "3",
    )
    assert resnet["Aliases"] == "ResNet50 | resnet 50"
    claims = {claim.id: claim for claim in graph.claims}
    for row in rows(edges):
        claim = claims.pop(row["Id"])
        assert (row["Source"], row["Label"], row["Target"]) == (claim.subject, claim.relation.value, claim.object)
        assert (row["Type"], row["Relation"], row["Confidence"]) == (
            "Directed",
            claim.relation.general.value,
            str(claim.confidence),
        )
        assert row["Weight"] == str(float(len(claim.papers)))
        assert all(evidence.sentence in row["Evidence"] for evidence in claim.evidence)
    assert not claims


def test_tables_keep_hostile_text_as_text() -> None:
    nodes, _ = written(hostile(), "csv")
    labels = {row["Label"] for row in rows(nodes)}
    assert labels == {guard(clean(text)) for text in HOSTILE}
    assert not any(label.startswith(("=", "+", "-", "@")) for label in labels)


def test_registry_names_files_that_do_not_collide() -> None:
    files = [output.filename for format_ in FORMATS.values() for output in format_.outputs]
    assert len(files) == len(set(files))
    default = {name for name, format_ in FORMATS.items() if format_.default}
    assert default >= {"ttl", "store", "jsonld", "graphml", "csv", "html"}
    assert not default & {"nt", "nanopub", "neo4j"}
    assert all(format_.name == name and format_.title for name, format_ in FORMATS.items())


def test_export_writes_what_is_asked_in_the_order_of_the_registry(tmp_path: Path) -> None:
    paths = export(vision(), tmp_path / "new" / "folder", ["csv", "nt", "ttl"])
    assert [path.name for path in paths] == ["graph.ttl", "graph.nt", "nodes.csv", "edges.csv"]
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(path.name for path in paths)
    assert len({path.stat().st_mtime_ns for path in paths}) == 1
    mask = os.umask(0)
    os.umask(mask)
    assert paths[0].stat().st_mode & 0o777 == 0o666 & ~mask


def test_unknown_format_and_wrong_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"no export format gexf, pdf; there are {', '.join(FORMATS)}"):
        export(vision(), tmp_path, ["pdf", "gexf", "ttl"])
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="not a folder"):
        export(vision(), file, ["ttl"])
    with pytest.raises(InputError, match="not a folder"):
        export(vision(), file / "below", ["ttl"])


def test_a_failed_export_leaves_the_former_files_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(vision(), tmp_path, ["ttl", "csv"])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(graph: KnowledgeGraph, stream: Any, options: ExportOptions) -> None:
        stream.write(b"half a fi")
        raise OSError(28, "No space left on device")

    last = Format("broken", "fails", (Output("edges.csv", "text/csv", fail),))
    monkeypatch.setattr(exports, "_ALL", (FORMATS["ttl"], last))
    with pytest.raises(KGError, match="No space left on device"):
        export(hostile(), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_leftovers_of_killed_exports_go_away_and_nothing_else(tmp_path: Path) -> None:
    half = tmp_path / ".commit" / "new-0123456789abcdef" / "graph.nt"
    half.parent.mkdir(parents=True)
    half.write_text("half a fi", encoding="utf-8")
    (tmp_path / ".mine").write_text("x", encoding="utf-8")
    export(vision(), tmp_path, ["nt"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine", "graph.nt"]


def shuffled(graph: KnowledgeGraph, seed: int) -> KnowledgeGraph:
    """The same graph with every order changed that carries no meaning."""
    rnd = random.Random(seed)

    def mix(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(rnd.sample(items, len(items)))

    entities = (
        dataclasses.replace(e, aliases=mix(e.aliases), matches=mix(e.matches), papers=mix(e.papers))
        for e in graph.entities
    )
    claims = (dataclasses.replace(c, papers=mix(c.papers), evidence=mix(c.evidence)) for c in graph.claims)
    return KnowledgeGraph(mix(graph.papers), mix(tuple(entities)), mix(tuple(claims)), mix(graph.results))


@pytest.mark.parametrize("name", ["ttl", "nt", "jsonld", "csv", "graphml"])
def test_order_does_not_change_a_byte(name: str) -> None:
    for graph in (vision(), hostile()):
        assert written(shuffled(graph, 7), name) == written(graph, name)


def test_hash_seed_does_not_change_a_byte(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\nfrom tests.graphs import vision\nfrom kg.export import export\n"
        "export(vision(), pathlib.Path(sys.argv[1]), ['ttl', 'nt', 'jsonld', 'csv', 'graphml'])"
    )
    digests = []
    for seed in ("0", "4242"):
        out = tmp_path / seed
        subprocess.run(
            [sys.executable, "-c", code, str(out)], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, check=True
        )
        digests.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()})
    assert digests[0] == digests[1]
    assert len(digests[0]) == 6


def test_files_written_by_another_process_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = vision()
    formats = ("ttl", "jsonld", "csv", "void", "names", "graphml")
    together = export(graph, tmp_path / "one", formats)
    monkeypatch.setattr("kg.export.APART", 0)
    apart = export(graph, tmp_path / "two", formats)
    assert [path.name for path in apart] == [path.name for path in together]
    for path in apart:
        assert path.read_bytes() == (tmp_path / "one" / path.name).read_bytes(), path.name


def test_fault_beside_another_process_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.export.APART", 0)
    wrong = Entity("method/x", EntityType.METHOD, "X", matches=("no iri",))
    with pytest.raises(KGError, match="is not an IRI"):
        export(KnowledgeGraph(entities=(wrong,)), tmp_path, ("csv", "jsonld", "graphml"))
    assert not list(tmp_path.iterdir())


def test_fault_in_another_process_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.export.APART", 0)
    graph = vision()
    lost = tuple(dataclasses.replace(result, method="method/gone") for result in graph.results)
    assert lost
    with pytest.raises(KGError, match="names method/gone"):
        export(dataclasses.replace(graph, results=lost), tmp_path, ("ttl", "jsonld", "neo4j"))
    assert not list(tmp_path.iterdir())
