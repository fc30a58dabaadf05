"""UWS 1.1 section 2.2.2 and appendix B: documents, each checked against the schema."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyvo.io.uws import parse_job, parse_job_list

from nashira.uws.model import Job, JobFailure, JobResult, Phase, Upload
from nashira.uws.store import JobRef
from nashira.uws.xml import job_document, list_document, parameters_document, results_document

URL = "http://vo.test/tap/async"
NS = {"uws": "http://www.ivoa.net/xml/UWS/v1.0"}
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
HREF = "{http://www.w3.org/1999/xlink}href"
TIME = datetime(2026, 11, 20, 8, 0, 0, 123_000, tzinfo=UTC)
PENDING = Job(
    "abc",
    "tap",
    Phase.PENDING,
    created=TIME,
    destruction=datetime(2026, 11, 27, 8, tzinfo=UTC),
    execution_seconds=3600,
    parameters=(("LANG", "ADQL"), ("QUERY", "SELECT 1 AS a WHERE 1 < 2 AND 'é' <> '&'")),
)
EXECUTING = replace(
    PENDING, phase=Phase.EXECUTING, started=TIME, quote=TIME, progress={"rows": "12", "9 odd": "<>"}, run_id="my run"
)
COMPLETED = replace(
    EXECUTING,
    phase=Phase.COMPLETED,
    ended=TIME,
    owner="anna",
    results=(JobResult("result", 'a/b;c="d"', 1234), JobResult("log", "text/plain", 1)),
)
ERROR = replace(
    EXECUTING, phase=Phase.ERROR, ended=TIME, failure=JobFailure("No column 'a' < & \x00 é", transient=False)
)
ABORTED = replace(PENDING, phase=Phase.ABORTED, ended=TIME, failure=JobFailure("Too long", transient=True))
UPLOADS = replace(
    PENDING,
    parameters=(("UPLOAD", "a,param:x"), ("UPLOAD", "b,param:y z/"), ("FORMAT", "csv"), ("FORMAT", "csv")),
    uploads=(Upload("x", Path("f1")), Upload("y z/\"'<", Path("f2"))),
)
EVERY = {
    "pending": PENDING,
    "queued": replace(PENDING, phase=Phase.QUEUED),
    "executing": EXECUTING,
    "completed": COMPLETED,
    "error": ERROR,
    "aborted": ABORTED,
    "archived": replace(COMPLETED, phase=Phase.ARCHIVED, results=()),
    "uploads": UPLOADS,
}
Check = Callable[[bytes], ET.Element]


@pytest.mark.parametrize("name", EVERY)
def test_every_phase_is_valid_and_pyvo_reads_it(name: str, xsd: Check) -> None:
    job = EVERY[name]
    document = job_document(job, f"{URL}/abc")
    root = xsd(document)
    assert root.attrib["version"] == "1.1"
    assert b"<uws:job " in document
    assert b'xmlns="' not in document
    read = parse_job(io.BytesIO(document))
    assert read.phase == job.phase
    assert read.jobid == "abc"
    assert {p.id_: p.content for p in read.parameters}.keys() >= {name for name, _ in job.parameters}


def test_the_order_is_that_of_the_schema() -> None:
    names = [re.sub(r"\{.*\}", "", child.tag) for child in ET.fromstring(job_document(ERROR, URL))]
    assert names == (
        "jobId runId ownerId phase quote creationTime startTime endTime executionDuration destruction "
        "parameters results errorSummary jobInfo"
    ).split(" ")


@pytest.mark.parametrize("name", ["ownerId", "quote", "startTime", "endTime"])
def test_what_is_absent_is_nil_and_never_empty(name: str) -> None:
    element = ET.fromstring(job_document(PENDING, URL)).find(f"uws:{name}", NS)
    assert element is not None
    assert element.attrib == {NIL: "true"}


def test_times_have_milliseconds_and_z() -> None:
    root = ET.fromstring(job_document(COMPLETED, URL))
    for name in ("creationTime", "startTime", "endTime", "destruction", "quote"):
        text = root.findtext(f"uws:{name}", None, NS) or ""
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text), name


def test_results_have_address_size_and_type() -> None:
    result = ET.fromstring(job_document(COMPLETED, f"{URL}/abc")).find("uws:results/uws:result", NS)
    assert result is not None
    assert result.attrib["id"] == "result"
    assert result.attrib["size"] == "1234"
    assert result.attrib["mime-type"] == 'a/b;c="d"'
    assert result.attrib[HREF] == f"{URL}/abc/results/result"


def test_parameter_names_come_once_and_files_by_reference(xsd: Check) -> None:
    parameters = xsd(job_document(UPLOADS, f"{URL}/abc")).findall("uws:parameters/uws:parameter", NS)
    assert [(p.attrib["id"], p.text) for p in parameters] == [
        ("UPLOAD", "a,param:x;b,param:y z/"),
        ("FORMAT", "csv"),
        ("x", f"{URL}/abc/parameters/x"),
        ("y z/\"'<", f"{URL}/abc/parameters/y%20z/%22%27%3C"),
    ]
    assert [p.attrib.get("byReference") for p in parameters] == [None, None, "true", "true"]


def test_a_failure_is_summed_up() -> None:
    for job, kind in ((ERROR, "fatal"), (ABORTED, "transient")):
        summary = ET.fromstring(job_document(job, URL)).find("uws:errorSummary", NS)
        assert summary is not None
        assert summary.attrib == {"type": kind, "hasDetail": "true"}
    assert ET.fromstring(job_document(ERROR, URL)).findtext("uws:errorSummary/uws:message", None, NS) == (
        "No column 'a' < & \ufffd é"
    )


@pytest.mark.parametrize("number", [0, 1, 3])
def test_lists(number: int, xsd: Check) -> None:
    refs = [
        JobRef(f"j{i}", Phase.QUEUED, TIME, "anna" if i else None, "run <&>" if i == 1 else None) for i in range(number)
    ]
    document = list_document(refs, URL)
    root = xsd(document)
    assert root.attrib["version"] == "1.1"
    found = root.findall("uws:jobref", NS)
    assert [ref.attrib[HREF] for ref in found] == [f"{URL}/j{i}" for i in range(number)]
    assert all(ref.findtext("uws:creationTime", None, NS) == "2026-11-20T08:00:00.123Z" for ref in found)
    assert [ref.jobid for ref in parse_job_list(io.BytesIO(document))] == [f"j{i}" for i in range(number)]


def test_parameters_and_results_are_documents_of_their_own(xsd: Check) -> None:
    assert xsd(parameters_document(PENDING, URL)).tag == f"{{{NS['uws']}}}parameters"
    assert xsd(results_document(COMPLETED, URL)).tag == f"{{{NS['uws']}}}results"
    assert not list(xsd(results_document(PENDING, URL)))


@given(st.text(), st.text(min_size=1), st.text(), st.dictionaries(st.text(), st.text()))
def test_any_text_stays_well_formed(value: str, name: str, label: str, progress: dict[str, str]) -> None:
    uploads = (Upload(label.encode("utf-8", "replace").decode(), Path("f")),)
    job = replace(PENDING, parameters=((name, value),), uploads=uploads, progress=progress, run_id=value)
    text = ET.fromstring(job_document(job, URL)).findtext("uws:parameters/uws:parameter", None, NS) or ""
    assert text == re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", value)
