"""Index ranges of zones hold every position of the zone, and not much more."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.sphere.coverage import WHOLE_SPHERE, healpix29
from nashira.sphere.zones import zone_ranges

SPHERE = 12 << 58
rng = np.random.default_rng(1)
LON, LAT = rng.uniform(0, 360, 20_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000)))
CELLS = healpix29(LON, LAT)


def covered(ranges: tuple[tuple[int, int], ...], cells: np.ndarray) -> np.ndarray:
    found = np.zeros(len(cells), dtype=bool)
    for low, high in ranges:
        found |= (cells >= low) & (cells < high)
    return found


@given(st.floats(-400, 400), st.floats(0, 400), st.floats(-90, 90), st.floats(0, 180), st.sampled_from([4, 16, 64]))
@settings(max_examples=150, deadline=None)
def test_no_position_of_a_zone_is_left_out(lon: float, width: float, lat: float, height: float, most: int) -> None:
    ranges = zone_ranges(lon, lon + width, lat, lat + height, most)
    assert len(ranges) <= most
    assert all(a[1] < b[0] for a, b in itertools.pairwise(ranges))
    in_lon = ((LON - lon) % 360.0 <= width) | (width >= 360.0)
    inside = in_lon & (lat <= LAT) & (lat + height >= LAT)
    edge_lon = np.concatenate((np.full(50, lon), np.full(50, lon + width), np.linspace(lon, lon + width, 100)))
    edge_lat = np.concatenate(
        (np.linspace(lat, min(90, lat + height), 100), np.full(50, lat), np.full(50, min(90, lat + height)))
    )
    assert covered(ranges, CELLS[inside]).all()
    assert covered(ranges, healpix29(edge_lon, edge_lat)).all()


@pytest.mark.parametrize(
    ("zone", "share"),
    [
        ((0, 360, 80, 90), 0.03),
        ((10, 20, -5, 5), 0.01),
        ((359, 361, -1, 1), 0.0004),
        ((0, 10, -90, 90), 0.06),
        ((5, 5, 5, 5), 1e-6),
    ],
)
def test_a_zone_costs_little_more_than_its_area(zone: tuple[float, float, float, float], share: float) -> None:
    ranges = zone_ranges(*zone)
    assert sum(high - low for low, high in ranges) / SPHERE < share


def test_extreme_zones() -> None:
    inf = float("inf")
    assert zone_ranges(-inf, inf, -inf, inf) == WHOLE_SPHERE
    assert zone_ranges(0, 360, -90, 90) == WHOLE_SPHERE
    assert zone_ranges(10, 5, -90, 90) == ()
    assert zone_ranges(0, 1, 91, 95) == ()
    assert zone_ranges(0, 1, 5, 4) == ()
    assert zone_ranges(1e17, 1e17 + 64, 0, 1) == zone_ranges(-inf, inf, 0, 1)
    assert zone_ranges(0, 1, float("nan"), 4) == ()
    assert covered(zone_ranges(-inf, inf, 90, inf), healpix29([77.0], [90.0])).all()
