"""What a server must bear: wrong, huge and endless queries, clients that are slow, gone or malicious."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from kg.server.cache import Answer, AnswerCache
from kg.server.middleware import Guard, LineFormatter
from kg.server.rows import COUNTERS, Spool, TooLarge
from kg.server.worker import ROWS, Asked
from tests.servers import QUERY, Running, fresh, percent, serving, until

NODES = 1500
ALL = "SELECT * { ?s ?p ?o }"
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
MIB = 1024 * 1024

CROSS = "?a ?b ?c . ?d ?e ?f . ?g ?h ?i"
NEVER = 'FILTER(CONCAT(STR(?a), STR(?e), STR(?i)) = "never")'
CATASTROPHES = {
    "cartesian": f"SELECT (COUNT(*) AS ?n) {{ {CROSS} }}",
    "cartesian ask": f"ASK {{ {CROSS} {NEVER} }}",
    "cartesian construct": f"CONSTRUCT {{ ?a ?e ?i }} WHERE {{ {CROSS} {NEVER} }}",
    "paths": "SELECT (COUNT(*) AS ?n) { ?a (<http://x/next>|^<http://x/next>)* ?b . ?b (<http://x/next>|!<p:q>)* ?c }",
    "regex": f'SELECT * {{ {CROSS} FILTER REGEX(CONCAT(STR(?c), STR(?f), STR(?i)), "^(a+)+[0-9]$") }}',
    "sorting": f"SELECT ?a {{ {CROSS} }} ORDER BY DESC(?c) LIMIT 1",
}
DEEP = {
    "groups": "SELECT * " + "{" * 5000 + "?s ?p ?o" + "}" * 5000,
    "parentheses": "SELECT * { FILTER(" + "(" * 5000 + "1" + ")" * 5000 + ") }",
    "functions": "SELECT * { FILTER(" + "ABS(" * 5000 + "1" + ")" * 5000 + ") }",
    "paths": "SELECT * { ?s " + "(" * 5000 + "<p:p>" + ")" * 5000 + " ?o }",
    "lists": "SELECT * { ?s <p:p> " + "(" * 5000 + "1" + ")" * 5000 + "}",
    "blank nodes": "SELECT * { ?s <p:p> " + "[<p:p> " * 5000 + "1" + "]" * 5000 + "}",
    "subqueries": "SELECT * " + "{ SELECT * " * 5000 + "{ ?s ?p ?o }" + "}" * 5000,
    "unclosed": "SELECT * " + "{" * 5000,
    # These nest without brackets, so only the worker finds out.
    "negations": "SELECT * { FILTER(" + "!" * 100_000 + "1) }",
    "alternatives": "SELECT * { FILTER(" + "||".join("1" * 60_000) + ") }",
    "unions": "SELECT * {" + " UNION ".join(["{?s ?p ?o}"] * 14_000) + "}",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain of nodes, with labels that a regular expression trips over."""
    folder = tmp_path_factory.mktemp("chain")
    lines = []
    for n in range(NODES):
        lines.append(f"<http://x/{n}> <http://x/next> <http://x/{n + 1}> .")
        lines.append(f'<http://x/{n}> <http://x/label> "{"a" * 40}{n}!" .')
    (folder / "graph.nt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def server(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    log = tmp_path_factory.mktemp("log") / "log"
    with serving(source, log, "--workers", "2", "--timeout", "2", "--max-rows", "5000", "--memory", "256") as running:
        yield running


def lives(server: Running) -> None:
    """Fail unless the server answers, from the graph as it was."""
    assert server.get(fresh(COUNT)).column("n") == [str(2 * NODES)]


# Queries that go too far


@pytest.mark.parametrize("name", CATASTROPHES)
def test_an_endless_query_is_stopped(server: Running, name: str) -> None:
    server.wait_ready(2)
    before = {worker.pid for worker in server.workers()}
    started = time.monotonic()
    answer = server.post(CATASTROPHES[name])
    assert answer.status == 422
    assert "2 seconds" in answer.text or "memory" in answer.text
    assert time.monotonic() - started < 20
    lives(server)
    server.wait_ready(2)
    until(lambda: len(before & {worker.pid for worker in server.workers()}) == 1)


@pytest.mark.parametrize("name", DEEP)
def test_a_deep_query_kills_a_worker_at_most(server: Running, name: str) -> None:
    answer = server.post(DEEP[name])
    assert answer.status in (400, 422)
    assert "deep" in answer.text or "too early" in answer.text or "2 seconds" in answer.text, answer.text
    lives(server)


def test_a_query_that_takes_the_memory_is_stopped(source: Path, tmp_path: Path) -> None:
    query = "SELECT ?a { ?a ?b ?c . ?d ?e ?f } ORDER BY ?c ?f LIMIT 1"
    with serving(source, tmp_path / "log", "--workers", "1", "--timeout", "60", "--memory", "128") as running:
        answer = running.post(query)
        assert answer.status == 422
        assert "128 MiB" in answer.text
        lives(running)


def test_an_answer_beyond_the_limit_is_refused_and_one_at_the_limit_is_whole(server: Running) -> None:
    five = "{ ?s <http://x/next> ?o . VALUES ?n { 1 2 3 4 5 } }"
    for accept in ("application/sparql-results+json", "application/sparql-results+xml", "text/csv", "*/*"):
        answer = server.post(f"SELECT * {five}", accept)
        assert answer.status == 422, accept
        assert "5,000 rows" in answer.text or "5,000 rows" in answer.json()["detail"]
        assert server.post(f"SELECT * {five} LIMIT 5000", accept).status == 200
    answer = server.post("CONSTRUCT { ?s ?n ?o } { ?s ?p ?o . VALUES ?n { <n:1> <n:2> } }", "application/n-triples")
    assert answer.status == 422
    assert "5,000 triples" in answer.text
    whole = server.post("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }", "application/n-triples")
    assert len(whole.body.splitlines()) == 2 * NODES


def test_a_large_answer_arrives_whole(server: Running) -> None:
    """It is larger than what goes through memory."""
    long = ", ".join(["?o"] * 12)
    query = f"SELECT (CONCAT({long}) AS ?long) ?n {{ ?s <http://x/label> ?o . VALUES ?n {{ 1 2 3 }} }}"
    answer = server.post(query)
    assert len(answer.body) > MIB
    assert answer.headers["content-length"] == str(len(answer.body))
    rows = answer.json()["results"]["bindings"]
    assert len(rows) == 3 * NODES
    assert len({row["long"]["value"] for row in rows}) == NODES


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { ?s ?p ?o",
        "SELECT * ?s ?p ?o }",
        "}{" * 100,
        "SELECT * { ?s ?p 'open }",
        '"""',
        "\x00",
        "SELECT * { ?s ?p ?o } \ud7ff\uffff\u202e",
        "SELECT * { <" + "a" * 1000 + " ?p ?o }",
        "%00%0d%0a",
    ],
)
def test_unbalanced_and_meaningless_queries(server: Running, query: str) -> None:
    for answer in (server.get(query), server.form(query), server.post(query)):
        assert answer.status == 400
        assert len(answer.text.splitlines()) == 1
        assert len(answer.body) < 1000
    lives(server)


