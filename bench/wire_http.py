"""Results over HTTP: a real server process, one raw connection, its processor time and memory by the process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from .client import Connection, sync_path
from .wire_data import Result

CODINGS = ("gzip", "zstd")


@dataclass(frozen=True, slots=True)
class Sent:
    """How one result went over the wire: medians of all runs; `peak_mb` is above what the idle server had."""

    result: str
    format: str
    coding: str
    rows: int
    seconds: float
    first_s: float
    size_bytes: int
    cpu_s: float
    peak_mb: float

    @property
    def rate(self) -> float:
        """Rows a second, in millions."""
        return self.rows / self.seconds / 1e6


class ServerProcess:
    """The process that listens on a URL's port, seen from outside."""

    def __init__(self, url: str) -> None:
        self.url = url
        port = int(url.rsplit(":", 1)[1])
        every = psutil.net_connections("tcp")
        listening = [c for c in every if c.status == psutil.CONN_LISTEN and getattr(c.laddr, "port", 0) == port]
        self.process = psutil.Process(listening[0].pid)
        Connection(url).get(sync_path("SELECT TOP 1 * FROM bench.ten"))
        self.idle_mb = self._status("VmRSS")

    def cpu_s(self) -> float:
        """Processor seconds so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def forget_peak(self) -> None:
        """Let the peak begin anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak_mb(self) -> float:
        """Peak since `forget_peak`, above the idle server."""
        return max(0.0, self._status("VmHWM") - self.idle_mb)

    def _status(self, key: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{key}:")[1].split()[0]) / 1024


def send(server: ServerProcess, result: Result, name: str, coding: str = "", runs: int = 0) -> Sent:
    """Ask for a result `runs` times, after one warm-up where that is more than once."""
    connection = Connection(server.url)
    path = sync_path(result.query, RESPONSEFORMAT=name, MAXREC=str(result.rows))
    header = f"Accept-Encoding: {coding or 'identity'}\r\n"
    runs = runs or result.runs
    if runs > 1:
        _checked(connection, path, header)
    server.forget_peak()
    before = server.cpu_s()
    replies = [_checked(connection, path, header) for _ in range(runs)]
    cpu_s = (server.cpu_s() - before) / runs
    connection.close()
    seconds, first_s = (statistics.median(values) for values in zip(*((r[0], r[1]) for r in replies), strict=True))
    return Sent(result.name, name, coding, result.rows, seconds, first_s, replies[0][2], cpu_s, server.peak_mb())


def _checked(connection: Connection, path: str, header: str) -> tuple[float, float, int]:
    reply = connection.get(path, header)
    if reply.status != 200:
        message = f"status {reply.status} for {path[:200]}"
        raise RuntimeError(message)
    return reply.total_s, reply.first_s, reply.size_bytes


def send_all(server: ServerProcess, results: tuple[Result, ...]) -> Iterator[Sent]:
    """Ask for every result in each of its formats, and for the first compressed, too."""
    for result in results:
        for name in result.formats:
            yield send(server, result, name)
    for coding in CODINGS:
        yield send(server, results[0], "votable/td", coding, 1)
        yield send(server, results[0], "votable/b2", coding, 1)


@dataclass(frozen=True, slots=True)
class Slow:
    """A reader who takes `bytes_s` bytes a second for `seconds`, and what the server needed meanwhile."""

    format: str
    rows: int
    seconds: float
    bytes_s: float
    peak_mb: float
    cpu_s: float


def read_slowly(server: ServerProcess, result: Result, name: str, bytes_s: float, seconds: float) -> Slow:
    """Begin a result, take its bytes at a steady pace, leave after `seconds`."""
    connection = Connection(server.url)
    connection.socket.setsockopt(1, 8, 1 << 18)  # SOL_SOCKET, SO_RCVBUF: the kernel shall not read ahead for us
    path = sync_path(result.query, RESPONSEFORMAT=name, MAXREC=str(result.rows))
    server.forget_peak()
    before, start, taken = server.cpu_s(), time.monotonic(), 0
    connection.ask(path)
    while (spent := time.monotonic() - start) < seconds:
        got = connection.socket.recv(1 << 16)
        if not got:
            break
        taken += len(got)
        time.sleep(max(0.0, taken / bytes_s - spent))
    peak, cpu_s = server.peak_mb(), server.cpu_s() - before
    connection.close()
    return Slow(name, result.rows, seconds, bytes_s, peak, cpu_s)
