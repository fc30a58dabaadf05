"""A sync query that was not done in time goes on as a job, where the operator wants that."""

from __future__ import annotations

from starlette.responses import Response

from ..config.errors import QueryTimeout
from ..dali.errors import VOTABLE, answer
from ..dali.parameters import Form
from ..formats.votable_write import error_document
from ..uws.jobs import Jobs


def as_job(jobs: Jobs, service: str, url: str, form: Form, error: QueryTimeout, address: str) -> Response:
    """Queue the request as a job that begins anew, and answer the error with the job's URL in words, INFO and Link.

    The job takes over the uploaded files. Overloaded where it cannot be queued.
    """
    job = jobs.create(service, form.values, form.parts, None, address)
    try:
        jobs.run(job.id)
    except BaseException:
        jobs.destroy(job.id)
        raise
    found = answer(error)
    place = f"{url}/{job.id}"
    message = f"{found.message}. It goes on as the job {place}"
    infos = [("error", "QueryTimeout"), ("job", place)]
    return Response(error_document(message, infos), found.status, {"Link": f'<{place}>; rel="alternate"'}, VOTABLE)
