"""From the raw fields of a record to a :class:`~kg.model.Paper`: text, dates, identifiers, authors."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kg.model import Paper
from kg.readers.base import Context, Skipped
from kg.readers.clean import clean_abstract, clean_text, clean_title

_MONTHS = {
    name.casefold(): number
    for names in (calendar.month_name, calendar.month_abbr)
    for number, name in enumerate(names)
    if name
}
_MONTHS["sept"] = 9
_MONTH = "|".join(sorted(_MONTHS, key=lambda name: (-len(name), name)))

_YEAR_FIRST = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?![\d])")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})$")
_MONTH_FIRST = re.compile(
    rf"\b({_MONTH})\b\.?\s*(?:(\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d))?[\s,]*(\d{{4}})?", re.IGNORECASE
)
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?[\s-]+({_MONTH})\b\.?[\s,-]*(\d{{4}})?", re.IGNORECASE)
_YEAR_ANYWHERE = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")

_ARXIV = re.compile(
    r"(?:^|arxiv[:./]|/abs/|/pdf/|/papers/)\s*((?:\d{4}\.\d{4,5})|(?:[a-z][a-z-]*(?:\.[A-Za-z]{2})?/\d{7}))(?:v\d+)?(?:\.pdf)?\s*$",
    re.IGNORECASE,
)
_DOI = re.compile(r"(10\.\d{4,9}/\S+)")
# What an IRI cannot hold (RFC 3987, 2.2): controls, surrogates, noncharacters, private use, bidirectional marks.
_URL = re.compile(
    r"https?://[^\s<>\"{}|\\^`\x00-\x20\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\uf8ff\ufff0-\uffff]+\Z",
    re.IGNORECASE,
)


MAX_TITLE = 5_000
"""Characters beyond which a title is none. The longest of real catalogues have some 2,000."""

MAX_ABSTRACT = 500_000
"""Characters beyond which an abstract is none: a whole paper has fewer."""

MAX_AUTHORS = 50_000
"""Names beyond which a list of authors is none. The longest of real papers have 15,000."""

MAX_NAME = 1_000
"""Characters beyond which the name of an author, a venue or an address is left out."""


class FieldError(ValueError):
    """A field is of the wrong kind; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The fields of a record as its format gives them, not yet checked or cleaned."""

    title: object
    abstract: object = None
    authors: Iterable[str] = ()
    author_count: int | None = None
    date: str | None = None
    identifiers: Iterable[str | None] = ()
    url: object = None
    venue: object = None


def finish(draft: Draft, context: Context, line: int) -> Paper | Skipped:
    """Check and clean ``draft``.

    A record without a title, with a text field of the wrong kind, or with one beyond all measure is skipped.
    """
    try:
        title = clean_title(_bounded(text(draft.title, "title"), "title", MAX_TITLE))
        abstract = clean_abstract(_bounded(text(draft.abstract, "abstract"), "abstract", MAX_ABSTRACT))
        venue = clean_title(_short(text(draft.venue, "venue", lenient=True)))
        address = _short(text(draft.url, "url", lenient=True).strip())
        given = tuple(draft.authors)
        if len(given) > MAX_AUTHORS:
            raise FieldError(f"the record lists {len(given):,} authors; at most {MAX_AUTHORS:,} are believed")
    except FieldError as error:
        return context.skipped(line, str(error))
    if not title:
        return context.skipped(line, "the record has no title")
    authors = tuple(name for name in (clean_title(_short(author)) for author in given) if name)
    identifiers = tuple(sorted({clean_text(name) for name in draft.identifiers if name}))
    return Paper(
        title=title,
        abstract=abstract,
        authors=authors,
        author_count=len(authors) or draft.author_count,
        date=draft.date,
        identifiers=identifiers,
        url=address if _URL.match(address) else _address(identifiers),
        venue=venue or None,
        places=(context.place(line),),
    )


def _bounded(value: str, name: str, limit: int) -> str:
    if len(value) > limit:
        raise FieldError(f'the field "{name}" has {len(value):,} characters; at most {limit:,} are read')
    return value


def _short(value: str) -> str:
    return value if len(value) <= MAX_NAME else ""


def text(value: object, name: str, *, lenient: bool = False) -> str:
    """Return a text field; None is empty, a number is written out, a list of one text is that text.

    Raises:
        FieldError: it is of another kind (with ``lenient`` it is empty then).
    """
    if isinstance(value, list | tuple) and len(value) <= 1:
        value = value[0] if value else None
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if abs(value) < 1e300 else ""
    if lenient:
        return ""
    raise FieldError(f'the field "{name}" is {_kind(value)} where text is expected')


def strings(value: object) -> tuple[str, ...]:
    """Return the texts in a list, or a text as a list of one; whatever else there is, is left out."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(item for item in value if isinstance(item, str))
    return ()


def mapping(value: object) -> Mapping[str, Any]:
    """Return ``value`` if it is an object of JSON, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """Return ``value`` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def names(value: object) -> tuple[str, ...]:
    """Return the names of authors from a list of texts or of objects with a name, or from one text.

    >>> names("Ada Lovelace, Charles Babbage and Alan Turing")
    ('Ada Lovelace', 'Charles Babbage', 'Alan Turing')
    >>> names([{"given": "Ada", "family": "Lovelace"}, "Turing, Alan"])
    ('Ada Lovelace', 'Alan Turing')
    """
    if isinstance(value, str):
        return tuple(turned(name) for name in _split_names(value[:1_000_000]))
    found = []
    for item in items(value):
        if isinstance(item, str):
            found.append(turned(item))
        elif isinstance(item, dict):
            whole = next(
                (
                    item[key]
                    for key in ("name", "full_name", "display_name", "literal")
                    if isinstance(item.get(key), str)
                ),
                "",
            )
            first = next(
                (item[key] for key in ("given", "first", "first_name", "forename") if isinstance(item.get(key), str)),
                "",
            )
            last = next(
                (item[key] for key in ("family", "last", "last_name", "surname") if isinstance(item.get(key), str)), ""
            )
            found.append(turned(whole) if whole else f"{first} {last}")
    return tuple(name for name in (name.strip() for name in found) if name)


