"""Pages for people: what is published, how to query it, one page a table, and errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from ..config.errors import NotFound, QueryError
from ..dali.errors import answer, error_response
from ..query.site import Site
from ..schema.types import VOType, adql_type
from ..tap.examples import examples

_TEMPLATES = Path(__file__).parent / "templates"
_VOTABLE_PATHS = ("/tap/",)
_TITLES = {
    400: "The query cannot be run",
    404: "Not found",
    405: "Method not allowed",
    503: "Busy",
    504: "The query took too long",
}
_EXAMPLES_SHOWN = 6
_AROUND = 400  # characters of a query shown before and after a fault


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a site."""

    site: Site
    templates: Environment

    def routes(self) -> list[BaseRoute]:
        """Give the routes of all pages."""
        return [
            Route("/", self.home),
            Route("/tap", self.tap),
            Route("/tables/{name:path}", self.table),
            Route("/robots.txt", self.robots),
            Route("/query.js", self.script),
        ]

    def home(self, request: Request) -> Response:
        """Show what is published and how to query it; the parameter `query` fills the box."""
        return self._page("home.html", **self._box(request))

    def tap(self, request: Request) -> Response:
        """Describe the TAP service (TAP-8)."""
        return self._page("tap.html", limits=self.site.folder.settings.limits, **self._box(request))

    def _box(self, request: Request) -> dict[str, Any]:
        """Give what the query box shows: the query of the request, else the first example, and examples to choose."""
        found = examples(self.site.catalog)[:_EXAMPLES_SHOWN]
        first = found[0].query if found else "SELECT * FROM TAP_SCHEMA.tables"
        return {"query": request.query_params.get("query") or first, "sample": first, "examples": found}

    def table(self, request: Request) -> Response:
        """Show the columns of one table; its name is spelled as in queries."""
        name = request.path_params["name"]
        for table in self.site.catalog.tables():
            if table.adql_name == name:
                found = [one for one in examples(self.site.catalog) if one.table == table.adql_name]
                query = request.query_params.get("query") or f"SELECT TOP 20 *\nFROM {table.adql_name}"
                return self._page("table.html", table=table, query=query, examples=found[:_EXAMPLES_SHOWN])
        message = f"There is no table {name} here"
        raise NotFound(message)

    def script(self, _: Request) -> Response:
        """Give the script of the query box, which checks queries while they are written."""
        text = (_TEMPLATES / "query.js").read_text(encoding="utf-8")
        return Response(text, headers={"cache-control": "max-age=600"}, media_type="text/javascript")

    def robots(self, _: Request) -> Response:
        """Keep crawlers off the queries."""
        return PlainTextResponse("User-agent: *\nDisallow: /tap/sync\nDisallow: /tap/async\n")

    def error(self, scope: Scope, error: Exception) -> Response:
        """Answer an error: a VOTable under /tap, else a page where the client reads HTML, else plain text."""
        if scope["path"].startswith(_VOTABLE_PATHS):
            return error_response(error)
        found = answer(error)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if "text/html" not in headers.get("accept", ""):
            return PlainTextResponse(found.message, found.status, found.headers)
        title = _TITLES.get(found.status, "Error")
        page = self._page("error.html", message=found.message, heading=title)
        page.status_code = found.status
        page.headers.update(found.headers)
        return page

    def query_error(self, error: Exception, query: str) -> Response:
        """Answer a query that failed with a page: what is wrong, where, and the query to be mended."""
        found = answer(error)
        page = self._page(
            "query_error.html",
            message=str(error) if isinstance(error, QueryError) else found.message,
            heading=_TITLES.get(found.status, "The query failed"),
            query=query,
            examples=(),
            marked=_marked(error, query),
        )
        page.status_code = found.status
        page.headers.update(found.headers)
        return page

    def _page(self, template: str, **values: Any) -> Response:
        service = self.site.folder.settings.service
        base = service.base_url.rstrip("/")
        text = self.templates.get_template(template).render(
            service=service,
            base_url=base,
            root=urlsplit(base).path.rstrip("/"),
            tap_url=f"{base}/tap",
            schemas=self.site.catalog.schemas,
            **values,
        )
        return HTMLResponse(text, headers={"cache-control": "no-cache"})


def make_pages(site: Site) -> Pages:
    """Make the pages of a site; templates escape everything they are given."""
    templates = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    templates.filters["thousands"] = _thousands
    templates.filters["type_name"] = _type_name
    return Pages(site, templates)


def _marked(error: Exception, query: str) -> tuple[str, str, str] | None:
    """Cut the lines around the place of an error into the text before, at and after it; None without a place."""
    place = error.position if isinstance(error, QueryError) else None
    if place is None or not 0 <= place.start <= len(query):
        return None
    end = max(place.end, place.start + 1)
    first = query.rfind("\n", 0, max(0, place.start - _AROUND)) + 1
    last = query.find("\n", min(end + _AROUND, len(query)))
    return query[first : place.start], query[place.start : end] or " ", query[end : last if last >= 0 else len(query)]


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _type_name(kind: VOType) -> str:
    return adql_type(kind)
