"""ADQL-1, 2, 20…32: names, scopes, joins, grouping, set operations, and the columns known before a query runs."""
# ruff: noqa: E501  (queries stay on one line)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nashira.config.errors import AdqlTypeError, QueryError, UnknownName


def names(sky: Any, text: str) -> list[str]:
    return [column.name for column in sky.translate(text).columns]


# ------------------------------------------------------------------ names


def test_regular_names_match_any_case_and_delimited_ones_exactly(sky: Any) -> None:
    assert names(sky, 'SELECT ID, radeg, "RAdeg", "B-V", "count" FROM HIP.Stars') == [
        "id",
        "RAdeg",
        "RAdeg_2",
        "B-V",
        "count",
    ]
    assert sky.rows('SELECT "count" FROM hip.stars WHERE "count" = 7') == [(7,)]
    for text in ('SELECT "radeg" FROM hip.stars', 'SELECT id FROM hip."STARS"', 'SELECT "s".id FROM hip.stars AS "S"'):
        with pytest.raises(UnknownName):
            sky.translate(text)


def test_tables_resolve_without_their_schema_when_unique(sky: Any) -> None:
    assert sky.rows("SELECT COUNT(*) AS n FROM objects") == sky.rows("SELECT COUNT(*) AS n FROM hip.objects")
    with pytest.raises(UnknownName, match="ambiguous") as caught:
        sky.translate("SELECT id FROM stars")
    assert "hip.stars, plain.stars" in caught.value.advice
    with pytest.raises(UnknownName, match="names a catalogue"):
        sky.translate("SELECT id FROM a.hip.stars")


def test_columns_by_alias_table_and_schema(sky: Any) -> None:
    text = "SELECT s.id, hip.objects.id, objects.ra FROM hip.stars AS s, hip.objects WHERE s.id = hip.objects.id AND s.id < 3"
    assert len(sky.rows(text)) == 2
    for text in (
        "SELECT stars.id FROM hip.stars AS s",
        "SELECT hip.stars.id FROM hip.stars AS s",
        "SELECT hip.s.id FROM hip.stars AS s",
    ):
        with pytest.raises(UnknownName):
            sky.translate(text)
    with pytest.raises(UnknownName, match="ambiguous") as caught:
        sky.translate("SELECT id FROM hip.stars AS s, hip.objects")
    assert "s.id, objects.id" in caught.value.advice
    assert caught.value.position is not None
    assert caught.value.position.column == 8


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("SELECT gmagg FROM hip.stars", "gmag"),
        ("SELECT s.RAdec FROM hip.stars AS s", "RAdeg"),
        ("SELECT id FROM hip.star", "hip.stars"),
        ("SELECT id FROM objets", "hip.objects"),
        ("SELECT id FROM TAP_UPLOAD.other", "mine"),
        ("SELECT t.id FROM hip.stars AS star", ""),
        ("SELECT stars.id FROM hip.stars AS u", "The table is called u here"),
        ("SELECT x.* FROM hip.stars AS u", ""),
        ("SELECT UPER(name) FROM hip.stars", "UPPER"),
        ("SELECT id FROM hip.stars JOIN hip.objects USING (gmg)", "gmag"),
    ],
)
def test_unknown_names_are_refused_with_advice(sky: Any, text: str, advice: str) -> None:
    with pytest.raises(UnknownName) as caught:
        sky.translate(text)
    assert advice in caught.value.advice
    assert caught.value.position is not None


def test_two_references_need_two_names(sky: Any) -> None:
    with pytest.raises(UnknownName, match="twice"):
        sky.translate("SELECT 1 FROM hip.stars, hip.stars")
    assert sky.rows("SELECT COUNT(*) FROM hip.stars, plain.stars WHERE hip.stars.id = plain.stars.id") == [(3000,)]


# ------------------------------------------------------------ result columns


def test_plain_columns_carry_their_metadata(sky: Any) -> None:
    (made,) = sky.translate("SELECT s.gmag AS Bright FROM (SELECT * FROM hip.stars) AS s").columns
    assert (made.name, made.type.datatype, made.unit, made.ucd, made.description) == (
        "Bright",
        "float",
        "mag",
        "phot.mag;em.opt.G",
        "Magnitude",
    )


