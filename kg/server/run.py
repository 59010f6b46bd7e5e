"""Runs the application on a socket, patiently but not for ever, and stops it in order."""

from __future__ import annotations

import asyncio
import logging
import math
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kg.errors import InputError
from kg.server.app import create_app
from kg.server.context import Context, Limits, context_of
from kg.server.middleware import LineFormatter
from kg.server.workers import Pool

LOG = logging.getLogger("kg.server")

_HEAD = 64 * 1024
"""Bytes that the first line and the headers of a request may have."""
_CONNECTIONS = 512
"""Connections beyond this are told that the server is busy."""
_IDLE = 15
"""Seconds a connection may stay open between two requests."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that does not wait for ever: not for a request to arrive, nor for a client to take its answer.

    The library's own limits begin behind the first request.
    """

    patience = 20.0
    _head: asyncio.TimerHandle | None = None
    _drain: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head = self.loop.call_later(self.patience, self._head_missing)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._cancel_head()
        elif self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(self.patience, self._head_missing)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_head()
        if self._drain:
            self._drain.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._drain = self.loop.call_later(self.patience, self._not_taken)

    def resume_writing(self) -> None:
        if self._drain:
            self._drain.cancel()
            self._drain = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            self._not_taken()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        self._refuse(status, f"{error or msg}")

    def _head_missing(self) -> None:
        if not self.transport.is_closing():
            self._refuse(408, "the request did not arrive in time")

    def _refuse(self, status: int, reason: str) -> None:
        """Answer a request that never became one, and close the connection."""
        LOG.info("%s - - %d %s", self.client[0] if self.client else "-", status, reason[:200])
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = f"{' '.join(reason.split())}\n".encode("ascii", "replace")
            headers = [
                (b"Content-Type", b"text/plain; charset=utf-8"),
                (b"Content-Length", str(len(body)).encode()),
                (b"X-Content-Type-Options", b"nosniff"),
                (b"Connection", b"close"),
            ]
            events: tuple[Any, ...] = (
                h11.Response(status_code=status, headers=headers, reason=b""),
                h11.Data(data=body),
                h11.EndOfMessage(),
            )
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self.loop.call_later(1, self.transport.abort)

    def _not_taken(self) -> None:
        LOG.info("%s - - the client does not take its answer; closed", self.client[0] if self.client else "-")
        self.transport.abort()

    def _cancel_head(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None


class _Server(uvicorn.Server):
    """A server that ends without an error on a signal, and tells ``on_stop`` of the first."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        former = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._on_stop()
        super().handle_exit(sig, frame)


def serve(
    source: Path,
    limits: Limits,
    host: str,
    port: int,
    *,
    announce: Callable[[str], None],
    quiet: bool = False,
    debug: bool = False,
) -> None:
    """Serve a built folder or RDF file until SIGINT or SIGTERM; running queries then end first, or at their limit.

    Args:
        port: 0 for any that is free.
        announce: is told the address when the server listens.
        quiet: log warnings only.

    Raises:
        InputError: there is no graph, or the address cannot be used.
    """
    _log_to_stderr(quiet)
    context = context_of(source, limits)
    with _listen(host, port) as listener:
        asyncio.run(_serve(context, listener, host, announce, debug))


async def _serve(
    context: Context, listener: socket.socket, host: str, announce: Callable[[str], None], debug: bool
) -> None:
    limits = context.limits
    pool = Pool(context.source, limits)
    loop = asyncio.get_running_loop()
    try:
        await pool.start()
        protocol = type("Protocol", (PatientProtocol,), {"patience": limits.patience})
        config = uvicorn.Config(
            create_app(context, pool, debug=debug),
            http=protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=_IDLE,
            timeout_graceful_shutdown=math.ceil(limits.seconds + 1),
            h11_max_incomplete_event_size=_HEAD,
        )

        def stop() -> None:
            loop.call_soon_threadsafe(pool.drain)

        server = _Server(config, stop)
        shown = f"[{host}]" if ":" in host else host
        announce(f"http://{shown}:{listener.getsockname()[1]}/")
        await server.serve(sockets=[listener])
    finally:
        await pool.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # Named, because asyncio sends small packets at once only where a socket says that it is TCP.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{host}:{port}: cannot be served at ({reason}); choose another --host or --port") from error
    return listener


def _log_to_stderr(quiet: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    for name, level in (("kg.server", logging.WARNING if quiet else logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
