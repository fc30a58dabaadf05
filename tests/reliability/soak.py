"""A long load of all kinds on a small data centre: `python -m tests.reliability.soak --minutes 10 --clients 16`.

Fails where a server answers 5xx other than 503, a job ends otherwise than it should, memory, threads, files or
connections grow by a tenth from the third to the last quarter, or something is left when all have gone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import psutil
import psycopg

from tests.postgres_server import running_server
from tests.redis_server import running_redis
from tests.reliability.centre import Centre
from tests.reliability.soak_clients import Client, Told

_EVERY_SECONDS = 0.5
_GROWTH = 0.10
_SLACK = {"rss_mb": 20.0, "threads": 4.0, "files": 8.0, "connections": 3.0}
_QUIET_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What all processes of the centre hold at one time."""

    rss_mb: float
    threads: float
    files: float
    connections: float


class Watch(threading.Thread):
    """Takes samples until it is stopped."""

    def __init__(self, centre: Centre) -> None:
        super().__init__(name="watch", daemon=True)
        self._centre = centre
        self._ended = threading.Event()
        self.samples: list[Sample] = []

    def run(self) -> None:
        """Take one sample after the other."""
        while not self._ended.wait(_EVERY_SECONDS):
            self.samples.append(sample(self._centre))

    def stop(self) -> None:
        """Take no more."""
        self._ended.set()
        self.join()


def sample(centre: Centre) -> Sample:
    """Look at all processes of the centre now."""
    processes = list(family(centre))
    held = [(one.memory_info().rss / 1e6, one.num_threads(), one.num_fds()) for one in processes]
    rss, threads, files = (sum(column) for column in zip(*held, strict=True))
    return Sample(rss, threads, files, connections(centre))


def family(centre: Centre) -> Iterator[psutil.Process]:
    """Give the server and worker processes, with those that they have started."""
    for process in [*centre.workers, *([centre.server] if centre.server else [])]:
        parent = psutil.Process(process.pid)
        yield parent
        yield from parent.children(recursive=True)


def connections(centre: Centre, condition: str = "TRUE") -> int:
    """Count the sessions of the database, other than this one."""
    query = (
        "SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND "
    )
    with psycopg.connect(centre.database.super_url) as connection:
        found = connection.execute(f"{query}{condition}").fetchone()
    return int(found[0]) if found else 0


@contextmanager
def centre_of(engine: str) -> Iterator[Centre]:
    """Run a centre of PostgreSQL, Redis, two server processes and two workers."""
    with tempfile.TemporaryDirectory(prefix="nashira-soak-") as name, running_server() as postgres:
        folder = Path(name)
        with running_redis(folder) as redis:
            settings = {"NASHIRA_SERVICE__PROCESSES": "2"}
            embedded = {"NASHIRA_ENGINE__URL": "", "NASHIRA_ENGINE__MEMORY_MB": "300", "NASHIRA_ENGINE__THREADS": "1"}
            settings |= embedded if engine == "duckdb" else {}
            made = Centre(folder, postgres, redis, tuple(settings.items()))
            try:
                made.publish()
                made.start_server()
                made.start_worker()
                made.start_worker()
                yield made
            finally:
                made.stop()


def load(centre: Centre, clients: int, seconds: float) -> tuple[Told, list[Sample]]:
    """Let clients act for so long."""
    told, stop, watch = Told(), threading.Event(), Watch(centre)
    crowd = [Client(centre.url, number, told, stop) for number in range(clients)]
    for client in crowd:
        client.start()
    watch.start()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(30, left))
        done = sum(sum(counts.values()) for counts in told.statuses.values())
        print(f"{max(0, end - time.monotonic()):5.0f} s left, {done} answers, {watch.samples[-1]}", flush=True)
    stop.set()
    for client in crowd:
        client.join(90)
    watch.stop()
    return told, watch.samples


def report(told: Told) -> list[str]:
    """Write what was answered as a table."""
    lines = [f"{'what':14s}{'count':>8s}{'median ms':>11s}{'99 % ms':>9s}  answers"]
    for action, counts in sorted(told.statuses.items()):
        seconds = sorted(told.seconds[action])
        middle, late = seconds[len(seconds) // 2] * 1e3, seconds[int(len(seconds) * 0.99)] * 1e3
        answers = ", ".join(f"{status}: {count}" for status, count in sorted(counts.items()))
        lines.append(f"{action:14s}{len(seconds):8d}{middle:11.1f}{late:9.1f}  {answers}")
    return lines


def growth(samples: Sequence[Sample]) -> tuple[list[str], list[str]]:
    """Compare the third and the last quarter: a table, and what grew too much."""
    quarter = max(1, len(samples) // 4)
    lines, faults = [f"{'held':14s}{'start':>9s}{'3rd quarter':>13s}{'last quarter':>14s}{'growth':>9s}"], []
    for field in fields(Sample):
        values = [float(getattr(one, field.name)) for one in samples]
        before, after = statistics.median(values[-2 * quarter : -quarter]), statistics.median(values[-quarter:])
        grown = after / before - 1 if before else 0.0
        lines.append(f"{field.name:14s}{values[0]:9.0f}{before:13.0f}{after:14.0f}{grown:8.1%}")
        if grown >= _GROWTH and after - before > _SLACK[field.name]:
            faults.append(f"{field.name} grew by {grown:.0%}")
    return lines, faults


def wrong_answers(told: Told) -> list[str]:
    """Name the answers that there should be none of."""
    faults = []
    for action, counts in told.statuses.items():
        for status, count in counts.items():
            bad = status.startswith("5") and status != "503"
            if bad or status in {"ERROR", "ABORTED"} or status.endswith("Error") or status.endswith("Timeout"):
                faults.append(f"{action}: {count} times {status}")
    return faults


def left_over(centre: Centre) -> list[str]:
    """Wait a moment, then name what is still there though nobody asks any more."""
    end = time.monotonic() + _QUIET_SECONDS
    while True:
        active = connections(centre, "state <> 'idle'")
        files = [path.name for path in (centre.site / "var" / "tmp").iterdir() if not path.name.startswith("duckdb-")]
        results = [path.name for path in (centre.site / "var" / "results").iterdir() if path.name != "_incoming"]
        faults = [f"{len(files)} temporary files are left"] if files else []
        faults += [f"{len(results)} folders of deleted jobs are left"] if results else []
        faults += [f"{active} queries run on"] if active else []
        if not faults or time.monotonic() > end:
            return faults
        time.sleep(0.5)


def main() -> int:
    """Run it and tell what was seen; 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.soak")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--engine", choices=("postgresql", "duckdb"), default="postgresql")
    asked = parser.parse_args()
    with centre_of(asked.engine) as centre:
        told, samples = load(centre, asked.clients, asked.minutes * 60)
        faults = wrong_answers(told)
        held, grown = growth(samples)
        faults += grown + left_over(centre)
        print(*report(told), "", *held, f"at the end: {sample(centre)}", sep="\n")
    print(*(f"FAULT: {fault}" for fault in faults), sep="\n")
    print("failed" if faults else "passed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
