"""A server killed with -9 loses no job and runs none twice at the same time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nashira.uws.jobs import Jobs
from nashira.uws.model import Phase

HOST = Path(__file__).with_name("crash_host.py")
STEPS = 20
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(database: str, tmp_path: Path) -> Iterator[Start]:
    """Start servers; at the end, stop those that still live."""
    made: list[subprocess.Popen[bytes]] = []

    def begin(workers: int, lease_seconds: float, *more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(HOST), str(tmp_path), database, str(workers), str(lease_seconds), *more]
        made.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return made[-1]

    yield begin
    (tmp_path / "stop").touch()
    for process in made:
        assert process.wait(10) in {0, -signal.SIGKILL}


def kill(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def check_all_completed(jobs: Jobs, ids: list[str], folder: Path) -> None:
    assert not (folder / "overlap").exists()
    for job_id in ids:
        job = jobs.get(job_id)
        assert job.phase is Phase.COMPLETED
        _, result = jobs.result(job_id, "result")
        path = jobs.files.of_try(job_id, job.tries) / "result"
        lines = path.read_text().splitlines()
        assert lines == [f"{job_id} {job.tries} {step}" for step in range(STEPS)]
        assert path.stat().st_size == result.size_bytes
    files = [path for path in (folder / "results").rglob("*") if path.is_file()]
    assert len(files) == len(ids)  # nothing is left of the runs that were cut off


@pytest.mark.parametrize(("lease_seconds", "more"), [(60, ()), (1, ("blind",))])
def test_kill_9_with_ten_running_and_fifty_queued(
    jobs: Jobs, start: Start, until: Any, tmp_path: Path, lease_seconds: float, more: tuple[str, ...]
) -> None:
    first = start(10, lease_seconds, *more)
    ids = [jobs.run(jobs.create("tap", []).id).id for _ in range(60)]
    until(lambda: jobs.store.count(Phase.EXECUTING) == 10)
    kill(first)
    interrupted = jobs.store.claims()
    assert len(interrupted) >= 5
    assert jobs.store.count(Phase.QUEUED) >= 10
    begin = time.monotonic()
    second, third = start(5, lease_seconds, *more), start(5, lease_seconds, *more)
    until(lambda: jobs.store.count(Phase.COMPLETED) == 60, 9)
    assert time.monotonic() - begin < 9
    assert second.poll() is None
    assert third.poll() is None
    until(lambda: len([p for p in (tmp_path / "results").rglob("*") if p.is_file()]) == 60)
    check_all_completed(jobs, ids, tmp_path)
    assert all(jobs.get(claim.job_id).tries == claim.tries + 1 for claim in interrupted)
    # a run is begun again only where it was cut off
    assert len((tmp_path / "runs").read_text().splitlines()) <= 60 + 10


def test_jobs_of_a_killed_server_move_to_one_that_lives(jobs: Jobs, start: Start, until: Any, tmp_path: Path) -> None:
    first = start(4, 60)
    ids = [jobs.run(jobs.create("tap", []).id).id for _ in range(12)]
    until(lambda: jobs.store.count(Phase.EXECUTING) == 4)
    start(4, 60)
    kill(first)
    until(lambda: jobs.store.count(Phase.COMPLETED) == 12, 9)
    until(lambda: len([p for p in (tmp_path / "results").rglob("*") if p.is_file()]) == 12)
    check_all_completed(jobs, ids, tmp_path)
