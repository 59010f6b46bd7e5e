"""Papers, things and words as matrices: the ground on which topics, neighbours, gaps and trends are computed.

A :class:`Corpus` is a graph reduced to what is counted. It comes from a :class:`~kg.model.KnowledgeGraph` while a build
runs, or from an open graph later, and both give the same corpus.
"""

from __future__ import annotations

import tomllib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kg import ids
from kg.analysis.common import PREFIX, year_of
from kg.export.text import clean
from kg.model import EntityType, KnowledgeGraph, Relation
from kg.store import OpenGraph, select

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

RELATIONS: tuple[str, ...] = tuple(relation.value for relation in Relation)
"""Relations by number, as :attr:`Corpus.links` has them."""
RELATION = {name: number for number, name in enumerate(RELATIONS)}

THINGS = tuple(kind.value for kind in EntityType if kind is not EntityType.METRIC)
"""Kinds of things that claims point at."""

COMMON, FEW = 0.4, 20
"""A word of more than this share of the papers, and of more than so many, tells them not apart."""
MIN_PAPERS = 2
"""A word of one paper joins it to no other."""

_WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
STOP = frozenset(_WORDS["stop"].split())
"""Words that say nothing of a paper's subject."""
_SINGULAR = frozenset(_WORDS["singular"].split())
_SPACES, _MARKS = "\"#$%&'*+-/<=>@[\\]^_`{|}~‐‑‒–—―‘’“”·•×→≤≥≈∼−±\x00", "!(),.:;?…"
_BREAKS = str.maketrans({**dict.fromkeys(_SPACES, " "), **dict.fromkeys(_MARKS, " . ")})
_MARK = b"\x80"
_ASCII_BREAKS = bytes(
    ord(" ") if chr(code) in _SPACES else _MARK[0] if chr(code) in _MARKS else code for code in range(256)
)

