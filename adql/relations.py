"""CONTAINS and INTERSECTS of geometries of all kinds (ADQL 2.1 sections 4.2.11 and 4.2.16).

Compounds of REGION are taken apart: their members are joined by AND, OR and NOT, which is exact for positions. Where
that would be wrong for regions with an extent (two members of a union may cover one together), Unsupported says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeGuard

from ..config.errors import AdqlTypeError, Position, Unsupported
from ..schema.types import INTEGER, VOType
from ..sphere import compounds
from ..sphere.regions import Circle, Point, Polygon, Range, Region
from ..sphere.stcs import Compound
from .kinds import SHAPES, constant, kind_of, name_of, number_of, typed
from .resolved import (
    Arithmetic,
    Call,
    Combined,
    Compare,
    Condition,
    Constant,
    Covered,
    Inside,
    Inverse,
    Near,
    Predicate,
    TestValue,
    Truth,
    Value,
    Within,
)
from .shapes import circle_parts, compound_of, coordinates, region_constant

_FLAG = typed(INTEGER)
_DEGREE = typed(VOType("double"), "deg")
_ARRAY = typed(VOType("double", "*"))
Operand = Value | Compound | Range
_Test = Callable[[Value, Value], Condition]


def shape(value: Value) -> Value:
    """Give a point, circle, polygon or region as one array (see `sphere.shapes`)."""
    name = "NS_REGION" if kind_of(value) == "region" else "SHAPE"
    return Call(name, (value,), _ARRAY, value.at)


# ------------------------------------------------------------- simple tests


def _radius(operator: str, left: Value, right: Value) -> Value:
    one, other = number_of(left), number_of(right)
    if one is not None and other is not None:
        return constant(one + other if operator == "+" else one - other, left.at)
    return Arithmetic("+" if operator == "+" else "-", left, right, _DEGREE, left.at)


def _same_point(one: Value, other: Value) -> Condition:
    return Near(*coordinates(one), *coordinates(other), constant(0.0, one.at), False)


def _point_in_circle(point: Value, circle: Value) -> Condition:
    lon, lat, radius = circle_parts(circle)
    return Near(*coordinates(point), lon, lat, radius, False)


def _circles(operator: str) -> _Test:
    """Compare two circles: they meet within the sum of the radii, one holds the other within the difference."""

    def test(inner: Value, outer: Value) -> Condition:
        lon1, lat1, radius1 = circle_parts(inner)
        lon2, lat2, radius2 = circle_parts(outer)
        return Near(lon1, lat1, lon2, lat2, _radius(operator, radius2, radius1), False)

    return test


def _circle_in_point(circle: Value, point: Value) -> Condition:
    lon, lat, radius = circle_parts(circle)
    zero: Value = constant(0.0, circle.at)
    return Near(lon, lat, *coordinates(point), _radius("-", zero, radius), False)


def _predicate(name: str, one: Callable[[Value], Value], other: Callable[[Value], Value]) -> _Test:
    return lambda first, second: Predicate(name, (one(first), other(second)))


def _same(value: Value) -> Value:
    return value


def _never(one: Value, other: Value) -> Condition:
    """False, but NULL where one of them is NULL."""
    known = [value for value in (one, other) if not isinstance(value, Constant)]
    if not known:
        return Truth(constant(False, one.at))
    tests = tuple(Compare("<>", value, value) for value in known)
    return tests[0] if len(tests) == 1 else Combined("OR", tests)


def _point_in_shape(point: Value, region: Value) -> Condition:
    return Predicate("NS_POINT_IN_SHAPE", (*coordinates(point), shape(region)))


def _in_polygon(point: Value, polygon: Value) -> Condition:
    return Inside(*coordinates(point), polygon)


def _covered(point: Value, moc: Value) -> Condition:
    return Covered(*coordinates(point), moc)


_EXTENDED = ("circle", "polygon", "region")
_CONTAINS: dict[tuple[str, str], _Test] = {
    ("point", "point"): _same_point,
    ("point", "circle"): _point_in_circle,
    ("point", "polygon"): _in_polygon,
    ("point", "region"): _point_in_shape,
    ("point", "moc"): _covered,
    ("circle", "point"): _circle_in_point,
    ("circle", "circle"): _circles("-"),
    ("circle", "polygon"): _predicate("NS_CIRCLE_IN_POLYGON", _same, _same),
    ("polygon", "point"): _never,
    ("polygon", "circle"): _predicate("NS_POLYGON_IN_CIRCLE", _same, _same),
    ("polygon", "polygon"): _predicate("NS_POLYGON_IN_POLYGON", _same, _same),
    ("moc", "point"): _never,
    ("moc", "moc"): _predicate("NS_MOC_IN_MOC", _same, _same),
    **{("moc", other): _predicate("NS_MOC_IN_SHAPE", _same, shape) for other in _EXTENDED},
    **{(one, "moc"): _predicate("NS_SHAPE_IN_MOC", shape, _same) for one in _EXTENDED},
    **{("region", other): _predicate("NS_SHAPE_IN_SHAPE", shape, shape) for other in ("point", *_EXTENDED)},
    **{(one, "region"): _predicate("NS_SHAPE_IN_SHAPE", shape, shape) for one in ("circle", "polygon")},
}
_INTERSECTS: dict[tuple[str, str], _Test] = {
    **{("point", other): _CONTAINS["point", other] for other in SHAPES},
    ("circle", "circle"): _circles("+"),
    ("circle", "polygon"): _predicate("NS_CIRCLE_MEETS_POLYGON", _same, _same),
    ("polygon", "polygon"): _predicate("NS_POLYGON_MEETS_POLYGON", _same, _same),
    **{(one, "region"): _predicate("NS_SHAPES_MEET", shape, shape) for one in _EXTENDED},
    **{(one, "moc"): _predicate("NS_SHAPE_MEETS_MOC", shape, _same) for one in _EXTENDED},
    ("moc", "moc"): _predicate("NS_MOCS_MEET", _same, _same),
}

# ---------------------------------------------------------------- compounds


def _lies_in(one: Operand, other: Operand, at: Position) -> Condition:
    if isinstance(other, Compound):
        return _in_compound(one, other, at)
    if isinstance(one, Compound):
        if one.operator != "UNION":
            raise _unsure(f"{one.operator} lies within another region", at)
        return _every(_lies_in(_operand(member, at), other, at) for member in one.members)
    if isinstance(other, Range):
        return _in_range(one, other, at)
    if isinstance(one, Range):
        raise _unsure("a PositionInterval lies within another region", at)
    return _CONTAINS[kind_of(one), kind_of(other)](one, other)


def _in_compound(one: Operand, other: Compound, at: Position) -> Condition:
    members = [_operand(member, at) for member in other.members]
    if other.operator == "UNION":
        if not _is_point(one) and len(members) > 1:
            raise _unsure("a region lies within a UNION", at, "Test its members one by one, joined by OR")
        return _any(_lies_in(one, member, at) for member in members)
    if other.operator == "INTERSECTION":
        return _every(_lies_in(one, member, at) for member in members)
    if other.operator == "NOT":
        return Inverse(_meet(one, members[0], at))
    return _every([_lies_in(one, members[0], at), Inverse(_meet(one, members[1], at))])


def _meet(one: Operand, other: Operand, at: Position) -> Condition:
    if _is_point(other):
        one, other = other, one
    if _is_point(one):
        return _lies_in(one, other, at)
    if isinstance(one, Compound) and not isinstance(other, Compound):
        one, other = other, one
    if isinstance(other, Compound):
        members = [_operand(member, at) for member in other.members]
        if other.operator == "UNION":
            return _any(_meet(one, member, at) for member in members)
        if other.operator == "NOT":
            return Inverse(_lies_in(one, members[0], at))
        raise _unsure(f"a region intersects an {other.operator}", at)
    if isinstance(one, Range | Compound) or isinstance(other, Range):
        raise _unsure("a region intersects a PositionInterval", at)
    kinds = kind_of(one), kind_of(other)
    if kinds not in _INTERSECTS:
        kinds, one, other = (kinds[1], kinds[0]), other, one
    return _INTERSECTS[kinds](one, other)


def _in_range(one: Operand, other: Range, at: Position) -> Condition:
    """A position between two meridians, eastwards, and two parallels."""
    if not _is_point(one):
        raise _unsure("a region lies within a PositionInterval", at)
    lon, lat = coordinates(one)
    low, high = constant(max(other.lat1_deg, -90.0), at), constant(min(other.lat2_deg, 90.0), at)
    parallels = Within(lat, low, high, False)
    if other.lon2_deg - other.lon1_deg >= 360.0:
        return parallels
    turned = Arithmetic("-", lon, constant(other.lon1_deg, at), _DEGREE, at)
    circle = constant(360.0, at)
    turns = Call("FLOOR", (Arithmetic("/", turned, circle, _DEGREE, at),), _DEGREE, at)
    east = Arithmetic("-", turned, Arithmetic("*", turns, circle, _DEGREE, at), _DEGREE, at)
    width = constant((other.lon2_deg - other.lon1_deg) % 360.0, at)
    return Combined("AND", (parallels, Compare("<=", east, width)))


def _is_point(one: Operand) -> TypeGuard[Value]:
    return not isinstance(one, Compound | Range) and kind_of(one) == "point"


def _operand(member: Region | Compound, at: Position) -> Operand:
    return member if isinstance(member, Compound | Range) else region_constant(member, at)


def _every(tests: Iterable[Condition]) -> Condition:
    return _logical("AND", tests)


def _any(tests: Iterable[Condition]) -> Condition:
    return _logical("OR", tests)


def _logical(operator: Literal["AND", "OR"], tests: Iterable[Condition]) -> Condition:
    made = tuple(tests)
    return made[0] if len(made) == 1 else Combined(operator, made)


def _unsure(what: str, at: Position, advice: str = "Positions can be tested against any REGION") -> Unsupported:
    message = f"Whether {what} cannot be told exactly here"
    return Unsupported(message, at, advice)


# -------------------------------------------------------------------- doors


def _tested(name: str, arguments: Sequence[Value], at: Position) -> Value:
    kinds = [kind_of(argument) for argument in arguments]
    if len(kinds) != 2 or any(one not in (*SHAPES, "null") for one in kinds):
        given = ", ".join(name_of(argument.info.type) for argument in arguments)
        message = f"{name} cannot be made of ({given})"
        raise AdqlTypeError(message, at, f"Such as {name}(POINT(ra, dec), CIRCLE(10, 20, 1))")
    if "null" in kinds:
        return constant(None, at)
    one, other = (compound_of(argument) or argument for argument in arguments)
    try:
        return TestValue(_TESTS[name](one, other, at), _FLAG, at)
    except Unsupported:
        decided = _decided(name, one, other)
        if decided is None:
            raise
        return TestValue(Truth(constant(decided, at)), _FLAG, at)


def _decided(name: str, one: Operand, other: Operand) -> bool | None:
    """Compare two regions that are fixed; None where they are not, or cannot be told apart."""
    fixed = [_fixed(one), _fixed(other)]
    if fixed[0] is None or fixed[1] is None:
        return None
    try:
        return (compounds.lies_in if name == "CONTAINS" else compounds.meet)(fixed[0], fixed[1])
    except compounds.Undecided:
        return None


def _fixed(operand: Operand) -> Region | Compound | None:
    if isinstance(operand, Compound | Range):
        return operand
    if not (isinstance(operand, Constant) and isinstance(operand.value, tuple)):
        return None
    flat = operand.value
    if kind_of(operand) == "point":
        return Point(*flat)
    return Circle(*flat) if kind_of(operand) == "circle" else Polygon(tuple(zip(flat[::2], flat[1::2], strict=True)))


_TESTS: dict[str, Callable[[Operand, Operand, Position], Condition]] = {"CONTAINS": _lies_in, "INTERSECTS": _meet}


def contains(arguments: Sequence[Value], at: Position) -> Value:
    """CONTAINS(a, b): 1 where a lies within b, else 0; NULL where one is NULL."""
    return _tested("CONTAINS", arguments, at)


def intersects(arguments: Sequence[Value], at: Position) -> Value:
    """INTERSECTS(a, b): 1 where a and b share a position, else 0; NULL where one is NULL."""
    return _tested("INTERSECTS", arguments, at)
