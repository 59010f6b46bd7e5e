"""Exported files in the parsers and stores of others: the same number of statements, whatever the titles hold.

rapper (Raptor), Apache Jena, Virtuoso and rdflib share no code with the project. Debian's packages for them are
raptor2-utils, libapache-jena-java with a Java runtime, and virtuoso-opensource-7-bin; what is absent is skipped.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib

from kg.export import FORMATS, export
from kg.model import KnowledgeGraph
from kg.report import Report
from tests.graphs import hostile, vision

WRITTEN = ("ttl", "nt", "jsonld", "void", "nanopub")
SYNTAXES = {
    "graph.ttl": (ox.RdfFormat.TURTLE, "turtle", "turtle"),
    "graph.nt": (ox.RdfFormat.N_TRIPLES, "ntriples", "nt"),
    "graph.jsonld": (ox.RdfFormat.JSON_LD, None, "json-ld"),
    "void.ttl": (ox.RdfFormat.TURTLE, "turtle", "turtle"),
    "nanopubs.trig": (ox.RdfFormat.TRIG, "trig", "trig"),
}
"""By file: the format, and its name for rapper (none: it has no parser) and for rdflib."""

JAVA = Path("/usr/share/java")
JARS = """jena-arq jena-base jena-cmds jena-core jena-iri jena-rdfconnection jena-shacl jena-shex jena-tdb slf4j-api
slf4j-nop thrift dexx.collection jackson-annotations jackson-core jackson-databind jsonld-java titanium-json-ld
jakarta.json-api guava gson protobuf commons-cli commons-codec commons-compress commons-csv commons-io commons-lang3
httpclient httpclient-cache httpcore"""


@dataclass(frozen=True)
class Written:
    """A graph in files, with the number of its statements and of its nanopublications' quads."""

    name: str
    folder: Path
    triples: int
    quads: int

    def count(self, file: str) -> int:
        return self.quads if file == "nanopubs.trig" else self.described if file == "void.ttl" else self.triples

    @property
    def described(self) -> int:
        return count(self.folder / "void.ttl", ox.RdfFormat.TURTLE)


def count(path: Path, syntax: ox.RdfFormat) -> int:
    return len(set(ox.parse(path=str(path), format=syntax)))


def write(graph: KnowledgeGraph, name: str, folder: Path) -> Written:
    export(graph, folder, WRITTEN)
    triples = count(folder / "graph.nt", ox.RdfFormat.N_TRIPLES)
    return Written(name, folder, triples, count(folder / "nanopubs.trig", ox.RdfFormat.TRIG))


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory, examples: tuple[Path, Report]) -> list[Written]:
    made: tuple[tuple[str, Callable[[], KnowledgeGraph]], ...] = (
        ("vision", vision),
        ("hostile", hostile),
        ("examples", lambda: examples[1].graph),
    )
    return [write(make(), name, tmp_path_factory.mktemp("interchange") / name) for name, make in made]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, seeds: tuple[Path, Report]) -> Written:
    return write(seeds[1].graph, "seeds", tmp_path_factory.mktemp("interchange") / "seeds")


def files(graphs: list[Written], *skipped: str) -> Iterator[tuple[Path, int]]:
    for graph in graphs:
        for file in SYNTAXES:
            if file not in skipped:
                yield graph.folder / file, graph.count(file)


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not here; Debian's package {package} has it")
    return found


def test_every_rdf_format_is_tried() -> None:
    rdf = {output.filename for format_ in FORMATS.values() for output in format_.outputs if is_rdf(output)}
    assert rdf == set(SYNTAXES)


def is_rdf(output: object) -> bool:
    media = ("text/turtle", "application/n-triples", "application/ld+json", "application/trig", "application/n-quads")
    return getattr(output, "media_type", "") in media


def test_our_own_parser_agrees(graphs: list[Written]) -> None:
    for graph in graphs:
        assert graph.triples == count(graph.folder / "graph.ttl", ox.RdfFormat.TURTLE)
        assert graph.triples == count(graph.folder / "graph.jsonld", ox.RdfFormat.JSON_LD)
        assert graph.triples > 100


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_rdflib(graphs: list[Written]) -> None:
    for path, expected in files(graphs):
        store = rdflib.Dataset()
        store.parse(path, format=SYNTAXES[path.name][2])
        assert len(list(store.quads())) == expected, path


def raptor(paths: Iterator[tuple[Path, int]]) -> None:
    rapper = program("rapper", "raptor2-utils")
    for path, expected in paths:
        syntax = SYNTAXES[path.name][1]
        if syntax:
            run = subprocess.run([rapper, "-c", "-i", syntax, path], capture_output=True, text=True, check=False)
            assert run.returncode == 0, run.stderr
            assert f"Parsing returned {expected} triples" in run.stderr, path


def test_raptor(graphs: list[Written]) -> None:
    raptor(files(graphs))


def test_raptor_reads_real_pages(pages: Written) -> None:
    raptor(files([pages]))


