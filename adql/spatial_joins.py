"""Positional joins: two tables related by a distance become an equi-join on HEALPix cells.

The expanded side lists all cells that a circle around its position touches; the other side's own cell must be one
of them. A pair meets in exactly one cell, so the exact test that stays behind gives each pair once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..schema.model import Files
from .kinds import number_of
from .resolved import (
    ColumnValue,
    Condition,
    Near,
    Query,
    QuerySource,
    SelectQuery,
    Source,
    TableSource,
    Value,
    sources_of,
    walk,
)
from .spatial import Ranges, conjuncts, partitions

FREE_ORDER = 8
"""Cell order for radii that are known only row by row: right for any, quick for those below some minutes of arc."""
_FINEST = 20
_UNKNOWN = 1_000_000
_CELL_DEG = 58.6  # size of an order-0 cell


@dataclass(frozen=True, slots=True)
class CellJoin:
    """`expanded` lists its cells of `order` around (lon, lat); (other_lon, other_lat) lie in one of them."""

    expanded: Source
    lon: Value
    lat: Value
    radius: Value
    other: Source
    other_lon: Value
    other_lat: Value
    order: int


def cell_joins(
    condition: Condition | None, expandable: Iterable[Source], regions: dict[TableSource, Ranges]
) -> tuple[CellJoin, ...]:
    """Find the positional joins in a conjunction; `expandable` are the sources whose rows may be repeated."""
    allowed = frozenset(expandable)
    found = (_read(test, allowed, regions) for test in conjuncts(condition) if isinstance(test, Near))
    unique: dict[frozenset[Source], CellJoin] = {}
    for join in found:
        if join is not None:
            unique.setdefault(frozenset((join.expanded, join.other)), join)
    return tuple(unique.values())


def _read(test: Near, allowed: frozenset[Source], regions: dict[TableSource, Ranges]) -> CellJoin | None:
    first = _only_source(test.lon1, test.lat1)
    second = _only_source(test.lon2, test.lat2)
    if first is None or second is None or first is second:
        return None
    around = _sources(test.radius)
    sides = [
        (first, test.lon1, test.lat1, second, test.lon2, test.lat2),
        (second, test.lon2, test.lat2, first, test.lon1, test.lat1),
    ]
    usable = [side for side in sides if side[0] in allowed and around <= {side[0]}]
    if not usable:
        return None
    expanded, lon, lat, other, other_lon, other_lat = min(usable, key=lambda side: rows(side[0], regions))
    order = order_for(number_of(test.radius))
    return CellJoin(expanded, lon, lat, test.radius, other, other_lon, other_lat, order)


def order_for(radius_deg: float | None) -> int:
    """Give the order whose cells are two to four times the radius; a fixed one for radii that are no constants."""
    if radius_deg is None:
        return FREE_ORDER
    wanted = math.floor(math.log2(_CELL_DEG / (2.0 * max(radius_deg, 1e-9))))
    return min(_FINEST, max(0, wanted))


def _sources(value: Value) -> frozenset[Source]:
    return frozenset(node.source for node in walk(value) if isinstance(node, ColumnValue))


def _only_source(lon: Value, lat: Value) -> Source | None:
    found = _sources(lon) | _sources(lat)
    return next(iter(found)) if len(found) == 1 else None


def rows(source: Source, regions: dict[TableSource, Ranges]) -> int:
    """Estimate the rows of a source after its region: for queries their limit, or the largest of their tables.

    What is inside common tables does not count: they may be nested without end.
    """
    if isinstance(source, TableSource):
        stored = source.table.source
        if source in regions and isinstance(stored, Files):
            return sum(part.rows for part in partitions(stored, regions[source]))
        return stored.rows
    return _query_rows(source.query, regions)


def _query_rows(query: Query, regions: dict[TableSource, Ranges]) -> int:
    if not isinstance(query, SelectQuery):
        return _query_rows(query.left, regions) + _query_rows(query.right, regions)
    below = [source for source in sources_of(query.tables) if not (isinstance(source, QuerySource) and source.common)]
    most = max((rows(source, regions) for source in below), default=_UNKNOWN)
    return most if query.top is None else min(most, query.top)
