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

from ..config.errors import NotFound
from ..dali.errors import answer, error_response
from ..query.site import Site
from ..schema.types import VOType, adql_type
from ..tap.examples import Example, examples

_VOTABLE_PATHS = ("/tap/",)
_TITLES = {404: "Not found", 405: "Method not allowed", 503: "Busy"}
_EXAMPLES_SHOWN = 6


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
        ]

    def home(self, _: Request) -> Response:
        """Show what is published and how to query it."""
        found = examples(self.site.catalog)[:_EXAMPLES_SHOWN]
        return self._page("home.html", query=_first_query(found), examples=found)

    def tap(self, _: Request) -> Response:
        """Describe the TAP service (TAP-8)."""
        found = examples(self.site.catalog)[:_EXAMPLES_SHOWN]
        return self._page("tap.html", query=_first_query(found), limits=self.site.folder.settings.limits)

    def table(self, request: Request) -> Response:
        """Show the columns of one table; its name is spelled as in queries."""
        name = request.path_params["name"]
        for table in self.site.catalog.tables():
            if table.adql_name == name:
                return self._page("table.html", table=table, query=f"SELECT TOP 20 *\nFROM {table.adql_name}")
        message = f"There is no table {name} here"
        raise NotFound(message)

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
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
    )
    templates.filters["thousands"] = _thousands
    templates.filters["type_name"] = _type_name
    return Pages(site, templates)


def _first_query(found: tuple[Example, ...]) -> str:
    return found[0].query if found else "SELECT * FROM TAP_SCHEMA.tables"


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _type_name(kind: VOType) -> str:
    return adql_type(kind)
