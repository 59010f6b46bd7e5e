"""Questions in SPARQL: bundled and own, every form of answer, every way to be wrong."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import json
import os
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib

from kg.errors import InputError, KGError
from kg.export import export
from kg.model import KnowledgeGraph
from kg.query import FORMATS, QUIET, load_query, questions, run_query, set_values
from kg.query import ask as run
from kg.store import open_graph
from tests.graphs import hostile, vision

ROW, THIN, NOTE = (
    "RowNet: Rows for Vision",
    "ThinCut: Network Pruning for Small Boards",
    "A Note on Image Classification",
)
KG = "https://w3id.org/paper-kg/ontology#"
Rows = list[tuple[str, ...]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built")
    export(vision(), out, ["ttl"])
    return out


def ask(source: Path, query: str, fmt: str = "csv", **values: str) -> str:
    stream = io.BytesIO()
    run_query(source, query, fmt, stream, values=values, width=100)
    return stream.getvalue().decode()


def rows(source: Path, query: str, **values: str) -> Rows:
    """Rows of an answer with the namespace of the ontology shortened."""
    table = csv.reader(io.StringIO(ask(source, query, **values), newline=""))
    return [tuple(cell.replace(KG, "kg:") for cell in row) for row in table][1:]


EXPECTED: dict[str, Rows] = {
    "about": [("kg:evaluatedOn", ROW, "0.93"), ("kg:evaluatedOn", THIN, "0.88")],
    "claims-to-check": [
        ("0.4", "ThinCut", "kg:trainedOn", "CIFAR-10", "Training takes place on CIFAR-10."),
        ("0.55", NOTE, "kg:uses", "CIFAR-10", "RowNet outperforms ResNet-50 in our tests on CIFAR-10."),
        ("0.6", NOTE, "kg:targets", "image classification", NOTE),
    ],
    "compares-with": [
        (NOTE, "RowNet", "0.95", "RowNet outperforms ResNet-50 in our tests on CIFAR-10."),
        (ROW, "RowNet", "0.95", "RowNet outperforms ResNet-50 on ImageNet."),
    ],
    "datasets-by-use": [("CIFAR-10", "2", "0", "1"), ("ImageNet", "2", "2", "0")],
    "evidence": [
        (
            "RowNet",
            "kg:evaluatedOn",
            "ImageNet",
            "abstract",
            "76",
            "84",
            "RowNet outperforms ResNet-50 on ImageNet.",
            ROW,
        ),
        (
            "ThinCut",
            "kg:evaluatedOn",
            "ImageNet",
            "abstract",
            "86",
            "94",
            "We test it with ResNet-50 on ImageNet.",
            THIN,
        ),
    ],
    "gains": [
        ("RowNet", "ResNet-50", "speed", "up", "6.5", "x", ROW),
        ("ThinCut", "ResNet-50", "speed", "up", "2.5", "x", THIN),
    ],
    "hardware-in-use": [("NVIDIA A100", "1", "0"), ("Jetson Nano", "0", "1")],
    "method-network": [
        ("https://w3id.org/paper-kg/id/method/resnet-50", "http://www.w3.org/2004/02/skos/core#prefLabel", "ResNet-50"),
        ("https://w3id.org/paper-kg/id/method/rownet", "http://www.w3.org/2004/02/skos/core#prefLabel", "RowNet"),
        (
            "https://w3id.org/paper-kg/id/method/rownet",
            "kg:comparesTo",
            "https://w3id.org/paper-kg/id/method/resnet-50",
        ),
        ("https://w3id.org/paper-kg/id/method/thincut", "http://www.w3.org/2004/02/skos/core#prefLabel", "ThinCut"),
        ("https://w3id.org/paper-kg/id/method/thincut", "kg:buildsOn", "https://w3id.org/paper-kg/id/method/resnet-50"),
    ],
    "names": [
        (
            "https://w3id.org/paper-kg/id/method/resnet-50",
            "kg:Method",
            f"http://www.w3.org/2004/02/skos/core#{name}",
            value,
        )
        for name, value in (
            ("prefLabel", "ResNet-50"),
            ("exactMatch", "https://w3id.org/paper-kg/vocab/methods/resnet-50"),
            ("closeMatch", "http://www.wikidata.org/entity/Q43744058"),
            ("altLabel", "ResNet50"),
            ("altLabel", "resnet 50"),
        )
    ],
    "never-compared": [("RowNet", "ThinCut", "1", "ImageNet")],
    "proposals": [(ROW, "2024-11-12", "RowNet", "kg:Method"), (THIN, "--11-12", "ThinCut", "kg:Method")],
    "pruning-hardware": [("Jetson Nano", "kg:targets", THIN)],
    "results-on-dataset": [
        ("top-1 accuracy", "82.7", "%", "RowNet", ROW, "It reaches 82.7% top-1 accuracy on ImageNet.")
    ],
    "shared-claims": [("RowNet", "kg:comparesTo", "ResNet-50", "2", "0.95")],
    "speed-ups": [("6.5", "x", "RowNet", "ResNet-50", ROW, "RowNet is 6.5x faster than ResNet-50.")],
    "tasks-by-papers": [("image classification", "2"), ("network pruning", "1")],
    "top-baselines": [("ResNet-50", "kg:Method", "2")],
    "transfer": [("ThinCut", "CIFAR-10", "ImageNet")],
    "used-together": [("ResNet-50", "CIFAR-10", "1"), ("ResNet-50", "ImageNet", "1")],
}


def test_every_bundled_question_is_tested() -> None:
    assert [question.name for question in questions()] == sorted(EXPECTED)
    assert len(EXPECTED) >= 14


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_bundled_question_finds_its_rows(built: Path, name: str) -> None:
    assert rows(built, name) == EXPECTED[name]


def without(graph: KnowledgeGraph, title: str) -> KnowledgeGraph:
    """The graph with nothing stated by one paper."""
    paper = next(paper.id for paper in graph.papers if paper.title == title)
    claims = []
    for claim in graph.claims:
        evidence = tuple(item for item in claim.evidence if item.paper != paper)
        if evidence:
            papers = tuple(sorted({item.paper for item in evidence}))
            claims.append(dataclasses.replace(claim, evidence=evidence, papers=papers))
    results = tuple(result for result in graph.results if result.paper != paper)
    entities = tuple(entity for entity in graph.entities if set(entity.papers) - {paper})
    papers = tuple(item for item in graph.papers if item.id != paper)
    return dataclasses.replace(graph, papers=papers, entities=entities, claims=tuple(claims), results=results)


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"names"}))
def test_answer_follows_the_data(tmp_path: Path, name: str) -> None:
    answers = []
    for title in (ROW, THIN, NOTE):
        export(without(vision(), title), tmp_path, ["nt"])
        answers.append(rows(tmp_path, name))
    assert any(answer != EXPECTED[name] for answer in answers)
    for answer, title in zip(answers, (ROW, THIN, NOTE), strict=True):
        assert all(title not in row for row in answer), "a paper that is gone must not be in the answer"


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.name)
def test_bundled_question_is_commented_and_runs_in_another_engine(built: Path, question: object) -> None:
    text = getattr(question, "text", "")
    assert text.startswith("# Question: ")
    assert str(getattr(question, "title", "")).endswith(("?", ")"))
    graph = rdflib.Graph().parse(built / "graph.ttl")
    answer = graph.query(text)  # no prefix is declared for it: a file must stand alone
    expected = EXPECTED[getattr(question, "name", "")]
    assert len(set(answer)) == len(expected)


def test_parameters_of_a_bundled_question_can_be_set(built: Path) -> None:
    assert rows(built, "results-on-dataset", name="ilsvrc") == EXPECTED["results-on-dataset"], "any name, any case"
    assert rows(built, "results-on-dataset", name="CIFAR-10") == []
    assert [row[0] for row in rows(built, "speed-ups", least="2")] == ["6.5", "2.5"]
    assert rows(built, "names", name='" } INSERT { "') == []
    assert {question.name: question.parameters for question in questions()}["speed-ups"] == {"least": "5"}
    with pytest.raises(InputError, match=r"speed-ups: no parameter most; it has least"):
        ask(built, "speed-ups", most="2")
    with pytest.raises(InputError, match=r"query: no parameter x; it has none"):
        set_values("ASK {}", {"x": "1"})


def test_query_is_a_text_a_file_or_a_name(built: Path, tmp_path: Path) -> None:
    file = tmp_path / "my question.rq"
    file.write_text("\ufeffASK { ?s a kg:Paper }", encoding="utf-8")
    assert ask(built, str(file)) == "true\n"
    assert load_query("top-baselines.rq")[0] == load_query("top-baselines")[0]
    assert ask(built, "DESCRIBE method:rownet", "ttl").count("method:rownet") == 1
    with pytest.raises(InputError, match=r"no bundled question is called top-baseline; the questions are about, "):
        ask(built, "top-baseline")
    file.write_bytes(b"ASK { \xff }")
    with pytest.raises(InputError, match=r"my question\.rq: cannot be read as a query"):
        ask(built, str(file))


SELECT = "SELECT ?label { ?s skos:prefLabel ?label ; a kg:Hardware } ORDER BY ?label"


def test_rows_in_every_format(built: Path) -> None:
    labels = ["Jetson Nano", "NVIDIA A100"]
    assert ask(built, SELECT, "csv").splitlines() == ["label", *labels]
    assert ask(built, SELECT, "tsv").splitlines() == ["?label", *(f'"{label}"' for label in labels)]
    bindings = json.loads(ask(built, SELECT, "json"))["results"]["bindings"]
    assert [row["label"]["value"] for row in bindings] == labels
    root = ET.fromstring(ask(built, SELECT, "xml"))
    assert [node.text for node in root.iter("{http://www.w3.org/2005/sparql-results#}literal")] == labels
    assert ask(built, SELECT, "table").split("\n")[0] == "label"
    assert ask(built, SELECT, "table").endswith("Jetson Nano\nNVIDIA A100\n2 rows\n")
    with pytest.raises(InputError, match="not made of triples; choose table, csv, tsv, json, xml, or ask CONSTRUCT"):
        ask(built, SELECT, "ttl")


def test_triples_in_every_format(built: Path) -> None:
    query = "CONSTRUCT { ?s kg:comparesTo ?o } WHERE { ?s kg:comparesTo ?o }"
    row, resnet = (f"https://w3id.org/paper-kg/id/method/{name}" for name in ("rownet", "resnet-50"))
    assert ask(built, query, "ttl") == (
        f"@prefix kg: <{KG}> .\n@prefix method: <https://w3id.org/paper-kg/id/method/> .\n"
        "\nmethod:rownet kg:comparesTo method:resnet-50 .\n"
    )
    assert ask(built, query, "csv").splitlines() == ["subject,predicate,object", f"{row},{KG}comparesTo,{resnet}"]
    assert ask(built, query, "tsv").splitlines() == [
        "?subject\t?predicate\t?object",
        f"<{row}>\t<{KG}comparesTo>\t<{resnet}>",
    ]
    for fmt, parser in (("json", "json-ld"), ("xml", "xml")):
        graph = rdflib.Graph().parse(data=ask(built, query, fmt), format=parser)
        assert {tuple(map(str, triple)) for triple in graph} == {(row, f"{KG}comparesTo", resnet)}
    assert "method:rownet   kg:comparesTo   method:resnet-50" in ask(built, query, "table")


@pytest.mark.parametrize("fmt", FORMATS)
def test_yes_or_no_in_every_format(built: Path, fmt: str) -> None:
    if fmt == "ttl":
        with pytest.raises(InputError, match="not made of triples"):
            ask(built, "ASK { ?s a kg:Paper }", fmt)
        return
    yes, no = ask(built, "ASK { ?s a kg:Paper }", fmt), ask(built, "ASK { ?s a kg:Nothing }", fmt)
    assert yes.endswith("\n")
    assert yes.replace("yes", "no").replace("true", "false") == no


def test_usual_prefixes_need_no_declaration_and_may_be_declared_otherwise(built: Path) -> None:
    assert (
        ask(built, "ASK { method:rownet kg:comparesTo method:resnet-50 . ?s dcterms:title ?t . ?s rdf:type ?c }")
        == "true\n"
    )
    assert (
        ask(built, "ASK { kgid:method\\/rownet ^rdf:object/kg:confidence ?n FILTER(DATATYPE(?n) = xsd:double) }")
        == "true\n"
    )
    assert ask(built, f"PREFIX method: <{KG}> ASK {{ ?s a method:Method }}") == "true\n"


def test_table_fits_its_width_and_obeys_no_codes(tmp_path: Path) -> None:
    export(hostile(), tmp_path, ["ttl"])
    text = ask(tmp_path, "SELECT ?t ?a { ?p dcterms:title ?t ; dcterms:abstract ?a }", "table")
    assert max(map(len, text.splitlines())) <= 100
    assert text.endswith("\n9 rows\n")
    assert not set(text) & set("\x00\x07\x1b\u202e\u2028\r\t")
    assert "<script>alert('x')</script>" in text
    assert "[31m" in text, "what looks like markup stays"
    other = tmp_path / "other.nt"
    other.write_text(
        '<http://e.org/s> <http://e.org/p> "\\u001B]0;x\\u0007 \\u009B31m [bold]red[/bold]" .\n', encoding="utf-8"
    )
    text = ask(other, "SELECT ?o { ?s ?p ?o }", "table")
    assert "[bold]red[/bold]" in text
    assert not any((ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160 for char in text)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT ?x\nWHERE { ?x foo:bar 1 }", r"query: not SPARQL: line 2, column 19: the prefix foo: is not declared"),
        ("SELECT ?x WHERE {\n ?x kg:uses }", r"query: not SPARQL: line 2, column 13: found '}', expected "),
        ("SELECT ?x WHERE { ?x kg:uses ?y", r"query: not SPARQL: line 1, column 32: the text ends too early"),
        ("DELETE WHERE { ?s ?p ?o }", r"query: DELETE changes data, but a graph is only read"),
        ("# a remark\nPREFIX x: <http://select/> INSERT DATA { x:a x:b x:c }", "INSERT changes data"),
        ("DROP ALL", "DROP changes data"),
        ("SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", "SERVICE asks another server"),
        ("SELECT ?x ?y { ?x ?p ?y } GROUP BY ?x", r"query: not SPARQL: "),
    ],
)
def test_wrong_queries_are_told_in_one_line(built: Path, query: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        ask(built, query)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_words_of_updates_may_stand_in_questions(built: Path) -> None:
    query = """# DELETE this, SERVICE that
    SELECT ?service { ?service dcterms:title ?delete . FILTER(?delete != "INSERT" && ?delete != 'SERVICE <x>') }"""
    assert len(rows(built, query)) == 3


def test_unknown_answer_format(built: Path) -> None:
    with pytest.raises(InputError, match="no answer format xlsx; there are table, csv"):
        ask(built, SELECT, "xlsx")


def test_questions_that_fail_while_they_run_are_told(built: Path) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(KGError, match=r"query: the question failed .*No space left"):
        run_query(built, SELECT, "csv", Full())


@pytest.mark.parametrize(
    ("name", "rdf_format"),
    [
        ("g.ttl", ox.RdfFormat.TURTLE),
        ("g.nt", ox.RdfFormat.N_TRIPLES),
        ("g.rdf", ox.RdfFormat.RDF_XML),
        ("g.owl", ox.RdfFormat.RDF_XML),
        ("g.jsonld", ox.RdfFormat.JSON_LD),
        ("g.nq", ox.RdfFormat.N_QUADS),
        ("g.trig", ox.RdfFormat.TRIG),
        ("turtle", ox.RdfFormat.TURTLE),
        ("lines.txt", ox.RdfFormat.N_QUADS),
        ("xml.data", ox.RdfFormat.RDF_XML),
        ("json.data", ox.RdfFormat.JSON_LD),
        ("trig.data", ox.RdfFormat.TRIG),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_rdf_of_every_syntax_is_opened(
    built: Path, tmp_path: Path, name: str, rdf_format: ox.RdfFormat, zipped: bool
) -> None:
    quads = list(ox.parse(path=str(built / "graph.ttl"), format=ox.RdfFormat.TURTLE))
    graph = ox.NamedNode("https://example.org/graph")
    if rdf_format in (ox.RdfFormat.N_QUADS, ox.RdfFormat.TRIG):
        content = ox.serialize([ox.Quad(*list(quad)[:3], graph) for quad in quads], format=rdf_format)
    else:
        content = ox.serialize((quad.triple for quad in quads), format=rdf_format)
    assert content
    path = tmp_path / (f"{name}.gz" if zipped and "." in name else name)
    path.write_bytes(gzip.compress(content) if zipped else content)
    assert rows(path, "top-baselines") == EXPECTED["top-baselines"], "named graphs are asked together"


def test_latest_build_of_a_folder_is_opened(tmp_path: Path) -> None:
    export(vision(), tmp_path, ["ttl", "nt", "jsonld"])
    assert open_graph(tmp_path).path.name == "graph.nt", "the fastest to read of one export"
    (old,) = export(without(vision(), NOTE), tmp_path, ["ttl"])
    assert open_graph(tmp_path).path == old, "the N-Triples are left over from before"
    now = old.stat().st_mtime
    os.utime(tmp_path / "graph.jsonld", (now + 5, now + 5))
    assert open_graph(tmp_path).path.name == "graph.jsonld"


def test_prefixes_of_a_file_count(tmp_path: Path) -> None:
    path = tmp_path / "g.ttl"
    path.write_text("@prefix ex: <http://example.org/> .\nex:a ex:b ex:c .\n", encoding="utf-8")
    assert "ex:a   ex:b   ex:c" in ask(path, "SELECT ?s ?p ?o { ?s ?p ?o }", "table")
    assert ask(path, "ASK { ex:a ex:b ex:c }") == "true\n"


def test_sources_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    cases: dict[str, tuple[bytes | None, str]] = {
        "none.ttl": (None, "no such file or folder"),
        "empty.ttl": (b"", "holds no triples"),
        "wrong.ttl": (b"@prefix a: <http://a/> .\n\na:b a:c\n", "wrong.ttl: not RDF that can be read: .*line 4"),
        "paper": (b"%PDF-1.7 \x00\x01", "paper: not RDF that can be read: it is a binary file"),
        "page.html": (b"<html><body>Hi</body></html>", "not RDF that can be read"),
        "cut.nt.gz": (
            gzip.compress(b"<a:b> <a:b> <a:b> .\n" * 1000, mtime=0)[:40],
            "cut.nt.gz: cannot be read|cut.nt.gz: not RDF",
        ),
        "remote.jsonld": (b'{"@context": "https://example.org/context.jsonld", "a": 1}', "not RDF that can be read"),
    }
    for name, (content, message) in cases.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=message) as caught:
            open_graph(path)
        assert "\n" not in str(caught.value)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(
        InputError, match=r"folder: no graph.ttl or graph.jsonld in this folder; make one with: kg build"
    ):
        open_graph(folder)
    shutil.rmtree(folder)


def test_a_long_word_is_looked_through_once() -> None:
    # Quadratic time would take minutes for this.
    assert QUIET.sub(" ", "a" * 300_000 + " INSERT").endswith("INSERT")


def test_a_question_may_choose_its_graphs(tmp_path: Path) -> None:
    file = tmp_path / "some.nq"
    file.write_text(
        '<http://e.org/s> <http://e.org/p> "d" .\n'
        '<http://e.org/s> <http://e.org/p> "a" <http://e.org/a> .\n'
        '<http://e.org/s> <http://e.org/p> "b" <http://e.org/b> .\n',
        encoding="utf-8",
    )
    opened = open_graph(file)
    first, second = ox.NamedNode("http://e.org/a"), ox.NamedNode("http://e.org/b")
    plain, named = "SELECT ?o { ?s ?p ?o }", "SELECT ?o { GRAPH ?g { ?s ?p ?o } }"

    def found(query: str, **chosen: list[ox.NamedNode | ox.BlankNode | ox.DefaultGraph]) -> set[str]:
        answer = run(opened, query, **chosen)
        assert isinstance(answer, ox.QuerySolutions)
        return {row["o"].value for row in answer}

    assert found(plain) == {"d", "a", "b"}
    assert found(plain, default_graph=[first]) == {"a"}
    assert found(plain, default_graph=[ox.DefaultGraph(), second]) == {"d", "b"}
    assert found(named) == {"a", "b"}
    assert found(named, named_graphs=[second]) == {"b"}
    assert found(plain, named_graphs=[second]) == set(), "no default graph was chosen"
    assert found(named, default_graph=[first]) == set(), "nor a named one here"
