"""Prefilters by the spatial indexes of PostgreSQL's extensions: conditions that hold wherever the exact test does.

A circle is made wider by 0.02 arcsec for the rounding of the extensions; a polygon is filtered by the circle around
it. Circles beyond 60° are not worth an index.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import TypeGuard

from sqlglot import exp

from ..schema.model import Relation, SkyIndex
from . import nodes as n
from . import nodes_postgres as pg
from .carried import is_open
from .duckdb_values import ValuePrinter
from .kinds import number_of
from .places import Place, below, place_of
from .postgres_values import native
from .resolved import ColumnValue, Condition, Constant, Element, Inside, Near, Source, TableSource, Value, walk
from .spatial_forms import near_of

Node = n.Node
_SPARE_DEG = 6e-6
_WIDEST_DEG = 60.0


@dataclass(frozen=True, slots=True)
class SkyPosition:
    """A position that an extension's index knows: its coordinates, or the native point column."""

    kind: str
    column: ColumnValue
    lon: Value
    lat: Value
    place: Place | None = None
    point: str = ""

    @property
    def source(self) -> Source:
        """The source that offers it."""
        return self.column.source


def sky_position(lon: Value, lat: Value) -> SkyPosition | None:
    """Give the indexed position that two values are; None where there is no index of an extension."""
    point = _native_point(lon, lat)
    if point is not None:
        return SkyPosition("pgsphere", point, lon, lat, Place(point.source, "", ""), point.name)
    place = place_of(lon, lat)
    sky = _sky_of(place) if place is not None else None
    if place is None or sky is None:
        return None
    column = ColumnValue(place.source, sky.column, lon.info, lon.at)
    return SkyPosition(sky.kind, column, lon, lat, place, sky.column)


def _native_point(lon: Value, lat: Value) -> ColumnValue | None:
    """A column of native points whose two elements are asked for."""
    if not isinstance(lon, Element) or not isinstance(lat, Element) or (lon.index, lat.index) != (1, 2):
        return None
    point = lon.operand
    if not isinstance(point, ColumnValue) or point != lat.operand or native(point) != "spoint":
        return None
    source = point.source
    stored = source.table.source if isinstance(source, TableSource) else None
    sky = stored.sky if isinstance(stored, Relation) else None
    return point if sky is not None and sky.column == point.name else None


def _sky_of(place: Place) -> SkyIndex | None:
    """The index of an extension on a place, or on all places that a query takes it from."""
    if not isinstance(place.source, TableSource):
        found = [_sky_of(inner) for inner in below(place)]
        first = found[0] if found else None
        if first is None or any(one != first for one in found) or (first.column and not is_open(place)):
            return None
        return first
    table = place.source.table
    stored, position = table.source, table.position
    if not isinstance(stored, Relation) or position is None or (place.lon, place.lat) != (position.ra, position.dec):
        return None
    return stored.sky


def sky_filter(condition: Condition, wanted: bool, printer: ValuePrinter, sources: Container[Source]) -> Node | None:
    """What an index on one of the sources can tell of a condition that is to be true (or false); None for nothing."""
    found = sky_match(condition, wanted, sources)
    return _PRINTED[found.position.kind](found, printer) if found is not None else None


def sky_match(condition: Condition, wanted: bool, sources: Container[Source]) -> Match | None:
    """Give the circle that a condition implies around a position with an index on one of the sources."""
    near = _around_polygon(condition) if isinstance(condition, Inside) and wanted else near_of(condition, wanted)
    return matched(near, sources) if near is not None else None


@dataclass(frozen=True, slots=True)
class Match:
    """An indexed position that lies within `radius` of (lon, lat), all values of other sources or constants."""

    position: SkyPosition
    lon: Value
    lat: Value
    radius: Value


def matched(near: Near, sources: Container[Source]) -> Match | None:
    """Read a circle so that an index of an extension can look for the position on one side of it."""
    sides = ((near.lon1, near.lat1), (near.lon2, near.lat2))
    found = []
    for (lon, lat), centre in (sides, sides[::-1]):
        position = sky_position(lon, lat)
        if position is not None and position.source in sources:
            found.append(Match(position, *centre, near.radius))
    best = max(found, key=_rows, default=None)
    return best if best is not None and _is_possible(best) else None


def _rows(match: Match) -> int:
    """Rows of the table with the index: the larger table of a join is searched for each row of the smaller."""
    source = match.position.source
    return source.table.rows if isinstance(source, TableSource) else 0


def _is_possible(match: Match) -> bool:
    radius = number_of(match.radius)
    lat = number_of(match.lat)
    if lat is not None and abs(lat) > 90.0:
        return False
    inside = (node.source for part in (match.lon, match.lat, match.radius) for node in walk(part) if _is_column(node))
    if match.position.source in inside:
        return False
    return radius is None or radius <= _WIDEST_DEG


