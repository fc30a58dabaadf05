"""Coverage maps against mocpy: texts, sets, coverage of circles and polygons, positions; and relations with regions."""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import Angle, Latitude, Longitude, SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st
from mocpy import MOC

from nashira.sphere import compounds, healpix, moc_text, mocs
from nashira.sphere.functions import FUNCTIONS
from nashira.sphere.regions import Circle, Point, Polygon, Range
from nashira.sphere.stcs import parse

CALL = {function.name: function.call for function in FUNCTIONS}
KINDS = {"VARCHAR": pa.string(), "DOUBLE": pa.float64(), "INTEGER": pa.int32(), "BIGINT": pa.int64()}
KINDS["DOUBLE[]"] = pa.list_(pa.float64())


def call(name: str, *rows: Any) -> Any:
    """One value from one row of arguments."""
    function = next(f for f in FUNCTIONS if f.name == name)
    columns = (pa.array([value], KINDS[kind]) for value, kind in zip(rows, function.parameters, strict=True))
    return function.call(*columns)[0].as_py()


def cone(lon: float, lat: float, radius: float, order: int) -> MOC:
    return MOC.from_cone(
        lon=Longitude(lon, u.deg),
        lat=Latitude(lat, u.deg),
        radius=Angle(radius, u.deg),
        max_depth=order,
    )


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("4/13 17-18 5/8", "4/13 17-18 5/8"),
        ("3/300-320 6/", "1/19 2/75 3/320 6/"),
        ("1/1 2 4 2/12-14 21 23 25 8/", "1/1-2 4 2/12-14 21 23 25 8/"),
        ("s6/7\n\t2/3,4", "2/3-4 6/7"),
        ("2/3 3/12", "2/3 3/"),
        ("0/0-11", "0/0-11"),
        ("6/", "6/"),
    ],
)
def test_texts_become_canonical(text: str, canonical: str) -> None:
    assert moc_text.write(moc_text.one(text)).to_pylist() == [canonical]


@pytest.mark.parametrize("text", ["", "x", "4/13-", "0/12", "3", "5/3-2", "30/1", "29/99999999999999999999", "-1/2"])
def test_other_texts_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="coverage map"):
        moc_text.one(text)


@given(st.text(alphabet="0123456789/- st,\n", max_size=30))
def test_any_text_is_a_map_or_none(text: str) -> None:
    maps, good = moc_text.read(pa.array([text, "3/4", text]))
    assert good.tolist() == [good[0], True, good[0]]
    assert len(maps.counts) == 3
    again, fine = moc_text.read(moc_text.write(maps))
    assert fine.all()
    assert (again.lows.tolist(), again.highs.tolist()) == (maps.lows.tolist(), maps.highs.tolist())


@st.composite
def maps(draw: st.DrawFn) -> str:
    """Texts as mocpy reads them: no cell twice."""
    order = draw(st.integers(0, 29))
    most = 12 * 4**order
    drawn = draw(st.lists(st.tuples(st.integers(0, most - 1), st.integers(0, 20)), min_size=1, max_size=12))
    cells = {cell for low, more in drawn for cell in range(low, min(low + more + 1, most))}
    return f"{order}/" + " ".join(map(str, sorted(cells)))


@given(maps(), maps())
@settings(deadline=None, max_examples=50)
def test_sets_as_mocpy(one: str, other: str) -> None:
    left, right = MOC.from_string(one), MOC.from_string(other)
    for name, wanted in (("ns_moc_union", left.union(right)), ("ns_moc_intersection", left.intersection(right))):
        found = MOC.from_string(call(name, one, other))
        np.testing.assert_array_equal(found.to_depth29_ranges, wanted.to_depth29_ranges)
    meets = len(left.intersection(right).to_depth29_ranges) > 0
    assert call("ns_mocs_meet", one, other) == meets
    shared = left.intersection(right).to_depth29_ranges
    assert call("ns_moc_in_moc", one, other) == np.array_equal(shared, left.to_depth29_ranges)
    assert call("ns_moc_area", one) == pytest.approx(left.sky_fraction * mocs.SKY_DEG2, rel=1e-9, abs=1e-5)
    inverse = mocs.complement(moc_text.one(one))
    assert inverse.area_deg2()[0] == pytest.approx((1 - left.sky_fraction) * mocs.SKY_DEG2, rel=1e-9, abs=1e-5)


