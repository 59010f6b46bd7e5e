"""Fills pages of the documentation from the program: options, formats, questions, the ontology, answers, drawings.

A Sphinx extension that works on the text of a page before it is parsed. A page asks by a comment, which other readers
of Markdown do not show:

- ``<!-- options: build -->``: usage, arguments and options of a command;
- ``<!-- readers -->``, ``<!-- exports -->``, ``<!-- questions -->``, ``<!-- classes -->``, ``<!-- properties -->``;
- ``<!-- run -->`` or ``<!-- run: 12 -->`` before a console block of one command: its output goes below it (12 lines);
- ``<!-- draw: kg lineage exports BERT -->``: the drawing that the command writes with ``--figure``.

Commands run in the root of the project, on the committed graph in ``exports/``. One that fails fails the build.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import typer
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 86
"""Columns of the output that pages show."""

_PART = re.compile(r"<!-- (readers|exports|questions|classes|properties) -->")
_OPTIONS = re.compile(r"<!-- options: (\w+) -->")
_RUN = re.compile(r"<!-- run(?:: (\d+))? -->\n```console\n\$ (kg (?:(?!\n```).)+)\n```", re.DOTALL)
_DRAW = re.compile(r"<!-- draw: (kg [^\n]+?) -->")


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx fill each page as it is read."""
    app.connect("source-read", _read)
    app.connect("env-get-outdated", _outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read(app: Any, name: str, content: list[str]) -> None:
    content[0] = fill(content[0])


def _outdated(app: Any, env: Any, *_: object) -> list[str]:
    """Return the pages that follow from the program, which may have changed while their text has not."""
    texts = ((page, Path(env.doc2path(page)).read_text(encoding="utf-8")) for page in env.found_docs)
    return [page for page, text in texts if any(p.search(text) for p in (_PART, _OPTIONS, _RUN, _DRAW))]


def fill(text: str) -> str:
    """Return the text of a page with all that it asks for."""
    text = _PART.sub(lambda m: PARTS[m[1]](), text)
    text = _OPTIONS.sub(lambda m: options(m[1]), text)
    text = _RUN.sub(lambda m: _output(m[2], int(m[1] or 0)), text)
    return _DRAW.sub(lambda m: drawing(m[1]), text)


def commands() -> Mapping[str, Any]:
    """Return the commands of the program by name, in the order of its help."""
    from kg.cli import app

    found: Mapping[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return found


_KINDS = {"path": "PATH", "int": "NUMBER", "integer": "NUMBER", "float": "NUMBER"}


def options(name: str) -> str:
    """Return usage, arguments and options of a command as Markdown."""
    command = commands()[name]
    context = command.make_context(name, [], resilient_parsing=True)
    usage = re.sub(r"[{}]|\.\.\.(?=.*\.\.\.)", "", " ".join(command.collect_usage_pieces(context)))
    rows: dict[str, list[tuple[str, ...]]] = {"argument": [], "option": []}
    for parameter in command.params:
        # As code, or typography would make a dash of two hyphens.
        about = re.sub(r"(?<!`)(--[a-z][\w-]*)", r"`\1`", getattr(parameter, "help", "") or "")
        if parameter.param_type_name == "argument":
            shown = (parameter.metavar or parameter.name).strip("[]{}.")
            rows["argument"].append((f"`{shown}`", about))
        elif parameter.name != "help":
            value = re.search(r"<(\w+)", parameter.get_help_record(context)[0])
            kind = f" {_KINDS.get(value[1], 'TEXT')}" if value else ""
            words = sorted((*parameter.opts, *parameter.secondary_opts), key=len)
            names = ", ".join(f"`{word}{kind if word == words[-1] else ''}`" for word in words)
            rows["option"].append((names, about, _default(parameter)))
    made = [f"```text\nkg {name} {usage}\n```"]
    if rows["argument"]:
        made.append(table(("argument", ""), rows["argument"]))
    made.append(table(("option", "", "default"), rows["option"]))
    return "\n\n".join(made)


def _default(parameter: Any) -> str:
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    if parameter.default is None or parameter.is_flag or callable(parameter.default):
        return ""
    value = str(parameter.default)
    return f"`{value}`" if value and not value.startswith("Sentinel") else ""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def readers() -> str:
    """Return the formats that can be read."""
    from kg.readers import READERS

    return table(("format", "what it is"), ((f"`{reader.name}`", reader.title) for reader in READERS))


def exports() -> str:
    """Return the formats that can be written."""
    from kg.export import FORMATS

    rows = (
        (
            f"`{format_.name}`",
            format_.title,
            ", ".join(f"`{output.filename}` ({output.media_type})" for output in format_.outputs),
            "yes" if format_.default else "on request",
        )
        for format_ in FORMATS.values()
    )
    return table(("name", "what it is", "files", "by default"), rows)


def questions() -> str:
    """Return the bundled questions with their SPARQL."""
    from kg.query import questions as bundled

    return "\n\n".join(_question(question.name, question.title, question.text) for question in bundled())


def _question(name: str, title: str, text: str) -> str:
    from kg.query import Question

    values = ", ".join(
        f"`--set {key}=...` (default {value!r})" for key, value in Question(name, title, text).parameters.items()
    )
    note = f"\n\nParameters: {values}." if values else ""
    return f"## {name}\n\n{title}{note}\n\n```sparql\n{text.strip()}\n```"


def classes() -> str:
    """Return the classes of the ontology."""
    return "\n\n".join(_term(term) for term in _declared("Class"))


def properties() -> str:
    """Return the properties of the ontology, and the terms of others with their use here."""
    from kg import ids, ontology

    own = list(dict.fromkeys([*_declared("ObjectProperty"), *_declared("DatatypeProperty")]))
    others = [term for term in ontology.declared() if not term.value.startswith(ids.ONTOLOGY)]
    known = [(f"`{_short(t)}`", ontology.definition(t)) for t in others if ontology.definition(t)]
    return "\n\n".join([*map(_term, own), "## Terms of other vocabularies", table(("term", "use here"), known)])


def _declared(kind: str) -> list[ox.NamedNode]:
    from kg import ids, ontology

    quads = ontology.load().quads_for_pattern(None, ontology.TYPE, ox.NamedNode(ontology.OWL + kind))
    own = {q.subject.value for q in quads if isinstance(q.subject, ox.NamedNode)}
    return [ox.NamedNode(iri) for iri in sorted(own) if iri.startswith(ids.ONTOLOGY)]


_RELATED = {
    "rdfs:subClassOf": "kind of",
    "owl:equivalentClass": "the same as",
    "rdfs:subPropertyOf": "kind of",
    "rdfs:domain": "from",
    "rdfs:range": "to",
    "skos:closeMatch": "close to",
    "skos:relatedMatch": "related to",
}


def _term(term: ox.NamedNode) -> str:
    from kg import ontology

    lines = [f"### {_short(term)}", ontology.definition(term)]
    facts = []
    for name, words in _RELATED.items():
        prefix, _, local = name.partition(":")
        quads = ontology.load().quads_for_pattern(term, ox.NamedNode(ontology.PREFIXES[prefix] + local), None)
        if shown := sorted(_value(quad.object) for quad in quads):
            # Several ranges hold together; several broader terms are a list.
            facts.append(f"- {words}: {(' and ' if local in ('domain', 'range') else ', ').join(shown)}")
    return "\n\n".join([*lines, "\n".join(facts)]) if facts else "\n\n".join(lines)


def _value(node: Any) -> str:
    """Return a class, a union of classes, or a list of values in words."""
    from kg import ontology

    if isinstance(node, ox.NamedNode):
        return f"`{_short(node)}`"
    for name in ("unionOf", "oneOf"):
        for quad in ontology.load().quads_for_pattern(node, ox.NamedNode(ontology.OWL + name), None):
            return " or ".join(_items(quad.object))
    return "a class without a name"


def _items(node: Any) -> Iterator[str]:
    from kg import ontology

    store, nil = ontology.load(), ox.NamedNode(f"{ontology.RDF}nil")
    while node != nil:
        first = next(store.quads_for_pattern(node, ox.NamedNode(f"{ontology.RDF}first"), None)).object
        yield f'`"{first.value}"`' if isinstance(first, ox.Literal) else f"`{_short(first)}`"
        node = next(store.quads_for_pattern(node, ox.NamedNode(f"{ontology.RDF}rest"), None)).object


_MORE = {
    "cito": "http://purl.org/spar/cito/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "fabio": "http://purl.org/spar/fabio/",
    "mls": "http://www.w3.org/ns/mls#",
    "oa": "http://www.w3.org/ns/oa#",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "prov": "http://www.w3.org/ns/prov#",
}


def _short(node: Any) -> str:
    from kg import ontology

    short = ontology.Shortener({**ontology.PREFIXES, **_MORE})(node.value)
    return short or str(node.value)


PARTS: Mapping[str, Callable[[], str]] = {
    "readers": readers,
    "exports": exports,
    "questions": questions,
    "classes": classes,
    "properties": properties,
}
"""What a comment of one word is filled with."""


def run(line: str) -> str:
    """Return what a command prints.

    Raises:
        RuntimeError: it fails.
    """
    from kg.cli import app

    program, *arguments = shlex.split(line)
    if program != "kg":
        raise RuntimeError(f"{line}: only commands of kg are run")
    with chdir(ROOT):
        result = CliRunner(env={"COLUMNS": str(WIDTH), "NO_COLOR": "1"}).invoke(app, arguments)
    if result.exit_code:
        raise RuntimeError(f"{line}: exit code {result.exit_code}: {result.output.strip()}")
    return result.output


def _output(line: str, limit: int) -> str:
    lines = run(line).rstrip().splitlines()
    shown = [*lines[:limit], "..."] if limit and len(lines) > limit else lines
    return "\n".join(["```console", f"$ {line}", *shown, "```"])


def drawing(line: str) -> str:
    """Return the drawing of a command as a block that HTML shows."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "figure.svg")
        run(f"{line} --figure {shlex.quote(path)}")
        svg = Path(path).read_text(encoding="utf-8")
    # A block of Markdown ends nowhere inside it, and an XML declaration has no place in HTML.
    return "```{raw} html\n" + "\n".join(filter(None, svg[svg.index("<svg") :].splitlines())) + "\n```"
