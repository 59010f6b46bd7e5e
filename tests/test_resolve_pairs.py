"""The hand-made list of names that must and must not become one node."""

from __future__ import annotations

from collections import Counter

import pytest

from kg.vocabulary import default_gazetteer
from tests.names import Pair, merged, read_pairs

PAIRS = read_pairs()
# Errors of these kinds join what a reader would never forgive.
NEVER = ("version", "size")


@pytest.fixture(scope="module")
def wrong() -> list[Pair]:
    """The pairs that the resolver gets wrong."""
    gazetteer = default_gazetteer()
    return [pair for pair in PAIRS if merged(pair, gazetteer) != (pair.verdict == "same")]


def test_at_least_99_in_100_are_right(wrong: list[Pair]) -> None:
    assert 1 - len(wrong) / len(PAIRS) >= 0.99, "\n".join(map(str, wrong))


@pytest.mark.parametrize("half", ["tune", "held"])
def test_both_halves_are_right(wrong: list[Pair], half: str) -> None:
    size = sum(pair.half == half for pair in PAIRS)
    assert 1 - sum(pair.half == half for pair in wrong) / size >= 0.985


def test_every_error_is_known_and_none_is_of_version_or_size(wrong: list[Pair]) -> None:
    assert [str(pair) for pair in wrong if not pair.known] == []
    assert [str(pair) for pair in wrong if pair.kind in NEVER] == []


def test_known_errors_are_still_errors(wrong: list[Pair]) -> None:
    """A pair that has come right loses its note."""
    assert [str(pair) for pair in PAIRS if pair.known and pair not in wrong] == []


def test_list_is_large_and_of_both_kinds() -> None:
    verdicts = Counter(pair.verdict for pair in PAIRS)
    assert verdicts["same"] >= 150
    assert verdicts["different"] >= 150
    assert len({(pair.types, frozenset((pair.left, pair.right)), pair.how) for pair in PAIRS}) == len(PAIRS)
