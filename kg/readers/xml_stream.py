"""Reading of XML record by record.

The text is cut at the tags of the records and each record is parsed on its own. So a broken record costs no other one,
memory holds one record, and no document type ever reaches the parser: there is nothing to expand or to fetch.
"""

from __future__ import annotations

import codecs
import html
import html.entities
import re
from collections.abc import Iterator
from typing import IO, Any

from lxml import etree

from kg.readers.base import Context, Skipped
from kg.readers.source import Source

MAX_RECORD = 1 << 23
"""Characters beyond which a record is passed over."""

_CHUNK = 1 << 16
_MAX_TAG = 1 << 12
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|&#(?:x0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F])|0*(?:[0-8]|1[124-9]|2\\d|3[01]));"
)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9.-]*);")
_NO_CHARACTER_SETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7"})
_PREDEFINED = frozenset({"amp", "lt", "gt", "quot", "apos"})
_PREFIX = re.compile(r"(?:</?|\s)([A-Za-z_][\w.-]*):[A-Za-z_]")
_CLOSINGS: dict[str | None, str] = {"comment": "-->", "cdata": "]]>"}
_BLOCKS = frozenset(
    {"p", "title", "head", "sec", "div", "list", "list-item", "item", "lb", "break", "disp-formula", "label"}
)


def elements(
    source: Source, tag: str, context: Context, limit: int = MAX_RECORD
) -> Iterator[tuple[int, Any] | Skipped]:
    """Yield each element with the local name ``tag`` and its line; a broken one is reported.

    Elements of that name must not lie within each other.
    """
    for line, record in _cut(_decoded(source), tag, limit):
        if isinstance(record, _Fault):
            yield context.skipped(line, record.reason)
            continue
        try:
            yield line, _parse(record)
        except (etree.XMLSyntaxError, ValueError) as error:
            reason = " ".join(str(getattr(error, "msg", error)).split())[:200]
            at = line + max(getattr(error, "lineno", None) or 1, 1) - 1
            yield context.skipped(
                line, f"broken XML (line {at}): {re.sub(r', line [0-9]+, column [0-9]+.*', '', reason)}"
            )


def text_of(element: Any) -> str:
    """Return the text in ``element`` (empty if it is None), inner markup flattened and paragraphs set apart.

    Of formulas given twice, as MathML and in TeX, the latter is taken.
    """
    if element is None:
        return ""
    parts: list[str] = []
    _collect(element, parts)
    return "".join(parts)