@given(st.floats(0, 360), st.floats(-90, 90), st.floats(-1.5, 1.9), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_coverage_of_circles(lon: float, lat: float, size: float, deeper: int) -> None:
    """No position of the circle is missing, and no cell is there that is far from it."""
    radius = 10.0**size
    order = min(10, max(0, int(np.log2(58.6 / radius)) + deeper))
    found = MOC.from_string(call("ns_moc_of_shape", order, [lon, lat, radius]))
    middle = SkyCoord(lon, lat, unit="deg")
    rng = np.random.default_rng(1)
    away = middle.directional_offset_by(
        rng.uniform(0, 360, 300) * u.deg, radius * np.sqrt(rng.uniform(0, 1, 300)) * u.deg
    )
    assert found.contains_skycoords(away).all()
    cells = found.degrade_to_order(order).flatten() if found.max_order > order else found.flatten()
    centers = SkyCoord(*healpix.centers(np.asarray(cells, dtype=np.int64), order), unit="deg")
    reach = np.degrees(healpix.cell_radius_rad(order)) * 1.26
    assert (centers.separation(middle).deg <= radius + reach).all()


@given(st.floats(0, 360), st.floats(-80, 80), st.floats(-1, 1), st.integers(3, 7))
@settings(max_examples=40, deadline=None)
def test_coverage_of_polygons(lon: float, lat: float, size: float, corners: int) -> None:
    """Not less than mocpy's, and at most the cells around its border more."""
    middle = SkyCoord(lon, lat, unit="deg")
    ring = middle.directional_offset_by(np.linspace(0, 360, corners, endpoint=False) * u.deg, 10.0**size * u.deg)
    order = min(10, int(np.log2(58.6 / 10.0**size)) + 3)
    flat = np.stack((ring.ra.deg, ring.dec.deg), axis=-1).ravel().tolist()
    found = MOC.from_string(call("ns_moc_of_shape", order, flat))
    wanted = MOC.from_polygon_skycoord(ring, max_depth=order)
    missing = wanted.intersection(found.complement())
    # mocpy also takes cells whose neighbours the border touches: what is missing here must not touch the polygon
    for cell in missing.flatten() if not missing.empty() else ():
        lon_, lat_ = healpix.centers(np.array([cell]), missing.max_order)
        assert not call("ns_point_in_shape", float(lon_[0]), float(lat_[0]), flat)
    assert found.sky_fraction <= wanted.sky_fraction * 1.6


def test_positions_as_mocpy() -> None:
    wanted = cone(350, -60, 25, 8)
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(0, 360, 3000), np.degrees(np.arcsin(rng.uniform(-1, 1, 3000)))
    cells = CALL["ns_healpix29"](pa.array(lon), pa.array(lat))
    text = pa.array([wanted.to_string()] * len(lon))
    found = CALL["ns_moc_has"](text, cells).to_numpy(zero_copy_only=False)
    np.testing.assert_array_equal(found, wanted.contains_lonlat(lon * u.deg, lat * u.deg))


CIRCLES = st.tuples(st.floats(0, 360), st.floats(-90, 90), st.floats(0.01, 60))


@given(CIRCLES, st.integers(0, 6), CIRCLES)
@settings(max_examples=60, deadline=None)
def test_regions_and_maps_agree_with_their_positions(
    circle: tuple[float, float, float], order: int, other: tuple[float, float, float]
) -> None:
    """A map of a circle holds it; a region that lies in a map shares all its positions with it."""
    flat = list(circle)
    own = call("ns_moc_of_shape", order, flat)
    assert call("ns_shape_in_moc", flat, own)
    assert call("ns_shape_meets_moc", flat, own)
    assert not call("ns_moc_in_shape", own, flat)
    grown = [circle[0], circle[1], circle[2] + 2.6 * np.degrees(healpix.cell_radius_rad(order))]
    assert call("ns_moc_in_shape", own, grown)
    apart = SkyCoord(*circle[:2], unit="deg").separation(SkyCoord(*other[:2], unit="deg")).deg
    if apart < circle[2] + other[2]:
        assert call("ns_shape_meets_moc", list(other), own)
    if apart > grown[2] + other[2]:
        assert not call("ns_shape_meets_moc", list(other), own)
        assert not call("ns_shape_in_moc", list(other), own)


@pytest.mark.parametrize(
    ("one", "other", "inside", "meeting"),
    [
        ("Circle 10 10 1", "Union (Circle 10 10 0.9 Circle 10 10 2)", True, True),
        ("Circle 10 10 1", "Not (Circle 10 10 0.5)", False, True),
        ("Circle 10 10 1", "Not (Circle 50 10 5)", True, True),
        ("Circle 10 10 1", "Difference (Circle 10 10 5 Circle 10 10 2)", False, False),
        ("Circle 10 13.5 1", "Difference (Circle 10 10 5 Circle 10 10 2)", True, True),
        ("Circle 10 0 1", "Union (Polygon 0 -5 10.5 -5 10.5 5 0 5 Polygon 9.5 -5 20 -5 20 5 9.5 5)", True, True),
        ("Intersection (Circle 1 2 3 Circle 30 40 2)", "Circle 100 0 1", True, False),
        ("Intersection (Circle 10 10 3 Circle 12 10 3)", "Circle 11 10 4", True, True),
        ("Union (Position 1 2 Circle 10 10 1)", "Circle 5 5 20", True, True),
    ],
)
def test_fixed_compounds(one: str, other: str, inside: bool, meeting: bool) -> None:
    assert compounds.lies_in(parse(one), parse(other)) == inside
    assert compounds.meet(parse(one), parse(other)) == meeting


def test_intervals_have_no_depth() -> None:
    with pytest.raises(compounds.Undecided):
        compounds.meet(Range(1, 2, 3, 4), Circle(1, 2, 3))


@given(CIRCLES, CIRCLES)
@settings(max_examples=40, deadline=None)
def test_simple_regions_as_formulas_say(one: tuple[float, float, float], other: tuple[float, float, float]) -> None:
    apart = SkyCoord(*one[:2], unit="deg").separation(SkyCoord(*other[:2], unit="deg")).deg
    if abs(apart - one[2] - other[2]) > 1e-6:
        assert compounds.meet(Circle(*one), Circle(*other)) == (apart < one[2] + other[2])
    if abs(apart + one[2] - other[2]) > 1e-6:
        assert compounds.lies_in(Circle(*one), Circle(*other)) == (apart + one[2] < other[2])
    assert compounds.lies_in(Point(*one[:2]), Circle(*one))
    assert compounds.meet(Polygon(((0, 0), (10, 0), (5, 8))), Circle(5, 2, 1))
