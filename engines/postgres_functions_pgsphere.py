"""Functions of the schema nashira on the types of pgSphere: they exist where its extension does.

Columns of such types are published as DALI arrays in degrees; an sbox becomes the polygon of its four corners.
`ns_around` gives a box that holds a circle of any radius, which the index of a point column can be asked for; it is
NULL where no position lies in the circle.
"""

from __future__ import annotations

_D = "double precision"


def _function(name: str, arguments: str, returns: str, body: str) -> str:
    """One statement inside of the block, run only where the types are known."""
    text = (
        f"({arguments}) RETURNS {returns} LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE "
        f"SET search_path = pg_catalog, %1$I AS $body$ {body} $body$"
    )
    return f"EXECUTE format($make$CREATE OR REPLACE FUNCTION %2$I.{name}{text}$make$, place, 'nashira');"


_CIRCLE = _function(
    "ns_circle",
    "c %1$I.scircle",
    f"{_D}[]",
    "BEGIN RETURN ARRAY[degrees(long(center(c))), degrees(lat(center(c))), degrees(radius(c))]; END",
)
# vertices can be read from the text alone, which has them in radians
_POLYGON = _function(
    "ns_polygon",
    "p %1$I.spoly",
    f"{_D}[]",
    "BEGIN RETURN ARRAY(SELECT degrees(m[1]::float8) FROM regexp_matches(p::text, '-?[0-9][-+.0-9e]*', 'g') AS m); END",
)
_BOX = _function(
    "ns_polygon",
    "b %1$I.sbox",
    f"{_D}[]",
    "BEGIN RETURN ARRAY[degrees(long(sw(b))), degrees(lat(sw(b))), degrees(long(se(b))), degrees(lat(se(b))), "
    "degrees(long(ne(b))), degrees(lat(ne(b))), degrees(long(nw(b))), degrees(lat(nw(b)))]; END",
)
_AROUND = _function(
    "ns_around",
    f"lon {_D}, lat {_D}, radius {_D}",
    "%1$I.sbox",
    f"""
DECLARE
  low {_D} := greatest(lat - radius - 1e-5, -90); high {_D} := least(lat + radius + 1e-5, 90); width {_D};
BEGIN
  IF NOT (abs(lon) < 1e6 AND abs(lat) <= 90 AND radius >= 0) THEN RETURN NULL; END IF;
  IF low <= -90 OR high >= 90 OR radius >= 80 THEN
    RETURN sbox(spoint(0, radians(low)), spoint(2 * pi(), radians(high)));
  END IF;
  width := asin(least(1, sin(radians(radius + 1e-5)) / cos(radians(lat)))) + 1e-7;
  RETURN sbox(spoint(radians(lon) - width, radians(low)), spoint(radians(lon) + width, radians(high)));
END""",
)

NAMES = ("ns_around", "ns_circle", "ns_polygon")
"""What must be there once the extension is."""

STATEMENTS: tuple[str, ...] = (
    f"""DO $ns$
DECLARE place name;
BEGIN
  SELECT s.nspname INTO place FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace s ON s.oid = e.extnamespace
  WHERE e.extname = 'pg_sphere';
  IF place IS NOT NULL THEN
    {_CIRCLE}
    {_POLYGON}
    {_BOX}
    {_AROUND}
  END IF;
END$ns$""",
)
"""One block that makes the functions; it may be repeated."""
