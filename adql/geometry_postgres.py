"""Geometry in PostgreSQL: the arithmetic of `geometry` by functions of the schema nashira.

The planner puts their bodies in their place and computes what is constant, so that they cost what the formulas cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from sqlglot import exp

from ..schema.types import CIRCLE, INTEGER, POINT, VOType
from . import geometry
from . import lowering as low
from . import nodes as n
from . import nodes_postgres as pg
from .kinds import number_of
from .resolved import Near, Value

Node = n.Node
haversine = low.named("ns_haversine")
across = low.named("ns_haversine_across")


def _half(name: str, degrees: Node) -> Node:
    """sin² or cos² of half an angle in degrees."""
    return n.call(f"ns_half_{name}2", degrees)


def within(test: Near, lower: Callable[[Value], Node]) -> Node:
    """The condition that two positions are within a radius."""
    place = [lower(part) for part in (test.lon1, test.lat1, test.lon2, test.lat2)]
    radius = number_of(test.radius)
    if radius is None:
        return _within_any(place, lower(test.radius), test.strict)
    if radius <= 90.0:
        return n.compare("<" if test.strict else "<=", haversine(*place), pg.real(geometry.threshold(radius)))
    far = pg.real(geometry.far_threshold(radius, test.strict))
    return n.compare(">" if test.strict else ">=", across(*place), far)


def _within_any(place: list[Node], radius: Node, strict: bool) -> Node:
    """The condition for a radius that differs from row to row."""
    near = exp.Case(
        ifs=[exp.If(this=n.compare("<", radius, n.integer(0)), true=pg.real(-1.0))],
        default=_half("sin", n.again(radius)),
    )
    whole = n.compare(">" if strict else ">=", n.again(radius), n.integer(180))
    far = n.case(whole, pg.real(-1.0), _half("cos", n.again(radius)))
    wide = n.compare(">" if strict else ">=", across(*(n.again(part) for part in place)), far)
    return n.case(
        n.compare(">", n.again(radius), n.integer(90)),
        wide,
        n.compare("<" if strict else "<=", haversine(*place), near),
    )


def values(vo: VOType) -> Callable[..., Node]:
    """An array of coordinates that is NULL where one of them is."""

    def made(*items: Node) -> Node:
        listed = pg.cast(n.array(*items), vo)
        unsure = [n.is_null(n.again(item)) for item in items if pg.literal(item) is None]
        return n.case(n.negation(n.any_of(*unsure)), listed) if unsure else listed

    return made


def circle_area(circle: Node) -> Node:
    """Area of a circle (DALI array) in square degrees: 4π sin²(r/2)."""
    radius = pg.element(circle, 3)
    whole = n.compare(">=", n.again(radius), n.integer(180))
    return n.mul(pg.real(4.0 * math.pi * math.degrees(1.0) ** 2), n.case(whole, pg.real(1.0), _half("sin", radius)))


def _ordered(name: str) -> low.Lowering:
    """A function whose first argument is an order."""
    return lambda order, *rest: n.call(name, pg.cast(order, INTEGER), *rest)


NUMBERS = VOType("double", "*")
LOWERINGS: dict[str, low.Lowering] = {
    "POINT": values(POINT),
    "CIRCLE": values(CIRCLE),
    "POLYGON": values(NUMBERS),
    "BOX": low.named("ns_box"),
    "AREA point": lambda point: n.case(n.negation(n.is_null(point)), pg.real(0.0)),
    "AREA circle": circle_area,
    "AREA polygon": low.named("ns_polygon_area"),
    "AREA moc": low.named("ns_moc_area"),
    "CENTROID": low.named("ns_polygon_centroid"),
    "SHAPE": lambda value: pg.cast(value, NUMBERS),
    "NS_REGION": low.named("ns_region"),
    "NS_SHAPE_AREA": low.named("ns_shape_area"),
    "NS_SHAPE_CENTROID": low.named("ns_shape_centroid"),
    "NS_MOC_OF_POINT": _ordered("ns_moc_of_point"),
    "NS_MOC_OF_SHAPE": _ordered("ns_moc_of_shape"),
    "NS_ROTATE": low.named("ns_rotate"),
    "NS_ROTATE_POLYGON": low.named("ns_rotate_polygon"),
}
"""Geometry calls -> SQL from lowered arguments."""
