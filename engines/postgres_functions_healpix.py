"""HEALPix functions of schema `nashira` in PL/pgSQL: the arithmetic of cdshealpix step by step, so cells are the same.

Positions are ICRS degrees, cells NESTED. NULL and impossible values give NULL as in `sphere.functions`.
"""

from __future__ import annotations

from .postgres_plpgsql import D, plpgsql

_CELL_WIDTH_DEG = "36.9"  # sphere.healpix.CELL_WIDTH_DEG
_MOST_CELLS = 2_000_000  # of one circle

# Places of a cell's two coordinates in its number: bits spread to every second place, and gathered again.
_BITS = (
    """
CREATE OR REPLACE FUNCTION nashira.ns_spread(v bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  v := (v | (v << 16)) & 281470681808895;
  v := (v | (v << 8)) & 71777214294589695;
  v := (v | (v << 4)) & 1085102592571150095;
  v := (v | (v << 2)) & 3689348814741910323;
  RETURN (v | (v << 1)) & 6148914691236517205;
END $$""",
    """
CREATE OR REPLACE FUNCTION nashira.ns_gather(v bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  v := v & 6148914691236517205;
  v := (v | (v >> 1)) & 3689348814741910323;
  v := (v | (v >> 2)) & 1085102592571150095;
  v := (v | (v >> 4)) & 71777214294589695;
  v := (v | (v >> 8)) & 281470681808895;
  RETURN (v | (v >> 16)) & 4294967295;
END $$""",
)

# A position's base cell and its place there, both coordinates (towards north-east, north-west) in 0 … 2.
# Products that vanish are an error in PostgreSQL: numbers that do so are taken as 0.
_PLACE = """
CREATE OR REPLACE FUNCTION nashira.ns_place(ra double precision, de double precision,
  OUT face integer, OUT east double precision, OUT west double precision)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  lat double precision;
  x double precision;
  y double precision;
  q integer;
BEGIN
  IF NOT (abs(de) <= 90 AND abs(ra) < 'infinity') THEN
    RETURN;
  END IF;
  lat := CASE WHEN abs(de) < 1.4e-322 THEN 0 ELSE radians(de) END;
  IF abs(ra) < 1.4e-322 THEN
    ra := 0;
  ELSIF ra < 0 OR ra > 360 THEN
    ra := nashira.ns_wrapped(ra);
  END IF;
  x := radians(ra) * 1.2732395447351628;
  q := trunc(x)::integer | 1;
  x := x - q;
  q := (q & 7) >> 1;
  IF lat > 0.7297276562269663 THEN
    y := 2.449489742783178 * cos(lat / 2 + 0.7853981633974483);
    x := x * y;
    y := 2 - y;
    face := q;
  ELSIF lat < -0.7297276562269663 THEN
    y := 2.449489742783178 * cos(0.7853981633974483 - lat / 2);
    x := x * y;
    face := q + 8;
  ELSE
    y := sin(lat) * 1.5;
    IF x > y THEN
      IF x >= -y THEN
        face := 4 + (q + 1 & 3);
        x := x - 1;
        y := y + 1;
      ELSE
        face := 8 + q;
        y := y + 2;
      END IF;
    ELSIF x >= -y THEN
      face := q;
    ELSE
      face := 4 + q;
      x := x + 1;
      y := y + 1;
    END IF;
  END IF;
  east := y + x;
  west := y - x;
END $$"""

_HEALPIX29 = """
CREATE OR REPLACE FUNCTION nashira.ns_healpix29(ra double precision, de double precision) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  place record := nashira.ns_place(ra, de);
BEGIN
  RETURN (place.face::bigint << 58)
    | (nashira.ns_spread(least(greatest(trunc(place.west * 268435456)::bigint, 0), 536870911)) << 1)
    | nashira.ns_spread(least(greatest(trunc(place.east * 268435456)::bigint, 0), 536870911));
END $$"""

