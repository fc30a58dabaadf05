"""The rules of jobs: what may be done with a job in which phase, and by whom.

Source: UWS 1.1 sections 2.1 and 2.2, TAP 1.1 section 5. Every method checks the owner first: the job of another
is Forbidden, one of nobody (`owner` None) is open to whoever knows its id. All methods but `wait` block for a
moment on the database; they may be called from any thread.
"""

from __future__ import annotations

import math
import secrets
import string
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from ..config.errors import Forbidden, NotFound, Overloaded, ParameterError, UploadTooLarge
from ..config.settings import Settings
from ..dali.parameters import Part
from ..dali.values import run_id as checked_run_id
from .changes import Changes
from .files import JobFiles
from .likeness import likeness
from .model import ACTIVE, Job, JobResult, Phase, Queue
from .shelf import make_shelf
from .store import JobFilter, JobRef, JobStore, Wanted
from .times import now, whole

WAIT_SECONDS = 50.0
"""Longest block of WAIT, below the usual timeout of proxies."""
PARAMETERS_MOST = 1000
PARAMETER_CHARS = 8_000_000
_ADDITIVE = frozenset({"UPLOAD"})
_ID_LETTERS = string.ascii_lowercase + string.digits
_ID_LENGTH = 25  # 129 random bits
_INT_MOST = 2**31 - 1


