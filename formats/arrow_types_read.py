"""Any Arrow type → the types of the house, a column at a time.

int8 → short, uint16 → int, uint32 → long, uint64 → text (no VOTable type holds it), float16 → float, decimal → double,
date and timestamp of any unit or zone → timestamp (µs, UTC), time → text, duration → double (s), binary → bytes
(unsignedByte array), dictionaries → their values, structs, maps, lists of texts or lists → JSON text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ..config.errors import UploadError
from ..schema.types import DOUBLE, STRING, TIMESTAMP, VOType, arrow_type, vo_type
from .arrow_json_read import is_list_view, json_texts, plain_lists

JSON = VOType("char", "*", "json")
_TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_NARROW = {
    pa.int8(): VOType("short"),
    pa.uint16(): VOType("int"),
    pa.uint32(): VOType("long"),
    pa.uint64(): STRING,
    pa.float16(): VOType("float"),
}


@dataclass(frozen=True, slots=True)
class Normal:
    """The type that values get, and the way there."""

    type: VOType
    convert: Callable[[pa.Array], pa.Array]


def normal_of(kind: pa.DataType, name: str) -> Normal:
    """Say how values of an Arrow type are brought home; UploadError names a column where there is no way."""
    is_ = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        inner = normal_of(kind.storage_type, name)
        return Normal(inner.type, lambda array: inner.convert(array.storage))
    if is_.is_dictionary(kind) or is_.is_run_end_encoded(kind):
        inner = normal_of(kind.value_type, name)
        return Normal(inner.type, lambda array: inner.convert(_unfolded(array)))
    if kind in _NARROW:
        return _cast_to(_NARROW[kind])
    if is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind) or is_.is_null(kind):
        return Normal(STRING, lambda array: _unfolded(array).cast(pa.string()))
    if is_.is_timestamp(kind) or is_.is_date(kind):
        return Normal(TIMESTAMP, lambda array: array.cast(pa.timestamp("us", _zone(kind)), safe=False).cast(_TIME))
    if is_.is_time(kind):
        return _cast_to(STRING)
    if is_.is_duration(kind):
        ticks = _TICKS[kind.unit]
        return Normal(DOUBLE, lambda array: pc.divide(array.cast(pa.int64()).cast(pa.float64(), safe=False), ticks))
    if is_.is_decimal(kind):
        return _cast_to(DOUBLE)
    if is_.is_binary(kind) or is_.is_large_binary(kind) or is_.is_binary_view(kind) or is_.is_fixed_size_binary(kind):
        return Normal(VOType("unsignedByte", "*"), _bytes)
    if is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind) or is_list_view(kind):
        return _list(kind)
    if is_.is_struct(kind) or is_.is_map(kind):
        return Normal(JSON, json_texts)
    plain = vo_type(kind)
    if plain is None:
        message = f'column "{name}": values of the Arrow type {kind} cannot be read'
        raise UploadError(message)
    return Normal(plain, lambda array: array)


_TIME = pa.timestamp("us")


def _zone(kind: pa.DataType) -> str | None:
    return "UTC" if pa.types.is_timestamp(kind) and kind.tz else None


def _cast_to(vo: VOType) -> Normal:
    return Normal(vo, lambda array: array.cast(arrow_type(vo), safe=False))


def _unfolded(array: pa.Array) -> pa.Array:
    """Undo dictionaries (Parquet texts are read as such) and runs."""
    if pa.types.is_dictionary(array.type):
        return array.dictionary_decode()
    return pc.run_end_decode(array) if pa.types.is_run_end_encoded(array.type) else array


def _bytes(array: pa.Array) -> pa.Array:
    """Turn binary values into lists of unsigned bytes."""
    array = pa.concat_arrays([_unfolded(array).cast(pa.binary())])
    offsets = pa.Array.from_buffers(pa.int32(), len(array) + 1, [None, array.buffers()[1]], offset=array.offset)
    data = array.buffers()[2]
    values = pa.Array.from_buffers(pa.uint8(), data.size if data else 0, [None, data])
    return pa.ListArray.from_arrays(offsets, values, mask=array.is_null())


def _list(kind: pa.DataType) -> Normal:
    """Keep lists of numbers and booleans; others become JSON texts."""
    inner = kind.value_type
    element = _NARROW.get(inner) or vo_type(inner)
    if element is None or element.xtype or element.arraysize or inner == pa.uint64():
        return Normal(JSON, json_texts)
    size = str(kind.list_size) if pa.types.is_fixed_size_list(kind) and kind.list_size > 0 else "*"
    wanted = VOType(element.datatype, size)
    if pa.types.is_fixed_size_list(kind) and size != "*" and not pa.types.is_float16(inner):
        return Normal(wanted, lambda array: array.cast(arrow_type(wanted)))
    return Normal(
        VOType(element.datatype, "*"), lambda array: plain_lists(array).cast(pa.list_(arrow_type(element)), safe=False)
    )
