"""Relations of fixed regions of any make, compounds too, decided by dividing the sky.

The depth of a direction in a region (its distance to the border, negative inside) changes no faster than the direction
does, and so does that of unions (least depth), intersections (largest) and complements (its opposite). Cells that
are deep enough or far enough need no further look.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from . import exact, healpix
from .regions import Circle, Point, Polygon, Range, Region
from .stcs import Compound
from .vectors import Floats, Ints, angle, vectors

_MOST_CELLS = 300_000
_SLIT_RAD = 1e-12  # what a region may stick out
Depth = Callable[[Floats], Floats]


class Undecided(ValueError):
    """Borders run along each other for too long, or a region has no known depth."""


def depth_of(region: Region | Compound) -> Depth:
    """Give the function of unit vectors (k, 3) that says how deep they lie, radians, negative inside."""
    match region:
        case Point(ra, dec):
            return _circle(ra, dec, 0.0)
        case Circle(ra, dec, radius):
            return _circle(ra, dec, radius)
        case Polygon(vertices):
            return _polygon(vertices)
        case Compound(operator, members):
            return _compound(operator, [depth_of(member) for member in members])
        case Range():
            message = "intervals of coordinates have no depth"
            raise Undecided(message)


def _circle(ra_deg: float, dec_deg: float, radius_deg: float) -> Depth:
    center, radius = vectors(ra_deg, dec_deg), math.radians(min(radius_deg, 180.0))
    if radius_deg >= 180.0:
        return lambda points: np.full(len(points), -np.pi)
    return lambda points: angle(points, np.broadcast_to(center, points.shape)) - radius


def _polygon(vertices: tuple[tuple[float, float], ...]) -> Depth:
    corners = vectors(*np.asarray(vertices, dtype=np.float64).T)
    shape = exact.polygons(corners, np.array([len(corners)], dtype=np.int64))

    def depth(points: Floats) -> Floats:
        rows: Ints = np.zeros(len(points), dtype=np.int64)
        away = exact.boundary_distance(shape, rows, points)
        return np.where(exact.contains(shape, rows, points), -away, away)

    return depth


def _compound(operator: str, members: list[Depth]) -> Depth:
    def depth(points: Floats) -> Floats:
        each = [member(points) for member in members]
        if operator == "NOT":
            return -each[0]
        if operator == "DIFFERENCE":
            return np.maximum(each[0], -each[1])
        result: Floats = (np.minimum if operator == "UNION" else np.maximum).reduce(each)
        return result

    return depth


def meet(one: Region | Compound, other: Region | Compound) -> bool:
    """Tell whether two regions share a position; a touch counts. Undecided where that cannot be told."""
    first, second = depth_of(one), depth_of(other)
    return _lowest(lambda points: np.maximum(first(points), second(points)), 0.0, touching=True)


def lies_in(inner: Region | Compound, outer: Region | Compound) -> bool:
    """Tell whether a region lies wholly in another, the border included. Undecided where that cannot be told."""
    first, second = depth_of(inner), depth_of(outer)
    return not _lowest(lambda points: np.maximum(first(points), -second(points)), -_SLIT_RAD, touching=False)


def _lowest(depth: Depth, bound: float, *, touching: bool) -> bool:
    """Tell whether a depth falls to a bound anywhere; `touching` is the answer for what order 29 cannot separate."""
    cells = np.arange(12, dtype=np.int64)
    for order in range(healpix.MAX_ORDER + 1):
        found = depth(vectors(*healpix.centers(cells, order)))
        if (found <= bound).any():
            return True
        cells = cells[found <= bound + healpix.cell_radius_rad(order)]
        if len(cells) == 0:
            return False
        if len(cells) > _MOST_CELLS // 4:
            message = "the borders of the regions run along each other"
            raise Undecided(message)
        if order < healpix.MAX_ORDER:
            cells = healpix.children(cells, 1)
    return touching
