"""SHACL shapes as SPARQL questions over a whole graph at once.

Shape checkers that walk from node to node take minutes where a graph store answers in a second. This one translates the
part of SHACL Core that the project's shapes use, and SPARQL-based constraints, into one question per shape and
component (W3C, Shapes Constraint Language, 2017, sections 2 to 5). What it does not know it refuses, so that no
constraint is skipped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from kg.errors import InputError
from kg.ontology import RDF, RDFS, XSD

SH = "http://www.w3.org/ns/shacl#"
_PREFIXES = {"rdf": RDF, "rdfs": RDFS, "xsd": XSD}

Node = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


@dataclass(frozen=True, slots=True)
class Check:
    """A question whose rows ``?this`` (and ``?value``) are violations. ``path`` is what they violate, in SPARQL."""

    shape: str
    message: str
    path: str
    query: str


def _sh(name: str) -> ox.NamedNode:
    return ox.NamedNode(SH + name)


def _castable(datatype: str) -> str:
    """Return a condition that the text of a literal is legal for its datatype; other datatypes than these are free."""
    checked = (
        "integer",
        "decimal",
        "double",
        "float",
        "boolean",
        "date",
        "dateTime",
        "gYear",
        "gYearMonth",
        "gMonthDay",
    )
    if datatype not in {f"<{XSD}{name}>" for name in checked}:
        return "true"
    return f"COALESCE(isLiteral({datatype}(STR(?value))), false)"


_KINDS = {
    f"{SH}IRI": "isIRI(?value)",
    f"{SH}Literal": "isLiteral(?value)",
    f"{SH}BlankNode": "isBlank(?value)",
    f"{SH}BlankNodeOrIRI": "!isLiteral(?value)",
    f"{SH}BlankNodeOrLiteral": "!isIRI(?value)",
    f"{SH}IRIOrLiteral": "!isBlank(?value)",
}
_SIMPLE: dict[str, Callable[[str], str]] = {
    "datatype": lambda term: f"COALESCE(DATATYPE(?value) = {term}, false) && {_castable(term)}",
    "class": lambda term: f"EXISTS {{ ?value %TYPE% {term} }}",
    "nodeKind": lambda term: _KINDS[term.strip("<>")],
    "minInclusive": lambda term: f"COALESCE(?value >= {term}, false)",
    "maxInclusive": lambda term: f"COALESCE(?value <= {term}, false)",
    "minExclusive": lambda term: f"COALESCE(?value > {term}, false)",
    "maxExclusive": lambda term: f"COALESCE(?value < {term}, false)",
    "minLength": lambda term: f"(!isBlank(?value) && STRLEN(STR(?value)) >= {term})",
    "maxLength": lambda term: f"(!isBlank(?value) && STRLEN(STR(?value)) <= {term})",
    "pattern": lambda term: f"(!isBlank(?value) && REGEX(STR(?value), {term}))",
}
"""Components that judge one value alone: each gives the condition that ``?value`` must meet."""

_TARGETS = {
    "targetClass": "?this %TYPE% {} .",
    "targetSubjectsOf": "?this {} [] .",
    "targetObjectsOf": "[] {} ?this .",
    "targetNode": "VALUES ?this {{ {} }}",
}
_SILENT = frozenset({"message", "name", "description", "path"})
_KNOWN = frozenset({*_SIMPLE, *_TARGETS, *_SILENT, "minCount", "maxCount", "in", "or", "property", "sparql"})


class Shapes:
    """A shapes graph, read from a Turtle file.

    Raises:
        InputError: the file is not Turtle.
    """

    def __init__(self, path: Path) -> None:
        self._file = path
        self._store = ox.Store()
        try:
            self._store.load(path=str(path), format=ox.RdfFormat.TURTLE)
        except (SyntaxError, ValueError, OSError) as error:
            raise InputError(f"{path}: shapes cannot be read ({error}); they must be SHACL in Turtle") from error

    def checks(self, *, subclasses: bool) -> Iterator[Check]:
        """Yield the questions of all node shapes, sorted by shape.

        Args:
            subclasses: whether the data graph itself states subclasses, which then count as their superclass.

        Raises:
            InputError: a shape uses something that is not translated.
        """
        type_path = f"<{RDF}type>" + (f"/<{RDFS}subClassOf>*" if subclasses else "")
        shapes = (
            quad.subject for quad in self._store.quads_for_pattern(None, ox.NamedNode(f"{RDF}type"), _sh("NodeShape"))
        )
        for shape in sorted(shapes, key=str):
            targets = [
                pattern.format(term)
                for name, pattern in _TARGETS.items()
                for term in sorted(map(str, self._all(shape, name)))
            ]
            if not targets:
                continue
            target = " UNION ".join(f"{{ {pattern} }}" for pattern in targets)
            for check in self._shape(shape, f"{{ SELECT DISTINCT ?this WHERE {{ {target} }} }}", str(shape)):
                yield Check(check.shape, check.message, check.path, check.query.replace("%TYPE%", type_path))

    def _all(self, subject: Node, name: str) -> list[Node]:
        return [quad.object for quad in self._store.quads_for_pattern(subject, _sh(name), None)]  # type: ignore[arg-type]

    def _shape(self, shape: Node, target: str, name: str) -> Iterator[Check]:
        """Yield the checks of a node or property shape for the focus nodes of ``target``."""
        self._refuse_unknown(shape, name)
        message = next((text.value for text in self._all(shape, "message") if isinstance(text, ox.Literal)), name)
        paths = self._all(shape, "path")
        path = self._path(paths[0], name) if paths else ""
        value = f"?this {path} ?value ." if path else "BIND(?this AS ?value)"
        condition = self._condition(shape, name)
        if condition != "true":
            query = f"SELECT DISTINCT ?this ?value WHERE {{ {target} {value} FILTER(!({condition})) }}"
            yield Check(name, message, path, query)
        for component, comparison in (("minCount", "<"), ("maxCount", ">")):
            for number in self._all(shape, component):
                query = (
                    f"SELECT ?this WHERE {{ {target} OPTIONAL {{ {value} }} }} "
                    f"GROUP BY ?this HAVING(COUNT(DISTINCT ?value) {comparison} {number})"
                )
                yield Check(name, message, path, query)
        for nested in sorted(self._all(shape, "property"), key=self._order):
            yield from self._shape(nested, target, name)
        for constraint in sorted(self._all(shape, "sparql"), key=self._order):
            yield self._sparql(constraint, target, name)

    def _order(self, node: Node) -> str:
        """Return a sort key of a nameless shape: blank nodes are numbered anew each time a file is read."""
        properties = self._store.quads_for_pattern(node, None, None)  # type: ignore[arg-type]
        return "\n".join(
            sorted(
                f"{quad.predicate} {quad.object}" for quad in properties if not isinstance(quad.object, ox.BlankNode)
            )
        )

    def _refuse_unknown(self, shape: Node, name: str) -> None:
        for quad in self._store.quads_for_pattern(shape, None, None):  # type: ignore[arg-type]
            local = quad.predicate.value.removeprefix(SH)
            if quad.predicate.value.startswith(SH) and local not in _KNOWN:
                raise InputError(
                    f"{self._file}: {name} uses sh:{local}, which kg validate cannot check; "
                    f"known are {', '.join(sorted(_KNOWN))}"
                )

    def _condition(self, shape: Node, name: str) -> str:
        """Return the SPARQL condition under which ``?value`` meets all components that judge it alone."""
        parts = [f"({make(str(term))})" for component, make in _SIMPLE.items() for term in self._all(shape, component)]
        for head in self._all(shape, "in"):
            parts.append(f"({' || '.join(f'sameTerm(?value, {term})' for term in self._list(head)) or 'false'})")
        for head in self._all(shape, "or"):
            options = self._list(head)
            for option in options:
                self._refuse_unknown(option, name)
                if self._all(option, "path") or self._all(option, "property"):
                    raise InputError(
                        f"{self._file}: {name} has a property shape in sh:or, which kg validate cannot check"
                    )
            parts.append(f"({' || '.join(f'({self._condition(option, name)})' for option in options)})")
        return " && ".join(parts) or "true"

    def _list(self, head: Node) -> list[Node]:
        items: list[Node] = []
        while head != ox.NamedNode(f"{RDF}nil"):
            first = next(self._store.quads_for_pattern(head, ox.NamedNode(f"{RDF}first"), None), None)  # type: ignore[arg-type]
            rest = next(self._store.quads_for_pattern(head, ox.NamedNode(f"{RDF}rest"), None), None)  # type: ignore[arg-type]
            if first is None or rest is None:
                raise InputError(f"{self._file}: a list of a shape is broken; write it in parentheses")
            items.append(first.object)
            head = rest.object
        return items

    def _path(self, path: Node, name: str) -> str:
        if isinstance(path, ox.NamedNode):
            return str(path)
        inverse = self._all(path, "inversePath")
        if len(inverse) == 1 and isinstance(inverse[0], ox.NamedNode):
            return f"^{inverse[0]}"
        raise InputError(
            f"{self._file}: {name} has a path that kg validate cannot follow; known are properties and sh:inversePath"
        )

    def _sparql(self, constraint: Node, target: str, name: str) -> Check:
        """Return a SPARQL-based constraint; its first pattern is preceded by the focus nodes, which binds ``$this``."""
        select = next((text.value for text in self._all(constraint, "select") if isinstance(text, ox.Literal)), "")
        head, where, rest = select.partition("WHERE {")
        if not where:
            raise InputError(f"{self._file}: {name} has a SPARQL constraint without 'WHERE {{'")
        message = next((text.value for text in self._all(constraint, "message") if isinstance(text, ox.Literal)), name)
        declared = "".join(f"PREFIX {prefix}: <{namespace}> " for prefix, namespace in self._declared(constraint))
        return Check(
            name, message, "", f"{declared}{head.replace('SELECT', 'SELECT DISTINCT', 1)}{where} {target} {rest}"
        )

    def _declared(self, constraint: Node) -> Iterator[tuple[str, str]]:
        for ontology in self._all(constraint, "prefixes"):
            for declaration in self._all(ontology, "declare"):
                prefix, namespace = self._all(declaration, "prefix"), self._all(declaration, "namespace")
                if prefix and namespace:
                    yield str(getattr(prefix[0], "value", "")), str(getattr(namespace[0], "value", ""))
