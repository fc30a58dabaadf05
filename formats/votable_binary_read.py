"""BINARY and BINARY2 → Arrow (VOTable 1.4 sections 5.3, 5.4 and 6): rows located, then columns taken with NumPy."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator, Sequence
from math import isnan

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..config.errors import UploadError
from ..schema.arrow import schema_of
from ..schema.types import ATOMS, FLOATS, PARTS, STRINGS, arrow_type
from .cells_read import (
    Cells,
    Flags,
    Places,
    bits,
    booleans,
    fixed_list,
    open_bits,
    open_list,
    refuse_overlong,
    scalars,
    split,
    utf16,
    with_nulls,
)
from .source import ReadLimits, rows_per_batch
from .texts_read import BadCell, timestamps
from .votable_document_read import VOTableDocument
from .votable_fields_read import Field, text_width
from .votable_rows_read import RowPlan, Rows, locate_rows

_BLANKS = b" \t\r\n"


def binary_batches(
    document: VOTableDocument, fields: Sequence[Field], flagged: bool, limits: ReadLimits
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the STREAM that `document` stands in; `flagged` rows (BINARY2) begin with their null flags.

    Without flags NaN in a float, an empty text or array and the value of VALUES null= are null; with flags NaN and
    empty texts are values. UploadError names row and column of a fault, and tells of a stream that ends within a row.
    """
    columns = [one.column for one in fields]
    schema, size = schema_of(columns), rows_per_batch(columns)
    plan = RowPlan.of(fields, flagged, limits)
    rest, done = b"", 0
    for block in decoded(document):
        rest = rest + block if rest else block
        refuse_overlong(len(rest))
        offset = 0
        while (rows := locate_rows(plan, rest, offset, size, done)).count:
            yield pa.record_batch(_columns(rows, fields, done), schema=schema)
            done += rows.count
            offset = rows.end
        rest = rest[offset:]
    if rest:
        message = f"the stream ends within row {done + 1}: {len(rest)} bytes are left over"
        raise UploadError(message)


def decoded(document: VOTableDocument) -> Iterator[bytes]:
    """Yield the bytes of the base64 STREAM that `document` stands in; UploadError where it is damaged."""
    waiting, padded_end = b"", False
    while document.inside or document.texts:
        text = document.take_stream()
        if not text:
            if document.inside:
                document.step()
            text = "".join(document.texts).encode()
            document.texts.clear()
        waiting += text.translate(None, _BLANKS)
        if padded_end and waiting:
            message = "the base64 text of the stream goes on behind its end (=)"
            raise UploadError(message)
        whole = len(waiting) // 4 * 4
        piece, waiting = waiting[:whole], waiting[whole:]
        padded_end = piece.endswith(b"=")
        if piece:
            yield _from_base64(piece)
    if waiting:
        message = "the base64 text of the stream ends too early"
        raise UploadError(message)


def _from_base64(piece: bytes) -> bytes:
    try:
        return binascii.a2b_base64(piece, strict_mode=True)
    except binascii.Error as error:
        message = f"the stream is no valid base64 text: {error}"
        raise UploadError(message) from error


def _columns(rows: Rows, fields: Sequence[Field], done: int) -> list[pa.Array]:
    arrays = []
    for index, one in enumerate(fields):
        null = None if rows.flags is None else rows.flags[:, index]
        try:
            arrays.append(_column(rows.cells[index], rows.counts[index], one, null))
        except BadCell as error:
            message = f'row {done + error.row + 1}, column "{one.column.name}": {error}'
            raise UploadError(message) from None
        except ValueError as error:
            message = f'rows {done + 1} to {done + rows.count}, column "{one.column.name}": {error}'
            raise UploadError(message) from error
    return arrays


def _column(cells: Cells, counts: Places | None, one: Field, null: Flags | None) -> pa.Array:
    """Give a column as Arrow; `null` are the row's flags, None where rows have none."""
    if one.datatype in STRINGS:
        return _texts(cells, one, null)
    values, absent = _elements(cells, counts, one, null)
    if one.scalar and not one.datatype.endswith("Complex"):
        if null is not None:
            absent = null if absent is None else absent | null
        return scalars(values, absent, arrow_type(one.column.type))
    flat = scalars(values, absent, pa.from_numpy_dtype(values.dtype))
    wanted = arrow_type(one.column.type)
    if counts is None:
        return fixed_list(flat, wanted, null)
    wrong = counts % one.count != 0
    if null is not None:
        wrong &= ~null
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BadCell(row, f"{counts[row]} elements, but the field has a multiple of {one.count}")
    return open_list(flat, counts, wanted, counts == 0 if null is None else null)


def _elements(
    cells: Cells, counts: Places | None, one: Field, null: Flags | None
) -> tuple[NDArray[np.generic], Flags | None]:
    """Give all elements of a column, flat, and which of them are null (None: none)."""
    if one.datatype == "boolean":
        values, unknown, bad = booleans(cells.compact())
        if bad.any():
            rows = np.repeat(np.arange(len(cells)), cells.lengths)[bad]
            rows = rows if null is None else rows[~null[rows]]
            if rows.size:
                raise BadCell(int(rows[0]), "a byte is no boolean (T, t, 1, F, f, 0, blank, ? or NUL)")
        return values, unknown
    if one.datatype == "bit":
        if one.scalar:  # the standard's bit is 0x80, astropy writes 0x08
            return cells.compact() != 0, None
        if counts is None:
            return bits(cells.compact(), int(cells.lengths[0]), one.count), None
        return open_bits(cells.compact(), counts), None
    numbers = cells.numbers(PARTS.get(one.datatype, ATOMS[one.datatype].numpy))
    absent = _magic(numbers, one)
    if null is None and one.scalar and one.datatype in FLOATS:
        nan = np.isnan(numbers)
        absent = nan if absent is None else absent | nan
    return numbers, absent


def _magic(numbers: NDArray[np.generic], one: Field) -> Flags | None:
    """Find the elements that VALUES null= declares null; a text that is no number of the type finds none."""
    if one.null is None:
        return None
    try:
        null = pa.array([one.null.strip().removeprefix("+")]).cast(pa.from_numpy_dtype(numbers.dtype))[0].as_py()
    except pa.ArrowInvalid:
        return None
    return np.isnan(numbers) if isnan(null) else numbers == null  # type: ignore[no-any-return]


def _texts(cells: Cells, one: Field, null: Flags | None) -> pa.Array:
    read = utf16 if one.datatype == "unicodeChar" else Cells.texts
    if not one.scalar:
        return _text_lists(cells, one, read, null)
    texts = read(cells)
    absent = pc.equal(texts, "") if null is None else pa.array(null)
    if one.null is not None:
        absent = pc.or_(absent, pc.equal(texts, one.null))
    if one.column.type.xtype == "timestamp":
        texts = timestamps(pc.if_else(absent, pa.scalar(None, pa.string()), texts))
    return with_nulls(texts, absent.to_numpy(zero_copy_only=False))


def _text_lists(cells: Cells, one: Field, read: Callable[[Cells], pa.StringArray], null: Flags | None) -> pa.Array:
    """Read arrays of strings, each `width` bytes or UTF-16 units long; NULs and blanks at its end are padding."""
    pieces, counts = split(cells, text_width(one) * ATOMS[one.datatype].size_bytes)
    texts = pc.utf8_rtrim(read(pieces), characters=" ")
    wanted = arrow_type(one.column.type)
    if not one.variable:
        return fixed_list(texts, wanted, null)
    return open_list(texts, counts, wanted, counts == 0 if null is None else null)
