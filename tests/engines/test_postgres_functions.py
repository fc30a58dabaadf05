"""Functions of schema `nashira` against their Python originals on random and nasty values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nashira.engines import postgres_functions_healpix, postgres_functions_polygons, postgres_functions_shapes
from nashira.engines.postgres_functions import install, missing, names
from nashira.sphere import healpix
from nashira.sphere.cells import circle_cells
from nashira.sphere.coverage import healpix29
from nashira.sphere.functions import FUNCTIONS
from nashira.sphere.vectors import separation
from tests.postgres_server import PostgresServer

OWN = (
    *postgres_functions_healpix.STATEMENTS,
    *postgres_functions_polygons.STATEMENTS,
    *postgres_functions_shapes.STATEMENTS,
)
BY_NAME = {function.name: function for function in FUNCTIONS if f"nashira.{function.name}(" in "".join(OWN)}
ARROW = {
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE[]": pa.list_(pa.float64()),
    "DOUBLE[2]": pa.list_(pa.float64()),
    "DOUBLE[3]": pa.list_(pa.float64()),
}
SQL = {"DOUBLE": "float8", "INTEGER": "int4", "BIGINT": "int8"} | {f"DOUBLE[{n}]": "float8[]" for n in ("", 2, 3)}
TRANSITION = math.degrees(math.asin(2 / 3))
EDGES = [-90.0, 90.0, 0.0, -0.0, TRANSITION, -TRANSITION, 89.99999999999999, -89.99999999999999, 30.0, 5e-324, -5e-324]
LONGITUDES = [*map(float, range(-360, 721, 15)), 22.5, 359.99999999999994, 5e-324, -5e-324, 1e-300, -1e-20, 1e9]
IMPOSSIBLE = [math.nan, math.inf, -math.inf, 1e308, 90.00000000000001, -91.0, 400.0]

Call = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def connection(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.fresh().url, autocommit=True) as connection:
        install(connection)
        yield connection


@pytest.fixture(scope="module")
def call(connection: psycopg.Connection) -> Call:
    """Give call(name, rows): what PostgreSQL gives for each row of arguments."""

    def ask(name: str, rows: Sequence[tuple[object, ...]]) -> list[Any]:
        kinds = [SQL[kind] for kind in BY_NAME[name].parameters]
        arguments = ", ".join(f"%s::{kind}" for kind in kinds)
        found: list[Any] = []
        with connection.pipeline(), connection.cursor() as cursor:
            for row in rows:
                cursor.execute(f"SELECT nashira.{name}({arguments})", list(row), prepare=True)
                row_ = cursor.fetchone()
                assert row_ is not None
                found.append(row_[0])
        return found

    return ask


def original(name: str, rows: Sequence[tuple[object, ...]]) -> list[Any]:
    """What the Python function gives."""
    function = BY_NAME[name]
    columns = zip(*rows, strict=True)
    arrays = [pa.array(list(c), ARROW[kind]) for c, kind in zip(columns, function.parameters, strict=True)]
    with np.errstate(all="ignore"):
        return list(function.call(*arrays).to_pylist())


def same(name: str, call: Call, rows: Sequence[tuple[object, ...]], tolerance: float = 0.0) -> None:
    """Compare results row by row; numbers within a relative tolerance."""
    for row, ours, theirs in zip(rows, call(name, rows), original(name, rows), strict=True):
        if tolerance and theirs is not None and ours is not None:
            assert ours == pytest.approx(theirs, rel=tolerance, abs=tolerance), row
        else:
            assert ours == theirs, row


def test_all_functions_of_the_sphere_are_there(connection: psycopg.Connection) -> None:
    assert {function.name for function in FUNCTIONS} <= set(names())
    assert missing(connection) == ()
    install(connection)


def test_an_old_version_is_noticed_and_mended(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.fresh().url, autocommit=True) as connection:
        assert set(missing(connection)) == set(names())
        install(connection)
        assert missing(connection) == ()
        connection.execute("COMMENT ON SCHEMA nashira IS 'Functions of Nashira, version old'")
        assert "ns_healpix29" in missing(connection)
        install(connection)
        assert missing(connection) == ()
        connection.execute("DROP FUNCTION nashira.ns_box")
        assert missing(connection) == ("ns_box",)
        install(connection)
        assert missing(connection) == ()


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_null_in_any_argument_gives_null(call: Call, name: str) -> None:
    values: dict[str, object] = {"DOUBLE": 1.0, "INTEGER": 1, "BIGINT": 1, "DOUBLE[3]": [1.0, 2.0, 3.0]}
    row = [values.get(kind, [0.0, 0.0, 2.0, 0.0, 2.0, 2.0]) for kind in BY_NAME[name].parameters]
    assert call(name, [tuple(row)]) != [None]
    for place in range(len(row)):
        assert call(name, [(*row[:place], None, *row[place + 1 :])]) == [None]


# ------------------------------------------------------------------------------------------------ HEALPix


def positions(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random positions, centres and corners of cells, the poles, the lines where the projection changes."""
    rng = np.random.default_rng(7)
    lon, lat = healpix.centers(rng.integers(0, 12 << 20, 2000), 10)
    edges = [(x, y) for x in LONGITUDES for y in EDGES]
    step = 360 / (4 << 10)
    borders = rng.integers(0, 4 << 10, 2000) * step
    ra = np.concatenate((rng.uniform(0, 360, count), lon, [x for x, _ in edges], borders))
    heights = np.degrees(np.arcsin(np.round(rng.uniform(-1, 1, 2000) * 1024 * 1.5) / 1024 / 1.5))
    dec = np.concatenate((np.degrees(np.arcsin(rng.uniform(-1, 1, count))), lat, [y for _, y in edges], heights))
    return ra, dec


