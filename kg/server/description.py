"""What the endpoint says of itself: SPARQL 1.1 Service Description, with a link to the VoID description of the data."""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox

from kg import ontology as o
from kg.server.negotiate import Offer
from kg.server.worker import TRIPLES, Opened

SD = "http://www.w3.org/ns/sparql-service-description#"
VOID = "http://rdfs.org/ns/void#"
FORMATS = "http://www.w3.org/ns/formats/"

VOID_PATH = "/.well-known/void"
"""Where the description of the data lies (RFC 5785, as the VoID note has it)."""

_PREFIXES = {"sd": SD, "void": VOID, "formats": FORMATS, "rdfs": o.RDFS, "xsd": o.XSD}
_RESULTS = (
    "SPARQL_Results_JSON",
    "SPARQL_Results_XML",
    "SPARQL_Results_CSV",
    "SPARQL_Results_TSV",
    "Turtle",
    "N-Triples",
    "RDF_XML",
    "JSON-LD",
)


def describe(endpoint: str, opened: Opened, *, has_void: bool) -> Iterator[ox.Triple]:
    """Yield the description of the service at ``endpoint``.

    ``has_void`` tells whether the folder has a VoID description to point at.
    """
    service, dataset = ox.NamedNode(f"{endpoint}#service"), ox.NamedNode(f"{endpoint}#dataset")
    graph = ox.NamedNode(opened.graph)
    yield ox.Triple(service, o.TYPE, _sd("Service"))
    yield ox.Triple(service, _sd("endpoint"), ox.NamedNode(endpoint))
    yield ox.Triple(service, _sd("supportedLanguage"), _sd("SPARQL11Query"))
    for name in _RESULTS:
        yield ox.Triple(service, _sd("resultFormat"), ox.NamedNode(FORMATS + name))
    if opened.named:
        yield ox.Triple(service, _sd("feature"), _sd("UnionDefaultGraph"))
    yield ox.Triple(service, _sd("defaultDataset"), dataset)
    yield ox.Triple(dataset, o.TYPE, _sd("Dataset"))
    yield ox.Triple(dataset, o.TYPE, _void("Dataset"))
    yield ox.Triple(dataset, _void("sparqlEndpoint"), ox.NamedNode(endpoint))
    yield ox.Triple(dataset, _void("triples"), ox.Literal(opened.triples))
    yield ox.Triple(dataset, _void("uriSpace"), ox.Literal(opened.base))
    if has_void:
        yield ox.Triple(
            dataset,
            ox.NamedNode(f"{o.RDFS}seeAlso"),
            ox.NamedNode(endpoint.removesuffix("/sparql") + VOID_PATH),
        )
    yield ox.Triple(dataset, _sd("defaultGraph"), graph)
    yield ox.Triple(graph, o.TYPE, _sd("Graph"))
    if not opened.named:
        yield ox.Triple(graph, _void("triples"), ox.Literal(opened.triples))
    for number, name in enumerate(opened.named, 1):
        named = ox.NamedNode(f"{endpoint}#named-{number}")
        yield ox.Triple(dataset, _sd("namedGraph"), named)
        yield ox.Triple(named, o.TYPE, _sd("NamedGraph"))
        yield ox.Triple(named, _sd("name"), ox.NamedNode(name))


def write(endpoint: str, opened: Opened, offer: Offer, *, has_void: bool) -> bytes:
    """Return the description in the format of an offer."""
    triples = describe(endpoint, opened, has_void=has_void)
    return ox.serialize(triples, format=TRIPLES[offer.name], prefixes=_PREFIXES) or b""


def _sd(name: str) -> ox.NamedNode:
    return ox.NamedNode(SD + name)


def _void(name: str) -> ox.NamedNode:
    return ox.NamedNode(VOID + name)
