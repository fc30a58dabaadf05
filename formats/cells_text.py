"""Column → texts, shared by TABLEDATA, CSV, TSV, JSON and HTML. Nulls stay nulls.

Numbers are Arrow's shortest texts that restore the exact value. Timestamps are DALI 1.1 section 3.3.3 without zone;
those beyond the years 1 to 9999 (an engine's "infinity") have no such text and become null.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..config.errors import ParameterError
from .arrays import flatten, lists, numbers, text_bytes
from .layout import Layout


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a text format spells what formats differ in.

    `escape` makes a text fit for the format; `opening`, `between`, `closing` frame arrays; `nothing` is a null
    element of an array of each kind, where a missing kind cannot be said.
    """

    true: str
    false: str
    nan: str
    infinity: str
    minus_infinity: str
    nothing: dict[str, str]
    escape: Callable[[pa.Array], pa.Array]
    opening: str = ""
    between: str = " "
    closing: str = ""


def texts(array: pa.Array, layout: Layout, spelling: Spelling) -> pa.Array:
    """Give the (n,) values of a column as an Arrow string array; null stays null."""
    if layout.kind == "text" and layout.listed:
        return _text_lists(array, layout, spelling)
    if not layout.listed:
        return _SCALARS[layout.kind](array, spelling)
    joined = _joined(array, _SCALARS[layout.kind], spelling, spelling.between, layout.kind)
    return _framed(joined, spelling)


def has_byte(array: pa.Array, bytes_: bytes, controls: bool = True) -> bool:
    """Tell whether any text holds one of these bytes, or (with `controls`) one below the blank."""
    data, _ = text_bytes(array)
    if controls and bool((data < 0x20).any()):
        return True
    return any(bool((data == byte).any()) for byte in bytes_)


def escape_json(array: pa.Array) -> pa.Array:
    """Write texts as JSON strings, quotes included (RFC 8259 section 7)."""
    if has_byte(array, b'\\"'):
        array = pc.replace_substring(array, "\\", "\\\\")
        array = pc.replace_substring(array, '"', '\\"')
        data, _ = text_bytes(array)
        for code in np.unique(data[data < 0x20]).tolist():
            array = pc.replace_substring(array, chr(code), f"\\u{code:04x}")
    return pc.binary_join_element_wise('"', array, '"', "")


def json_texts(array: pa.Array) -> pa.Array:
    """Write lists of texts as JSON arrays: `["a", null]` (xtype json of DALI 1.2)."""
    return _framed(_joined(array, lambda flat, _: escape_json(flat), JSON, ",", "text"), JSON)


_XML = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;"))
_NOT_XML = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{FFFE}\x{FFFF}]"


def escape_xml(array: pa.Array) -> pa.Array:
    """Make texts fit for XML 1.0; characters that XML forbids become U+FFFD, the replacement character."""
    if has_byte(array, b"&<>\xef"):
        for plain, escaped in _XML:
            array = pc.replace_substring(array, plain, escaped)
        array = pc.replace_substring_regex(array, _NOT_XML, "\ufffd")
    return array


def _joined(
    array: pa.Array,
    spell: Callable[[pa.Array, Spelling], pa.Array],
    spelling: Spelling,
    between: str,
    kind: str,
) -> pa.Array:
    """Spell the elements of lists and join them; null lists stay null."""
    inner, lengths = flatten(array)
    spelt = spell(inner, spelling)
    if spelt.null_count:
        if kind not in spelling.nothing:
            message = (
                f"A null inside an array of type {kind} cannot be said in this format. Ask for RESPONSEFORMAT=parquet"
            )
            raise ParameterError(message)
        spelt = pc.fill_null(spelt, spelling.nothing[kind])
    return _nulls_of(array, pc.binary_join(lists(spelt, lengths), between))


def _nulls_of(array: pa.Array, spelt: pa.Array) -> pa.Array:
    return pc.if_else(array.is_valid(), spelt, None) if array.null_count else spelt


