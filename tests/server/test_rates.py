"""Rates of anonymous clients."""

import asyncio
from pathlib import Path

import httpx

from nashira.config.site import open_site
from nashira.server.app import create_app
from nashira.server.rates import Buckets


def test_a_bucket_refills_at_a_steady_rate() -> None:
    buckets = Buckets(per_second=2, burst=3)
    assert [buckets.take("a", 100.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b", 100.0) == 0  # another address has its own
    assert buckets.take("a", 100.4) > 0
    assert buckets.take("a", 100.6) == 0
    assert [buckets.take("a", 1000.0) for _ in range(4)] == [0, 0, 0, 0.5]  # never more than the burst


def test_too_many_requests_are_told_when_to_come_back(tmp_path: Path) -> None:
    (tmp_path / "nashira.toml").write_text("[limits]\nrequests_per_minute = 12\n")
    app = create_app(open_site(tmp_path))

    async def ask() -> list[httpx.Response]:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://vo.test") as client,
        ):
            answers = [await client.get("/tap/capabilities") for _ in range(4)]
            return [*answers, await client.get("/health"), await client.get("/metrics")]

    *asked, health, metrics = asyncio.run(ask())
    assert [answer.status_code for answer in asked] == [200, 200, 429, 429]
    assert 1 <= int(asked[-1].headers["retry-after"]) <= 5
    assert "You ask too often" in asked[-1].text
    assert asked[-1].headers["access-control-allow-origin"] == "*"
    assert health.status_code == metrics.status_code == 200
