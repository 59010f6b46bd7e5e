"""What the readers of JSON formats share: walking over the records of a file and finishing each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kg.model import Paper
from kg.readers.base import Context, Skipped
from kg.readers.fields import Draft, finish
from kg.readers.json_stream import Problem, json_values
from kg.readers.source import Source


def read_json(
    source: Source, context: Context, convert: Callable[[Mapping[str, Any]], Draft]
) -> Iterator[Paper | Skipped]:
    """Yield the papers of a JSON file; ``convert`` takes one record apart."""
    for line, value in json_values(source.text()):
        if isinstance(value, Problem):
            yield context.skipped(line, value.reason)
        elif not isinstance(value, dict):
            yield context.skipped(line, f"the record is {_kind(value)} where an object is expected")
        else:
            yield finish(convert(value), context, line)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return {list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number")
