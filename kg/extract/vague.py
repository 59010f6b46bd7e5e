"""Vague references: phrases that point at something without naming it."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from kg.text import is_adjective


@lru_cache(maxsize=1)
def _words() -> dict[str, frozenset[str]]:
    with Path(__file__).with_name("vague.toml").open("rb") as stream:
        return {name: frozenset(words) for name, words in tomllib.load(stream).items()}


@lru_cache(maxsize=50_000)
def is_vague(name: str) -> bool:
    """Tell whether ``name`` only points at something.

    >>> is_vague("existing pruning methods"), is_vague("two public datasets"), is_vague("pruning")
    (True, True, False)
    >>> is_vague("CNN-based"), is_vague("CNN-based pruning")
    (True, False)
    """
    if is_adjective(name.strip()):
        return True
    words = re.split(r"\s+", name.casefold().strip())
    lists = _words()
    if len(words) > 1 and words[0] in lists["starts"]:
        return True
    last = words[-1]
    singulars = {last, last.removesuffix("s"), last.removesuffix("es"), re.sub("ies$", "y", last)}
    return bool(singulars & lists["heads"]) and all(word in lists["fillers"] for word in words[:-1])
