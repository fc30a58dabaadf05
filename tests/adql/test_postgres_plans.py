"""ADQL-73…77 on PostgreSQL: regions and positional joins go through the index of a table, whichever it has.

A hundred thousand positions, the same in a table for each kind of index; plans are those of a real server. What is
read is counted: the rows that scans give and those that they throw away.
"""
# ruff: noqa: E501  (queries stay on one line)

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nashira.adql.translate import translate
from nashira.adql.translation import Translation
from nashira.engines.postgres_functions import install
from nashira.schema.model import Catalog, Column, Relation, Schema, SkyColumns, SkyIndex, Table
from nashira.schema.types import DOUBLE, LONG, POINT
from nashira.sphere.coverage import healpix29
from tests.postgres_server import PostgresServer

COUNT = 120_000
COLUMNS = (Column("id", LONG), Column("ra", DOUBLE), Column("dec", DOUBLE))
INDEXES = {
    "healpix": 'CREATE INDEX the_index ON s.big ("_healpix_29")',
    "q3c": "CREATE INDEX the_index ON s.big (q3c_ang2ipix(ra, dec))",
    "pgsphere": "CREATE INDEX the_index ON s.big USING gist (spoint(radians(ra), radians(dec)))",
    "spoint": "CREATE INDEX the_index ON s.big USING gist (pos)",
}
SKY = {"q3c": SkyIndex("q3c"), "pgsphere": SkyIndex("pgsphere"), "spoint": SkyIndex("pgsphere", "pos")}


