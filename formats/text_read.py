"""CSV and TSV → tables (RFC 4180): two passes, one to find the types over all rows, one to read them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from ..config.errors import UploadError, UploadTooLarge
from ..schema.arrow import schema_of
from ..schema.model import Column
from .ecsv_read import ECSV, EcsvHeader, read_ecsv_header
from .ecsv_values_read import ecsv_values
from .input_read import map_file
from .source import ReadLimits, SourceTable, check_columns, rows_per_batch, unique_names, within
from .text_types_read import Guess, guessed_values
from .texts_read import BadCell

_BLOCK_BYTES = 1 << 22
_HEAD_BYTES = 1 << 22
_DELIMITERS = "\t,;|"
_MEDIA_TYPES = {"text/csv": ",", "text/tab-separated-values": "\t"}
_PLAIN_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*\Z")
Convert = Callable[[pa.StringArray], pa.Array]


@dataclass(frozen=True, slots=True)
class TextHint:
    """What somebody says of a text table: its delimiter (empty: not said), whether its first line has names."""

    delimiter: str = ""
    header: bool | None = None


_NO_HINT = TextHint()


def text_hint(media_type: str) -> TextHint:
    """Read the hint that a media type gives: text/csv (RFC 4180, with its `header`) or text/tab-separated-values."""
    kind, *parameters = "".join(media_type.lower().split()).replace('"', "").split(";")
    header = {"header=present": True, "header=absent": False}
    said = [header[one] for one in parameters if one in header]
    return TextHint(_MEDIA_TYPES.get(kind, ""), said[0] if said and kind in _MEDIA_TYPES else None)


@dataclass(frozen=True, slots=True)
class TextTable:
    """Where the rows of a text table are: `data` from `start` on, `lines` before it, its delimiter and column names."""

    data: pa.Buffer
    start: int
    lines: int
    delimiter: str
    names: tuple[str, ...]
    quoted_nulls: bool = False


def open_text(path: Path, limits: ReadLimits, hint: TextHint = _NO_HINT) -> SourceTable:
    """Open a CSV, TSV (also `;` or `|`) or ECSV file as one table, named after the file.

    Types of CSV and TSV are inferred from all rows: integers, floats, booleans (true, false), ISO times, else texts. An
    empty field is null, in texts only without quotes. Comment lines (#) may precede the header. The delimiter of `hint`
    counts where the first line has it. UploadError tells the row of a fault.
    """
    data = pa.py_buffer(map_file(path, limits))
    name = path.name.split(".")[0] or "table"
    if _piece(data, 0).removeprefix(b"\xef\xbb\xbf").startswith(ECSV):
        return _open_ecsv(data, name, limits)
    table = _layout(data, limits, hint)
    guess = Guess(len(table.names))
    for batch in within(_texts(table), limits):
        guess.look(batch.columns)
    columns = tuple(Column(one, kind) for one, kind in zip(table.names, guess.types(), strict=True))
    converts: list[Convert] = [guessed_values(column.type) for column in columns]
    return SourceTable(name, columns, within(_batches(table, columns, converts), limits), guess.rows)


def _open_ecsv(data: pa.Buffer, name: str, limits: ReadLimits) -> SourceTable:
    header = read_ecsv_header(_piece(data, 0), limits)
    table = _ecsv_layout(data, header)
    names = unique_names(column.name for column in header.columns)
    columns = tuple(replace(column, name=one) for column, one in zip(header.columns, names, strict=True))
    converts = [ecsv_values(column.type) for column in columns]
    batches = within(_batches(table, columns, converts), limits)
    return SourceTable(name, columns, batches, None, header.description)


def _ecsv_layout(data: pa.Buffer, header: EcsvHeader) -> TextTable:
    names, used, lines = _first_record(_piece(data, header.size), header.delimiter)
    expected = [column.name for column in header.columns]
    if names != expected:
        message = "the column names of the ECSV file are not those of its header"
        raise UploadError(message)
    unique = tuple(unique_names(names))
    return TextTable(data, header.size + used, header.lines + lines, header.delimiter, unique, quoted_nulls=True)


def _layout(data: pa.Buffer, limits: ReadLimits, hint: TextHint) -> TextTable:
    """Find comments, header line and delimiter. A first line of numbers is no header: names come from the last comment
    line if it has as many words, else they are column_1, column_2…
    """
    head = _piece(data, 0)
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    lines, comment = 0, ""
    while head[start : start + 1] in {b"#", b"\n", b"\r"}:
        end = head.find(b"\n", start)
        end = len(head) if end < 0 else end + 1
        comment = head[start:end].decode("utf-8", "replace").strip().lstrip("#").strip() or comment
        start, lines = end, lines + 1
    first = head[start : head.find(b"\n", start) if b"\n" in head[start:] else len(head)].decode("utf-8", "replace")
    if not first.strip():
        message = "the text table is empty"
        raise UploadError(message)
    if not any(map(first.count, _DELIMITERS)):
        _check_lone(first)
    delimiter = max(_DELIMITERS, key=first.count) if any(map(first.count, _DELIMITERS)) else ","
    delimiter = hint.delimiter if hint.delimiter and hint.delimiter in first else delimiter
    names, used, record_lines = _first_record(_piece(data, start), delimiter)
    check_columns(len(names), limits)
    no_names = all(not name.strip() or _PLAIN_NUMBER.match(name) for name in names)
    if no_names if hint.header is None else not hint.header:
        words = next((words for words in (comment.split(delimiter), comment.split()) if len(words) == len(names)), None)
        names, used, record_lines = words or [f"column_{n + 1}" for n in range(len(names))], 0, 0
    unique = tuple(unique_names(names))
    return TextTable(data, start + used, lines + record_lines, delimiter, unique)


def _check_lone(first: str) -> None:
    """Refuse prose and columns between spaces: several words that are not one quoted name."""
    if len(first.split()) > 1 and not first.lstrip().startswith('"'):
        message = (
            f"the first line, {first.strip()[:40]!r}, has no comma, tab, semicolon or | between column names; "
            "a table with spaces between its columns can be converted to ECSV, and text for people is no table"
        )
        raise UploadError(message)


def _piece(data: pa.Buffer, start: int) -> bytes:
    return bytes(data.slice(start, min(_HEAD_BYTES, data.size - start)).to_pybytes())


def _first_record(raw: bytes, delimiter: str) -> tuple[list[str], int, int]:
    """Read the first record: (fields, its bytes, its lines)."""
    used = lines = 0

    def each() -> Iterator[str]:
        nonlocal used, lines
        while used < len(raw):
            end = raw.find(b"\n", used) + 1 or len(raw)
            piece, used, lines = raw[used:end], end, lines + 1
            yield piece.decode("utf-8")

    try:
        fields = next(csv.reader(each(), delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        raise UploadError(_NOT_UTF8) from error
    except csv.Error as error:
        message = f"the header line of the text table cannot be read: {error}"
        raise UploadError(message) from error
    return [field.strip() for field in fields], used, lines


_NOT_UTF8 = "the text table is not in UTF-8; convert it first, for example from Latin-1"


def _texts(table: TextTable) -> Iterator[pa.RecordBatch]:
    """Yield the fields of all rows as texts, empty ones null; faults become UploadError with the row's number."""
    if table.start >= table.data.size:
        return
    faults: list[str] = []

    def invalid(row: Any) -> str:
        if row.text.startswith("#"):
            return "skip"
        place = f"row {row.number}" if row.number is not None else "a row"
        faults.append(f"{place} has {row.actual_columns} fields, but there are {row.expected_columns} columns")
        return "error"

    try:
        reader = pacsv.open_csv(
            pa.BufferReader(table.data.slice(table.start)),
            pacsv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, column_names=list(table.names)),
            pacsv.ParseOptions(delimiter=table.delimiter, newlines_in_values=True, invalid_row_handler=invalid),
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(table.names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=table.quoted_nulls,
            ),
        )
        yield from reader
    except pa.ArrowInvalid as error:
        text = str(error).split("\n")[0]
        if "UTF8" in text:
            raise UploadError(_NOT_UTF8) from error
        if "straddling" in text:
            message = f"a row of the text table has more than {_BLOCK_BYTES} bytes (is a quote not closed?)"
            raise UploadTooLarge(message) from error
        if "Empty CSV" in text:
            return
        message = f"the text table cannot be read: {faults[0] if faults else text[:200]}"
        raise UploadError(message) from error


def _batches(table: TextTable, columns: tuple[Column, ...], converts: list[Convert]) -> Iterator[pa.RecordBatch]:
    schema, size, done = schema_of(columns), rows_per_batch(columns), 0
    for whole in _texts(table):
        for start in range(0, whole.num_rows, size):
            batch = whole.slice(start, size)
            arrays = []
            for column, convert, texts in zip(columns, converts, batch.columns, strict=True):
                try:
                    arrays.append(convert(texts))
                except BadCell as error:
                    message = f'row {done + error.row + 1}, column "{column.name}": {error}'
                    raise UploadError(message) from None
            yield pa.record_batch(arrays, schema=schema)
            done += batch.num_rows
