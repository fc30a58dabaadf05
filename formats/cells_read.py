"""Binary cells → Arrow columns with NumPy: shared by BINARY, BINARY2 and FITS (all big-endian)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..config.errors import UploadError

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

_FALSE, _TRUE, _NULL, _BAD = range(4)


def _boolean_codes() -> NDArray[np.uint8]:
    """What each byte says as a boolean: VOTable 1.4 section 6 (T t 1, F f 0, and NUL, blank, ? for null)."""
    codes = np.full(256, _BAD, np.uint8)
    for letters, code in ((b"Tt1", _TRUE), (b"Ff0", _FALSE), (b"\0 ?", _NULL)):
        codes[list(letters)] = code
    return codes


_BOOLEANS = _boolean_codes()


@dataclass(frozen=True, slots=True)
class Cells:
    """Where the values of one column lie: from `starts` (n,) in `buffer`, `lengths` (n,) bytes each.

    `stride` > 0 tells that the starts are that far apart (and all lengths the same). Cells do not overlap and are in
    ascending order.
    """

    buffer: Bytes
    starts: Places
    lengths: Places
    stride: int = 0

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.starts)

    def compact(self) -> Bytes:
        """Give the bytes of all cells one behind the other."""
        if not len(self.starts):
            return np.empty(0, np.uint8)
        if self.stride:
            width = int(self.lengths[0])
            shape, strides = (len(self.starts), width), (self.stride, 1)
            view = np.ndarray(shape, np.uint8, self.buffer, int(self.starts[0]), strides)
            return np.ascontiguousarray(view).ravel()
        return _data_of(self._pieces(pa.binary()))

    def numbers(self, dtype: str) -> NDArray[np.generic]:
        """Give all elements of all cells as a flat native array; `dtype` is that of the file, such as `>f8`."""
        kind = np.dtype(dtype)
        if self.stride and len(self.starts):
            count = int(self.lengths[0]) // kind.itemsize
            shape, strides = (len(self.starts), count), (self.stride, kind.itemsize)
            view: NDArray[np.generic] = np.ndarray(shape, kind, self.buffer, int(self.starts[0]), strides)
            return view.astype(kind.newbyteorder("=")).ravel()
        return self.compact().view(kind).astype(kind.newbyteorder("="))

    def texts(self) -> pa.StringArray:
        """Give each cell as a text that ends at its first NUL; ValueError where the bytes are not UTF-8."""
        ends = self.starts + self.lengths
        texts = self._pieces(pa.string())
        data = _data_of(texts)
        if not data.size or not (data == 0).any():
            return _valid(texts)
        offsets = np.frombuffer(texts.buffers()[1], np.int32)[: len(texts) + 1].astype(np.int64)
        zeros = np.append(np.flatnonzero(data == 0), data.size)
        first = zeros[np.searchsorted(zeros, offsets[:-1])]
        ends = self.starts + np.minimum(first, offsets[1:]) - offsets[:-1]
        return _valid(_interleaved(self.buffer, self.starts, ends, pa.string()))

    def _pieces(self, kind: pa.DataType) -> pa.Array:
        return _interleaved(self.buffer, self.starts, self.starts + self.lengths, kind)


def _interleaved(buffer: Bytes, starts: Places, ends: Places, kind: pa.DataType) -> pa.Array:
    """Gather pieces of a buffer by one Arrow array of pieces and gaps in turn, from which the pieces are taken."""
    offsets = np.empty(2 * len(starts) + 1, np.int32)
    offsets[0:-1:2], offsets[1:-1:2], offsets[-1] = starts, ends, len(buffer)
    both = pa.Array.from_buffers(kind, 2 * len(starts), [None, pa.py_buffer(offsets), pa.py_buffer(buffer)])
    return both.take(pa.array(np.arange(0, 2 * len(starts), 2)))


def _data_of(array: pa.Array) -> Bytes:
    """Give the bytes of all values of a freshly made binary or string array."""
    offsets = np.frombuffer(array.buffers()[1], np.int32)
    data = array.buffers()[2]
    return np.frombuffer(data, np.uint8)[: int(offsets[len(array)])] if data else np.empty(0, np.uint8)


def _valid(texts: pa.StringArray) -> pa.StringArray:
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as error:
        message = "a text is not UTF-8"
        raise ValueError(message) from error
    return texts


def booleans(data: Bytes) -> tuple[Flags, Flags, Flags]:
    """Read bytes as (values, nulls, bytes that are no booleans)."""
    codes = _BOOLEANS[data]
    return codes == _TRUE, codes == _NULL, codes == _BAD


def bits(data: Bytes, width: int, count: int) -> Flags:
    """Unpack rows of `width` bytes into their first `count` bits each, most significant first, flat."""
    return np.unpackbits(data.reshape(-1, width), axis=1, count=count).view(np.bool_).ravel()


def utf16(cells: Cells) -> pa.StringArray:
    """Read big-endian UTF-16 texts, each ending at its first NUL; ValueError where they are none."""
    lengths = cells.lengths // 2
    ends = np.cumsum(lengths)
    units = np.insert(cells.compact().view(">u2").astype("<u2"), ends, 0)  # a NUL behind every text
    begins = ends - lengths + np.arange(len(cells))
    rows = np.repeat(np.arange(len(cells)), lengths + 1)
    zeros = np.cumsum(units == 0) - (units == 0)  # NULs before each unit
    kept = units[zeros == zeros[begins][rows]]
    try:
        text = kept.tobytes().decode("utf-16-le").encode()
    except UnicodeDecodeError as error:
        message = "a text is not UTF-16"
        raise ValueError(message) from error
    data = np.frombuffer(text, np.uint8)
    stops = np.flatnonzero(data == 0)
    return _interleaved(data, np.append(0, stops + 1)[: len(stops)], stops, pa.string())


def fixed_list(values: pa.Array, kind: pa.DataType, null: Flags | None) -> pa.Array:
    """Fold flat elements (all rows, null ones too) into lists of a fixed size, of pairs where `kind` is complex."""
    if pa.types.is_fixed_size_list(kind.value_type):
        values = pa.FixedSizeListArray.from_arrays(values, type=kind.value_type)
    return pa.FixedSizeListArray.from_arrays(values, type=kind, mask=_mask(null))


def open_list(values: pa.Array, lengths: Places, kind: pa.DataType, null: Flags | None) -> pa.Array:
    """Fold flat elements into lists of `lengths` elements."""
    if pa.types.is_fixed_size_list(kind.value_type):
        values = pa.FixedSizeListArray.from_arrays(values, type=kind.value_type)
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=kind, mask=_mask(null))


def _mask(null: Flags | None) -> pa.BooleanArray | None:
    return None if null is None else pa.array(null)


def scalars(values: NDArray[np.generic], null: Flags | None, kind: pa.DataType) -> pa.Array:
    """Give a NumPy column as Arrow of type `kind`."""
    return pa.array(values, type=kind, mask=null if null is not None and null.any() else None)


def with_nulls(array: pa.Array, null: Flags | None) -> pa.Array:
    """Put nulls where `null` is true."""
    if null is None or not null.any():
        return array
    return pc.if_else(pa.array(null), pa.scalar(None, array.type), array)


def refuse_overlong(buffer_bytes: int) -> None:
    """Raise UploadError where a piece of a file is too long for Arrow's 32-bit offsets."""
    if buffer_bytes >= 1 << 31:
        message = "a block of rows has more than 2 GiB"
        raise UploadError(message)


def open_bits(data: Bytes, counts: Places) -> Flags:
    """Unpack bit arrays of `counts` bits each, every one beginning with a new byte, flat."""
    loose = np.unpackbits(data).view(np.bool_)
    spaces = (counts + 7) // 8 * 8
    before = np.repeat(np.cumsum(spaces) - spaces, spaces)
    return loose[np.arange(len(loose)) - before < np.repeat(counts, spaces)]


def split(cells: Cells, width: int) -> tuple[Cells, Places]:
    """Cut cells into pieces of `width` bytes, the strings of arrays; the last of a cell may be shorter.

    Gives the pieces of all cells and the (n,) number of pieces of each.
    """
    counts = -(-cells.lengths // width)
    before = np.repeat(np.cumsum(counts) - counts, counts)
    steps = (np.arange(int(counts.sum()), dtype=np.int64) - before) * width
    lengths = np.minimum(width, np.repeat(cells.lengths, counts) - steps)
    return Cells(cells.buffer, np.repeat(cells.starts, counts) + steps, lengths), counts
