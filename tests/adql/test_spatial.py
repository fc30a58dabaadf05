"""ADQL-73…77, 81: every spelling of a cone or a match gives the rows of a brute-force search, and reads few files."""
# ruff: noqa: E501  (queries stay on one line)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

CONES = (
    "1=CONTAINS(POINT('ICRS',RAdeg,DEdeg),CIRCLE('ICRS',{0},{1},{2}))",
    "CONTAINS(POINT(RAdeg,DEdeg),CIRCLE({0},{1},{2}))=1",
    "CONTAINS(POINT(RAdeg,DEdeg),CIRCLE(POINT({0},{1}),{2})) <> 0",
    "1=CONTAINS(POINT({0},{1}),CIRCLE(RAdeg,DEdeg,{2}))",
    "1=INTERSECTS(POINT(RAdeg,DEdeg),CIRCLE({0},{1},{2}))",
    "1=INTERSECTS(CIRCLE('',{0},{1},{2}),POINT('',RAdeg,DEdeg))",
    "DISTANCE(POINT(RAdeg,DEdeg),POINT({0},{1})) <= {2}",
    "DISTANCE(POINT({0},{1}),POINT(RAdeg,DEdeg)) <= {2}",
    "DISTANCE(RAdeg,DEdeg,{0},{1}) <= {2}",
    "{2} >= DISTANCE({0},{1},RAdeg,DEdeg)",
    "DISTANCE(RAdeg,DEdeg,{0},{1}) BETWEEN 0 AND {2}",
    "NOT (DISTANCE(RAdeg,DEdeg,{0},{1}) > {2})",
    "NOT (0=1) AND 0 <> INTERSECTS(POINT(RAdeg,DEdeg),REGION('CIRCLE ICRS {0} {1} {2}'))",
    "1=CONTAINS(POINT(RAdeg,DEdeg),CAST('{0} {1} {2}' AS CIRCLE))",
)
PLACES = ((0, 0, 0.3), (359.9, 0.1, 0.2), (10, 89.9, 0.3), (200, -90, 0.25), (123, 45, 30), (300, -20, 100), (5, 5, 0))


def _inside(
    sky: Any,
    distance: Any,
    lon: float,
    lat: float,
    radius: Any,
    name: str = "stars",
    ra: str = "RAdeg",
    dec: str = "DEdeg",
) -> set[int]:
    found = distance(sky.numpy(name, ra), sky.numpy(name, dec), lon, lat) <= radius
    return set(sky.numpy(name, "id")[found])


@pytest.mark.parametrize("form", CONES)
def test_every_spelling_of_a_cone_agrees_with_brute_force(sky: Any, distance: Any, form: str) -> None:
    for place in PLACES:
        where = form.format(*place)
        got = [row[0] for row in sky.rows(f"SELECT id FROM hip.stars WHERE {where}")]
        assert len(got) == len(set(got))
        assert set(got) == _inside(sky, distance, *place), where


@pytest.mark.parametrize("form", [form for form in CONES if not form.startswith("NOT (DIS")])
def test_every_spelling_of_a_cone_uses_the_index(sky: Any, form: str) -> None:
    made = sky.translate("SELECT id FROM hip.stars WHERE " + form.format(123, 45, 0.5))
    (scan,) = made.scans
    assert scan.ranges
    assert 1 <= scan.files <= 4 < scan.of_files
    assert "_healpix_29" in made.sql


def test_radii_without_stars_and_negative_ones_give_zero_rows_with_right_types(sky: Any) -> None:
    assert sky.run("SELECT * FROM hip.stars WHERE DISTANCE(RAdeg,DEdeg,77,33) < 1e-7").num_rows == 0
    assert sky.run("SELECT * FROM hip.stars WHERE DISTANCE(RAdeg,DEdeg,77,33) < -1").num_rows == 0
    made = sky.translate(
        "SELECT * FROM hip.stars WHERE DISTANCE(RAdeg,DEdeg,77,33) < 0.1 AND DISTANCE(RAdeg,DEdeg,180,0) < 1"
    )
    assert made.scans[0].files == 0
    assert sky.con.sql(made.sql).fetchall() == []


