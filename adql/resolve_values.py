"""Expressions: names bound, types checked, units and UCDs derived."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..config.errors import AdqlTypeError, Position, UnknownName, Unsupported
from ..schema.types import DOUBLE, INTEGERS, LONG, POINT, STRING, VOType
from . import geometry, tree, units
from .functions import FUNCTIONS, RESULTS, UNSUPPORTED, Function, Signature
from .kinds import (
    NULL,
    arithmetic_type,
    combine,
    constant,
    convert,
    double,
    fits,
    is_integer,
    kind,
    kind_of,
    name_of,
    number_of,
    typed,
)
from .resolve_context import Context
from .resolved import (
    AggregateValue,
    Arithmetic,
    Call,
    CastValue,
    Constant,
    Negative,
    Predicate,
    TestValue,
    Value,
)
from .spelling import did_you_mean


def value(node: tree.Expression, context: Context) -> Value:
    """Resolve an expression."""
    return _RULES[type(node)](node, context)


# ------------------------------------------------------------- leaves


def _number(node: tree.Number, _: Context) -> Value:
    text = node.text
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
        raise AdqlTypeError(message, at)
    return constant(number, at)


def _column(node: tree.ColumnRef, context: Context) -> Value:
    if not node.qualifier and context.aliases:
        found = context.scope.lookup(node)
        aliased = context.aliases.get(node.name.text.lower())
        if found is None and aliased is not None:
            return aliased
    return context.scope.column(node)


# --------------------------------------------------------- operators


def _unary(node: tree.Unary, context: Context) -> Value:
    operand = value(node.operand, context)
    _require_number(operand, node.operator)
    if node.operator == "+":
        return operand
    if isinstance(operand, Constant) and isinstance(operand.value, int | float):
        return constant(-operand.value, node.at)
    return Negative(operand, replace(operand.info, name="", description=""), node.at)


def _require_number(operand: Value, operator: str) -> None:
    if kind_of(operand) not in ("number", "null"):
        message = f"{operator} needs numbers, not {name_of(operand.info.type)}"
        raise AdqlTypeError(message, operand.at, _ADVICE.get(kind_of(operand), ""))


_ADVICE = {
    "string": "Text becomes a number by CAST(… AS DOUBLE PRECISION)",
    "timestamp": "Days become numbers by ivo_to_mjd(…)",
    "point": "Distances of points come from DISTANCE",
}


def _binary(node: tree.Binary, context: Context) -> Value:
    left, right = value(node.left, context), value(node.right, context)
    if node.operator == "||":
        return _concatenation(left, right, node.at)
    _require_number(left, node.operator)
    _require_number(right, node.operator)
    folded = _folded(node.operator, left, right, node.at)
    if folded is not None:
        return folded
    result = arithmetic_type(node.operator, left.info.type, right.info.type)
    info = typed(result, _unit(node.operator, left, right), _ucd(node.operator, left, right))
    return Arithmetic(node.operator, convert(left, result), convert(right, result), info, node.at)


def _concatenation(left: Value, right: Value, at: Position) -> Value:
    for operand in (left, right):
        if kind_of(operand) not in ("string", "null"):
            message = f"|| joins texts, not {name_of(operand.info.type)}"
            raise AdqlTypeError(message, operand.at, "Other values become text by CAST(… AS VARCHAR)")
    wide = "unicodeChar" in (left.info.type.datatype, right.info.type.datatype)
    return Arithmetic("||", left, right, typed(VOType("unicodeChar", "*") if wide else STRING), at)


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
        return Constant(None, typed(NULL), at)
    if isinstance(result, int) and not fits(result, LONG):
        message = f"{one} {operator} {other} is too large"
        raise AdqlTypeError(message, at)
    if not math.isfinite(result):
        message = f"{one} {operator} {other} is too large"
        raise AdqlTypeError(message, at)
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


def _ucd(operator: str, left: Value, right: Value) -> str:
    return left.info.ucd if operator in "+-" and left.info.ucd == right.info.ucd else ""


# --------------------------------------------------------- functions


def _function(node: tree.Function, context: Context) -> Value:
    name = node.name.upper()
    if name in geometry.BUILDERS:
        context.names.features.add(name)
        given = _without_frame(name, node.arguments)
        return geometry.BUILDERS[name]([value(argument, context) for argument in given], node.at)
    if name == "IN_UNIT":
        context.names.features.add(name)
        return _in_unit(node, context)
    row = FUNCTIONS.get(name)
    if row is None:
        raise _unknown_function(node)
    if row.feature != "core":
        context.names.features.add(row.name)
    if row.aggregate:
        _allow_aggregate(node.name, node.at, context)
        context = context.without_aggregates(f"another aggregate ({node.name})")
    return _called(row, [value(argument, context) for argument in node.arguments], node)


def _unknown_function(node: tree.Function) -> UnknownName | Unsupported:
    advice = UNSUPPORTED.get(node.name.upper())
    if advice:
        message = f"The function {node.name} is not available here"
        return Unsupported(message, node.at, advice)
    known = {row.signatures[0].text.partition("(")[0]: None for row in FUNCTIONS.values()}
    candidates = (*known, *geometry.BUILDERS, "IN_UNIT", "COUNT", "SUM", "AVG", "MIN", "MAX")
    advice = _ELSEWHERE.get(node.name.upper()) or did_you_mean(node.name, candidates)
    return UnknownName(f"No function {node.name}", node.at, advice)


_ELSEWHERE = {
    "LN": "The natural logarithm is LOG",
    "POW": "Write POWER(x, y)",
    "CEIL": "Write CEILING(x)",
    "TRUNC": "Write TRUNCATE(x)",
    "RANDOM": "Write RAND()",
    "SUBSTRING": "ADQL has no substrings: match with LIKE",
    "CONCAT": "Join texts by ||",
    "NOW": "Write the time out: CAST('2025-01-31T12:00:00' AS TIMESTAMP)",
    "STDDEV": "Compute SQRT(AVG(x*x) - AVG(x)*AVG(x))",
    "LENGTH": "ADQL has no length of texts: match with LIKE",
}

_MOST = {"POINT": 3, "CIRCLE": 4, "BOX": 5}


def _without_frame(name: str, arguments: tuple[tree.Expression, ...]) -> tuple[tree.Expression, ...]:
    if name not in geometry.WITH_FRAME or not arguments:
        return arguments
    if isinstance(arguments[0], tree.String):
        return arguments[1:]
    full = len(arguments) == _MOST[name] if name in _MOST else len(arguments) % 2 == 1 and len(arguments) > 6
    return arguments[1:] if full and isinstance(arguments[0], tree.Null) else arguments


def _in_unit(node: tree.Function, context: Context) -> Value:
    literal = node.arguments[1] if len(node.arguments) == 2 else None
    if not isinstance(literal, tree.String):
        message = "IN_UNIT takes a number and a unit in single quotes"
        raise AdqlTypeError(message, node.at, "Such as IN_UNIT(pmra, 'deg/yr')")
    operand = value(node.arguments[0], context)
    _require_number(operand, "IN_UNIT")
    if not operand.info.unit:
        message = "The first argument of IN_UNIT has no known unit"
        raise AdqlTypeError(message, operand.at, "Use a column that is declared with a unit")
    try:
        scale = units.factor(operand.info.unit, literal.value)
    except ValueError as error:
        message = f"IN_UNIT: {error}"
        raise AdqlTypeError(message, literal.at) from None
    info = typed(DOUBLE, literal.value, operand.info.ucd)
    return Arithmetic("*", double(operand), constant(scale, node.at), info, node.at)


def _called(row: Function, arguments: list[Value], node: tree.Function) -> Value:
    fit = next((one for one in row.signatures if _fits(one, arguments)), None)
    if fit is None:
        given = ", ".join(name_of(argument.info.type) for argument in arguments)
        message = f"{node.name} cannot take ({given})"
        raise AdqlTypeError(message, node.at, "It is " + " or ".join(one.text for one in row.signatures))
    for index in row.literals:
        if number_of(arguments[index]) is None:
            message = f"Argument {index + 1} of {node.name} must be a number written out"
            raise AdqlTypeError(message, arguments[index].at)
    _check_limits(row.name, arguments)
    kinds = [fit.kinds[min(i, len(fit.kinds) - 1)] for i in range(len(arguments))]
    ready, common = _prepared(fit, kinds, arguments, node)
    vo = RESULTS.get(fit.result) or common
    first = ready[0].info if ready else typed(vo)
    if fit.result == "TEXT" and first.type.datatype == "unicodeChar":
        vo = VOType("unicodeChar", "*")
    unit = _common_unit(arguments) if row.unit == "same" else row.unit
    info = typed(vo, unit, row.ucd or (first.ucd if row.unit == "same" else ""))
    if row.aggregate:
        return AggregateValue(row.name, False, ready, info, node.at)
    if row.test:
        return TestValue(Predicate(row.name, ready), info, node.at)
    return Call(row.name, ready, info, node.at)


def _common_unit(arguments: list[Value]) -> str:
    """The unit of the first argument where no other, but for literals, has another."""
    rated = {argument.info.unit for argument in arguments if not isinstance(argument, Constant)}
    return rated.pop() if len(rated) == 1 else ""


def _check_limits(name: str, arguments: list[Value]) -> None:
    if name in ("IVO_HEALPIX_INDEX", "IVO_HEALPIX_CENTER"):
        order = number_of(arguments[0])
        if order is not None and not 0 <= order <= 29:
            message = f"HEALPix orders lie between 0 and 29, not {order:g}"
            raise AdqlTypeError(message, arguments[0].at)
    if name == "IVO_HISTOGRAM":
        low, high, bins = (number_of(argument) or 0.0 for argument in arguments[1:])
        if not (low < high and 1 <= bins <= 10_000):
            message = "A histogram needs lower < upper and 1 to 10000 bins"
            raise AdqlTypeError(message, arguments[1].at)


def _fits(signature: Signature, arguments: list[Value]) -> bool:
    if len(arguments) < signature.least or (len(arguments) > len(signature.kinds) and not signature.endless):
        return False
    kinds = (signature.kinds[min(i, len(signature.kinds) - 1)] for i in range(len(arguments)))
    return all(_takes(wanted, argument) for wanted, argument in zip(kinds, arguments, strict=True))


def _takes(wanted: str, argument: Value) -> bool:
    given = kind_of(argument)
    if wanted == "any":
        return given != "other"
    if wanted == "integer":
        return given == "null" or is_integer(argument.info.type)
    if wanted == "timestamp":
        return given in ("timestamp", "string", "null")
    return given in (wanted, "null")


def _prepared(
    signature: Signature, kinds: list[str], arguments: list[Value], node: tree.Function
) -> tuple[tuple[Value, ...], VOType]:
    """Convert arguments to parameter types (a point becomes its coordinates); also give their common type."""
    if signature.result == "ANY":
        made, info = combine(arguments, node.name)
        return made, info.type
    ready: list[Value] = []
    for wanted, argument in zip(kinds, arguments, strict=True):
        if wanted == "number":
            ready.append(double(argument))
        elif wanted == "point":
            ready.extend(geometry.coordinates(argument))
        elif wanted == "timestamp":
            ready.append(convert(argument, RESULTS["TIMESTAMP"]))
        else:
            ready.append(argument)
    return tuple(ready), POINT


# ------------------------------------------------ aggregates and casts


def _allow_aggregate(name: str, at: Position, context: Context) -> None:
    if context.aggregates:
        message = f"{name} cannot stand in {context.aggregates}"
        advice = "Conditions on aggregates belong to HAVING" if context.aggregates == "WHERE" else ""
        raise AdqlTypeError(message, at, advice)


def _aggregate(node: tree.Aggregate, context: Context) -> Value:
    _allow_aggregate(node.name, node.at, context)
    if node.argument is None:
        return AggregateValue("COUNT", False, (), typed(LONG, "", "meta.number"), node.at)
    operand = value(node.argument, context.without_aggregates(f"another aggregate ({node.name})"))
    given = kind_of(operand)
    if given not in _AGGREGATES[node.name]:
        message = f"{node.name} cannot take {name_of(operand.info.type)}"
        raise AdqlTypeError(message, operand.at)
    if node.name == "COUNT":
        info = typed(LONG, "", "meta.number")
    else:
        info = typed(_aggregate_type(node.name, operand.info.type), operand.info.unit, _statistic(node.name, operand))
    return AggregateValue(node.name, node.distinct, (operand,), info, node.at)


_NUMERIC = frozenset({"number", "null"})
_ORDERED = frozenset({"number", "string", "timestamp", "null"})
_AGGREGATES: dict[str, frozenset[str]] = {
    "COUNT": frozenset({"number", "string", "timestamp", "boolean", "point", "circle", "polygon", "null", "other"}),
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
    "string": frozenset({"number", "string", "boolean", "timestamp", "null"}),
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
        raise AdqlTypeError(message, operand.at)
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
        raise AdqlTypeError(message, operand.at)


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


_RULES: dict[type, Callable[[Any, Context], Value]] = {
    tree.Null: lambda node, _: constant(None, node.at),
    tree.Number: _number,
    tree.String: lambda node, _: constant(node.value, node.at),
    tree.Boolean: lambda node, _: constant(node.value, node.at),
    tree.ColumnRef: _column,
    tree.Unary: _unary,
    tree.Binary: _binary,
    tree.Function: _function,
    tree.Aggregate: _aggregate,
    tree.Cast: _cast,
    tree.Case: _case,
}
