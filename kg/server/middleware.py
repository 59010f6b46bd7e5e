"""What holds for every request: a line in the log, headers that keep browsers careful, one line for an error."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg.server.problems import Refusal, problem

LOG = logging.getLogger("kg.server")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer that does not bring its own."""

# Controls end lines or command terminals, separators end lines for some readers, bidi marks turn text around.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHOWN = 300
"""Characters of an address, or of the reason of a refusal, that a line of the log shows."""


def printable(text: str) -> str:
    r"""Return text of others as a part of one line of a log.

    >>> printable("a\nb")
    'a\\x0ab'
    """
    return _UNSAFE.sub(lambda match: _escape(ord(match.group())), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


class LineFormatter(logging.Formatter):
    """Formats a record as one line, whatever its message holds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback, where there is one, stands on lines of its own."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        line = f"{moment} {level}{printable(record.getMessage())}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class Guard:
    """Wraps the application: logs each request, adds headers, and turns an unforeseen error into an answer 500."""

    def __init__(self, app: ASGIApp, debug: bool = False) -> None:
        self._app = app
        self._debug = debug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        seen: MutableMapping[str, Any] = {"status": 0, "bytes": 0}

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            elif message["type"] == "http.response.body":
                seen["bytes"] += len(message.get("body", b""))
            await send(message)

        error = ""
        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            error = "the client went away"
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
            if self._debug:
                LOG.exception("a request failed")
            if seen["status"]:
                raise
            refusal = Refusal(500, "the server failed to answer; its log says why")
            await problem(Request(scope), refusal)(scope, receive, watched)
        finally:
            _log(scope, seen, (time.perf_counter() - started) * 1000, error)


def _log(scope: Scope, seen: MutableMapping[str, Any], milliseconds: float, error: str) -> None:
    client = (scope.get("client") or ("-",))[0]
    address = (scope.get("raw_path") or scope["path"].encode("utf-8", "replace")) + (
        b"?" + scope["query_string"] if scope["query_string"] else b""
    )
    shown = address.decode("latin-1")
    note = error or scope.get("kg.refusal", "")
    agent = Headers(scope=scope).get("user-agent", "-")[:80]
    LOG.info(
        "%s %s %s %s %dB %.0fms %s%s",
        client,
        scope["method"],
        shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}...",
        seen["status"] or "-",
        0 if scope["method"] == "HEAD" else seen["bytes"],
        milliseconds,
        f'"{agent}"',
        f" {note[:_SHOWN]}" if note else "",
    )
