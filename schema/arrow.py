"""Columns on Arrow: each field carries its VO metadata under `vo:` keys, so a stream describes itself."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from .model import Column
from .types import STRING, VOType, arrow_type, vo_type

_TEXTS = ("description", "unit", "ucd", "utype")
_TYPES = ("datatype", "arraysize", "xtype")


def field_of(column: Column) -> pa.Field:
    """Give the Arrow field of a column, metadata attached."""
    metadata = {f"vo:{key}": value for key in _TYPES if (value := getattr(column.type, key)) is not None}
    metadata |= {f"vo:{key}": value for key in _TEXTS if (value := getattr(column, key))}
    return pa.field(column.name, arrow_type(column.type), nullable=True, metadata=metadata)


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """Give the Arrow schema of a result."""
    return pa.schema([field_of(column) for column in columns])


def column_of(field: pa.Field) -> Column:
    """Read a column back from a field; without `vo:` keys the type is inferred and `unit`, `ucd`… keys are honoured."""
    raw = {k.decode(): v.decode("utf-8", "replace") for k, v in (field.metadata or {}).items()}
    texts = {key: raw.get(f"vo:{key}", raw.get(key, "")) for key in _TEXTS}
    if "vo:datatype" in raw:
        kind = VOType(raw["vo:datatype"], raw.get("vo:arraysize"), raw.get("vo:xtype"))
    else:
        kind = vo_type(field.type) or STRING
    return Column(field.name, kind, **texts)
