"""The server as a process: it tells when it is ready, and ends in order."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

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
        assert running.wait(8) in {0, -signal.SIGTERM}


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
