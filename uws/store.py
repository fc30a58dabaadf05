"""The job database, the only truth about jobs; SQLite or PostgreSQL through SQLAlchemy.

A job is one row: what belongs to it (parameters, uploads, results) lies in JSON columns, so that one
query fetches a job in one consistent state. Every change is a single UPDATE that names the state it expects
(compare and set) and commits by itself; no transaction spans statements and no SQL is SQLite's alone.
Lists of rows never load the JSON columns.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from ..config.errors import StoreError
from .model import ACTIVE, Job, JobFailure, JobResult, Phase, Queue, Upload
from .revisions import bring_up
from .rows import JOBS, job_of, results_json, uploads_json
from .times import micros, moment

_CLAIM_ATTEMPTS = 8
_LIKE_JOBS = 20


@dataclass(frozen=True, slots=True)
class JobRef:
    """A line of the job list."""

    id: str
    phase: Phase
    created: datetime
    owner: str | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What a job list shows; `phases` empty means all but ARCHIVED (UWS 1.1 section 2.2.2.1)."""

    service: str
    owner: str | None = None
    phases: tuple[Phase, ...] = ()
    after: datetime | None = None
    most: int = 10_000


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a job: valid while the row still shows this worker and this try."""

    job_id: str
    worker: str
    tries: int
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which queued jobs a worker takes: of these services and queues, while limits allow (0: no limit).

    `party_most` is how many jobs of one party run at the same time, `most` how many of all.
    """

    services: tuple[str, ...]
    queues: tuple[Queue, ...] = tuple(Queue)
    party_most: int = 0
    most: int = 0


