"""Queries of the resolved tree → SQL for PostgreSQL, printed by sqlglot from its stock nodes.

What `duckdb` says of names and NULLs holds here too. Tables are named with their schema, uploads are temporary
tables. Prefilters by an index stand beside the exact test that they are wider than; texts are ordered by their bytes.
"""

from __future__ import annotations

import math

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres

from ..config.errors import Unsupported
from ..schema.model import Relation
from ..schema.types import INTEGER, VOType
from ..sphere.coverage import circle_ranges
from . import duckdb
from . import lowering as low
from . import nodes as n
from . import nodes_postgres as pg
from .carried import Carried, inner_place, is_open, table_of
from .duckdb import Printed, QueryPrinter
from .kinds import kind, kind_of, number_of
from .places import INDEX, Place, is_indexed, place_of
from .plan import Plan
from .postgres_values import CONDITIONS, VALUES
from .resolved import (
    Combined,
    Condition,
    From,
    Joined,
    Near,
    Query,
    Sample,
    SelectQuery,
    SetQuery,
    Source,
    TableSource,
    Value,
    sources_of,
)
from .sky_postgres import matched, sky_filter, sky_match
from .spatial import filtered_sides
from .spatial_forms import conjuncts, literals
from .spatial_joins import CELL_DEG, FINEST, FREE_ORDER, CellJoin
from .spatial_ranges import Ranges, union

_MOST_COLUMNS = 1_600  # of a result; the engine takes 1,664
_PRINTED_RANGES = 16


def print_query(query: Query, limit: int | None) -> Printed:
    """Print a query of at most `limit` rows."""
    if len(query.columns) > _MOST_COLUMNS:
        message = f"The result has {len(query.columns)} columns; this service's engine gives {_MOST_COLUMNS} at most"
        raise Unsupported(message, None, "Select fewer columns")
    printer = PostgresPrinter()
    node = printer.outermost(query, limit)
    return Printed(Postgres().generator().generate(node, copy=False), tuple(printer.scans), None)


class SkyPlan(Plan):
    """A plan that leaves to the indexes of the engine's extensions what they serve."""

    def served(self, way: CellJoin) -> bool:
        """Tell whether an extension's index finds the other position."""
        near = Near(way.lon, way.lat, way.other_lon, way.other_lat, way.radius, False)
        found = matched(near, (way.other,))
        if found is not None:
            self.orders[way.expanded] = self.orders[way.other] = way.order
        return found is not None

    def enter(self, query: SelectQuery) -> None:
        """Plan one SELECT; cones that an extension's index serves are noted as ranges too."""
        super().enter(query)
        own = frozenset(sources_of(query.tables))
        for part, wanted in literals(query.where):
            found = sky_match(part, wanted, own)
            numbers = None if found is None else [number_of(v) for v in (found.lon, found.lat, found.radius)]
            if found is None or numbers is None or not isinstance(found.position.source, TableSource):
                continue
            lon, lat, radius = (number if number is not None else -1.0 for number in numbers)
            if None not in numbers and radius >= 0.0:
                self.pruning[found.position.source] = circle_ranges(lon, lat, radius)


