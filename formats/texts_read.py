"""Texts → values, a column at a time (VOTable 1.4 section 2.1 and 6, DALI 1.1 section 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..schema.types import ATOMS, FLOATS, INTEGERS, STRINGS, arrow_type
from .votable_fields_read import Field, text_width

_MARK = "\x01"  # not a character of XML
_BOOLEANS = {"T": True, "TRUE": True, "1": True, "F": False, "FALSE": False, "0": False, "?": None}
_BOOLEAN_TEXTS = pa.array(list(_BOOLEANS), pa.string())
_BOOLEAN_VALUES = pa.array(list(_BOOLEANS.values()), pa.bool_())


class BadCell(ValueError):
    """A value that cannot be read; `row` counts from 0 within the column at hand."""

    def __init__(self, row: int, why: str) -> None:
        self.row = row
        super().__init__(why)


def values_of(texts: pa.StringArray, field: Field) -> pa.Array:
    """Convert the cell texts of one column, nulls kept, to the Arrow type of the field.

    An empty text is null for every type (VOTable 1.3+), so is the text of VALUES null=; NaN stays NaN unless it is that
    text. BadCell names the first text that does not fit.
    """
    kind = field.datatype
    if kind in STRINGS:
        return _texts(texts, field)
    if kind == "bit" and not field.scalar:
        return _bits(texts, field)
    if field.scalar and not kind.endswith("Complex"):
        return _SCALARS[kind](_blank_to_null(texts), field)
    return _lists(_blank_to_null(texts), field)


def _texts(texts: pa.StringArray, field: Field) -> pa.Array:
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    if field.null is not None:
        texts = pc.if_else(pc.equal(texts, field.null), pa.scalar(None, pa.string()), texts)
    if field.column.type.xtype == "timestamp":
        return timestamps(texts)
    return texts if field.scalar else text_pieces(texts, field)


def text_pieces(texts: pa.StringArray, field: Field) -> pa.Array:
    """Cut texts into the strings of an array such as `8x10` or `8x*`; trailing blanks and NULs of each are padding."""
    width = text_width(field)
    wanted = arrow_type(field.column.type)
    texts = pc.replace_substring(texts, _MARK, " ")
    if pa.types.is_fixed_size_list(wanted):
        whole = width * wanted.list_size
        texts = pc.utf8_slice_codeunits(pc.utf8_rpad(texts, whole, padding=" "), 0, whole)
    marked = pc.replace_substring_regex(texts, pattern=f"(?s)(.{{{width}}})", replacement=rf"\1{_MARK}")
    parts = pc.split_pattern(pc.replace_substring_regex(marked, pattern=f"{_MARK}$", replacement=""), _MARK)
    lengths = pc.fill_null(pc.list_value_length(parts), 0).to_numpy(zero_copy_only=False)
    null = texts.is_null()
    flat = pc.utf8_rtrim(parts.flatten(), characters=" \0")
    if pa.types.is_fixed_size_list(wanted):
        absent = null.to_numpy(zero_copy_only=False)
        return pa.FixedSizeListArray.from_arrays(_spread(flat, absent, wanted.list_size), type=wanted, mask=null)
    return pa.ListArray.from_arrays(_offsets(lengths), flat, type=wanted, mask=null)


def _blank_to_null(texts: pa.StringArray) -> pa.StringArray:
    trimmed = pc.ascii_trim_whitespace(texts)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _integers(texts: pa.StringArray, field: Field) -> pa.Array:
    """Decimal or 0x integers; the null value is compared as a number, so `-099` and `-99` are the same."""
    wide = _cast(texts, pa.int64(), "an integer of at most 64 bits")
    null = _null_number(field, pa.int64())
    if null is not None:
        wide = pc.if_else(pc.equal(wide, null), pa.scalar(None, pa.int64()), wide)
    wanted = ATOMS[field.datatype].arrow
    if wanted == pa.int64():
        return wide
    try:
        return wide.cast(wanted)
    except pa.ArrowInvalid:
        ends = np.iinfo(wanted.to_pandas_dtype())
        row = _first(pc.or_(pc.less(wide, int(ends.min)), pc.greater(wide, int(ends.max))))
        raise BadCell(row, f"{texts[row].as_py()} is beyond the range of {field.datatype}") from None


def _floats(texts: pa.StringArray, field: Field) -> pa.Array:
    wanted = ATOMS[field.datatype].arrow
    values = _cast(texts, wanted, "a number")
    null = _null_number(field, wanted)
    if null is None:
        return values
    same = pc.is_nan(values) if pc.is_nan(null).as_py() else pc.equal(values, null)
    return pc.if_else(same, pa.scalar(None, wanted), values)


def _cast(texts: pa.StringArray, kind: pa.DataType, what: str) -> pa.Array:
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        pass
    plain = pc.replace_substring_regex(texts, pattern=r"^\+", replacement="")
    try:
        return plain.cast(kind)
    except pa.ArrowInvalid:
        row = first_failure(plain, lambda part: part.cast(kind))
        raise BadCell(row, f"{quoted(texts[row].as_py())} is not {what}") from None


def first_failure(texts: pa.StringArray, convert: Callable[[pa.StringArray], object]) -> int:
    """Find by halving the first text for which `convert` raises ArrowInvalid, one being known to be there."""
    low, high = 0, len(texts)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            convert(texts.slice(low, middle - low))
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low


def _null_number(field: Field, kind: pa.DataType) -> pa.Scalar | None:
    """Read VALUES null= as a number; one that is none can match nothing."""
    if field.null is None or not field.null.strip():
        return None
    try:
        return pa.array([field.null.strip().removeprefix("+")]).cast(kind)[0]
    except pa.ArrowInvalid:
        return None


def _booleans(texts: pa.StringArray, field: Field) -> pa.Array:
    if field.null is not None:
        texts = pc.if_else(pc.equal(texts, field.null.strip()), pa.scalar(None, pa.string()), texts)
    codes = pc.index_in(pc.utf8_upper(texts), value_set=_BOOLEAN_TEXTS)
    wrong = pc.and_(pc.is_null(codes), pc.is_valid(texts))
    if pc.any(wrong).as_py():
        row = _first(wrong)
        raise BadCell(row, f"{quoted(texts[row].as_py())} is no boolean (T, F, 1, 0, true, false or ?)")
    return _BOOLEAN_VALUES.take(codes)


def timestamps(texts: pa.StringArray) -> pa.Array:
    """Read ISO 8601 times as DALI writes them (T or blank between, Z tolerated, UTC); more than 6 decimals are cut."""
    texts = _blank_to_null(texts)
    try:
        return texts.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        pass
    plain = pc.replace_substring_regex(texts, pattern=r"(\.[0-9]{6})[0-9]+", replacement=r"\1")
    plain = pc.replace_substring_regex(plain, pattern=r"\.?[Zz]$|\.$", replacement="")
    try:
        return plain.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        row = first_failure(plain, lambda part: part.cast(pa.timestamp("us")))
        raise BadCell(row, f"{quoted(texts[row].as_py())} is no time of the form YYYY-MM-DDThh:mm:ss.sss") from None


def _bits(texts: pa.StringArray, field: Field) -> pa.Array:
    """Read `0101` texts, whitespace between digits allowed, as lists of booleans."""
    plain = pc.replace_substring_regex(_blank_to_null(texts), pattern=r"\s+", replacement="")
    wrong = pc.invert(pc.match_substring_regex(plain, pattern="^[01]*$"))
    if pc.any(wrong).as_py():
        row = _first(wrong)
        raise BadCell(row, f"{quoted(texts[row].as_py())} is no row of bits (0 and 1)")
    lengths = pc.fill_null(pc.binary_length(plain), 0).to_numpy(zero_copy_only=False)
    present = pa.concat_arrays([plain.drop_null()])
    letters = np.frombuffer(present.buffers()[2] or b"", np.uint8)[: int(lengths.sum())]
    return as_lists(pa.array(letters == ord("1")), lengths, plain.is_null(), field)


def _lists(texts: pa.StringArray, field: Field) -> pa.Array:
    """Read arrays, their elements separated by whitespace (commas are tolerated), in VOTable's order."""
    pieces = pc.utf8_split_whitespace(texts)
    flat = pieces.flatten()
    lengths = pc.fill_null(pc.list_value_length(pieces), 0).to_numpy(zero_copy_only=False)
    base = field.datatype.removesuffix("Complex")
    try:
        values = _SCALARS[base](flat, _element(field, base))
    except BadCell as error:
        row = int(np.searchsorted(np.cumsum(lengths), error.row, side="right"))
        raise BadCell(row, str(error)) from None
    return as_lists(values, lengths, texts.is_null(), field)


