"""Polygons and circles in PL/pgSQL: the arithmetic of `sphere.exact`, one shape a call.

A polygon is prepared once: `ns_prepared` gives an array that the tests read, and the planner computes it beforehand
where the polygon is a constant. Its places: 1 count of sides n, 2 flux in sr, 3–5 origin; side k = 0 … n−1 from
6 + 12 k on: begin (3), normal (3), fan (3), offset, turning, length of the normal. Names as in `exact.Polygons`.
Products that vanish are an error in PostgreSQL: angles below 1e-40 are taken as 0.
"""

from __future__ import annotations

from .postgres_plpgsql import D, inlined, plpgsql

_BORDER = "2e-12"  # sphere.exact.BORDER_RAD
_PI = "3.141592653589793"
_SQUARE_DEGREES = "3282.806350011744"
_GOLDEN = "0.6180339887498949"

_ANGLES = (
    inlined(f"ns_radians(x {D})", D, "CASE WHEN abs(x) < 1e-40 THEN 0 ELSE radians(x) END"),
    inlined(f"ns_is_position(ra {D}, de {D})", "boolean", "abs(de) <= 90 AND abs(ra) < 'infinity'"),
    plpgsql(
        f"ns_wrapped(x {D})",
        D,
        f"step {D};",
        """
        IF x >= 0 AND x < 360 THEN
          RETURN x;
        ELSIF abs(x) < 1e-40 THEN
          RETURN 0;
        END IF;
        WHILE abs(x) > 1e8 LOOP  -- each difference is exact, so that the rest is
          step := 360 * power(2, greatest(floor(ln(abs(x) / 360) / ln(2)) - 20, 0));
          x := x - step * trunc(x / step);
        END LOOP;
        x := x - 360 * floor(x / 360);
        IF x < 0 THEN
          x := x + 360;
        END IF;
        RETURN CASE WHEN x >= 360 THEN 0 ELSE x END;
        """,
    ),
    plpgsql(
        f"ns_vector(ra {D}, de {D}, OUT x {D}, OUT y {D}, OUT z {D})",
        "",
        f"lon {D} := nashira.ns_radians(ra); lat {D} := nashira.ns_radians(de); flat {D} := cos(lat);",
        """
        x := flat * cos(lon);
        y := flat * sin(lon);
        z := sin(lat);
        """,
    ),
    plpgsql(
        f"ns_lonlat(x {D}, y {D}, z {D})",
        f"{D}[]",
        "",
        "RETURN ARRAY[nashira.ns_wrapped(degrees(atan2(y, x))), degrees(atan2(z, sqrt(x * x + y * y)))];",
    ),
    plpgsql(
        f"ns_chord_angle(ax {D}, ay {D}, az {D}, bx {D}, b_y {D}, bz {D})",
        D,
        f"minus {D} := (ax - bx) * (ax - bx) + (ay - b_y) * (ay - b_y) + (az - bz) * (az - bz);"
        f"plus {D} := (ax + bx) * (ax + bx) + (ay + b_y) * (ay + b_y) + (az + bz) * (az + bz);",
        "RETURN 2 * atan2(sqrt(minus), sqrt(plus));",
    ),
)

# The distance of a point from the arc from (b) to (e) with the normal (n) of length s.
_SIDE_DISTANCE = plpgsql(
    f"ns_side_distance(px {D}, py {D}, pz {D}, bx {D}, b_y {D}, bz {D}, ex {D}, ey {D}, ez {D},"
    f" nx {D}, ny {D}, nz {D}, s {D})",
    D,
    f"cx {D}; cy {D}; cz {D};",
    """
    IF s > 0 THEN
      nx := nx / s;
      ny := ny / s;
      nz := nz / s;
      IF px * (ny * bz - nz * b_y) + py * (nz * bx - nx * bz) + pz * (nx * b_y - ny * bx) > 0
         AND px * (ey * nz - ez * ny) + py * (ez * nx - ex * nz) + pz * (ex * ny - ey * nx) > 0 THEN
        cx := py * nz - pz * ny;
        cy := pz * nx - px * nz;
        cz := px * ny - py * nx;
        RETURN abs(atan2((px - bx) * nx + (py - b_y) * ny + (pz - bz) * nz, sqrt(cx * cx + cy * cy + cz * cz)));
      END IF;
    END IF;
    RETURN least(nashira.ns_chord_angle(px, py, pz, bx, b_y, bz), nashira.ns_chord_angle(px, py, pz, ex, ey, ez));
    """,
)

