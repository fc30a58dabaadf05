"""Reference frames: rotations compared with astropy's, values of the UDF catalogue, regions in other frames."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nashira.sphere.frames import FRAMES, rotate, rotated
from nashira.sphere.functions import FUNCTIONS
from nashira.sphere.regions import Circle, Point, Polygon, Range, box_polygon, transformed
from nashira.sphere.stcs import parse
from nashira.sphere.vectors import separation

CALL = {function.name: function.call for function in FUNCTIONS}


def of_astropy(name: str) -> Any:
    from astropy import coordinates as c

    return {
        "ICRS": c.ICRS,
        "FK5": lambda: c.FK5(equinox="J2000"),
        "FK4": lambda: c.FK4NoETerms(equinox="B1950"),
        "GALACTIC": c.Galactic,
        "SUPER_GALACTIC": c.Supergalactic,
        "ECLIPTIC": lambda: c.BarycentricMeanEcliptic(equinox="J2000"),
    }[name]()


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(FRAMES, 2)))
def test_rotations_agree_with_astropy(old: str, new: str) -> None:
    from astropy.coordinates import SkyCoord

    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(0, 360, 200), np.degrees(np.arcsin(rng.uniform(-1, 1, 200)))
    lon[:2], lat[:2] = 0.0, (-90.0, 90.0)
    want = SkyCoord(lon, lat, unit="deg", frame=of_astropy(old)).transform_to(of_astropy(new)).spherical
    one, other = (np.full(200, FRAMES.index(name)) for name in (old, new))
    got = rotate(one, other, lon, lat)
    assert separation(*got, want.lon.deg, want.lat.deg).max() < 1e-11


@given(st.sampled_from(FRAMES), st.sampled_from(FRAMES), st.floats(0, 360), st.floats(-90, 90))
def test_there_and_back(old: str, new: str, lon: float, lat: float) -> None:
    there = rotated(old, new, (lon, lat))
    assert 0 <= there[0] < 360
    back = rotated(new, old, there)
    assert separation(lon, lat, *back) < 1e-12


def test_columns_of_positions_and_polygons() -> None:
    one, two = pa.array([0, 0, 3, 9, None], pa.int32()), pa.array([3, 0, 0, 0, 0], pa.int32())
    lon, lat = pa.array([120.0, 400, 0, 0, 0]), pa.array([-23.0, 1, math.nan, 0, 0])
    got = CALL["ns_rotate"](one, two, lon, lat).to_pylist()
    assert got[0] == pytest.approx([241.121831182, 3.62785788087], abs=1e-8)
    assert got[1] == pytest.approx([40, 1])
    assert got[2:] == [None, None, None]
    shapes = pa.array([[120.0, -23, 1, 1, 2, 2], [1.0, 2, 3], [1.0, 95, 2, 2, 3, 3], None, []], pa.list_(pa.float64()))
    same = pa.array([0] * 5, pa.int32())
    galactic = pa.array([3] * 5, pa.int32())
    first, *others = CALL["ns_rotate_polygon"](same, galactic, shapes).to_pylist()
    assert first[:2] == pytest.approx(got[0])
    assert len(first) == 6
    assert others == [None] * 4


def test_regions_in_other_frames() -> None:
    circle = parse("Circle GALACTIC 0 0 3")
    assert isinstance(circle, Circle)
    assert separation(circle.ra_deg, circle.dec_deg, 266.40498829, -28.93617776) < 1e-7
    assert circle.radius_deg == 3
    point = parse("position ecliptic barycenter 0 90")
    assert isinstance(point, Point)
    assert separation(point.ra_deg, point.dec_deg, 270, 66.5607) < 1e-4
    box = parse("Box GALACTIC 10 20 2 4")
    assert isinstance(box, Polygon)
    back = transformed(box, "ICRS", "GALACTIC")
    assert isinstance(back, Polygon)
    np.testing.assert_allclose(back.vertices, box_polygon(10, 20, 2, 4).vertices, atol=1e-11)
    with pytest.raises(ValueError, match="range"):
        transformed(Range(1, 2, 3, 4), "ICRS", "FK5")


@pytest.mark.parametrize(("width", "height"), [(0, 4), (2, 0), (0, 0)])
def test_boxes_without_a_width_are_lines(width: float, height: float) -> None:
    polygon = box_polygon(10, 0, width, height)  # on the equator, which is a great circle
    flat = pa.array([[value for pair in polygon.vertices for value in pair]] * 3, pa.list_(pa.float64()))
    lon, lat = pa.array([10.0, 10.0, 10.1]), pa.array([0.0, 0.1, 0.0])
    inside = CALL["ns_point_in_polygon"](lon, lat, flat).to_pylist()
    assert inside == [True, height > 0, width > 0]