def test_negated_regions_prune_nothing(sky: Any, distance: Any) -> None:
    for where in (
        "0=CONTAINS(POINT(RAdeg,DEdeg),CIRCLE(0,0,20))",
        "NOT 1=CONTAINS(POINT(RAdeg,DEdeg),CIRCLE(0,0,20))",
        "DISTANCE(RAdeg,DEdeg,0,0) > 20",
        "1<>CONTAINS(POINT(RAdeg,DEdeg),CIRCLE(0,0,20))",
    ):
        made = sky.translate(f"SELECT id FROM hip.stars WHERE {where}")
        assert made.scans[0].files == made.scans[0].of_files
        got = {row[0] for row in sky.con.sql(made.sql).fetchall()}
        known = set(sky.numpy("stars", "id")[np.isfinite(sky.numpy("stars", "RAdeg"))])
        assert got == known - _inside(sky, distance, 0, 0, 20)


def test_rows_without_a_position_are_read_only_without_a_region(sky: Any) -> None:
    every = sky.translate("SELECT id FROM hip.stars")
    assert every.scans[0].files == every.scans[0].of_files
    assert sky.rows("SELECT COUNT(*) FROM hip.stars") == [(3000,)]
    assert sky.one("COUNT(*)", "RAdeg IS NULL") == 30
    sphere = sky.translate("SELECT id FROM hip.stars WHERE DISTANCE(RAdeg,DEdeg,0,0) < 180")
    assert sphere.scans[0].files == every.scans[0].files - 1
    assert sky.one("COUNT(*)", "DISTANCE(RAdeg,DEdeg,0,0) <= 180") == 2970


def test_boxes_and_polygons(sky: Any) -> None:
    ra, dec, ids = (sky.numpy("stars", c) for c in ("RAdeg", "DEdeg", "id"))
    forms = (
        ("BOX(0, 0, 0.4, 0.4)", (np.abs((ra + 180) % 360 - 180) < 0.2) & (np.abs(dec) < 0.2)),
        (
            "POLYGON(359.8,-0.2, 0.2,-0.2, 0.2,0.2, 359.8,0.2)",
            (np.abs((ra + 180) % 360 - 180) < 0.2) & (np.abs(dec) < 0.2),
        ),
        (
            "POLYGON(359.8,0.2, 0.2,0.2, 0.2,-0.2, 359.8,-0.2)",
            (np.abs((ra + 180) % 360 - 180) < 0.2) & (np.abs(dec) < 0.2),
        ),
        ("POLYGON('ICRS', POINT(0,89.7), POINT(120,89.7), POINT(240,89.7))", None),
        ("REGION('Box ICRS 0 0 0.4 0.4')", (np.abs((ra + 180) % 360 - 180) < 0.2) & (np.abs(dec) < 0.2)),
    )
    for form, mask in forms:
        made = sky.translate(f"SELECT id FROM hip.stars WHERE 1=CONTAINS(POINT(RAdeg,DEdeg),{form})")
        assert made.scans[0].ranges
        assert made.scans[0].files < made.scans[0].of_files
        got = {row[0] for row in sky.con.sql(made.sql).fetchall()}
        if mask is not None:
            unsure = np.abs(np.abs((ra + 180) % 360 - 180) - 0.2) < 1e-4
            assert got ^ set(ids[mask]) <= set(ids[unsure])
        every = {r[0] for r in sky.rows(f"SELECT id FROM plain.stars WHERE 1=CONTAINS(POINT(RAdeg,DEdeg),{form})")}
        assert got == every
        assert got


