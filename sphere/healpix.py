"""HEALPix NESTED cells by cdshealpix's compiled functions, without its unit-checking wrappers.

Orders are 0 … 29; the wrappers' Quantity arguments cost more than the computation itself.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from .compiled import load
from .vectors import Floats, Ints, norm, vectors

_compiled = load()

MAX_ORDER = 29
# No cell of order 0 is narrower: a side is 63.6° long in the projection's plane, where a degree is nowhere
# less than 0.58° on the sky (at the corners of the polar caps).
CELL_WIDTH_DEG = 36.9
_RADIANS = np.pi / 180.0
_WIDE_DEG = 30.0
_POLAR_RADII = 3.0
_WIDE_ORDER = 3
_ONE_THREAD = np.uint16(1)
_NEIGHBOURS = 9  # of a cell in the order S SE E SW itself NE W NW N


def cell_size_deg(order: int) -> float:
    """Side of a cell's square of equal area, in degrees."""
    return 58.6323017 / float(1 << order)


def cell_radius_rad(order: int) -> float:
    """Largest distance from a cell's centre to its corners, over all cells of an order, in radians."""
    side = 1 << order
    lon = np.pi / (4.0 * side)
    top = 1.0 - (1.0 - 1.0 / side) ** 2 / 3.0
    flat_top, flat = np.sqrt((1.0 - top) * (1.0 + top)), np.sqrt(5.0) / 3.0
    x, y, z = flat * np.cos(lon) - flat_top, flat * np.sin(lon), 2.0 / 3.0 - top
    return float(2.0 * np.arcsin(min(1.0, np.sqrt(x * x + y * y + z * z) / 2.0)))


def hash_with_offsets(lon_deg: Floats, lat_deg: Floats, order: int) -> tuple[Ints, Floats, Floats]:
    """Give cells of finite positions (n,), |lat| ≤ 90, and places in them: north-east, north-west in 0 … 1."""
    shape = np.shape(lon_deg)
    cells = np.empty(shape, dtype=np.uint64)
    east, west = np.empty(shape), np.empty(shape)
    _compiled.lonlat_to_healpix(
        np.broadcast_to(np.uint8(order), shape),
        np.deg2rad(lon_deg),
        np.deg2rad(lat_deg),
        cells,
        east,
        west,
        _ONE_THREAD,
    )
    return cells.view(np.int64), east, west


def centers(cells: Ints, order: int | Ints) -> tuple[Floats, Floats]:
    """Give the centres of cells (n,), of one order or one each: longitudes in [0, 360) and latitudes in degrees."""
    lon, lat = np.empty(len(cells)), np.empty(len(cells))
    orders = np.broadcast_to(np.asarray(order, dtype=np.uint8), (len(cells),))
    _compiled.healpix_to_lonlat(orders, cells.astype(np.uint64), 0.5, 0.5, lon, lat, _ONE_THREAD)
    return np.rad2deg(lon) % 360.0, np.rad2deg(lat)


def neighbours(cells: Ints, order: int) -> Ints:
    """Give the neighbours (n, 9) of cells in the order S SE E SW itself NE W NW N; -1 where there is none."""
    found = np.empty((len(cells), _NEIGHBOURS), dtype=np.int64)
    _compiled.neighbours(order, cells.astype(np.uint64), found, _ONE_THREAD)
    return found


def cone(lon_deg: float, lat_deg: float, radius_deg: float, order: int) -> tuple[Ints, Ints]:
    """Give cells of `order` and coarser, and their orders, that cover a circle, 0 < radius ≤ 180° (a superset).

    cdshealpix 0.9 leaves cells out beside a pole near the circle's border, and of circles of 130° and more:
    there all cells that are near enough are taken instead, of one order which for wide circles is 3.
    """
    if radius_deg > _WIDE_DEG:
        return _near_enough(lon_deg, lat_deg, radius_deg, np.arange(12 << 2 * _WIDE_ORDER), _WIDE_ORDER)
    if 90.0 - abs(lat_deg) <= _POLAR_RADII * radius_deg:
        return _polar_cone(lon_deg, lat_deg, radius_deg, order)
    lon, lat, radius = lon_deg * _RADIANS, lat_deg * _RADIANS, radius_deg * _RADIANS
    cells, orders, _ = _compiled.cone_search(order, 0, lon, lat, radius, False)
    return cells.view(np.int64), orders.astype(np.int64)


def _polar_cone(lon_deg: float, lat_deg: float, radius_deg: float, order: int) -> tuple[Ints, Ints]:
    """Cover a circle by a cell as large as it, its neighbours and what of their children is near enough."""
    coarse = min(MAX_ORDER, max(0, math.floor(math.log2(CELL_WIDTH_DEG / radius_deg))))
    if coarse == 0:
        cells = np.arange(12, dtype=np.int64)
    else:
        center, _, _ = hash_with_offsets(np.array([lon_deg]), np.array([lat_deg]), coarse)
        cells = neighbours(center, coarse)[0]
        cells = cells[cells >= 0]
    order = max(order, coarse)
    return _near_enough(lon_deg, lat_deg, radius_deg, children(cells, order - coarse), order)


def _near_enough(lon_deg: float, lat_deg: float, radius_deg: float, cells: Ints, order: int) -> tuple[Ints, Ints]:
    """Keep the cells whose circumscribed circle meets a circle."""
    middles = _wide_centers() if order == _WIDE_ORDER and len(cells) == 768 else vectors(*centers(cells, order))
    chord = 2.0 * math.sin(min(math.pi, math.radians(radius_deg) + cell_radius_rad(order)) / 2.0)
    near = cells[norm(middles - vectors(lon_deg, lat_deg)) <= chord * (1.0 + 1e-12)]
    return near, np.full(len(near), order, dtype=np.int64)


@cache
def _wide_centers() -> Floats:
    """Unit vectors of the centres of all cells of the coarse order."""
    return vectors(*centers(np.arange(12 << 2 * _WIDE_ORDER, dtype=np.int64), _WIDE_ORDER))


def children(cells: Ints, levels: int) -> Ints:
    """Give the cells `levels` orders finer, flat, in the order of their parents."""
    count = np.int64(1) << 2 * levels
    return (cells[:, None] * count + np.arange(count, dtype=np.int64)).ravel()


def spans(cells: ArrayLike, orders: ArrayLike) -> tuple[Ints, Ints]:
    """Give the half-open order-29 ranges of cells."""
    shift = 2 * (MAX_ORDER - np.asarray(orders, dtype=np.int64))
    low = np.asarray(cells, dtype=np.int64) << shift
    return low, low + (np.int64(1) << shift)
