"""Nested Arrow values → JSON texts, column-wise: texts of the leaves are joined level by level."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..config.errors import UploadError

_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_CONTROLS = tuple((chr(code), f"\\u{code:04x}") for code in range(32) if chr(code) not in "\n\r\t")


def json_texts(array: pa.Array) -> pa.Array:
    """Write each value as JSON (RFC 8259); a null value stays null, NaN and infinities within become null."""
    return pc.if_else(array.is_valid(), _texts(array), pa.scalar(None, pa.string()))


def is_list_view(kind: pa.DataType) -> bool:
    """Tell whether values are views of lists."""
    return bool(pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind))


def plain_lists(array: pa.Array) -> pa.Array:
    """Turn views of lists into lists, leave others as they are (Arrow's own cast of views gives broken offsets)."""
    if not is_list_view(array.type):
        return array
    lengths = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int32())
    return pa.ListArray.from_arrays(_offsets(lengths), array.flatten(), mask=array.is_null())


def _offsets(lengths: pa.Array) -> pa.Array:
    return pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths.cast(pa.int32()))])


def _texts(array: pa.Array) -> pa.Array:
    """Write each value, null as the word."""
    kind, is_ = array.type, pa.types
    if is_.is_dictionary(kind):
        return _texts(array.dictionary_decode())
    if is_.is_run_end_encoded(kind):
        return _texts(pc.run_end_decode(array))
    if is_list_view(kind):
        return _texts(plain_lists(array))
    if is_.is_map(kind):
        texts = _map(array)
    elif is_.is_struct(kind):
        texts = _struct(array)
    elif is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind):
        texts = _list(array)
    elif is_.is_floating(kind):
        array = array.cast(pa.float64())
        texts = pc.if_else(pc.is_finite(array), array, pa.scalar(None, array.type)).cast(pa.string())
    elif is_.is_integer(kind) or is_.is_boolean(kind) or is_.is_null(kind):
        texts = array.cast(pa.string())
    else:
        texts = _quoted(array)
    return pc.fill_null(texts, "null")


def _quoted(array: pa.Array) -> pa.Array:
    try:
        texts = array.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        message = f"nested values of the Arrow type {array.type} cannot be read"
        raise UploadError(message) from error
    for plain, escaped in _ESCAPES:
        texts = pc.replace_substring(texts, plain, escaped)
    if pc.any(pc.match_substring_regex(texts, r"[\x00-\x1f]")).as_py():
        for plain, escaped in _CONTROLS:
            texts = pc.replace_substring(texts, plain, escaped)
    return pc.binary_join_element_wise('"', texts, '"', "")


def _list(array: pa.Array) -> pa.Array:
    lists = array.cast(pa.list_(array.type.value_type))
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    return _bracketed("[", _joined(_texts(lists.flatten()), lengths), "]", array)


def _map(array: pa.Array) -> pa.Array:
    lists = pa.ListArray.from_arrays(array.offsets, array.keys, mask=None)
    keys = _quoted(lists.flatten().cast(pa.string()))
    items = _texts(pa.ListArray.from_arrays(array.offsets, array.items).flatten())
    lengths = pc.list_value_length(lists)
    return _bracketed("{", _joined(pc.binary_join_element_wise(keys, items, ":"), lengths), "}", array)


def _struct(array: pa.Array) -> pa.Array:
    parts = []
    for index in range(array.type.num_fields):
        name = _quoted(pa.array([array.type.field(index).name]))[0].as_py()
        parts.append(pc.binary_join_element_wise(f"{name}:", _texts(array.field(index)), ""))
    if not parts:
        return pa.array(["{}"] * len(array), pa.string())
    return _bracketed("{", pc.binary_join_element_wise(*parts, ",") if len(parts) > 1 else parts[0], "}", array)


def _joined(texts: pa.Array, lengths: pa.Array) -> pa.Array:
    return pc.binary_join(pa.ListArray.from_arrays(_offsets(lengths), texts), ",")


def _bracketed(left: str, texts: pa.Array, right: str, array: pa.Array) -> pa.Array:
    whole = pc.binary_join_element_wise(left, texts, right, "")
    return pc.if_else(array.is_valid(), whole, pa.scalar(None, pa.string()))
