"""What an export format is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from kg import ids
from kg.errors import InputError
from kg.model import KnowledgeGraph


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """Options that formats share. ``base`` is the IRI under which things are minted.

    Raises:
        InputError: ``base`` is not an absolute IRI that ends in ``/`` or ``#``.
    """

    base: str = ids.BASE

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20]*[/#]", self.base):
            raise InputError(f"base {self.base!r} is not an IRI that ends in / or #; give for instance {ids.BASE}")


Writer = Callable[[KnowledgeGraph, BinaryIO, ExportOptions], None]
"""Writes one file of a format to an open binary stream."""


@dataclass(frozen=True, slots=True)
class Output:
    """One file of a format."""

    filename: str
    media_type: str
    write: Writer


@dataclass(frozen=True, slots=True)
class Format:
    """An export format. ``default`` tells whether a build writes it unasked."""

    name: str
    title: str
    outputs: tuple[Output, ...]
    default: bool = True
