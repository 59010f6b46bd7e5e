"""What is asked about: a paper of the graph, a thing of it, or a text that is not in it, as one :class:`Query`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kg.analysis.common import PAPER, Quote, Thing, plural, resolve
from kg.analysis.linkpred import Query
from kg.analysis.matrices import RELATION, Ints, Sparse, unit_rows
from kg.analysis.tables import Tables
from kg.errors import InputError
from kg.model import SECTIONS, EntityType, Evidence, Extraction, Paper, Relation
from kg.readers.clean import clean_text
from kg.text import is_name_like, name_key, sentences

KINDS = (EntityType.METHOD.value, PAPER, EntityType.DATASET.value, EntityType.HARDWARE.value)
"""What may be asked about by name, in the order in which homonyms are preferred."""
LONGEST = 5
"""Words of the longest name that is looked up literally."""
_PIECE = re.compile(r"[^\s()\[\],;:]*[^\s()\[\],;:.!?]")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about. ``about`` says it in a sentence; ``thing`` is None for a text.

    ``found`` are the things that a text names, with the sentence, and ``unknown`` the names in it that the graph lacks.
    """

    query: Query
    label: str
    about: str
    thing: Thing | None = None
    found: tuple[tuple[Thing, Quote], ...] = ()
    unknown: tuple[str, ...] = ()


def ask_name(given: Tables, name: str, kinds: Sequence[str] = KINDS) -> Asked:
    """Return the query of a paper or thing of the graph, by any of its names.

    A thing is known by the papers that propose it; where there are none, by those that name it.

    Raises:
        InputError: nothing has a name like it, or no paper speaks of it.
    """
    thing = resolve(given.opened, name, kinds)
    corpus = given.corpus
    asked = _ask_thing(given, thing)
    if name_key(name) == name_key(thing.label) or thing.iri in {
        corpus.things[row] for row in given.names.get(name_key(name), ())
    }:
        return asked
    note = f"Nothing is called {name!r}; the nearest name is taken: {thing.label}."
    return replace(asked, about=f"{note} {asked.about}".rstrip())


def _ask_thing(given: Tables, thing: Thing) -> Asked:
    corpus = given.corpus
    if thing.kind == PAPER:
        row = given.paper_row(thing.iri)
        if row is None:
            raise InputError(f"{given.opened.path}: {thing.label!r} is not described as a paper")
        return Asked(query_of(given, [row]), thing.label, "", thing)
    number = corpus.things.index(thing.iri)
    at = corpus.links[corpus.links[:, 2] == number]
    proposing = np.unique(at[at[:, 1] == RELATION[Relation.PROPOSES.value]][:, 0]).tolist()
    naming = np.unique(at[:, 0]).tolist()
    if not naming:
        raise InputError(f"{given.opened.path}: no paper says anything of {thing.label!r}")
    if proposing:
        titles = "; ".join(corpus.titles[row] for row in proposing[:3])
        about = f"{thing.label} is known here by {plural(len(proposing), 'paper')} that propose it: {titles}."
        if len(proposing) == 1:
            about = f"{thing.label} is proposed in: {titles}."
    else:
        about = (
            f"No paper here proposes {thing.label}; it is taken for what the {plural(len(naming), 'paper')} "
            "that name it have in common."
        )
    return Asked(query_of(given, proposing or naming, also=number), thing.label, about, thing)


def query_of(given: Tables, rows: Sequence[int], *, also: int | None = None) -> Query:
    """Return the query of papers of the graph as if they were one, with the things of a tenth of them and ``also``."""
    corpus = given.corpus
    chosen = np.isin(corpus.links[:, 0], rows)
    pairs = np.unique(corpus.links[chosen][:, [0, 2]], axis=0)
    things, counts = np.unique(pairs[:, 1], return_counts=True)
    known = tuple(things.tolist())
    things = things[counts * 10 >= len(rows)]
    if also is not None:
        things = np.union1d(things, [also])
    words = given.text.matrix[list(rows)]
    mean = unit_rows(_summed(words)) if len(rows) > 1 else words
    years = [year for row in rows if (year := corpus.years[row])]
    year = round(sum(years) / len(years)) if years else 0
    return Query(mean, things.astype(np.int32), year, tuple(rows), known)


def _summed(words: Sparse) -> Sparse:
    from scipy.sparse import csr_matrix

    return csr_matrix(words.sum(axis=0))


