"""Parquet → tables: types of the house, metadata from field keys or an embedded VOTable (VOParquet)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..config.errors import UploadError, UploadTooLarge
from ..schema.arrow import schema_of
from ..schema.model import Column
from ..schema.types import VOType, arrow_type
from .arrow_types_read import Normal, normal_of
from .input_read import map_file
from .source import BATCH_BYTES, ReadLimits, SourceTable, check_columns, rows_per_batch, unique_names, within
from .votable_document_read import VOTableDocument
from .votable_fields_read import make_field

_EMBEDDED = b"IVOA.VOTable-Parquet.content"
_TEXTS = ("description", "unit", "ucd", "utype")
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
    known = _embedded(schema.metadata or {}, limits)
    names = unique_names(schema.names)
    normals = [_normal(field, known.get(field.name), limits) for field in schema]
    columns = tuple(
        _column(field, name, normal, known.get(field.name), limits)
        for field, name, normal in zip(schema, names, normals, strict=True)
    )
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
    schema = schema_of(columns)
    wanted = [field.type for field in schema]
    try:
        for whole in file.iter_batches(rows_per_batch(columns)):
            for batch in _unfoldable(whole, columns, limits):
                arrays = [
                    _fitting(normal.convert(array), kind)
                    for normal, array, kind in zip(normals, batch.columns, wanted, strict=True)
                ]
                yield pa.record_batch(arrays, schema=schema)
    except _FAULTS as error:
        message = f"the Parquet file cannot be read ({_first_line(error)})"
        raise UploadError(message) from error


def _unfoldable(batch: pa.RecordBatch, columns: tuple[Column, ...], limits: ReadLimits) -> Iterator[pa.RecordBatch]:
    """Cut a batch so that the texts of no piece have more than a batch's bytes once dictionaries are undone."""
    sizes = np.zeros(batch.num_rows, np.int64)
    for column, array in zip(columns, batch.columns, strict=True):
        if pa.types.is_dictionary(array.type) and not pa.types.is_primitive(array.type.value_type):
            lengths = pc.fill_null(pc.take(pc.binary_length(array.dictionary), array.indices), 0)
            sizes += lengths.to_numpy(zero_copy_only=False)
            if len(lengths) and pc.max(lengths).as_py() > limits.cell_bytes:
                message = f'column "{column.name}": a value has more than {limits.cell_bytes} bytes, the limit'
                raise UploadTooLarge(message)
    ends = np.cumsum(sizes)
    start = 0
    while start < batch.num_rows:
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + BATCH_BYTES, side="right")))
        yield batch.slice(start, stop - start)
        start = stop


def _fitting(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    return array if array.type == wanted else array.cast(wanted)


def _normal(field: pa.Field, known: Column | None, limits: ReadLimits) -> Normal:
    """Say how values are brought home: as they are where they have the Arrow type of the type that is declared."""
    for said in _declared(field, known, limits):
        if pa.types.is_nested(field.type) and _has_type(said, field.type):
            return Normal(said, lambda array: array)
    return normal_of(field.type, field.name)


def _declared(field: pa.Field, known: Column | None, limits: ReadLimits) -> list[VOType]:
    """Give the types that `vo:` keys and the embedded VOTable declare, the former first; nonsense declares nothing."""
    keys = {key.removeprefix("vo:"): text for key, text in _raw(field).items() if key.startswith("vo:")}
    try:
        said = [make_field(keys, 1, limits).column.type]
    except UploadError:
        said = []
    return [*said, known.type] if known else said


def _raw(field: pa.Field) -> dict[str, str]:
    return {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in (field.metadata or {}).items()}


def _column(field: pa.Field, name: str, normal: Normal, known: Column | None, limits: ReadLimits) -> Column:
    """Describe a column: `vo:` keys first, plain keys next, then the embedded VOTable; a type must fit the values."""
    raw = _raw(field)
    texts: dict[str, Any] = {key: raw.get(f"vo:{key}") or raw.get(key, "") for key in _TEXTS}
    if known is not None:
        texts = {key: text or getattr(known, key) for key, text in texts.items()}
    fitting = (one for one in _declared(field, known, limits) if _has_type(one, arrow_type(normal.type)))
    kind = next(fitting, normal.type)
    return Column(name, kind, **texts)


def _has_type(said: VOType, kind: pa.DataType) -> bool:
    """Tell whether a declared type has this Arrow type."""
    try:
        return bool(arrow_type(said) == kind)
    except (ValueError, OverflowError, pa.ArrowException):
        return False


def _embedded(metadata: Mapping[bytes, bytes], limits: ReadLimits) -> dict[str, Column]:
    """Read the columns of an embedded VOTable; one that cannot be read tells nothing."""
    content = metadata.get(_EMBEDDED)
    if not content:
        return {}
    try:
        head = VOTableDocument(iter([content]), replace(limits, bytes=len(content))).next_table()
    except UploadError:
        return {}
    return {one.column.name: one.column for one in head.fields} if head else {}


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200]
