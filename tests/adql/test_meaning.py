"""What queries mean, on DuckDB, against independent answers: SQLite, plain Python, NumPy and astropy."""
# ruff: noqa: E501  (queries stay on one line)

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from nashira.adql.translate import translate
from nashira.config.errors import QueryError
from nashira.schema.model import Catalog, Column, Relation, Schema, Table
from nashira.schema.types import DOUBLE, INTEGER, STRING, TIMESTAMP, VOType, arrow_type

A = [(1, "x", 1.5), (2, "y", None), (3, None, -2.0), (4, "x", 4.0), (4, "x", 4.0), (None, "Z", 0.0)]
B = [(1, "x", 10.0), (2, "q", 20.0), (4, "x", None), (5, "x", 50.0), (None, None, 1.0)]
WORDS = [
    "abc", "ABC", "a\\bc", "a%c", "a_c", "", "Äpfel", "äpfel", "a'b", "tab\there", "line\nend", "end\\", None,
]  # fmt: skip
INT, TEXT = INTEGER, STRING
TABLES: dict[str, tuple[tuple[tuple[str, VOType], ...], list[tuple[Any, ...]]]] = {
    "a": ((("id", INT), ("s", TEXT), ("v", DOUBLE)), A),
    "b": ((("id", INT), ("s", TEXT), ("w", DOUBLE)), B),
    "words": ((("n", INT), ("word", TEXT)), list(enumerate(WORDS))),
    "none": ((("id", INT), ("s", TEXT), ("v", DOUBLE)), []),
}


class Pair:
    """The same tables in DuckDB behind the translator and in SQLite."""

    def __init__(self, con: duckdb.DuckDBPyConnection, lite: sqlite3.Connection) -> None:
        self.con, self.lite = con, lite
        tables = []
        for name, (columns, rows) in TABLES.items():
            arrays = [pa.array([r[i] for r in rows], arrow_type(vo)) for i, (_, vo) in enumerate(columns)]
            con.register(f"t_{name}", pa.table(arrays, names=[c for c, _ in columns]))
            tables.append(Table("s", name, tuple(Column(c, vo) for c, vo in columns), Relation((f"t_{name}",))))
            lite.execute(f"CREATE TABLE {name} ({', '.join(c for c, _ in columns)})")
            lite.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", rows)
        self.catalog = Catalog((Schema("s", tuple(tables)),))

    def __repr__(self) -> str:
        return "pair"

    def ours(self, text: str) -> list[tuple[Any, ...]]:
        return self.con.sql(translate(text, self.catalog).sql).fetchall()

    def theirs(self, text: str) -> list[tuple[Any, ...]]:
        return self.lite.execute(text).fetchall()


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with duckdb.connect(config={"threads": 1}) as con:
        lite = sqlite3.connect(":memory:")
        lite.execute("PRAGMA case_sensitive_like = ON")
        yield Pair(con, lite)
        lite.close()


def key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple((value is None, str(type(value)), value) if value is not None else (True, "", 0) for value in row)


