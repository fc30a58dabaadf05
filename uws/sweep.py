"""What any process does for all jobs from time to time; every step is safe to repeat and to race.

Source: UWS 1.1 sections 2.1.4 (execution duration) and 2.1.5 (destruction).
"""

from __future__ import annotations

from datetime import datetime

import structlog

from .jobs import Jobs
from .model import JobFailure, Phase
from .store import Claim
from .workers import is_gone

_log = structlog.get_logger(__name__)


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
