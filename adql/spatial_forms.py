"""What a condition says about a position: the forms that imply a circle, bounds of a coordinate, or HEALPix cells.

The condition itself stays and decides; what it implies only has to hold for every row that satisfies it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..schema.types import DOUBLE
from ..sphere.healpix import MAX_ORDER
from .kinds import constant, double, kind_of, number_of, typed
from .places import Place, place_of, plain
from .resolved import (
    Arithmetic,
    Call,
    ColumnValue,
    Combined,
    Compare,
    Condition,
    Constant,
    Inverse,
    Member,
    Near,
    Separation,
    Source,
    Value,
    Within,
)
from .spatial_ranges import Ranges, union

_WIDER = 1.0 + 1e-12  # rounding of a scaled distance
_FLIPPED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", ">": "<=", "<=": ">", ">=": "<"}
_INFINITE = math.inf
_DEGREES = typed(DOUBLE, "deg")


def literals(condition: Condition | None, wanted: bool = True) -> Iterator[tuple[Condition, bool]]:
    """The conditions that must all be true (or false: the second item), NOT pushed down to them."""
    if isinstance(condition, Inverse):
        yield from literals(condition.operand, not wanted)
    elif isinstance(condition, Combined) and (condition.operator == "AND") == wanted:
        for operand in condition.operands:
            yield from literals(operand, wanted)
    elif condition is not None:
        yield condition, wanted


def conjuncts(condition: Condition | None) -> Iterator[Condition]:
    """The conditions that must all be true, as they stand."""
    if isinstance(condition, Combined) and condition.operator == "AND":
        for operand in condition.operands:
            yield from conjuncts(operand)
    elif condition is not None:
        yield condition


# -------------------------------------------------------------------- circles


def near_of(condition: Condition, wanted: bool) -> Near | None:
    """Give a circle that holds wherever the condition is true (or false): DISTANCE within a radius, also scaled."""
    if isinstance(condition, Near):
        return condition if wanted else None
    for operator, left, right in _comparisons(condition, wanted):
        scaled = _scaled(left)
        if scaled is None or kind_of(right) != "number":
            continue
        distance, factor = scaled
        if operator in ("<", "<=", "=") if factor > 0 else operator in (">", ">=", "="):
            radius = _divided(right, factor)
            return Near(distance.lon1, distance.lat1, distance.lon2, distance.lat2, radius, False)
    return None


def _scaled(value: Value) -> tuple[Separation, float] | None:
    """Read a value as a distance times a number that is not 0."""
    if isinstance(value, Separation):
        return value, 1.0
    if not isinstance(value, Arithmetic) or value.operator not in ("*", "/"):
        return None
    left, right = number_of(value.left), number_of(value.right)
    if right and (inner := _scaled(value.left)):
        return inner[0], inner[1] * right if value.operator == "*" else inner[1] / right
    if left and value.operator == "*" and (inner := _scaled(value.right)):
        return inner[0], inner[1] * left
    return None


def _divided(value: Value, factor: float) -> Value:
    number = number_of(value)
    if number is not None:
        return constant(number / factor * _WIDER, value.at)
    return Arithmetic("*", double(value), constant(_WIDER / factor, value.at), _DEGREES, value.at)


def _comparisons(condition: Condition, wanted: bool) -> Iterator[tuple[str, Value, Value]]:
    """Read comparisons and BETWEEN as (operator, left, right), each side once on the left."""
    if isinstance(condition, Compare):
        operator = condition.operator if wanted else _OPPOSITE[condition.operator]
        yield operator, condition.left, condition.right
        yield _FLIPPED[operator], condition.right, condition.left
    elif isinstance(condition, Within) and condition.negated != wanted:
        yield ">=", condition.operand, condition.low
        yield "<=", condition.operand, condition.high


# ------------------------------------------------------- bounds of coordinates


@dataclass(frozen=True, slots=True)
class Bound:
    """low ≤ column ≤ high."""

    source: Source
    name: str
    low: float
    high: float


def bounds_of(condition: Condition, wanted: bool) -> Iterator[Bound]:
    """Bounds of single columns by literals."""
    for operator, left, right in _comparisons(condition, wanted):
        column, number = plain(left), number_of(right)
        if number is None or not isinstance(column, ColumnValue) or operator == "<>":
            continue
        low = number if operator in ("=", ">", ">=") else -_INFINITE
        high = number if operator in ("=", "<", "<=") else _INFINITE
        yield Bound(column.source, column.name, low, high)


# -------------------------------------------------------------------- cells


def cells_of(condition: Condition, wanted: bool) -> tuple[Place, Ranges] | None:
    """Give the place and the index ranges of a condition on `ivo_healpix_index(order, lon, lat)`."""
    if isinstance(condition, Member):
        asked = _cell_call(condition.operand) if condition.negated != wanted else None
        numbers = [_whole(item) for item in condition.items]
        if asked is None or any(number is None for number in numbers):
            return None
        place, order = asked
        return place, union(_span(order, number, number) for number in numbers if number is not None)
    found: tuple[Place, Ranges] | None = None
    low: float = 0
    high: float = _INFINITE
    for operator, left, right in _comparisons(condition, wanted):
        asked, number = _cell_call(left), _whole(right)
        if asked is None or number is None or operator == "<>":
            continue
        low = max(low, number) if operator in ("=", ">", ">=") else low
        high = min(high, number) if operator in ("=", "<", "<=") else high
        found = asked[0], union([_span(asked[1], low, high)])
    return found


def _cell_call(value: Value) -> tuple[Place, int] | None:
    """Read a value as the cell of a position, of a fixed order."""
    value = plain(value)
    if not isinstance(value, Call) or value.name != "IVO_HEALPIX_INDEX":
        return None
    order, place = number_of(value.arguments[0]), place_of(*value.arguments[1:])
    if place is None or order is None or not 0 <= order <= MAX_ORDER or order != int(order):
        return None
    return place, int(order)


def _whole(value: Value) -> int | float | None:
    """The number of a literal; integers stay exact."""
    if isinstance(value, Constant) and isinstance(value.value, int) and not isinstance(value.value, bool):
        return value.value
    return number_of(value)


def _span(order: int, low: float, high: float) -> tuple[int, int]:
    """The index range of cells `low` to `high`, both included; an empty one where there is none."""
    most = 12 * 4**order
    first, last = math.ceil(min(max(low, 0), most)), math.floor(min(max(high, -1), most - 1))
    shift = 2 * (MAX_ORDER - order)
    return (first << shift, (last + 1) << shift) if first <= last else (0, 0)
