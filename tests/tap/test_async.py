"""Asynchronous queries on the wire (TAP 1.1 section 5; UWS itself is tested in its own room)."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import httpx
from lxml import etree

TOP = {"LANG": "ADQL", "QUERY": "SELECT TOP 5 id, name FROM stars.main ORDER BY id"}
JOIN = "SELECT u.id, s.name FROM TAP_UPLOAD.mine AS u JOIN stars.main AS s ON s.id = u.id ORDER BY u.id"
LONG = "SELECT COUNT(*) AS n FROM lab.numbers AS a, lab.numbers AS b WHERE SIN(a.x * b.x) > 0.5"
U = "{http://www.ivoa.net/xml/UWS/v1.0}"


def test_tap_3_110_111_result(http: httpx.Client, wire: Any) -> None:
    url = wire.create(http, TOP)
    assert httpx.get(f"{url}/phase").text == "PENDING"
    assert httpx.post(f"{url}/phase", data={"PHASE": "RUN"}).status_code == 303
    assert wire.finish(url) == "COMPLETED"
    result = httpx.get(f"{url}/results/result", follow_redirects=False)
    assert result.status_code == 200
    assert result.headers["content-type"] == "application/x-votable+xml"
    assert len(wire.rows(result)) == 5
    job = etree.fromstring(httpx.get(url).content)
    listed = job.find(f"{U}results/{U}result")
    assert listed is not None
    assert listed.get("id") == "result"
    assert listed.get("mime-type") == "application/x-votable+xml"
    assert int(listed.get("size") or 0) == len(result.content)
    told = {element.tag: element.text for element in job.iterfind(f"{U}jobInfo/*")}
    assert told == {"rows": "5", "bytes": str(len(result.content))}


def test_same_as_sync(http: httpx.Client, wire: Any) -> None:
    for others in (
        {"MAXREC": "3"},
        {"RESPONSEFORMAT": "csv"},
        {"MAXREC": "0"},
        {"QUERY": "SELECT id FROM stars.main WHERE 1=0"},
    ):
        data = {**TOP, **others}
        one, other = http.post("/sync", data=data), httpx.get(f"{wire.run(http, data)}/results/result")
        assert one.headers["content-type"] == other.headers["content-type"]
        drop = b"request_date"
        assert [li for li in one.content.splitlines() if drop not in li] == [
            li for li in other.content.splitlines() if drop not in li
        ]


def test_tap_42_checks_come_at_execution(http: httpx.Client, wire: Any) -> None:
    for data in ({}, {"QUERY": "DUFF QUERY"}, {**TOP, "MAXREC": "many"}, {**TOP, "LANG": "OOBLECK"}):
        url = wire.create(http, data)
        assert httpx.get(f"{url}/phase").text == "PENDING"
        httpx.post(f"{url}/phase", data={"PHASE": "RUN"})
        assert wire.finish(url) == "ERROR", data


def test_tap_56_phase_run_in_the_body(http: httpx.Client, wire: Any) -> None:
    url = wire.create(http, {**TOP, "PHASE": "RUN"})
    assert wire.finish(url) == "COMPLETED"


def test_tap_55_runid(http: httpx.Client, wire: Any) -> None:
    url = wire.create(http, {**TOP, "RUNID": "my run"})
    assert etree.fromstring(httpx.get(url).content).findtext(f"{U}runId") == "my run"


def test_tap_62_112_parameters_added_later(http: httpx.Client, wire: Any) -> None:
    url = wire.create(
        http,
        {"LANG": "ADQL", "QUERY": "SELECT 1 AS one", "UPLOAD": "mine,param:m"},
        files={"m": wire.votable(wire.mine())},
    )
    assert httpx.post(f"{url}/parameters", data={"QUERY": JOIN}).status_code == 303
    httpx.post(f"{url}/phase", data={"PHASE": "RUN"})
    assert wire.finish(url) == "COMPLETED"
    assert len(wire.rows(httpx.get(f"{url}/results/result"))) == 3


def test_tap_62_uploads_accumulate(http: httpx.Client, wire: Any) -> None:
    text = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.a AS a JOIN TAP_UPLOAD.b AS b ON a.id = b.id"
    url = wire.create(
        http, {"LANG": "ADQL", "QUERY": text, "UPLOAD": "a,param:x"}, files={"x": wire.votable(wire.mine(3))}
    )
    httpx.post(f"{url}/parameters", data={"UPLOAD": "b,param:y"}, files={"y": wire.votable(wire.mine(2))})
    httpx.post(f"{url}/phase", data={"PHASE": "RUN"})
    assert wire.finish(url) == "COMPLETED"
    assert wire.rows(httpx.get(f"{url}/results/result")) == [["2"]]


def test_tap_102_103_104_errors(http: httpx.Client, wire: Any) -> None:
    url = wire.create(http, {"LANG": "ADQL", "QUERY": "DUFF QUERY"})
    assert httpx.get(f"{url}/error").status_code == 404
    httpx.post(f"{url}/phase", data={"PHASE": "RUN"})
    wire.finish(url)
    job = httpx.get(url)
    assert job.status_code == 200
    message = etree.fromstring(job.content).findtext(f"{U}errorSummary/{U}message")
    assert wire.failed(httpx.get(f"{url}/error"), 200) == message
    assert httpx.get(f"{url}/results/result").status_code == 404


def test_tap_105_115_unknown_and_destroyed(http: httpx.Client, wire: Any) -> None:
    assert http.get("/async/nosuchjob").status_code == 404
    url = wire.run(http, TOP)
    assert httpx.get(f"{url}/nothing").status_code == 404
    assert httpx.delete(url).status_code == 303
    for path in ("", "/phase", "/results/result", "/error"):
        assert httpx.get(url + path).status_code == 404


def test_tap_113_quote(http: httpx.Client, wire: Any) -> None:
    assert httpx.get(f"{wire.create(http, TOP)}/quote").text.endswith("Z")


def test_tap_114_location(http: httpx.Client) -> None:
    for path in ("/async", "/async/", "//async"):
        answer = http.post(str(http.base_url).rstrip("/") + path, data=TOP)
        assert answer.status_code == 303
        head, _, name = answer.headers["location"].rpartition("/")
        assert head == f"{str(http.base_url).rstrip('/')}/async"
        assert name.isalnum()


def test_job_list(http: httpx.Client, wire: Any) -> None:
    wire.create(http, TOP)
    for path in ("/async", "/async/", "/async?LAST=1"):
        answer = http.get(path)
        assert answer.status_code == 200
        assert etree.fromstring(answer.content).tag == f"{U}jobs"


def test_abort_reaches_the_query(http: httpx.Client, wire: Any) -> None:
    url = wire.create(http, {"LANG": "ADQL", "QUERY": LONG, "PHASE": "RUN"})
    httpx.get(url, params={"WAIT": "5", "PHASE": "QUEUED"})
    started = time.monotonic()
    assert httpx.post(f"{url}/phase", data={"PHASE": "ABORT"}).status_code == 303
    assert wire.finish(url) == "ABORTED"
    assert time.monotonic() - started < 2
    assert httpx.get(f"{url}/results/result").status_code == 404
    after = wire.run(http, TOP)  # the workers are free again
    assert httpx.get(f"{after}/phase").text == "COMPLETED"


def test_execution_duration_ends_the_query(http: httpx.Client, wire: Any) -> None:
    url = wire.create(http, {"LANG": "ADQL", "QUERY": LONG})
    httpx.post(f"{url}/executionduration", data={"EXECUTIONDURATION": "1"})
    httpx.post(f"{url}/phase", data={"PHASE": "RUN"})
    assert wire.finish(url) in {"ABORTED", "ERROR"}


def test_large_result(http: httpx.Client, wire: Any) -> None:
    data = {"LANG": "ADQL", "QUERY": "SELECT n, x FROM lab.numbers", "MAXREC": "400000", "RESPONSEFORMAT": "csv"}
    url = wire.run(http, data)
    assert httpx.get(f"{url}/results/result").text.count("\n") == 300_001


def test_jobs_survive_a_restart(serve_with: Callable[..., contextlib.AbstractContextManager[Any]], wire: Any) -> None:
    with serve_with("jobs", workers=0) as service, httpx.Client(base_url=service.tap) as http:
        name = wire.create(http, {**TOP, "PHASE": "RUN"}).rpartition("/")[2]
    with serve_with("jobs", workers=1) as service:
        url = f"{service.tap}/async/{name}"
        assert wire.finish(url) == "COMPLETED"
        assert len(wire.rows(httpx.get(f"{url}/results/result"))) == 5
