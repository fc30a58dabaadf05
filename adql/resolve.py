"""The door of the resolver: tree + catalog → resolved tree.

Choices where the standard leaves room: integers in GROUP BY are column numbers as in ORDER BY; GROUP BY, HAVING and
ORDER BY know output names where no column is called so (ORDER BY prefers them); duplicate output names get `_2`, `_3`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from itertools import islice
from typing import cast

from ..config.errors import AdqlTypeError, Position, UnknownName, Unsupported
from ..schema.model import Catalog, Column, Table
from ..schema.types import STRING
from . import tree
from .kinds import NULL, common_type, kind_of, name_of
from .resolve_conditions import condition
from .resolve_context import Context
from .resolve_names import COLUMNS_MOST, Frame, Names, Scope, entries, same
from .resolve_tables import tables
from .resolve_values import value
from .resolved import (
    AggregateValue,
    ColumnValue,
    Common,
    Condition,
    Constant,
    MemberQuery,
    OrderTerm,
    Query,
    QuerySource,
    SelectQuery,
    SetQuery,
    Some,
    Source,
    TableSource,
    Value,
    contents,
    parts,
    sources_of,
    walk,
)
from .service import EVERYTHING, Service
from .unknown import unknown_reference


def resolve(
    query: tree.Query, catalog: Catalog, uploads: Sequence[Table] = (), service: Service = EVERYTHING
) -> tuple[Query, Names]:
    """Resolve a whole query and give the names it read; a QueryError where it is at fault."""
    names = Names(catalog, uploads, service)
    return _query(query, names, None), names


def _query(node: tree.Query, names: Names, parent: Scope | None) -> Query:
    before = len(names.commons)
    commons = tuple(_common(table, names) for table in node.with_tables)
    if node.offset is not None:
        names.features.add("OFFSET")
    result = _body(node, names, parent)
    del names.commons[before:]
    return replace(result, commons=commons + result.commons) if commons else result


def _body(node: tree.Query, names: Names, parent: Scope | None) -> Query:
    body = node.body
    if isinstance(body, tree.Select):
        return _select(body, node, names, parent)
    if isinstance(body, tree.SetOperation):
        return _set(body, node, names, parent)
    inner = _query(body, names, parent)
    if not node.order_by and node.offset is None:
        return inner
    source = QuerySource(names.label("t"), inner, inner.columns, None, node.at)
    values = tuple(ColumnValue(source, f"c{i + 1}", column, node.at) for i, column in enumerate(inner.columns))
    order = tuple(_plain_order(term, inner.columns) for term in node.order_by)
    return SelectQuery(False, None, node.offset, values, inner.columns, source, None, (), None, order)


def _common(table: tree.CommonTable, names: Names) -> Common:
    names.features.add("WITH")
    if any(same(table.name, name.text) for name, _ in names.commons):
        message = f"WITH names {table.name.text} twice"
        raise UnknownName(message, table.name.at, "Give each table of WITH a name of its own")
    query = _query(table.query, names, None)
    columns = query.columns
    if table.columns:
        if len(table.columns) != len(columns):
            message = f"{table.name.text} has {len(columns)} columns, but {len(table.columns)} names"
            raise AdqlTypeError(message, table.at)
        columns = tuple(replace(c, name=name.text) for c, name in zip(columns, table.columns, strict=True))
    common = Common(names.label("w"), query, columns)
    names.commons.append((table.name, common))
    return common


# ------------------------------------------------------------ set operations


def _set(body: tree.SetOperation, node: tree.Query, names: Names, parent: Scope | None) -> SetQuery:
    names.features.add(body.operator)
    left, right = (_operand(side, names, parent) for side in (body.left, body.right))
    if len(left.columns) != len(right.columns):
        message = f"{body.operator} needs the same number of columns: {len(left.columns)} and {len(right.columns)}"
        raise AdqlTypeError(message, body.right.at, "Select as many columns on both sides; NULL fills up")
    columns = tuple(
        _joined(one, other, body.operator, body.right.at)
        for one, other in zip(_untyped(left), _untyped(right), strict=True)
    )
    order = tuple(_plain_order(term, columns) for term in node.order_by)
    return SetQuery(body.operator, body.all, left, right, columns, node.offset, order)


def _untyped(query: Query) -> list[Column]:
    """Columns of an operand; those of the literal NULL take the type of the other side."""
    if isinstance(query, SetQuery):
        return list(query.columns)
    pairs = zip(query.columns, query.values, strict=True)
    return [replace(column, type=NULL) if item.info.type == NULL else column for column, item in pairs]


def _operand(side: tree.Select | tree.SetOperation | tree.Query, names: Names, parent: Scope | None) -> Query:
    if isinstance(side, tree.Query):
        return _query(side, names, parent)
    return _body(tree.Query((), side, (), None, side.at), names, parent)


def _joined(one: Column, other: Column, operator: str, at: Position) -> Column:
    found = common_type(one.type, other.type)
    if found is None:
        message = f"{operator} joins {name_of(one.type)} and {name_of(other.type)} in column {one.name}"
        raise AdqlTypeError(message, at, "Use CAST")
    found = STRING if found == NULL else found
    return one if found == one.type else replace(one, type=found)


def _plain_order(term: tree.Ordering, columns: Sequence[Column]) -> OrderTerm:
    """Resolve a term of ORDER BY behind a set operation: only numbers and names of its columns."""
    if isinstance(term.key, int):
        return OrderTerm(_number(term.key, len(columns), term.at, "ORDER BY"), term.descending)
    if isinstance(term.key, tree.ColumnRef) and not term.key.qualifier:
        for index, column in enumerate(columns):
            if same(term.key.name, column.name):
                return OrderTerm(index + 1, term.descending)
    message = "ORDER BY behind UNION, EXCEPT, INTERSECT and parentheses takes names or numbers of result columns only"
    raise UnknownName(message, term.at, "They are " + ", ".join(column.name for column in columns[:20]))


def _number(number: int, count: int, at: Position, clause: str) -> int:
    if not 1 <= number <= count:
        message = f"{clause} {number}: the result has {count} column{'s'[: count != 1]}"
        raise UnknownName(message, at, f"Numbers of columns lie between 1 and {count}")
    return number


# -------------------------------------------------------------------- SELECT


def _select(node: tree.Select, query: tree.Query, names: Names, parent: Scope | None) -> SelectQuery:
    around = Context(names, parent or Scope(Frame()), _query, condition, "FROM")
    source, frame = tables(node.tables, around)
    context = Context(names, Scope(frame, parent), _query, condition, named=_named(node.items))
    where = condition(node.where, context.without_aggregates("WHERE")) if node.where is not None else None
    items = _counted(_items(node.items, context), names, node.at)
    values = tuple(item for _, item in items)
    columns = _columns(items)
    aliased = replace(context, aliases=_aliases(node.items, items))
    groups = tuple(_group(term, values, aliased) for term in node.group_by)
    having = condition(node.having, aliased) if node.having is not None else None
    results = _Results(values, columns) if query.order_by else None
    order = tuple(_order(term, results, aliased, node.distinct) for term in query.order_by if results)
    sources = frozenset(sources_of(source))
    ordered = [term.key for term in order if not isinstance(term.key, int)]
    if groups or having is not None or _aggregated((*values, *ordered)):
        groups += _check_grouped((*values, *ordered, *([having] if having is not None else [])), groups, sources)
    return SelectQuery(node.distinct, node.top, query.offset, values, columns, source, where, groups, having, order)


def _counted(items: Iterable[tuple[str, Value]], names: Names, at: Position) -> list[tuple[str, Value]]:
    """Collect the items of a SELECT; Unsupported where the query has too many, as `*` upon `*` can make."""
    found = list(islice(items, names.columns_left + 1))
    names.columns_left -= len(found)
    if names.columns_left < 0:
        message = "All SELECTs of the query together have too many columns"
        raise Unsupported(message, at, f"At most {COLUMNS_MOST} are possible: name those you need instead of *")
    return found


def _items(nodes: Iterable[tree.Item | tree.Star], context: Context) -> Iterable[tuple[str, Value]]:
    """Give (wanted name, value) of all columns of the result; the name is empty where none was given."""
    for node in nodes:
        if isinstance(node, tree.Item):
            made = value(node.expression, context)
            yield (node.alias.text if node.alias else _plain_name(node.expression, made)), made
        elif not node.qualifier:
            yield from context.scope.frame.star(node.at)
        else:
            found = entries(context.scope.frame, node.qualifier)
            if not found:
                raise unknown_reference(Scope(context.scope.frame), node.qualifier, context.names.tables())
            for entry in found:
                for index, column in enumerate(entry.source.columns):
                    yield column.name, entry.value(index, node.at)


def _plain_name(node: tree.Expression, made: Value) -> str:
    if isinstance(made, ColumnValue):
        return made.info.name
    return node.name.text if isinstance(node, tree.ColumnRef) else ""


def _columns(items: Sequence[tuple[str, Value]]) -> tuple[Column, ...]:
    taken: set[str] = set()
    given = {name.lower() for name, _ in items}
    counts: dict[str, int] = {}
    columns = []
    for index, (wanted, item) in enumerate(items, 1):
        name = base = wanted or _generated(item, index)
        while name.lower() in taken or (name.lower() in given and name != wanted):
            counts[base.lower()] = counts.get(base.lower(), 1) + 1
            name = f"{base}_{counts[base.lower()]}"
        taken.add(name.lower())
        info = item.info
        vo = STRING if info.type == NULL else info.type
        columns.append(info if info.name == name and vo is info.type else replace(info, name=name, type=vo))
    return tuple(columns)


def _generated(item: Value, index: int) -> str:
    """Make a legal name for an expression without one: max_gmag, count_1, expr_2."""
    if isinstance(item, AggregateValue):
        inner = item.arguments[0] if item.arguments else None
        if isinstance(inner, ColumnValue) and item.name != "COUNT":
            return f"{item.name.lower()}_{re.sub(r'[^A-Za-z0-9_]', '_', inner.info.name)}"
        return f"{item.name.lower()}_{index}"
    return f"expr_{index}"


def _aliases(nodes: Sequence[tree.Item | tree.Star], items: Sequence[tuple[str, Value]]) -> dict[str, Value]:
    wanted = _named(nodes)
    return {name.lower(): item for name, item in reversed(items) if name.lower() in wanted}


def _named(nodes: Sequence[tree.Item | tree.Star]) -> frozenset[str]:
    """Give the names that SELECT gives with AS, in lower case."""
    return frozenset(node.alias.text.lower() for node in nodes if isinstance(node, tree.Item) and node.alias)


def _group(term: tree.Expression, values: Sequence[Value], context: Context) -> Value:
    if isinstance(term, tree.Number) and term.text.isdigit():
        number = _number(int(term.text[:20]), len(values), term.at, "GROUP BY")
        made = values[number - 1]
    else:
        made = value(term, context.without_aggregates("GROUP BY"))
    if _aggregated((made,)):
        message = "GROUP BY cannot use an aggregate"
        raise AdqlTypeError(message, term.at, "Aggregate in a subquery first")
    return made


class _Results:
    """The result columns by name and by content, for ORDER BY."""

    def __init__(self, values: Sequence[Value], columns: Sequence[Column]) -> None:
        self.values = values
        self.exact = {column.name: i for i, column in reversed(list(enumerate(columns, 1)))}
        self.folded = {column.name.lower(): i for i, column in reversed(list(enumerate(columns, 1)))}
        self.content = {item: i for i, item in reversed(list(enumerate(values, 1)))}

    def named(self, name: tree.Identifier) -> int | None:
        """Give the number of the column a name means."""
        return self.exact.get(name.text) if name.delimited else self.folded.get(name.text.lower())


def _order(term: tree.Ordering, results: _Results, context: Context, distinct: bool) -> OrderTerm:
    position: int | None = None
    if isinstance(term.key, int):
        position = _number(term.key, len(results.values), term.at, "ORDER BY")
    elif isinstance(term.key, tree.ColumnRef) and not term.key.qualifier:
        position = results.named(term.key.name)
    if position is not None:
        _check_order(results.values[position - 1], term.at)
        return OrderTerm(position, term.descending)
    made = value(cast(tree.Expression, term.key), context)
    _check_order(made, term.at)
    if made in results.content:
        return OrderTerm(results.content[made], term.descending)
    if distinct and not isinstance(made, Constant):
        message = "With SELECT DISTINCT, ORDER BY can use only columns of the result"
        raise AdqlTypeError(message, term.at, "Add it to SELECT, or leave DISTINCT out")
    return OrderTerm(made, term.descending)


def _check_order(made: Value, at: Position) -> None:
    if kind_of(made) not in ("number", "string", "timestamp", "boolean", "null"):
        message = f"ORDER BY cannot order {name_of(made.info.type)}"
        raise AdqlTypeError(message, at, "Order by numbers, texts or times, such as COORD1 and COORD2 of a point")


def _aggregated(values: Iterable[Value]) -> bool:
    return any(isinstance(node, AggregateValue) for item in values for node in walk(item))


def _check_grouped(
    nodes: Iterable[Value | Condition], groups: Sequence[Value], sources: frozenset[Source]
) -> tuple[Value, ...]:
    """Refuse columns that are neither grouped nor aggregated (SQL-92 section 7.9).

    Columns of a table whose primary key is grouped depend on it (SQL:1999): they are given, to be grouped too.
    """
    known = set(groups)
    keyed = frozenset(source for source in sources if _has_key(source, known))
    more: dict[Value, None] = {}
    for node in nodes:
        while True:
            column = _ungrouped(node, known, sources)
            if column is None or column.source not in keyed:
                break
            more[column] = None
            known.add(column)
        if column is not None:
            message = f"Column {column.info.name} is neither in GROUP BY nor in an aggregate"
            raise AdqlTypeError(message, column.at, "Group by it, or use MIN, MAX or AVG of it")
    return tuple(more)


def _has_key(source: Source, groups: Set[Value]) -> bool:
    """Tell whether the whole primary key of a table is grouped."""
    if not isinstance(source, TableSource) or not source.table.primary:
        return False
    columns = {node.name for node in groups if isinstance(node, ColumnValue) and node.source is source}
    return columns >= set(source.table.primary)


def _ungrouped(node: Value | Condition, groups: Set[Value], sources: frozenset[Source]) -> ColumnValue | None:
    if isinstance(node, AggregateValue) or node in groups:
        return None
    if isinstance(node, ColumnValue):
        return node if node.source in sources else None
    if isinstance(node, MemberQuery | Some):
        inner = (c for c in contents(node.query) if isinstance(c, ColumnValue))
        free = next((column for column in inner if column.source in sources and column not in groups), None)
        if free is not None:
            return free
    found = (_ungrouped(part, groups, sources) for part in parts(node))
    return next((column for column in found if column is not None), None)
