"""Exact tests on the sphere for many points and polygons at once.

A polygon's sides are great-circle arcs shorter than 180°; its inside is the smaller of the two parts of the sky,
whichever way its vertices run; its border belongs to it. A point is inside when an odd number of the triangles
(origin, vertex, next vertex) hold it, where the origin is a direction whose antipode is far from the border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import ragged
from .vectors import Bools, Floats, Ints, cross, dot, norm, unit

BORDER_RAD = 2e-12  # a point nearer to a side than this (1e-10°) lies on it
FULL_SKY = 4.0 * np.pi
OPPOSITE = 1e-10
"""Two unit vectors with a shorter sum are opposite."""
_ELEMENTS = 500_000  # (point, side) pairs handled at once
_SMALL_RAD = 1e-4  # polygons within this radius have their centroid in the tangent plane
_GOLDEN = 0.6180339887498949
_THIN_DEG = 1e-9  # the width of a box of width 0: a line has no inside


@dataclass(frozen=True, slots=True)
class Polygons:
    """n polygons flattened into t sides; side i runs from `begins[i]` to `ends[i]` (unit vectors).

    `normals` are begin × end, `fan` origin × begin, all (t, 3); `counts` and `starts` (n,) say which sides
    belong to which polygon; `origins` (n, 3); `flux` (n,) is the area to the left, in sr, negative where the
    antipode of the origin lies to the left.
    """

    begins: Floats
    ends: Floats
    normals: Floats
    fan: Floats
    counts: Ints
    starts: Ints
    origins: Floats
    flux: Floats

    @property
    def inverted(self) -> Bools:
        """Tell which polygons hold the antipode of their origin, (n,)."""
        return np.abs(self.flux) > FULL_SKY / 2.0

    @property
    def area_sr(self) -> Floats:
        """Areas in steradians, (n,)."""
        size = np.abs(self.flux)
        return np.maximum(np.minimum(size, FULL_SKY - size), 0.0)


def polygons(vertices: Floats, counts: Ints) -> Polygons:
    """Prepare polygons from their vertices, unit vectors (t, 3), `counts` (at least 1) of them each."""
    starts = ragged.starts(counts)
    owner = ragged.owners(counts)
    following = np.arange(1, len(vertices) + 1, dtype=np.int64)
    following[starts + counts - 1] = starts
    ends = vertices[following]
    normals = cross(vertices, ends - vertices)
    # Uneven weights: no line through vertices that people choose runs through the origin.
    weights = 1.0 + 0.25 * ((np.arange(len(vertices)) - starts[owner]) * _GOLDEN % 1.0)
    origins = unit(np.add.reduceat(vertices * weights[:, None], starts))
    nearness = np.minimum.reduceat(dot(vertices, origins[owner]), starts)
    for row in np.flatnonzero(~(nearness > 0.05)):  # rare: polygons that fill about a hemisphere
        sides = slice(starts[row], starts[row] + counts[row])
        origins[row] = _wide_origin(vertices[sides], ends[sides], normals[sides])
    far = origins[owner]
    fan = cross(far, vertices - far)
    triangles = 2.0 * np.arctan2(
        dot(fan, ends - vertices),
        1.0 + dot(vertices, ends) + dot(far, vertices) + dot(far, ends),
    )
    return Polygons(vertices, ends, normals, fan, counts, starts, origins, np.add.reduceat(triangles, starts))


def _wide_origin(begins: Floats, ends: Floats, normals: Floats) -> Floats:
    """Choose the direction whose antipode keeps the largest distance from all sides."""
    turns = np.arange(200)
    height = 1.0 - (2.0 * turns + 1.0) / len(turns)
    azimuth = 2.0 * np.pi * _GOLDEN * turns
    flat = np.sqrt(1.0 - height**2)
    candidates = np.stack((flat * np.cos(azimuth), flat * np.sin(azimuth), height), axis=-1)
    distances = _side_distance(candidates[:, None, :], begins, ends, normals).min(axis=1)
    best: Floats = -candidates[int(np.argmax(distances))]
    return best


def _side_distance(points: Floats, begins: Floats, ends: Floats, normals: Floats) -> Floats:
    """Angles in radians from points to arcs; shapes broadcast to (…, 3)."""
    size = norm(normals)
    pole = normals / np.where(size > 0.0, size, 1.0)[..., None]
    height = dot(points - begins, pole)
    within = (dot(points, cross(pole, begins)) > 0.0) & (dot(points, cross(ends, pole)) > 0.0) & (size > 0.0)
    across = np.abs(np.arctan2(height, norm(cross(points, pole))))
    corner = np.minimum(_chord_angle(points, begins), _chord_angle(points, ends))
    return np.where(within, across, corner)


def _chord_angle(a: Floats, b: Floats) -> Floats:
    """Angles between unit vectors in radians, exact for tiny and straight ones."""
    result: Floats = 2.0 * np.arctan2(norm(a - b), norm(a + b))
    return result


def contains(shapes: Polygons, rows: Ints, points: Floats) -> Bools:
    """Tell which points (k, 3) lie in or on the border of the polygon `rows[i]` (k,) of theirs."""
    if len(shapes.counts) == 1:
        return _contained_by_one(shapes, points)
    result = np.empty(len(points), dtype=np.bool_)
    for part in ragged.chunks(shapes.counts[rows], _ELEMENTS):
        result[part] = _contained(shapes, rows[part], points[part])
    return result


def _contained(shapes: Polygons, rows: Ints, points: Floats) -> Bools:
    counts = shapes.counts[rows]
    side = ragged.ranges(shapes.starts[rows], counts)
    first = ragged.starts(counts)
    who = ragged.owners(counts)
    following = np.arange(1, len(side) + 1, dtype=np.int64)
    following[first + counts - 1] = first
    shifted = (points - shapes.origins[rows])[who]
    turn = dot(shifted, shapes.fan[side])
    height = dot(points[who] - shapes.begins[side], shapes.normals[side])
    turning = dot(shapes.fan[side], shapes.ends[side] - shapes.begins[side])
    odd = np.add.reduceat(_in_triangle(turn, turn[following], height, turning), first) % 2 == 1
    inside: Bools = odd ^ shapes.inverted[rows]
    return inside | np.logical_or.reduceat(_on_side(shapes, side, points[who], height), first)


def _contained_by_one(shapes: Polygons, points: Floats) -> Bools:
    """The same for one polygon, by matrix products."""
    origin = shapes.origins[0]
    offset = dot(shapes.begins - origin, shapes.normals)
    turning = dot(shapes.fan, shapes.ends - shapes.begins)
    near = norm(shapes.normals) * BORDER_RAD
    result = np.empty(len(points), dtype=np.bool_)
    step = max(1, _ELEMENTS // len(offset))
    for begin in range(0, len(points), step):
        some = points[begin : begin + step]
        shifted = some - origin
        turn = shifted @ shapes.fan.T
        height = shifted @ shapes.normals.T - offset
        odd = _in_triangle(turn, np.roll(turn, -1, axis=1), height, turning).sum(axis=1) % 2 == 1
        inside = odd ^ shapes.inverted[0]
        point, side = np.nonzero(np.abs(height) <= near)
        touching = _on_side(shapes, side, some[point], height[point, side])
        inside[point[touching]] = True
        result[begin : begin + step] = inside
    return result


def _in_triangle(turn: Floats, turn_next: Floats, height: Floats, turning: Floats) -> Bools:
    """Tell which points lie in the triangle (origin, begin, end) of a side; `turn` are shared by neighbours."""
    left = (turning > 0.0) & (turn >= 0.0) & (turn_next < 0.0) & (height >= 0.0)
    right = (turning <= 0.0) & (turn < 0.0) & (turn_next >= 0.0) & (height <= 0.0)
    return left | right


def _on_side(shapes: Polygons, side: Ints, points: Floats, height: Floats) -> Bools:
    """Tell which points lie on their side within the border's width; all arguments of one length."""
    normals = shapes.normals[side]
    size = norm(normals)
    width = BORDER_RAD * size
    after_begin = dot(points, cross(normals, shapes.begins[side])) >= -width
    before_end = dot(points, cross(shapes.ends[side], normals)) >= -width
    return (np.abs(height) <= width) & after_begin & before_end & (size > 0.0)


