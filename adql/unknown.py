"""Explain names of columns and tables that mean nothing at their place: what is near, and which table has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from ..config.errors import Position, UnknownName
from ..schema.model import Table
from ..schema.names import adql_name
from .dialects import OTHER_SQL
from .resolve_context import Context
from .resolve_names import Entry, Scope, entries, same, written
from .resolved import QuerySource, TableSource
from .spelling import closest, quoted_text_advice
from .tree import ColumnRef, Identifier

_SHOWN = 6  # names that are listed at most
_LONGEST = 80  # characters of a name that are shown
_SYSTEM = "TAP_SCHEMA"


def unknown_column(ref: ColumnRef, context: Context) -> UnknownName:
    """Make the error for a column reference that no table in FROM, nor of the queries around, can serve."""
    if ref.qualifier:
        return _unknown_qualified(ref, context)
    name = written((), ref.name)
    around = [entry for scope in context.scope.chain() for entry in scope.frame.entries]
    near = [adql_name(found) for found in closest(ref.name.text, _columns(around, context.scope))]
    tables = ", ".join(adql_name(entry.name.text) for entry in context.scope.frame.entries[:4])
    message = f"No column {name}" + (f" in {tables}" if tables else "")
    return UnknownName(message, ref.at, _advice(ref.name, near, around, context), suggestions=near)


def unknown_reference(scope: Scope, qualifier: Sequence[Identifier], tables: Iterable[Table]) -> UnknownName:
    """Make the error for `qualifier.…` that names no table or alias in FROM; `tables` are all that exist."""
    written_name = written(qualifier[:-1], qualifier[-1])
    message = f"{written_name} is no table or alias in FROM"
    at = _span(qualifier)
    known = [entry for part in scope.chain() for entry in part.frame.entries]
    for entry in known:
        if isinstance(entry.source, TableSource) and same(qualifier[-1], entry.source.table.name):
            alias = adql_name(entry.name.text)
            advice = f"The table is called {alias} here: write {alias}.…"
            return UnknownName(message, at, advice, suggestions=(alias,))
    near = [adql_name(name) for name in closest(qualifier[-1].text, (entry.name.text for entry in known))]
    outside = [table for table in tables if _names(qualifier, table)]
    advice = "" if near else f"In FROM there are {_some(entry.name.text for entry in known)}"
    if outside and not near:
        advice = f"{outside[0].adql_name} is not in FROM: add {_join(known, outside[0])}"
    return UnknownName(message, at, advice, suggestions=near)


def _names(qualifier: Sequence[Identifier], table: Table) -> bool:
    return same(qualifier[-1], table.name) and (len(qualifier) < 2 or same(qualifier[-2], table.schema))


def _span(parts: Sequence[Identifier]) -> Position:
    first, last = parts[0].at, parts[-1].at
    return Position(first.start, last.end, first.line, first.column)


def _columns(around: Iterable[Entry], scope: Scope) -> Iterator[str]:
    """Give the names of all visible columns, each once."""
    merged = (label for part in scope.chain() for label, _ in part.frame.merged)
    yield from dict.fromkeys((*merged, *(column.name for entry in around for column in entry.source.columns)))


def _unknown_qualified(ref: ColumnRef, context: Context) -> UnknownName:
    table = written(ref.qualifier[:-1], ref.qualifier[-1])
    for scope in context.scope.chain():
        for entry in entries(scope.frame, ref.qualifier):
            names = closest(ref.name.text, dict.fromkeys(column.name for column in entry.source.columns))
            near = [f"{table}.{adql_name(name)}" for name in names]
            others = [other for other in scope.frame.entries if other is not entry and other.find(ref.name)]
            near = near or [f"{adql_name(other.name.text)}.{written((), ref.name)}" for other in others[:2]]
            message = f"Table {table} has no column {written((), ref.name)}"
            advice = "" if near else _beside(ref.name, entry, context)
            return UnknownName(message, ref.at, advice, suggestions=near)
    return unknown_reference(context.scope, ref.qualifier, context.names.tables())


def _advice(name: Identifier, near: Sequence[str], around: Sequence[Entry], context: Context) -> str:
    """Choose what to say beside the near misses; empty where they say enough."""
    written_name = written((), name)
    if name.text.lower() in context.named:
        given = f"{written_name} is a name that SELECT gives"
        return f"{given}: only GROUP BY, HAVING and ORDER BY know it; repeat its expression here"
    if any(same(name, entry.name.text) for entry in around):
        return f"{written_name} is a table: write {written_name}.column"
    if name.text.upper() in OTHER_SQL and not name.delimited:
        return OTHER_SQL[name.text.upper()]
    outside = _elsewhere(name, around, context)
    if near:
        return f"Did you mean {' or '.join(near)}? {outside}" if outside else ""
    if outside:
        return outside
    keywords = closest(name.text, ("DISTINCT", "TOP"))
    if keywords and not name.delimited:
        return f"Did you mean the keyword {keywords[0]}?"
    return f"{_text_advice(name)}; columns here are {_some(_columns(around, context.scope))}"


def _text_advice(name: Identifier) -> str:
    shown = written((), name)
    return quoted_text_advice(name.text[:_LONGEST]) if name.delimited else f"A text stands in quotes: '{shown}'"


def _some(names: Iterable[str]) -> str:
    """List the first few names as they are written in queries."""
    first = [adql_name(name[:_LONGEST]) for name in islice(names, _SHOWN + 1)]
    return ", ".join(first[:_SHOWN]) + (", …" if len(first) > _SHOWN else "")


def _beside(name: Identifier, entry: Entry, context: Context) -> str:
    """Say where a column is that the table of `entry` lacks, or what the table has."""
    shown = written((), name)
    if isinstance(entry.source, QuerySource):
        inside = _some(column.name for column in entry.source.columns)
        return f"{adql_name(entry.name.text)} is a subquery that gives {inside}: select {shown} in it, too"
    return _elsewhere(name, [entry], context) or f"It has {_some(c.name for c in entry.source.columns)}"


def _elsewhere(name: Identifier, around: Sequence[Entry], context: Context) -> str:
    """Say which tables outside of FROM have a column `name`, and how they are joined; empty where none has."""
    here = [entry.source.table for entry in around if isinstance(entry.source, TableSource)]
    system = any(table.schema == _SYSTEM for table in here)
    owners = [
        table
        for table in context.names.tables()
        if table not in here and (table.schema == _SYSTEM) == system and any(same(name, c.name) for c in table.columns)
    ]
    if not owners:
        return ""
    schemas = {table.schema for table in here}
    first, *others = sorted(owners, key=lambda table: table.schema not in schemas)
    also = f" (so has {others[0].adql_name})" if others else ""
    return f"{first.adql_name} has it{also}, but is not in FROM: add {_join(around, first)}"


def _join(around: Sequence[Entry], other: Table) -> str:
    """Write how `other` is joined to the first table in FROM: by a foreign key, a shared identifier or the position."""
    entry = next((entry for entry in around if isinstance(entry.source, TableSource)), None)
    if entry is None or not isinstance(entry.source, TableSource):
        return f"a join with {other.adql_name}"
    table = entry.source.table
    one, two = adql_name(entry.name.text), adql_name(other.name)
    for owner, target, labels in ((table, other, (one, two)), (other, table, (two, one))):
        for key in owner.keys:
            if key.target == (target.schema, target.name) and key.pairs:
                pairs = (f"{labels[0]}.{adql_name(a)} = {labels[1]}.{adql_name(b)}" for a, b in key.pairs)
                return f"JOIN {other.adql_name} ON {' AND '.join(pairs)}"
    shared = _shared_identifier(table, other)
    if shared:
        return f"JOIN {other.adql_name} USING ({shared})"
    if table.position and other.position:
        sides = [
            f"{label}.{adql_name(name)}"
            for label, position in ((one, table.position), (two, other.position))
            for name in (position.ra, position.dec)
        ]
        return f"JOIN {other.adql_name} ON DISTANCE({', '.join(sides)}) < 1/3600.0"
    return f"JOIN {other.adql_name} ON … with the columns that both share"


def _shared_identifier(table: Table, other: Table) -> str:
    """Give the name of a column that identifies rows of one of the tables and is in both; empty where there is none."""
    theirs = {column.name.lower() for column in other.columns}
    for column in table.columns:
        identifies = column.name in (*table.primary, *other.primary) or column.ucd.startswith("meta.id;meta.main")
        if identifies and column.name.lower() in theirs:
            return adql_name(column.name)
    return ""
