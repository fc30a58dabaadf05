"""The VOSI resources of one service: capabilities, availability, tables and tables/{name}.

Documents are built once for each version of the catalog and answered with Last-Modified and ETag.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import get_args

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..config.errors import NotFound
from ..schema.model import Catalog
from . import availability, capabilities, tables
from .xml import MEDIA_TYPE

# Above this many columns a table set without `detail` leaves them out (VOSI-T6).
_MANY_COLUMNS = 5_000
_TRUE = frozenset({"true", "1", "t"})
_ESA_PARAMETERS = frozenset({"tables", "only_tables", "share_accessible"})


@dataclass(frozen=True, slots=True)
class Described:
    """What the VOSI resources of a service ask: its elements, its catalog, and whether it works.

    `elements` gives `capability` elements as XML text; `trouble` is empty while queries are accepted,
    else a note for people.
    """

    elements: Callable[[], Sequence[str]]
    catalog: Callable[[], Catalog]
    trouble: Callable[[], str]


def routes(service: Described) -> list[BaseRoute]:
    """Give the routes, relative to the service's path."""
    resources = _Resources(service)
    return [
        Route("/capabilities", resources.capabilities),
        Route("/availability", resources.availability),
        Route("/tables", resources.tableset),
        Route("/tables/{name:path}", resources.table),
    ]


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(slots=True)
class _Resources:
    """Endpoints and the documents of the current catalog version."""

    service: Described
    started: datetime = field(default_factory=_now)
    modified: datetime = field(init=False)
    documents: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.modified = self.started

    def capabilities(self, request: Request) -> Response:
        """Answer the capabilities document."""
        body = self._document("capabilities", lambda _: capabilities.document(self.service.elements()))
        return self._answer(request, body)

    async def availability(self, _: Request) -> Response:
        """Answer the availability document, 200 even when nothing works (VOSI-A2)."""
        trouble = await to_thread.run_sync(self.service.trouble)
        body = availability.document(self.started, trouble)
        return Response(body, headers={"content-type": MEDIA_TYPE, "cache-control": "no-store"})

    def tableset(self, request: Request) -> Response:
        """Answer the table set; parameters that VOSI does not know are ignored, as is an unknown `detail`.

        `tables=a.b,c.d` and `only_tables=true` are what astroquery sends.
        """
        wanted = {key.lower(): value for key, value in request.query_params.multi_items()}
        names = frozenset(name for name in wanted.get("tables", "").split(",") if name)
        catalog = self.service.catalog()
        detail = self._detail(wanted, catalog, names)
        if names:
            body = tables.tableset(catalog, detail, names)
        else:
            body = self._document(f"tables {detail}", lambda current: tables.tableset(current, detail))
        if _is_astroquery(request, wanted):
            body = tables.for_astroquery(body)
        return self._answer(request, body)

    def table(self, request: Request) -> Response:
        """Answer one table in full; its name is spelled as in the table set (VOSI-T4)."""
        name = request.path_params["name"]
        for table in self.service.catalog().tables():
            if table.adql_name == name:
                return self._answer(request, tables.table_document(table))
        message = f"There is no table {name} here; see the list of tables one level up"
        raise NotFound(message)

    def _detail(self, wanted: dict[str, str], catalog: Catalog, names: frozenset[str]) -> tables.Detail:
        for known in get_args(tables.Detail):
            if wanted.get("detail", "").lower() == known:
                return known  # type: ignore[no-any-return]
        if wanted.get("only_tables", "").lower() in _TRUE:
            return "min"
        many = not names and sum(len(table.columns) for table in catalog.tables()) > _MANY_COLUMNS
        return "min" if many else "max"

    def _document(self, kind: str, build: Callable[[Catalog], bytes]) -> bytes:
        catalog = self.service.catalog()
        key = (catalog.version, kind)
        body = self.documents.get(key)
        if body is None:
            body = build(catalog)
            current = {known: kept for known, kept in self.documents.items() if known[0] == catalog.version}
            if self.documents and not current:
                # a second later at least, or a client's If-Modified-Since could not see the change
                self.modified = max(_now(), self.modified + timedelta(seconds=1))
            self.documents = {**current, key: body}
        return body

    def _answer(self, request: Request, body: bytes) -> Response:
        headers = {
            "last-modified": format_datetime(self.modified, usegmt=True),
            "cache-control": "no-cache",
            "vary": "User-Agent",
        }
        if _unchanged(request.headers.get("if-modified-since"), self.modified):
            return Response(status_code=304, headers=headers)
        return Response(body, headers={**headers, "content-type": MEDIA_TYPE})


def _is_astroquery(request: Request, wanted: Mapping[str, str]) -> bool:
    """Tell by what astroquery sends: ESA's parameters, or no User-Agent at all (astroquery.utils.tap, TapConn)."""
    agent = request.headers.get("user-agent")
    return agent is None or "astroquery" in agent or not _ESA_PARAMETERS.isdisjoint(wanted)


def _unchanged(since: str | None, modified: datetime) -> bool:
    """Tell whether a client's copy of the time `since` (an HTTP date) is still good; a date nobody can read is not."""
    if not since:
        return False
    try:
        return modified <= parsedate_to_datetime(since)
    except (TypeError, ValueError):  # unreadable, or without a zone
        return False
