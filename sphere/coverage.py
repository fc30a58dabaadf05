"""HEALPix order-29 NESTED coverage of regions: index values of positions and index ranges of circles and polygons.

Ranges are half-open, sorted, disjoint and always a superset of the region, border included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from . import exact, healpix, ragged
from .regions import Polygon
from .vectors import Bools, Floats, Ints, cross, dot, lonlat, norm, unit, vectors

Ranges = tuple[tuple[int, int], ...]

WHOLE_SPHERE: Ranges = ((0, 12 << 2 * healpix.MAX_ORDER),)
_MARGIN_DEG = 1e-9  # rounding of distances, far below the smallest cell
_FAR_MARGIN_DEG = 1e-5  # haversine distances near 180° are that uncertain
_FINER = 2  # orders below the one whose cells are as large as the region
_CELLS = 40  # border cells of a polygon at which refinement stops
_NO_ROWS = np.empty(0, dtype=np.int64)


def healpix29(ra_deg: ArrayLike, dec_deg: ArrayLike) -> Ints:
    """Give the order-29 NESTED cells, int64 (n,), of positions in degrees.

    Longitudes wrap; -1 where a coordinate is NaN, infinite or masked, or |dec| > 90.
    """
    ra, dec = _plain(ra_deg), _plain(dec_deg)
    good = np.isfinite(ra) & (np.abs(dec) <= 90.0)
    if good.all():
        return healpix.hash_with_offsets(_wrapped(ra), dec, healpix.MAX_ORDER)[0]
    result = np.full(ra.shape, -1, dtype=np.int64)
    result[good] = healpix.hash_with_offsets(_wrapped(ra[good]), dec[good], healpix.MAX_ORDER)[0]
    return result


def _plain(values: ArrayLike) -> Floats:
    """Give float64 with NaN for masked values, contiguous."""
    if isinstance(values, np.ma.MaskedArray):
        return np.ascontiguousarray(np.ma.filled(values.astype(np.float64), np.nan))
    return np.ascontiguousarray(values, dtype=np.float64)


def _wrapped(lon_deg: Floats) -> Floats:
    """Bring longitudes into [0, 360]; those that are there already stay as they are."""
    if lon_deg.size == 0 or (lon_deg.min() >= 0.0 and lon_deg.max() <= 360.0):
        return lon_deg
    return lon_deg % 360.0


def circle_ranges(ra_deg: float, dec_deg: float, radius_deg: float, most: int = 16) -> Ranges:
    """Give at most `most` index ranges that cover a circle in degrees; ValueError on impossible numbers.

    A radius of 180 or more is the whole sphere, a radius of 0 its centre.
    """
    if not (math.isfinite(ra_deg) and abs(dec_deg) <= 90.0):
        message = f"({ra_deg}, {dec_deg}) is no position: latitudes lie between -90 and 90 degrees"
        raise ValueError(message)
    if not radius_deg >= 0.0:
        message = f"a circle cannot have the radius {radius_deg}"
        raise ValueError(message)
    radius = radius_deg + (_MARGIN_DEG if radius_deg < 90.0 else _FAR_MARGIN_DEG)
    if radius >= 180.0:
        return WHOLE_SPHERE
    order = min(_order_for(radius) + _FINER, healpix.MAX_ORDER)
    cells, orders = healpix.cone(ra_deg % 360.0, dec_deg, radius, order)
    return merged(*healpix.spans(cells, orders), most)


def _order_for(radius_deg: float) -> int:
    """Give the order whose cells are about as large as a circle's radius."""
    return min(healpix.MAX_ORDER, max(0, math.floor(math.log2(58.63 / max(radius_deg, 1e-8)))))


def polygon_ranges(vertices: Sequence[tuple[float, float]], most: int = 16) -> Ranges:
    """Give at most `most` index ranges that cover the smaller side of a polygon of (lon, lat) vertices in degrees.

    ValueError where the vertices make no polygon (see `regions.Polygon`).
    """
    polygon = Polygon(tuple(vertices))
    corners = vectors(*np.asarray(polygon.vertices, dtype=np.float64).T)
    shape = exact.polygons(corners, np.array([len(corners)], dtype=np.int64))
    planes = _planes(shape)
    order, cells = _start(shape)
    kept: list[tuple[Ints, Ints]] = []
    while True:
        middle = vectors(*healpix.centers(cells, order))
        near = _near(planes, middle, healpix.cell_radius_rad(order))
        kept.append(healpix.spans(cells[~near][exact.contains(shape, _NO_ROWS, middle[~near])], order))
        cells = cells[near]
        if len(cells) >= _CELLS or order == healpix.MAX_ORDER:
            break
        order += 1
        cells = healpix.children(cells, 1)
    kept.append(healpix.spans(cells, order))
    return merged(np.concatenate([low for low, _ in kept]), np.concatenate([high for _, high in kept]), most)


def _start(shape: exact.Polygons) -> tuple[int, Ints]:
    """Give some 200 cells of one order that cover the polygon: those of a circle around it."""
    if dot(shape.begins, shape.origins).min() < 0.1:
        return 2, np.arange(192, dtype=np.int64)
    radius = math.degrees(2.0 * math.asin(min(1.0, float(norm(shape.begins - shape.origins).max()) / 2.0)))
    lon, lat = lonlat(shape.origins[0])
    order = min(_order_for(radius) + _FINER + 1, healpix.MAX_ORDER)
    cells, orders = healpix.cone(float(lon), float(lat), radius + _MARGIN_DEG, order)
    finer = 2 * (order - orders)
    return order, ragged.ranges(cells << finer, np.int64(1) << finer)


def _planes(shape: exact.Polygons) -> Floats:
    """Give for each side three unit vectors, (3, t, 3): its pole, and those of the planes across its two ends."""
    pole = unit(shape.normals)
    return np.stack((pole, cross(pole, shape.begins), cross(shape.ends, pole)))


def _near(planes: Floats, points: Floats, reach_rad: float) -> Bools:
    """Tell which points (k, 3) may be nearer to a side than `reach_rad`: all that are, and a few at the corners."""
    reach = math.sin(reach_rad) + math.radians(_MARGIN_DEG)
    height, after_begin, before_end = planes @ points.T
    touching: Bools = ((np.abs(height) <= reach) & (after_begin >= -reach) & (before_end >= -reach)).any(axis=0)
    return touching


def merged(low: Ints, high: Ints, most: int) -> Ranges:
    """Sort half-open ranges, join those that touch, then close the smallest gaps until at most `most` are left."""
    order = np.argsort(low, kind="stable")
    low, high = low[order], high[order]
    gaps = low[1:] - high[:-1]
    breaks = np.flatnonzero(gaps > 0)
    if len(breaks) > most - 1:
        widest = np.argsort(gaps[breaks], kind="stable")[len(breaks) - (most - 1) :]
        breaks = np.sort(breaks[widest])
    begins = low[np.concatenate(([0], breaks + 1))]
    ends = high[np.concatenate((breaks, [len(high) - 1]))]
    return tuple(zip(begins.tolist(), ends.tolist(), strict=True))
