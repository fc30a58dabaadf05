"""STC-S phrases (IVOA Note STC-S 1.33): Position, PositionInterval, AllSky, Circle, Polygon, Box and compounds of them.

Frames ICRS, FK5 and J2000 are taken as ICRS, regions in FK4, ECLIPTIC, GALACTIC and SUPER_GALACTIC are rotated to it.
Any reference position is accepted. A compound's frame holds for members without one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .regions import Circle, Point, Polygon, Range, Region, box_polygon, numbers, transformed, words_of

Operator = Literal["UNION", "INTERSECTION", "DIFFERENCE", "NOT"]
_FRAMES = {
    **dict.fromkeys(("ICRS", "FK5", "J2000", "UNKNOWNFRAME"), "ICRS"),  # FK5 differs from ICRS by some 0.02″
    "FK4": "FK4",
    "B1950": "FK4",
    "ECLIPTIC": "ECLIPTIC",
    "GALACTIC": "GALACTIC",
    "GALACTIC_II": "GALACTIC",
    "SUPER_GALACTIC": "SUPER_GALACTIC",
}
_IGNORED = frozenset(
    "BARYCENTER GEOCENTER HELIOCENTER LSR LSRK TOPOCENTER RELOCATABLE UNKNOWNREFPOS SPHERICAL2 SPHERICAL".split()
)
_UNREAD = frozenset({"GALACTIC_I", "CARTESIAN2", "CARTESIAN3", "SPHERICAL3", "UNITSPHERE"})
_LATER = frozenset({"ELLIPSE", "CONVEX"})
_UNITS = {"deg": 1.0, "rad": 57.29577951308232, "arcmin": 1 / 60, "arcsec": 1 / 3600, "mas": 1 / 3_600_000}
_COMPOUNDS: dict[str, Operator] = {
    "UNION": "UNION",
    "INTERSECTION": "INTERSECTION",
    "DIFFERENCE": "DIFFERENCE",
    "NOT": "NOT",
}
_DEEPEST = 20
_KINDS = "Circle, Polygon, Box, Position, PositionInterval, AllSky, Union, Intersection, Difference or Not"


class UnsupportedRegion(ValueError):
    """A region that the standard knows and this package does not read."""


@dataclass(frozen=True, slots=True)
class Compound:
    """Members joined by an operator; NOT has one member, DIFFERENCE is the first without the second."""

    operator: Operator
    members: tuple[Region | Compound, ...]


def _interval(values: list[float]) -> Region:
    _count("PositionInterval", values, 4)
    return Range(values[0], values[2], values[1], values[3])


def _count(name: str, values: list[float], wanted: int) -> None:
    if len(values) != wanted:
        message = f"a {name} has {wanted} numbers, not {len(values)}"
        raise ValueError(message)


def _plain(name: str, count: int, make: Callable[..., Region]) -> Callable[[list[float]], Region]:
    def build(values: list[float]) -> Region:
        _count(name, values, count)
        return make(*values)

    return build


def _polygon(values: list[float]) -> Region:
    if len(values) % 2:
        message = f"a polygon has pairs of numbers, not {len(values)} numbers"
        raise ValueError(message)
    return Polygon(tuple(zip(values[::2], values[1::2], strict=True)))


def _all_sky(values: list[float]) -> Region:
    _count("AllSky", values, 0)
    return Circle(0.0, 0.0, 180.0)


_SIMPLE: dict[str, Callable[[list[float]], Region]] = {
    "POSITION": _plain("position", 2, Point),
    "POINT": _plain("position", 2, Point),
    "CIRCLE": _plain("circle", 3, Circle),
    "BOX": _plain("box", 4, box_polygon),
    "POLYGON": _polygon,
    "POSITIONINTERVAL": _interval,
    "ALLSKY": _all_sky,
}


def parse(text: str) -> Region | Compound:
    """Read one phrase; ValueError names what is wrong, UnsupportedRegion what this package does not read."""
    words = words_of(re.sub(r"([()])", r" \1 ", text))
    words.reverse()  # the next word is the last
    region = _region(words, "ICRS", 0)
    if words:
        message = f"'{words[-1][:40]}' has no place behind the region"
        raise ValueError(message)
    return region


def _region(words: list[str], frame: str, depth: int) -> Region | Compound:
    name = words.pop() if words else ""
    kind = name.upper()
    if kind in _LATER:
        message = f"STC-S {name} is not supported: use {_KINDS}"
        raise UnsupportedRegion(message)
    if kind not in _SIMPLE and kind not in _COMPOUNDS:
        message = f"'{name[:40]}' is no STC-S region: use {_KINDS}"
        raise ValueError(message)
    frame = _preamble(words, frame)
    if kind in _COMPOUNDS:
        return _compound(_COMPOUNDS[kind], words, frame, depth)
    own: list[str] = []
    while words and words[-1] not in "()" and words[-1].upper() not in _SIMPLE and words[-1].upper() not in _COMPOUNDS:
        own.append(words.pop())
    scale = _scale(own)
    return transformed(_SIMPLE[kind]([value * scale for value in numbers(own)]), frame, "ICRS")


def _compound(operator: Operator, words: list[str], frame: str, depth: int) -> Compound:
    if depth >= _DEEPEST:
        message = f"the region is nested more than {_DEEPEST} deep"
        raise ValueError(message)
    if not words or words.pop() != "(":
        message = f"the members of {operator} stand in parentheses"
        raise ValueError(message)
    members = []
    while words and words[-1] != ")":
        members.append(_region(words, frame, depth + 1))
    if not words:
        message = f"the parenthesis of {operator} is not closed"
        raise ValueError(message)
    words.pop()
    wanted = {"NOT": 1, "DIFFERENCE": 2}.get(operator, max(1, len(members)))
    if len(members) != wanted:
        message = f"{operator} has {wanted} member{'s'[: wanted != 1]}, not {len(members)}"
        raise ValueError(message)
    return Compound(operator, tuple(members))


def _preamble(words: list[str], frame: str) -> str:
    """Remove fill factor, frame, reference position and flavour; give the frame to rotate from."""
    if words and words[-1].lower() == "fillfactor":
        del words[-2:]
    while words:
        word = words[-1].upper()
        if word in _UNREAD:
            message = f"STC-S {words[-1]} is not supported: give ICRS spherical coordinates"
            raise UnsupportedRegion(message)
        if word not in _FRAMES and word not in _IGNORED:
            break
        frame = _FRAMES.get(word, frame)
        words.pop()
    return frame


def _scale(words: list[str]) -> float:
    """Remove `unit …` from the end of a member and give the degrees of one."""
    lower = [word.lower() for word in words]
    if "unit" not in lower:
        return 1.0
    at = lower.index("unit")
    units = set(lower[at + 1 :])
    if len(units) != 1 or not units <= set(_UNITS):
        message = f"the unit '{' '.join(words[at + 1 :])[:40]}' is not supported: give degrees"
        raise ValueError(message)
    del words[at:]
    return _UNITS[units.pop()]
