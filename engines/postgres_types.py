"""Arrow ↔ PostgreSQL: column types of tables that are brought along, and plain Arrow types of what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..config.errors import EngineError, UploadError

Converter: TypeAlias = Callable[[pa.Array], pa.Array]

_TEXT = 'text COLLATE "C"'  # so that texts compare alike on all engines, and indexes of such columns serve
_TYPES: dict[pa.DataType, str] = {
    pa.bool_(): "boolean",
    pa.uint8(): "smallint",
    pa.int8(): "smallint",
    pa.int16(): "smallint",
    pa.uint16(): "integer",
    pa.int32(): "integer",
    pa.uint32(): "bigint",
    pa.int64(): "bigint",
    pa.float16(): "real",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): _TEXT,
    pa.large_string(): _TEXT,
    pa.string_view(): _TEXT,
    pa.null(): _TEXT,
    pa.timestamp("us"): "timestamp",
}
_EPOCH_DAYS, _EPOCH_US = 10_957, 946_684_800_000_000  # from 1970 to 2000, where PostgreSQL counts from
_FIRST_DAY, _FIRST_US = -2_500_000, -220_000_000_000_000_000  # before 4714 BC, the first day of PostgreSQL
_MOST_COLUMNS = 1600
_DASHES = (8, 12, 16, 20)  # hexadecimal digits of a UUID before each dash
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def postgres_type(arrow: pa.DataType) -> str:
    """Name the type of a column for values of an Arrow type; UploadError where there is none."""
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow) or pa.types.is_fixed_size_list(arrow):
        inner = _TYPES.get(arrow.value_type)
        if inner is not None:
            return inner.replace("text", "text[]", 1) if inner == _TEXT else f"{inner}[]"
    elif arrow in _TYPES:
        return _TYPES[arrow]
    message = f"This service takes no columns of the type {arrow}"
    raise UploadError(message)


def incoming(table: pa.Table) -> pa.Table:
    """Give a table whose moments are `timestamp[us]`, which is all that PostgreSQL can keep.

    UploadError where it has more columns than PostgreSQL takes or names that are alike in their first 63 bytes.
    """
    if table.num_columns > _MOST_COLUMNS:
        message = f"The table has {table.num_columns} columns; this service takes {_MOST_COLUMNS}"
        raise UploadError(message)
    if len({name.encode()[:63] for name in table.column_names}) < table.num_columns:
        message = "Columns of the table have names that are alike in their first 63 bytes, or the same"
        raise UploadError(message)
    kinds = [
        pa.timestamp("us") if pa.types.is_timestamp(field.type) or pa.types.is_date(field.type) else field.type
        for field in table.schema
    ]
    if kinds == table.schema.types:
        return table
    return table.cast(pa.schema([field.with_type(kind) for field, kind in zip(table.schema, kinds, strict=True)]))


def converters(schema: pa.Schema) -> list[Converter | None] | None:
    """Give for each column of a result what makes its type plain (None: nothing to do); None where all are.

    numeric becomes DOUBLE, date and timestamptz become `timestamp[us]` in UTC, infinite moments NULL, uuid, json and
    the like text, bytea a list of bytes. EngineError where a type has no counterpart.
    """
    found = [_converter(field.type) for field in schema]
    return found if any(found) else None


def plain(batch: pa.RecordBatch, steps: Iterable[Converter | None]) -> pa.RecordBatch:
    """Apply converters to the columns of a batch."""
    columns = [column if step is None else step(column) for column, step in zip(batch.columns, steps, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _converter(arrow: pa.DataType) -> Converter | None:
    if pa.types.is_timestamp(arrow):
        return _moments
    if pa.types.is_date(arrow):
        return _days
    if pa.types.is_binary(arrow):
        return _bytes
    if isinstance(arrow, pa.UuidType):
        return _uuids
    if isinstance(arrow, pa.OpaqueType) and arrow.type_name == "numeric":
        return _numbers
    if isinstance(arrow, pa.BaseExtensionType) and pa.types.is_string(arrow.storage_type):
        return _storage
    if pa.types.is_list(arrow):
        inner = _converter(arrow.value_type)
        return None if inner is None else _inside(inner)
    if arrow in _TYPES:
        return None
    message = "The query failed for an internal reason; the operator finds it in the log"
    raise EngineError(message)


def _moments(column: pa.Array) -> pa.Array:
    """Infinity wraps around when the driver moves the origin from 2000 to 1970: it lies below any moment."""
    return _above(column.cast(pa.int64()), _FIRST_US).cast(pa.timestamp("us"))


def _days(column: pa.Array) -> pa.Array:
    days = _above(column.cast(pa.int32()), _FIRST_DAY)
    return pc.multiply(days.cast(pa.int64()), 86_400_000_000).cast(pa.timestamp("us"))


def _above(values: pa.Array, least: int) -> pa.Array:
    found = pc.less(values, pa.scalar(least, values.type))
    return pc.if_else(found, pa.scalar(None, values.type), values) if pc.any(found).as_py() else values


def _numbers(column: pa.Array) -> pa.Array:
    return column.storage.cast(pa.float64())


def _storage(column: pa.Array) -> pa.Array:
    return column.storage


def _bytes(column: pa.Array) -> pa.Array:
    _, offsets, data = column.buffers()
    count = 0 if data is None else data.size
    values = pa.Array.from_buffers(pa.uint8(), count, [None, data])
    places = pa.Array.from_buffers(pa.int32(), len(column) + 1, [None, offsets], offset=column.offset)
    return pa.ListArray.from_arrays(places, values, mask=column.is_null())


def _uuids(column: pa.Array) -> pa.Array:
    stored = column.storage
    raw = np.frombuffer(stored.buffers()[1], dtype=np.uint8)[16 * stored.offset :][: 16 * len(stored)].reshape(-1, 16)
    digits = _HEX[np.stack((raw >> 4, raw & 15), axis=-1).reshape(-1, 32)]
    text = np.insert(digits, _DASHES, ord("-"), axis=1)
    made = pa.FixedSizeBinaryArray.from_buffers(pa.binary(36), len(text), [None, pa.py_buffer(text.tobytes())])
    return pc.if_else(column.is_valid(), made, pa.scalar(None, pa.binary(36))).cast(pa.binary()).cast(pa.string())


def _inside(step: Converter) -> Converter:
    """Apply a converter to the elements of lists."""

    def convert(column: pa.Array) -> pa.Array:
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
        offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int32())
        return pa.ListArray.from_arrays(offsets, step(column.flatten()), mask=column.is_null())

    return convert
