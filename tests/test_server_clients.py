"""Clients that people use, against a server that runs: curl, SPARQLWrapper, rdflib, Comunica, and SERVICE of others."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import rdflib
import SPARQLWrapper
from rdflib.namespace import SKOS
from rdflib.plugins.stores.sparqlstore import SPARQLStore, SPARQLUpdateStore
from SPARQLWrapper.SPARQLExceptions import QueryBadFormed

from tests.servers import TURTLE, Running, serving

COMUNICA = "4.5.0"
"""The last version of Comunica that runs in Node.js 18 and 20."""

KG = rdflib.Namespace("https://w3id.org/paper-kg/ontology#")
EX = rdflib.Namespace("http://example.org/")
GRAPH = "https://w3id.org/paper-kg/id/graph.ttl"
LABEL = 'B "quoted", <b> & {},{ ümlaut'
LABELS = "SELECT ?s ?label WHERE { ?s skos:prefLabel ?label } ORDER BY ?label"
PREFIX = "PREFIX skos: <http://www.w3.org/2004/02/skos/core#> PREFIX kg: <https://w3id.org/paper-kg/ontology#> "


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "graph.ttl").write_text(TURTLE, encoding="utf-8")
    with serving(folder, tmp_path_factory.mktemp("log") / "log", "--workers", "2") as running:
        yield running


# curl


def curl(*arguments: str) -> str:
    if not shutil.which("curl"):
        pytest.skip("curl is not here")
    done = subprocess.run(["curl", "-sS", *arguments], capture_output=True, timeout=60, check=True)
    return done.stdout.decode()


def test_curl(server: Running, tmp_path: Path) -> None:
    query = f"query={LABELS}"
    assert json.loads(curl("-G", server.endpoint, "--data-urlencode", query))["head"]["vars"] == ["s", "label"]
    by_form = curl(server.endpoint, "-H", "Accept: text/csv", "--data-urlencode", query)
    assert by_form.splitlines()[:2] == ["s,label", "http://example.org/a,Alpha"]
    file = tmp_path / "labels.rq"
    file.write_text(LABELS, encoding="utf-8")
    direct = ["--data-binary", f"@{file}", "-H", "Content-Type: application/sparql-query"]
    assert curl(server.endpoint, "-H", "Accept: text/csv", *direct) == by_form
    assert "200 OK" in curl("-I", "-G", server.endpoint, "--data-urlencode", query)
    large = tmp_path / "large.rq"
    large.write_text("SELECT * { " + "# filler\n" * 200_000, encoding="utf-8")
    refused = ["--data-binary", f"@{large}", *direct[2:], "-o", os.devnull, "-w", "%{http_code}"]
    assert curl(server.endpoint, *refused) == "413"


# SPARQLWrapper


def wrapper(
    server: Running, query: str, form: str, method: str = "GET", request: str = "urlencoded"
) -> SPARQLWrapper.SPARQLWrapper:
    asked = SPARQLWrapper.SPARQLWrapper(server.endpoint)
    asked.setQuery(query)
    asked.setReturnFormat(form)
    asked.setMethod(method)
    asked.setRequestMethod(request)
    return asked


@pytest.mark.parametrize(
    ("method", "request_method"), [("GET", "urlencoded"), ("POST", "urlencoded"), ("POST", "postdirectly")]
)
def test_sparqlwrapper_selects(server: Running, method: str, request_method: str) -> None:
    asked = wrapper(server, PREFIX + LABELS, SPARQLWrapper.JSON, method, request_method)
    rows = asked.queryAndConvert()["results"]["bindings"]
    assert [row["label"]["value"] for row in rows] == ["Alpha", LABEL]
    asked.addDefaultGraph(GRAPH)
    assert len(asked.queryAndConvert()["results"]["bindings"]) == 2


def test_sparqlwrapper_reads_each_form(server: Running) -> None:
    query = PREFIX + LABELS
    xml = wrapper(server, query, SPARQLWrapper.XML).queryAndConvert()
    assert [node.firstChild.data for node in xml.getElementsByTagName("literal")] == ["Alpha", LABEL]
    assert wrapper(server, query, SPARQLWrapper.CSV).queryAndConvert().decode().splitlines()[0] == "s,label"
    assert wrapper(server, query, SPARQLWrapper.TSV).queryAndConvert().decode().splitlines()[0] == "?s\t?label"
    ask = "ASK { ?s a kg:Method }"
    assert wrapper(server, PREFIX + ask, SPARQLWrapper.JSON).queryAndConvert()["boolean"] is True
    construct = PREFIX + "CONSTRUCT { ?s skos:prefLabel ?l } WHERE { ?s skos:prefLabel ?l }"
    for form in (SPARQLWrapper.RDFXML, SPARQLWrapper.JSONLD):
        graph = wrapper(server, construct, form).queryAndConvert()
        assert sorted(map(str, graph.objects(None, SKOS.prefLabel))) == ["Alpha", LABEL]
    turtle = wrapper(server, "DESCRIBE <http://example.org/b>", SPARQLWrapper.TURTLE).queryAndConvert()
    assert len(rdflib.Graph().parse(data=turtle, format="turtle")) == 2


def test_sparqlwrapper_is_told_of_errors(server: Running) -> None:
    with pytest.raises(QueryBadFormed, match="line 1, column"):
        wrapper(server, "SELECT nonsense", SPARQLWrapper.JSON).query()


# rdflib


def test_rdflib_store(server: Running) -> None:
    graph = rdflib.Graph(SPARQLStore(server.endpoint))
    assert len(graph) == 5
    assert (EX.a, KG.uses, EX.b) in graph
    assert (EX.b, KG.uses, EX.a) not in graph
    assert str(graph.value(EX.b, SKOS.prefLabel)) == LABEL
    rows = graph.query(PREFIX + LABELS)
    assert [str(row[1]) for row in rows] == ["Alpha", LABEL]
    assert graph.query("ASK { ?s ?p ?o }").askAnswer is True
    made = graph.query(PREFIX + "CONSTRUCT { ?s a kg:Method } WHERE { ?s a kg:Method }").graph
    assert made is not None
    assert set(made.subjects()) == {EX.a}


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
@pytest.mark.parametrize("form", ["xml", "json", "csv", "tsv"])
def test_rdflib_store_by_each_method_and_form(server: Running, method: str, form: str) -> None:
    graph = rdflib.Graph(SPARQLStore(server.endpoint, method=method, returnFormat=form))
    assert [str(row[1]) for row in graph.query(PREFIX + LABELS)] == ["Alpha", LABEL]


def test_rdflib_store_of_the_named_graph(server: Running) -> None:
    dataset = rdflib.Graph(SPARQLStore(server.endpoint), identifier=rdflib.URIRef(GRAPH))
    assert len(list(dataset.query("SELECT * { ?s ?p ?o }"))) == 5


def test_rdflib_update_store_reads_and_cannot_write(server: Running) -> None:
    store = SPARQLUpdateStore(server.endpoint, server.endpoint)
    graph = rdflib.Graph(store)
    assert len(list(graph.query(PREFIX + LABELS))) == 2
    with pytest.raises(Exception, match="403"):
        store.update("INSERT DATA { <http://example.org/new> a <http://example.org/New> }")
    assert len(graph) == 5


def test_rdflib_asks_through_service(server: Running) -> None:
    own = rdflib.Graph()
    own.add((EX.a, EX.note, rdflib.Literal("mine")))
    rows = own.query(
        PREFIX
        + f"""SELECT ?note ?label WHERE {{
            ?s <{EX.note}> ?note .
            SERVICE <{server.endpoint}> {{ ?s kg:uses/skos:prefLabel ?label }} }}"""
    )
    assert [(str(row[0]), str(row[1])) for row in rows] == [("mine", LABEL)]


# Comunica


@pytest.fixture(scope="session")
def comunica() -> Path:
    """The folder of Comunica's commands, installed by npm in the user's cache."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        pytest.skip("Node.js with npm is not here")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = caches / "paper-kg-tests" / f"comunica-{COMUNICA}"
    commands = cache / "node_modules" / ".bin"
    if not (cache / "complete").is_file():
        cache.mkdir(parents=True, exist_ok=True)
        package = f"@comunica/query-sparql@{COMUNICA}"
        install = [npm, "install", "--prefix", str(cache), "--no-audit", "--no-fund", "--ignore-scripts", package]
        try:
            done = subprocess.run(install, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            pytest.skip("npm did not install Comunica within five minutes")
        if done.returncode:
            pytest.skip(f"npm cannot install Comunica: {' '.join(done.stderr.split())[:200]}")
        (cache / "complete").touch()
    return commands


def ask_comunica(comunica: Path, source: str, query: str) -> list[tuple[str, ...]]:
    """Return the rows that Comunica finds."""
    command = [str(comunica / "comunica-sparql"), source, "-q", query, "-t", "application/sparql-results+json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return [tuple(row[name]["value"] for name in found["head"]["vars"]) for row in found["results"]["bindings"]]


@pytest.mark.slow
def test_comunica_finds_the_endpoint_by_its_description(comunica: Path, server: Running) -> None:
    rows = ask_comunica(comunica, server.endpoint, PREFIX + LABELS)
    assert rows == [(str(EX.a), "Alpha"), (str(EX.b), LABEL)]


@pytest.mark.slow
def test_comunica_asks_a_named_endpoint(comunica: Path, server: Running) -> None:
    rows = ask_comunica(comunica, f"sparql@{server.endpoint}", PREFIX + "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")
    assert rows == [("5",)]


@pytest.fixture
def document(tmp_path: Path) -> Iterator[str]:
    """The address of a Turtle file on a web server of its own."""
    (tmp_path / "own.ttl").write_text(f'<{EX.a}> <{EX.note}> "mine" .', encoding="utf-8")

    class Files(http.server.SimpleHTTPRequestHandler):
        extensions_map = {".ttl": "text/turtle"}  # noqa: RUF012 - as in the class it extends

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(tmp_path))) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_address[1]}/own.ttl"
        web.shutdown()
        thread.join()


@pytest.mark.slow
def test_comunica_asks_through_service(comunica: Path, server: Running, document: str) -> None:
    query = f"""SELECT ?note ?label WHERE {{
        ?s <{EX.note}> ?note .
        SERVICE <{server.endpoint}> {{ ?s kg:uses/skos:prefLabel ?label }} }}"""
    rows = ask_comunica(comunica, document, PREFIX + query)
    assert rows == [("mine", LABEL)]