def test_unnamed_expressions_get_legal_unique_names(sky: Any) -> None:
    text = 'SELECT COUNT(*), MAX(gmag), AVG("B-V"), id+1, SQRT(id), id AS expr_5 FROM hip.stars GROUP BY id'
    assert names(sky, text) == ["count_1", "max_gmag", "avg_B_V", "expr_4", "expr_5_2", "expr_5"]
    assert names(sky, "SELECT a.id, b.id, a.id AS x, b.id AS X FROM hip.stars AS a, plain.stars AS b") == [
        "id",
        "id_2",
        "x",
        "X_2",
    ]


def test_star_lists_the_declared_columns_in_order(sky: Any) -> None:
    declared = [c.name for c in sky.catalog.schemas[0].tables[0].columns]
    assert names(sky, "SELECT * FROM hip.stars") == declared
    assert names(sky, "SELECT o.*, 1 AS one FROM hip.stars, hip.objects AS o") == ["id", "ra", "dec", "kind", "one"]
    assert sky.run("SELECT * FROM hip.stars").num_rows == 3000


def test_null_and_literals_have_a_type(sky: Any) -> None:
    assert sky.rows("SELECT NULL AS x, 1 AS y, 'a' AS z, 2.5 AS u, TRUE AS v FROM hip.stars WHERE id=1") == [
        (None, 1, "a", 2.5, True)
    ]


# --------------------------------------------------------------------- joins


def test_using_and_natural_show_shared_columns_once(sky: Any) -> None:
    text = "SELECT * FROM hip.objects AS a {} hip.objects AS b {}"
    assert names(sky, text.format("JOIN", "USING (id)")) == ["id", "ra", "dec", "kind", "ra_2", "dec_2", "kind_2"]
    assert names(sky, text.format("NATURAL JOIN", "")) == ["id", "ra", "dec", "kind"]
    assert sky.rows("SELECT COUNT(*) FROM hip.objects AS a NATURAL JOIN hip.objects AS b") == [
        (len(sky.tables["objects"]),)
    ]
    assert sky.rows("SELECT id, a.id, b.id FROM hip.objects AS a JOIN hip.objects AS b USING (id) WHERE id=3") == [
        (3, 3, 3)
    ]


def test_shared_columns_of_outer_joins_come_from_the_side_that_is_there(sky: Any) -> None:
    left = "(SELECT id FROM hip.stars WHERE id IN (1,2)) AS a"
    right = "(SELECT id FROM hip.stars WHERE id IN (2,3)) AS b"
    for kind, want in (("LEFT", {1, 2}), ("RIGHT", {2, 3}), ("FULL", {1, 2, 3}), ("INNER", {2})):
        assert {row[0] for row in sky.rows(f"SELECT id FROM {left} {kind} JOIN {right} USING (id)")} == want


def test_nested_and_cross_joins(sky: Any) -> None:
    assert sky.rows("SELECT COUNT(*) FROM TAP_UPLOAD.mine AS a, TAP_UPLOAD.mine AS b") == [(3600,)]
    assert sky.rows("SELECT COUNT(*) FROM TAP_UPLOAD.mine AS a CROSS JOIN TAP_UPLOAD.mine AS b") == [(3600,)]
    text = "SELECT COUNT(*) FROM hip.stars AS s LEFT JOIN (hip.objects AS o JOIN TAP_UPLOAD.mine AS m ON o.id = m.id) ON s.id = o.id"
    assert sky.rows(text) == [(3000,)]


def test_correlated_subqueries(sky: Any) -> None:
    text = "SELECT id FROM hip.stars AS s WHERE EXISTS (SELECT 1 FROM hip.objects AS o WHERE o.id = s.id AND s.n = 1) AND id < 50"
    n = sky.numpy("stars", "n")
    assert {r[0] for r in sky.rows(text)} == {i for i in range(1, 50) if n[i - 1] == 1}
    text = (
        "SELECT id FROM hip.stars AS s WHERE id NOT IN (SELECT id FROM hip.objects WHERE id > 3 AND n > -9) AND id < 10"
    )
    assert sorted(sky.rows(text)) == [(1,), (2,), (3,)]
    with pytest.raises(UnknownName):
        sky.translate("SELECT id FROM hip.stars AS s, (SELECT ra FROM hip.objects WHERE id = s.id) AS o")
    with pytest.raises(AdqlTypeError, match="has one column"):
        sky.translate("SELECT id FROM hip.stars WHERE id IN (SELECT id, n FROM hip.stars)")


