"""What kinds of values there are, what they become together, and how literals are made.

Integers: `short` with `short` gives `int`, everything wider gives `long`, so that sums and products of stored columns
cannot overflow. Integers with floats give `double`, `float` with `float` stays `float`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from ..config.errors import AdqlTypeError, Position
from ..schema.model import Column
from ..schema.types import (
    BOOLEAN,
    DOUBLE,
    FLOATS,
    GEOMETRIES,
    INTEGER,
    INTEGERS,
    LONG,
    NUMBERS,
    REGION_TEXTS,
    STRING,
    STRINGS,
    TIMESTAMP,
    VOType,
    adql_type,
)
from .resolved import CastValue, Constant, Value

NULL = VOType("null")
"""Type of the literal NULL until it meets another."""

_SMALL = frozenset({"unsignedByte", "short"})
_RANKS = {name: rank for rank, name in enumerate(("unsignedByte", "short", "int", "long", "float", "double"))}
SHAPES = ("point", "circle", "polygon", "moc", "region")
"""Kinds of geometries."""
_LARGE_OBJECTS = frozenset({"adql:clob", "adql:blob"})


@lru_cache(maxsize=1024)
def kind(vo: VOType) -> str:
    """Name the kind: number, string, timestamp, boolean, null, other (no operators), or that of a geometry.

    Geometries are point, circle, polygon, moc (a coverage map) and region (a text of any shape).
    """
    if vo.datatype == "null":
        return "null"
    if vo.xtype in GEOMETRIES and vo.datatype in FLOATS:
        return str(vo.xtype)
    if vo.datatype in STRINGS:
        if vo.xtype == "timestamp":
            return "timestamp"
        if vo.xtype in _LARGE_OBJECTS or "x" in (vo.arraysize or ""):
            return "other"
        return _text_kind(vo.xtype) if vo.xtype else "string"
    if vo.arraysize is None and vo.datatype in NUMBERS:
        return "number"
    return "boolean" if vo == BOOLEAN else "other"


def _text_kind(xtype: str) -> str:
    if xtype == "moc":
        return "moc"
    return "region" if xtype.lower() in REGION_TEXTS else "string"


def kind_of(value: Value) -> str:
    """Name the kind of a value."""
    return kind(value.info.type)


def name_of(vo: VOType) -> str:
    """Name a type for messages as an ADQL author would."""
    return "NULL" if vo == NULL else adql_type(vo)


def is_integer(vo: VOType) -> bool:
    """Tell whether the type is one integer."""
    return vo.datatype in INTEGERS and vo.arraysize is None


def typed(vo: VOType, unit: str = "", ucd: str = "") -> Column:
    """Make the metadata of an expression."""
    return Column("", vo, unit=unit, ucd=ucd)


def constant(value: bool | int | float | str | datetime | None, at: Position) -> Constant:
    """Make a literal with its natural type."""
    return Constant(value, _INFO[type(value)] if not isinstance(value, int) else _integer_info(value), at)


def _integer_info(value: int) -> Column:
    if isinstance(value, bool):
        return _INFO[bool]
    return _INFO[int] if -(2**31) <= value < 2**31 else _LONG_INFO


_INFO = {
    type(None): typed(NULL),
    bool: typed(BOOLEAN),
    int: typed(INTEGER),
    float: typed(DOUBLE),
    str: typed(STRING),
    datetime: typed(TIMESTAMP),
}
_LONG_INFO = typed(LONG)


def arithmetic_type(operator: str, left: VOType, right: VOType) -> VOType:
    """Give the type of a sum, product, quotient or remainder of two numbers."""
    if NULL in (left, right):
        return DOUBLE if left == right else (right if left == NULL else left)
    names = {left.datatype, right.datatype}
    if names <= INTEGERS:
        if operator in "/%":
            return VOType(max(names, key=_RANKS.__getitem__))
        return INTEGER if names <= _SMALL else LONG
    return VOType("float") if names == {"float"} else DOUBLE


def common_type(left: VOType, right: VOType) -> VOType | None:
    """Give the type that holds values of both (CASE, COALESCE, set operations); None where there is none."""
    if right in (left, NULL):
        return left
    if left == NULL:
        return right
    kinds = (kind(left), kind(right))
    if kinds == ("number", "number"):
        names = {left.datatype, right.datatype}
        if names <= INTEGERS:
            return VOType(max(names, key=_RANKS.__getitem__))
        return DOUBLE
    if kinds == ("string", "string"):
        return VOType("unicodeChar" if "unicodeChar" in (left.datatype, right.datatype) else "char", "*")
    if kinds == ("timestamp", "timestamp"):
        return TIMESTAMP
    if kinds[0] == kinds[1] and kinds[0] in ("moc", "region"):
        return left
    if kinds[0] == kinds[1] and kinds[0] in GEOMETRIES:
        return VOType("double", left.arraysize if left.arraysize == right.arraysize else "*", left.xtype)
    return None


def combine(values: Sequence[Value], what: str) -> tuple[tuple[Value, ...], Column]:
    """Bring alternatives to one type; unit and UCD stay where all that have a type agree."""
    result = NULL
    for value in values:
        joined = common_type(result, value.info.type)
        if joined is None:
            message = f"{what} mixes {name_of(result)} and {name_of(value.info.type)}"
            raise AdqlTypeError(message, value.at, "All alternatives need one type: use CAST")
        result = joined
    rated = [value.info for value in values if value.info.type != NULL and not isinstance(value, Constant)]
    unit = rated[0].unit if rated and all(info.unit == rated[0].unit for info in rated) else ""
    ucd = rated[0].ucd if rated and all(info.ucd == rated[0].ucd for info in rated) else ""
    return tuple(convert(value, result) for value in values), typed(result, unit, ucd)


def convert(value: Value, vo: VOType) -> Value:
    """Bring a value to a type of the same kind (or a text to TIMESTAMP): literals at once, others by a cast."""
    old = value.info.type
    if vo in (old, NULL) or (kind(old) == "string" and kind(vo) == "string"):
        return value
    if isinstance(value, Constant):
        if value.value is None:
            return value
        if isinstance(value.value, int | float) and vo.datatype in FLOATS and vo.arraysize is None:
            return Constant(float(value.value), typed(vo), value.at)
        if isinstance(value.value, int) and vo.datatype in INTEGERS and fits(value.value, vo):
            return Constant(int(value.value), typed(vo), value.at)
        if isinstance(value.value, str) and vo.xtype == "timestamp":
            return timestamp(value.value, value.at)
    return CastValue(value, None, replace(value.info, name="", type=vo), value.at)


def double(value: Value) -> Value:
    """Bring a number to DOUBLE PRECISION."""
    return convert(value, DOUBLE)


_BITS = {"unsignedByte": (0, 255), "short": (-(2**15), 2**15 - 1), "int": (-(2**31), 2**31 - 1)}


def fits(value: int, vo: VOType) -> bool:
    """Tell whether an integer lies in the range of an integer type."""
    low, high = _BITS.get(vo.datatype, (-(2**63), 2**63 - 1))
    return low <= value <= high


def timestamp(text: str, at: Position) -> Constant:
    """Read a DALI timestamp (DALI 1.1 section 3.3.3: date, optional time, optional Z; UTC) as a literal."""
    cleaned = text.strip().removesuffix("Z").replace(" ", "T", 1)
    try:
        moment = datetime.fromisoformat(cleaned)
    except ValueError:
        moment = None
    if moment is None or len(cleaned) < len("2000-01-01") or "W" in cleaned:
        message = f"'{text[:40]}' is no timestamp"
        raise AdqlTypeError(message, at, "Write it like '2025-01-31T12:00:00'") from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return Constant(moment, _INFO[datetime], at)


def number_of(value: Value) -> float | None:
    """Give the value of a numeric literal; None for anything else."""
    if isinstance(value, Constant) and isinstance(value.value, int | float) and not isinstance(value.value, bool):
        return float(value.value)
    return None


def require_number(operand: Value, operator: str) -> None:
    """Raise AdqlTypeError where the operand of `operator` is no number."""
    if kind_of(operand) not in ("number", "null"):
        message = f"{operator} needs numbers, not {name_of(operand.info.type)}"
        raise AdqlTypeError(message, operand.at, _NUMBER_ADVICE.get(kind_of(operand), ""))


_NUMBER_ADVICE = {
    "string": "Text becomes a number by CAST(… AS DOUBLE PRECISION)",
    "timestamp": "Days become numbers by ivo_to_mjd(…)",
    "point": "Distances of points come from DISTANCE, coordinates from COORD1 and COORD2",
    "boolean": "CASE WHEN flag = TRUE THEN 1 ELSE 0 END makes a number of a boolean",
    "other": "Arrays can only be selected: compute with them where the result arrives",
}
