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
from ..sphere.regions import Circle, Point, Polygon, Region, box_polygon
from . import nodes as n
from .coverage_maps import moc
from .kinds import SHAPES, kind_of, name_of, number_of, typed
from .kinds import double as as_double
from .lowering import literal
from .relations import contains, intersects
from .relations import shape as shape_array
from .resolved import Call, Constant, Near, Separation, Value
from .shapes import circle_parts, compound_of, coordinates, read_phrase, read_region, region_constant

__all__ = ["BUILDERS", "LOWERINGS", "PREDICATES", "WITH_FRAME", "circle_parts", "coordinates", "read_region"]

_DEGREES = "Longitude comes before latitude, which lies between -90 and 90; all are degrees, radii not negative"
_SEPARATION = typed(DOUBLE, "deg", "pos.angDistance")
_FLAT = ("point", "circle", "polygon")


# --------------------------------------------------------------- constructors


def _wrong(name: str, form: str, arguments: Sequence[Value], at: Position) -> AdqlTypeError:
    given = ", ".join(name_of(argument.info.type) for argument in arguments)
    message = f"{name} cannot take ({given})"
    return AdqlTypeError(message, at, f"It takes {form}")


def _numbers(name: str, form: str, arguments: Sequence[Value], count: int, at: Position) -> tuple[Value, ...]:
    """Check for `count` numbers, a point standing for two."""
    spread: list[Value] = []
    for argument in arguments:
        spread.extend(coordinates(argument) if kind_of(argument) == "point" else (argument,))
    if len(spread) != count or any(kind_of(value) not in ("number", "null") for value in spread):
        raise _wrong(name, form, arguments, at)
    return tuple(as_double(value) for value in spread)


def _checked(make: Callable[..., Region], values: Sequence[Value], at: Position) -> Constant | None:
    """Make the region where all numbers are literals; None where they are not."""
    numbers = [number_of(value) for value in values]
    if None in numbers:
        return None
    try:
        return region_constant(make(*numbers), at)
    except ValueError as error:
        message = str(error)[:1].upper() + str(error)[1:]
        raise AdqlTypeError(message, at, _DEGREES) from None


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
    return read_phrase(value, at)


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
    value, shape = _only("AREA", arguments, SHAPES, at)
    if compound_of(value) is not None:
        message = "The area of a compound region is not known here"
        raise Unsupported(message, at, "Take the area of MOC(order, …) of its members")
    if shape == "region":
        return Call("NS_SHAPE_AREA", (shape_array(value),), typed(DOUBLE, "deg**2", "phys.angArea"), at)
    return Call(f"AREA {shape}", (value,), typed(DOUBLE, "deg**2", "phys.angArea"), at)


def _centroid(arguments: Sequence[Value], at: Position) -> Value:
    value, shape = _only("CENTROID", arguments, (*_FLAT, "region"), at)
    if shape == "point":
        return value
    if shape == "region":
        if compound_of(value) is not None:
            message = "The centre of a compound region is not known here"
            raise Unsupported(message, at, "Take that of one of its members")
        return Call("NS_SHAPE_CENTROID", (shape_array(value),), typed(POINT, "deg", "pos"), at)
    if shape == "circle":
        return _point(circle_parts(value)[:2], at)
    return Call("CENTROID", (value,), typed(POINT, "deg", "pos"), at)


def _coordsys(arguments: Sequence[Value], at: Position) -> Value:
    _only("COORDSYS", arguments, SHAPES, at)
    return Constant("ICRS", typed(STRING, "", "pos.frame"), at)


