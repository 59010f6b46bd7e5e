"""Refusals: a status and a line that says what is wrong, as plain text or as JSON (RFC 9457)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from kg.server.negotiate import Offer, choose

_TEXT = Offer("text", ("text/plain", "text/html"), charset=True)
_JSON = Offer(
    "json",
    ("application/problem+json", "application/json", "application/sparql-results+json", "application/ld+json"),
)
_PLACE = re.compile(r"\bline (\d+), column (\d+)\b")


class Refusal(Exception):  # noqa: N818 - an answer, not a failure
    """A request that is not served.

    ``status`` is the HTTP status, ``detail`` one line for people, ``headers`` go with it.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = " ".join(detail.split())
        self.headers = dict(headers or {})


def problem(request: Request, refusal: Refusal) -> Response:
    """Return the answer that tells a client of a refusal, in the form that it takes; text when it takes neither."""
    chosen = choose(request.headers.get("accept", ""), (_TEXT, _JSON))
    headers = {"Cache-Control": "no-store", "Vary": "Accept", **refusal.headers}
    if chosen is None or chosen.offer is _TEXT:
        return _response(refusal.status, f"{refusal.detail}\n".encode("utf-8", "replace"), "text/plain", headers)
    body: dict[str, object] = {
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": refusal.detail,
    }
    place = _PLACE.search(refusal.detail)
    if place:
        body |= {"line": int(place[1]), "column": int(place[2])}
    plain = chosen.content_type == "application/json"
    kind = "application/json" if plain else "application/problem+json"
    return _response(refusal.status, f"{json.dumps(body, ensure_ascii=True)}\n".encode(), kind, headers)


def _response(status: int, body: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    if media_type == "text/plain":
        media_type = "text/plain; charset=utf-8"
    return Response(body, status, {**headers, "Content-Type": media_type})
