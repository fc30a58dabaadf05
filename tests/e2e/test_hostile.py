"""A hostile stranger and a careless client at a real server: limits hold, others are served, nothing leaks or stays."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.config.site import open_site
from nashira.ingest.publish import publish
from nashira.ingest.report import LogReport
from tests.conformance.server import serving

LEAK = re.compile(r"Traceback|site-packages|\.py\b|read_parquet|duckdb|/tmp/|store/|\.parquet|SELECT \"", re.IGNORECASE)
COUNT = "SELECT COUNT(*) AS n FROM demo.clusters"
ENDLESS = "SELECT COUNT(*) AS n FROM demo.stars a, demo.stars b, demo.stars c WHERE a.gmag + b.gmag + c.gmag > 60"
WIDE = "SELECT a.source_id, b.designation, a.gmag, b.ra FROM demo.stars a, demo.stars b"
UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
EVIL = ['a"b', "a'b", "a\\b", '"; DROP TABLE x; --', "<script>alert(1)</script>", "a]]>b", "é", "select", "_healpix_29"]


@dataclass(frozen=True)
class Server:
    """A server with small limits, its folder and its log."""

    url: str
    site: Path
    log: Path

    @property
    def tap(self) -> str:
        return f"{self.url}/tap"

    @property
    def left(self) -> list[str]:
        """What lies in the folder of temporary files, besides the engine's own."""
        return [path.name for path in (self.site / "var" / "tmp").iterdir() if not path.name.startswith("duckdb-")]

    def events(self, tag: str) -> list[dict[str, object]]:
        """Lines of the log about one request."""
        lines = (json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{"))
        return [line for line in lines if line.get("tag") == tag]

    def open(self, head: str, body: bytes = b"") -> socket.socket:
        """Send a request and read nothing."""
        host, port = urlsplit(self.url).netloc.split(":")
        connection = socket.create_connection((host, int(port)), timeout=10)
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        connection.sendall(f"{head}\r\nHost: evil.example\r\n{length}\r\n".encode() + body)
        return connection

    def query(self, text: str, tag: str, form: str = "csv") -> socket.socket:
        """Send a query and read nothing."""
        values = {"LANG": "ADQL", "QUERY": text, "RESPONSEFORMAT": form, "MAXREC": "100000000"}
        head = f"POST /tap/sync HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Request-Id: {tag}"
        return self.open(head, urlencode(values).encode())

    def ask(self, text: str, **values: str) -> httpx.Response:
        form = {"LANG": "ADQL", "QUERY": text, "RESPONSEFORMAT": "csv"} | values
        return httpx.post(f"{self.tap}/sync", data=form, timeout=30)

    def job(self, text: str) -> str:
        """Make a job and give its URL."""
        made = httpx.post(f"{self.tap}/async", data={"LANG": "ADQL", "QUERY": text}, headers={"Host": "evil.example"})
        return made.headers["location"]


@pytest.fixture(scope="module")
def server(demo_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("hostile")
    site, log = folder / "site", folder / "server.log"
    shutil.copytree(demo_site, site, symlinks=True, ignore=shutil.ignore_patterns("var"))
    limits = {
        "NASHIRA_LIMITS__SYNC_SECONDS": "3",
        "NASHIRA_LIMITS__RESULT_BYTES": "3000000",
        "NASHIRA_LIMITS__UPLOAD_BYTES": "1000000",
        "NASHIRA_JOBS__WORKERS": "1",
        "NASHIRA_JOBS__QUEUED_LIMIT": "3",
    }
    with serving(site, log, **limits) as url:
        yield Server(url, site, log)


@pytest.fixture(autouse=True)
def server_goes_on(server: Server) -> Iterator[None]:
    """After every test the server answers an honest query and has no leftovers."""
    yield
    assert server.ask(COUNT).text.split() == ["n", "60"]
    until(lambda: not server.left)


def until(done: Callable[[], object], seconds: float = 5.0) -> float:
    """Wait until `done`; give the seconds it took."""
    start = time.monotonic()
    while not done():
        assert time.monotonic() - start < seconds
        time.sleep(0.02)
    return time.monotonic() - start


def said(answer: httpx.Response) -> str:
    """Give the error text of an answer, having checked that it is one error document without leaks."""
    found = re.search(r'<INFO name="QUERY_STATUS" value="ERROR">(.*?)</INFO>', answer.text, re.DOTALL)
    assert found, answer.text[:500]
    assert not LEAK.search(found[1]), found[1]
    return found[1]


# ---------------------------------------------------------------- queries


def test_the_time_limit_of_sync_is_told_in_an_error_document(server: Server) -> None:
    start = time.monotonic()
    answer = server.ask(ENDLESS)
    assert time.monotonic() - start < 5
    assert answer.status_code == 504
    assert said(answer) == "The query was stopped at its time limit of 3 seconds"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT ra FROM demo.stars WHERE " + " OR ".join(f"ra>{n} AND dec<{n}" for n in range(9000)), "comparisons"),
        ("SELECT " + ", ".join(["s.*"] * 5000) + " FROM demo.stars AS s", "too many columns"),
        ("SELECT IN_UNIT(ra, '10**999999999 deg') FROM demo.stars", "no VOUnit"),
        (f"SELECT {'9' * 100_000} FROM demo.stars", "too large"),
        ("SELECT CAST(designation AS CHAR(99999999999)) FROM demo.stars", "too long"),
        ("SELECT ra FROM demo.stars WHERE ra IN (" + "1," * 200_000 + "1)", "values in lists"),
    ],
    ids=["conditions", "columns", "unit", "digits", "char", "list"],
)
def test_bombs_are_refused_at_once(server: Server, query: str, says: str) -> None:
    start = time.monotonic()
    answer = server.ask(query)
    assert answer.status_code == 400
    assert says in said(answer)
    assert time.monotonic() - start < 3


def test_memory_that_a_query_may_not_have(server: Server) -> None:
    doubled = ", ".join(f"t{n} AS (SELECT s || s AS s FROM t{n - 1})" for n in range(1, 30))
    answer = server.ask(f"WITH t0 AS (SELECT designation AS s FROM demo.stars), {doubled} SELECT TOP 5 s FROM t29")
    assert answer.status_code == 507
    assert "more memory" in said(answer)


@pytest.mark.parametrize(
    "query", ["TOP 9223372036854775807 cluster_id FROM demo.clusters", "cluster_id FROM demo.clusters OFFSET 0"]
)
def test_huge_limits_are_just_limits(server: Server, query: str) -> None:
    assert len(server.ask(f"SELECT {query}").text.split()) == 61


# ---------------------------------------------------------------- clients that leave, wait, dawdle


def test_a_client_that_leaves_before_the_first_byte_stops_its_query(server: Server) -> None:
    connection = server.query(ENDLESS, "leaves-early")
    time.sleep(0.5)
    connection.close()
    assert until(lambda: server.events("leaves-early")) < 1
    assert server.events("leaves-early")[-1]["outcome"] == "stopped"


@pytest.mark.parametrize("form", ["csv", "votable", "fits", "parquet"])
def test_a_client_that_leaves_in_the_middle_stops_its_query(server: Server, form: str) -> None:
    connection = server.query(WIDE, f"leaves-{form}", form)
    if form != "fits":  # that comes when all rows are known
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    else:
        time.sleep(0.3)
    connection.close()
    assert until(lambda: server.events(f"leaves-{form}")) < 1
    assert server.events(f"leaves-{form}")[-1]["outcome"] == "stopped"


def test_slow_readers_take_nothing_from_others(server: Server) -> None:
    slow = [server.query(WIDE, f"slow-{n}", "votable") for n in range(4)]
    for connection in slow:
        assert connection.recv(1000)
    start = time.monotonic()
    assert server.ask(COUNT).text.split() == ["n", "60"]
    assert time.monotonic() - start < 2
    for connection in slow:
        connection.close()


def test_half_open_uploads_take_nothing_from_others_and_leave_nothing(server: Server) -> None:
    head = "POST /tap/sync HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 900000"
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n' + b"a" * 100_000
    connections = []
    for _ in range(30):
        connections.append(server.open(head))
        connections[-1].sendall(part)
    until(lambda: len(server.left) == 30)
    assert server.ask(COUNT).text.split() == ["n", "60"]
    for connection in connections:
        connection.close()
    until(lambda: not server.left)


def test_two_hundred_waiters_take_nothing_from_others(server: Server) -> None:
    job = server.job(ENDLESS)
    waiters = [server.open(f"GET {urlsplit(job).path}?WAIT=-1 HTTP/1.1") for _ in range(200)]
    start = time.monotonic()
    assert server.ask(COUNT).status_code == 200
    assert time.monotonic() - start < 2
    httpx.post(f"{job}/phase", data={"PHASE": "ABORT"})
    for waiter in waiters:
        assert waiter.recv(1000).startswith(b"HTTP/1.1 200")
        waiter.close()


# ---------------------------------------------------------------- HTTP


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"GET /", b"a" * 100_000),
        (b"GET / HTTP/1.1\r\nX: ", b"a" * 100_000),
        (b"GET / HTTP/1.1\r\n", b"X: a\r\n" * 10_000),
        (b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: a\r\n" * 10_000),
        (b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"a" * 100_000),
    ],
    ids=["address", "header", "headers", "trailers", "trailer"],
)
def test_heads_and_trailers_without_end_are_cut(server: Server, start: bytes, more: bytes) -> None:
    host, port = urlsplit(server.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(start)
        with pytest.raises(OSError, match=r"reset|Broken"):  # noqa: PT012
            for _ in range(1000):
                connection.sendall(more)


def test_urls_come_from_the_settings_not_from_the_host_header(server: Server) -> None:
    for path in ("/tap/capabilities", "/tap/availability", "/", "/tap", "/tap/examples"):
        headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
        assert "evil" not in httpx.get(server.url + path, headers=headers).text
    assert server.job(COUNT).startswith(f"{server.tap}/async/")


def test_line_breaks_reach_no_header(server: Server) -> None:
    values = {"RUNID": "a\r\nSet-Cookie: x=1", "QUERY": "<b>]]>", "<X Y='": "\x01"}
    made = httpx.post(f"{server.tap}/async", data=values)
    assert "set-cookie" not in made.headers
    job = ET.fromstring(httpx.get(made.headers["location"]).content)
    assert job.findtext(f"{UWS}runId") == "a\r\nSet-Cookie: x=1"
    assert {p.attrib["id"]: p.text for p in job.iter(f"{UWS}parameter")}["QUERY"] == "<b>]]>"
    answer = server.ask(COUNT, RESPONSEFORMAT="text/csv;header=\r\nSet-Cookie: x=1")
    assert "set-cookie" not in answer.headers
    assert "is not known here" in said(answer)


def test_a_format_cannot_choose_the_encoding_of_a_page(server: Server) -> None:
    answer = server.ask(COUNT, RESPONSEFORMAT="text/html;charset=utf-7")
    assert "utf-7" not in answer.headers["content-type"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


# ---------------------------------------------------------------- jobs


def phase(job: str) -> str:
    return httpx.get(f"{job}/phase").text


def test_a_result_beyond_the_limit_ends_its_job_and_leaves_no_file(server: Server) -> None:
    job = server.job("SELECT designation, ra, dec, gmag FROM demo.stars")
    httpx.post(f"{job}/parameters", data={"MAXREC": "1000000"})
    httpx.post(f"{job}/phase", data={"PHASE": "RUN"})
    until(lambda: phase(job) not in {"QUEUED", "EXECUTING"})
    assert phase(job) == "COMPLETED"  # two megabytes
    job = server.job("SELECT * FROM demo.stars")
    httpx.post(f"{job}/parameters", data={"RESPONSEFORMAT": "votable/td", "MAXREC": "1000000"})
    httpx.post(f"{job}/phase", data={"PHASE": "RUN"})
    until(lambda: phase(job) not in {"QUEUED", "EXECUTING"})
    assert phase(job) == "ERROR"
    assert "more than 3000000 bytes" in said(httpx.get(f"{job}/error"))
    folder = server.site / "var" / "results" / job.rpartition("/")[2]
    until(lambda: not any(path.is_file() for path in folder.rglob("*")))


def test_a_full_queue_says_so(server: Server) -> None:
    jobs = [server.job(ENDLESS) for _ in range(6)]
    answers = [httpx.post(f"{job}/phase", data={"PHASE": "RUN"}) for job in jobs]
    assert [answer.status_code for answer in answers[:3]] == [303] * 3
    assert answers[-1].status_code == 503
    assert "queue of jobs is full" in answers[-1].text
    assert answers[-1].headers["retry-after"]
    for job in jobs:
        assert httpx.delete(job).status_code == 303
    until(lambda: not [path for path in (server.site / "var" / "results").iterdir() if path.name in " ".join(jobs)])


# ---------------------------------------------------------------- uploads


def test_a_small_gzip_that_becomes_large_is_refused(server: Server) -> None:
    head = b'<VOTABLE><RESOURCE><TABLE><FIELD name="a" datatype="int"/><DATA><TABLEDATA>'
    for body in (
        head + b"<TR><TD>1</TD></TR>" * 2_000_000,
        b"a,b\n" + b"1,2\n" * 5_000_000,
        b"a\n" + b"x" * 20_000_000,
    ):
        form = {"LANG": "ADQL", "QUERY": "SELECT * FROM TAP_UPLOAD.t", "UPLOAD": "t,param:f"}
        answer = httpx.post(f"{server.tap}/sync", data=form, files={"f": gzip.compress(body, 6)}, timeout=30)
        assert answer.status_code == 413
        assert "the limit" in said(answer)


@pytest.mark.parametrize("name", [*EVIL, "$1", "%s", "rowid", "filename", "a\nb"])
def test_columns_of_uploads_may_be_called_anything(server: Server, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table([pa.array([7]), pa.array([1.5])], names=[name, "z"]), sink)
    form = {
        "LANG": "ADQL",
        "QUERY": f"SELECT {quoted} AS x, z FROM TAP_UPLOAD.t AS u WHERE u.{quoted} = 7 ORDER BY {quoted}",
        "UPLOAD": "t,param:f",
        "RESPONSEFORMAT": "csv",
    }
    answer = httpx.post(f"{server.tap}/sync", data=form, files={"f": sink.getvalue().to_pybytes()})
    assert answer.text.split() == ["x,z", "7,1.5"]


# ---------------------------------------------------------------- what is published


def test_evil_names_and_descriptions_are_published_as_text(server: Server, tmp_path: Path) -> None:
    about = {b"unit": b'<b>"', b"description": b"<script>alert(2)</script>]]>", b"ucd": b'"><i>'}
    schema = pa.schema([pa.field(name, pa.int64(), metadata=about) for name in EVIL])
    path = tmp_path / 'ev\'il "x";.parquet'
    pq.write_table(pa.table([pa.array([n]) for n in range(len(EVIL))], schema=schema), path)
    publish(open_site(server.site), [path], table="evil.main", schema=None, report=LogReport())
    try:
        until(lambda: server.ask("SELECT COUNT(*) AS n FROM evil.main").status_code == 200)
        for number, name in enumerate(EVIL[:-1]):
            quoted = '"' + name.replace('"', '""') + '"'
            answer = server.ask(f"SELECT {quoted} AS x FROM evil.main WHERE {quoted} >= 0 ORDER BY {quoted}")
            assert answer.text.split() == ["x", str(number)]
        for page in ("/", "/tap", "/tables/evil.main", "/tap/examples"):
            text = httpx.get(server.url + page, headers={"Accept": "text/html"}).text
            assert "<script>alert" not in text
        for document in ("/tap/tables", "/tap/tables/evil.main", "/tap/examples"):
            ET.fromstring(httpx.get(server.url + document).content)
        votable = server.ask("SELECT * FROM evil.main", RESPONSEFORMAT="votable/td")
        names = [field.attrib["name"] for field in ET.fromstring(votable.content).iter() if field.tag.endswith("FIELD")]
        assert names[:-1] == EVIL[:-1]
        assert "<script>alert" not in server.ask("SELECT * FROM evil.main", RESPONSEFORMAT="html").text
    finally:
        (server.site / "datasets" / "evil.yaml").unlink()
        publish(open_site(server.site), (), table=None, schema=None, report=LogReport())


def test_damaged_files_are_told_without_a_path(server: Server) -> None:
    path = max(
        (server.site / "store").glob("demo.stars/v-*/dataset/**/*.parquet"), key=lambda file: file.stat().st_size
    )
    whole = path.read_bytes()
    damages: list[Callable[[], object]] = [
        lambda: path.write_bytes(whole[: len(whole) // 2]),
        lambda: path.write_bytes(b""),
        path.unlink,
        lambda: path.symlink_to("/etc/passwd"),
    ]
    try:
        for damage in damages:
            damage()
            for form in ("csv", "votable", "html"):
                answer = server.ask("SELECT AVG(gmag) AS g, MAX(designation) AS d FROM demo.stars", RESPONSEFORMAT=form)
                assert answer.status_code == 500
                assert not LEAK.search(answer.text.replace("</style>", "")), answer.text
    finally:
        path.unlink(missing_ok=True)
        path.write_bytes(whole)
