"""Content negotiation: which of the offered media types an ``Accept`` header likes best (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_PIECE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")

_EXACT = 3

_EXACT = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """A form of an answer: ``name`` for the code, its media type first and others that mean it after."""

    name: str
    types: tuple[str, ...]
    charset: bool = False

    @property
    def type(self) -> str:
        return self.types[0]


@dataclass(frozen=True, slots=True)
class Choice:
    """The offer taken, and the ``Content-Type`` under which the client asked for it."""

    offer: Offer
    content_type: str


@dataclass(frozen=True, slots=True)
class _Range:
    main: str
    sub: str
    quality: float
    place: int

    def precision(self, media_type: str) -> int:
        """Return how exactly the range names a media type: 3 as such, 2 by its first part, 1 at all, 0 not."""
        main, _, sub = media_type.partition("/")
        if self.main == "*":
            return 1
        if self.main != main:
            return 0
        return _EXACT if self.sub == sub else 2 if self.sub == "*" else 0


def choose(accept: str, offers: Sequence[Offer]) -> Choice | None:
    """Return the best offer, or None when the header takes none of them.

    The most precise range that names a type gives its quality; equal qualities are told apart by precision, then by the
    order of the header, then by that of the offers. An empty header takes the first offer.

    >>> offers = [Offer("json", ("application/json",)), Offer("csv", ("text/csv",))]
    >>> choose("text/*, application/json;q=0.5", offers).offer.name
    'csv'
    >>> choose("*/*", offers).offer.name
    'json'
    """
    if not accept.strip():
        return _choice(offers[0], offers[0].type)
    ranges = tuple(_ranges(accept))
    best: tuple[float, int, int] | None = None
    chosen: tuple[Offer, str] | None = None
    for offer in offers:
        for media_type in offer.types:
            precision, found = max(
                ((range_.precision(media_type), range_) for range_ in ranges),
                key=lambda pair: (pair[0], pair[1].quality),
                default=(0, None),
            )
            if found is None or not precision or not found.quality:
                continue
            if media_type != offer.type and precision < _EXACT:
                continue  # a wildcard takes an offer under its own name
            rank = (found.quality, precision, -found.place)
            if best is None or rank > best:
                best, chosen = rank, (offer, media_type)
    return _choice(*chosen) if chosen else None


def listed(offers: Iterable[Offer]) -> str:
    """Return the media types of offers as a list for people."""
    return ", ".join(offer.type for offer in offers)


def _choice(offer: Offer, media_type: str) -> Choice:
    return Choice(offer, f"{media_type}; charset=utf-8" if offer.charset else media_type)


def _ranges(accept: str) -> Iterable[_Range]:
    for place, match in enumerate(_PIECE.finditer(accept[:8192])):
        name, *parameters = match.group().split(";")
        main, slash, sub = name.strip().lower().partition("/")
        if not slash or not main or not sub or (main == "*" and sub != "*"):
            continue
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                quality = float(value) if _QUALITY.fullmatch(value := value.strip()) else 0.0
        yield _Range(main, sub, quality, place)