class PostgresPrinter(QueryPrinter):
    """Makes nodes of queries for PostgreSQL."""

    def __init__(self) -> None:
        super().__init__()
        self.plan = SkyPlan()
        self._free: dict[int, frozenset[Source]] = {}
        self._sorted = [False]
        self._carried = Carried()

    def value(self, node: Value) -> n.Node:
        """Make the node of a value."""
        return VALUES[type(node)](self, node)

    def condition(self, node: Condition) -> n.Node:
        """Make the node of a condition."""
        return CONDITIONS[type(node)](self, node)

    def typed(self, made: n.Node, vo: VOType) -> n.Node:
        """Make a value of exactly a type that it fits."""
        return pg.cast(made, vo)

    def result(self, made: n.Node, vo: VOType) -> n.Node:
        """Make a result column of exactly a type that it fits."""
        return pg.cast(made, vo)

    def carried(self, place: Place, name: str) -> n.Node | None:
        """Make the node of a column of the table that a position comes from; None where queries between lose it."""
        if isinstance(place.source, TableSource):
            return self.reference(place.source, name)
        query, inner = place.source.query, inner_place(place.source, place)
        if inner is None or not isinstance(query, SelectQuery):
            return None
        if (query, name) not in self._carried.names:
            value = self.carried(inner, name)
            if value is None:
                return None
            self._carried.add(query, name, value)
        return self.reference(place.source, self._carried.names[query, name])

    def key(self, value: Value) -> n.Node:
        """Make the node of a value that rows are ordered by."""
        made = self.value(value)
        return pg.by_bytes(made) if kind_of(value) == "string" else made

    def outermost(self, query: Query, limit: int | None) -> n.Node:
        """Make the node of the whole query; the engine itself stops at any limit."""
        node = super().outermost(query, limit)
        if self.cut is not None:
            node.set("limit", exp.Limit(expression=n.integer(self.cut)))
        return node

    # ------------------------------------------------------- texts in an order

    def _set(self, query: SetQuery, types: tuple[VOType, ...], limit: int | None) -> n.Node:
        self._sorted.append(True)
        made = super()._set(query, types, limit)
        self._sorted.pop()
        return made

    def _select(self, query: SelectQuery, types: tuple[VOType, ...], limit: int | None, *, outer: bool) -> n.Node:
        self._sorted.append(self._sorted[-1] or bool(query.order_by))
        made = super()._select(query, types, limit, outer=outer)
        self._sorted.pop()
        self._carried.made(query, made)
        return made

    def _output(self, value: Value, vo: VOType, *, outer: bool) -> n.Node:
        """A result column; a text that may be sorted by its number is one that is ordered by its bytes."""
        made = super()._output(value, vo, outer=outer)
        return pg.by_bytes(made) if kind(vo) == "string" and self._sorted[-1] else made

    # ------------------------------------------------------------------ tables

    def _relation(self, source: TableSource) -> n.Node:
        """A table by its full name; uploads are temporary tables."""
        stored = source.table.source
        if not isinstance(stored, Relation):
            message = f"The table {source.table.adql_name} is not in this service's engine"
            raise Unsupported(message, source.at, "Its operator has to publish it again")
        schema, name = stored.path if len(stored.path) > 1 else ("pg_temp", stored.path[0])
        alias = exp.TableAlias(this=n.identifier(source.label))
        table = exp.Table(this=n.identifier(name), db=n.identifier(schema))
        return _sampled(table, source.sample, alias)

    def _from(self, node: From) -> tuple[n.Node, list[n.Node]]:
        """Give the first table and the joins that follow it; a FULL JOIN needs an equality, so it gets one."""
        if not isinstance(node, Joined):
            return super()._from(node)
        if node.on is not None:
            self._free[id(node.on)] = frozenset(s for side in filtered_sides(node) for s in sources_of(side))
        first, joins = super()._from(node)
        if node.kind == "FULL":
            same = n.compare("=", self._always(node.left), self._always(node.right))
            joins[-1].set("on", n.all_of(joins[-1].args["on"], same))
        return first, joins

    def _always(self, side: From) -> n.Node:
        """TRUE for each row of a side, which the engine does not see through."""
        source = next(iter(sources_of(side)))
        return exp.Paren(this=low.not_negative(n.call("num_nulls", self.reference(source, source.sql_name(0)))))

    # -------------------------------------------------------------- prefilters

    def _conditions(self, condition: Condition, sources: tuple[Source, ...]) -> list[n.Node]:
        """A condition with the prefilters and cell equalities it implies, to be joined by AND."""
        free = self._free.get(id(condition), frozenset(sources))
        tests = self._prefilters(condition, True, free)
        rate = _commonly if tests else _rarely
        tests.extend(self._same_cell(pair) for pair in self.plan.tests.get(id(condition), ()))
        for part in conjuncts(condition):
            made = self.condition(part)
            tests.append(rate(made) if isinstance(part, Near) else made)
        return tests

    def _prefilters(self, condition: Condition, wanted: bool, sources: frozenset[Source]) -> list[n.Node]:
        """What indexes tell of a condition that is to be true (or false); alternatives have each their own."""
        parts = list(literals(condition, wanted))
        single = [(part, value) for part, value in parts if not isinstance(part, Combined)]
        tests = [
            test for part, value in single if (test := sky_filter(part, value, self, sources)) is not None
        ]  # fmt: skip
        chosen = False
        for part, value in parts:
            if isinstance(part, Combined):
                ways = [self._prefilters(operand, value, sources) for operand in part.operands]
                if all(ways):
                    tests.append(n.any_of(*(n.all_of(*way) for way in ways)))
                    chosen = True
        if not chosen or any(self.plan.finder.regions(part, value) for part, value in single):
            for place, ranges in self.plan.finder.regions(condition, wanted).items():
                if isinstance(place.source, TableSource) and place.source in sources:
                    tests.extend(self._ranges(place.source, ranges))
        return tests

    def _ranges(self, source: TableSource, ranges: Ranges) -> list[n.Node]:
        if not ranges:
            return [n.truth(False)]
        self.reference(source, INDEX)  # it is read, in a text of our own
        return [n.spans(source.label, INDEX, union(ranges, _PRINTED_RANGES))]

    # -------------------------------------------------------------------- cells

    def _keyed(self, _: Source) -> list[CellJoin]:
        """The index itself is compared."""
        return []

    def _meets(self, pair: CellJoin, cell: n.Node) -> n.Node:
        """The other position of a pair lies in a cell: within its range where an index holds it."""
        place = place_of(pair.other_lon, pair.other_lat)
        index = self._index(pair)
        bits = self._bits(pair)
        if place is None or not isinstance(index, exp.Column) or not is_open(place):
            return n.compare("=", n.shift_right(index, bits), cell)
        after = n.add(cell, n.integer(1))
        first, last = (n.binary(exp.BitwiseLeftShift, end, bits.copy()) for end in (cell.copy(), after))
        # said twice: the planner expects a ninth of the table within bounds that it does not know, and would read all
        return n.all_of(
            n.between(index, first, n.sub(last, n.integer(1))),
            n.compare(">", index.copy(), n.sub(first.copy(), n.integer(1))),
            n.compare("<", index.copy(), last.copy()),
        )

    def _index(self, pair: CellJoin) -> n.Node:
        """The order-29 cell of the other position of a pair; computed only where no table below has it."""
        place = place_of(pair.other_lon, pair.other_lat)
        table = table_of(place) if place is not None else None
        carried = self.carried(place, INDEX) if place is not None and table is not None and is_indexed(table) else None
        return carried or n.call("ns_healpix29", self.value(pair.other_lon), self.value(pair.other_lat))

    def _each(self, pair: CellJoin) -> n.Node:
        """The cells of a circle, by a function of which the planner expects few rows."""
        cells = self._list(pair)
        cells.set("this", "ns_each_cell")
        return cells

    def _listed(self, pair: CellJoin, label: str) -> n.Node:
        """The cells of a circle as a table of one column."""
        alias = exp.TableAlias(this=n.identifier(label), columns=[n.identifier(duckdb.CELL)])
        return exp.Table(this=self._each(pair), alias=alias)

    def _bits(self, pair: CellJoin) -> n.Node:
        """By how much the index is finer than the cells of a join."""
        chosen = duckdb.tuned(pair)
        if chosen is None:
            return n.integer(2 * (29 - pair.order))
        return exp.Paren(this=n.mul(n.sub(n.integer(29), self._order(chosen, pair)), n.integer(2)))

    def _order(self, source: TableSource, pair: CellJoin) -> n.Node:
        """The order whose cells suit the radii of a table: that of the root of their mean square."""
        radius = self.value(pair.radius)
        within = n.call("least", n.call("greatest", radius, pg.real(0.0)), pg.real(180.0))
        spread = n.call("sqrt", n.call("avg", n.call("power", within, n.integer(2))))
        ratio = pg.div(pg.real(CELL_DEG / 2.0), n.call("greatest", spread, pg.real(1e-9)))
        order = pg.div(n.call("ln", ratio), pg.real(math.log(2.0)))
        bounded = n.call("least", n.call("greatest", n.call("floor", order), n.integer(0)), n.integer(FINEST))
        chosen = pg.cast(n.call("coalesce", bounded, n.integer(FREE_ORDER)), INTEGER)
        return exp.Subquery(this=exp.Select(expressions=[chosen], from_=exp.From(this=self._relation(source))))


