"""The table set of a service (VOSI 1.1 section 3, VODataService 1.2 section 3.3): pure text, no I/O.

Names are written as in TAP_SCHEMA: ready to paste into a query, quoted where they must be.
The root has no version attribute: the standard's own schema refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ..schema.model import Catalog, Column, ForeignKey, Schema, Table
from ..schema.names import adql_name
from .xml import DECLARATION, XSI, attribute, optional, text

Detail = Literal["min", "max"]

_ROOT = (
    f'xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" {XSI}'
)
_ESA = 'xmlns:esatapplus="http://esa.int/xml/EsaTapPlus"'
_FLAGS = ("indexed", "nullable")


def tableset(catalog: Catalog, detail: Detail, names: frozenset[str] = frozenset()) -> bytes:
    """Print the catalog; `min` leaves out columns and keys, `names` (ADQL names) keeps just these tables.

    Empty `names` keeps all.
    """
    schemas = "\n".join(_schema(schema, detail, names) for schema in catalog.schemas if _wanted(schema, names))
    return f"{DECLARATION}<vosi:tableset {_ROOT}>\n{schemas}\n</vosi:tableset>\n".encode()


def table_document(table: Table) -> bytes:
    """Print one table in full, as a document of its own."""
    return f"{DECLARATION}<vosi:table {_ROOT} {_kind(table)}>{_table_content(table, 'max')}</vosi:table>\n".encode()


def for_astroquery(document: bytes) -> bytes:
    """Add the ESA attribute that astroquery's table parser insists on to every column of a table set.

    It is not part of the schema, so only that client gets it (astroquery.utils.tap, TableSaxParser).
    """
    root = b"<vosi:tableset "
    document = document.replace(root, root + _ESA.encode() + b" ", 1)
    return document.replace(b"<column ", b'<column esatapplus:flags="" ')


def _wanted(schema: Schema, names: frozenset[str]) -> bool:
    return not names or any(table.adql_name in names for table in schema.tables)


def _schema(schema: Schema, detail: Detail, names: frozenset[str]) -> str:
    tables = "\n".join(
        f"<table {_kind(table)}>{_table_content(table, detail)}</table>"
        for table in schema.tables
        if not names or table.adql_name in names
    )
    head = (
        optional("title", schema.title) + optional("description", schema.description) + optional("utype", schema.utype)
    )
    return f"<schema><name>{text(adql_name(schema.name))}</name>{head}\n{tables}\n</schema>"


def _kind(table: Table) -> str:
    return f'type="{attribute(table.kind)}"'


def _table_content(table: Table, detail: Detail) -> str:
    head = (
        f"<name>{text(table.adql_name)}</name>"
        + optional("title", table.title)
        + optional("description", table.description)
        + optional("utype", table.utype)
        + f"<nrows>{table.rows}</nrows>"
    )
    if detail == "min":
        return head
    return head + _joined(map(_column, table.columns)) + _joined(map(_key, table.keys))


def _joined(elements: Iterable[str]) -> str:
    return "".join("\n" + element for element in elements)


def _column(column: Column) -> str:
    kind = column.type
    size = f' arraysize="{attribute(kind.arraysize)}"' if kind.arraysize else ""
    xtype = f' extendedType="{attribute(kind.xtype)}"' if kind.xtype else ""
    flags = "".join(f"<flag>{flag}</flag>" for flag in _FLAGS if getattr(column, flag))
    return (
        f'<column std="{"true" if column.std else "false"}"><name>{text(adql_name(column.name))}</name>'
        + optional("description", column.description)
        + optional("unit", column.unit)
        + optional("ucd", column.ucd)
        + optional("utype", column.utype)
        + f'<dataType xsi:type="vs:VOTableType"{size}{xtype}>{text(kind.datatype)}</dataType>{flags}</column>'
    )


def _key(key: ForeignKey) -> str:
    target = ".".join(map(adql_name, key.target))
    pairs = "".join(
        f"<fkColumn><fromColumn>{text(adql_name(ours))}</fromColumn>"
        f"<targetColumn>{text(adql_name(theirs))}</targetColumn></fkColumn>"
        for ours, theirs in key.pairs
    )
    description = optional("description", key.description)
    return f"<foreignKey><targetTable>{text(target)}</targetTable>{pairs}{description}</foreignKey>"
