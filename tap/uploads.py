"""Uploaded tables of a request, read into memory for one query (TAP 1.1 section 2.7.6)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ..config.errors import Cancelled, UploadError
from ..config.settings import Limits
from ..formats.readers import read_upload
from ..formats.source import ReadLimits
from ..query.run import UploadedTable
from ..schema.arrow import schema_of
from .fetch import OnCancel, fetch
from .parameters import UploadReference

# A compressed upload may grow by this factor over the limit for what is sent, and so may all tables of one
# request together in memory.
_EXPANSION = 4


def read_uploads(
    references: Sequence[UploadReference], folder: Path, limits: Limits, on_cancel: OnCancel
) -> tuple[UploadedTable, ...]:
    """Fetch and read the tables that `references` name; fetched files live in `folder` only while they are read.

    All or nothing: UploadError names the table that failed, UploadTooLarge the limit (TAP-72).
    """
    tables: list[UploadedTable] = []
    room = _EXPANSION * limits.upload_bytes
    for reference in references:
        most = ReadLimits(bytes=_EXPANSION * limits.upload_bytes, rows=limits.upload_rows, memory_bytes=room)
        table = _read(reference, folder, limits, most, on_cancel)
        room = max(0, room - table.rows.get_total_buffer_size())
        tables.append(table)
    return tuple(tables)


def _read(
    reference: UploadReference, folder: Path, limits: Limits, most: ReadLimits, on_cancel: OnCancel
) -> UploadedTable:
    try:
        if reference.path is not None:
            return _table(reference.name, reference.path, reference.media_type, most)
        return _fetched(reference, folder, limits, most, on_cancel)
    except UploadError as error:
        raise type(error)(f"UPLOAD {reference.name}: {error}") from error


def _fetched(
    reference: UploadReference, folder: Path, limits: Limits, most: ReadLimits, on_cancel: OnCancel
) -> UploadedTable:
    path = folder / f"fetched-{secrets.token_hex(8)}"
    try:
        media_type = fetch(reference.uri, path, limits, on_cancel)
        return _table(reference.name, path, media_type, most)
    finally:
        path.unlink(missing_ok=True)


def _table(name: str, path: Path, media_type: str, most: ReadLimits) -> UploadedTable:
    if not path.exists():
        message = "its file is gone; send the request again"
        raise Cancelled(message)
    source = read_upload(path, most, media_type)
    schema = schema_of(source.columns)
    batches = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in source.batches)
    return UploadedTable(name, tuple(source.columns), pa.Table.from_batches(batches, schema))