def _element(field: Field, datatype: str) -> Field:
    kind = replace(field.column.type, datatype=datatype, arraysize=None, xtype=None)
    return replace(field, column=replace(field.column, type=kind))


def as_lists(values: pa.Array, lengths: NDArray[np.int64], null: pa.BooleanArray, field: Field) -> pa.Array:
    """Fold flat elements into lists of `lengths` (elements of each row, 0 for null rows) as the field wants them.

    For complex types `values` are the parts, two for a number. BadCell where a row has another number of elements than
    the field says.
    """
    wanted = arrow_type(field.column.type)
    parts = 2 if field.datatype.endswith("Complex") else 1
    size = field.count * parts
    absent = null.to_numpy(zero_copy_only=False)
    wrong = (lengths % size != 0) if field.variable else (lengths != size)
    wrong &= ~absent
    if wrong.any():
        row = int(np.argmax(wrong))
        step = "a multiple of " if field.variable else ""
        raise BadCell(row, f"{lengths[row]} elements, but the field has {step}{size}")
    if pa.types.is_fixed_size_list(wanted):
        values = _spread(values, absent, size)
        return _fixed(values, wanted, null)
    inner = wanted.value_type
    if parts == 2:
        values = pa.FixedSizeListArray.from_arrays(values, type=inner)
    return pa.ListArray.from_arrays(_offsets(lengths // parts), values, type=wanted, mask=null)


def _spread(values: pa.Array, absent: NDArray[np.bool_], size: int) -> pa.Array:
    """Put `size` nulls where a row is absent, so that every row has its elements."""
    if not absent.any():
        return values
    rows = np.cumsum(~absent) - 1
    take = (rows[:, None] * size + np.arange(size)).ravel()
    return values.take(pa.array(take, mask=np.repeat(absent, size)))


def _fixed(values: pa.Array, wanted: pa.DataType, null: pa.BooleanArray | None) -> pa.Array:
    inner = wanted.value_type
    if pa.types.is_fixed_size_list(inner):
        values = pa.FixedSizeListArray.from_arrays(values, type=inner)
    return pa.FixedSizeListArray.from_arrays(values, type=wanted, mask=null)


def _offsets(lengths: NDArray[np.int64]) -> pa.Int32Array:
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pa.array(offsets)


def _first(flags: pa.BooleanArray) -> int:
    """Give the index of the first true flag, -1 without one."""
    return int(pc.index(flags, True).as_py())


def quoted(text: str) -> str:
    """Quote a piece of somebody's text for a message, shortened."""
    return f'"{text[:57]}..."' if len(text) > 60 else f'"{text}"'


_SCALARS: dict[str, Callable[[pa.StringArray, Field], pa.Array]] = {
    "boolean": _booleans,
    "bit": _booleans,
    **dict.fromkeys(INTEGERS, _integers),
    **dict.fromkeys(FLOATS, _floats),
}
