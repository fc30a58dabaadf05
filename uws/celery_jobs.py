"""The dispatchers of a site with a broker: one in servers, that announces jobs, one in workers, that runs them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping

import structlog
from celery import Celery, signals
from celery.apps.worker import Worker

from .broker import READY, Announcer, make_celery, names
from .holder import Holder
from .jobs import Jobs
from .model import Phase, Queue, Runner
from .news import News
from .sweep import Sweeper
from .workers import worker_name

_SWEEP_SECONDS = 1.0
_LOOK_SECONDS = 0.02
_log = structlog.get_logger(__name__)


class Announcing:
    """What every process of such a site does: news, announcements, sweeps."""

    def __init__(self, jobs: Jobs, url: str) -> None:
        self._jobs = jobs
        self._news = News(url, jobs.changes)
        self._announcer = Announcer(url, self._waiting)
        self._sweeper = Sweeper(jobs, _SWEEP_SECONDS, self._announcer.again)

    def start(self) -> None:
        """Begin; jobs that are queued from now on are announced at once."""
        self._jobs.changes.spread(self._queued)
        self._news.start()
        self._sweeper.start()

    def stop(self) -> None:
        """End; wakes all who wait for jobs."""
        self._jobs.changes.close()
        self._sweeper.stop()
        self._news.stop()
        self._announcer.close()

    def _queued(self, job_id: str, phase: Phase | None) -> None:
        if phase is Phase.QUEUED:
            job = self._jobs.store.get(job_id)
            self._announcer.ready(Queue.SHORT if job is None else job.queue)

    def _waiting(self) -> dict[Queue, int]:
        counts = self._jobs.store.counts()
        return {queue: jobs for (phase, queue), jobs in counts.items() if phase is Phase.QUEUED}


class CeleryDispatcher:
    """The dispatcher of a server process: it runs no job itself."""

    def __init__(self, jobs: Jobs, url: str) -> None:
        self._announcing = Announcing(jobs, url)
        self._stopped = False

    def start(self) -> None:
        """Begin to announce jobs."""
        self._announcing.start()

    def stop(self, _seconds: float = 5.0) -> None:
        """End; harmless when repeated."""
        if not self._stopped:
            self._stopped = True
            self._announcing.stop()


class CeleryJobs:
    """A worker process: runs jobs of the services in `runners` when messages say that some are ready."""

    def __init__(self, jobs: Jobs, runners: Mapping[str, Runner], url: str, queues: Collection[Queue]) -> None:
        self._places = max(1, jobs.settings.jobs.workers)
        self._holder = Holder(jobs, runners, self._places, tuple(queues))
        self._announcing = Announcing(jobs, url)
        self._app = make_celery(url)
        self._worker = _worker(self._app, self._places, names(queues))
        self._app.task(self._ready, name=READY)

    def run(self, ready: Callable[[], None]) -> None:
        """Work until SIGINT or SIGTERM, calling `ready` at the start; running jobs are then queued again for others."""
        stopping: list[threading.Thread] = []

        def shut(**_: object) -> None:
            thread = threading.Thread(target=self._holder.stop, args=(self._ended, 5.0), name="job-stop")
            thread.start()
            stopping.append(thread)

        def begun(**_: object) -> None:
            ready()

        self._holder.start()
        self._announcing.start()
        signals.worker_shutting_down.connect(shut, weak=False)
        signals.worker_ready.connect(begun, weak=False)
        try:
            self._worker.start()
        finally:
            signals.worker_shutting_down.disconnect(shut)
            signals.worker_ready.disconnect(begun)
            for thread in stopping:
                thread.join()
            self._announcing.stop()

    def _ready(self) -> None:
        """Run what is ready until nothing is: the body of the task."""
        try:
            while not self._holder.stopping.is_set() and self._holder.run_next():
                continue
        except Exception:  # noqa: BLE001 - logged; the sweep announces the jobs again
            _log.exception("cannot claim a job")
            self._holder.stopping.wait(_SWEEP_SECONDS)  # the database may come back; do not ask in a loop

    def _ended(self, seconds: float) -> None:
        """Wait for the runs under way."""
        deadline = time.monotonic() + seconds
        while self._holder.runs() and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)


def _worker(app: Celery, places: int, queues: list[str]) -> Worker:
    """Make a Celery worker of threads that talks to nobody but the broker."""
    return app.Worker(
        hostname=f"nashira@{worker_name().replace('|', '.').replace(' ', '-')}",
        pool="threads",
        concurrency=places,
        queues=queues,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