@pytest.mark.parametrize("filler", ["a", "(", "'", "# ", "?s ?p ?o . ", "\u202e"])
def test_a_query_of_a_megabyte(server: Running, filler: str) -> None:
    query = "SELECT * { " + filler * (MIB // len(filler.encode()))
    assert server.post(query).status == 413
    assert server.form(query).status == 413
    assert status(raw(server, f"GET /sparql?query={percent(query)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())) == 431
    lives(server)


def test_a_long_word_is_read_quickly(server: Running) -> None:
    answer = server.post("SELECT * { ?s ?p " + "a" * 250_000)
    assert answer.status in (400, 422)
    lives(server)


# Requests that go too far


def raw(server: Running, data: bytes, seconds: float = 30, *, close: bool = False) -> bytes:
    """Send bytes and return what comes back until the server closes the connection."""
    with socket.create_connection(server.address, timeout=seconds) as connection:
        received = b""
        try:
            connection.sendall(data)
            if close:
                return b""
            while piece := connection.recv(65536):
                received += piece
        except (ConnectionError, BrokenPipeError):
            pass
        return received


def status(data: bytes) -> int:
    assert data.startswith(b"HTTP/1.1 "), data[:80]
    return int(data.split()[1])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400}),
        (b"nonsense\r\n\r\n", {400}),
        (b"GET /sparql HTTP/1.1\r\n\r\n", {400}),
        (b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", {200, 400}),
        (b'GET /sparql HTTP/1.1\r\nHost: x"><script>\r\nConnection: close\r\n\r\n', {400}),
        (b"GET /sparql HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n", {400}),
        (b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {431}),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 300_000 + b"\r\n\r\n", {431}),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 60_000 + b"\r\n", {431}),
        (b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", {400}),
        (b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", {400}),
        (
            b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
            b"Content-Length: 99999999999\r\n\r\nASK {}",
            {413},
        ),
        (
            b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"a" * 65536 + b"\r\nzz\r\n",
            {400},
        ),
        (
            b"GET /sparql?"
            + b"&".join(b"a%d=1" % n for n in range(500))
            + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            {400},
        ),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_requests_that_are_no_http_or_too_large(server: Running, data: bytes, expected: set[int]) -> None:
    before = len(server.lines())
    assert status(raw(server, data)) in expected
    until(lambda: len(server.lines()) > before)
    lives(server)


@pytest.mark.parametrize("field", ["query", "default-graph-uri", "other"])
def test_headers_and_log_lines_cannot_be_injected(server: Running, field: str) -> None:
    before = len(server.lines())
    evil = "a\r\nSet-Cookie: x=1\r\n\r\n<script>\u2028\x1b[31m\u202e"
    answer = server.send(
        "GET",
        f"/sparql?{field}={percent(evil)}&query={percent('ASK {}')}",
        headers={
            "Accept": "application/json",
            "Origin": "http://a\tb",
            "User-Agent": "a\x1b[31m\x85b".encode().decode("latin-1"),
        },
    )
    assert "set-cookie" not in answer.headers
    assert answer.type in ("application/json", "application/problem+json")
    until(lambda: len(server.lines()) > before)
    lines = server.lines()[before:]
    assert len(lines) == 1
    assert lines[0].isprintable()


@pytest.mark.parametrize(
    "prefix", ["/", "/sparql/", "/static/", "/files/", "/id/", "/.well-known/", "/graph/", "/health/"]
)
@pytest.mark.parametrize(
    "path",
    [
        "../../../../../../etc/passwd",
        "..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "..%5c..%5cetc%5cpasswd",
        "%252e%252e%252fetc%252fpasswd",
        "//etc/passwd",
        "%2fetc%2fpasswd",
        "graph.nt%00.ttl",
        "..;/etc/passwd",
        "..%c0%af..%c0%afetc/passwd",
    ],
)
def test_no_path_leads_out_of_the_folder(server: Running, prefix: str, path: str) -> None:
    answer = server.send("GET", prefix + path)
    assert answer.status in (400, 404, 405, 406)
    assert b"root:" not in answer.body


# Clients that are slow, or gone


@pytest.fixture(scope="module")
def impatient(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that waits a second for clients, set in its own process before it starts."""
    log = tmp_path_factory.mktemp("log") / "log"
    with serving(source, log, "--workers", "1", "--timeout", "20", "--patience", "1") as running:
        yield running


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET /sparql HTT",
        b"GET /sparql HTTP/1.1\r\nHost: x\r\nX: y",
        b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nContent-Length: 100\r\n\r\nASK",
    ],
)
def test_a_slow_sender_is_told_so(impatient: Running, start: bytes) -> None:
    before = len(impatient.lines())
    assert status(raw(impatient, start)) == 408
    assert any(" 408 " in line for line in impatient.lines()[before:])
    lives(impatient)


def test_a_sender_of_a_byte_a_moment_is_told_so(impatient: Running) -> None:
    started = time.monotonic()
    with socket.create_connection(impatient.address, timeout=0.05) as connection:
        answer = None
        for byte in b"GET /sparql HTTP/1.1\r\n" + b"X-Slow: yes\r\n" * 100:
            try:
                connection.sendall(bytes([byte]))
                answer = connection.recv(4096)
            except TimeoutError:
                continue
            except ConnectionError:
                answer = b""
            break
    assert answer is not None, "the server waited for all of it"
    assert not answer or status(answer) == 408
    assert time.monotonic() - started < 10


def test_who_does_not_take_an_answer_is_cut_off(impatient: Running) -> None:
    query = f"SELECT * {{ ?s <http://x/label> ?o . VALUES ?n {{ {' '.join(map(str, range(60)))} }} }}"
    body = query.encode()
    head = f"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: {QUERY}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(impatient.address)
        connection.sendall(head.encode() + body)
        until(lambda: any("does not take" in line for line in impatient.lines()))
        lives(impatient)  # the only worker was not kept


def test_a_query_ends_when_its_client_goes(impatient: Running) -> None:
    impatient.wait_ready(1)
    body = CATASTROPHES["cartesian"].encode()
    head = f"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: {QUERY}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(impatient.address) as connection:
        connection.sendall(head.encode() + body)
        until(lambda: impatient.send("GET", "/health").json()["workers"]["busy"] == 1)
    started = time.monotonic()
    lives(impatient)
    assert time.monotonic() - started < 15  # the query would have taken 20 seconds


def test_when_all_are_busy_and_the_queue_is_full_a_client_is_told_when_to_come_back(
    source: Path, tmp_path: Path
) -> None:
    answers = []
    with serving(source, tmp_path / "log", "--workers", "1", "--timeout", "1.5", "--queue", "1") as running:

        def ask() -> None:
            answers.append(running.post(CATASTROPHES["cartesian"]))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status for answer in answers) == [422, 422, 503, 503]
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status == 503)
        lives(running)


def test_memory_stays_flat(server: Running) -> None:
    """After a first round, which fills caches, rounds of everything above leave the memory where it was."""

    def round_() -> None:
        server.post(CATASTROPHES["cartesian"])
        for name in ("groups", "negations", "unions"):
            server.post(DEEP[name])
        for _ in range(5):
            server.post("SELECT * { " + "a " * (MIB // 2))
            server.post(fresh(f"{ALL} ORDER BY ?o"))
            server.get("x" * 5000)
            raw(server, b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000)
        server.wait_ready(2)

    round_()
    before = server.resident()
    round_()
    round_()
    assert server.resident() < before + 40 * MIB


# Counting rows in what a serializer writes


def solutions(values: list[list[str | None]]) -> ox.Store:
    store = ox.Store()
    for number, row in enumerate(values):
        for column, value in enumerate(row):
            if value is not None:
                node = ox.NamedNode(f"http://x/{number}")
                store.add(ox.Quad(node, ox.NamedNode(f"http://p/{column}"), ox.Literal(value)))
        store.add(ox.Quad(ox.NamedNode(f"http://x/{number}"), ox.NamedNode("http://p/row"), ox.Literal("")))
    return store


TEXTS = st.text(st.sampled_from('a{}[],:"\\\n\r\t<>/result') | st.characters(codec="utf-8", exclude_characters="\x00"))
CELL = st.none() | st.sampled_from(["},{", '"},{"', "\\", '\\"', "[{", "</result>", "\n", '"\n"', "a,b"]) | TEXTS


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=6), st.sampled_from(sorted(ROWS)), st.integers(0, 10**6)
)
def test_rows_are_counted_exactly(values: list[list[str | None]], name: str, seed: int) -> None:
    query = "SELECT ?a ?b { ?s <http://p/row> ?r OPTIONAL { ?s <http://p/0> ?a } OPTIONAL { ?s <http://p/1> ?b } }"
    found = solutions(values).query(query)
    assert isinstance(found, ox.QuerySolutions)
    data = found.serialize(format=ROWS[name])
    assert data is not None
    count, generator, total, at = COUNTERS[name](), random.Random(seed), 0, 0
    while at < len(data):
        step = generator.randint(1, 7)
        total += count(data[at : at + step])
        at += step
    assert total == len(values)


def test_an_error_that_nobody_foresaw_is_an_answer_and_a_line(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise TypeError("two\nlines")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": [], "client": None}
    with caplog.at_level("INFO", "kg.server"):
        asyncio.run(Guard(broken)(scope, receive, send))
    assert sent[0]["status"] == 500
    assert b"two" not in sent[1]["body"]
    (record,) = caplog.records
    assert "TypeError: two\\x0alines" in LineFormatter().format(record)


def test_answers_are_kept_unless_they_change_by_themselves_or_are_large() -> None:
    cache = AnswerCache(64 * 1024)
    for query in ("SELECT * { ?s ?p ?o }", "SELECT (RAND() AS ?n) {}", "SELECT (now () AS ?n) {}"):
        cache.put(Asked(query), Answer("rows", 1, 1, b"x"))
    assert cache.get(Asked("SELECT * { ?s ?p ?o }")) == Answer("rows", 1, 1, b"x")
    assert cache.get(Asked("SELECT (RAND() AS ?n) {}")) is None
    assert cache.get(Asked("SELECT (now () AS ?n) {}")) is None
    assert cache.get(Asked("SELECT * { ?s ?p ?o }", rows="csv")) is None
    cache.put(Asked("large"), Answer("rows", 1, 9000, b"x" * 9000))
    assert cache.get(Asked("large")) is None
    for number in range(100):
        cache.put(Asked(str(number)), Answer("rows", 1, 1000, b"x" * 1000))
    kept = [number for number in range(100) if cache.get(Asked(str(number)))]
    assert kept == list(range(100 - len(kept), 100))
    assert 0 < len(kept) <= 64
    cache.clear()
    assert cache.get(Asked("99")) is None


def test_a_spool_keeps_what_is_small_in_memory_and_the_rest_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    small = Spool(path, 10, 100)
    small.write(b"12345")
    assert (small.close(), small.spooled, path.exists()) == (b"12345", False, False)
    large = Spool(path, 10, 100)
    for _ in range(5):
        large.write(b"12345")
    assert (large.close(), large.spooled, path.read_bytes()) == (b"", True, b"12345" * 5)
    with pytest.raises(TooLarge, match="100 bytes"):
        large.write(b"x" * 76)