def _is_column(node: Value | Condition) -> TypeGuard[ColumnValue]:
    return isinstance(node, ColumnValue)


def _finite(made: Node) -> Node:
    """A coordinate that is a number; the extensions refuse others."""
    if pg.literal(made) is not None:
        return made
    if not pg.is_small(made):
        return n.call("ns_finite", made)
    return n.case(n.compare("<", n.call("abs", made.copy()), n.text("Infinity")), made)


def _q3c(match: Match, printer: ValuePrinter) -> Node:
    radius = number_of(match.radius)
    centre = [_finite(_longitude(match.lon, printer)), _finite(printer.value(match.lat))]
    place = [printer.value(part) for part in (match.position.lon, match.position.lat)]
    if radius is not None:
        return n.call("q3c_join", *centre, *place, pg.real(max(radius, 0.0) + _SPARE_DEG))
    # q3c_join itself would miss the opposite point of a circle of 180 degrees
    wider = n.add(_finite(printer.value(match.radius)), pg.real(_SPARE_DEG))
    index = n.call("q3c_ang2ipix", *place)
    limits = [n.call("q3c_nearby_it", *(n.again(part) for part in (*centre, wider)), n.integer(i)) for i in range(8)]
    return n.any_of(
        *(
            n.all_of(n.compare(">=", index.copy(), low), n.compare("<=", index.copy(), high))
            for low, high in zip(limits[::2], limits[1::2], strict=True)
        )
    )


def _longitude(lon: Value, printer: ValuePrinter) -> Node:
    number = number_of(lon)
    return printer.value(lon) if number is None else pg.real(number % 360.0)


def _pgsphere(match: Match, printer: ValuePrinter) -> Node:
    number = number_of(match.radius)
    if number is None:
        around = (printer.value(part) for part in (match.lon, match.lat, match.radius))
        return n.binary(exp.ArrayContainedBy, _point(match.position, printer), n.call("ns_around", *around))
    radius = math.radians(max(number, 0.0) + _SPARE_DEG)
    lon, lat = (_radians(value, printer) for value in (match.lon, match.lat))
    circle = n.call("scircle", n.call("spoint", lon, lat), pg.real(radius))
    return n.binary(exp.ArrayContainedBy, _point(match.position, printer), circle)


def _radians(value: Value, printer: ValuePrinter) -> Node:
    number = number_of(value)
    if number is not None:
        return pg.real(math.radians(number % 360.0 if abs(number) > 90.0 else number))
    return n.call("radians", _finite(printer.value(value)))


def _point(position: SkyPosition, printer: ValuePrinter) -> Node:
    carried = printer.carried(position.place, position.point) if position.place and position.point else None
    if carried is not None:
        return carried
    radians = (n.call("radians", printer.value(part)) for part in (position.lon, position.lat))
    return n.call("spoint", *radians)


_PRINTED: dict[str, Callable[[Match, ValuePrinter], Node]] = {"q3c": _q3c, "pgsphere": _pgsphere}


def _around_polygon(test: Inside) -> Near | None:
    """The circle around the vertices of a constant polygon of less than a hemisphere holds all of it."""
    value = test.polygon.value if isinstance(test.polygon, Constant) else None
    if not isinstance(value, tuple) or any(math.isnan(number) for number in value):
        return None
    circle = _around(tuple(float(number) for number in value))
    if circle is None:
        return None
    lon, lat, radius = (Constant(number, test.lon.info, test.polygon.at) for number in circle)
    return Near(test.lon, test.lat, lon, lat, radius, False)


def _around(flat: tuple[float, ...]) -> tuple[float, float, float] | None:
    """Centre and radius of a circle around vertices; None beyond the widest."""
    vectors = [_vector(lon, lat) for lon, lat in zip(flat[::2], flat[1::2], strict=True)]
    x, y, z = (sum(vector[axis] for vector in vectors) for axis in range(3))
    length = math.sqrt(x * x + y * y + z * z)
    if length < 1e-6:
        return None
    centre = (x / length, y / length, z / length)
    radius = max(math.degrees(_angle(centre, vector)) for vector in vectors) + 1e-9
    if radius > _WIDEST_DEG:
        return None
    return math.degrees(math.atan2(y, x)) % 360.0, math.degrees(math.asin(max(-1.0, min(1.0, centre[2])))), radius


def _vector(lon: float, lat: float) -> tuple[float, float, float]:
    ra, dec = math.radians(lon), math.radians(lat)
    return math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)


def _angle(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return 2.0 * math.asin(min(1.0, math.dist(one, other) / 2.0))