def many(connection: psycopg.Connection, expression: str, ra: np.ndarray, dec: np.ndarray) -> list[Any]:
    query = f"SELECT {expression} FROM unnest(%s::float8[], %s::float8[]) t(ra, de)"
    return [row[0] for row in connection.execute(query, (ra.tolist(), dec.tolist()))]


def test_cells_of_a_hundred_thousand_positions_are_the_same(connection: psycopg.Connection) -> None:
    ra, dec = positions(100_000)
    found = np.array(many(connection, "nashira.ns_healpix29(ra, de)", ra, dec))
    wrong = np.flatnonzero(found != healpix29(ra, dec))
    assert [(ra[i], dec[i]) for i in wrong[:5]] == []


def test_impossible_positions_have_no_cell(call: Call) -> None:
    same("ns_healpix29", call, [(x, y) for x in IMPOSSIBLE[:3] for y in EDGES] + [(1.0, y) for y in IMPOSSIBLE])


def test_centres_of_cells(call: Call) -> None:
    rng = np.random.default_rng(3)
    rows = [(order, int(rng.integers(0, 12 << 2 * order))) for order in range(30) for _ in range(20)]
    rows += [(order, cell) for order in (0, 1) for cell in range(12 << 2 * order)]
    for (ra, dec), (lon, lat) in zip(call("ns_healpix_center", rows), original("ns_healpix_center", rows), strict=True):
        assert separation(ra, dec, lon, lat) < 1e-12
    same("ns_healpix_center", call, [(30, 0), (-1, 0), (0, 12), (0, -1), (29, 12 << 58)])


def test_cells_around_positions_are_those_of_the_original(call: Call) -> None:
    rng = np.random.default_rng(5)
    ra, dec = positions(300)
    radius = 10 ** rng.uniform(-7, 2.2, len(ra))
    order = np.clip(np.floor(np.log2(58.6 / 2 / radius)), 0, 20).astype(int) + rng.integers(0, 3, len(ra))
    order[radius < 0.1] = np.minimum(order[radius < 0.1], 14)
    picked = np.concatenate((np.arange(300), rng.integers(300, len(ra), 900)))
    rows = [(float(ra[i]), float(dec[i]), float(radius[i]), int(order[i])) for i in picked if order[i] <= 14]
    for row, found in zip(rows, call("ns_cells", rows), strict=True):
        wanted, _ = circle_cells(np.array([row[0]]), np.array([row[1]]), np.array([row[2]]), row[3])
        assert isinstance(found, list)
        assert len(set(found)) == len(found), row
        assert set(wanted.tolist()) <= set(found), row
        assert len(found) <= len(wanted) + 4, row


def test_every_point_in_a_circle_lies_in_one_of_its_cells(connection: psycopg.Connection, call: Call) -> None:
    rng = np.random.default_rng(11)
    for ra, dec in [(0.0, 90.0), (45.0, TRANSITION), (359.999, -TRANSITION), (90.0, 0.0), (0.0, 0.0), (12.0, -89.99)]:
        for radius, order in [(0.01, 10), (0.5, 6), (3.0, 3), (20.0, 2), (60.0, 1), (1e-4, 12), (0.1, 8)]:
            (cells,) = call("ns_cells", [(ra, dec, radius, order)])
            angle, turn = radius * np.sqrt(rng.uniform(0, 1, 400)), rng.uniform(0, 2 * np.pi, 400)
            lon, lat = _moved(ra, dec, angle, turn)
            inside = separation(lon, lat, ra, dec) <= radius
            found = healpix29(lon[inside], lat[inside]) >> 2 * (29 - order)
            assert set(found.tolist()) <= set(cells)


