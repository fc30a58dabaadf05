"""The resources of a job list (UWS 1.1 section 2.2, DALI 1.1 section 2.1), each a table of methods.

Errors answer in plain text; POSTs answer 303 with an absolute Location. Every touch of the database happens on
a thread, so that a slow one never stops the event loop. The owner of a request is `scope["user"].identity`,
where some middleware has put an authenticated user there, else nobody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from ..config.errors import Forbidden, MethodNotAllowed, NashiraError, NotFound, ParameterError
from ..dali.errors import TEXT, VOTABLE, plain_error_response
from ..dali.parameters import Form, read_form
from ..dali.values import integer, shorten, timestamp
from . import xml
from .downloads import download
from .jobs import WAIT_SECONDS, Jobs, party
from .model import Job, Phase
from .times import iso

LIST_MOST = 10_000
# Of UWS 1.1 section 2.1.3, but never entered by jobs of ours.
_OTHER_PHASES = frozenset({"HELD", "SUSPENDED", "UNKNOWN"})
_FRESH = {"cache-control": "no-store"}

Handler = Callable[[Request], Awaitable[Response]]

ATOMS: Mapping[str, Callable[[Job], str]] = {
    "phase": lambda job: job.phase,
    "executionduration": lambda job: str(job.execution_seconds),
    "destruction": lambda job: iso(job.destruction),
    "quote": lambda job: iso(job.quote),
    "owner": lambda job: job.owner or "",
}
DOCUMENTS: Mapping[str, Callable[[Job, str], bytes]] = {
    "results": xml.results_document,
    "parameters": xml.parameters_document,
}


def routes(
    jobs: Jobs, service: str, url: str, error_document: Callable[[str], bytes], prefix: str = ""
) -> list[BaseRoute]:
    """Give the routes of a service's job list, whose public address is `url`.

    `prefix` is the list's path within the router that takes the routes ("/async"); empty, the list is at "/",
    for a Mount. `error_document` makes the service's error VOTable. A slash at the end of any path is tolerated.
    """
    uws = _JobList(jobs, service, url.rstrip("/"), error_document)
    table: list[tuple[str, Mapping[str, Handler]]] = [
        ("", {"GET": uws.list, "POST": uws.create}),
        ("/{job_id}", {"GET": uws.show, "POST": uws.act, "DELETE": uws.delete}),
        ("/{job_id}/phase", {"GET": uws.atom, "POST": uws.set_phase}),
        ("/{job_id}/executionduration", {"GET": uws.atom, "POST": uws.set_duration}),
        ("/{job_id}/destruction", {"GET": uws.atom, "POST": uws.set_destruction}),
        ("/{job_id}/quote", {"GET": uws.atom}),
        ("/{job_id}/owner", {"GET": uws.atom}),
        ("/{job_id}/error", {"GET": uws.error}),
        ("/{job_id}/results", {"GET": uws.document}),
        ("/{job_id}/results/{name}", {"GET": uws.result}),
        ("/{job_id}/parameters", {"GET": uws.document, "POST": uws.add_parameters}),
        ("/{job_id}/parameters/{label:path}", {"GET": uws.upload}),
    ]
    found: list[BaseRoute] = []
    for path, methods in table:
        resource = Resource(methods)
        paths = {prefix + path, f"{prefix}{path}/"} - {""}
        found += [Route(each, resource) for each in sorted(paths, reverse=path.endswith(":path}"))]
    return [*found, Route(prefix + "/{job_id}/{rest:path}", Resource({"GET": uws.nothing}))]


class Resource:
    """An ASGI application: the methods of one resource, with HEAD, OPTIONS, 405 and errors as plain text."""

    def __init__(self, methods: Mapping[str, Handler]) -> None:
        self._methods = methods
        names = [*methods, "OPTIONS"]
        self._allow = ", ".join(["HEAD", *names] if "GET" in methods else names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": self._allow})
        handler = self._methods.get("GET" if request.method == "HEAD" else request.method)
        try:
            if handler is None:
                message = f"This resource has the methods {self._allow} only"
                raise MethodNotAllowed(message)
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - every error becomes an answer; unknown ones are logged there
            response = plain_error_response(error)
            if response.status_code == 405:
                response.headers["allow"] = self._allow
            return response


class _JobList:
    """The handlers of one service's job list."""

    def __init__(self, jobs: Jobs, service: str, url: str, error_document: Callable[[str], bytes]) -> None:
        self._jobs = jobs
        self._service = service
        self._url = url
        self._error_document = error_document

    # The list

    async def list(self, request: Request) -> Response:
        """Show the owner's jobs; a list that would be too long redirects to its newest part."""
        form = await self._form(request)
        after = form.one("AFTER")
        last = form.one("LAST")
        most = LIST_MOST if last is None else min(integer("LAST", last), LIST_MOST)
        if most < 1:
            message = "LAST must be an integer of 1 or more"
            raise ParameterError(message)
        wanted = _phases(form)
        phases = [Phase(name) for name in wanted if name in Phase.__members__]
        if wanted and not phases:
            return _xml(xml.list_document((), self._url))
        time = None if after is None else timestamp("AFTER", after)
        refs = await run_in_threadpool(self._jobs.list, self._service, owner_of(request), phases, time, most + 1)
        if last is None and len(refs) > LIST_MOST:
            return _see_other(f"{self._url}?{urlencode([*form.values, ('LAST', str(LIST_MOST))])}")
        return _xml(xml.list_document(refs[:most], self._url))

    async def create(self, request: Request) -> Response:
        """Make a job of the request's parameters and uploads; PHASE=RUN, in body or query, starts it."""
        form = await self._form(request)
        try:
            phase = form.one("PHASE")
            job = await run_in_threadpool(self._create, form, owner_of(request), address_of(request))
        finally:
            await run_in_threadpool(form.discard)
        if phase == "RUN":
            await run_in_threadpool(self._start, job, owner_of(request))
        return _see_other(f"{self._url}/{job.id}")

    def _create(self, form: Form, owner: str | None, address: str) -> Job:
        values = [(name, value) for name, value in form.values if name != "PHASE"]
        return self._jobs.create(self._service, values, form.parts, owner, address)

    def _start(self, job: Job, owner: str | None) -> None:
        """Run a job just made; where it cannot be, it is not made either."""
        try:
            self._jobs.run(job.id, owner)
        except NashiraError:
            self._jobs.destroy(job.id)
            raise

    # A job

    async def show(self, request: Request) -> Response:
        """Show a job, after a WAIT if there is one (UWS 1.1 section 2.2.1.2)."""
        form = await self._form(request)
        wait = form.one("WAIT")
        if wait is None:
            job = await self._job(request)
        else:
            phase = form.one("PHASE")
            seconds = WAIT_SECONDS if wait.strip() == "-1" else min(integer("WAIT", wait), WAIT_SECONDS)
            known = None if phase is None else Phase.__members__.get(phase)
            if phase is not None and known is None:
                seconds = 0  # the job is not in that phase, whatever it is
            owner = owner_of(request)
            job = await self._jobs.wait(request.path_params["job_id"], seconds, known, owner, self._service)
        return _xml(xml.job_document(job, self._job_url(job)))

    async def act(self, request: Request) -> Response:
        """Obey ACTION=DELETE; parameters are not accepted here (DALI 1.1 section 2.1)."""
        await self._job(request)
        form = await self._values(request)
        if (form.one("ACTION") or "").upper() != "DELETE":
            message = "A job takes ACTION=DELETE only; send parameters to its child resources"
            raise Forbidden(message)
        return await self.delete(request)

    async def delete(self, request: Request) -> Response:
        """Stop and forget the job."""
        await self._change(request, self._jobs.delete)
        return _see_other(self._url)

    async def atom(self, request: Request) -> Response:
        """Show one property as text."""
        job = await self._job(request)
        name = request.url.path.rstrip("/").rpartition("/")[2]
        return Response(ATOMS[name](job), media_type=TEXT, headers=_FRESH)

    async def document(self, request: Request) -> Response:
        """Show parameters or results."""
        job = await self._job(request)
        name = request.url.path.rstrip("/").rpartition("/")[2]
        return _xml(DOCUMENTS[name](job, self._job_url(job)))

    async def set_phase(self, request: Request) -> Response:
        """Obey PHASE=RUN and PHASE=ABORT."""
        actions = {"RUN": self._jobs.run, "ABORT": self._jobs.abort}
        text = await self._required(request, "PHASE")
        if text not in actions:
            message = f"PHASE must be RUN or ABORT, not '{shorten(text)}'"
            raise ParameterError(message)
        return await self._change(request, actions[text])

    async def set_duration(self, request: Request) -> Response:
        """Set the execution duration in seconds."""
        text = await self._required(request, "EXECUTIONDURATION")
        return await self._change(request, self._jobs.set_duration, integer("EXECUTIONDURATION", text))

    async def set_destruction(self, request: Request) -> Response:
        """Set the destruction time."""
        text = await self._required(request, "DESTRUCTION")
        return await self._change(request, self._jobs.set_destruction, timestamp("DESTRUCTION", text))

    async def add_parameters(self, request: Request) -> Response:
        """Add parameters and uploads to a PENDING job."""
        await self._job(request)
        form = await self._form(request)
        try:
            return await self._change(request, self._jobs.add_parameters, form.values, form.parts)
        finally:
            await run_in_threadpool(form.discard)

    async def error(self, request: Request) -> Response:
        """Show the error document, with status 200 (DALI 1.1 section 4.2); 404 while there is none."""
        job = await self._job(request)
        if job.failure is None:
            message = "The job has no error"
            raise NotFound(message)
        return Response(self._error_document(job.failure.message), media_type=VOTABLE, headers=_FRESH)

    async def result(self, request: Request) -> Response:
        """Send a result."""
        job = await self._job(request)
        name = request.path_params["name"]
        job, result = await run_in_threadpool(self._jobs.result, job.id, name, owner_of(request))
        return await self._jobs.shelf.answer(request, job.id, job.tries, result)

    async def upload(self, request: Request) -> Response:
        """Send an uploaded file back; as an attachment, since its content is anybody's."""
        job = await self._job(request)
        label = request.path_params["label"]
        for upload in job.uploads:
            if upload.label == label:
                return await download(request, upload.path, "application/octet-stream", "attachment")
        return await self.nothing(request)

    async def nothing(self, request: Request) -> Response:
        """Say that a job has no such child."""
        await self._job(request)
        message = "The job has no such resource"
        raise NotFound(message)

    # Steps of handlers

    async def _form(self, request: Request) -> Form:
        return await read_form(request, self._jobs.files.incoming, self._jobs.settings.limits.upload_bytes)

    async def _values(self, request: Request) -> Form:
        """Read parameters where files make no sense."""
        form = await self._form(request)
        await run_in_threadpool(form.discard)
        return form

    async def _required(self, request: Request, name: str) -> str:
        """Check the job, then read the one parameter that matters."""
        await self._job(request)
        text = (await self._values(request)).one(name)
        if text is None:
            message = f"The parameter {name} is missing"
            raise ParameterError(message)
        return text

    async def _job(self, request: Request) -> Job:
        return await run_in_threadpool(self._jobs.get, request.path_params["job_id"], owner_of(request), self._service)

    async def _change(self, request: Request, action: Callable[..., Any], *values: object) -> Response:
        """Apply `action(job id, *values, owner=…)` to a job of this service."""
        job = await self._job(request)
        owner = owner_of(request)
        await run_in_threadpool(lambda: action(job.id, *values, owner=owner))
        return _see_other(self._job_url(job))

    def _job_url(self, job: Job) -> str:
        return f"{self._url}/{job.id}"


def owner_of(request: Request) -> str | None:
    """Give the identity of the authenticated user, None for anybody else."""
    user = request.scope.get("user")
    return str(user.identity) if user is not None and user.is_authenticated else None


def address_of(request: Request) -> str:
    """Give the address that a request came from, empty where it is not known."""
    return request.client.host if request.client else ""


def party_of(request: Request) -> str:
    """Name whom a request counts for in limits: its user, else its address."""
    return party(owner_of(request), address_of(request))


def _phases(form: Form) -> list[str]:
    """Read the PHASE filter; ParameterError for a word that is no phase of UWS."""
    names = [name.strip().upper() for name in form.all("PHASE")]
    for name in names:
        if name not in Phase.__members__ and name not in _OTHER_PHASES:
            message = f"PHASE must be a phase of UWS, not '{shorten(name)}'"
            raise ParameterError(message)
    return names


def _see_other(url: str) -> Response:
    return Response(status_code=303, headers={"location": url, **_FRESH})


def _xml(document: bytes) -> Response:
    return Response(document, media_type=xml.MEDIA_TYPE, headers=_FRESH)
