"""The extractor that ships: tagger, vocabularies and patterns find candidates, the role model decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol

import kg
from kg.errors import InputError
from kg.extract import roles
from kg.extract.candidates import Reading, SpanScore, read_candidates
from kg.extract.decide import decide, state
from kg.extract.features import features
from kg.extract.headline import with_certain_headlines
from kg.extract.results import decision, read_results
from kg.ids import digest
from kg.model import Extraction, Paper
from kg.vocabulary import Gazetteer, default_gazetteer

MAX_CHARACTERS = 40_000
"""A longer abstract is no abstract: what stands behind this many characters is not read for facts."""


class Tagger(Protocol):
    """Scores spans of a paper."""

    @property
    def fingerprint(self) -> str: ...

    def tag(self, title: str, abstract: str) -> Sequence[SpanScore]:
        """Return the spans that may be names, with probabilities."""
        ...


@dataclass(frozen=True)
class Pipeline:
    """Taggers (optional), vocabularies and role model as one :class:`kg.extract.Extractor`."""

    tagger: Tagger | None
    roles: roles.RoleModel
    results: decision.ResultModel
    gazetteer: Gazetteer
    second: Tagger | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Hash of code, models and vocabularies."""
        taggers = (tagger.fingerprint if tagger else "" for tagger in (self.tagger, self.second))
        models = (*taggers, self.roles.fingerprint, self.results.fingerprint)
        # Links of the vocabulary to others change no extraction.
        words = (f"{c.iri} {c.type} {c.labels} {c.broader} {c.case_sensitive}" for c in self.gazetteer.concepts)
        return digest(_code(), *models, *words, length=16)

    def read(self, paper: Paper) -> Reading:
        """Return the candidates of a paper."""
        short = replace(paper, abstract=paper.abstract[:MAX_CHARACTERS])
        scores, second = (
            tagger.tag(short.title, short.abstract) if tagger else () for tagger in (self.tagger, self.second)
        )
        return read_candidates(short, scores, self.gazetteer, second)

    def extract(self, paper: Paper) -> Extraction:
        """Return what ``paper`` states."""
        reading = self.read(paper)
        rows = features(reading)
        relations = with_certain_headlines(reading, self.roles.predict(rows, roles.RELATION_DECISIONS))
        probabilities = self.roles.with_types(rows, relations)
        stated = state(reading, decide(reading.candidates, probabilities, self.roles.thresholds))
        return replace(stated, results=read_results(reading, stated, model=self.results))


def shipped(name: str) -> Path:
    """Return the folder of a model that comes with the package."""
    return Path(kg.__file__).parent / "models" / name


def load_pipeline(directory: Path) -> Pipeline:
    """Load a model folder: ``roles.npz``, and its taggers, of which an encoder goes first.

    Raises:
        InputError: the folder holds no model.
    """
    if not (directory / "roles.npz").is_file():
        raise InputError(f"{directory}: no model in this folder (roles.npz is missing); make one with `kg train`")
    numbers = directory / "results.npz"
    taggers = _taggers(directory)
    return Pipeline(
        taggers[0] if taggers else None,
        roles.load(directory / "roles.npz"),
        decision.load(numbers) if numbers.is_file() else decision.shipped_model(),
        default_gazetteer(),
        taggers[1] if len(taggers) > 1 else None,
    )


@lru_cache(maxsize=1)
def _code() -> str:
    """Hash of the code and word lists of extraction: an edited cue phrase must not meet cached results."""
    package = Path(__file__).parent
    files = [
        *package.rglob("*.py"),
        *package.rglob("*.toml"),
        package.parent / "text.py",
        package.parent / "vocabulary.py",
    ]
    return digest(*(path.read_text(encoding="utf-8") for path in sorted(files)), length=16)


def _taggers(directory: Path) -> list[Tagger]:
    found: list[Tagger] = []
    if (directory / "tagger.onnx").is_file():
        from kg.extract.tagger import SpanTagger

        found.append(SpanTagger.load(directory))
    if (directory / "tagger.npz").is_file():
        from kg.extract.crf import CrfTagger

        found.append(CrfTagger.load(directory))
    return found
