"""What any process does for all jobs from time to time; every step is safe to repeat and to race.

Source: UWS 1.1 sections 2.1.4 (execution duration) and 2.1.5 (destruction).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from .jobs import Jobs
from .model import JobFailure, Phase
from .store import Claim
from .times import now
from .workers import is_gone

_TIDY_SECONDS = 3600.0
_log = structlog.get_logger(__name__)


class Sweeper:
    """A thread that sweeps from time to time and calls `queued(jobs)` where jobs wait in the queue."""

    def __init__(self, jobs: Jobs, seconds: float, queued: Callable[[int], None]) -> None:
        self._jobs = jobs
        self._seconds = seconds
        self._queued = queued
        self._stopping = threading.Event()
        self._tidied = -_TIDY_SECONDS
        self._thread = threading.Thread(target=self._work, name="job-sweeper", daemon=True)

    def start(self) -> None:
        """Sweep once, then go on until `stop`."""
        self._sweep()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join(5.0)

    def _work(self) -> None:
        while not self._stopping.wait(self._seconds):
            self._sweep()

    def _sweep(self) -> None:
        try:
            sweep(self._jobs, now())
            waiting = self._jobs.store.count(Phase.QUEUED)
            if waiting:
                self._queued(waiting)
            if time.monotonic() - self._tidied > _TIDY_SECONDS:
                self._tidied = time.monotonic()
                tidy(self._jobs)
        except Exception:  # noqa: BLE001 - logged; the next sweep does it
            _log.exception("cannot sweep the jobs")


def sweep(jobs: Jobs, time: datetime) -> None:
    """Rescue jobs of lost workers, end those beyond their duration, destroy those whose time has come."""
    rescue(jobs, time)
    for job_id in jobs.store.overdue(time):
        if jobs.store.abort(job_id, time, JobFailure("The job ran longer than its execution duration allows")):
            jobs.changes.tell(job_id, Phase.ABORTED)
    for job_id in jobs.store.due(time):
        jobs.destroy(job_id)


def rescue(jobs: Jobs, time: datetime) -> None:
    """Queue jobs again whose lease has ended or whose process on this machine is gone."""
    lost = dict.fromkeys(jobs.store.claims(expired_at=time))
    dead: dict[str, bool] = {}
    for claim in jobs.store.claims():
        if dead.setdefault(claim.worker, is_gone(claim.worker)):
            lost[claim] = None
    for claim in lost:
        _rescue_one(jobs, claim, time)


def _rescue_one(jobs: Jobs, claim: Claim, time: datetime) -> None:
    """Give a lost job another try, or give it up."""
    times = claim.lost + 1
    if times < jobs.settings.jobs.tries:
        done, phase = jobs.store.requeue_lost(claim), Phase.QUEUED
    else:
        failure = JobFailure(f"The job was given up: the process that ran it was lost {times} times", transient=True)
        done, phase = jobs.store.finish(claim, Phase.ERROR, time, failure=failure), Phase.ERROR
    if done:
        _log.warning("job lost its worker", job=claim.job_id, worker=claim.worker, times=times, phase=str(phase))
        jobs.changes.tell(claim.job_id, phase)


def tidy(jobs: Jobs) -> None:
    """Remove files that belong to no job."""
    jobs.files.remove_orphans(jobs.store.phases)
