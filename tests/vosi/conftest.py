"""A catalog with everything a table set can say, and the schemas of the standards where they are at hand."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from nashira.schema.model import Catalog, Column, ForeignKey, Relation, Schema, SkyColumns, Table
from nashira.schema.types import DOUBLE, INTEGER, LONG, POINT, STRING, TIMESTAMP, VOType


class Client:
    """Requests to an application in this process."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, url, **options)

        return asyncio.run(ask())

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def head(self, url: str) -> httpx.Response:
        return self.request("HEAD", url)


@pytest.fixture
def client_of() -> type[Client]:
    return Client


@pytest.fixture
def catalog() -> Catalog:
    main = Table(
        "des",
        "main",
        (
            Column("ra", DOUBLE, "ICRS <right> ascension & more", "deg", "pos.eq.ra;meta.main", indexed=True),
            Column("dec", DOUBLE, "Declination\x01\ud800", "deg", "pos.eq.dec;meta.main", nullable=False),
            Column("obs_time", TIMESTAMP, utype="char.time"),
            Column("size", INTEGER, std=True),
            Column("place", POINT),
            Column("flux", VOType("float", "2x3"), unit="Jy"),
            Column('odd "name', STRING),
            Column("tile_id", LONG),
        ),
        Relation(("des", "main"), 1_000_000),
        title="Objects",
        description="Object catalogue.",
        position=SkyColumns("ra", "dec", 2000.0),
        keys=(ForeignKey(("des", "tiles"), (("tile_id", "tile id"),), "where it was seen"),),
    )
    tiles = Table("des", "tiles", (Column("tile id", LONG),), Relation(("des", "tiles"), 12), kind="view")
    odd = Table("Table", "a/b", (Column("x", DOUBLE),), Relation(("Table", "a/b"), 0))
    schemas = (
        Schema("des", (main, tiles), title="Dark Energy Survey", description="All of it", utype="u:t"),
        Schema("Table", (odd,)),
        Schema("empty", ()),
    )
    return Catalog(schemas, "v1")
