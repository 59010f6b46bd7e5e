"""The values that flow through the stages: small, typed, immutable, without dependencies.

Reading makes :class:`Paper`; extraction makes one :class:`Extraction` per paper, which names things locally
(:class:`LocalEntity`, :class:`LocalClaim`, :class:`LocalResult`); resolution joins them to a :class:`KnowledgeGraph`
of :class:`Entity`, :class:`Claim` and :class:`Result`.

Offsets are code points into the title or the abstract: ``section_text[start:end]`` is the surface form.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from kg import ids


class EntityType(StrEnum):
    """Kinds of things; the value is the local name of the class in the ontology."""

    METHOD = "Method"
    DATASET = "Dataset"
    HARDWARE = "Hardware"
    TASK = "Task"
    METRIC = "Metric"


class Relation(StrEnum):
    """Relations of claims; the value is the local name of the property in the ontology."""

    PROPOSES = "proposes"
    COMPARES_TO = "comparesTo"
    TARGETS = "targets"
    USES = "uses"
    EVALUATED_ON = "evaluatedOn"
    TRAINED_ON = "trainedOn"
    BUILDS_ON = "buildsOn"
    RUNS_ON = "runsOn"

    @property
    def general(self) -> Relation:
        """The relation of which this one is a kind: ``uses`` for its four kinds, else itself."""
        return Relation.USES if self in USES_KINDS else self


USES_KINDS = (Relation.EVALUATED_ON, Relation.TRAINED_ON, Relation.BUILDS_ON, Relation.RUNS_ON)

LEGAL: dict[Relation, frozenset[EntityType]] = {
    Relation.PROPOSES: frozenset({EntityType.METHOD, EntityType.DATASET, EntityType.HARDWARE}),
    Relation.COMPARES_TO: frozenset({EntityType.METHOD, EntityType.DATASET, EntityType.HARDWARE}),
    Relation.TARGETS: frozenset({EntityType.TASK, EntityType.HARDWARE}),
    Relation.USES: frozenset({EntityType.METHOD, EntityType.DATASET, EntityType.HARDWARE}),
    Relation.EVALUATED_ON: frozenset({EntityType.DATASET}),
    Relation.TRAINED_ON: frozenset({EntityType.DATASET}),
    Relation.BUILDS_ON: frozenset({EntityType.METHOD}),
    Relation.RUNS_ON: frozenset({EntityType.HARDWARE}),
}
"""Which kinds of things a relation may point at; the ontology and its shapes say the same."""

SECTIONS = ("title", "abstract")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a record was read: file name as given, 1-based line (0 if the format has no lines), format name."""

    file: str
    line: int = 0
    format: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper as read: text and bibliographic data.

    ``date`` is lexical XSD: ``2024-11-12`` (date), ``2024-11`` (gYearMonth), ``2024`` (gYear) or ``--11-12``
    (gMonthDay, when the source gives no year). ``identifiers`` are prefixed: ``arxiv:2401.00001``,
    ``doi:10.1000/x``, ``openalex:W1``, ``s2:...``. ``variants`` are other titles under which it was listed.
    """

    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    author_count: int | None = None
    date: str | None = None
    identifiers: tuple[str, ...] = ()
    url: str | None = None
    venue: str | None = None
    variants: tuple[str, ...] = ()
    places: tuple[Place, ...] = field(default=(), compare=False)

    @property
    def id(self) -> str:
        """Content id, from the title."""
        return ids.paper_id(self.title)

    @property
    def year(self) -> int | None:
        """Year of publication where the source gives one."""
        return int(self.date[:4]) if self.date and self.date[:4].isdigit() else None

    def section(self, name: str) -> str:
        """Text of ``title`` or ``abstract``.

        Raises:
            KeyError: ``name`` is neither.
        """
        if name not in SECTIONS:
            raise KeyError(name)
        return self.title if name == "title" else self.abstract


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """A sentence of a paper with a marked surface form.

    ``sentence_start``, ``start`` and ``end`` count code points from the start of the section.

    Raises:
        ValueError: the marked slice of the sentence is not the surface form.
    """

    paper: str
    section: str
    start: int
    end: int
    surface_form: str
    sentence: str
    sentence_start: int

    def __post_init__(self) -> None:
        low, high = self.start - self.sentence_start, self.end - self.sentence_start
        if low < 0 or not self.surface_form or self.sentence[low:high] != self.surface_form:
            raise ValueError(
                f"evidence quotes {self.surface_form!r}, its place holds {self.sentence[max(low, 0) : high]!r}"
            )
        if self.section not in SECTIONS:
            raise ValueError(f"unknown section {self.section!r}")

    @property
    def id(self) -> str:
        return ids.evidence_id(self.paper, self.section, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Mention:
    """A span of a section taken for the name of a thing, before things of one paper are joined."""

    section: str
    start: int
    end: int
    text: str
    type: EntityType
    confidence: float
    source: str
    concept: str | None = None


@dataclass(frozen=True, slots=True)
class LocalEntity:
    """A thing as one paper names it. ``key`` is unique within the paper and type; ``names`` start with the fullest.

    ``concept`` is the IRI of the vocabulary entry that the names matched, if any. ``pairs`` holds the
    abbreviations that the paper itself defines for it, as (short, long).
    """

    key: str
    type: EntityType
    names: tuple[str, ...]
    mentions: tuple[Evidence, ...]
    confidence: float
    concept: str | None = None
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def ref(self) -> str:
        """How claims and results of the same extraction point at it."""
        return f"{self.type.value}:{self.key}"


@dataclass(frozen=True, slots=True)
class LocalClaim:
    """What one paper says of a thing. ``object`` is a :attr:`LocalEntity.ref`; the subject is the headline or paper.

    Raises:
        ValueError: there is no evidence.
    """

    relation: Relation
    object: str
    confidence: float
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"claim {self.relation} {self.object} has no evidence")


@dataclass(frozen=True, slots=True)
class LocalResult:
    """A number that a paper reports.

    ``value_text`` is the number as written ("4.5", "40-76.7"); ``value`` its decimal form when it is one number;
    ``unit`` for instance ``%``, ``x``, ``points``, ``ms`` or empty. ``direction`` is ``up``, ``down`` or empty (a
    level, not a change). ``method``, ``baseline`` and ``dataset`` are refs of local entities or None. ``evidence``
    marks the number with its unit; its sentence is the quote.
    """

    metric: str
    value_text: str
    value: str | None
    unit: str
    evidence: Evidence
    direction: str = ""
    bound: str = ""
    method: str | None = None
    baseline: str | None = None
    dataset: str | None = None
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Extraction:
    """All that one paper states; depends on that paper alone. ``headline`` is the ref of its main contribution."""

    paper: str
    entities: tuple[LocalEntity, ...] = ()
    claims: tuple[LocalClaim, ...] = ()
    results: tuple[LocalResult, ...] = ()
    headline: str | None = None


Naming = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]
"""How a paper names a thing: type, names, and abbreviations that it defines for it as (short, long)."""


class Stated(NamedTuple):
    """An extraction as resolution reads it: in plain values, and without the places where things are mentioned.

    ``entities`` are their refs, namings and confidence; ``claims`` hold relation, ref of the object, confidence and
    evidence; ``results`` the fields of a :class:`LocalResult` in order.
    """

    paper: str
    entities: list[tuple[str, Naming, float]]
    claims: list[tuple[str, str, float, tuple[Evidence, ...]]]
    results: list[tuple[Any, ...]]
    headline: str | None

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics of its results, each once."""
        return list(dict.fromkeys(result[0] for result in self.results if result[0]))


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing over all papers. ``baseline`` is true when some claim compares with it."""

    id: str
    type: EntityType
    label: str
    aliases: tuple[str, ...] = ()
    concept: str | None = None
    matches: tuple[str, ...] = ()
    baseline: bool = False
    papers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement with its sources; ``papers`` state it, ``confidence`` is in [0, 1].

    Raises:
        ValueError: there is no evidence, or the confidence is out of range.
    """

    subject: str
    relation: Relation
    object: str
    papers: tuple[str, ...]
    confidence: float
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"claim {self.subject} {self.relation} {self.object} has no evidence")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence {self.confidence} is outside [0, 1]")

    @property
    def id(self) -> str:
        return ids.claim_id(self.subject, self.relation.value, self.object)