def test_regions_under_or_are_united_and_under_and_intersected(sky: Any) -> None:
    two = "(DISTANCE(RAdeg,DEdeg,0,0) < 0.3 OR DISTANCE(RAdeg,DEdeg,180,-89.9) < 0.3)"
    for condition in (two, f"{two} AND gmag < 8", f"{two} AND DISTANCE(RAdeg,DEdeg,0,0) < 5"):
        made = sky.translate(f"SELECT id FROM hip.stars WHERE {condition}")
        assert made.scans[0].files <= 8
        every = sky.rows(f"SELECT id FROM plain.stars WHERE {condition}")
        assert sorted(sky.con.sql(made.sql).fetchall()) == sorted(every)
    free = sky.translate("SELECT id FROM hip.stars WHERE DISTANCE(RAdeg,DEdeg,0,0) < 0.3 OR gmag < 8")
    assert free.scans[0].files == free.scans[0].of_files


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM (SELECT * FROM hip.stars) AS s WHERE 1=CONTAINS(POINT(RAdeg,DEdeg),CIRCLE(0,0,0.3))",
        "SELECT id FROM (SELECT id, RAdeg AS x, DEdeg AS y FROM hip.stars WHERE gmag<20 OR gmag IS NULL) AS s WHERE DISTANCE(x,y,0,0)<=0.3",
        "SELECT id FROM (SELECT id FROM hip.stars WHERE DISTANCE(RAdeg,DEdeg,0,0)<=0.3) AS s",
        "WITH s AS (SELECT id FROM hip.stars WHERE DISTANCE(RAdeg,DEdeg,0,0)<=0.3) SELECT id FROM s",
        "SELECT id FROM plain.stars WHERE id IN (SELECT id FROM hip.stars WHERE DISTANCE(RAdeg,DEdeg,0,0)<=0.3)",
        "SELECT a.id FROM plain.stars AS a JOIN hip.stars AS b ON a.id=b.id AND DISTANCE(b.RAdeg,b.DEdeg,0,0)<=0.3",
        "SELECT a.id FROM plain.stars AS a LEFT JOIN hip.stars AS b ON a.id=b.id WHERE DISTANCE(b.RAdeg,b.DEdeg,0,0)<=0.3",
    ],
)
def test_regions_inside_queries_of_all_shapes(sky: Any, distance: Any, text: str) -> None:
    made = sky.translate(text)
    (scan,) = [scan for scan in made.scans if scan.table == "hip.stars"]
    assert scan.files <= 4
    assert {row[0] for row in sky.con.sql(made.sql).fetchall()} == _inside(sky, distance, 0, 0, 0.3)


def test_a_region_cannot_pass_a_limit(sky: Any) -> None:
    text = "SELECT id FROM (SELECT TOP 50 id, RAdeg, DEdeg FROM hip.stars ORDER BY id DESC) AS s WHERE DISTANCE(RAdeg,DEdeg,0,0) < 30"
    made = sky.translate(text)
    assert made.scans[0].files == made.scans[0].of_files


def test_outer_joins_keep_rows_that_a_region_in_on_does_not_match(sky: Any, distance: Any) -> None:
    text = "SELECT a.id, b.id FROM hip.stars AS a LEFT JOIN hip.stars AS b ON a.id=b.id AND DISTANCE({}.RAdeg,{}.DEdeg,0,0)<=0.3"
    inside = _inside(sky, distance, 0, 0, 0.3)
    for side in "ab":
        made = sky.translate(text.format(side, side))
        files = {"a": 0, "b": 1}[side]
        assert (made.scans[1].files < made.scans[1].of_files) == bool(files)
        assert made.scans[0].files == made.scans[0].of_files
        rows = sky.con.sql(made.sql).fetchall()
        assert len(rows) == 3000
        assert {one for one, other in rows if other is not None} == inside


# ------------------------------------------------------------- distances


def test_distance_as_a_value_is_exact_near_and_far(sky: Any, distance: Any) -> None:
    cases = (
        (10, 20, 10, 20),
        (10, 20, 10.0000000001, 20),
        (10, 20, 190, -20),
        (10, 20, 190.000001, -20),
        (0, 90, 123, 90),
    )
    for case in (*cases, (0, 89.9999, 180, 89.9999), (359.9999, 0, 0.0001, 0), (10, -30, 100, 40)):
        lon1, lat1, lon2, lat2 = case
        got = sky.one(f"DISTANCE(POINT({lon1},{lat1}),POINT({lon2},{lat2}))")
        assert got == pytest.approx(float(distance(*case)), abs=1e-12)
        assert got == sky.one(f"DISTANCE({lon1},{lat1},{lon2},{lat2})")
    rows = np.array(
        sky.rows("SELECT RAdeg, DEdeg, DISTANCE(RAdeg,DEdeg,77,33) FROM hip.stars WHERE RAdeg IS NOT NULL"), float
    )
    assert np.abs(rows[:, 2] - distance(rows[:, 0], rows[:, 1], 77, 33)).max() < 1e-12


def test_distance_agrees_with_astropy(sky: Any) -> None:
    coordinates = pytest.importorskip("astropy.coordinates")
    rows = np.array(
        sky.rows(
            "SELECT TOP 300 RAdeg, DEdeg, DISTANCE(POINT(RAdeg,DEdeg),POINT(1,-2)) AS d FROM hip.stars WHERE RAdeg IS NOT NULL"
        ),
        float,
    )
    want = coordinates.angular_separation(*np.radians([rows[:, 0], rows[:, 1], np.full(300, 1.0), np.full(300, -2.0)]))
    assert np.abs(rows[:, 2] - np.degrees(want)).max() < 1e-12