def local(element: Any) -> str:
    """Return the name of ``element`` without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def child(element: Any, *path: str) -> Any:
    """Return the first descendant reached over these local names, or None."""
    for name in path:
        if element is None:
            return None
        element = next((inner for inner in element if local(inner) == name), None)
    return element


def children(element: Any, name: str) -> list[Any]:
    """Return the children of ``element`` (none if it is None) with this local name."""
    return [] if element is None else [inner for inner in element if local(inner) == name]


class _Fault:
    def __init__(self, reason: str) -> None:
        self.reason = reason


def _too_long(limit: int) -> _Fault:
    return _Fault(f"a record longer than {limit:,} characters is passed over")


def _decoded(source: Source) -> IO[str]:
    declared = _DECLARED.match(source.head)
    if declared and source.encoding == "utf-8":
        name = declared[1].decode("ascii")
        if _extends_ascii(name):
            return source.text(name)
    return source.text()


def _extends_ascii(name: str) -> bool:
    """Tell whether an encoding that a file declares can be true of a file in which the declaration could be read."""
    try:
        codec = codecs.lookup(name).name.replace("_", "-")
        return codec not in _NO_CHARACTER_SETS and "<?a>".encode(name) == b"<?a>"
    except (LookupError, UnicodeError, ValueError):
        return False


def _cut(stream: IO[str], tag: str, limit: int) -> Iterator[tuple[int, str | _Fault]]:
    """Yield the text from each start tag to its end tag, with the line of the start tag."""
    # One sign first: the search for it alone is many times quicker than for the alternatives.
    mark = re.compile(
        rf"<(?:(?P<comment>!--)|(?P<cdata>!\[CDATA\[)|(?P<end>/(?:[\w.-]+:)?{tag}\s*>)"
        rf"|(?P<start>(?:[\w.-]+:)?{tag}(?=[\s>/])))"
    )
    buffer, start, cursor, ended = "", -1, 0, False
    line, counted = 1, 0  # the line of the offset up to which lines were counted: each is counted once
    without = dict.fromkeys(_CLOSINGS, 0)  # offsets before which no closing mark lies: it is sought once

    def line_of(offset: int) -> int:
        nonlocal line, counted
        line += buffer.count("\n", counted, offset)
        counted = offset
        return line

    while True:
        found = mark.search(buffer, cursor)
        kind = found.lastgroup if found else None
        if found and kind in _CLOSINGS:
            close = buffer.find(_CLOSINGS[kind], max(found.end(), without[kind]))
            if close >= 0:
                cursor = close + 3
                continue
            without[kind] = len(buffer) - 2
            if ended or len(buffer) - found.start() > limit:
                cursor = found.end()  # no comment is that long: it has no end, so what follows is read as usual
                continue
            safe = found.start()
        elif found:
            cursor = found.end()
            if kind == "end" and start >= 0:
                yield line_of(start), buffer[start:cursor] if cursor - start <= limit else _too_long(limit)
                start = -1
            elif kind == "start":
                if start >= 0:
                    yield line_of(start), _Fault(f"broken XML: <{tag}> has no end before the next one starts")
                start = found.start()
            continue
        else:
            # A mark may straddle the end of the buffer.
            safe = max(
                cursor, len(buffer) - _MAX_TAG if start < 0 else buffer.rfind("<", max(cursor, len(buffer) - _MAX_TAG))
            )
        if start >= 0 and len(buffer) - start > limit:
            yield line_of(start), _too_long(limit)
            start = -1
        if ended:
            if start >= 0:
                yield line_of(start), _Fault(f"broken XML: <{tag}> has no end; the file is cut off")
            return
        cut = start if start >= 0 else min(safe, max(cursor, len(buffer) - limit))
        line_of(cut)
        more = stream.read(max(_CHUNK, len(buffer) - cut))
        buffer, counted, ended = buffer[cut:] + more, 0, not more
        cursor, start = max(safe, cut) - cut, 0 if start >= 0 else -1
        without = {mark_: max(0, offset - cut) for mark_, offset in without.items()}


def _parse(record: str) -> Any:
    """Parse the text of one element.

    Raises:
        etree.XMLSyntaxError: it is not well-formed.
    """
    record = _ENTITY.sub(_known_entity, _FORBIDDEN.sub(" ", record))
    prefixes = sorted(set(_PREFIX.findall(record)) - {"xml", "xmlns"})
    # Namespaces are declared around the record, out of sight, and names are compared without them anyway.
    wrapper = "".join(f' xmlns:{prefix}="urn:x-prefix:{prefix}"' for prefix in prefixes)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    return etree.fromstring(f"<record{wrapper}>{record}</record>", parser)[0]


def _known_entity(match: re.Match[str]) -> str:
    if match[1] in _PREDEFINED:
        return match[0]
    return html.escape(html.entities.html5.get(f"{match[1]};", match[0]))


def _collect(element: Any, parts: list[str]) -> None:
    if element.text:
        parts.append(element.text)
    has_tex = any(local(inner) == "tex-math" for inner in element)
    for inner in element:
        name = local(inner)
        if name == "tex-math":
            parts.append(_formula(inner.text or ""))
        elif name and not (name == "math" and has_tex):
            block = name in _BLOCKS
            parts.append(" " if block else "")
            _collect(inner, parts)
            # A heading within an abstract ("Methods") would otherwise run into the sentence after it.
            heading = name in ("title", "head") and parts[-1].strip() and parts[-1].rstrip()[-1] not in ".:?!"
            parts.append(": " if heading else " " if block else "")
        if inner.tail:
            parts.append(inner.tail)


def _formula(tex: str) -> str:
    """Return the formula within a TeX document, or the text itself when it is no document."""
    body = tex.partition("\\begin{document}")[2].partition("\\end{document}")[0] or tex
    return body.replace("$$", "$").strip()
