"""The SPARQL 1.1 Protocol, query operation (W3C Recommendation of 21 March 2013), read-only."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import BinaryIO
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from kg.server.cache import Answer
from kg.server.context import Context, Limits
from kg.server.description import VOID_PATH, write
from kg.server.negotiate import Choice, Offer, choose, listed
from kg.server.problems import Refusal
from kg.server.worker import Asked
from kg.server.workers import Pool

ROWS = (
    Offer("json", ("application/sparql-results+json", "application/json")),
    Offer("xml", ("application/sparql-results+xml", "application/xml", "text/xml")),
    Offer("csv", ("text/csv",), charset=True),
    Offer("tsv", ("text/tab-separated-values",), charset=True),
)
"""Forms of the answers to SELECT and ASK."""

TRIPLES = (
    Offer("turtle", ("text/turtle",), charset=True),
    Offer("ntriples", ("application/n-triples",)),
    Offer("rdfxml", ("application/rdf+xml", "application/xml", "text/xml")),
    Offer("jsonld", ("application/ld+json", "application/json")),
)
"""Forms of the answers to CONSTRUCT and DESCRIBE, and of the service description."""

FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"
METHODS = ("GET", "HEAD", "POST", "OPTIONS")

_HTML = Offer("html", ("text/html", "application/xhtml+xml"))
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_FIELDS = 64
"""Parameters of a request that are read; more are an error."""
_PIECE = 64 * 1024
_WASTE = 4 * 1024 * 1024
"""Bytes of a body that are read although it is too long, so that the client gets to read the answer."""


class Endpoint:
    """The route ``/sparql``. ``query_page`` is where people without a query are sent, empty if there is none."""

    def __init__(self, context: Context, pool: Pool, query_page: str = "") -> None:
        self._context = context
        self._pool = pool
        self._query_page = query_page

    async def __call__(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            Refusal: it is not served.
        """
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": ", ".join(METHODS)})
        fields = await _fields(request, self._context.limits)
        if fields.get("update"):
            raise _read_only()
        queries = fields.get("query", [])
        if len(queries) > 1:
            raise Refusal(400, f"a request has one query; this one has {len(queries)}")
        if not queries:
            if request.method == "POST":
                raise Refusal(400, "the form has no field query")
            return self._description(request)
        return await self._answer(request, queries[0], fields)

    async def _answer(self, request: Request, query: str, fields: Mapping[str, list[str]]) -> Response:
        limits = self._context.limits
        if len(query.encode()) > limits.query:
            raise Refusal(413, f"the query is longer than {limits.query:,} bytes, the limit of this server")
        accept = request.headers.get("accept", "")
        rows, triples = choose(accept, ROWS), choose(accept, TRIPLES)
        if not rows and not triples:
            raise _unacceptable((*ROWS, *TRIPLES))
        asked = Asked(
            query,
            rows=rows.offer.name if rows else "",
            boolean=rows.offer.name if rows else "",
            triples=triples.offer.name if triples else "",
            default=tuple(fields.get("default-graph-uri", ())),
            named=tuple(fields.get("named-graph-uri", ())),
        )
        started = time.perf_counter()
        try:
            answer = await _unless_gone(request, self._pool, asked)
        except Refusal as refusal:
            if refusal.status == 406:
                raise _unacceptable(TRIPLES if refusal.detail == "triples" else ROWS) from None
            raise
        spent = (time.perf_counter() - started) * 1000
        chosen = triples if answer.kind == "triples" else rows
        assert chosen
        return self._response(answer, chosen, spent)

    def _response(self, answer: Answer, chosen: Choice, milliseconds: float) -> Response:
        headers = {
            "Content-Type": chosen.content_type,
            "Content-Length": str(answer.size),
            "Vary": "Accept",
            "Cache-Control": "no-cache",
            "Server-Timing": f"query;dur={milliseconds:.1f}",
        }
        if answer.file is None:
            return Response(answer.body, headers=headers)
        return _FileResponse(self._pool, answer.file, headers)

    def _description(self, request: Request) -> Response:
        accept = request.headers.get("accept", "")
        offers = (*TRIPLES, _HTML) if self._query_page else TRIPLES
        chosen = choose(accept, offers)
        if chosen is None:
            raise _unacceptable(offers)
        if chosen.offer is _HTML:
            return RedirectResponse(self._query_page, 303, {"Vary": "Accept"})
        if self._pool.opened is None:
            raise Refusal(503, "the graph is not open yet", {"Retry-After": "5"})
        endpoint = endpoint_of(request)
        has_void = (self._context.source / "void.ttl").is_file()
        body = write(endpoint, self._pool.opened, chosen.offer, has_void=has_void)
        headers = {"Content-Type": chosen.content_type, "Vary": "Accept", "Cache-Control": "no-cache"}
        if has_void:
            headers["Link"] = f'<{VOID_PATH}>; rel="describedby"'
        return Response(body, headers=headers)


