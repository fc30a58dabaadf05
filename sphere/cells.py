"""Cells of one order that small circles may touch, for many circles at once: the sky match as an equi-join."""

from __future__ import annotations

import math

import numpy as np

from . import healpix
from .coverage import healpix29
from .vectors import Bools, Floats, Ints, norm, vectors

_MARGIN_DEG = 1e-9
_MOST_CELLS = 50_000_000  # of one call: beyond, the order was chosen wrongly
# Where the neighbours lie: steps towards north-east and north-west (order S SE E SW itself NE W NW N).
_STEPS = np.array([[-1, -1], [0, -1], [1, -1], [-1, 0], [0, 0], [1, 0], [-1, 1], [0, 1], [1, 1]])


def circle_cells(ra_deg: Floats, dec_deg: Floats, radius_deg: Floats, order: int) -> tuple[Ints, Ints]:
    """Give the distinct NESTED cells of `order` that circles (n,) may touch, flat, and how many each has.

    No cell that a circle touches is left out. Circles with NaN, |dec| > 90 or a negative radius have none.
    The work grows with the number of cells: choose an order whose cells are not much smaller than the circles;
    ValueError beyond 50 million cells and for orders outside 0 … 29.
    """
    if not 0 <= order <= healpix.MAX_ORDER:
        message = f"HEALPix orders lie between 0 and {healpix.MAX_ORDER}, not {order}"
        raise ValueError(message)
    index = healpix29(ra_deg, dec_deg)
    good = np.flatnonzero((index >= 0) & (radius_deg >= 0.0))
    counts = np.zeros(len(index), dtype=np.int64)
    if len(good) == 0:
        return np.empty(0, dtype=np.int64), counts
    ra, dec = ra_deg[good] % 360.0, dec_deg[good]
    radius = radius_deg[good] + _MARGIN_DEG
    _refuse_too_many(radius, order)
    coarse = _coarse_order(float(radius.max()), order)
    cells, owner = _neighbourhood(ra, dec, radius, coarse)
    if order > coarse:
        cells, owner = _finer(ra, dec, radius, cells, owner, coarse, order)
    counts[good] = np.bincount(owner, minlength=len(good))
    return cells, counts


def _refuse_too_many(radius_deg: Floats, order: int) -> None:
    """Raise ValueError where the bare areas of the circles make too many cells, before any work is done."""
    caps = np.sin(np.deg2rad(np.minimum(radius_deg, 180.0)) / 2.0) ** 2  # parts of the sphere
    if float(caps.sum()) * 12 * 4**order > _MOST_CELLS:
        raise _too_many(order)


def _too_many(order: int) -> ValueError:
    return ValueError(f"the circles have too many cells of order {order}: choose a lower order")


def _coarse_order(radius_deg: float, order: int) -> int:
    """Give the finest order up to `order` whose cells no circle outgrows; -1 where circles are larger than all."""
    if radius_deg >= healpix.CELL_WIDTH_DEG:
        return -1
    return min(order, math.floor(math.log2(healpix.CELL_WIDTH_DEG / radius_deg)))


def _neighbourhood(ra: Floats, dec: Floats, radius: Floats, order: int) -> tuple[Ints, Ints]:
    """Give cells and owners: the cell of each centre and the neighbours that its circle may reach."""
    if order < 0:
        return np.tile(np.arange(12, dtype=np.int64), len(ra)), np.repeat(np.arange(len(ra)), 12)
    cells, east, west = healpix.hash_with_offsets(ra, dec, order)
    reach = radius * (1 << order) / healpix.CELL_WIDTH_DEG
    reached: Bools = np.ones((len(ra), 9), dtype=np.bool_)
    for axis, place in enumerate((east, west)):
        forward, backward = (1.0 - place <= reach)[:, None], (place <= reach)[:, None]
        step = _STEPS[:, axis]
        reached &= np.where(step > 0, forward, np.where(step < 0, backward, True))
    around = healpix.neighbours(cells, order)
    owner, column = np.nonzero(reached & (around >= 0))
    return around[owner, column], owner


def _finer(
    ra: Floats, dec: Floats, radius: Floats, cells: Ints, owner: Ints, coarse: int, order: int
) -> tuple[Ints, Ints]:
    """Divide cells down to `order`, dropping at each step those whose circumscribed circle misses the circle."""
    centre = vectors(ra, dec)
    coarse = max(coarse, 0)
    while coarse < order:
        if len(cells) * 4 > _MOST_CELLS:
            raise _too_many(order)
        coarse += 1
        cells, owner = healpix.children(cells, 1), np.repeat(owner, 4)
        reach = np.minimum(np.pi, np.deg2rad(radius) + healpix.cell_radius_rad(coarse))
        chord = 2.0 * np.sin(reach / 2.0) * (1.0 + 1e-12)
        near = norm(vectors(*healpix.centers(cells, coarse)) - centre[owner]) <= chord[owner]
        cells, owner = cells[near], owner[near]
    return cells, owner
