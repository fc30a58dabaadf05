"""Jobs of others: not listed, not read, not changed, not guessed, by nobody and by another user."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from nashira.config.errors import QueryTimeout
from nashira.dali.parameters import Form
from nashira.tap.promote import as_job
from nashira.uws.jobs import Jobs
from nashira.uws.model import Job, Phase
from nashira.uws.threads import ThreadDispatcher
from tests.uws.conftest import URL, application

SECRET = "epsilon-aurigae"
BODY = f"name,ra\n{SECRET},75.49\n".encode()
READ = (
    "",
    "?WAIT=0",
    "/",
    "/phase",
    "/executionduration",
    "/destruction",
    "/quote",
    "/owner",
    "/error",
    "/results",
    "/results/result",
    "/parameters",
    "/parameters/u",
    "/nothing/of/the/kind",
)
CHANGES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("DELETE", "", {}),
    ("POST", "", {"ACTION": "DELETE"}),
    ("POST", "/phase", {"PHASE": "RUN"}),
    ("POST", "/phase", {"PHASE": "ABORT"}),
    ("POST", "/executionduration", {"EXECUTIONDURATION": "1"}),
    ("POST", "/destruction", {"DESTRUCTION": "2020-01-01T00:00:00Z"}),
    ("POST", "/parameters", {"DO": "nothing"}),
    ("POST", "/parameters?DO=nothing", {}),
)


class User:
    """What an authentication middleware leaves in the scope."""

    is_authenticated = True

    def __init__(self, identity: str) -> None:
        self.identity = identity


class Authentication:
    """Believes the header X-User."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = dict(scope["headers"]).get(b"x-user", b"").decode()
        await self._app({**scope, "user": User(name)} if name else scope, receive, send)


class Somebody:
    """Requests of one person to the job list."""

    def __init__(self, jobs: Jobs, runner: asyncio.Runner, name: str) -> None:
        self._runner = runner
        headers = {"X-User": name} if name else {}
        transport = httpx.ASGITransport(Authentication(application(jobs)))
        self.client = httpx.AsyncClient(transport=transport, headers=headers)

    def __call__(self, method: str, path: str = "", **kwargs: Any) -> httpx.Response:
        return self._runner.run(self.client.request(method, URL + path, **kwargs))


@pytest.fixture
def people(jobs: Jobs) -> Iterator[Callable[[str], Somebody]]:
    with asyncio.Runner() as runner:
        yield lambda name: Somebody(jobs, runner, name)


@pytest.fixture
def hers(people: Callable[[str], Somebody]) -> str:
    """The id of a pending job of Anna's, with a parameter and an upload."""
    made = people("anna")("POST", data={"DO": SECRET, "UPLOAD": "u,param:u"}, files={"u": ("u.csv", BODY)})
    assert made.status_code == 303
    return made.headers["location"].removeprefix(f"{URL}/")


@pytest.mark.parametrize("other", ["", "bert"])
def test_nothing_of_a_job_is_read_by_others(people: Callable[[str], Somebody], hers: str, other: str) -> None:
    anna, stranger = people("anna"), people(other)
    assert SECRET in anna("GET", f"/{hers}/parameters").text
    assert anna("GET", f"/{hers}/parameters/u").content == BODY
    for path in READ:
        for method in ("GET", "HEAD"):
            answer = stranger(method, f"/{hers}{path}")
            assert answer.status_code == 403, (method, path)
            assert SECRET not in answer.text + str(answer.headers)
            assert "anna" not in answer.text


@pytest.mark.parametrize("other", ["", "bert"])
def test_nothing_of_a_job_is_changed_by_others(
    people: Callable[[str], Somebody], jobs: Jobs, hers: str, other: str
) -> None:
    before: Job = jobs.get(hers, "anna")
    for method, path, data in CHANGES:
        assert people(other)(method, f"/{hers}{path}", data=data).status_code == 403, (method, path)
    files = {"u": ("u.csv", b"other")}
    answer = people(other)("POST", f"/{hers}/parameters", data={"UPLOAD": "u,param:u"}, files=files)
    assert answer.status_code == 403
    assert jobs.get(hers, "anna") == before
    assert [upload.path.read_bytes() for upload in before.uploads] == [BODY]
    assert list(jobs.files.incoming.iterdir()) == []


@pytest.mark.parametrize("query", ["", "?PHASE=PENDING", "?AFTER=2000-01-01", "?LAST=100", "?PHASE=PENDING&LAST=9"])
def test_a_list_has_the_jobs_of_one_owner(people: Callable[[str], Somebody], hers: str, query: str) -> None:
    his = people("bert")("POST", data={"DO": "his"}).headers["location"].rpartition("/")[2]
    nobodys = people("")("POST", data={"DO": "of nobody"}).headers["location"].rpartition("/")[2]
    for name, own in (("anna", hers), ("bert", his), ("", nobodys)):
        text = people(name)("GET", query).text
        assert {one for one in (hers, his, nobodys) if one in text} == {own}


def test_the_result_of_a_job_is_its_owners(
    people: Callable[[str], Somebody], dispatcher: ThreadDispatcher, jobs: Jobs, until: Callable[..., None]
) -> None:
    made = people("anna")("POST", data={"DO": "write", "PHASE": "RUN"}).headers["location"].removeprefix(URL)
    until(lambda: jobs.get(made[1:], "anna").phase is Phase.COMPLETED)
    assert people("anna")("GET", f"{made}/results/result").content == b"a,b\n1,2\n"
    for other in ("", "bert", "ANNA", "anna "):
        answer = people(other)("GET", f"{made}/results/result", headers={"Range": "bytes=0-3"})
        assert answer.status_code == 403
        assert "1,2" not in answer.text


def test_no_name_of_a_file_leads_to_a_job_of_others(people: Callable[[str], Somebody], hers: str) -> None:
    his = people("bert")("POST", data={}).headers["location"].removeprefix(URL)
    for name in (f"../{hers}", f"..%2F{hers}", f"%2e%2e/{hers}/u", f"..%2f..%2f{hers}%2fu", "u", f"../../{hers}/u"):
        for child in ("results", "parameters"):
            answer = people("bert")("GET", f"{his}/{child}/{name}")
            assert answer.status_code in {400, 403, 404}
            assert BODY not in answer.content


def test_ids_have_128_random_bits(jobs: Jobs) -> None:
    ids = [jobs.create("tap", []).id for _ in range(40)]
    letters = set("abcdefghijklmnopqrstuvwxyz0123456789")
    assert all(len(one) == 25 and set(one) <= letters for one in ids)
    assert len(letters) ** 25 >= 2**128
    assert len(set(ids)) == 40
    for place in range(25):  # no letter stands still, as that of a clock or a host would
        assert len({one[place] for one in ids}) > 5


def test_a_sync_query_that_goes_on_as_a_job_is_its_owners(jobs: Jobs) -> None:
    from starlette.requests import Request

    scope = {"type": "http", "method": "GET", "headers": [], "client": ("127.0.0.1", 1), "user": User("anna")}
    answer = as_job(jobs, "tap", URL, Form((("DO", "x"),)), QueryTimeout("Too long"), Request(scope))
    job_id = answer.headers["link"].partition(">")[0].rpartition("/")[2]
    assert jobs.get(job_id, "anna").owner == "anna"
    assert jobs.list("tap", None) == ()
