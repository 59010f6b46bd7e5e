"""What an export format is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from kg import ids
from kg.errors import InputError
from kg.export.commit import Transaction
from kg.model import KnowledgeGraph

# An absolute IRI without its last signs (RFC 3987, loosely): a scheme, then anything that RDF formats take unescaped.
_IRI = r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """Options that formats share.

    ``base`` is the IRI under which things are minted. ``license`` is the IRI of the licence under which the owner of
    the graph publishes it; None says nothing, for nobody else can grant one.

    Raises:
        InputError: ``base`` is not an absolute IRI that ends in ``/`` or ``#``, or ``license`` is no absolute IRI.
    """

    base: str = ids.BASE
    license: str | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(rf"{_IRI}*[/#]", self.base):
            raise InputError(f"base {self.base!r} is not an IRI that ends in / or #; give for instance {ids.BASE}")
        if self.license is not None and not re.fullmatch(rf"{_IRI}+", self.license):
            raise InputError(
                f"license {self.license!r} is not an IRI; give for instance https://creativecommons.org/licenses/by/4.0/"
            )


Writer = Callable[[KnowledgeGraph, BinaryIO, ExportOptions], None]
"""Writes one file of a format to an open binary stream."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is left to do for a product that was staged.

    ``beside`` takes time without needing the interpreter, so it runs in a thread while other products are staged;
    ``after`` comes when it and all of them are done.
    """

    beside: Callable[[], None]
    after: Callable[[], None]


class Product(Protocol):
    """Something that a format leaves in a built folder: a file (:class:`Output`) or a folder with its own ways."""

    @property
    def filename(self) -> str:
        """Name in the built folder."""

    @property
    def media_type(self) -> str:
        """Media type of its content."""

    def stage(self, graph: KnowledgeGraph, transaction: Transaction, options: ExportOptions) -> Work | None:
        """Prepare it as a part of a transaction."""


@dataclass(frozen=True, slots=True)
class Output:
    """One file of a format, which a forked process may write."""

    filename: str
    media_type: str
    write: Writer

    def stage(self, graph: KnowledgeGraph, transaction: Transaction, options: ExportOptions) -> None:
        """Write the file."""
        with transaction.stage(self.filename).open("wb") as stream:
            self.write(graph, stream, options)


@dataclass(frozen=True, slots=True)
class Format:
    """An export format. ``default`` tells whether a build writes it unasked."""

    name: str
    title: str
    outputs: tuple[Product, ...]
    default: bool = True
