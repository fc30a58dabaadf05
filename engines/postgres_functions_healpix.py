"""HEALPix functions of schema `nashira` in PL/pgSQL: the arithmetic of cdshealpix step by step, so cells are the same.

Positions are ICRS degrees, cells NESTED. NULL and impossible values give NULL as in `sphere.functions`.
"""

from __future__ import annotations

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
    ra := ra - 360 * floor(ra / 360);
    IF ra < 0 THEN
      ra := ra + 360;
    END IF;
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

STATEMENTS: tuple[str, ...] = (*_BITS, _PLACE, _HEALPIX29)
