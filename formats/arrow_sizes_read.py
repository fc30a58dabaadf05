"""How large Arrow values become once dictionaries, runs and views are undone: a small file can stand for terabytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..config.errors import UploadError, UploadTooLarge
from .source import BATCH_BYTES, ReadLimits

Sizes = NDArray[np.int64]


def cut_to_size(batch: pa.RecordBatch, names: Sequence[str], limits: ReadLimits) -> Iterator[pa.RecordBatch]:
    """Cut a batch so that the values of no piece have more than a batch's bytes once they are unfolded.

    UploadTooLarge names the column of a value beyond `limits.cell_bytes`.
    """
    sizes = np.zeros(batch.num_rows, np.int64)
    for name, array in zip(names, batch.columns, strict=True):
        if _is_plain(array.type):
            continue
        own = value_bytes(array)
        if len(own) and own.max() > limits.cell_bytes:
            message = f'column "{name}": a value has more than {limits.cell_bytes} bytes, the limit'
            raise UploadTooLarge(message)
        sizes += own
    ends = np.cumsum(sizes)
    start = 0
    while start < batch.num_rows:
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + BATCH_BYTES, side="right")))
        yield batch.slice(start, stop - start)
        start = stop


def _is_plain(kind: pa.DataType) -> bool:
    is_ = pa.types
    return bool(is_.is_primitive(kind) or is_.is_boolean(kind) or is_.is_null(kind) or is_.is_decimal(kind))


def value_bytes(array: pa.Array) -> Sizes:
    """Give the bytes that each value takes once it is unfolded, 0 for null texts; UploadError for unknown types."""
    kind, is_ = array.type, pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return value_bytes(array.storage)
    if is_.is_dictionary(kind):
        places = pc.fill_null(array.indices.cast(pa.int64()), len(array.dictionary))
        return _picked(np.append(value_bytes(array.dictionary), 0), places.to_numpy())
    if is_.is_run_end_encoded(kind):
        ends = array.run_ends.to_numpy()
        rows = array.offset + np.arange(len(array))
        return _picked(value_bytes(array.values), np.searchsorted(ends, rows, side="right"))
    if is_.is_string_view(kind) or is_.is_binary_view(kind):
        return _view_bytes(array)
    if _is_plain(kind):
        return np.full(len(array), 0 if is_.is_null(kind) else max(1, kind.bit_width // 8), np.int64)
    if is_.is_struct(kind):
        parts = [value_bytes(array.field(index)) for index in range(kind.num_fields)]
        return np.sum(parts, axis=0) if parts else np.zeros(len(array), np.int64)
    if kind.num_fields:
        return _list_bytes(array)
    try:
        known = pc.fill_null(pc.binary_length(array).cast(pa.int64()), 0)
    except pa.ArrowNotImplementedError as error:
        message = f"values of the Arrow type {kind} cannot be read"
        raise UploadError(message) from error
    sizes: Sizes = known.to_numpy()
    return sizes


def _picked(sizes: Sizes, places: Sizes) -> Sizes:
    return sizes[places]


def _view_bytes(array: pa.Array) -> Sizes:
    """Read the length with which each view of 16 bytes begins."""
    views = np.frombuffer(array.buffers()[1], np.int32).reshape(-1, 4)[array.offset : array.offset + len(array), 0]
    absent = array.is_null().to_numpy(zero_copy_only=False)
    return np.where(absent, 0, views).astype(np.int64)


def _list_bytes(array: pa.Array) -> Sizes:
    """Sum over the elements of lists of any kind, and of maps."""
    kind, is_ = array.type, pa.types
    parts = (array.keys, array.items) if is_.is_map(kind) else (array.values,)
    inner: Sizes = np.sum([value_bytes(part) for part in parts], axis=0)
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(inner)])
    if is_.is_fixed_size_list(kind):
        bounds = (array.offset + np.arange(len(array) + 1)) * kind.list_size
        return _picked(sums, bounds[1:]) - _picked(sums, bounds[:-1])
    offsets = array.offsets.to_numpy().astype(np.int64)
    if is_.is_list_view(kind) or is_.is_large_list_view(kind):
        absent = array.is_null().to_numpy(zero_copy_only=False)
        begins = np.where(absent, 0, offsets)
        ends = begins + np.where(absent, 0, array.sizes.to_numpy())
        return _picked(sums, ends) - _picked(sums, begins)
    return _picked(sums, offsets[1:]) - _picked(sums, offsets[:-1])