def test_common_tables(sky: Any) -> None:
    text = "WITH a AS (SELECT id, gmag FROM hip.stars WHERE id < 5), b (x, y) AS (SELECT id, gmag FROM a WHERE id > 2) SELECT b.x, a.gmag FROM b JOIN a ON a.id = b.x ORDER BY x"
    assert [row[0] for row in sky.rows(text)] == [3, 4]
    assert sky.translate(text).columns[1].unit == "mag"
    assert sky.rows("WITH stars AS (SELECT id FROM hip.stars WHERE id<3) SELECT COUNT(*) FROM stars") == [(2,)]
    with pytest.raises(UnknownName):
        sky.translate("WITH a AS (SELECT * FROM a) SELECT * FROM a")
    with pytest.raises(AdqlTypeError, match="2 columns, but 1 names"):
        sky.translate("WITH a (x) AS (SELECT id, n FROM hip.stars) SELECT * FROM a")


# --------------------------------------------------------- grouping, ordering


def test_grouping(sky: Any) -> None:
    n = sky.numpy("stars", "n")
    want = sorted((int(k), int((n == k).sum())) for k in np.unique(n))
    for text in (
        "SELECT n, COUNT(*) FROM hip.stars GROUP BY n",
        "SELECT n AS k, COUNT(*) FROM hip.stars GROUP BY k",
        "SELECT n, COUNT(*) FROM hip.stars GROUP BY 1",
    ):
        assert sorted(sky.rows(text)) == want
    assert sky.rows(
        "SELECT n + 1, COUNT(*) FROM hip.stars GROUP BY n + 1 HAVING COUNT(*) > 1 AND n + 1 = 3 ORDER BY n + 1"
    ) == [(3, 300)]
    assert len(sky.rows("SELECT (n+1)*2 AS x FROM hip.stars GROUP BY n + 1")) == 10
    assert sky.rows("SELECT COUNT(*) AS c FROM hip.stars GROUP BY 'a'") == [(3000,)]
    assert sky.rows("SELECT COUNT(*) AS c FROM hip.stars HAVING COUNT(*) < 5") == []
    assert (
        sky.rows(
            "SELECT ROUND(gmag) AS g, COUNT(*) AS c FROM hip.stars WHERE gmag < 2 GROUP BY ROUND(gmag) ORDER BY g"
        )[0][0]
        == 0
    )


@pytest.mark.parametrize(
    "text",
    [
        "SELECT name, COUNT(*) FROM hip.stars",
        "SELECT name, COUNT(*) FROM hip.stars GROUP BY n",
        "SELECT n + name_len, 1 FROM (SELECT n, id AS name_len FROM hip.stars) AS s GROUP BY n",
        "SELECT * FROM hip.stars GROUP BY id",
        "SELECT n FROM hip.stars GROUP BY n HAVING id > 3",
        "SELECT n FROM hip.stars GROUP BY n ORDER BY id",
        "SELECT id FROM hip.stars ORDER BY COUNT(*)",
    ],
)
def test_columns_that_are_not_grouped_are_named(sky: Any, text: str) -> None:
    with pytest.raises(AdqlTypeError, match="neither in GROUP BY nor in an aggregate"):
        sky.translate(text)


