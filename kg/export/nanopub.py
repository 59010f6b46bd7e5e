"""Nanopublications: each claim and each result as a small publication of its own, in TriG.

A nanopublication has four named graphs: a head that names the others, the assertion, the provenance of the assertion
and information about the publication. The form is that of the guidelines at https://nanopub.net/guidelines/working_draft/
(section "Well-formed Nanopublications"). The identifier is a trusty URI, which holds a hash of the content
(Kuhn and Dumontier, "Trusty URIs: Verifiable, Immutable, and Permanent Digital Artifacts for Linked Data", ESWC 2014;
module RA), so anybody can verify that a nanopublication is unchanged.

No time of creation is given: the same input must give the same file, and the date of a paper, which the provenance
tells, is not that of the nanopublication.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar

import pyoxigraph as ox

from kg import __version__
from kg import ontology as o
from kg.errors import KGError
from kg.export import order as in_order
from kg.export.base import ExportOptions
from kg.export.rdf import Description, describe, literal
from kg.model import Claim, Entity, KnowledgeGraph, Paper, Result

NP = "http://www.nanopub.org/nschema#"
NPX = "http://purl.org/nanopub/x/"
PROV = "http://www.w3.org/ns/prov#"
PROGRAM = f"https://w3id.org/paper-kg/program/{__version__}"
RIGHTS = "Quoted sentences, titles and names remain those of the authors of the papers."

Node = ox.NamedNode
Term = ox.NamedNode | ox.Literal
Statement = tuple[Node, Node, Term]
T = TypeVar("T")

# Stands in for the hash while it is being computed; as long as a real one, so that IRIs stay valid.
_UNKNOWN = "RA" + "-" * 43

_RELATIONS = frozenset(o.PROPERTIES.values())
_OF_PAPER = frozenset({o.TYPE, o.TITLE, o.DATE, o.IDENTIFIER, o.URL})
_OF_SUPPORT = frozenset({o.STATED_IN, o.CONFIDENCE, o.HAS_EVIDENCE})


@dataclass(frozen=True, slots=True)
class Nanopublication:
    """The quads of a nanopublication, grouped by graph in the order head, assertion, provenance, information."""

    iri: str
    quads: tuple[ox.Quad, ...]


def write_nanopubs(graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
    """Write a nanopublication for each claim, then for each result, one after the other.

    Raises:
        KGError: a claim or result names something that the graph lacks.
    """
    shared = {"np": NP, "npx": NPX, "prov": PROV, **o.prefixes(options.base)}
    for name, namespace in shared.items():
        stream.write(f"@prefix {name}: <{namespace}> .\n".encode())
    for nanopub in nanopublications(graph, options):
        own = {"this": nanopub.iri, "sub": f"{nanopub.iri}#"}
        stream.write(b"\n" + b"".join(f"@prefix {name}: <{iri}> .\n".encode() for name, iri in own.items()))
        text = ox.serialize(nanopub.quads, format=ox.RdfFormat.TRIG, prefixes={**shared, **own}) or b""
        # Prefixes that all share stand at the head of the file. Literals hold no line breaks, so lines are safe to cut.
        stream.write(b"".join(line for line in text.splitlines(keepends=True) if not line.startswith(b"@prefix ")))


def nanopublications(graph: KnowledgeGraph, options: ExportOptions) -> Iterator[Nanopublication]:
    """Yield the nanopublications of all claims, then of all results, in the order of writing.

    Raises:
        KGError: a claim or result names something that the graph lacks.
    """
    # Abstracts are the bulk of a graph, and nothing here quotes a whole one.
    papers = {paper.id: replace(paper, abstract="") for paper in graph.papers}
    entities = {entity.id: entity for entity in graph.entities}
    for claim in in_order.claims(graph):
        about = KnowledgeGraph(
            papers=_pick(papers, (*claim.papers, *(item.paper for item in claim.evidence), claim.subject)),
            entities=_pick(entities, (claim.subject, claim.object)),
            claims=(claim,),
        )
        yield _publish(about, options, o.CLAIM, _claim_label(claim, papers, entities))
    for result in in_order.results(graph):
        ends = (result.metric, result.method, result.baseline, result.dataset)
        about = KnowledgeGraph(
            papers=_pick(papers, (result.paper,)),
            entities=_pick(entities, (end for end in ends if end)),
            results=(result,),
        )
        yield _publish(about, options, o.RESULT, _result_label(result, papers, entities))


def artifact_code(quads: Iterable[ox.Quad], iri: str) -> str:
    """Return the artifact code (``RA`` and 43 signs) of a nanopublication that calls itself ``iri`` for the time being.

    The last segment of ``iri`` is where the code will stand; it counts as a space wherever an IRI begins with ``iri``.
    """
    known = iri.rpartition("/")[0] + "/ "

    def normal(term: object) -> str:
        value = str(getattr(term, "value", term))
        return known + value[len(iri) :] if value == iri or value.startswith(f"{iri}#") else value

    rows: set[tuple[str, str, str, int, str, str]] = set()
    for quad in quads:
        place = (normal(quad.graph_name), normal(quad.subject), normal(quad.predicate))
        if isinstance(quad.object, ox.Literal):
            rows.add((*place, 1, quad.object.value, quad.object.datatype.value))
        else:
            rows.add((*place, 0, normal(quad.object), ""))
    # Python compares strings by code points, which is the order of their UTF-8 bytes.
    content = ""
    for name, subject, predicate, is_literal, value, datatype in sorted(rows):
        if is_literal:
            value = f"^{datatype} " + value.replace("\\", "\\\\").replace("\n", "\\n")
        content += f"{name}\n{subject}\n{predicate}\n{value}\n"
    return "RA" + urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).decode().rstrip("=")


def _publish(about: KnowledgeGraph, options: ExportOptions, kind: Node, label: str) -> Nanopublication:
    """Return the nanopublication of a graph that holds one claim or one result with all that it speaks of."""
    namespace = options.base.rstrip("#/") + "/np/"
    this = namespace + _UNKNOWN
    part = {name: Node(f"{this}#{name}") for name in ("Head", "assertion", "provenance", "pubinfo", "extraction")}
    assertion, provenance = _facts(about, options, kind, part["assertion"], part["extraction"])
    graphs: dict[str, Iterable[Statement]] = {
        "Head": _head(Node(this), part),
        "assertion": assertion,
        "provenance": provenance,
        "pubinfo": _information(Node(this), options, kind, label),
    }
    draft = [ox.Quad(s, p, v, part[name]) for name, statements in graphs.items() for s, p, v in statements]
    final = namespace + artifact_code(draft, this)
    return Nanopublication(final, tuple(_renamed(quad, this, final) for quad in draft))


def _renamed(quad: ox.Quad, before: str, after: str) -> ox.Quad:
    def rename(term: Term) -> Term:
        if isinstance(term, Node) and term.value.startswith(before):
            return Node(after + term.value[len(before) :])
        return term

    return ox.Quad(*map(rename, (quad.subject, quad.predicate, quad.object, quad.graph_name)))  # type: ignore[arg-type]


def _head(this: Node, part: Mapping[str, Node]) -> Iterator[Statement]:
    yield this, o.TYPE, Node(f"{NP}Nanopublication")
    yield this, Node(f"{NP}hasAssertion"), part["assertion"]
    yield this, Node(f"{NP}hasProvenance"), part["provenance"]
    yield this, Node(f"{NP}hasPublicationInfo"), part["pubinfo"]


def _information(this: Node, options: ExportOptions, kind: Node, label: str) -> Iterator[Statement]:
    yield this, Node(f"{o.RDFS}label"), literal(label)
    yield this, o.CREATOR, Node(PROGRAM)
    yield this, Node(f"{NPX}hasNanopubType"), kind
    if options.license:
        yield this, Node(f"{o.DCTERMS}license"), Node(options.license)
    yield this, Node(f"{o.DCTERMS}rights"), literal(RIGHTS)


def _facts(
    about: KnowledgeGraph, options: ExportOptions, kind: Node, assertion: Node, extraction: Node
) -> tuple[list[Statement], list[Statement]]:
    """Return what is asserted, and where it comes from."""
    asserted: list[Statement] = []
    sources: list[Statement] = []
    derived: list[Node] = []
    used: list[Node] = []
    support: list[Statement] = []
    for found in describe(about, options):
        subject = found.subject
        classes = {value for predicate, value in found.properties if predicate == o.TYPE}
        if kind in classes:
            support = _kept(found, _OF_SUPPORT | ({o.TYPE} if kind == o.CLAIM else set()))
            if kind == o.RESULT:
                asserted += _without(found, _OF_SUPPORT)
            else:
                support.append((assertion, Node(f"{PROV}alternateOf"), subject))
        elif o.EVIDENCE in classes:
            derived.append(subject)
            sources += _without(found, frozenset())
        elif o.PAPER in classes:
            derived.append(subject)
            used.append(subject)
            sources += _kept(found, _OF_PAPER)
        asserted += _kept(found, _RELATIONS)
    program, activity = Node(PROGRAM), Node(f"{PROV}Activity")
    provenance: list[Statement] = [(assertion, Node(f"{PROV}wasDerivedFrom"), source) for source in derived]
    provenance += [(assertion, Node(f"{PROV}wasGeneratedBy"), extraction), *sorted(support, key=_alternate_first)]
    provenance += [(extraction, o.TYPE, activity), *((extraction, Node(f"{PROV}used"), paper) for paper in used)]
    provenance += [
        (extraction, Node(f"{PROV}wasAssociatedWith"), program),
        (program, o.TYPE, Node(f"{PROV}SoftwareAgent")),
        (program, Node(f"{o.RDFS}label"), literal(f"paper-kg {__version__}")),
    ]
    return asserted, provenance + sources


def _alternate_first(statement: Statement) -> bool:
    return statement[1].value != f"{PROV}alternateOf"


def _kept(found: Description, predicates: frozenset[Node] | set[Node]) -> list[Statement]:
    return [(found.subject, predicate, value) for predicate, value in found.properties if predicate in predicates]


def _without(found: Description, predicates: frozenset[Node]) -> list[Statement]:
    return [(found.subject, predicate, value) for predicate, value in found.properties if predicate not in predicates]


def _pick(known: Mapping[str, T], wanted: Iterable[str]) -> tuple[T, ...]:
    return tuple(known[identifier] for identifier in dict.fromkeys(wanted) if identifier in known)


def _claim_label(claim: Claim, papers: Mapping[str, Paper], entities: Mapping[str, Entity]) -> str:
    relation = re.sub(r"(?=[A-Z])", " ", claim.relation.value).lower()
    return f"{_name(claim.subject, papers, entities)} {relation} {_name(claim.object, papers, entities)}"


def _result_label(result: Result, papers: Mapping[str, Paper], entities: Mapping[str, Entity]) -> str:
    def name(identifier: str) -> str:
        return _name(identifier, papers, entities)

    metric = f"{name(result.metric)} " if result.metric else ""
    label = f"{name(result.method or result.paper)}: {metric}{result.value_text}{_spaced(result.unit)}"
    if result.baseline:
        label += f" against {name(result.baseline)}"
    return f"{label} on {name(result.dataset)}" if result.dataset else label


def _spaced(unit: str) -> str:
    """Return the unit as it stands behind its number: "82.7%", "4.5x", "12 ms"."""
    return unit if unit in ("", "%", "x") else f" {unit}"


def _name(identifier: str, papers: Mapping[str, Paper], entities: Mapping[str, Entity]) -> str:
    entity, paper = entities.get(identifier), papers.get(identifier)
    if entity is None and paper is None:
        raise KGError(f"the graph is broken: {identifier} is neither a paper nor an entity of it")
    return entity.label if entity else paper.title if paper else identifier