# The unit vector of a cell's centre: the projection of _PLACE backwards.
_CELL_VECTOR = plpgsql(
    f"ns_cell_vector(level integer, cell bigint, OUT lon {D}, OUT lat {D})",
    "",
    f"face integer := (cell >> (2 * level))::integer; side {D} := 1 << level; e {D}; w {D}; x {D}; y {D}; turn {D};",
    """
    e := (nashira.ns_gather(cell) & ((1 << level) - 1)) + 0.5::float8;
    w := (nashira.ns_gather(cell >> 1) & ((1 << level) - 1)) + 0.5::float8;
    x := (e - w) / side;
    y := (e + w) / side;
    turn := 2 * (face & 3) + (CASE WHEN face BETWEEN 4 AND 7 THEN 0 ELSE 1 END);
    IF face < 4 AND y > 1 THEN
      lat := 2 * acos((2 - y) / 2.449489742783178) - 1.5707963267948966;
      x := x / (2 - y);
    ELSIF face >= 8 AND y < 1 THEN
      lat := 1.5707963267948966 - 2 * acos(y / 2.449489742783178);
      x := x / y;
    ELSE
      lat := asin((y - (CASE WHEN face < 4 THEN 0 WHEN face < 8 THEN 1 ELSE 2 END)) * 2 / 3);
    END IF;
    lon := (turn + x) * 0.7853981633974483;
    """,
)

_HEALPIX_CENTER = plpgsql(
    "ns_healpix_center(level integer, cell bigint)",
    f"{D}[]",
    "v record;",
    """
    IF level NOT BETWEEN 0 AND 29 OR cell < 0 OR cell >= 12::bigint << (2 * level) THEN
      RETURN NULL;
    END IF;
    v := nashira.ns_cell_vector(level, cell);
    RETURN ARRAY[nashira.ns_wrapped(degrees(v.lon)), degrees(v.lat)];
    """,
)

# Faces around each face in the order S SE E SW itself NE W NW N, -1 where there is none; and how coordinates change
# on the way from northern, equatorial and southern faces: 1 mirrors the first, 2 the second, 4 swaps them.
_FACES = (
    (8, 9, 10, 11, -1, -1, -1, -1, 10, 11, 8, 9),
    (5, 6, 7, 4, 8, 9, 10, 11, 9, 10, 11, 8),
    (-1, -1, -1, -1, 5, 6, 7, 4, -1, -1, -1, -1),
    (4, 5, 6, 7, 11, 8, 9, 10, 11, 8, 9, 10),
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    (1, 2, 3, 0, 0, 1, 2, 3, 5, 6, 7, 4),
    (-1, -1, -1, -1, 7, 4, 5, 6, -1, -1, -1, -1),
    (3, 0, 1, 2, 3, 0, 1, 2, 4, 5, 6, 7),
    (2, 3, 0, 1, -1, -1, -1, -1, 0, 1, 2, 3),
)
_CHANGES = ((0, 0, 3), (0, 0, 6), (0, 0, 0), (0, 0, 5), (0, 0, 0), (5, 0, 0), (0, 0, 0), (6, 0, 0), (3, 0, 0))


def _flat(table: tuple[tuple[int, ...], ...]) -> str:
    return "ARRAY[" + ", ".join(str(number) for row in table for number in row) + "]"


# The cell at (x, y) of a face, where either may lie one place outside; NULL where there is no such cell.
_NEIGHBOUR = plpgsql(
    "ns_neighbour(level integer, face integer, x bigint, y bigint)",
    "bigint",
    f"""
    faces CONSTANT integer[] := {_flat(_FACES)}; changes CONSTANT integer[] := {_flat(_CHANGES)};
    side bigint := 1::bigint << level; way integer := 4; other integer; change integer; swapped bigint;
    """,
    """
    IF x < 0 THEN
      x := x + side; way := way - 1;
    ELSIF x >= side THEN
      x := x - side; way := way + 1;
    END IF;
    IF y < 0 THEN
      y := y + side; way := way - 3;
    ELSIF y >= side THEN
      y := y - side; way := way + 3;
    END IF;
    IF way <> 4 THEN
      other := faces[12 * way + face + 1];
      IF other < 0 THEN
        RETURN NULL;
      END IF;
      change := changes[3 * way + face / 4 + 1];
      face := other;
      IF change & 1 > 0 THEN
        x := side - x - 1;
      END IF;
      IF change & 2 > 0 THEN
        y := side - y - 1;
      END IF;
      IF change & 4 > 0 THEN
        swapped := x; x := y; y := swapped;
      END IF;
    END IF;
    RETURN (face::bigint << (2 * level)) | (nashira.ns_spread(y) << 1) | nashira.ns_spread(x);
    """,
)

