"""Example queries for people and clients (DALI 1.1 section 2.3, TAP 1.1 section 2.6), made from what is published."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape

import numpy as np

from ..schema.model import Catalog, Column, Files, Table
from ..schema.names import adql_name
from ..schema.types import is_scalar_number
from ..sphere.healpix import centers

_COLUMNS_SHOWN = 6
_TABLES_SHOWN = 12
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SYSTEM = "TAP_SCHEMA"
_STYLE = (
    ":root{color-scheme:light dark;--ink:#1b2430;--paper:#fff;--panel:#f4f6f9;--link:#0b57a4}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--paper:#12171e;--panel:#1b222c;--link:#8cc2ff}}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;"
    "color:var(--ink);background:var(--paper)}a{color:var(--link)}"
    "h1{font-size:1.75rem}h2{font-size:1.15rem;margin-top:2rem}"
    "pre{background:var(--panel);padding:.8rem;white-space:pre-wrap;border-radius:6px}"
)


@dataclass(frozen=True, slots=True)
class Example:
    """A query that runs on this service; `id` is an XML name, unique here; `table` its main table or empty."""

    id: str
    name: str
    query: str
    table: str = ""


def examples(catalog: Catalog) -> tuple[Example, ...]:
    """Give examples for the catalog: its own, then generated ones for tables with and without positions."""
    published = [table for table in catalog.tables() if table.schema.upper() != _SYSTEM and table.columns]
    found = [Example("", name, query) for name, query in catalog.examples]
    found += [example for table in published[:_TABLES_SHOWN] for example in _of_table(table)]
    found += _general(catalog)
    return tuple(
        Example(f"example{number}", _clean(example.name), _clean(example.query), _clean(example.table))
        for number, example in enumerate(found, 1)
    )


def document(found: tuple[Example, ...], title: str) -> bytes:
    """Print examples as XHTML with RDFa Lite: names, queries and tables as plain text, no entities (DALI-30 to 40)."""
    items = "\n".join(map(_item, found))
    name = escape(_clean(title))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en"><head>'
        f"<title>Example queries - {name}</title><style>{_STYLE}</style></head>\n"
        f'<body><p><a href="../">{name}</a></p><h1>Example queries</h1><p>Queries in ADQL that run here.</p>\n'
        f'<div vocab="http://www.ivoa.net/rdf/examples#">\n{items}\n</div></body></html>\n'
    ).encode()


def _item(example: Example) -> str:
    table = f'<p>Table: <code property="table">{escape(example.table)}</code></p>' if example.table else ""
    return (
        f'<div typeof="example" id="{example.id}" resource="#{example.id}">'
        f'<h2 property="name">{escape(example.name)}</h2>{table}'
        f'<pre property="query">{escape(example.query)}</pre>'
        f'<p><a href="../?query={quote(example.query)}#query">Try it</a></p></div>'
    )


def _of_table(table: Table) -> Iterator[Example]:
    yield Example("", f"First rows of {table.adql_name}", f"SELECT TOP 10 *\nFROM {table.adql_name}", table.adql_name)
    if table.position is not None:
        yield _cone(table)
    number = next((column for column in table.columns if _interesting(column)), None)
    if number is not None:
        name = adql_name(number.name)
        query = f"SELECT COUNT(*) AS n, MIN({name}) AS low, MAX({name}) AS high\nFROM {table.adql_name}"
        yield Example("", f"Number of rows and range of {number.name} in {table.adql_name}", query, table.adql_name)


def _cone(table: Table) -> Example:
    inside = _inside(table, "", _centre(table), 0.5)
    shown = ", ".join(adql_name(column.name) for column in table.columns[:_COLUMNS_SHOWN])
    query = f"SELECT TOP 100 {shown}\nFROM {table.adql_name}\nWHERE {inside}"
    return Example("", f"Cone search in {table.adql_name}", query, table.adql_name)


def _match(one: Table, other: Table) -> Example:
    near = f"1 = CONTAINS({_point(one, 'a.')}, CIRCLE('ICRS', {_coordinates(other, 'b.')}, 1.0/3600))"
    inside = _inside(one, "a.", _centre(one), 1.0)
    query = (
        f"SELECT TOP 100 a.*, b.*\nFROM {one.adql_name} AS a\nJOIN {other.adql_name} AS b\n  ON {near}\nWHERE {inside}"
    )
    return Example("", f"{one.adql_name} matched with {other.adql_name} within one arcsecond", query, one.adql_name)


def _general(catalog: Catalog) -> Iterator[Example]:
    placed = [table for table in catalog.tables() if table.position is not None and table.kind == "table"]
    if len(placed) > 1:
        yield _match(*placed[:2])
    if any(schema.name.upper() == _SYSTEM for schema in catalog.schemas):
        query = "SELECT schema_name, table_name, description\nFROM TAP_SCHEMA.tables\nORDER BY schema_name, table_index"
        yield Example("", "All tables of this service", query, "TAP_SCHEMA.tables")
        query = "SELECT table_name, column_name, unit, ucd\nFROM TAP_SCHEMA.columns\nWHERE ucd LIKE 'pos.eq.%'"
        yield Example("", "Columns with equatorial positions", query, "TAP_SCHEMA.columns")


def _inside(table: Table, alias: str, centre: tuple[float, float], radius_deg: float) -> str:
    ra, dec = centre
    return f"1 = CONTAINS({_point(table, alias)}, CIRCLE('ICRS', {ra:.4f}, {dec:.4f}, {radius_deg}))"


def _point(table: Table, alias: str) -> str:
    # the frame is optional since ADQL 2.1, but validators of 2.0 want it
    return f"POINT('ICRS', {_coordinates(table, alias)})"


def _coordinates(table: Table, alias: str) -> str:
    if table.position is None:
        message = f"{table.adql_name} has no position"
        raise ValueError(message)
    return f"{alias}{adql_name(table.position.ra)}, {alias}{adql_name(table.position.dec)}"


def _centre(table: Table) -> tuple[float, float]:
    """Give a place, ICRS degrees, where the table has rows: the start of its fullest file; without files (0, 0)."""
    files = table.source.partitions if isinstance(table.source, Files) else ()
    indexed = [part for part in files if 0 <= part.low < part.high]
    if not indexed:
        return 0.0, 0.0
    fullest = max(indexed, key=lambda part: part.rows)
    ra, dec = centers(np.array([(fullest.low + fullest.high) // 2]), 29)
    return float(ra[0]), float(dec[0])


def _interesting(column: Column) -> bool:
    return is_scalar_number(column.type) and not column.ucd.startswith(("pos.", "meta."))


def _clean(text: str) -> str:
    return _ILLEGAL.sub("", text)
