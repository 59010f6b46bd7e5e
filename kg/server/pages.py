"""The pages for people, and the IRIs of the graph for people and machines.

Every page is made of templates that escape what they are given, needs no network but this server, runs no script of
its own text (its policy allows files of this server alone) and can be read without scripts, the query page excepted.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kg import ids
from kg.errors import KGError
from kg.export import FORMATS
from kg.export.html import to_json
from kg.query import questions
from kg.server import things
from kg.server.context import Context
from kg.server.negotiate import Choice, Offer, choose
from kg.server.problems import Refusal, problem
from kg.server.search_api import LIMIT, LONGEST, Names, address, as_json, hits
from kg.show import Quote, card, grouped, statement
from kg.view import PALETTE, SHAPES

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content security policy of all pages but the graph page, which brings a stricter one of its own."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_OUTLINES = {
    "square": "M2 2h10v10H2z",
    "diamond": "M7 .5 13.500 7 7 13.500 .5 7z",
    "triangle": "M7 1l6.500 11.500h-13z",
    "triangleDown": "M7 13 .5 1.500h13z",
    "hexagon": "M3.700 1.200h6.600L13.600 7l-3.300 5.800H3.700L.4 7z",
    "dot": "M7 1a6 6 0 1 1 0 12A6 6 0 0 1 7 1z",
}
GLYPHS: Mapping[str, tuple[str, str]] = {kind: (_OUTLINES[SHAPES[kind]], PALETTE[kind]) for kind in PALETTE}
"""Outline and colour of the mark of each kind, those of the graph page."""

SHOWN = 50
"""Edges of one relation that a page shows unless all are asked for."""

_JSON = Offer("json", ("application/json",))
_STATIC = ("app.css", "app.js", "names.js", "editor.js", "query.js")


def routes(context: Context) -> list[Route]:
    """Return the routes of the pages of a folder or RDF file."""
    pages = _Pages(context)
    paths: tuple[tuple[str, Callable[[Request], Response]], ...] = (
        ("/", pages.start),
        ("/graph", pages.graph),
        ("/query", pages.query),
        ("/search", pages.search),
        ("/ontology", pages.ontology),
        ("/id", pages.thing),
        ("/id/{path:path}", pages.thing),
        ("/files/{name}", pages.download),
        ("/static/{name}", pages.static),
    )
    return [Route(path, endpoint, methods=["GET"]) for path, endpoint in paths]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("kg.server"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(glyphs=GLYPHS, marked=_marked, title_of=_title)
    environment.filters["thousands"] = lambda number: f"{number:,}"
    return environment


def _marked(quote: Quote) -> tuple[str, str, str]:
    """Return a sentence in three parts: before the words that name the thing, these words, behind them."""
    before, words, after = quote.sentence.partition(quote.words) if quote.words else (quote.sentence, "", "")
    return before, words, after


def _title(question: str) -> str:
    """Return what a bundled question asks, without the remark for the command line behind it."""
    return question.partition(" (")[0]


class _Pages:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._names = Names(context)
        self._folder = context.source if context.source.is_dir() else context.source.parent

    def _page(self, request: Request, template: str, status: int = 200, vary: bool = False, **values: Any) -> Response:
        root = request.scope.get("root_path", "")
        base = self._context.base

        def link(iri: str) -> str:
            return address(iri, base, root)

        text = _environment().get_template(template).render(root=root, link=link, base=base, asked="", **values)
        headers = {**_HEADERS, "Vary": "Accept"} if vary else dict(_HEADERS)
        return Response(text.encode("utf-8", "replace"), status, headers, "text/html; charset=utf-8")

    def start(self, request: Request) -> Response:
        return self._page(
            request,
            "start.html",
            name=self._context.source.resolve().name,
            summary=self._names.summary(),
            files=self._files() if self._context.source.is_dir() else [],
            drawn=(self._folder / "graph.html").is_file(),
            questions=questions(),
        )

    def graph(self, request: Request) -> Response:
        path = self._folder / "graph.html"
        if not self._context.source.is_dir() or not path.is_file():
            return self._lost(request, "This folder has no graph page. Make one with: kg build INPUT --format html", "")
        headers = {**_HEADERS, "Content-Security-Policy": "frame-ancestors 'none'"}
        return FileResponse(path, headers=headers, media_type="text/html; charset=utf-8")

    def query(self, request: Request) -> Response:
        prefixes = dict(self._context.prefixes)
        terms = [[term.name, term.sort, term.definition] for term in things.terms()]
        asked = [
            {"name": q.name, "title": _title(q.title), "text": q.text, "parameters": q.parameters} for q in questions()
        ]  # fmt: skip
        settings = {"questions": asked, "prefixes": prefixes, "terms": terms, "base": self._context.base}
        return self._page(request, "query.html", settings=to_json(settings), questions=questions())

    def search(self, request: Request) -> Response:
        asked = request.query_params.get("q", "")[:LONGEST]
        limit = request.query_params.get("limit", "")
        count = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 6 else LIMIT
        found, fits = hits(self._names, asked, count)
        chosen = self._chosen(request, (_JSON, things.HTML))
        if chosen and chosen.offer is things.HTML:
            return self._page(request, "search.html", vary=True, found=found, fits=fits, searched=asked)
        values = as_json(found, fits, asked, self._context.base, request.scope.get("root_path", ""))
        return JSONResponse(values, headers={**_HEADERS, "Vary": "Accept"})

    def ontology(self, request: Request) -> Response:
        chosen = self._chosen(request, things.OFFERS)
        if chosen is None:
            return self._unacceptable(request)
        if chosen.offer is things.HTML:
            return self._page(request, "ontology.html", vary=True, terms=things.terms(), iri=ids.ONTOLOGY)
        return _data(things.ontology_as(chosen.offer.name), chosen)

    def thing(self, request: Request) -> Response:
        path = request.path_params.get("path", "")
        iri = ids.iri(path, self._context.base) if path else request.query_params.get("iri", "")
        chosen = self._chosen(request, things.OFFERS)
        if chosen is None:
            return self._unacceptable(request)
        if iri.startswith(ids.ONTOLOGY):
            term = quote(iri.removeprefix(ids.ONTOLOGY), safe="")
            return RedirectResponse(f"{request.scope.get('root_path', '')}/ontology#{term}", 303, {"Vary": "Accept"})
        opened = self._names.now().graph
        try:
            triples = things.description(opened, iri)
        except ValueError:
            return self._lost(request, "Give an IRI: /id/method/NAME, or /id?iri=IRI", "", status=400)
        if not triples:
            return self._lost(request, f"The graph has nothing under {iri}", path.rpartition("/")[2])
        if chosen.offer is not things.HTML:
            return _data(things.serialized(triples, chosen.offer.name, opened.prefixes), chosen)
        everything = request.query_params.get("all") == "1"
        shown = card(opened, iri)
        kinds = [kind for kind in shown.types if kind in GLYPHS]
        title, quotes = (shown.label, ()) if kinds else statement(opened, iri)
        return self._page(
            request,
            "thing.html",
            vary=True,
            card=shown,
            title=title,
            quotes=quotes,
            kind=kinds[0] if kinds else "",
            groups=grouped(shown.edges),
            rows=things.rows(opened, iri, triples) if not kinds else [],
            limit=None if everything else SHOWN,
            node=iri.removeprefix(self._context.base),
            drawn=(self._folder / "graph.html").is_file(),
        )

    def download(self, request: Request) -> Response:
        known = {name: media_type for name, media_type, _ in self._files()} if self._context.source.is_dir() else {}
        name = request.path_params["name"]
        if name not in known:
            return self._lost(request, f"There is no file {name[:100]} to download", "")
        return FileResponse(self._folder / name, headers=dict(_HEADERS), media_type=known[name], filename=name)

    def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            return self._lost(request, f"There is no file {name[:100]}", "")
        body, tag = _asset(name)
        headers = {**_HEADERS, "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=mimetypes.guess_type(name)[0] or "text/plain")

    def _files(self) -> list[tuple[str, str, int]]:
        """Return the files of the folder that are for people: name, media type, size."""
        outputs = [(output.filename, output.media_type) for form in FORMATS.values() for output in form.outputs]
        outputs.append(("report.json", "application/json"))
        paths: list[tuple[Path, str]] = [(self._folder / name, media_type) for name, media_type in outputs]
        return [(path.name, media_type, path.stat().st_size) for path, media_type in paths if path.is_file()]

    def _chosen(self, request: Request, offers: tuple[Offer, ...]) -> Choice | None:
        wanted = request.query_params.get("format")
        for offer in offers:
            if wanted == offer.name:
                return Choice(offer, f"{offer.type}; charset=utf-8" if offer.charset else offer.type)
        return choose(request.headers.get("accept", ""), offers)

    def _unacceptable(self, request: Request) -> Response:
        offered = ", ".join(offer.type for offer in things.OFFERS)
        return problem(
            request, Refusal(406, f"no form of this is {request.headers.get('accept', '')!r}; choose {offered}")
        )

    def _lost(self, request: Request, message: str, name: str, status: int = 404) -> Response:
        """Return what is said of an address that leads nowhere: a page for people, a line for machines."""
        if choose(request.headers.get("accept", "") or "*/*", (things.TURTLE, things.HTML)) is None:
            return problem(request, Refusal(status, message))
        wanted = choose(request.headers.get("accept", ""), (things.TURTLE, things.HTML))
        if wanted is None or wanted.offer is not things.HTML:
            return problem(request, Refusal(status, message))
        try:
            near = hits(self._names, name.replace("-", " "), 5)[0] if name else ()
        except KGError:
            near = ()
        return self._page(request, "lost.html", status, vary=True, message=message, near=near)


def _data(body: bytes, chosen: Choice) -> Response:
    headers = {**_HEADERS, "Vary": "Accept", "Content-Type": chosen.content_type}
    return Response(body, headers=headers)


@lru_cache(maxsize=16)
def _asset(name: str) -> tuple[bytes, str]:
    body = (files("kg.server") / "static" / name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:20]}"'
