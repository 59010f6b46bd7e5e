"""Whatever bytes come in, readers yield papers and reports, or one clear error; never anything else.

What must hold is in fuzz/target.py, so that these tests and the fuzzer mean the same.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.mutations import mutate
from fuzz.run import seeds
from fuzz.target import check_any, check_reader
from kg.model import Paper
from kg.readers import FAULT, READERS, Reader, Skipped, read
from kg.readers.base import Context
from kg.readers.records import FIELDS
from kg.readers.source import Source

SEEDS = [path.read_bytes() for path in seeds()]

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
    check_reader(reader, mark.join(data).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@given(records=st.lists(RECORDS | VALUES, max_size=4), lined=st.booleans())
@settings(max_examples=40, deadline=None)
def test_every_reader_on_json_of_any_shape(reader: Reader, records: list[Any], lined: bool) -> None:
    text = "\n".join(map(json.dumps, records)) if lined else json.dumps(records)
    check_reader(reader, text.encode())


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


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@given(data=st.sampled_from(SEEDS), generator=st.randoms(use_true_random=False), steps=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_every_reader_on_files_damaged_by_format(
    reader: Reader, data: bytes, generator: random.Random, steps: int
) -> None:
    check_reader(reader, mutate(data, generator, steps=steps))


@given(data=st.sampled_from(SEEDS), generator=st.randoms(use_true_random=False), steps=st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_recognised_files_damaged_by_format(data: bytes, generator: random.Random, steps: int) -> None:
    check_any(mutate(data, generator, steps=steps))


def test_mutations_change_the_data_and_keep_its_size() -> None:
    generator = random.Random(5)
    for data in SEEDS:
        damaged = {mutate(data, generator, steps=2, limit=20_000) for _ in range(20)}
        assert len(damaged) > 10
        assert max(map(len, damaged)) <= 20_000


def test_a_fault_of_a_reader_costs_its_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(source: Source, context: Context) -> Iterator[Paper | Skipped]:
        yield Paper("First", places=(context.place(1),))
        raise KeyError("a\nfault")

    broken = Reader("broken", "broken", lambda sample: 1.0 if sample.text.startswith("broken") else 0.0, faulty)
    monkeypatch.setattr("kg.readers.READERS", (*READERS, broken))
    (tmp_path / "a.txt").write_text("broken")
    (tmp_path / "b.jsonl").write_text('{"title": "Second"}')
    first, skipped, second = read([tmp_path])
    assert [item.title for item in (first, second) if isinstance(item, Paper)] == ["First", "Second"]
    assert isinstance(skipped, Skipped)
    assert skipped.reason.startswith(FAULT)
    assert "KeyError" in skipped.reason
    with pytest.raises(AssertionError, match="please report it"):
        check_any(b"broken")
