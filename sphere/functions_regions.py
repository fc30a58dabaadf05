"""Vectorised functions on coverage maps (ASCII texts) and on regions of any shape (see `shapes`), on Arrow columns.

NULL in any argument, and values that are no map, region or position, give NULL.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import descent, healpix, moc_text, mocs, motion, region_text, shapes
from .columns import Column, booleans, doubles, integers, numbers, pairs
from .coverage import healpix29
from .function import SphereFunction
from .mocs import Mocs
from .vectors import Bools, Ints, vectors

_ROWS = 256  # regions compared with maps at once


class _Maps:
    """A column of maps: the distinct ones, which of them each row has, and which rows have one."""

    def __init__(self, column: Column) -> None:
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        coded = pc.dictionary_encode(pc.fill_null(array, ""))
        self.maps, good = moc_text.read(coded.dictionary)
        self.rows: Ints = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        self.good: Bools = good[self.rows] & pc.is_valid(array).to_numpy(zero_copy_only=False)

    def taken(self) -> Mocs:
        """The maps row by row."""
        return self.maps.take(self.rows)


def _has(column: Column, cell: Column) -> pa.Array:
    maps, cells = _Maps(column), integers(cell)
    return booleans(mocs.holds(maps.maps, maps.rows, cells, cells + 1), maps.good & (cells >= 0))


def _within(inner: Column, outer: Column) -> pa.Array:
    one, other = _Maps(inner), _Maps(outer)
    return booleans(mocs.within(one.taken(), other.maps, other.rows), one.good & other.good)


def _meet(first: Column, second: Column) -> pa.Array:
    """The side with fewer ranges is taken row by row."""
    one, other = _Maps(first), _Maps(second)
    if one.maps.counts[one.rows].sum() > other.maps.counts[other.rows].sum():
        one, other = other, one
    return booleans(mocs.meet(one.taken(), other.maps, other.rows), one.good & other.good)


def _combined(operation: Callable[[Mocs, Mocs], Mocs]) -> Callable[[Column, Column], pa.Array]:
    def call(first: Column, second: Column) -> pa.Array:
        one, other = _Maps(first), _Maps(second)
        return _texts(operation(one.taken(), other.taken()), one.good & other.good)

    return call


def _texts(maps: Mocs, good: Bools) -> pa.Array:
    return pc.if_else(pa.array(good), moc_text.write(maps), None)


def _area(column: Column) -> pa.Array:
    maps = _Maps(column)
    return doubles(maps.maps.area_deg2()[maps.rows], maps.good)


def _orders(column: Column) -> tuple[Ints, Bools]:
    orders = integers(column)
    good = (orders >= 0) & (orders <= healpix.MAX_ORDER)
    return np.where(good, orders, 0), good


def _of_point(order: Column, ra: Column, dec: Column) -> pa.Array:
    orders, good = _orders(order)
    cells = healpix29(numbers(ra), numbers(dec))
    shift = 2 * (healpix.MAX_ORDER - orders)
    lows = np.maximum(cells, 0) >> shift << shift
    rows = np.arange(len(orders), dtype=np.int64)
    return _texts(mocs.made(rows, lows, lows + (np.int64(1) << shift), orders), good & (cells >= 0))


def _of_shape(order: Column, shape: Column) -> pa.Array:
    """NULL too where the map would have some 100,000 cells and more."""
    orders, good = _orders(order)
    array = shape.combine_chunks() if isinstance(shape, pa.ChunkedArray) else shape
    some = shapes.members(array)
    try:
        return _texts(descent.coverage(some, orders), good & some.good)
    except descent.TooFine:
        if len(orders) == 1:
            return pa.nulls(1, pa.string())
    half = len(orders) // 2
    order = pa.array(orders, mask=~good)
    first, second = (
        _of_shape(order.slice(begin, count), array.slice(begin, count))
        for begin, count in ((0, half), (half, len(orders) - half))
    )
    return pa.concat_arrays([first, second])


def _shape_meets(shape: Column, column: Column) -> pa.Array:
    """A touch counts."""
    sure, touching, good = _against(shape, _Maps(column))
    return booleans(sure | touching, good)


def _shape_in(shape: Column, column: Column) -> pa.Array:
    """A region lies in a map where it misses what the map leaves out."""
    maps = _Maps(column)
    maps.maps = mocs.complement(maps.maps)
    sure, _, good = _against(shape, maps)
    return booleans(~sure, good)


def _against(shape: Column, maps: _Maps) -> tuple[Bools, Bools, Bools]:
    array = shape.combine_chunks() if isinstance(shape, pa.ChunkedArray) else shape
    n = len(array)
    sure, touching, good = (np.zeros(n, dtype=np.bool_) for _ in range(3))
    for begin in range(0, n, _ROWS):
        part = slice(begin, begin + _ROWS)
        some = shapes.members(array.slice(begin, _ROWS))
        sure[part], touching[part] = descent.meet(maps.maps, maps.rows[part], some)
        good[part] = some.good
    return sure, touching, good & maps.good


def _map_in_shape(column: Column, shape: Column) -> pa.Array:
    """All corners and sides of all cells lie in the region, whose borders are taken between the cells' corners."""
    maps = _Maps(column)
    some = shapes.members(shape)
    taken = maps.taken()
    return booleans(descent.map_in(taken, some), maps.good & some.good)