# The direction whose antipode keeps the largest distance from all sides, for polygons of about a hemisphere.
_WIDE_ORIGIN = plpgsql(
    f"ns_wide_origin(p {D}[])",
    f"{D}[]",
    f"n integer := p[1]; b integer; e integer; best {D} := -1; d {D}; x {D}; y {D}; z {D}; flat {D}; turn {D};"
    f" found {D}[];",
    f"""
    FOR k IN 0 .. 199 LOOP
      z := 1 - (2.0 * k + 1) / 200;
      turn := 2 * {_PI} * {_GOLDEN} * k;
      flat := sqrt(1 - z * z);
      x := flat * cos(turn);
      y := flat * sin(turn);
      d := 10;
      FOR i IN 0 .. n - 1 LOOP
        b := 6 + 12 * i;
        e := 6 + 12 * ((i + 1) % n);
        d := least(d, nashira.ns_side_distance(x, y, z, p[b], p[b + 1], p[b + 2], p[e], p[e + 1], p[e + 2],
          p[b + 3], p[b + 4], p[b + 5], p[b + 11]));
      END LOOP;
      IF d > best THEN
        best := d;
        found := ARRAY[-x, -y, -z];
      END IF;
    END LOOP;
    RETURN found;
    """,
)

_PREPARED = plpgsql(
    f"ns_prepared(polygon {D}[])",
    f"{D}[]",
    f"""
    n integer := cardinality(polygon) / 2; p {D}[]; b integer; e integer; v record; w {D}; near {D} := 2; flux {D} := 0;
    ox {D} := 0; oy {D} := 0; oz {D} := 0; bx {D}; b_y {D}; bz {D}; ex {D}; ey {D}; ez {D}; dx {D}; dy {D}; dz {D};
    nx {D}; ny {D}; nz {D}; fx {D}; fy {D}; fz {D}; wide {D}[];
    """,
    f"""
    IF n < 3 OR cardinality(polygon) % 2 = 1 THEN
      RETURN NULL;
    END IF;
    p := array_fill(0::{D}, ARRAY[5 + 12 * n]);
    p[1] := n;
    FOR i IN 0 .. n - 1 LOOP
      IF nashira.ns_is_position(polygon[2 * i + 1], polygon[2 * i + 2]) IS NOT TRUE THEN
        RETURN NULL;
      END IF;
      v := nashira.ns_vector(polygon[2 * i + 1], polygon[2 * i + 2]);
      w := i * {_GOLDEN}::{D};
      w := 1 + 0.25 * (w - floor(w));
      ox := ox + v.x * w;
      oy := oy + v.y * w;
      oz := oz + v.z * w;
      b := 6 + 12 * i;
      p[b] := v.x;
      p[b + 1] := v.y;
      p[b + 2] := v.z;
    END LOOP;
    FOR i IN 0 .. n - 1 LOOP
      b := 6 + 12 * i;
      e := 6 + 12 * ((i + 1) % n);
      bx := p[b]; b_y := p[b + 1]; bz := p[b + 2];
      dx := p[e] - bx; dy := p[e + 1] - b_y; dz := p[e + 2] - bz;
      nx := b_y * dz - bz * dy;
      ny := bz * dx - bx * dz;
      nz := bx * dy - b_y * dx;
      p[b + 3] := nx; p[b + 4] := ny; p[b + 5] := nz;
      p[b + 11] := sqrt(nx * nx + ny * ny + nz * nz);
    END LOOP;
    w := sqrt(ox * ox + oy * oy + oz * oz);
    IF w > 0 THEN
      ox := ox / w; oy := oy / w; oz := oz / w;
    END IF;
    FOR i IN 0 .. n - 1 LOOP
      b := 6 + 12 * i;
      near := least(near, p[b] * ox + p[b + 1] * oy + p[b + 2] * oz);
    END LOOP;
    IF NOT near > 0.05 THEN
      wide := nashira.ns_wide_origin(p);
      ox := wide[1]; oy := wide[2]; oz := wide[3];
    END IF;
    p[3] := ox; p[4] := oy; p[5] := oz;
    FOR i IN 0 .. n - 1 LOOP
      b := 6 + 12 * i;
      e := 6 + 12 * ((i + 1) % n);
      bx := p[b]; b_y := p[b + 1]; bz := p[b + 2];
      ex := p[e]; ey := p[e + 1]; ez := p[e + 2];
      dx := bx - ox; dy := b_y - oy; dz := bz - oz;
      fx := oy * dz - oz * dy;
      fy := oz * dx - ox * dz;
      fz := ox * dy - oy * dx;
      p[b + 6] := fx; p[b + 7] := fy; p[b + 8] := fz;
      p[b + 9] := dx * p[b + 3] + dy * p[b + 4] + dz * p[b + 5];
      w := fx * (ex - bx) + fy * (ey - b_y) + fz * (ez - bz);
      p[b + 10] := w;
      flux := flux + 2 * atan2(w, 1 + bx * ex + b_y * ey + bz * ez + ox * bx + oy * b_y + oz * bz
        + ox * ex + oy * ey + oz * ez);
    END LOOP;
    p[2] := flux;
    RETURN p;
    """,
    cost=5000,
)

