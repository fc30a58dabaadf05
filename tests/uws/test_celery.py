"""Jobs run by Celery workers, processes of their own, over a real Redis and on a real PostgreSQL."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nashira.config.settings import Settings
from nashira.uws.celery_jobs import CeleryDispatcher
from nashira.uws.jobs import Jobs
from nashira.uws.model import Job, Phase, Queue
from nashira.uws.store import JobStore
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer, running_redis

HOST = Path(__file__).with_name("celery_host.py")
STEPS = 10
Until = Callable[..., None]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    return postgres.fresh().url


@pytest.fixture
def broker(redis: RedisServer) -> str:
    return redis.url


@pytest.fixture
def jobs(database: str, broker: str, tmp_path: Path) -> Iterator[Jobs]:
    """The jobs as a server has them: it announces and runs none."""
    store = JobStore(database)
    made = Jobs(store, tmp_path / "results", Settings(jobs={"broker": broker, "lease_seconds": 2}))
    dispatcher = CeleryDispatcher(made, broker)
    dispatcher.start()
    yield made
    dispatcher.stop()
    store.close()


@pytest.fixture
def worker(database: str, broker: str, tmp_path: Path) -> Iterator[Start]:
    """Start worker processes; at the end, stop those that still live."""
    made: list[subprocess.Popen[str]] = []

    def begin(**numbers: float) -> subprocess.Popen[str]:
        more = [f"{name}={value}" for name, value in numbers.items()]
        command = [sys.executable, str(HOST), str(tmp_path), database, broker, *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        made.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in made:
        process.send_signal(signal.SIGTERM)
    for process in made:
        try:
            assert process.wait(15) in {0, -signal.SIGKILL}
        finally:
            process.kill()
            process.communicate()


def file_of(jobs: Jobs, job_id: str) -> Path:
    """Find the file of a job's result."""
    job, result = jobs.result(job_id, "result")
    return jobs.files.of_try(job.id, job.tries) / result.name


def start(jobs: Jobs, seconds: float = 0) -> Job:
    return jobs.run(jobs.create("tap", [("SECONDS", str(seconds))]).id)


def phases(jobs: Jobs, started: list[Job]) -> set[Phase]:
    return set(jobs.store.phases([job.id for job in started]).values())


def test_a_job_goes_through_redis_and_comes_back(jobs: Jobs, worker: Start, until: Until) -> None:
    worker()
    job = start(jobs)
    until(lambda: jobs.get(job.id).phase is Phase.COMPLETED)
    assert file_of(jobs, job.id).read_text().splitlines()[-1] == f"{job.id} {STEPS - 1}"


def test_an_abort_reaches_the_worker_within_a_second(jobs: Jobs, worker: Start, until: Until, tmp_path: Path) -> None:
    worker()
    job = start(jobs, 60)
    until(lambda: jobs.get(job.id).phase is Phase.EXECUTING)
    jobs.abort(job.id)
    until((tmp_path / f"{job.id}.cancelled").exists, 1)
    assert jobs.get(job.id).phase is Phase.ABORTED


def test_a_killed_worker_and_a_flushed_redis_lose_nothing(
    jobs: Jobs, worker: Start, until: Until, tmp_path: Path, redis: RedisServer
) -> None:
    first = worker()
    started = [start(jobs, 0.2) for _ in range(20)]
    until(lambda: jobs.store.count(Phase.EXECUTING) == 2)
    first.kill()
    redis.flush()
    worker()
    worker()
    until(lambda: phases(jobs, started) == {Phase.COMPLETED}, 9)
    assert not (tmp_path / "overlap").exists()
    for job in started:
        lines = file_of(jobs, job.id).read_text().splitlines()
        assert lines == [f"{job.id} {step}" for step in range(STEPS)]


def test_a_redis_that_dies_is_survived(database: str, tmp_path: Path, until: Until) -> None:
    with running_redis(tmp_path) as redis:
        store = JobStore(database)
        jobs = Jobs(store, tmp_path / "results", Settings(jobs={"broker": redis.url, "lease_seconds": 2}))
        dispatcher = CeleryDispatcher(jobs, redis.url)
        dispatcher.start()
        command = [sys.executable, str(HOST), str(tmp_path), database, redis.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            redis.kill()
            job = start(jobs)
            assert job.phase is Phase.QUEUED
            redis.start()
            until(lambda: jobs.get(job.id).phase is Phase.COMPLETED, 20)
            process.send_signal(signal.SIGTERM)
        dispatcher.stop()
        store.close()
        assert process.returncode == 0


def test_a_worker_told_to_stop_hands_its_jobs_back(jobs: Jobs, worker: Start, until: Until) -> None:
    first = worker()
    job = start(jobs, 30)
    until(lambda: jobs.get(job.id).phase is Phase.EXECUTING)
    begin = time.monotonic()
    first.send_signal(signal.SIGTERM)
    assert first.wait(10) == 0
    assert time.monotonic() - begin < 6
    assert jobs.get(job.id).phase is Phase.QUEUED
    assert jobs.store.claims() == ()


def test_long_jobs_leave_a_place_for_short_ones(jobs: Jobs, worker: Start, until: Until) -> None:
    worker(short_seconds=0.3)
    slow = [start(jobs, 3) for _ in range(4)]
    until(lambda: jobs.store.count(Phase.EXECUTING) == 2)
    time.sleep(0.4)
    quick = start(jobs)
    until(lambda: jobs.get(quick.id).phase is Phase.COMPLETED, 4)
    assert jobs.store.counts().get((Phase.QUEUED, Queue.LONG), 0) >= 1
    assert Phase.COMPLETED not in phases(jobs, slow)
