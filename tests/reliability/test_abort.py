"""A query that would run for minutes is stopped: the engine is idle within a second, wherever the query runs."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import httpx
import psutil
import psycopg
import pytest

from tests.conformance.server import serving
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer
from tests.reliability.centre import Centre

# Triples that no index or shortcut helps with: minutes on either engine.
ENDLESS = (
    "SELECT COUNT(*) AS n FROM sky.stars AS a, sky.stars AS b, sky.stars AS c "
    "WHERE SIN(a.mag) * COS(b.mag) > TAN(c.mag) + 2"
)
IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class Place:
    """A server; `busy()` tells whether its engine works, wherever that is."""

    url: str
    busy: Callable[[], bool]


def working(process: psutil.Process) -> Callable[[], bool]:
    """Tell whether a process has used a processor in the last moment (a share of one, on a busy machine)."""

    def busy() -> bool:
        before, start = process.cpu_times().user, time.monotonic()
        time.sleep(0.15)
        return process.cpu_times().user - before > 0.12 * (time.monotonic() - start)

    return busy


def active(super_url: str) -> Callable[[], bool]:
    """Tell whether the database works on a query of ours."""

    def busy() -> bool:
        with psycopg.connect(super_url) as connection:
            found = connection.execute(
                "SELECT COUNT(*) FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE '%COUNT(*)%SIN(%' "
                "AND backend_type <> 'autovacuum worker' AND pid <> pg_backend_pid()"
            ).fetchone()
        return found is not None and found[0] > 0

    return busy


def listening(url: str) -> psutil.Process:
    """Find the child of this process that listens at a URL."""
    port = urlsplit(url).port
    for child in psutil.Process().children(recursive=True):
        if any(c.laddr.port == port for c in child.net_connections("tcp") if c.status == psutil.CONN_LISTEN):
            return child
    message = "nobody listens there"
    raise AssertionError(message)


@pytest.fixture(scope="module")
def embedded(
    postgres: PostgresServer, redis_of_session: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Centre]:
    """Processes with embedded engines, jobs by Celery."""
    settings = {
        "NASHIRA_ENGINE__URL": "",
        "NASHIRA_JOBS__DATABASE": postgres.fresh().url,
        "NASHIRA_JOBS__BROKER": redis_of_session.url.replace("/0", "/1"),
    }
    made = Centre(tmp_path_factory.mktemp("embedded"), postgres, redis_of_session, tuple(settings.items()))
    made.publish()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def centre(
    postgres: PostgresServer, redis_of_session: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Centre]:
    """Processes with their tables in PostgreSQL, jobs by Celery."""
    made = Centre(tmp_path_factory.mktemp("centre"), postgres, redis_of_session)
    made.publish()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def duckdb_threads(embedded: Centre, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving(embedded.site, tmp_path_factory.mktemp("log") / "log", NASHIRA_JOBS__WORKERS="2") as url:
        yield Place(url, working(listening(url)))


@pytest.fixture(scope="module")
def duckdb_celery(embedded: Centre) -> Place:
    """The embedded engine in a worker: what must be idle is that."""
    embedded.start_server()
    return Place(embedded.url, working(psutil.Process(embedded.start_worker().pid)))


@pytest.fixture(scope="module")
def postgresql_threads(
    centre: Centre, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    settings = {"NASHIRA_ENGINE__URL": centre.database.read_url, "NASHIRA_JOBS__DATABASE": postgres.fresh().url}
    with serving(centre.site, tmp_path_factory.mktemp("log") / "log", **settings) as url:
        yield Place(url, active(centre.database.super_url))


@pytest.fixture(scope="module")
def postgresql_celery(centre: Centre) -> Place:
    centre.start_server()
    centre.start_worker()
    return Place(centre.url, active(centre.database.super_url))


@pytest.fixture(params=["duckdb_threads", "duckdb_celery", "postgresql_threads", "postgresql_celery"])
def place(request: pytest.FixtureRequest) -> Place:
    made: Place = request.getfixturevalue(request.param)
    return made


def idle_within_a_second(place: Place, stop: Callable[[], object], until: Callable[..., None]) -> None:
    until(place.busy, 10)
    begin = time.monotonic()
    stop()
    until(lambda: not place.busy(), IDLE_SECONDS)
    assert time.monotonic() - begin < IDLE_SECONDS + 0.5  # the asking itself takes time


def started(place: Place, until: Callable[..., None]) -> str:
    """Start a job and wait until it runs."""
    data = {"LANG": "ADQL", "QUERY": ENDLESS, "PHASE": "RUN"}
    job = httpx.post(f"{place.url}/tap/async", data=data, timeout=20).headers["location"]
    until(lambda: httpx.get(f"{job}/phase").text == "EXECUTING", 20)
    return str(job)


def test_an_aborted_job(place: Place, until: Callable[..., None]) -> None:
    job = started(place, until)
    idle_within_a_second(place, lambda: httpx.post(f"{job}/phase", data={"PHASE": "ABORT"}), until)
    assert httpx.get(f"{job}/phase").text == "ABORTED"


def test_a_deleted_job(place: Place, until: Callable[..., None]) -> None:
    job = started(place, until)
    idle_within_a_second(place, lambda: httpx.delete(job), until)
    assert httpx.get(job).status_code == 404


@pytest.mark.parametrize("name", ["duckdb_threads", "postgresql_threads", "postgresql_celery"])
def test_a_sync_client_that_leaves(name: str, request: pytest.FixtureRequest, until: Callable[..., None]) -> None:
    place: Place = request.getfixturevalue(name)
    parts = urlsplit(place.url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 80))
    path = f"/tap/sync?LANG=ADQL&QUERY={quote(ENDLESS)}"
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    idle_within_a_second(place, connection.close, until)
