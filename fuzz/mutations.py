"""Damage that knows formats: values of JSON change their type and place, tags and brackets get lost, lines move.

A mutation takes the bytes of a sound file and a source of randomness and returns bytes that are nearly sound: they get
past the recognition of the format and into the reader. Hypothesis and libFuzzer both use them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

Mutation = Callable[[str, Random], str]

MAX_SIZE = 1 << 16
"""Bytes that a mutation may return."""

KEYS = (
    "title", "abstract", "authors", "author", "date", "year", "id", "doi", "url", "venue", "name", "given", "family",
    "paper", "summary", "publishedAt", "paperId", "externalIds", "ArXiv", "abstract_inverted_index", "authorships",
    "display_name", "ids", "locations", "primary_location", "source", "results", "data", "authors_parsed", "versions",
    "created", "update_date", "submitter", "hidden", "citedPaper", "journal", "journal-ref", "landing_page_url",
)  # fmt: skip

SIGNS = (
    "\x00", "\u2028", "\u2029", "\x85", "\ufeff", "\ud800", "\udfff", "\u202e", "\u200b", "\ufffe", "\U0001f600",
    "\x1b", "\xa0", "\r", "\r\n", "\n\n", "\t", "\\", "'", '"', '""', "{", "}", "[", "]", "<", ">", "&", "@", "#", ",",
    ":", ";", "|", "$", "%", "·", "~",
)  # fmt: skip

WORDS = (
    "TY  - JOUR", "ER  - ", "T1  - ", "AU  - ", "AB  - ", "PY  - ", "@article{a,", "@string{a = \"b\"}", "@comment{",
    "title = {", "author = {A and B and others}", "month = jan # \"~1\"", "{\\\"o}", "\\H{o}", "{\\ss}",
    "title\tabstract", "<entry>", "</entry>", "<front>", "</front>", "<article-meta>", "<teiHeader>", "</teiHeader>",
    "<![CDATA[",
    "]]>", "<!--", "-->", "<!DOCTYPE x [<!ENTITY a \"b\">]>", "&a;", "&nbsp;", "&#0;", "&#xd800;", "&amp;lt;b&amp;gt;",
    "<?xml version='1.0' encoding='utf-16'?>", "<a:b>", "<tex-math>", "<sub>", "6 authors", "Nov 12, 2024 2", "29 Feb",
    "2023-02-29", "byAK and the research community", "10.1000/", "arXiv:2401.00001v2", "https://doi.org/10.1/x",
    "9" * 400, "-1", "1e999", "NaN", "null",
)  # fmt: skip


def mutate(data: bytes, random: Random, *, steps: int = 1, limit: int = MAX_SIZE) -> bytes:
    """Return ``data`` after ``steps`` mutations that suit its format, at most ``limit`` bytes of it."""
    text = data.decode("utf-8", "surrogateescape")
    for _ in range(steps):
        text = random.choice(_suitable(text))(text, random)[:limit]
    try:
        return text.encode("utf-8", "surrogateescape")[:limit]
    except UnicodeEncodeError:  # surrogates of our own
        return text.encode("utf-8", "surrogatepass")[:limit]


def _suitable(text: str) -> tuple[Mutation, ...]:
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "["):
        return (*_JSON, *_TEXT)
    return (*_XML, *_TEXT) if start == "<" else _TEXT


def _number(random: Random) -> float | int:
    return random.choice((0, -1, 1, 10**18, -(10**40), 10**400, 0.5, 1e308, float("inf"), float("nan"), 2024, 20240229))


def _nested(random: Random) -> Any:
    value: Any = "deep"
    for _ in range(random.choice((2, 30, 300))):
        value = [value] if random.random() < 0.5 else {random.choice(KEYS): value}
    return value


def _odd_value(random: Random) -> Any:
    return random.choice(
        (
            lambda: None,
            lambda: random.random() < 0.5,
            lambda: _number(random),
            lambda: random.choice((*WORDS, *SIGNS)),
            lambda: random.choice(SIGNS) * random.choice((1, 40, 2000)),
            lambda: str(_number(random)),
            list,
            dict,
            lambda: _nested(random),
            lambda: [_number(random), None, "x", {}],
            lambda: {random.choice(KEYS): _number(random), "": None},
        )
    )()


def _json_value(text: str, random: Random) -> str:
    """Change one value, one key or one place within the tree."""
    lines = text.split("\n")
    chosen = random.randrange(len(lines))
    try:
        whole = text.lstrip("\ufeff")
        tree = json.loads(whole)
    except (ValueError, RecursionError):
        try:
            tree, whole = json.loads(lines[chosen]), ""
        except (ValueError, RecursionError):
            return _insert(text, random)
    tree = _changed(tree, random)
    try:
        written = json.dumps(tree, ensure_ascii=random.random() < 0.5, indent=random.choice((None, None, 0, 1)))
    except RecursionError:
        return text
    return written if whole else "\n".join([*lines[:chosen], written, *lines[chosen + 1 :]])


def _changed(tree: Any, random: Random) -> Any:
    places: list[tuple[Any, Any]] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict | list):
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            places += ((node, key) for key in keys)
            stack += (node[key] for key in keys)
    if not places:
        return _odd_value(random)
    node, key = random.choice(places)
    other, other_key = random.choice(places)
    kind = random.randrange(6)
    if kind == 0:
        node[key] = [node[key]]
    elif kind == 1:
        node[key] = _copy(other[other_key])
    elif kind == 2 and isinstance(node, dict):
        node[random.choice(KEYS)] = node.pop(key)
    elif kind == 3:
        del node[key]
    elif kind == 4 and isinstance(node[key], list) and node[key]:
        node[key] = node[key][0] if random.random() < 0.5 else node[key] * random.choice((2, 20))
    else:
        node[key] = _odd_value(random)
    return tree


def _copy(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value))
    except (ValueError, RecursionError):
        return None


def _duplicate_key(text: str, random: Random) -> str:
    found = [*re.finditer(r'"(\w{1,40})"\s*:', text)]
    if not found:
        return _insert(text, random)
    match = random.choice(found)
    value = json.dumps(_odd_value(random))
    return f"{text[: match.start()]}{match[0]} {value}, {text[match.start() :]}"


def _tag(text: str, random: Random) -> str:
    """Lose, double, rename or misplace a tag."""
    found = [*re.finditer(r"<[^<>]{1,200}>", text)]
    if not found:
        return _insert(text, random)
    match, other = random.choice(found), random.choice(found)
    new = random.choice(
        ("", match[0] * 2, match[0] * 300, other[0], f"<!--{match[0]}", f"<![CDATA[{match[0]}", "<x>" * 300)
    )
    return text[: match.start()] + new + text[match.end() :]


def _insert(text: str, random: Random) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice((*SIGNS, *WORDS)) * random.choice((1, 1, 1, 3, 500)) + text[at:]


def _lose(text: str, random: Random) -> str:
    found = [*re.finditer(r"[{}\[\]()<>\"',:;=@\n\t-]", text)]
    if not found:
        return _insert(text, random)
    match = random.choice(found)
    return text[: match.start()] + text[match.end() :]


def _cut(text: str, random: Random) -> str:
    start = random.randrange(len(text) + 1)
    return text[:start] + text[start + random.choice((1, 5, 50, 5000)) :]


def _lines(text: str, random: Random) -> str:
    """Move, double, drop or join lines."""
    lines = text.split("\n")
    first, second = random.randrange(len(lines)), random.randrange(len(lines))
    kind = random.randrange(4)
    if kind == 0:
        lines[first], lines[second] = lines[second], lines[first]
    elif kind == 1:
        lines[first:first] = [lines[second]] * random.choice((1, 1, 100))
    elif kind == 2:
        del lines[first]
    else:
        lines[first : first + 2] = [" ".join(lines[first : first + 2])]
    return "\n".join(lines)


def _repeat(text: str, random: Random) -> str:
    """Repeat a stretch many times: what is matched again and again shows in the time."""
    start = random.randrange(len(text) + 1)
    stretch = text[start : start + random.choice((1, 2, 4, 16))]
    return text[:start] + stretch * random.choice((10, 1000, 10_000)) + text[start:]


_TEXT: tuple[Mutation, ...] = (_insert, _lose, _cut, _lines, _repeat)
_JSON: tuple[Mutation, ...] = (_json_value, _json_value, _json_value, _duplicate_key)
_XML: tuple[Mutation, ...] = (_tag, _tag, _tag)
