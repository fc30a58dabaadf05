"""VOSI resources over HTTP."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

import pytest
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from nashira.config.errors import NotFound
from nashira.schema.model import Catalog, Column, Relation, Schema, Table
from nashira.schema.types import DOUBLE
from nashira.vosi import availability, capabilities
from nashira.vosi.routes import Described, routes


@dataclass
class State:
    catalog: Catalog
    trouble: str = ""


@pytest.fixture
def state(catalog: Catalog) -> State:
    return State(catalog)


@pytest.fixture
def client(state: State, client_of: Any) -> Any:
    def elements() -> tuple[str, ...]:
        return capabilities.sibling_elements(
            "https://vo.example.org/tap", ("capabilities", "availability", "tables", "examples")
        )

    async def missing(_: Request, error: Exception) -> Response:
        return PlainTextResponse(str(error), 404)

    described = Described(elements, lambda: state.catalog, lambda: state.trouble)
    return client_of(Starlette(routes=routes(described), exception_handlers={NotFound: missing}))


def test_capabilities(client: Any, valid: Callable[[bytes], None]) -> None:
    """VOSI-C1, VOSI-6, VOSI-8, VOSI-9, VOSI-10."""
    answer = client.get("/capabilities")
    assert answer.headers["content-type"] == "text/xml"
    valid(answer.content)
    root = etree.fromstring(answer.content)
    assert root.tag == "{http://www.ivoa.net/xml/VOSICapabilities/v1.0}capabilities"
    found = {element.get("standardID"): element for element in root.findall("capability")}
    assert set(found) == {
        "ivo://ivoa.net/std/VOSI#capabilities",
        "ivo://ivoa.net/std/VOSI#availability",
        "ivo://ivoa.net/std/VOSI#tables-1.1",
        "ivo://ivoa.net/std/DALI#examples",
    }
    assert all(url.get("use") == "full" for url in root.iter("accessURL"))
    assert found["ivo://ivoa.net/std/VOSI#tables-1.1"].findtext("interface/accessURL") == (
        "https://vo.example.org/tap/tables"
    )
    assert not list(root.iter("securityMethod"))


@pytest.mark.parametrize("path", ["/capabilities", "/tables", "/tables/des.main", "/availability"])
def test_head_and_wrong_methods(client: Any, path: str) -> None:
    """VOSI-2, VOSI-5."""
    assert client.head(path).status_code == 200
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, path).status_code == 405


@pytest.mark.parametrize("path", ["/capabilities", "/tables"])
def test_last_modified(client: Any, state: State, path: str) -> None:
    """VOSI-7: kept while the catalog is, newer when it changed."""
    first = client.get(path)
    since = first.headers["last-modified"]
    assert client.get(path, headers={"if-modified-since": since}).status_code == 304
    old = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    assert client.get(path, headers={"if-modified-since": old}).status_code == 200
    assert client.get(path, headers={"if-modified-since": "soon"}).status_code == 200
    state.catalog = replace(state.catalog, version="v2")
    assert client.get(path, headers={"if-modified-since": since}).status_code == 200


def test_new_version_is_seen_at_once(client: Any, state: State) -> None:
    assert b"des.main" in client.get("/tables").content
    state.catalog = Catalog((), "v2")
    assert b"des.main" not in client.get("/tables").content


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("", True),
        ("detail=max", True),
        ("DETAIL=min", False),
        ("detail=some", True),
        ("only_tables=true", False),
        ("only_tables=false&share_accessible=true", True),
    ],
)
def test_detail(client: Any, query: str, columns: bool) -> None:
    """VOSI-T2, VOSI-T3 (an unknown detail is ignored), TAP-126."""
    answer = client.get(f"/tables?{query}")
    assert answer.status_code == 200
    assert (b"<column" in answer.content) is columns


def test_many_columns_are_left_out_unless_asked_for(client: Any, state: State) -> None:
    """VOSI-T6."""
    columns = tuple(Column(f"c{number}", DOUBLE) for number in range(6000))
    table = Table("big", "t", columns, Relation(("big", "t")))
    state.catalog = Catalog((Schema("big", (table,)),), "big")
    assert b"<column" not in client.get("/tables").content
    assert client.get("/tables?detail=max").content.count(b"<column ") == 6000
    assert client.get("/tables?tables=big.t").content.count(b"<column ") == 6000


def test_every_table_has_a_child(client: Any, state: State) -> None:
    """VOSI-T4: spelled exactly as in the table set, percent-encoded."""
    for table in state.catalog.tables():
        answer = client.get(f"/tables/{quote(table.adql_name, safe='')}")
        assert answer.status_code == 200, table.adql_name
        root = etree.fromstring(answer.content)
        assert root.tag == "{http://www.ivoa.net/xml/VOSITables/v1.0}table"
        assert root.findtext("name") == table.adql_name
        assert len(root.findall("column")) == len(table.columns)


def test_unknown_table(client: Any) -> None:
    """VOSI-T5."""
    assert client.get("/tables/no.such").status_code == 404


def test_chosen_tables(client: Any) -> None:
    """What astroquery's load_table sends."""
    answer = client.get("/tables?tables=des.tiles")
    assert [e.text for e in etree.fromstring(answer.content).findall(".//table/name")] == ["des.tiles"]
    assert b"esatapplus:flags" in answer.content


def test_esa_attributes_are_for_astroquery_alone(client: Any) -> None:
    """They are not in the schema, and astroquery sends no User-Agent with GET."""
    assert b"esatapplus" not in client.get("/tables").content
    assert b"esatapplus" not in client.get("/tables?detail=max", headers={"user-agent": "Java/21"}).content
    assert b"esatapplus" in client.get("/tables", headers={"user-agent": "astroquery/0.4.11"}).content


def test_availability(client: Any, state: State, valid: Callable[[bytes], None]) -> None:
    """VOSI-A1, VOSI-A2: 200 also when nothing works."""
    name = "{http://www.ivoa.net/xml/VOSIAvailability/v1.0}"
    up = client.get("/availability")
    valid(up.content)
    assert etree.fromstring(up.content).findtext(f"{name}available") == "true"
    state.trouble = "disk <full>"
    down = client.get("/availability")
    valid(down.content)
    assert down.status_code == 200
    root = etree.fromstring(down.content)
    assert root.findtext(f"{name}available") == "false"
    assert root.findtext(f"{name}note") == "disk <full>"


def test_availability_is_in_utc() -> None:
    """VOSI-A3."""
    local = datetime.fromisoformat("2026-11-01T02:00:00+02:00")
    assert b"<vosi:upSince>2026-11-01T00:00:00Z</vosi:upSince>" in availability.document(local)
