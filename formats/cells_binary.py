"""Column → big-endian cells, shared by BINARY, BINARY2 (VOTable 1.4 sections 5.4, 5.5) and FITS (4.0 section 7.3).

A cell is fixed (an array that fits a NumPy record field) or variable (a count and bytes).
Null elements inside an array of floats become NaN, of booleans "unknown", of texts the empty text;
inside an array of integers they need a magic null, and inside bits they cannot be said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..config.errors import ParameterError
from ..schema.types import PARTS
from .arrays import Lengths, binary_array, flatten, numbers, padded, text_bytes, utf16_units, valid
from .cells_text import VOTABLE, json_texts, texts
from .layout import Layout

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """How one column is encoded.

    `null` is the magic value of integer nulls, None where the format declares none; `unknown` the byte of a
    null boolean; `flagged` tells that the format marks null values by itself (BINARY2), so any filling will do.
    """

    name: str
    layout: Layout
    null: int | None = None
    unknown: int = ord("?")
    flagged: bool = True

    @property
    def fixed(self) -> bool:
        """Whether all values have the same number of bytes."""
        layout = self.layout
        return not layout.jsonned and not layout.variable and (layout.kind not in _TEXTS or layout.width is not None)


_TEXTS = {"text", "time"}


def refuse(cell: Cell, reason: str) -> ParameterError:
    """Make the error of a value that the format asked for cannot hold."""
    return ParameterError(f'Column "{cell.name}": {reason}. Ask for another RESPONSEFORMAT, parquet holds any value.')


def cell_dtype(cell: Cell) -> np.dtype[Any]:
    """Give the packed big-endian record field of a fixed cell."""
    layout = cell.layout
    if layout.kind in _TEXTS:
        return np.dtype((_CODE[layout.atom.datatype], (layout.items * (layout.width or 1),)))
    if layout.kind == "bit":
        return np.dtype(("u1", ((layout.items + 7) // 8,)))
    base = PARTS.get(layout.atom.datatype, layout.atom.numpy)
    count = layout.items * layout.parts
    return np.dtype((base, (count,))) if layout.listed or layout.parts > 1 else np.dtype(base)


_CODE = {"char": "u1", "unicodeChar": ">u2"}


def encode_fixed(array: pa.Array, cell: Cell) -> Array:
    """Encode (n,) values of a fixed cell as an array that can be assigned to a field of `cell_dtype`."""
    layout = cell.layout
    _refuse_unsayable(array, cell)
    if not layout.listed:
        values = _elements(array, cell, scalar=True)
        return np.packbits(values[:, None], axis=1) if layout.kind == "bit" else values
    inner, _ = flatten(array)
    values = _elements(inner, cell, scalar=False)
    rows = len(array) - array.null_count
    values = values.reshape((rows, -1)) if rows else values.reshape((0, _columns(layout)))
    if array.null_count:
        whole = np.full((len(array), values.shape[1]), _blank(cell), values.dtype)
        whole[valid(array)] = values
        values = whole
    return np.packbits(values, axis=1) if layout.kind == "bit" else values  # most significant bit first


def _columns(layout: Layout) -> int:
    return layout.items * layout.parts * ((layout.width or 1) if layout.kind in _TEXTS else 1)


def encode_variable(array: pa.Array, cell: Cell) -> tuple[Lengths, pa.Array]:
    """Encode (n,) values of a variable cell as counts of elements and an Arrow binary array; nulls are empty."""
    layout = cell.layout
    if layout.is_text:
        return _variable_text(array, cell)
    inner, lengths = flatten(array)
    if layout.items > 1 and (lengths % (layout.items if layout.kind != "text" else 1)).any():
        raise refuse(cell, f"the length of an array is no multiple of {layout.items}")
    values = _elements(inner, cell, scalar=False)
    if layout.kind == "bit":
        return lengths, _packed_bits(values, lengths)
    if layout.kind in _TEXTS:
        lengths = lengths * (layout.width or 1)
        data = values.astype(_CODE[layout.atom.datatype])
        return lengths, binary_array(data, lengths * data.dtype.itemsize)
    dtype = cell_dtype(cell).base
    return lengths, binary_array(values.astype(dtype), lengths * dtype.itemsize * layout.parts)


def _variable_text(array: pa.Array, cell: Cell) -> tuple[Lengths, pa.Array]:
    layout = cell.layout
    if layout.kind == "time":
        array = texts(array, layout, VOTABLE)
    elif layout.jsonned:
        array = json_texts(array)
    elif layout.atom.datatype == "char":
        array = pc.fill_null(array, "") if array.null_count else array
        return numbers(pc.binary_length(array), 0).astype(np.int64), array.view(pa.binary())
    data, lengths = text_bytes(array)
    if layout.atom.datatype == "char" or layout.jsonned:
        return lengths, binary_array(data, lengths)
    recoded, units = utf16_units(data, lengths)
    return units, binary_array(np.frombuffer(recoded, np.uint8), units * 2)


def _packed_bits(values: Array, lengths: Lengths) -> pa.Array:
    sizes = (lengths + 7) // 8
    starts = np.repeat((np.cumsum(sizes) - sizes) * 8 - (np.cumsum(lengths) - lengths), lengths)
    bits = np.zeros(int(sizes.sum()) * 8, np.uint8)
    bits[starts + np.arange(len(values))] = values
    return binary_array(np.packbits(bits), sizes)


def _refuse_unsayable(array: pa.Array, cell: Cell) -> None:
    if array.null_count and not cell.flagged and cell.layout.kind == "bit":
        raise refuse(cell, "null bits cannot be said in this format")


def _blank(cell: Cell) -> float:
    """Filling of null values."""
    kind = cell.layout.kind
    if kind == "integer":
        return 0 if cell.null is None else cell.null
    return {"float": np.nan, "complex": np.nan, "boolean": cell.unknown}.get(kind, 0)


def _elements(array: pa.Array, cell: Cell, *, scalar: bool) -> Array:
    return _ELEMENTS[cell.layout.kind](array, cell, scalar)


def _integers(array: pa.Array, cell: Cell, scalar: bool) -> Array:
    if cell.null is None:
        if array.null_count and not (scalar and cell.flagged):
            raise refuse(cell, "a null inside an array of integers cannot be said in this format")
        return numbers(array, 0)
    if pc.any(pc.equal(array, pa.scalar(cell.null, array.type))).as_py():
        raise refuse(cell, f"the value {cell.null} stands for null in this format, but the data contain it")
    return numbers(array, cell.null)


def _floats(array: pa.Array, _cell: Cell, _scalar: bool) -> Array:
    return numbers(array, np.nan)


def _complexes(array: pa.Array, _cell: Cell, _scalar: bool) -> Array:
    inner, _ = flatten(array)
    grid = numbers(inner, np.nan).reshape(-1, 2)
    if array.null_count:
        whole = np.full((len(array), 2), np.nan, grid.dtype)
        whole[valid(array)] = grid
        grid = whole
    return grid


def _booleans(array: pa.Array, cell: Cell, _scalar: bool) -> Array:
    letters = np.where(numbers(array, 0), np.uint8(ord("T")), np.uint8(ord("F")))
    if array.null_count:
        letters[~valid(array)] = cell.unknown
    return letters


def _bits(array: pa.Array, cell: Cell, scalar: bool) -> Array:
    if array.null_count and not (scalar and cell.flagged):
        raise refuse(cell, "a null inside an array of bits cannot be said in this format")
    return numbers(array, 0)


def _texts(array: pa.Array, cell: Cell, _scalar: bool) -> Array:
    layout = cell.layout
    if layout.kind == "time":
        array = texts(array, layout, VOTABLE)
    data, lengths = text_bytes(array)
    units: Array = data
    if layout.atom.datatype == "unicodeChar":
        recoded, lengths = utf16_units(data, lengths)
        units = np.frombuffer(recoded, ">u2")
    width = layout.width or 1
    if len(lengths) and lengths.max() > width:
        raise refuse(cell, f"a text of length {lengths.max()} does not fit the declared arraysize {width}")
    return padded(units, lengths, width)


_ELEMENTS: dict[str, Callable[[pa.Array, Cell, bool], Array]] = {
    "integer": _integers,
    "float": _floats,
    "complex": _complexes,
    "boolean": _booleans,
    "bit": _bits,
    "text": _texts,
    "time": _texts,
}