BUILDERS: dict[str, Callable[[Sequence[Value], Position], Value]] = {
    "AREA": _area,
    "BOX": _box,
    "CENTROID": _centroid,
    "CIRCLE": _circle_of,
    "CONTAINS": contains,
    "COORD1": _coordinate("COORD1", 0),
    "COORD2": _coordinate("COORD2", 1),
    "COORDSYS": _coordsys,
    "DISTANCE": _distance,
    "INTERSECTS": intersects,
    "MOC": moc,
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


def _cos_text(degrees: n.Node, text: str | None) -> str:
    given = literal(degrees)
    return f"COS(RADIANS({text}))" if given is None else str(n.plain_text(n.real(math.cos(math.radians(given)))))


def haversine(lon1: n.Node, lat1: n.Node, lon2: n.Node, lat2: n.Node) -> n.Node:
    """sin² of half the distance of two positions in degrees.

    Of columns and numbers it is made as one text: it stands in every cone, and forty nodes take a tenth of the time.
    """
    plain = [n.plain_text(part) for part in (lon1, lat1, lon2, lat2)]
    if all(plain):
        a1, d1, a2, d2 = plain
        half = n.plain_text(n.real(_HALF))
        cosines = " * ".join(_cos_text(lat, text) for lat, text in ((lat1, d1), (lat2, d2)))
        return exp.Var(
            this=f"POW(SIN(({d1} - {d2}) * {half}), 2) + (({cosines}) * POW(SIN(({a1} - {a2}) * {half}), 2))"
        )
    return n.add(_sin2(n.sub(lat1, lat2)), n.mul(_cosines(n.again(lat1), n.again(lat2)), _sin2(n.sub(lon1, lon2))))


def haversine_across(lon1: n.Node, lat1: n.Node, lon2: n.Node, lat2: n.Node) -> n.Node:
    """cos² of half the distance of two positions in degrees: the haversine to the opposite point of one of them."""
    lon_half = n.mul(n.sub(lon1, lon2), n.real(_HALF))
    return n.add(
        _sin2(n.add(lat1, lat2)),
        n.mul(_cosines(n.again(lat1), n.again(lat2)), n.call("pow", n.call("cos", lon_half), n.integer(2))),
    )


def separation(lon1: n.Node, lat1: n.Node, lon2: n.Node, lat2: n.Node) -> n.Node:
    """Distance in degrees, exact for the closest and for opposite positions.

    It is 2 atan2(|u-v|, |u+v|) of the unit vectors; |u+v|² is written as the haversine to the antipode.
    """
    across = haversine_across(*(n.again(part) for part in (lon1, lat1, lon2, lat2)))
    near = n.call("sqrt", haversine(lon1, lat1, lon2, lat2))
    return n.mul(n.call("degrees", n.call("atan2", near, n.call("sqrt", across))), n.integer(2))


def within(test: Near, lower: Callable[[Value], n.Node]) -> n.Node:
    """The condition that two positions are within a radius.

    Up to 90° it compares sin² of half the angles, beyond cos²: each is exact where the other is not.
    """
    place = [lower(part) for part in (test.lon1, test.lat1, test.lon2, test.lat2)]
    radius = number_of(test.radius)
    if radius is None:
        return _within_any(place, lower(test.radius), test.strict)
    if radius <= 90.0:
        return n.compare("<" if test.strict else "<=", haversine(*place), n.real(threshold(radius)))
    return n.compare(">" if test.strict else ">=", haversine_across(*place), n.real(far_threshold(radius, test.strict)))


def _within_any(place: list[n.Node], radius: n.Node, strict: bool) -> n.Node:
    """The condition for a radius that differs from row to row."""
    near = exp.Case(
        ifs=[exp.If(this=n.compare("<", radius, n.integer(0)), true=n.real(-1.0))], default=_sin2(n.again(radius))
    )
    whole = n.compare(">" if strict else ">=", n.again(radius), n.integer(180))
    half = n.mul(n.again(radius), n.real(_HALF))
    far = n.case(whole, n.real(-1.0), n.call("pow", n.call("cos", half), n.integer(2)))
    wide = n.compare(">" if strict else ">=", haversine_across(*(n.again(part) for part in place)), far)
    return n.case(
        n.compare(">", n.again(radius), n.integer(90)),
        wide,
        n.compare("<" if strict else "<=", haversine(*place), near),
    )


def threshold(radius_deg: float) -> float:
    """sin² of half a radius up to 90°; negative radii hold nothing."""
    return -1.0 if radius_deg < 0 else math.sin(math.radians(radius_deg) / 2.0) ** 2


def far_threshold(radius_deg: float, strict: bool) -> float:
    """cos² of half a radius beyond 90°; 180° and more hold everything, but less than 180° not the opposite point."""
    if radius_deg > 180.0 or (radius_deg == 180.0 and not strict):
        return -1.0
    return 1e-30 if radius_deg == 180.0 else math.cos(math.radians(radius_deg) / 2.0) ** 2


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


_NUMBERS = VOType("double", "*")
_PLAIN_CALLS = ("NS_REGION", "NS_SHAPE_AREA", "NS_SHAPE_CENTROID")


def _own(name: str) -> Callable[..., n.Node]:
    """A function of the sphere room."""
    return lambda *arguments: n.call(name.lower(), *arguments)


LOWERINGS: dict[str, Callable[..., n.Node]] = {
    "POINT": lambda lon, lat: n.cast(values(lon, lat), POINT),
    "CIRCLE": lambda lon, lat, radius: n.cast(values(lon, lat, radius), CIRCLE),
    "POLYGON": values,
    "BOX": lambda *arguments: n.call("ns_box", *arguments),
    "AREA point": lambda point: exp.Case(ifs=[exp.If(this=n.is_null(point), true=n.null())], default=n.real(0.0)),
    "AREA circle": circle_area,
    "AREA polygon": lambda polygon: n.call("ns_polygon_area", polygon),
    "AREA moc": lambda moc: n.call("ns_moc_area", moc),
    "SHAPE": lambda value: n.cast(value, _NUMBERS),
    "CENTROID": lambda polygon: n.call("ns_polygon_centroid", polygon),
    **{name: _own(name) for name in _PLAIN_CALLS},
    "NS_MOC_OF_POINT": lambda order, lon, lat: n.call("ns_moc_of_point", n.cast(order, INTEGER), lon, lat),
    "NS_MOC_OF_SHAPE": lambda order, shape: n.call("ns_moc_of_shape", n.cast(order, INTEGER), shape),
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
        "NS_POINT_IN_SHAPE",
        "NS_SHAPE_IN_SHAPE",
        "NS_SHAPES_MEET",
        "NS_SHAPE_IN_MOC",
        "NS_MOC_IN_SHAPE",
        "NS_SHAPE_MEETS_MOC",
        "NS_MOC_IN_MOC",
        "NS_MOCS_MEET",
        "NS_MOC_HAS",
    )
}
"""Boolean functions of the sphere room on DALI arrays."""