def _point_in_shape(ra: Column, dec: Column, shape: Column) -> pa.Array:
    lon, lat = numbers(ra), numbers(dec)
    some = shapes.members(shape)
    good = np.isfinite(lon) & (np.abs(lat) <= 90.0)
    points = vectors(np.where(good, lon, 0.0), np.where(good, lat, 0.0))
    return booleans(shapes.hold_points(some, points), good & some.good)


def _shape_in_shape(inner: Column, outer: Column) -> pa.Array:
    one, other = shapes.members(inner), shapes.members(outer)
    return booleans(shapes.lie_in(one, other), one.good & other.good)


def _shapes_meet(first: Column, second: Column) -> pa.Array:
    one, other = shapes.members(first), shapes.members(second)
    return booleans(shapes.meet(one, other), one.good & other.good)


def _shape_area(shape: Column) -> pa.Array:
    return doubles(*shapes.areas(shapes.members(shape)))


def _shape_centroid(shape: Column) -> pa.Array:
    return pairs(*shapes.centers(shapes.members(shape)))


def _epoch_prop(
    ra: Column,
    dec: Column,
    parallax: Column,
    pmra: Column,
    pmdec: Column,
    velocity: Column,
    from_year: Column,
    to_year: Column,
) -> pa.Array:
    values = [numbers(column) for column in (ra, dec, parallax, pmra, pmdec, velocity, from_year, to_year)]
    moved = motion.moved(*values)
    good = np.isfinite(moved).all(axis=1) & (np.abs(values[1]) <= 90.0)
    return pa.FixedSizeListArray.from_arrays(pa.array(moved.ravel()), 6, mask=pa.array(~good))


_T, _D, _S, _B = "VARCHAR", "DOUBLE", "DOUBLE[]", "BOOLEAN"
REGION_FUNCTIONS: tuple[SphereFunction, ...] = (
    SphereFunction("ns_moc_has", (_T, "BIGINT"), _B, _has),
    SphereFunction("ns_moc_in_moc", (_T, _T), _B, _within),
    SphereFunction("ns_mocs_meet", (_T, _T), _B, _meet),
    SphereFunction("ns_moc_union", (_T, _T), _T, _combined(mocs.union)),
    SphereFunction("ns_moc_intersection", (_T, _T), _T, _combined(mocs.intersection)),
    SphereFunction("ns_moc_area", (_T,), _D, _area),
    SphereFunction("ns_moc_of_point", ("INTEGER", _D, _D), _T, _of_point),
    SphereFunction("ns_moc_of_shape", ("INTEGER", _S), _T, _of_shape),
    SphereFunction("ns_shape_in_moc", (_S, _T), _B, _shape_in),
    SphereFunction("ns_moc_in_shape", (_T, _S), _B, _map_in_shape),
    SphereFunction("ns_shape_meets_moc", (_S, _T), _B, _shape_meets),
    SphereFunction("ns_region", (_T,), _S, region_text.read),
    SphereFunction("ns_point_in_shape", (_D, _D, _S), _B, _point_in_shape),
    SphereFunction("ns_shape_in_shape", (_S, _S), _B, _shape_in_shape),
    SphereFunction("ns_shapes_meet", (_S, _S), _B, _shapes_meet),
    SphereFunction("ns_shape_area", (_S,), _D, _shape_area),
    SphereFunction("ns_shape_centroid", (_S,), "DOUBLE[2]", _shape_centroid),
    SphereFunction("ns_epoch_prop", (_D,) * 8, "DOUBLE[6]", _epoch_prop),
)
"""Functions on maps are named by `moc`, those on regions of any shape by `shape`."""
