"""The tables of a built folder, kept beside it, and the sentences behind their numbers.

What analyses compute from the whole graph is kept in ``DIR/.cache/analysis-<name>-<hash>.npz``; the hash stands for
the file of the graph: a new build makes new files. Without a folder to write to, all works, slower.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyoxigraph as ox

from kg import ids
from kg.analysis.common import PREFIX, Quote, Thing, quote_key
from kg.analysis.matrices import Corpus, Text, csr, from_store, text_matrix
from kg.export.store import FOLDER, RDF_FILES
from kg.ontology import HAS_EVIDENCE, IN_PAPER, OBJECT, SECTION, SENTENCE, SURFACE_FORM
from kg.store import OpenGraph, select, signature
from kg.text import name_key

Arrays = Mapping[str, npt.NDArray[Any]]

VERSION = "1"
"""Part of the hash: goes up when the same graph gives other tables."""
_BUILT = "report.json"
_BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class Tables:
    """A graph as analyses count it. ``corpus.abstracts`` is empty: :func:`abstracts` asks for those that are wanted."""

    opened: OpenGraph
    corpus: Corpus
    text: Text
    names: Mapping[str, tuple[int, ...]]
    """Things by normal form of their labels and aliases (:func:`kg.text.name_key`)."""

    def paper(self, row: int) -> Thing:
        """Return a paper as a thing."""
        return Thing(self.corpus.titles[row], "Paper", self.corpus.papers[row], self.corpus.years[row])

    def thing(self, row: int) -> Thing:
        """Return an entity as a thing."""
        return Thing(self.corpus.labels[row], self.corpus.kinds[row], self.corpus.things[row])

    def paper_row(self, iri: str) -> int | None:
        """Return the number of a paper, or None."""
        at = int(np.searchsorted(np.array(self.corpus.papers), iri)) if self.corpus.papers else 0
        return at if at < len(self.corpus.papers) and self.corpus.papers[at] == iri else None


def tables(opened: OpenGraph) -> Tables:
    """Return the tables of an open graph, from its cache if they are there."""
    kept = cached(opened, "tables", lambda: _make(opened))
    corpus = Corpus(
        unpack(kept["papers"]),
        unpack(kept["titles"]),
        (),
        tuple(year or None for year in kept["years"].tolist()),
        unpack(kept["things"]),
        unpack(kept["labels"]),
        unpack(kept["kinds"]),
        kept["links"],
    )
    vocabulary = unpack(kept["vocabulary"])
    matrix = csr(kept["data"], kept["indices"], kept["indptr"], len(vocabulary))
    names: dict[str, tuple[int, ...]] = {}
    for key, row in zip(unpack(kept["keys"]), kept["key_rows"].tolist(), strict=True):
        names[key] = (*names.get(key, ()), row)
    return Tables(opened, corpus, Text(matrix, vocabulary, kept["idf"]), names)


def _make(opened: OpenGraph) -> Arrays:
    corpus = from_store(opened)
    text = text_matrix(corpus.titles, corpus.abstracts)
    rows = {thing: number for number, thing in enumerate(corpus.things)}
    found = {(name_key(label), number) for number, label in enumerate(corpus.labels)}
    for row in select(opened, f"{PREFIX} SELECT ?thing ?name WHERE {{ ?thing skos:altLabel ?name }}"):
        if row["thing"] in rows:
            found.add((name_key(row["name"]), rows[row["thing"]]))
    keys = sorted(found)
    return {
        "papers": pack(corpus.papers),
        "titles": pack(corpus.titles),
        "years": np.array([year or 0 for year in corpus.years], np.int32),
        "things": pack(corpus.things),
        "labels": pack(corpus.labels),
        "kinds": pack(corpus.kinds),
        "links": corpus.links,
        "vocabulary": pack(text.vocabulary),
        "data": text.matrix.data,
        "indices": text.matrix.indices,
        "indptr": text.matrix.indptr,
        "idf": text.idf,
        "keys": pack(key for key, _ in keys),
        "key_rows": np.array([row for _, row in keys], np.int32),
    }


def pack(values: Iterable[str]) -> npt.NDArray[np.uint8]:
    """Return strings as an array that can be kept without pickling.

    >>> unpack(pack(["a", "é"]))
    ('a', 'é')
    """
    return np.frombuffer(json.dumps(list(values)).encode("ascii"), np.uint8)


def unpack(array: npt.NDArray[Any]) -> tuple[str, ...]:
    """Return the strings of :func:`pack`."""
    return tuple(json.loads(array.tobytes()))


def cached(opened: OpenGraph, name: str, make: Callable[[], Arrays]) -> Arrays:
    """Return arrays kept under ``name`` for this very graph, or make them and keep them where that is possible."""
    path = _place(opened, name)
    if path is None:
        return make()
    # A broken file holds nothing that could not be made again.
    with (
        suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile),
        np.load(path, allow_pickle=False) as kept,
    ):
        return {key: kept[key] for key in kept.files}
    arrays = make()
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as stream:
                np.savez(stream, allow_pickle=False, **arrays)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        for other in path.parent.glob(f"analysis-{name}-*.npz"):
            if other != path:
                other.unlink(missing_ok=True)
    return arrays


def _place(opened: OpenGraph, name: str) -> Path | None:
    """Return the file to keep arrays in; None for a graph that no build made, beside which nothing is written."""
    folder = opened.path.parent
    if not (folder / _BUILT).is_file() or opened.path.name not in (FOLDER, *RDF_FILES):
        return None
    key = ids.digest(VERSION, *map(repr, signature(folder)))
    return folder / ".cache" / f"analysis-{name}-{key}.npz"


def abstracts(opened: OpenGraph, papers: Iterable[str]) -> dict[str, str]:
    """Return the abstracts of papers by IRI; all if there are very many."""
    wanted = set(papers)
    clause = f"VALUES ?p {{ {' '.join(f'<{p}>' for p in sorted(wanted))} }}" if len(wanted) < 5_000 else ""
    found: dict[str, str] = {}
    for row in select(opened, f"{PREFIX} SELECT ?p ?a WHERE {{ {clause} ?p dcterms:abstract ?a }}"):
        if row["p"] in wanted:
            found[row["p"]] = min(row["a"], found.get(row["p"], row["a"]))
    return found


def full_corpus(given: Tables) -> Corpus:
    """Return the corpus with its abstracts."""
    found = abstracts(given.opened, given.corpus.papers)
    return replace(given.corpus, abstracts=tuple(found.get(paper, "") for paper in given.corpus.papers))


def quotes(given: Tables, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], tuple[Quote, ...]]:
    """Return the sentences in which papers speak of things in their claims, by (paper, thing), sorted."""
    wanted = sorted(set(pairs))
    if not wanted:
        return {}
    corpus = given.corpus
    by_paper: dict[int, dict[str, tuple[int, int]]] = defaultdict(dict)
    for paper, thing in wanted:
        by_paper[paper][corpus.things[thing]] = (paper, thing)
    found: dict[tuple[int, int], set[Quote]] = defaultdict(set)
    # Patterns of the store itself, from the paper on: SPARQL starts at the thing, which a thousand papers may name.
    ask = given.opened.store.quads_for_pattern
    for paper, things in by_paper.items():
        source = given.paper(paper)
        for place in ask(None, IN_PAPER, ox.NamedNode(source.iri), None):
            claims = {quad.subject for quad in ask(None, HAS_EVIDENCE, place.subject, None)}
            objects = {quad.object for claim in claims for quad in ask(claim, OBJECT, None, None)}
            named = [things[node.value] for node in objects if isinstance(node, ox.NamedNode) and node.value in things]
            if named:
                about = {quad.predicate: quad.object for quad in ask(place.subject, None, None, None)}
                text = {predicate: _string(about.get(predicate)) for predicate in (SENTENCE, SECTION, SURFACE_FORM)}
                quote = Quote(text[SENTENCE], source, text[SECTION] or "abstract", text[SURFACE_FORM])
                for pair in named:
                    found[pair].add(quote)
    return {pair: tuple(sorted(found[pair], key=quote_key)) for pair in wanted if pair in found}


def _string(term: object) -> str:
    return term.value if isinstance(term, ox.Literal) else ""
