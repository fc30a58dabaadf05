"""Vectorised functions that an engine registers and lowered SQL calls, on Arrow columns.

NULL in any argument, and values that are no position or polygon, give NULL. Positions are ICRS degrees; geometries are
DALI arrays: point DOUBLE[2], circle DOUBLE[3], polygon DOUBLE[] (lon1 lat1 lon2 lat2 …).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from . import cells as cell_search
from . import exact, frames, healpix, motion
from .columns import Column, booleans, doubles, integers, lists, numbers, pairs, shapes, tuples
from .coverage import healpix29
from .function import SphereFunction
from .functions_regions import REGION_FUNCTIONS
from .vectors import Bools, Floats, Ints, lonlat, vectors

_SQUARE_DEGREES = (180.0 / np.pi) ** 2


def _rows(n: int) -> Ints:
    return np.arange(n, dtype=np.int64)


def _position(lon: Floats, lat: Floats) -> Bools:
    return np.isfinite(lon) & (np.abs(lat) <= 90.0)


def _healpix29(ra: Column, dec: Column) -> pa.Array:
    index = healpix29(numbers(ra), numbers(dec))
    return pa.array(index, mask=index < 0)


def _cells(ra: Column, dec: Column, radius: Column, order: Column) -> pa.Array:
    """Rows are handled together by order; commonly there is one."""
    lon, lat, size, orders = numbers(ra), numbers(dec), numbers(radius), integers(order)
    good = _position(lon, lat) & (size >= 0.0) & (orders >= 0)
    flat: list[Ints] = []
    owner: list[Ints] = []
    for level in np.unique(orders[good]).tolist():
        rows = np.flatnonzero(good & (orders == level))
        found, counts = cell_search.circle_cells(lon[rows], lat[rows], size[rows], level)
        flat.append(found)
        owner.append(np.repeat(rows, counts))
    values = np.concatenate([np.empty(0, dtype=np.int64), *flat])
    owners = np.concatenate([np.empty(0, dtype=np.int64), *owner])
    if len(flat) > 1:
        sequence = np.argsort(owners, kind="stable")
        values, owners = values[sequence], owners[sequence]
    offsets = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=len(lon))))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values), mask=pa.array(~good))


def _healpix_center(order: Column, cell: Column) -> pa.Array:
    orders, cells = integers(order), integers(cell)
    good = (orders >= 0) & (orders <= healpix.MAX_ORDER) & (cells >= 0)
    good &= cells < (np.int64(12) << 2 * np.where(good, orders, 0))
    lon, lat = healpix.centers(np.where(good, cells, 0), np.where(good, orders, 0))
    return pairs(lon, lat, good)


def _point_in_polygon(ra: Column, dec: Column, polygon: Column) -> pa.Array:
    lon, lat = numbers(ra), numbers(dec)
    good = _position(lon, lat)
    first = _only_value(polygon)
    shape, valid = shapes(polygon if first is None else first)
    points = vectors(np.where(good, lon, 0.0), np.where(good, lat, 0.0))
    return booleans(exact.contains(shape, _rows(len(lon)), points), good & valid)


def _only_value(column: Column) -> Column | None:
    """Give the first row of a list column where all rows are alike: a literal, prepared once for the whole batch."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if len(array) < 2 or array.null_count or not pa.types.is_list(array.type):
        return None
    length = len(array[0])
    flat = array.flatten()
    if length == 0 or len(flat) != length * len(array) or flat.null_count:
        return None
    values = flat.to_numpy(zero_copy_only=False).reshape(len(array), length)
    offsets = np.diff(array.offsets.to_numpy(zero_copy_only=False))
    alike = (offsets == length).all() and np.array_equal(values, np.broadcast_to(values[0], values.shape))
    return array.slice(0, 1) if alike else None


def _box(ra: Column, dec: Column, width: Column, height: Column) -> pa.Array:
    lon, lat = numbers(ra), numbers(dec)
    corners = exact.box_corners(lon, lat, numbers(width), numbers(height))
    good = _position(lon, lat) & np.isfinite(corners).all(axis=(1, 2))
    offsets = np.arange(0, 8 * len(lon) + 1, 8, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(corners.ravel()), mask=pa.array(~good))


def _polygon_area(polygon: Column) -> pa.Array:
    shape, good = shapes(polygon)
    return doubles(shape.area_sr * _SQUARE_DEGREES, good)


def _polygon_centroid(polygon: Column) -> pa.Array:
    shape, good = shapes(polygon)
    return pairs(*lonlat(exact.centroids(shape)), good)


@dataclass(frozen=True, slots=True)
class _Circles:
    """Centres as unit vectors (n, 3), radii in radians, and which rows are circles at all."""

    centers: Floats
    radii: Floats
    good: Bools


def _circles(column: Column) -> _Circles:
    values = tuples(column, 3)
    good = _position(values[:, 0], values[:, 1]) & (values[:, 2] >= 0.0)
    safe = np.where(good[:, None], values, 0.0)
    return _Circles(vectors(safe[:, 0], safe[:, 1]), np.minimum(np.deg2rad(safe[:, 2]), np.pi), good)


def _circle_in_polygon(circle: Column, polygon: Column) -> pa.Array:
    round_, (shape, good) = _circles(circle), shapes(polygon)
    rows = _rows(len(good))
    room = exact.boundary_distance(shape, rows, round_.centers) >= round_.radii - exact.BORDER_RAD
    return booleans(exact.contains(shape, rows, round_.centers) & room, good & round_.good)