def _moved(ra: float, dec: float, angle: np.ndarray, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, t, d = np.radians(angle), turn, math.radians(dec)
    lat = np.arcsin(np.clip(np.sin(d) * np.cos(a) + np.cos(d) * np.sin(a) * np.cos(t), -1, 1))
    lon = np.arctan2(np.sin(t) * np.sin(a) * np.cos(d), np.cos(a) - np.sin(d) * np.sin(lat))
    return (ra + np.degrees(lon)) % 360, np.degrees(lat)


def test_impossible_circles_have_no_cells(call: Call) -> None:
    rows = [
        (1.0, 91.0, 1.0, 3),
        (math.nan, 0.0, 1.0, 3),
        (1.0, 1.0, -1.0, 3),
        (1.0, 1.0, math.nan, 3),
        (1.0, 1.0, 1.0, -1),
    ]
    same("ns_cells", call, rows)


@pytest.mark.parametrize(
    ("row", "text"), [((1.0, 2.0, 0.1, 40), "between 0 and 29"), ((1.0, 2.0, 90.0, 20), "lower order")]
)
def test_orders_that_make_no_sense_are_errors(
    connection: psycopg.Connection, row: tuple[float, ...], text: str
) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match=text):
        connection.execute("SELECT nashira.ns_cells(%s, %s, %s, %s)", row)


# ------------------------------------------------------------------------------------------------ shapes


def polygons() -> list[list[float]]:
    """Small, large, thin, polar, reversed, self-crossing, degenerate and impossible polygons."""
    rng = np.random.default_rng(2)
    found: list[list[float]] = []
    for size in (1e-6, 1e-3, 0.1, 3.0, 30.0, 80.0):
        for _ in range(6):
            ra, dec = rng.uniform(0, 360), math.degrees(math.asin(rng.uniform(-1, 1)))
            turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
            lon, lat = _moved(ra, dec, size * rng.uniform(0.3, 1, len(turns)), turns)
            vertices = np.stack((lon, lat), axis=-1)
            found.append((vertices if rng.uniform() < 0.5 else vertices[::-1]).ravel().tolist())
    found += [
        [0, 0, 2, 0, 2, 2],
        [350, -5, 10, -5, 10, 5, 350, 5],
        [0, 89, 120, 89, 240, 89],
        [0, -89, 240, -89, 120, -89],
        [0, 1, 90, 1, 180, 1, 270, 1],
        [0, 10, 90, -5, 180, 10, 270, -5],
        [0, 0, 2, 2, 2, 0, 0, 2],
        [0, 0, 1, 0, 2, 0],
        [5, 5, 5, 5, 5, 5],
        [0, 0, 2, 0, 2, 2, 0, 0],
        [0, 0, 5e-324, 0, 0, 5e-324],
        [0, 0, 1e-200, 0, 0, 1e-200],
    ]
    return [[float(x) for x in polygon] for polygon in found]


SQUARE = [0.0, 0.0, 2.0, 0.0, 2.0, 2.0]
NO_POLYGONS: list[list[Any]] = [[], [1.0], [1.0, 2.0, 3.0, 4.0], SQUARE[:5], [*SQUARE[:5], 91.0]]
NO_POLYGONS += [[*SQUARE[:5], math.nan], [math.inf, *SQUARE[1:]], [0.0, None, *SQUARE[2:]]]


def near(polygon: list[float]) -> list[tuple[float, float]]:
    """Positions in and around a polygon: random, its corners, points of its sides, the poles."""
    rng = np.random.default_rng(len(polygon))
    lon, lat = np.array(polygon[0::2]), np.array(polygon[1::2])
    weights = rng.dirichlet(np.ones(len(lon)), 15)
    points = [(float(x), float(y)) for x, y in zip(weights @ lon, weights @ lat, strict=True)]
    points += list(zip(polygon[0::2], polygon[1::2], strict=True))
    far, near_ = zip(rng.uniform(0, 360, 5), np.degrees(np.arcsin(rng.uniform(-1, 1, 5))), strict=True), [(0.0, 90.0)]
    return points + [(float(x), float(y)) for x, y in far] + near_


