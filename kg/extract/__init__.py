"""Extraction: what one paper states, from its title and abstract alone."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from kg.model import Extraction, Paper

__all__ = ["Extractor", "load_extractor"]


@runtime_checkable
class Extractor(Protocol):
    """Anything that turns a paper into an extraction.

    ``fingerprint`` changes whenever the result for some paper could change, so that cached results are not mixed.
    """

    @property
    def fingerprint(self) -> str: ...

    def extract(self, paper: Paper) -> Extraction:
        """Return what ``paper`` states; equal papers give equal results, on any machine and in any process."""
        ...


def load_extractor(model: Path | str | None = None, *, fast: bool = False) -> Extractor:
    """Load the extractor of a model folder, by default the shipped one (``fast``: the one without an encoder).

    Raises:
        InputError: the folder holds no model of this version.
    """
    from kg.extract.pipeline import load_pipeline, shipped

    return load_pipeline(Path(model) if model is not None else shipped("fast" if fast else "default"))
