"""A server killed with -9 loses no job; two servers on one site share jobs; the store survives damage."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nashira.server.demo import make_demo_site
from tests.conformance.server import free_port, serving, wait_until_ready

SLOW = "SELECT COUNT(*) AS n FROM demo.stars AS a, demo.stars AS b WHERE a.ra * b.dec + a.dec * b.ra > 5000"
QUICK = "SELECT COUNT(*) AS n FROM demo.stars WHERE gmag < 18.5"


HTTP = httpx.Client(verify=False, timeout=30)  # one for all: making a client costs more than a request


@pytest.fixture(scope="module", autouse=True)
def closed_client() -> Iterator[None]:
    yield
    HTTP.close()


def submit(url: str, query: str, phase: str = "RUN") -> str:
    form = {"LANG": "ADQL", "QUERY": query, "PHASE": phase, "RESPONSEFORMAT": "csv"}
    return HTTP.post(f"{url}/tap/async", data=form).headers["location"].rsplit("/", 1)[1]


def phases(url: str, jobs: list[str]) -> list[str]:
    return [HTTP.get(f"{url}/tap/async/{job}/phase").text for job in jobs]


def count(url: str, phase: str) -> int:
    """Count the jobs that the list shows in a phase."""
    return HTTP.get(f"{url}/tap/async", params={"PHASE": phase}).text.count("<uws:jobref ")


def result(url: str, job: str) -> str:
    return HTTP.get(f"{url}/tap/async/{job}/results/result").text


def until(condition: object, seconds: float = 60) -> None:
    """Wait until `condition()` holds."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


def test_kill_nine_with_ten_running_and_fifty_queued(tmp_path: Path) -> None:
    site = tmp_path / "site"
    make_demo_site(site, stars=24_000)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = dict(os.environ) | {"NASHIRA_SERVICE__BASE_URL": url, "NASHIRA_JOBS__WORKERS": "10"}
    command = [sys.executable, "-m", "nashira", "serve", "--site", str(site), "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        first = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_until_ready(url, first)
            jobs = [submit(url, query) for query in [SLOW] * 10 + [QUICK] * 50]
            until(lambda: count(url, "EXECUTING") == 10)
            assert count(url, "QUEUED") == 50
        finally:
            first.send_signal(signal.SIGKILL)
            first.wait()
        second = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_until_ready(url, second)
            until(lambda: set(phases(url, jobs)) == {"COMPLETED"}, 120)
            answers = [result(url, job).split() for job in jobs]
        finally:
            second.terminate()
            second.wait(20)
    assert {len(answers), *(len(answer) for answer in answers)} == {60, 2}
    assert len({answer[1] for answer in answers[:10]}) == 1  # the same query, the same answer
    assert int(answers[0][1]) > 1_000_000
    assert {answer[1] for answer in answers[10:]} == {"24000"}


def test_two_servers_on_one_site(demo_site: Path, tmp_path: Path) -> None:
    with serving(demo_site, tmp_path / "a.log") as one, serving(demo_site, tmp_path / "b.log") as two:
        job = submit(one, "SELECT TOP 3 source_id FROM demo.stars ORDER BY source_id")
        until(lambda: phases(two, [job]) == ["COMPLETED"])
        assert result(two, job).split() == ["source_id", "71", "135", "199"]
        pending = submit(one, "SELECT TOP 1 ra FROM demo.stars", phase="")
        HTTP.post(f"{two}/tap/async/{pending}/phase", data={"PHASE": "RUN"})
        until(lambda: phases(one, [pending]) == ["COMPLETED"])
        assert HTTP.delete(f"{two}/tap/async/{job}").status_code == 303
        assert HTTP.get(f"{one}/tap/async/{job}").status_code == 404


def test_a_new_table_appears_without_a_restart(tmp_path: Path) -> None:
    site = tmp_path / "site"
    make_demo_site(site, stars=2000)
    source = tmp_path / "extra.csv"
    source.write_text("num,ra,dec\n1,10.5,20.5\n2,11.5,21.5\n")
    query = {"LANG": "ADQL", "QUERY": "SELECT num FROM more.extra ORDER BY num", "RESPONSEFORMAT": "csv"}
    with serving(site, tmp_path / "log") as url:
        assert HTTP.get(f"{url}/tap/sync", params=query).status_code == 400
        publish = [
            sys.executable,
            "-m",
            "nashira",
            "publish",
            str(source),
            "--site",
            str(site),
            "--table",
            "more.extra",
        ]
        subprocess.run(publish, check=True, capture_output=True)
        until(lambda: HTTP.get(f"{url}/tap/sync", params=query).text.split() == ["num", "1", "2"], 5)


def test_a_corrupt_file_in_the_store_costs_only_its_own_table(tmp_path: Path) -> None:
    site = tmp_path / "site"
    make_demo_site(site, stars=2000)
    (folder,) = [f for f in (site / "store").iterdir() if f.name.endswith("stars")]
    for path in folder.rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with serving(site, tmp_path / "log") as url:
        broken = HTTP.get(f"{url}/tap/sync", params={"LANG": "ADQL", "QUERY": "SELECT TOP 1 ra FROM demo.stars"})
        whole = HTTP.get(f"{url}/tap/sync", params={"LANG": "ADQL", "QUERY": "SELECT name FROM demo.clusters"})
    assert broken.status_code >= 400
    assert 'value="ERROR"' in broken.text
    assert str(tmp_path) not in broken.text
    assert whole.status_code == 200
    check = subprocess.run(
        [sys.executable, "-m", "nashira", "check", "--site", str(site)], capture_output=True, text=True, check=False
    )
    assert check.returncode == 1
    assert "stars" in check.stdout + check.stderr


def test_a_missing_store_folder_is_no_crash(tmp_path: Path) -> None:
    site = tmp_path / "site"
    make_demo_site(site, stars=2000)
    (folder,) = [f for f in (site / "store").iterdir() if f.name.endswith("clusters")]
    shutil.rmtree(folder)
    with serving(site, tmp_path / "log") as url:
        answer = HTTP.get(f"{url}/tap/sync", params={"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n FROM demo.stars"})
        assert answer.status_code == 200
