"""Distances, points in polygons, areas, centroids and relations against independent computations."""

from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.sphere import exact
from nashira.sphere.vectors import lonlat, separation, vectors

ra = st.floats(-360, 720)
dec = st.floats(-90, 90)
seeds = st.integers(0, 2**32 - 1)
sizes = st.floats(-5, 1.9).map(lambda e: 10.0**e)


def one(corners: Any) -> Any:
    return exact.polygons(np.asarray(corners, dtype=float), np.array([len(corners)]))


def several(*parts: Any) -> Any:
    return exact.polygons(np.concatenate(parts), np.array([len(part) for part in parts]))


def corners_of(*pairs: Any) -> Any:
    return vectors(*np.array(pairs, dtype=float).T)


@given(ra, dec, ra, dec)
@settings(max_examples=200, deadline=None)
def test_distance_is_astropys(lon1: Any, lat1: Any, lon2: Any, lat2: Any) -> None:
    expected = SkyCoord(lon1 * u.deg, lat1 * u.deg).separation(SkyCoord(lon2 * u.deg, lat2 * u.deg)).deg
    assert separation(lon1, lat1, lon2, lat2) == pytest.approx(expected, abs=1e-12)


def test_tiny_and_antipodal_distances() -> None:
    assert separation(10, 89.9, 10, 89.9 + 1e-10) == pytest.approx(1e-10, rel=1e-3)
    assert separation(10, 20, 190, -20) == pytest.approx(180, abs=1e-12)
    assert separation(359.5, 0, 0.5, 0) == pytest.approx(1, abs=1e-12)


@given(ra, dec)
@settings(deadline=None)
def test_positions_survive_vectors(lon: Any, lat: Any) -> None:
    again_lon, again_lat = lonlat(vectors(lon, lat))
    assert 0 <= again_lon < 360
    assert separation(lon, lat, again_lon, again_lat) < 1e-12


@given(seeds, st.integers(3, 30), sizes, st.booleans())
@settings(max_examples=150, deadline=None)
def test_points_in_a_star(star: Any, seed: Any, n: Any, size_deg: Any, reverse: Any) -> None:
    polygon = star(seed, n, size_deg)
    shape = one(polygon.corners[::-1] if reverse else polygon.corners)
    points = polygon.around(seed, 300, size_deg)
    far = exact.boundary_distance(shape, np.zeros(300, dtype=int), points) > np.radians(1e-9)
    got = exact.contains(shape, np.zeros(300, dtype=int), points)
    np.testing.assert_array_equal(got[far], polygon.holds(points)[far])
    assert not exact.contains(shape, np.zeros(1, dtype=int), -polygon.centre[None]).any()


@given(seeds, st.integers(3, 12), sizes)
@settings(max_examples=60, deadline=None)
def test_many_polygons_at_once_agree_with_one(star: Any, seed: Any, n: Any, size_deg: Any) -> None:
    stars = [star(seed, n, size_deg), star(seed + 1, 3, 20.0), star(seed + 2, n + 5, size_deg)]
    shapes = several(*(s.corners for s in stars))
    points = np.concatenate([s.around(seed, 40, size_deg) for s in stars])
    rows = np.repeat(np.arange(3), 40)
    expected = np.concatenate(
        [exact.contains(one(s.corners), np.zeros(40, dtype=int), points[rows == i]) for i, s in enumerate(stars)]
    )
    np.testing.assert_array_equal(exact.contains(shapes, rows, points), expected)


@given(seeds, st.integers(3, 30), sizes)
@settings(max_examples=100, deadline=None)
def test_border_and_corners_belong(star: Any, seed: Any, n: Any, size_deg: Any) -> None:
    corners = star(seed, n, size_deg).corners
    share = np.random.default_rng(seed).random(n)[:, None]
    sides = corners * share + np.roll(corners, -1, axis=0) * (1 - share)
    sides /= np.linalg.norm(sides, axis=1)[:, None]
    points = np.concatenate((corners, sides))
    assert exact.contains(one(corners), np.zeros(len(points), dtype=int), points).all()


@given(seeds, st.integers(3, 30), sizes, st.booleans())
@settings(max_examples=100, deadline=None)
def test_area_of_a_star(star: Any, seed: Any, n: Any, size_deg: Any, reverse: Any) -> None:
    polygon = star(seed, n, size_deg)
    shape = one(polygon.corners[::-1] if reverse else polygon.corners)
    assert shape.area_sr[0] == pytest.approx(polygon.area(), rel=1e-6 if size_deg < 1e-3 else 1e-9)


