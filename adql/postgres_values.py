"""Values and conditions of the resolved tree → nodes for PostgreSQL: those that `duckdb_values` prints differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from ..config.errors import Position, Unsupported
from ..schema.model import Relation
from ..schema.types import DOUBLE, INTEGER, LONG, VOType
from . import arithmetic_postgres, coverage_maps, geometry, geometry_postgres
from . import duckdb_values as common
from . import lowering_postgres as low
from . import nodes as n
from . import nodes_postgres as pg
from .duckdb_values import ValuePrinter
from .functions import FUNCTIONS
from .kinds import NULL, is_integer, kind, kind_of
from .lowering import Lowering
from .resolved import (
    AggregateValue,
    Arithmetic,
    Call,
    CastValue,
    ColumnValue,
    Compare,
    Constant,
    Covered,
    Element,
    Inside,
    Matches,
    Near,
    Negative,
    Predicate,
    Separation,
    TableSource,
    TestValue,
    Value,
    Within,
)

ENGINE = "postgresql"
_RANKS = ("unsignedByte", "short", "int", "long", "float", "double")
_ORDERING = frozenset({"<", ">", "<=", ">="})


def lowering(name: str, at: Position | None) -> Lowering:
    """Give the form of a function; Unsupported where this engine has none."""
    if name in geometry_postgres.LOWERINGS:
        return geometry_postgres.LOWERINGS[name]
    made = FUNCTIONS[name].engines.get(ENGINE) if name in FUNCTIONS else None
    if made is None:
        message = f"{name} is not available on this service's engine"
        raise Unsupported(message, at, "The functions of this service stand in its capabilities")
    return made


# --------------------------------------------------------------------- values


def constant(_: ValuePrinter, node: Constant) -> n.Node:
    """A literal from its parsed value."""
    value = node.value
    if isinstance(value, float):
        return pg.real(value)
    if isinstance(value, tuple):
        return pg.cast(n.array(*(pg.real(float(number)) for number in value)), node.info.type)
    if isinstance(value, int) and not isinstance(value, bool):
        return pg.integer(value)
    if isinstance(value, str) and "\0" in value:
        message = "A text with the character of code 0 is not available on this service's engine"
        raise Unsupported(message, node.at, "No stored text has it")
    return common.literal(node)


def _position(point: n.Node) -> n.Node:
    """A point in degrees."""
    listed = n.array(_degrees("long", point), _degrees("lat", n.again(point)))
    return n.case(n.negation(n.is_null(point.copy())), listed)


def _degrees(name: str, point: n.Node) -> n.Node:
    return n.call("degrees", n.call(name, point))


def _cast(name: str) -> Callable[[n.Node], n.Node]:
    return lambda made: pg.cast_to(made, name)


NATIVE: dict[str, Callable[[n.Node], n.Node]] = {
    "spoint": _position,
    "scircle": lambda made: n.call("ns_circle", made),
    "spoly": lambda made: n.call("ns_polygon", made),
    "sbox": lambda made: n.call("ns_polygon", made),
    "smoc": _cast("text"),
    "text": _cast("text"),
    "double": _cast("double precision"),
    "double[]": _cast("double precision[]"),
    "long": _cast("bigint"),
    "utc": lambda made: exp.AtTimeZone(this=made, zone=n.text("UTC")),
    "date": _cast("timestamp"),
}
"""Type of a column inside the engine -> what makes the promised value of it."""


def native(value: Value) -> str:
    """Name the type that a column has inside the engine where it is not the promised one; else empty."""
    if not isinstance(value, ColumnValue) or not isinstance(value.source, TableSource):
        return ""
    stored = value.source.table.source
    return dict(stored.native).get(value.name, "") if isinstance(stored, Relation) and stored.native else ""


def column(printer: ValuePrinter, node: ColumnValue) -> n.Node:
    """A column of a source as the promised type."""
    made = printer.reference(node.source, node.name)
    inside = native(node)
    return NATIVE[inside](made) if inside else made


def call(printer: ValuePrinter, node: Call) -> n.Node:
    """A function; the index column answers for HEALPix cells of the table's own position."""
    if node.name == "IVO_HEALPIX_INDEX":
        order, lon, lat = node.arguments
        return low.coarser(printer.cell(lon, lat), printer.value(order))
    arguments = [printer.value(argument) for argument in node.arguments]
    if node.name == "MOD" and is_integer(node.info.type):
        return arithmetic_postgres.remainder(arguments[0], arguments[1])
    return lowering(node.name, node.at)(*arguments)