class JobStore:
    """Jobs in a database; safe from any thread, any number of processes may share it."""

    def __init__(self, url: str) -> None:
        """Open the database `url` (an SQLAlchemy URL), making its table or bringing it to the newest form."""
        self._engine = _engine(url)
        try:
            bring_up(self._engine)
        except (SQLAlchemyError, StoreError) as error:
            self._engine.dispose()
            if isinstance(error, StoreError):
                raise
            message = "The job database cannot be opened; see [jobs] database"
            raise StoreError(message) from error

    def close(self) -> None:
        """Close all connections, once those in use have come back; waits a second at most."""
        pool, end = self._engine.pool, time.monotonic() + 1.0
        while isinstance(pool, sa.QueuePool) and pool.checkedout() and time.monotonic() < end:
            time.sleep(0.005)
        self._engine.dispose()

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            message = "The job database does not answer"
            raise StoreError(message) from error

    def _update(self, statement: sa.Update | sa.Delete) -> int:
        with self._connect() as connection:
            return connection.execute(statement).rowcount

    # Making and reading

    def insert(self, job: Job) -> None:
        """Add a new job."""
        values: dict[str, Any] = {
            "id": job.id,
            "service": job.service,
            "phase": job.phase,
            "owner": job.owner,
            "run_id": job.run_id,
            "created": micros(job.created),
            "destruction": micros(job.destruction),
            "execution_seconds": job.execution_seconds,
            "quote": None if job.quote is None else micros(job.quote),
            "tries": 0,
            "lost": 0,
            "revision": 0,
            "queue": job.queue,
            "party": job.party,
            "likeness": job.likeness,
            "pushed": 0,
            "parameters": job.parameters,
            "uploads": uploads_json(job.uploads),
            "results": [],
            "progress": {},
        }
        with self._connect() as connection:
            connection.execute(sa.insert(JOBS), values)

    def get(self, job_id: str) -> Job | None:
        """Fetch a job; None where there is none. Upload paths are relative to the job's folder."""
        with self._connect() as connection:
            row = connection.execute(sa.select(JOBS).where(JOBS.c.id == job_id)).first()
        return None if row is None else job_of(row)

    def phases(self, ids: Collection[str]) -> dict[str, Phase]:
        """Give the phases of those of `ids` that exist."""
        query = sa.select(JOBS.c.id, JOBS.c.phase).where(JOBS.c.id.in_(list(ids)))
        with self._connect() as connection:
            return {row.id: Phase(row.phase) for row in connection.execute(query)}

    def list(self, wanted: JobFilter) -> tuple[JobRef, ...]:
        """Give the jobs of one owner and service, newest first."""
        c = JOBS.c
        query = sa.select(c.id, c.phase, c.created, c.owner, c.run_id).where(c.service == wanted.service)
        query = query.where(c.owner.is_(None) if wanted.owner is None else c.owner == wanted.owner)
        query = query.where(c.phase.in_(wanted.phases) if wanted.phases else c.phase != Phase.ARCHIVED)
        if wanted.after is not None:
            query = query.where(c.created > micros(wanted.after))
        query = query.order_by(c.created.desc(), c.id).limit(wanted.most)
        with self._connect() as connection:
            return tuple(
                JobRef(r.id, Phase(r.phase), moment(r.created), r.owner, r.run_id) for r in connection.execute(query)
            )

    def count(self, phase: Phase, party: str | None = None) -> int:
        """Count the jobs of all services in a phase; those of one party where it is given."""
        query = sa.select(sa.func.count()).select_from(JOBS).where(JOBS.c.phase == phase)
        if party is not None:
            query = query.where(JOBS.c.party == party)
        with self._connect() as connection:
            return connection.execute(query).scalar_one()

    def counts(self) -> dict[tuple[Phase, Queue], int]:
        """Count the jobs by phase and queue."""
        c = JOBS.c
        query = sa.select(c.phase, c.queue, sa.func.count().label("jobs")).group_by(c.phase, c.queue)
        with self._connect() as connection:
            return {(Phase(row.phase), Queue(row.queue)): row.jobs for row in connection.execute(query)}

    def usual_seconds(self, likeness: str) -> float | None:
        """Give the median time that the latest like jobs took; None where there were none."""
        c = JOBS.c
        query = (
            sa.select(c.ended - c.started)
            .where(c.likeness == likeness, c.phase == Phase.COMPLETED, c.started.is_not(None))
            .order_by(c.ended.desc())
            .limit(_LIKE_JOBS)
        )
        with self._connect() as connection:
            taken = connection.execute(query).scalars().all()
        return median(taken) / 1e6 if taken else None

    # What owners change

    def set_content(
        self, job: Job, parameters: Sequence[tuple[str, str]], uploads: Sequence[Upload], run_id: str | None
    ) -> bool:
        """Replace parameters and uploads of a PENDING job unless somebody changed them since `job` was read."""
        c = JOBS.c
        change = sa.update(JOBS).where(c.id == job.id, c.phase == Phase.PENDING, c.revision == job.revision)
        values = {"parameters": list(parameters), "uploads": uploads_json(uploads), "run_id": run_id}
        return self._update(change.values(revision=c.revision + 1, **values)) == 1

    def set_destruction(self, job_id: str, time: datetime) -> bool:
        """Change when a job is destroyed."""
        return self._update(_known(job_id).values(destruction=micros(time))) == 1

    def set_duration(self, job_id: str, seconds: int, quote: datetime | None) -> bool:
        """Change how long a job may run, and when it is expected to end."""
        expected = None if quote is None else micros(quote)
        return self._update(_known(job_id).values(execution_seconds=seconds, quote=expected)) == 1

    def queue(self, job: Job, time: datetime) -> bool:
        """Move a job from PENDING to QUEUED, with its queue, likeness and quote."""
        change = sa.update(JOBS).where(JOBS.c.id == job.id, JOBS.c.phase == Phase.PENDING)
        quote = None if job.quote is None else micros(job.quote)
        values = {"queue": job.queue, "likeness": job.likeness, "quote": quote}
        return self._update(change.values(phase=Phase.QUEUED, queued=micros(time), **values)) == 1

    def abort(self, job_id: str, time: datetime, failure: JobFailure | None = None) -> bool:
        """End a job that has not ended; a worker that runs it loses its claim."""
        change = sa.update(JOBS).where(JOBS.c.id == job_id, JOBS.c.phase.in_(ACTIVE))
        return self._update(change.values(**_ended(Phase.ABORTED, time, failure))) == 1

    def forget(self, job_id: str) -> bool:
        """Remove a job."""
        return self._update(sa.delete(JOBS).where(JOBS.c.id == job_id)) == 1

    # What workers do

    def claim(self, worker: str, wanted: Wanted, time: datetime, lease_until: datetime) -> Job | None:
        """Take a queued job for a worker; None where there is none to take.

        Parties with fewer running jobs come first, then what has been queued longest.
        """
        c = JOBS.c
        next_one = _next(wanted)
        with self._connect() as connection:
            for _ in range(_CLAIM_ATTEMPTS):
                job_id = connection.execute(next_one).scalar()
                if job_id is None:
                    return None
                take = sa.update(JOBS).where(c.id == job_id, c.phase == Phase.QUEUED)
                taken = connection.execute(
                    take.values(
                        phase=Phase.EXECUTING,
                        worker=worker,
                        lease=micros(lease_until),
                        started=micros(time),
                        tries=c.tries + 1,
                    )
                )
                if taken.rowcount == 1:
                    row = connection.execute(sa.select(JOBS).where(c.id == job_id, c.worker == worker)).first()
                    return None if row is None else job_of(row)
        return None

    def renew(self, worker: str, ids: Collection[str], lease_until: datetime) -> None:
        """Prolong the worker's claims on these jobs."""
        c = JOBS.c
        change = sa.update(JOBS).where(c.id.in_(list(ids)), c.worker == worker, c.phase == Phase.EXECUTING)
        self._update(change.values(lease=micros(lease_until)))

    def held(self, worker: str) -> frozenset[Claim]:
        """Give the claims that the worker still holds."""
        return frozenset(claim for claim in self.claims() if claim.worker == worker)

    def claims(self, expired_at: datetime | None = None) -> tuple[Claim, ...]:
        """Give all claims, or those whose lease has ended by `expired_at`."""
        c = JOBS.c
        query = sa.select(c.id, c.worker, c.tries, c.lost).where(c.phase == Phase.EXECUTING)
        if expired_at is not None:
            query = query.where(c.lease < micros(expired_at))
        with self._connect() as connection:
            return tuple(Claim(r.id, r.worker or "", r.tries, r.lost) for r in connection.execute(query))

    def set_progress(self, claim: Claim, progress: Mapping[str, str]) -> bool:
        """Note how far a running job is."""
        return self._update(_holding(claim).values(progress=dict(progress))) == 1

    def finish(
        self,
        claim: Claim,
        phase: Phase,
        time: datetime,
        results: Sequence[JobResult] = (),
        failure: JobFailure | None = None,
    ) -> bool:
        """End a job whose claim still holds; its results become visible by this."""
        return self._update(_holding(claim).values(results=results_json(results), **_ended(phase, time, failure))) == 1

    def hand_back(self, claim: Claim) -> bool:
        """Queue a job again whose run was stopped, in its old place."""
        return self._update(_holding(claim).values(**_REQUEUED)) == 1

    def push_back(self, claim: Claim) -> bool:
        """Queue a job again, among the long ones: it ran longer than a short one may while others waited."""
        values = {**_REQUEUED, "queue": Queue.LONG, "pushed": JOBS.c.pushed + 1}
        return self._update(_holding(claim).values(**values)) == 1

    def requeue_lost(self, claim: Claim) -> bool:
        """Queue a job again whose worker was lost, and count the loss."""
        return self._update(_holding(claim).values(lost=claim.lost + 1, **_REQUEUED)) == 1

    def requeue_failed(self, claim: Claim, tries: int) -> bool:
        """Queue a job again whose engine was away, and count that, unless it is one of `tries` times already."""
        c = JOBS.c
        change = _holding(claim).where(c.lost + 1 < tries)
        return self._update(change.values(lost=c.lost + 1, **_REQUEUED)) == 1

    # What a sweep looks for

    def overdue(self, time: datetime) -> tuple[str, ...]:
        """Give the running jobs beyond their execution duration."""
        c = JOBS.c
        end = c.started + c.execution_seconds * 1_000_000
        return self._ids(c.phase == Phase.EXECUTING, c.execution_seconds > 0, end < micros(time))

    def due(self, time: datetime) -> tuple[str, ...]:
        """Give the jobs whose destruction time has come."""
        return self._ids(JOBS.c.destruction <= micros(time))

    def _ids(self, *conditions: sa.ColumnElement[bool]) -> tuple[str, ...]:
        with self._connect() as connection:
            return tuple(connection.execute(sa.select(JOBS.c.id).where(*conditions).limit(1000)).scalars())