# Children whose circumscribed circles miss the circle are left out, as in sphere.cells.
_FINER = plpgsql(
    f"ns_finer(cells bigint[], ra {D}, de {D}, radius {D}, level integer)",
    "bigint[]",
    f"""
    kept bigint[] := '{{}}'; child bigint; v record; x {D}; y {D}; z {D};
    lon {D} := nashira.ns_radians(ra); lat {D} := nashira.ns_radians(de);
    px {D} := cos(lat) * cos(lon); py {D} := cos(lat) * sin(lon); pz {D} := sin(lat);
    chord {D} := 2 * sin(least(3.141592653589793, radians(radius) + nashira.ns_cell_radius(level)) / 2) * (1 + 1e-12);
    """,
    """
    FOR n IN 1 .. cardinality(cells) LOOP
      FOR k IN 0 .. 3 LOOP
        child := cells[n] * 4 + k;
        v := nashira.ns_cell_vector(level, child);
        x := cos(v.lat) * cos(v.lon) - px;
        y := cos(v.lat) * sin(v.lon) - py;
        z := sin(v.lat) - pz;
        IF sqrt(x * x + y * y + z * z) <= chord THEN
          kept := array_append(kept, child);
        END IF;
      END LOOP;
    END LOOP;
    RETURN kept;
    """,
    cost=10000,
)

_CELL_RADIUS = plpgsql(
    "ns_cell_radius(level integer)",
    D,
    f"""
    side {D} := 1 << level; lon {D} := 0.7853981633974483 / side; top {D} := 1 - power(1 - 1 / side, 2) / 3;
    flat {D} := 0.7453559924999299; flat_top {D} := sqrt((1 - top) * (1 + top));
    """,
    """
    RETURN 2 * asin(least(1, sqrt(power(flat * cos(lon) - flat_top, 2) + power(flat * sin(lon), 2)
      + power(2.0::float8 / 3 - top, 2)) / 2));
    """,
)

_CELLS = plpgsql(
    f"ns_cells(ra {D}, de {D}, radius {D}, level integer)",
    "bigint[]",
    f"""
    coarse integer; found bigint[]; place record; side {D}; x bigint; y bigint; east {D}; west {D}; reach {D};
    cell bigint;
    """,
    f"""
    IF NOT (nashira.ns_is_position(ra, de) AND radius >= 0 AND radius <> 'NaN' AND level >= 0) THEN
      RETURN NULL;
    ELSIF level > 29 THEN
      RAISE EXCEPTION 'HEALPix orders lie between 0 and 29, not %', level;
    END IF;
    radius := least(radius + 1e-9, 1000);
    IF power(sin(radians(least(radius, 180)) / 2), 2) * 12 * power(4::{D}, level) > {_MOST_CELLS} THEN
      RAISE EXCEPTION 'the circles have too many cells of order %: choose a lower order', level;
    END IF;
    IF radius >= {_CELL_WIDTH_DEG} THEN
      coarse := 0;
      found := ARRAY[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]::bigint[];
    ELSE
      coarse := least(level, floor(ln({_CELL_WIDTH_DEG} / radius) / 0.6931471805599453)::integer);
      side := (1::bigint << coarse);
      place := nashira.ns_place(ra, de);
      x := least(greatest(trunc(place.east * (side / 2))::bigint, 0), side::bigint - 1);
      y := least(greatest(trunc(place.west * (side / 2))::bigint, 0), side::bigint - 1);
      east := place.east * (side / 2) - x;
      west := place.west * (side / 2) - y;
      reach := radius * side / {_CELL_WIDTH_DEG} + 1e-12;
      found := ARRAY[nashira.ns_neighbour(coarse, place.face, x, y)];
      FOR i IN -1 .. 1 LOOP
        CONTINUE WHEN (i < 0 AND east > reach) OR (i > 0 AND 1 - east > reach);
        FOR j IN -1 .. 1 LOOP
          CONTINUE WHEN (i = 0 AND j = 0) OR (j < 0 AND west > reach) OR (j > 0 AND 1 - west > reach);
          cell := nashira.ns_neighbour(coarse, place.face, x + i, y + j);
          IF cell IS NOT NULL THEN
            found := array_append(found, cell);
          END IF;
        END LOOP;
      END LOOP;
    END IF;
    WHILE coarse < level LOOP
      coarse := coarse + 1;
      found := nashira.ns_finer(found, ra, de, radius, coarse);
    END LOOP;
    RETURN found;
    """,
    cost=1000,
)

STATEMENTS: tuple[str, ...] = (
    *_BITS,
    _PLACE,
    _HEALPIX29,
    _CELL_VECTOR,
    _HEALPIX_CENTER,
    _NEIGHBOUR,
    _CELL_RADIUS,
    _FINER,
    _CELLS,
)
