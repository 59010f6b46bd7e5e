"""The application: its routes, and the pool of workers behind them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

import kg
from kg.errors import KGError
from kg.server import pages
from kg.server.context import Context
from kg.server.description import VOID_PATH
from kg.server.middleware import Guard
from kg.server.problems import Refusal, problem
from kg.server.protocol import METHODS, Endpoint
from kg.server.workers import Pool

QUERY_PAGE = "/query"
"""Where the pages have the one on which people write queries."""

_REASONS = {
    404: "there is nothing here; queries go to /sparql",
    405: "this address does not take the method",
}


def create_app(context: Context, pool: Pool, *, debug: bool = False) -> Starlette:
    """Return the application for a folder; the pool is started and closed by who runs it.

    ``debug`` puts tracebacks into the log.
    """
    mounted = pages.routes(context)
    has_query_page = any(route.path == QUERY_PAGE for route in mounted)
    endpoint = Endpoint(context, pool, QUERY_PAGE if has_query_page else "")

    routes: list[BaseRoute] = [
        Route("/sparql", _answers(endpoint), methods=list(METHODS)),
        Route("/health", _answers(_health(pool)), methods=["GET"]),
        Route(VOID_PATH, _void(context.source), methods=["GET"]),
        *mounted,
    ]
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(Guard, debug=debug),
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=list(METHODS),
                allow_headers=["*"],
                expose_headers=["Content-Length", "Link", "Retry-After", "Server-Timing"],
                max_age=86_400,
            ),
        ],
        exception_handlers={Refusal: _refused, HTTPException: _refused, KGError: _refused},
    )


def _answers(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    # starlette takes an object that can be called for an application of its own kind.
    async def answer(request: Request) -> Response:
        return await handler(request)

    return answer


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        detail = _REASONS.get(error.status_code) or str(error.detail)
        refusal = Refusal(error.status_code, detail, error.headers)
    elif isinstance(error, Refusal):
        refusal = error
    else:
        refusal = Refusal(503, str(error), {"Retry-After": "5"})
    request.scope["kg.refusal"] = refusal.detail
    return problem(request, refusal)


def _health(pool: Pool) -> Callable[[Request], Awaitable[Response]]:
    started = time.monotonic()

    async def health(_: Request) -> Response:
        state = pool.state
        well = pool.opened is not None and state["idle"] + state["busy"] > 0
        body = {
            "status": "ok" if well else "unable",
            "version": kg.__version__,
            "triples": pool.opened.triples if pool.opened else None,
            "builds_seen": pool.generation,
            "workers": {name: state[name] for name in ("idle", "busy", "starting")},
            "waiting": state["waiting"],
            "uptime_seconds": round(time.monotonic() - started, 1),
        }
        return JSONResponse(body, 200 if well else 503, {"Cache-Control": "no-store"})

    return health


def _void(source: Path) -> Callable[[Request], Response]:
    def void(_: Request) -> Response:
        path = source / "void.ttl"
        if not path.is_file():
            raise Refusal(404, "the folder has no void.ttl; make it with: kg build or kg export, format void")
        return FileResponse(path, media_type="text/turtle; charset=utf-8")

    return void
