"""The server as a process: it tells when it is ready, and ends in order."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from nashira.config.errors import SettingsError
from nashira.config.site import open_site
from nashira.server.serve import serve

SERVE = """
import sys
from pathlib import Path
from nashira.config.site import open_site
from nashira.server.serve import serve
serve(open_site(Path(sys.argv[1])), port=0, announce=lambda line: print(line, flush=True))
"""
WORK = """
import sys
from pathlib import Path
from nashira.config.site import open_site
from nashira.server.serve import work
work(open_site(Path(sys.argv[1])))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "nashira.toml").write_text("[jobs]\nworkers = 1\n")
    return tmp_path


@contextmanager
def process(code: str, site: Path, **options: object) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(
        [sys.executable, "-c", code, str(site)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )  # type: ignore[call-overload]
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def ready(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    line = running.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found, line
    return found[0]


def test_serve_announces_and_stops(site: Path) -> None:
    with process(SERVE, site) as running:
        url = ready(running)
        answer = httpx.get(f"{url}/tap/capabilities")
        assert f'<accessURL use="base">{url}/tap</accessURL>' in answer.text
        assert httpx.get(f"{url}/health").json() == {"live": True, "ready": True}
        running.send_signal(signal.SIGTERM)
        assert running.wait(8) == 0


TABLES = range(7)
SLOW = (
    f"SELECT SUM(SIN({' + '.join(f'c{n}.column_index' for n in TABLES)})) AS s "
    f"FROM {', '.join(f'TAP_SCHEMA.columns AS c{n}' for n in TABLES)}"
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_open_queries_and_jobs_soon_and_says_nothing(site: Path, number: signal.Signals) -> None:
    """Also nothing of objects that are alive when Python ends."""
    with process(SERVE, site) as running, ThreadPoolExecutor() as pool:
        url = ready(running)
        data = {"LANG": "ADQL", "QUERY": SLOW}
        httpx.post(f"{url}/tap/async", data={**data, "PHASE": "RUN"})
        waiting = pool.submit(httpx.post, f"{url}/tap/sync", data=data, timeout=20)
        time.sleep(0.5)
        assert not waiting.done()
        running.send_signal(number)
        assert running.wait(8) == 0
        assert waiting.result().status_code == 503
        assert "being stopped" in waiting.result().text
        told = running.communicate()[1].splitlines()
    assert all(line.startswith("{") and '"level": "info"' in line for line in told), told


def test_a_port_in_use_is_told(site: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port}: another program listens there; choose a port with"):
            serve(open_site(site), port=port)


def test_an_address_of_others_is_told(site: Path) -> None:
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1, port 0: this machine has no such address"):
        serve(open_site(site), host="192.0.2.1", port=0)


def test_workers_run_the_jobs_of_a_server_without_any(site: Path) -> None:
    with (
        process(WORK, site) as worker,
        process(SERVE, site, env={**os.environ, "NASHIRA_JOBS__WORKERS": "0"}) as server,
    ):
        url = ready(server)
        data = {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n FROM TAP_SCHEMA.tables", "PHASE": "RUN"}
        job = httpx.post(f"{url}/tap/async", data=data).headers["location"]
        end = time.monotonic() + 8
        while (phase := httpx.get(f"{job}/phase").text) in {"QUEUED", "EXECUTING"} and time.monotonic() < end:
            time.sleep(0.1)
        assert phase == "COMPLETED"
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(8) == 0
