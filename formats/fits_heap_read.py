"""Variable-length arrays of FITS: descriptors in the rows, elements in the heap (FITS 4.0 section 7.3.5)."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

import numpy as np

from ..config.errors import UploadError, UploadTooLarge
from .cells_read import Bytes, Cells, Places
from .fits_columns_read import FitsColumn
from .fits_header_read import TableHDU
from .source import ReadLimits
from .texts_read import BadCell

_BATCH_BYTES = 1 << 24  # from the heap; gathering needs a multiple of it


@dataclass(frozen=True, slots=True)
class Heap:
    """The heap of a table, the most bytes that one value and that one row may have."""

    data: Bytes
    cell_bytes: int
    memory_bytes: int

    def pieces(self, one: FitsColumn, table: Bytes, count: int, width: int) -> tuple[Places, Places]:
        """Read the descriptors of `count` rows: (elements, byte offsets in the heap), checked against the heap."""
        starts = np.arange(count, dtype=np.int64) * width + one.place
        cells = Cells(table, starts, np.full(count, one.row_bytes, np.int64), width)
        pairs = cells.numbers(">i4" if one.heap == "P" else ">i8").astype(np.int64).reshape(-1, 2)
        lengths, offsets = pairs[:, 0], np.where(pairs[:, 0] == 0, 0, pairs[:, 1])
        most = min(self.cell_bytes // max(1, one.element_bytes), len(self.data) * (1 if one.element_bytes else 8))
        sizes = self._bytes(one, np.clip(lengths, 0, most))
        wrong = (lengths < 0) | (lengths > most) | (offsets < 0) | (offsets > len(self.data) - sizes)
        if wrong.any():
            row = int(np.argmax(wrong))
            if lengths[row] * max(1, one.element_bytes) > self.cell_bytes:
                message = f'column "{one.column.name}": a value is beyond the limit of {self.cell_bytes} bytes'
                raise UploadTooLarge(message)
            raise BadCell(row, f"an array of {lengths[row]} elements at {offsets[row]} lies outside the heap")
        return lengths, offsets

    def sizes(self, one: FitsColumn, table: Bytes, count: int, width: int) -> Places:
        """Give the bytes that each row has in the heap for a column."""
        return self._bytes(one, self.pieces(one, table, count, width)[0])

    def affordable(self, sizes: Places) -> int:
        """Give how many rows, one at least, fit a batch; UploadTooLarge where one alone is beyond all memory."""
        if sizes[0] > self.memory_bytes:
            message = f"the arrays of one row have {sizes[0]} bytes, more memory than the limit of {self.memory_bytes}"
            raise UploadTooLarge(message)
        return max(1, int(np.searchsorted(np.cumsum(sizes), _BATCH_BYTES, side="right")))

    def gather(self, one: FitsColumn, lengths: Places, offsets: Places) -> Bytes:
        """Give the bytes of all pieces one behind the other; pieces may overlap and come in any order."""
        sizes = self._bytes(one, lengths)
        kept = sizes > 0
        sizes, offsets = sizes[kept], offsets[kept]
        if not len(sizes):
            return np.empty(0, np.uint8)
        ends = offsets + sizes
        first, last = int(offsets[0]), int(ends[-1])
        if (offsets[1:] >= ends[:-1]).all() and last - first < 1 << 31:
            return Cells(self.data[first:last], offsets - first, sizes).compact()
        item = max(1, one.element_bytes)
        counts = sizes // item
        before = np.cumsum(counts) - counts
        places = np.repeat(offsets - before * item, counts) + np.arange(int(counts.sum())) * item
        words = np.ndarray((len(self.data) - item + 1,), f"V{item}", self.data, strides=(1,))
        return words[places].view(np.uint8)

    def _bytes(self, one: FitsColumn, lengths: Places) -> Places:
        return lengths * one.element_bytes if one.element_bytes else (lengths + 7) // 8


def heap_of(data: mmap.mmap, hdu: TableHDU, limits: ReadLimits) -> Heap:
    """Find the heap behind the rows of a table: at THEAP, else right behind them."""
    rows = hdu.header.number("NAXIS1") * hdu.header.number("NAXIS2")
    start = hdu.header.number("THEAP", rows)
    size = hdu.end - hdu.start - start
    if start < rows or size < 0:
        message = "the FITS keyword THEAP lies outside the table"
        raise UploadError(message)
    return Heap(np.frombuffer(data, np.uint8, size, hdu.start + start), limits.cell_bytes, limits.memory_bytes)
