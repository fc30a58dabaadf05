"""ADQL 2.1 section 4.2, on every engine, to 1e-9 degrees against astropy, and against regions and plain vectors."""

# ruff: noqa: E501  (lists of cases)

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, angular_separation
from hypothesis import given, settings
from hypothesis import strategies as st

PRECISE = 1e-9  # degrees
AWKWARD_LON = (0.0, 1e-9, 90.0, 180.0, 359.9999999, 360.0, -0.1, -350.0, 725.5)
AWKWARD_LAT = (0.0, 1e-9, 45.0, 89.9999999, 90.0, -89.5, -90.0)
longitudes = st.one_of(st.sampled_from(AWKWARD_LON), st.floats(-360, 720))
latitudes = st.one_of(st.sampled_from(AWKWARD_LAT), st.floats(-90, 90))


def number(value: float) -> str:
    """A literal that no engine folds: a sum with a column that is 0."""
    return f"({float(value)!r} + zero)"


def row(service: Any, *expressions: str) -> tuple[Any, ...]:
    ((*values,),) = service.rows(f"SELECT {', '.join(f'{e} AS c{i}' for i, e in enumerate(expressions))} FROM one")
    return tuple(values)


def vector(lon: float, lat: float) -> np.ndarray:
    a, b = math.radians(lon), math.radians(lat)
    return np.array([math.cos(b) * math.cos(a), math.cos(b) * math.sin(a), math.sin(b)])