def test_ordering(sky: Any) -> None:
    gmag = sky.numpy("stars", "gmag").astype(float)
    for key in ("gmag", "2", "g", "gmag * 1", "s.gmag"):
        for way in ("ASC", "DESC"):
            rows = sky.rows(f"SELECT id, gmag AS g FROM hip.stars AS s ORDER BY {key} {way}")
            got = [row[1] for row in rows]
            known = [value for value in got if value is not None]
            assert known == sorted(known, reverse=way == "DESC")
            assert got[len(known) :] == [None] * int(np.isnan(gmag).sum())
    assert sky.rows("SELECT TOP 2 -id AS id FROM hip.stars ORDER BY id") == [(-3000,), (-2999,)]
    assert sky.rows("SELECT DISTINCT n FROM hip.stars WHERE n < 0 ORDER BY n") == [(-3,), (-2,), (-1,)]
    for text in (
        "SELECT DISTINCT n FROM hip.stars ORDER BY id",
        "SELECT p FROM hip.stars ORDER BY p",
        "SELECT id FROM hip.stars ORDER BY 2",
    ):
        with pytest.raises(QueryError, match="ORDER BY"):
            sky.translate(text)


def test_top_and_offset(sky: Any) -> None:
    assert sky.rows("SELECT TOP 3 id FROM hip.stars ORDER BY id OFFSET 10") == [(11,), (12,), (13,)]
    assert sky.rows("SELECT TOP 0 id FROM hip.stars") == []
    assert sky.rows("SELECT id FROM hip.stars ORDER BY id OFFSET 2999") == [(3000,)]
    assert sky.rows("SELECT TOP 5 id FROM hip.stars OFFSET 5000") == []
    assert sky.rows("SELECT COUNT(*) FROM (SELECT TOP 7 id FROM hip.stars) AS s") == [(7,)]
    assert len(sky.rows("SELECT DISTINCT TOP 4 n FROM hip.stars")) == 4
    assert sky.rows("(SELECT TOP 3 id FROM hip.stars ORDER BY id) ORDER BY 1 DESC OFFSET 1") == [(2,), (1,)]


# ------------------------------------------------------------ set operations


def test_set_operations(sky: Any) -> None:
    low, high = "SELECT id FROM hip.stars WHERE id <= 3", "SELECT id FROM hip.stars WHERE id BETWEEN 3 AND 4"
    for operator, want in (
        ("UNION", [1, 2, 3, 4]),
        ("UNION ALL", [1, 2, 3, 3, 4]),
        ("EXCEPT", [1, 2]),
        ("EXCEPT ALL", [1, 2]),
        ("INTERSECT", [3]),
        ("INTERSECT ALL", [3]),
    ):
        assert [r[0] for r in sky.rows(f"{low} {operator} {high} ORDER BY id")] == want
    text = "SELECT id FROM hip.stars WHERE id=1 UNION SELECT id FROM hip.stars WHERE id<5 INTERSECT SELECT id FROM hip.stars WHERE id>3"
    assert sorted(sky.rows(text)) == [(1,), (4,)]
    text = "SELECT id FROM hip.stars WHERE id<3 UNION ALL (SELECT TOP 1 id FROM hip.stars ORDER BY id DESC) ORDER BY 1 DESC OFFSET 1"
    assert sky.rows(text) == [(2,), (1,)]


def test_set_operations_take_metadata_of_the_left_and_the_wider_type(sky: Any) -> None:
    text = "SELECT small AS a, gmag AS b, NULL AS c FROM hip.stars WHERE id=1 UNION ALL SELECT id, plx, t FROM hip.stars WHERE id=2"
    made = sky.translate(text)
    assert [(c.name, c.type.datatype, c.unit) for c in made.columns] == [
        ("a", "long", ""),
        ("b", "double", "mag"),
        ("c", "char", ""),
    ]
    assert made.columns[2].type.xtype == "timestamp"
    assert sky.run(text).num_rows == 2
    for wrong in ("SELECT id, n FROM hip.stars", "SELECT name FROM hip.stars", "SELECT p FROM hip.stars"):
        with pytest.raises(AdqlTypeError):
            sky.translate(f"SELECT id FROM hip.stars UNION {wrong}")


# ---------------------------------------------------------------- conditions