# ------------------------------------------------------ positional joins

MATCHES = (
    "{j} JOIN hip.objects AS o ON 1=CONTAINS(POINT(s.RAdeg,s.DEdeg),CIRCLE(o.ra,o.dec,{r}))",
    "{j} JOIN hip.objects AS o ON CONTAINS(POINT(o.ra,o.dec),CIRCLE(POINT(s.RAdeg,s.DEdeg),{r}))=1",
    "{j} JOIN hip.objects AS o ON DISTANCE(s.RAdeg,s.DEdeg,o.ra,o.dec) <= {r}",
    "{j} JOIN hip.objects AS o ON {r} >= DISTANCE(POINT(o.ra,o.dec),POINT(s.RAdeg,s.DEdeg))",
    "{j} JOIN hip.objects AS o ON 1=INTERSECTS(POINT(s.RAdeg,s.DEdeg),CIRCLE(o.ra,o.dec,{r})) AND s.id > 0",
)


def _pairs(sky: Any, distance: Any, radius: Any) -> set[tuple[int, int]]:
    stars = [sky.numpy("stars", c) for c in ("RAdeg", "DEdeg")]
    objects = [sky.numpy("objects", c) for c in ("ra", "dec")]
    apart = distance(stars[0][:, None], stars[1][:, None], objects[0][None], objects[1][None])
    i, j = np.nonzero(apart <= radius)
    return set(zip(sky.numpy("stars", "id")[i].tolist(), sky.numpy("objects", "id")[j].tolist(), strict=True))


@pytest.mark.parametrize("form", MATCHES)
@pytest.mark.parametrize("radius", ["2./3600", "0.1"])
def test_every_spelling_of_a_match_agrees_with_brute_force(sky: Any, distance: Any, form: str, radius: Any) -> None:
    made = sky.translate("SELECT s.id, o.id FROM hip.stars AS s " + form.format(j="", r=radius))
    assert {scan.join_order for scan in made.scans} == {15 if "/" in radius else 8}
    rows = sky.con.sql(made.sql).fetchall()
    assert len(rows) == len(set(rows))
    assert set(rows) == _pairs(sky, distance, eval(radius))


def test_comma_join_with_the_match_in_where(sky: Any, distance: Any) -> None:
    text = "SELECT s.id, o.id FROM hip.stars AS s, hip.objects AS o WHERE 1=CONTAINS(POINT(s.RAdeg,s.DEdeg),CIRCLE(o.ra,o.dec,2./3600)) AND o.kind='near'"
    made = sky.translate(text)
    assert made.scans[0].join_order == 15
    near = set(sky.numpy("objects", "id")[sky.numpy("objects", "kind") == "near"].tolist())
    assert set(sky.con.sql(made.sql).fetchall()) == {p for p in _pairs(sky, distance, 2 / 3600) if p[1] in near}


@pytest.mark.parametrize(("join", "order"), [("LEFT", 15), ("RIGHT", 15), ("FULL", None)])
def test_outer_matches_keep_the_unmatched_once(sky: Any, distance: Any, join: str, order: int | None) -> None:
    made = sky.translate(
        f"SELECT s.id, o.id FROM hip.stars AS s {join} JOIN hip.objects AS o ON DISTANCE(s.RAdeg,s.DEdeg,o.ra,o.dec) <= 2./3600"
    )
    assert made.scans[0].join_order == order
    if order is None:
        return
    pairs = _pairs(sky, distance, 2 / 3600)
    left, right = set(sky.numpy("stars", "id").tolist()), set(sky.numpy("objects", "id").tolist())
    alone = (
        {(i, None) for i in left - {p[0] for p in pairs}}
        if join == "LEFT"
        else {(None, i) for i in right - {p[1] for p in pairs}}
    )
    rows = sky.con.sql(made.sql).fetchall()
    assert len(rows) == len(set(rows))
    assert set(rows) == pairs | alone