@dataclass
class Sky:
    """A database with a large table `big`, a small one `few` without an index, and uploads `mine`."""

    connection: psycopg.Connection
    catalog: Catalog
    uploads: tuple[Table, ...]
    kind: str

    def translate(self, adql: str) -> Translation:
        return translate(adql, self.catalog, uploads=self.uploads, target="postgresql")

    def rows(self, adql: str) -> list[tuple[Any, ...]]:
        return sorted(self.connection.execute(self.translate(adql).sql).fetchall())

    def plan(self, adql: str) -> dict[str, Any]:
        """The plan of a query that has run."""
        text = f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {self.translate(adql).sql}"
        (row,) = self.connection.execute(text).fetchall()
        plans = row[0] if isinstance(row[0], list) else json.loads(row[0])
        found: dict[str, Any] = plans[0]["Plan"]
        return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def examined(plan: dict[str, Any]) -> int:
    """Rows of the large table that were looked at."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0))
        * node["Actual Loops"]
        for node in nodes(plan)
        if node.get("Relation Name") == "big"
    )


def positions() -> tuple[np.ndarray, np.ndarray]:
    """All over the sky, with crowds at the pole and at longitude 0."""
    rng = np.random.default_rng(7)
    ra, dec = rng.uniform(0, 360, COUNT), np.degrees(np.arcsin(rng.uniform(-1, 1, COUNT)))
    dec[:2000] = 90 - rng.uniform(0, 1, 2000)
    ra[2000:4000], dec[2000:4000] = rng.uniform(-1, 1, 2000) % 360, rng.uniform(-1, 1, 2000)
    return ra, dec


def fill(connection: psycopg.Connection) -> None:
    """The tables without their indexes."""
    ra, dec = positions()
    index = healpix29(ra, dec)
    order = np.argsort(index)  # as tables are loaded
    ra, dec, index = ra[order], dec[order], index[order]
    connection.execute("CREATE SCHEMA s")
    connection.execute('CREATE TABLE s.big (id bigint, ra float8, "dec" float8, "_healpix_29" bigint, pos spoint)')
    listed = zip(range(COUNT), ra.tolist(), dec.tolist(), index.tolist(), strict=True)
    with connection.cursor() as cursor, cursor.copy('COPY s.big (id, ra, "dec", "_healpix_29") FROM STDIN') as copy:
        for row in listed:
            copy.write_row(row)
    connection.execute('UPDATE s.big SET pos = spoint(radians(ra), radians("dec"))')
    for name in ("s.few", "s.upload"):
        connection.execute(
            f'CREATE TABLE {name} AS SELECT id, mod((ra + 0.0001)::numeric, 360)::float8 AS ra, "dec", 0.001 * (1 + id % 3) AS r '
            "FROM s.big WHERE id % 400 = 1"
        )
    for name in ("big", "few", "upload"):
        connection.execute(f"ANALYZE s.{name}")


@pytest.fixture(scope="module")
def filled(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.fresh().url, autocommit=True) as connection:
        install(connection)
        fill(connection)
        connection.execute("SET search_path = pg_catalog, nashira, public")
        connection.execute("SET jit = off")
        yield connection


@pytest.fixture(scope="module", params=list(INDEXES))
def sky(request: pytest.FixtureRequest, filled: psycopg.Connection) -> Iterator[Sky]:
    kind = request.param
    filled.execute(INDEXES[kind])
    filled.execute("ANALYZE s.big")
    place = SkyColumns("ra", "dec")
    big = Table("s", "big", COLUMNS, Relation(("s", "big"), COUNT, kind == "healpix", SKY.get(kind)), position=place)
    few = Table("s", "few", (*COLUMNS, Column("r", DOUBLE)), Relation(("s", "few"), 300), position=place)
    mine = Table("TAP_UPLOAD", "mine", (*COLUMNS, Column("r", DOUBLE)), Relation(("s", "upload"), 300))
    yield Sky(filled, Catalog((Schema("s", (big, few)),)), (mine,), kind)
    filled.execute("DROP INDEX s.the_index")


REGIONS = {
    "SELECT id FROM s.big WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE({0}, 0.5))": 1,
    "SELECT id FROM s.big WHERE CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', {0}, 0.5)) = 1 AND id > 10": 1,
    "SELECT id FROM s.big WHERE INTERSECTS(CIRCLE({0}, 0.5), POINT(ra, dec)) = 1": 1,
    "SELECT id FROM s.big WHERE DISTANCE(POINT(ra, dec), POINT({0})) < 0.5": 1,
    "SELECT id FROM s.big WHERE 0.5 >= DISTANCE({0}, ra, dec)": 1,
    "SELECT id FROM s.big WHERE NOT (DISTANCE({0}, ra, dec) > 0.5)": 1,
    "SELECT id FROM s.big WHERE DISTANCE({0}, ra, dec) * 60 < 30": 1,
    "SELECT id FROM s.big WHERE 1 = CONTAINS(POINT(ra, dec), BOX({0}, 0.8, 0.8))": 1,
    "SELECT id FROM s.big WHERE 1 = CONTAINS(POINT(ra, dec), REGION('CIRCLE ICRS {1} 0.5'))": 1,
    "SELECT id FROM (SELECT id, ra AS x, dec AS y FROM s.big WHERE id > 3) AS b WHERE DISTANCE(x, y, {0}) < 0.5": 1,
    "SELECT id FROM s.few WHERE id IN (SELECT id FROM s.big WHERE DISTANCE(ra, dec, {0}) < 0.5) OR DISTANCE(ra, dec, {0}) < 2": 1,
    "SELECT f.id, b.id FROM s.few AS f LEFT JOIN s.big AS b ON b.id = f.id AND DISTANCE(b.ra, b.dec, {0}) < 0.5": 1,
    "WITH w AS (SELECT id FROM s.big WHERE DISTANCE(ra, dec, {0}) < 0.5) SELECT id FROM w": 1,
    "SELECT id FROM s.big WHERE DISTANCE(ra, dec, {0}) < 0.5 UNION SELECT id FROM s.big WHERE DISTANCE(ra, dec, 200, -50) < 0.5": 2,
    "SELECT id FROM s.big WHERE (DISTANCE(ra, dec, {0}) < 0.5 OR 1 = CONTAINS(POINT(ra, dec), CIRCLE(200, -50, 0.5))) AND id > 7": 2,
    "SELECT id FROM s.big WHERE DISTANCE(ra, dec, {0}) < 0.5 OR DISTANCE(ra, dec, 100, -50) < 0.2 OR DISTANCE(ra, dec, 300, 10) < 0.2": 3,
}
PLACES = ("123.4, -12.3", "0.1, 0.05", "10, 89.9")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", REGIONS)
def test_regions_read_what_they_hold(sky: Sky, form: str, place: str) -> None:
    adql = form.format(place, place.replace(",", ""))
    plan = sky.plan(adql)
    assert "the_index" in {node.get("Index Name") for node in nodes(plan)}
    assert "Seq Scan" not in {n["Node Type"] for n in nodes(plan) if n.get("Relation Name") == "big"}
    crowd = 1 if place == PLACES[0] else 25
    assert examined(plan) < 400 * REGIONS[form] * crowd
    assert sky.translate(adql).scans[-1].rows <= COUNT


EVERY: dict[str, list[tuple[Any, ...]]] = {}
"""Rows that queries give without any index; they are the same for each kind."""


def without_index(sky: Sky, adql: str) -> list[tuple[Any, ...]]:
    if adql not in EVERY:
        tables = sky.catalog.schemas[0].tables
        bare = tuple(Table("s", t.name, t.columns, Relation(("s", t.name), COUNT)) for t in tables)
        made = translate(adql, Catalog((Schema("s", bare),)), target="postgresql")
        EVERY[adql] = sorted(sky.connection.execute(made.sql).fetchall())
    return EVERY[adql]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", REGIONS)
def test_regions_give_what_all_rows_give(sky: Sky, form: str, place: str) -> None:
    adql = form.format(place, place.replace(",", ""))
    assert sky.rows(adql) == without_index(sky, adql)
    assert EVERY[adql] or "s.few WHERE" in adql


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lon=st.one_of(st.sampled_from((0.0, 360.0, 45.0)), st.floats(-360, 720)),
    lat=st.one_of(st.sampled_from((90.0, -90.0, 0.0)), st.floats(-90, 90)),
    radius=st.one_of(st.sampled_from((0.0, 60.0, 59.9999)), st.floats(0, 70), st.floats(0, 0.1)),
    operator=st.sampled_from(("<", "<=")),
)
def test_random_cones_give_the_same_rows_with_and_without_the_index(
    sky: Sky, lon: float, lat: float, radius: float, operator: str
) -> None:
    adql = f"SELECT COUNT(*), SUM(id) FROM s.big WHERE DISTANCE(ra, dec, {lon!r}, {lat!r}) {operator} {radius!r}"
    assert sky.rows(adql) == without_index(sky, adql)


MATCHES = (
    "SELECT m.id, b.id FROM TAP_UPLOAD.mine AS m JOIN s.big AS b ON DISTANCE(m.ra, m.dec, b.ra, b.dec) < 0.001",
    "SELECT m.id, b.id FROM s.big AS b JOIN TAP_UPLOAD.mine AS m ON DISTANCE(m.ra, m.dec, b.ra, b.dec) < 0.001",
    "SELECT m.id, b.id FROM s.big AS b, TAP_UPLOAD.mine AS m WHERE 1 = CONTAINS(POINT(b.ra, b.dec), CIRCLE(m.ra, m.dec, 0.001)) AND m.id > 3",
    "SELECT m.id, b.id FROM s.few AS m JOIN s.big AS b ON 1 = CONTAINS(POINT(m.ra, m.dec), CIRCLE(b.ra, b.dec, 0.001))",
    "SELECT m.id, b.id FROM TAP_UPLOAD.mine AS m LEFT JOIN s.big AS b ON DISTANCE(m.ra, m.dec, b.ra, b.dec) < 0.001",
    "SELECT m.id, b.id FROM s.big AS b RIGHT JOIN s.few AS m ON DISTANCE(m.ra, m.dec, b.ra, b.dec) < 0.001 AND b.id > m.id - 1",
    "SELECT m.id, b.id FROM TAP_UPLOAD.mine AS m JOIN s.big AS b ON DISTANCE(m.ra, m.dec, b.ra, b.dec) < m.r",
    "SELECT m.id FROM s.few AS m WHERE EXISTS (SELECT 1 FROM s.big AS b WHERE DISTANCE(m.ra, m.dec, b.ra, b.dec) < 0.001)",
    "SELECT m.id, b.id FROM TAP_UPLOAD.mine AS m JOIN (SELECT id, ra, dec FROM s.big WHERE id > 1) AS b ON DISTANCE(m.ra, m.dec, b.ra, b.dec) < 0.001",
    "SELECT m.id, b.id FROM (SELECT TOP 50 id, ra, dec FROM s.big WHERE DISTANCE(ra, dec, 123.4, -12.3) < 2 ORDER BY id) AS m JOIN s.big AS b ON DISTANCE(m.ra, m.dec, b.ra, b.dec) < 0.001",
)


@pytest.mark.parametrize("adql", MATCHES)
def test_matches_look_partners_up(sky: Sky, adql: str) -> None:
    plan = sky.plan(adql)
    used = {node.get("Index Name") for node in nodes(plan)}
    assert "the_index" in used
    assert examined(plan) < 6_000
    assert len(sky.rows(adql)) > 0


@pytest.mark.parametrize("adql", MATCHES)
def test_matches_find_what_numpy_finds(sky: Sky, adql: str) -> None:
    if "TOP 50" in adql:
        pytest.skip("not all rows")
    ra, dec = (
        np.array(c, dtype=float)
        for c in zip(*sky.connection.execute('SELECT ra, "dec" FROM s.big ORDER BY id').fetchall(), strict=True)
    )
    wanted = set()
    for id_, lon, lat, r in sky.connection.execute('SELECT id, ra, "dec", r FROM s.few').fetchall():
        radius = np.radians(float(r) if "m.r" in adql.split("<")[-1] else 0.001)
        near = np.flatnonzero(np.abs(dec - lat) < 0.01)
        dlon, dlat = np.radians(ra[near] - lon) / 2, np.radians(dec[near] - lat) / 2
        sine = np.sin(dlat) ** 2 + np.cos(np.radians(dec[near])) * np.cos(np.radians(lat)) * np.sin(dlon) ** 2
        wanted |= {(id_, int(other)) for other in near[sine < np.sin(radius / 2) ** 2]}
    if "EXISTS" in adql:
        assert {row[0] for row in sky.rows(adql)} == {pair[0] for pair in wanted}
        return
    found = {row for row in sky.connection.execute(sky.translate(adql).sql).fetchall() if row[1] is not None}
    limits = (
        (lambda p: p[0] > 3)
        if "m.id > 3" in adql
        else (lambda p: p[1] > p[0] - 1)
        if "m.id - 1" in adql
        else (lambda p: p[1] > 1)
        if "id > 1)" in adql
        else (lambda _: True)
    )
    assert found == {pair for pair in wanted if limits(pair)}


def test_native_points_serve_directly(sky: Sky) -> None:
    if sky.kind != "spoint":
        pytest.skip("there is no column of points")
    source = Relation(("s", "big"), COUNT, False, SkyIndex("pgsphere", "pos"), (("pos", "spoint"),))
    table = Table("s", "big", (*COLUMNS, Column("pos", POINT)), source)
    made = translate(
        "SELECT id, pos, COORD1(pos) FROM s.big WHERE 1 = CONTAINS(pos, CIRCLE(123.4, -12.3, 0.5))",
        Catalog((Schema("s", (table,)),)),
        target="postgresql",
    )
    native = Sky(sky.connection, Catalog((Schema("s", (table,)),)), (), "spoint")
    plan = native.plan("SELECT id, pos, COORD1(pos) FROM s.big WHERE 1 = CONTAINS(pos, CIRCLE(123.4, -12.3, 0.5))")
    assert "the_index" in {node.get("Index Name") for node in nodes(plan)}
    rows = sky.connection.execute(made.sql).fetchall()
    assert {row[0] for row in rows} == {
        row[0] for row in sky.rows("SELECT id FROM s.big WHERE DISTANCE(ra, dec, 123.4, -12.3) <= 0.5")
    }
    assert all(row[1][0] == pytest.approx(row[2]) for row in rows)
