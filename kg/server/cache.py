"""Answers given before: a graph does not change between two builds, and the same questions are asked often."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import BinaryIO

from kg.server.worker import Asked

# Functions with another value each time, wherever the word stands: to leave an answer out costs little.
_VOLATILE = re.compile(r"\b(?:RAND|UUID|STRUUID|NOW|BNODE)\s*\(", re.IGNORECASE)
_SHARE = 8
"""An answer takes at most one part in so many of the space."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query: ``body``, or ``file`` with ``size`` bytes. ``count`` is its number of rows or triples."""

    kind: str
    count: int
    size: int
    body: bytes
    file: BinaryIO | None = None


class AnswerCache:
    """The answers given last, as many as ``size`` bytes hold; those asked for longest ago go first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = 0
        self._answers: OrderedDict[Asked, Answer] = OrderedDict()

    def get(self, asked: Asked) -> Answer | None:
        """Return the answer to the same query in the same form, if it is known."""
        answer = self._answers.get(asked)
        if answer is not None:
            self._answers.move_to_end(asked)
        return answer

    def put(self, asked: Asked, answer: Answer) -> None:
        """Keep an answer, unless it is large or would be another one next time."""
        cost = _cost(asked, answer)
        if answer.file is not None or cost * _SHARE > self._size or _VOLATILE.search(asked.query):
            return
        former = self._answers.pop(asked, None)
        self._used += cost - (_cost(asked, former) if former else 0)
        self._answers[asked] = answer
        while self._used > self._size:
            self._used -= _cost(*self._answers.popitem(last=False))

    def clear(self) -> None:
        """Forget all answers: the graph is another."""
        self._answers.clear()
        self._used = 0


def _cost(asked: Asked, answer: Answer) -> int:
    # A character of a query takes at most four bytes; the rest is what the objects take.
    return len(answer.body) + 4 * len(asked.query) + 1024
