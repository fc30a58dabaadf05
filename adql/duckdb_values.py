"""Values and conditions of the resolved tree → sqlglot nodes for DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlglot import exp

from ..schema.types import DOUBLE, INTEGER, INTEGERS, LONG, VOType
from . import coverage_maps, geometry, lowering
from . import nodes as n
from .functions import FUNCTIONS
from .kinds import is_integer, kind, number_of
from .places import INDEX, Place, indexed_position
from .resolved import (
    AggregateValue,
    Arithmetic,
    Call,
    CaseValue,
    CastValue,
    ColumnValue,
    Combined,
    Compare,
    Condition,
    Constant,
    Covered,
    Element,
    Inside,
    Inverse,
    Matches,
    Member,
    MemberQuery,
    Missing,
    Near,
    Negative,
    Predicate,
    Query,
    Separation,
    Some,
    Source,
    TableSource,
    TestValue,
    Truth,
    Value,
    Within,
    walk,
)

ENGINE = "duckdb"
RANDOM = ("RAND", "IVO_NORMALRANDOM", "GAVO_NORMALRANDOM")
_RANKS = ("unsignedByte", "short", "int", "long", "float", "double")


class ValuePrinter:
    """Makes nodes of values and conditions; `used` collects the columns read of each source.

    Subqueries go to `query`, which the printer of queries provides.
    """

    def __init__(self) -> None:
        self.used: dict[Source, dict[str, None]] = {}

    def query(self, query: Query) -> n.Node:
        """Make the node of a subquery."""
        raise TypeError(type(query).__name__)

    def reference(self, source: Source, name: str) -> n.Node:
        """Make label.name and note that it is read."""
        self.used.setdefault(source, {})[name] = None
        return n.column(source.label, name)

    def value(self, node: Value) -> n.Node:
        """Make the node of a value."""
        return VALUES[type(node)](self, node)

    def condition(self, node: Condition) -> n.Node:
        """Make the node of a condition."""
        return CONDITIONS[type(node)](self, node)

    def carried(self, place: Place, name: str) -> n.Node | None:
        """Make the node of a column of the table that a position comes from; None where it cannot be had."""
        return self.reference(place.source, name) if isinstance(place.source, TableSource) else None

    def typed(self, made: n.Node, vo: VOType) -> n.Node:
        """Make a value of exactly a type that it fits."""
        return n.cast(made, vo)

    # ------------------------------------------------------------- values

    def constant(self, node: Constant) -> n.Node:
        """Print a literal from its parsed value."""
        return literal(node)

    def column(self, node: ColumnValue) -> n.Node:
        """A column of a source."""
        return self.reference(node.source, node.name)

    def call(self, node: Call) -> n.Node:
        """A function; the index column answers for HEALPix cells of the table's own position."""
        if node.name == "IVO_HEALPIX_INDEX":
            lon, lat = node.arguments[1:]
            if (
                isinstance(lon, ColumnValue)
                and (source := indexed_position(lon, node.arguments[2])) is not None
                and source is lon.source
            ):
                return lowering.coarser(self.reference(source, INDEX), self.value(node.arguments[0]))
            return lowering.healpix_index(*(self.value(part) for part in (node.arguments[0], lon, lat)))
        arguments = [self.value(argument) for argument in node.arguments]
        if node.name in geometry.LOWERINGS:
            return geometry.LOWERINGS[node.name](*arguments)
        return FUNCTIONS[node.name].engines[ENGINE](*arguments)

    def cell(self, lon: Value, lat: Value) -> n.Node:
        """The order-29 cell of a position: the index column where there is one."""
        if isinstance(lon, ColumnValue) and (source := indexed_position(lon, lat)) is not None and source is lon.source:
            return self.reference(source, INDEX)
        return n.call("ns_healpix29", self.value(lon), self.value(lat))

    def covered(self, node: Covered) -> n.Node:
        """A position in a coverage map."""
        cell, maps = self.cell(node.lon, node.lat), coverage_maps.constant_map(node.moc)
        if maps is None:
            return n.call("ns_moc_has", self.value(node.moc), cell)
        return coverage_maps.holds(maps, cell, node.moc.at)

    def arithmetic(self, node: Arithmetic) -> n.Node:
        """Integers never overflow loudly, divisions by zero are NULL."""
        left, right = self.value(node.left), self.value(node.right)
        if node.operator == "||":
            return n.binary(exp.DPipe, left, right)
        divisor = number_of(node.right)
        if node.operator == "%":
            return lowering.modulo(left, right)
        if is_integer(node.info.type):
            harmless = divisor not in (None, 0.0, -1.0) if node.operator == "/" else _narrow(node.left, node.right)
            if harmless or _is_simple(node):
                made = n.binary(_OPERATIONS[node.operator], left, right)
                return made if harmless else n.attempt(made)
            wide = n.huge(n.keep(right, lowering.not_zero) if node.operator == "/" else right)
            return n.try_cast(n.binary(_OPERATIONS[node.operator], n.huge(left), wide), node.info.type)
        if node.operator == "/":
            return n.div(left, right if divisor else n.keep(right, lowering.not_zero))
        return n.binary(_OPERATIONS[node.operator], left, right)

    def negative(self, node: Negative) -> n.Node:
        """- operand; the smallest integer has no opposite."""
        made = self.value(node.operand)
        if not is_integer(node.info.type):
            return exp.Neg(this=n.operand(made))
        if _is_simple(node):
            return n.attempt(exp.Neg(this=n.operand(made)))
        return n.try_cast(exp.Neg(this=n.huge(made)), node.info.type)

    def aggregate(self, node: AggregateValue) -> n.Node:
        """Sums of integers are BIGINT; one beyond is NULL."""
        if not node.arguments:
            return exp.Count(this=exp.Star())
        arguments = [self.value(argument) for argument in node.arguments]
        if node.name in FUNCTIONS:
            return FUNCTIONS[node.name].engines[ENGINE](*arguments)
        if node.distinct:
            arguments = [exp.Distinct(expressions=arguments)]
        if node.name == "COUNT":
            return exp.Count(this=arguments[0])
        made = n.call(node.name.lower(), *arguments)
        return n.try_cast(made, LONG) if node.name == "SUM" and node.info.type == LONG else made

    def cast(self, node: CastValue) -> n.Node:
        """Conversions that can fail give NULL."""
        return converted(self.value(node.operand), node.operand.info.type, node.info.type, node.length)

    def case(self, node: CaseValue) -> n.Node:
        """CASE."""
        ifs = [exp.If(this=self.condition(test), true=self.value(result)) for test, result in node.branches]
        return exp.Case(ifs=ifs, default=self.value(node.otherwise) if node.otherwise is not None else None)

    def element(self, node: Element) -> n.Node:
        """Element of an array; REAL coordinates become DOUBLE."""
        made = n.element(self.value(node.operand), node.index)
        return made if node.operand.info.type.datatype == "double" else n.cast(made, DOUBLE)

    def separation(self, node: Separation) -> n.Node:
        """Distance in degrees."""
        return geometry.separation(*(self.value(part) for part in (node.lon1, node.lat1, node.lon2, node.lat2)))

    def test(self, node: TestValue) -> n.Node:
        """A condition as 1, 0 or NULL."""
        return n.cast(self.condition(node.condition), INTEGER)

    # --------------------------------------------------------- conditions

    def compare(self, node: Compare) -> n.Node:
        """Left operator right."""
        return n.compare(node.operator, self.value(node.left), self.value(node.right))

    def within(self, node: Within) -> n.Node:
        """[NOT] BETWEEN."""
        made = n.between(self.value(node.operand), self.value(node.low), self.value(node.high))
        return n.negation(made) if node.negated else made

    def member(self, node: Member) -> n.Node:
        """[NOT] IN (values)."""
        items = [self.value(item) for item in node.items]
        made = exp.In(this=n.operand(self.value(node.operand)), expressions=items)
        return n.negation(made) if node.negated else made

    def member_query(self, node: MemberQuery) -> n.Node:
        """[NOT] IN (query)."""
        query = exp.Subquery(this=self.query(node.query))
        made = exp.In(this=n.operand(self.value(node.operand)), query=query)
        return n.negation(made) if node.negated else made

    def matches(self, node: Matches) -> n.Node:
        """[NOT] LIKE or ILIKE."""
        kind_ = exp.ILike if node.ignore_case else exp.Like
        made = n.binary(kind_, self.value(node.operand), self.value(node.pattern))
        return n.negation(made) if node.negated else made

    def missing(self, node: Missing) -> n.Node:
        """IS [NOT] NULL."""
        made = n.is_null(self.value(node.operand))
        return n.negation(made) if node.negated else made

    def some(self, node: Some) -> n.Node:
        """EXISTS (query)."""
        return exp.Exists(this=self.query(node.query))

    def inverse(self, node: Inverse) -> n.Node:
        """NOT condition."""
        return n.negation(self.condition(node.operand))

    def combined(self, node: Combined) -> n.Node:
        """AND or OR."""
        operands = [self.condition(operand) for operand in node.operands]
        return n.chain(exp.And if node.operator == "AND" else exp.Or, operands)

    def truth(self, node: Truth) -> n.Node:
        """A boolean value."""
        return self.value(node.operand)

    def predicate(self, node: Predicate) -> n.Node:
        """A boolean function."""
        arguments = [self.value(argument) for argument in node.arguments]
        if node.name in geometry.PREDICATES:
            coverage_maps.check_literals(node.arguments)
            return n.call(geometry.PREDICATES[node.name], *arguments)
        return FUNCTIONS[node.name].engines[ENGINE](*arguments)

    def near(self, node: Near) -> n.Node:
        """Two positions within a radius."""
        return geometry.within(node, self.value)

    def inside(self, node: Inside) -> n.Node:
        """A position in a polygon."""
        return n.call("ns_point_in_polygon", *(self.value(part) for part in (node.lon, node.lat, node.polygon)))


