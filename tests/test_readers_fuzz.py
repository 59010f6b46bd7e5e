"""Whatever bytes come in, readers yield papers and reports, or one clear error; never anything else."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import InputError
from kg.model import Paper
from kg.readers import READERS, Reader, Skipped, deduplicate, read
from kg.readers.base import Context
from kg.readers.records import FIELDS
from kg.readers.source import UnreadableError, open_source

CASES = sorted((Path(__file__).parent / "cases" / "readers").glob("*/*"))
SEEDS = [path.read_bytes() for path in CASES if path.name != "expected.json"]

WORDS = [
    "TY  - JOUR",
    "ER  - ",
    "T1  - ",
    "AU  - ",
    "@article{a,",
    "title = {",
    "}",
    "title\tabstract",
    "title,abstract",
    '"',
    "<entry>",
    "</entry>",
    "<front>",
    "<article-meta>",
    "</front>",
    "<teiHeader>",
    "</teiHeader>",
    "<![CDATA[",
    "<!--",
    "-->",
    "6 authors",
    "·",
    "Nov 12, 2024 2",
    "Title of a Paper",
    "byAK and the research community",
    '{"title": "x"}',
    '{"results": [',
    "]",
    '{"paper": {',
    "&nbsp;",
    "&#0;",
    "<a:b>",
    "{",
    "$",
    "",
    "",
]
WORDS += ["\u2028", "\x00", "\ufeff", "\ud800", "\\", "A long abstract. " * 20]

KEYS = sorted(
    {name for names in FIELDS.values() for name in names}
    | {
        "paper",
        "summary",
        "publishedAt",
        "paperId",
        "externalIds",
        "abstract_inverted_index",
        "authorships",
        "ids",
        "locations",
        "results",
    }
    | {
        "primary_location",
        "authors_parsed",
        "versions",
        "update_date",
        "submitter",
        "hidden",
        "given",
        "family",
        "citedPaper",
        "data",
    }
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(WORDS)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
RECORDS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8)


def check(data: bytes, reader: Reader) -> None:
    try:
        source = open_source(io.BytesIO(data))
        found = list(reader.read(source, Context("fuzz", reader.name)))
    except UnreadableError:
        return
    check_items(found)


def check_items(found: list[Paper | Skipped]) -> None:
    for item in found:
        assert isinstance(item, Paper | Skipped)
        if isinstance(item, Paper):
            assert item.title
            for text in (item.title, item.abstract, *item.authors, *item.identifiers, item.url or "", item.venue or ""):
                text.encode("utf-8")
                assert "\n" not in text
        else:
            assert item.reason
            assert "\n" not in item.reason
    papers = [item for item in found if isinstance(item, Paper)]
    assert len(deduplicate(papers)) <= len(papers)


def check_any(data: bytes) -> None:
    message = ""
    try:
        check_items(list(read(["-"], stdin=io.BytesIO(data))))
    except InputError as error:
        message = str(error)
    assert "\n" not in message


@given(data=st.binary(max_size=300))
@settings(deadline=None)
def test_random_bytes(data: bytes) -> None:
    check_any(data)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@given(
    data=st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=30),
    mark=st.sampled_from(["\n", "\n\n", " ", ""]),
)
@settings(max_examples=40, deadline=None)
def test_every_reader_on_text_of_any_format(reader: Reader, data: list[str], mark: str) -> None:
    check(mark.join(data).encode("utf-8", "surrogatepass"), reader)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@given(records=st.lists(RECORDS | VALUES, max_size=4), lined=st.booleans())
@settings(max_examples=40, deadline=None)
def test_every_reader_on_json_of_any_shape(reader: Reader, records: list[Any], lined: bool) -> None:
    text = "\n".join(map(json.dumps, records)) if lined else json.dumps(records)
    check(text.encode(), reader)


@given(
    data=st.sampled_from(SEEDS),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), st.binary(max_size=4)), min_size=1, max_size=4),
)
@settings(max_examples=150, deadline=None)
def test_damaged_files(data: bytes, cuts: list[tuple[float, int, bytes]]) -> None:
    for where, length, inserted in cuts:
        at = int(where * len(data))
        data = data[:at] + inserted + data[at + length :]
    check_any(data)
