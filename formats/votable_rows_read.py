"""Where the cells of BINARY and BINARY2 rows lie: by arithmetic for fixed rows, by their counts for variable ones."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from ..config.errors import UploadTooLarge
from ..schema.types import ATOMS
from .cells_read import Cells, Flags, Places
from .source import ReadLimits
from .votable_fields_read import Field
from .votable_lanes_read import SAMPLE, Jumps, counts_at, lengths, row_starts, words_of


@dataclass(frozen=True, slots=True)
class RowPlan:
    """How the bytes of a row follow each other: null flags, then per field its bytes, or a count and its elements.

    `widths` has the bytes of a fixed field and None for a variable one, `items` the bytes of an element (0 for bits).
    """

    names: tuple[str, ...]
    flag_bytes: int
    widths: tuple[int | None, ...]
    items: tuple[int, ...]
    cell_bytes: int

    @classmethod
    def of(cls, fields: Sequence[Field], flagged: bool, limits: ReadLimits) -> RowPlan:
        """Plan rows of such fields; `flagged` for BINARY2."""
        items = tuple(0 if one.datatype == "bit" else ATOMS[one.datatype].size_bytes for one in fields)
        widths = tuple(
            None if one.variable else one.count * item or (one.count + 7) // 8
            for one, item in zip(fields, items, strict=True)
        )
        names = tuple(one.column.name for one in fields)
        return cls(names, (len(fields) + 7) // 8 * flagged, widths, items, limits.cell_bytes)

    @property
    def variables(self) -> tuple[int, ...]:
        """Indices of the variable fields."""
        return tuple(index for index, width in enumerate(self.widths) if width is None)


@dataclass(frozen=True, slots=True)
class Rows:
    """Located rows: `cells` of each field, `counts` of elements for variable ones; `end` is where the next row begins.

    `flags` (rows, fields) are true for nulls, None where rows have no flags.
    """

    count: int
    end: int
    cells: tuple[Cells, ...] = ()
    counts: tuple[Places | None, ...] = ()
    flags: Flags | None = None


def locate_rows(plan: RowPlan, data: bytes, offset: int, most: int, done: int) -> Rows:
    """Locate up to `most` complete rows from `offset`; `done` rows came before (for messages)."""
    if None not in plan.widths:
        return _fixed_rows(plan, data, offset, most)
    return _variable_rows(plan, data, offset, most, done)


def _fixed_rows(plan: RowPlan, data: bytes, offset: int, most: int) -> Rows:
    widths = [width or 0 for width in plan.widths]
    step = plan.flag_bytes + sum(widths)
    count = min(most, (len(data) - offset) // step)
    buffer = np.frombuffer(data, np.uint8)
    first = offset + np.arange(count, dtype=np.int64) * step
    places = accumulate(widths[:-1], initial=plan.flag_bytes)
    cells = tuple(
        Cells(buffer, first + place, np.full(count, width, np.int64), step)
        for place, width in zip(places, widths, strict=True)
    )
    return Rows(count, offset + count * step, cells, (None,) * len(widths), _flags(plan, buffer, first))


def _variable_rows(plan: RowPlan, data: bytes, offset: int, most: int, done: int) -> Rows:
    jumps = _jumps(plan)
    bounds = _bounds(plan, jumps, data, offset, most, done)
    starts, end = bounds[:-1], int(bounds[-1])
    if not len(starts):
        return Rows(0, end)
    buffer, words = np.frombuffer(data, np.uint8), words_of(data)
    cells: list[Cells] = []
    numbers: list[Places | None] = []
    place = starts + plan.flag_bytes
    for field, (width, item) in enumerate(zip(plan.widths, plan.items, strict=True)):
        if width is None:
            count = counts_at(words, place)
            size = lengths(count, item)
            _check_lengths(plan, field, size, done)
            cells.append(Cells(buffer, place + 4, size))
            numbers.append(count)
            place = place + 4 + size
        else:
            cells.append(Cells(buffer, place, np.full(len(starts), width, np.int64)))
            numbers.append(None)
            place = place + width
    return Rows(len(starts), end, tuple(cells), tuple(numbers), _flags(plan, buffer, starts))


def _bounds(plan: RowPlan, jumps: Jumps, data: bytes, offset: int, most: int, done: int) -> Places:
    """Find where up to `most` complete rows begin, and where the last one ends.

    A few rows are followed one by one; they tell enough to find the next thousands together. Where that gets nowhere
    the rest is followed too.
    """
    starts, seen = [np.array([offset], np.int64)], 0
    while seen < most:
        begin = int(starts[-1][-1])
        few = _walk(plan, jumps, data, begin, min(SAMPLE, most - seen), done + seen)
        more = row_starts(jumps, data, few, most - seen) if len(few) > SAMPLE else np.array(few, np.int64)
        if len(more) == len(few) > SAMPLE:
            few = _walk(plan, jumps, data, begin, most - seen, done + seen)
            more = np.array(few, np.int64)
        starts.append(more[1:])
        seen += len(more) - 1
        if len(more) <= SAMPLE or len(more) == len(few):
            break
    return np.concatenate(starts)


def _walk(plan: RowPlan, jumps: Jumps, data: bytes, row: int, most: int, done: int) -> list[int]:
    """Follow the counts from row to row; give the starts of up to `most` complete rows and the end of the last.

    It touches the counts alone, about 0.2 µs each.
    """
    count_at = struct.Struct(">I").unpack_from
    steps = [(gap + 4, item, field) for gap, item, field in zip(jumps.gaps, jumps.items, plan.variables, strict=True)]
    tail, size, limit = jumps.tail, len(data), plan.cell_bytes
    starts = [row]
    while len(starts) <= most:
        place = row
        for gap, item, field in steps:
            place += gap
            if place > size:
                return starts
            (count,) = count_at(data, place - 4)
            length = count * item if item else (count + 7) >> 3
            if length > limit:
                raise _overlong(plan, field, length, done + len(starts))
            place += length
        row = place + tail
        if row > size:
            return starts
        starts.append(row)
    return starts


def _check_lengths(plan: RowPlan, field: int, sizes: Places, done: int) -> None:
    if sizes.max() > plan.cell_bytes:
        row = int(np.argmax(sizes > plan.cell_bytes))
        raise _overlong(plan, field, int(sizes[row]), done + row + 1)


def _overlong(plan: RowPlan, field: int, size: int, row: int) -> UploadTooLarge:
    message = f'row {row}, column "{plan.names[field]}": a value of {size} bytes is beyond the limit'
    return UploadTooLarge(f"{message} of {plan.cell_bytes}")


def _jumps(plan: RowPlan) -> Jumps:
    gaps, gap = [], plan.flag_bytes
    for width in plan.widths:
        if width is None:
            gaps.append(gap)
            gap = 0
        else:
            gap += width
    return Jumps(tuple(gaps), tuple(plan.items[field] for field in plan.variables), gap)


def _flags(plan: RowPlan, buffer: NDArray[np.uint8], starts: Places) -> Flags | None:
    if not plan.flag_bytes:
        return None
    packed = buffer[starts[:, None] + np.arange(plan.flag_bytes)]
    return np.unpackbits(packed, axis=1, count=len(plan.widths)).view(np.bool_)
