"""Coverage is a superset, sorted, disjoint and short: HEALPix order-29 NESTED ranges of circles and polygons."""

import math
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Angle, Latitude, Longitude, SkyCoord
from cdshealpix.nested import lonlat_to_healpix
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.sphere.coverage import circle_ranges, healpix29, polygon_ranges

WHOLE = 12 << 58
ra = st.floats(-720, 720)
dec = st.floats(-90, 90) | st.sampled_from([-90.0, 90.0, 0.0, math.degrees(math.asin(2 / 3))])
radius = st.floats(0, 179) | st.floats(-9, 2).map(lambda e: 10.0**e)


def covered(ranges: Any, cells: Any) -> Any:
    lows = np.array([low for low, _ in ranges])
    highs = np.array([high for _, high in ranges])
    at = np.searchsorted(lows, cells, side="right") - 1
    return (at >= 0) & (cells < highs[at])


def well_formed(ranges: Any, most: Any) -> None:
    assert 1 <= len(ranges) <= most
    flat = [value for pair in ranges for value in pair]
    assert all(isinstance(value, int) for value in flat)
    assert flat == sorted(set(flat))
    assert flat[0] >= 0
    assert flat[-1] <= WHOLE


def around(lon: Any, lat: Any, radius_deg: Any, n: Any, seed: Any = 1) -> Any:
    """Points within the circle, half of them on its very border."""
    rng = np.random.default_rng(seed)
    r = np.where(np.arange(n) % 2 == 0, 1.0, np.sqrt(rng.random(n))) * radius_deg
    p = SkyCoord(lon * u.deg, lat * u.deg).directional_offset_by(rng.random(n) * 360 * u.deg, r * u.deg)
    return p.ra.deg, p.dec.deg


def test_positions_agree_with_the_wrapped_library() -> None:
    rng = np.random.default_rng(0)
    lon, lat = rng.random(1000) * 360, np.degrees(np.arcsin(rng.random(1000) * 2 - 1))
    expected = lonlat_to_healpix(Longitude(lon, u.deg), Latitude(lat, u.deg), 29).astype(np.int64)
    np.testing.assert_array_equal(healpix29(lon, lat), expected)


def test_positions_wrap_and_nonsense_is_minus_one() -> None:
    cells = healpix29(
        np.array([10.0, 370.0, -350.0, np.nan, 10, np.inf, 10]), np.array([5, 5, 5, 5, np.nan, 5, 90.001])
    )
    assert cells[0] == cells[1] == cells[2] >= 0
    assert cells[3:].tolist() == [-1, -1, -1, -1]
    masked = healpix29(np.ma.masked_array([10.0, 11.0], [False, True]), np.zeros(2))
    assert masked[0] >= 0
    assert masked[1] == -1
    assert healpix29(np.empty(0), np.empty(0)).dtype == np.int64


@given(ra, dec, radius, st.integers(1, 16))
@settings(max_examples=150, deadline=None)
def test_a_circle_is_covered(lon: Any, lat: Any, radius_deg: Any, most: Any) -> None:
    ranges = circle_ranges(lon, lat, radius_deg, most)
    well_formed(ranges, most)
    assert covered(ranges, healpix29(*around(lon, lat, radius_deg, 200))).all()


@pytest.mark.parametrize("lat", [-90.0, -41.8103148957786, 0.0, 41.8103148957786, 90.0])
@pytest.mark.parametrize("lon", [0.0, 45.0, 90.0, 315.0, 360.0, -45.0])
def test_a_circle_without_radius_covers_its_centre_on_cell_corners(lon: Any, lat: Any) -> None:
    ranges = circle_ranges(lon, lat, 0)
    assert covered(ranges, healpix29(np.array([lon]), np.array([lat]))).all()
    assert sum(high - low for low, high in ranges) < 40


def test_the_whole_sphere() -> None:
    assert circle_ranges(10, 20, 180) == circle_ranges(10, 20, 1000) == ((0, WHOLE),)


def test_a_cone_is_tight() -> None:
    share = sum(high - low for low, high in circle_ranges(123.4, 56.7, 0.1)) / WHOLE
    assert share < 3 * (1 - math.cos(math.radians(0.1))) / 2


@pytest.mark.parametrize(
    ("lon", "lat", "r"), [(math.nan, 0, 1), (0, 91, 1), (0, 0, -1), (0, 0, math.nan), (math.inf, 0, 1)]
)
def test_impossible_circles(lon: Any, lat: Any, r: Any) -> None:
    with pytest.raises(ValueError, match=r"position|radius"):
        circle_ranges(lon, lat, r)


@given(ra, dec, st.floats(-4, 1.9).map(lambda e: 10.0**e), st.integers(3, 9), st.booleans(), st.integers(1, 16))
@settings(max_examples=150, deadline=None)
def test_a_polygon_around_a_point_is_covered(
    lon: Any, lat: Any, radius_deg: Any, n: Any, reverse: Any, most: Any
) -> None:
    center = SkyCoord(lon * u.deg, lat * u.deg)
    corners = center.directional_offset_by(Angle(np.linspace(5, 365, n, endpoint=False), u.deg), radius_deg * u.deg)
    vertices = list(zip(corners.ra.deg, corners.dec.deg, strict=True))[:: -1 if reverse else 1]
    ranges = polygon_ranges(vertices, most)
    well_formed(ranges, most)
    v = corners.cartesian.xyz.value.T
    rng = np.random.default_rng(n)
    weights = rng.random((300, n)) * (rng.random((300, n)) < 0.4)
    weights[: n + 1] = np.vstack((np.eye(n), np.ones(n)))
    inside = weights[weights.any(axis=1)] @ v  # a regular polygon is the cone of its corners
    points = SkyCoord(*inside.T, representation_type="cartesian").spherical
    assert covered(ranges, healpix29(points.lon.deg, points.lat.deg)).all()


@pytest.mark.parametrize(
    "vertices",
    [
        [(0, 0), (1, 0)],
        [(0, 0), (1, 0), (0, 0), (1, 0)],
        [(0, 0), (1, 0), (2, 0)],
        [(0, 0), (180, 0), (90, 45)],
        [(0, 0), (1, 0), (0, math.nan)],
        [(0, 0), (1, 0), (0, 100)],
        [],
    ],
)
def test_degenerate_polygons(vertices: Any) -> None:
    with pytest.raises(ValueError, match=r"polygon|vertices|position"):
        polygon_ranges(vertices)


def test_a_polygon_is_tight_and_the_smaller_side() -> None:
    square = [(10, 20), (10.1, 20), (10.1, 20.1), (10, 20.1), (10, 20)]
    share = sum(high - low for low, high in polygon_ranges(square)) / WHOLE
    assert share * 41253 < 0.03
    assert polygon_ranges(square) == polygon_ranges(square[::-1])


def test_a_long_thin_polygon_is_not_a_circle() -> None:
    share = sum(high - low for low, high in polygon_ranges([(0, 0), (80, 0), (80, 0.01), (0, 0.01)])) / WHOLE
    assert share < 0.1
