"""Coverage maps and regions of any shape in PostgreSQL against their Python originals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from nashira.engines.postgres_functions import install
from nashira.sphere.functions_regions import REGION_FUNCTIONS
from tests.postgres_server import PostgresServer

FUNCTIONS = {function.name: function for function in REGION_FUNCTIONS}
ARROW = {"DOUBLE": pa.float64(), "INTEGER": pa.int32(), "BIGINT": pa.int64(), "VARCHAR": pa.string()}
ARROW["DOUBLE[]"] = pa.list_(pa.float64())
SQL = {"DOUBLE": "float8", "INTEGER": "int4", "BIGINT": "int8", "VARCHAR": "text", "DOUBLE[]": "float8[]"}

MAPS = [
    "4/13 17-18 5/8", "3/300-320 6/", "1/1 2 4 2/12-14 21 23 25 8/", "6/", "0/0-11", "0/11 29/0-3", "s3/4", "0/4",
    "2/64-79", "", "x", "4/13-", "0/12", "3", "5/3-2", "29/9999999999999999999999", "30/1", " 2/1\n\t3/4,5",
    "29/3458764513820540927",
]  # fmt: skip
TEXTS = [
    "Circle ICRS 10 20 0.5", "POLYGON ICRS 1 2 3 4 5 3", "Position 10 20", "box icrs 10 20 2 2",
    "Circle GALACTIC 0 0 1", "union icrs (circle 10 20 1 polygon 1 2 3 4 5 3)", "", "ellipse 1 2 3 4 5",
    "UNION ICRS TOPOCENTER (Circle 1 2 3, Box 10 -10 1 1)", "Circle 1 2", "Polygon ICRS 1 2 3 4 5",
    "not (circle 1 2 3)", "Circle ICRS 1 95 2", "box 1 2 300 2", "Circle ICRS 1 2 3 unit deg",
    "circle fillfactor 1.0 fk5 geocenter 1 2 3", "circle 1e1 -2.5E-3 .5", "union (circle 1 2 3 foo 1 2)",
    "union galactic (circle 0 0 1 circle icrs 5 6 1)", "circle 1e999 2 3", "point 1 2", "polygon galactic 1 2 3 4 5 3",
]  # fmt: skip
SHAPES: list[list[float]] = [
    [45.0, 0.0], [10.0, 20.0, 0.5], [45.0, 0.0, 10.0], [0.0, 90.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0, 3.0],
    [40.0, -5.0, 50.0, -5.0, 50.0, 5.0, 40.0, 5.0], [350.0, -3.0, 10.0, -3.0, 0.0, 8.0], [5.0, 6.0, 180.0],
    [0.0, 80.0, 120.0, 80.0, 240.0, 80.0], [10.0, 20.0, 1.0, float("nan"), 1.0, 2.0, 3.0, 4.0, 5.0, 3.0],
    [1.0, 95.0, 2.0], [1.0, 2.0, 3.0, 4.0], [45.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0, 5.0],
]  # fmt: skip


@pytest.fixture(scope="module")
def connection(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.fresh().url, autocommit=True) as connection:
        install(connection)
        yield connection


def both(connection: psycopg.Connection, name: str, rows: list[tuple[Any, ...]]) -> Iterator[tuple[Any, Any, Any]]:
    """Give each row with what PostgreSQL and Python make of it."""
    function = FUNCTIONS[name]
    columns = [
        pa.array(column, ARROW[kind]) for column, kind in zip(zip(*rows, strict=True), function.parameters, strict=True)
    ]
    expected = function.call(*columns).to_pylist()
    arguments = ", ".join(f"%s::{SQL[kind]}" for kind in function.parameters)
    for row, there in zip(rows, expected, strict=True):
        found = connection.execute(f"SELECT nashira.{name}({arguments})", row).fetchone()
        assert found is not None
        yield row, found[0], there


def check(connection: psycopg.Connection, name: str, rows: list[tuple[Any, ...]]) -> None:
    for row, found, expected in both(connection, name, rows):
        if isinstance(expected, list | float) and found is not None:
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-10, err_msg=f"{name}{row}")
        else:
            assert found == expected, (name, row)


def test_texts_of_regions(connection: psycopg.Connection) -> None:
    check(connection, "ns_region", [(text,) for text in TEXTS])


def test_maps(connection: psycopg.Connection) -> None:
    check(connection, "ns_moc_area", [(text,) for text in MAPS])
    cells = [0, 1, 2**57, 12 * 4**29 - 1, -1, 4 << 58]
    check(connection, "ns_moc_has", [(text, cell) for text in MAPS for cell in cells])
    for name in ("ns_moc_in_moc", "ns_mocs_meet", "ns_moc_union", "ns_moc_intersection"):
        check(connection, name, [(one, other) for one in MAPS[:10] for other in MAPS[:11]])


def test_random_maps(connection: psycopg.Connection) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        depth = int(rng.integers(1, 30))
        most = 12 * 4**depth
        cells = (f"{a}-{min(a + int(rng.integers(1, 40)), most - 1)}" for a in rng.integers(0, most, 6).tolist())
        check(connection, "ns_moc_union", [(f"{depth}/" + " ".join(cells), "3/4 5/7")])


def test_relations_of_shapes(connection: psycopg.Connection) -> None:
    check(connection, "ns_shape_area", [(shape,) for shape in SHAPES])
    check(connection, "ns_shape_centroid", [(shape,) for shape in SHAPES])
    check(connection, "ns_point_in_shape", [(lon, 1.0, shape) for lon in (2.0, 45.0, 400.0) for shape in SHAPES])
    for name in ("ns_shapes_meet", "ns_shape_in_shape"):
        check(connection, name, [(one, other) for one in SHAPES for other in SHAPES])


def test_shapes_and_maps(connection: psycopg.Connection) -> None:
    maps = ["0/4", "2/64-79", "0/0-11", "4/1088 1090", "6/", "x", "6/19863", "3/310", "0/0-3 5-11"]
    check(connection, "ns_moc_of_point", [(k, 10.0, d) for k in (0, 6, 29, 30, -1) for d in (20.0, 95.0)])
    check(connection, "ns_moc_of_shape", [(k, shape) for k in (0, 4) for shape in SHAPES])
    check(connection, "ns_moc_of_shape", [(9, [10.0, 20.0, 0.05]), (29, [10.0, 20.0, 1e-7])])
    check(connection, "ns_shape_meets_moc", [(shape, one) for shape in SHAPES for one in maps])
    check(connection, "ns_shape_in_moc", [(shape, one) for shape in SHAPES for one in maps])
    check(connection, "ns_moc_in_shape", [(one, shape) for shape in SHAPES for one in maps])