def test_areas_in_closed_form() -> None:
    octant = one(corners_of((0, 0), (90, 0), (0, 90)))
    assert octant.area_sr[0] == pytest.approx(np.pi / 2)
    belt = one(corners_of(*((lon, -10) for lon in range(0, 360, 30))))  # the cap of the south pole, sides bulging north
    assert belt.area_sr[0] < 2 * np.pi
    assert exact.contains(belt, np.zeros(1, int), vectors([12.0], [-90.0])).all()


@pytest.mark.parametrize("lat", [-3.0, 0.001, 3.0])
def test_a_polygon_about_as_large_as_a_hemisphere_is_its_smaller_side(lat: Any) -> None:
    belt = one(corners_of(*((lon, lat) for lon in range(0, 360, 20))))
    poles = vectors(np.array([0.0, 0.0]), np.array([90.0, -90.0]))
    assert exact.contains(belt, np.zeros(2, int), poles).tolist() == [lat > 0, lat < 0]


def test_a_strip_longer_than_a_hemisphere() -> None:
    top = [(lon, 5) for lon in range(0, 261, 20)]
    bottom = [(lon, -5) for lon in range(260, -1, -20)]
    strip = one(corners_of(*top, *bottom))
    lon = np.array([1.0, 90, 181, 259, 270, 350, 90, 90])
    lat = np.array([0.0, 0, 0, 0, 0, 0, 6, -90])
    assert exact.contains(strip, np.zeros(8, int), vectors(lon, lat)).tolist() == [True] * 4 + [False] * 4


@pytest.mark.parametrize("pole", [90, -90])
def test_a_pole_as_corner_and_as_interior(pole: Any) -> None:
    wedge = one(corners_of((350, pole * 0.5), (10, pole * 0.5), (123, pole)))
    points = vectors(np.array([0.0, 5, 20, 180, 0]), np.array([0.7, 0.99, 0.7, 0.99, 1]) * pole)
    assert exact.contains(wedge, np.zeros(5, int), points).tolist() == [True, True, False, False, True]
    cap = one(corners_of((0, pole * 0.9), (120, pole * 0.9), (240, pole * 0.9)))
    assert exact.contains(cap, np.zeros(2, int), vectors([77.0, 77], [pole, pole * 0.8])).tolist() == [True, False]


@given(seeds, st.integers(3, 20), sizes)
@settings(max_examples=100, deadline=None)
def test_centroid_of_a_regular_polygon_is_its_centre(seed: Any, n: Any, size_deg: Any) -> None:
    r, azimuth = np.radians(size_deg), np.arange(n) * 2 * np.pi / n
    local = np.stack((np.sin(r) * np.cos(azimuth), np.sin(r) * np.sin(azimuth), np.full(n, np.cos(r))), axis=-1)
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    for corners in (local @ q.T, (local @ q.T)[::-1]):
        middle = exact.centroids(one(corners))[0]
        assert np.degrees(np.linalg.norm(middle - q[:, 2])) < 1e-9


def test_centroid_of_an_uneven_polygon_by_sampling(star: Any) -> None:
    polygon = star(5, 9, 40.0)
    points = np.random.default_rng(1).normal(size=(1_000_000, 3))
    points /= np.linalg.norm(points, axis=1)[:, None]
    mean = points[polygon.holds(points)].mean(axis=0)
    expected = mean / np.linalg.norm(mean)
    assert np.degrees(np.linalg.norm(exact.centroids(one(polygon.corners))[0] - expected)) < 0.4


@given(ra, st.floats(-89, 89), st.floats(0.001, 179), st.floats(0.001, 179))
@settings(max_examples=100, deadline=None)
def test_box_area_and_arms(lon: Any, lat: Any, width: Any, height: Any) -> None:
    corners = exact.box_corners(*np.array([[lon], [lat], [width], [height]]))[0]
    v = vectors(corners[:, 0], corners[:, 1])
    if width < 170 and height < 170:
        expected = 4 * np.arcsin(np.sin(np.radians(width / 2)) * np.sin(np.radians(height / 2)))
        assert one(v).area_sr[0] == pytest.approx(expected, rel=1e-7)
    c, e, n = vectors(lon, lat), vectors(lon + 90, 0), vectors(lon, lat + 90)
    arm = np.cos(np.radians(width / 2)) * c + np.sin(np.radians(width / 2)) * e
    assert np.cross(v[0], v[1]) @ arm == pytest.approx(0, abs=1e-12)  # the eastern side meets the arm's end
    assert np.cross(v[0], v[1]) @ n == pytest.approx(0, abs=1e-12)  # at a right angle: its plane holds the north