SAME = (
    # joins
    "SELECT * FROM a NATURAL JOIN b",
    "SELECT * FROM a NATURAL LEFT JOIN b",
    "SELECT * FROM a JOIN b USING (id)",
    "SELECT * FROM a LEFT JOIN b USING (id)",
    "SELECT * FROM a RIGHT JOIN b USING (id)",
    "SELECT * FROM a JOIN b USING (id, s)",
    "SELECT id, v, w FROM a FULL JOIN b USING (id)",
    "SELECT id, s FROM a NATURAL FULL JOIN b",
    "SELECT id, a.s, b.s FROM a LEFT OUTER JOIN b USING (id) WHERE id > 1",
    "SELECT a.id, b.id FROM a FULL OUTER JOIN b ON a.id = b.id AND a.v > 0",
    "SELECT a.id, b.id FROM a LEFT JOIN b ON a.id = b.id AND b.w > 5 WHERE a.v IS NOT NULL",
    "SELECT x.id, y.id, z.id FROM a AS x JOIN a AS y ON x.id < y.id LEFT JOIN b AS z ON z.id = y.id",
    "SELECT x.id, q.n FROM a AS x, (SELECT s, COUNT(*) AS n FROM b GROUP BY s) AS q WHERE x.s = q.s",
    # subqueries
    "SELECT id FROM a WHERE EXISTS (SELECT * FROM b WHERE b.id = a.id AND b.s = a.s)",
    "SELECT id FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.id = a.id)",
    "SELECT id FROM a WHERE id IN (SELECT id FROM b)",
    "SELECT id FROM a WHERE id NOT IN (SELECT id FROM b)",
    "SELECT id FROM a WHERE id NOT IN (SELECT id FROM b WHERE id IS NOT NULL)",
    "SELECT id FROM a WHERE id IN (SELECT MAX(b.id) - 1 FROM b WHERE b.s = a.s)",
    "SELECT id FROM a WHERE id IN (SELECT id FROM b WHERE EXISTS (SELECT 1 FROM a AS c WHERE c.s = b.s AND c.v > a.v))",
    "SELECT s, COUNT(*) FROM a GROUP BY s HAVING EXISTS (SELECT 1 FROM b WHERE b.s = a.s)",
    "SELECT s FROM a GROUP BY s HAVING COUNT(*) IN (SELECT b.id FROM b WHERE b.s = a.s)",
    # set operations
    "SELECT id FROM a UNION SELECT id FROM b ORDER BY id",
    "SELECT id FROM a UNION ALL SELECT id FROM b ORDER BY 1 DESC",
    "SELECT id, s FROM a INTERSECT SELECT id, s FROM b ORDER BY s, id",
    "SELECT id, s FROM a EXCEPT SELECT id, s FROM b ORDER BY s DESC, id",
    "SELECT s FROM a UNION SELECT s FROM b EXCEPT SELECT s FROM a WHERE v > 2",
    "SELECT id AS k FROM a UNION SELECT 7 FROM b ORDER BY k DESC",
    # groups
    "SELECT v * 2 + 1, COUNT(*) FROM a GROUP BY v * 2 + 1",
    "SELECT id % 2 AS parity, SUM(v) FROM a GROUP BY id % 2",
    "SELECT CASE WHEN v > 1 THEN 'big' ELSE 'small' END AS class, COUNT(*), MIN(id) FROM a GROUP BY CASE WHEN v > 1 THEN 'big' ELSE 'small' END",
    "SELECT COUNT(*), COUNT(v), COUNT(DISTINCT v), COUNT(DISTINCT s), SUM(v), AVG(v), MIN(v), MAX(v), MIN(s), MAX(s) FROM a",
    "SELECT COUNT(*), COUNT(id), SUM(v), MIN(s) FROM none",
    "SELECT SUM(DISTINCT v), AVG(DISTINCT id) FROM a",
    "SELECT MAX(v) FROM a HAVING COUNT(*) > 3",
    "SELECT MAX(v) FROM a HAVING COUNT(*) > 30",
    "SELECT COUNT(*) FROM none HAVING COUNT(*) = 0",
    "SELECT s, MAX(v) - MIN(v) FROM a WHERE id > 0 GROUP BY s HAVING COUNT(DISTINCT v) >= 1 AND MAX(v) > 1",
    "SELECT s, id FROM a GROUP BY s, id ORDER BY COUNT(*) DESC, id",
    "SELECT DISTINCT s, v FROM a",
    # conditions with NULL
    "SELECT id FROM a WHERE v BETWEEN -2 AND 1.5",
    "SELECT id FROM a WHERE v NOT BETWEEN 0 AND 2",
    "SELECT id FROM a WHERE v BETWEEN NULL AND 2",
    "SELECT id FROM a WHERE v NOT BETWEEN NULL AND 2",
    "SELECT id FROM a WHERE NOT (v BETWEEN 3 AND NULL)",
    "SELECT id FROM a WHERE v BETWEEN 2 AND 1",
    "SELECT id FROM a WHERE id BETWEEN v AND 4",
    "SELECT id FROM a WHERE id IN (1, NULL)",
    "SELECT id FROM a WHERE id NOT IN (1, NULL)",
    "SELECT id FROM a WHERE NOT (v > 0 OR s = 'x')",
    "SELECT id FROM a WHERE NOT (v > 0 AND s = 'x')",
    "SELECT id, COALESCE(v, id, 0) FROM a",
    "SELECT id, CASE s WHEN 'x' THEN 1 WHEN NULL THEN 2 ELSE 3 END AS c FROM a",
    # texts
    "SELECT n FROM words WHERE word LIKE 'a%'",
    "SELECT n FROM words WHERE word LIKE 'a\\%'",
    "SELECT n FROM words WHERE word LIKE 'a\\_c'",
    "SELECT n FROM words WHERE word LIKE '%\\'",
    "SELECT n FROM words WHERE word LIKE '%\\\\%'",
    "SELECT n FROM words WHERE word LIKE 'a_c'",
    "SELECT n FROM words WHERE word LIKE ''",
    "SELECT n FROM words WHERE word LIKE word",
    "SELECT n FROM words WHERE word NOT LIKE '%a%'",
    "SELECT n FROM words WHERE word LIKE '%''%'",
    "SELECT n FROM words WHERE word LIKE 'line%'",
    "SELECT n FROM words WHERE word LIKE '%' || 'b' || '%'",
    "SELECT n FROM words WHERE word = 'abc'",
    "SELECT n FROM words WHERE word = 'abc '",
    "SELECT n FROM words WHERE word <> 'abc'",
    "SELECT n FROM words WHERE word < 'a'",
    "SELECT n FROM words WHERE word > 'a' ORDER BY word",
    "SELECT n FROM words WHERE word BETWEEN 'A' AND 'a'",
    "SELECT MIN(word), MAX(word), COUNT(DISTINCT word) FROM words",
)  # fmt: skip


