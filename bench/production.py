"""A data centre on one machine beside bare PostgreSQL, in one run: `python -m bench.production [--rows 1000000]`.

PostgreSQL with q3c, Redis, two server processes, one worker process. Bare PostgreSQL is psycopg with the SQL that an
expert would write for q3c, on the same table, all rows fetched. Medians after a warm-up, one client, kept connections.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from tests.conformance.server import free_port, wait_until_ready
from tests.postgres_server import Database, running_server
from tests.redis_server import RedisServer, running_redis

from .client import Connection, sync_path
from .data import chunk, write_catalogue

PLACES = list(zip(range(7, 360, 30), (-85, -60, -42, -30, -15, -3, 4, 18, 33, 47, 66, 88), strict=True))
CONES = [
    f"SELECT id, ra, dec, mag FROM bench.sources WHERE 1=CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, 0.1))"
    for ra, dec in PLACES
]
MATCH = (
    "SELECT u.ra, u.dec, s.id, s.mag FROM TAP_UPLOAD.u AS u JOIN bench.sources AS s "
    "ON DISTANCE(u.ra, u.dec, s.ra, s.dec) < 1/3600."
)
BARE_CONE = "SELECT id, ra, dec, mag FROM {table} WHERE q3c_radial_query(ra, dec, {ra}, {dec}, 0.1)"
BARE_MATCH = (
    "SELECT u.ra, u.dec, s.id, s.mag FROM up AS u JOIN {table} AS s ON q3c_join(u.ra, u.dec, s.ra, s.dec, 1/3600.)"
)
UPLOADED = 10_000
TARGETS = {"cone": 8.0, "async": 60.0, "match": 250.0, "crowd": 300.0}


@dataclass(frozen=True, slots=True)
class Centre:
    """Where to ask, and the bare database beside it."""

    url: str
    database: Database
    table: str


@contextmanager
def running(rows: int) -> Iterator[Centre]:
    """Publish the catalogue into a fresh database and start everything."""
    with tempfile.TemporaryDirectory(prefix="nashira-bench-") as name, running_server() as postgres:
        folder = Path(name)
        with running_redis(folder) as redis:
            port = free_port()
            environment = _environment(postgres.main, redis, port)
            site = folder / "site"
            site.mkdir()
            (site / "nashira.toml").touch()
            source = folder / "catalogue.parquet"
            write_catalogue(source, rows)
            start = time.perf_counter()
            _nashira("publish", str(source), "--table", "bench.sources", site=site, environment=environment).wait()
            print(f"published {rows:,} rows in {time.perf_counter() - start:.1f} s", flush=True)
            server = _nashira("serve", "--port", str(port), site=site, environment=environment)
            worker = _nashira("worker", site=site, environment=environment)
            try:
                url = f"http://127.0.0.1:{port}"
                wait_until_ready(url, server)
                yield Centre(url, postgres.main, _table(postgres.main))
            finally:
                for process in (server, worker):
                    process.send_signal(signal.SIGTERM)
                for process in (server, worker):
                    process.wait(30)


def _environment(database: Database, redis: RedisServer, port: int) -> dict[str, str]:
    return dict(os.environ) | {
        "NASHIRA_SERVICE__BASE_URL": f"http://127.0.0.1:{port}",
        "NASHIRA_SERVICE__PROCESSES": "2",
        "NASHIRA_ENGINE__URL": database.read_url,
        "NASHIRA_ENGINE__ADMIN_URL": database.url,
        "NASHIRA_JOBS__DATABASE": database.url,
        "NASHIRA_JOBS__BROKER": redis.url,
    }


def _nashira(*words: str, site: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nashira", *words, "--site", str(site)]
    with (site.parent / "log").open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def _table(database: Database) -> str:
    """Name the one table that was loaded."""
    query = (
        "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'nashira_data'::regnamespace AND relkind = 'r'"
    )
    with psycopg.connect(database.url) as connection:
        ((name,),) = connection.execute(query).fetchall()
    return str(name)


def median(run: Callable[[], object], times: int) -> float:
    """Give the median milliseconds of `run`, after a tenth of the times to warm up."""
    spent = []
    for _ in range(times + max(1, times // 10)):
        start = time.perf_counter()
        run()
        spent.append((time.perf_counter() - start) * 1e3)
    return statistics.median(spent[-times:])


def cones(centre: Centre) -> tuple[float, float]:
    """A cone of 0.1° at twelve places in turn: through TAP, and bare."""
    connection = Connection(centre.url)
    paths = cycle([sync_path(cone) for cone in CONES])

    def ours() -> None:
        reply = connection.get(next(paths))
        if reply.status != 200:
            raise RuntimeError(reply)

    queries = cycle([BARE_CONE.format(table=centre.table, ra=ra, dec=dec) for ra, dec in PLACES])
    with psycopg.connect(centre.database.url, autocommit=True) as bare:
        bare_ms = median(lambda: bare.execute(next(queries), prepare=False).fetchall(), 240)
    ours_ms = median(ours, 240)
    connection.close()
    return ours_ms, bare_ms


def crowd(centre: Centre, seconds: float = 5) -> float:
    """Sixteen clients asking cones, in two processes: requests a second."""
    paths = " ".join(sync_path(cone) for cone in CONES)
    command = [sys.executable, "-m", "bench.client", centre.url, "8", str(seconds)]
    clients = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
        )
        for _ in range(2)
    ]
    for client in clients:
        assert client.stdin is not None
        client.stdin.write(paths)
        client.stdin.close()
        client.stdin = None
    return sum(float(client.communicate()[0]) for client in clients)


def asynchronous(centre: Centre) -> float:
    """A trivial job through Celery: create, wait for its end, fetch, delete."""
    form = {"LANG": "ADQL", "QUERY": CONES[0], "PHASE": "RUN"}
    with httpx.Client(verify=False, timeout=30) as client:

        def round_trip() -> None:
            job = client.post(f"{centre.url}/tap/async", data=form).headers["location"]
            while "COMPLETED" not in (text := client.get(job, params={"WAIT": "10"}).text):
                if "<uws:phase>ERROR" in text:
                    raise RuntimeError(text)
            client.get(f"{job}/results/result").raise_for_status()
            client.delete(job)

        return median(round_trip, 40)


def match(centre: Centre, rows: int) -> tuple[float, float]:
    """Ten thousand uploaded positions matched at one arc second: through TAP, and bare with COPY and q3c."""
    some = np.random.default_rng(5).integers(0, min(rows, 1_000_000), UPLOADED)
    uploaded = chunk(min(rows, 1_000_000), 0, np.random.default_rng(rows)).select(["ra", "dec"]).take(some)
    body = io.BytesIO()
    pq.write_table(uploaded, body)
    form = {"LANG": "ADQL", "QUERY": MATCH, "UPLOAD": "u,param:up", "MAXREC": "100000"}
    with httpx.Client(verify=False, timeout=60) as client:

        def ours() -> None:
            files = {"up": ("u.parquet", body.getvalue())}
            client.post(f"{centre.url}/tap/sync", data=form, files=files).raise_for_status()

        ours_ms = median(ours, 11)
    with psycopg.connect(centre.database.url, autocommit=True) as bare:
        bare.execute("SET jit = off")  # compiling takes longer than the match
        bare_ms = median(lambda: _bare_match(bare, centre.table, uploaded), 11)
    return ours_ms, bare_ms


def _bare_match(connection: psycopg.Connection, table: str, uploaded: pa.Table) -> None:
    connection.execute("CREATE TEMP TABLE up (ra double precision, dec double precision)")
    with connection.cursor().copy("COPY up FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["float8", "float8"])
        for row in zip(*(column.to_pylist() for column in uploaded.columns), strict=True):
            copy.write_row(row)
    connection.execute("ANALYZE up")
    found = connection.execute(BARE_MATCH.format(table=table)).fetchall()
    if len(found) < UPLOADED:
        raise RuntimeError(len(found))
    connection.execute("DROP TABLE up")


def line(name: str, ours: float, bare: float | None, target: str) -> str:
    """Write a line of the report."""
    beside = "–" if bare is None else f"{bare:.2f}"
    return f"{name:44s}{ours:9.1f}{beside:>10s}   {target}"


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(prog="python -m bench.production")
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with running(rows) as centre:
        print(f"load average {os.getloadavg()[0]:.1f}\n{'':44s}{'ours':>9s}{'bare':>10s}   target")
        print(line("cone of 0.1°, ms", *cones(centre), f"< {TARGETS['cone']:g}"), flush=True)
        print(line("16 clients asking cones, requests/s", crowd(centre), None, f">= {TARGETS['crowd']:g}"), flush=True)
        print(line("async job through Celery, ms", asynchronous(centre), None, f"< {TARGETS['async']:g}"), flush=True)
        print(line("10,000 uploads matched at 1 arcsec, ms", *match(centre, rows), f"< {TARGETS['match']:g}"))


if __name__ == "__main__":
    main()
