"""ECSV 1.0 (Astropy Proposal for Enhancement 6): CSV behind a header of comment lines that hold YAML.

Columns come with type, unit and description, UCD, utype and xtype as their `meta`; `meta` of the table holds the query
and where the data come from. Null and the empty text are an empty field (of texts astropy makes null of both).
Arrays are JSON in the shape of NumPy, the slowest index first; open ones are flat. Complex numbers are pairs.
Timestamps are texts. A cut result ends with the line
`# OVERFLOW: …`, which readers of ECSV skip, so `meta` also points to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..schema.model import Column
from ..schema.types import VOType, arrow_type
from .arrays import conform, flatten, lists
from .cells_text import JSON, Spelling, escape_json, has_byte, texts
from .layout import Layout, layout_of, unique_names
from .pipeline import encoded
from .rows import join_rows, join_texts
from .stream import Chunk, ResultInfo, ResultStream
from .text_write import join_lines

_TYPES = {
    "boolean": "bool",
    "bit": "bool",
    "unsignedByte": "uint8",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "floatComplex": "float32",
    "doubleComplex": "float64",
    "char": "string",
    "unicodeChar": "string",
}
# What json leaves as it is, but YAML or a reader of lines takes for a line break or refuses.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SPECIAL = b'",#'


def quote_ecsv(array: pa.Array) -> pa.Array:
    """Quote the texts that need it: those with a comma, quote, `#`, control character or blank at an end."""
    if not has_byte(array, _SPECIAL) and not pc.any(pc.match_substring_regex(array, r"^\s|\s$")).as_py():
        return array
    needed = pc.match_substring_regex(array, r'[",#\x00-\x1f]|^\s|\s$')
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(array, '"', '""'), '"', "")
    return pc.if_else(needed, quoted, array)


ECSV = Spelling("True", "False", "nan", "inf", "-inf", {}, quote_ecsv)
# Astropy reads arrays with Python's json, which knows these words.
_INSIDE = replace(JSON, nan="NaN", infinity="Infinity", minus_infinity="-Infinity")


def write_ecsv(stream: ResultStream) -> Iterator[Chunk]:
    """Write ECSV with commas; errors of the source break the transfer."""
    try:
        names = unique_names(list(stream.columns))
        columns = [replace(column, name=name) for column, name in zip(stream.columns, names, strict=True)]
        yield header(columns, stream.info) + join_texts([quote_ecsv(pa.array([name])) for name in names], "", ",", "\n")
        types = [arrow_type(column.type) for column in columns]
        layouts = [layout_of(column.type) for column in columns]

        def lines(piece: pa.RecordBatch) -> bytes:
            cells = [_cells(array, layout) for array, layout in zip(conform(piece, types), layouts, strict=True)]
            return join_lines(cells, ",", "\n")

        yield from encoded(stream, lines)
        if stream.overflow:
            note = f"# OVERFLOW: the result was cut after {stream.rows} rows; there are more"
            yield join_rows(pa.array([note]), "", "\n")
    finally:
        stream.close()


def header(columns: Sequence[Column], about: ResultInfo) -> bytes:
    """Write the comment lines before the line of names."""
    meta: dict[str, Any] = {"title": about.title} if about.title else {}
    for name, value in about.infos:
        meta.setdefault(name, []).append(value)
    meta = {name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in meta.items()}
    meta.setdefault("query", about.query)
    meta["status"] = "OK unless the last line of the file is a comment that says OVERFLOW"
    lines = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:"]
    lines += [f"- {_yaml(_described(column))}" for column in columns]
    lines += [f"meta: {_yaml(meta)}", "schema: astropy-2.0"]
    return "".join(f"# {line}\n" for line in lines).encode()


def _described(column: Column) -> dict[str, Any]:
    """Give the entry of a column in the header."""
    kind, layout = column.type, layout_of(column.type)
    datatype = _TYPES[kind.datatype]
    entry: dict[str, Any] = {"name": column.name}
    entry |= {"unit": column.unit} if column.unit else {}
    if layout.listed or layout.kind == "complex":
        sizes = ",".join(map(str, reversed(_shape(layout)))) or "null"
        entry |= {"datatype": "string", "subtype": f"{datatype}[{sizes}]"}
    else:
        entry["datatype"] = datatype
    entry |= {"description": column.description} if column.description else {}
    meta = {"ucd": column.ucd, "utype": column.utype, "xtype": kind.xtype}
    if _is_more(kind):
        meta |= {"datatype": kind.datatype, "arraysize": kind.arraysize}
    meta = {key: value for key, value in meta.items() if value}
    return entry | ({"meta": meta} if meta else {})


def _is_more(kind: VOType) -> bool:
    """Tell whether a type says more than datatype and subtype of ECSV can."""
    plain = kind.arraysize in {None, "*"} or (kind.arraysize or "").isdigit()
    if kind.datatype == "char":
        return kind.arraysize != "*"
    return not plain or kind.datatype in {"bit", "unicodeChar"} or kind.datatype.endswith("Complex")


def _yaml(value: object) -> str:
    """Write a value as JSON that is YAML 1.1, too."""
    plain = json.dumps(value, ensure_ascii=False)
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", plain)


def _cells(array: pa.Array, layout: Layout) -> pa.Array:
    if layout.listed or layout.kind == "complex":
        return quote_ecsv(_arrays(array, layout))
    return texts(array, replace(layout, kind="boolean") if layout.kind == "bit" else layout, ECSV)


def _shape(layout: Layout) -> tuple[int, ...]:
    """Give the shape of an array, fastest index first; () where it is open and therefore flat."""
    parts = (2,) if layout.kind == "complex" else ()
    return () if layout.variable else parts + layout.dimensions


def _arrays(array: pa.Array, layout: Layout) -> pa.Array:
    """Write arrays as JSON, nested by their dimensions; null stays null."""
    inner, lengths = flatten(array)
    kind = {"bit": "boolean", "complex": "float"}.get(layout.kind, layout.kind)
    if layout.kind == "complex" and layout.listed:
        inner, _ = flatten(pc.fill_null(inner, pa.scalar([np.nan, np.nan], inner.type)) if inner.null_count else inner)
        lengths = lengths * 2
    spelt = escape_json(inner) if kind == "text" else texts(inner, replace(layout, listed=False, kind=kind), _INSIDE)
    spelt = pc.fill_null(spelt, "null") if spelt.null_count else spelt
    for size in _shape(layout)[:-1]:
        spelt = _grouped(spelt, np.full(len(spelt) // size, size))
        lengths = lengths // size
    whole = _grouped(spelt, lengths)
    return pc.if_else(array.is_valid(), whole, None) if array.null_count else whole


def _grouped(values: pa.Array, lengths: npt.NDArray[Any]) -> pa.Array:
    return pc.binary_join_element_wise("[", pc.binary_join(lists(values, lengths), ","), "]", "")