def turned(name: str) -> str:
    """Return "Lovelace, Ada" as "Ada Lovelace"; "King, Jr., Martin" as "Martin King Jr."; other names as they are."""
    if "," not in name:
        return name.strip()
    parts = [part.strip() for part in name.split(",")]
    if len(parts) == 2 and all(parts):
        return f"{parts[1]} {parts[0]}"
    if len(parts) == 3 and all(parts):
        return f"{parts[2]} {parts[0]} {parts[1]}"
    return name.strip().strip(",").strip()


def xsd_date(value: object, *, page_year: int | None = None) -> str | None:
    """Return a date in lexical XSD, as precise as it is given, or None when there is none in ``value``.

    A day without a year is ``--MM-DD`` unless ``page_year`` is given. ``11/12/2024`` may mean two days, so only its
    year is taken.

    >>> [xsd_date(d) for d in ("Nov 12, 2024", "12 November 2024", "2024-11-12T08:00:00Z", "2024/11//", "Nov 12", 2024)]
    ['2024-11-12', '2024-11-12', '2024-11-12', '2024-11', '--11-12', '2024']
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    given = (
        str(int(value))
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e9
        else str(value)[:200].strip()
    )
    if match := _COMPACT.match(given):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    if match := _YEAR_FIRST.match(given):
        year = int(match[1])
        return _date(year, int(match[2] or 0), int(match[3] or 0))
    if match := _DAY_FIRST.search(given):
        day, month, year_text = int(match[1]), _MONTHS[match[2].casefold()], match[3]
    elif match := _MONTH_FIRST.search(given):
        day, month, year_text = int(match[2] or 0), _MONTHS[match[1].casefold()], match[3]
    else:
        found = _YEAR_ANYWHERE.search(given)
        return found[1] if found else None
    if year_text or page_year:
        return _date(int(year_text or page_year or 0), month, day) or (_day(month, day) if not year_text else None)
    return _day(month, day)


def arxiv_id(value: object) -> str | None:
    """Return the arXiv identifier in an id, an address or a DOI, without its version.

    >>> arxiv_id("http://arxiv.org/abs/1512.03385v1"), arxiv_id("10.48550/arXiv.1512.03385"), arxiv_id("cs.CL/0108005")
    ('arxiv:1512.03385', 'arxiv:1512.03385', 'arxiv:cs.CL/0108005')
    """
    match = _ARXIV.search(value.strip()[:300]) if isinstance(value, str) else None
    return f"arxiv:{match[1]}" if match else None


def doi(value: object) -> str | None:
    """Return the DOI in a text or an address, in lower case (DOIs ignore case).

    >>> doi("https://doi.org/10.1109/CVPR.2016.90")
    'doi:10.1109/cvpr.2016.90'
    """
    match = _DOI.search(value[:500]) if isinstance(value, str) else None
    return f"doi:{match[1].rstrip('.,;)').casefold()}" if match else None


def prefixed(prefix: str, value: object) -> str | None:
    """Return ``prefix:value`` for a text or a number that is not empty.

    >>> prefixed("pmid", 34265844)
    'pmid:34265844'
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    body = str(value).strip()[:300] if isinstance(value, str) or abs(value) < 10**30 else ""
    return f"{prefix}:{body}" if body else None


def doi_and_arxiv(value: object) -> tuple[str | None, str | None]:
    """Return the DOI in ``value`` and, where arXiv gave that DOI, the arXiv identifier."""
    return doi(value), arxiv_id(value)


def _date(year: int, month: int, day: int) -> str | None:
    if not 1000 <= year <= 2999:
        return None
    if not 1 <= month <= 12:
        return f"{year}"
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        return f"{year}-{month:02}" if day == 0 or day > 31 else None
    return f"{year}-{month:02}-{day:02}"


def _day(month: int, day: int) -> str | None:
    return f"--{month:02}-{day:02}" if 1 <= day <= calendar.monthrange(2000, month)[1] else None


def _address(identifiers: tuple[str, ...]) -> str | None:
    for prefix, base in (("arxiv:", "https://arxiv.org/abs/"), ("doi:", "https://doi.org/")):
        for name in identifiers:
            if name.startswith(prefix) and _URL.match(base + name.removeprefix(prefix)):
                return base + name.removeprefix(prefix)
    return None


def _split_names(joined: str) -> list[str]:
    for mark in (";", "|", "\n"):
        if mark in joined:
            return [name for name in (part.strip() for part in joined.split(mark)) if name]
    joined = " ".join(joined.split())  # or a long run of spaces would cost its square in time
    parts = [part.strip() for part in re.split(r",? (?:and|&) ", joined)]
    found = []
    for part in parts:
        pieces = [piece.strip() for piece in part.split(",")]
        # "Lovelace, Ada" is one person; "Ada Lovelace, Alan Turing" are two.
        found += pieces if all(" " in piece for piece in pieces) or len(pieces) > 3 else [part]
    return [name for name in found if name]


def _kind(value: object) -> str:
    kinds = {"list": "a list", "tuple": "a list", "dict": "an object", "bool": "true or false"}
    return kinds.get(type(value).__name__, type(value).__name__)
