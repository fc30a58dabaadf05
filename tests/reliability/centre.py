"""A small data centre on this machine: PostgreSQL, Redis, server and worker processes, and what may happen to them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from nashira.uws.model import Phase
from nashira.uws.store import JobStore
from tests.conformance.server import free_port, wait_until_ready
from tests.postgres_server import ADMIN, Database, PostgresServer
from tests.redis_server import RedisServer

STARS = 8_000
Settings = Sequence[tuple[str, str]]
_TAG = re.compile(r"/\* ([a-z0-9]{25}) \*/")


def query(number: int) -> str:
    """Give the query of job `number`: some 50 ms of counting, another answer for each of 200."""
    return (
        "SELECT a.id, COUNT(*) AS brighter FROM sky.stars AS a, sky.stars AS b "
        f"WHERE MOD(a.id, 200) = {number % 200} AND b.mag < a.mag + 0.0001 GROUP BY a.id ORDER BY a.id"
    )


class Centre:
    """The processes of one site; each may be killed and started again."""

    def __init__(self, folder: Path, postgres: PostgresServer, redis: RedisServer, settings: Settings = ()) -> None:
        """`settings` are further variables of the environment, by name."""
        self.site = folder / "site"
        self.postgres = postgres
        self.redis = redis
        self.database: Database = postgres.main
        self.url = ""
        self.server: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        self._log = (folder / "log").open("ab")
        self._port = free_port()
        self._environment = dict(os.environ) | {
            "NASHIRA_SERVICE__BASE_URL": f"http://127.0.0.1:{self._port}",
            "NASHIRA_ENGINE__URL": self.database.read_url,
            "NASHIRA_JOBS__DATABASE": self.database.url,
            "NASHIRA_JOBS__BROKER": redis.url,
            "NASHIRA_JOBS__LEASE_SECONDS": "4",
            **dict(settings),
        }

    def publish(self) -> None:
        """Make the site and its one table."""
        with psycopg.connect(self.database.super_url, autocommit=True) as connection:
            # what is committed survives a crash, as it does on servers that are not for tests
            connection.execute(f"ALTER ROLE {ADMIN} SET synchronous_commit = on")
        rng = np.random.default_rng(3)
        number = np.arange(STARS)
        table = {"id": number, "ra": rng.uniform(0, 360, STARS), "dec": rng.uniform(-80, 80, STARS)}
        self.site.mkdir()
        (self.site / "nashira.toml").write_text("[jobs]\nworkers = 3\n")
        pq.write_table(pa.table({**table, "mag": rng.normal(18, 2, STARS)}), self.site / "stars.parquet")
        command = ["publish", str(self.site / "stars.parquet"), "--table", "sky.stars", "--site", str(self.site)]
        environment = self._environment | {"NASHIRA_ENGINE__ADMIN_URL": self.database.url}
        subprocess.run([sys.executable, "-m", "nashira", *command], env=environment, check=True, capture_output=True)

    def start_server(self) -> None:
        """Start the server and wait for its answer."""
        self.server = self._start("serve", "--port", str(self._port))
        self.url = f"http://127.0.0.1:{self._port}"
        wait_until_ready(self.url, self.server)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        self.workers.append(self._start("worker"))
        return self.workers[-1]

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "nashira", *words, "--site", str(self.site)]
        return subprocess.Popen(command, env=self._environment, stdout=self._log, stderr=self._log)

    def kill_worker(self) -> None:
        """Kill the first worker with -9."""
        worker = self.workers.pop(0)
        worker.kill()
        worker.wait()

    def kill_server(self) -> None:
        """Kill the server with -9."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()

    def stop(self) -> None:
        """End all processes."""
        processes = [*self.workers, *([self.server] if self.server else [])]
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()

    # Jobs

    def submit(self, count: int) -> list[str]:
        """Queue so many jobs over HTTP and give their URLs."""
        with httpx.Client(timeout=60, verify=False) as client, ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda number: self._submit(client, number), range(count)))

    def _submit(self, client: httpx.Client, number: int) -> str:
        data = {"LANG": "ADQL", "FORMAT": "csv", "QUERY": query(number), "PHASE": "RUN"}
        answer = client.post(f"{self.url}/tap/async", data=data)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def results(self, jobs: Sequence[str]) -> list[bytes]:
        """Fetch the results of jobs."""
        with httpx.Client(timeout=60, verify=False) as client:
            answers = [client.get(f"{job}/results/result") for job in jobs]
        assert {answer.status_code for answer in answers} == {200}
        return [answer.content for answer in answers]

    def phases(self, jobs: Sequence[str]) -> Counter[Phase]:
        """Count the phases of jobs, asked of the store itself."""
        store = JobStore(self.database.url)
        try:
            return Counter(store.phases([job.rpartition("/")[2] for job in jobs]).values())
        finally:
            store.close()


@contextmanager
def overlaps(super_url: str) -> Iterator[set[str]]:
    """Watch the database: collects the jobs whose queries run in two sessions at the same time."""
    found: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        active = "SELECT query FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend'"
        while not ended.is_set():
            try:
                with psycopg.connect(super_url, autocommit=True) as connection:
                    while not ended.wait(0.02):
                        tags = Counter(tag for (sql,) in connection.execute(active) for tag in _TAG.findall(sql))
                        found.update(tag for tag, times in tags.items() if times > 1)
            except psycopg.OperationalError:
                ended.wait(0.1)  # it is being restarted

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()
