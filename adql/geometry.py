"""Geometry: what constructors and tests mean (ADQL 2.1 section 4.2), and their SQL.

Positions are ICRS degrees. A leading coordinate system text is ignored. Constant regions are checked and become
literals. Every test on a point and a circle becomes `Near`, on a point and a polygon `Inside`, so that all
equivalent spellings of a cone or a match give the same SQL.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from sqlglot import exp

from ..config.errors import AdqlTypeError, Position, Unsupported
from ..schema.types import CIRCLE, DOUBLE, INTEGER, POINT, POLYGON, STRING, VOType
from ..sphere.regions import (
    Circle,
    Point,
    Polygon,
    Range,
    Region,
    UnsupportedRegion,
    box_polygon,
    dali_values,
    parse_dali,
    parse_stcs,
)
from . import nodes as n
from .kinds import constant, double, kind_of, name_of, number_of, typed
from .lowering import literal
from .resolved import (
    Arithmetic,
    Call,
    Condition,
    Constant,
    Element,
    Inside,
    Near,
    Predicate,
    Separation,
    TestValue,
    Truth,
    Value,
)

_DEGREE = typed(DOUBLE, "deg")
_SEPARATION = typed(DOUBLE, "deg", "pos.angDistance")
_FLAG = typed(INTEGER)
_SHAPES = ("point", "circle", "polygon")
_TYPES: dict[type[Region], VOType] = {Point: POINT, Circle: CIRCLE, Polygon: POLYGON}


def region_constant(region: Region, at: Position) -> Constant:
    """Make the literal of a region."""
    return Constant(dali_values(region), typed(_TYPES[type(region)], "deg", "pos.eq"), at)


def read_region(value: str, xtype: str, at: Position) -> Constant:
    """Read the DALI text of a point, circle or polygon; AdqlTypeError says what is wrong with it."""
    try:
        return region_constant(parse_dali(value, xtype), at)
    except ValueError as error:
        message = f"'{value[:40]}' is no {xtype}: {error}"
        raise AdqlTypeError(message, at) from None


def coordinates(value: Value) -> tuple[Value, Value]:
    """Give longitude and latitude of a point."""
    if isinstance(value, Call) and value.name == "POINT":
        return value.arguments[0], value.arguments[1]
    return _element(value, 1), _element(value, 2)


def _element(value: Value, index: int) -> Value:
    if isinstance(value, Constant):
        numbers = value.value if isinstance(value.value, tuple) else None
        return constant(None if numbers is None else float(numbers[index - 1]), value.at)
    return Element(value, index, _DEGREE, value.at)


def circle_parts(value: Value) -> tuple[Value, Value, Value]:
    """Give centre and radius of a circle."""
    if isinstance(value, Call) and value.name == "CIRCLE":
        return value.arguments[0], value.arguments[1], value.arguments[2]
    return _element(value, 1), _element(value, 2), _element(value, 3)


# --------------------------------------------------------------- constructors


def _wrong(name: str, form: str, arguments: Sequence[Value], at: Position) -> AdqlTypeError:
    given = ", ".join(name_of(argument.info.type) for argument in arguments)
    message = f"{name} cannot be made of ({given})"
    return AdqlTypeError(message, at, f"It takes {form}")


def _numbers(name: str, form: str, arguments: Sequence[Value], count: int, at: Position) -> tuple[Value, ...]:
    """Check for `count` numbers, a point standing for two."""
    spread: list[Value] = []
    for argument in arguments:
        spread.extend(coordinates(argument) if kind_of(argument) == "point" else (argument,))
    if len(spread) != count or any(kind_of(value) not in ("number", "null") for value in spread):
        raise _wrong(name, form, arguments, at)
    return tuple(double(value) for value in spread)


def _checked(make: Callable[..., Region], values: Sequence[Value], at: Position) -> Constant | None:
    """Make the region where all numbers are literals; None where they are not."""
    numbers = [number_of(value) for value in values]
    if None in numbers:
        return None
    try:
        return region_constant(make(*numbers), at)
    except ValueError as error:
        raise AdqlTypeError(str(error), at) from None


def _point(arguments: Sequence[Value], at: Position) -> Value:
    values = _numbers("POINT", "POINT(longitude, latitude)", arguments, 2, at)
    ucd = "pos.eq" if _same_ucd(values) else "pos"
    return _checked(Point, values, at) or Call("POINT", values, typed(POINT, "deg", ucd), at)


def _same_ucd(values: Sequence[Value]) -> bool:
    return values[0].info.ucd.startswith("pos.eq")


def _circle_of(arguments: Sequence[Value], at: Position) -> Value:
    form = "CIRCLE(longitude, latitude, radius) or CIRCLE(point, radius)"
    values = _numbers("CIRCLE", form, arguments, 3, at)
    return _checked(Circle, values, at) or Call("CIRCLE", values, typed(CIRCLE, "deg", "pos"), at)


def _box(arguments: Sequence[Value], at: Position) -> Value:
    form = "BOX(longitude, latitude, width, height) or BOX(point, width, height)"
    values = _numbers("BOX", form, arguments, 4, at)
    return _checked(box_polygon, values, at) or Call("BOX", values, typed(POLYGON, "deg", "pos"), at)


def _polygon(arguments: Sequence[Value], at: Position) -> Value:
    form = "at least three pairs of numbers, or three points"
    kinds = {"point" if kind_of(argument) == "point" else "number" for argument in arguments}
    count = len(arguments) * (2 if kinds == {"point"} else 1)
    if len(kinds) != 1 or count < 6 or count % 2:
        raise _wrong("POLYGON", form, arguments, at)
    values = _numbers("POLYGON", form, arguments, count, at)
    made = _checked(lambda *flat: Polygon(tuple(zip(flat[::2], flat[1::2], strict=True))), values, at)
    return made or Call("POLYGON", values, typed(POLYGON, "deg", "pos"), at)


def _region(arguments: Sequence[Value], at: Position) -> Value:
    value = arguments[0].value if len(arguments) == 1 and isinstance(arguments[0], Constant) else None
    if not isinstance(value, str):
        message = "REGION takes one text literal"
        raise AdqlTypeError(message, at, "Such as REGION('CIRCLE ICRS 10 20 0.5')")
    try:
        region = parse_stcs(value)
    except UnsupportedRegion as error:
        message = f"REGION cannot be read: {error}"
        raise Unsupported(message, at) from None
    except ValueError as error:
        message = f"REGION cannot be read: {error}"
        raise AdqlTypeError(message, at) from None
    if isinstance(region, Range):
        message = "REGION cannot hold a range"
        raise AdqlTypeError(message, at)
    return region_constant(region, at)


# ---------------------------------------------------------------------- tests


def _two_shapes(name: str, arguments: Sequence[Value], at: Position) -> tuple[str, str]:
    kinds = [kind_of(argument) for argument in arguments]
    if len(kinds) != 2 or any(shape not in (*_SHAPES, "null") for shape in kinds):
        raise _wrong(name, f"{name}(geometry, geometry)", arguments, at)
    return kinds[0], kinds[1]


def _radius(operator: str, left: Value, right: Value) -> Value:
    one, other = number_of(left), number_of(right)
    if one is not None and other is not None:
        return constant(one + other if operator == "+" else one - other, left.at)
    return Arithmetic("+" if operator == "+" else "-", left, right, _DEGREE, left.at)


def _near(one: Value, other: Value, radius: Value) -> Condition:
    return Near(*coordinates(one), *coordinates(other), radius, False)


def _point_in_circle(point: Value, circle: Value) -> Condition:
    lon, lat, radius = circle_parts(circle)
    return Near(*coordinates(point), lon, lat, radius, False)


def _circles(operator: str) -> Callable[[Value, Value], Condition]:
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


def _predicate(name: str) -> Callable[[Value, Value], Condition]:
    return lambda one, other: Predicate(name, (one, other))


def _never(one: Value, _: Value) -> Condition:
    return Truth(constant(False, one.at))


_Test = Callable[[Value, Value], Condition]
_CONTAINS: dict[tuple[str, str], _Test] = {
    ("point", "point"): lambda one, other: _near(one, other, constant(0.0, one.at)),
    ("point", "circle"): _point_in_circle,
    ("point", "polygon"): lambda point, polygon: Inside(*coordinates(point), polygon),
    ("circle", "point"): _circle_in_point,
    ("circle", "circle"): _circles("-"),
    ("circle", "polygon"): _predicate("NS_CIRCLE_IN_POLYGON"),
    ("polygon", "point"): _never,
    ("polygon", "circle"): _predicate("NS_POLYGON_IN_CIRCLE"),
    ("polygon", "polygon"): _predicate("NS_POLYGON_IN_POLYGON"),
}
_INTERSECTS: dict[tuple[str, str], _Test] = {
    ("point", "point"): _CONTAINS["point", "point"],
    ("point", "circle"): _point_in_circle,
    ("point", "polygon"): _CONTAINS["point", "polygon"],
    ("circle", "circle"): _circles("+"),
    ("circle", "polygon"): _predicate("NS_CIRCLE_MEETS_POLYGON"),
    ("polygon", "polygon"): _predicate("NS_POLYGON_MEETS_POLYGON"),
}


def _contains(arguments: Sequence[Value], at: Position) -> Value:
    kinds = _two_shapes("CONTAINS", arguments, at)
    if "null" in kinds:
        return constant(None, at)
    return TestValue(_CONTAINS[kinds](arguments[0], arguments[1]), _FLAG, at)


def _intersects(arguments: Sequence[Value], at: Position) -> Value:
    kinds = _two_shapes("INTERSECTS", arguments, at)
    if "null" in kinds:
        return constant(None, at)
    one, other = arguments
    if kinds not in _INTERSECTS:
        kinds, one, other = (kinds[1], kinds[0]), other, one
    return TestValue(_INTERSECTS[kinds](one, other), _FLAG, at)


def _distance(arguments: Sequence[Value], at: Position) -> Value:
    form = "DISTANCE(point, point) or DISTANCE(lon1, lat1, lon2, lat2)"
    points = {kind_of(argument) == "point" for argument in arguments}
    if len(points) != 1 or len(arguments) != (2 if True in points else 4):
        raise _wrong("DISTANCE", form, arguments, at)
    lon1, lat1, lon2, lat2 = _numbers("DISTANCE", form, arguments, 4, at)
    return Separation(lon1, lat1, lon2, lat2, _SEPARATION, at)


# ----------------------------------------------------------------- properties


def _only(name: str, arguments: Sequence[Value], shapes: Sequence[str], at: Position) -> tuple[Value, str]:
    if len(arguments) != 1 or kind_of(arguments[0]) not in shapes:
        raise _wrong(name, " or ".join(f"a {shape}" for shape in shapes), arguments, at)
    return arguments[0], kind_of(arguments[0])


def _coordinate(name: str, index: int) -> Callable[[Sequence[Value], Position], Value]:
    def build(arguments: Sequence[Value], at: Position) -> Value:
        return coordinates(_only(name, arguments, ("point",), at)[0])[index]

    return build


def _area(arguments: Sequence[Value], at: Position) -> Value:
    value, shape = _only("AREA", arguments, _SHAPES, at)
    return Call(f"AREA {shape}", (value,), typed(DOUBLE, "deg**2", "phys.angArea"), at)


def _centroid(arguments: Sequence[Value], at: Position) -> Value:
    value, shape = _only("CENTROID", arguments, _SHAPES, at)
    if shape == "point":
        return value
    if shape == "circle":
        return _point(circle_parts(value)[:2], at)
    return Call("CENTROID", (value,), typed(POINT, "deg", "pos"), at)


def _coordsys(arguments: Sequence[Value], at: Position) -> Value:
    _only("COORDSYS", arguments, _SHAPES, at)
    return Constant("ICRS", typed(STRING, "", "pos.frame"), at)


BUILDERS: dict[str, Callable[[Sequence[Value], Position], Value]] = {
    "AREA": _area,
    "BOX": _box,
    "CENTROID": _centroid,
    "CIRCLE": _circle_of,
    "CONTAINS": _contains,
    "COORD1": _coordinate("COORD1", 0),
    "COORD2": _coordinate("COORD2", 1),
    "COORDSYS": _coordsys,
    "DISTANCE": _distance,
    "INTERSECTS": _intersects,
    "POINT": _point,
    "POLYGON": _polygon,
    "REGION": _region,
}
"""ADQL geometry function -> what makes its value from resolved arguments (coordinate system removed)."""

WITH_FRAME = frozenset({"BOX", "CIRCLE", "POINT", "POLYGON"})
"""Constructors whose first argument may be a coordinate system text."""

# ------------------------------------------------------------------------ SQL

_HALF = math.pi / 360.0


def _sin2(degrees: n.Node) -> n.Node:
    """sin² of half an angle in degrees."""
    return n.call("pow", n.call("sin", n.mul(degrees, n.real(_HALF))), n.integer(2))


def _cosines(lat1: n.Node, lat2: n.Node) -> n.Node:
    return n.mul(_cos(lat1), _cos(lat2))


def _cos(degrees: n.Node) -> n.Node:
    given = literal(degrees)
    if given is not None:
        return n.real(math.cos(math.radians(given)))
    return n.call("cos", n.call("radians", degrees))


def haversine(lon1: n.Node, lat1: n.Node, lon2: n.Node, lat2: n.Node) -> n.Node:
    """sin² of half the distance of two positions in degrees."""
    return n.add(_sin2(n.sub(lat1, lat2)), n.mul(_cosines(n.again(lat1), n.again(lat2)), _sin2(n.sub(lon1, lon2))))


def separation(lon1: n.Node, lat1: n.Node, lon2: n.Node, lat2: n.Node) -> n.Node:
    """Distance in degrees, exact for the closest and for opposite positions.

    It is 2 atan2(|u-v|, |u+v|) of the unit vectors; |u+v|² is written as the haversine to the antipode.
    """
    lon_half = n.mul(n.sub(n.again(lon1), n.again(lon2)), n.real(_HALF))
    across = n.add(
        _sin2(n.add(n.again(lat1), n.again(lat2))),
        n.mul(_cosines(n.again(lat1), n.again(lat2)), n.call("pow", n.call("cos", lon_half), n.integer(2))),
    )
    near = n.call("sqrt", haversine(lon1, lat1, lon2, lat2))
    return n.mul(n.call("degrees", n.call("atan2", near, n.call("sqrt", across))), n.integer(2))


def within(test: Near, lower: Callable[[Value], n.Node]) -> n.Node:
    """The condition that two positions are within a radius."""
    sine = haversine(lower(test.lon1), lower(test.lat1), lower(test.lon2), lower(test.lat2))
    radius = number_of(test.radius)
    operator = "<" if test.strict else "<="
    if radius is not None:
        return n.compare(operator, sine, n.real(threshold(radius)))
    given = lower(test.radius)
    limit = exp.Case(
        ifs=[
            exp.If(this=n.compare("<", given, n.integer(0)), true=n.real(-1.0)),
            exp.If(this=n.compare(">=", n.again(given), n.integer(180)), true=n.real(2.0)),
        ],
        default=_sin2(n.again(given)),
    )
    return n.compare(operator, sine, limit)


def threshold(radius_deg: float) -> float:
    """sin² of half a radius; negative radii hold nothing, 180° and more everything."""
    if radius_deg < 0:
        return -1.0
    return 2.0 if radius_deg >= 180.0 else math.sin(math.radians(radius_deg) / 2.0) ** 2


def values(*items: n.Node) -> n.Node:
    """An array of coordinates that is NULL where one of them is."""
    made = n.array(*items)
    unsure = [n.is_null(n.again(item)) for item in items if not isinstance(item, exp.Literal | exp.Paren)]
    return exp.Case(ifs=[exp.If(this=n.any_of(*unsure), true=n.null())], default=made) if unsure else made


def circle_area(circle: n.Node) -> n.Node:
    """Area of a circle (DALI array) in square degrees: 4π sin²(r/2)."""
    radius = n.element(circle, 3)
    whole = n.compare(">=", n.again(radius), n.integer(180))
    return n.mul(n.real(4.0 * math.pi * math.degrees(1.0) ** 2), n.case(whole, n.real(1.0), _sin2(radius)))


LOWERINGS: dict[str, Callable[..., n.Node]] = {
    "POINT": lambda lon, lat: n.cast(values(lon, lat), POINT),
    "CIRCLE": lambda lon, lat, radius: n.cast(values(lon, lat, radius), CIRCLE),
    "POLYGON": values,
    "BOX": lambda *arguments: n.call("ns_box", *arguments),
    "AREA point": lambda point: exp.Case(ifs=[exp.If(this=n.is_null(point), true=n.null())], default=n.real(0.0)),
    "AREA circle": circle_area,
    "AREA polygon": lambda polygon: n.call("ns_polygon_area", polygon),
    "CENTROID": lambda polygon: n.call("ns_polygon_centroid", polygon),
    "NS_ROTATE": lambda old, new, lon, lat: n.call("ns_rotate", old, new, lon, lat),
    "NS_ROTATE_POLYGON": lambda old, new, polygon: n.call("ns_rotate_polygon", old, new, polygon),
}
"""Geometry calls -> SQL from lowered arguments."""

PREDICATES = {
    name: name.lower()
    for name in (
        "NS_CIRCLE_IN_POLYGON",
        "NS_POLYGON_IN_CIRCLE",
        "NS_POLYGON_IN_POLYGON",
        "NS_CIRCLE_MEETS_POLYGON",
        "NS_POLYGON_MEETS_POLYGON",
    )
}
"""Boolean functions of the sphere room on DALI arrays."""
