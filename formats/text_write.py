"""CSV (RFC 4180) and TSV.

CSV: a null is an empty field, the empty text is `""`. TSV: no quotes exist, so tabs and line breaks inside texts
become blanks, and null and the empty text are both empty. In both, floats are written as the shortest text that
restores them, with `NaN`, `Infinity` and `-Infinity`; booleans are `true` and `false`; arrays are numbers with blanks
between, arrays of texts are JSON.

Neither format can say that a result was cut. Silence would make a part look like the whole, so the last line is then
`# OVERFLOW: …`. Readers that know `#` comments skip it; for others it is a row with the wrong number of fields, which
is noticed. A text of the data that starts with `#` is quoted in CSV, so it cannot be mistaken for that line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from ..schema.types import arrow_type
from .arrays import conform
from .cells_text import JSON, Spelling, has_byte, texts
from .layout import layout_of
from .pipeline import encoded
from .rows import join_rows, join_texts
from .stream import Chunk, ResultStream

_SPECIAL = b'",\n\r#'


def quote_csv(array: pa.Array) -> pa.Array:
    """Quote the texts that need it: those with a comma, quote or line break, a leading `#`, and the empty text."""
    empty = bool(pc.any(pc.equal(pc.binary_length(array), 0)).as_py())
    if not empty and not has_byte(array, _SPECIAL, controls=False):
        return array
    needed = pc.match_substring_regex(array, r'[",\r\n]|^#|^$')
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(array, '"', '""'), '"', "")
    return pc.if_else(needed, quoted, array)


def clean_tsv(array: pa.Array) -> pa.Array:
    """Replace tabs and line breaks by blanks."""
    return pc.replace_substring_regex(array, r"[\t\r\n]", " ") if has_byte(array, b"") else array


_NULLS = {kind: "null" for kind in JSON.nothing if kind != "text"}
CSV = Spelling("true", "false", "NaN", "Infinity", "-Infinity", _NULLS, quote_csv)
TSV = replace(CSV, escape=clean_tsv)


def write_csv(stream: ResultStream) -> Iterator[Chunk]:
    """Write CSV with a first line of column names; errors of the source break the transfer."""
    return _write(stream, CSV, ",", "\r\n", _csv_names)


def write_csv_bare(stream: ResultStream) -> Iterator[Chunk]:
    """Write CSV without a line of column names (media type parameter header=absent)."""
    return _write(stream, CSV, ",", "\r\n", _no_names)


def write_tsv(stream: ResultStream) -> Iterator[Chunk]:
    """Write tab-separated values with a first line of column names; errors of the source break the transfer."""
    return _write(stream, TSV, "\t", "\n", _names)


def join_lines(cells: list[pa.Array], between: str, end: str) -> bytes:
    """Write rows of cells, null as the empty field; a lone one is `""`, since readers pass over empty lines."""
    if len(cells) != 1:
        return join_texts(cells, "", between, end)
    text = pc.if_else(pc.equal(cells[0], ""), pa.scalar(None, cells[0].type), cells[0])
    return join_texts([text], "", between, end, null='""')


def _csv_names(stream: ResultStream, spelling: Spelling, between: str, end: str) -> bytes:
    """Quote names with blanks, too: a line of one such name and nothing else could be taken for prose."""
    names = [spelling.escape(pa.array([column.name])) for column in stream.columns]
    quoted = [pc.replace_substring_regex(name, r'^([^"]*\s[^"]*)$', r'"\1"') for name in names]
    return join_texts(quoted, "", between, end)


def _names(stream: ResultStream, spelling: Spelling, between: str, end: str) -> bytes:
    names = [spelling.escape(pa.array([column.name])) for column in stream.columns]
    return join_texts(names, "", between, end)


def _no_names(stream: ResultStream, spelling: Spelling, between: str, end: str) -> bytes:
    del stream, spelling, between, end
    return b""


def _write(
    stream: ResultStream,
    spelling: Spelling,
    between: str,
    end: str,
    head: Callable[[ResultStream, Spelling, str, str], bytes],
) -> Iterator[Chunk]:
    try:
        yield head(stream, spelling, between, end)
        types = [arrow_type(column.type) for column in stream.columns]
        layouts = [layout_of(column.type) for column in stream.columns]

        def lines(piece: pa.RecordBatch) -> bytes:
            arrays = conform(piece, types)
            cells = [texts(array, layout, spelling) for array, layout in zip(arrays, layouts, strict=True)]
            return join_lines(cells, between, end)

        yield from encoded(stream, lines)
        if stream.overflow:
            note = f"# OVERFLOW: the result was cut after {stream.rows} rows; there are more"
            yield join_rows(pa.array([note]), "", end)
    finally:
        stream.close()
