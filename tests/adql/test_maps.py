"""Constant coverage maps: rows as mocpy's, files chosen, NULLs, long maps quick, limits; on both engines' SQL."""

from __future__ import annotations

import time
from typing import Any

import astropy.units as u
import numpy as np
import pglast
import pytest
from astropy.coordinates import Angle, Latitude, Longitude
from mocpy import MOC

from nashira.adql.spatial_ranges import union
from nashira.adql.translate import translate
from nashira.config.errors import Unsupported
from nashira.schema.model import Catalog, Column, Relation, Schema, SkyColumns, Table
from nashira.schema.types import DOUBLE
from nashira.schema.types import MOC as MAP

WHERE = "SELECT id FROM hip.stars WHERE {} ORDER BY id"


def cone(lon: float, lat: float, radius: float, order: int) -> MOC:
    place = {"lon": Longitude(lon, u.deg), "lat": Latitude(lat, u.deg), "radius": Angle(radius, u.deg)}
    return MOC.from_cone(**place, max_depth=order)


def inside(sky: Any, one: MOC) -> tuple[list[int], list[int]]:
    """Ids of the stars in and outside of a map, by mocpy; stars without a position are in neither."""
    ra, dec = (sky.numpy("stars", name) for name in ("RAdeg", "DEdeg"))
    known = np.isfinite(ra)
    held = np.zeros(len(ra), dtype=bool)
    held[known] = one.contains_lonlat(ra[known] * u.deg, dec[known] * u.deg)
    return (np.flatnonzero(held) + 1).tolist(), (np.flatnonzero(known & ~held) + 1).tolist()


@pytest.mark.parametrize(("lon", "lat", "radius", "order"), [(0, 90, 0.3, 12), (0, 0, 0.3, 11), (200, -40, 30, 6)])
def test_rows_are_those_of_mocpy_and_files_are_chosen(
    sky: Any, lon: float, lat: float, radius: float, order: int
) -> None:
    one = cone(lon, lat, radius, order)
    within, without = inside(sky, one)
    assert within
    text = f"MOC('{one.to_string()}')"
    for test, wanted in (
        (f"1 = CONTAINS(POINT(RAdeg, DEdeg), {text})", within),
        (f"0 = CONTAINS(POINT(RAdeg, DEdeg), {text})", without),
        (f"1 = INTERSECTS({text}, POINT(RAdeg, DEdeg))", within),
        (f"1 = CONTAINS(POINT(RAdeg + 0, DEdeg), {text})", within),
        (f"NOT 1 = CONTAINS(p, {text}) AND RAdeg IS NOT NULL", without),
    ):
        assert [row[0] for row in sky.rows(WHERE.format(test))] == wanted, test
    made = sky.translate(WHERE.format(f"1 = CONTAINS(POINT(RAdeg, DEdeg), {text})"))
    assert made.scans[0].files < made.scans[0].of_files
    assert made.scans[0].ranges


def test_maps_of_circles_choose_as_they_are(sky: Any) -> None:
    text = WHERE.format("1 = CONTAINS(POINT(RAdeg, DEdeg), MOC(9, CIRCLE(0, 0, 0.2)))")
    found = {row[0] for row in sky.rows(text)}
    circle = {row[0] for row in sky.rows(WHERE.format("1 = CONTAINS(POINT(RAdeg, DEdeg), CIRCLE(0, 0, 0.2))"))}
    wider = {row[0] for row in sky.rows(WHERE.format("1 = CONTAINS(POINT(RAdeg, DEdeg), CIRCLE(0, 0, 0.45))"))}
    assert circle <= found <= wider
    assert sky.translate(text).scans[0].files < sky.translate(text).scans[0].of_files


def test_positions_that_are_missing_are_in_no_map_and_not_outside(sky: Any) -> None:
    for expression in (
        "CONTAINS(POINT(RAdeg, DEdeg), MOC('0/0-11'))",
        "CONTAINS(POINT(RAdeg + 0, DEdeg), MOC('0/0-11'))",
    ):
        assert sky.one(expression, "id = 97") is None
        assert sky.one(expression, "id = 1") == 1
    assert sky.one("CONTAINS(POINT(RAdeg, DEdeg), MOC('6/'))", "id = 1") == 0


def test_ten_thousand_cells_are_translated_and_looked_up_quickly(sky: Any) -> None:
    cells = [3 * i + i % 2 for i in range(10_000)]
    one = "9/" + " ".join(map(str, cells))
    text = WHERE.format(f"1 = CONTAINS(POINT(RAdeg, DEdeg), MOC('{one}'))")
    sky.translate(text)
    began = time.process_time()
    made = sky.translate(text)
    assert time.process_time() - began < 0.1
    began = time.process_time()
    rows = sky.con.sql(made.sql).fetchall()
    assert time.process_time() - began < 1.0
    assert sorted(row[0] for row in rows) == inside(sky, MOC.from_string(one))[0]


def test_maps_stand_anywhere_in_conditions(sky: Any) -> None:
    long = "10/" + " ".join(str(5 * i) for i in range(100))
    test = f"CONTAINS(POINT(RAdeg, DEdeg), MOC('{long}'))"
    for text in (
        f"SELECT SUM({test}) AS n FROM hip.stars",
        f"SELECT {test} AS x, COUNT(*) AS n FROM hip.stars GROUP BY x",
        f"SELECT a.id FROM hip.stars AS a LEFT JOIN hip.objects AS b ON a.id = b.id AND 1 = {test}",
        f"SELECT CASE WHEN 1 = {test} OR id = 1 THEN 1 ELSE 0 END AS x FROM hip.stars ORDER BY x",
        f"SELECT id FROM hip.stars WHERE id < 9 AND (0 = {test} OR gmag > 3)",
        f"SELECT id FROM hip.stars GROUP BY id HAVING MAX({test}) = 1",
    ):
        assert sky.run(text, limit=5).num_rows >= 0


def test_limits_of_maps(sky: Any) -> None:
    many = "12/" + " ".join(str(2 * i) for i in range(60_000))
    with pytest.raises(Unsupported, match="60000 cells; at most 50000"):
        sky.translate(WHERE.format(f"1 = CONTAINS(p, MOC('{many}'))"))
    with pytest.raises(Unsupported, match="too long here"):
        sky.translate(WHERE.format(f"1 = INTERSECTS(CIRCLE(p, 1), MOC('{many}'))"))


def test_postgresql_looks_maps_up_in_a_multirange() -> None:
    columns = (Column("ra", DOUBLE), Column("dec", DOUBLE), Column("m", MAP))
    table = Table("a", "s", columns, Relation(("x", "s"), 100, True), position=SkyColumns("ra", "dec"))
    text = "SELECT ra FROM a.s WHERE 1 = CONTAINS(POINT(ra, dec), MOC('3/4 7')) AND 1 = CONTAINS(POINT(1, 2), m)"
    sql = translate(text, Catalog((Schema("a", (table,)),)), target="postgresql").sql
    pglast.parse_sql(sql)
    assert "@>" in sql
    assert "BETWEEN" in sql
    assert "string_split" not in sql.lower()


def test_gaps_of_one_size_are_closed_too() -> None:
    ranges = [(3 * i, 3 * i + 1) for i in range(100)]
    closed = union(ranges, 8)
    assert len(closed) == 8
    assert all(any(low <= a and b <= high for low, high in closed) for a, b in ranges)
