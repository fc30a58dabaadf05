"""What /metrics tells (Prometheus text format), and how it is counted."""

import asyncio
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from nashira.config.site import open_site
from nashira.server.app import create_app
from nashira.server.metrics import service_of

QUERY = {"LANG": "ADQL", "QUERY": "SELECT TOP 3 table_name FROM TAP_SCHEMA.tables"}


@pytest.fixture
def values(tmp_path: Path) -> dict[tuple[str, ...], float]:
    """Ask a little, then give the samples by their name and the values of their labels."""
    (tmp_path / "nashira.toml").write_text("")
    app = create_app(open_site(tmp_path))

    async def asked() -> str:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://vo.test") as client,
        ):
            for parameters in (QUERY, QUERY, {"LANG": "ADQL", "QUERY": "SELECT 1 FORM x"}):
                await client.get("/tap/sync", params=parameters)
            await client.get("/one/of/many/thousand/addresses")
            await client.post("/tap/async", data=QUERY)
            response = await client.get("/metrics")
            assert response.headers["content-type"].startswith("text/plain; version=")
            return response.text

    found = {}
    for family in text_string_to_metric_families(asyncio.run(asked())):
        for sample in family.samples:
            found[(sample.name, *(sample.labels[label] for label in sorted(sample.labels)))] = sample.value
    return found


def test_requests_queries_and_jobs_are_counted(values: dict[tuple[str, ...], float]) -> None:
    assert values["nashira_requests_total", "GET", "tap/sync", "200"] == 2
    assert values["nashira_requests_total", "GET", "tap/sync", "400"] == 1
    assert values["nashira_requests_total", "GET", "other", "404"] == 1
    assert values["nashira_requests_total", "POST", "tap/async", "303"] == 1
    assert values["nashira_first_byte_seconds_count", "tap/sync"] == 3
    assert values["nashira_queries_total", "duckdb", "done"] == 2
    assert values["nashira_rows_total", "duckdb"] == 6
    assert values["nashira_sent_bytes_total", "tap/sync"] > 1000
    assert values["nashira_jobs", "PENDING", "short"] == 1
    assert values["nashira_jobs", "QUEUED", "long"] == 0
    assert values["nashira_open_requests", "tap/sync"] == 0


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/tap/sync", "tap/sync"),
        ("/tap/async/abc/results/result", "tap/async"),
        ("/tap/x", "tap"),
        ("/", "pages"),
        ("/%2e%2e/etc", "other"),
    ],
)
def test_names_of_services_are_few(path: str, service: str) -> None:
    assert service_of(path) == service