def test_uploads_are_the_expanded_side(sky: Any, distance: Any) -> None:
    text = "SELECT u.id, s.id AS star FROM hip.stars AS s JOIN TAP_UPLOAD.mine AS u ON 1=CONTAINS(POINT(s.RAdeg,s.DEdeg),CIRCLE(u.ra,u.de,{}))"
    for radius, order in (("0.05", 9), ("u.r", 8), ("u.r/2", 8)):
        made = sky.translate(text.format(radius))
        assert [scan.join_order for scan in made.scans] == [order, order]
        assert 'FROM "upload_1"' in made.sql
        reach = {"0.05": np.full(60, 0.05), "u.r": sky.numpy("mine", "r"), "u.r/2": sky.numpy("mine", "r") / 2}[radius]
        apart = distance(
            sky.numpy("mine", "ra")[:, None],
            sky.numpy("mine", "de")[:, None],
            sky.numpy("stars", "RAdeg")[None],
            sky.numpy("stars", "DEdeg")[None],
        )
        i, j = np.nonzero(apart <= reach[:, None])
        want = set(zip(sky.numpy("mine", "id")[i].tolist(), sky.numpy("stars", "id")[j].tolist(), strict=True))
        rows = sky.con.sql(made.sql).fetchall()
        assert len(rows) == len(set(rows))
        assert set(rows) == want


def test_a_cone_on_one_partner_chooses_the_files_of_both(sky: Any, distance: Any) -> None:
    text = "SELECT s.id, o.id FROM hip.stars AS s JOIN hip.objects AS o ON DISTANCE(s.RAdeg,s.DEdeg,o.ra,o.dec) <= 2./3600 WHERE DISTANCE({},0,0) <= 0.3"
    pairs = _pairs(sky, distance, 2 / 3600)
    for columns, table, names, place in (
        ("s.RAdeg,s.DEdeg", "stars", ("RAdeg", "DEdeg"), 0),
        ("o.ra,o.dec", "objects", ("ra", "dec"), 1),
    ):
        made = sky.translate(text.format(columns))
        assert all(scan.files <= 4 for scan in made.scans)
        inside = _inside(sky, distance, 0, 0, 0.3, table, *names)
        assert set(sky.con.sql(made.sql).fetchall()) == {p for p in pairs if p[place] in inside}


def test_matches_of_three_tables_and_of_subqueries(sky: Any, distance: Any) -> None:
    text = (
        "SELECT s.id, o.id, u.id FROM TAP_UPLOAD.mine AS u JOIN hip.stars AS s ON DISTANCE(u.ra,u.de,s.RAdeg,s.DEdeg) <= 0.01 "
        "JOIN (SELECT id, ra, dec FROM hip.objects WHERE kind='near') AS o ON DISTANCE(u.ra,u.de,o.ra,o.dec) <= 0.01"
    )
    rows = sky.rows(text)
    stars = sky.rows(
        "SELECT s.id, u.id FROM TAP_UPLOAD.mine AS u, hip.stars AS s WHERE DISTANCE(u.ra,u.de,s.RAdeg,s.DEdeg)+0 <= 0.01"
    )
    objects = sky.rows(
        "SELECT o.id, u.id FROM TAP_UPLOAD.mine AS u, hip.objects AS o WHERE kind='near' AND DISTANCE(u.ra,u.de,o.ra,o.dec)+0 <= 0.01"
    )
    want = {(s, o, u) for s, u in stars for o, v in objects if u == v}
    assert len(rows) == len(set(rows)) > 0
    assert set(rows) == want


# ------------------------------------------------------ values and others


def test_geometry_values_are_dali_arrays(sky: Any) -> None:
    assert sky.one("POINT('ICRS GEOCENTER', 10, -20)") == [10.0, -20.0]
    assert sky.one("POINT(RAdeg, DEdeg)", "id=97") is None
    assert sky.one("CIRCLE(POINT(1,2),id)") == [1.0, 2.0, 1.0]
    assert sky.one("POLYGON(1,1,2,1,id,2)") == [1.0, 1.0, 2.0, 1.0, 1.0, 2.0]
    assert sky.one("p", "id=1") == pytest.approx([sky.numpy("stars", "RAdeg")[0], sky.numpy("stars", "DEdeg")[0]])
    made = sky.translate(
        "SELECT POINT(RAdeg,DEdeg) AS a, CIRCLE(RAdeg,DEdeg,1) AS b, BOX(RAdeg,DEdeg,1,1) AS c FROM hip.stars"
    )
    assert [(c.type.datatype, c.type.arraysize, c.type.xtype) for c in made.columns] == [
        ("double", "2", "point"),
        ("double", "3", "circle"),
        ("double", "*", "polygon"),
    ]


