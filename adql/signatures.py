"""How many arguments of which shape the grammar gives to its own functions (ADQL 2.1 appendix A).

Types are the resolver's business; here only what the grammar itself excludes is refused: wrong counts, a coordinate
system that is no literal, a number where a position must stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from . import tree
from .dialects import SEXAGESIMAL
from .spelling import quoted_text_advice

Arguments = tuple[tree.Expression, ...]

_ANGLE = re.compile(r"\d\s*[:hd]\s*\d|\d[hd]\Z")
_NUMERIC = frozenset(
    """ABS ACOS ASIN ATAN ATAN2 CEILING COS COT DEGREES EXP FLOOR IN_UNIT LOG LOG10 MOD PI POWER RADIANS RAND ROUND SIN
    SQRT TAN TRUNCATE AREA COORD1 COORD2 DISTANCE CONTAINS INTERSECTS""".split()
)
_GEOMETRY = frozenset({"POINT", "CIRCLE", "BOX", "POLYGON", "REGION", "CENTROID"})

# The counts, as (fewest, most); most None is any number.
_COUNTS: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys(
        """ABS ACOS ASIN ATAN CEILING COS COT DEGREES EXP FLOOR LOG LOG10 RADIANS SIN SQRT TAN LOWER UPPER AREA CENTROID
        COORD1 COORD2 COORDSYS REGION""".split(),
        (1, 1),
    ),
    **dict.fromkeys("ATAN2 MOD POWER CONTAINS INTERSECTS IN_UNIT NULLIF".split(), (2, 2)),
    "PI": (0, 0),
    "RAND": (0, 1),
    "ROUND": (1, 2),
    "TRUNCATE": (1, 2),
    "COALESCE": (1, None),
    "DISTANCE": (2, 4),
    "POINT": (2, 3),
    "CIRCLE": (2, 4),
    "BOX": (3, 5),
    "POLYGON": (3, None),
}
CALLABLE = frozenset(_COUNTS)


def fault(name: str, arguments: Arguments) -> tuple[str, str] | None:
    """Tell what is wrong with the arguments of the core function `name` (upper case).

    Gives message and advice, or None where the grammar is content. `name` must be one of CALLABLE, or a name that is
    not reserved, whose arguments are never at fault here.
    """
    if name not in _COUNTS:
        return None
    fewest, most = _COUNTS[name]
    count = len(arguments)
    if count < fewest or (most is not None and count > most):
        return f"{name} takes {_counted(fewest, most)}, not {count}", _USAGE.get(name) or _usage(name, fewest, most)
    shape = _SHAPES.get(name)
    return shape(name, arguments) if shape else None


def _usage(name: str, fewest: int, most: int | None) -> str:
    """Write a call with the fewest arguments, and with the most where they are more."""
    calls = [f"{name}({', '.join('xyzuvw'[:count])})" for count in dict.fromkeys((fewest, most or fewest))]
    return f"Write {' or '.join(calls)}"


def _counted(fewest: int, most: int | None) -> str:
    if most is None:
        return f"at least {fewest} argument{'s'[: fewest != 1]}"
    if fewest == most:
        return f"{fewest or 'no'} argument{'s'[: fewest != 1]}"
    return f"{fewest} {'or' if most == fewest + 1 else 'to'} {most} arguments"


def _is_number(argument: tree.Expression) -> bool:
    """Tell whether the argument can only be a number (or a text): never a position."""
    if isinstance(argument, tree.Function):
        return argument.name.upper() in _NUMERIC
    return isinstance(argument, tree.Number | tree.String | tree.Unary | tree.Binary | tree.Boolean)


def _is_geometry(argument: tree.Expression) -> bool:
    return isinstance(argument, tree.Function) and argument.name.upper() in _GEOMETRY


def _without_frame(arguments: Arguments, fewest: int) -> Arguments:
    """Drop the deprecated coordinate system, a literal or NULL in front of at least `fewest` arguments."""
    if isinstance(arguments[0], tree.String) or (isinstance(arguments[0], tree.Null) and len(arguments) > fewest):
        return arguments[1:]
    return arguments


def _point(name: str, arguments: Arguments) -> tuple[str, str] | None:
    rest = _without_frame(arguments, 2)
    if len(rest) == 2:
        return None if not any(map(_is_geometry, rest)) else _misfit(name, arguments)
    return _misfit(name, arguments)


def _centred(name: str, arguments: Arguments) -> tuple[str, str] | None:
    """CIRCLE and BOX: a position or two coordinates, then one or two sizes."""
    sizes = {"CIRCLE": 1, "BOX": 2}[name]
    rest = _without_frame(arguments, sizes + 2)
    if len(rest) == sizes + 1:
        return _misfit(name, arguments) if _is_number(rest[0]) else None
    if len(rest) == sizes + 2:
        return _misfit(name, arguments) if any(map(_is_geometry, rest)) else None
    return _misfit(name, arguments)


def _polygon(name: str, arguments: Arguments) -> tuple[str, str] | None:
    rest = _without_frame(arguments, 3)
    if len(rest) % 2 and len(rest) > 6 and any(map(_is_number, rest)):
        return f"POLYGON has {len(rest)} coordinates: one is missing, or one is too many", _USAGE[name]
    pairs = len(rest) >= 6 and len(rest) % 2 == 0 and not any(map(_is_geometry, rest))
    points = len(rest) >= 3 and not any(map(_is_number, rest))
    return None if pairs or points else _misfit(name, arguments)


def _distance(name: str, arguments: Arguments) -> tuple[str, str] | None:
    wrong = {2: _is_number, 4: _is_geometry}.get(len(arguments))
    return _misfit(name, arguments) if wrong is None or any(map(wrong, arguments)) else None


def _literal(name: str, arguments: Arguments) -> tuple[str, str] | None:
    """REGION and IN_UNIT: the last argument is a string literal."""
    last = arguments[-1]
    if isinstance(last, tree.String):
        return None
    if isinstance(last, tree.ColumnRef) and last.name.delimited:
        return f"{name} needs a text in single quotes", quoted_text_advice(last.name.text)
    return f"{name} needs a text in single quotes", _USAGE[name]


def _misfit(name: str, arguments: Arguments) -> tuple[str, str]:
    message = f"The arguments of {name} do not fit"
    texts = [argument.value for argument in arguments if isinstance(argument, tree.String)]
    return message, SEXAGESIMAL if any(_ANGLE.search(text) for text in texts) else _USAGE[name]


_SHAPES: dict[str, Callable[[str, Arguments], tuple[str, str] | None]] = {
    "POINT": _point,
    "CIRCLE": _centred,
    "BOX": _centred,
    "POLYGON": _polygon,
    "DISTANCE": _distance,
    "REGION": _literal,
    "IN_UNIT": _literal,
}
_USAGE = {
    "POINT": "Write POINT(lon, lat) in degrees; a coordinate system before them must be a text in single quotes",
    "CIRCLE": "Write CIRCLE(lon, lat, radius) or CIRCLE(point, radius), all in degrees",
    "BOX": "Write BOX(lon, lat, width, height) or BOX(point, width, height), all in degrees",
    "POLYGON": "Write at least three vertices: POLYGON(lon1, lat1, lon2, lat2, lon3, lat3) or POLYGON(p1, p2, p3)",
    "DISTANCE": "Write DISTANCE(point1, point2) or DISTANCE(lon1, lat1, lon2, lat2)",
    "REGION": "Write REGION('CIRCLE ICRS 10 20 1')",
    "IN_UNIT": "Write IN_UNIT(expression, 'unit')",
    "CONTAINS": "Write 1 = CONTAINS(inner, outer)",
    "INTERSECTS": "Write 1 = INTERSECTS(a, b)",
    "ATAN": "Write ATAN(x), or ATAN2(y, x) for the angle of a direction",
    "LOG": "LOG is the natural logarithm, LOG10 the decimal one; for base b write LOG(x) / LOG(b)",
}
