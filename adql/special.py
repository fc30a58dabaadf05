"""Functions whose meaning hangs on literals: changes of frame, spectral conversions, regular expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from ..config.errors import AdqlTypeError, Position
from ..schema.types import DOUBLE, POINT, POLYGON
from ..sphere.frames import FRAMES, rotated
from . import geometry, units
from .kinds import constant, double, kind_of, name_of, typed
from .resolved import Arithmetic, Call, Constant, Value

_LONGEST_PATTERN = 1000
_UCDS = {
    "GALACTIC": "pos.galactic",
    "SUPER_GALACTIC": "pos.supergalactic",
    "ECLIPTIC": "pos.ecliptic",
}


def _text(value: Value, what: str) -> str:
    if isinstance(value, Constant) and isinstance(value.value, str):
        return value.value
    message = f"{what} must be a text in single quotes, not {name_of(value.info.type)}"
    raise AdqlTypeError(message, value.at)


# --------------------------------------------------------------------- frames


def _frame(value: Value) -> str:
    name = _text(value, "A reference frame")
    if name not in FRAMES:
        message = f"'{name[:40]}' is no reference frame known here"
        raise AdqlTypeError(message, value.at, f"Frames are {', '.join(FRAMES)}, in capitals")
    return name


def _transform(arguments: Sequence[Value], at: Position) -> Value:
    """Rotate a geometry (UDF catalogue 1.2, ivo_geom_transform); literals at once."""
    old, new, value = _frame(arguments[0]), _frame(arguments[1]), arguments[2]
    shape = kind_of(value)
    if shape == "null":
        return constant(None, at)
    ucd = _UCDS.get(new, "pos.eq")
    if isinstance(value, Constant):
        return replace(_rotated(value, old, new), info=typed(value.info.type, "deg", ucd), at=at)
    frames = tuple(constant(FRAMES.index(name), at) for name in (old, new))
    if shape == "polygon":
        return Call("NS_ROTATE_POLYGON", (*frames, value), typed(POLYGON, "deg", ucd), at)
    lon, lat = geometry.circle_parts(value)[:2] if shape == "circle" else geometry.coordinates(value)
    point = Call("NS_ROTATE", (*frames, lon, lat), typed(POINT, "deg", ucd), at)
    if shape == "point":
        return point
    radius = geometry.circle_parts(value)[2]
    return Call("CIRCLE", (*geometry.coordinates(point), radius), typed(value.info.type, "deg", ucd), at)


def _rotated(value: Constant, old: str, new: str) -> Constant:
    flat = value.value if isinstance(value.value, tuple) else ()
    even = len(flat) // 2 * 2  # the radius of a circle stays
    return replace(value, value=(*rotated(old, new, flat[:even]), *flat[even:]) if old != new else flat)


# -------------------------------------------------------------------- spectra


def _spectral(arguments: Sequence[Value], at: Position) -> Value:
    """Convert between wavelength, wave number, frequency and energy (gavo_specconv)."""
    value, target = arguments[0], _text(arguments[-1], "A unit")
    unit = _text(arguments[1], "A unit") if len(arguments) == 3 else value.info.unit
    if not unit:
        message = "The first argument of gavo_specconv has no known unit"
        raise AdqlTypeError(message, value.at, "Name it: gavo_specconv(value, 'unit', 'wanted unit')")
    try:
        scale, inverse, ucd = units.spectral(unit, target)
    except ValueError as error:
        message = f"gavo_specconv: {error}"
        raise AdqlTypeError(message, arguments[-1].at) from None
    info = typed(DOUBLE, target, ucd)
    if inverse:
        return Arithmetic("/", constant(scale, at), double(value), info, at)
    return Arithmetic("*", double(value), constant(scale, at), info, at)


# --------------------------------------------------------- regular expressions


def check_pattern(arguments: Sequence[Value]) -> None:
    """Refuse patterns of gavo_match that the engine could not read: RE2, linear in time, is in Arrow as in DuckDB."""
    pattern = _text(arguments[0], "The pattern of gavo_match")
    if len(pattern) > _LONGEST_PATTERN:
        message = f"The pattern has more than {_LONGEST_PATTERN} characters"
        raise AdqlTypeError(message, arguments[0].at)
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        message = f"'{pattern[:40]}' is no regular expression: {reason[:100]}"
        raise AdqlTypeError(message, arguments[0].at, "Back references and look-around do not exist") from None


SPECIAL: dict[str, Callable[[Sequence[Value], Position], Value]] = {
    "IVO_GEOM_TRANSFORM": _transform,
    "GAVO_TRANSFORM": _transform,
    "GAVO_SPECCONV": _spectral,
}
"""Function -> what makes its value from arguments that fit its signature."""
