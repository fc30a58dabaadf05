"""TAP's part of an asynchronous job: run the query, write the file `result` (TAP 1.1 section 2.2)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from ..config.errors import OutOfResources
from ..dali.parameters import Form, Part
from ..query.site import Site
from ..uws.model import Job, JobResult, Runner, Work
from . import names
from .execute import Context, Execution, execute

RESULT = "result"
# Progress is told after this many bytes more.
_PROGRESS_BYTES = 16_000_000


def runner(site: Site) -> Runner:
    """Give the runner of the service `tap`; it may be called from many threads."""
    names.attach(site)

    def run_job(work: Work) -> tuple[JobResult, ...]:
        seconds = float(work.job.execution_seconds) or None
        context = Context(site.folder.temp, seconds, work.job.id, work.on_cancel)
        execution = execute(site, _form(work.job), context)
        path = work.folder / RESULT
        size = _write(execution, path, work, site.folder.settings.limits.result_bytes)
        return (JobResult(RESULT, execution.request.format.content_type, size, execution.stream.rows),)

    return run_job


def _form(job: Job) -> Form:
    """Give the parameters of a job as those of a request."""
    values = tuple((name.upper(), value) for name, value in job.parameters)
    parts = tuple(Part(upload.label, upload.path, upload.media_type, 0) for upload in job.uploads)
    return Form(values, parts)


def _write(execution: Execution, path: Path, work: Work, most: int) -> int:
    """Write the result and give its size in bytes; the engine is released however it ends.

    OutOfResources beyond `most` bytes: a result must not fill the disk that jobs and store share.
    """
    size = told = 0
    with path.open("wb") as file, closing(execution.stream):
        for chunk in execution.chunks():
            size += file.write(chunk)
            if size > most:
                message = f"The result has more than {most} bytes, the limit; ask for fewer rows or columns"
                raise OutOfResources(message)
            if size - told >= _PROGRESS_BYTES:
                told = size
                work.progress(_progress(execution, size))
    execution.check()
    work.progress(_progress(execution, size))
    return size


def _progress(execution: Execution, size: int) -> dict[str, str]:
    return {"rows": str(execution.stream.rows), "bytes": str(size)}
