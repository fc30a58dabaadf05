"""Positions by the columns that hold them, followed from queries down to the tables they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..schema.types import DOUBLE
from .kinds import kind
from .resolved import CastValue, ColumnValue, Query, SelectQuery, SetQuery, Source, TableSource, Value, sources_of

INDEX = "_healpix_29"
"""Name of the index column: the order-29 NESTED cell of a row's position, -1 where it has none."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position that a source offers: the SQL names of its two columns."""

    source: Source
    lon: str
    lat: str


def plain(value: Value) -> Value:
    """Take off conversions between numbers: they keep the position."""
    while isinstance(value, CastValue) and value.info.type == DOUBLE and kind(value.operand.info.type) == "number":
        value = value.operand
    return value


def place_of(lon: Value, lat: Value) -> Place | None:
    """Give the place of two columns of one source; None for anything else."""
    one, other = plain(lon), plain(lat)
    if isinstance(one, ColumnValue) and isinstance(other, ColumnValue) and one.source is other.source:
        return Place(one.source, one.name, other.name)
    return None


def is_indexed(place: Place) -> bool:
    """Tell whether a place is the declared position of a table with an index."""
    if not isinstance(place.source, TableSource):
        return False
    table = place.source.table
    position = table.position
    return position is not None and table.source.indexed and (place.lon, place.lat) == (position.ra, position.dec)


def indexed_position(lon: Value, lat: Value) -> TableSource | None:
    """Give the table whose declared and indexed position the two values are."""
    place = place_of(lon, lat)
    return place.source if place is not None and is_indexed(place) else None  # type: ignore[return-value]


def below(place: Place) -> Iterator[Place]:
    """Places in the query of a source that the place is made of; none where dropping rows there would change others.

    A condition on the columns of a query can be tested before DISTINCT, before a set operation, and before GROUP BY,
    since a plain column is one of the groups' keys; not before TOP and OFFSET.
    """
    if isinstance(place.source, TableSource):
        return
    for leaf in _leaves(place.source.query):
        lon, lat = (leaf.values[int(name[1:]) - 1] for name in (place.lon, place.lat))
        found = place_of(lon, lat)
        if found is not None and any(found.source is source for source in sources_of(leaf.tables)):
            yield found


def _leaves(query: Query) -> Iterator[SelectQuery]:
    if isinstance(query, SetQuery):
        if query.offset is None:
            yield from _leaves(query.left)
            yield from _leaves(query.right)
    elif query.top is None and query.offset is None:
        yield query


def leads_to_an_index(place: Place) -> bool:
    """Tell whether a place is an indexed position, or made of one."""
    return is_indexed(place) or any(leads_to_an_index(inner) for inner in below(place))
