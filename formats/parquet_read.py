"""Parquet → tables: types of the house, metadata from field keys or an embedded VOTable (VOParquet)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..config.errors import UploadError, UploadTooLarge
from ..schema.arrow import schema_of
from ..schema.model import Column
from .arrow_columns_read import columns_of, home
from .arrow_sizes_read import cut_to_size
from .arrow_types_read import Normal
from .input_read import map_file
from .source import ReadLimits, SourceTable, check_columns, rows_per_batch, within

_FAULTS = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError)


def open_parquet(path: Path, limits: ReadLimits) -> SourceTable:
    """Open a Parquet file as one table, named after the file; rows are read when the batches are asked for.

    Dictionaries are undone, nested values become JSON texts (xtype json), see `arrow_types_read` for the other types.
    UploadError for damaged files.
    """
    data = map_file(path, limits)
    try:
        file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)))
        schema = file.schema_arrow
        file = _guarded(file, data, schema, limits)
    except _FAULTS as error:
        message = f"the Parquet file is damaged or of an unknown kind ({_first_line(error)})"
        raise UploadError(message) from error
    check_columns(len(schema), limits)
    if not len(schema):
        message = "the Parquet file has no columns"
        raise UploadError(message)
    told = {**(file.metadata.metadata or {}), **(schema.metadata or {})}  # Arrow's own copy of the schema lacks some
    columns, normals = columns_of(schema.with_metadata(told), limits)
    rows = file.metadata.num_rows
    batches = within(_batches(file, columns, normals, limits), limits)
    return SourceTable(path.name.split(".")[0] or "table", columns, batches, rows)


def _guarded(file: pq.ParquetFile, data: object, schema: pa.Schema, limits: ReadLimits) -> pq.ParquetFile:
    """Refuse files that unfold beyond the limits; texts stay dictionaries until their true size is known."""
    meta = file.metadata
    groups = [meta.row_group(index) for index in range(meta.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    if meta.num_rows > limits.rows or size > limits.memory_bytes:
        message = f"the Parquet file has {meta.num_rows} rows of {size} bytes, beyond the limits of"
        message += f" {limits.rows} rows and {limits.memory_bytes} bytes"
        raise UploadTooLarge(message)
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
    return pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)), read_dictionary=texts)


def _batches(
    file: pq.ParquetFile, columns: tuple[Column, ...], normals: list[Normal], limits: ReadLimits
) -> Iterator[pa.RecordBatch]:
    schema, names = schema_of(columns), [column.name for column in columns]
    try:
        for whole in file.iter_batches(rows_per_batch(columns)):
            for batch in cut_to_size(whole, names, limits):
                yield home(batch, normals, schema)
    except _FAULTS as error:
        message = f"the Parquet file cannot be read ({_first_line(error)})"
        raise UploadError(message) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200]
