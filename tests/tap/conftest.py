"""A small site served by a real server on a loopback port, for the time of all tests here."""

import io
import re
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn
from astropy.io.votable import from_table, writeto
from astropy.io.votable.exceptions import W03
from astropy.table import Table
from lxml import etree

from nashira.config.site import SiteFolder, open_site
from nashira.ingest.publish import publish
from nashira.ingest.report import LogReport
from nashira.schema.arrow import schema_of
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE, FLOAT, INTEGER, LONG, STRING, TIMESTAMP
from nashira.server.app import create_app

V = "{http://www.ivoa.net/xml/VOTable/v1.3}"
STARS = 500
NUMBERS = 300_000
SETTINGS = """
[service]
title = "Test site"
publisher = "The testers"
contact = "tests@example.org"
[limits]
maxrec_default = 1000
maxrec_hard = 400000
sync_seconds = 20
upload_bytes = 5000000
upload_rows = 10000
upload_tables = 3
upload_seconds = 3
upload_private_hosts = true
[jobs]
workers = 2
"""
STAR_COLUMNS = (
    Column("id", LONG, "Number of the star", ucd="meta.id;meta.main", nullable=False),
    Column("ra", DOUBLE, "Right ascension (ICRS)", "deg", "pos.eq.ra;meta.main"),
    Column("dec", DOUBLE, "Declination (ICRS)", "deg", "pos.eq.dec;meta.main"),
    Column("mag", FLOAT, "Magnitude; null for every tenth", "mag", "phot.mag;em.opt.V"),
    Column("name", STRING, "Name, not in ASCII", ucd="meta.id"),
    Column("seen", TIMESTAMP, "Time of observation", ucd="time.start"),
    Column("size", INTEGER, "A name that ADQL reserves", ucd="meta.number"),
)


def stars() -> pa.Table:
    rng = np.random.default_rng(7)
    number = np.arange(STARS)
    columns = [
        pa.array(number),
        pa.array(rng.uniform(10, 20, STARS)),
        pa.array(rng.uniform(-5, 5, STARS)),
        pa.array(rng.uniform(5, 15, STARS).astype("f4"), mask=number % 10 == 0),
        pa.array([f"Étoile <{n}> & Co" for n in number]),
        pa.array([datetime(2020, 1, 1 + n % 28, 12) for n in number], pa.timestamp("us")),
        pa.array((number % 7).astype("i4")),
    ]
    return pa.Table.from_arrays(columns, schema=schema_of(STAR_COLUMNS))


def numbers() -> pa.Table:
    schema = schema_of([Column("n", LONG, "A number"), Column("x", DOUBLE, "Its root")])
    n = np.arange(NUMBERS)
    return pa.Table.from_arrays([pa.array(n), pa.array(np.sqrt(n))], schema=schema)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> SiteFolder:
    root = tmp_path_factory.mktemp("site")
    (root / "nashira.toml").write_text(SETTINGS)
    folder = open_site(root)
    for name, table in (("stars.main", stars()), ("lab.numbers", numbers())):
        path = root / f"{name}.parquet"
        pq.write_table(table, path)
        publish(folder, [path], table=name, schema=None, report=LogReport())
    return folder


@dataclass(frozen=True)
class Service:
    """A running server."""

    url: str

    @property
    def tap(self) -> str:
        return f"{self.url}/tap"


@contextmanager
def served(folder: SiteFolder) -> Iterator[Service]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    about = folder.settings.service.model_copy(update={"base_url": url})
    folder = replace(folder, settings=folder.settings.model_copy(update={"service": about}))
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(folder),
            loop="uvloop",
            http="httptools",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield Service(url)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def service(published: SiteFolder) -> Iterator[Service]:
    with served(published) as running:
        yield running


@pytest.fixture
def serve_with(published: SiteFolder) -> Callable[..., object]:
    """Serve the site with other settings of one section."""

    def serve(section: str, **values: object) -> object:
        part = getattr(published.settings, section).model_copy(update=values)
        return served(replace(published, settings=published.settings.model_copy(update={section: part})))

    return serve


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.tap, timeout=20) as client:
        yield client


class Wire:
    """What tests on the wire share: asking, and reading answers."""

    @staticmethod
    def parsed(answer: httpx.Response) -> etree._Element:
        return etree.fromstring(answer.content)

    @staticmethod
    def rows(answer: httpx.Response) -> list[list[str]]:
        return [[cell.text or "" for cell in row] for row in Wire.parsed(answer).iter(f"{V}TR")]

    @staticmethod
    def fields(answer: httpx.Response) -> list[str]:
        return [str(field.get("name")) for field in Wire.parsed(answer).iter(f"{V}FIELD")]

    @staticmethod
    def statuses(answer: httpx.Response) -> list[str]:
        return [str(i.get("value")) for i in Wire.parsed(answer).iter(f"{V}INFO") if i.get("name") == "QUERY_STATUS"]

    @staticmethod
    def query(http: httpx.Client, text: str, **others: str) -> httpx.Response:
        answer = http.post("/sync", data={"LANG": "ADQL", "QUERY": text, **others})
        assert answer.status_code == 200, answer.text
        return answer

    @staticmethod
    def failed(answer: httpx.Response, status: int = 400) -> str:
        """Check an error document and give its text (TAP-89, TAP-100, TAP-101)."""
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/x-votable+xml"
        found = re.search(r'<INFO name="QUERY_STATUS" value="ERROR">([^<]+)</INFO>', answer.text)
        assert found, answer.text
        assert "<TABLE" not in answer.text
        info = Wire.parsed(answer).find(f"{V}RESOURCE[@type='results']/{V}INFO[@name='QUERY_STATUS']")
        assert info is not None
        return info.text or ""

    @staticmethod
    def votable(table: Table, serialization: str = "tabledata") -> bytes:
        buffer = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", W03)  # a name with a blank is no ID, but a fine name
            writeto(from_table(table), buffer, tabledata_format=serialization)
        return buffer.getvalue()

    @staticmethod
    def mine(count: int = 3) -> Table:
        return Table({"id": np.arange(count), "a b": np.arange(count) * 0.5, "select": [f"x{n}" for n in range(count)]})

    @staticmethod
    def post(http: httpx.Client, text: str, upload: str | list[str], files: dict[str, Any]) -> httpx.Response:
        return http.post("/sync", data={"LANG": "ADQL", "QUERY": text, "UPLOAD": upload}, files=files)

    @staticmethod
    def create(http: httpx.Client, data: dict[str, Any], **options: Any) -> str:
        answer = http.post("/async", data=data, **options)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    @staticmethod
    def finish(url: str, seconds: float = 8) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            httpx.get(url, params={"WAIT": "1"})
            phase = httpx.get(f"{url}/phase").text
            if phase not in {"PENDING", "QUEUED", "EXECUTING"}:
                return phase
        pytest.fail(f"the job stays {phase}")

    @staticmethod
    def run(http: httpx.Client, data: dict[str, Any], **options: Any) -> str:
        url = Wire.create(http, {**data, "PHASE": "RUN"}, **options)
        Wire.finish(url)
        return url


@pytest.fixture
def wire() -> type[Wire]:
    return Wire
