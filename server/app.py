"""The app put together: site, jobs, services, pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..config.errors import NashiraError
from ..config.site import SiteFolder
from ..query.site import Site
from ..tap import routes as tap
from ..tap.runner import runner
from ..uws.jobs import Jobs
from ..uws.model import Runner
from ..uws.store import JobStore
from ..uws.threads import ThreadDispatcher
from ..vosi import capabilities
from ..vosi.routes import Described
from ..vosi.routes import routes as vosi_routes
from .compression import Compression
from .health import Health
from .metrics import Measured, Metrics
from .middleware import CrossOrigin, Envelope, Errors
from .pages import make_pages
from .rates import RateLimit

_SIBLINGS = ("capabilities", "availability", "tables", "examples")


class Dispatcher(Protocol):
    """Brings queued jobs to those who run them."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End; running jobs of this process are queued again."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """A site at work: rows, jobs, and what each service does for its jobs."""

    site: Site
    jobs: Jobs
    runners: Mapping[str, Runner]

    def dispatcher(self) -> Dispatcher:
        """Make the dispatcher of a server: messages to workers where there is a broker, else threads."""
        broker = self.site.folder.settings.jobs.broker
        if not broker:
            return ThreadDispatcher(self.jobs, self.runners)
        from ..uws.celery_jobs import CeleryDispatcher

        return CeleryDispatcher(self.jobs, broker)

    def close(self) -> None:
        """Release everything."""
        self.site.close()
        self.jobs.store.close()


def open_engine(folder: SiteFolder) -> Engine:
    """Open the site and its jobs; nothing runs yet."""
    site = Site.open(folder)
    try:
        jobs = Jobs(JobStore(folder.jobs_database), folder.results, folder.settings)
    except BaseException:
        site.close()
        raise
    return Engine(site, jobs, {tap.SERVICE: runner(site)})


def create_app(folder: SiteFolder) -> Starlette:
    """Make the ASGI application of a site; its lifespan starts and stops the job threads."""
    engine = open_engine(folder)
    site = engine.site
    health = Health(site)
    metrics = Metrics(engine.jobs.store.counts)
    site.watchers.append(metrics.query_ended)
    pages = make_pages(site)

    def elements() -> list[str]:
        return [tap.capability(site), *capabilities.sibling_elements(tap.service_url(site), _SIBLINGS)]

    vosi = vosi_routes(Described(elements, lambda: site.catalog, health.trouble))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        dispatcher = engine.dispatcher()
        dispatcher.start()
        try:
            yield
        finally:
            await to_thread.run_sync(dispatcher.stop)
            await to_thread.run_sync(engine.close)

    async def failed(request: Request, error: Exception) -> Response:
        return pages.error(request.scope, error)

    return Starlette(
        routes=[
            *pages.routes(),
            *tap.routes(site, engine.jobs, vosi, pages.query_error),
            Route("/health", health.endpoint),
            Route("/metrics", metrics.endpoint),
            *(route for route in vosi if getattr(route, "path", "") in {"/capabilities", "/availability"}),
        ],
        middleware=[
            Middleware(Envelope, base_url=folder.settings.service.base_url),
            Middleware(Measured, metrics=metrics),
            Middleware(CrossOrigin),
            Middleware(RateLimit, per_minute=folder.settings.limits.requests_per_minute),
            Middleware(Errors, pages=pages),
            *([Middleware(Compression)] if folder.settings.service.compress else []),
        ],
        exception_handlers={HTTPException: failed, NashiraError: failed},
        lifespan=lifespan,
    )
