"""Where the cells of BINARY and BINARY2 rows lie: by arithmetic for fixed rows, by a walk for variable ones."""

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
    starts, marks, counts, end = _walk(plan, data, offset, most, done)
    buffer = np.frombuffer(data, np.uint8)
    cells: list[Cells] = []
    numbers: list[Places | None] = []
    place, variable = starts + plan.flag_bytes, 0
    for width, item in zip(plan.widths, plan.items, strict=True):
        if width is None:
            count = counts[:, variable]
            lengths = count * item if item else (count + 7) // 8
            cells.append(Cells(buffer, marks[:, variable], lengths))
            numbers.append(count)
            place, variable = marks[:, variable] + lengths, variable + 1
        else:
            cells.append(Cells(buffer, place, np.full(len(starts), width, np.int64)))
            numbers.append(None)
            place = place + width
    return Rows(len(starts), end, tuple(cells), tuple(numbers), _flags(plan, buffer, starts))


def _walk(
    plan: RowPlan, data: bytes, offset: int, most: int, done: int
) -> tuple[Places, NDArray[np.int64], NDArray[np.int64], int]:
    """Follow the counts from row to row: where a row begins is known only when the one before is.

    Gives row starts (n,), starts and element counts of the variable cells (n, variables), and the end of the last row.
    It touches the counts alone, about 0.2 µs each: finding all possible successors of every byte with NumPy is slower.
    """
    count_at = struct.Struct(">I").unpack_from
    gaps, tail = _gaps(plan)
    jumps = [(gap + 4, plan.items[field], field) for gap, field in zip(gaps, plan.variables, strict=True)]
    starts: list[int] = []
    marks: list[int] = []
    counts: list[int] = []
    size, limit, row = len(data), plan.cell_bytes, offset
    while len(starts) < most:
        place = row
        for gap, item, field in jumps:
            place += gap
            if place > size:
                break
            (count,) = count_at(data, place - 4)
            length = count * item if item else (count + 7) >> 3
            if length > limit:
                message = f'row {done + len(starts) + 1}, column "{plan.names[field]}": a value of {length} bytes'
                message += f" is beyond the limit of {limit}"
                raise UploadTooLarge(message)
            marks.append(place)
            counts.append(count)
            place += length
        else:
            place += tail
            if place <= size:
                starts.append(row)
                row = place
                continue
        break
    shape = (len(starts), len(jumps))
    cut = shape[0] * shape[1]
    return (
        np.array(starts, np.int64),
        np.array(marks[:cut], np.int64).reshape(shape),
        np.array(counts[:cut], np.int64).reshape(shape),
        row,
    )


def _gaps(plan: RowPlan) -> tuple[list[int], int]:
    """Give the fixed bytes before each variable field, and those after the last."""
    gaps, gap = [], plan.flag_bytes
    for width in plan.widths:
        if width is None:
            gaps.append(gap)
            gap = 0
        else:
            gap += width
    return gaps, gap


def _flags(plan: RowPlan, buffer: NDArray[np.uint8], starts: Places) -> Flags | None:
    if not plan.flag_bytes:
        return None
    packed = buffer[starts[:, None] + np.arange(plan.flag_bytes)]
    return np.unpackbits(packed, axis=1, count=len(plan.widths)).view(np.bool_)
