"""Finds things and papers by any of their names: exact, begun, words in any order, with typing errors.

A built folder holds an index (:mod:`kg.names_index`), which opens within milliseconds at any size. Without one, for
instance for an RDF file, it is made in memory.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pyoxigraph as ox

from kg import ids
from kg import ontology as o
from kg.errors import KGError
from kg.names_index import FILENAME, LONGEST, VERSION, Named, fold, grams, pack, storable, write
from kg.spelling import distance, edits, tolerance
from kg.store import OpenGraph
from kg.text import name_key

MOST = 100
"""Hits that one search gives at most."""

_LONG = 1_000
"""Signs of a question that are looked at."""
_WORDS = 12
"""Words of a question that are looked at."""
_CANDIDATES = 500
"""Names that are looked at closely, the most similar ones by shared runs of three signs."""
_COMMON = 6_000
"""Names that share a run of three signs with the question and are weighed; the rarest runs come first."""
_HALF = 0.5
_SAMPLE = 200
"""Things by which an index is held against a graph."""
_TELLING = 3
"""Signs beyond which words are worth an offer by themselves."""
_LAST = "\U0010ffff"


class Fit(StrEnum):
    """How a name fits what was asked, the best first."""

    EXACT = "exact"
    ALIAS = "alias"
    PREFIX = "prefix"
    WORDS = "words"
    NEAR = "near"
    FAR = "far"


_ORDER = {fit: number for number, fit in enumerate(Fit)}


@dataclass(frozen=True, slots=True)
class Hit:
    """A thing or paper that fits: ``name`` is the name that does, ``distance`` counts its typing errors.

    ``papers`` state ``edges`` of a thing; of a paper, ``edges`` counts what it states.
    """

    iri: str
    kind: str
    label: str
    name: str
    fit: Fit
    distance: float
    papers: int
    edges: int

    @property
    def rank(self) -> tuple[int, float, int, int, str, str]:
        """Hits sort by it, the best first."""
        return _ORDER[self.fit], self.distance, -self.papers, -self.edges, self.label, self.iri


@dataclass(frozen=True, slots=True)
class NameIndex:
    """An open index; threads may share it."""

    connection: sqlite3.Connection
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def kinds(self) -> tuple[tuple[str, int], ...]:
        """Return how many things there are of each kind, papers first, then by number."""
        with self.lock:
            rows = self.connection.execute("SELECT kind, count(*) FROM thing GROUP BY kind").fetchall()
        return tuple(sorted(rows, key=lambda row: (row[0] != "Paper", -row[1], row[0])))

    def prominent(self, kind: str, limit: int) -> tuple[Hit, ...]:
        """Return the things of a kind that most papers speak of."""
        with self.lock:
            rows = _select(self.connection, "WHERE kind = ? AND text = label ORDER BY thing.id LIMIT ?", (kind, limit))
        return tuple(_hit(row, Fit.EXACT) for row in rows)


def open_names(opened: OpenGraph) -> NameIndex:
    """Return the index of names of an open graph: the file beside it, or one made now where that is not of this graph.

    Raises:
        KGError: SQLite has no full-text search.
    """
    path = opened.path.parent / FILENAME
    if path.is_file():
        with suppress(sqlite3.Error, OSError):
            connection = _open(path)
            if _of_one_build(path, opened.path) or _agrees(connection, opened):
                return NameIndex(connection)
            connection.close()
    try:
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        write(connection, named(opened))
    except sqlite3.Error as error:
        raise KGError(f"SQLite cannot index the names ({error}); install a Python whose SQLite has FTS5") from error
    return NameIndex(connection)


def _of_one_build(index: Path, graph: Path) -> bool:
    """Return whether two files have one time, as an export gives to all of its files."""
    beside = graph / "current" if graph.is_dir() else graph
    return index.stat().st_mtime_ns == beside.stat().st_mtime_ns


def _agrees(connection: sqlite3.Connection, opened: OpenGraph) -> bool:
    """Return whether an index tells of a graph, as far as numbers of things and a sample of them show.

    Copies of a folder lose the times of files; the index in them is as good as it was.
    """
    store = opened.store
    counts = dict(connection.execute("SELECT kind, count(*) FROM thing GROUP BY kind").fetchall())
    for kind in ("Paper", *(kind.value for kind in o.CLASSES)):
        things = store.quads_for_pattern(None, o.TYPE, ox.NamedNode(ids.ONTOLOGY + kind), None)
        if sum(1 for _ in things) != counts.get(kind, 0):
            return False
    step = max(sum(counts.values()) // _SAMPLE, 1)
    rows = connection.execute("SELECT iri, label FROM thing WHERE id % ? = 0", (step,)).fetchall()
    return all(
        any(
            next(store.quads_for_pattern(ox.NamedNode(iri), predicate, ox.Literal(label), None), None)
            for predicate in (o.PREF_LABEL, o.TITLE)
        )
        for iri, label in rows
    )


def _open(path: Path) -> sqlite3.Connection:
    # Nobody changes the file, a build replaces it: no locks, and a folder that is only readable will do.
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(address, uri=True, check_same_thread=False)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        connection.close()
        raise sqlite3.DatabaseError(f"version {version}")
    return connection


def named(opened: OpenGraph) -> Iterator[Named]:
    """Yield papers and things of an open graph with their names."""
    store = opened.store
    labels: dict[str, str] = {}
    names: dict[str, list[str]] = {}
    for predicate in (o.PREF_LABEL, o.TITLE, o.ALT_LABEL, o.ALTERNATIVE):
        for quad in store.quads_for_pattern(None, predicate, None):
            iri, value = getattr(quad.subject, "value", ""), getattr(quad.object, "value", "")
            if predicate in (o.PREF_LABEL, o.TITLE):
                labels[iri] = min(labels.get(iri, value), value)
            names.setdefault(iri, []).append(value)
    kinds: dict[str, str] = {}
    classes = {f"{ids.ONTOLOGY}{kind}": kind for kind in ("Paper", *o.CLASSES)}
    for iri, kind in _pairs(opened, o.TYPE):
        if kind in classes:
            kinds[iri] = classes[kind]
    edges, papers = _weights(opened)
    for iri, label in labels.items():
        if iri in kinds:
            yield Named(iri, kinds[iri], label, tuple(names[iri]), len(papers.get(iri, ())), edges[iri])


def _weights(opened: OpenGraph) -> tuple[Counter[str], dict[str, set[str]]]:
    """Return the number of edges of each thing and paper, and the papers that state something of each thing."""
    sources: dict[str, set[str]] = {}
    for statement, paper in _pairs(opened, o.STATED_IN):
        sources.setdefault(statement, set()).add(paper)
    ends: dict[str, set[str]] = {}
    properties = (o.SUBJECT, o.OBJECT, o.METRIC, o.OF_METHOD, o.AGAINST_BASELINE, o.ON_DATASET)
    for statement, end in chain.from_iterable(_pairs(opened, predicate) for predicate in properties):
        ends.setdefault(statement, set()).add(end)
    edges: Counter[str] = Counter()
    papers: dict[str, set[str]] = {}
    for statement, found in ends.items():
        stating = sources.get(statement, set())
        edges.update(found | stating)
        for end in found - stating:
            papers.setdefault(end, set()).update(stating)
    return edges, papers


def _pairs(opened: OpenGraph, predicate: ox.NamedNode) -> Iterator[tuple[str, str]]:
    for quad in opened.store.quads_for_pattern(None, predicate, None):
        yield getattr(quad.subject, "value", ""), getattr(quad.object, "value", "")


def search(index: NameIndex, text: str, limit: int = 10) -> tuple[Hit, ...]:
    """Return what fits ``text``, the best first: exact names, aliases, beginnings, words in any order, near names.

    Of equal fit, what more papers name comes first. Near names are those within the typing errors that
    :func:`kg.spelling.tolerance` allows, and names whose words begin like words within one error of those asked.
    """
    words = _asked(text)
    if not words:
        return ()
    limit = min(max(limit, 1), MOST)
    found: dict[str, Hit] = {}
    with index.lock:
        _keep(found, _exact(index.connection, text, words))
        if len(found) < limit:
            _keep(found, _beginning(index.connection, words, 4 * limit))
        if len(found) < limit:
            _keep(found, _words(index.connection, words, 4 * limit))
        if len(found) < limit:
            _keep(found, _near(index.connection, words))
        if len(found) < limit:
            _keep(found, _mended(index.connection, words, 4 * limit))
    return tuple(sorted(found.values(), key=lambda hit: hit.rank)[:limit])


def _asked(text: str) -> tuple[str, ...]:
    return tuple(word[:LONGEST] for word in fold(storable(text[:_LONG]))[:_WORDS])


def nearest(index: NameIndex, text: str, limit: int = 4) -> tuple[Hit, ...]:
    """Return the names most like ``text``, to be offered where :func:`search` finds nothing.

    Those are names with all words asked but one, and names of which more than half of the signs are the same.
    """
    words = _asked(text)
    packed = pack(words)
    found: dict[str, Hit] = {}
    with index.lock:
        for row in _similar(index.connection, packed, len(packed)):
            longer = max(len(packed), len(row.packed))
            part = distance(packed, row.packed, longer) / longer
            if part < _HALF:
                _keep(found, [_hit(row, Fit.FAR, part)])
        for left_out in range(len(words) if len(words) > 1 else 0):
            fewer = words[:left_out] + words[left_out + 1 :]
            if len(pack(fewer)) > _TELLING:
                _keep(
                    found, (replace(hit, fit=Fit.FAR, distance=_HALF) for hit in _words(index.connection, fewer, limit))
                )
    return tuple(sorted(found.values(), key=lambda hit: hit.rank)[:limit])


def by_iri(index: NameIndex, iri: str) -> Hit | None:
    """Return the thing with this IRI."""
    with index.lock:
        rows = _select(index.connection, "WHERE iri = ? ORDER BY name.id LIMIT 1", (storable(iri),))
    return _hit(rows[0], Fit.EXACT) if rows else None


_SELECT = "SELECT iri, kind, label, text, papers, edges, packed FROM name JOIN thing ON thing.id = name.thing"


class _Row(NamedTuple):
    iri: str
    kind: str
    label: str
    name: str
    papers: int
    edges: int
    packed: str


def _select(connection: sqlite3.Connection, rest: str, values: Iterable[str | int]) -> list[_Row]:
    return [_Row(*row) for row in connection.execute(f"{_SELECT} {rest}", tuple(values))]


def _hit(row: _Row, fit: Fit, errors: float = 0.0) -> Hit:
    return Hit(row.iri, row.kind, row.label, row.name, fit, errors, row.papers, row.edges)


def _keep(found: dict[str, Hit], hits: Iterable[Hit]) -> None:
    for hit in hits:
        known = found.get(hit.iri)
        if known is None or hit.rank < known.rank:
            found[hit.iri] = hit


def _exact(connection: sqlite3.Connection, text: str, words: tuple[str, ...]) -> Iterator[Hit]:
    keys = (storable(name_key(text[:_LONG])), pack(words))
    for row in _select(connection, "WHERE key = ? OR packed = ? ORDER BY name.id LIMIT ?", (*keys, MOST)):
        yield _hit(row, Fit.EXACT if row.label == row.name else Fit.ALIAS)


def _matching(connection: sqlite3.Connection, table: str, question: str, limit: int) -> list[_Row]:
    rows = f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid LIMIT ?"
    return _select(connection, f"WHERE name.id IN ({rows}) ORDER BY name.id", (question, limit))


def _beginning(connection: sqlite3.Connection, words: tuple[str, ...], limit: int) -> Iterator[Hit]:
    for row in _matching(connection, "words", f"packed : {_quoted(pack(words))} *", limit):
        yield _hit(row, Fit.PREFIX)


def _words(connection: sqlite3.Connection, words: tuple[str, ...], limit: int) -> Iterator[Hit]:
    for row in _matching(connection, "words", " AND ".join(f"{_quoted(word)} *" for word in words), limit):
        yield _hit(row, Fit.WORDS)


def _near(connection: sqlite3.Connection, words: tuple[str, ...]) -> Iterator[Hit]:
    """Yield whole names within the typing errors that the length allows."""
    packed = pack(words)
    allowed = tolerance(len(packed))
    if not allowed or len(packed) == LONGEST:
        return
    one_off = _chosen(connection, "packed", edits(packed))
    for row in chain(one_off, _similar(connection, packed, allowed) if allowed > 1 else ()):
        errors = distance(packed, row.packed, allowed)
        # Another number is another version, no typing error.
        if errors <= allowed and _digits(packed) == _digits(row.packed):
            yield _hit(row, Fit.NEAR, errors)


def _chosen(connection: sqlite3.Connection, column: str, values: list[str]) -> list[_Row]:
    rows: list[_Row] = []
    for start in range(0, len(values), 500):
        some = values[start : start + 500]
        marks = ",".join("?" * len(some))
        rows += _select(connection, f"WHERE {column} IN ({marks}) ORDER BY name.id", some)
    return rows


def _similar(connection: sqlite3.Connection, packed: str, longer: int = LONGEST) -> list[_Row]:
    """Return names that share runs of three signs and are ``longer`` or shorter by at most so many signs.

    Runs that many names have count only as far as the rarer ones leave room.
    """
    connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.gram USING fts5vocab(main, trigrams, row)")
    runs = grams(packed)
    counts = {run: connection.execute("SELECT doc FROM temp.gram WHERE term = ?", (run,)).fetchone() for run in runs}
    chosen: list[str] = []
    total = 0
    for (count,), run in sorted((count, run) for run, count in counts.items() if count):
        if chosen and total + count > _COMMON:
            break
        total += count
        chosen.append(run)
    if not chosen:
        return []
    question = " OR ".join(map(_quoted, chosen))
    rows = "SELECT rowid FROM trigrams WHERE trigrams MATCH ? ORDER BY bm25(trigrams), rowid LIMIT ?"
    lengths = (len(packed) - longer, len(packed) + longer)
    rest = f"WHERE name.id IN ({rows}) AND length(packed) BETWEEN ? AND ? ORDER BY name.id"
    return _select(connection, rest, (question, _CANDIDATES, *lengths))


def _mended(connection: sqlite3.Connection, words: tuple[str, ...], limit: int) -> Iterator[Hit]:
    """Yield names with the words asked, in which a word may have one typing error; the last may be begun only."""
    terms: list[str] = []
    mended = 0
    for word in words:
        if _begins(connection, [word]):
            terms.append(f"{_quoted(word)} *")
            continue
        starts = [start for start in edits(word) if _digits(start) == _digits(word)] if tolerance(len(word)) else []
        others = _begins(connection, starts)
        if not others:
            return
        mended += 1
        terms.append(f"({' OR '.join(f'{_quoted(other)} *' for other in others)})")
    if mended:
        for row in _matching(connection, "words", " AND ".join(terms), limit):
            # Behind whole names with as many errors.
            yield _hit(row, Fit.NEAR, mended + 0.5)


def _begins(connection: sqlite3.Connection, starts: list[str]) -> list[str]:
    """Return those of ``starts`` with which a word of the graph begins."""
    found: list[str] = []
    for first in range(0, len(starts), 500):
        some = starts[first : first + 500]
        values = ",".join(["(?)"] * len(some))
        found += (
            start
            for (start,) in connection.execute(
                f"WITH start(s) AS (VALUES {values}) SELECT s FROM start "
                f"WHERE EXISTS (SELECT 1 FROM word WHERE word >= s AND word < s || '{_LAST}')",
                some,
            )
        )
    return found


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())
