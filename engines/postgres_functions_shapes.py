"""Relations of circles and polygons, positions at other epochs and in other frames, values of pgSphere; in PL/pgSQL.

NULL and impossible values give NULL as in `sphere.functions`; circles are DALI arrays (lon, lat, radius) in degrees.
"""

from __future__ import annotations

from ..sphere.frames import FRAMES, TURNS
from .postgres_plpgsql import D, inlined, plpgsql

_BORDER = "2e-12"  # sphere.exact.BORDER_RAD
_PI = "3.141592653589793"
_CIRCLE = f"circle {D}[]"
_POLYGON = f"polygon {D}[]"

# The centre and the radius in radians; the radius is NULL where the circle is none.
_ROUND = plpgsql(
    f"ns_round({_CIRCLE}, OUT x {D}, OUT y {D}, OUT z {D}, OUT radius {D})",
    "",
    "v record;",
    f"""
    IF cardinality(circle) = 3 AND nashira.ns_is_position(circle[1], circle[2]) AND circle[3] >= 0
       AND circle[3] <> 'NaN' THEN
      v := nashira.ns_vector(circle[1], circle[2]);
      x := v.x; y := v.y; z := v.z;
      radius := CASE WHEN circle[3] >= 180 THEN {_PI} ELSE nashira.ns_radians(circle[3]) END;
    END IF;
    """,
)


def _with_circle(name: str, parameters: str, sign: str, result: str) -> str:
    """A test of a circle (or of the one around its antipode) and a polygon."""
    x, y, z = (f"{sign}c.{axis}" for axis in "xyz")
    return plpgsql(
        f"{name}({parameters})",
        "boolean",
        f"p {D}[] := nashira.ns_prepared(polygon); c record := nashira.ns_round(circle); inside boolean; d {D};",
        f"""
        IF p IS NULL OR c.radius IS NULL THEN
          RETURN NULL;
        END IF;
        inside := nashira.ns_prepared_holds(p, {x}, {y}, {z});
        d := nashira.ns_prepared_distance(p, {x}, {y}, {z});
        RETURN {result};
        """,
        cost=8000,
    )


_CIRCLES = (
    _with_circle("ns_circle_in_polygon", f"{_CIRCLE}, {_POLYGON}", "", f"inside AND d >= c.radius - {_BORDER}::{D}"),
    _with_circle(
        "ns_polygon_in_circle",
        f"{_POLYGON}, {_CIRCLE}",
        "-",
        f"c.radius >= {_PI}::{D} OR (NOT inside AND d >= {_PI}::{D} - c.radius - {_BORDER}::{D})",
    ),
    _with_circle("ns_circle_meets_polygon", f"{_CIRCLE}, {_POLYGON}", "", f"inside OR d <= c.radius + {_BORDER}::{D}"),
)

# Sides cross properly: the four triangles of their ends turn the same way.
_SIDES_CROSS = plpgsql(
    f"ns_sides_cross(p {D}[], q {D}[])",
    "boolean",
    f"""
    n integer := p[1]; m integer := q[1]; b integer; e integer; c integer; f integer; w1 {D}; w2 {D};
    acb {D}; bda {D}; cbd {D}; dac {D}; ax {D}; ay {D}; az {D}; bx {D}; b_y {D}; bz {D}; nx {D}; ny {D}; nz {D};
    """,
    f"""
    FOR i IN 0 .. n - 1 LOOP
      b := 6 + 12 * i;
      e := 6 + 12 * ((i + 1) % n);
      ax := p[b]; ay := p[b + 1]; az := p[b + 2];
      bx := p[e]; b_y := p[e + 1]; bz := p[e + 2];
      nx := p[b + 3]; ny := p[b + 4]; nz := p[b + 5];
      w1 := {_BORDER} * p[b + 11];
      FOR j IN 0 .. m - 1 LOOP
        c := 6 + 12 * j;
        f := 6 + 12 * ((j + 1) % m);
        w2 := {_BORDER} * q[c + 11];
        acb := -((q[c] - ax) * nx + (q[c + 1] - ay) * ny + (q[c + 2] - az) * nz);
        bda := (q[f] - ax) * nx + (q[f + 1] - ay) * ny + (q[f + 2] - az) * nz;
        IF (acb > w1 AND bda > w1) OR (acb < -w1 AND bda < -w1) THEN
          cbd := -((bx - q[c]) * q[c + 3] + (b_y - q[c + 1]) * q[c + 4] + (bz - q[c + 2]) * q[c + 5]);
          dac := (ax - q[c]) * q[c + 3] + (ay - q[c + 1]) * q[c + 4] + (az - q[c + 2]) * q[c + 5];
          IF (acb > 0 AND cbd > w2 AND dac > w2) OR (acb < 0 AND cbd < -w2 AND dac < -w2) THEN
            RETURN true;
          END IF;
        END IF;
      END LOOP;
    END LOOP;
    RETURN false;
    """,
    cost=5000,
)

