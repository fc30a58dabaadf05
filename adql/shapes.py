"""Geometries as values: their constants, their coordinates, texts that hold them."""

from __future__ import annotations

from dataclasses import replace

from ..config.errors import AdqlTypeError, Position, Unsupported
from ..schema.model import Column
from ..schema.types import CIRCLE, DOUBLE, MOC, POINT, POLYGON, REGION, VOType
from ..sphere import moc_text
from ..sphere.regions import Circle, Point, Polygon, Range, Region, dali_values, parse_dali
from ..sphere.stcs import Compound, UnsupportedRegion
from ..sphere.stcs import parse as parse_stcs
from .kinds import constant, kind_of, typed
from .resolved import Call, ColumnValue, Constant, Element, Value

_DEGREE = typed(DOUBLE, "deg")
_TYPES: dict[type[Region], VOType] = {Point: POINT, Circle: CIRCLE, Polygon: POLYGON}
_OUTLINE_UTYPE = "support.area"  # of ObsCore's s_region, which services publish as a plain text
_OUTLINE_UCD = "pos.outline"
MAP_CHARS = 50_000
"""Longest text of a constant coverage map: an engine repeats it for each row of a batch."""


_PHRASE = "Write a phrase like REGION('CIRCLE ICRS 10 20 1')"


def region_constant(region: Region, at: Position) -> Constant:
    """Make the literal of a point, circle or polygon."""
    return Constant(dali_values(region), typed(_TYPES[type(region)], "deg", "pos.eq"), at)


def read_region(value: str, xtype: str, at: Position) -> Constant:
    """Read the DALI text of a point, circle or polygon; AdqlTypeError says what is wrong with it."""
    try:
        return region_constant(parse_dali(value, xtype), at)
    except ValueError as error:
        message = f"'{value[:40]}' is no {xtype}: {error}"
        raise AdqlTypeError(message, at, "Write numbers in degrees with blanks between them") from None


def read_phrase(value: str, at: Position) -> Constant:
    """Read an STC-S phrase: simple ones become points, circles and polygons, others stay texts of type REGION."""
    region = _parsed(value, at)
    if isinstance(region, Compound | Range):
        return Constant(" ".join(value.split()), typed(REGION, "", "pos.outline"), at)
    return region_constant(region, at)


def _parsed(value: str, at: Position) -> Region | Compound:
    try:
        return parse_stcs(value)
    except UnsupportedRegion as error:
        message = f"REGION cannot be read: {error}"
        raise Unsupported(message, at, _PHRASE) from None
    except ValueError as error:
        message = f"REGION cannot be read: {error}"
        raise AdqlTypeError(message, at, _PHRASE) from None


def compound_of(value: Value) -> Compound | Range | None:
    """Give the compound or interval that a constant of type REGION holds; None for other values."""
    if not (isinstance(value, Constant) and isinstance(value.value, str) and kind_of(value) == "region"):
        return None
    region = _parsed(value.value, value.at)
    return region if isinstance(region, Compound | Range) else None


def map_constant(text: str, at: Position) -> Constant:
    """Make the literal of a coverage map from its ASCII form, canonical."""
    try:
        maps = moc_text.one(text)
    except ValueError as error:
        message = f"'{text[:40]}' is no MOC: {error}"
        raise AdqlTypeError(message, at, "Write orders and cells, such as '3/1-4 4/30'") from None
    return Constant(str(moc_text.write(maps)[0].as_py()), typed(MOC, "", "pos.outline"), at)


def geometry(value: Value) -> Value:
    """Give a value as a geometry: texts declared as positions or outlines become so, others stay as they are."""
    info = value.info
    if kind_of(value) == "region" and (info.type.xtype or "").lower() == "adql:point":
        return Call("NS_SHAPE_CENTROID", (Call("NS_REGION", (value,), info, value.at),), typed(POINT, "deg"), value.at)
    if kind_of(value) == "string" and isinstance(value, ColumnValue) and _is_outline(info):
        return replace(value, info=replace(info, type=REGION))
    return value


def _is_outline(info: Column) -> bool:
    named = info.utype.lower().endswith(_OUTLINE_UTYPE) or info.ucd.lower().startswith(_OUTLINE_UCD)
    return info.type.xtype is None and named


def coordinates(value: Value) -> tuple[Value, Value]:
    """Give longitude and latitude of a point."""
    if isinstance(value, Call) and value.name == "POINT":
        return value.arguments[0], value.arguments[1]
    return _element(value, 1), _element(value, 2)


def circle_parts(value: Value) -> tuple[Value, Value, Value]:
    """Give centre and radius of a circle."""
    if isinstance(value, Call) and value.name == "CIRCLE":
        return value.arguments[0], value.arguments[1], value.arguments[2]
    return _element(value, 1), _element(value, 2), _element(value, 3)


def _element(value: Value, index: int) -> Value:
    if isinstance(value, Constant):
        numbers = value.value if isinstance(value.value, tuple) else None
        return constant(None if numbers is None else float(numbers[index - 1]), value.at)
    return Element(value, index, _DEGREE, value.at)