class Jobs:
    """All jobs of a site; `folder` takes their files."""

    def __init__(self, store: JobStore, folder: Path, settings: Settings) -> None:
        self.store = store
        self.files = JobFiles(folder)
        self.shelf = make_shelf(self.files, settings.jobs.results, settings.service.compress)
        self.settings = settings
        self.changes = Changes(store.phases)

    # Making and reading

    def create(
        self,
        service: str,
        parameters: Sequence[tuple[str, str]],
        parts: Sequence[Part] = (),
        owner: str | None = None,
        address: str = "",
    ) -> Job:
        """Make a PENDING job that takes over the files of `parts`; RUNID among the parameters is its run id.

        `address` is where it came from: jobs of nobody count for that in limits and fairness.
        """
        limits = self.settings.limits
        time = now()
        seconds = self._clamp_seconds(int(limits.async_seconds))
        job = Job(
            id="".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH)),
            service=service,
            phase=Phase.PENDING,
            created=time,
            destruction=self._clamp_destruction(time, time + timedelta(seconds=limits.retention_seconds)),
            execution_seconds=seconds,
            parameters=_merged((), parameters),
            owner=owner,
            run_id=_run_id(parameters),
            quote=time + timedelta(seconds=seconds),
            party=party(owner, address),
        )
        self._check_uploads(parts)
        job = replace(job, uploads=self.files.take(job.id, parts))
        try:
            self.store.insert(job)
        except BaseException:
            self.files.remove(job.id)
            raise
        return self.files.absolute(job)

    def get(self, job_id: str, owner: str | None = None, service: str | None = None) -> Job:
        """Fetch a job (of this service, if given): NotFound, Forbidden."""
        return self.files.absolute(self._stored(job_id, owner, service))

    def list(
        self,
        service: str,
        owner: str | None = None,
        phases: Sequence[Phase] = (),
        after: datetime | None = None,
        last: int = 10_000,
    ) -> tuple[JobRef, ...]:
        """Give the owner's jobs, newest first; without ARCHIVED ones unless `phases` names that phase.

        Anonymous users see none where the setting list_anonymous is false.
        """
        if owner is None and not self.settings.jobs.list_anonymous:
            return ()
        return self.store.list(JobFilter(service, owner, tuple(phases), after, last))

    def result(self, job_id: str, name: str, owner: str | None = None) -> tuple[Job, JobResult]:
        """Give a result and its job, whose try wrote it: NotFound unless the job is COMPLETED and has it."""
        job = self._stored(job_id, owner)
        for result in job.results if job.phase is Phase.COMPLETED else ():
            if result.name == name:
                return job, result
        message = "The job has no such result"
        raise NotFound(message)

    async def wait(
        self,
        job_id: str,
        seconds: float,
        phase: Phase | None = None,
        owner: str | None = None,
        service: str | None = None,
    ) -> Job:
        """Fetch a job after it has left `phase` (default: the one it is in), at most after `seconds`.

        A job that is in another phase, or in one that no longer changes, is given at once. Holds no thread.
        """
        job = await run_in_threadpool(self.get, job_id, owner, service)
        if seconds <= 0 or job.phase not in ACTIVE or (phase is not None and job.phase is not phase):
            return job
        with self.changes.watch(job_id, job.phase) as watch:
            phases = await run_in_threadpool(self.store.phases, [job_id])
            if phases.get(job_id) is job.phase:
                await watch.wait(min(seconds, WAIT_SECONDS))
        return await run_in_threadpool(self.get, job_id, owner, service)

    # Changing

    def run(self, job_id: str, owner: str | None = None) -> Job:
        """Queue a PENDING job, committed before this returns; nothing happens if it is queued or running already.

        Forbidden when it has ended, Overloaded when the queue is full.
        """
        job = self._stored(job_id, owner)
        if job.phase in {Phase.QUEUED, Phase.EXECUTING}:
            return self.files.absolute(job)
        if job.phase is not Phase.PENDING:
            message = f"The job is {job.phase}; it cannot be run again"
            raise Forbidden(message)
        self._check_queue(job.party)
        time = datetime.now(UTC)  # to the microsecond: it is the order of the queue
        if not self.store.queue(self._expected(job, time), time):
            return self.run(job_id, owner)  # it has just left PENDING by another request
        self.changes.tell(job_id, Phase.QUEUED)
        return self.get(job_id, owner)

    def abort(self, job_id: str, owner: str | None = None) -> Job:
        """Abort a job that has not ended; nothing happens to one that has, an ARCHIVED one is Forbidden."""
        job = self._stored(job_id, owner)
        if job.phase is Phase.ARCHIVED:
            message = "The job is archived"
            raise Forbidden(message)
        if self.store.abort(job_id, now()):
            self.changes.tell(job_id, Phase.ABORTED)
        return self.get(job_id, owner)

    def delete(self, job_id: str, owner: str | None = None) -> None:
        """Stop a job and forget it with its files."""
        self._stored(job_id, owner)
        self.destroy(job_id)

    def destroy(self, job_id: str) -> None:
        """Stop and forget a job whoever owns it; harmless where it is gone."""
        self.store.forget(job_id)
        self.changes.tell(job_id, None)
        self.files.remove(job_id)
        self.shelf.remove(job_id)

    def add_parameters(
        self, job_id: str, parameters: Sequence[tuple[str, str]], parts: Sequence[Part] = (), owner: str | None = None
    ) -> Job:
        """Add to a PENDING job; a parameter that it has is replaced, UPLOAD and uploaded files are added.

        Forbidden in any other phase (DALI 1.1 section 2.1).
        """
        self._pending(job_id, owner)
        self._check_uploads(parts)
        added = self.files.take(job_id, parts)
        labels = {upload.label for upload in added}
        try:
            while True:
                job = self._pending(job_id, owner)
                kept = tuple(upload for upload in job.uploads if upload.label not in labels)
                self._check_uploads((*kept, *added))
                merged = _merged(job.parameters, parameters)
                if self.store.set_content(job, merged, (*kept, *added), _run_id(merged)):
                    self.files.drop(job_id, set(job.uploads) - set(kept))
                    return self.get(job_id, owner)
        except BaseException:
            self.files.drop(job_id, added)
            raise

    def set_destruction(self, job_id: str, time: datetime, owner: str | None = None) -> Job:
        """Set when the job is destroyed, lowered to the longest retention from now."""
        self._changeable(job_id, owner)
        destruction = self._clamp_destruction(now(), whole(time))
        self.store.set_destruction(job_id, destruction)
        return self.get(job_id, owner)

    def set_duration(self, job_id: str, seconds: int, owner: str | None = None) -> Job:
        """Set how long the job may run; 0 (no limit) and more than the service allows become its limit."""
        job = self._changeable(job_id, owner)
        seconds = self._clamp_seconds(seconds)
        quote = (job.started or now()) + timedelta(seconds=seconds) if job.phase in ACTIVE else job.quote
        self.store.set_duration(job_id, seconds, quote)
        return self.get(job_id, owner)

    # For dispatchers

    def claim(self, worker: str, services: Collection[str], queues: Collection[Queue] = tuple(Queue)) -> Job | None:
        """Take the next queued job of these services and queues for a worker, under a lease."""
        time = now()
        limits = self.settings.jobs
        lease_until = time + timedelta(seconds=limits.lease_seconds)
        wanted = Wanted(tuple(services), tuple(queues), limits.user_running, limits.running_limit)
        job = self.store.claim(worker, wanted, time, lease_until)
        return None if job is None else self.files.absolute(job)

    # Within

    def _check_queue(self, party: str) -> None:
        limits = self.settings.jobs
        if self.store.count(Phase.QUEUED) >= limits.queued_limit:
            message = "The queue of jobs is full; run the job later"
            raise Overloaded(message)
        if limits.user_queued and self.store.count(Phase.QUEUED, party) >= limits.user_queued:
            message = f"You have {limits.user_queued} jobs in the queue, the most there can be; run this one later"
            raise Overloaded(message)

    def _expected(self, job: Job, time: datetime) -> Job:
        """Give the job with its likeness, the queue that like jobs suggest, and when it should be done."""
        kind = likeness(job.service, job.parameters)
        usual = self.store.usual_seconds(kind)
        seconds = float(job.execution_seconds) if usual is None else min(usual, job.execution_seconds)
        queue = Queue.LONG if usual is not None and usual > self.settings.jobs.short_seconds else Queue.SHORT
        quote = whole(time) + timedelta(seconds=math.ceil(seconds))
        return replace(job, likeness=kind, queue=queue, quote=quote)

    def _stored(self, job_id: str, owner: str | None, service: str | None = None) -> Job:
        job = self.store.get(job_id)
        if job is None or (service is not None and job.service != service):
            message = "There is no such job"
            raise NotFound(message)
        if job.owner is not None and job.owner != owner:
            message = "This job belongs to somebody else"
            raise Forbidden(message)
        return job

    def _changeable(self, job_id: str, owner: str | None) -> Job:
        job = self._stored(job_id, owner)
        if job.phase is Phase.ARCHIVED:
            message = "The job is archived"
            raise Forbidden(message)
        return job

    def _pending(self, job_id: str, owner: str | None) -> Job:
        job = self._stored(job_id, owner)
        if job.phase is not Phase.PENDING:
            message = f"The job is {job.phase}; parameters can be changed only while it is PENDING"
            raise Forbidden(message)
        return job

    def _check_uploads(self, uploads: Sequence[object]) -> None:
        most = self.settings.limits.upload_tables
        if len(uploads) > most:
            message = f"A job can have {most} uploads at most"
            raise UploadTooLarge(message)

    def _clamp_seconds(self, seconds: int) -> int:
        most = max(1, min(int(self.settings.limits.async_seconds_hard), _INT_MOST))
        return most if seconds <= 0 else min(seconds, most)

    def _clamp_destruction(self, time: datetime, wanted: datetime) -> datetime:
        return whole(min(wanted, time + timedelta(seconds=self.settings.limits.retention_seconds_hard)))


def party(owner: str | None, address: str) -> str:
    """Name whom work counts for in limits and fairness: a user, or the address where nobody logged in."""
    return f"from {address}"[:80] if owner is None else f"user {owner}"[:80]


def _merged(old: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Replace what is named anew, keep the rest; ParameterError where it becomes too much."""
    new = [(name.upper(), value) for name, value in new]
    names = {name for name, _ in new} - _ADDITIVE
    merged = (*(pair for pair in old if pair[0] not in names), *new)
    if len(merged) > PARAMETERS_MOST or sum(len(value) for _, value in merged) > PARAMETER_CHARS:
        message = f"A job can have {PARAMETERS_MOST} parameters of {PARAMETER_CHARS} characters at most"
        raise ParameterError(message)
    return merged


def _run_id(parameters: Sequence[tuple[str, str]]) -> str | None:
    """Find the run id among parameters; the last one counts."""
    values = [value for name, value in parameters if name.upper() == "RUNID"]
    return checked_run_id(values[-1]) if values else None
