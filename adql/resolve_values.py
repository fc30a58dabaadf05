"""Expressions: names bound, types checked, units and UCDs derived."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..config.errors import AdqlTypeError, Position
from ..schema.types import DOUBLE, INTEGERS, LONG, STRING, VOType
from . import geometry, tree, units
from .functions import RESULTS
from .kinds import (
    NULL,
    SHAPES,
    arithmetic_type,
    constant,
    convert,
    fits,
    is_integer,
    kind,
    kind_of,
    name_of,
    require_number,
    typed,
)
from .resolve_context import Context
from .resolve_functions import allow_aggregate, function, require_own
from .resolved import (
    AggregateValue,
    Arithmetic,
    CastValue,
    Constant,
    Negative,
    Value,
)
from .unknown import unknown_column

_LARGEST = "Integers go up to 9223372036854775807, other numbers up to 1.8e308"
_DIGITS = 240  # of a whole number; hexadecimal ones beyond have no double


def value(node: tree.Expression, context: Context) -> Value:
    """Resolve an expression; Unsupported where its parts repeat each other without end."""
    if not isinstance(node, _REPEATING):
        return _RULES[type(node)](node, context)
    weights = context.names.weights
    outer = weights.begin()
    made = _RULES[type(node)](node, context)
    weights.end(outer, made, node.at)
    return made


# ------------------------------------------------------------- leaves


def _number(node: tree.Number, _: Context) -> Value:
    text = node.text
    if len(text) > _DIGITS and text.isalnum():
        message = f"The number {text[:40]}… is too large"
        raise AdqlTypeError(message, node.at, _LARGEST)
    if text[:2] in ("0x", "0X"):
        whole = int(text, 16)
    elif text.isdigit():
        whole = int(text)
    else:
        return _float(text, node.at)
    return constant(whole, node.at) if fits(whole, LONG) else _float(text, node.at)


def _float(text: str, at: Position) -> Value:
    number = float(int(text, 16)) if text[:2] in ("0x", "0X") else float(text)
    if math.isinf(number):
        message = f"The number {text[:40]} is too large"
        raise AdqlTypeError(message, at, _LARGEST)
    return constant(number, at)


def _column(node: tree.ColumnRef, context: Context) -> Value:
    if not node.qualifier and context.aliases:
        found = context.scope.lookup(node)
        aliased = context.aliases.get(node.name.text.lower())
        if found is None and aliased is not None:
            return aliased
    known = context.scope.lookup(node)
    if known is None:
        raise unknown_column(node, context)
    return known


# --------------------------------------------------------- operators


def _unary(node: tree.Unary, context: Context) -> Value:
    operand = value(node.operand, context)
    require_number(operand, node.operator)
    if node.operator == "+":
        return operand
    if isinstance(operand, Constant) and isinstance(operand.value, int | float):
        return constant(-operand.value, node.at)
    wide = arithmetic_type("-", operand.info.type, operand.info.type)  # -255 is no unsigned byte
    return Negative(convert(operand, wide), replace(operand.info, name="", description="", type=wide), node.at)


def _binary(node: tree.Binary, context: Context) -> Value:
    left, right = value(node.left, context), value(node.right, context)
    if node.operator == "||":
        return _concatenation(left, right, node.at)
    if node.operator == "%":
        context.names.extension("%", node.at)
    require_number(left, node.operator)
    require_number(right, node.operator)
    folded = _folded(node.operator, left, right, node.at)
    if folded is not None:
        return folded
    _note_units(node.operator, left, right, context)
    result = arithmetic_type(node.operator, left.info.type, right.info.type)
    info = typed(result, _unit(node.operator, left, right), _ucd(node.operator, left, right))
    return Arithmetic(node.operator, convert(left, result), convert(right, result), info, node.at)


def _concatenation(left: Value, right: Value, at: Position) -> Value:
    """Join two texts; a number beside a text is written out."""
    kinds = {kind_of(left), kind_of(right)}
    for operand in (left, right):
        if kind_of(operand) not in ("string", "null") and kinds != {"string", "number"}:
            message = f"|| joins texts, not {name_of(operand.info.type)}"
            raise AdqlTypeError(message, operand.at, "Other values become text by CAST(… AS VARCHAR)")
    texts = [CastValue(v, None, typed(STRING), v.at) if kind_of(v) == "number" else v for v in (left, right)]
    wide = "unicodeChar" in (left.info.type.datatype, right.info.type.datatype)
    return Arithmetic("||", texts[0], texts[1], typed(VOType("unicodeChar", "*") if wide else STRING), at)


def _folded(operator: str, left: Value, right: Value, at: Position) -> Value | None:
    """Compute with literals at once, so that constants of regions may be expressions."""
    if not (isinstance(left, Constant) and isinstance(right, Constant)):
        return None
    one, other = left.value, right.value
    if one is None or other is None:
        return None
    if not (isinstance(one, int | float) and isinstance(other, int | float)):
        return None
    result = _OPERATIONS[operator](one, other)
    if result is None:
        vo = arithmetic_type(operator, left.info.type, right.info.type)
        return CastValue(Constant(None, typed(NULL), at), None, typed(vo), at)
    if isinstance(result, int) and not fits(result, LONG):
        message = f"{one} {operator} {other} is too large"
        raise AdqlTypeError(message, at, _LARGEST)
    if not math.isfinite(result):
        message = f"{one} {operator} {other} is too large"
        raise AdqlTypeError(message, at, _LARGEST)
    return constant(result, at)


def _divide(one: float, other: float) -> float | None:
    if other == 0:
        return None
    if isinstance(one, int) and isinstance(other, int):
        quotient = abs(one) // abs(other)
        return quotient if (one < 0) == (other < 0) else -quotient
    return one / other


def _remainder(one: float, other: float) -> float | None:
    if other == 0:
        return None
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": _divide,
    "%": _remainder,
}


def _unit(operator: str, left: Value, right: Value) -> str:
    """Give the unit of a result; a literal term keeps the unit of a sum, a literal factor makes it unknown."""
    if operator in "*/":
        return units.combined(operator, left.info.unit, right.info.unit)
    if isinstance(right, Constant):
        return left.info.unit
    if isinstance(left, Constant) and operator != "%":
        return right.info.unit
    return left.info.unit if left.info.unit == right.info.unit else ""


def _note_units(operator: str, left: Value, right: Value, context: Context) -> None:
    """Warn where values in different units are added: the numbers are taken as they are."""
    one, other = left.info.unit, right.info.unit
    if operator not in "+-" or not one or not other or one == other or units.alike(one, other):
        return
    warning = f"{operator} joins values in {one} and in {other} as they are; IN_UNIT(…, '{one}') converts"
    if warning not in context.names.warnings:
        context.names.warnings.append(warning)


def _ucd(operator: str, left: Value, right: Value) -> str:
    return left.info.ucd if operator in "+-" and left.info.ucd == right.info.ucd else ""


# ------------------------------------------------ aggregates and casts


def _aggregate(node: tree.Aggregate, context: Context) -> Value:
    allow_aggregate(node.name, node.at, context)
    if node.argument is None:
        return AggregateValue("COUNT", False, (), typed(LONG, "", "meta.number"), node.at)
    operand = value(node.argument, context.without_aggregates(f"another aggregate ({node.name})"))
    given = kind_of(operand)
    if given not in _AGGREGATES[node.name]:
        message = f"{node.name} cannot take {name_of(operand.info.type)}"
        advice = "SUM and AVG take numbers, MIN and MAX texts and times too, COUNT any value"
        raise AdqlTypeError(message, operand.at, advice)
    require_own(node.name, [operand], context, node.at)
    if node.name == "COUNT":
        info = typed(LONG, "", "meta.number")
    else:
        info = typed(_aggregate_type(node.name, operand.info.type), operand.info.unit, _statistic(node.name, operand))
    return AggregateValue(node.name, node.distinct, (operand,), info, node.at)


_NUMERIC = frozenset({"number", "null"})
_ORDERED = frozenset({"number", "string", "timestamp", "null"})
_AGGREGATES: dict[str, frozenset[str]] = {
    "COUNT": frozenset({"number", "string", "timestamp", "boolean", *SHAPES, "null", "other"}),
    "SUM": _NUMERIC,
    "AVG": _NUMERIC,
    "MIN": _ORDERED,
    "MAX": _ORDERED,
}
_STATISTICS = {"AVG": "stat.mean", "MIN": "stat.min", "MAX": "stat.max"}


def _aggregate_type(name: str, vo: VOType) -> VOType:
    if name in ("MIN", "MAX"):
        return vo
    return LONG if name == "SUM" and vo.datatype in INTEGERS else DOUBLE


def _statistic(name: str, operand: Value) -> str:
    word = _STATISTICS.get(name, "")
    return f"{word};{operand.info.ucd}" if word and operand.info.ucd else ""


_TARGETS = {
    "SMALLINT": VOType("short"),
    "INTEGER": VOType("int"),
    "BIGINT": VOType("long"),
    "REAL": VOType("float"),
    "DOUBLE PRECISION": VOType("double"),
    "TIMESTAMP": RESULTS["TIMESTAMP"],
}
_TEXTS = {"CHAR": "", "VARCHAR": "*"}
_CASTABLE = {
    "number": frozenset({"number", "string", "boolean", "null"}),
    "string": frozenset({"number", "string", "boolean", "timestamp", "region", "moc", "null"}),
    "timestamp": frozenset({"timestamp", "string", "null"}),
}


def _cast(node: tree.Cast, context: Context) -> Value:
    context.names.features.add("CAST")
    operand = value(node.operand, context)
    if node.type_name in ("POINT", "CIRCLE", "POLYGON"):
        return _cast_region(operand, node)
    vo = _TARGETS.get(node.type_name)
    if vo is None:
        size = "*" if node.length is None else f"{node.length}{_TEXTS[node.type_name]}"
        vo = VOType("unicodeChar" if operand.info.type.datatype == "unicodeChar" else "char", size)
    if kind_of(operand) not in _CASTABLE[kind(vo)]:
        message = f"{name_of(operand.info.type)} cannot become {node.type_name}"
        advice = "CAST changes numbers, texts and times; COORD1 and COORD2 split points"
        raise AdqlTypeError(message, operand.at, advice)
    if isinstance(operand, Constant) and operand.value is not None:
        _check_literal(operand, vo, node)
        if kind(vo) == "timestamp":
            return convert(operand, vo)
    info = replace(operand.info, name="", description="", type=vo)
    return CastValue(operand, node.length, info, node.at)


def _check_literal(operand: Constant, vo: VOType, node: tree.Cast) -> None:
    """Refuse literals that the target cannot hold; values of columns become NULL instead."""
    if kind(vo) != "number":
        return
    try:
        number = float(operand.value)  # type: ignore[arg-type]
    except ValueError:
        number = float("nan")
    if math.isnan(number) or (is_integer(vo) and not (abs(number) < 1e19 and fits(round(number), vo))):
        message = f"'{operand.value!s:.40}' is no {node.type_name}"
        raise AdqlTypeError(message, operand.at, "Write a number that the type can hold, such as '12'")


def _cast_region(operand: Value, node: tree.Cast) -> Value:
    name = node.type_name.lower()
    if kind_of(operand) == name:
        return operand
    if isinstance(operand, Constant) and isinstance(operand.value, str):
        return geometry.read_region(operand.value, name, operand.at)
    message = f"CAST to {node.type_name} takes a text literal"
    raise AdqlTypeError(message, operand.at, "Such as CAST('12.3 45.6' AS POINT)")


def _case(node: tree.Case, context: Context) -> Value:
    from .resolve_conditions import case_value  # conditions and values contain each other

    return case_value(node, context)


_REPEATING = (tree.Function, tree.Case)
_RULES: dict[type, Callable[[Any, Context], Value]] = {
    tree.Null: lambda node, _: constant(None, node.at),
    tree.Number: _number,
    tree.String: lambda node, _: constant(node.value, node.at),
    tree.Boolean: lambda node, _: constant(node.value, node.at),
    tree.ColumnRef: _column,
    tree.Unary: _unary,
    tree.Binary: _binary,
    tree.Function: lambda node, context: function(node, context, value),
    tree.Aggregate: _aggregate,
    tree.Cast: _cast,
    tree.Case: _case,
}
