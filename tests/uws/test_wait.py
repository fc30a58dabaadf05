"""UWS 1.1 section 2.2.1.2: WAIT blocks until the phase changes, holding nothing."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from nashira.uws.changes import POLL_SECONDS
from nashira.uws.jobs import Jobs
from nashira.uws.model import Job, Phase
from nashira.uws.store import JobStore

URL = "http://vo.test/tap/async"


@pytest.fixture
def timed(client: Any) -> Callable[..., tuple[httpx.Response, float]]:
    """GET with a WAIT, and meanwhile do something after a while; tell how long it took."""

    def get(path: str, meanwhile: Callable[[], object] | None = None, after: float = 0.15) -> Any:
        async def both() -> Any:
            start = time.monotonic()
            task = asyncio.create_task(client.asynchronous.get(URL + path))
            await asyncio.sleep(after)
            if meanwhile is not None:
                await asyncio.to_thread(meanwhile)
            response = await task
            return response, time.monotonic() - start

        return client._runner.run(both())

    return get


def test_a_change_wakes_at_once(jobs: Jobs, timed: Any) -> None:
    job = jobs.create("tap", [])
    response, seconds = timed(f"/{job.id}?WAIT=20", lambda: jobs.run(job.id))
    assert ">QUEUED<" in response.text
    assert 0.15 <= seconds < 0.4


def test_a_change_by_another_process_is_noticed(jobs: Jobs, timed: Any, tmp_path: Path, database: str) -> None:
    other = Jobs(JobStore(database), tmp_path / "results", jobs.settings)
    job = jobs.create("tap", [])
    response, seconds = timed(f"/{job.id}?WAIT=-1&PHASE=PENDING", lambda: other.abort(job.id))
    other.store.close()
    assert ">ABORTED<" in response.text
    assert seconds < 0.15 + POLL_SECONDS + 0.4


def test_it_returns_after_its_time(jobs: Jobs, timed: Any) -> None:
    job = jobs.create("tap", [])
    response, seconds = timed(f"/{job.id}?wait=1")
    assert ">PENDING<" in response.text
    assert 0.99 <= seconds < 1.5


def test_it_returns_at_once_where_nothing_will_change_or_already_has(jobs: Jobs, timed: Any) -> None:
    pending, aborted = jobs.create("tap", []), jobs.create("tap", [])
    jobs.abort(aborted.id)
    for path in (
        f"/{aborted.id}?WAIT=20",
        f"/{aborted.id}?WAIT=20&PHASE=ABORTED",
        f"/{pending.id}?WAIT=20&PHASE=QUEUED",
        f"/{pending.id}?WAIT=20&PHASE=HELD",
        f"/{pending.id}?WAIT=0",
        f"/{pending.id}?PHASE=PENDING",
    ):
        response, seconds = timed(path, after=0)
        assert response.status_code == 200
        assert seconds < 0.3, path


@pytest.mark.parametrize("wait", ["-2", "soon", "1.5", "", "1&WAIT=2"])
def test_an_impossible_wait_is_400(client: Any, wait: str) -> None:
    assert client.get(f"/{client.create()}?WAIT={wait}").status_code == 400


def test_a_job_deleted_meanwhile_is_404(jobs: Jobs, timed: Any) -> None:
    job = jobs.create("tap", [])
    response, seconds = timed(f"/{job.id}?WAIT=20", lambda: jobs.delete(job.id))
    assert response.status_code == 404
    assert seconds < 0.4


def test_a_stopping_server_lets_its_waiters_go(jobs: Jobs, timed: Any) -> None:
    job = jobs.create("tap", [])
    _, seconds = timed(f"/{job.id}?WAIT=20", jobs.changes.close)
    assert seconds < 0.4


def test_two_hundred_waiters_hold_no_threads(jobs: Jobs) -> None:
    ids = [jobs.create("tap", []).id for _ in range(20)]
    before = threading.active_count()

    async def all_wait() -> tuple[list[Job], float]:
        waits: list[Awaitable[Job]] = [jobs.wait(ids[i % 20], 30) for i in range(200)]
        gathered = asyncio.gather(*waits)
        while len(jobs.changes._watches) < 200:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert threading.active_count() - before <= 41  # the pool that touches the database, and no more
        start = time.monotonic()
        await asyncio.to_thread(lambda: [jobs.run(job_id) for job_id in ids])
        found = await gathered
        return found, time.monotonic() - start

    found, seconds = asyncio.run(all_wait())
    assert {job.phase for job in found} == {Phase.QUEUED}
    assert seconds < 2
    assert not jobs.changes._watches
