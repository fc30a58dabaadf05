"""Regions of any shape as one kind of value: flat DOUBLE[] arrays of degrees, told apart by their length.

Two numbers are a point, three a circle, six and more (even) a polygon as in DALI; members of a union follow each other
with a NaN between them. Anything else is no region, and so is a union one of whose members is none. A union holds a
region where one of its members does: one that only several members together cover counts as outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from . import exact, ragged
from .columns import Column, lists, shapes
from .vectors import Bools, Floats, Ints, angle, lonlat, vectors

_SQUARE_DEGREES = (180.0 / np.pi) ** 2
_RIM_RAD = exact.BORDER_RAD


@dataclass(frozen=True, slots=True)
class Members:
    """m members of n regions: `counts` (n,) each; a member is a circle (a point has the radius 0) or a polygon.

    `circles` (m,) tells which; `lon`, `lat` in degrees, `centers` (m, 3) and `radii` (m,) in radians are theirs;
    `polygons` has m rows, of which those of circles mean nothing; `points` (m,) tells circles that were points; `good`
    (n,) which rows are regions.
    """

    counts: Ints
    good: Bools
    circles: Bools
    points: Bools
    lon: Floats
    lat: Floats
    centers: Floats
    radii: Floats
    polygons: exact.Polygons


def members(column: Column) -> Members:
    """Take a column of shape arrays apart."""
    flat, sizes = lists(column)
    owner = ragged.owners(sizes)
    breaks = np.isnan(flat)
    kept = ~breaks
    first = np.ones(len(flat), dtype=np.bool_)
    first[1:] = (owner[1:] != owner[:-1]) | breaks[:-1]
    first &= kept
    member = np.cumsum(first) - 1
    values, who = flat[kept], member[kept]
    begins = np.flatnonzero(first)
    lengths = np.bincount(who, minlength=len(begins)).astype(np.int64)
    return _read(values, lengths, owner[begins], len(sizes))


def _read(values: Floats, lengths: Ints, owner: Ints, n: int) -> Members:
    starts = ragged.starts(lengths)
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))).astype(np.int32))
    polygons, fine = shapes(pa.ListArray.from_arrays(offsets, pa.array(values)))
    points, circles = lengths == 2, (lengths == 2) | (lengths == 3)
    padded = np.concatenate((values, np.zeros(3)))
    lon, lat = padded[starts], padded[starts + 1]
    radius = np.where(points, 0.0, padded[starts + 2])
    round_ = circles & np.isfinite(lon) & (np.abs(lat) <= 90.0) & (radius >= 0.0)
    safe = [np.where(round_, part, 0.0) for part in (lon, lat, radius)]
    centers, radii = vectors(safe[0], safe[1]), np.minimum(np.deg2rad(safe[2]), np.pi)
    good = np.bincount(owner, minlength=n) > 0
    good[owner[~np.where(circles, round_, fine)]] = False
    counts = np.bincount(owner, minlength=n).astype(np.int64)
    return Members(counts, good, circles, points, safe[0], safe[1], centers, radii, polygons)


def depth(some: Members, index: Ints, points: Floats) -> Floats:
    """Angles in radians from points (k, 3) to the border of member `index[i]` of theirs, negative inside."""
    result = np.empty(len(index))
    round_ = some.circles[index]
    at, where = index[round_], points[round_]
    result[round_] = angle(some.centers[at], where) - some.radii[at]
    at, where = index[~round_], points[~round_]
    if len(at):
        far = exact.boundary_distance(some.polygons, at, where)
        result[~round_] = np.where(exact.contains(some.polygons, at, where), -far, far)
    return result


def hold_points(some: Members, points: Floats) -> Bools:
    """Tell row by row which regions hold points (n, 3), the border included."""
    owner = ragged.owners(some.counts)
    inside = depth(some, np.arange(len(owner), dtype=np.int64), points[owner]) <= _RIM_RAD
    return np.bincount(owner[inside], minlength=len(some.counts)) > 0


def _pairs(one: Members, other: Members) -> tuple[Ints, Ints, Ints]:
    """Give all pairs of members of the same row: the member of `one`, that of `other`, and the row."""
    owner = ragged.owners(one.counts)
    partners = other.counts[owner]
    left = ragged.owners(partners)
    right = ragged.ranges(ragged.starts(other.counts)[owner], partners)
    return left, right, owner[left]


def _rows(polygons: exact.Polygons, index: Ints) -> exact.Polygons:
    """Give the polygons of these rows."""
    sides = ragged.ranges(polygons.starts[index], polygons.counts[index])
    counts = polygons.counts[index]
    return exact.polygons(polygons.begins[sides], counts)


def meet(one: Members, other: Members) -> Bools:
    """Tell row by row which regions share a position, borders included."""
    left, right, row = _pairs(one, other)
    met = np.zeros(len(left), dtype=np.bool_)
    a, b = one.circles[left], other.circles[right]
    both = a & b
    i, j = left[both], right[both]
    met[both] = angle(one.centers[i], other.centers[j]) <= one.radii[i] + other.radii[j] + _RIM_RAD
    mixed = a & ~b
    i, j = left[mixed], right[mixed]
    met[mixed] = depth(other, j, one.centers[i]) <= one.radii[i] + _RIM_RAD
    mixed = ~a & b
    i, j = left[mixed], right[mixed]
    met[mixed] = depth(one, i, other.centers[j]) <= other.radii[j] + _RIM_RAD
    none = ~a & ~b
    if none.any():
        met[none] = exact.polygons_meet(_rows(one.polygons, left[none]), _rows(other.polygons, right[none]))
    return np.bincount(row[met], minlength=len(one.counts)) > 0


def lie_in(inner: Members, outer: Members) -> Bools:
    """Tell row by row which regions lie wholly in others, borders included."""
    left, right, _ = _pairs(inner, outer)
    held = np.zeros(len(left), dtype=np.bool_)
    a, b = inner.circles[left], outer.circles[right]
    both = a & b
    i, j = left[both], right[both]
    whole = outer.radii[j] >= np.pi
    apart = angle(inner.centers[i], outer.centers[j])
    held[both] = whole | (apart + inner.radii[i] <= outer.radii[j] + _RIM_RAD)
    mixed = a & ~b
    i, j = left[mixed], right[mixed]
    held[mixed] = depth(outer, j, inner.centers[i]) <= _RIM_RAD - inner.radii[i]
    mixed = ~a & b
    i, j = left[mixed], right[mixed]
    # a polygon lies in a circle where it misses the circle around the opposite point that is left over
    clear = depth(inner, i, -outer.centers[j]) >= np.pi - outer.radii[j] - _RIM_RAD
    held[mixed] = clear | (outer.radii[j] >= np.pi)
    none = ~a & ~b
    if none.any():
        held[none] = exact.polygon_in_polygon(_rows(inner.polygons, left[none]), _rows(outer.polygons, right[none]))
    member = np.bincount(left[held], minlength=len(inner.circles)) > 0
    missed = ragged.owners(inner.counts)[~member]
    fine: Bools = np.bincount(missed, minlength=len(inner.counts)) == 0
    return fine


def areas(some: Members) -> tuple[Floats, Bools]:
    """Give areas in square degrees of the rows, and which rows have one; unions have none, members may overlap."""
    first = np.where(some.counts > 0, ragged.starts(some.counts), 0)
    if len(some.circles) == 0:
        return np.zeros(len(first)), np.zeros(len(first), dtype=np.bool_)
    round_ = 4.0 * np.pi * np.sin(some.radii / 2.0) ** 2
    size = np.where(some.circles, round_, some.polygons.area_sr)
    return size[first] * _SQUARE_DEGREES, some.good & (some.counts == 1)


def centers(some: Members) -> tuple[Floats, Floats, Bools]:
    """Give centres in degrees of the rows, and which rows have one; unions have none."""
    first = np.where(some.counts > 0, ragged.starts(some.counts), 0)
    if len(some.circles) == 0:
        nothing = np.zeros(len(first))
        return nothing, nothing, np.zeros(len(first), dtype=np.bool_)
    lon, lat = lonlat(exact.centroids(some.polygons))
    lon, lat = np.where(some.circles, some.lon, lon), np.where(some.circles, some.lat, lat)
    return lon[first], lat[first], some.good & (some.counts == 1)