def text_of(what: str, stdin: str | None = None) -> tuple[str, str]:
    """Return title and text of what a person gives: a file, the text itself, or ``stdin`` for ``-``.

    A first line that is short and has no full stop is taken for the title.

    Raises:
        InputError: there is no text, or the file cannot be read.
    """
    text = what
    if what == "-":
        text = stdin or ""
    elif is_file(what):
        try:
            text = Path(what).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{what}: cannot be read as a text ({error}); it must be UTF-8") from error
    first, _, rest = text.strip().partition("\n")
    if rest.strip() and len(first) <= 250 and not first.rstrip().endswith("."):
        title, body = clean_text(first), clean_text(rest)
    else:
        title, body = "", clean_text(text)
    if not title and not body:
        source = "standard input" if what == "-" else what.strip() or "the text"
        raise InputError(f"{source}: no text; give a title and an abstract")
    return title, body


def is_file(what: str) -> bool:
    """Tell whether a text is the name of a file."""
    try:
        return len(what) < 1000 and Path(what).is_file()
    except (OSError, ValueError):
        return False


def ask_text(given: Tables, title: str, body: str, *, year: int = 0, fast: bool = True) -> Asked:
    """Return the query of a text that is not in the graph: its words, and the things that it names and the graph has.

    Args:
        year: of the text, 0 if unknown.
        fast: read it with the small model.
    """
    from kg.extract import load_extractor

    paper = Paper(title=title, abstract=body)
    extraction = load_extractor(fast=fast).extract(paper)
    place, unknown = _placed(given, extraction)
    for row, evidence in _literal(given, paper):
        place.setdefault(row, evidence)
    label = title or (body if len(body) <= 70 else body[:69].rstrip() + "…")
    source = Thing(label, PAPER, "")
    found = tuple(
        (given.thing(row), Quote(e.sentence, source, e.section, e.surface_form))
        for row, e in sorted(place.items(), key=lambda item: (item[1].section != "title", item[1].start))
    )
    things: Ints = np.array(sorted(place), np.int32)
    query = Query(given.text.rows([title], [body]), things, year)
    same = given.corpus.titles.index(title) if title and title in given.corpus.titles else None
    if same is not None:
        # The text of a paper that the graph holds shall not find itself.
        query = Query(query.words, query.things, year or given.corpus.years[same] or 0, (same,))
    return Asked(query, label, "", None, found, unknown)


def _placed(given: Tables, extraction: Extraction) -> tuple[dict[int, Evidence], tuple[str, ...]]:
    """Return the things that an extraction names with a mention of each, and the names that the graph lacks."""
    place: dict[int, Evidence] = {}
    unknown: list[str] = []
    for entity in extraction.entities:
        rows = [row for name in entity.names for row in given.names.get(name_key(name), ())]
        same = [row for row in rows if given.corpus.kinds[row] == entity.type.value] or rows
        if same:
            place.setdefault(same[0], entity.mentions[0])
        elif entity.ref != extraction.headline:
            unknown.append(entity.names[0])
    return place, tuple(dict.fromkeys(unknown))


def _literal(given: Tables, paper: Paper) -> Iterator[tuple[int, Evidence]]:
    """Yield things whose names stand in the text as the graph writes them: proper names that the reader of unknown
    texts may miss, though this very collection has them."""
    for section in SECTIONS:
        text = paper.section(section)
        for low, high in sentences(text):
            pieces = [(low + m.start(), low + m.end()) for m in _PIECE.finditer(text[low:high])]
            for first in range(len(pieces)):
                # The longest name that starts here.
                for last in range(min(first + LONGEST, len(pieces)) - 1, first - 1, -1):
                    start, end = pieces[first][0], pieces[last][1]
                    surface = text[start:end]
                    row = _proper(given, surface, opening=first == 0)
                    if row is not None:
                        yield row, Evidence(paper.id, section, start, end, surface, text[low:high], low)
                        break


def _proper(given: Tables, surface: str, *, opening: bool) -> int | None:
    """Return the thing of which ``surface`` is a proper name; a sentence opens with a capital in any case."""
    sure = is_name_like(surface)
    if not sure and (opening or not surface[:1].isupper()):
        return None
    rows = given.names.get(name_key(surface), ())
    return next((row for row in rows if sure or given.corpus.labels[row] == surface), None)
