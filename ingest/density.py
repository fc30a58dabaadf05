"""How rows lie on the sky, and the HEALPix pixels that divide them into files of about equal size.

The count is kept at the finest order whose occupied pixels fit a budget, so memory does not grow with rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

INDEX_ORDER = 29
FINEST_ORDER = 14
BUDGET = 800_000


@dataclass(frozen=True, slots=True)
class Pixel:
    """A NESTED pixel; its rows have `low` ≤ index < `high`."""

    order: int
    number: int

    @property
    def low(self) -> int:
        """First order-29 cell."""
        return self.number << 2 * (INDEX_ORDER - self.order)

    @property
    def high(self) -> int:
        """Order-29 cell behind the last."""
        return (self.number + 1) << 2 * (INDEX_ORDER - self.order)


@dataclass(slots=True)
class Density:
    """Counts rows by pixel; `lost` are rows without a position."""

    order: int = FINEST_ORDER
    rows: int = 0
    lost: int = 0
    _pixels: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    _counts: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    _new: list[tuple[Ints, Ints]] = field(default_factory=list)
    _waiting: int = 0

    def add(self, cells: Ints) -> None:
        """Count order-29 cells, (n,) int64; negative ones are rows without a position."""
        good = cells[cells >= 0]
        self.rows += len(cells)
        self.lost += len(cells) - len(good)
        pixels, counts = np.unique(good >> 2 * (INDEX_ORDER - self.order), return_counts=True)
        self._new.append((pixels, counts.astype(np.int64)))
        self._waiting += len(pixels)
        if self._waiting > BUDGET:
            self._merge()

    def _merge(self) -> None:
        pixels = np.concatenate([self._pixels, *(p for p, _ in self._new)])
        counts = np.concatenate([self._counts, *(c for _, c in self._new)])
        self._new, self._waiting = [], 0
        self._pixels, self._counts = _summed(pixels, counts)
        while len(self._pixels) > BUDGET and self.order > 0:
            self.order -= 1
            self._pixels, self._counts = _summed(self._pixels >> 2, self._counts)

    def pixels(self, most_rows: int) -> list[Pixel]:
        """Divide the sky into occupied pixels with at most `most_rows` rows each, in NESTED order.

        A pixel of the finest order counted may hold more.
        """
        self._merge()
        chosen: list[Pixel] = []
        open_numbers = np.arange(12, dtype=np.int64)
        for order in range(self.order + 1):
            low = np.searchsorted(self._pixels, open_numbers << 2 * (self.order - order))
            high = np.searchsorted(self._pixels, (open_numbers + 1) << 2 * (self.order - order))
            total = np.concatenate(([0], np.cumsum(self._counts)))
            counts = total[high] - total[low]
            done = (counts > 0) & ((counts <= most_rows) | (order == self.order))
            chosen += [Pixel(order, int(number)) for number in open_numbers[done]]
            split = open_numbers[(counts > 0) & ~done]
            open_numbers = (split[:, None] * 4 + np.arange(4)).ravel()
        return sorted(chosen, key=lambda pixel: pixel.low)


def _summed(pixels: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Join equal pixels, sorted."""
    order = np.argsort(pixels, kind="stable")
    pixels, counts = pixels[order], counts[order]
    first = (
        np.flatnonzero(np.concatenate(([True], pixels[1:] != pixels[:-1]))) if len(pixels) else np.empty(0, np.int64)
    )
    return pixels[first], np.add.reduceat(counts, first) if len(first) else counts
