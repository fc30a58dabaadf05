"""Columns → rows: the one step where cells of a batch are laid side by side, in C, not in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .arrays import lists, row_array, valid
from .cells_binary import Cell, cell_dtype, encode_fixed, encode_variable


def join_texts(cells: Sequence[pa.Array], before: str, between: str, after: str, null: str = "") -> bytes:
    """Write n rows as `before` cell `between` cell … `after`, in UTF-8; null cells become `null`."""
    if not cells:
        return b""
    rows = pc.binary_join_element_wise(*cells, between, null_handling="replace", null_replacement=null)
    return join_rows(rows, before, after)


def join_rows(rows: pa.Array, before: str, after: str) -> bytes:
    """Write n ready texts one after another, each between `before` and `after`."""
    whole = pc.binary_join(lists(rows, np.array([len(rows)])), after + before)
    return b"".join((before.encode(), memoryview(whole[0].as_buffer()), after.encode()))


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring fixed cells as one packed record; `tail` is the variable cell behind, its count the last field."""

    dtype: np.dtype[Any]
    fixed: tuple[int, ...]
    tail: int | None


@dataclass(frozen=True, slots=True)
class RowPlan:
    """How rows are composed; made once for a result. With `flags` > 0 that many bytes of null flags lead (BINARY2)."""

    cells: tuple[Cell, ...]
    blocks: tuple[Block, ...]
    flags: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row without its variable cells."""
        return sum(block.dtype.itemsize for block in self.blocks)


def plan_rows(cells: Sequence[Cell], flags: int = 0) -> RowPlan:
    """Cut the columns into blocks; a variable cell ends its block."""
    blocks: list[Block] = []
    fields: list[tuple[str, Any]] = [("flags", "u1", (flags,))] if flags else []  # type: ignore[list-item]
    fixed: list[int] = []
    for number, cell in enumerate(cells):
        if cell.fixed:
            fields.append((f"c{number}", cell_dtype(cell)))
            fixed.append(number)
        else:
            fields.append(("count", ">i4"))
            blocks.append(Block(np.dtype(fields), tuple(fixed), number))
            fields, fixed = [], []
    if fields:
        blocks.append(Block(np.dtype(fields), tuple(fixed), None))
    return RowPlan(tuple(cells), tuple(blocks), flags)


def encode_rows(plan: RowPlan, arrays: Sequence[pa.Array]) -> memoryview:
    """Encode (n,) columns as n rows of bytes; n must be at least 1."""
    rows = len(arrays[0])
    parts: list[pa.Array] = []
    for place, block in enumerate(plan.blocks):
        records = np.zeros(rows, block.dtype)
        if place == 0 and plan.flags:
            records["flags"] = null_flags(arrays, plan.flags)
        for number in block.fixed:
            records[f"c{number}"] = encode_fixed(arrays[number], plan.cells[number])
        if block.tail is None:
            parts.append(records)
            continue
        counts, data = encode_variable(arrays[block.tail], plan.cells[block.tail])
        records["count"] = counts
        parts += [records, data]
    if len(parts) == 1:
        return memoryview(parts[0].view(np.uint8))
    joined = pc.binary_join_element_wise(*[p if isinstance(p, pa.Array) else row_array(p) for p in parts], b"")
    _, offsets, data = joined.buffers()
    size = int(np.frombuffer(offsets, np.int32, rows + 1)[-1])
    return memoryview(data)[:size]


def null_flags(arrays: Sequence[pa.Array], width: int) -> npt.NDArray[np.uint8]:
    """Give (n, width) bytes of BINARY2 null flags: most significant bit first, one bit a column."""
    flags = np.zeros((len(arrays[0]), width), np.uint8)
    for number, array in enumerate(arrays):
        if array.null_count:
            flags[:, number >> 3] |= (~valid(array)).view(np.uint8) << (7 - (number & 7))
    return flags