_REQUEUED: Mapping[str, Any] = {
    "phase": Phase.QUEUED,
    "worker": None,
    "lease": None,
    "started": None,
    "progress": {},
}


def _next(wanted: Wanted) -> sa.Select[Any]:
    """Select the id of the job to take next."""
    c = JOBS.c
    running = (
        sa.select(c.party, sa.func.count().label("jobs")).where(c.phase == Phase.EXECUTING).group_by(c.party).subquery()
    )
    jobs = sa.func.coalesce(running.c.jobs, 0)
    query = (
        sa.select(c.id)
        .select_from(JOBS.outerjoin(running, running.c.party == c.party))
        .where(c.phase == Phase.QUEUED, c.service.in_(wanted.services), c.queue.in_(wanted.queues))
    )
    if wanted.party_most:
        query = query.where(jobs < wanted.party_most)
    if wanted.most:
        all_running = sa.select(sa.func.count()).where(JOBS.alias().c.phase == Phase.EXECUTING).scalar_subquery()
        query = query.where(all_running < wanted.most)
    return query.order_by(jobs, c.queued, c.id).limit(1)


def _known(job_id: str) -> sa.Update:
    """Update the row of a job that is not archived."""
    return sa.update(JOBS).where(JOBS.c.id == job_id, JOBS.c.phase != Phase.ARCHIVED)


def _holding(claim: Claim) -> sa.Update:
    """Update the row only while the claim holds."""
    c = JOBS.c
    return sa.update(JOBS).where(
        c.id == claim.job_id, c.phase == Phase.EXECUTING, c.worker == claim.worker, c.tries == claim.tries
    )


def _ended(phase: Phase, time: datetime, failure: JobFailure | None) -> dict[str, Any]:
    """Give the values of a row that has come to its end."""
    return {
        "phase": phase,
        "ended": micros(time),
        "worker": None,
        "lease": None,
        "failure_message": None if failure is None else failure.message,
        "failure_transient": failure is not None and failure.transient,
    }


def _engine(url: str) -> sa.Engine:
    """Make an engine whose statements commit by themselves; SQLite gets its write-ahead log."""
    parsed = sa.make_url(url)
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, isolation_level="AUTOCOMMIT", pool_pre_ping=True, hide_parameters=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    waiting = {"timeout": 30}
    engine = sa.create_engine(
        parsed, isolation_level="AUTOCOMMIT", connect_args=waiting, max_overflow=50, hide_parameters=True
    )

    @sa.event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
