"""A sync query that was not done in time goes on as a job, where the operator wants that."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..config.errors import QueryTimeout
from ..dali.errors import VOTABLE, answer
from ..dali.parameters import Form
from ..formats.votable_write import error_document
from ..uws.jobs import Jobs
from ..uws.routes import address_of, owner_of


def as_job(jobs: Jobs, service: str, url: str, form: Form, error: QueryTimeout, request: Request) -> Response:
    """Queue the request as a job that begins anew, and answer the error with the job's URL in words, INFO and Link.

    The job takes over the uploaded files and belongs to who asked. Overloaded where it cannot be queued.
    """
    owner = owner_of(request)
    job = jobs.create(service, form.values, form.parts, owner, address_of(request))
    try:
        jobs.run(job.id, owner)
    except BaseException:
        jobs.destroy(job.id)
        raise
    found = answer(error)
    place = f"{url}/{job.id}"
    message = f"{found.message}. It goes on as the job {place}"
    infos = [("error", "QueryTimeout"), ("job", place)]
    return Response(error_document(message, infos), found.status, {"Link": f'<{place}>; rel="alternate"'}, VOTABLE)
