"""What breaks in a data centre, on real servers: 200 jobs in flight, and nothing is lost or done twice at once."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from nashira.uws.model import Phase
from tests.postgres_server import running_server
from tests.redis_server import running_redis
from tests.reliability.centre import Centre, overlaps

JOBS = 200
PATIENCE_SECONDS = 120
Fault = Callable[[Centre], None]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("centre")
    with running_server() as postgres, running_redis(folder) as redis:
        made = Centre(folder, postgres, redis)
        try:
            made.publish()
            made.start_server()
            made.start_worker()
            made.start_worker()
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="module")
def calm(centre: Centre) -> list[bytes]:
    """The results of a run in which nothing happens."""
    jobs = centre.submit(JOBS)
    wait(centre, jobs)
    return centre.results(jobs)


def wait(centre: Centre, jobs: list[str], final: frozenset[Phase] = frozenset({Phase.COMPLETED})) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while (phases := centre.phases(jobs)).keys() - final:
        assert time.monotonic() < end, phases
        time.sleep(0.2)


def kill_a_worker(centre: Centre) -> None:
    centre.kill_worker()
    centre.start_worker()


def flush_redis(centre: Centre) -> None:
    centre.redis.flush()


def restart_redis(centre: Centre) -> None:
    centre.redis.kill()
    centre.redis.start()


def restart_postgres(centre: Centre) -> None:
    centre.postgres.restart()


def kill_the_server(centre: Centre) -> None:
    centre.kill_server()
    centre.start_server()


@pytest.mark.parametrize(
    "fault", [kill_a_worker, flush_redis, restart_redis, restart_postgres, kill_the_server], ids=lambda f: f.__name__
)
def test_nothing_is_lost(centre: Centre, calm: list[bytes], fault: Fault) -> None:
    with overlaps(centre.database.super_url) as twice:
        jobs = centre.submit(JOBS)
        assert centre.phases(jobs).keys() != {Phase.COMPLETED}
        fault(centre)
        begin = time.monotonic()
        while not answers(centre):
            assert time.monotonic() - begin < 30
            time.sleep(0.1)
        wait(centre, jobs)
    assert centre.results(jobs) == calm
    assert twice == set()


def answers(centre: Centre) -> bool:
    try:
        asked = {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n FROM sky.stars", "FORMAT": "csv"}
        answer = httpx.get(f"{centre.url}/tap/sync", params=asked, timeout=30)
    except httpx.TransportError:
        return False
    return answer.status_code == 200 and answer.text.split() == ["n", "8000"]


@pytest.fixture
def small_results(centre: Centre) -> Iterator[Path]:
    """The folder of results on a file system of 2 MB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    folder = centre.site / "var" / "results"
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (folder / "_incoming").mkdir()
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_the_true_reason(centre: Centre, calm: list[bytes], small_results: Path) -> None:
    assert shutil.disk_usage(small_results).total < 3_000_000
    (small_results / "_incoming" / "filler").write_bytes(bytes(2_050_000))
    jobs = centre.submit(40)
    wait(centre, jobs, frozenset({Phase.COMPLETED, Phase.ERROR}))
    phases = centre.phases(jobs)
    assert phases[Phase.ERROR] > 0
    for job, expected in zip(jobs, calm, strict=False):
        if httpx.get(f"{job}/phase").text == "ERROR":
            assert "disk" in httpx.get(f"{job}/error").text
        else:
            assert httpx.get(f"{job}/results/result").content == expected
    (small_results / "_incoming" / "filler").unlink()
    again = centre.submit(5)
    wait(centre, again)
    assert centre.results(again) == calm[:5]