def test_points_in_polygons(call: Call) -> None:
    rows = [(x, y, polygon) for polygon in polygons() for x, y in near(polygon)]
    same("ns_point_in_polygon", call, rows)
    same("ns_point_in_polygon", call, [(1.0, 1.0, polygon) for polygon in NO_POLYGONS])
    same("ns_point_in_polygon", call, [(x, 1.0, SQUARE) for x in IMPOSSIBLE])
    same("ns_point_in_polygon", call, [(1.0, x, SQUARE) for x in IMPOSSIBLE])


def test_a_constant_polygon_is_prepared_once_a_query(connection: psycopg.Connection) -> None:
    query = "EXPLAIN (VERBOSE) SELECT nashira.ns_point_in_polygon(x, 1, ARRAY[0, 0, 2, 0, 2, 2]::float8[]) FROM {}"
    plan = connection.execute(query.format("unnest(ARRAY[1, 3]::float8[]) x")).fetchall()
    assert "ns_position_in_prepared" in str(plan)
    assert "ns_prepared(" not in str(plan)


def test_areas_and_centroids(call: Call) -> None:
    proper = [(p,) for p in polygons() if len(set(zip(p[::2], p[1::2], strict=True))) > 2][:-2]
    same("ns_polygon_area", call, proper, 1e-9)
    for row, ours, theirs in zip(
        proper, call("ns_polygon_centroid", proper), original("ns_polygon_centroid", proper), strict=True
    ):
        if original("ns_polygon_area", [row])[0] > 1e-12:
            assert separation(*ours, *theirs) < 1e-7, row
    same("ns_polygon_area", call, [(p,) for p in NO_POLYGONS])
    same("ns_polygon_centroid", call, [(p,) for p in NO_POLYGONS])


CIRCLES = [[0.0, 0.0, 1.0], [1.5, 0.5, 0.1], [10.0, 90.0, 0.5], [0.0, 0.0, 0.0], [0.0, 0.0, 180.0], [5.0, 5.0, 120.0]]
NO_CIRCLES: list[list[Any]] = [
    [],
    [1.0, 2.0],
    [0.0, 91.0, 1.0],
    [0.0, 0.0, -1.0],
    [0.0, None, 1.0],
    [0.0, 0.0, math.nan],
]


@pytest.mark.parametrize("name", ["ns_circle_in_polygon", "ns_polygon_in_circle", "ns_circle_meets_polygon"])
def test_circles_and_polygons(call: Call, name: str) -> None:
    pairs: list[tuple[object, object]] = [(circle, polygon) for circle in CIRCLES for polygon in polygons()]
    pairs += [([*polygon[:2], size], polygon) for polygon in polygons() for size in (0.01, 1.0, 100.0)]
    pairs += [(circle, polygons()[0]) for circle in NO_CIRCLES] + [(CIRCLES[0], polygon) for polygon in NO_POLYGONS]
    swapped = [(polygon, circle) for circle, polygon in pairs]
    same(name, call, swapped if name == "ns_polygon_in_circle" else pairs)


@pytest.mark.parametrize("name", ["ns_polygon_in_polygon", "ns_polygon_meets_polygon"])
def test_pairs_of_polygons(call: Call, name: str) -> None:
    some = polygons()
    rng = np.random.default_rng(9)
    pairs: list[tuple[object, object]] = [(some[i], some[j]) for i, j in rng.integers(0, len(some), (400, 2)).tolist()]
    squares = [
        [x - s, y - s, x + s, y - s, x + s, y + s, x - s, y + s]
        for x, y in ((1, 1), (2, 2), (1, 3))
        for s in (0.5, 1, 2)
    ]
    pairs += [(a, b) for a in squares for b in squares]
    pairs += [(some[0], polygon) for polygon in NO_POLYGONS] + [(polygon, some[0]) for polygon in NO_POLYGONS]
    same(name, call, pairs)


def test_boxes(call: Call) -> None:
    rng = np.random.default_rng(4)
    rows = [tuple(map(float, row)) for row in rng.uniform((0, -90, 0, 0), (360, 90, 179, 179), (200, 4))]
    rows += [(0.0, 90.0, 1.0, 1.0), (0.0, -90.0, 0.0, 0.0), (10.0, 10.0, 180.0, 1.0), (1.0, 1.0, -1.0, 1.0)]
    rows += [(x, 1.0, 1.0, 1.0) for x in IMPOSSIBLE[:3]] + [(1.0, x, 1.0, 1.0) for x in IMPOSSIBLE]
    rows += [(1.0, 1.0, math.nan, 1.0), (1.0, 1.0, 1.0, math.inf)]
    same("ns_box", call, rows, 1e-12)