def test_properties_of_geometries(sky: Any) -> None:
    assert sky.one("COORD1(POINT(12.5,3))") == 12.5
    assert sky.one("COORD2(p)") == sky.numpy("stars", "DEdeg")[0]
    assert sky.one("AREA(POINT(1,2))") == 0
    assert sky.one("AREA(CIRCLE(1,2,180))") == pytest.approx(41252.96125, abs=1e-4)
    assert sky.one("AREA(CIRCLE(1,2,id/1000.))") == pytest.approx(np.pi * 1e-6, rel=1e-6)
    assert sky.one("AREA(POLYGON(0,0,0,90,90,0))") == pytest.approx(41252.96125 / 8, abs=1e-4)
    assert sky.one("CENTROID(CIRCLE(1,2,3))") == [1.0, 2.0]
    assert sky.one("CENTROID(POINT(id,2))") == [1.0, 2.0]
    assert sky.one("COORDSYS(POINT(1,2))") == "ICRS"


def test_tests_of_all_pairs_of_shapes(sky: Any) -> None:
    ones = (
        "CONTAINS(CIRCLE(0,0,1),CIRCLE(0,0.5,2))",
        "CONTAINS(CIRCLE(0,0,1),POLYGON(-3,-3,3,-3,3,3,-3,3))",
        "CONTAINS(POLYGON(-1,-1,1,-1,1,1,-1,1),CIRCLE(0,0,2))",
        "CONTAINS(POLYGON(-1,-1,1,-1,1,1,-1,1),BOX(0,0,3,3))",
        "CONTAINS(POINT(1,2),POINT(1,2))",
        "INTERSECTS(CIRCLE(0,0,1),CIRCLE(0,2,1.01))",
        "INTERSECTS(CIRCLE(0,0,1),BOX(2,0,3,3))",
        "INTERSECTS(BOX(2,0,3,3),CIRCLE(0,0,1))",
        "INTERSECTS(BOX(2,0,3,3),BOX(0,0,3,3))",
        "CONTAINS(p, CIRCLE(p, 0))",
    )
    zeros = (
        "CONTAINS(CIRCLE(0,0,2),CIRCLE(0,0.5,1))",
        "CONTAINS(CIRCLE(0,0,1),POINT(0,0))",
        "CONTAINS(BOX(0,0,1,1),POINT(0,0))",
        "INTERSECTS(CIRCLE(0,0,1),CIRCLE(0,3,1))",
        "INTERSECTS(CIRCLE(0,0,id),BOX(20,0,3,3))",
    )
    for form in ones:
        assert sky.one(form) == 1, form
    for form in zeros:
        assert sky.one(form) == 0, form
    assert sky.one("CONTAINS(POINT(RAdeg,DEdeg),CIRCLE(0,0,1))", "id=97") is None
    assert sky.one("CONTAINS(POINT(NULL,2),CIRCLE(0,0,1))") is None


def test_healpix_cells_of_the_own_position_come_from_the_index(sky: Any) -> None:
    made = sky.translate("SELECT ivo_healpix_index(5, RAdeg, DEdeg) AS c, COUNT(*) AS n FROM hip.stars GROUP BY c")
    assert "NS_HEALPIX29" not in made.sql
    own = dict(sky.con.sql(made.sql).fetchall())
    free = dict(
        sky.rows("SELECT ivo_healpix_index(5, POINT(RAdeg, DEdeg)) AS c, COUNT(*) AS n FROM plain.stars GROUP BY c")
    )
    assert own == free
    assert own[None] == 30


def test_radii_that_are_null_negative_or_huge_in_a_match(sky: Any) -> None:
    text = (
        "SELECT u.id, COUNT(s.id) AS n FROM (SELECT id, ra, de, {} AS r FROM TAP_UPLOAD.mine WHERE id < 5) AS u "
        "{} JOIN hip.stars AS s ON DISTANCE(u.ra,u.de,s.RAdeg,s.DEdeg) <= u.r GROUP BY u.id"
    )
    for radius, count in (("-1", 0), ("NULLIF(id, id)", 0), ("CASE WHEN id < 3 THEN 200 ELSE -id END", 2970)):
        inner = dict(sky.rows(text.format(radius, "")))
        assert set(inner.values()) <= {count}
        assert len(inner) == (3 if count else 0)
        made = sky.translate(
            text.format(radius, "RIGHT").replace("u.id, COUNT(s.id)", "s.id, COUNT(u.id)").replace("BY u.id", "BY s.id")
        )
        assert made.scans[-1].join_order == 8
        rows = sky.con.sql(made.sql).fetchall()
        assert len(rows) == 3000
        assert sum(n for _, n in rows) == 3 * count
