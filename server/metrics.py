"""What machines watch: counters and times in the text format of Prometheus, at /metrics.

Of several processes of one `nashira serve` any answers for all: they share the files that the library keeps when
PROMETHEUS_MULTIPROC_DIR is set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping

from anyio import to_thread
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..query.site import QueryEnd
from ..uws.model import Phase, Queue

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_SERVICES = frozenset({"tap/sync", "tap/async", "tap/tables", "tap/check", "tap", "capabilities", "health", "metrics"})

Jobs = Callable[[], Mapping[tuple[Phase, Queue], int]]


class JobGauge(Collector):
    """The jobs of the store by phase and queue, counted when somebody asks."""

    def __init__(self, counts: Jobs) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        """Count the jobs."""
        family = GaugeMetricFamily("nashira_jobs", "Jobs in the store.", labels=["phase", "queue"])
        counts = {(phase, queue): 0 for phase in (Phase.QUEUED, Phase.EXECUTING) for queue in Queue}
        for (phase, queue), jobs in {**counts, **self._counts()}.items():
            family.add_metric([phase, queue], jobs)
        yield family


class Metrics:
    """The meters of a server process."""

    def __init__(self, jobs: Jobs) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._jobs = JobGauge(jobs)
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            registry.register(self._jobs)
        self.requests = Counter(
            "nashira_requests", "Answers begun.", ["service", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "nashira_first_byte_seconds",
            "Time from a request to the start of its answer.",
            ["service"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.bytes = Counter("nashira_sent_bytes", "Bytes of answers.", ["service"], registry=registry)
        self.open = Gauge(
            "nashira_open_requests",
            "Requests under way.",
            ["service"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.queries = Counter("nashira_queries", "Queries ended.", ["engine", "outcome"], registry=registry)
        self.query_seconds = Histogram(
            "nashira_query_seconds",
            "Time of a query, its result read.",
            ["engine"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.rows = Counter("nashira_rows", "Rows that queries gave.", ["engine"], registry=registry)

    def query_ended(self, end: QueryEnd) -> None:
        """Count a query."""
        self.queries.labels(end.engine, end.outcome).inc()
        self.query_seconds.labels(end.engine).observe(end.seconds)
        self.rows.labels(end.engine).inc(end.rows)

    async def endpoint(self, _: Request) -> Response:
        """Answer /metrics."""
        body = await to_thread.run_sync(self._text)
        return Response(body, headers={"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"})

    def _text(self) -> bytes:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        shared.register(self._jobs)
        return generate_latest(shared)


class Measured:
    """Counts requests, their times and their bytes."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        service, began = service_of(scope["path"]), time.perf_counter()
        metrics = self._metrics
        sent = metrics.bytes.labels(service)

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                metrics.requests.labels(service, scope["method"], str(message["status"])).inc()
                metrics.seconds.labels(service).observe(time.perf_counter() - began)
            elif message["type"] == "http.response.body":
                sent.inc(len(message.get("body", b"")))
            await send(message)

        with metrics.open.labels(service).track_inprogress():
            await self._app(scope, receive, measured)


def service_of(path: str) -> str:
    """Name the service of a path; unknown ones are "other", so that nobody can make names without end."""
    parts = path.strip("/").split("/")
    for name in ("/".join(parts[:2]), parts[0]):
        if name in _SERVICES:
            return name
    return "pages" if parts == [""] else "other"