# ------------------------------------------------------------------------------------------------ frames and motion


def test_positions_at_other_epochs(call: Call) -> None:
    rng = np.random.default_rng(6)
    low, high = (0, -90, 0, -5000, -5000, -300, 1990, 1900), (360, 90, 800, 5000, 5000, 300, 2016, 12000)
    rows = [tuple(map(float, row)) for row in rng.uniform(low, high, (300, 8))]
    rows += [(10.0, 20.0, 0.0, 0.0, 0.0, 0.0, 2000.0, 2000.0), (0.0, 90.0, 1.0, 1e10, 1e10, 1.0, 0.0, 1e6)]
    for row, ours, theirs in zip(
        rows, call("ns_epoch_prop_pos", rows), original("ns_epoch_prop_pos", rows), strict=True
    ):
        assert separation(*ours, *theirs) < 1e-11, row
    base = (10.0, 20.0, 1.0, 1.0, 1.0, 1.0, 2000.0, 2010.0)
    same("ns_epoch_prop_pos", call, [(*base[:k], math.nan, *base[k + 1 :]) for k in range(8)])
    same("ns_epoch_prop_pos", call, [(*base[:k], 5e-324, *base[k + 1 :]) for k in range(2, 6)], 1e-12)
    assert None not in call("ns_epoch_prop_pos", [(*base[:k], 1e-300, *base[k + 1 :]) for k in range(8)])
    call("ns_epoch_prop_pos", [(*base[:k], 1e308, *base[k + 1 :]) for k in range(8)])


def test_all_that_moves_at_other_epochs(call: Call) -> None:
    rng = np.random.default_rng(10)
    low, high = (0, -90, 0.1, -5000, -5000, -300, 1990, 1900), (360, 90, 800, 5000, 5000, 300, 2016, 12000)
    rows = [tuple(map(float, row)) for row in rng.uniform(low, high, (300, 8))]
    rows += [(10.0, 20.0, 0.0, 5.0, 5.0, 7.0, 2000.0, 2100.0), (0.0, 90.0, 1.0, 10.0, 10.0, 1.0, 0.0, 1e3)]
    same("ns_epoch_prop", call, rows, 1e-8)
    base = (10.0, 20.0, 1.0, 1.0, 1.0, 1.0, 2000.0, 2010.0)
    same("ns_epoch_prop", call, [(*base[:k], math.nan, *base[k + 1 :]) for k in range(8)])


def test_rotations(call: Call) -> None:
    rng = np.random.default_rng(8)
    rows = [
        (i, j, float(x), float(y))
        for i in range(6)
        for j in range(6)
        for x, y in rng.uniform((0, -90), (360, 90), (8, 2))
    ]
    rows += [(0, 0, 0.0, 90.0), (0, 3, 0.0, -90.0), (3, 0, 5e-324, 1e-300)]
    for row, ours, theirs in zip(rows, call("ns_rotate", rows), original("ns_rotate", rows), strict=True):
        assert separation(*ours, *theirs) < 1e-12, row
    same("ns_rotate", call, [(6, 0, 1.0, 1.0), (0, -1, 1.0, 1.0), (0, 1, math.nan, 1.0), (0, 1, 1.0, 91.0)])
    same("ns_rotate_polygon", call, [(0, 3, polygon) for polygon in polygons()[:10]], 1e-9)
    same("ns_rotate_polygon", call, [(0, 3, polygon) for polygon in NO_POLYGONS], 1e-12)


finite = st.floats(allow_nan=True, allow_infinity=True, width=64)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(finite, finite, finite, finite), min_size=1, max_size=5))
def test_no_number_is_an_error(call: Call, rows: list[tuple[float, float, float, float]]) -> None:
    call("ns_healpix29", [row[:2] for row in rows])
    call("ns_box", rows)
    call("ns_rotate", [(0, 3, *row[:2]) for row in rows])
    call("ns_cells", [(*row[:3], 0) for row in rows])
    flat = [x for row in rows for x in row] + [0.0, 1.0]
    call("ns_polygon_area", [(flat,)])
    call("ns_polygon_centroid", [(flat,)])
    call("ns_point_in_polygon", [(*row[:2], flat) for row in rows])
    call("ns_circle_meets_polygon", [([*row[:3]], flat) for row in rows])
    call("ns_polygon_meets_polygon", [(flat, SQUARE)])
    call("ns_epoch_prop_pos", [(*row, *row) for row in rows])
    call("ns_epoch_prop", [(*row, *row) for row in rows])