Sparse = Any
"""A SciPy matrix in compressed rows; SciPy's types are not checked."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """A graph as tables; row ``i`` of papers or things is number ``i`` everywhere else.

    Papers and things are sorted by id. ``papers`` and ``things`` are ids or IRIs, as in the source. ``links`` has a row
    (paper, relation, thing) for each paper that states a claim, sorted and distinct. ``kinds`` are values of
    :class:`~kg.model.EntityType`.
    """

    papers: tuple[str, ...]
    titles: tuple[str, ...]
    abstracts: tuple[str, ...]
    years: tuple[int | None, ...]
    things: tuple[str, ...]
    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    links: Ints


def from_graph(graph: KnowledgeGraph) -> Corpus:
    """Return the corpus of a graph in memory."""
    papers = [(p.id, clean(p.title), clean(p.abstract), p.year) for p in graph.papers]
    things = [(e.id, clean(e.label), e.type.value) for e in graph.things]
    links = ((paper, c.relation.value, c.object) for c in graph.claims for paper in c.papers)
    return _corpus(papers, things, links)


def from_store(opened: OpenGraph) -> Corpus:
    """Return the corpus of an open graph."""
    texts: dict[str, dict[str, str]] = {}
    for row in select(
        opened,
        f"""{PREFIX} SELECT ?paper ?title ?abstract ?date WHERE {{ ?paper a kg:Paper .
        OPTIONAL {{ ?paper dcterms:title ?title }} OPTIONAL {{ ?paper dcterms:abstract ?abstract }}
        OPTIONAL {{ ?paper dcterms:date ?date }} }}""",
    ):
        kept = texts.setdefault(row["paper"], {})
        # Graphs of others may give several; the first in order is as good as any and always the same.
        kept.update({key: min(value, kept.get(key, value)) for key, value in row.items()})
    papers = [
        (iri, row.get("title", iri), row.get("abstract", ""), year_of(row.get("date", "")))
        for iri, row in texts.items()
    ]
    kinds: dict[str, tuple[str, str]] = {}
    for row in select(
        opened, f"{PREFIX} SELECT ?thing ?label ?type WHERE {{ ?thing skos:prefLabel ?label ; a ?type }}"
    ):
        kind = row["type"].removeprefix(ids.ONTOLOGY)
        if kind in THINGS:
            kinds[row["thing"]] = min((row["label"], kind), kinds.get(row["thing"], (row["label"], kind)))
    claims: dict[tuple[str, str], set[str]] = {}
    for row in select(
        opened,
        f"""{PREFIX} SELECT ?paper ?claim ?how ?thing WHERE {{ ?claim rdf:object ?thing ; rdf:predicate ?how ;
        kg:statedIn ?paper }}""",
    ):
        key = (row["claim"] + " " + row["thing"], row["paper"])
        claims.setdefault(key, set()).add(row["how"].removeprefix(ids.ONTOLOGY))
    links = (
        # A claim of a kind of use carries the general relation as well.
        (paper, min(how, key=lambda name: (name == Relation.USES.value, name)), claim.rpartition(" ")[2])
        for (claim, paper), how in claims.items()
    )
    return _corpus(papers, [(iri, *about) for iri, about in kinds.items()], links)


def _corpus(
    papers: Iterable[tuple[str, str, str, int | None]],
    things: Iterable[tuple[str, str, str]],
    links: Iterable[tuple[str, str, str]],
) -> Corpus:
    # Two records with one title and unlike texts are two papers of one id: the first in order stands for both.
    rows = sorted({p[0]: p for p in sorted(papers, key=lambda p: p[:3], reverse=True)}.values(), key=lambda p: p[0])
    known = sorted(things)
    paper_row = {paper[0]: number for number, paper in enumerate(rows)}
    thing_row = {thing[0]: number for number, thing in enumerate(known)}
    found = {
        (paper_row[paper], RELATION[relation], thing_row[thing])
        for paper, relation, thing in links
        if paper in paper_row and relation in RELATION and thing in thing_row
    }
    return Corpus(
        tuple(p[0] for p in rows),
        tuple(p[1] for p in rows),
        tuple(p[2] for p in rows),
        tuple(p[3] for p in rows),
        tuple(t[0] for t in known),
        tuple(t[1] for t in known),
        tuple(t[2] for t in known),
        np.array(sorted(found), np.int32).reshape(-1, 3),
    )


def _normal(word: str) -> str:
    """Return a lower-case word without a plural ending; empty for what says nothing.

    >>> [_normal(word) for word in ("networks", "queries", "processes", "bus", "bias", "the", "2024", "3d", "x")]
    ['network', 'query', 'process', 'bus', 'bias', '', '', '3d', '']
    """
    if word in STOP or word.isdigit() or len(word) < 2:
        return ""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if len(word) > 3 and word[-1] == "s" and word[-2] not in "sui" and word not in _SINGULAR:
        return word[:-1]
    return word


def split(text: str) -> list[str]:
    """Return the pieces of a text between white space and punctuation, in lower case; a mark stands for a break."""
    lower = text.lower()
    if lower.isascii():  # several times as fast
        return lower.encode().translate(_ASCII_BREAKS).replace(_MARK, b" . ").decode().split()
    return lower.translate(_BREAKS).split()


def words(text: str) -> list[str]:
    """Return the words of a text that may tell its subject, in order, in lower case and singular.

    >>> words("We propose FooNets for 3D object detection.")
    ['foonet', '3d', 'object', 'detection']
    """
    return [normal for word in split(text) if (normal := _normal(word))]


def terms(title: str, abstract: str) -> list[str]:
    """Return the terms of a paper: words of both, those of the title once more, and the word pairs of the title.

    >>> terms("FooNet: object detection for nets", "Nets!")
    ['foonet', 'object', 'detection', 'net', 'foonet', 'object', 'detection', 'net', 'net', 'object detection']
    """
    head = [_normal(word) for word in split(title)]
    pairs = [f"{a} {b}" for a, b in pairwise(head) if a and b]
    return [*filter(None, head), *filter(None, head), *words(abstract), *pairs]


class _Numbers(dict[str, int]):
    """Numbers the normal forms of words as they come; -1 for words that say nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self._known: dict[str, int] = {}

    def __missing__(self, word: str) -> int:
        normal = _normal(word)
        number = self._known.get(normal, -1)
        if normal and number < 0:
            number = self._known[normal] = len(self.names)
            self.names.append(normal)
        self[word] = number
        return number


@dataclass(frozen=True, slots=True)
class Text:
    """TF-IDF of titles and abstracts: ``matrix`` has a row of length 1 for each paper (or zeros)."""

    matrix: Sparse
    vocabulary: tuple[str, ...]
    idf: Floats

    def rows(self, titles: Sequence[str], abstracts: Sequence[str]) -> Sparse:
        """Return the rows of texts that the matrix was not made from."""
        place = {term: number for number, term in enumerate(self.vocabulary)}
        starts, columns, counts = array("q", [0]), array("i"), array("i")
        for title, abstract in zip(titles, abstracts, strict=True):
            found = sorted(Counter(place[term] for term in terms(title, abstract) if term in place).items())
            columns.extend(column for column, _ in found)
            counts.extend(count for _, count in found)
            starts.append(len(columns))
        return _weighted(np.array(counts, np.float64), np.array(columns, np.int32), np.array(starts), self.idf)


