"""The dispatcher of a server process: job threads and a sweeper."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import structlog

from .holder import Holder
from .jobs import Jobs
from .model import Phase, Runner
from .sweep import Sweeper

_log = structlog.get_logger(__name__)


class ThreadDispatcher:
    """Runs queued jobs of the services in `runners` on `settings.jobs.workers` threads."""

    def __init__(self, jobs: Jobs, runners: Mapping[str, Runner]) -> None:
        self._jobs = jobs
        self._count = jobs.settings.jobs.workers
        self._holder = Holder(jobs, runners, self._count)
        self._sweeper = Sweeper(jobs, self._holder.tick_seconds, self._look)
        self._calls = threading.Condition()
        self._called = 0
        self._stopping = self._holder.stopping
        self._workers: list[threading.Thread] = []

    @property
    def worker(self) -> str:
        """The name under which jobs are claimed."""
        return self._holder.worker

    def start(self) -> None:
        """Take over what dead processes left behind, then work until `stop`."""
        self._jobs.changes.listen(self._heard)
        self._holder.start()
        for number in range(self._count):
            self._workers.append(threading.Thread(target=self._work, name=f"job-{number}", daemon=True))
        for thread in self._workers:
            thread.start()
        self._sweeper.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Cancel the running jobs and queue them again for others; wakes all who wait for jobs."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._jobs.changes.close()
        self._jobs.changes.ignore(self._heard)
        self._call(len(self._workers))
        self._sweeper.stop()
        self._holder.stop(self._join, seconds)

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for thread in self._workers:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _heard(self, _: str, phase: Phase | None) -> None:
        """Wake a worker for a queued job."""
        if phase is Phase.QUEUED:
            self._call(1)

    def _look(self, _: int) -> None:
        """Wake all workers: jobs are queued that nobody here heard of."""
        self._call(len(self._workers))

    def _call(self, workers: int) -> None:
        with self._calls:
            self._called += 1
            self._calls.notify(workers)

    def _work(self) -> None:
        while not self._stopping.is_set():
            heard = self._called
            try:
                if self._holder.run_next():
                    continue
            except Exception:  # noqa: BLE001 - logged; the database may come back
                _log.exception("cannot claim a job")
                self._stopping.wait(self._holder.tick_seconds)
                continue
            with self._calls:
                while self._called == heard and not self._stopping.is_set():
                    self._calls.wait()
