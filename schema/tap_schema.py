"""TAP_SCHEMA of a catalog: its own description and the rows of its five tables (TAP 1.1 section 4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from .arrow import schema_of
from .model import Catalog, Column, ForeignKey, Relation, Schema, Table
from .names import adql_name
from .types import INTEGER, STRING, VOType

NAME = "TAP_SCHEMA"

_BOUNDED = re.compile(r"(\d+)\*?\Z")


def _text(name: str, width: int, description: str, *flags: str) -> Column:
    return _column(name, VOType("char", f"{width}*") if width else STRING, description, flags)


def _number(name: str, description: str, *flags: str) -> Column:
    return _column(name, INTEGER, description, flags)


def _column(name: str, kind: VOType, description: str, flags: Sequence[str]) -> Column:
    principal, nullable = "principal" in flags, "required" not in flags
    return Column(name, kind, description, std=True, principal=principal, nullable=nullable)


_MAIN = ("required", "principal")

_SCHEMAS = (
    _text("schema_name", 64, "Name of the schema", *_MAIN),
    _text("utype", 512, "Data model of the schema"),
    _text("description", 0, "What the schema holds", "principal"),
    _number("schema_index", "Place of the schema in a list", "principal"),
)
_TABLES = (
    _text("schema_name", 64, "Schema the table belongs to", *_MAIN),
    _text("table_name", 128, "Name of the table as to be written in a query", *_MAIN),
    _text("table_type", 8, "table or view", *_MAIN),
    _text("utype", 512, "Data model of the table"),
    _text("description", 0, "What the table holds", "principal"),
    _number("table_index", "Place of the table in a list", "principal"),
)
_COLUMNS = (
    _text("table_name", 128, "Table the column belongs to", *_MAIN),
    _text("column_name", 64, "Name of the column as to be written in a query", *_MAIN),
    _text("datatype", 16, "VOTable datatype of the column", *_MAIN),
    _text("arraysize", 16, "VOTable arraysize of the column, NULL for single values", "principal"),
    _text("xtype", 64, "VOTable xtype of the column", "principal"),
    _number("size", "Length of the column where it has one dimension; superseded by arraysize"),
    _text("description", 0, "What the column holds", "principal"),
    _text("utype", 512, "Data model element of the column"),
    _text("unit", 64, "Unit in VOUnits syntax", "principal"),
    _text("ucd", 128, "Unified content descriptor, UCD1+", "principal"),
    _number("indexed", "1 where conditions on the column are fast, else 0", *_MAIN),
    _number("principal", "1 where the column is among the most important of its table, else 0", *_MAIN),
    _number("std", "1 where a standard defines the column, else 0", *_MAIN),
    _number("column_index", "Place of the column in its table", "principal"),
)
_KEYS = (
    _text("key_id", 64, "Identifier of the foreign key", *_MAIN),
    _text("from_table", 128, "Table that points to another", *_MAIN),
    _text("target_table", 128, "Table pointed to", *_MAIN),
    _text("description", 0, "What the key is good for", "principal"),
    _text("utype", 512, "Data model element of the key"),
)
_KEY_COLUMNS = (
    _text("key_id", 64, "Foreign key the pair of columns belongs to", *_MAIN),
    _text("from_column", 64, "Column of the table that points to another", *_MAIN),
    _text("target_column", 64, "Column of the table pointed to", *_MAIN),
)


def _key(target: str, *pair: str) -> ForeignKey:
    return ForeignKey((NAME, target), (pair if len(pair) == 2 else (pair[0], pair[0]),))


_LAYOUT: tuple[tuple[str, tuple[Column, ...], str, tuple[ForeignKey, ...]], ...] = (
    ("schemas", _SCHEMAS, "Schemas of this service", ()),
    ("tables", _TABLES, "Tables of this service", (_key("schemas", "schema_name"),)),
    ("columns", _COLUMNS, "Columns of all tables of this service", (_key("tables", "table_name"),)),
    (
        "keys",
        _KEYS,
        "Foreign keys between tables of this service",
        (_key("tables", "from_table", "table_name"), _key("tables", "target_table", "table_name")),
    ),
    ("key_columns", _KEY_COLUMNS, "Columns of the foreign keys", (_key("keys", "key_id"),)),
)


def tap_schema(catalog: Catalog) -> tuple[Schema, dict[str, pa.Table]]:
    """Give the schema TAP_SCHEMA and the rows of its tables for `catalog`, itself included as the last schema.

    Names are written as a query needs them, quoted where they must be. Empty texts are NULL. A key to a table that
    is not in the catalog is left out. A text column whose values outgrow the usual width is declared `*`. The
    tables' `source` is a Relation that says (TAP_SCHEMA, table); an engine gives the real place.
    """
    own = Schema(NAME, _own_tables(), "TAP_SCHEMA", "Description of the tables that can be queried here")
    everything = replace(catalog, schemas=(*catalog.schemas, own))
    lists: dict[str, list[tuple[Any, ...]]] = {
        "schemas": list(_schema_rows(everything)),
        "tables": list(_table_rows(everything)),
        "columns": list(_column_rows(everything)),
    }
    lists["keys"], lists["key_columns"] = _key_rows(everything)
    widened = tuple(replace(table, columns=_widened(table.columns, lists[table.name])) for table in own.tables)
    if widened != own.tables:  # the declarations are rows themselves
        own = replace(own, tables=widened)
        lists["columns"] = list(_column_rows(replace(catalog, schemas=(*catalog.schemas, own))))
    rows = {table.name: _arrow(table.columns, lists[table.name]) for table in own.tables}
    tables = tuple(
        replace(table, source=Relation((NAME, table.name), rows[table.name].num_rows)) for table in own.tables
    )
    return replace(own, tables=tables), rows


def _own_tables() -> tuple[Table, ...]:
    return tuple(
        Table(NAME, name, columns, Relation((NAME, name)), description=description, keys=keys)
        for name, columns, description, keys in _LAYOUT
    )


def _widened(columns: tuple[Column, ...], rows: Sequence[tuple[Any, ...]]) -> tuple[Column, ...]:
    """Declare texts without a bound where a value is longer than the bound, in UTF-8 bytes."""
    result = []
    for place, column in enumerate(columns):
        bound = number_part(column.type.arraysize)
        longest = max((len(row[place].encode()) for row in rows if row[place] is not None), default=0) if bound else 0
        result.append(column if bound is None or longest <= bound else replace(column, type=STRING))
    return tuple(result)


def number_part(arraysize: str | None) -> int | None:
    """Give the "size" of an arraysize: its number where it has one dimension and one (`256*` → 256), else None."""
    match = _BOUNDED.match(arraysize or "")
    return int(match[1]) if match else None


def _schema_rows(catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for index, schema in enumerate(catalog.schemas, start=1):
        yield adql_name(schema.name), schema.utype or None, schema.description or schema.title or None, index


def _table_rows(catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for index, table in enumerate(catalog.tables(), start=1):
        kind = "view" if table.kind == "view" else "table"
        text = table.description or table.title or None
        yield adql_name(table.schema), table.adql_name, kind, table.utype or None, text, index


def _column_rows(catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for table in catalog.tables():
        table_name = table.adql_name
        for index, column in enumerate(table.columns, start=1):
            yield (
                table_name,
                adql_name(column.name),
                column.type.datatype,
                column.type.arraysize,
                column.type.xtype,
                number_part(column.type.arraysize),
                column.description or None,
                column.utype or None,
                column.unit or None,
                column.ucd or None,
                int(column.indexed),
                int(column.principal),
                int(column.std),
                index,
            )


def _key_rows(catalog: Catalog) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    names = {(table.schema, table.name): table.adql_name for table in catalog.tables()}
    keys: list[tuple[Any, ...]] = []
    pairs: list[tuple[Any, ...]] = []
    for table in catalog.tables():
        for key in table.keys:
            if key.target not in names:
                continue
            key_id = f"key_{len(keys) + 1}"
            keys.append((key_id, table.adql_name, names[key.target], key.description or None, None))
            pairs.extend((key_id, adql_name(source), adql_name(target)) for source, target in key.pairs)
    return keys, pairs


def _arrow(columns: Sequence[Column], rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    schema = schema_of(columns)
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
