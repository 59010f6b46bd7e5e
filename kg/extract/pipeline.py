"""The extractor that ships: tagger, vocabularies and patterns find candidates, the role model decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import kg
from kg.errors import InputError
from kg.extract import roles
from kg.extract.candidates import Reading, SpanScore, read_candidates
from kg.extract.decide import decide, state
from kg.extract.features import features
from kg.extract.headline import with_certain_headlines
from kg.extract.results import read_results
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
    """Tagger (optional), vocabularies and role model as one :class:`kg.extract.Extractor`."""

    tagger: Tagger | None
    roles: roles.RoleModel
    gazetteer: Gazetteer

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the code's version, the models and the vocabularies."""
        tagger = self.tagger.fingerprint if self.tagger else ""
        return digest(kg.__version__, tagger, self.roles.fingerprint, *map(repr, self.gazetteer.concepts), length=16)

    def read(self, paper: Paper) -> Reading:
        """Return the candidates of a paper."""
        short = replace(paper, abstract=paper.abstract[:MAX_CHARACTERS])
        scores = self.tagger.tag(short.title, short.abstract) if self.tagger else ()
        return read_candidates(short, scores, self.gazetteer)

    def extract(self, paper: Paper) -> Extraction:
        """Return what ``paper`` states."""
        reading = self.read(paper)
        probabilities = with_certain_headlines(reading, self.roles.predict(features(reading)))
        stated = state(reading, decide(reading.candidates, probabilities, self.roles.thresholds))
        return replace(stated, results=read_results(reading, stated))


def shipped(name: str) -> Path:
    """Return the folder of a model that comes with the package."""
    return Path(kg.__file__).parent / "models" / name


def load_pipeline(directory: Path) -> Pipeline:
    """Load a model folder: ``roles.npz``, and a tagger where there is one.

    Raises:
        InputError: the folder holds no model.
    """
    if not (directory / "roles.npz").is_file():
        raise InputError(f"{directory}: no model in this folder (roles.npz is missing); make one with `kg train`")
    return Pipeline(_tagger(directory), roles.load(directory / "roles.npz"), default_gazetteer())


def _tagger(directory: Path) -> Tagger | None:
    if (directory / "tagger.onnx").is_file():
        from kg.extract.tagger import SpanTagger

        return SpanTagger.load(directory)
    return None
