"""Functions of the engine on Arrow columns: values, NULLs, chunked and sliced input, hostile values."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.sphere import healpix
from nashira.sphere.coverage import healpix29
from nashira.sphere.functions import FUNCTIONS
from nashira.sphere.vectors import separation

CALL = {function.name: function.call for function in FUNCTIONS}
TYPES = {
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "BIGINT[]": pa.list_(pa.int64()),
    "DOUBLE[]": pa.list_(pa.float64()),
    "DOUBLE[2]": pa.list_(pa.float64(), 2),
    "DOUBLE[3]": pa.list_(pa.float64(), 3),
    "DOUBLE[6]": pa.list_(pa.float64(), 6),
    "VARCHAR": pa.string(),
}


def call(name: Any, *columns: Any) -> Any:
    function = next(f for f in FUNCTIONS if f.name == name)
    arrays = [pa.chunked_array([pa.array(c, TYPES[t])]) for c, t in zip(columns, function.parameters, strict=True)]
    result = function.call(*arrays)
    assert result.type == TYPES[function.returns]
    assert len(result) == len(columns[0])
    return result.to_pylist()


SQUARE = [0.0, 0, 2, 0, 2, 2, 0, 2]
TRIANGLE = [10.0, 10, 12, 10, 11, 12]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_null_in_any_argument_is_null_and_empty_is_empty(function: Any) -> None:
    sample = {"DOUBLE": 1.0, "INTEGER": 3, "BIGINT": 5, "DOUBLE[]": SQUARE, "DOUBLE[3]": [1.0, 1, 0.1]}
    sample["VARCHAR"] = "Circle ICRS 1 2 3" if function.name == "ns_region" else "4/13 17-18 5/8"
    for i in range(len(function.parameters)):
        columns = [
            pa.array([sample[t], None if j == i else sample[t]], TYPES[t]) for j, t in enumerate(function.parameters)
        ]
        result = function.call(*columns)
        assert result[0].is_valid
        assert not result[1].is_valid
    empty = function.call(*(pa.chunked_array([], TYPES[t]) for t in function.parameters))
    assert len(empty) == 0
    assert empty.type == TYPES[function.returns]


def test_index_of_positions() -> None:
    assert call("ns_healpix29", [10.0, 370.0, math.nan, 0.0], [20.0, 20.0, 0.0, 91.0]) == [
        *healpix29([10.0, 10.0], [20.0, 20.0]).tolist(),
        None,
        None,
    ]


def test_points_in_constant_and_changing_polygons() -> None:
    ra, dec = [1.0, 3.0, 361.0, 2.0], [1.0, 1.0, 1.0, 2.0]
    assert call("ns_point_in_polygon", ra, dec, [SQUARE] * 4) == [True, False, True, True]
    assert call("ns_point_in_polygon", ra, dec, [SQUARE, SQUARE, TRIANGLE, SQUARE[:4]]) == [True, False, False, None]
    assert call("ns_point_in_polygon", [math.nan, 1.0], [1.0, 95.0], [SQUARE] * 2) == [None, None]


def test_sliced_lists_with_nulls() -> None:
    polygons = pa.array([TRIANGLE, None, SQUARE, SQUARE], TYPES["DOUBLE[]"]).slice(1)
    ones = pa.array([1.0, 1.0, 5.0])
    assert CALL["ns_point_in_polygon"](ones, pa.array([1.0] * 3), polygons).to_pylist() == [None, True, False]


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [1.0],
        [0.0, 0, 1, 0],
        [0.0, 0, 1, 0, 1],
        [0.0, 0, 1, 0, 1, math.nan],
        [0.0, 0, 1, 0, 1, 91.0],
        [0.0, 0, 1, 0, None, 1],
    ],
)
def test_what_is_no_polygon_gives_null(bad: Any) -> None:
    assert call("ns_polygon_area", [SQUARE, bad, SQUARE])[1] is None
    assert call("ns_polygon_meets_polygon", [SQUARE, bad], [SQUARE, SQUARE]) == [True, None]


def test_area_and_centroid() -> None:
    (area,) = call("ns_polygon_area", [[0.0, 0, 90, 0, 0, 90]])
    assert area == pytest.approx(360**2 / math.pi / 8)
    (lon, lat), nothing = call("ns_polygon_centroid", [[359.0, -1, 1, -1, 1, 1, 359, 1], None])
    assert nothing is None
    assert separation(lon, lat, 0, 0) < 1e-9


def test_box() -> None:
    (box, impossible) = call("ns_box", [0.0, 0], [0.0, 0], [2.0, 180], [4.0, 4])
    assert impossible is None
    assert box == pytest.approx([1, box[1], 1, -box[1], 359, -box[1], 359, box[1]])


CIRCLES = [  # circle, polygon, circle in polygon, polygon in circle, meet
    ([1.0, 1.0, 0.5], SQUARE, True, False, True),
    ([1.0, 1.0, 1.0 - 1e-3], SQUARE, True, False, True),
    ([1.0, 1.0, 1.1], SQUARE, False, False, True),
    ([1.0, 1.0, 3.0], SQUARE, False, True, True),
    ([5.0, 1.0, 0.5], SQUARE, False, False, False),
    ([3.0, 0.0, 1.0], SQUARE, False, False, True),
    ([1.0, 1.0, 0.0], SQUARE, True, False, True),
    ([181.0, -1.0, 170.0], SQUARE, False, False, False),
    ([181.0, -1.0, 179.0], SQUARE, False, False, True),
    ([91.0, 1.0, 95.0], SQUARE, False, True, True),
    ([181.0, -1.0, 180.0], SQUARE, False, True, True),
    ([361.0, 1.0, 0.5], SQUARE, True, False, True),
    ([0.0, 0.0, -1.0], SQUARE, None, None, None),
]


def test_circles_and_polygons() -> None:
    circles = [case[0] for case in CIRCLES]
    polygons = [case[1] for case in CIRCLES]
    assert call("ns_circle_in_polygon", circles, polygons) == [case[2] for case in CIRCLES]
    assert call("ns_polygon_in_circle", polygons, circles) == [case[3] for case in CIRCLES]
    assert call("ns_circle_meets_polygon", circles, polygons) == [case[4] for case in CIRCLES]


def test_polygons_and_polygons() -> None:
    inner = [0.5, 0.5, 1, 0.5, 1, 1]
    assert call("ns_polygon_in_polygon", [inner, SQUARE, TRIANGLE], [SQUARE, inner, SQUARE]) == [True, False, False]
    assert call("ns_polygon_meets_polygon", [inner, SQUARE, TRIANGLE], [SQUARE, inner, SQUARE]) == [True, True, False]


def test_epoch_propagation_has_the_catalogue_of_functions_values() -> None:
    start = (7.606083572, 11.79044105, 125.0, 300.0, -428.8, 52.51, 2016.0)
    rows = [
        (*start, 1992.25),
        (*start, 1875.0),
        (*start[:5], 0.0, 2016.0, 1875.0),
        (*start[:4], 0.0, 0.0, 2016.0, 1875.0),
    ]
    expected = [
        (7.60406140463, 11.79327038283),
        (7.5940682137, 11.8072513752),
        (7.594079587, 11.8072354643),
        (7.5940803215, 11.7904407985),
    ]
    for (lon, lat), (ra, dec) in zip(call("ns_epoch_prop_pos", *zip(*rows, strict=True)), expected, strict=True):
        assert separation(lon, lat, ra, dec) < 1e-9


def test_centres_of_cells() -> None:
    assert call("ns_healpix_center", [0, 0, 30, 1, -1], [4, 12, 0, -1, 0])[1:] == [None] * 4
    (center,) = call("ns_healpix_center", [29], [int(healpix29([123.0], [-45.0])[0])])
    assert separation(center[0], center[1], 123, -45) < 1e-7


@given(
    st.lists(
        st.tuples(
            st.floats(0, 360), st.floats(-90, 90) | st.sampled_from([-90, 90, 41.810314895778596]), st.floats(-8, 1.8)
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 29),
    st.integers(0, 1000),
)
@settings(max_examples=150, deadline=None)
def test_no_cell_that_a_circle_touches_is_missing(circles: Any, order: Any, seed: Any) -> None:
    size = healpix.cell_size_deg(order)
    rows = [(lon, lat, min(10.0**e, size * 8)) for lon, lat, e in circles]
    lon, lat, radius = (np.array(c) for c in zip(*rows, strict=True))
    cells = call("ns_cells", lon, lat, radius, [order] * len(rows))
    rng = np.random.default_rng(seed)
    for i, found in enumerate(cells):
        assert len(set(found)) == len(found)
        r = np.radians(radius[i]) * np.where(np.arange(60) % 2, 1.0, rng.random(60))
        t = rng.random(60) * 2 * np.pi
        north = np.degrees(
            np.arcsin(
                np.clip(
                    np.sin(np.radians(lat[i])) * np.cos(r) + np.cos(np.radians(lat[i])) * np.sin(r) * np.cos(t), -1, 1
                )
            )
        )
        across = np.sin(t) * np.sin(r) * np.cos(np.radians(lat[i]))
        along = np.cos(r) - np.sin(np.radians(lat[i])) * np.sin(np.radians(north))
        east = lon[i] + np.degrees(np.arctan2(across, along))
        near = separation(lon[i], lat[i], east, north) <= radius[i]
        touched = healpix29(east[near], north[near]) >> 2 * (29 - order)
        assert set(touched.tolist()) <= set(found)


def test_small_circles_have_few_cells() -> None:
    rng = np.random.default_rng(3)
    lon, lat = rng.random(5000) * 360, np.degrees(np.arcsin(rng.random(5000) * 2 - 1))
    counts = [len(c) for c in call("ns_cells", lon, lat, [1 / 3600] * 5000, [12] * 5000)]
    assert np.mean(counts) < 1.2
    assert max(counts) <= 4


def test_cells_of_mixed_orders_and_nonsense() -> None:
    result = call("ns_cells", [10.0, 10, 10, math.nan], [0.0, 0, 0, 0], [0.001, 0.001, -1, 1], [5, 3, 3, 3])
    assert result[0] == [int(healpix29([10.0], [0.0])[0]) >> 48]
    assert result[1] == [int(healpix29([10.0], [0.0])[0]) >> 52]
    assert result[2:] == [None, None]
    with pytest.raises(ValueError, match="order"):
        call("ns_cells", [10.0], [0.0], [0.1], [30])
    with pytest.raises(ValueError, match="lower order"):
        call("ns_cells", [10.0], [0.0], [90.0], [20])


def test_polygons_with_opposite_neighbours_are_none() -> None:
    """No side is defined between opposite points."""
    polygons = pa.array(
        [[0.0, 0, 180, 0, 90, 0], [0.0, 0, 0, 90, 180, 0], [0.0, 90, 10, 0, 0, -90], [0.0, 0, 90, 0, 0, 90]]
    )
    area = next(f for f in FUNCTIONS if f.name == "ns_polygon_area").call(polygons).to_pylist()
    assert [value is None for value in area] == [True, True, True, False]
