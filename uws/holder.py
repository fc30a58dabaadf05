"""The jobs that this process runs: their leases renewed, their ends told, long ones kept from filling all places.

Nothing here is remembered: the store knows all. A process that dies leaves claims behind that others sweep up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import structlog

from ..config.errors import StoreError
from .jobs import Jobs
from .model import Job, JobFailure, Phase, Queue, Runner, Work
from .runs import FULL, Outcome, Run, execute, is_full
from .store import Claim
from .times import now
from .workers import worker_name

_TICK_SECONDS = 0.5  # an abort by another process is seen after this time at most
_FINISH_ATTEMPTS = 7  # for 12 s, while a database is started again
_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 15.0
_log = structlog.get_logger(__name__)


class Holder:
    """Runs claimed jobs of the services in `runners` on the threads that call it, `places` of them.

    Jobs of `queues` are taken, and so many long ones at a time that short ones always find a place.
    """

    def __init__(
        self, jobs: Jobs, runners: Mapping[str, Runner], places: int, queues: tuple[Queue, ...] = tuple(Queue)
    ) -> None:
        self.worker = worker_name()
        self.stopping = threading.Event()
        limits = jobs.settings.jobs
        self.tick_seconds = min(_TICK_SECONDS, limits.lease_seconds / 4)
        self._queues = queues
        self._long_most = places if Queue.SHORT not in queues else limits.long_workers or max(1, places // 2)
        self._jobs = jobs
        self._runners = dict(runners)
        self._lease_seconds = limits.lease_seconds
        self._tries = limits.tries
        self._short_seconds = limits.short_seconds
        self._claiming = threading.Lock()
        self._lock = threading.Lock()
        self._runs: dict[Claim, Run] = {}
        self._halted = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="job-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to renew leases and to listen to aborts."""
        self._jobs.changes.listen(self._heard)
        self._heart.start()

    def stop(self, ended: Callable[[float], None], seconds: float) -> None:
        """Cancel the running jobs and queue them again for others.

        `ended(seconds)` waits for the threads that run them. A run that does not stop within `seconds` keeps its claim
        until it stops or the process ends: it must not be run twice at the same time.
        """
        self.stopping.set()
        self._jobs.changes.ignore(self._heard)
        deadline = time.monotonic() + seconds
        for run in self.runs():
            run.cancel()
        ended(max(0.0, deadline - time.monotonic()))
        self._halted.set()
        self._heart.join(max(0.1, deadline - time.monotonic()))

    def runs(self) -> tuple[Run, ...]:
        """Give the runs under way."""
        with self._lock:
            return tuple(self._runs.values())

    def run_next(self) -> bool:
        """Claim a job and run it to its end; False where there is none to take."""
        with self._claiming:  # else two threads could take the last place for long jobs
            long_ones = len(self._long_runs()) < self._long_most
            queues = tuple(queue for queue in self._queues if queue is Queue.SHORT or long_ones)
            job = self._jobs.claim(self.worker, tuple(self._runners), queues) if queues else None
            if job is None:
                return False
            run = Run(Claim(job.id, self.worker, job.tries), job.queue)
            with self._lock:
                self._runs[run.claim] = run
        self._run(job, run)
        return True

    # News

    def _heard(self, job_id: str, phase: Phase | None) -> None:
        """Stop the run of a job that was ended or deleted."""
        if phase is None or phase is Phase.ABORTED:
            for run in self.runs():
                if run.claim.job_id == job_id:
                    run.cancel()

    # Runs

    def _run(self, job: Job, run: Run) -> None:
        """Run a claimed job to its end."""
        try:
            self._jobs.changes.tell(job.id, Phase.EXECUTING)
            if self.stopping.is_set():
                run.cancel()
            self._finish(run, self._kept(job, self._executed(job, run)))
        except Exception:  # noqa: BLE001 - logged; the lease brings the job back
            _log.exception("a run ended without telling how", job=job.id)
        finally:
            with self._lock:
                del self._runs[run.claim]

    def _executed(self, job: Job, run: Run) -> Outcome:
        """Make the folder of the try and do the work."""
        folder = self._jobs.files.of_try(job.id, job.tries)
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            if is_full(error):
                _log.error("the disk for results is full", job=job.id)
                return FULL
            raise
        return execute(self._runners[job.service], Work(job, folder, run.on_cancel, run.note), run)

    def _kept(self, job: Job, outcome: Outcome) -> Outcome:
        """Put the results of a completed run where they are kept; the run has failed where that fails."""
        if outcome.phase is not Phase.COMPLETED:
            return outcome
        try:
            self._jobs.shelf.keep(job.id, job.tries)
        except StoreError as error:
            _log.exception("results could not be stored", job=job.id)
            return Outcome(Phase.ERROR, failure=JobFailure(str(error), transient=True))
        return outcome

    def _finish(self, run: Run, outcome: Outcome) -> None:
        """Tell the store the outcome; if the claim is no longer ours, what was written is of no use."""
        claim = run.claim
        for attempt in range(_FINISH_ATTEMPTS):
            try:
                phase = self._told(run, outcome)
                break
            except Exception:
                if attempt == _FINISH_ATTEMPTS - 1:
                    raise
                _log.exception("cannot tell the end of a run", job=claim.job_id)
                time.sleep(0.2 * 2**attempt)
        if phase is Phase.COMPLETED:
            self._jobs.files.keep_try(claim.job_id, claim.tries)
        else:
            self._jobs.files.remove_try(claim.job_id, claim.tries)
        if phase is not None:
            self._jobs.changes.tell(claim.job_id, phase)
        if outcome.phase is Phase.QUEUED:  # the engine is away: do not spend all tries in a moment
            self.stopping.wait(min(_PAUSE_SECONDS * 3 ** (claim.tries - 1), _LONGEST_PAUSE_SECONDS))

    def _told(self, run: Run, outcome: Outcome) -> Phase | None:
        """Give the phase that the job has now by this run, None if the claim was lost."""
        store = self._jobs.store
        progress = run.take_progress()
        if progress is not None:
            store.set_progress(run.claim, progress)
        if run.cancelled and outcome.phase is Phase.ABORTED:
            back = store.push_back if run.pushed else store.hand_back
            return Phase.QUEUED if back(run.claim) else None
        if outcome.phase is Phase.QUEUED:
            if store.requeue_failed(run.claim, self._tries):
                return Phase.QUEUED
            outcome = replace(outcome, phase=Phase.ERROR)
        held = store.finish(run.claim, outcome.phase, now(), outcome.results, outcome.failure)
        return outcome.phase if held else None

    # Care

    def _beat(self) -> None:
        """Renew leases, take progress to the store, and stop runs whose claim is lost, until all have ended."""
        renewed = time.monotonic()
        while self.runs() or not self._halted.is_set():
            (time.sleep if self._halted.is_set() else self._halted.wait)(self.tick_seconds)
            runs = self.runs()
            try:
                if runs:
                    started = time.monotonic()
                    self._care(runs)
                    renewed = started
                    self._make_place()
            except Exception:  # noqa: BLE001 - logged; the database may come back
                _log.exception("cannot renew the leases of running jobs")
                if time.monotonic() - renewed > self._lease_seconds * 0.8:
                    for run in runs:  # another worker may take them any moment
                        run.cancel()
            if not runs:
                renewed = time.monotonic()

    def _care(self, runs: tuple[Run, ...]) -> None:
        store = self._jobs.store
        until = now() + timedelta(seconds=self._lease_seconds)
        store.renew(self.worker, [run.claim.job_id for run in runs], until)
        held = {(claim.job_id, claim.tries) for claim in store.held(self.worker)}
        for run in runs:
            if (run.claim.job_id, run.claim.tries) not in held and run in self.runs():
                run.cancel()
            elif (progress := run.take_progress()) is not None:
                store.set_progress(run.claim, progress)

    def _long_runs(self) -> list[Run]:
        """Give the runs of long jobs, those too that have turned out to be long."""
        before = time.monotonic() - self._short_seconds
        return [run for run in self.runs() if run.queue is Queue.LONG or run.began < before]

    def _make_place(self) -> None:
        """Where long jobs have taken too many places while short ones wait, push the youngest of them back."""
        long_ones = [run for run in self._long_runs() if not run.cancelled]
        if len(long_ones) <= self._long_most or self.stopping.is_set():
            return
        if self._jobs.store.counts().get((Phase.QUEUED, Queue.SHORT), 0):
            youngest = max(long_ones, key=lambda run: run.began)
            _log.info("a job has turned out to be long and goes back to the queue", job=youngest.claim.job_id)
            youngest.push_back()
