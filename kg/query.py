"""SPARQL 1.1 questions to a graph, with answers as a table or in the formats of the standard."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyoxigraph as ox
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kg.errors import InputError, KGError
from kg.export.turtle import write_triples
from kg.ontology import Shortener
from kg.resources import data
from kg.store import OpenGraph, open_graph

FORMATS = ("table", "csv", "tsv", "json", "xml", "ttl")
"""Forms of an answer. Rows have no Turtle; triples (CONSTRUCT, DESCRIBE) come as JSON-LD and RDF/XML where rows come
as JSON and XML."""

_ROWS = {
    "csv": ox.QueryResultsFormat.CSV,
    "tsv": ox.QueryResultsFormat.TSV,
    "json": ox.QueryResultsFormat.JSON,
    "xml": ox.QueryResultsFormat.XML,
}
_TRIPLES = {"json": ox.RdfFormat.JSON_LD, "xml": ox.RdfFormat.RDF_XML}
_UNENDED = ("json", "xml")

QUIET = re.compile(
    r"<[^<>\"{}|^`\\\x00-\x20]*>"
    r"|'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\""
    r"|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\""
    r"|#[^\n]*|[?$]\w+|(?<![\w.-])[\w.-]*:[\w.:%-]*|@[A-Za-z]+(?!\w)",
    re.DOTALL,
)
"""What may hold a keyword without meaning it: comments, strings, IRIs, variables, prefixed names."""

_UPDATE = re.compile(r"\b(INSERT|DELETE|LOAD|CLEAR|CREATE|DROP|COPY|MOVE|ADD)\b", re.IGNORECASE)
_READ = re.compile(r"\b(SELECT|ASK|CONSTRUCT|DESCRIBE)\b", re.IGNORECASE)
_SERVICE = re.compile(r"\bSERVICE\b", re.IGNORECASE)
_EXPECTED = 6
"""How many of the tokens that would have been right an error names."""
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Question:
    """A question that comes with the project: file name without suffix, what it asks, and its SPARQL."""

    name: str
    title: str
    text: str

    @property
    def parameters(self) -> dict[str, str]:
        """Values that can be set, with those they have: each stands in a ``VALUES ?name { "..." }`` of its own."""
        return dict(_VALUES.findall(self.text))


_VALUES = re.compile(r'VALUES\s+\?(\w+)\s*\{\s*"((?:[^"\\\n]|\\.)*)"\s*\}')


def questions() -> tuple[Question, ...]:
    """Return the bundled questions, sorted by name.

    Raises:
        KGError: the installation lacks them.
    """
    return tuple(_question(path) for path in sorted(data("queries").glob("*.rq")))


def _question(path: Path) -> Question:
    text = path.read_text(encoding="utf-8")
    first = text.partition("\n")[0]
    return Question(path.stem, first.removeprefix("# Question:").strip(), text)


def load_query(query: str) -> tuple[str, str]:
    """Return the SPARQL text that ``query`` stands for and the name under which errors speak of it.

    ``query`` is SPARQL, a path of a file, or the name of a bundled question.

    Raises:
        InputError: it is none of them.
    """
    if "{" in query:
        return query, "query"
    if not re.search(r"\s", query.strip()) or query.endswith(".rq"):
        path = Path(query)
        if path.is_file():
            try:
                return path.read_text(encoding="utf-8-sig"), str(path)
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"{path}: cannot be read as a query ({error}); it must be SPARQL in UTF-8") from error
        known = {question.name: question for question in questions()}
        if query.removesuffix(".rq") in known:
            return known[query.removesuffix(".rq")].text, query
        raise InputError(f"no file and no bundled question is called {query}; the questions are {', '.join(known)}")
    return query, "query"


def set_values(text: str, values: Mapping[str, str], name: str = "query") -> str:
    """Return a query with other values of its parameters.

    >>> set_values('SELECT * { VALUES ?name { "A" } ?s ?p ?name }', {"name": 'say "B"'})
    'SELECT * { VALUES ?name { "say \\\\"B\\\\"" } ?s ?p ?name }'

    Raises:
        InputError: the query has no such parameter.
    """
    known = {match.group(1) for match in _VALUES.finditer(text)}
    for key in values:
        if key not in known:
            has = f"it has {', '.join(sorted(known))}" if known else "it has none"
            raise InputError(f"{name}: no parameter {key}; {has}")

    def swap(match: re.Match[str]) -> str:
        key = match.group(1)
        return f"VALUES ?{key} {{ {ox.Literal(values[key])} }}" if key in values else match.group()

    return _VALUES.sub(swap, text)


def run_query(
    source: Path,
    query: str,
    fmt: str,
    stream: BinaryIO,
    *,
    values: Mapping[str, str] | None = None,
    width: int | None = None,
) -> None:
    """Ask ``query`` of a built folder or RDF file and write the answer in ``fmt`` to ``stream``.

    Args:
        query: SPARQL text, a file, or the name of a bundled question.
        fmt: one of :data:`FORMATS`.
        values: other values for the parameters of a bundled question.
        width: columns of a table; those of the terminal if None.

    Raises:
        InputError: source, query or format are wrong; a wrong query is told with line and column.
        KGError: the question fails while it runs.
    """
    if fmt not in FORMATS:
        raise InputError(f"no answer format {fmt}; there are {', '.join(FORMATS)}")
    text, name = load_query(query)
    answer(open_graph(source), set_values(text, values or {}, name), fmt, stream, name=name, width=width)


def answer(
    graph: OpenGraph, text: str, fmt: str, stream: BinaryIO, *, name: str = "query", width: int | None = None
) -> None:
    """Ask SPARQL ``text`` of an open graph; the rest as in :func:`run_query`."""
    try:
        solutions = ask(graph, text, name)
        if isinstance(solutions, ox.QueryTriples):
            _write_triples(solutions, fmt, stream, graph, width)
        elif fmt == "ttl":
            raise InputError(
                f"{name}: its answer is not made of triples; choose {', '.join(FORMATS[:-1])}, or ask CONSTRUCT"
            )
        elif fmt != "table":
            solutions.serialize(stream, format=_ROWS[fmt])
            if fmt in _UNENDED or isinstance(solutions, ox.QueryBoolean):
                stream.write(b"\n")
        elif isinstance(solutions, ox.QueryBoolean):
            stream.write(b"yes\n" if solutions else b"no\n")
        else:
            columns = [variable.value for variable in solutions.variables]
            _write_table(columns, ([row[column] for column in columns] for row in solutions), stream, graph, width)
    except (OSError, RuntimeError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        if "Corruption" in str(error):
            raise KGError(
                f"{graph.path}: the database is damaged; build the graph again, or ask an RDF file of the folder"
            ) from error
        raise KGError(f"{name}: the question failed ({error})") from error


def ask(
    graph: OpenGraph,
    text: str,
    name: str = "query",
    *,
    default_graph: Sequence[ox.NamedNode | ox.BlankNode | ox.DefaultGraph] | None = None,
    named_graphs: Sequence[ox.NamedNode | ox.BlankNode] | None = None,
) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples:
    """Return the answer of an open graph to SPARQL text; usual prefixes need no declaration.

    Args:
        name: what errors call the query.
        default_graph: the graphs that together are the default graph, in place of FROM clauses.
        named_graphs: those that GRAPH finds, in place of FROM NAMED clauses. Without either, a query looks at all.

    Raises:
        InputError: the query is wrong, wants to change data or to ask another server.
    """
    bare = QUIET.sub(" ", text)
    first_update, first_read = _UPDATE.search(bare), _READ.search(bare)
    if first_update and not (first_read and first_read.start() < first_update.start()):
        raise InputError(
            f"{name}: {first_update.group().upper()} changes data, but a graph is only read; "
            "ask SELECT, ASK, CONSTRUCT or DESCRIBE"
        )
    if _SERVICE.search(bare):
        raise InputError(
            f"{name}: SERVICE asks another server, but questions are answered offline; ask a file of its data instead"
        )
    chosen = default_graph is not None or named_graphs is not None
    try:
        return graph.store.query(
            text,
            prefixes=dict(graph.prefixes),
            use_default_graph_as_union=not chosen and graph.union,
            default_graph=list(default_graph or ()) if chosen else None,
            named_graphs=list(named_graphs or ()) if chosen else None,
        )
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{name}: not SPARQL: {_place(str(error), text)}") from error


def _place(message: str, text: str) -> str:
    """Return the parser's message as one line that names line, column and what stands there."""
    match = re.match(r"error at (\d+):(\d+): expected (.*)", message, re.DOTALL)
    if not match:
        return " ".join(message.split())
    line, column = int(match[1]), int(match[2])
    lines = text.split("\n")
    before, rest = (lines[line - 1][: column - 1], lines[line - 1][column - 1 :]) if line <= len(lines) else ("", "")
    where = f"line {line}, column {column}"
    undeclared = re.search(r"([\w.-]*):[\w.:%-]*\s*$", before)
    if "Prefix not found" in match[3] and undeclared:
        return f"{where}: the prefix {undeclared[1]}: is not declared"
    found = f"found {rest.strip()[:40]!r}" if rest.strip() else "the text ends too early"
    expected = [
        item for item in re.split(r",\s+", match[3].removeprefix("one of ").strip()) if not item.startswith("[")
    ]
    more = ", ..." if len(expected) > _EXPECTED else ""
    return f"{where}: {found}, expected {' or '.join(expected[:_EXPECTED])}{more}" if expected else f"{where}: {found}"


