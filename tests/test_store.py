"""The embedded database of a built folder: quick to open, in step with the files, whole whatever happens."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import oxrdflib
import pyoxigraph as ox
import pytest
import rdflib
from rdflib.graph import DATASET_DEFAULT_GRAPH_ID

from kg import export as exports
from kg.errors import KGError
from kg.export import ExportOptions, export, stage_export
from kg.export.commit import FOLDER, Transaction, latest, lock, settle
from kg.export.store import POINTER, digest, pieces, read_pointer, sweep
from kg.query import questions, run_query
from kg.store import OpenGraph, open_graph
from tests.environment import uncovered
from tests.graphs import hostile, vision
from tests.paths import ROOT

FORMATS = ("ttl", "store", "jsonld", "csv")
TITLES = "SELECT ?title { ?paper dcterms:title ?title }"
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process: not on Windows")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built")
    export(vision(), out, FORMATS)
    return out


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A built folder of one's own, files with the times that they had."""
    return Path(shutil.copytree(built, tmp_path / "graph"))


def titles(opened: OpenGraph) -> set[str]:
    rows = opened.store.query(TITLES, prefixes=dict(opened.prefixes))
    assert isinstance(rows, ox.QuerySolutions)
    return {row["title"].value for row in rows}


VISION = {paper.title for paper in vision().papers}


def test_a_built_folder_is_asked_through_its_database(built: Path) -> None:
    opened = open_graph(built)
    assert opened.path == built / "store"
    assert titles(opened) == VISION
    assert opened.triples == len(opened.store)
    assert not opened.union


def loaded(path: Path) -> set[ox.Quad]:
    """The triples of a file as the engine has them in memory: numbers in their shortest form."""
    return set(open_graph(path).store)


def test_the_database_and_the_files_say_the_same(built: Path) -> None:
    quads = set(open_graph(built).store)
    assert quads == loaded(built / "graph.ttl") == loaded(built / "graph.jsonld")


def test_hostile_text_and_another_base_survive(tmp_path: Path) -> None:
    options = ExportOptions(base="https://example.org/my#")
    export(hostile(), tmp_path, ["nt", "store"], options)
    opened = open_graph(tmp_path)
    assert opened.path.name == "store"
    assert opened.prefixes["method"] == "https://example.org/my#method/"
    assert set(opened.store) == loaded(tmp_path / "graph.nt")


