"""The dispatcher of a server process: job threads, a heartbeat for their leases, and a sweeper.

Nothing here is remembered: the store knows all. A process that dies leaves claims behind that others sweep up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import timedelta

import structlog

from .jobs import Jobs
from .model import Job, Phase, Runner, Work
from .runs import Outcome, Run, execute
from .store import Claim
from .sweep import sweep, tidy
from .times import now
from .workers import worker_name

_TICK_SECONDS = 1.0
_TIDY_SECONDS = 3600.0
_FINISH_ATTEMPTS = 5
_log = structlog.get_logger(__name__)


class ThreadDispatcher:
    """Runs queued jobs of the services in `runners` on `settings.jobs.workers` threads."""

    def __init__(self, jobs: Jobs, runners: Mapping[str, Runner]) -> None:
        self.worker = worker_name()
        self._jobs = jobs
        self._runners = dict(runners)
        self._lease_seconds = jobs.settings.jobs.lease_seconds
        self._tick_seconds = min(_TICK_SECONDS, self._lease_seconds / 4)
        self._calls = threading.Condition()
        self._called = 0
        self._lock = threading.Lock()
        self._runs: dict[Claim, Run] = {}
        self._stopping = threading.Event()
        self._halted = threading.Event()
        self._workers: list[threading.Thread] = []
        self._carers: list[threading.Thread] = []

    def start(self) -> None:
        """Take over what dead processes left behind, then work until `stop`."""
        sweep(self._jobs, now())
        self._jobs.changes.listen(self._heard)
        for number in range(self._jobs.settings.jobs.workers):
            self._workers.append(threading.Thread(target=self._work, name=f"job-{number}", daemon=True))
        for name, target in (("job-heartbeat", self._beat), ("job-sweeper", self._sweep)):
            self._carers.append(threading.Thread(target=target, name=name, daemon=True))
        for thread in (*self._workers, *self._carers):
            thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Cancel the running jobs and queue them again for others; wakes all who wait for jobs.

        A run that does not stop within `seconds` keeps its claim until it stops or the process ends: it must
        not be run twice at the same time.
        """
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._jobs.changes.close()
        self._jobs.changes.ignore(self._heard)
        self._call(len(self._workers))
        deadline = time.monotonic() + seconds
        for run in self._running():
            run.cancel()
        for thread in self._workers:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._halted.set()
        for thread in self._carers:
            thread.join(max(0.1, deadline - time.monotonic()))

    # News

    def _heard(self, job_id: str, phase: Phase | None) -> None:
        """Wake a worker for a queued job; stop the run of one that was ended or deleted."""
        if phase is Phase.QUEUED:
            self._call(1)
        elif phase is None or phase is Phase.ABORTED:
            for run in self._running():
                if run.claim.job_id == job_id:
                    run.cancel()

    def _call(self, workers: int) -> None:
        with self._calls:
            self._called += 1
            self._calls.notify(workers)

    def _running(self) -> tuple[Run, ...]:
        with self._lock:
            return tuple(self._runs.values())

    # Job threads

    def _work(self) -> None:
        while not self._stopping.is_set():
            heard = self._called
            try:
                job = self._jobs.claim(self.worker, tuple(self._runners))
            except Exception:  # noqa: BLE001 - logged; the database may come back
                _log.exception("cannot claim a job")
                self._stopping.wait(self._tick_seconds)
                continue
            if job is not None:
                self._run(job)
                continue
            with self._calls:
                while self._called == heard and not self._stopping.is_set():
                    self._calls.wait()

    def _run(self, job: Job) -> None:
        """Run a claimed job to its end."""
        claim = Claim(job.id, self.worker, job.tries)
        run = Run(claim)
        with self._lock:
            self._runs[claim] = run
        try:
            self._jobs.changes.tell(job.id, Phase.EXECUTING)
            if self._stopping.is_set():
                run.cancel()
            folder = self._jobs.files.of_try(job.id, job.tries)
            folder.mkdir(parents=True)
            work = Work(job, folder, run.on_cancel, run.note)
            self._finish(run, execute(self._runners[job.service], work, run))
        except Exception:  # noqa: BLE001 - logged; the lease brings the job back
            _log.exception("a run ended without telling how", job=job.id)
        finally:
            with self._lock:
                del self._runs[claim]

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

    def _told(self, run: Run, outcome: Outcome) -> Phase | None:
        """Give the phase that the job has now by this run, None if the claim was lost."""
        store = self._jobs.store
        progress = run.take_progress()
        if progress is not None:
            store.set_progress(run.claim, progress)
        if run.cancelled and outcome.phase is Phase.ABORTED:
            return Phase.QUEUED if store.hand_back(run.claim) else None
        held = store.finish(run.claim, outcome.phase, now(), outcome.results, outcome.failure)
        return outcome.phase if held else None

    # Care

    def _beat(self) -> None:
        """Renew leases, take progress to the store, and stop runs whose claim is lost, until all have ended."""
        renewed = time.monotonic()
        while self._running() or not self._halted.is_set():
            (time.sleep if self._halted.is_set() else self._halted.wait)(self._tick_seconds)
            runs = self._running()
            try:
                if runs:
                    started = time.monotonic()
                    self._care(runs)
                    renewed = started
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
            if (run.claim.job_id, run.claim.tries) not in held and run in self._running():
                run.cancel()
            elif (progress := run.take_progress()) is not None:
                store.set_progress(run.claim, progress)

    def _sweep(self) -> None:
        tidied = -_TIDY_SECONDS
        while not self._stopping.wait(self._tick_seconds):
            try:
                sweep(self._jobs, now())
                if self._jobs.store.count(Phase.QUEUED):
                    self._call(len(self._workers))
                if time.monotonic() - tidied > _TIDY_SECONDS:
                    tidied = time.monotonic()
                    tidy(self._jobs)
            except Exception:  # noqa: BLE001 - logged; the next sweep does it
                _log.exception("cannot sweep the jobs")