_HOLDS = plpgsql(
    f"ns_prepared_holds(p {D}[], x {D}, y {D}, z {D})",
    "boolean",
    f"""
    n integer := p[1]; inside boolean := abs(p[2]) > 2 * {_PI}; b integer := 6; e integer; height {D}; w {D};
    sx {D} := x - p[3]; sy {D} := y - p[4]; sz {D} := z - p[5];
    first {D} := sx * p[12] + sy * p[13] + sz * p[14]; turn {D} := first; following {D};
    """,
    f"""
    FOR i IN 1 .. n LOOP
      e := CASE WHEN i = n THEN 6 ELSE b + 12 END;
      following := CASE WHEN i = n THEN first ELSE sx * p[e + 6] + sy * p[e + 7] + sz * p[e + 8] END;
      height := sx * p[b + 3] + sy * p[b + 4] + sz * p[b + 5] - p[b + 9];
      IF (CASE WHEN p[b + 10] > 0 THEN turn >= 0 AND following < 0 AND height >= 0
               ELSE turn < 0 AND following >= 0 AND height <= 0 END) THEN
        inside := NOT inside;
      END IF;
      w := {_BORDER} * p[b + 11];
      IF w > 0 AND abs(height) <= w THEN
        IF x * (p[b + 4] * p[b + 2] - p[b + 5] * p[b + 1]) + y * (p[b + 5] * p[b] - p[b + 3] * p[b + 2])
             + z * (p[b + 3] * p[b + 1] - p[b + 4] * p[b]) >= -w
           AND x * (p[e + 1] * p[b + 5] - p[e + 2] * p[b + 4]) + y * (p[e + 2] * p[b + 3] - p[e] * p[b + 5])
             + z * (p[e] * p[b + 4] - p[e + 1] * p[b + 3]) >= -w THEN
          RETURN true;
        END IF;
      END IF;
      turn := following;
      b := e;
    END LOOP;
    RETURN inside;
    """,
    cost=500,
)

_PREPARED_DISTANCE = plpgsql(
    f"ns_prepared_distance(p {D}[], x {D}, y {D}, z {D})",
    D,
    f"n integer := p[1]; b integer; e integer; d {D} := 10;",
    """
    FOR i IN 0 .. n - 1 LOOP
      b := 6 + 12 * i;
      e := 6 + 12 * ((i + 1) % n);
      d := least(d, nashira.ns_side_distance(x, y, z, p[b], p[b + 1], p[b + 2], p[e], p[e + 1], p[e + 2],
        p[b + 3], p[b + 4], p[b + 5], p[b + 11]));
    END LOOP;
    RETURN d;
    """,
    cost=1000,
)

_POINT = (
    plpgsql(
        f"ns_position_in_prepared(ra {D}, de {D}, p {D}[])",
        "boolean",
        "v record;",
        """
        IF NOT nashira.ns_is_position(ra, de) THEN
          RETURN NULL;
        END IF;
        v := nashira.ns_vector(ra, de);
        RETURN nashira.ns_prepared_holds(p, v.x, v.y, v.z);
        """,
        cost=600,
    ),
    inlined(
        f"ns_point_in_polygon(ra {D}, de {D}, polygon {D}[])",
        "boolean",
        "nashira.ns_position_in_prepared(ra, de, nashira.ns_prepared(polygon))",
    ),
)

