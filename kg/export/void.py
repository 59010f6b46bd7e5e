"""A description of the graph as a dataset, in VoID (W3C note of 3 March 2011) with what DCAT 2 adds.

Catalogues and federated query engines read from it how many triples, classes and properties there are, to which other
datasets the graph links, and where its files lie. Files count as lying beside the things, under the base IRI: whoever
publishes a graph gives that as the base.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import urlsplit

import pyoxigraph as ox

from kg import __version__, ids
from kg import ontology as o
from kg.export.base import ExportOptions
from kg.export.rdf import Description, describe, literal
from kg.export.turtle import write_triples
from kg.model import KnowledgeGraph

VOID = "http://rdfs.org/ns/void#"
DCAT = "http://www.w3.org/ns/dcat#"
FOAF = "http://xmlns.com/foaf/0.1/"
RIGHTS = "Titles, abstracts and quoted sentences remain those of the authors of the papers."

AUTHORITIES = {
    "www.wikidata.org": ("wikidata", "Wikidata"),
    "dbpedia.org": ("dbpedia", "DBpedia"),
    "w3id.org": ("vocabulary", "Vocabularies of paper-kg"),
}
"""Host of an IRI to which things link: the name of the set of links, and that of the other dataset."""

_FILES = (
    ("graph.ttl", "text/turtle", "http://www.w3.org/ns/formats/Turtle"),
    ("graph.jsonld", "application/ld+json", "http://www.w3.org/ns/formats/JSON-LD"),
)

_MATCHES = frozenset((o.EXACT_MATCH, o.CLOSE_MATCH))

Node = ox.NamedNode
Property = tuple[Node, Node | ox.Literal]


@dataclass(slots=True)
class Counts:
    """What a pass over the graph counts: distinct triples; ``links`` by property and host of the IRI linked to."""

    triples: int = 0
    subjects: int = 0
    classes: Counter[Node] = field(default_factory=Counter)
    properties: Counter[Node] = field(default_factory=Counter)
    links: Counter[tuple[Node, str]] = field(default_factory=Counter)

    def add(self, description: Description) -> None:
        """Count the triples of a subject, as the RDF formats write them."""
        part, _, properties = description
        self.subjects += 1
        # Only papers and things have several strings for one property, which cleaning may have made equal.
        distinct = set(properties) if part in ("Papers", "Things") else properties
        self.triples += len(distinct)
        self.properties.update([predicate for predicate, _ in distinct])
        for predicate, value in distinct:
            if predicate == o.TYPE and isinstance(value, Node):
                self.classes[value] += 1
            elif predicate in _MATCHES:
                self.links[predicate, urlsplit(value.value).netloc] += 1


def count(graph: KnowledgeGraph, options: ExportOptions) -> Counts:
    """Count the distinct triples of a graph.

    Raises:
        KGError: a claim or result names something that the graph lacks.
    """
    counts = Counts()
    for description in describe(graph, options):
        counts.add(description)
    return counts


class VoidScribe:
    """Counts as the descriptions come, and writes the description of the dataset as Turtle at the end."""

    def __init__(self, graph: KnowledgeGraph, stream: BinaryIO, options: ExportOptions) -> None:
        self._graph, self._stream, self._options = graph, stream, options
        self._counts = Counts()
        self.add = self._counts.add

    def end(self) -> None:
        """Write the file."""
        options = self._options
        prefixes = {"void": VOID, "dcat": DCAT, "foaf": FOAF, "set": _space(options), **o.prefixes(options.base)}
        write_triples(_describe(self._graph, self._counts, options), self._stream, prefixes)


def _describe(graph: KnowledgeGraph, counts: Counts, options: ExportOptions) -> Iterator[ox.Triple]:
    short = o.Shortener(o.PREFIXES)
    root, space = options.base.rstrip("#/"), _space(options)
    dataset = Node(f"{space}dataset")

    def name(kind: str, term: Node) -> Node:
        return Node(f"{space}{kind}-{(short(term.value) or ids.digest(term.value)).replace(':', '-')}")

    yield from _triples(
        Node(f"{root}/void.ttl"),
        [
            (o.TYPE, Node(f"{VOID}DatasetDescription")),
            (o.TITLE, literal("Description of a knowledge graph of research papers")),
            (Node(f"{FOAF}primaryTopic"), dataset),
        ],
    )
    classes = sorted(counts.classes, key=lambda term: term.value)
    properties = sorted(counts.properties, key=lambda term: term.value)
    links = sorted(counts.links, key=lambda link: (link[1], link[0].value))
    link_names = {link: Node(f"{space}{_link_name(*link)}") for link in links}
    files = [(Node(f"{root}/{file}"), media, feature) for file, media, feature in _FILES]
    yield from _triples(
        dataset,
        [
            *_about(graph, options),
            *((Node(f"{VOID}vocabulary"), Node(used)) for used in _vocabularies((*classes, *properties))),
            *((Node(f"{VOID}exampleResource"), Node(ids.iri(item, options.base))) for item in _examples(graph)),
            *((Node(f"{VOID}feature"), Node(feature)) for _, _, feature in files),
            *((Node(f"{VOID}dataDump"), file) for file, _, _ in files),
            *((Node(f"{DCAT}distribution"), file) for file, _, _ in files),
            (Node(f"{VOID}triples"), ox.Literal(counts.triples)),
            (Node(f"{VOID}entities"), ox.Literal(counts.subjects)),
            (Node(f"{VOID}distinctSubjects"), ox.Literal(counts.subjects)),
            (Node(f"{VOID}classes"), ox.Literal(len(classes))),
            (Node(f"{VOID}properties"), ox.Literal(len(properties))),
            *((Node(f"{VOID}classPartition"), name("class", term)) for term in classes),
            *((Node(f"{VOID}propertyPartition"), name("property", term)) for term in properties),
            *((Node(f"{VOID}subset"), link) for link in link_names.values()),
        ],
    )
    for file, media, _ in files:
        media_type = Node(f"https://www.iana.org/assignments/media-types/{media}")
        yield from _triples(
            file,
            [
                (o.TYPE, Node(f"{DCAT}Distribution")),
                (Node(f"{DCAT}downloadURL"), file),
                (Node(f"{DCAT}mediaType"), media_type),
            ],
        )
    for term in classes:
        yield from _triples(
            name("class", term),
            [(Node(f"{VOID}class"), term), (Node(f"{VOID}entities"), ox.Literal(counts.classes[term]))],
        )
    for term in properties:
        yield from _triples(
            name("property", term),
            [(Node(f"{VOID}property"), term), (Node(f"{VOID}triples"), ox.Literal(counts.properties[term]))],
        )
    yield from _linksets(counts, link_names, dataset, space)


def _space(options: ExportOptions) -> str:
    """Return the namespace of the dataset and its parts."""
    return options.base.rstrip("#/") + "/void#"


def _about(graph: KnowledgeGraph, options: ExportOptions) -> Iterator[Property]:
    yield o.TYPE, Node(f"{VOID}Dataset")
    yield o.TYPE, Node(f"{DCAT}Dataset")
    yield o.TITLE, literal("Knowledge graph of research papers")
    yield (
        Node(f"{o.DCTERMS}description"),
        literal(
            f"What {len(graph.papers)} papers propose, compare with, target and use, each statement with the sentences "
            f"that support it. Made by paper-kg {__version__} from titles and abstracts."
        ),
    )
    if options.license:
        yield Node(f"{o.DCTERMS}license"), Node(options.license)
    yield Node(f"{o.DCTERMS}rights"), literal(RIGHTS)
    yield Node(f"{o.DCTERMS}conformsTo"), Node(ids.ONTOLOGY.rstrip("#"))
    yield Node(f"{VOID}uriSpace"), literal(options.base)


def _linksets(counts: Counts, names: dict[tuple[Node, str], Node], dataset: Node, space: str) -> Iterator[ox.Triple]:
    targets: dict[str, Node] = {}
    for (predicate, host), name in names.items():
        targets[host] = Node(f"{space}target-{_authority(host)[0]}")
        yield from _triples(
            name,
            [
                (o.TYPE, Node(f"{VOID}Linkset")),
                (Node(f"{VOID}linkPredicate"), predicate),
                (Node(f"{VOID}subjectsTarget"), dataset),
                (Node(f"{VOID}objectsTarget"), targets[host]),
                (Node(f"{VOID}triples"), ox.Literal(counts.links[predicate, host])),
            ],
        )
    for host, target in targets.items():
        yield from _triples(target, [(o.TYPE, Node(f"{VOID}Dataset")), (o.TITLE, literal(_authority(host)[1]))])


def _link_name(predicate: Node, host: str) -> str:
    return f"links-{_authority(host)[0]}-{predicate.value.rpartition('#')[2]}"


def _authority(host: str) -> tuple[str, str]:
    return AUTHORITIES.get(host) or (ids.slug(host) or ids.digest(host), host)


def _vocabularies(terms: Iterable[Node]) -> list[str]:
    """Return the namespaces of terms, those first whose terms are the project's own."""
    spaces = {term.value[: max(term.value.rfind("#"), term.value.rfind("/")) + 1] for term in terms}
    return sorted(spaces, key=lambda space: (space != ids.ONTOLOGY, space))


def _examples(graph: KnowledgeGraph) -> list[str]:
    """Return a paper, and of each kind the thing that most papers name."""
    best: dict[str, tuple[int, str]] = {}
    for entity in graph.entities:
        rank = (-len(entity.papers), entity.id)
        best[entity.type] = min(best.get(entity.type, rank), rank)
    first = sorted(paper.id for paper in graph.papers)[:1]
    return first + [best[kind][1] for kind in sorted(best)]


def _triples(subject: Node, properties: Iterable[Property]) -> Iterator[ox.Triple]:
    return (ox.Triple(subject, predicate, value) for predicate, value in properties)