def text_matrix(titles: Sequence[str], abstracts: Sequence[str], *, most: int = 60_000) -> Text:
    """Return TF-IDF with sublinear term frequency and rows of length 1; terms are those of :func:`terms`.

    Terms of a single paper or of too many (:data:`COMMON`) are left out, and the rarer ones beyond ``most``.
    Source of the weights: C. D. Manning, P. Raghavan, H. Schütze, Introduction to Information Retrieval (2008), 6.4.
    """
    numbers = _Numbers()
    head_row, head = _occurrences(titles, numbers)
    body_row, body = _occurrences(abstracts, numbers)
    size = max(len(numbers.names), 1)
    joined = (head_row[1:] == head_row[:-1]) & (head[1:] >= 0) & (head[:-1] >= 0)
    pair_code, pair = np.unique(head[:-1][joined] * size + head[1:][joined], return_inverse=True)
    left, right = np.divmod(pair_code, size)
    names = np.array(
        numbers.names + [f"{numbers.names[a]} {numbers.names[b]}" for a, b in zip(left, right, strict=True)]
    )
    width = max(len(names), 1)
    pair_row = head_row[1:][joined]
    head_row, head, body_row, body = head_row[head >= 0], head[head >= 0], body_row[body >= 0], body[body >= 0]
    rows = np.concatenate([head_row, head_row, body_row, pair_row])
    columns = np.concatenate([head, head, body, pair + len(numbers.names)])
    cells, counts = np.unique(rows * width + columns, return_counts=True)
    row_of, column_of = np.divmod(cells, width)
    frequency = np.bincount(column_of, minlength=len(names))
    least = MIN_PAPERS if len(titles) > MIN_PAPERS else 1
    keep = np.flatnonzero((frequency >= least) & (frequency <= max(COMMON * len(titles), FEW)))
    keep = keep[np.lexsort((names[keep], -frequency[keep]))][:most] if len(keep) else keep
    keep = keep[np.argsort(names[keep], kind="stable")] if len(keep) else keep
    new = np.full(width, -1)
    new[keep] = np.arange(len(keep))
    kept = new[column_of] >= 0
    order = np.lexsort((new[column_of[kept]], row_of[kept]))
    idf = np.log((1 + len(titles)) / (1 + frequency[keep])) + 1.0
    starts = np.searchsorted(row_of[kept], np.arange(len(titles) + 1))
    matrix = _weighted(
        counts[kept][order].astype(np.float64), new[column_of[kept]][order].astype(np.int32), starts, idf
    )
    return Text(matrix, tuple(map(str, names[keep])), idf)


def _occurrences(texts: Sequence[str], numbers: _Numbers) -> tuple[Any, Any]:
    """Return row and number (-1: says nothing) of every word, in order."""
    found = [list(map(numbers.__getitem__, split(text))) for text in texts]
    flat = np.fromiter(chain.from_iterable(found), np.int64)
    row = np.repeat(np.arange(len(found)), [len(f) for f in found])
    return row, flat


def _weighted(counts: Any, columns: Any, starts: Any, idf: Floats) -> Sparse:
    data = (1.0 + np.log(counts)) * idf[columns]
    return unit_rows(csr(data, columns, starts, len(idf)))


def csr(data: Any, columns: Any, starts: Any, width: int) -> Sparse:
    """Return a matrix in compressed rows: those of row ``i`` are ``starts[i]:starts[i + 1]`` of data and columns."""
    from scipy.sparse import csr_matrix

    return csr_matrix((data, columns, starts), shape=(len(starts) - 1, width))


def unit_rows(matrix: Sparse) -> Sparse:
    """Return a matrix whose rows have length 1, except those of zeros."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scale = np.repeat(1.0 / np.where(lengths > 0, lengths, 1.0), np.diff(matrix.indptr))
    return csr((matrix.data * scale).astype(np.float32), matrix.indices, matrix.indptr, matrix.shape[1])


def link_matrix(links: Ints, shape: tuple[int, int], relations: Iterable[str] = RELATIONS) -> Sparse:
    """Return papers x things with 1 where one of the relations holds."""
    chosen = np.isin(links[:, 1], [RELATION[name] for name in relations])
    rows, columns = distinct_pairs(links[chosen], shape[1])
    starts = np.searchsorted(rows, np.arange(shape[0] + 1))
    return csr(np.ones(len(rows)), columns.astype(np.int32), starts, shape[1])


def distinct_pairs(links: Ints, things: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return papers and things of links, each pair once, sorted."""
    # The links of a corpus are almost in this order, which makes sorting quick; numpy.unique would hash them.
    codes = np.sort(links[:, 0].astype(np.int64) * max(things, 1) + links[:, 2], kind="stable")
    return np.divmod(codes[np.append(True, codes[1:] != codes[:-1])[: len(codes)]], max(things, 1))


def rarity(matrix: Sparse) -> Floats:
    """Return for each column how much it says that two rows share it: log(rows / rows that have it), 0 for none."""
    held = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return np.where(held > 0, np.log((1.0 + matrix.shape[0]) / np.maximum(held, 1)), 0.0)


def scaled_columns(matrix: Sparse, weights: Floats) -> Sparse:
    """Return a matrix with its columns multiplied by ``weights``."""
    return csr(matrix.data * weights[matrix.indices], matrix.indices, matrix.indptr, matrix.shape[1])


def ranked(scores: Mapping[int, float], limit: int) -> list[int]:
    """Return the keys with the highest scores, ties by number."""
    return sorted(scores, key=lambda key: (-scores[key], key))[:limit]
