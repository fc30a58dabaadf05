"""Several server processes behind one port."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from nashira.config.site import open_site
from tests.conformance.server import free_port, wait_until_ready

QUERY = {"LANG": "ADQL", "QUERY": "SELECT TOP 1 table_name FROM TAP_SCHEMA.tables"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    (tmp_path / "nashira.toml").write_text("[service]\nprocesses = 2\n")
    open_site(tmp_path)
    port = free_port()
    command = [sys.executable, "-m", "nashira", "serve", "--site", str(tmp_path), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process)
        yield url, process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_one_that_dies_is_replaced_and_metrics_are_of_all(
    served: tuple[str, subprocess.Popen[bytes]], until: object
) -> None:
    url, process = served
    supervisor = psutil.Process(process.pid)
    assert len(supervisor.children()) == 2
    for _ in range(8):
        assert httpx.get(f"{url}/tap/sync", params=QUERY).status_code == 200
    text = httpx.get(f"{url}/metrics").text
    assert 'nashira_requests_total{method="GET",service="tap/sync",status="200"} 8.0' in text
    victim = supervisor.children()[0].pid
    os.kill(victim, signal.SIGKILL)
    end = time.monotonic() + 15
    while len([child for child in supervisor.children() if child.pid != victim and child.is_running()]) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    for _ in range(8):
        assert httpx.get(f"{url}/tap/sync", params=QUERY).status_code == 200


def test_a_server_that_cannot_start_ends_it_all(tmp_path: Path) -> None:
    (tmp_path / "nashira.toml").write_text(f'[service]\nprocesses = 2\n[jobs]\ndatabase = "sqlite:///{tmp_path}"\n')
    open_site(tmp_path)
    command = [sys.executable, "-m", "nashira", "serve", "--site", str(tmp_path), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "job database cannot be opened" in done.stderr
    assert "Traceback" not in done.stderr


def test_requests_under_way_are_served_to_their_end(tmp_path: Path) -> None:
    """A stop takes no new requests; a result that is being sent arrives whole, then every process has ended."""
    (tmp_path / "nashira.toml").write_text("[service]\nprocesses = 2\nstop_seconds = 20\n")
    open_site(tmp_path)
    port = free_port()
    command = [sys.executable, "-m", "nashira", "serve", "--site", str(tmp_path), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process)
        children = psutil.Process(process.pid).children()
        count = int(httpx.get(f"{url}/tap/sync", params=asked("SELECT COUNT(*) AS n FROM TAP_SCHEMA.columns")).text[2:])
        names = "a.column_name, b.column_name, c.column_name"
        tables = ", ".join(f"TAP_SCHEMA.columns AS {name}" for name in "abc")
        everything = {**asked(f"SELECT {names} FROM {tables}"), "MAXREC": "100000000"}
        with httpx.stream("GET", f"{url}/tap/sync", params=everything, timeout=30) as answer:
            lines = answer.iter_lines()
            next(lines)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{url}/health", timeout=2)
            assert sum(1 for _ in lines) == count**3
        assert process.wait(20) == 0
        assert not any(child.is_running() for child in children)
    finally:
        process.kill()
        process.wait()


def asked(query: str) -> dict[str, str]:
    return {"LANG": "ADQL", "QUERY": query, "FORMAT": "csv"}