_OPERATIONS: dict[str, type[exp.Binary]] = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.IntDiv}

VALUES: dict[type, Callable[[ValuePrinter, Any], n.Node]] = {
    Constant: ValuePrinter.constant,
    ColumnValue: ValuePrinter.column,
    Call: ValuePrinter.call,
    Arithmetic: ValuePrinter.arithmetic,
    Negative: ValuePrinter.negative,
    AggregateValue: ValuePrinter.aggregate,
    CastValue: ValuePrinter.cast,
    CaseValue: ValuePrinter.case,
    Element: ValuePrinter.element,
    Separation: ValuePrinter.separation,
    TestValue: ValuePrinter.test,
}
CONDITIONS: dict[type, Callable[[ValuePrinter, Any], n.Node]] = {
    Compare: ValuePrinter.compare,
    Within: ValuePrinter.within,
    Member: ValuePrinter.member,
    MemberQuery: ValuePrinter.member_query,
    Matches: ValuePrinter.matches,
    Missing: ValuePrinter.missing,
    Some: ValuePrinter.some,
    Inverse: ValuePrinter.inverse,
    Combined: ValuePrinter.combined,
    Truth: ValuePrinter.truth,
    Predicate: ValuePrinter.predicate,
    Near: ValuePrinter.near,
    Inside: ValuePrinter.inside,
    Covered: ValuePrinter.covered,
}