@pytest.mark.parametrize("text", SAME)
def test_the_same_rows_as_sqlite(pair: Pair, text: str) -> None:
    ours, theirs = pair.ours(text), pair.theirs(text)
    assert sorted(ours, key=key) == sorted(theirs, key=key)
    if "ORDER BY" in text and not any(value is None for row in ours for value in row):
        assert ours == theirs


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT TOP 0 id FROM a", []),
        ("SELECT TOP 2 id FROM a ORDER BY id", [(1,), (2,)]),
        ("SELECT TOP 2 id FROM a ORDER BY id OFFSET 2", [(3,), (4,)]),
        ("SELECT id FROM a ORDER BY id OFFSET 6", []),
        ("SELECT id FROM a ORDER BY id OFFSET 99999999999", []),
        ("SELECT TOP 99999999999 id FROM a ORDER BY id OFFSET 4", [(4,), (None,)]),
        ("SELECT TOP 0 COUNT(*) FROM a", []),
        ("SELECT COUNT(*) FROM (SELECT TOP 0 id FROM a) AS q", [(0,)]),
        ("SELECT DISTINCT TOP 2 s FROM a ORDER BY s DESC", [("y",), ("x",)]),
        ("SELECT id FROM a UNION SELECT id FROM b ORDER BY id DESC OFFSET 4", [(1,), (None,)]),
        ("(SELECT TOP 1 id FROM a ORDER BY id) UNION ALL (SELECT TOP 1 id FROM b ORDER BY id DESC) ORDER BY id", [(1,), (5,)]),
        ("SELECT id FROM a WHERE id IN (SELECT TOP 1 id FROM b ORDER BY id)", [(1,)]),
        ("SELECT id FROM a ORDER BY v DESC, id OFFSET 3", [(None,), (3,), (2,)]),
    ],
)  # fmt: skip
def test_limits_and_offsets(pair: Pair, text: str, rows: list[tuple[Any, ...]]) -> None:
    assert pair.ours(text) == rows


