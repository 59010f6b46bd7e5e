"""An index of all names of a graph as one SQLite file, made for :mod:`kg.search`.

Equal content gives equal bytes: rows are written in one order by one connection. Numbers of rows follow the weight of
things, so that the full-text tables give the most prominent things first and may be left after the first few.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise

from kg.text import name_key, plain

FILENAME = "names.sqlite"
"""The index of a built folder."""

VERSION = 1
"""Number of the layout of the file; readers leave another one alone."""

LONGEST = 64
"""Signs of a packed name that count; nobody types more before the right one shows."""

_BATCH = 5_000

_SCHEMA = f"""
PRAGMA page_size = 4096;
PRAGMA journal_mode = OFF;
PRAGMA user_version = {VERSION};
CREATE TABLE thing (id INTEGER PRIMARY KEY, iri TEXT NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL,
  papers INTEGER NOT NULL, edges INTEGER NOT NULL);
CREATE TABLE name (id INTEGER PRIMARY KEY, thing INTEGER NOT NULL, text TEXT NOT NULL, key TEXT NOT NULL,
  packed TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(packed, part, content='', detail=column, prefix='1 2 3',
  tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* Co' tokenchars '+#.'");
CREATE VIRTUAL TABLE trigrams USING fts5(packed, content='', detail=column, tokenize='trigram case_sensitive 1');
CREATE TABLE word (word TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_INDICES = """
CREATE INDEX thing_iri ON thing (iri);
CREATE INDEX name_key ON name (key);
CREATE INDEX name_packed ON name (packed);
"""
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?:(?<=[a-z][a-z])|(?<=[A-Z][A-Z]))(?=\d)")
_ASCII_WORD = re.compile(r"[a-z0-9+#.]+")
_DOT = re.compile(r"(?<!\d)\.|\.(?!\d)")  # one between digits belongs to a version


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """A thing or paper with its names: ``label`` first among them. ``kind`` is the local name of its class.

    ``papers`` state something of it in ``edges`` claims or results; a paper itself has no ``papers``.
    """

    iri: str
    kind: str
    label: str
    names: tuple[str, ...]
    papers: int = 0
    edges: int = 0


@lru_cache(maxsize=4096)
def fold(text: str) -> tuple[str, ...]:
    r"""Return the words of a text as far as a search tells them apart: no case, accents, LaTeX mark-up or punctuation.

    >>> fold(r"\textbf{Café}-Net: C++ 3.5."), fold("知識グラフ")
    (('cafe', 'net', 'c++', '3.5'), ('知識グラフ',))
    """
    text = _DOT.sub(" ", plain(text).casefold())
    if text.isascii():
        return tuple(_ASCII_WORD.findall(text))
    signs: list[str] = []
    for sign in unicodedata.normalize("NFD", text):
        # Accents of Latin letters go; marks of other scripts are parts of their letters.
        if not (unicodedata.combining(sign) and signs and signs[-1].isascii()):
            signs.append(sign)
    joined = unicodedata.normalize("NFC", "".join(signs))
    kept = (c if c.isalnum() or c in "+#." or unicodedata.category(c)[0] == "M" else " " for c in joined)
    return tuple("".join(kept).split())


def pack(words: Iterable[str]) -> str:
    """Return words as one, cut at :data:`LONGEST` signs.

    >>> pack(fold("MobileNet v3"))
    'mobilenetv3'
    """
    return "".join(words)[:LONGEST]


def parts(name: str) -> tuple[str, ...]:
    """Return the words of a name and the parts of words that capitals and digits mark.

    >>> parts("MobileNetV3 for phones")
    ('mobilenetv3', 'for', 'phones', 'mobile', 'net', 'v3')
    """
    split = _HUMPS.sub(" ", name)
    whole = fold(name)
    return whole if split == name else tuple(dict.fromkeys(whole + fold(split)))


def write(connection: sqlite3.Connection, things: Iterable[Named]) -> None:
    """Fill an empty database with the index of ``things``; their order does not matter.

    Raises:
        sqlite3.Error: the file cannot be written, or this SQLite has no FTS5.
    """
    connection.executescript(_SCHEMA)
    ordered = sorted(things, key=lambda thing: (-thing.papers, -thing.edges, thing.label, thing.iri))
    connection.executemany(
        "INSERT INTO thing VALUES (?, ?, ?, ?, ?, ?)",
        (
            (number, storable(item.iri), item.kind, storable(item.label), item.papers, item.edges)
            for number, item in enumerate(ordered, 1)
        ),
    )
    names = _names(ordered)
    while batch := list(islice(names, _BATCH)):
        connection.executemany("INSERT INTO name VALUES (?, ?, ?, ?, ?)", (row[:5] for row in batch))
        connection.executemany(
            "INSERT INTO words (rowid, packed, part) VALUES (?, ?, ?)", ((row[0], row[4], row[5]) for row in batch)
        )
    connection.executescript(_INDICES)
    # Titles are found by their words: a person who misspells one does not type all of it.
    connection.execute(
        "INSERT INTO trigrams (rowid, packed) SELECT min(name.id), packed FROM name JOIN thing ON thing.id = thing "
        "WHERE kind <> 'Paper' GROUP BY packed ORDER BY min(name.id)"
    )
    for table in ("words", "trigrams"):
        connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
    connection.execute("CREATE VIRTUAL TABLE temp.term USING fts5vocab(main, words, row)")
    connection.execute("INSERT INTO word SELECT DISTINCT term FROM temp.term ORDER BY term")
    connection.execute("DROP TABLE temp.term")
    connection.commit()


def _names(things: Iterable[Named]) -> Iterator[tuple[int, int, str, str, str, str]]:
    number = 0
    for owner, thing in enumerate(things, 1):
        seen: set[tuple[str, str]] = set()
        for name in dict.fromkeys((thing.label, *sorted(thing.names))):
            packed = pack(fold(name))
            key = packed if thing.kind == "Paper" else storable(name_key(name))
            if (key, packed) in seen:
                continue
            seen.add((key, packed))
            number += 1
            yield number, owner, storable(name), key, packed, storable(" ".join(parts(name)))


def storable(text: str) -> str:
    """Return a text that SQLite takes: no lone surrogates, and no NUL, at which its functions stop."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def grams(packed: str) -> tuple[str, ...]:
    """Return the runs of three signs of a packed name.

    >>> grams("resnet")
    ('res', 'esn', 'sne', 'net')
    """
    return tuple(dict.fromkeys(a + b + c for (a, b), (_, c) in pairwise(pairwise(packed))))
