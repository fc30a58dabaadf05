"""Regions of the sky: points, circles, polygons, ranges; read from DALI arrays (DALI 1.1/1.2 section 3.3).

All positions are ICRS degrees. The values are checked when a region is made: ValueError says what was wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from . import exact, frames
from .vectors import norm, vectors

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_INFINITIES = {"inf": math.inf, "+inf": math.inf, "-inf": -math.inf}
_LONGEST_TEXT = 1_000_000


def _check_position(lon: float, lat: float) -> None:
    if not (math.isfinite(lon) and math.isfinite(lat) and abs(lat) <= 90.0):
        message = f"({lon:g}, {lat:g}) is no position: latitudes lie between -90 and 90 degrees"
        raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Point:
    """A position; longitudes of any value wrap."""

    ra_deg: float
    dec_deg: float

    def __post_init__(self) -> None:
        _check_position(self.ra_deg, self.dec_deg)


@dataclass(frozen=True, slots=True)
class Circle:
    """All positions within `radius_deg` of a centre; 0 is the centre alone, 180 and more the whole sphere."""

    ra_deg: float
    dec_deg: float
    radius_deg: float

    def __post_init__(self) -> None:
        _check_position(self.ra_deg, self.dec_deg)
        if not (math.isfinite(self.radius_deg) and self.radius_deg >= 0.0):
            message = f"a circle cannot have the radius {self.radius_deg:g}"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Polygon:
    """The smaller part of the sky within great-circle sides between (lon, lat) vertices, either way round.

    Repeated neighbours and a closing vertex are dropped. At least three different vertices not on one great
    circle; neighbours must not be opposite points.
    """

    vertices: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        for lon, lat in self.vertices:
            _check_position(lon, lat)
        kept = [pair for i, pair in enumerate(self.vertices) if pair != self.vertices[(i + 1) % len(self.vertices)]]
        object.__setattr__(self, "vertices", tuple((float(lon), float(lat)) for lon, lat in kept))
        if len(set(kept)) < 3:
            message = "a polygon needs at least three different vertices"
            raise ValueError(message)
        self._check_shape()

    def _check_shape(self) -> None:
        corners = vectors(*np.asarray(self.vertices).T)
        if np.any(norm(corners + np.roll(corners, -1, axis=0)) < exact.OPPOSITE):
            message = "neighbouring vertices of the polygon are opposite points: no side between them is defined"
            raise ValueError(message)
        shape = exact.polygons(corners, np.array([len(corners)], dtype=np.int64))
        if shape.area_sr[0] <= 1e-15 * float(norm(shape.normals).sum()):
            message = "the vertices of the polygon lie on one line: it has no area"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Range:
    """Positions between two meridians, eastwards from `lon1_deg` to `lon2_deg`, and two parallels (DALI 1.2)."""

    lon1_deg: float
    lon2_deg: float
    lat1_deg: float
    lat2_deg: float

    def __post_init__(self) -> None:
        if any(math.isnan(value) for value in (self.lon1_deg, self.lon2_deg, self.lat1_deg, self.lat2_deg)):
            message = "a range needs four numbers"
            raise ValueError(message)
        if self.lat1_deg > self.lat2_deg:
            message = f"the range's latitudes run backwards: {self.lat1_deg:g} to {self.lat2_deg:g}"
            raise ValueError(message)


Region = Point | Circle | Polygon | Range


def box_polygon(ra_deg: float, dec_deg: float, width_deg: float, height_deg: float) -> Polygon:
    """Give the polygon of a box (ADQL 2.1 section 4.2.9): a cross at the centre, sides at right angles to its arms.

    Width and height are the whole lengths of the arms in degrees, at least 0 and below 180; 0 is taken as 1e-9.
    The corners run counter-clockwise as seen on the sky, as DALI asks.
    """
    _check_position(ra_deg, dec_deg)
    for name, size in (("width", width_deg), ("height", height_deg)):
        if not 0.0 <= size < 180.0:
            message = f"the {name} of a box lies between 0 and 180 degrees, not {size:g}"
            raise ValueError(message)
    corners = exact.box_corners(*np.array([[ra_deg], [dec_deg], [width_deg], [height_deg]]))[0]
    return Polygon(tuple((float(lon), float(lat)) for lon, lat in corners))


def dali_values(region: Region) -> tuple[float, ...]:
    """Give the numbers of a region's DALI array: `lon lat`, `lon lat r`, `lon1 lat1 …` or `lon1 lon2 lat1 lat2`."""
    match region:
        case Point(ra, dec):
            return (ra, dec)
        case Circle(ra, dec, radius):
            return (ra, dec, radius)
        case Range(lon1, lon2, lat1, lat2):
            return (lon1, lon2, lat1, lat2)
        case Polygon(vertices):
            return tuple(value for pair in vertices for value in pair)


def _pairs(values: Sequence[float]) -> tuple[tuple[float, float], ...]:
    if len(values) % 2:
        message = f"a polygon needs pairs of coordinates, not {len(values)} numbers"
        raise ValueError(message)
    return tuple(zip(values[::2], values[1::2], strict=True))


def _exactly(name: str, parts: str, values: Sequence[float]) -> Sequence[float]:
    if len(values) != len(parts.split()):
        message = f"a {name} has {len(parts.split())} numbers ({parts}), not {len(values)}"
        raise ValueError(message)
    return values


_MAKERS: dict[str, Callable[[Sequence[float]], Region]] = {
    "point": lambda v: Point(*_exactly("point", "longitude latitude", v)),
    "circle": lambda v: Circle(*_exactly("circle", "longitude latitude radius", v)),
    "polygon": lambda v: Polygon(_pairs(v)),
    "range": lambda v: Range(*_exactly("range", "lon1 lon2 lat1 lat2", v)),
}
_DALI = ("point", "circle", "polygon", "range")


def numbers(words: Sequence[str]) -> list[float]:
    """Read numbers, infinities too; ValueError names what is none."""
    values = []
    for word in words:
        if word.lower() in _INFINITIES:
            values.append(_INFINITIES[word.lower()])
        elif _NUMBER.match(word):
            values.append(float(word))
        else:
            message = f"'{word[:40]}' is not a number"
            raise ValueError(message)
    return values


def words_of(text: str) -> list[str]:
    """Split the text of a region at blanks and commas; ValueError where it is empty or endless."""
    if len(text) > _LONGEST_TEXT:
        message = "the text of the region is too long"
        raise ValueError(message)
    words = text.replace(",", " ").split()
    if not words:
        message = "the text of the region is empty"
        raise ValueError(message)
    return words


def parse_dali(text: str, xtype: str) -> Region:
    """Read a DALI value of xtype point, circle, polygon, range or shape (`circle 1 2 0.5`); ValueError on others."""
    words = words_of(text)
    if xtype == "shape":
        xtype, words = words[0].lower(), words[1:]
    if xtype not in _DALI:
        message = f"unsupported-xtype: {xtype[:40]}"
        raise ValueError(message)
    return _MAKERS[xtype](numbers(words))


def transformed(region: Region, old: str, new: str) -> Region:
    """Give a region in another frame (names of `frames.FRAMES`); ValueError on ranges, which cannot be rotated."""
    if old == new:
        return region
    match region:
        case Point(ra, dec):
            return Point(*frames.rotated(old, new, (ra, dec)))
        case Circle(ra, dec, radius):
            lon, lat = frames.rotated(old, new, (ra, dec))
            return Circle(lon, lat, radius)
        case Polygon():
            return Polygon(_pairs(frames.rotated(old, new, dali_values(region))))
        case Range():
            message = "a range cannot be given in another frame"
            raise ValueError(message)
