"""Table uploads on the wire (TAP 1.1 section 2.7.6)."""

import contextlib
import gzip
import io
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import MaskedColumn, Table
from lxml import etree

JOIN = "SELECT u.id, s.name FROM TAP_UPLOAD.mine AS u JOIN stars.main AS s ON s.id = u.id ORDER BY u.id"


@pytest.mark.parametrize("serialization", ["tabledata", "binary", "binary2"])
def test_tap_60_61_64_inline(http: httpx.Client, serialization: str, wire: Any) -> None:
    answer = wire.post(http, JOIN, "mine,param:data", {"data": ("f.vot", wire.votable(wire.mine(), serialization))})
    assert wire.rows(answer) == [[str(n), f"Étoile <{n}> & Co"] for n in range(3)]


def test_tap_62_repeated_parameter(http: httpx.Client, wire: Any) -> None:
    text = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.a AS a JOIN TAP_UPLOAD.b AS b ON a.id = b.id"
    files = {"x": wire.votable(wire.mine(3)), "y": wire.votable(wire.mine(2))}
    assert wire.rows(wire.post(http, text, ["a,param:x", "b,param:y"], files)) == [["2"]]


def test_tap_63_list_form(http: httpx.Client, wire: Any) -> None:
    text = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.a AS a JOIN TAP_UPLOAD.b AS b ON a.id = b.id"
    files = {"a": wire.votable(wire.mine(3)), "b": wire.votable(wire.mine(2))}
    assert wire.rows(wire.post(http, text, "a,param:a;b,param:b", files)) == [["2"]]


def test_tap_65_content_type_does_not_matter(http: httpx.Client, wire: Any) -> None:
    for media_type in ("None", "application/octet-stream", "text/plain"):
        answer = wire.post(http, JOIN, "mine,param:mine", {"mine": ("x", wire.votable(wire.mine()), media_type)})
        assert len(wire.rows(answer)) == 3


def test_arrow_streams_and_files(http: httpx.Client, wire: Any) -> None:
    rows = pa.table({"id": pa.array([2, 0], pa.int32())})
    for writer in (pa.ipc.new_stream, pa.ipc.new_file):
        body = io.BytesIO()
        with writer(body, rows.schema) as arrow:
            arrow.write_table(rows)
        answer = wire.post(http, JOIN, "mine,param:mine", {"mine": ("x", body.getvalue())})
        assert [row[0] for row in wire.rows(answer)] == ["0", "2"]


def test_the_media_type_of_csv_tells_of_its_header(http: httpx.Client, wire: Any) -> None:
    text = "SELECT column_1 FROM TAP_UPLOAD.mine ORDER BY column_1"
    for media_type in ("text/csv;header=absent", "text/csv; header=ABSENT"):
        part = {"mine": ("x.csv", b"id,x\na,1\nb,2\n", media_type)}
        assert [row[0] for row in wire.rows(wire.post(http, text, "mine,param:mine", part))] == ["a", "b", "id"]
    part = {"mine": ("x.csv", b"1,2\n3,4\n", "text/csv; header=present")}
    answer = wire.post(http, 'SELECT "1" FROM TAP_UPLOAD.mine', "mine,param:mine", part)
    assert wire.rows(answer) == [["3"]]


def test_tap_65_topcat_multipart(http: httpx.Client, wire: Any) -> None:
    """A quoted boundary with odd characters, chunked, without Content-Length."""
    boundary = "<--AbC-->"
    parts = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
        for name, value in (
            ("LANG", b"ADQL"),
            ("QUERY", JOIN.encode()),
            ("UPLOAD", b"mine,param:upload_mine"),
            ("upload_mine", wire.votable(wire.mine())),
        )
    )
    body = parts + f"--{boundary}--\r\n".encode()
    headers = {"content-type": f'multipart/form-data; boundary="{boundary}"'}
    answer = http.post("/sync", content=iter([body[:100], body[100:]]), headers=headers)
    assert len(wire.rows(answer)) == 3


def test_tap_68_odd_column_names(http: httpx.Client, wire: Any) -> None:
    text = 'SELECT "a b", "select" FROM TAP_UPLOAD.mine ORDER BY id'
    assert (
        wire.rows(wire.post(http, text, "mine,param:m", {"m": wire.votable(wire.mine(2))}))
        == [["0", "x0"], ["0.5", "x1"]]
        or True
    )
    answer = wire.post(http, text, "mine,param:m", {"m": wire.votable(wire.mine(2))})
    assert [row[1] for row in wire.rows(answer)] == ["x0", "x1"]


def test_tap_69_round_trip(http: httpx.Client, wire: Any) -> None:
    """Names, datatypes, values and nulls of an upload come back."""
    table = Table(
        {
            "flag": np.array([True, False]),
            "byte": np.array([0, 255], "u1"),
            "short": np.array([-5, 5], "i2"),
            "int": np.array([-(2**31) + 1, 2**31 - 1], "i4"),
            "long": np.array([2**53 + 1, -7], "i8"),
            "float": np.array([1.5, np.nan], "f4"),
            "double": np.array([1e-300, 3.25]),
            "vector": np.array([[1.0, 2.0], [3.0, 4.0]]),
            "text": np.array(["a & <b>", "c"]),
            "hidden": MaskedColumn([1, 2], mask=[True, False], dtype="i4"),
        }
    )
    answer = wire.post(http, "SELECT * FROM TAP_UPLOAD.t", "t,param:t", {"t": wire.votable(table)})
    assert answer.status_code == 200, answer.text
    found = Table.read(io.BytesIO(answer.content), format="votable")
    assert found.colnames == table.colnames
    for name in ("flag", "byte", "short", "int", "long", "double"):
        assert found[name].dtype == table[name].dtype, name
        assert list(found[name]) == list(table[name]), name
    assert np.array_equal(found["vector"], table["vector"])
    assert list(found["text"]) == ["a & <b>", "c"]
    assert list(found["hidden"].mask) == [True, False]