def test_a_database_needs_no_rdf_file_beside_it(tmp_path: Path) -> None:
    export(vision(), tmp_path, ["store"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]
    assert titles(open_graph(tmp_path)) == VISION


def test_the_pointer_depends_on_the_graph_alone(built: Path, tmp_path: Path) -> None:
    export(vision(), tmp_path, FORMATS)
    assert (tmp_path / POINTER).read_bytes() == (built / POINTER).read_bytes()
    database = tmp_path / "store" / json.loads((tmp_path / POINTER).read_text(encoding="utf-8"))["name"]
    assert not any(str(tmp_path).encode() in path.read_bytes() for path in database.iterdir()), "no paths of a machine"


def test_files_of_one_export_have_one_time(built: Path) -> None:
    files = [built / POINTER, *(path for path in built.iterdir() if path.is_file())]
    assert len({path.stat().st_mtime_ns for path in files}) == 1


def test_a_newer_rdf_file_wins(folder: Path) -> None:
    (old,) = export(hostile(), folder, ["ttl"])
    opened = open_graph(folder)
    assert opened.path == old
    assert titles(opened) != VISION


def test_an_edited_file_wins(folder: Path) -> None:
    file = folder / "graph.ttl"
    content = file.read_text(encoding="utf-8")
    file.write_text(content.replace("RowNet: Rows", "RowNet: Cows"), encoding="utf-8")
    assert "RowNet: Cows for Vision" in titles(open_graph(folder))


def test_an_older_file_does_not_count(folder: Path) -> None:
    export(hostile(), folder, ["store"])
    assert open_graph(folder).path.name == "store"
    assert titles(open_graph(folder)) != VISION


def test_a_copy_with_new_times_still_opens_its_database(built: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(built, tmp_path / "copy", copy_function=shutil.copyfile))
    for number, path in enumerate(sorted(copy.rglob("*"))):
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    os.utime(copy / "graph.ttl")
    assert open_graph(copy).path == copy / "store"


@pytest.mark.parametrize("damage", ["pointer", "empty", "gone", "current", "manifest", "cut", "foreign", "name"])
def test_a_damaged_database_falls_back_to_the_file(folder: Path, damage: str) -> None:
    pointer = folder / POINTER
    moment = pointer.stat().st_mtime_ns
    (database,) = (path for path in (folder / "store").iterdir() if path.is_dir())
    tables = sorted(database.glob("*.sst"), key=lambda path: path.stat().st_size)
    match damage:
        case "pointer":
            pointer.unlink()
        case "empty":
            pointer.write_bytes(b"")
        case "gone":
            shutil.rmtree(database)
        case "current":
            (database / "CURRENT").write_bytes(b"MANIFEST-999999\n")
        case "manifest":
            next(database.glob("MANIFEST*")).write_bytes(b"nonsense" * 100)
        case "cut":
            tables[-1].write_bytes(tables[-1].read_bytes()[:100])
        case "foreign":
            for path in database.iterdir():
                path.unlink()
            (database / "CURRENT").write_text("hello", encoding="utf-8")
        case "name":
            pointer.write_text(pointer.read_text(encoding="utf-8").replace(database.name, "../../x"), encoding="utf-8")
    if pointer.exists():
        os.utime(pointer, ns=(moment, moment))
    opened = open_graph(folder)
    assert opened.path.name == "graph.ttl"
    assert titles(opened) == VISION
    export(vision(), folder, FORMATS)
    assert open_graph(folder).path.name == "store", "a build mends it"


def test_a_reader_goes_on_while_builds_replace_its_database(folder: Path) -> None:
    held = open_graph(folder)
    export(hostile(), folder, FORMATS)
    assert len([path for path in (folder / "store").iterdir() if path.is_dir()]) == 2, "the one in use stays"
    assert titles(held) == VISION
    assert titles(open_graph(folder)) != VISION
    del held
    export(vision(), folder, FORMATS)
    assert [path.name for path in (folder / "store").iterdir() if path.is_dir()] == [
        getattr(read_pointer(folder / POINTER), "name", "")
    ]


WRITER = """
import sys, pathlib
from kg.export import export
from tests.graphs import hostile, vision
directory, rounds = pathlib.Path(sys.argv[1]), int(sys.argv[2])
for number in range(rounds):
    export((hostile, vision)[number % 2](), directory, ("ttl", "store", "jsonld", "csv"))
print("done")
"""


def test_readers_see_one_graph_or_the_other_while_a_writer_is_at_work(folder: Path) -> None:
    export(hostile(), folder, FORMATS)
    other = (titles(open_graph(folder)), open_graph(folder).triples)
    export(vision(), folder, FORMATS)
    both = [other, (titles(open_graph(folder)), open_graph(folder).triples)]
    errors: list[str] = []
    seen: list[int] = []
    stop = threading.Event()

    def reader() -> None:
        while not stop.is_set():
            opened = open_graph(folder)
            found = (titles(opened), opened.triples)
            if found not in both or opened.path.name != "store":
                errors.append(f"{opened.path}: {opened.triples} triples, {len(found[0])} papers")
            else:
                seen.append(both.index(found))
            time.sleep(0.01)

    threads = [threading.Thread(target=reader) for _ in range(2)]
    for thread in threads:
        thread.start()
    writer = subprocess.run(
        [sys.executable, "-c", WRITER, str(folder), "12"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    stop.set()
    for thread in threads:
        thread.join()
    assert writer.stdout == "done\n", writer.stderr
    assert not errors
    assert set(seen) == {0, 1}


def killed_at(directory: Path, seconds: float) -> None:
    """Run a writer that alternates between two graphs, and kill it some time after it has begun to write."""
    child = os.fork()
    if child == 0:
        try:
            for number in range(1000):
                with lock(directory) as held, Transaction(held) as transaction:
                    graph = (vision, hostile)[number % 2]()
                    stage_export(graph, transaction, FORMATS)
                    transaction.write("report.json", str(len(graph.papers)).encode())
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


KILLED = ("graph.ttl", "graph.jsonld", "nodes.csv", "edges.csv", "report.json")


def killing(directory: Path, tries: int, seed: int) -> Iterator[str]:
    """Kill writers at random moments and say for each how the folder was found; for a process without threads."""
    rnd = random.Random(seed)
    reference = {}
    for make in (vision, hostile):
        with lock(directory) as held, Transaction(held) as transaction:
            stage_export(make(), transaction, FORMATS)
            transaction.write("report.json", str(len(make().papers)).encode())
        reference[make.__name__] = {name: (directory / name).read_bytes() for name in KILLED}
    for _ in range(tries):
        killed_at(directory, rnd.uniform(0.0, 0.6))
        seen = {name: latest(directory, name).read_bytes() for name in KILLED}
        state = "settled" if not (directory / FOLDER / "journal").exists() else "journal"
        settle(directory)
        assert {name: (directory / name).read_bytes() for name in KILLED} == seen
        opened = open_graph(directory)
        assert opened.path.name == "store"
        name = next((name for name, files in reference.items() if files == seen), "a mixture")
        assert set(opened.store) == loaded(directory / "graph.ttl")
        yield f"{name} {state}"


@posix
def test_a_build_killed_at_any_moment_leaves_one_graph_whole(tmp_path: Path) -> None:
    # In a process of its own: forking one that has threads of databases is not safe. KG_KILLS=50 is the full form.
    tries = os.environ.get("KG_KILLS", "8")
    code = (
        "import sys, pathlib; from tests.test_store import killing\n"
        "for line in killing(pathlib.Path(sys.argv[1]), int(sys.argv[2]), 7): print(line)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), tries], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == int(tries)
    assert not [line for line in lines if "mixture" in line]
    export(vision(), tmp_path, FORMATS)
    assert not (tmp_path / FOLDER).exists(), "what killed builds left is swept"
    assert len([path for path in (tmp_path / "store").iterdir() if path.is_dir()]) == 1


LIMITED = """
import resource, sys, pathlib
from kg.export import export
from kg import export as exports
from kg.errors import KGError
from tests.graphs import hostile
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    export(hostile(), pathlib.Path(sys.argv[1]), ("ttl", "store", "jsonld", "csv"))
except KGError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [1000, 30_000])
def test_a_full_disk_is_told_in_one_line_and_the_former_graph_is_whole(folder: Path, limit: int) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(folder), str(limit)],
        cwd=ROOT,
        env=uncovered(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.count("\n") == 1, done.stderr
    assert "cannot be written (File too large); nothing in the folder has changed" in done.stdout
    assert done.stderr == ""
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert titles(open_graph(folder)) == VISION


def test_a_failing_product_stops_the_export(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ox, "Store", None)
    with pytest.raises((KGError, TypeError)):
        export(hostile(), folder, FORMATS)
    monkeypatch.undo()
    assert titles(open_graph(folder)) == VISION
    assert not (folder / FOLDER).exists()


def test_rdflib_asks_the_same_database(built: Path) -> None:
    opened = open_graph(built)
    graph = rdflib.Graph(oxrdflib.OxigraphStore(store=opened.store), identifier=DATASET_DEFAULT_GRAPH_ID)
    parsed = rdflib.Graph().parse(built / "graph.ttl")
    assert len(graph) == len(parsed) == opened.triples
    # The engine keeps numbers in their shortest form and tells the datatype of every string.
    assert {plain(triple) for triple in graph} == {plain(triple) for triple in parsed}
    for question in questions():
        ours, theirs = graph.query(question.text), parsed.query(question.text)
        assert len(list(ours)) == len(set(theirs)), question.name


def plain(triple: tuple[rdflib.term.Node, ...]) -> tuple[object, ...]:
    value = triple[2]
    return (*triple[:2], value.toPython() if isinstance(value, rdflib.Literal) else value)


def test_damage_that_shows_late_is_told_in_one_line(folder: Path) -> None:
    (database,) = (path for path in (folder / "store").iterdir() if path.is_dir())
    for table in database.glob("*.sst"):
        content = bytearray(table.read_bytes())
        if len(content) > 2000:
            middle = len(content) // 2
            content[middle : middle + 8] = bytes(8)
            table.write_bytes(content)
    with pytest.raises(KGError, match=r"store: the database is damaged; build the graph again, or ask an RDF file"):
        run_query(folder, "SELECT * { ?s ?p ?o }", "csv", io.BytesIO())


def test_the_pointer_knows_files_that_another_process_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "APART", 1)
    export(vision(), tmp_path, FORMATS)
    pointer = read_pointer(tmp_path / POINTER)
    assert pointer
    assert pointer.files == {name: digest(tmp_path / name) for name in ("graph.ttl", "graph.jsonld")}


def test_databases_that_nothing_names_are_swept(folder: Path) -> None:
    (folder / POINTER).unlink()
    export(hostile(), folder, ["ttl"])
    assert [path for path in (folder / "store").iterdir() if path.is_dir()]
    sweep(folder)
    assert not list((folder / "store").iterdir())


@pytest.mark.parametrize("name", ["graph.ttl", "graph.nt"])
@pytest.mark.parametrize("size", [700, 5_000, 1 << 20])
def test_pieces_hold_the_whole_file(tmp_path: Path, name: str, size: int) -> None:
    export(hostile(), tmp_path, (name.removeprefix("graph."),))
    whole, cut = ox.Store(), ox.Store()
    rdf_format = ox.RdfFormat.N_TRIPLES if name.endswith("nt") else ox.RdfFormat.TURTLE
    whole.bulk_load(path=tmp_path / name, format=rdf_format)
    parts = list(pieces(tmp_path / name, size))
    for part in parts:
        cut.bulk_load(input=part, format=rdf_format)
    assert set(cut) == set(whole)
    assert size > 700 or len(parts) > 5
