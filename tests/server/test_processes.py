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
    time.sleep(5)  # one that ends sooner counts as one that cannot start
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
