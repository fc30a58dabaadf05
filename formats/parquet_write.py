"""Parquet, with VO metadata by the VOParquet convention 1.0.

The footer holds `IVOA.VOTable-Parquet.version` and `IVOA.VOTable-Parquet.content`, a VOTable of the columns without
data, and `QUERY_STATUS` (OK or OVERFLOW). The footer comes last: a file that failed has none and cannot be read.
Fields keep their `vo:` keys. Column names are made unique without regard to case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from ..schema.arrow import schema_of
from ..schema.model import Column
from ..schema.types import arrow_type
from .arrays import conform
from .layout import unique_names
from .pipeline import overlapped
from .sink import Sink
from .stream import Chunk, ResultStream
from .votable_write import metadata_document

GROUP_ROWS = 131_072
GROUP_BYTES = 32_000_000
FIRST_BYTES = 1_000_000


def write_parquet(stream: ResultStream) -> Iterator[Chunk]:
    """Write a Parquet file, one row group at a time; errors of the source break the transfer."""
    names = unique_names(list(stream.columns))
    columns = [replace(column, name=name) for column, name in zip(stream.columns, names, strict=True)]
    schema = schema_of(columns)
    sink = Sink()
    try:
        repeating = [column.name for column in columns if _repeats(column)]
        writer = pq.ParquetWriter(sink, schema, compression="snappy", use_dictionary=repeating or False)
        types = [arrow_type(column.type) for column in columns]
        yield sink.take()

        def write(group: list[pa.RecordBatch]) -> bytes:
            batches = [pa.RecordBatch.from_arrays(conform(batch, types), schema=schema) for batch in group]
            table = pa.Table.from_batches(batches)
            writer.write_table(table, row_group_size=max(1, table.num_rows))
            return sink.take()

        yield from overlapped(_groups(stream), write)
        status = "OVERFLOW" if stream.overflow else "OK"
        content = metadata_document(columns, stream.info, status).decode()
        writer.add_key_value_metadata(
            {
                "IVOA.VOTable-Parquet.version": "1.0",
                "IVOA.VOTable-Parquet.content": content,
                "QUERY_STATUS": status,
            }
        )
        writer.close()
        yield sink.take()
    finally:
        stream.close()


def _repeats(column: Column) -> bool:
    """Whether values are likely to repeat; a dictionary of measured numbers costs half the speed and saves nothing."""
    return column.type.arraysize in {None, "*"} and column.type.datatype in {"char", "unicodeChar", "short", "int"}


def _groups(stream: ResultStream) -> Iterator[list[pa.RecordBatch]]:
    """Gather batches into row groups, a small one first, so that a client soon sees something."""
    group: list[pa.RecordBatch] = []
    most_bytes = FIRST_BYTES
    for batch in stream:
        for start in range(0, batch.num_rows, GROUP_ROWS):
            group.append(batch.slice(start, GROUP_ROWS))
            if sum(b.num_rows for b in group) >= GROUP_ROWS or sum(b.nbytes for b in group) >= most_bytes:
                yield group
                group, most_bytes = [], GROUP_BYTES
    if group:
        yield group
