"""A job list of a service whose jobs do what their parameter DO says."""

import asyncio
import importlib.util
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from nashira.config.errors import (
    Cancelled,
    EngineError,
    EngineUnavailable,
    OutOfResources,
    ParameterError,
    QueryTimeout,
)
from nashira.config.settings import Settings
from nashira.uws.jobs import Jobs
from nashira.uws.model import Job, JobResult, Phase, Work
from nashira.uws.routes import routes
from nashira.uws.store import JobStore
from nashira.uws.threads import ThreadDispatcher
from tests.postgres_server import PostgresServer

URL = "http://vo.test/tap/async"
XSD = Path(__file__).parents[2] / ".." / "shared" / "tools" / "xsdcheck.py"
ERRORS: dict[str, Exception] = {
    "user": ParameterError("QUERY is missing"),
    "memory": OutOfResources("The query needs too much memory"),
    "engine": EngineError("The engine broke"),
    "bug": KeyError("/secret/path"),
    "timeout": QueryTimeout("The query ran longer than 5 s"),
    "cancelled": Cancelled("Stopped"),
    "away": EngineUnavailable("The database cannot be reached"),
}


def settings(**values: dict[str, object]) -> Settings:
    jobs = {"workers": 2, "lease_seconds": 2, **values.pop("jobs", {})}
    return Settings(jobs=jobs, **values)  # type: ignore[arg-type]


class Service:
    """A runner that can be watched: `wait` blocks until it is released or cancelled."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.running: list[str] = []
        self.cancelled: list[str] = []

    def __call__(self, work: Work) -> tuple[JobResult, ...]:
        todo = dict(work.job.parameters).get("DO", "")
        if todo in ERRORS:
            (work.folder / "result").write_text("half")
            raise ERRORS[todo]
        if todo == "lie":
            return (JobResult("result", "text/plain", 3),)
        if todo == "wait":
            self._wait(work)
        work.progress({"rows": "3"})
        (work.folder / "result").write_bytes(b"a,b\n1,2\n")
        return (JobResult("result", "text/csv;header=present", 8, rows=1),)

    def _wait(self, work: Work) -> None:
        cancelled = threading.Event()
        work.on_cancel(cancelled.set)
        self.running.append(work.job.id)
        while not self.release.wait(0.005):
            if cancelled.is_set():
                self.cancelled.append(work.job.id)
                message = "The job was stopped"
                raise Cancelled(message)


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.release.set()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty job database, of each kind that there is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.fresh().url


@pytest.fixture
def store(database: str) -> Iterator[JobStore]:
    made = JobStore(database)
    yield made
    made.close()


@pytest.fixture
def make_jobs(store: JobStore, tmp_path: Path) -> Callable[..., Jobs]:
    return lambda **values: Jobs(store, tmp_path / "results", settings(**values))


@pytest.fixture
def jobs(make_jobs: Callable[..., Jobs]) -> Jobs:
    return make_jobs()


@pytest.fixture
def dispatcher(jobs: Jobs, service: Service) -> Iterator[ThreadDispatcher]:
    made = ThreadDispatcher(jobs, {"tap": service})
    made.start()
    yield made
    service.release.set()
    made.stop()


def application(jobs: Jobs) -> Starlette:
    inside = routes(jobs, "tap", URL, lambda message: f"<VOTABLE>{message}</VOTABLE>".encode(), prefix="/async")
    return Starlette(routes=[Mount("/tap", routes=inside)])


class Client:
    """Requests to the application, relative to the job list, one after the other."""

    def __init__(self, jobs: Jobs, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.asynchronous = httpx.AsyncClient(transport=httpx.ASGITransport(application(jobs)))

    def __call__(self, method: str, path: str, **kwargs: object) -> httpx.Response:
        return self._runner.run(self.asynchronous.request(method, URL + path, **kwargs))  # type: ignore[arg-type]

    def get(self, path: str = "", **kwargs: object) -> httpx.Response:
        return self("GET", path, **kwargs)

    def post(self, path: str = "", data: object = None, **kwargs: object) -> httpx.Response:
        return self("POST", path, data=data, **kwargs)

    def create(self, **data: str) -> str:
        """Make a job, check the redirect, give the id."""
        response = self.post(data=data)
        assert response.status_code == 303, response.text
        return response.headers["location"].removeprefix(URL + "/")


@pytest.fixture
def client(jobs: Jobs) -> Iterator[Client]:
    with asyncio.Runner() as runner:
        yield Client(jobs, runner)


@pytest.fixture
def ended(jobs: Jobs, until: Callable[..., None]) -> Callable[[str], Job]:
    """Wait for the end of a job."""

    def wait(job_id: str) -> Job:
        until(lambda: jobs.get(job_id).phase not in {Phase.QUEUED, Phase.EXECUTING})
        return jobs.get(job_id)

    return wait


@pytest.fixture(scope="session")
def xsd() -> Callable[[bytes], ET.Element]:
    """Validate a document against the schema of UWS 1.1 where that is at hand, and parse it."""
    path = XSD.resolve()
    schema = None
    if path.is_file():
        spec = importlib.util.spec_from_file_location("xsdcheck", path)
        assert spec is not None
        assert spec.loader is not None
        module: ModuleType = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        schema = module.schema(newest=True)

    def check(document: bytes) -> ET.Element:
        if schema is not None:
            from lxml import etree

            tree = etree.fromstring(document)
            assert schema.validate(tree), schema.error_log
        return ET.fromstring(document)

    return check