def boundary_distance(shapes: Polygons, rows: Ints, points: Floats) -> Floats:
    """Angles in radians from points (k, 3) to the border of the polygon `rows[i]` of theirs."""
    result = np.empty(len(points))
    for part in ragged.chunks(shapes.counts[rows], _ELEMENTS):
        counts = shapes.counts[rows[part]]
        side = ragged.ranges(shapes.starts[rows[part]], counts)
        far = points[part][ragged.owners(counts)]
        angles = _side_distance(far, shapes.begins[side], shapes.ends[side], shapes.normals[side])
        result[part] = np.minimum.reduceat(angles, ragged.starts(counts))
    return result


def centroids(shapes: Polygons) -> Floats:
    """Give the centres of mass of the polygons' areas as unit vectors (n, 3)."""
    size = norm(shapes.normals)
    lengths = _chord_angle(shapes.begins, shapes.ends) / np.where(size > 0.0, size, 1.0)
    moment = np.add.reduceat(shapes.normals * lengths[:, None], shapes.starts)
    left = (shapes.flux > 0.0) ^ shapes.inverted
    wide = moment * np.where(left, 1.0, -1.0)[:, None]
    owner = ragged.owners(shapes.counts)
    radius = np.maximum.reduceat(_chord_angle(shapes.begins, shapes.origins[owner]), shapes.starts)
    return unit(np.where((radius < _SMALL_RAD)[:, None], _flat_centroids(shapes, owner), wide))