def arithmetic(printer: ValuePrinter, node: Arithmetic) -> n.Node:
    """Nothing overflows loudly, divisions by zero are NULL."""
    if node.operator == "||":
        return n.binary(exp.DPipe, printer.value(node.left), printer.value(node.right))
    if node.operator == "%":
        left, right = printer.value(node.left), printer.value(node.right)
        return arithmetic_postgres.remainder(left, right) if is_integer(node.info.type) else low.modulo(left, right)
    return arithmetic_postgres.arithmetic(node, printer.value)


def negative(printer: ValuePrinter, node: Negative) -> n.Node:
    """- operand; the smallest integer has no opposite."""
    return arithmetic_postgres.arithmetic(node, printer.value)


def _typed(printer: ValuePrinter, argument: Value) -> n.Node:
    """An argument whose type the engine can tell; texts are ordered by their bytes."""
    made = printer.value(argument)
    if isinstance(argument, Constant):
        return pg.cast_to(made, "text") if argument.info.type == NULL else pg.cast(made, argument.info.type)
    return made


def aggregate(printer: ValuePrinter, node: AggregateValue) -> n.Node:
    """Sums of integers are BIGINT, one beyond is NULL; averages are sums divided, which do not overflow early."""
    if not node.arguments:
        return exp.Count(this=exp.Star())
    arguments = [_typed(printer, argument) for argument in node.arguments]
    if node.name in FUNCTIONS:
        return lowering(node.name, node.at)(*(printer.value(argument) for argument in node.arguments))
    return _AGGREGATES[node.name](arguments[0], node)


def _over(name: str, made: n.Node, node: AggregateValue) -> n.Node:
    return n.call(name, exp.Distinct(expressions=[made]) if node.distinct else made)


def _count(made: n.Node, node: AggregateValue) -> n.Node:
    return exp.Count(this=exp.Distinct(expressions=[made]) if node.distinct else made)


def _sum(made: n.Node, node: AggregateValue) -> n.Node:
    if node.info.type == LONG:
        return n.call("ns_try_bigint", pg.cast_to(_over("sum", made, node), "numeric"))
    return _over("sum", pg.cast(made, DOUBLE), node)


def _average(made: n.Node, node: AggregateValue) -> n.Node:
    if is_integer(node.arguments[0].info.type):
        return pg.cast(_over("avg", made, node), DOUBLE)
    total = _over("sum", pg.cast(made, DOUBLE), node)
    return pg.div(total, pg.null_if(_count(n.again(made), node), n.integer(0)))


def _extreme(name: str) -> Callable[[n.Node, AggregateValue], n.Node]:
    def made(argument: n.Node, node: AggregateValue) -> n.Node:
        return _over(name, pg.by_bytes(argument) if kind_of(node.arguments[0]) == "string" else argument, node)

    return made


_AGGREGATES: dict[str, Callable[[n.Node, AggregateValue], n.Node]] = {
    "COUNT": _count,
    "SUM": _sum,
    "AVG": _average,
    "MIN": _extreme("min"),
    "MAX": _extreme("max"),
}


def cast(printer: ValuePrinter, node: CastValue) -> n.Node:
    """Conversions that can fail give NULL."""
    return converted(printer.value(node.operand), node.operand.info.type, node.info.type, node.length)


_TRIES = {"short": "ns_try_smallint", "int": "ns_try_integer", "long": "ns_try_bigint", "float": "ns_try_real"}
_BOUNDS = {"short": 2.0**15 - 1, "int": 2.0**31 - 1, "long": 2.0**62}


def converted(made: n.Node, old: VOType, new: VOType, length: int | None) -> n.Node:
    """Convert between scalar types."""
    if kind(new) == "string":
        text = _text(made, old)
        return text if length is None else n.call("left", text, n.integer(length))
    if kind(old) == kind(new) == "number" and _RANKS.index(old.datatype) <= _RANKS.index(new.datatype):
        return pg.cast(made, new)
    if kind(new) == "timestamp" and kind(old) == "string":
        return n.call("ns_try_timestamp", made)
    if kind(old) == "boolean":
        return pg.cast(pg.cast(made, INTEGER), new)
    if kind(new) != "number" or NULL in (old, new):
        return pg.cast(made, new)
    return _number(made, old, new)


def _number(made: n.Node, old: VOType, new: VOType) -> n.Node:
    """A number from a text or from a wider number."""
    name = _TRIES.get(new.datatype, "ns_try_double")
    if kind(old) == "string":
        return n.call(name, made)
    careful = n.call(name, pg.cast(made, LONG if is_integer(old) else DOUBLE))
    bound = _BOUNDS.get(new.datatype)
    if bound is None or not pg.is_small(made) or is_integer(old):
        return careful
    return n.case(pg.inside(made, -bound, bound), pg.cast(made.copy(), new), careful)


