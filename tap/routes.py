"""Everything under /tap, put together (TAP 1.1 section 2, table 1)."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from ..config.errors import QueryTimeout
from ..dali.parameters import Form
from ..formats.votable_write import error_document
from ..query.site import Site
from ..uws.jobs import Jobs
from ..uws.routes import routes as job_routes
from . import examples, names
from .capability import table_access
from .check import Check
from .promote import as_job
from .sync import ErrorPage, Sync

SERVICE = "tap"
PATH = "/tap"


def service_url(site: Site) -> str:
    """Give the public URL of the TAP service, without a trailing slash."""
    return site.folder.settings.service.base_url.rstrip("/") + PATH


def capability(site: Site) -> str:
    """Give the service's own `capability` element for capabilities documents."""
    return table_access(service_url(site), site.folder.settings.limits, site.language)


def routes(
    site: Site, jobs: Jobs, beside: Sequence[BaseRoute] = (), error_page: ErrorPage | None = None
) -> list[BaseRoute]:
    """Give sync, async and examples under /tap.

    `beside` are further resources there (VOSI); `error_page` answers those who asked sync for HTML.
    """
    names.attach(site)

    def example_page(_: Request) -> Response:
        title = site.folder.settings.service.title
        body = examples.document(examples.examples(site.catalog), title)
        return Response(body, headers={"content-type": "application/xhtml+xml", "cache-control": "no-cache"})

    jobs_url = f"{service_url(site)}/async"

    def go_on(form: Form, error: QueryTimeout, request: Request) -> Response:
        return as_job(jobs, SERVICE, jobs_url, form, error, request)

    inside = [
        Route("/sync", Sync(site, error_page, go_on), methods=["GET", "POST"]),
        *job_routes(jobs, SERVICE, jobs_url, error_document, prefix="/async"),
        Route("/examples", example_page),
        Route("/check", Check(site).__call__, methods=["POST"]),
        *beside,
    ]
    return [Mount(PATH, routes=inside)]