def _sampled(table: n.Node, sample: Sample | None, alias: exp.TableAlias) -> n.Node:
    """A table or a sample of it; single rows by chance can be drawn from a view too."""
    if sample is not None and sample.seed is None and sample.method == "BERNOULLI":
        chosen = n.compare("<", n.call("random"), pg.real(sample.percent / 100.0))
        select = exp.Select(expressions=[exp.Star()], from_=exp.From(this=table), where=exp.Where(this=chosen))
        return exp.Subquery(this=select, alias=alias)
    table.set("alias", alias)
    if sample is not None:
        seed = None if sample.seed is None else n.integer(sample.seed)
        percent = exp.Literal.number(repr(sample.percent))
        drawn = exp.TableSample(method=exp.Var(this=sample.method), percent=percent, seed=seed)
        table.set("sample", drawn)
    return table


def _rarely(condition: n.Node) -> n.Node:
    """A condition that the planner takes to be true once in 200 rows, not in one of three."""
    return n.compare("=", pg.cast(n.operand(condition), INTEGER), n.integer(1))


def _commonly(condition: n.Node) -> n.Node:
    """A condition that the planner takes to be true: a prefilter has told it how rare it is."""
    return n.compare("<>", pg.cast(n.operand(condition), INTEGER), n.integer(0))
