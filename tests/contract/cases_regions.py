"""Coverage maps, compounds of REGION, motions: the same on all engines."""
# ruff: noqa: E501

from tests.contract.case import Case, found, values

SPHERE = 41252.96124941927
CASES: tuple[Case, ...] = (
    *values(
        "MOC values",
        ("MOC('3/300-320 6/')", "1/19 2/75 3/320 6/"), ("MOC(3, POINT(10, 20))", "3/310"), ("MOC(6, p)", "6/19863"), ("MOC(3, nop)", None), ("MOC(2, CIRCLE(p, 0.1))", "2/77"), ("MOC(1, noc)", None), ("MOC(0, POLYGON(0, 0, 1, 0, n, 1))", "0/4"),
        ("AREA(MOC('0/4'))", SPHERE / 12), ("AREA(MOC('6/'))", 0.0), ("gavo_mocunion('3/4', '3/5-7')", "2/1 3/"), ("gavo_mocintersect('3/4 5/', '4/16')", "4/16 5/"), ("gavo_mocunion(MOC(3, p), MOC('0/4'))", "0/4 3/"), ("gavo_mocunion(MOC(3, nop), '0/4')", None),
    ),
    *values(
        "MOC relations",
        ("CONTAINS(p, MOC('0/4'))", 1), ("CONTAINS(p, MOC('0/5'))", 0), ("CONTAINS(nop, MOC('0/4'))", None), ("CONTAINS(p, MOC(5, c))", 1), ("CONTAINS(p, MOC(5, nog))", None), ("CONTAINS(c, MOC('0/4'))", 1), ("CONTAINS(c, MOC('6/19863'))", 0), ("CONTAINS(g, MOC(4, g))", 1), ("INTERSECTS(c, MOC('0/5'))", 0), ("INTERSECTS(g, MOC(29, p))", 1), ("INTERSECTS(MOC('6/19863'), c)", 1), ("CONTAINS(MOC(9, p), c)", 1), ("CONTAINS(MOC('0/4'), g)", 0), ("CONTAINS(MOC('3/310'), MOC('0/4'))", 1), ("INTERSECTS(MOC('3/310'), MOC(9, p))", 1), ("INTERSECTS(MOC('3/310'), MOC('0/5'))", 0), ("CONTAINS(noc, MOC('0/4'))", None),
    ),
    *values(
        "STC-S compounds",
        ("CONTAINS(p, REGION('Union ICRS (Circle 0 0 1 Circle 10 20 1)'))", 1), ("CONTAINS(p, REGION('Intersection (Circle 10 20.5 1 Circle 10 19.5 1)'))", 1), ("CONTAINS(p, REGION('Difference (Circle 10 20 2 Circle 10 20 1)'))", 0), ("CONTAINS(p, REGION('Not (Circle 0 0 1)'))", 1), ("CONTAINS(nop, REGION('Not (Circle 0 0 1)'))", None), ("CONTAINS(p, REGION('PositionInterval ICRS 350 -10 11 30'))", 1), ("CONTAINS(p, REGION('PositionInterval ICRS 11 -10 350 30'))", 0), ("CONTAINS(p, REGION('AllSky'))", 1),
        ("INTERSECTS(c, REGION('Union (Circle 0 0 1 Circle 10 22 1.5)'))", 1), ("CONTAINS(c, REGION('Not (Circle 10 25 1)'))", 1), ("CONTAINS(c, REGION('Difference (Circle 10 20 5 Circle 10 24 1)'))", 1), ("CONTAINS(CIRCLE(10, 20, 1), REGION('Union (Circle 10 20 0.5 Circle 10 20 3)'))", 1),
    ),
    *values(
        "motions",
        ("gavo_apply_pm(10 * n, 0, 0.1, 0, 10)", [10.999898479414389, 0.0]), ("gavo_apply_pm(nod, 0, 0.1, 0, 10)", None), ("ivo_epoch_prop(nod, 0, 1, 2, 3, 4, 2000, 2010)", None),
    ),
    *found(
        "MOC of places", "places",
        ("1 = CONTAINS(POINT(ra, dec), MOC('0/4'))", [0, 1, 2, 11, 12]), ("1 = CONTAINS(POINT(ra, dec), MOC('29/0'))", []), ("1 = CONTAINS(POINT(ra, dec), MOC(9, CIRCLE(10, 20, 0.01)))", [11, 12]),
    ),
)  # fmt: skip
