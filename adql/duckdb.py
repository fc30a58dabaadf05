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
from ..schema.types import INTEGER, LONG, VOType
from . import nodes as n
from . import sampling
from .duckdb_values import RANDOM, ValuePrinter
from .kinds import NULL, kind
from .places import INDEX, indexed_position
from .plan import Lateral, Plan
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
from .spatial_forms import conjuncts
from .spatial_joins import CELL_DEG, FINEST, FREE_ORDER, CellJoin
from .spatial_ranges import Ranges, leading, partitions, union
from .translation import Scan

_PRINTED_RANGES = 8  # more cost more to print and evaluate than they spare; files are chosen by all ranges
CELL = "cell"
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
        self.plan = Plan()
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
            select.set("expressions", columns + cells or [n.integer(1)])
        return node

    def query(self, query: Query) -> n.Node:
        """Make the node of a subquery."""
        return self._query(query, tuple(column.type for column in query.columns), None, outer=False)

    def _query(self, query: Query, types: tuple[VOType, ...], limit: int | None, *, outer: bool) -> n.Node:
        before = len(self.scans)
        if isinstance(query, SelectQuery):
            node = self._select(query, types, limit, outer=outer)
        else:
            node = self._set(query, types, limit)
        if query.commons:  # after all that refers to them, the last one first; their scans come before
            scans = self._cut_scans(before)
            commons = []
            for common in reversed(query.commons):
                self.plan.finish(common)
                commons.append(self._common(common))
                scans = self._cut_scans(before) + scans
            self.scans.extend(scans)
            node.set("with_", exp.With(expressions=commons[::-1]))
        return node

    def _cut_scans(self, before: int) -> list[Scan]:
        scans = self.scans[before:]
        del self.scans[before:]
        return scans

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
                this=n.integer(term.key) if isinstance(term.key, int) else self.key(term.key),
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

    def key(self, value: Value) -> n.Node:
        """Make the node of a value that rows are ordered by."""
        return self.value(value)

    # ------------------------------------------------------------ SELECT

    def _select(self, query: SelectQuery, types: tuple[VOType, ...], limit: int | None, *, outer: bool) -> n.Node:
        self.plan.enter(query)
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
        joins += [self._listing(pair, i) for i, pair in enumerate(self.plan.listed.get(query, ()))]
        tests = self._where(query)
        if joins:
            node.set("joins", joins)
        if tests:
            node.set("where", exp.Where(this=n.all_of(*tests)))
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
        return made if stored or text else self.result(made, vo)

    def result(self, made: n.Node, vo: VOType) -> n.Node:
        """Make a result column of exactly a type that it fits."""
        return n.cast_column(made, vo)

    def _group(self, value: Value) -> n.Node:
        """A literal would be read as a column number."""
        made = self.value(value)
        return self.typed(made, value.info.type) if isinstance(value, Constant) and value.value is not None else made

    # ------------------------------------------------------ regions and joins

    def _conditions(self, condition: Condition, sources: tuple[Source, ...]) -> list[n.Node]:
        """A condition with the index ranges and cell equalities it implies, to be joined by AND."""
        tests: list[n.Node] = []
        for place, ranges in self.plan.finder.regions(condition).items():
            if isinstance(place.source, TableSource) and place.source in sources:
                tests.extend(self._ranges(place.source, ranges))
        tests.extend(self._same_cell(pair) for pair in self.plan.tests.get(id(condition), ()))
        return [*tests, *(self.condition(part) for part in conjuncts(condition))]

    def _where(self, query: SelectQuery) -> list[n.Node]:
        """The tests of a SELECT: what queries around it need of its tables, WHERE, and the cells it lists."""
        sources = tuple(sources_of(query.tables))
        tests = [
            test for source in sources if isinstance(source, TableSource) and source in self.plan.handed
            for test in self._ranges(source, self.plan.handed[source])
        ]  # fmt: skip
        if query.where is not None:
            tests += self._conditions(query.where, sources)
        tests += [
            self._meets(pair, n.column(_list_label(pair.other, i), CELL))
            for i, pair in enumerate(self.plan.listed.get(query, ()))
        ]
        return tests

    def _ranges(self, source: TableSource, ranges: Ranges) -> list[n.Node]:
        if not ranges:
            return [n.truth(False)]
        printed = union(ranges, _PRINTED_RANGES)
        spans = [(printed[0][0], printed[-1][1])] if len(printed) > 1 else []
        self.reference(source, INDEX)  # it is read, in a text of our own
        return [n.spans(source.label, INDEX, part) for part in (spans, printed) if part]

    def _same_cell(self, pair: CellJoin) -> n.Node:
        number = self.plan.cells[pair.expanded].index(pair)
        return self._meets(pair, n.column(pair.expanded.label, _spare_name(pair.expanded, "cell", number)))

    def _meets(self, pair: CellJoin, cell: n.Node) -> n.Node:
        """The other position of a pair lies in a cell."""
        return n.compare("=", self._cell(pair), cell)

    def _cell(self, pair: CellJoin) -> n.Node:
        """The cell that holds the other position of a pair."""
        other = pair.other
        keyed = self._keyed(other)
        if pair in keyed:
            return n.column(other.label, _spare_name(other, "key", keyed.index(pair)))
        cell = self._index(pair)
        return n.shift_right(cell, n.integer(2 * (29 - pair.order)))

    def _keyed(self, source: Source) -> list[CellJoin]:
        """Joins for which a source carries its cell as a column; an order found at run time makes ON no hash join."""
        return self.plan.keys.get(source, [])

    def _index(self, pair: CellJoin) -> n.Node:
        """The order-29 cell of the other position of a pair."""
        other = pair.other
        indexed = indexed_position(pair.other_lon, pair.other_lat)
        if isinstance(other, TableSource) and indexed is other:
            return self.reference(other, INDEX)
        return n.call("ns_healpix29", self.value(pair.other_lon), self.value(pair.other_lat))

    def _list(self, pair: CellJoin) -> n.Node:
        """All cells that a circle around a position touches."""
        chosen = tuned(pair)
        order = n.integer(pair.order) if chosen is None else self._order(chosen, pair)
        return n.call("ns_cells", self.value(pair.lon), self.value(pair.lat), self.value(pair.radius), order)

    def _each(self, pair: CellJoin) -> n.Node:
        """The cells of a circle, one to a row, in a select list."""
        return n.call("unnest", self._list(pair))

    def _listed(self, pair: CellJoin, label: str) -> n.Node:
        """The cells of a circle as a table of one column."""
        return _unnested(self._list(pair), label)

    def _order(self, source: TableSource, pair: CellJoin) -> n.Node:
        """The order whose cells suit the radii of a table: that of the root of their mean square."""
        radius = self.value(pair.radius)
        within = n.call("least", n.call("greatest", radius, n.real(0.0)), n.real(180.0))
        typical = n.call("sqrt", n.call("avg", n.mul(within, n.again(within))))
        cells = n.div(n.real(CELL_DEG / 2.0), n.call("greatest", typical, n.real(1e-9)))
        order = n.call("floor", n.call("log2", cells))
        bounded = n.call("coalesce", n.call("least", n.call("greatest", order, n.integer(0)), n.integer(FINEST)))
        bounded.append("expressions", n.integer(FREE_ORDER))
        select = exp.Select(expressions=[n.cast(bounded, INTEGER)], from_=exp.From(this=self._relation(source)))
        return exp.Subquery(this=select)

    # -------------------------------------------------------------- FROM

    def _from(self, node: From) -> tuple[n.Node, list[n.Node]]:
        """Give the first table and the joins that follow it."""
        if not isinstance(node, Joined):
            return self._source(node), []
        if node in self.plan.laterals:
            found = self.plan.laterals[node]
            first, joins = self._from(found.kept)
            return first, [*joins, self._lateral(found)]
        first, joins = self._from(node.left)
        right, more = self._from(node.right)
        if more:
            right.set("joins", more)
            right = exp.Paren(this=right)
        if node.kind == "CROSS":
            return first, [*joins, exp.Join(this=right, kind="CROSS")]
        tests = self._conditions(node.on, tuple(sources_of(node))) if node.on is not None else []
        on = n.all_of(*tests) if tests else n.truth(True)
        side = {"side": node.kind} if node.kind != "INNER" else {"kind": "INNER"}
        return first, [*joins, exp.Join(this=right, on=on, **side)]

    def _lateral(self, join: Lateral) -> n.Node:
        """An outer join whose kept rows list their cells: what they match is found for each of them.

        LEFT JOIN LATERAL (SELECT … FROM UNNEST(cells) JOIN table ON its cell = cell WHERE condition) ON TRUE
        """
        source = join.pair.other
        label = _list_label(source, 0)
        made = self._source(source)
        same = self._meets(join.pair, n.column(label, CELL))
        joins = [exp.Join(this=made, kind="INNER", on=same)]
        select = exp.Select(from_=exp.From(this=self._listed(join.pair, label)), joins=joins)
        select.set("where", exp.Where(this=n.all_of(*self._conditions(join.on, (source,)))))
        spare = [n.column(source.label, name) for name in self._spare(source)]
        self.expansions.append((source, select, spare))
        alias = exp.TableAlias(this=n.identifier(source.label))
        return exp.Join(this=exp.Lateral(this=exp.Subquery(this=select), alias=alias), on=n.truth(True), side="LEFT")

    def _listing(self, pair: CellJoin, number: int) -> n.Node:
        """The cells around a position of a query around this one, as a table."""
        return exp.Join(this=self._listed(pair, _list_label(pair.other, number)), kind="CROSS")

    def _source(self, source: Source) -> n.Node:
        made = self._table(source) if isinstance(source, TableSource) else self._derived(source)
        values = [self._key(pair) for pair in self._keyed(source)]
        values += [self._each(pair) for pair in self.plan.cells.get(source, ())]
        names = self._spare(source)
        for number, value in enumerate(values):
            made = self._wrapped(source, made, value, names[number], names[:number])
        return made

    def _spare(self, source: Source) -> tuple[str, ...]:
        """Names of the columns that joins add to a source: its keys, then the cells it lists."""
        keys = (_spare_name(source, "key", i) for i in range(len(self._keyed(source))))
        return *keys, *(_spare_name(source, "cell", i) for i in range(len(self.plan.cells.get(source, ()))))

    def _key(self, pair: CellJoin) -> n.Node:
        """The cell of the other position of a pair, of the order that suits the radii."""
        chosen = tuned(pair)
        order = n.integer(pair.order) if chosen is None else self._order(chosen, pair)
        bits = n.mul(n.sub(n.integer(29), order), n.integer(2))
        return n.shift_right(self._index(pair), n.cast(bits, LONG))

    def _derived(self, source: QuerySource) -> n.Node:
        alias = exp.TableAlias(this=n.identifier(source.label))
        if source.common is not None:
            return exp.Table(this=n.identifier(source.common.label), alias=alias)
        return exp.Subquery(this=self.query(source.query), alias=alias)

    def _table(self, source: TableSource) -> n.Node:
        stored = source.table.source
        order = self.plan.orders.get(source)
        name = source.table.adql_name
        ranges = self.plan.pruning.get(source)
        if not isinstance(stored, Files):
            self.scans.append(Scan(name, 0, 0, stored.rows, ranges or (), order))
            return self._relation(source)
        chosen = leading(partitions(stored, ranges), self.leading.get(source))
        rows = sum(part.rows for part in chosen)
        self.scans.append(Scan(name, len(chosen), len(stored.partitions), rows, ranges or (), order))
        return self._relation(source)

    def _relation(self, source: TableSource) -> n.Node:
        """What a table is to the engine: its files that count, or its name there."""
        alias = exp.TableAlias(this=n.identifier(source.label))
        stored = source.table.source
        if not isinstance(stored, Files):
            if source.sample is not None:
                return exp.Subquery(this=sampling.of_relation(_path(stored.path), source.sample), alias=alias)
            return exp.Table(this=_path(stored.path), alias=alias)
        chosen = leading(partitions(stored, self.plan.pruning.get(source)), self.leading.get(source))
        if not stored.partitions:
            return exp.Subquery(this=_empty(source), alias=alias)
        if not chosen:  # the conditions leave no row of any file: read the smallest
            chosen = (min(stored.partitions, key=lambda part: part.rows),)
        if source.sample is not None:
            return exp.Subquery(this=sampling.of_files(_read(chosen), source.sample), alias=alias)
        return exp.Table(this=_read(chosen), alias=alias)

    def _wrapped(self, source: Source, made: n.Node, value: n.Node, name: str, spare: tuple[str, ...]) -> n.Node:
        """Wrap a source so that it has one more column beside those of earlier wraps; UNNEST repeats its rows."""
        listed: list[n.Node] = [n.column(source.label, known) for known in spare]
        listed.append(exp.Alias(this=value, alias=n.identifier(name)))
        select = exp.Select(from_=exp.From(this=made))
        if isinstance(source, TableSource) and not spare and source in self.plan.filters:
            select.set("where", exp.Where(this=n.all_of(*self._ranges(source, self.plan.filters[source]))))
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
        and isinstance(query.tables, TableSource)
        and query.tables.sample is None
        and not query.group_by
        and query.having is None
        and not query.distinct
        and not query.order_by
        and all(isinstance(value, ColumnValue) for value in query.values)
    )


def _unnested(cells: n.Node, label: str) -> n.Node:
    """A list as a table of one column."""
    alias = exp.TableAlias(this=n.identifier(label), columns=[n.identifier(CELL)])
    return exp.Unnest(expressions=[cells], alias=alias)


def tuned(pair: CellJoin) -> TableSource | None:
    """The table whose radii choose the order of a join's cells; None where the order is fixed."""
    return pair.expanded if pair.tuned and isinstance(pair.expanded, TableSource) else None


def _list_label(source: Source, number: int) -> str:
    """A label that no source has."""
    return f"{source.label}_cells{number + 1}"


def _spare_name(source: Source, what: str, number: int) -> str:
    """A column name that the source does not have."""
    name = f"_ns_{what}{number + 1}"
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
    files = n.texts([part.path for part in chosen])
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
