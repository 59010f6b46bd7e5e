"""The words of reported numbers, read from ``lexicon.toml`` once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

Cues = tuple[tuple[str, str, re.Pattern[str]], ...]
"""(place, name, pattern)"""


@lru_cache(maxsize=1)
def table() -> Mapping[str, Mapping[str, str]]:
    """Return the tables of ``lexicon.toml``."""
    with Path(__file__).with_name("lexicon.toml").open("rb") as stream:
        return tomllib.load(stream)


def pattern(source: str) -> re.Pattern[str]:
    """Compile a pattern of the file."""
    return re.compile(source, re.IGNORECASE)


@lru_cache(maxsize=1)
def cues() -> Cues:
    """Return the cue phrases of the decision, in the order of the file."""
    return tuple(
        (place, name, pattern(source))
        for place in ("left", "right", "sentence")
        for name, source in table()[place].items()
    )


@lru_cache(maxsize=1)
def directions() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return (direction, pattern) of words that tell an increase or a decrease."""
    return tuple((name, pattern(source)) for name, source in table()["directions"].items())


@lru_cache(maxsize=1)
def never() -> re.Pattern[str]:
    """Return the pattern of what stands before a number that is never a result (a learning rate, a batch size)."""
    return pattern(table()["never"]["left"])
