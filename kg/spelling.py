"""Typing errors: how far two names are from each other, and what one error makes of a word."""

from __future__ import annotations

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def tolerance(length: int) -> int:
    """Return how many typing errors a name of this length may have: none below 4 signs, then 1, from 7 on 2.

    The steps of the fuzziness AUTO of Elasticsearch, moved up by one sign: names of three letters are too close.
    """
    return 0 if length < 4 else 1 if length < 7 else 2


def edits(word: str) -> list[str]:
    """Return what one typing error makes of a word: a sign less, two swapped, one changed, one more; sorted.

    >>> "imagenet" in edits("imagnet"), "bert" in edits("bret")
    (True, True)
    """
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    made = {a + b[1:] for a, b in splits if b}
    made.update(a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1)
    made.update(a + sign + b[1:] for a, b in splits if b for sign in _ALPHABET)
    made.update(a + sign + b for a, b in splits for sign in _ALPHABET)
    return sorted(made - {word, ""})


def distance(a: str, b: str, most: int) -> int:
    """Return the optimal string alignment distance, or ``most + 1`` where it is larger.

    >>> distance("imagnet", "imagenet", 2), distance("bret", "bert", 2), distance("bert", "gpt", 2)
    (1, 1, 3)
    """
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, sign in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (sign != other))
            if i > 1 and j > 1 and sign == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)
