"""The text of a Hugging Face *Daily Papers* page, as a person copies it out of the browser.

The page is read by the shape of its lines, not by their position. A line is either one of the *marks* that surround a
paper (``6 authors``, ``·``, ``Nov 12, 2024 2``, a count of votes, the furniture of the site) or text. Texts form
titles, abstracts and names of organisations:

- a short text before a longer one is a title, the longer one its abstract;
- a short text that follows an abstract and stands right before a date or among other marks is an organisation;
- the first date after the heading of the page is the day of the page, not of a paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from kg.model import Paper
from kg.readers.base import Context, Reader, Sample, Skipped
from kg.readers.fields import Draft, finish, xsd_date
from kg.readers.source import MAX_LINE, Source, lines

_LONG = 200
"""Characters from which a line is taken for running text."""

_MAX_TITLE = 350
_MAX_ORGANISATION = 100
_MAX_HEADING = 14
_MAX_PENDING = 2000


class _Kind(Enum):
    TEXT = "text"
    AUTHORS = "number of authors"
    DATE = "date"
    SEPARATOR = "separator"
    COUNT = "votes or comments"
    NOISE = "furniture of the site"
    HEADING = "heading of the page"
    SUBMITTER = "the next text is who submitted the paper"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: _Kind
    line: int
    text: str
    block: int


@dataclass(slots=True)
class _Marks:
    """What the marks after a paper say."""

    authors: int | None = None
    date: str | None = None


_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    "nov(?:ember)?|dec(?:ember)?"
)
_PATTERNS: tuple[tuple[_Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (_Kind.SEPARATOR, r"[·•∙⋅|*\s]+"),
        (_Kind.AUTHORS, r"[·•∙⋅*\-\s]*(?P<number>\d[\d,]*)\s+authors?"),
        (
            _Kind.DATE,
            rf"(?:published on )?(?P<date>(?:(?:{_MONTH})\.?\s+\d{{1,2}}|\d{{1,2}}\s+(?:{_MONTH})\.?)(?:,?\s+\d{{4}})?)"
            r"(?:\s+[\d,]+)?",
        ),
        (_Kind.COUNT, r"(?:upvotes?\s*)?(?:\[?-\]?|[\d][\d,.]*k?)(?:\s+(?:-|\d[\d,]*))?(?:\s+comments?)?"),
        (_Kind.HEADING, r"(?:by\s*AK\s+)?and the research community"),
        (_Kind.SUBMITTER, r"submitted by"),
        (
            _Kind.NOISE,
            r"new|get trending papers in your email inbox.{0,20}|subscribe|daily papers|trending papers|hugging face|"
            r"by(?:\s*AK)?|daily|weekly|monthly|upvotes?|view arxiv page|arxiv page|view pdf|project page|"
            r"github(?:\s+[\d.,]+k?)?|log in|sign up|load more|previous|next|system theme|https?://\S+",
        ),
    )
)
_DATE = dict(_PATTERNS)[_Kind.DATE]
_METADATA = (_Kind.AUTHORS, _Kind.DATE, _Kind.SEPARATOR)
_SENTENCE_END = (".", "!", "?", "…", '."', ".)", ".”")
_AUTHORS_LINE = re.compile(r"^[·•∙⋅*\- \t\xa0]*\d[\d,]*[ \t]+authors?[ \t]*(?:[·•].*)?$", re.MULTILINE | re.IGNORECASE)
_PAGE_HEADING = re.compile(
    r"^[^\w\n]*(?:by[ \t]*AK[ \t]+)?and the research community\s*$", re.MULTILINE | re.IGNORECASE
)


def _sniff(sample: Sample) -> float:
    if _PAGE_HEADING.search(sample.text[:20_000]):
        return 0.95
    return (
        0.8 if _AUTHORS_LINE.search(sample.text) and not sample.text.lstrip().startswith(("{", "[", "<", "@")) else 0.0
    )


def _kind_of(line: str) -> _Kind:
    if len(line) > _MAX_ORGANISATION:
        return _Kind.TEXT
    return next((kind for kind, pattern in _PATTERNS if pattern.fullmatch(line)), _Kind.TEXT)


def _classify(line: str) -> list[tuple[_Kind, str]]:
    """Return the kind of a line; a line such as ``Google · 6 authors · Nov 12, 2024 2`` is taken apart."""
    kind = _kind_of(line)
    if kind is _Kind.TEXT and len(line) < _LONG and ("·" in line or "•" in line):
        parts = [part for part in (piece.strip() for piece in re.split("[·•]", line)) if part]
        kinds = [_kind_of(part) for part in parts]
        if kinds and kinds[-1] in (_Kind.DATE, _Kind.AUTHORS):
            return [pair for part in zip(kinds, parts, strict=True) for pair in (part, (_Kind.SEPARATOR, ""))][:-1]
    return [(kind, line)]


def _tokens(source: Source, context: Context) -> Iterator[_Token | Skipped]:
    """Classify the lines; texts that were wrapped within a block (up to an empty line) are joined."""
    block = 0
    held: list[tuple[int, str]] = []

    def flush() -> Iterator[_Token]:
        if any(len(text) > _LONG for _, text in held):
            yield from (_Token(_Kind.TEXT, number, text, block) for number, text in held)
        elif held:
            yield _Token(_Kind.TEXT, held[0][0], " ".join(text for _, text in held), block)
        held.clear()

    for number, raw in lines(source.text(), MAX_LINE):
        if raw is None:
            yield context.skipped(number, f"a line longer than {MAX_LINE:,} characters is passed over")
            continue
        line = raw.replace("\x00", " ").strip("\ufeff \t\r\n\f\v\xa0\u2028\u2029\u200b")
        if not line:
            yield from flush()
            block += 1
            continue
        for kind, text in _classify(line):
            if kind is _Kind.TEXT:
                held.append((number, text))
                if len(held) > _MAX_PENDING:
                    yield from flush()
            else:
                yield from flush()
                yield _Token(kind, number, text, block)
    yield from flush()


def _without_furniture(tokens: Iterable[_Token | Skipped]) -> Iterator[_Token | Skipped]:
    """Leave out what stands around the list of papers: the head of the page with its date, votes, submitters."""
    heading: list[_Token] | None = None
    submitter = False
    for token in tokens:
        if isinstance(token, Skipped):
            yield token
        elif token.kind is _Kind.HEADING:
            heading = []
            yield token
        elif token.kind is _Kind.SUBMITTER:
            submitter = True
        elif token.kind in (_Kind.NOISE, _Kind.COUNT):
            continue
        elif submitter and token.kind is _Kind.TEXT and len(token.text) < _MAX_ORGANISATION and " " not in token.text:
            submitter = False
        elif heading is None:
            submitter = False
            yield token
        elif token.kind is _Kind.DATE:
            heading = None  # the day of the page, and what was searched for before it
        elif token.kind is _Kind.TEXT and len(token.text) <= _LONG and len(heading) < _MAX_HEADING:
            heading.append(token)
        else:
            yield from heading
            yield token
            heading = None
    yield from heading or ()


def _is_running_text(text: str) -> bool:
    return (
        len(text) > _LONG
        or (len(text) >= 40 and text.count(" ") >= 5 and text.endswith(_SENTENCE_END))
        or (text.count(". ") >= 1 and text.endswith("."))
    )


def _is_organisation(text: str) -> bool:
    return len(text) <= _MAX_ORGANISATION and "://" not in text and not _is_running_text(text)


class _Page:
    """The state of the reading: texts not yet given to a paper, and the marks since."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.texts: list[_Token] = []
        self.marks: _Marks | None = None
        self.mark_block = -1
        self.former_block = -1

    def take(self, token: _Token) -> Iterator[Paper | Skipped]:
        if token.kind is _Kind.HEADING:
            # Above the heading stand only links of the site, unless pages were strung together.
            if self.marks or any(_is_running_text(held.text) for held in self.texts):
                yield from self.close()
            self.texts, self.marks = [], None
        elif token.kind in _METADATA:
            self._mark(token)
        elif self.marks and not self.marks.date and token.block == self.mark_block and _is_organisation(token.text):
            pass  # an organisation between the marks
        else:
            if self.marks:
                yield from self.close()
            self.texts.append(token)
            if len(self.texts) > _MAX_PENDING:
                yield from self.close(keep_last=True)

    def _mark(self, token: _Token) -> None:
        if not self.texts:
            return  # marks without a paper, for instance a second date
        if self.marks is None:
            self.marks = _Marks()
            last, before = self.texts[-1], self.texts[:-1]
            in_marks = last.block == token.block or any(_is_running_text(held.text) for held in before[-2:])
            if before and in_marks and _is_organisation(last.text):
                self.texts.pop()
        self.mark_block = token.block
        if token.kind is _Kind.AUTHORS and (match := re.search(r"\d[\d,]*", token.text)):
            self.marks.authors = int(match[0].replace(",", "")[:9])
        elif token.kind is _Kind.DATE and self.marks.date is None and (match := _DATE.fullmatch(token.text)):
            self.marks.date = xsd_date(match["date"], page_year=self.context.page_year)

    def close(self, *, keep_last: bool = False) -> Iterator[Paper | Skipped]:
        """Make papers of the pending texts; the marks belong to the last of them."""
        marks, texts = self.marks or _Marks(), self.texts
        entries, strays = _pair([token.text for token in texts], marked=self.marks is not None)
        found: list[tuple[int, Paper | Skipped]] = []
        for index in strays:
            line, text = texts[index].line, texts[index].text
            # Right below the marks of the paper before stands its organisation.
            if texts[index].block != self.former_block or not _is_organisation(text):
                found.append((line, self.context.skipped(line, _stray(text))))
        self.texts, self.marks, self.former_block = [], None, self.mark_block
        # An abstract of a thousand paragraphs is none, and to look at it again with each further one takes forever.
        keep_last = keep_last and bool(entries) and len(texts) - entries[-1][0] <= _MAX_PENDING // 2
        if keep_last:
            self.texts = texts[entries.pop()[0] :]
        for start, paragraphs in entries:
            own = marks if start == entries[-1][0] and not keep_last else _Marks()
            draft = Draft(
                title=texts[start].text,
                abstract="\n".join(texts[index].text for index in paragraphs),
                author_count=own.authors,
                date=own.date,
            )
            found.append((texts[start].line, finish(draft, self.context, texts[start].line)))
        yield from (item for _, item in sorted(found, key=lambda pair: pair[0]))


