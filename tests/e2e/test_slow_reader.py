"""Ten million rows for a reader who takes a few megabytes a second: the server waits and does not pile them up."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conformance.server import serving

ROWS = 10_000_000
MOST_MB = 200
QUERY = "SELECT a.n AS n, a.x AS x, b.x AS y FROM slow.numbers AS a, slow.numbers AS b"
FORMATS = ["votable/b2", "votable/td", "csv", "json", "parquet", "arrow"]


def nashira(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "nashira", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose table joined with itself has sixteen million rows."""
    folder = tmp_path_factory.mktemp("slow")
    numbers = np.arange(4000)
    pq.write_table(pa.table({"n": numbers, "x": np.sin(numbers)}), folder / "numbers.parquet")
    nashira("init", str(folder / "site"))
    nashira("publish", str(folder / "numbers.parquet"), "--site", str(folder / "site"), "--table", "slow.numbers")
    with serving(folder / "site", folder / "log") as base:
        httpx.get(f"{base}/tap/sync", params={"LANG": "ADQL", "QUERY": "SELECT TOP 1 * FROM slow.numbers"})
        yield base


@pytest.fixture(scope="module")
def idle_mb(url: str) -> float:
    """What the server holds before the first large result."""
    return memory_mb(server(url), "VmRSS")


def server(url: str) -> int:
    port = urlsplit(url).port
    listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr[1:] == (port,)]
    assert listening[0].pid is not None
    return listening[0].pid


def memory_mb(process: int, key: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split(f"{key}:")[1].split()[0]) / 1024


@pytest.mark.parametrize("name", FORMATS)
def test_memory_stays_small_while_a_slow_reader_takes_a_large_result(url: str, idle_mb: float, name: str) -> None:
    process = server(url)
    Path(f"/proc/{process}/clear_refs").write_text("5")  # the peak begins anew
    taken = take_slowly(url, name, bytes_s=5e6, seconds=1.5)
    assert taken > 1_000_000
    assert memory_mb(process, "VmHWM") - idle_mb < MOST_MB


def take_slowly(url: str, name: str, bytes_s: float, seconds: float) -> int:
    """Begin the result, take its bytes at a steady pace, leave; gives the bytes taken."""
    parts = urlsplit(url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)  # the kernel shall not read ahead for us
        client.connect((parts.hostname, parts.port))
        path = f"/tap/sync?LANG=ADQL&MAXREC={ROWS}&RESPONSEFORMAT={quote(name, safe='')}&QUERY={quote(QUERY)}"
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        head = client.recv(1 << 16)
        assert head.startswith(b"HTTP/1.1 200"), head[:300]
        start, taken = time.monotonic(), len(head)
        while time.monotonic() - start < seconds:
            taken += len(client.recv(1 << 16))
            time.sleep(max(0.0, taken / bytes_s - (time.monotonic() - start)))
    return taken
