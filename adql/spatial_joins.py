"""Positional joins: two tables related by a distance become an equi-join on HEALPix cells.

The expanded side lists all cells that a circle around its position touches; the other side's own cell must be one
of them. A pair meets in exactly one cell, so the exact test that stays behind gives each pair once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
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
from .spatial_forms import literals, near_of
from .spatial_ranges import Ranges, partitions

FREE_ORDER = 8
"""Cell order for radii that are known only row by row: right for any, quick for those below some minutes of arc."""
FINEST = 20
CELL_DEG = 58.6
"""Size of an order-0 cell; that of order k is 2**k times smaller."""
_UNKNOWN = 1_000_000
_ALL_CELLS = 12 << 58


@dataclass(frozen=True, slots=True)
class CellJoin:
    """`expanded` lists its cells of `order` around (lon, lat); (other_lon, other_lat) lie in one of them.

    `tuned`: the radius differs from row to row, and the order may be chosen at run time for those that there are.
    """

    expanded: Source
    lon: Value
    lat: Value
    radius: Value
    other: Source
    other_lon: Value
    other_lat: Value
    order: int
    tuned: bool = False


def pairs_of(condition: Condition | None) -> Iterator[tuple[CellJoin, ...]]:
    """The positional joins in a conjunction: for each the ways to do it, which differ in the side that is expanded."""
    for part, wanted in literals(condition):
        near = near_of(part, wanted)
        ways = _ways(near) if near is not None else ()
        if ways:
            yield ways


def _ways(test: Near) -> tuple[CellJoin, ...]:
    first = _only_source(test.lon1, test.lat1)
    second = _only_source(test.lon2, test.lat2)
    if first is None or second is None or first is second:
        return ()
    around = _sources(test.radius)
    radius = number_of(test.radius)
    order, free = order_for(radius), radius is None
    tuned = [free and isinstance(source, TableSource) for source in (first, second)]
    both = (
        CellJoin(first, test.lon1, test.lat1, test.radius, second, test.lon2, test.lat2, order, tuned[0]),
        CellJoin(second, test.lon2, test.lat2, test.radius, first, test.lon1, test.lat1, order, tuned[1]),
    )
    return tuple(way for way in both if around <= {way.expanded})


def order_for(radius_deg: float | None) -> int:
    """Give the order whose cells are two to four times the radius; a fixed one for radii that are no constants."""
    if radius_deg is None:
        return FREE_ORDER
    wanted = math.floor(math.log2(CELL_DEG / (2.0 * max(radius_deg, 1e-9))))
    return min(FINEST, max(0, wanted))


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
        if source in regions:
            return math.ceil(stored.rows * sum(high - low for low, high in regions[source]) / _ALL_CELLS)
        return stored.rows
    return _query_rows(source.query, regions)


def _query_rows(query: Query, regions: dict[TableSource, Ranges]) -> int:
    if not isinstance(query, SelectQuery):
        return _query_rows(query.left, regions) + _query_rows(query.right, regions)
    below = [source for source in sources_of(query.tables) if not (isinstance(source, QuerySource) and source.common)]
    most = max((rows(source, regions) for source in below), default=_UNKNOWN)
    return most if query.top is None else min(most, query.top)