@given(st.lists(st.tuples(longitudes, latitudes, longitudes, latitudes), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_distance_in_both_forms_is_astropys(service: Any, some: list[tuple[float, ...]]) -> None:
    forms = ("DISTANCE({}, {}, {}, {})", "DISTANCE(POINT({}, {}), POINT({}, {}))")
    texts = [form.format(*(number(x) for x in four)) for four in some for form in forms]
    got = np.array(row(service, *texts), dtype=float).reshape(-1, 2)
    lon1, lat1, lon2, lat2 = np.array(some).T
    want = SkyCoord(lon1 * u.deg, lat1 * u.deg).separation(SkyCoord(lon2 * u.deg, lat2 * u.deg)).deg
    np.testing.assert_allclose(got[:, 0], want, atol=PRECISE, rtol=0)
    np.testing.assert_array_equal(got[:, 0], got[:, 1])


@given(
    longitudes,
    latitudes,
    st.floats(0, 360),
    st.sampled_from([1e-7, 1 / 3600, 0.5, 60.0, 89.9999, 90.0, 90.1, 135.0, 179.0, 179.9999, 179.9999999]),
)
@settings(max_examples=30, deadline=None)
def test_the_border_of_a_circle_lies_at_its_radius(
    service: Any, lon: float, lat: float, angle: float, radius: float
) -> None:
    """A position 1e-9 degrees within the radius is in the circle, one 1e-9 degrees beyond is not; radii of columns alike."""
    centre = SkyCoord(lon * u.deg, lat * u.deg)
    texts, want = [], []
    for shift in (-PRECISE, PRECISE):
        place = centre.directional_offset_by(angle * u.deg, (radius + shift) * u.deg)
        at = f"POINT({number(place.ra.deg)}, {number(place.dec.deg)})"
        true = math.degrees(angular_separation(*(math.radians(x) for x in (lon, lat, place.ra.deg, place.dec.deg))))
        if abs(true - radius) < PRECISE / 2:  # the position itself was rounded
            continue
        for size in (repr(radius), number(radius)):
            texts += [
                f"CONTAINS({at}, CIRCLE({lon!r}, {lat!r}, {size}))",
                f"INTERSECTS(CIRCLE({lon!r}, {lat!r}, {size}), {at})",
            ]
            want += [int(true < radius)] * 2
    if texts:
        assert list(row(service, *texts)) == want


@pytest.mark.parametrize(
    ("circle", "holds"),
    [
        ("CIRCLE(10, 20, 180)", (1, 1, 1)), ("CIRCLE(10, 20, 180.5)", (1, 1, 1)), ("CIRCLE(10, 20, 400)", (1, 1, 1)), ("CIRCLE(10, 20, 0)", (1, 0, 0)), ("CIRCLE(10, 20, 180 * n)", (1, 1, 1)), ("CIRCLE(10, 20, 400 * n)", (1, 1, 1)), ("CIRCLE(10, 20, zero)", (1, 0, 0)), ("CIRCLE(10, 20, -1 * n)", (0, 0, 0)), ("CIRCLE(10, 20, -1e-300 * n)", (0, 0, 0)),
        ("CIRCLE(370, 20, 1e-9 * n)", (1, 0, 0)), ("CIRCLE(-350, 20, 1e-9 * n)", (1, 0, 0)), ("CIRCLE(190, -20, 180)", (1, 1, 1)), ("CIRCLE(190, -20, 179.9999)", (0, 1, 1)),
    ],
)  # fmt: skip
def test_extreme_radii(service: Any, circle: str, holds: tuple[int, int, int]) -> None:
    places = ("POINT(10 + zero, 20)", "POINT(190 + zero, -20)", "POINT(100 + zero, 89.9)")
    assert row(service, *(f"CONTAINS({place}, {circle})" for place in places)) == holds


# ------------------------------------------------------------------- polygons

SQUARE = "359, -1, 1, -1, 1, 1, 359, 1"
CAP = ", ".join(f"{lon}, 80" for lon in range(0, 360, 60))
OVER = ", ".join(f"{lon}, -10" for lon in range(0, 360, 30))
PIECES = (
    # polygon, a position, inside
    (SQUARE, (0, 0), 1),
    ("1, 1, 1, -1, 359, -1, 359, 1", (0, 0), 1),
    (SQUARE, (180, 0), 0),
    (SQUARE, (1, 1), 1),
    (SQUARE, (1.0001, 0), 0),
    (SQUARE, (720, 0.5), 1),
    ("-1, -1, 1, -1, 1, 1, -1, 1", (360, 0), 1),
    ("719, -1, 721, -1, 721, 1, 719, 1", (0, 0), 1),
    (CAP, (123, 90), 1),
    (CAP, (0, 80), 1),
    (CAP, (30, 79), 0),
    (CAP, (30, -90), 0),
    # repeated vertices, a closing vertex, a spike along a side
    ("359, -1, 359, -1, 1, -1, 1, 1, 1, 1, 359, 1, 359, -1", (0, 0), 1),
    ("359, -1, 1, -1, 3, -1, 1, -1, 1, 1, 359, 1", (0, 0), 1),
    ("359, -1, 1, -1, 3, -1, 1, -1, 1, 1, 359, 1", (2, 0), 0),
    # a bow tie: both halves are inside, by the number of borders crossed
    ("0, 0, 2, 2, 2, 0, 0, 2.2", (0.2, 1), 1),
    ("0, 0, 2, 2, 2, 0, 0, 2.2", (1.8, 1), 1),
    ("0, 0, 2, 2, 2, 0, 0, 2.2", (1, 0.2), 0),
    # larger than a hemisphere is no polygon: always the smaller side
    (OVER, (0, -90), 1),
    (OVER, (0, 90), 0),
    (OVER, (0, 0), 0),
    ("0, 0, 90, 0, 0, 90", (45, 35), 1),
    ("0, 90, 90, 0, 0, 0", (45, 35), 1),
    ("0, 0, 90, 0, 0, 90", (-1, -1), 0),
    ("0, 89, 120, 89, 240, 89", (0, 90), 1),
    ("350, 50, 10, 50, 123, 90", (0, 70), 1),
    ("350, 50, 10, 50, 123, 90", (180, 89.99), 0),
)


def test_polygons_of_either_orientation_at_poles_and_across_0(service: Any) -> None:
    texts = []
    for flat, (lon, lat), _ in PIECES:
        first, *rest = flat.split(", ", 1)
        texts.append(f"CONTAINS(POINT({lon}, {lat}), POLYGON({flat}))")
        texts.append(f"INTERSECTS(POLYGON({first} + zero, {rest[0]}), POINT({lon}, {lat} + zero))")
    got = row(service, *texts)
    wrong = [
        (piece, pair)
        for piece, pair in zip(PIECES, zip(got[::2], got[1::2], strict=True), strict=True)
        if set(pair) != {piece[2]}
    ]
    assert not wrong


@pytest.mark.parametrize("flat", ["0, 0, 1, 0, 2, 0", "5, 5, 5, 5, 5, 5", "5, 5, 6, 6, 5, 5"])
def test_polygons_without_an_area_are_errors_as_literals_and_hold_at_most_their_border_from_columns(
    service: Any, flat: str
) -> None:
    from nashira.config.errors import AdqlTypeError

    with pytest.raises(AdqlTypeError, match="polygon"):
        service.translate(f"SELECT POLYGON({flat}) AS x FROM one")
    computed = "POLYGON(zero + " + flat + ")"
    inside, area = row(service, f"CONTAINS(POINT(77, 77), {computed})", f"AREA({computed})")
    assert inside in (0, None)
    assert area is None or area == pytest.approx(0, abs=1e-9)


def test_rectangles_of_regions(service: Any) -> None:
    """Small polygons in the tangent plane, whose sides `regions` draws in pixels."""
    from regions import PixCoord, PolygonPixelRegion

    rng = np.random.default_rng(3)
    corners = np.array([(0.0, 0.0), (3.0, 0.5), (4.0, 3.0), (1.5, 1.8), (0.5, 4.0)])
    flat = PolygonPixelRegion(PixCoord(*corners.T))
    points = rng.uniform(-0.5, 4.5, (150, 2))
    want = flat.contains(PixCoord(*points.T)).astype(int)
    scale = 1e-4  # degrees: straight lines are great circles to 1e-12
    vertices = ", ".join(f"{float(10 + x * scale)!r}, {float(y * scale)!r}" for x, y in corners)
    texts = [
        f"CONTAINS(POINT({float(10 + x * scale)!r} + zero, {float(y * scale)!r}), POLYGON({vertices}))"
        for x, y in points
    ]
    assert list(row(service, *texts)) == want.tolist()


@pytest.mark.parametrize("lat", [0.0, 60.0, 89.0, 90.0, -90.0, -89.9])
def test_boxes_reach_to_the_ends_of_their_arms(service: Any, lat: float) -> None:
    """A cross of great circles with arms of 3 and 1 degrees; also where it holds a pole."""
    texts, want = [], []
    for lon in (0.0, 359.9, 210.0):
        centre = SkyCoord(lon * u.deg, lat * u.deg)
        for bearing, half in ((90, 1.5), (270, 1.5), (0, 0.5), (180, 0.5)):
            for factor, inside in ((0.999, 1), (1.001, 0)):
                at = centre.directional_offset_by(bearing * u.deg, half * factor * u.deg)
                texts.append(f"CONTAINS(POINT({number(at.ra.deg)}, {number(at.dec.deg)}), BOX({lon!r}, {lat!r}, 3, 1))")
                want.append(inside)
    assert list(row(service, *texts)) == want


# ------------------------------------------------- areas, centroids, relations


def test_areas_in_closed_form(service: Any) -> None:
    square = math.degrees(1) ** 2
    forms = {
        "AREA(POLYGON(zero, 0, 90, 0, 0, 90))": math.pi / 2 * square,
        "AREA(POLYGON(zero, 0, 0, 90, 90, 0))": math.pi / 2 * square,
        f"AREA(BOX(10 + zero, {number(-33.0)}, 3, 1))": 4 * math.asin(math.sin(math.radians(1.5)) * math.sin(math.radians(0.5))) * square,
        "AREA(BOX(0, 90, 60 * n, 60))": 4 * math.asin(math.sin(math.radians(30)) ** 2) * square,
        "AREA(CIRCLE(0, 0, 1e-5 * n))": math.pi * 1e-10,
        "AREA(CIRCLE(0, 0, 60 * n))": math.pi * square,
        "AREA(POLYGON(zero, 0, 1e-4, 0, 1e-4, 1e-4, 0, 1e-4))": 1e-8,
    }  # fmt: skip
    for got, want in zip(row(service, *forms), forms.values(), strict=True):
        assert got == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize("centre", [(0.0, 0.0), (359.99, 45.0), (123.0, 90.0), (10.0, -89.5)])
@pytest.mark.parametrize("size", [1e-4, 1.0, 40.0])
def test_the_centroid_of_a_regular_polygon_is_its_centre(
    service: Any, centre: tuple[float, float], size: float
) -> None:
    middle = SkyCoord(centre[0] * u.deg, centre[1] * u.deg)
    corners = [middle.directional_offset_by(angle * u.deg, size * u.deg) for angle in (0, 72, 144, 216, 288)]
    flat = ", ".join(f"{float(c.ra.deg)!r}, {float(c.dec.deg)!r} + zero" for c in corners)
    back = ", ".join(f"{float(c.ra.deg)!r}, {float(c.dec.deg)!r} + zero" for c in corners[::-1])
    for lon, lat in row(service, f"CENTROID(POLYGON({flat}))", f"CENTROID(POLYGON({back}))"):
        assert np.degrees(np.linalg.norm(vector(lon, lat) - vector(*centre))) < PRECISE


SHAPES = {
    # name: ADQL, a test of positions that is nothing but vectors
    "circle": ("CIRCLE(0 + zero, 0, 2)", lambda v: v[:, 0] >= math.cos(math.radians(2))),
    "far circle": ("CIRCLE(3.1, 0, 0.5 + 0 * n)", lambda v: v @ vector(3.1, 0) >= math.cos(math.radians(0.5))),
    "wide circle": ("CIRCLE(180, 0, 178.5 * n)", lambda v: v[:, 0] <= math.cos(math.radians(1.5))),
    "square": ("POLYGON(359, -1, 1, -1, 1, 1, 359, 1 + zero)", None),
    "box": ("BOX(1.5, zero, 2, 2)", None),
    "turned": ("POLYGON(zero, -2.5, 2.5, 0, 0, 2.5, 357.5, 0)", None),
    "octant": ("POLYGON(zero, 0, 90, 0, 0, 90)", None),
    "small": ("POLYGON(0.2, 0.2, 0.4, 0.2, 0.3, 0.4 + zero)", None),
    "elsewhere": ("BOX(100, 50, 3 * n, 3)", None),
}


def _held(service: Any, points: list[tuple[float, float]]) -> dict[str, np.ndarray]:
    vectors = np.array([vector(*point) for point in points])
    held = {}
    for name, (text, test) in SHAPES.items():
        texts = [f"CONTAINS(POINT({lon!r}, {lat!r}), {text})" for lon, lat in points]
        got = np.array(row(service, *texts)) == 1
        if test is not None:
            np.testing.assert_array_equal(got, test(vectors))  # type: ignore[no-untyped-call]
        held[name] = got
    return held


def test_relations_of_all_pairs_of_shapes_by_sampling(service: Any) -> None:
    """A common position proves INTERSECTS, a position of the one outside of the other disproves CONTAINS; and back."""
    steps = np.arange(-3.85, 4, 1.1).tolist()
    points = [(x, y) for x in steps for y in steps]
    points += [(45.0, 35.0), (100.0, 50.0), (181.0, 0.5), (0.0, 89.0), (0.3, 0.3), (2.3, 0.1), (0.95, 0.95), (3.3, 0.2)]
    points += [
        (1.35, 1.35),
        (0.1, 2.3),
        (-0.3, 0.9),
        (2.7, 0.1),
        (2.4, 0.9),
        (1.7, 0.4),
        (0.6, 0.1),
        (1.9, -0.4),
        (3.3, -0.2),
        (0.35, 0.25),
        (0.3, 0.9),
    ]
    held = _held(service, points)
    pairs = [(one, other) for one in SHAPES for other in SHAPES]
    texts = [f"{test}({SHAPES[a][0]}, {SHAPES[b][0]})" for a, b in pairs for test in ("CONTAINS", "INTERSECTS")]
    got = np.array(row(service, *texts)).reshape(-1, 2)
    for (a, b), (contains, intersects) in zip(pairs, got.tolist(), strict=True):
        assert intersects == int((held[a] & held[b]).any()), (a, b)
        assert contains == int(not (held[a] & ~held[b]).any()), (a, b)
