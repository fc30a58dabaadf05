"""Calls of functions: the overload that fits, arguments converted, limits checked, unit and UCD of the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..config.errors import AdqlTypeError, Position, UnknownName, Unsupported
from ..schema.types import DOUBLE, LONG, POINT, STRING, TIMESTAMP, VOType
from . import geometry, shapes, tree, units
from .coverage_maps import check_literals
from .dialects import OTHER_FUNCTIONS
from .functions import FUNCTIONS, RESULTS, UNSUPPORTED, Function, Signature
from .kinds import combine, constant, convert, double, is_integer, kind_of, name_of, number_of, require_number, typed
from .resolve_context import Context
from .resolved import (
    AggregateValue,
    Arithmetic,
    Call,
    CastValue,
    ColumnValue,
    Constant,
    Predicate,
    TestValue,
    Value,
    walk,
)
from .special import SPECIAL, check_pattern
from .special_site import SITE_SPECIAL
from .spelling import closest

Resolver = Callable[[tree.Expression, Context], Value]


def function(node: tree.Function, context: Context, value: Resolver) -> Value:
    """Resolve a call of any function but the aggregates of SQL; `value` resolves its arguments."""
    name = node.name.upper()
    if name in geometry.BUILDERS:
        context.names.extension(name, node.at)
        given = _without_frame(name, node.arguments)
        if given is not node.arguments:
            _note_frame(name, node.arguments[0], context)
        arguments = [shapes.geometry(value(argument, context)) for argument in given]
        return geometry.BUILDERS[name](arguments, node.at)
    if name == "IN_UNIT":
        context.names.features.add(name)
        return _in_unit(node, context, value)
    row = FUNCTIONS.get(name)
    if row is None:
        raise _unknown_function(node)
    if row.feature != "core":
        context.names.extension(row.name, node.at)
    if row.aggregate:
        allow_aggregate(node.name, node.at, context)
        context = context.without_aggregates(f"another aggregate ({node.name})")
    arguments = [value(argument, context) for argument in node.arguments]
    if row.aggregate:
        require_own(node.name, arguments, context, node.at)
    return _called(row, arguments, node, context)


def _unknown_function(node: tree.Function) -> UnknownName | Unsupported:
    advice = UNSUPPORTED.get(node.name.upper())
    if advice:
        message = f"The function {node.name} is not available here"
        return Unsupported(message, node.at, advice)
    known = {row.signatures[0].text.partition("(")[0]: None for row in FUNCTIONS.values()}
    candidates = (*known, *geometry.BUILDERS, "IN_UNIT", "COUNT", "SUM", "AVG", "MIN", "MAX")
    near = closest(node.name, candidates)
    start = node.at
    place = Position(start.start, start.start + len(node.name), start.line, start.column)
    advice = OTHER_FUNCTIONS.get(node.name.upper(), "" if near else "GET /tap/capabilities lists all functions")
    return UnknownName(f"No function {node.name}", place, advice, suggestions=near)


_MOST = {"POINT": 3, "CIRCLE": 4, "BOX": 5}


def _without_frame(name: str, arguments: tuple[tree.Expression, ...]) -> tuple[tree.Expression, ...]:
    if name not in geometry.WITH_FRAME or not arguments:
        return arguments
    if isinstance(arguments[0], tree.String):
        return arguments[1:]
    full = len(arguments) == _MOST[name] if name in _MOST else len(arguments) % 2 == 1 and len(arguments) > 6
    return arguments[1:] if full and isinstance(arguments[0], tree.Null) else arguments


def _note_frame(name: str, frame: tree.Expression, context: Context) -> None:
    """Say that a frame is not honoured, so that nobody takes galactic longitudes for right ascensions unawares."""
    text = frame.value.strip() if isinstance(frame, tree.String) else ""
    if text and not text.upper().startswith("ICRS"):
        advice = "transform with ivo_geom_transform"
        warning = f"The frame '{text}' of {name} is ignored, its coordinates are taken as ICRS; {advice}"
        if warning not in context.names.warnings:
            context.names.warnings.append(warning)


def _in_unit(node: tree.Function, context: Context, value: Resolver) -> Value:
    literal = node.arguments[1] if len(node.arguments) == 2 else None
    if not isinstance(literal, tree.String):
        message = "IN_UNIT takes a number and a unit in single quotes"
        raise AdqlTypeError(message, node.at, "Such as IN_UNIT(pmra, 'deg/yr')")
    operand = value(node.arguments[0], context)
    require_number(operand, "IN_UNIT")
    if not operand.info.unit:
        message = "The first argument of IN_UNIT has no known unit"
        raise AdqlTypeError(message, operand.at, "Use a column that is declared with a unit")
    try:
        scale = units.factor(operand.info.unit, literal.value)
    except ValueError as error:
        message = f"IN_UNIT: {error}"
        advice = f"Give a unit of the same kind as {operand.info.unit}, written like mas/yr, km/s or erg.s**-1.cm**-2"
        raise AdqlTypeError(message, literal.at, advice) from None
    info = typed(DOUBLE, literal.value, operand.info.ucd)
    return Arithmetic("*", double(operand), constant(scale, node.at), info, node.at)


def _called(row: Function, arguments: list[Value], node: tree.Function, context: Context) -> Value:
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
    if row.name in SPECIAL:
        return SPECIAL[row.name](arguments, node.at)
    if row.name in SITE_SPECIAL:
        return SITE_SPECIAL[row.name](arguments, node.at, context.names.service)
    kinds = [fit.kinds[min(i, len(fit.kinds) - 1)] for i in range(len(arguments))]
    ready, common = _prepared(fit, kinds, arguments, node)
    vo = RESULTS.get(fit.result) or common
    first = ready[0].info if ready else typed(vo)
    if fit.result == "TEXT" and first.type.datatype == "unicodeChar":
        vo = VOType("unicodeChar", "*")
    unit = _UNITS[row.unit](arguments) if row.unit in _UNITS else row.unit
    info = typed(vo, unit, row.ucd or (_common_ucd(arguments) if row.unit == "same" else ""))
    if row.aggregate:
        return AggregateValue(row.name, False, ready, info, node.at)
    if row.test:
        return TestValue(Predicate(row.name, ready), info, node.at)
    return Call(row.name, ready, info, node.at)


def _common_unit(arguments: list[Value]) -> str:
    """The unit of the first argument where no other, but for literals, has another."""
    rated = {argument.info.unit for argument in arguments if not isinstance(argument, Constant)}
    return rated.pop() if len(rated) == 1 else ""


def _common_ucd(arguments: list[Value]) -> str:
    """The UCD of the first argument where no other, but for literals, has another."""
    rated = {argument.info.ucd for argument in arguments if not isinstance(argument, Constant)}
    return rated.pop() if len(rated) == 1 else ""


def _power_unit(arguments: list[Value]) -> str:
    """The unit of POWER(x, y) or SQRT(x)."""
    exponent = number_of(arguments[1]) if len(arguments) > 1 else 0.5
    return units.raised(arguments[0].info.unit, exponent) if exponent is not None else ""


_UNITS: dict[str, Callable[[list[Value]], str]] = {"same": _common_unit, "power": _power_unit}


def _check_limits(name: str, arguments: list[Value]) -> None:
    if name in _LIMITS:
        _LIMITS[name](arguments)


def _check_order(arguments: list[Value]) -> None:
    order = number_of(arguments[0])
    if order is not None and not 0 <= order <= 29:
        message = f"HEALPix orders lie between 0 and 29, not {order:g}"
        advice = "Order 6 has pixels of about a degree, each order more halves them"
        raise AdqlTypeError(message, arguments[0].at, advice)


def _check_bins(arguments: list[Value]) -> None:
    low, high, bins = (number_of(argument) or 0.0 for argument in arguments[1:])
    if not (low < high and 1 <= bins <= 10_000):
        message = "A histogram needs lower < upper and 1 to 10000 bins"
        raise AdqlTypeError(message, arguments[1].at)


def _check_epochs(arguments: list[Value]) -> None:
    """The catalogue forbids NULL positions and epochs; those of single rows give NULL."""
    for index, name in ((0, "ra"), (1, "dec"), (6, "ref_epoch"), (7, "out_epoch")):
        if kind_of(arguments[index]) == "null":
            message = f"ivo_epoch_prop_pos needs {name}, not NULL"
            raise AdqlTypeError(message, arguments[index].at)


def _check_delimiter(arguments: list[Value]) -> None:
    if not (isinstance(arguments[1], Constant) and isinstance(arguments[1].value, str)):
        message = "The delimiter of ivo_string_agg must be a text in single quotes"
        raise AdqlTypeError(message, arguments[1].at)


_LIMITS: dict[str, Callable[[list[Value]], None]] = {
    "IVO_HEALPIX_INDEX": _check_order,
    "IVO_HEALPIX_CENTER": _check_order,
    "IVO_HISTOGRAM": _check_bins,
    "GAVO_HISTOGRAM": _check_bins,
    "IVO_EPOCH_PROP_POS": _check_epochs,
    "IVO_EPOCH_PROP": _check_epochs,
    "GAVO_MOCUNION": check_literals,
    "GAVO_MOCINTERSECT": check_literals,
    "IVO_STRING_AGG": _check_delimiter,
    "GAVO_MATCH": check_pattern,
}


def _fits(signature: Signature, arguments: list[Value]) -> bool:
    if len(arguments) < signature.least or (len(arguments) > len(signature.kinds) and not signature.endless):
        return False
    kinds = (signature.kinds[min(i, len(signature.kinds) - 1)] for i in range(len(arguments)))
    return all(_takes(wanted, argument) for wanted, argument in zip(kinds, arguments, strict=True))


def _takes(wanted: str, argument: Value) -> bool:
    given = kind_of(argument)
    if wanted == "any":
        return given != "other"
    if wanted == "geometry":
        return given in ("point", "circle", "polygon", "null")
    if wanted == "moc" and isinstance(argument, Constant) and isinstance(argument.value, str):
        return True
    if wanted == "integer":
        return given == "null" or is_integer(argument.info.type)
    if wanted == "timestamp":
        return given in ("timestamp", "string", "null")
    return given in (wanted, "null")


_PARAMETERS = {"number": DOUBLE, "integer": LONG, "string": STRING, "timestamp": TIMESTAMP}


def _prepared(
    signature: Signature, kinds: list[str], arguments: list[Value], node: tree.Function
) -> tuple[tuple[Value, ...], VOType]:
    """Convert arguments to parameter types (a point becomes its coordinates); also give their common type."""
    if signature.result == "ANY":
        made, info = combine(arguments, node.name)
        return made, info.type
    ready: list[Value] = []
    for wanted, argument in zip(kinds, arguments, strict=True):
        if wanted == "point":
            ready.extend(geometry.coordinates(argument))
        elif kind_of(argument) == "null" and wanted in _PARAMETERS:
            # the engine must know which NULL is meant
            ready.append(CastValue(argument, None, typed(_PARAMETERS[wanted]), argument.at))
        elif wanted == "number":
            ready.append(double(argument))
        elif wanted == "moc" and kind_of(argument) == "string" and isinstance(argument, Constant):
            ready.append(shapes.map_constant(str(argument.value), argument.at))
        elif wanted == "timestamp":
            ready.append(convert(argument, TIMESTAMP))
        else:
            ready.append(argument)
    return tuple(ready), POINT


def allow_aggregate(name: str, at: Position, context: Context) -> None:
    """Raise AdqlTypeError where no aggregate may stand."""
    if context.aggregates:
        message = f"{name} cannot stand in {context.aggregates}"
        advice = "Aggregate in a subquery first"
        if context.aggregates == "WHERE":
            advice = "Conditions on aggregates belong to HAVING"
        raise AdqlTypeError(message, at, advice)


def require_own(name: str, operands: Sequence[Value], context: Context, at: Position) -> None:
    """Raise Unsupported where an aggregate in a subquery uses columns of the queries around it only.

    By SQL-92 section 6.5 it would be an aggregate of the query around.
    """
    columns = [node for operand in operands for node in walk(operand) if isinstance(node, ColumnValue)]
    own = {entry.source for entry in context.scope.frame.entries}
    if columns and not any(column.source in own for column in columns):
        message = f"{name} in a subquery aggregates {columns[0].info.name} of the query around it"
        raise Unsupported(message, at, "Aggregate in a derived table of that query")
