"""Geometry as values and tests: NULL, the poles, where longitudes wrap, radii of 0 and 180 degrees (ADQL 2.1 section 4.2)."""
# ruff: noqa: E501

import math

from tests.contract.case import Case, found, values

SPHERE = 41252.96124941927
CASES = (
    *values(
        "4.2 values are DALI arrays",
        ("POINT(10, 20)", [10.0, 20.0]), ("POINT('ICRS', 10, 20)", [10.0, 20.0]), ("POINT(i, n)", [7.0, 1.0]), ("CIRCLE(10, 20, 0.5)", [10.0, 20.0, 0.5]), ("CIRCLE(p, n)", [10.0, 20.0, 1.0]), ("POLYGON(0, 0, 1, 0, 1, 1)", [0.0, 0.0, 1.0, 0.0, 1.0, 1.0]), ("POLYGON(POINT(0, 0), POINT(i, 0), POINT(i, 1))", [0.0, 0.0, 7.0, 0.0, 7.0, 1.0]),
        ("p", [10.0, 20.0]), ("c", [10.0, 20.0, 1.0]), ("g", [9.0, 19.0, 11.0, 19.0, 11.0, 21.0, 9.0, 21.0]), ("CAST('1 2' AS POINT)", [1.0, 2.0]), ("CAST('1 2 3' AS CIRCLE)", [1.0, 2.0, 3.0]), ("CAST('0 0 1 0 1 1' AS POLYGON)", [0.0, 0.0, 1.0, 0.0, 1.0, 1.0]), ("REGION('CIRCLE ICRS 1 2 3')", [1.0, 2.0, 3.0]),
        ("POINT(nod, 1)", None), ("POINT(1, nod)", None), ("CIRCLE(1, 2, nod)", None), ("CIRCLE(nop, 1)", None), ("POLYGON(0, 0, 1, 0, nod, 1)", None), ("BOX(1, 2, nod, 1)", None), ("nop", None), ("noc", None), ("nog", None),
    ),
    *values(
        "4.2 properties",
        ("COORD1(p)", 10.0), ("COORD2(p)", 20.0), ("COORD1(POINT(3, 4))", 3.0), ("COORD2(POINT(i, n))", 1.0), ("COORD1(nop)", None), ("COORDSYS(p)", "ICRS"), ("AREA(p)", 0.0), ("AREA(nop)", None), ("AREA(c)", 2 * math.pi * (1 - math.cos(math.radians(1))) * math.degrees(1) ** 2), ("AREA(CIRCLE(0, 0, 180))", SPHERE), ("AREA(CIRCLE(0, 0, 90 * n))", SPHERE / 2), ("AREA(CIRCLE(0, 0, 200 * n))", SPHERE), ("AREA(CIRCLE(0, 0, 0))", 0.0), ("AREA(noc)", None),
        ("AREA(POLYGON(0, 0, 90, 0, 0, 90))", SPHERE / 8), ("AREA(POLYGON(0, 0, 0, 90, 90, 0))", SPHERE / 8), ("AREA(nog)", None), ("CENTROID(p)", [10.0, 20.0]), ("CENTROID(c)", [10.0, 20.0]), ("CENTROID(noc)", None), ("CENTROID(nog)", None), ("CENTROID(POLYGON(359, -1, 1, -1, 1, 1, 359, 1))", [0.0, 0.0]), ("COORD2(CENTROID(POLYGON(0, 80, 120, 80, 240, 80)))", 90.0),
    ),
    *values(
        "4.2 DISTANCE",
        ("DISTANCE(0, 0, 0, 0)", 0.0), ("DISTANCE(POINT(0, 0), POINT(180, 0))", 180.0), ("DISTANCE(0, 90, 123, 90)", 0.0), ("DISTANCE(0, 90, 0, -90)", 180.0), ("DISTANCE(359.5, 0, 0.5, 0)", 1.0), ("DISTANCE(-0.5, 0, 0.5, 0)", 1.0), ("DISTANCE(720.5, 0, 0.5, 0)", 0.0), ("DISTANCE(10, 20, 190, -20)", 180.0), ("DISTANCE(p, p)", 0.0), ("DISTANCE(p, nop)", None), ("DISTANCE(10, 20, nod, 20)", None), ("DISTANCE(0, 0, 90 * n, 45)", 90.0), ("DISTANCE(10 * n, 20, 10, 20.000001)", 1e-06),
    ),
    *values(
        "4.2 CONTAINS and INTERSECTS",
        ("CONTAINS(POINT(0, 0), CIRCLE(0, 0, 0))", 1), ("CONTAINS(POINT(0, 1), CIRCLE(0, 0, 1))", 1), ("CONTAINS(POINT(0, 1.000001), CIRCLE(0, 0, 1))", 0), ("CONTAINS(POINT(359, 0), CIRCLE(1, 0, 2))", 1), ("CONTAINS(POINT(50, 89), CIRCLE(230, 89.5, 2))", 1), ("CONTAINS(POINT(180, 0), CIRCLE(0, 0, 180))", 1), ("CONTAINS(POINT(180, 0), CIRCLE(0, 0, 179.9999))", 0), ("CONTAINS(p, c)", 1), ("CONTAINS(p, g)", 1), ("CONTAINS(c, g)", 0), ("CONTAINS(CIRCLE(p, 0.9), g)", 1), ("CONTAINS(g, c)", 0), ("CONTAINS(g, CIRCLE(p, 2))", 1), ("CONTAINS(g, g)", 1), ("CONTAINS(c, c)", 1), ("CONTAINS(c, p)", 0), ("CONTAINS(p, p)", 1),
        ("CONTAINS(nop, c)", None), ("CONTAINS(p, noc)", None), ("CONTAINS(p, nog)", None), ("CONTAINS(nog, g)", None), ("CONTAINS(noc, g)", None), ("INTERSECTS(noc, g)", None), ("INTERSECTS(nog, g)", None), ("INTERSECTS(nop, c)", None), ("CONTAINS(p, CIRCLE(0, 0, dneg))", 0),
        ("INTERSECTS(c, g)", 1), ("INTERSECTS(g, c)", 1), ("INTERSECTS(p, c)", 1), ("INTERSECTS(c, p)", 1), ("INTERSECTS(p, g)", 1), ("INTERSECTS(g, p)", 1), ("INTERSECTS(CIRCLE(0, 0, 1), CIRCLE(0, 2, 1))", 1), ("INTERSECTS(CIRCLE(0, 0, 1), CIRCLE(0, 2.00001, 1))", 0), ("INTERSECTS(g, BOX(12, 20, 1, 1))", 0), ("INTERSECTS(g, BOX(12, 20, 3, 1))", 1), ("INTERSECTS(BOX(0, 0, 2, 2), BOX(180, 0, 2, 2))", 0),
    ),
    *found(
        "4.2 cones at the poles and across 0", "places",
        ("1 = CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 0.2))", [0, 1, 2]), ("1 = CONTAINS(POINT(ra, dec), CIRCLE(360, 0, 0.2))", [0, 1, 2]), ("1 = CONTAINS(POINT(ra, dec), CIRCLE(-720, 0, 0.2))", [0, 1, 2]), ("CONTAINS(POINT(ra, dec), CIRCLE(77, 90, 0.2)) = 1", [4, 5, 6]), ("1 = CONTAINS(POINT(ra, dec), CIRCLE(0, -90, 0.06))", [7, 8]), ("DISTANCE(ra, dec, 0, 0) < 1e-9", [0]), ("DISTANCE(ra, dec, 0, 0) <= 0", [0]), ("DISTANCE(ra, dec, 0, 0) < 0", []), ("DISTANCE(ra, dec, 0, 0) <= 180", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16]), ("DISTANCE(ra, dec, 0, 0) < 180", [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16]) , ("DISTANCE(ra, dec, 0, 0) < 200", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16]),
        ("DISTANCE(POINT(ra, dec), POINT(0, 0)) > 175", [3]), ("0 = CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 90.00001))", [3, 6, 13]), ("NOT 1 = CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 90.00001))", [3, 6, 13]), ("1 = CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 0.3 / 3600.0))", [11]), ("1 = CONTAINS(POINT(ra, dec), BOX(0, 0, 0.3, 0.3))", [0, 1, 2]), ("1 = INTERSECTS(POINT(ra, dec), BOX(0, 90, 0.25, 0.25))", [4, 5, 6]), ("1 = CONTAINS(POINT(ra, dec), POLYGON(359, -1, 1, -1, 1, 1, 359, 1))", [0, 1, 2]), ("1 = CONTAINS(POINT(ra, dec), POLYGON(359, 1, 1, 1, 1, -1, 359, -1))", [0, 1, 2]),
        ("1 = CONTAINS(POINT(ra, dec), POLYGON(0, 89, 120, 89, 240, 89))", [4, 5, 6]), ("1 = CONTAINS(POINT(ra, dec), POLYGON(0, 0, 90, 0, 0, 90))", [0, 4, 5, 9, 11, 12, 16]), ("DISTANCE(ra, dec, 10, 20) BETWEEN 0.00001 AND 1", [12]), ("ra BETWEEN 5 AND 50 AND dec BETWEEN 10 AND 40", [11, 12, 16]), ("dec > 89", [4, 5, 6]), ("dec < -89.9", [7, 8]), ("ivo_healpix_index(0, ra, dec) = 4", [0, 1, 2, 11, 12]), ("ivo_healpix_index(6, ra, dec) IN (ivo_healpix_index(6, 10, 20), 5)", [11, 12]),
    ),
    *found(
        "4.2 circles with radii of columns", "places",
        ("1 = CONTAINS(POINT(0, 0), CIRCLE(ra, dec, r))", [0, 3, 7, 8, 9]) , ("DISTANCE(ra, dec, 0, 0) <= r", [0, 3, 7, 8, 9]), ("1 = CONTAINS(POINT(ra, dec), CIRCLE(10, 20, r))", [3, 7, 9, 11]) ,
    ),
    Case("4.2 matches", "SELECT x.n, y.n FROM places AS x JOIN places AS y ON DISTANCE(x.ra, x.dec, y.ra, y.dec) < 0.19 AND x.n < y.n", [(0, 1), (0, 2), (4, 5), (4, 6), (7, 8), (11, 12)]),
    Case("4.2 matches", "SELECT x.n, y.n FROM places AS x, places AS y WHERE 1 = CONTAINS(POINT(x.ra, x.dec), CIRCLE(y.ra, y.dec, 0.19)) AND x.n < y.n", [(0, 1), (0, 2), (4, 5), (4, 6), (7, 8), (11, 12)]),
    Case("4.2 matches, LEFT", "SELECT x.n, y.n FROM places AS x LEFT JOIN places AS y ON DISTANCE(x.ra, x.dec, y.ra, y.dec) < 0.2 AND x.n < y.n WHERE x.n IN (0, 1, 7, 14)", [(0, 1), (0, 2), (1, None), (7, 8), (14, None)]),
    Case("4.2 matches, radius of the left", "SELECT x.n, y.n FROM places AS x LEFT JOIN places AS y ON DISTANCE(x.ra, x.dec, y.ra, y.dec) <= x.r AND x.n <> y.n WHERE x.n IN (0, 1, 2, 5, 6, 11, 12, 14)", [(0, 1), (0, 2), (1, None), (2, None), (5, None), (6, 4), (11, 12), (12, None), (14, None)]),
    Case("4.2 matches, FULL", "SELECT x.n, y.n FROM places AS x FULL JOIN (SELECT * FROM places WHERE n IN (0, 1, 8, 13, 14)) AS y ON DISTANCE(x.ra, x.dec, y.ra, y.dec) < 0.12 AND x.n <> y.n",
         [(0, 1), (1, 0), (2, 0), (3, None), (4, None), (5, None), (6, None), (7, 8), (8, None), (9, None), (10, None), (11, None), (12, None), (13, None), (14, None), (15, None), (16, None), (None, 13), (None, 14)]),
    Case("4.2 matches, EXISTS", "SELECT n FROM places AS x WHERE EXISTS (SELECT 1 FROM places AS y WHERE DISTANCE(x.ra, x.dec, y.ra, y.dec) < 0.12 AND x.n <> y.n)", [(0,), (1,), (2,), (4,), (5,), (6,), (7,), (8,), (11,), (12,)]),
    Case("4.2 matches, NOT EXISTS", "SELECT n FROM places AS x WHERE NOT EXISTS (SELECT 1 FROM places AS y WHERE DISTANCE(x.ra, x.dec, y.ra, y.dec) < 0.12 AND x.n <> y.n)", [(3,), (9,), (10,), (13,), (14,), (15,), (16,)]),
    Case("4.2 nearest", "SELECT x.n, MIN(DISTANCE(x.ra, x.dec, y.ra, y.dec)) AS near FROM places AS x JOIN places AS y ON DISTANCE(x.ra, x.dec, y.ra, y.dec) < 0.2 AND x.n <> y.n WHERE x.n > 3 AND x.n < 9 GROUP BY x.n ORDER BY x.n", [(4, 0.1), (5, 0.1), (6, 0.1), (7, 0.05), (8, 0.05)]),
)  # fmt: skip
