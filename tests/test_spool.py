"""Sorting beyond memory: the same as sorting in memory, whatever the limit."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import spool
from kg.spool import Spool, Table, collect

WORDS = st.lists(st.tuples(st.text(max_size=4), st.integers(-9, 9)), max_size=120)


def same(item: tuple[str, int]) -> tuple[str, int]:
    return item


@settings(max_examples=60, deadline=None)
@given(items=WORDS, limit=st.integers(1, 50))
def test_spool_sorts_like_sorted(items: list[tuple[str, int]], limit: int) -> None:
    spooled: Spool[tuple[str, int]] = Spool(same, same, tuple, limit=limit)  # type: ignore[arg-type]
    spooled.add(items)
    assert list(spooled) == sorted(items)


def test_many_runs_are_merged_in_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "FAN_IN", 3)
    spooled: Spool[int] = Spool(int, int, int, limit=2)
    spooled.add((n * 7919) % 1000 for n in range(100))
    assert list(spooled) == sorted((n * 7919) % 1000 for n in range(100))


def test_equal_keys_keep_all_items() -> None:
    spooled: Spool[tuple[str, int]] = Spool(lambda item: item[0], same, tuple, limit=3)  # type: ignore[arg-type]
    spooled.add([("a", n) for n in range(10)])
    assert sorted(spooled) == [("a", n) for n in range(10)]


def test_few_items_stay_in_memory_and_many_go_to_disk(tmp_path: Path) -> None:
    assert collect(range(5), int, int, limit=5) == (0, 1, 2, 3, 4)
    table = collect(range(2000), int, int, limit=5, folder=tmp_path)
    assert isinstance(table, Table)
    assert len(table) == 2000
    assert list(table) == list(table) == list(range(2000))
    assert 1999 in table
    assert table == tuple(range(2000))
    assert table != tuple(range(1999))
    assert not list(tmp_path.iterdir()), "the file has a name and would stay behind"


def test_table_is_read_by_several_at_once() -> None:
    table = collect(range(5000), int, int, limit=1)
    sums: list[int] = []
    readers = [threading.Thread(target=lambda: sums.append(sum(table))) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert sums == [sum(range(5000))] * 4


def test_lone_surrogates_survive() -> None:
    table = collect(["a\ud800", "b"], str, str, limit=0)
    assert list(table) == ["a\ud800", "b"]