_BOX = plpgsql(
    f"ns_box(ra {D}, de {D}, width {D}, height {D})",
    f"{D}[]",
    f"lon {D}; lat {D}; east {D}; north {D}; away {D}; up {D}; made {D}[] := '{{}}';",
    f"""
    IF NOT nashira.ns_is_position(ra, de) OR NOT (width >= 0 AND width < 180 AND height >= 0 AND height < 180) THEN
      RETURN NULL;
    END IF;
    lon := nashira.ns_radians(ra);
    lat := nashira.ns_radians(de);
    FOR corner IN 0 .. 3 LOOP
      east := tan(radians(greatest(width, 1e-9)) / 2) * (CASE WHEN corner < 2 THEN 1 ELSE -1 END);
      north := tan(radians(greatest(height, 1e-9)) / 2) * (CASE WHEN corner IN (0, 3) THEN 1 ELSE -1 END);
      away := cos(lat) - north * sin(lat);
      up := sin(lat) + north * cos(lat);
      made := made || ARRAY[
        nashira.ns_wrapped(degrees(lon + atan2(east, away))),
        degrees(atan2(up, sqrt(away * away + east * east)))
      ]::{D}[];
    END LOOP;
    RETURN made;
    """,
)

_AREA = plpgsql(
    f"ns_polygon_area(polygon {D}[])",
    D,
    f"flux {D} := abs((nashira.ns_prepared(polygon))[2]);",
    f"RETURN CASE WHEN flux >= 0 THEN greatest(least(flux, 4 * {_PI} - flux), 0) * {_SQUARE_DEGREES} END;",
)

_CENTROID = plpgsql(
    f"ns_polygon_centroid(polygon {D}[])",
    f"{D}[]",
    f"""
    p {D}[] := nashira.ns_prepared(polygon); n integer; b integer; e integer; s {D}; radius {D} := 0; total {D} := 0;
    x {D} := 0; y {D} := 0; z {D} := 0; mx {D} := 0; my {D} := 0; mz {D} := 0;
    bx {D}; b_y {D}; bz {D}; ex {D}; ey {D}; ez {D};
    """,
    """
    IF p IS NULL THEN
      RETURN NULL;
    END IF;
    n := p[1];
    FOR i IN 0 .. n - 1 LOOP
      b := 6 + 12 * i;
      e := 6 + 12 * ((i + 1) % n);
      radius := greatest(radius, nashira.ns_chord_angle(p[b], p[b + 1], p[b + 2], p[3], p[4], p[5]));
      s := nashira.ns_chord_angle(p[b], p[b + 1], p[b + 2], p[e], p[e + 1], p[e + 2])
        / CASE WHEN p[b + 11] > 0 THEN p[b + 11] ELSE 1 END;
      x := x + p[b + 3] * s;
      y := y + p[b + 4] * s;
      z := z + p[b + 5] * s;
    END LOOP;
    IF radius >= 1e-4 THEN
      s := CASE WHEN (p[2] > 0) <> (abs(p[2]) > 2 * 3.141592653589793) THEN 1 ELSE -1 END;
      RETURN nashira.ns_lonlat(x * s, y * s, z * s);
    END IF;
    x := 0; y := 0; z := 0;
    FOR i IN 0 .. n - 1 LOOP
      b := 6 + 12 * i;
      e := 6 + 12 * ((i + 1) % n);
      bx := p[b] - p[3]; b_y := p[b + 1] - p[4]; bz := p[b + 2] - p[5];
      ex := p[e] - p[3]; ey := p[e + 1] - p[4]; ez := p[e + 2] - p[5];
      s := (b_y * ez - bz * ey) * p[3] + (bz * ex - bx * ez) * p[4] + (bx * ey - b_y * ex) * p[5];
      total := total + s;
      x := x + (bx + ex) * s;
      y := y + (b_y + ey) * s;
      z := z + (bz + ez) * s;
      mx := mx + bx / n;
      my := my + b_y / n;
      mz := mz + bz / n;
    END LOOP;
    IF total <> 0 THEN
      mx := x / 3 / total; my := y / 3 / total; mz := z / 3 / total;
    END IF;
    RETURN nashira.ns_lonlat(p[3] + mx, p[4] + my, p[5] + mz);
    """,
)

STATEMENTS: tuple[str, ...] = (
    *_ANGLES,
    _SIDE_DISTANCE,
    _WIDE_ORIGIN,
    _PREPARED,
    _HOLDS,
    _PREPARED_DISTANCE,
    *_POINT,
    _BOX,
    _AREA,
    _CENTROID,
)
