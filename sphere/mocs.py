"""Coverage maps (MOC 2.0) of many rows at once: half-open HEALPix order-29 ranges in flat arrays, and sets of them.

All functions take and give canonical maps: ranges sorted, disjoint, none touching the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import healpix, ragged
from .vectors import Bools, Floats, Ints

END = 12 << 2 * healpix.MAX_ORDER
"""One beyond the last cell of order 29."""
SKY_DEG2 = 4.0 * np.pi * (180.0 / np.pi) ** 2


@dataclass(frozen=True, slots=True)
class Mocs:
    """n maps: `counts` (n,) ranges each from `lows` to before `highs`, flat; `orders` (n,) of their deepest cells."""

    lows: Ints
    highs: Ints
    counts: Ints
    orders: Ints

    @property
    def starts(self) -> Ints:
        """Flat index of the first range of each map, (n,)."""
        return ragged.starts(self.counts)

    def take(self, rows: Ints) -> Mocs:
        """Give the maps of these rows, which may repeat."""
        counts = self.counts[rows]
        index = ragged.ranges(self.starts[rows], counts)
        return Mocs(self.lows[index], self.highs[index], counts, self.orders[rows])

    def area_deg2(self) -> Floats:
        """Areas in square degrees, (n,)."""
        size = (self.highs - self.lows).astype(np.float64) / float(END)
        return np.asarray(np.bincount(ragged.owners(self.counts), size, len(self.counts)) * SKY_DEG2, dtype=np.float64)


def made(owner: Ints, lows: Ints, highs: Ints, orders: Ints) -> Mocs:
    """Make canonical maps of any ranges; `owner` says which of the n = len(orders) maps a range belongs to."""
    return _swept(owner, lows, highs, orders, 1)


def _swept(owner: Ints, lows: Ints, highs: Ints, orders: Ints, least: int) -> Mocs:
    """Give what at least `least` of the ranges of a map cover."""
    owners = np.concatenate((owner, owner))
    places = np.concatenate((lows, highs))
    steps = np.repeat(np.array([1, -1], dtype=np.int64), len(owner))
    order = np.lexsort((-steps, places, owners))  # where one range ends and the next begins, the next comes first
    owners, places, steps = owners[order], places[order], steps[order]
    depth = np.cumsum(steps)
    begin = (steps > 0) & (depth == least)
    end = (steps < 0) & (depth == least - 1)
    low, high, who = places[begin], places[end], owners[begin]
    some = low < high
    counts = np.bincount(who[some], minlength=len(orders)).astype(np.int64)
    return Mocs(low[some], high[some], counts, orders)


def union(one: Mocs, other: Mocs) -> Mocs:
    """Unite maps row by row; the deeper order stays."""
    return _joined(one, other, 1)


def intersection(one: Mocs, other: Mocs) -> Mocs:
    """Intersect maps row by row; the deeper order stays."""
    return _joined(one, other, 2)


def _joined(one: Mocs, other: Mocs, least: int) -> Mocs:
    owner = np.concatenate((ragged.owners(one.counts), ragged.owners(other.counts)))
    lows, highs = np.concatenate((one.lows, other.lows)), np.concatenate((one.highs, other.highs))
    return _swept(owner, lows, highs, np.maximum(one.orders, other.orders), least)


def complement(maps: Mocs) -> Mocs:
    """Give what maps do not cover."""
    n = len(maps.counts)
    ends = maps.starts + maps.counts
    rows = np.arange(n, dtype=np.int64)
    lows = np.insert(maps.highs, maps.starts, 0)  # each gap begins where a range ends, the first at 0
    highs = np.insert(maps.lows, ends, END)
    owner = np.repeat(rows, maps.counts + 1)
    some = lows < highs
    counts = np.bincount(owner[some], minlength=n).astype(np.int64)
    return Mocs(lows[some], highs[some], counts, maps.orders)


def _before(maps: Mocs, rows: Ints, values: Ints) -> Ints:
    """Give the flat index of the last range of map `rows[i]` that begins at or before `values[i]`; -1 for none."""
    starts = maps.starts
    if len(maps.counts) == 1:
        return np.searchsorted(maps.lows, values, side="right").astype(np.int64) - 1
    low, high = starts[rows], starts[rows] + maps.counts[rows]
    first = low.copy()
    while True:
        open_ = low < high
        if not open_.any():
            return np.where(low > first, low - 1, -1)
        middle = (low + high) >> 1
        after = open_ & (maps.lows[np.where(open_, middle, 0)] <= values)
        low = np.where(after, middle + 1, low)
        high = np.where(open_ & ~after, middle, high)


def holds(maps: Mocs, rows: Ints, lows: Ints, highs: Ints) -> Bools:
    """Tell which ranges lie wholly in the map `rows[i]` of theirs."""
    if len(maps.lows) == 0:
        return np.zeros(len(rows), dtype=np.bool_)
    index = _before(maps, rows, lows)
    result: Bools = (index >= 0) & (maps.highs[index] >= highs)
    return result


def touches(maps: Mocs, rows: Ints, lows: Ints, highs: Ints) -> Bools:
    """Tell which ranges share a cell with the map `rows[i]` of theirs."""
    if len(maps.lows) == 0:
        return np.zeros(len(rows), dtype=np.bool_)
    index = _before(maps, rows, highs - 1)
    result: Bools = (index >= 0) & (maps.highs[index] > lows)
    return result


def within(inner: Mocs, outer: Mocs, rows: Ints) -> Bools:
    """Tell which maps `inner` (n,) lie wholly in the map `outer[rows[i]]`; an empty one lies in all."""
    owner = ragged.owners(inner.counts)
    missed = ~holds(outer, rows[owner], inner.lows, inner.highs)
    fine: Bools = np.bincount(owner[missed], minlength=len(inner.counts)) == 0
    return fine


def meet(one: Mocs, other: Mocs, rows: Ints) -> Bools:
    """Tell which maps `one` (n,) share a cell with the map `other[rows[i]]`."""
    owner = ragged.owners(one.counts)
    shared = touches(other, rows[owner], one.lows, one.highs)
    return np.bincount(owner[shared], minlength=len(one.counts)) > 0
