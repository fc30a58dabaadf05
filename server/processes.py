"""Several server processes behind one socket, kept alive until a signal ends them all."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from types import FrameType

import structlog

_LOOK_SECONDS = 0.1
_START_SECONDS = 60.0  # a process that gives up before did not come up; one that is killed may at any time
_log = structlog.get_logger(__name__)


class Processes:
    """Runs `command` so many times, each with the listening socket; one that dies is started again."""

    def __init__(self, command: Sequence[str], listener: socket.socket, count: int) -> None:
        self._command = [*command, "--descriptor", str(listener.fileno())]
        self._listener = listener
        self._count = count
        self._stopping = threading.Event()

    def run(self, stop_seconds: float) -> int:
        """Run until SIGINT or SIGTERM and give the exit code; what does not end in time is killed."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        shared = tempfile.mkdtemp(prefix="nashira-metrics-")
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": shared}
        children: list[tuple[subprocess.Popen[bytes], float]] = []
        try:
            while not self._stopping.wait(_LOOK_SECONDS if children else 0):
                for child, began in children:
                    if (child.poll() or 0) > 0 and time.monotonic() - began < _START_SECONDS:
                        return child.returncode
                alive = [(child, began) for child, began in children if child.poll() is None]
                if len(alive) < len(children):
                    _log.error("a server process has ended; another takes its place")
                children = alive
                while len(children) < self._count:
                    children.append((self._start(environment), time.monotonic()))
            return 0
        finally:
            self._listener.close()  # else connections that nobody takes would seem to be made
            _end([child for child, _ in children], stop_seconds)
            shutil.rmtree(shared, ignore_errors=True)

    def _stop(self, _: int, __: FrameType | None) -> None:
        self._stopping.set()

    def _start(self, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, env=environment, pass_fds=[self._listener.fileno()])


def itself(arguments: Sequence[str]) -> list[str]:
    """Give the command that runs this program with other arguments."""
    return [sys.executable, "-m", __package__.partition(".")[0], *arguments]


def _end(children: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    end = time.monotonic() + seconds
    for child in children:
        try:
            child.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
