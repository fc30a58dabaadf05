"""Columns of Arrow schemas (of Parquet too): types of the house, metadata from field keys or an embedded VOTable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from ..config.errors import UploadError
from ..schema.model import Column
from ..schema.types import VOType, arrow_type
from .arrow_types_read import Normal, normal_of
from .source import ReadLimits, unique_names
from .votable_document_read import VOTableDocument
from .votable_fields_read import make_field

EMBEDDED = b"IVOA.VOTable-Parquet.content"
_TEXTS = ("description", "unit", "ucd", "utype")


def columns_of(schema: pa.Schema, limits: ReadLimits) -> tuple[tuple[Column, ...], list[Normal]]:
    """Give the columns of a schema and how their values are brought home.

    `vo:` keys of a field count first, plain keys (`unit`, `ucd`…) next, then the VOTable that the schema embeds; a
    declared type must fit the values. Types without a counterpart are read as `arrow_types_read` says; UploadError
    names a column where there is no way.
    """
    try:
        names = unique_names(schema.names)
    except UnicodeDecodeError as error:
        message = "the name of a column is not UTF-8"
        raise UploadError(message) from error
    known = _embedded(schema.metadata or {}, limits)
    normals = [_normal(field, known.get(field.name), limits) for field in schema]
    columns = tuple(
        _column(field, name, normal, known.get(field.name), limits)
        for field, name, normal in zip(schema, names, normals, strict=True)
    )
    return columns, normals


def home(batch: pa.RecordBatch, normals: list[Normal], schema: pa.Schema) -> pa.RecordBatch:
    """Bring the values of a batch home, in the types of `schema`."""
    arrays = [
        _fitting(normal.convert(array), kind)
        for normal, array, kind in zip(normals, batch.columns, schema.types, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


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
    return Column(name, next(fitting, normal.type), **texts)


def _has_type(said: VOType, kind: pa.DataType) -> bool:
    """Tell whether a declared type has this Arrow type."""
    try:
        return bool(arrow_type(said) == kind)
    except (ValueError, OverflowError, pa.ArrowException):
        return False


def _embedded(metadata: Mapping[bytes, bytes], limits: ReadLimits) -> dict[str, Column]:
    """Read the columns of an embedded VOTable; one that cannot be read tells nothing."""
    content = metadata.get(EMBEDDED)
    if not content:
        return {}
    try:
        head = VOTableDocument(iter([content]), replace(limits, bytes=len(content))).next_table()
    except UploadError:
        return {}
    return {one.column.name: one.column for one in head.fields} if head else {}
