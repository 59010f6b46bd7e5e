"""The SPARQL 1.1 Protocol and Service Description, case by case, against a server that runs.

Tests named after a case of the W3C suites (``query_get``, ``bad_query_method``, ...) check what the specification says
of it, for an endpoint that is read only.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest
import rdflib
import rdflib.query
import rdflib.util
from rdflib.namespace import RDF, VOID

from tests.servers import FORM, QUERY, TRIG, TURTLE, Running, percent, serving, until

SELECT = "SELECT ?s WHERE { ?s a kg:Method }"
ASK = "ASK { ?s a kg:Method }"
CONSTRUCT = "CONSTRUCT { ?s a kg:Method } WHERE { ?s a kg:Method }"
DESCRIBE = "DESCRIBE <http://example.org/b>"
EX = "http://example.org/"
SD = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")
GRAPH = "https://w3id.org/paper-kg/id/graph.ttl"

ROWS = {
    "application/sparql-results+json",
    "application/sparql-results+xml",
    "text/csv",
    "text/tab-separated-values",
}
TRIPLES = {
    "text/turtle": "turtle",
    "application/n-triples": "nt",
    "application/rdf+xml": "xml",
    "application/ld+json": "json-ld",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "graph.ttl").write_text(TURTLE, encoding="utf-8")
    (folder / "void.ttl").write_text("<#dataset> a <http://rdfs.org/ns/void#Dataset> .", encoding="utf-8")
    with serving(folder, tmp_path_factory.mktemp("log") / "log", "--workers", "1") as running:
        yield running


@pytest.fixture(scope="module")
def quads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    source = tmp_path_factory.mktemp("quads") / "data.trig"
    source.write_text(TRIG, encoding="utf-8")
    with serving(source, tmp_path_factory.mktemp("log") / "log", "--workers", "1") as running:
        yield running


# Query operation


def test_query_get(server: Running) -> None:
    answer = server.get(SELECT)
    assert answer.status == 200
    assert answer.column("s") == [f"{EX}a"]


def test_query_post_form(server: Running) -> None:
    answer = server.form(SELECT)
    assert answer.status == 200
    assert answer.column("s") == [f"{EX}a"]


def test_query_post_direct(server: Running) -> None:
    answer = server.post(SELECT)
    assert answer.status == 200
    assert answer.column("s") == [f"{EX}a"]


@pytest.mark.parametrize("media_type", [f"{QUERY}; charset=UTF-8", f'{QUERY};charset="utf-8"', QUERY.upper()])
def test_query_post_direct_with_parameters_of_the_type(server: Running, media_type: str) -> None:
    query = 'SELECT ?s { ?s skos:prefLabel ?l FILTER CONTAINS(?l, "ümlaut") }'
    assert server.post(query, media_type=media_type).column("s") == [f"{EX}b"]


def test_query_head(server: Running) -> None:
    answer = server.send("HEAD", f"/sparql?query={percent(SELECT)}")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(server.get(SELECT).body))


IN = "SELECT ?o WHERE { ?s <http://example.org/in> ?o }"
IN_GRAPHS = "SELECT ?g ?o WHERE { GRAPH ?g { ?s <http://example.org/in> ?o } }"
SENDERS = ["get", "form", "post"]


@pytest.mark.parametrize("sender", SENDERS)
def test_query_dataset_default_graph(quads: Running, sender: str) -> None:
    answer = getattr(quads, sender)(IN, **{"default-graph-uri": f"{EX}one"})
    assert answer.column("o") == ["one"]


@pytest.mark.parametrize("sender", SENDERS)
def test_query_dataset_default_graphs(quads: Running, sender: str) -> None:
    answer = getattr(quads, sender)(IN, **{"default-graph-uri": [f"{EX}one", f"{EX}two"]})
    assert answer.column("o") == ["one", "two", "two"]


@pytest.mark.parametrize("sender", SENDERS)
def test_query_dataset_named_graphs(quads: Running, sender: str) -> None:
    answer = getattr(quads, sender)(IN_GRAPHS, **{"named-graph-uri": [f"{EX}one"]})
    assert answer.column("o") == ["one"]
    assert getattr(quads, sender)(IN, **{"named-graph-uri": [f"{EX}one"]}).column("o") == []


@pytest.mark.parametrize("sender", SENDERS)
def test_query_dataset_full(quads: Running, sender: str) -> None:
    query = "SELECT ?o ?n { ?s <http://example.org/in> ?o . GRAPH ?g { ?t <http://example.org/in> ?n } }"
    chosen = {"default-graph-uri": f"{EX}one", "named-graph-uri": f"{EX}two"}
    answer = getattr(quads, sender)(query, **chosen)
    assert answer.column("o") == ["one", "one"]
    assert answer.column("n") == ["two", "two"]


@pytest.mark.parametrize("sender", SENDERS)
def test_query_multiple_dataset(quads: Running, sender: str) -> None:
    """The dataset of the request overrules that of the query."""
    query = IN.replace("WHERE", f"FROM <{EX}two> WHERE")
    assert getattr(quads, sender)(query).column("o") == ["two", "two"]
    assert getattr(quads, sender)(query, **{"default-graph-uri": f"{EX}one"}).column("o") == ["one"]


def test_from_and_from_named_choose_graphs(quads: Running) -> None:
    assert quads.post(f"PREFIX ex: <{EX}> " + IN.replace("WHERE", "FROM ex:one WHERE")).column("o") == ["one"]
    assert quads.post(IN_GRAPHS.replace("WHERE", f"FROM NAMED <{EX}two> WHERE")).column("o") == ["two", "two"]


def test_without_a_choice_a_query_sees_all_graphs_together(quads: Running) -> None:
    assert quads.get(IN).column("o") == ["default", "one", "two", "two"]


def test_the_graph_of_a_folder_has_a_name(server: Running) -> None:
    assert server.get(SELECT, **{"default-graph-uri": GRAPH}).column("s") == [f"{EX}a"]
    assert server.get(SELECT.replace("WHERE", f"FROM <{GRAPH}> WHERE")).column("s") == [f"{EX}a"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        (SELECT, {"default-graph-uri": f"{EX}other"}),
        (SELECT, {"named-graph-uri": f"{EX}other"}),
        (SELECT, {"named-graph-uri": GRAPH}),
        (SELECT.replace("WHERE", "FROM <file:///etc/passwd> WHERE"), {}),
    ],
)
def test_a_graph_that_is_not_here_is_an_error(server: Running, query: str, fields: dict[str, str]) -> None:
    answer = server.get(query, **fields)
    assert answer.status == 400
    assert GRAPH in answer.text


# Forms of answers


@pytest.mark.parametrize("accept", sorted(ROWS))
def test_query_content_type_select(server: Running, accept: str) -> None:
    answer = server.get("SELECT ?label { ?s skos:prefLabel ?label } ORDER BY ?label", accept)
    assert (answer.status, answer.type) == (200, accept)
    form = accept.rpartition("/")[2].rpartition("+")[2]
    if form == "csv":
        labels = [row[0] for row in csv.reader(io.StringIO(answer.text))][1:]
    elif form == "tab-separated-values":
        labels = [str(rdflib.util.from_n3(line)) for line in answer.text.splitlines()[1:]]
    else:
        result = rdflib.query.Result.parse(io.BytesIO(answer.body), format=form)
        labels = [str(row[rdflib.Variable("label")]) for row in result.bindings]
    assert labels == ["Alpha", 'B "quoted", <b> & {},{ ümlaut']


@pytest.mark.parametrize("accept", sorted(ROWS))
def test_query_content_type_ask(server: Running, accept: str) -> None:
    answer = server.get(ASK, accept)
    assert (answer.status, answer.type) == (200, accept)
    assert b"true" in answer.body
    assert b"false" in server.get("ASK { ?s a kg:Hardware }", accept).body


@pytest.mark.parametrize("accept", sorted(TRIPLES))
def test_query_content_type_construct(server: Running, accept: str) -> None:
    answer = server.get(CONSTRUCT, accept)
    assert (answer.status, answer.type) == (200, accept)
    found = rdflib.Graph().parse(data=answer.body, format=TRIPLES[accept])
    assert [str(s) for s in found.subjects()] == [f"{EX}a"]


@pytest.mark.parametrize("accept", sorted(TRIPLES))
def test_query_content_type_describe(server: Running, accept: str) -> None:
    answer = server.get(DESCRIBE, accept)
    assert (answer.status, answer.type) == (200, accept)
    assert len(rdflib.Graph().parse(data=answer.body, format=TRIPLES[accept])) == 2


@pytest.mark.parametrize(
    ("query", "accept", "expected"),
    [
        (SELECT, "", "application/sparql-results+json"),
        (SELECT, "*/*", "application/sparql-results+json"),
        (SELECT, "text/*", "text/csv"),
        (SELECT, "application/json", "application/json"),
        (SELECT, "application/*;q=0.2, text/csv;q=0.1", "application/sparql-results+json"),
        (SELECT, "text/csv;q=0.5, application/sparql-results+xml", "application/sparql-results+xml"),
        (SELECT, "text/csv;q=0, */*;q=0.1", "application/sparql-results+json"),
        (SELECT, "application/sparql-results+json;q=0, */*", "application/sparql-results+xml"),
        (SELECT, "text/html, text/tab-separated-values;q=0.3", "text/tab-separated-values"),
        (SELECT, "TEXT/CSV ; Q=0.9 , text/html", "text/csv"),
        (CONSTRUCT, "", "text/turtle"),
        (CONSTRUCT, "application/sparql-results+json, application/ld+json;q=0.1", "application/ld+json"),
        (CONSTRUCT, "application/xml", "application/xml"),
        (CONSTRUCT, "text/html,application/xhtml+xml,*/*;q=0.8", "text/turtle"),
    ],
)
def test_the_accept_header_chooses(server: Running, query: str, accept: str, expected: str) -> None:
    answer = server.get(query, accept)
    assert (answer.status, answer.type) == (200, expected)
    assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("query", "accept", "offered"),
    [
        (SELECT, "image/png", "application/sparql-results+json"),
        (SELECT, "text/turtle", "text/csv"),
        (SELECT, "*/*;q=0", "text/csv"),
        (CONSTRUCT, "text/csv", "application/n-triples"),
    ],
)
def test_when_no_form_fits_the_answer_lists_them(server: Running, query: str, accept: str, offered: str) -> None:
    answer = server.get(query, accept)
    assert answer.status == 406
    assert offered in answer.text


# What is no query


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "FROBNICATE"])
def test_bad_query_method(server: Running, method: str) -> None:
    answer = server.send(method, f"/sparql?query={percent(SELECT)}")
    assert answer.status == 405
    assert {"GET", "POST"} <= {name.strip() for name in answer.headers["allow"].split(",")}


@pytest.mark.parametrize("sender", SENDERS)
def test_bad_multiple_queries(server: Running, sender: str) -> None:
    if sender == "post":
        answer = server.send("POST", f"/sparql?query={percent(ASK)}", SELECT.encode(), {"Content-Type": QUERY})
    else:
        answer = getattr(server, sender)(SELECT, query=[ASK, SELECT])
    assert answer.status == 400
    assert "2" in answer.text


def test_bad_query_wrong_media_type(server: Running) -> None:
    answer = server.post(SELECT, media_type="text/plain")
    assert answer.status == 415
    assert QUERY in answer.text


def test_bad_query_missing_form_type(server: Running) -> None:
    assert server.send("POST", "/sparql", f"query={percent(SELECT)}".encode()).status == 415


def test_bad_query_missing_direct_type(server: Running) -> None:
    assert server.send("POST", "/sparql", SELECT.encode()).status == 415


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_bad_query_non_utf8(server: Running, encoding: str) -> None:
    query = 'ASK { ?s ?p "ü" }'.encode(encoding)
    assert server.post(query, media_type=QUERY).status == 400
    assert server.post(query, media_type=f"{QUERY}; charset={encoding}").status == 415
    assert server.send("GET", "/sparql?query=ASK%7B%3Fs%20%3Fp%20%22%fc%22%7D").status == 400


@pytest.mark.parametrize("sender", SENDERS)
def test_bad_query_syntax(server: Running, sender: str) -> None:
    answer = getattr(server, sender)("SELECT ?s\nWHERE { ?s ?p ?o } LIMIT many")
    assert answer.status == 400
    assert answer.type == "text/plain"
    assert "line 2, column 26" in answer.text
    told = getattr(server, sender)("SELECT ?s\nWHERE { ?s ?p ?o } LIMIT many", "application/json").json()
    assert (told["line"], told["column"], told["status"]) == (2, 26, 400)


def test_bad_query_empty(server: Running) -> None:
    assert [server.get("").status, server.form("").status, server.post(" ").status] == [400, 400, 400]
    assert server.send("POST", "/sparql", b"other=1", {"Content-Type": FORM}).status == 400


@pytest.mark.parametrize(
    "update", ["INSERT DATA { :a :b :c }", "DROP ALL", "LOAD <http://example.org/>", "CLEAR ALL ; DROP ALL"]
)
def test_updates_are_refused(server: Running, update: str) -> None:
    answers = [
        server.send("GET", f"/sparql?update={percent(update)}"),
        server.send("POST", "/sparql", f"update={percent(update)}".encode(), {"Content-Type": FORM}),
        server.post(update, media_type="application/sparql-update"),
        server.get(update),
        server.form(update),
        server.post(update),
    ]
    assert [answer.status for answer in answers] == [403, 403, 403, 400, 400, 400]
    assert server.get("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }").column("n") == ["5"]


def test_other_servers_are_not_asked(server: Running) -> None:
    answer = server.get("SELECT * { SERVICE <http://example.org/sparql> { ?s ?p ?o } }")
    assert answer.status == 400
    assert "SERVICE" in answer.text


# Service Description


@pytest.mark.parametrize("accept", sorted(TRIPLES))
def test_returns_rdf(server: Running, accept: str) -> None:
    answer = server.send("GET", "/sparql", headers={"Accept": accept})
    assert (answer.status, answer.type) == (200, accept)
    assert len(rdflib.Graph().parse(data=answer.body, format=TRIPLES[accept])) > 10


def description(running: Running) -> rdflib.Graph:
    return rdflib.Graph().parse(data=running.send("GET", "/sparql", headers={"Accept": "text/turtle"}).body)


def test_has_endpoint_triple(server: Running) -> None:
    assert [str(o) for o in description(server).objects(None, SD.endpoint)] == [server.endpoint]


@pytest.mark.parametrize("kind", ["server", "quads"])
def test_conforms_to_schema(kind: str, request: pytest.FixtureRequest) -> None:
    """Each property stands between things of the classes that its definition asks for, and each term is defined."""
    graph = description(request.getfixturevalue(kind))
    schema = {
        SD.endpoint: (SD.Service, None),
        SD.supportedLanguage: (SD.Service, {SD.SPARQL11Query}),
        SD.resultFormat: (SD.Service, None),
        SD.feature: (SD.Service, {SD.UnionDefaultGraph}),
        SD.defaultDataset: (SD.Service, SD.Dataset),
        SD.defaultGraph: (SD.Dataset, SD.Graph),
        SD.namedGraph: (SD.Dataset, SD.NamedGraph),
        SD.name: (SD.NamedGraph, None),
    }
    used = {p for p in graph.predicates() if p.startswith(SD)}
    assert used <= set(schema)
    for subject, predicate, value in graph:
        if predicate not in schema:
            continue
        domain, range_ = schema[predicate]
        assert (subject, RDF.type, domain) in graph
        if isinstance(range_, set):
            assert value in range_
        elif range_:
            assert (value, RDF.type, range_) in graph
        else:
            assert isinstance(value, rdflib.URIRef)
    (service,) = graph.subjects(RDF.type, SD.Service)
    assert len(list(graph.objects(service, SD.endpoint))) == 1
    assert len(list(graph.objects(service, SD.defaultDataset))) == 1
    assert len(list(graph.objects(None, SD.defaultGraph))) == 1


def test_the_description_counts_triples_and_names_graphs(server: Running, quads: Running) -> None:
    graph = description(server)
    (dataset,) = graph.objects(None, SD.defaultDataset)
    assert int(str(graph.value(dataset, VOID.triples))) == 5
    assert sorted(map(str, description(quads).objects(None, SD.name))) == [f"{EX}one", f"{EX}two"]


def test_the_description_points_at_void(server: Running, quads: Running) -> None:
    link = server.send("GET", "/sparql").headers["link"]
    assert link == '</.well-known/void>; rel="describedby"'
    answer = server.send("GET", "/.well-known/void")
    assert (answer.status, answer.type) == (200, "text/turtle")
    assert (None, RDF.type, VOID.Dataset) in rdflib.Graph().parse(data=answer.body)
    assert "link" not in quads.send("GET", "/sparql").headers
    assert quads.send("GET", "/.well-known/void").status == 404


def test_people_without_a_query_get_to_the_query_page(server: Running) -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    answer = server.send("GET", "/sparql", headers={"Accept": browser})
    assert (answer.status, answer.headers["location"]) == (303, "/query")
    assert server.send("GET", "/query").status == 200


# Browsers, health, headers


def test_cors(server: Running) -> None:
    asked = server.send("GET", f"/sparql?query={percent(ASK)}", headers={"Origin": "https://yasgui.example"})
    assert asked.headers["access-control-allow-origin"] == "*"
    refused = server.send("GET", "/sparql?query=x", headers={"Origin": "https://yasgui.example"})
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (400, "*")
    preflight = server.send(
        "OPTIONS",
        headers={
            "Origin": "https://yasgui.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type, x-other",
        },
    )
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "content-type" in preflight.headers["access-control-allow-headers"]


def test_options(server: Running) -> None:
    answer = server.send("OPTIONS")
    assert answer.status == 204
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"


def test_health(server: Running) -> None:
    answer = server.send("GET", "/health")
    assert (answer.status, answer.type) == (200, "application/json")
    told = answer.json()
    assert told["status"] == "ok"
    assert told["triples"] == 5
    assert told["workers"] == {"idle": 1, "busy": 0, "starting": 0}
    assert server.send("POST", "/health").status == 405


@pytest.mark.parametrize("path", ["/sparql", "/health", "/sparql?query=x", "/nothing", "/", "/query"])
def test_headers_keep_browsers_careful(server: Running, path: str) -> None:
    headers = server.send("GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_each_request_is_a_line_in_the_log(server: Running) -> None:
    # Lines of what was asked before may come late; what follows this one is of this test.
    server.send("GET", "/mark-in-the-log")
    until(lambda: any("/mark-in-the-log" in line for line in server.lines()))
    server.get(ASK)
    server.get("nonsense")
    server.send("GET", "/nothing")

    def behind() -> list[str]:
        return "\n".join(server.lines()).split("/mark-in-the-log", 1)[1].split("\n")[1:]

    until(lambda: len(behind()) == 3)
    lines = behind()
    assert [line.split()[2] for line in lines] == ["GET", "GET", "GET"]
    assert " 200 " in lines[0]
    assert " 400 " in lines[1]
    assert "not SPARQL" in lines[1]
    assert " 404 " in lines[2]


def test_answers_are_json_where_a_client_asks_for_it(server: Running) -> None:
    answer = server.get("nonsense", "application/sparql-results+json")
    assert answer.type == "application/problem+json"
    assert json.loads(answer.body)["title"] == "Bad Request"
    assert server.get("nonsense", "image/png").type == "text/plain"
