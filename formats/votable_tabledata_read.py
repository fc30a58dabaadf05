"""TABLEDATA → Arrow: rows found with NumPy over the bytes, cells gathered and converted a column at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..config.errors import UploadError, UploadTooLarge
from ..schema.arrow import schema_of
from .source import rows_per_batch
from .texts_read import BadCell, values_of
from .votable_document_read import VOTableDocument
from .votable_fields_read import Field

_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))  # the ampersand last
_TD, _TR, _TD_END, _TR_END = (int.from_bytes(tag, "little") for tag in (b"TD>", b"TR>", b"/TD>", b"/TR>"))
_MOST_MISSING = 5_000_000  # a few bytes of rows without cells could stand for a huge table
_THREE_BYTES = 0xFFFFFF


def tabledata_batches(document: VOTableDocument, fields: Sequence[Field]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the TABLEDATA that `document` stands in; UploadError names row and column of a bad cell.

    A row may have fewer cells than there are fields: the missing ones are null.
    """
    columns = [one.column for one in fields]
    schema, size, done = schema_of(columns), rows_per_batch(columns), 0
    missing = 0
    while document.inside or document.rows:
        taken = document.take_rows()
        texts = split_rows(taken, len(fields)) if taken else None
        if taken and texts is None:
            document.give_back(taken)
        elif not taken and document.inside:
            document.step()
        if texts is not None:
            for start in range(0, len(texts[0]), size):
                yield _batch([text.slice(start, size) for text in texts], fields, schema, done + start)
            done += len(texts[0])
        rows, document.rows = document.rows, []
        missing += sum(max(0, len(fields) - len(row)) for row in rows)
        if missing > _MOST_MISSING:
            message = f"the rows lack more than {_MOST_MISSING} cells (TD) of the table's {len(fields)} columns"
            raise UploadTooLarge(message)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            yield _batch(_transpose(part, len(fields), done + start), fields, schema, done + start)
        done += len(rows)


def _batch(texts: list[pa.StringArray], fields: Sequence[Field], schema: pa.Schema, done: int) -> pa.RecordBatch:
    arrays = []
    for text, one in zip(texts, fields, strict=True):
        try:
            arrays.append(values_of(text, one))
        except BadCell as error:
            message = f'row {done + error.row + 1}, column "{one.column.name}": {error}'
            raise UploadError(message) from None
    return pa.record_batch(arrays, schema=schema)


def split_rows(chunk: bytes, width: int) -> list[pa.StringArray] | None:
    """Cut whole rows into the texts of `width` columns; None where anything but plain TR and TD is there.

    The texts are slices of the chunk between the tags: an Arrow array whose values are, in turn, a cell and the markup
    up to the next one, of which every column takes its cells.
    """
    if b"\r" in chunk:
        chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"<TD/>" in chunk:
        chunk = chunk.replace(b"<TD/>", b"<TD></TD>")
    escapes = chunk.count(b"&") if b"&" in chunk else 0
    if escapes and escapes != sum(chunk.count(name.encode()) for name, _ in _ENTITIES):
        return None
    size = len(chunk)
    chunk += b"    "  # so that four bytes can be read behind every tag's start
    raw = np.frombuffer(chunk, np.uint8)
    controls = raw[raw < ord(" ")]
    if ((controls != ord("\n")) & (controls != ord("\t"))).any() or not _is_utf8(chunk):
        return None
    tags = np.flatnonzero(raw == ord("<"))
    per_row = 2 + 2 * width
    if len(tags) % per_row:
        return None
    words = np.ndarray((size + 1,), "<u4", chunk, strides=(1,))[tags + 1].reshape(-1, per_row)
    if not (
        ((words[:, 0] & _THREE_BYTES) == _TR).all()
        and (words[:, -1] == _TR_END).all()
        and ((words[:, 1:-1:2] & _THREE_BYTES) == _TD).all()
        and (words[:, 2:-1:2] == _TD_END).all()
    ):
        return None
    grid = tags.reshape(-1, per_row)
    bounds = np.empty(2 * len(grid) * width + 1, np.int32)
    bounds[0:-1:2] = (grid[:, 1:-1:2] + len("<TD>")).ravel()
    bounds[1:-1:2] = grid[:, 2:-1:2].ravel()
    bounds[-1] = size
    cells = pa.StringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(chunk))
    picks = np.arange(len(grid)) * (2 * width)
    columns = [cells.take(pa.array(picks + 2 * column)) for column in range(width)]
    return [_unescape(column) for column in columns] if escapes else columns


def _is_utf8(chunk: bytes) -> bool:
    if chunk.isascii():
        return True
    try:
        text = chunk.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return "\ufffe" not in text and "\uffff" not in text  # no characters of XML


def _unescape(texts: pa.StringArray) -> pa.StringArray:
    for name, character in _ENTITIES:
        texts = pc.replace_substring(texts, name, character)
    return texts


def _transpose(rows: list[list[str]], width: int, done: int) -> list[pa.StringArray]:
    """Turn rows into columns, missing cells empty; `done` rows came before."""
    for number, row in enumerate(rows, done + 1):
        if len(row) > width:
            message = f"row {number} has more cells (TD) than the table has columns ({width})"
            raise UploadError(message)
    padded = [row + [""] * (width - len(row)) for row in rows]
    return [pa.array(column, pa.string()) for column in zip(*padded, strict=True)]