def _write_triples(triples: ox.QueryTriples, fmt: str, stream: BinaryIO, graph: OpenGraph, width: int | None) -> None:
    # Sorted: the order in which a store finds triples is not the same from run to run.
    ordered = sorted(triples, key=str)
    if fmt == "ttl":
        write_triples(ordered, stream, graph.prefixes)
        return
    if fmt in _TRIPLES:
        ox.serialize(ordered, stream, _TRIPLES[fmt])
        stream.write(b"\n")
        return
    columns = ["subject", "predicate", "object"]
    rows = ([triple.subject, triple.predicate, triple.object] for triple in ordered)
    if fmt == "table":
        _write_table(columns, rows, stream, graph, width)
        return
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    if fmt == "csv":
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows([_plain(term) for term in row] for row in rows)
    else:
        text.write("\t".join(f"?{column}" for column in columns) + "\n")
        text.writelines("\t".join(str(term) for term in row) + "\n" for row in rows)
    text.flush()
    text.detach()


def _plain(term: object) -> str:
    return str(getattr(term, "value", term))


def _write_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], stream: BinaryIO, graph: OpenGraph, width: int | None
) -> None:
    short = Shortener(graph.prefixes)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    count = 0
    for row in rows:
        table.add_row(*(Text(_cell(term, short)) for term in row))
        count += 1
    text = io.StringIO()
    console = Console(file=text, width=width or shutil.get_terminal_size((120, 24)).columns, color_system=None)
    if columns:
        console.print(table)
    console.print(Text(f"{count} row{'' if count == 1 else 's'}"))
    lines = (line.rstrip() for line in text.getvalue().splitlines())
    stream.write("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))


def _cell(term: object, short: Shortener) -> str:
    """Return a term for people: short, on one line, without codes that a terminal would obey."""
    if term is None:
        return ""
    if isinstance(term, ox.NamedNode):
        return short(term.value) or term.value
    return _CONTROL.sub(" ", _BIDI.sub("", _plain(term))) if isinstance(term, ox.Literal) else str(term)
