"""Arrow IPC streams and files (Feather 2) → tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import ipc

from ..config.errors import UploadError
from ..schema.arrow import schema_of
from ..schema.model import Column
from .arrow_columns_read import columns_of, home
from .arrow_messages_read import check_messages
from .arrow_sizes_read import cut_to_size
from .arrow_types_read import Normal
from .input_read import map_file
from .source import ReadLimits, SourceTable, check_columns, rows_per_batch, within

FILE = b"ARROW1"
STREAM = b"\xff\xff\xff\xff"
_PREFIX_BYTES = 8  # of a file: its magic and padding; a stream follows
_FAULTS = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError)
_OPTIONS = {"use_threads": False, "ensure_alignment": ipc.Alignment.DataTypeSpecific}


def open_arrow(path: Path, limits: ReadLimits) -> SourceTable:
    """Open an Arrow stream or file as one table, named after the file; rows are read when the batches are asked for.

    Types as for Parquet. All batches are checked before a value is used; UploadError for damaged files and for those
    that end too early, UploadTooLarge where they claim more than `limits` allow.
    """
    data = pa.py_buffer(map_file(path, limits))
    stream = _stream_of(data)
    rows = check_messages(stream, limits)
    try:
        reader = ipc.open_stream(stream, options=ipc.IpcReadOptions(**_OPTIONS))
    except _FAULTS as error:
        raise _damaged(error) from error
    schema = reader.schema
    check_columns(len(schema), limits)
    if not len(schema):
        message = "the Arrow file has no columns"
        raise UploadError(message)
    columns, normals = columns_of(schema, limits)
    batches = within(_batches(reader, columns, normals, limits), limits)
    return SourceTable(path.name.split(".")[0] or "table", columns, batches, rows)


def _stream_of(data: pa.Buffer) -> pa.Buffer:
    """Give the stream that a file consists of; a file without its end was cut."""
    head = data.slice(0, min(len(FILE), data.size)).to_pybytes()
    if head != FILE:
        return data
    if data.size < 2 * _PREFIX_BYTES or data.slice(data.size - len(FILE)).to_pybytes() != FILE:
        message = "the Arrow file ends too early: its last bytes are missing"
        raise UploadError(message)
    return data.slice(_PREFIX_BYTES)


def _batches(
    reader: ipc.RecordBatchStreamReader, columns: tuple[Column, ...], normals: list[Normal], limits: ReadLimits
) -> Iterator[pa.RecordBatch]:
    schema, names, size = schema_of(columns), [column.name for column in columns], rows_per_batch(columns)
    try:
        for whole in reader:
            whole.validate(full=True)
            for start in range(0, whole.num_rows, size):
                for batch in cut_to_size(whole.slice(start, size), names, limits):
                    yield home(batch, normals, schema)
    except _FAULTS as error:
        raise _damaged(error) from error


def _damaged(error: BaseException) -> UploadError:
    reason = str(error).strip().split("\n")[0][:200]
    return UploadError(f"the Arrow file is damaged or of an unknown kind ({reason})")