def _text(made: n.Node, old: VOType) -> n.Node:
    if kind(old) == "string":
        return made
    if kind(old) == "timestamp":
        return n.call("replace", pg.cast_to(made, "text"), n.text(" "), n.text("T"))
    if old.datatype in ("float", "double"):
        return n.call("ns_text", made)
    return pg.cast_to(made, "text")


def element(printer: ValuePrinter, node: Element) -> n.Node:
    """Element of an array; a coordinate of a native point is read from it."""
    if native(node.operand) == "spoint" and isinstance(node.operand, ColumnValue):
        point = printer.reference(node.operand.source, node.operand.name)
        return _degrees("long" if node.index == 1 else "lat", point)
    made = pg.element(printer.value(node.operand), node.index)
    return made if node.operand.info.type.datatype == "double" else pg.cast(made, DOUBLE)


def separation(printer: ValuePrinter, node: Separation) -> n.Node:
    """Distance in degrees."""
    parts = (printer.value(part) for part in (node.lon1, node.lat1, node.lon2, node.lat2))
    return n.call("ns_separation", *parts)


def test(printer: ValuePrinter, node: TestValue) -> n.Node:
    """A condition as 1, 0 or NULL."""
    return pg.cast(n.operand(printer.condition(node.condition)), INTEGER)


# ----------------------------------------------------------------- conditions


def compare(printer: ValuePrinter, node: Compare) -> n.Node:
    """Left operator right; texts are ordered by their bytes."""
    left, right = printer.value(node.left), printer.value(node.right)
    if node.operator in _ORDERING and kind_of(node.left) == "string":
        left = pg.by_bytes(left)
    return n.compare(node.operator, left, right)


def within(printer: ValuePrinter, node: Within) -> n.Node:
    """[NOT] BETWEEN; texts are ordered by their bytes."""
    operand, low_, high = (printer.value(part) for part in (node.operand, node.low, node.high))
    if kind_of(node.operand) == "string":
        operand = pg.by_bytes(operand)
    made = n.between(operand, low_, high)
    return n.negation(made) if node.negated else made


def matches(printer: ValuePrinter, node: Matches) -> n.Node:
    """[NOT] LIKE or ILIKE."""
    form = low.like_ignoring_case if node.ignore_case else low.like
    made = form(printer.value(node.operand), printer.value(node.pattern))
    return n.negation(made) if node.negated else made


def predicate(printer: ValuePrinter, node: Predicate) -> n.Node:
    """A boolean function."""
    arguments = [printer.value(argument) for argument in node.arguments]
    if node.name in geometry.PREDICATES:
        coverage_maps.check_literals(node.arguments)
        return n.call(geometry.PREDICATES[node.name], *arguments)
    return lowering(node.name, None)(*arguments)


def near(printer: ValuePrinter, node: Near) -> n.Node:
    """Two positions within a radius."""
    return geometry_postgres.within(node, printer.value)


def inside(printer: ValuePrinter, node: Inside) -> n.Node:
    """A position in a polygon."""
    return n.call("ns_point_in_polygon", *(printer.value(part) for part in (node.lon, node.lat, node.polygon)))


VALUES: dict[type, Callable[[ValuePrinter, Any], n.Node]] = {
    **common.VALUES,
    Constant: constant,
    ColumnValue: column,
    Call: call,
    Arithmetic: arithmetic,
    Negative: negative,
    AggregateValue: aggregate,
    CastValue: cast,
    Element: element,
    Separation: separation,
    TestValue: test,
}
"""Kind of value -> what prints it."""


def covered(printer: ValuePrinter, node: Covered) -> n.Node:
    """A position in a coverage map: a constant one becomes a multirange once, in which cells are looked up."""
    cell, maps = printer.cell(node.lon, node.lat), coverage_maps.constant_map(node.moc)
    if maps is None or not isinstance(node.moc, Constant):
        return n.call("ns_moc_has", printer.value(node.moc), cell)
    coverage_maps.checked(maps, node.moc.at)
    ranges = n.call("ns_moc_ranges", n.text(str(node.moc.value)))
    held = exp.ArrayContainsAll(this=ranges, expression=n.operand(n.again(cell)))
    return n.case(n.compare(">=", cell, n.integer(0)), held)


CONDITIONS: dict[type, Callable[[ValuePrinter, Any], n.Node]] = {
    **common.CONDITIONS,
    Compare: compare,
    Within: within,
    Matches: matches,
    Predicate: predicate,
    Near: near,
    Inside: inside,
    Covered: covered,
}
"""Kind of condition -> what prints it."""