def test_conditions(sky: Any) -> None:
    cases = {
        "name LIKE 'Star%' AND id < 4": [1, 3],
        "name LIKE 'star%' AND id < 4": [],
        "name ILIKE 'star%' AND id < 4": [1, 3],
        "name LIKE 'object\\_2%'": [],
        "name LIKE 'object_2\\%'": [],
        "name LIKE 'object_2_'": [2],
        "name NOT LIKE 'Star%' AND id < 4": [2],
        "id IN (1, 2.0, 3000)": [1, 2, 3000],
        "id NOT IN (SELECT id FROM hip.stars WHERE id > 2)": [1, 2],
        "id NOT BETWEEN 3 AND 2999": [1, 2, 3000],
        "gmag IS NULL AND id < 15": [7, 14],
        "NOT (id > 2 OR id < 2)": [2],
        "ok = 1 AND id < 7": [3, 6],
        "ok = TRUE AND id < 7": [3, 6],
        "ok <> 1 AND id < 4": [1, 2],
        "ok = 0 AND id < 4": [1, 2],
        "0 = ok AND id < 4": [1, 2],
        "t < '2000-01-01T15:00:00Z'": [1, 2],
        "'2000-01-01 14:00:00' = t": [2],
        "t BETWEEN '2000-01-01T13:00:00' AND '2000-01-01T14:00:00.5'": [1, 2],
        "t IN ('2000-01-01T13:00:00', '2000-01-01T14:00:00')": [1, 2],
        "t <= CAST('2000-01-01T13:00:00' AS TIMESTAMP)": [1],
        "t > '2000-01-01' AND id < 2": [1],
        "id = NULL": [],
        "NULL IS NULL AND id = 1": [1],
        "ivo_hasword(name, 'star') = 1 AND id < 3": [1],
        "0 = ivo_nocasematch(name, 'star%') AND id < 3": [2],
        "flags IS NOT NULL AND id = 1": [1],
        "p = POINT(COORD1(p), COORD2(p)) AND id < 3": [1, 2],
        "p <> POINT(1, 2) AND id < 3": [1, 2],
        "CASE WHEN ok = 1 THEN id ELSE -1 END > 2998": [],
    }
    cases["CASE WHEN ok = 1 THEN id ELSE -1 END > 2998"] = [3000]
    for where, want in cases.items():
        assert [r[0] for r in sky.rows(f"SELECT id FROM hip.stars WHERE {where} ORDER BY id")] == want, where


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("name = 5", "VARCHAR and INTEGER cannot be compared"),
        ("p < p", "geometries"),
        ("p = CIRCLE(1,2,3)", "geometries"),
        ("p = 1", "geometries"),
        ("flags = 1", "cannot compare values of type SMALLINT"),
        ("ok > 0", "boolean"),
        ("ok = 2", "boolean"),
        ("ok < TRUE", "boolean"),
        ("id LIKE 'a'", "LIKE matches texts"),
        ("t > 'yesterday'", "no timestamp"),
        ("t = 5", "TIMESTAMP and INTEGER"),
        ("id IN ('a')", "cannot be compared"),
        ("id BETWEEN 'a' AND 'b'", "cannot be compared"),
        ("name IN (SELECT id FROM hip.stars)", "cannot be looked for"),
        ("COUNT(*) > 1", "cannot stand in WHERE"),
    ],
)
def test_conditions_that_do_not_fit_are_refused(sky: Any, where: str, text: str) -> None:
    with pytest.raises(AdqlTypeError, match=text) as caught:
        sky.translate(f"SELECT id FROM hip.stars WHERE {where}")
    assert caught.value.position is not None


def test_aggregates_cannot_join(sky: Any) -> None:
    with pytest.raises(AdqlTypeError, match="cannot stand in ON"):
        sky.translate("SELECT 1 FROM hip.stars AS a JOIN hip.objects AS b ON COUNT(*) = a.id")


def test_a_frame_that_is_not_honoured_is_said(sky: Any) -> None:
    """ADQL-83: coordinates are never silently taken for those of another frame."""
    cone = "SELECT id FROM hip.objects WHERE 1=CONTAINS(POINT({0} ra, dec), CIRCLE({0} 10, 20, 1))"
    for frame in ("", "'',", "'ICRS',", "'icrs GEOCENTER',"):
        assert sky.translate(cone.format(frame)).warnings == ()
    (point, circle) = sky.translate(cone.format("'GALACTIC',")).warnings
    assert "'GALACTIC' of POINT is ignored" in point
    assert "ivo_geom_transform" in circle