def _is_simple(node: Value) -> bool:
    """Tell whether TRY can guard a value; it takes no aggregates and random numbers, which are computed in 128 bits."""
    parts = walk(node)
    return not any(
        isinstance(part, AggregateValue) or (isinstance(part, Call) and part.name in RANDOM) for part in parts
    )


def _narrow(*values: Value) -> bool:
    """Tell whether integers have at most 32 bits, so that one operation on two of them fits 64."""
    return all(_has_few_bits(value) for value in values)


def _has_few_bits(value: Value) -> bool:
    if isinstance(value, CastValue):
        return value.operand.info.type.datatype in INTEGERS - {"long"}
    if isinstance(value, Constant):
        return isinstance(value.value, int) and abs(value.value) < 2**31
    return value.info.type.datatype in INTEGERS - {"long"} and not isinstance(value, Arithmetic | Negative)


def literal(node: Constant) -> n.Node:
    """Print a literal from its parsed value."""
    value = node.value
    if value is None:
        return n.null()
    if isinstance(value, bool):
        return n.truth(value)
    if isinstance(value, int):
        return n.integer(value)
    if isinstance(value, float):
        return n.real(value)
    if isinstance(value, str):
        return n.text(value)
    if isinstance(value, datetime):
        return n.moment(value)
    return n.cast(n.array(*(n.real(float(number)) for number in value)), node.info.type)


def converted(made: n.Node, old: VOType, new: VOType, length: int | None) -> n.Node:
    """Convert between scalar types."""
    if kind(new) == "string":
        text = made if kind(old) == "string" else n.cast(made, new)
        if kind(old) == "timestamp":
            text = n.call("replace", text, n.text(" "), n.text("T"))
        return text if length is None else n.call("left", text, n.integer(length))
    if kind(old) == kind(new) == "number" and _RANKS.index(old.datatype) <= _RANKS.index(new.datatype):
        return n.cast(made, new)
    return n.try_cast(made, new)
