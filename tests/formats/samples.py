"""What the tests of readers and writers share: results from plain lists, broken results, VOTables from text."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from nashira.formats.source import SourceTable
from nashira.formats.stream import Chunk, ResultStream
from nashira.schema.arrow import schema_of
from nashira.schema.model import Column
from nashira.schema.types import LONG, arrow_type

Writer = Callable[[ResultStream], Iterator[Chunk]]


def batch_of(columns: Sequence[Column], *data: Sequence[object]) -> pa.RecordBatch:
    """Give one batch of the values, a list for each column, in the types of the columns."""
    schema = schema_of(columns)
    arrays = [pa.array(values, field.type) for values, field in zip(data, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def stream(columns: Sequence[Column], *data: Sequence[object], **more: Any) -> ResultStream:
    """Give a result of one batch; `more` are the other fields of ResultStream."""
    return ResultStream(columns, iter([batch_of(columns, *data)]), **more)


def failing(error: Exception, values: Sequence[int] = (1, 2)) -> Iterator[pa.RecordBatch]:
    """Yield one batch of longs, then fail."""
    yield batch_of([Column("a", LONG)], values)
    raise error


def text_of(write: Writer, columns: Sequence[Column], *data: Sequence[object], **more: Any) -> str:
    """Write a result of one batch and give the whole document as text."""
    return b"".join(write(stream(columns, *data, **more))).decode()


def document(fields: str, body: str) -> str:
    """Give a VOTable of one table."""
    return (
        '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>'
        f"<TABLE>{fields}<DATA>{body}</DATA></TABLE></RESOURCE></VOTABLE>"
    )


def tabledata(fields: str, *rows: str) -> str:
    """Give a VOTable whose rows are TDs as text."""
    return document(fields, f"<TABLEDATA>{''.join(f'<TR>{row}</TR>' for row in rows)}</TABLEDATA>")


def binary(fields: str, data: bytes, name: str = "BINARY") -> str:
    """Give a VOTable whose rows are bytes in base64; `name` is BINARY or BINARY2."""
    return document(fields, f'<{name}><STREAM encoding="base64">{base64.b64encode(data).decode()}</STREAM></{name}>')


def rows_of(table: SourceTable) -> pa.Table:
    """Give all rows of a table that was read, its batches checked against its columns."""
    batches = list(table.batches)
    for batch in batches:
        assert batch.schema.types == [arrow_type(column.type) for column in table.columns]
        batch.validate(full=True)
    return pa.Table.from_batches(batches) if batches else pa.table({})


def column_of(table: SourceTable) -> list[Any]:
    """Give the values of the first column of a table that was read."""
    values: list[Any] = rows_of(table).column(0).to_pylist()
    return values
