"""UWS 1.1 section 2.2, DALI 1.1 section 2.1, TAP 1.1 section 5: the resources of a job list over HTTP."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from nashira.uws.jobs import Jobs
from nashira.uws.model import Job, JobFailure, JobResult, Phase
from nashira.uws.store import Claim
from nashira.uws.threads import ThreadDispatcher
from nashira.uws.times import now

URL = "http://vo.test/tap/async"
NS = {"uws": "http://www.ivoa.net/xml/UWS/v1.0"}
Ended = Callable[[str], Job]


def text(response: Any, path: str) -> str | None:
    return ET.fromstring(response.content).findtext(path, None, NS)


# Creating


def test_creating_redirects_to_a_pending_job_with_defaults(client: Any, xsd: Any) -> None:
    response = client.post(data={"LANG": "ADQL", "Query": "SELECT 1"})
    assert response.status_code == 303
    location = response.headers["location"]
    assert re.fullmatch(URL + "/[A-Za-z0-9][A-Za-z0-9_-]{15,}", location)
    job = client.get(location.removeprefix(URL))
    assert job.headers["content-type"].split(";")[0] in {"text/xml", "application/xml"}
    xsd(job.content)
    assert text(job, "uws:phase") == "PENDING"
    assert text(job, "uws:executionDuration") == "3600"
    created, destruction = (
        datetime.fromisoformat(text(job, f"uws:{n}") or "") for n in ("creationTime", "destruction")
    )
    assert destruction - created == timedelta(days=7)
    assert text(job, "uws:parameters/uws:parameter[@id='QUERY']") == "SELECT 1"


def test_a_job_without_parameters_is_made_too(client: Any) -> None:
    assert client.get(f"/{client.create()}/phase").text == "PENDING"


def test_ids_cannot_be_guessed(client: Any) -> None:
    ids = {client.create() for _ in range(20)}
    assert len(ids) == 20
    assert len({job_id[:6] for job_id in ids}) == 20


@pytest.mark.parametrize("how", ["body", "query", "multipart"])
def test_phase_run_in_the_creating_post_starts_the_job(client: Any, how: str) -> None:
    if how == "body":
        response = client.post(data={"phase": "RUN"})
    elif how == "query":
        response = client.post("?PHASE=RUN", data={"LANG": "ADQL"})
    else:
        response = client.post(files={"PHASE": (None, "RUN")})
    job_id = response.headers["location"].rpartition("/")[2]
    assert client.get(f"/{job_id}/phase").text == "QUEUED"
    assert "PHASE" not in client.get(f"/{job_id}/parameters").text


def test_run_id_is_echoed_and_replaced_like_taplint_does(client: Any) -> None:
    job_id = client.create(REQUEST="doQuery", RUNID="TAPLINT-001")
    assert client.post(f"/{job_id}/parameters", {"runId": "TAPLINT-002"}).status_code == 303
    job = client.get(f"/{job_id}")
    assert text(job, "uws:runId") == "TAPLINT-002"
    assert text(job, "uws:parameters/uws:parameter[@id='RUNID']") == "TAPLINT-002"
    assert text(job, "uws:parameters/uws:parameter[@id='REQUEST']") == "doQuery"


def test_a_full_queue_answers_503_and_makes_no_job(make_jobs: Any, client: Any, jobs: Jobs) -> None:
    jobs.settings = make_jobs(jobs={"queued_limit": 1}).settings
    client.create(PHASE="RUN")
    response = client.post(data={"PHASE": "RUN"})
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert len(jobs.list("tap")) == 1


def test_bodies_beyond_the_limit_are_413(make_jobs: Any, client: Any, jobs: Jobs) -> None:
    jobs.settings = make_jobs(limits={"upload_bytes": 1000}).settings
    response = client.post(data={"UPLOAD": "t,param:t"}, files={"t": ("t.xml", b"x" * 2000)})
    assert response.status_code == 413
    assert response.headers["content-type"].startswith("text/plain")
    assert not jobs.list("tap")
    assert [path.name for path in jobs.files.folder.iterdir()] == ["_incoming"]
    assert not list(jobs.files.incoming.iterdir())


# Children


def test_every_child_of_a_new_job_is_there(client: Any, xsd: Any) -> None:
    job_id = client.create(LANG="ADQL")
    for name, pattern in {
        "phase": "PENDING",
        "executionduration": "3600",
        "destruction": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
        "quote": r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)?",
        "owner": "",
    }.items():
        response = client.get(f"/{job_id}/{name}")
        assert response.status_code == 200, name
        assert response.headers["content-type"].startswith("text/plain"), name
        assert re.fullmatch(pattern, response.text), name
    for name in ("parameters", "results"):
        response = client.get(f"/{job_id}/{name}")
        assert response.headers["content-type"].split(";")[0] == "text/xml"
        assert xsd(response.content).tag.endswith(name)


def test_accept_headers_change_nothing(client: Any) -> None:
    job_id = client.create()
    for accept in ("text/plain", "text/html", "*/*"):
        response = client.get(f"/{job_id}", headers={"accept": accept})
        assert response.headers["content-type"].startswith("text/xml")


@pytest.mark.parametrize("path", ["", "/{}", "/{}/phase", "/{}/parameters", "/{}/results", "/{}/quote"])
def test_slashes_at_the_end_and_head_are_tolerated(client: Any, path: str) -> None:
    path = path.format(client.create())
    plain = client.get(path)
    assert client.get(path + "/").content == plain.content
    head = client("HEAD", path)
    assert head.status_code == 200
    assert head.headers["content-length"] == plain.headers["content-length"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nosuchjob", 404),
        ("DELETE", "/nosuchjob", 404),
        ("POST", "/nosuchjob/phase", 404),
        ("GET", "/nosuchjob/phase", 404),
        ("GET", "/..%2f..%2fetc", 404),
        ("GET", "/{}/nosuchchild", 404),
        ("GET", "/{}/nosuchchild/x/y", 404),
        ("GET", "/{}/error", 404),
        ("GET", "/{}/results/result", 404),
        ("GET", "/{}/results/..%2f..%2fjobs.sqlite", 404),
        ("GET", "/{}/parameters/nosuchfile", 404),
        ("DELETE", "", 405),
        ("PUT", "/{}", 405),
        ("DELETE", "/{}/phase", 405),
        ("POST", "/{}/quote", 405),
        ("POST", "/{}/results", 405),
        ("POST", "/{}/error", 405),
        ("POST", "/{}/owner", 405),
    ],
)
def test_what_is_not_there_and_what_is_not_done(client: Any, method: str, path: str, status: int) -> None:
    response = client(method, path.format(client.create()), data={"PHASE": "RUN"} if method == "POST" else None)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/plain")
    assert ("allow" in response.headers) == (status == 405)


def test_options_names_the_methods(client: Any) -> None:
    response = client("OPTIONS", f"/{client.create()}/phase")
    assert response.status_code == 204
    assert response.headers["allow"] == "HEAD, GET, POST, OPTIONS"


def test_job_parameters_are_not_accepted_on_the_job_itself(client: Any) -> None:
    job_id = client.create()
    assert client.post(f"/{job_id}", {"QUERY": "SELECT 1"}).status_code in {403, 405}
    assert client.post(f"/{job_id}", {"PHASE": "RUN"}).status_code in {403, 405}
    assert client.get(f"/{job_id}/phase").text == "PENDING"


# Changing


def test_every_post_redirects_to_the_job(client: Any) -> None:
    job_id = client.create()
    later = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, data in (
        ("parameters", {"QUERY": "SELECT 1"}),
        ("executionduration", {"EXECUTIONDURATION": "60"}),
        ("destruction", {"destruction": later}),
        ("phase", {"PHASE": "RUN"}),
        ("phase", {"PHASE": "RUN"}),
        ("phase", {"PHASE": "ABORT"}),
        ("phase", {"PHASE": "ABORT"}),
    ):
        response = client.post(f"/{job_id}/{name}", data)
        assert (response.status_code, response.headers.get("location")) == (303, f"{URL}/{job_id}"), (name, data)
    job = client.get(f"/{job_id}")
    assert text(job, "uws:executionDuration") == client.get(f"/{job_id}/executionduration").text == "60"
    assert text(job, "uws:destruction") == client.get(f"/{job_id}/destruction").text == later.replace("Z", ".000Z")
    assert text(job, "uws:phase") == "ABORTED"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("phase", {}),
        ("phase", {"PHASE": "SUSPEND"}),
        ("executionduration", {"EXECUTIONDURATION": "-5"}),
        ("executionduration", {"EXECUTIONDURATION": "long"}),
        ("destruction", {"DESTRUCTION": "tomorrow"}),
        ("destruction", {"DESTRUCTION": ""}),
        ("parameters", {"RUNID": "x" * 65}),
    ],
)
def test_impossible_values_are_400(client: Any, name: str, data: dict[str, str]) -> None:
    assert client.post(f"/{client.create()}/{name}", data).status_code == 400


def test_limits_are_clamped(client: Any) -> None:
    job_id = client.create()
    for wanted, got in (("0", "86400"), ("999999999999999999999", "86400"), ("86399", "86399")):
        client.post(f"/{job_id}/executionduration", {"EXECUTIONDURATION": wanted})
        assert client.get(f"/{job_id}/executionduration").text == got
    client.post(f"/{job_id}/destruction", {"DESTRUCTION": "9999-12-31"})
    destruction = datetime.fromisoformat(client.get(f"/{job_id}/destruction").text)
    assert timedelta(days=29.9) < destruction - datetime.now(UTC) <= timedelta(days=30)


@pytest.mark.parametrize("how", ["DELETE", "POST"])
def test_a_deleted_job_is_gone_with_all_its_children(client: Any, jobs: Jobs, how: str) -> None:
    job_id = client.post(data={"UPLOAD": "t,param:t"}, files={"t": b"x"}).headers["location"].rpartition("/")[2]
    response = client(how, f"/{job_id}", data={"ACTION": "DELETE"} if how == "POST" else None)
    assert (response.status_code, response.headers["location"]) == (303, URL)
    for child in ("", "/phase", "/parameters", "/results", "/error", "/parameters/t"):
        assert client.get(f"/{job_id}{child}").status_code == 404
    assert not (jobs.files.folder / job_id).exists()


def test_what_a_phase_forbids_is_403(client: Any) -> None:
    queued = client.create(PHASE="RUN")
    assert client.post(f"/{queued}/parameters", {"QUERY": "x"}).status_code == 403
    client.post(f"/{queued}/phase", {"PHASE": "ABORT"})
    assert client.post(f"/{queued}/phase", {"PHASE": "RUN"}).status_code == 403
    assert client.post(f"/{queued}/parameters", {"QUERY": "x"}).status_code == 403


# Results and errors


def completed(client: Any, ended: Ended, **data: str) -> str:
    job_id = client.create(PHASE="RUN", **data)
    ended(job_id)
    return str(job_id)


def test_a_result_has_exactly_its_type_and_length(client: Any, dispatcher: ThreadDispatcher, ended: Ended) -> None:
    job_id = completed(client, ended)
    assert client.get(f"/{job_id}/phase").text == "COMPLETED"
    response = client.get(f"/{job_id}/results/result")
    assert response.status_code == 200
    assert response.content == b"a,b\n1,2\n"
    assert response.headers["content-type"] == "text/csv;header=present"
    assert response.headers["content-length"] == "8"
    head = client("HEAD", f"/{job_id}/results/result")
    assert head.headers["content-length"] == "8"
    assert not head.content
    assert f"{URL}/{job_id}/results/result" in client.get(f"/{job_id}/results").text


def test_results_come_in_ranges_and_not_twice(client: Any, dispatcher: ThreadDispatcher, ended: Ended) -> None:
    path = f"/{completed(client, ended)}/results/result"
    part = client.get(path, headers={"range": "bytes=4-6"})
    assert part.status_code == 206
    assert part.content == b"1,2"
    assert part.headers["content-range"] == "bytes 4-6/8"
    assert client.get(path, headers={"range": "bytes=90-"}).status_code == 416
    etag = client.get(path).headers["etag"]
    again = client.get(path, headers={"if-none-match": etag})
    assert again.status_code == 304
    assert not again.content


@pytest.mark.parametrize(
    ("todo", "phase", "message"),
    [
        ("user", "ERROR", "QUERY is missing"),
        ("memory", "ERROR", "The query needs too much memory"),
        ("engine", "ERROR", "The engine broke"),
        ("timeout", "ABORTED", "The query ran longer than 5 s"),
    ],
)
def test_an_error_is_told_twice_with_status_200(
    client: Any, dispatcher: ThreadDispatcher, ended: Ended, todo: str, phase: str, message: str, xsd: Any
) -> None:
    job_id = completed(client, ended, DO=todo)
    job = client.get(f"/{job_id}")
    assert job.status_code == 200
    xsd(job.content)
    assert text(job, "uws:phase") == phase
    assert text(job, "uws:errorSummary/uws:message") == message
    error = client.get(f"/{job_id}/error")
    assert error.status_code == 200
    assert error.headers["content-type"] == "application/x-votable+xml"
    assert error.content == f"<VOTABLE>{message}</VOTABLE>".encode()
    assert client.get(f"/{job_id}/results/result").status_code == 404


@pytest.mark.parametrize("todo", ["bug", "lie"])
def test_faults_of_ours_are_transient_and_tell_no_secrets(
    client: Any, dispatcher: ThreadDispatcher, ended: Ended, todo: str
) -> None:
    job = client.get(f"/{completed(client, ended, DO=todo)}")
    assert text(job, "uws:phase") == "ERROR"
    assert "secret" not in job.text
    assert 'type="transient"' in job.text


# Uploads


def test_uploads_move_to_the_job_and_can_be_read_back(client: Any, jobs: Jobs) -> None:
    response = client.post(
        data={"UPLOAD": "t1,param:t1;t2,param:odd name"},
        files={"t1": ("x.xml", b"<V/>", "text/html"), "odd name": (None, b"two")},
    )
    job_id = response.headers["location"].rpartition("/")[2]
    job = jobs.get(job_id)
    assert {upload.label: upload.path.read_bytes() for upload in job.uploads} == {"t1": b"<V/>", "odd name": b"two"}
    assert all(upload.path.is_relative_to(jobs.files.folder / job_id) for upload in job.uploads)
    assert not list(jobs.files.incoming.iterdir())
    root = ET.fromstring(client.get(f"/{job_id}").content)
    links = {
        p.attrib["id"]: p.text or "" for p in root.findall("uws:parameters/uws:parameter[@byReference='true']", NS)
    }
    assert client.get(links["t1"].removeprefix(URL)).content == b"<V/>"
    file = client.get(links["odd name"].removeprefix(URL))
    assert file.content == b"two"
    assert file.headers["content-disposition"] == "attachment"
    assert file.headers["content-type"] == "application/octet-stream"


def test_later_uploads_are_added_and_parameters_replaced(client: Any, jobs: Jobs) -> None:
    job_id = client.create(QUERY="SELECT 1", UPLOAD="a,http://example.org/a")
    for content in (b"old", b"new"):
        client.post(f"/{job_id}/parameters", {"UPLOAD": "b,param:b", "query": "SELECT 2"}, files={"b": content})
    job = jobs.get(job_id)
    assert dict(job.parameters)["QUERY"] == "SELECT 2"
    assert [value for name, value in job.parameters if name == "UPLOAD"][:2] == ["a,http://example.org/a", "b,param:b"]
    assert client.get(f"/{job_id}/parameters/b").content == b"new"
    assert len(list((jobs.files.folder / job_id / "uploads").iterdir())) == 1


def test_too_many_uploads_are_413(client: Any, jobs: Jobs) -> None:
    job_id = client.create()
    for number in range(11):
        response = client.post(f"/{job_id}/parameters", files={f"t{number}": b"x"})
        assert response.status_code == (303 if number < 10 else 413)
    assert len(jobs.get(job_id).uploads) == 10
    assert len(list((jobs.files.folder / job_id / "uploads").iterdir())) == 10
    assert not list(jobs.files.incoming.iterdir())


def test_refused_uploads_leave_no_files(client: Any, jobs: Jobs) -> None:
    job_id = client.create(PHASE="RUN")
    assert client.post(f"/{job_id}/parameters", files={"t": b"x"}).status_code == 403
    assert client.post("/nosuchjob/parameters", files={"t": b"x"}).status_code == 404
    assert not [path for path in jobs.files.folder.rglob("*") if path.is_file()]


# The list


@pytest.fixture
def many(jobs: Jobs, until: Any) -> list[str]:
    """Six jobs, the last made first: PENDING, QUEUED, EXECUTING, COMPLETED, ERROR, ABORTED."""
    ids = []
    for phase in (Phase.ABORTED, Phase.ERROR, Phase.COMPLETED, Phase.EXECUTING, Phase.QUEUED, Phase.PENDING):
        job = jobs.create("tap", [("RUNID", phase)])
        ids.append(job.id)
        if phase is not Phase.PENDING:
            jobs.run(job.id)
        if phase is Phase.ABORTED:
            jobs.abort(job.id)
        elif phase in {Phase.EXECUTING, Phase.COMPLETED, Phase.ERROR}:
            claimed = jobs.claim("w", ["tap"])
            assert claimed is not None
            if phase is not Phase.EXECUTING:
                results = [JobResult("result", "text/plain", 1)] if phase is Phase.COMPLETED else []
                failure = JobFailure("no") if phase is Phase.ERROR else None
                jobs.store.finish(Claim(job.id, "w", 1), phase, datetime.now(UTC), results, failure)
        until(lambda made=job: now() > made.created)  # the next one is younger
    return ids[::-1]


def listed(client: Any, query: str = "", xsd: Any = None) -> list[str]:
    response = client.get(query)
    assert response.status_code == 200, response.text
    root = ET.fromstring(response.content) if xsd is None else xsd(response.content)
    return [ref.attrib["id"] for ref in root.findall("uws:jobref", NS)]


def test_the_list_shows_all_newest_first(client: Any, many: list[str], xsd: Any) -> None:
    assert listed(client, "", xsd) == many


def test_filters_work_together(client: Any, many: list[str], jobs: Jobs) -> None:
    assert listed(client, "?PHASE=QUEUED") == [many[1]]
    assert listed(client, "?phase=QUEUED&PHASE=ERROR") == [many[1], many[4]]
    assert listed(client, "?PHASE=ARCHIVED") == []
    assert listed(client, "?PHASE=HELD") == []
    assert listed(client, "?LAST=2") == many[:2]
    third = jobs.get(many[2]).created.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert listed(client, f"?AFTER={third}") == many[:2]
    assert listed(client, f"?AFTER={third}&LAST=1&PHASE=QUEUED&PHASE=PENDING&PHASE=ERROR") == [many[0]]


def test_jobs_of_anonymous_users_can_be_left_out_of_the_list(make_jobs: Callable[..., Jobs]) -> None:
    closed = make_jobs(jobs={"list_anonymous": False})
    job = closed.create("tap", (("DO", "it"),))
    assert closed.list("tap") == ()
    assert closed.get(job.id).id == job.id
    assert [ref.id for ref in make_jobs().list("tap")] == [job.id]


def test_an_empty_list_is_valid(client: Any, xsd: Any) -> None:
    assert listed(client, "", xsd) == []


@pytest.mark.parametrize("query", ["?LAST=0", "?LAST=x", "?AFTER=yesterday", "?PHASE=DONE", "?LAST=1&LAST=2"])
def test_impossible_filters_are_400(client: Any, query: str) -> None:
    assert client.get(query).status_code == 400


def test_every_phase_is_valid_on_the_wire(client: Any, many: list[str], xsd: Any) -> None:
    phases = [text(client.get(f"/{job_id}"), "uws:phase") for job_id in many]
    assert phases == ["PENDING", "QUEUED", "EXECUTING", "COMPLETED", "ERROR", "ABORTED"]
    for job_id in many:
        xsd(client.get(f"/{job_id}").content)


def test_a_long_list_redirects_to_its_newest_part(
    client: Any, many: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nashira.uws.routes.LIST_MOST", 4)
    response = client.get("?AFTER=2020-01-01")
    assert response.status_code == 303
    assert response.headers["location"] == f"{URL}?AFTER=2020-01-01&LAST=4"
    assert listed(client, "?LAST=9") == many[:4]


# Owners


class User:
    """What an authentication middleware leaves in the scope."""

    is_authenticated = True

    def __init__(self, identity: str) -> None:
        self.identity = identity


def test_jobs_of_others_are_forbidden(jobs: Jobs, client: Any, tmp_path: Path) -> None:
    from nashira.uws.routes import owner_of

    anna = jobs.create("tap", [], owner="anna")
    client.create()
    for method, child in (
        ("GET", ""),
        ("GET", "/phase"),
        ("DELETE", ""),
        ("GET", "/results/result"),
        ("POST", "/phase"),
    ):
        assert client(method, f"/{anna.id}{child}").status_code == 403
    assert anna.id not in listed(client)

    from starlette.requests import Request

    scope = {"type": "http", "method": "GET", "headers": [], "user": User("anna")}
    assert owner_of(Request(scope)) == "anna"
    assert jobs.get(anna.id, "anna").owner == "anna"
    assert [ref.id for ref in jobs.list("tap", "anna")] == [anna.id]


def test_jobs_of_other_services_are_not_there(jobs: Jobs, client: Any) -> None:
    other = jobs.create("soda", [])
    assert client.get(f"/{other.id}").status_code == 404
    assert client("DELETE", f"/{other.id}").status_code == 404
    assert client.post(f"/{other.id}/phase", {"PHASE": "RUN"}).status_code == 404
    assert jobs.get(other.id).phase is Phase.PENDING