def test_times_are_compared_and_aggregated_in_order() -> None:
    moments = [
        datetime(1999, 12, 31, 23, 59, 59, 5),
        datetime(2000, 1, 1),
        None,
        datetime(1, 1, 1),
        datetime(9999, 1, 1),
    ]
    with duckdb.connect() as con:
        con.register("t_t", pa.table({"t": pa.array(moments, arrow_type(TIMESTAMP))}))
        catalog = Catalog((Schema("s", (Table("s", "t", (Column("t", TIMESTAMP),), Relation(("t_t",))),)),))

        def run(text: str) -> list[tuple[Any, ...]]:
            return con.sql(translate(text, catalog).sql).fetchall()

        assert run("SELECT MIN(t), MAX(t), COUNT(DISTINCT t) FROM t") == [(moments[3], moments[4], 4)]
        assert run("SELECT t FROM t WHERE t BETWEEN '1999-12-31T23:59:59' AND '2000-01-01'") == [
            (moments[0],),
            (moments[1],),
        ]
        assert run("SELECT t FROM t WHERE t > CAST('2000-01-01T00:00:00Z' AS TIMESTAMP)") == [(moments[4],)]
        assert run("SELECT t FROM t WHERE '2000-01-01' = t") == [(moments[1],)]
        assert len(run("SELECT t FROM t WHERE t NOT IN ('2000-01-01', '0001-01-01T00:00:00')")) == 2


# ------------------------------------------------------------------ numbers

NUMBERS = (0.0, 0.5, -0.5, 1.5, -1.5, 2.5, 1234.5678, -1234.5678, 99.95, 1e15, -3.0, 7.25)


@pytest.mark.parametrize("places", [None, -3, -1, 0, 1, 2])
@pytest.mark.parametrize(("name", "way"), [("ROUND", ROUND_HALF_UP), ("TRUNCATE", ROUND_DOWN)])
def test_rounding(sky: Any, name: str, way: str, places: int | None) -> None:
    """Half away from zero on the decimal digits that the author wrote; negative places left of the point."""
    texts = [f"{name}({x!r}{'' if places is None else f', {places}'}) AS c{i}" for i, x in enumerate(NUMBERS)]
    (row,) = sky.rows(f"SELECT {', '.join(texts)} FROM hip.stars WHERE id = 1")
    step = Decimal(1).scaleb(-(places or 0))
    want = [float((Decimal(repr(x)) / step).quantize(Decimal(1), way) * step) for x in NUMBERS]
    assert row == pytest.approx(want, rel=1e-14)


def test_remainders_take_the_sign_of_the_dividend(sky: Any) -> None:
    pairs = [(x, y) for x in (7, -7, 0, 5) for y in (3, -3, 1)] + [
        (7.5, 2),
        (-7.5, 2),
        (7.5, -2),
        (-7.5, -2.5),
        (1e17, 3),
    ]
    for form in ("MOD({0!r}, {1!r})", "MOD({0!r} * id, {1!r})", "{0!r} * id % ({1!r} * id)"):
        texts = [form.format(x, y) + f" AS c{i}" for i, (x, y) in enumerate(pairs)]
        (row,) = sky.rows(f"SELECT {', '.join(texts)} FROM hip.stars WHERE id = 1")
        assert row == pytest.approx([math.fmod(x, y) for x, y in pairs])


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("CAST(2.5 AS INTEGER)", 2), ("CAST(id * -3.5 AS INTEGER)", -4), ("CAST(id * 2.6 AS INTEGER)", 3), ("CAST(RAdeg * 0 + 0.4 AS INTEGER)", 0),
        ("CAST(id * 3000000000 AS INTEGER)", None), ("CAST(id * 3000000000 AS BIGINT)", 3000000000),
        ("CAST(id * 40000 AS SMALLINT)", None), ("CAST(id * 1e300 AS REAL)", None), ("CAST('  12  ' AS INTEGER)", 12),
        ("CAST('1e3' AS DOUBLE PRECISION)", 1000.0), ("CAST('abc' || name AS INTEGER)", None), ("CAST(NULL AS INTEGER)", None),
        ("CAST(NULL AS TIMESTAMP)", None), ("CAST(NULL AS VARCHAR(3))", None), ("CAST('' AS VARCHAR)", ""),
        ("CAST(name || 'x' AS TIMESTAMP)", None), ("CAST('2000-01-01' AS TIMESTAMP)", datetime(2000, 1, 1)),
        ("CAST('2000-01-01T12:00:00.25' AS TIMESTAMP)", datetime(2000, 1, 1, 12, 0, 0, 250000)),
        ("CAST(12.5 AS VARCHAR)", "12.5"), ("CAST(id AS CHAR(5))", "1"), ("CAST('äöü' AS CHAR(2))", "äö"),
        ("CAST(t AS CHAR(10))", "2000-01-01"), ("CAST('-90' AS SMALLINT)", -90), ("CAST(id / 2.0 AS REAL)", 0.5),
    ],
)  # fmt: skip
def test_casts_at_the_edges(sky: Any, expression: str, value: Any) -> None:
    """To the nearest integer, halves to the even one as in PostgreSQL; what does not fit is NULL."""
    assert sky.one(expression) == value