def _framed(array: pa.Array, spelling: Spelling) -> pa.Array:
    if not spelling.opening:
        return array
    return pc.binary_join_element_wise(spelling.opening, array, spelling.closing, "")


def _text_lists(array: pa.Array, layout: Layout, spelling: Spelling) -> pa.Array:
    if spelling.opening:
        return json_texts(array)
    if layout.jsonned or "text" not in spelling.nothing:
        return spelling.escape(json_texts(array))
    width = layout.width or 1
    padded = _joined(array, lambda flat, _: pc.utf8_rpad(pc.fill_null(flat, ""), width), spelling, "", "text")
    return spelling.escape(padded)


def _spell_integers(array: pa.Array, _spelling: Spelling) -> pa.Array:
    return array.cast(pa.string())


def _spell_floats(array: pa.Array, spelling: Spelling) -> pa.Array:
    spelt = array.cast(pa.string())
    values = numbers(array, 0.0)
    zeros = values == 0
    if np.isfinite(values).all() and not zeros.any():
        return spelt
    for mask, name in (
        (zeros & np.signbit(values), "-0.0"),  # Arrow writes -0, which JSON readers take for the integer 0
        (np.isnan(values), spelling.nan),
        (values == np.inf, spelling.infinity),
        (values == -np.inf, spelling.minus_infinity),
    ):
        if mask.any():
            spelt = pc.if_else(pa.array(mask), pa.scalar(name), spelt)
    return spelt


def _spell_complexes(array: pa.Array, spelling: Spelling) -> pa.Array:
    spelt = _joined(array, _spell_floats, spelling, spelling.between, "float")
    return _framed(spelt, spelling)


def _spell_booleans(array: pa.Array, spelling: Spelling) -> pa.Array:
    return pc.if_else(array, spelling.true, spelling.false)


def _spell_bits(array: pa.Array, _spelling: Spelling) -> pa.Array:
    return pc.if_else(array, "1", "0")


def _spell_texts(array: pa.Array, spelling: Spelling) -> pa.Array:
    return spelling.escape(array)


_FIRST_US = -62_135_596_800_000_000  # 0001-01-01T00:00:00
_LAST_US = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999


def _spell_times(array: pa.Array, spelling: Spelling) -> pa.Array:
    ticks = array.view(pa.int64())
    sayable = pc.and_(pc.greater_equal(ticks, _FIRST_US), pc.less_equal(ticks, _LAST_US))
    if pc.all(sayable).as_py() is False:
        array = pc.if_else(sayable, array, None)
    if (numbers(ticks, 0) % 1_000_000).any():
        spelt = pc.replace_substring(array.cast(pa.string()), ".000000", "")
        spelt = pc.replace_substring_regex(spelt, r"(\.[0-9]*[1-9])0+$", r"\1")
    else:
        spelt = array.cast(pa.timestamp("s"), safe=False).cast(pa.string())
    return spelling.escape(pc.replace_substring(spelt, " ", "T"))


_SCALARS: dict[str, Callable[[pa.Array, Spelling], pa.Array]] = {
    "integer": _spell_integers,
    "float": _spell_floats,
    "complex": _spell_complexes,
    "boolean": _spell_booleans,
    "bit": _spell_bits,
    "text": _spell_texts,
    "time": _spell_times,
}

VOTABLE = Spelling(
    "T",
    "F",
    "NaN",
    "+Inf",
    "-Inf",
    {"float": "NaN", "complex": "NaN NaN", "boolean": "?", "text": ""},
    lambda plain: plain,
)
XML = Spelling("T", "F", "NaN", "+Inf", "-Inf", VOTABLE.nothing, escape_xml)
_JSON_NULLS = dict.fromkeys(("integer", "float", "complex", "boolean", "bit", "text"), "null")
JSON = Spelling(
    "true",
    "false",
    '"NaN"',
    '"Infinity"',
    '"-Infinity"',
    _JSON_NULLS,
    escape_json,
    opening="[",
    between=",",
    closing="]",
)
