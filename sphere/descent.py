"""Coverage maps against circles and polygons: cells are divided until it is certain where they lie.

What is found true is so; at order 29 (0.4 mas) what is still open is a touch of borders.
"""

from __future__ import annotations

import numpy as np

from . import exact, healpix, mocs, ragged
from .mocs import Mocs
from .shapes import Members, depth
from .vectors import Bools, Floats, Ints, lonlat, vectors

_MOST_CELLS = 400_000
"""Open cells of one call: a border that needs more is too long for the order."""
_RIM_RAD = exact.BORDER_RAD
_FINER = 2  # orders below that of a coverage, so that few cells are taken that the shape does not reach


class TooFine(ValueError):
    """The order is too fine for the size of a region."""


def coverage(some: Members, orders: Ints, most: int = _MOST_CELLS) -> Mocs:
    """Give the maps of `orders` (n,) of all cells that regions touch; TooFine where more than `most` are open at once.

    Cells are taken that the region reaches within a quarter of their size.
    """
    n = len(some.counts)
    owner_of = ragged.owners(some.counts)
    member = np.repeat(np.arange(len(owner_of), dtype=np.int64), 12)
    cells = np.tile(np.arange(12, dtype=np.int64), len(owner_of))
    found: list[tuple[Ints, Ints, Ints]] = []
    last = np.minimum(orders + _FINER, healpix.MAX_ORDER)
    for order in range(int(last.max(initial=0)) + 1):
        reach = healpix.cell_radius_rad(order)
        away = depth(some, member, vectors(*healpix.centers(cells, order)))
        row = owner_of[member]
        ended = (away <= -reach) | ((away <= reach) & (last[row] == order))
        found.append((row[ended], *_cut(cells[ended], order, orders[row[ended]])))
        open_ = (away <= reach) & ~ended
        member, cells = np.repeat(member[open_], 4), healpix.children(cells[open_], 1)
        if len(cells) > most:
            message = f"the region has too many cells of order {int(orders.max())}: choose a lower order"
            raise TooFine(message)
    rows, lows, highs = (np.concatenate(parts) for parts in zip(*found, strict=True))
    known = some.good[rows]
    return mocs.made(rows[known], lows[known], highs[known], np.where(some.good, orders, 0)) if n else _nothing(orders)


def _nothing(orders: Ints) -> Mocs:
    return Mocs(orders[:0], orders[:0], orders, orders)


def _cut(cells: Ints, order: int, coarsest: Ints) -> tuple[Ints, Ints]:
    """Ranges of cells, those finer than the map's order widened to the cell of that order around them."""
    level = np.minimum(order, coarsest)
    return healpix.spans(cells >> 2 * (order - level), level)


def meet(maps: Mocs, rows: Ints, some: Members) -> tuple[Bools, Bools]:
    """Tell which regions (n,) share a position with the map `rows[i]` of theirs, and which at best touch one.

    The second is true where only borders of less than a milliarcsecond could not be told apart.
    """
    n = len(some.counts)
    owner_of = ragged.owners(some.counts)
    sure, open_rows = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    sure[_anchored(maps, rows, some, owner_of)] = True
    member = np.repeat(np.arange(len(owner_of), dtype=np.int64), 12)
    cells = np.tile(np.arange(12, dtype=np.int64), len(owner_of))
    for order in range(healpix.MAX_ORDER + 1):
        row = owner_of[member]
        lows, highs = healpix.spans(cells, order)
        kept = ~sure[row] & mocs.touches(maps, rows[row], lows, highs)
        member, cells, row, lows, highs = member[kept], cells[kept], row[kept], lows[kept], highs[kept]
        if len(cells) == 0:
            break
        reach = healpix.cell_radius_rad(order)
        away = depth(some, member, vectors(*healpix.centers(cells, order)))
        hit = (away <= -reach) | ((away <= 0.0) & mocs.holds(maps, rows[row], lows, highs))
        sure[row[hit]] = True
        left = (away <= reach) & ~sure[row]
        if order == healpix.MAX_ORDER or int(left.sum()) > _MOST_CELLS:
            open_rows[row[left]] = True
            break
        member, cells = np.repeat(member[left], 4), healpix.children(cells[left], 1)
    return sure, open_rows


def _anchored(maps: Mocs, rows: Ints, some: Members, owner_of: Ints) -> Ints:
    """Rows of regions of which a centre or a corner lies in the map: true for many at once."""
    sides = ragged.owners(some.polygons.counts)
    corners = ~some.circles[sides]
    places: Floats = np.concatenate((some.centers[some.circles], some.polygons.begins[corners]))
    who = np.concatenate((owner_of[some.circles], owner_of[sides[corners]]))
    cells, _, _ = healpix.hash_with_offsets(*lonlat(places), healpix.MAX_ORDER)
    inside = mocs.holds(maps, rows[who], cells, cells + 1)
    return who[inside]


def map_in(maps: Mocs, some: Members) -> Bools:
    """Tell row by row which maps (n,) lie wholly in regions; a border nearer than a milliarcsecond counts as inside."""
    n = len(some.counts)
    fine = np.ones(n, dtype=np.bool_)
    row = np.repeat(np.arange(n, dtype=np.int64), 12)
    cells = np.tile(np.arange(12, dtype=np.int64), n)
    known = some.counts[row] > 0
    row, cells = row[known], cells[known]
    for order in range(healpix.MAX_ORDER + 1):
        lows, highs = healpix.spans(cells, order)
        kept = fine[row] & mocs.touches(maps, row, lows, highs)
        row, cells, lows, highs = row[kept], cells[kept], lows[kept], highs[kept]
        if len(cells) == 0:
            break
        reach = healpix.cell_radius_rad(order)
        away = _nearest(some, row, vectors(*healpix.centers(cells, order)))
        beyond = (away >= reach) | ((away > _RIM_RAD) & mocs.holds(maps, row, lows, highs))
        fine[row[beyond]] = False
        left = (away > -reach) & fine[row]
        if int(left.sum()) > _MOST_CELLS:
            break
        if order < healpix.MAX_ORDER:
            row, cells = np.repeat(row[left], 4), healpix.children(cells[left], 1)
    return fine


def _nearest(some: Members, row: Ints, points: Floats) -> Floats:
    """Angles from points (k, 3) to the nearest member of the region `row[i]` of theirs, negative inside."""
    counts = some.counts[row]
    index = ragged.ranges(ragged.starts(some.counts)[row], counts)
    away = depth(some, index, points[ragged.owners(counts)])
    return np.minimum.reduceat(away, ragged.starts(counts))