@dataclass(frozen=True, slots=True)
class Result:
    """A reported number; fields as in :class:`LocalResult`, where that has refs this has ids of entities.

    ``metric`` is the id of an entity of type Metric, or empty.
    """

    paper: str
    metric: str
    value_text: str
    value: str | None
    unit: str
    evidence: Evidence
    direction: str = ""
    bound: str = ""
    method: str | None = None
    baseline: str | None = None
    dataset: str | None = None
    confidence: float = 1.0

    @property
    def id(self) -> str:
        where = self.evidence
        return ids.result_id(self.paper, where.section, where.start, self.value_text, self.metric, self.method or "")


@dataclass(frozen=True, slots=True, order=True)
class Merge:
    """Why two names became one entity; recorded in ``report.json``."""

    entity: str
    left: str
    right: str
    reason: str


@dataclass(frozen=True, slots=True)
class KnowledgeGraph:
    """The whole graph. Exporters, stores and views read this and nothing else.

    Papers and entities are sorted by id, claims by subject, relation and object, results by paper and place. Claims and
    results of a large graph lie on disk: read them from start to end, once a use, and hold no list of them.
    """

    papers: tuple[Paper, ...] = ()
    entities: tuple[Entity, ...] = ()
    claims: Collection[Claim] = ()
    results: Collection[Result] = ()
    merges: tuple[Merge, ...] = ()

    @property
    def things(self) -> tuple[Entity, ...]:
        """Entities that claims can join: all but metrics, which only results point at."""
        return tuple(entity for entity in self.entities if entity.type is not EntityType.METRIC)
