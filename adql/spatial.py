"""Recognise conditions that constrain a table's position, and choose the index ranges that they leave.

A condition counts where every row of the result must satisfy it: in the conjunction of WHERE, or of ON for the side of
an outer join that ON filters. NOT is pushed down to the single conditions; HAVING and the select list constrain
nothing. Constants only; all in ICRS degrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..schema.model import Files
from ..sphere.coverage import circle_ranges, polygon_ranges
from ..sphere.mocs import complement
from ..sphere.zones import zone_ranges
from .coverage_maps import constant_map
from .kinds import number_of
from .places import Place, is_indexed, leads_to_an_index, place_of
from .resolved import Combined, Condition, Constant, Covered, From, Inside, Inverse, Joined, Near, TableSource, Value
from .spatial_forms import Bound, bounds_of, cells_of, literals, near_of
from .spatial_ranges import NO_POSITION, Ranges, intersection, union

Regions = dict[Place, Ranges]

_MOST_REGIONS = 500
_MOST_MAP_RANGES = 2_000


@dataclass(slots=True)
class Finder:
    """Finds regions; `left` is how many more are worth computing for one query."""

    left: int = _MOST_REGIONS
    known: dict[tuple[int, bool], Regions] = field(default_factory=dict)

    def regions(self, condition: Condition, wanted: bool = True) -> Regions:
        """Give the index ranges outside of which a condition cannot be true (or false), by place."""
        key = (id(condition), wanted)
        if key not in self.known:
            self.known[key] = self._regions(condition, wanted)
        return self.known[key]

    def _regions(self, condition: Condition, wanted: bool) -> Regions:
        if isinstance(condition, Inverse):
            return self.regions(condition.operand, not wanted)
        if not isinstance(condition, Combined):
            return _every([self._literal(condition, wanted), self._zones([(condition, wanted)])])
        if (condition.operator == "AND") != wanted:
            return _some([self.regions(operand, wanted) for operand in condition.operands])
        single = list(literals(condition, wanted))
        found = [
            self.regions(part, value) if isinstance(part, Combined) else self._literal(part, value)
            for part, value in single
        ]
        return _every([*found, self._zones(single)])

    def _literal(self, condition: Condition, wanted: bool) -> Regions:
        """The regions of one condition, bounds of coordinates left out."""
        near = near_of(condition, wanted)
        if near is not None:
            return self._near(near)
        if isinstance(condition, Inside) and wanted:
            return self._inside(condition)
        if isinstance(condition, Covered):
            return self._covered(condition, wanted)
        cells = cells_of(condition, wanted)
        return self._limited(cells[0], lambda: cells[1]) if cells is not None else {}

    def _near(self, test: Near) -> Regions:
        cone = cone_of(test)
        if cone is None:
            return {}
        lon, lat, radius = cone.lon, cone.lat, cone.radius
        return self._limited(cone.place, lambda: circle_ranges(lon, lat, radius) if radius >= 0 else ())

    def _inside(self, test: Inside) -> Regions:
        place = place_of(test.lon, test.lat)
        polygon = test.polygon
        if place is None or not isinstance(polygon, Constant) or not isinstance(polygon.value, tuple):
            return {}
        flat = polygon.value
        return self._limited(place, lambda: polygon_ranges(tuple(zip(flat[::2], flat[1::2], strict=True))))

    def _covered(self, test: Covered, wanted: bool) -> Regions:
        """A constant coverage map, or what it leaves out."""
        place, maps = place_of(test.lon, test.lat), constant_map(test.moc)
        if place is None or maps is None:
            return {}
        chosen = maps if wanted else complement(maps)
        return self._limited(place, lambda: union(zip(chosen.lows, chosen.highs, strict=True), _MOST_MAP_RANGES))

    def _zones(self, single: Iterable[tuple[Condition, bool]]) -> Regions:
        """Bounds of the two coordinates of a table, together."""
        bounds: dict[TableSource, list[Bound]] = {}
        for condition, wanted in single:
            for bound in bounds_of(condition, wanted):
                if isinstance(bound.source, TableSource) and _coordinate(bound) is not None:
                    bounds.setdefault(bound.source, []).append(bound)
        result: Regions = {}
        for source, found in bounds.items():
            result |= self._zone(source, found)
        return result

    def _zone(self, source: TableSource, bounds: list[Bound]) -> Regions:
        position = source.table.position
        if position is None:
            return {}
        place = Place(source, position.ra, position.dec)
        lon, lat = (_interval(bounds, name) for name in (place.lon, place.lat))
        # rows without a position may satisfy other bounds: of files it is known where they are
        certain = math.isfinite(lon[1] - lon[0]) and -90.0 <= lat[0] <= lat[1] <= 90.0
        if not certain and not isinstance(source.table.source, Files):
            return {}
        spare = () if certain else (NO_POSITION,)
        return self._limited(place, lambda: (*spare, *zone_ranges(*lon, *lat)))

    def _limited(self, place: Place, ranges: Callable[[], Ranges]) -> Regions:
        if self.left <= 0 or not leads_to_an_index(place):
            return {}
        self.left -= 1
        return {place: tuple((int(low), int(high)) for low, high in ranges() if low < high)}


def _coordinate(bound: Bound) -> str | None:
    """Tell which coordinate of an indexed position a bound is of."""
    source = bound.source
    position = source.table.position if isinstance(source, TableSource) else None
    if position is None or not is_indexed(Place(source, position.ra, position.dec)):
        return None
    return {position.ra: "lon", position.dec: "lat"}.get(bound.name)


def _interval(bounds: Iterable[Bound], name: str) -> tuple[float, float]:
    own = [bound for bound in bounds if bound.name == name]
    return max((b.low for b in own), default=-math.inf), min((b.high for b in own), default=math.inf)


@dataclass(frozen=True, slots=True)
class Cone:
    """A position must lie within a circle, degrees."""

    place: Place
    lon: float
    lat: float
    radius: float


def cone_of(test: Near) -> Cone | None:
    """Read a test as a cone: one position of a source, the other and the radius constant."""
    radius = number_of(test.radius)
    if radius is None:
        return None
    sides: tuple[tuple[Value, Value], ...] = ((test.lon1, test.lat1), (test.lon2, test.lat2))
    for (lon, lat), centre in (sides, sides[::-1]):
        at = (number_of(centre[0]), number_of(centre[1]))
        if at[0] is not None and at[1] is not None and abs(at[1]) <= 90.0:
            place = place_of(lon, lat)
            return Cone(place, at[0], at[1], radius) if place is not None else None
    return None


def filtered_sides(join: Joined) -> tuple[From, ...]:
    """The sides of a join whose rows its ON condition filters."""
    return {
        "INNER": (join.left, join.right),
        "CROSS": (join.left, join.right),
        "LEFT": (join.right,),
        "RIGHT": (join.left,),
        "FULL": (),
    }[join.kind]


def joins_of(node: From) -> Iterator[Joined]:
    """All joins below a FROM node, inner ones first."""
    if isinstance(node, Joined):
        yield from joins_of(node.left)
        yield from joins_of(node.right)
        yield node


# --------------------------------------------------------------------- ranges


def _every(found: list[Regions]) -> Regions:
    result: Regions = {}
    for regions in found:
        for place, ranges in regions.items():
            result[place] = intersection(result[place], ranges) if place in result else ranges
    return result


def _some(found: list[Regions]) -> Regions:
    result = dict(found[0])
    for regions in found[1:]:
        result = {place: ranges + regions[place] for place, ranges in result.items() if place in regions}
    return {place: union(ranges) for place, ranges in result.items()}