def test_box_corners_run_counter_clockwise_on_the_sky() -> None:
    corners = exact.box_corners(*np.array([[10.0], [0.0], [2.0], [4.0]]))[0]
    np.testing.assert_allclose(corners[:, 0], [11, 11, 9, 9])
    assert (corners[:, 1] > 0).tolist() == [True, False, False, True]
    assert np.isnan(exact.box_corners(*np.array([[10.0], [0.0], [-1.0], [4.0]]))).all()


def square(lon: Any, lat: Any, half: Any) -> Any:
    return corners_of(
        (lon - half, lat - half), (lon + half, lat - half), (lon + half, lat + half), (lon - half, lat + half)
    )


RELATIONS = [  # one, other, one lies in other, they meet
    (square(0, 0, 1), square(0, 0, 2), True, True),
    (square(0, 0, 2), square(0, 0, 1), False, True),
    (square(0, 0, 1), square(0, 0, 1), True, True),
    (square(0, 0, 1), square(0.5, 0.5, 1), False, True),
    (square(0, 0, 1), square(5, 0, 1), False, False),
    (square(359.9, 0, 1), square(0.1, 0, 3), True, True),
    (square(0, 0, 1), square(2, 0, 1), False, True),
    (
        corners_of((-3, -0.1), (3, -0.1), (3, 0.1), (-3, 0.1)),
        corners_of((-0.1, -3), (0.1, -3), (0.1, 3), (-0.1, 3)),
        False,
        True,
    ),
    # a bar across the notch of a U: all its corners lie in the U, its middle does not
    (
        corners_of((-2.5, 1), (2.5, 1), (2.5, 1.5), (-2.5, 1.5)),
        corners_of((-3, 0), (3, 0), (3, 2), (2, 2), (2, 0.5), (-2, 0.5), (-2, 2), (-3, 2)),
        False,
        True,
    ),
    (square(100, 80, 1), corners_of((0, 70), (120, 70), (240, 70)), True, True),
]


@pytest.mark.parametrize("reverse", [1, -1])
def test_relations_of_polygons(reverse: Any) -> None:
    ones = several(*(case[0][::reverse] for case in RELATIONS))
    others = several(*(case[1] for case in RELATIONS))
    assert exact.polygon_in_polygon(ones, others).tolist() == [case[2] for case in RELATIONS]
    assert exact.polygons_meet(ones, others).tolist() == [case[3] for case in RELATIONS]
    assert exact.polygons_meet(others, ones).tolist() == [case[3] for case in RELATIONS]


@given(seeds, st.integers(3, 10), sizes, st.floats(0.05, 2.5))
@settings(max_examples=100, deadline=None)
def test_relations_of_stars_by_sampling(star: Any, seed: Any, n: Any, size_deg: Any, shift: Any) -> None:
    a = star(seed, n, size_deg)
    other = star(seed + 1, n + 2, size_deg)
    moved = a.around(seed, 1, size_deg * shift)[0]
    axis = np.cross(other.centre, moved)
    b = one(rotate(other.corners, axis, other.centre @ moved))
    shape = one(a.corners)
    samples = np.concatenate((a.around(seed, 2000, size_deg), a.corners))
    in_a = a.holds(samples)
    in_b = exact.contains(b, np.zeros(len(samples), int), samples)
    if (in_a & in_b).any():
        assert exact.polygons_meet(shape, b)[0]
    if (in_a & ~in_b).any():
        assert not exact.polygon_in_polygon(shape, b)[0]


def rotate(v: Any, axis: Any, cosine: Any) -> Any:
    """Rodrigues' rotation."""
    length = np.linalg.norm(axis)
    k, sine = axis / length, length
    return v * cosine + np.cross(k, v) * sine + np.outer(v @ k, k) * (1 - cosine)