class _FileResponse(StreamingResponse):
    """A large answer, which lies in a file; the file is closed however the sending ends."""

    def __init__(self, pool: Pool, file: BinaryIO, headers: Mapping[str, str]) -> None:
        super().__init__(_pieces(file), headers=headers)
        self._pool = pool
        self._file = file

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._pool.release(self._file)


def endpoint_of(request: Request) -> str:
    """Return the IRI of the endpoint as the client knows it.

    Raises:
        Refusal: the Host header is no name of a host.
    """
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise Refusal(400, "the Host header is not the name of a host")
    return f"{request.url.scheme}://{host}/sparql"


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await run_in_threadpool(file.read, _PIECE):
        yield piece


async def _unless_gone(request: Request, pool: Pool, asked: Asked) -> Answer:
    """Return the answer; stop the query when the client closes its connection."""
    work = asyncio.ensure_future(pool.answer(asked))
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return await work
    finally:
        gone.cancel()
        if not work.done():
            work.cancel()
            await asyncio.wait((work,))


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _fields(request: Request, limits: Limits) -> dict[str, list[str]]:
    """Return the parameters of a request: those of the address, and of a form."""
    fields = _parsed(request.scope["query_string"])
    if request.method != "POST":
        return fields
    content_type = request.headers.get("content-type", "")
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    if media_type == UPDATE:
        raise _read_only()
    if media_type not in (FORM, QUERY):
        sent = f"is of the type {media_type[:80]!r}" if media_type else "has no Content-Type"
        raise Refusal(415, f"the body {sent}; send {FORM} or {QUERY}", {"Accept-Post": f"{FORM}, {QUERY}"})
    charset = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", parameters, re.IGNORECASE)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        raise Refusal(415, f"the body is said to be in {charset[1][:40]!r}; send UTF-8")
    # A byte of a query may be written as three characters of a form.
    body = await _body(request, limits, limits.query if media_type == QUERY else 3 * limits.query + _PIECE)
    own = {"query": [_text(body)]} if media_type == QUERY else _parsed(body)
    return {name: [*fields.get(name, ()), *own.get(name, ())] for name in {**fields, **own}}


def _parsed(text: bytes) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
    except UnicodeError:
        raise Refusal(400, "a parameter is not UTF-8, percent-encoded") from None
    except ValueError:
        raise Refusal(400, f"there are more than {_FIELDS} parameters") from None
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the query is not UTF-8 (byte {error.start})") from None


async def _body(request: Request, limits: Limits, most: int) -> bytes:
    """Return the body of a request.

    Raises:
        Refusal: it has more than ``most`` bytes, or comes too slowly.
    """
    too_long = Refusal(413, f"the body has more than {most:,} bytes, the limit of this server", {"Connection": "close"})
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > _WASTE:
        raise too_long
    body = bytearray()
    size = 0
    try:
        async with asyncio.timeout(limits.patience):
            async for piece in request.stream():
                size += len(piece)
                if size <= most:
                    body += piece
                elif size > _WASTE:
                    break
    except TimeoutError:
        headers = {"Connection": "close"}
        raise Refusal(408, f"the body did not come within {limits.patience:g} seconds", headers) from None
    if size > most:
        raise too_long
    return bytes(body)


def _read_only() -> Refusal:
    return Refusal(403, "this server only answers questions; the graph is changed by building it again")


def _unacceptable(offers: Iterable[Offer]) -> Refusal:
    return Refusal(406, f"no form of the answer fits the Accept header; choose {listed(dict.fromkeys(offers))}")
