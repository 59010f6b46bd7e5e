"""Neo4j import files, held against the loading rules of ``neo4j-admin database import full``.

The rules are those of the Neo4j operations manual, "Full import" and "Import header format"; :func:`load` follows the
command that the export writes and refuses what the program refuses. It reads CSV by itself (RFC 4180, quotes doubled).
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kg import ids
from kg.errors import KGError
from kg.export import FORMATS, ExportOptions, export
from kg.export.neo4j import relationship_type
from kg.export.text import clean
from kg.model import EntityType, KnowledgeGraph, Relation
from kg.report import Report
from tests.graphs import HOSTILE, hostile, vision

NODE_KINDS = {"ID", "LABEL", "IGNORE"}
RELATIONSHIP_KINDS = {"START_ID", "END_ID", "TYPE", "IGNORE"}
TYPES = {"int", "long", "float", "double", "boolean", "byte", "short", "char", "string"}
OPTIONS = {
    "nodes",
    "relationships",
    "array-delimiter",
    "delimiter",
    "quote",
    "multiline-fields",
    "id-type",
    "input-encoding",
}
BUFFER = 4 * 1024 * 1024
"""Bytes that a row may take (``--read-buffer-size``)."""
MAX_NAME = 16_383
"""Signs that a label, a type or a property key may have in the block format."""

Value = str | int | float | bool | list[str]


@dataclass
class Database:
    """What the program would have loaded."""

    nodes: dict[str, tuple[frozenset[str], dict[str, Value]]] = field(default_factory=dict)
    relationships: list[tuple[str, str, str, dict[str, Value]]] = field(default_factory=list)


def load(directory: Path) -> Database:
    options = command(directory / "neo4j-import.sh")
    delimiter = options["array-delimiter"][0]
    assert re.fullmatch(r"U\+[0-9A-F]{4}", delimiter)
    delimiter = chr(int(delimiter[2:], 16))
    multiline = options["multiline-fields"] == ["true"]
    assert options["id-type"] == ["string"]
    assert options["input-encoding"] == ["UTF-8"]
    database = Database()
    spaces: dict[str, set[str]] = {}
    for name in options["nodes"]:
        for row in table(directory / name, NODE_KINDS, delimiter, multiline):
            (space, identifier) = row.pop("ID")
            known = spaces.setdefault(space, set())
            assert identifier, f"{name}: a node without an id cannot be connected"
            assert identifier not in known, f"{name}: {identifier} twice in the id space {space}"
            known.add(identifier)
            labels = row.pop("LABEL")
            assert labels
            assert all(0 < len(label) <= MAX_NAME for label in labels)
            database.nodes[identifier] = (frozenset(labels), row)
    for name in options["relationships"]:
        for row in table(directory / name, RELATIONSHIP_KINDS, delimiter, multiline):
            ends = []
            for end in ("START_ID", "END_ID"):
                space, identifier = row.pop(end)
                assert identifier in spaces[space], f"{name}: {identifier} is no node of the id space {space}"
                ends.append(identifier)
            kind = row.pop("TYPE")
            assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", kind)
            database.relationships.append((ends[0], kind, ends[1], row))
    return database


def command(path: Path) -> dict[str, list[str]]:
    """Return the options of the one command in the script."""
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    assert lines[0].startswith('cd "$(dirname "$0")"')
    words = shlex.split(lines[1])
    assert words[:5] == ["exec", "neo4j-admin", "database", "import", "full"]
    assert words[-1] == "${1:-neo4j}", "the last word is the name of the database"
    found: dict[str, list[str]] = {}
    for word in words[5:-1]:
        name, _, value = word.removeprefix("--").partition("=")
        assert name in OPTIONS
        found.setdefault(name, []).append(value)
    return found


def rows(text: str, multiline: bool) -> Iterator[list[tuple[str, bool]]]:
    """Yield rows of (value, was quoted)."""
    place, row = 0, []
    while place < len(text):
        quoted = text[place] == '"'
        if quoted:
            value = ""
            while True:
                end = text.index('"', place + 1)
                value += text[place + 1 : end]
                place = end + 1
                if text[place : place + 1] != '"':
                    break
                value += '"'
            assert multiline or not set("\n\r") & set(value)
        else:
            end = next(i for i in range(place, len(text)) if text[i] in ",\n")
            value, place = text[place:end], end
            assert '"' not in value
            assert "\r" not in value
        assert text[place] in ",\n", "only a delimiter or the end of the line follows a quote"
        row.append((value, quoted))
        if text[place] == "\n":
            yield row
            row = []
        place += 1
    assert not row


def table(path: Path, kinds: set[str], delimiter: str, multiline: bool) -> Iterator[dict]:  # type: ignore[type-arg]
    content = rows(path.read_bytes().decode("utf-8"), multiline)
    header = [column(name, kinds) for name, _ in next(content)]
    names = [name for name, kind, _ in header if kind not in ("IGNORE", "ID", "LABEL", "START_ID", "END_ID", "TYPE")]
    assert len(names) == len(set(names)), "each property once"
    for kind in kinds - {"IGNORE", "LABEL"}:
        assert [k for _, k, _ in header].count(kind) == 1
    for row in content:
        assert len(row) == len(header), "as many fields as the header has"
        assert sum(len(value.encode()) + 3 for value, _ in row) < BUFFER
        found: dict[str, object] = {}
        for (name, kind, space), (text, quoted) in zip(header, row, strict=True):
            assert "\x00" not in text
            if kind in ("ID", "START_ID", "END_ID"):
                found[kind] = (space, text)
                if name:
                    found[name] = text
            elif kind == "LABEL":
                found[kind] = text.split(delimiter)
            elif kind == "TYPE":
                found[kind] = text
            elif text or quoted:
                found[name] = typed(text, kind, delimiter)
        yield found


def column(text: str, kinds: set[str]) -> tuple[str, str, str]:
    """Return name, type and id space of a header field ``name:TYPE(space)``."""
    match = re.fullmatch(r"(\w*):(\w+(?:\[\])?)(?:\(([\w-]+)\))?", text)
    assert match, text
    name, kind, space = match[1], match[2], match[3] or ""
    assert kind in kinds or kind.removesuffix("[]") in TYPES, f"{kind} is no type"
    assert kind in kinds or 0 < len(name) <= MAX_NAME
    assert not space or kind in ("ID", "START_ID", "END_ID")
    return name, kind, space


def typed(text: str, kind: str, delimiter: str) -> Value:
    if kind.endswith("[]"):
        assert kind == "string[]"
        values = text.split(delimiter)
        assert all(values), "an empty string in an array"
        return list(values)
    assert delimiter not in text
    if kind in ("int", "long"):
        assert re.fullmatch(r"-?\d+", text)
        assert -(2 ** (31 if kind == "int" else 63)) <= int(text) < 2 ** (31 if kind == "int" else 63)
        return int(text)
    if kind == "double":
        assert math.isfinite(float(text))
        return float(text)
    assert kind == "string"
    return text


def exported(graph: KnowledgeGraph, directory: Path) -> Path:
    export(graph, directory, ["neo4j"])
    return directory


def check(graph: KnowledgeGraph, database: Database) -> None:
    """Hold what was loaded against the graph."""
    kinds = Counter(label for labels, _ in database.nodes.values() for label in labels)
    assert kinds["Paper"] == len(graph.papers)
    assert kinds["Result"] == len(graph.results)
    assert kinds["Baseline"] == sum(entity.baseline for entity in graph.entities)
    for kind in EntityType:
        assert kinds[kind.value] == sum(entity.type is kind for entity in graph.entities)
    for paper in graph.papers:
        labels, properties = database.nodes[paper.id]
        assert labels == {"Paper"}
        assert properties["name"] == clean(paper.title)
        assert properties.get("abstract", "") == clean(paper.abstract)
        assert properties.get("authors", []) == list(dict.fromkeys(map(clean, paper.authors)))
        assert properties.get("year") == paper.year
    for entity in graph.entities:
        labels, properties = database.nodes[entity.id]
        assert entity.type.value in labels
        assert ("Baseline" in labels) == entity.baseline
        assert properties["name"] == clean(entity.label)
        names = [clean(alias) for alias in sorted(entity.aliases) if alias != entity.label]
        assert properties.get("aliases", []) == names
        assert properties["iri"] == ids.iri(entity.id)
        assert properties["papers"] == len(set(entity.papers))
    claims = {str(row["claim"]): (start, kind, end, row) for start, kind, end, row in database.relationships if row}
    assert set(claims) == {claim.id for claim in graph.claims}
    for claim in graph.claims:
        start, kind, end, row = claims[claim.id]
        assert (start, kind, end) == (claim.subject, relationship_type(claim.relation.value), claim.object)
        assert row["confidence"] == round(claim.confidence, 4)
        assert row["papers"] == sorted(set(claim.papers))
        assert row["weight"] == len(set(claim.papers))
        assert row["evidence"] == [clean(item.sentence) for item in sorted(claim.evidence)]
        assert row["surfaceForms"] == [clean(item.surface_form) for item in sorted(claim.evidence)]
    links = {(start, kind, end) for start, kind, end, row in database.relationships if not row}
    assert links == {
        (result.id, kind, end)
        for result in graph.results
        for kind, end in (
            ("STATED_IN", result.paper),
            ("METRIC", result.metric),
            ("OF_METHOD", result.method),
            ("AGAINST_BASELINE", result.baseline),
            ("ON_DATASET", result.dataset),
        )
        if end
    }
    for result in graph.results:
        _, properties = database.nodes[result.id]
        assert properties["evidence"] == clean(result.evidence.sentence)
        assert properties["valueText"] == clean(result.value_text)


@pytest.mark.parametrize("make", [vision, hostile, KnowledgeGraph])
def test_files_load_and_say_what_the_graph_says(make: Callable[[], KnowledgeGraph], tmp_path: Path) -> None:
    check(make(), load(exported(make(), tmp_path)))


def test_real_pages_load(seeds: tuple[Path, Report], tmp_path: Path) -> None:
    check(seeds[1].graph, load(exported(seeds[1].graph, tmp_path)))


@pytest.mark.parametrize(
    "text", [*HOSTILE, "a;b", "x\x1fy", ' "quoted" ', "trailing\\", "'", "a,b\r\nc", "-1", "\ufeffx"]
)
def test_any_text_survives_in_a_scalar_and_in_an_array(text: str, tmp_path: Path) -> None:
    graph = vision()
    entity = dataclasses.replace(graph.entities[0], aliases=(text, f"{text} 2"))
    paper = dataclasses.replace(graph.papers[0], authors=(text, f"{text} 2"), venue=text)
    changed = dataclasses.replace(graph, papers=(paper, *graph.papers[1:]), entities=(entity, *graph.entities[1:]))
    database = load(exported(changed, tmp_path))
    check(changed, database)
    assert database.nodes[paper.id][1]["venue"] == clean(text)


def test_a_broken_graph_is_told(tmp_path: Path) -> None:
    graph = vision()
    with pytest.raises(KGError, match=r"the graph is broken: claim/\w+ names dataset/cifar-10, which is neither"):
        exported(dataclasses.replace(graph, entities=graph.entities[1:]), tmp_path)
    stray = dataclasses.replace(graph.results[0], method="method/nothing")
    with pytest.raises(KGError, match=r"the graph is broken: result/\w+ names method/nothing"):
        exported(dataclasses.replace(graph, results=(stray,)), tmp_path)


def test_each_relation_has_a_type_of_its_own() -> None:
    assert [relationship_type(relation.value) for relation in Relation] == [
        "PROPOSES",
        "COMPARES_TO",
        "TARGETS",
        "USES",
        "EVALUATED_ON",
        "TRAINED_ON",
        "BUILDS_ON",
        "RUNS_ON",
    ]


def test_the_command_names_the_files(tmp_path: Path) -> None:
    exported(vision(), tmp_path)
    options = command(tmp_path / "neo4j-import.sh")
    files = {path.name for path in tmp_path.glob("neo4j-*.csv")}
    assert {*options["nodes"], *options["relationships"]} == files
    assert files == {output.filename for output in FORMATS["neo4j"].outputs} - {"neo4j-import.sh"}


def test_the_checker_refuses_what_the_program_refuses(tmp_path: Path) -> None:
    faults = {
        "neo4j-entities.csv": ("dataset/imagenet,", "dataset/cifar-10,"),
        "neo4j-claims.csv": ("dataset/imagenet,", "dataset/nothing,"),
        "neo4j-results.csv": (",82.7,82.7,", ",many,82.7,"),
        "neo4j-papers.csv": ("year:int", "year:number"),
        "neo4j-links.csv": (",METRIC\n", "\n"),
    }
    for name, (before, after) in faults.items():
        exported(vision(), tmp_path)
        path = tmp_path / name
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")
        with pytest.raises((AssertionError, KeyError, ValueError)):
            load(tmp_path)


@pytest.mark.parametrize("make", [vision, hostile])
def test_another_reader_finds_the_same_rows(make: Callable[[], KnowledgeGraph], tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb, an independent reader of CSV, is not here")
    graph = make()
    exported(graph, tmp_path)
    for name, key, expected in (
        ("neo4j-papers.csv", "name:string", [clean(paper.title) for paper in graph.papers]),
        ("neo4j-entities.csv", "name:string", [clean(entity.label) for entity in graph.entities]),
        ("neo4j-results.csv", "evidence:string", [clean(result.evidence.sentence) for result in graph.results]),
        ("neo4j-claims.csv", "claim:string", [claim.id for claim in graph.claims]),
    ):
        # Told that there is a single thread: the parallel reader takes no line breaks within quotes for granted.
        found = duckdb.read_csv(
            str(tmp_path / name),
            header=True,
            all_varchar=True,
            delimiter=",",
            quotechar='"',
            escapechar='"',
            parallel=False,
        )
        assert sorted(row[0] for row in found.project(f'"{key}"').fetchall()) == sorted(expected)


def test_the_order_of_the_input_does_not_matter() -> None:
    graph = vision()
    turned = dataclasses.replace(
        graph, papers=graph.papers[::-1], entities=graph.entities[::-1], claims=graph.claims[::-1]
    )
    for output in FORMATS["neo4j"].outputs:
        left, right = io.BytesIO(), io.BytesIO()
        output.write(graph, left, ExportOptions())
        output.write(turned, right, ExportOptions())
        assert left.getvalue() == right.getvalue(), json.dumps(output.filename)