def _polygon_in_circle(polygon: Column, circle: Column) -> pa.Array:
    """A polygon lies in a circle where it misses the circle around the opposite point that is left over."""
    round_, (shape, good) = _circles(circle), shapes(polygon)
    rows = _rows(len(good))
    clear = exact.boundary_distance(shape, rows, -round_.centers) >= np.pi - round_.radii - exact.BORDER_RAD
    whole = round_.radii >= np.pi
    return booleans(whole | (clear & ~exact.contains(shape, rows, -round_.centers)), good & round_.good)


def _circle_meets_polygon(circle: Column, polygon: Column) -> pa.Array:
    round_, (shape, good) = _circles(circle), shapes(polygon)
    rows = _rows(len(good))
    close = exact.boundary_distance(shape, rows, round_.centers) <= round_.radii + exact.BORDER_RAD
    return booleans(exact.contains(shape, rows, round_.centers) | close, good & round_.good)


def _polygon_in_polygon(inner: Column, outer: Column) -> pa.Array:
    (one, good), (other, valid) = shapes(inner), shapes(outer)
    return booleans(exact.polygon_in_polygon(one, other), good & valid)


def _polygon_meets_polygon(one: Column, other: Column) -> pa.Array:
    (first, good), (second, valid) = shapes(one), shapes(other)
    return booleans(exact.polygons_meet(first, second), good & valid)


def _epoch_prop_pos(
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
    good = _position(values[0], values[1])
    lon, lat = motion.propagate(*values)
    return pairs(lon, lat, good & np.isfinite(lon) & np.isfinite(lat))


def _frames(old: Column, new: Column) -> tuple[Ints, Ints, Bools]:
    """Numbers of frames, 0 where they are none, and where both are."""
    one, other = integers(old), integers(new)
    good = (one >= 0) & (one < len(frames.FRAMES)) & (other >= 0) & (other < len(frames.FRAMES))
    return np.where(good, one, 0), np.where(good, other, 0), good


def _rotate(old: Column, new: Column, lon: Column, lat: Column) -> pa.Array:
    one, other, good = _frames(old, new)
    longitude, latitude = numbers(lon), numbers(lat)
    good &= _position(longitude, latitude)
    safe = (np.where(good, values, 0.0) for values in (longitude, latitude))
    return pairs(*frames.rotate(one, other, *safe), good)


def _rotate_polygon(old: Column, new: Column, polygon: Column) -> pa.Array:
    """Rotate the vertices; rows of an odd count or with values that are no position are NULL."""
    one, other, good = _frames(old, new)
    flat, counts = lists(polygon)
    good &= (counts > 0) & (counts % 2 == 0)
    flat, counts = flat[np.repeat(good, counts)], np.where(good, counts, 0)
    owner = np.repeat(np.arange(len(counts), dtype=np.int64), counts // 2)
    wrong = ~_position(flat[0::2], flat[1::2])
    good[owner[wrong]] = False
    safe = (np.where(wrong, 0.0, values) for values in (flat[0::2], flat[1::2]))
    vertices = np.stack(frames.rotate(one[owner], other[owner], *safe), axis=-1).ravel()
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(vertices), mask=pa.array(~good))


_D = "DOUBLE"
FUNCTIONS: tuple[SphereFunction, ...] = (
    SphereFunction("ns_healpix29", (_D, _D), "BIGINT", _healpix29),
    SphereFunction("ns_cells", (_D, _D, _D, "INTEGER"), "BIGINT[]", _cells),
    SphereFunction("ns_healpix_center", ("INTEGER", "BIGINT"), "DOUBLE[2]", _healpix_center),
    SphereFunction("ns_point_in_polygon", (_D, _D, "DOUBLE[]"), "BOOLEAN", _point_in_polygon),
    SphereFunction("ns_box", (_D, _D, _D, _D), "DOUBLE[]", _box),
    SphereFunction("ns_polygon_area", ("DOUBLE[]",), _D, _polygon_area),
    SphereFunction("ns_polygon_centroid", ("DOUBLE[]",), "DOUBLE[2]", _polygon_centroid),
    SphereFunction("ns_circle_in_polygon", ("DOUBLE[3]", "DOUBLE[]"), "BOOLEAN", _circle_in_polygon),
    SphereFunction("ns_polygon_in_circle", ("DOUBLE[]", "DOUBLE[3]"), "BOOLEAN", _polygon_in_circle),
    SphereFunction("ns_polygon_in_polygon", ("DOUBLE[]", "DOUBLE[]"), "BOOLEAN", _polygon_in_polygon),
    SphereFunction("ns_circle_meets_polygon", ("DOUBLE[3]", "DOUBLE[]"), "BOOLEAN", _circle_meets_polygon),
    SphereFunction("ns_polygon_meets_polygon", ("DOUBLE[]", "DOUBLE[]"), "BOOLEAN", _polygon_meets_polygon),
    SphereFunction("ns_epoch_prop_pos", (_D,) * 8, "DOUBLE[2]", _epoch_prop_pos),
    SphereFunction("ns_rotate", ("INTEGER", "INTEGER", _D, _D), "DOUBLE[2]", _rotate),
    SphereFunction("ns_rotate_polygon", ("INTEGER", "INTEGER", "DOUBLE[]"), "DOUBLE[]", _rotate_polygon),
    *REGION_FUNCTIONS,
)
