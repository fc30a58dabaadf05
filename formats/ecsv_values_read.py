"""Values of ECSV columns: Python's words for numbers, and JSON for arrays (Astropy APE 6)."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson

from ..config.errors import UploadError
from ..schema.types import FLOATS, STRINGS, VOType, arrow_type
from .source import OPERATOR
from .texts_read import BadCell, first_failure, timestamps, values_of
from .votable_fields_read import Field, make_field

_NUMBER = r"[+-]?(?:[0-9.]+(?:[eE][+-]?[0-9]+)?|nan|inf)"
_COMPLEX = rf"^\(?({_NUMBER})([+-](?:[0-9.]+(?:[eE][+-]?[0-9]+)?|nan|inf))j\)?$"
_BRACKETS = r"[\[\],\s]+"
_WRITTEN = {"bit": "boolean"}
_ROW = pa.schema([("value", pa.list_(pa.string()))])
Convert = Callable[[pa.StringArray], pa.Array]


def ecsv_values(kind: VOType) -> Convert:
    """Give the function that reads the texts of a column; empty ones are null for every type."""
    if kind.datatype in STRINGS:
        return _texts(kind)
    bits = kind.datatype == "bit"  # written as booleans, which Arrow keeps alike
    attributes = {"datatype": "boolean" if bits else kind.datatype, "arraysize": kind.arraysize or ""}
    one = make_field(attributes, 1, OPERATOR)
    if kind.arraysize is not None:
        nothing = {"boolean": "?"} | dict.fromkeys(FLOATS | {"floatComplex", "doubleComplex"}, "nan")
        return lambda texts: _arrays(texts, one, nothing.get(one.datatype, "null"))
    if kind.datatype.endswith("Complex"):
        return lambda texts: values_of(_elements(pc.replace_substring_regex(texts, _COMPLEX, r"\1 \2"), "nan"), one)
    return lambda texts: values_of(texts, one)


def _texts(kind: VOType) -> Convert:
    if kind.xtype == "timestamp":
        return timestamps
    wanted = arrow_type(kind)
    return (lambda texts: texts) if wanted == pa.string() else lambda texts: _lists(texts, wanted)


def _arrays(texts: pa.StringArray, one: Field, nothing: str) -> pa.Array:
    """Read JSON arrays of numbers; `[]` is an array without elements, not null."""
    lists = values_of(_elements(texts, nothing), one)
    absent = pc.and_(lists.is_null(), pc.invert(pc.fill_null(pc.match_substring(texts, "["), False)))
    if lists.null_count == pc.sum(absent).as_py() or pa.types.is_fixed_size_list(lists.type):
        return lists
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    return pa.ListArray.from_arrays(offsets, lists.flatten(), type=lists.type, mask=absent)


def _elements(texts: pa.StringArray, nothing: str) -> pa.StringArray:
    """Turn JSON arrays of numbers into elements between blanks, a null within into `nothing`."""
    texts = pc.replace_substring(texts, "null", nothing)
    return pc.replace_substring_regex(texts, pattern=_BRACKETS, replacement=" ")


def _lists(texts: pa.StringArray, wanted: pa.DataType) -> pa.Array:
    """Read JSON arrays of texts."""
    try:
        return _json(texts).cast(wanted)
    except pa.ArrowInvalid:
        row = first_failure(texts, lambda part: _json(part).cast(wanted))
        size = f" of {wanted.list_size}" if pa.types.is_fixed_size_list(wanted) else ""
        raise BadCell(row, f"the value is no JSON array{size} of texts") from None


def _json(texts: pa.StringArray) -> pa.ListArray:
    plain = pc.fill_null(pc.replace_substring_regex(texts, pattern=r"[\r\n]", replacement=" "), "null")
    rows = pc.binary_join_element_wise('{"value":', plain, "}\n", "")
    document = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows), "")[0].as_buffer()
    if not len(rows):
        return pa.array([], _ROW[0].type)
    read = pajson.read_json(
        pa.BufferReader(document),
        pajson.ReadOptions(use_threads=False, block_size=document.size + 1),
        pajson.ParseOptions(explicit_schema=_ROW, unexpected_field_behavior="error"),
    )
    if read.num_rows != len(rows):
        message = "a value ends its row"
        raise pa.ArrowInvalid(message)
    return read.column(0).combine_chunks()


def told_type(found: VOType, datatype: str, arraysize: str, xtype: str) -> VOType:
    """Give the type that the `meta` of a column tells beyond what ECSV itself can say; `found` where it does not fit.

    Bits are written as booleans, complex numbers as pairs, texts of a declared length and arrays of texts as texts.
    """
    attributes = {
        "datatype": datatype or found.datatype,
        "arraysize": arraysize if datatype else found.arraysize or "",
        "xtype": xtype or ("" if datatype else found.xtype or ""),
    }
    try:
        said = make_field(attributes, 1, OPERATOR).column.type
    except UploadError:
        return found
    return said if _stored(said) == _stored(found) else found


def _stored(kind: VOType) -> tuple[str, int]:
    """Say how ECSV holds values of a type: what is in a cell, and how many of it (0: any number)."""
    if kind.datatype in STRINGS:
        return ("texts" if "x" in (kind.arraysize or "") or kind.xtype == "json" else "text"), 0
    sizes = kind.arraysize.split("x") if kind.arraysize else []
    count = 0 if any(size.endswith("*") for size in sizes) else prod(map(int, sizes))
    part = kind.datatype.removesuffix("Complex")
    return _WRITTEN.get(part, part), count * (2 if part != kind.datatype else 1)
