"""Content codings on the wire, with clients that people use."""

import gzip
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import pyvo
import requests
import zstandard
from astropy.table import Table

TOP = {"LANG": "ADQL", "QUERY": "SELECT TOP 20 id, ra, dec, name FROM stars.main ORDER BY id"}
ALL = {"LANG": "ADQL", "QUERY": "SELECT n, x FROM lab.numbers ORDER BY n", "MAXREC": "400000"}
FEW = {"LANG": "ADQL", "QUERY": "SELECT TOP 1 id FROM stars.main", "RESPONSEFORMAT": "csv"}


def raw(http: httpx.Client, data: dict[str, str], accepted: str) -> tuple[httpx.Headers, bytes]:
    """Give the headers and the body as it travelled."""
    with http.stream("POST", "/sync", data=data, headers={"Accept-Encoding": accepted}) as answer:
        assert answer.status_code == 200
        return answer.headers, b"".join(answer.iter_raw())


def unpacked(body: bytes, coding: str) -> bytes:
    return gzip.decompress(body) if coding == "gzip" else zstandard.ZstdDecompressor().decompressobj().decompress(body)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("name", ["votable", "votable/b2", "csv", "ecsv", "json", "fits", "arrow", "html"])
def test_the_content_is_the_same(http: httpx.Client, coding: str, name: str) -> None:
    """Rows are ordered; only the time of the request differs."""
    for data in (TOP, ALL):
        asked = {**data, "RESPONSEFORMAT": name}
        headers, packed = raw(http, asked, coding)
        plain_headers, plain = raw(http, asked, "identity")
        assert headers["content-encoding"] == coding
        assert "content-encoding" not in plain_headers
        assert "accept-encoding" in headers["vary"].lower()
        assert "accept-encoding" in plain_headers["vary"].lower()
        assert len(unpacked(packed, coding)) == len(plain)
        assert len(packed) < len(plain)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_content_length_is_that_of_the_packed_body(http: httpx.Client, coding: str) -> None:
    headers, packed = raw(http, TOP, coding)
    assert int(headers["content-length"]) == len(packed)
    assert "content-length" not in raw(http, ALL, coding)[0]


def test_parquet_travels_as_it_is(http: httpx.Client) -> None:
    headers, body = raw(http, {**ALL, "RESPONSEFORMAT": "parquet"}, "gzip, zstd")
    assert "content-encoding" not in headers
    assert "vary" not in headers
    assert body.startswith(b"PAR1")


def test_what_is_short_travels_as_it_is(http: httpx.Client) -> None:
    headers, body = raw(http, FEW, "gzip, zstd")
    assert "content-encoding" not in headers
    assert body.startswith(b"id\r\n")


def test_results_of_jobs(http: httpx.Client, wire: Any) -> None:
    """Packed: no length, no ranges, an ETag of its own. A range is always one of the file as it is."""
    url = f"{wire.run(http, {**ALL, 'RESPONSEFORMAT': 'csv'})}/results/result"
    plain = httpx.get(url, headers={"Accept-Encoding": "identity"})
    packed = httpx.get(url, headers={"Accept-Encoding": "gzip"})
    assert packed.content == plain.content
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-length" not in packed.headers
    assert "accept-ranges" not in packed.headers
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["content-type"] == plain.headers["content-type"]
    for answer, coding in ((plain, "identity"), (packed, "gzip")):
        tag = {"If-None-Match": answer.headers["etag"], "Accept-Encoding": coding}
        assert httpx.get(url, headers=tag).status_code == 304
        assert "accept-encoding" in answer.headers["vary"].lower()
    part = httpx.get(url, headers={"Range": "bytes=2-11", "Accept-Encoding": "gzip"})
    assert (part.status_code, part.content) == (206, plain.content[2:12])
    assert "content-encoding" not in part.headers
    head = httpx.head(url, headers={"Accept-Encoding": "gzip"})
    assert (head.headers["content-encoding"], head.content) == ("gzip", b"")
    assert "content-length" not in head.headers


def test_pages_and_vosi_documents(service: Any) -> None:
    for path in ("/", "/tap/capabilities", "/tap/tables"):
        answer = httpx.get(f"{service.url}{path}", headers={"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.status_code == 200
        plain = httpx.get(f"{service.url}{path}", headers={"Accept-Encoding": "identity"})
        assert plain.content == answer.content
        assert int(plain.headers["content-length"]) == len(plain.content)


def test_an_operator_can_switch_it_off(serve_with: Any) -> None:
    with serve_with("service", compress=False) as service:
        for data in (TOP, ALL):
            answer = httpx.post(f"{service.tap}/sync", data=data)
            assert "content-encoding" not in answer.headers


def test_curl(service: Any, tmp_path: Path) -> None:
    target = tmp_path / "result.csv"
    form = [part for key, value in {**ALL, "RESPONSEFORMAT": "csv"}.items() for part in ("--data", f"{key}={value}")]
    command = ["curl", "-sS", "--fail", "--compressed", "-D", "-", "-o", str(target), f"{service.tap}/sync", *form]
    headers = subprocess.run(command, check=True, capture_output=True, text=True, timeout=9).stdout.lower()
    assert "content-encoding: " in headers
    assert target.read_bytes().count(b"\n") == 300_001


@pytest.mark.parametrize("name", ["votable", "votable/b2"])
def test_stilts(service: Any, tmp_path: Path, name: str) -> None:
    """Java asks for gzip; TAP queries and plain URLs alike."""
    assert shutil.which("stilts"), "apt-get install stilts"
    target = tmp_path / "result.csv"
    ask = {**ALL, "QUERY": "SELECT TOP 50000 n, x FROM lab.numbers", "RESPONSEFORMAT": name}
    url = str(httpx.URL(f"{service.tap}/sync", params=ask))
    command = ["stilts", "tpipe", f"in={url}", "ifmt=votable", "ofmt=csv", f"out={target}"]
    subprocess.run(command, check=True, capture_output=True, timeout=25)
    assert target.read_bytes().count(b"\n") == 50_001


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_pyvo_requests_and_astropy(service: Any) -> None:
    answer = requests.post(f"{service.tap}/sync", data={**ALL, "RESPONSEFORMAT": "ecsv"}, timeout=9)
    assert answer.headers["content-encoding"] in {"gzip", "zstd"}
    assert answer.text.count("\n") > 300_000
    tap = pyvo.dal.TAPService(service.tap)
    assert len(tap.run_sync("SELECT TOP 20000 n, x FROM lab.numbers", maxrec=400_000)) == 20_000
    url = str(httpx.URL(f"{service.tap}/sync", params={**TOP, "RESPONSEFORMAT": "votable"}))
    assert len(Table.read(url, format="votable")) == 20
