"""Recognise regions that constrain a table's position, and choose the index ranges and files they leave.

A region counts where every row of the result must satisfy it: in the conjunction of WHERE, or of ON for the side of
an outer join that ON filters. NOT, HAVING and the select list constrain nothing. Constants only; all in ICRS degrees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..schema.model import Files, Partition
from ..sphere.coverage import circle_ranges, polygon_ranges
from .kinds import number_of
from .resolved import (
    AggregateValue,
    ColumnValue,
    Combined,
    Condition,
    Constant,
    From,
    Inside,
    Joined,
    Near,
    QuerySource,
    SelectQuery,
    Source,
    TableSource,
    Value,
    sources_of,
)

Ranges = tuple[tuple[int, int], ...]
Regions = dict[TableSource, Ranges]

INDEX = "_healpix_29"
_MOST_RANGES = 64
_MOST_REGIONS = 500


def origin(value: Value) -> tuple[TableSource, str] | None:
    """Trace a column through derived tables to the table it comes from; None where rows could be lost on the way."""
    while isinstance(value, ColumnValue):
        source = value.source
        if isinstance(source, TableSource):
            return source, value.name
        query = source.query
        if source.common is not None or not isinstance(query, SelectQuery) or not _is_plain(query):
            return None
        value = query.values[int(value.name[1:]) - 1]
    return None


def _is_plain(query: SelectQuery) -> bool:
    """Tell whether dropping rows of a table only drops rows of the query."""
    return (
        query.top is None
        and query.offset is None
        and not query.group_by
        and query.having is None
        and not any(isinstance(value, AggregateValue) for value in query.values)
    )


def indexed_position(lon: Value, lat: Value) -> TableSource | None:
    """Give the table whose declared and indexed position the two values are."""
    one, other = origin(lon), origin(lat)
    if one is None or other is None or one[0] is not other[0]:
        return None
    table = one[0].table
    position = table.position
    if position is None or not table.source.indexed or (one[1], other[1]) != (position.ra, position.dec):
        return None
    return one[0]


@dataclass(slots=True)
class Finder:
    """Finds regions; `left` is how many more are worth computing for one query."""

    left: int = _MOST_REGIONS
    known: dict[int, Regions] = field(default_factory=dict)

    def regions(self, condition: Condition) -> Regions:
        """Give the index ranges outside of which a condition cannot be true, by table."""
        if isinstance(condition, Combined):
            found = [self.regions(operand) for operand in condition.operands]
            return _every(found) if condition.operator == "AND" else _some(found)
        if not isinstance(condition, Near | Inside):
            return {}
        if id(condition) not in self.known:
            only = self._near(condition) if isinstance(condition, Near) else self._inside(condition)
            self.known[id(condition)] = only
        return self.known[id(condition)]

    def _near(self, test: Near) -> Regions:
        cone = cone_of(test)
        if cone is None:
            return {}
        lon, lat, radius = cone.lon, cone.lat, cone.radius
        return self._limited(cone.source, lambda: circle_ranges(lon, lat, radius) if radius >= 0 else ())

    def _inside(self, test: Inside) -> Regions:
        source = indexed_position(test.lon, test.lat)
        polygon = test.polygon
        if source is None or not isinstance(polygon, Constant) or not isinstance(polygon.value, tuple):
            return {}
        flat = polygon.value
        return self._limited(source, lambda: polygon_ranges(tuple(zip(flat[::2], flat[1::2], strict=True))))

    def _limited(self, source: TableSource, ranges: Callable[[], Ranges]) -> Regions:
        if self.left <= 0:
            return {}
        self.left -= 1
        return {source: tuple((int(low), int(high)) for low, high in ranges())}


@dataclass(frozen=True, slots=True)
class Cone:
    """A table's position must lie within a circle, degrees."""

    source: TableSource
    lon: float
    lat: float
    radius: float


def cone_of(test: Near) -> Cone | None:
    """Read a test as a cone: one position of an indexed table, the other and the radius constant."""
    radius = number_of(test.radius)
    if radius is None:
        return None
    sides = ((test.lon1, test.lat1), (test.lon2, test.lat2))
    for (lon, lat), centre in (sides, sides[::-1]):
        at = (number_of(centre[0]), number_of(centre[1]))
        if at[0] is not None and at[1] is not None and abs(at[1]) <= 90.0:
            source = indexed_position(lon, lat)
            return Cone(source, at[0], at[1], radius) if source is not None else None
    return None


def conjuncts(condition: Condition | None) -> Iterator[Condition]:
    """The conditions that must all be true."""
    if isinstance(condition, Combined) and condition.operator == "AND":
        for operand in condition.operands:
            yield from conjuncts(operand)
    elif condition is not None:
        yield condition


def filtered_sides(join: Joined) -> tuple[From, ...]:
    """The sides of a join whose rows its ON condition filters."""
    return {
        "INNER": (join.left, join.right),
        "CROSS": (join.left, join.right),
        "LEFT": (join.right,),
        "RIGHT": (join.left,),
        "FULL": (),
    }[join.kind]


def below(nodes: Iterable[From]) -> frozenset[Source]:
    """All sources below FROM nodes, with those inside their derived tables (but not in common tables)."""
    found: set[Source] = set()
    for node in nodes:
        for source in sources_of(node):
            found.add(source)
            if not isinstance(source, QuerySource) or source.common is not None:
                continue
            if isinstance(source.query, SelectQuery):
                found |= below((source.query.tables,))
    return frozenset(found)


# --------------------------------------------------------------------- ranges


def _every(found: list[Regions]) -> Regions:
    result: Regions = {}
    for regions in found:
        for source, ranges in regions.items():
            result[source] = intersection(result[source], ranges) if source in result else ranges
    return result


def _some(found: list[Regions]) -> Regions:
    result = dict(found[0])
    for regions in found[1:]:
        result = {source: ranges + regions[source] for source, ranges in result.items() if source in regions}
    return {source: union(ranges) for source, ranges in result.items()}


def intersection(left: Ranges, right: Ranges) -> Ranges:
    """Intersect sorted disjoint ranges."""
    result, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low < high:
            result.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(result)


def union(ranges: Ranges, most: int = _MOST_RANGES) -> Ranges:
    """Sort and join ranges, closing the smallest gaps until at most `most` (at least 2) are left."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    if len(merged) <= most:
        return tuple(merged)
    gaps = sorted(merged[i + 1][0] - merged[i][1] for i in range(len(merged) - 1))
    widest = gaps[len(gaps) - most + 1]
    closed = [merged[0]]
    for low, high in merged[1:]:
        if low - closed[-1][1] < widest:
            closed[-1] = (closed[-1][0], high)
        else:
            closed.append((low, high))
    return tuple(closed)


def partitions(files: Files, ranges: Ranges | None) -> tuple[Partition, ...]:
    """Give the files that may hold rows in the ranges; all where `ranges` is None."""
    if ranges is None or not files.indexed:
        return files.partitions
    if not ranges:
        return ()
    first, last = ranges[0][0], ranges[-1][1]
    near = [part for part in files.partitions if part.low < last and part.high > first]
    return tuple(part for part in near if any(part.low < high and part.high > low for low, high in ranges))


def leading(files: tuple[Partition, ...], rows: int | None) -> tuple[Partition, ...]:
    """Give the first files that hold so many rows together; all where `rows` is None."""
    if rows is None:
        return files
    chosen: list[Partition] = []
    for part in files:
        chosen.append(part)
        rows -= part.rows
        if rows <= 0:
            break
    return tuple(chosen)