def _flat_centroids(shapes: Polygons, owner: Ints) -> Floats:
    """Centroids in the plane around the origins; those of polygons without area are the means of their corners."""
    origins = shapes.origins[owner]
    begin, end = shapes.begins - origins, shapes.ends - origins
    weight = dot(cross(begin, end), origins)
    total = np.add.reduceat(weight, shapes.starts)
    moment = np.add.reduceat((begin + end) * weight[:, None], shapes.starts) / 3.0
    mean = np.add.reduceat(begin, shapes.starts) / shapes.counts[:, None]
    flat = total == 0.0
    return shapes.origins + np.where(flat[:, None], mean, moment / np.where(flat, 1.0, total)[:, None])


def polygon_in_polygon(inner: Polygons, outer: Polygons) -> Bools:
    """Tell row by row which polygons lie wholly in others, borders included."""
    owner = ragged.owners(inner.counts)
    corners = contains(outer, owner, inner.begins) & contains(outer, owner, unit(inner.begins + inner.ends))
    held = np.logical_and.reduceat(corners, inner.starts)
    back = ragged.owners(outer.counts)
    poking = contains(inner, back, outer.begins) & (boundary_distance(inner, back, outer.begins) > BORDER_RAD)
    return held & ~sides_cross(inner, outer) & ~np.logical_or.reduceat(poking, outer.starts)


def polygons_meet(one: Polygons, other: Polygons) -> Bools:
    """Tell row by row which polygons have a point in common, borders included."""
    first = contains(other, ragged.owners(one.counts), one.begins)
    second = contains(one, ragged.owners(other.counts), other.begins)
    touching = np.logical_or.reduceat(first, one.starts) | np.logical_or.reduceat(second, other.starts)
    return touching | sides_cross(one, other)


def sides_cross(one: Polygons, other: Polygons) -> Bools:
    """Tell row by row where sides of two polygons cross properly (touching is no crossing)."""
    owner = ragged.owners(one.counts)
    crossed = np.zeros(len(one.begins), dtype=np.bool_)
    for part in ragged.chunks(other.counts[owner], _ELEMENTS):
        rows = owner[part]
        counts = other.counts[rows]
        left = ragged.owners(counts) + part.start
        right = ragged.ranges(other.starts[rows], counts)
        crossed[part] = np.logical_or.reduceat(_cross(one, left, other, right), ragged.starts(counts))
    return np.logical_or.reduceat(crossed, one.starts)


def _cross(one: Polygons, i: Ints, other: Polygons, j: Ints) -> Bools:
    """Tell which pairs of sides cross: the four triangles of their ends turn the same way."""
    a, b, ab = one.begins[i], one.ends[i], one.normals[i]
    c, d, cd = other.begins[j], other.ends[j], other.normals[j]
    width_ab, width_cd = BORDER_RAD * norm(ab), BORDER_RAD * norm(cd)
    acb, bda = -dot(c - a, ab), dot(d - a, ab)
    cbd, dac = -dot(b - c, cd), dot(a - c, cd)
    left = (acb > width_ab) & (bda > width_ab) & (cbd > width_cd) & (dac > width_cd)
    right = (acb < -width_ab) & (bda < -width_ab) & (cbd < -width_cd) & (dac < -width_cd)
    return left | right


def box_corners(ra_deg: Floats, dec_deg: Floats, width_deg: Floats, height_deg: Floats) -> Floats:
    """Give the corners (n, 4, 2) in degrees of boxes, counter-clockwise on the sky; NaN where a side is not in 0 … 180.

    The sides are great circles at right angles to the arms of a cross at the centre: a rectangle in the tangent plane.
    A side of 0 is taken as 1e-9 degrees.
    """
    possible = (width_deg >= 0.0) & (width_deg < 180.0) & (height_deg >= 0.0) & (height_deg < 180.0)
    sizes = np.maximum((width_deg, height_deg), _THIN_DEG)
    half = np.deg2rad(np.where(possible, sizes, np.nan)) / 2.0
    east, north = np.tan(half)[:, :, None] * np.array([[[1, 1, -1, -1]], [[1, -1, -1, 1]]])
    lon, lat = np.deg2rad(ra_deg)[:, None], np.deg2rad(dec_deg)[:, None]
    out = np.cos(lat) - north * np.sin(lat)
    up = np.sin(lat) + north * np.cos(lat)
    turn = np.arctan2(east, out)
    ra = np.rad2deg(lon + turn) % 360.0
    return np.stack((np.where(ra >= 360.0, 0.0, ra), np.rad2deg(np.arctan2(up, np.hypot(out, east)))), axis=-1)
