"""Arrow arrays seen as plain NumPy columns: nothing here looks at single values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bytes = npt.NDArray[np.uint8]
Lengths = npt.NDArray[np.int64]

PIECE_BYTES = 8_000_000  # most Arrow bytes encoded at a time; far below the 2 GiB of 32-bit offsets
PIECE_ROWS = 65_536


def conform(batch: pa.RecordBatch, types: list[pa.DataType]) -> list[pa.Array]:
    """Give the batch's columns in exactly these Arrow types; ArrowInvalid where a value does not fit."""
    return [array if array.type == kind else array.cast(kind) for array, kind in zip(batch.columns, types, strict=True)]


def pieces(batch: pa.RecordBatch, row_bytes: int = 0) -> Iterator[pa.RecordBatch]:
    """Cut a batch into slices that are encoded one at a time, so that memory does not follow the batch size.

    `row_bytes` is what the fixed cells of a written row take: declared widths can be far beyond what a text fills.
    """
    rows = batch.num_rows
    if not rows:
        return
    step = max(1, min(PIECE_ROWS, rows * PIECE_BYTES // max(1, batch.nbytes), PIECE_BYTES // max(1, row_bytes)))
    for start in range(0, rows, step):
        yield batch.slice(start, step)


def valid(array: pa.Array) -> npt.NDArray[np.bool_]:
    """Give (n,) booleans: true where the value is not null."""
    mask: npt.NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return mask


def numbers(array: pa.Array, fill: float) -> npt.NDArray[Any]:
    """Give (n,) numbers, native byte order, nulls replaced by `fill`; booleans become 0 and 1 in uint8."""
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    if array.null_count:
        array = pc.fill_null(array, pa.scalar(fill, array.type))
    result: npt.NDArray[Any] = array.to_numpy()
    return result


def flatten(array: pa.Array) -> tuple[pa.Array, Lengths]:
    """Give the elements of all lists in one array, and the (n,) number of elements of each (0 for null)."""
    if pa.types.is_fixed_size_list(array.type):
        lengths = valid(array).astype(np.int64) * array.type.list_size
    else:
        lengths = numbers(pc.list_value_length(array), 0).astype(np.int64)
    return array.flatten(), lengths


def offsets_of(lengths: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Give the (n + 1,) running sums of (n,) lengths, starting at 0."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def lists(values: pa.Array, lengths: npt.NDArray[Any]) -> pa.Array:
    """Group `values` into lists of these lengths."""
    return pa.ListArray.from_arrays(pa.array(offsets_of(lengths).astype(np.int32)), values)


def text_bytes(array: pa.Array) -> tuple[Bytes, Lengths]:
    """Give the UTF-8 bytes of all texts in one array, and the (n,) bytes of each (0 for null)."""
    if array.null_count:
        array = pc.fill_null(array, "")
    if not len(array):
        return np.zeros(0, np.uint8), np.zeros(0, np.int64)
    _, offset_buffer, data = array.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, len(array) + 1, array.offset * 4)
    if data is None:
        return np.zeros(0, np.uint8), np.zeros(len(array), np.int64)
    first = int(offsets[0])
    return np.frombuffer(data, np.uint8, int(offsets[-1]) - first, first), np.diff(offsets).astype(np.int64)


def binary_array(data: npt.NDArray[Any], lengths: npt.NDArray[Any]) -> pa.Array:
    """Give an Arrow binary array of n values that lie one after another in `data`; `lengths` in bytes."""
    offsets = offsets_of(lengths).astype(np.int32)
    buffer = pa.py_buffer(np.ascontiguousarray(data).view(np.uint8).reshape(-1))
    return pa.BinaryArray.from_buffers(pa.binary(), len(lengths), [None, pa.py_buffer(offsets), buffer])


def row_array(records: npt.NDArray[Any]) -> pa.Array:
    """Give (n,) packed records as an Arrow binary array, without a copy."""
    size = records.dtype.itemsize
    offsets = np.arange(0, (len(records) + 1) * size, size, dtype=np.int32)
    buffer = pa.py_buffer(records.view(np.uint8).reshape(-1))
    return pa.BinaryArray.from_buffers(pa.binary(), len(records), [None, pa.py_buffer(offsets), buffer])


def utf16_units(data: Bytes, lengths: Lengths) -> tuple[bytes, Lengths]:
    """Recode UTF-8 texts to UTF-16, big-endian; gives the bytes and the (n,) 16-bit units of each text."""
    units = ((data & 0xC0) != 0x80).astype(np.int64)
    units += data >= 0xF0
    return data.tobytes().decode("utf-8").encode("utf-16-be"), np.diff(offsets_of(units)[offsets_of(lengths)])


def padded(data: npt.NDArray[Any], lengths: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    """Spread n runs of `data` over a (n, width) array of zeros; no run may be longer than `width`."""
    if (lengths == width).all():
        return data.reshape(len(lengths), width)
    grid = np.zeros((len(lengths), width), data.dtype)
    grid[np.arange(width) < lengths[:, None]] = data
    return grid
