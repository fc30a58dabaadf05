"""Queries of the resolved tree → SQL for DuckDB, printed by sqlglot from its stock nodes.

Every source has a unique label, every result column is named by its place (c1, c2, …), every table name in FROM is a
list of files or a relation of ours: no name that an author chose reaches the engine. NULLs come last in ORDER BY,
ascending or descending.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from ..schema.model import Files, Partition
from ..schema.types import VOType
from ..sphere.coverage import circle_ranges
from . import nodes as n
from .duckdb_values import RANDOM, ValuePrinter
from .kinds import NULL, kind
from .resolved import (
    AggregateValue,
    Call,
    ColumnValue,
    Common,
    Condition,
    Constant,
    From,
    Joined,
    MemberQuery,
    Near,
    OrderTerm,
    Query,
    QuerySource,
    SelectQuery,
    SetQuery,
    Some,
    Source,
    TableSource,
    Value,
    sources_of,
    walk,
)
from .spatial import (
    INDEX,
    Cone,
    Finder,
    Ranges,
    below,
    cone_of,
    conjuncts,
    filtered_sides,
    indexed_position,
    intersection,
    leading,
    partitions,
    union,
)
from .spatial_joins import CellJoin, cell_joins
from .translation import Scan

_PRINTED_RANGES = 8  # more cost more to print and evaluate than they spare; files are chosen by all ranges


_CUT_ROWS = 50_000  # larger limits are left to the reader: the engine would collect all rows before giving the first


@dataclass(frozen=True, slots=True)
class Printed:
    """SQL, how it reads its tables, and where its reader must stop (None: the SQL ends by itself)."""

    sql: str
    scans: tuple[Scan, ...]
    cut: int | None


def print_query(query: Query, limit: int | None) -> Printed:
    """Print a query of at most `limit` rows."""
    printer = QueryPrinter()
    node = printer.outermost(query, limit)
    return Printed(DuckDB().generator().generate(node, copy=False), tuple(printer.scans), printer.cut)


@dataclass(slots=True)
class _Expansion:
    """A source that lists its cells: the SELECT around it, to be filled with the columns read of it."""

    select: exp.Select
    cells: list[tuple[str, n.Node]]


class QueryPrinter(ValuePrinter):
    """Makes nodes of queries and remembers how tables are read."""

    def __init__(self) -> None:
        super().__init__()
        self.scans: list[Scan] = []
        self.finder = Finder()
        self.pruning: dict[TableSource, Ranges] = {}
        self.cells: dict[Source, list[CellJoin]] = {}
        self.orders: dict[Source, int] = {}
        self.filters: dict[TableSource, Ranges] = {}
        self.leading: dict[TableSource, int] = {}
        self.cut: int | None = None
        self.expansions: list[tuple[Source, exp.Select, list[n.Node]]] = []

    def outermost(self, query: Query, limit: int | None) -> n.Node:
        """Make the node of the whole query: all columns cast to the types that were promised."""
        types = tuple(column.type for column in query.columns)
        node = self._query(query, types, limit, outer=True)
        bound = node.args.get("limit")
        if bound is not None and not query.order_by and int(bound.expression.this) > _CUT_ROWS:
            self.cut = int(bound.expression.this)
            node.set("limit", None)
        for source, select, cells in reversed(self.expansions):
            columns = [n.column(source.label, name) for name in self.used.get(source, {})]
            select.set("expressions", columns + cells)
        return node

    def query(self, query: Query) -> n.Node:
        """Make the node of a subquery."""
        return self._query(query, tuple(column.type for column in query.columns), None, outer=False)

    def _query(self, query: Query, types: tuple[VOType, ...], limit: int | None, *, outer: bool) -> n.Node:
        commons = [self._common(common) for common in query.commons]
        if isinstance(query, SelectQuery):
            node = self._select(query, types, limit, outer=outer)
        else:
            node = self._set(query, types, limit)
        if commons:
            node.set("with_", exp.With(expressions=commons))
        return node

    def _common(self, common: Common) -> n.Node:
        alias = exp.TableAlias(this=n.identifier(common.label))
        return exp.CTE(this=self.query(common.query), alias=alias)

    def _set(self, query: SetQuery, types: tuple[VOType, ...], limit: int | None) -> n.Node:
        left, right = (
            exp.Subquery(this=self._query(side, types, None, outer=True)) for side in (query.left, query.right)
        )
        kind_ = {"UNION": exp.Union, "EXCEPT": exp.Except, "INTERSECT": exp.Intersect}[query.operator]
        node = kind_(this=left, expression=right, distinct=not query.all)
        self._finish(node, query.order_by, limit, query.offset)
        return node

    def _finish(self, node: n.Node, order_by: tuple[OrderTerm, ...], limit: int | None, offset: int | None) -> None:
        terms = [
            exp.Ordered(
                this=n.integer(term.key) if isinstance(term.key, int) else self.value(term.key),
                desc=term.descending,
                nulls_first=False,
            )
            for term in order_by
            if isinstance(term.key, int) or _varies(term.key)
        ]
        if terms:
            node.set("order", exp.Order(expressions=terms))
        if limit is not None:
            node.set("limit", exp.Limit(expression=n.integer(limit)))
        if offset:
            node.set("offset", exp.Offset(expression=n.integer(offset)))

    # ------------------------------------------------------------ SELECT

    def _select(self, query: SelectQuery, types: tuple[VOType, ...], limit: int | None, *, outer: bool) -> n.Node:
        self._plan(query)
        bounds = [bound for bound in (query.top, limit) if bound is not None]
        most = min(bounds) if bounds else None
        if most is not None and isinstance(query.tables, TableSource) and _gives_rows_as_stored(query):
            self.leading[query.tables] = most + (query.offset or 0)
        node = exp.Select(
            expressions=[
                exp.Alias(this=self._output(value, vo, outer=outer), alias=n.identifier(f"c{i}"))
                for i, (value, vo) in enumerate(zip(query.values, types, strict=True), 1)
            ]
        )
        if query.distinct:
            node.set("distinct", exp.Distinct())
        first, joins = self._from(query.tables)
        node.set("from_", exp.From(this=first))
        if joins:
            node.set("joins", joins)
        if query.where is not None:
            sources = tuple(sources_of(query.tables))
            node.set("where", exp.Where(this=self._conjunction(query.where, sources)))
        if query.group_by:
            node.set("group", exp.Group(expressions=[self._group(value) for value in query.group_by]))
        if query.having is not None:
            node.set("having", exp.Having(this=self.condition(query.having)))
        self._finish(node, query.order_by, most, query.offset)
        return node

    def _output(self, value: Value, vo: VOType, *, outer: bool) -> n.Node:
        """A result column of exactly the promised type; inside, stored columns have theirs already."""
        made = self.value(value)
        stored = isinstance(value, ColumnValue) and value.info.type == vo and not outer
        text = kind(vo) == "string" and isinstance(value, ColumnValue | Constant) and value.info.type != NULL
        return made if stored or text else n.cast(made, vo)

    def _group(self, value: Value) -> n.Node:
        """A literal would be read as a column number."""
        made = self.value(value)
        return n.cast(made, value.info.type) if isinstance(value, Constant) and value.value is not None else made

    # ---------------------------------------------------------- planning

    def _plan(self, query: SelectQuery) -> None:
        """Find the regions and positional joins of a query before its FROM is made."""
        everything = below((query.tables,))
        if query.where is not None:
            self._prune(query.where, everything)
        for join in _joins(query.tables):
            if join.on is not None:
                self._prune(join.on, below(filtered_sides(join)))
        own = frozenset(sources_of(query.tables))
        found = list(cell_joins(query.where, own, self.pruning))
        for join in _joins(query.tables):
            sides = frozenset(source for side in filtered_sides(join) for source in sources_of(side))
            found += cell_joins(join.on, sides, self.pruning)
        for pair in found:
            if pair.expanded in own and pair.other in own:
                self._expand(pair)
        self._spread(query, found)

    def _prune(self, condition: Condition, sources: frozenset[Source]) -> None:
        for source, ranges in self.finder.regions(condition).items():
            if source in sources:
                known = self.pruning.get(source)
                self.pruning[source] = ranges if known is None else intersection(known, ranges)
                self.filters[source] = self.pruning[source]

    def _expand(self, pair: CellJoin) -> None:
        self.cells.setdefault(pair.expanded, []).append(pair)
        self.orders[pair.expanded] = self.orders[pair.other] = pair.order

    def _spread(self, query: SelectQuery, pairs: list[CellJoin]) -> None:
        """A cone on one partner of a positional join chooses the files of the other too."""
        cones = [cone for test in conjuncts(query.where) if isinstance(test, Near) and (cone := cone_of(test))]
        for pair in pairs:
            radius = pair.radius.value if isinstance(pair.radius, Constant) else None
            if not isinstance(radius, int | float) or radius < 0:
                continue
            sides = ((pair.lon, pair.lat), (pair.other_lon, pair.other_lat))
            for near, far in (sides, sides[::-1]):
                here, there = indexed_position(*near), indexed_position(*far)
                for cone in cones:
                    if here is cone.source and there is not None and there not in self.filters and cone.radius >= 0:
                        self._widened(there, cone, float(radius))

    def _widened(self, source: TableSource, cone: Cone, radius: float) -> None:
        self.pruning[source] = tuple(circle_ranges(cone.lon, cone.lat, min(180.0, cone.radius + radius)))

    def _conjunction(self, condition: Condition, sources: tuple[Source, ...]) -> n.Node:
        """A condition with the index ranges and cell equalities it implies."""
        tests: list[n.Node] = []
        for source, ranges in self.finder.regions(condition).items():
            if source in sources:
                tests.extend(self._ranges(source, ranges))
        for expanded in sources:
            for number, pair in enumerate(self.cells.get(expanded, ())):
                if _tests(condition, pair):
                    tests.append(self._same_cell(pair, number))
        return n.all_of(*tests, *(self.condition(part) for part in conjuncts(condition)))

    def _ranges(self, source: TableSource, ranges: Ranges) -> list[n.Node]:
        if not ranges:
            return [n.truth(False)]
        printed = union(ranges, _PRINTED_RANGES)
        spans = [(printed[0][0], printed[-1][1])] if len(printed) > 1 else []
        outer = [self._span(source, low, high) for low, high in spans]
        return [*outer, n.any_of(*(self._span(source, low, high) for low, high in printed))]

    def _span(self, source: TableSource, low: int, high: int) -> n.Node:
        return n.between(self.reference(source, INDEX), n.integer(low), n.integer(high - 1))

    def _same_cell(self, pair: CellJoin, number: int) -> n.Node:
        other = pair.other
        indexed = indexed_position(pair.other_lon, pair.other_lat)
        if isinstance(other, TableSource) and indexed is other:
            cell = self.reference(other, INDEX)
        else:
            cell = n.call("ns_healpix29", self.value(pair.other_lon), self.value(pair.other_lat))
        bits = n.integer(2 * (29 - pair.order))
        return n.compare(
            "=", n.shift_right(cell, bits), n.column(pair.expanded.label, _cell_name(pair.expanded, number))
        )

    # -------------------------------------------------------------- FROM

    def _from(self, node: From) -> tuple[n.Node, list[n.Node]]:
        """Give the first table and the joins that follow it."""
        if not isinstance(node, Joined):
            return self._source(node), []
        first, joins = self._from(node.left)
        right, more = self._from(node.right)
        if more:
            right.set("joins", more)
            right = exp.Paren(this=right)
        if node.kind == "CROSS":
            return first, [*joins, exp.Join(this=right, kind="CROSS")]
        on = self._conjunction(node.on, tuple(sources_of(node))) if node.on is not None else n.truth(True)
        side = {"side": node.kind} if node.kind != "INNER" else {"kind": "INNER"}
        return first, [*joins, exp.Join(this=right, on=on, **side)]

    def _source(self, source: Source) -> n.Node:
        made = self._table(source) if isinstance(source, TableSource) else self._derived(source)
        for number, pair in enumerate(self.cells.get(source, ())):
            made = self._expanded(source, made, pair, number)
        return made

    def _derived(self, source: QuerySource) -> n.Node:
        alias = exp.TableAlias(this=n.identifier(source.label))
        if source.common is not None:
            return exp.Table(this=n.identifier(source.common.label), alias=alias)
        return exp.Subquery(this=self.query(source.query), alias=alias)

    def _table(self, source: TableSource) -> n.Node:
        alias = exp.TableAlias(this=n.identifier(source.label))
        stored = source.table.source
        order = self.orders.get(source)
        name = source.table.adql_name
        ranges = self.pruning.get(source)
        if not isinstance(stored, Files):
            self.scans.append(Scan(name, 0, 0, stored.rows, ranges or (), order))
            return exp.Table(this=_path(stored.path), alias=alias)
        chosen = leading(partitions(stored, ranges), self.leading.get(source))
        rows = sum(part.rows for part in chosen)
        self.scans.append(Scan(name, len(chosen), len(stored.partitions), rows, ranges or (), order))
        if not stored.partitions:
            return exp.Subquery(this=_empty(source), alias=alias)
        if not chosen:  # the conditions leave no row of any file: read the smallest
            chosen = (min(stored.partitions, key=lambda part: part.rows),)
        return exp.Table(this=_read(chosen), alias=alias)

    def _expanded(self, source: Source, made: n.Node, pair: CellJoin, number: int) -> n.Node:
        """Wrap a source so that each row stands once for every cell around it."""
        cells = n.call(
            "ns_cells",
            self.value(pair.lon),
            self.value(pair.lat),
            self.value(pair.radius),
            n.integer(pair.order),
        )
        listed: list[n.Node] = [n.column(source.label, _cell_name(source, i)) for i in range(number)]
        listed.append(exp.Alias(this=n.call("unnest", cells), alias=n.identifier(_cell_name(source, number))))
        select = exp.Select(from_=exp.From(this=made))
        if isinstance(source, TableSource) and number == 0 and source in self.filters:
            select.set("where", exp.Where(this=n.all_of(*self._ranges(source, self.filters[source]))))
        self.expansions.append((source, select, listed))
        return exp.Subquery(this=select, alias=exp.TableAlias(this=n.identifier(source.label)))


def _varies(value: Value) -> bool:
    """Tell whether a value can differ between rows; the engine refuses to order by some that cannot."""
    return any(
        isinstance(part, ColumnValue | AggregateValue | MemberQuery | Some)
        or (isinstance(part, Call) and part.name in RANDOM)
        for part in walk(value)
    )


def _gives_rows_as_stored(query: SelectQuery) -> bool:
    """Tell whether each row of the table is a row of the query, so that TOP needs the first files only."""
    return (
        query.where is None
        and not query.group_by
        and query.having is None
        and not query.distinct
        and not query.order_by
        and all(isinstance(value, ColumnValue) for value in query.values)
    )


def _joins(node: From) -> list[Joined]:
    if not isinstance(node, Joined):
        return []
    return [*_joins(node.left), *_joins(node.right), node]


def _tests(condition: Condition, pair: CellJoin) -> bool:
    """Tell whether the positional join stands in this condition."""
    wanted = {(pair.lon, pair.lat), (pair.other_lon, pair.other_lat)}
    return any(
        isinstance(test, Near) and {(test.lon1, test.lat1), (test.lon2, test.lat2)} == wanted
        for test in conjuncts(condition)
    )


def _cell_name(source: Source, number: int) -> str:
    """A column name that the source does not have."""
    name = f"_ns_cell{number + 1}"
    taken = {column.name.lower() for column in source.columns}
    while name in taken:
        name = "_" + name
    return name


def _path(path: tuple[str, ...]) -> n.Node:
    """A relation by its quoted path."""
    names = [n.identifier(part) for part in path]
    return exp.Table(this=names[-1], db=names[-2] if len(names) > 1 else None)


def _read(chosen: tuple[Partition, ...]) -> n.Node:
    """read_parquet of a list of files; folder names are no columns."""
    files = n.array(*(n.text(part.path) for part in chosen))
    plain = exp.PropertyEQ(this=exp.Var(this="hive_partitioning"), expression=n.truth(False))
    return exp.Anonymous(this="read_parquet", expressions=[files, plain])


def _empty(source: TableSource) -> n.Node:
    """A table without files: no row, but all columns."""
    columns = [
        exp.Alias(this=n.cast(n.null(), column.type), alias=n.identifier(column.name))
        for column in source.table.columns
    ]
    if source.table.source.indexed:
        columns.append(exp.Alias(this=n.cast(n.null(), VOType("long")), alias=n.identifier(INDEX)))
    return exp.Select(expressions=columns, where=exp.Where(this=n.truth(False)))