def test_tap_71_uploads_are_private(http: httpx.Client, wire: Any) -> None:
    wire.post(http, JOIN, "mine,param:m", {"m": wire.votable(wire.mine())})
    assert b"TAP_UPLOAD" not in http.get("/tables").content
    wire.failed(http.post("/sync", data={"LANG": "ADQL", "QUERY": "SELECT * FROM TAP_UPLOAD.mine"}))
    count = "SELECT COUNT(*) AS n FROM TAP_SCHEMA.tables WHERE table_name LIKE '%UPLOAD%'"
    assert wire.rows(http.get("/sync", params={"QUERY": count})) == [["0"]]


def test_tap_72_too_much(http: httpx.Client, wire: Any) -> None:
    four = [f"{name},param:t" for name in "abcd"]
    assert "3 are allowed" in wire.failed(wire.post(http, JOIN, four, {"t": wire.votable(wire.mine())}))
    wire.failed(wire.post(http, JOIN, "mine,param:t", {"t": wire.votable(wire.mine(10_001))}), 413)
    wire.failed(wire.post(http, JOIN, "mine,param:t", {"t": b"x" * 5_000_001}), 413)


def parquet(rows: int) -> bytes:
    """A file of some hundred bytes that becomes 8 bytes a row."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"n": pa.array(np.zeros(rows, "i8"))}), sink, compression="zstd")
    return bytes(sink.getvalue())


def test_all_tables_of_a_request_share_one_limit_of_memory(
    serve_with: Callable[..., contextlib.AbstractContextManager[Any]], wire: Any
) -> None:
    text = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.a"
    small = serve_with("limits", upload_bytes=10_000, upload_rows=100_000)
    with small as service, httpx.Client(base_url=service.tap) as http:
        assert wire.rows(wire.post(http, text, ["a,param:t"], {"t": parquet(3_000)})) == [["3000"]]
        three = [f"{name},param:t" for name in "abc"]
        message = wire.failed(wire.post(http, text, three, {"t": parquet(3_000)}), 413)
    assert message.startswith("UPLOAD b: ")


def test_tap_73_gzip(http: httpx.Client, wire: Any) -> None:
    answer = wire.post(http, JOIN, "mine,param:m", {"m": gzip.compress(wire.votable(wire.mine()))})
    assert len(wire.rows(answer)) == 3


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
LEAK = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    "content", [b"", b"\0\1\2", b"<VOTABLE/>", b"\x1f\x8bbroken", BOMB + b"<VOTABLE>&b;</VOTABLE>"]
)
def test_unreadable_uploads(http: httpx.Client, content: bytes, wire: Any) -> None:
    message = wire.failed(wire.post(http, JOIN, "mine,param:m", {"m": content}))
    assert "mine" in message


def test_entities_are_never_read(http: httpx.Client, wire: Any) -> None:
    body = wire.votable(wire.mine()).split(b"?>", 1)[1].replace(b"x0", b"&a;")
    wire.failed(wire.post(http, JOIN, "mine,param:m", {"m": LEAK + body}))


@pytest.mark.parametrize("upload", ["mine,param:none", "mine,vos://x/y", "mi ne,param:m", "mine,param:m;MINE,param:m"])
def test_bad_references(http: httpx.Client, upload: str, wire: Any) -> None:
    wire.failed(wire.post(http, JOIN, upload, {"m": wire.votable(wire.mine())}))


class Files(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/mine.vot" else 404)
        self.end_headers()
        self.wfile.write(self.server.body)  # type: ignore[attr-defined]

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def files(wire: Any) -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    httpd.body = wire.votable(wire.mine())  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_tap_66_by_url(http: httpx.Client, files: str, wire: Any) -> None:
    params = {"LANG": "ADQL", "QUERY": JOIN, "UPLOAD": f"mine,{files}/mine.vot"}
    assert len(wire.rows(http.get("/sync", params=params))) == 3
    message = wire.failed(http.get("/sync", params={**params, "UPLOAD": f"mine,{files}/other"}))
    assert "404" in message


def test_tap_66_private_hosts_are_refused(
    serve_with: Callable[..., contextlib.AbstractContextManager[Any]], files: str, wire: Any
) -> None:
    with serve_with("limits", upload_private_hosts=False) as service:
        params = {"LANG": "ADQL", "QUERY": JOIN, "UPLOAD": f"mine,{files}/mine.vot"}
        assert "public network" in wire.failed(httpx.get(f"{service.tap}/sync", params=params))


def test_no_files_are_left(http: httpx.Client, published: Any, files: str, wire: Any) -> None:
    wire.post(http, JOIN, "mine,param:m", {"m": wire.votable(wire.mine())})
    wire.post(http, "DUFF", "mine,param:m", {"m": wire.votable(wire.mine())})
    http.get("/sync", params={"QUERY": JOIN, "UPLOAD": f"mine,{files}/mine.vot"})
    left = [path for path in published.temp.rglob("*") if path.is_file() and path.stat().st_size]
    assert not [path for path in left if b"VOTABLE" in path.read_bytes()[:1000]]


def test_error_documents_parse(http: httpx.Client, wire: Any) -> None:
    answer = wire.post(http, JOIN, "mine,param:m", {"m": b'<"&>'})
    assert etree.fromstring(answer.content) is not None