# ----------------------------------------------------------------- the sphere


def half_spaces(lon: np.ndarray, lat: np.ndarray, corners: list[tuple[float, float]]) -> np.ndarray:
    """Points of a convex polygon by the signs of triple products, whichever way it runs."""

    def unit(lon_deg: Any, lat_deg: Any) -> np.ndarray:
        a, b = np.radians(lon_deg), np.radians(lat_deg)
        return np.stack((np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)), axis=-1)

    points, edge = unit(lon, lat), [unit(*corner) for corner in corners]
    signs = np.stack([points @ np.cross(p, q) for p, q in zip(edge, edge[1:] + edge[:1], strict=True)])
    result: np.ndarray = np.all(signs >= 0, axis=0) | np.all(signs <= 0, axis=0)
    result &= points @ np.sum(edge, axis=0) > 0
    return result


POLYGONS = {
    "across the meridian": [(350.0, -20.0), (15.0, -25.0), (20.0, 18.0), (345.0, 22.0)],
    "around the north pole": [(0.0, 60.0), (90.0, 65.0), (180.0, 60.0), (270.0, 70.0)],
    "around the south pole": [(10.0, -80.0), (130.0, -75.0), (250.0, -82.0)],
    "touching a pole": [(0.0, 90.0), (40.0, 60.0), (80.0, 60.0)],
    "negative longitudes": [(-10.0, -1.0), (10.0, -1.0), (10.0, 1.0), (-10.0, 1.0)],
    "nearly a hemisphere": [(0.0, 5.0), (90.0, 5.0), (180.0, 5.0), (270.0, 5.0)],
}


@pytest.mark.parametrize("name", POLYGONS)
def test_polygons_either_way_round(sky: Any, name: str) -> None:
    ra, dec = (sky.numpy("stars", column) for column in ("RAdeg", "DEdeg"))
    want = set((np.flatnonzero(np.isfinite(ra) & half_spaces(ra, dec, POLYGONS[name])) + 1).tolist())
    assert len(want) > 10
    for corners in (POLYGONS[name], POLYGONS[name][::-1]):
        numbers = ", ".join(f"{value!r}" for corner in corners for value in corner)
        for where in (
            f"1=CONTAINS(POINT(RAdeg, DEdeg), POLYGON({numbers}))",
            f"INTERSECTS(POLYGON({numbers}), POINT(RAdeg, DEdeg))=1",
        ):
            for table in ("hip.stars", "plain.stars"):
                assert {row[0] for row in sky.rows(f"SELECT id FROM {table} WHERE {where}")} == want


def test_opposite_points_are_180_degrees_apart(sky: Any) -> None:
    """Two columns, a column and a literal, and values close to the antipode, against astropy."""
    from astropy.coordinates import angular_separation

    rows = sky.run(
        "SELECT RAdeg AS r, DEdeg AS d, DISTANCE(RAdeg, DEdeg, RAdeg + 180, -DEdeg) AS a,"
        " DISTANCE(POINT(RAdeg, DEdeg), POINT(RAdeg + 179.9999999, -DEdeg)) AS b, DISTANCE(RAdeg, DEdeg, RAdeg, DEdeg) AS c,"
        " DISTANCE(RAdeg, DEdeg, 12.5, -33.25) AS e FROM hip.stars WHERE RAdeg IS NOT NULL"
    )
    r, d, a, b, c, e = (rows[name].to_numpy() for name in "rdabce")
    np.testing.assert_allclose(a, 180, atol=1e-12)
    np.testing.assert_array_equal(c, 0)
    lon, lat = np.radians(r), np.radians(d)
    np.testing.assert_allclose(
        b, np.degrees(angular_separation(lon, lat, lon + np.radians(179.9999999), -lat)), atol=1e-9
    )
    np.testing.assert_allclose(
        e, np.degrees(angular_separation(lon, lat, math.radians(12.5), math.radians(-33.25))), atol=1e-12
    )
    for text in ("DISTANCE(0, 90, 0, -90)", "DISTANCE(10, 20, 190, -20)", "DISTANCE(POINT(359, 0), POINT(179, 0))"):
        assert sky.one(text) == pytest.approx(180, abs=1e-12)
    assert sky.rows("SELECT COUNT(*) FROM hip.stars WHERE DISTANCE(RAdeg, DEdeg, 3, 4) <= 180") == [(len(r),)]