_POLYGONS = (
    plpgsql(
        f"ns_polygon_in_polygon(inside {D}[], outside {D}[])",
        "boolean",
        f"""
        p {D}[] := nashira.ns_prepared(inside); q {D}[] := nashira.ns_prepared(outside); b integer; e integer;
        x {D}; y {D}; z {D}; w {D};
        """,
        f"""
        IF p IS NULL OR q IS NULL THEN
          RETURN NULL;
        END IF;
        FOR i IN 0 .. p[1]::integer - 1 LOOP
          b := 6 + 12 * i;
          e := 6 + 12 * ((i + 1) % p[1]::integer);
          IF NOT nashira.ns_prepared_holds(q, p[b], p[b + 1], p[b + 2]) THEN
            RETURN false;
          END IF;
          x := p[b] + p[e]; y := p[b + 1] + p[e + 1]; z := p[b + 2] + p[e + 2];
          w := sqrt(x * x + y * y + z * z);
          w := CASE WHEN w > 0 THEN w ELSE 1 END;
          IF NOT nashira.ns_prepared_holds(q, x / w, y / w, z / w) THEN
            RETURN false;
          END IF;
        END LOOP;
        FOR i IN 0 .. q[1]::integer - 1 LOOP
          b := 6 + 12 * i;
          IF nashira.ns_prepared_holds(p, q[b], q[b + 1], q[b + 2])
             AND nashira.ns_prepared_distance(p, q[b], q[b + 1], q[b + 2]) > {_BORDER} THEN
            RETURN false;
          END IF;
        END LOOP;
        RETURN NOT nashira.ns_sides_cross(p, q);
        """,
        cost=20000,
    ),
    plpgsql(
        f"ns_polygon_meets_polygon(one {D}[], other {D}[])",
        "boolean",
        f"p {D}[] := nashira.ns_prepared(one); q {D}[] := nashira.ns_prepared(other); b integer;",
        """
        IF p IS NULL OR q IS NULL THEN
          RETURN NULL;
        END IF;
        FOR i IN 0 .. p[1]::integer - 1 LOOP
          b := 6 + 12 * i;
          IF nashira.ns_prepared_holds(q, p[b], p[b + 1], p[b + 2]) THEN
            RETURN true;
          END IF;
        END LOOP;
        FOR i IN 0 .. q[1]::integer - 1 LOOP
          b := 6 + 12 * i;
          IF nashira.ns_prepared_holds(p, q[b], q[b + 1], q[b + 2]) THEN
            RETURN true;
          END IF;
        END LOOP;
        RETURN nashira.ns_sides_cross(p, q);
        """,
        cost=20000,
    ),
)

