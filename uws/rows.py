"""The table of jobs, and rows to jobs and back.

Times are microseconds since 1970 (the same integers in every database); the columns that lists and sweeps read
come first, so that long parameters behind them are not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from .model import Job, JobFailure, JobResult, Phase, Queue, Upload
from .times import moment

METADATA = sa.MetaData()

JOBS = sa.Table(
    "nashira_jobs",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("service", sa.String(64), nullable=False),
    sa.Column("phase", sa.String(16), nullable=False),
    sa.Column("owner", sa.String(255)),
    sa.Column("run_id", sa.Text),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("destruction", sa.BigInteger, nullable=False),
    sa.Column("execution_seconds", sa.BigInteger, nullable=False),
    sa.Column("quote", sa.BigInteger),
    sa.Column("queued", sa.BigInteger),
    sa.Column("started", sa.BigInteger),
    sa.Column("ended", sa.BigInteger),
    sa.Column("queue", sa.String(16), nullable=False),
    sa.Column("party", sa.String(80), nullable=False),
    sa.Column("likeness", sa.String(64), nullable=False),
    sa.Column("pushed", sa.Integer, nullable=False),
    sa.Column("worker", sa.String(255)),
    sa.Column("lease", sa.BigInteger),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("lost", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("failure_message", sa.Text),
    sa.Column("failure_transient", sa.Boolean),
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("results", sa.JSON, nullable=False),
    sa.Column("uploads", sa.JSON, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Index("nashira_jobs_phase", "phase", "queued"),
    sa.Index("nashira_jobs_list", "service", "owner", "created"),
    sa.Index("nashira_jobs_destruction", "destruction"),
    sa.Index("nashira_jobs_likeness", "likeness", "ended"),
)


def job_of(row: sa.Row[Any]) -> Job:
    """Make the job that a whole row describes."""

    def time(count: int | None) -> Any:
        return None if count is None else moment(count)

    failure = None if row.failure_message is None else JobFailure(row.failure_message, bool(row.failure_transient))
    return Job(
        id=row.id,
        service=row.service,
        phase=Phase(row.phase),
        created=moment(row.created),
        destruction=moment(row.destruction),
        execution_seconds=row.execution_seconds,
        parameters=tuple((name, value) for name, value in row.parameters),
        uploads=tuple(Upload(label, Path(path), media_type) for label, path, media_type in row.uploads),
        owner=row.owner,
        run_id=row.run_id,
        started=time(row.started),
        ended=time(row.ended),
        quote=time(row.quote),
        results=tuple(JobResult(*result) for result in row.results),
        failure=failure,
        tries=row.tries,
        progress=row.progress,
        revision=row.revision,
        queue=Queue(row.queue),
        party=row.party,
        likeness=row.likeness,
    )


def uploads_json(uploads: Sequence[Upload]) -> list[list[str]]:
    """Write uploads, whose paths are relative to the job's folder, as JSON values."""
    return [[upload.label, upload.path.as_posix(), upload.media_type] for upload in uploads]


def results_json(results: Sequence[JobResult]) -> list[list[Any]]:
    """Write results as JSON values."""
    return [[result.name, result.media_type, result.size_bytes, result.rows] for result in results]