MATCHES = (
    "SELECT s.id, o.id FROM hip.stars AS s JOIN hip.objects AS o ON DISTANCE(s.RAdeg, s.DEdeg, o.ra, o.dec) < {r}",
    "SELECT s.id, o.id FROM hip.stars AS s, hip.objects AS o WHERE DISTANCE(POINT(s.RAdeg, s.DEdeg), POINT(o.ra, o.dec)) < {r}",
    "SELECT s.id, o.id FROM hip.stars AS s JOIN hip.objects AS o ON 1=CONTAINS(POINT('ICRS', s.RAdeg, s.DEdeg), CIRCLE('ICRS', o.ra, o.dec, {r}))",
    "SELECT s.id, o.id FROM hip.stars AS s, hip.objects AS o WHERE INTERSECTS(CIRCLE(s.RAdeg, s.DEdeg, {r} / 2), CIRCLE(o.ra, o.dec, {r} / 2)) = 1",
    "SELECT s.id, o.id FROM (SELECT * FROM hip.stars WHERE DEdeg < 200) AS s JOIN hip.objects AS o ON {r} > DISTANCE(o.ra, o.dec, s.RAdeg, s.DEdeg)",
    "SELECT s.id, o.id FROM plain.stars AS s JOIN hip.objects AS o ON DISTANCE(s.RAdeg, s.DEdeg, o.ra, o.dec) < {r}",
)  # fmt: skip


@pytest.mark.parametrize("radius", [1.5 / 3600, 0.03])
def test_all_spellings_of_a_match_give_the_same_pairs(sky: Any, distance: Any, radius: float) -> None:
    found = [sorted(sky.rows(form.format(r=repr(radius)))) for form in MATCHES]
    ra, dec = (sky.numpy("stars", column) for column in ("RAdeg", "DEdeg"))
    apart = distance(ra[:, None], dec[:, None], sky.numpy("objects", "ra")[None], sky.numpy("objects", "dec")[None])
    want = sorted((int(i) + 1, int(j)) for i, j in np.argwhere(apart < radius))
    assert all(rows == want for rows in found)


def test_aggregates_of_the_query_around_are_refused(sky: Any) -> None:
    """SQL-92 gives such an aggregate to the outer query, where a WHERE cannot have it."""
    with pytest.raises(QueryError, match="aggregates n of the query around"):
        sky.translate("SELECT id FROM hip.stars WHERE 1 IN (SELECT SUM(n) FROM hip.objects)")
    with pytest.raises(QueryError, match="neither in GROUP BY"):
        sky.translate("SELECT n FROM hip.stars GROUP BY n HAVING EXISTS (SELECT 1 FROM hip.objects WHERE kind = name)")
    assert (
        len(
            sky.rows("SELECT n FROM hip.stars GROUP BY n HAVING EXISTS (SELECT 1 FROM hip.objects AS o WHERE o.id = n)")
        )
        == 7
    )
    assert sky.rows("SELECT TOP 1 1 AS x FROM hip.stars ORDER BY CAST('a' AS CHAR), 'b' || 'c', NULL, 3 * 4.5") == [
        (1,)
    ]


def test_delimited_names_find_regular_aliases_as_they_fold(pair: Pair) -> None:
    assert len(pair.ours('SELECT "aTable".id, "atable".id, ATABLE.id FROM a AS aTable')) == len(A)
    assert len(pair.ours('WITH MyTable AS (SELECT id FROM a) SELECT * FROM "mytable"')) == len(A)
    for text in ('SELECT "ATABLE".id FROM a AS aTable', 'SELECT "atable".id FROM a AS "aTable"'):
        with pytest.raises(QueryError, match="no table or alias"):
            pair.ours(text)