# Numbers beyond 1e45 are no motion and those below 1e-40 none: products would overflow or vanish, which are errors.
_PARAMETERS = f"ra {D}, de {D}, parallax {D}, pmra {D}, pmdec {D}, velocity {D}, from_year {D}, to_year {D}"
_UNIT = f"{_PI}::{D} / 648000000"  # radians in a milliarcsecond
_EPOCH = (
    inlined(f"ns_kept(x {D})", D, "CASE WHEN abs(x) < 1e-40 THEN 0 ELSE x END"),
    plpgsql(
        f"ns_moved({_PARAMETERS}, OUT x {D}, OUT y {D}, OUT z {D}, OUT vx {D}, OUT vy {D}, OUT vz {D})",
        "",
        f"lon {D}; lat {D}; flat {D}; east {D}; north {D}; far {D}; years {D};",
        f"""
        IF NOT nashira.ns_is_position(ra, de) OR greatest(abs(parallax), abs(pmra), abs(pmdec), abs(velocity),
            abs(from_year), abs(to_year)) > 1e45 THEN
          RETURN;
        END IF;
        lon := nashira.ns_radians(ra);
        lat := nashira.ns_radians(de);
        flat := cos(lat);
        years := nashira.ns_kept(to_year - from_year);
        east := nashira.ns_kept(pmra) * {_UNIT};
        north := nashira.ns_kept(pmdec) * {_UNIT};
        far := nashira.ns_kept(velocity) * nashira.ns_kept(parallax) * {_UNIT} / 4.740470446;
        vx := -sin(lon) * east - sin(lat) * cos(lon) * north + flat * cos(lon) * far;
        vy := cos(lon) * east - sin(lat) * sin(lon) * north + flat * sin(lon) * far;
        vz := flat * north + sin(lat) * far;
        x := flat * cos(lon) + vx * years;
        y := flat * sin(lon) + vy * years;
        z := sin(lat) + vz * years;
        """,
    ),
    plpgsql(
        f"ns_epoch_prop_pos({_PARAMETERS})",
        f"{D}[]",
        "m record := nashira.ns_moved(ra, de, parallax, pmra, pmdec, velocity, from_year, to_year);",
        "RETURN nashira.ns_lonlat(m.x, m.y, m.z);",
    ),
    plpgsql(
        f"ns_epoch_prop({_PARAMETERS})",
        f"{D}[]",
        f"""
        m record := nashira.ns_moved(ra, de, parallax, pmra, pmdec, velocity, from_year, to_year);
        there {D}[]; lon {D}; lat {D}; near {D}; distance {D} := sqrt(m.x * m.x + m.y * m.y + m.z * m.z);
        """,
        f"""
        IF m.x IS NULL OR distance = 0 THEN
          RETURN NULL;
        END IF;
        there := nashira.ns_lonlat(m.x, m.y, m.z);
        lon := nashira.ns_radians(there[1]);
        lat := nashira.ns_radians(there[2]);
        near := nashira.ns_kept(parallax) * {_UNIT} / 4.740470446;
        RETURN there || ARRAY[
          nashira.ns_kept(parallax) / distance,
          (-sin(lon) * m.vx + cos(lon) * m.vy) / (distance * {_UNIT}),
          (-sin(lat) * cos(lon) * m.vx - sin(lat) * sin(lon) * m.vy + cos(lat) * m.vz) / (distance * {_UNIT}),
          CASE WHEN near = 0 THEN velocity
            ELSE (m.vx * (m.x / distance) + m.vy * (m.y / distance) + m.vz * (m.z / distance)) / near END
        ];
        """,
    ),
)

_FRAMES = len(FRAMES)
_NUMBERS = ", ".join(repr(float(number)) for number in TURNS.ravel())
_ROTATE = (
    plpgsql(
        f"ns_rotate(old integer, new integer, lon {D}, lat {D})",
        f"{D}[]",
        f"m CONSTANT {D}[] := ARRAY[{_NUMBERS}]::{D}[]; v record; o integer := 9 * ({_FRAMES} * old + new);",
        f"""
        IF NOT (least(old, new) >= 0 AND greatest(old, new) < {_FRAMES} AND nashira.ns_is_position(lon, lat)) THEN
          RETURN NULL;
        END IF;
        v := nashira.ns_vector(lon, lat);
        RETURN nashira.ns_lonlat(
          m[o + 1] * v.x + m[o + 2] * v.y + m[o + 3] * v.z,
          m[o + 4] * v.x + m[o + 5] * v.y + m[o + 6] * v.z,
          m[o + 7] * v.x + m[o + 8] * v.y + m[o + 9] * v.z);
        """,
    ),
    plpgsql(
        f"ns_rotate_polygon(old integer, new integer, {_POLYGON})",
        f"{D}[]",
        f"made {D}[] := '{{}}'; turned {D}[];",
        """
        IF cardinality(polygon) = 0 OR cardinality(polygon) % 2 = 1 THEN
          RETURN NULL;
        END IF;
        FOR i IN 1 .. cardinality(polygon) / 2 LOOP
          turned := nashira.ns_rotate(old, new, polygon[2 * i - 1], polygon[2 * i]);
          IF turned IS NULL THEN
            RETURN NULL;
          END IF;
          made := made || turned;
        END LOOP;
        RETURN made;
        """,
    ),
)

STATEMENTS: tuple[str, ...] = (_ROUND, *_CIRCLES, _SIDES_CROSS, *_POLYGONS, *_EPOCH, *_ROTATE)