def _pair(texts: list[str], *, marked: bool) -> tuple[list[tuple[int, list[int]]], list[int]]:
    """Group texts into papers: (position of the title, positions of the paragraphs); the rest are strays."""
    entries: list[tuple[int, list[int]]] = []
    strays: list[int] = []
    index, size = 0, len(texts)
    while index < size:
        text = texts[index]
        following = texts[index + 1] if index + 1 < size else ""
        after = texts[index + 2] if index + 2 < size else ""
        if len(text) > _MAX_TITLE or (entries and _continues(text, following)):
            # Running text where a title is due: another paragraph of the abstract before.
            entries[-1][1].append(index) if entries else strays.append(index)
            index += 1
        elif following and (
            _is_running_text(following) or not (_is_running_text(after) and len(after) > len(following))
        ):
            entries.append((index, [index + 1]))
            index += 2
        elif not following and marked:
            entries.append((index, []))
            index += 1
        else:
            strays.append(index)
            index += 1
    return entries, strays


def _continues(text: str, following: str) -> bool:
    """Whether ``text`` is one more paragraph of an abstract rather than the title of the abstract that follows."""
    if len(text) > _LONG and len(following) <= len(text):
        return True
    is_note = (
        text.casefold().startswith(("code", "project page", "our code", "http"))
        or "://" in text
        or _is_running_text(text)
    )
    return is_note and not (_is_running_text(following) and len(following) > len(text))


def _stray(text: str) -> str:
    start = text if len(text) <= 60 else f"{text[:57]}..."
    return f'a text that is neither title nor abstract of a paper: "{start}"'


def _read(source: Source, context: Context) -> Iterator[Paper | Skipped]:
    page = _Page(context)
    for token in _without_furniture(_tokens(source, context)):
        if isinstance(token, Skipped):
            yield token
        else:
            yield from page.take(token)
    yield from page.close()


READER = Reader("hf-page", "text of a Hugging Face Daily Papers page", _sniff, _read)
