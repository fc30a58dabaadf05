"""What users send is not in the log of a server at its default level: queries, bodies, names, addresses of requests."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conformance.server import serving

SECRET = "xyzzy"  # in every word that must not be found
CSV = f"ra,{SECRET}_name\n1.0,{SECRET}_value\n"
QUERIES = (
    f"SELECT COUNT(*) AS {SECRET}_alias FROM demo.stars WHERE designation = '{SECRET}_text'",
    f"SELECT {SECRET}_column FROM demo.stars",
    f"SELECT {SECRET}_syntax FROM FROM",
    f"SELECT ra FROM {SECRET}.stars",
    f"SELECT CAST('{SECRET}_number' AS INTEGER) AS n FROM demo.stars",
    f"SELECT CAST(designation || '{SECRET}' AS DOUBLE PRECISION) AS n FROM demo.stars",
    f"SELECT TOP 1 ivo_healpix_index(99, ra, dec) AS {SECRET} FROM demo.stars",
    f"SELECT 1/(a.ra - a.ra) AS {SECRET} FROM demo.stars AS a",
    f"SELECT REGION('{SECRET}') AS r FROM demo.stars",
)
ENDLESS = f"SELECT COUNT(*) AS {SECRET} FROM demo.stars a, demo.stars b, demo.stars c WHERE a.gmag+b.gmag+c.gmag > 60"
DOUBLED = ", ".join(f"t{n} AS (SELECT s || s AS s FROM t{n - 1})" for n in range(1, 30))
LARGE = (
    f"WITH t0 AS (SELECT designation || '{SECRET}' AS s FROM demo.stars), {DOUBLED} SELECT TOP 5 s AS {SECRET} FROM t29"
)


@dataclass(frozen=True)
class Server:
    url: str
    log: Path

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@pytest.fixture(params=["info", "debug"])
def server(demo_site: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Server, str]]:
    log = tmp_path / "server.log"
    chosen = {} if request.param == "info" else {"NASHIRA_SERVICE__LOG_LEVEL": request.param}
    with serving(demo_site, log, NASHIRA_LIMITS__SYNC_SECONDS="0.3", **chosen) as url:
        yield Server(url, log), request.param


def ask(url: str, until: Callable[..., None]) -> None:
    """Do everything that a user can do, well and badly, with words that are his alone."""
    with httpx.Client(timeout=20) as client:
        for query in (*QUERIES, ENDLESS):
            form = {"LANG": "ADQL", "QUERY": query}
            for name in ("votable", "csv", "html", f"{SECRET}/format"):
                client.get(f"{url}/tap/sync", params={**form, "RESPONSEFORMAT": name})
            client.post(f"{url}/tap/check", data=form)
        for query in (*QUERIES, LARGE):
            job = client.post(
                f"{url}/tap/async", data={"LANG": "ADQL", "QUERY": query, "PHASE": "RUN", "RUNID": SECRET}
            )
            place = job.headers["location"]
            until(lambda place=place: client.get(f"{place}/phase").text in {"COMPLETED", "ERROR"}, 20)
            client.get(f"{place}/results/{SECRET}")
            client.post(f"{place}/parameters", data={SECRET: SECRET})
            client.delete(place)
        upload = {
            "LANG": "ADQL",
            "QUERY": f"SELECT {SECRET}_name FROM TAP_UPLOAD.{SECRET}",
            "UPLOAD": f"{SECRET},param:up",
        }
        for body in (CSV, f"<VOTABLE>{SECRET}", f"{SECRET}\0", ""):
            client.post(f"{url}/tap/sync", data=upload, files={"up": (f"{SECRET}.csv", body, "text/csv")})
        client.post(f"{url}/tap/sync", data={**upload, "UPLOAD": f"{SECRET},http://{SECRET}.invalid/{SECRET}"})
        client.post(f"{url}/tap/sync", content=SECRET.encode(), headers={"Content-Type": f"x/{SECRET}"})
        client.get(f"{url}/{SECRET}", params={SECRET: SECRET}, headers={"Authorization": SECRET, "Cookie": SECRET})
        client.get(f"{url}/tap/async/{SECRET}", headers={"Range": SECRET, "User-Agent": SECRET})
        client.request(SECRET.upper(), f"{url}/tap/sync")
    host, port = urlsplit(url).netloc.split(":")
    for raw in (f"{SECRET} {SECRET}\r\n\r\n", f"GET /{SECRET} HTTP/9.{SECRET}\r\n\r\n", f"GET /{SECRET * 40000}"):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(raw.encode())


def test_the_log_tells_nothing_that_users_wrote(server: tuple[Server, str], until: Callable[..., None]) -> None:
    made, level = server
    ask(made.url, until)
    until(lambda: any(str(line["event"]).startswith("refused a request") for line in made.lines()))
    found = {str(line["event"]) for line in made.lines()}
    assert {"query", "query refused", "query checked", "query failed"} <= found
    told = [line for line in made.lines() if SECRET in json.dumps(line).lower()]
    if level == "info":
        assert told == []
        assert "127.0.0.1" not in json.dumps(made.lines())
    else:  # who looks for a fault can see what was asked
        assert any("sql" in line for line in told)
        assert any(line["event"] == "query refused" for line in told)
