"""Arrow IPC stream, with VO metadata by the keys of the VOParquet convention 1.0.

The schema holds `IVOA.VOTable-Parquet.version` and `IVOA.VOTable-Parquet.content`, a VOTable of the columns without
data; fields keep their `vo:` keys, names are made unique without regard to case. How the result ended stands in the
custom metadata of the last batch, which has no rows: `QUERY_STATUS` (OK or OVERFLOW) and `rows`. A stream without it
broke off, even where its reader does not complain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from ..schema.arrow import schema_of
from ..schema.types import arrow_type
from .arrays import conform
from .layout import unique_names
from .pipeline import encoded
from .stream import Chunk, ResultStream
from .votable_write import metadata_document


def write_arrow(stream: ResultStream) -> Iterator[Chunk]:
    """Write an Arrow stream, uncompressed; errors of the source break the transfer."""
    try:
        names = unique_names(list(stream.columns))
        columns = [replace(column, name=name) for column, name in zip(stream.columns, names, strict=True)]
        content = metadata_document(columns, stream.info).decode()
        keys = {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": content}
        schema = schema_of(columns).with_metadata(keys)
        types = [arrow_type(column.type) for column in columns]

        def message(piece: pa.RecordBatch) -> memoryview:
            batch = pa.RecordBatch.from_arrays(conform(piece, types), schema=schema)
            return memoryview(batch.serialize())

        yield memoryview(schema.serialize())
        yield from encoded(stream, message)
        yield _end(schema, {"QUERY_STATUS": "OVERFLOW" if stream.overflow else "OK", "rows": str(stream.rows)})
    finally:
        stream.close()


def _end(schema: pa.Schema, status: dict[str, str]) -> memoryview:
    """Give the messages behind the rows: an empty batch that carries the status, and the end of the stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        empty = pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
        writer.write_batch(empty, custom_metadata=status)
    return memoryview(sink.getvalue())[len(schema.serialize()) :]
