"""The pages of the server in a browser and over HTTP: what is asked, found, shown and refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from rdflib import Graph, URIRef

from kg.export import export
from kg.ids import BASE, ONTOLOGY
from kg.model import KnowledgeGraph
from kg.query import questions
from tests.graphs import HOSTILE, hostile, vision
from tests.html_visit import MARKS, watched

pytest.importorskip("starlette", reason="the extra [serve] is not installed")

WAIT = 60_000
AXE = "4.14.1"
PAGES = {
    "start": "/",
    "query": "/query#question=top-baselines",
    "thing": "/id/method/resnet-50",
    "paper": "/search?q=RowNet%20rows&format=html",
    "claim": "",
    "ontology": "/ontology",
    "lost": "/id/method/resnet-5000",
}
RDF = {
    "text/turtle": "turtle",
    "application/ld+json": "json-ld",
    "application/n-triples": "nt",
    "application/rdf+xml": "xml",
}


def both() -> KnowledgeGraph:
    """The plain papers and those with hostile names, in one graph."""
    a, b = vision(), hostile()
    merged = (
        tuple({item.id: item for item in (*getattr(a, part), *getattr(b, part))}.values())
        for part in ("papers", "entities", "claims", "results")
    )
    return KnowledgeGraph(*(tuple(sorted(items, key=lambda item: item.id)) for items in merged))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("served")
    export(both(), made)
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    """The address of a server that runs as people run it."""
    command = [sys.executable, "-m", "kg", "serve", str(folder), "--port", "0", "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    line = process.stdout.readline()
    address = re.search(r"(http://\S+)/ with", line)
    assert address, line
    yield address[1]
    process.terminate()
    assert process.wait(30) == 0


class Answer:
    """A response with status, headers and body; errors are answers too."""

    def __init__(self, address: str, accept: str = "", **headers: str) -> None:
        request = urllib.request.Request(address, headers={**({"Accept": accept} if accept else {}), **headers})
        try:
            response = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            self.status, self.headers, self.body = response.status, response.headers, response.read()
            self.url = response.url

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


@pytest.mark.parametrize("accept", RDF)
def test_things_answer_machines_in_the_form_they_accept(server: str, accept: str) -> None:
    answer = Answer(f"{server}/id/method/resnet-50", accept)
    assert (answer.status, answer.headers.get_content_type()) == (200, accept)
    assert "Accept" in answer.headers["Vary"]
    graph = Graph().parse(data=answer.text, format=RDF[accept])
    node = URIRef(f"{BASE}method/resnet-50")
    assert (node, URIRef("http://www.w3.org/2004/02/skos/core#prefLabel"), None) in graph
    assert (None, URIRef(f"{ONTOLOGY}comparesTo"), node) in graph
    assert {node} == {s if s == node else o for s, _, o in graph}


def test_things_answer_people_with_a_page_and_others_with_turtle(server: str) -> None:
    address = f"{server}/id/method/resnet-50"
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    page = Answer(address, browser)
    assert page.headers.get_content_type() == "text/html"
    assert "RowNet" in page.text
    assert "RowNet outperforms " in page.text
    assert Answer(address, "*/*").headers.get_content_type() == "text/turtle"
    assert Answer(address, "text/turtle;q=0.5, text/html;q=0.4").headers.get_content_type() == "text/turtle"
    assert Answer(address, "image/png").status == 406
    assert Answer(f"{address}?format=nt", browser).headers.get_content_type() == "application/n-triples"
    same = Answer(f"{server}/id?iri={quote(BASE + 'method/resnet-50', safe='')}", browser)
    assert "RowNet outperforms " in same.text


def test_every_minted_iri_is_found(server: str, folder: Path) -> None:
    graph = Graph().parse(folder / "graph.nt" if (folder / "graph.nt").exists() else folder / "graph.ttl")
    minted = sorted({str(s) for s in graph.subjects() if str(s).startswith(BASE)})
    assert len(minted) > 60
    for iri in minted[:: max(len(minted) // 60, 1)]:
        for accept in ("text/html", "text/turtle"):
            assert Answer(f"{server}/id/{iri.removeprefix(BASE)}", accept).status == 200, iri


def test_claims_results_and_evidence_have_pages_that_say_what_they_state(server: str, folder: Path) -> None:
    turtle = (folder / "graph.ttl").read_text(encoding="utf-8")
    seen = ""
    for kind in ("claim", "result", "evidence"):
        for name in re.findall(rf"^{kind}:(\w+)", turtle, re.MULTILINE):
            page = Answer(f"{server}/id/{kind}/{name}", "text/html").text
            assert '<h2 id="evidence">Evidence</h2>' in page
            assert "<mark>" in page
            seen += "".join(re.findall(r"<h1><bdi>(.*?)</bdi></h1>", page)) + "\n"
    assert "RowNet compares to ResNet-50\n" in seen
    assert "ThinCut trained on CIFAR-10\n" in seen
    assert "speed: ↑ 6.5x\n" in seen


@pytest.mark.parametrize("accept", ["text/html", "text/turtle", "application/json"])
@pytest.mark.parametrize(
    "path",
    [
        "/id/method/nothing",
        "/id/../../etc/passwd",
        "/id/%2e%2e/%2e%2e/etc/passwd",
        "/files/..%2fgraph.ttl",
        "/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/files/.state",
        "/files/store%2Fcurrent",
        "/files/graph.ttl%00.html",
        "/static/..%2fpages.py",
        "/static/app.css/..%2f..%2fpages.py",
        "/static/%5c..%5cpages.py",
        "/nothing",
    ],
)
def test_addresses_that_lead_nowhere_are_404(server: str, path: str, accept: str) -> None:
    answer = Answer(server + path, accept)
    assert answer.status == 404
    assert "Traceback" not in answer.text
    assert b"root:" not in answer.body


def test_what_is_no_iri_is_refused(server: str) -> None:
    for wrong in ("", "no iri", "<script>", "http://[", "a\x00b", "x\r\nSet-Cookie: a=b"):
        answer = Answer(f"{server}/id?iri={quote(wrong)}", "text/html")
        assert answer.status in (400, 404)
        assert "<script>alert" not in answer.text
        assert answer.headers["Set-Cookie"] is None


def test_unknown_thing_offers_the_nearest(server: str) -> None:
    page = Answer(f"{server}/id/method/resnet-5", "text/html")
    assert page.status == 404
    assert "Did you mean" in page.text
    assert "/id/method/resnet-50" in page.text


@pytest.mark.parametrize(
    "accept", ["text/turtle", "application/ld+json", "application/n-triples", "application/rdf+xml"]
)
def test_the_ontology_is_served_to_machines(server: str, accept: str) -> None:
    graph = Graph().parse(data=Answer(f"{server}/ontology", accept).text, format=RDF[accept])
    assert (URIRef(f"{ONTOLOGY}Claim"), None, None) in graph


def test_the_ontology_and_its_terms_are_served_to_people(server: str) -> None:
    page = Answer(f"{server}/ontology", "text/html").text
    assert 'id="Claim"' in page
    assert Answer(f"{server}/id?iri={quote(ONTOLOGY + 'Claim', safe='')}", "text/html").url.endswith("/ontology#Claim")


def test_search_answers_in_json(server: str) -> None:
    found = json.loads(Answer(f"{server}/search?q=resnt%2050", "application/json").text)
    best = found["hits"][0]
    assert (best["label"], best["page"], best["fit"], found["fits"]) == (
        "ResNet-50",
        "/id/method/resnet-50",
        "near",
        True,
    )
    assert Answer(server + best["page"], "text/html").status == 200
    assert json.loads(Answer(f"{server}/search?q=", "application/json").text)["hits"] == []
    assert len(json.loads(Answer(f"{server}/search?q=e&limit=2", "application/json").text)["hits"]) == 2
    assert json.loads(Answer(f"{server}/search?q=qqqqq&limit=x", "application/json").text)["fits"] is False
    page = Answer(f"{server}/search?q=%3Cscript%3Ealert(1)%3C/script%3E", "text/html").text
    assert "<script>alert(1)" not in page


def test_files_can_be_saved(server: str, folder: Path) -> None:
    answer = Answer(f"{server}/files/graph.ttl")
    assert answer.body == (folder / "graph.ttl").read_bytes()
    assert "attachment" in answer.headers["Content-Disposition"]


def test_pages_allow_no_foreign_code(server: str) -> None:
    for path in filter(None, PAGES.values()):
        answer = Answer(server + path.partition("#")[0], "text/html")
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(
            r"\son\w+\s*=|\sstyle\s*=|javascript:", re.sub(r"<script type=.*?</script>", "", answer.text, flags=re.S)
        )
        assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=\"(?:https?:)?//", answer.text)


def test_assets_are_not_sent_twice(server: str) -> None:
    first = Answer(f"{server}/static/app.css")
    assert Answer(f"{server}/static/app.css", **{"If-None-Match": first.headers["ETag"]}).status == 304


def test_the_page_follows_a_new_build(tmp_path: Path) -> None:
    from starlette.applications import Starlette
    from starlette.requests import Request

    from kg.server.context import context_of
    from kg.server.pages import routes

    export(hostile(), tmp_path, ["ttl", "store"])
    search = next(route for route in routes(context_of(tmp_path)) if route.path == "/search").endpoint

    def labels() -> list[str]:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/search",
            "query_string": b"q=RowNet",
            "headers": [(b"accept", b"application/json")],
            "app": Starlette(),
        }
        return [hit["label"] for hit in json.loads(search(Request(scope)).body)["hits"]]

    assert "RowNet" not in labels()
    export(vision(), tmp_path, ["ttl", "store"])
    assert labels()[0] == "RowNet"


# --- in a browser ---


class Visit:
    """An open page with what it asked for and complained of."""

    def __init__(self, browser: Any, server: str, path: str, **context: Any) -> None:
        self.server = server
        self.options = context
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **context}
        )
        self.context.set_default_timeout(WAIT)
        self.page = self.context.new_page()
        self.requests, self.problems = watched(self.page)
        self.go(path)

    def go(self, path: str) -> None:
        if path == "about:blank":
            self.page.goto(path)
            return
        self.page.goto(self.server + path)
        self.page.wait_for_selector("html[data-ready=true]", state="attached")
        if path.startswith("/query"):
            self.page.wait_for_selector("html[data-asking=ready]", state="attached")

    def close(self) -> None:
        foreign = [url for url in self.requests if not url.startswith((self.server, "data:", "blob:"))]
        self.context.close()
        assert foreign == []
        # A refused query and a page that is not there are answers that browsers note.
        assert [text for text in self.problems if "status of 4" not in text] == []


@pytest.fixture
def visit(browser: Any, server: str) -> Iterator[Any]:
    opened: list[Visit] = []

    def start(path: str, **context: Any) -> Any:
        if opened and opened[-1].options == context:
            opened[-1].go("about:blank")
            opened[-1].go(path)
        else:
            opened.append(Visit(browser, server, path, **context))
        return opened[-1].page

    yield start
    for item in opened:
        item.close()


class TestInBrowser:
    pytestmark = MARKS

    def test_a_question_runs_sorts_and_is_linked(self, visit: Any) -> None:
        page = visit("/query")
        page.click("[data-question=speed-ups]")
        rows = page.locator("#answer tbody tr")
        rows.first.wait_for()
        assert "1 row in" in page.inner_text("#status")
        assert page.evaluate("location.hash") == "#question=speed-ups"
        parameter = page.locator("#parameter-least")
        assert parameter.input_value() == "5"
        parameter.fill("2")
        assert 'VALUES ?least { "2" }' in page.input_value("#text")
        parameter.press("Enter")
        rows.nth(1).wait_for()
        values = page.locator("#answer tbody tr td:first-child")
        head = page.locator("#answer th").first
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "ascending"
        assert [float(text) for text in values.all_inner_texts()] == [2.5, 6.5]
        head.locator("button").click()
        assert [float(text) for text in values.all_inner_texts()] == [6.5, 2.5]
        address = page.url
        asked = page.input_value("#text")
        again = visit(address[address.index("/query") :])
        again.locator("#answer tbody tr").nth(1).wait_for()
        assert again.input_value("#text") == asked
        assert again.locator("#parameter-least").input_value() == "2"

    def test_all_questions_run(self, visit: Any) -> None:
        page = visit("/query")
        for question in questions():
            page.click(f"[data-question={question.name}]")
            page.locator("#status", has_text=re.compile(r" in [\d.]+ m?s\.$")).wait_for()
            assert page.inner_text("#problem") == ""
            assert page.locator("[aria-current=true]").get_attribute("data-question") == question.name

    def test_parameters_complete_names(self, visit: Any) -> None:
        page = visit("/query#question=compares-with")
        field = page.locator("#parameter-name")
        field.fill("rownt")
        option = page.locator("#parameters [role=option]").first
        option.wait_for()
        assert "RowNet" in option.inner_text()
        field.press("ArrowDown")
        field.press("Enter")
        assert 'VALUES ?name { "RowNet" }' in page.input_value("#text")

    def test_editor_completes_terms_variables_keywords_and_names(self, visit: Any) -> None:
        page = visit("/query")
        names = page.locator("#completions:not([hidden]) .name")

        def typed(text: str) -> list[str]:
            page.fill("#text", "")
            page.click("#text")
            page.keyboard.type(text)
            page.keyboard.press("Control+Space")
            names.first.wait_for()
            return list(names.all_inner_texts())

        assert {"kg:comparesTo", "kg:confidence"} <= set(typed("SELECT * { ?x kg:co"))
        page.keyboard.press("Escape")
        assert names.count() == 0
        assert typed("SELECT ?paper ?baseline { ?ba") == ["?baseline"]
        assert "OPTIONAL" in typed("SELECT * { opt")
        assert "kg:targets" in typed("SELECT * { ?x targ")
        assert "skos:" in typed("SELECT * { ?x sko")
        assert typed('SELECT * { ?x skos:prefLabel "imagn')[0] == "ImageNet"
        page.keyboard.press("Enter")
        assert page.input_value("#text").endswith('"ImageNet')
        typed("SELECT * { ?x kg:comp")
        assert page.locator("#text").get_attribute("aria-activedescendant") == "completion-0"
        place, sheet = page.locator("#completions").bounding_box(), page.locator("#text").bounding_box()
        assert sheet["y"] < place["y"] < sheet["y"] + 60
        page.keyboard.press("Tab")
        assert page.input_value("#text") == "SELECT * { ?x kg:comparesTo"
        page.keyboard.press("Control+z")
        assert page.input_value("#text") == "SELECT * { ?x kg:comp"

    def test_editor_colours_what_it_shows_and_shows_all(self, visit: Any) -> None:
        page = visit("/query")
        for text in (
            'SELECT ?x # "no\n{ <a#b> kg:x "v # \\" w" } ',
            "'open",
            '"""long\n\ntext',
            "<b>&amp;</b> \u2028 \u202e 😀",
        ):
            page.fill("#text", text)
            painted = page.locator("#paint").evaluate("e => e.textContent")
            assert painted == page.input_value("#text") + "\n "
        page.fill("#text", 'SELECT ?x # "no\n{ <a#b> kg:x "v # \\" w" }')
        colours = page.locator("#paint span").evaluate_all("all => all.map(e => [e.className, e.textContent])")
        assert colours == [
            ["k", "SELECT"],
            ["v", "?x"],
            ["c", '# "no'],
            ["i", "<a#b>"],
            ["n", "kg:x"],
            ["s", '"v # \\" w"'],
        ]

    def test_an_error_is_shown_at_its_place(self, visit: Any) -> None:
        page = visit("/query")
        page.fill("#text", "SELECT ?x WHERE {\n  ?x a kg:Method .\n  ?x nope:thing ?y .\n}")
        page.focus("#text")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#problem:not(:empty)")
        assert "line 3" in page.inner_text("#problem")
        assert page.inner_text("#gutter .bad") == "3"
        assert page.locator("#paint .bad").count() > 0
        page.click("#problem button")
        assert page.evaluate("document.activeElement.id") == "text"
        before = page.evaluate(
            "document.getElementById('text').value.slice(0, document.getElementById('text').selectionStart)"
        )
        assert before.count("\n") == 2
        page.keyboard.type(" ")
        assert page.locator(".bad").count() == 0

    def test_updates_are_refused_in_words(self, visit: Any) -> None:
        page = visit("/query")
        page.fill("#text", "DELETE WHERE { ?s ?p ?o }")
        page.click("#run")
        page.wait_for_selector("#problem:not(:empty)")
        assert "read" in page.inner_text("#problem")

    @pytest.mark.parametrize(
        ("question", "label", "start"),
        [
            ("top-baselines", "CSV", b"baseline"),
            ("top-baselines", "TSV", b"?baseline"),
            ("top-baselines", "JSON", b"{"),
            ("top-baselines", "XML", b"<?xml"),
            ("method-network", "Turtle", b"@prefix"),
            ("method-network", "N-Triples", b"<http"),
        ],
    )
    def test_answers_are_saved(self, visit: Any, question: str, label: str, start: bytes) -> None:
        page = visit(f"/query#question={question}")
        page.locator("#answer tbody tr").first.wait_for()
        with page.expect_download() as saved:
            page.locator("#save button", has_text=re.compile(f"^{label}$")).click()
        body = Path(saved.value.path()).read_bytes()
        assert body.startswith(start)
        assert b"ResNet-50" in body or b"resnet-50" in body

    def test_yes_no_and_triples_are_shown(self, visit: Any) -> None:
        page = visit(f"/query#query={quote('ASK { ?x a kg:Paper }')}")
        page.locator("#answer", has_text=re.compile("^Yes$")).wait_for()
        page = visit(
            f"/query#query={quote('CONSTRUCT { ?x skos:prefLabel ?l } WHERE { ?x a kg:Hardware ; skos:prefLabel ?l }')}"
        )
        page.locator("#answer tbody tr").first.wait_for()
        assert "NVIDIA A100" in page.inner_text("#answer")
        assert page.locator("#answer a[href^='/id/hardware/']").count() > 0

    def test_values_stay_text_in_the_answer(self, visit: Any) -> None:
        asked = "SELECT ?label { ?x skos:prefLabel|dcterms:title ?label } ORDER BY ?label"
        page = visit(f"/query#query={quote(asked)}")
        page.locator("#answer tbody tr").first.wait_for()
        shown = page.locator("#answer td bdi").evaluate_all("all => all.map(e => e.textContent)")
        assert HOSTILE[0] in shown
        assert page.locator("#answer :is(script, img, b, i)").count() == 0

    def test_hostile_names_stay_text_on_their_pages(self, visit: Any, server: str) -> None:
        page = visit("/")
        for name in HOSTILE:
            found = json.loads(
                Answer(f"{server}/search?q={quote(name.encode('utf-8', 'replace'))}", "application/json").text
            )
            assert found["hits"], name
            for hit in found["hits"][:2]:
                page.goto(server + hit["page"])
                shown = page.locator("h1 bdi").evaluate("e => e.textContent")
                # Browsers read an end of line in HTML as one sign.
                assert shown.replace("\r", "\n") == hit["label"].replace("\r\n", "\n").replace("\r", "\n")
                assert page.locator("main :is(script, img, b, i, style)").count() == 0
                assert page.locator("a[href^='javascript:' i]").count() == 0

    def test_search_field_leads_to_a_thing_by_keyboard(self, visit: Any) -> None:
        page = visit("/")
        page.keyboard.press("/")
        page.keyboard.type("imagent")
        page.locator("header [role=option]").first.wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/id/dataset/imagenet")
        assert page.inner_text("h1") == "ImageNet"

    def test_pages_can_be_read_without_scripts(self, visit: Any, browser: Any, server: str) -> None:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(server)
        page.fill("#search", "row net")
        page.press("#search", "Enter")
        page.click("main a:has-text('RowNet')")
        assert page.inner_text("h1") == "RowNet"
        context.close()

    def test_the_graph_page_works_within_the_server(self, visit: Any) -> None:
        page = visit("/id/method/resnet-50")
        page.click("text=on the graph page")
        page.wait_for_selector("#panel-title")
        assert page.inner_text("#panel-title") == "ResNet-50"

    def test_theme_follows_the_system_and_the_switch(self, visit: Any) -> None:
        page = visit("/", color_scheme="dark")
        background = "getComputedStyle(document.body).backgroundColor"
        dark = page.evaluate(background)
        page.click("#theme")
        light = page.evaluate(background)
        assert light != dark
        page.reload()
        page.wait_for_selector("html[data-theme=light]")
        assert page.evaluate(background) == light

    @pytest.mark.parametrize("width", [360, 1900])
    def test_pages_fit_windows_from_phone_to_wall(self, visit: Any, server: str, folder: Path, width: int) -> None:
        for path in addresses(folder):
            page = visit(path, viewport={"width": width, "height": 740})
            if path.startswith("/query"):
                page.locator("#answer tbody tr").first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_no_barrier_that_axe_knows(self, visit: Any, axe: str, folder: Path, scheme: str) -> None:
        for path in addresses(folder):
            page = visit(path, color_scheme=scheme)
            if path.startswith("/query"):
                page.locator("#answer tbody tr").first.wait_for()
                page.click("#text")
                page.keyboard.press("Control+Home")
                page.keyboard.press("Control+Space")
            page.evaluate(axe)
            found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.impact, v.nodes[0].html]))")
            assert found == [], path


def addresses(folder: Path) -> list[str]:
    """Return the addresses of one page of each kind, a claim's among them."""
    claim = re.search(r"^claim:(\w+)", (folder / "graph.ttl").read_text(encoding="utf-8"), re.MULTILINE)
    assert claim
    return [address or f"/id/claim/{claim[1]}" for address in PAGES.values()]


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest) -> str:
    """The source of axe-core, installed once from npm into the cache folder of pytest."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: install the package npm")
    folder = request.config.cache.mkdir(f"axe-{AXE}")  # type: ignore[union-attr]
    source = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not source.is_file():
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), f"axe-core@{AXE}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if not source.is_file():
            pytest.skip(f"axe-core cannot be installed: {done.stderr.strip()[:200]}")
    return source.read_text(encoding="utf-8")