@pytest.fixture(scope="module")
def riot(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of Jena's parser."""
    java = program("java", "default-jre-headless")
    if not (JAVA / "jena-arq.jar").exists():
        pytest.skip("Apache Jena is not here; Debian's package libapache-jena-java has it")
    # Debian's jar keeps resources of Jena's copy of Xerces at another place than its classes look for them.
    extra = tmp_path_factory.mktemp("jena")
    with zipfile.ZipFile(JAVA / "jena-core.jar") as jar:
        for name in jar.namelist():
            if name.startswith("org/apache/jena/ext/xerces/") and name.endswith(".properties"):
                target = extra / name.removeprefix("org/apache/jena/ext/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(jar.read(name))
    classes = ":".join(map(str, (extra, *(JAVA / f"{name}.jar" for name in JARS.split()))))
    return [java, "-XX:TieredStopAtLevel=1", "-cp", classes, "riotcmd.riot"]


def jena(riot: list[str], paths: Iterator[tuple[Path, int]]) -> None:
    expected = dict(paths)
    # The parser for JSON-LD 1.1 needs a package that Debian lacks; the one for 1.0 reads what both versions share.
    for options, chosen in (
        ([], [path for path in expected if path.suffix != ".jsonld"]),
        (["--syntax=jsonld10"], [path for path in expected if path.suffix == ".jsonld"]),
    ):
        command = [*riot, *options, "--count", *map(str, chosen)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        said = run.stdout + run.stderr
        # It fails on warnings too; "hostile" has U+FFFD and a literal that is no address on purpose.
        assert run.returncode == 0 or any(path.parent.name == "hostile" for path in chosen), said
        assert " errors : " not in said or " 0 errors : " in said, said
        found = re.findall(r"^file://(\S+) : (?:Triples|Quads) = ([\d,]+)$", said, re.MULTILINE)
        numbers = {Path(path): int(number.replace(",", "")) for path, number in found}
        assert numbers == {path: expected[path] for path in chosen}, said


def test_jena(graphs: list[Written], riot: list[str]) -> None:
    jena(riot, files(graphs))


def test_jena_reads_real_pages(pages: Written, riot: list[str]) -> None:
    jena(riot, files([pages]))


@dataclass
class Virtuoso:
    """A server of our own on a free port, with nothing in it."""

    isql: str
    port: int
    folder: Path

    def run(self, statements: str) -> str:
        command = [self.isql, f"127.0.0.1:{self.port}", "dba", "dba", f"exec={statements}"]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert run.returncode == 0, run.stdout + run.stderr
        assert "*** Error" not in run.stderr + run.stdout, run.stderr
        return run.stdout

    def number(self, query: str) -> int:
        found = re.findall(r"^(\d+)$", self.run(f"sparql {query};"), re.MULTILINE)
        assert len(found) == 1
        return int(found[0])


@pytest.fixture(scope="module")
def virtuoso(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Virtuoso]:
    server = program("virtuoso-t", "virtuoso-opensource-7-bin")
    isql = program("isql-vt", "virtuoso-opensource-7-bin")
    folder = tmp_path_factory.mktemp("virtuoso")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "virtuoso.ini"
    config.write_text(
        f"""[Database]
DatabaseFile = {folder}/virtuoso.db
ErrorLogFile = {folder}/virtuoso.log
TransactionFile = {folder}/virtuoso.trx
xa_persistent_file = {folder}/virtuoso.pxa
LockFile = {folder}/virtuoso.lck
FileExtend = 200
[TempDatabase]
DatabaseFile = {folder}/temp.db
TransactionFile = {folder}/temp.trx
[Parameters]
ServerPort = 127.0.0.1:{port}
NumberOfBuffers = 10000
MaxDirtyBuffers = 6000
DirsAllowed = {tmp_path_factory.getbasetemp()}
""",
        encoding="utf-8",
    )
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen([server, "-f", "-c", config], cwd=folder, stdout=output, stderr=output)
    database = Virtuoso(isql, port, folder)
    try:
        wait(process, port)
        yield database
        database.run("shutdown();")
        process.wait(20)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(300):
        assert process.poll() is None, "Virtuoso stopped at once"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    pytest.fail("Virtuoso did not start in a minute")


def bulk_load(database: Virtuoso, graphs: list[Written]) -> None:
    """Load with ld_dir, as its users do; JSON-LD is not among the formats of the bulk loader."""
    for graph in graphs:
        for file in SYNTAXES:
            if file != "graph.jsonld":
                database.run(f"ld_dir('{graph.folder}', '{file}', 'urn:{graph.name}:{file}');")
    database.run("rdf_loader_run();")
    assert database.run("select ll_file, ll_error from DB.DBA.load_list where ll_error is not null;").count("/") == 0
    for graph in graphs:
        for file in ("graph.ttl", "graph.nt", "void.ttl"):
            found = database.number(f"SELECT (COUNT(*) AS ?n) FROM <urn:{graph.name}:{file}> {{ ?s ?p ?o }}")
            assert found == graph.count(file), (graph.name, file)


def test_virtuoso(graphs: list[Written], virtuoso: Virtuoso) -> None:
    bulk_load(virtuoso, graphs)
    within = "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } FILTER(CONTAINS(STR(?g), '/np/RA')) }"
    assert virtuoso.number(within) == sum(graph.quads for graph in graphs)


def test_virtuoso_reads_real_pages(pages: Written, virtuoso: Virtuoso) -> None:
    bulk_load(virtuoso, [pages])
