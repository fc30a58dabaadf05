"""Geometries as values of columns: every pair of kinds in CONTAINS and INTERSECTS, properties, NULLs, types of results.

What is expected comes from convex polygons as half-spaces and circles as angles, computed here with NumPy alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.adql.translate import translate
from nashira.config.errors import AdqlTypeError, Unsupported
from nashira.schema.model import Catalog, Column, Files, Partition, Schema, Table
from nashira.schema.types import CIRCLE, LONG, MOC, POINT, POLYGON, REGION, STRING, VOType, arrow_type
from nashira.sphere.functions import FUNCTIONS

SQUARE = [8.0, 8.0, 12.0, 8.0, 12.0, 12.0, 8.0, 12.0]
KINDS: dict[str, tuple[VOType, list[Any]]] = {
    "p": (POINT, [[10.0, 10.0], [359.5, 0.5], [123.0, -89.5], None]),
    "p4": (VOType("float", "2", "point"), [[10.0, 10.0], [359.5, 0.5], [123.0, -89.5], None]),
    "c": (CIRCLE, [[10.0, 10.0, 1.0], [0.0, 0.0, 2.0], [0.0, -90.0, 1.0], None]),
    "g": (POLYGON, [SQUARE, [358.0, -2.0, 2.0, -2.0, 0.0, 3.0], [0.0, -88.0, 240.0, -88.0, 120.0, -88.0], None]),
    "g8": (VOType("double", "8", "polygon"), [SQUARE, SQUARE[::-1], SQUARE, None]),
    "t": (
        REGION,
        ["Circle ICRS 10 10 1", "POLYGON ICRS 358 -2 2 -2 0 3", "Union (Circle 0 -90 1 Circle 50 0 1)", None],
    ),
    "tp": (
        VOType("char", "*", "adql:POINT"),
        ["Position ICRS 10 10", "POSITION 359.5 0.5", "Position 123 -89.5", None],
    ),
    "m": (MOC, ["6/19543", "3/304 0/4", "0/8-11", None]),
}
S_REGION = Column(
    "s_region", STRING, utype="obscore:Char.SpatialAxis.Coverage.Support.Area", ucd="pos.outline;obs.field"
)
COLUMNS = (Column("id", LONG), *(Column(name, kind) for name, (kind, _) in KINDS.items()), S_REGION)


class Shapes:
    """A table of one row per region, and the sky seen through NumPy."""

    def __init__(self, folder: Path) -> None:
        rows = {"id": pa.array([1, 2, 3, 4])}
        rows |= {name: pa.array(values, arrow_type(kind)) for name, (kind, values) in KINDS.items()}
        rows["s_region"] = pa.array(KINDS["t"][1])
        pq.write_table(pa.table(rows), folder / "shapes.parquet")
        files = Files((Partition(str(folder / "shapes.parquet"), 4),))
        self.catalog = Catalog((Schema("a", (Table("a", "shapes", COLUMNS, files),)),))
        self.con = duckdb.connect(config={"threads": 1})
        for f in FUNCTIONS:
            self.con.create_function(  # type: ignore[call-overload]
                f.name, f.call, list(f.parameters), f.returns, type="arrow", null_handling="special"
            )

    def column(self, expression: str) -> list[Any]:
        made = translate(f"SELECT {expression} AS x FROM a.shapes ORDER BY id", self.catalog)
        result = self.con.sql(made.sql).to_arrow_table()
        assert result.schema.types == [arrow_type(column.type) for column in made.columns]
        values: list[Any] = result.column(0).to_pylist()
        return values


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shapes]:
    made = Shapes(tmp_path_factory.mktemp("shapes"))
    yield made
    made.con.close()


def direction(lon: float, lat: float) -> np.ndarray:
    a, d = math.radians(lon), math.radians(lat)
    return np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])


def angle(u: np.ndarray, v: np.ndarray) -> float:
    return math.degrees(math.atan2(float(np.linalg.norm(np.cross(u, v))), float(u @ v)))


def holds(region: list[float], point: np.ndarray) -> bool:
    """Points, circles and convex polygons of either orientation."""
    if len(region) <= 3:
        return angle(direction(*region[:2]), point) <= (region[2] if len(region) == 3 else 0.0) + 1e-9
    corners = [direction(*pair) for pair in zip(region[::2], region[1::2], strict=True)]
    sides = [float(np.cross(a, b) @ point) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)]
    return all(side >= -1e-12 for side in sides) or all(side <= 1e-12 for side in sides)


def numbers(name: str, row: int) -> list[list[float]] | None:
    """The members of the region in a row."""
    if KINDS[name][1][row] is None:
        return None
    if name in ("t", "tp"):
        texts: dict[str, list[list[list[float]]]] = {
            "t": [[[10, 10, 1]], [[358, -2, 2, -2, 0, 3]], [[0, -90, 1], [50, 0, 1]]],
            "tp": [[[10, 10]], [[359.5, 0.5]], [[123, -89.5]]],
        }
        return texts[name][row]
    return [KINDS[name][1][row]]


def sampled(region: list[float]) -> Iterator[np.ndarray]:
    """Points of a region, its border among them."""
    if len(region) == 2:
        yield direction(*region)
        return
    if len(region) == 3:
        center = direction(*region[:2])
        side = np.cross(center, [0.3, 0.5, 0.81])
        side /= np.linalg.norm(side)
        for share, turn in product((0.0, 0.5, 1.0), np.linspace(0, 2 * np.pi, 24)):
            r = math.radians(region[2] * share)
            yield math.cos(r) * center + math.sin(r) * (math.cos(turn) * side + math.sin(turn) * np.cross(center, side))
        return
    corners = [direction(*pair) for pair in zip(region[::2], region[1::2], strict=True)]
    middle = sum(corners)
    for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
        for along, inwards in product(np.linspace(0, 1, 9), (0.0, 0.4, 1.0)):
            point = (a * (1 - along) + b * along) * (1 - inwards) + middle * inwards
            yield point / np.linalg.norm(point)


PLAIN = [name for name in KINDS if name != "m"]


@pytest.mark.parametrize(("one", "other"), list(product(PLAIN, PLAIN)))
def test_columns_of_all_kinds_against_each_other(shapes: Shapes, one: str, other: str) -> None:
    inside, meeting = (shapes.column(f"{test}({one}, {other})") for test in ("CONTAINS", "INTERSECTS"))
    for row in range(4):
        a, b = numbers(one, row), numbers(other, row)
        if a is None or b is None:
            assert (inside[row], meeting[row]) == (None, None)
            continue
        within = all(any(all(holds(outer, p) for p in sampled(inner)) for outer in b) for inner in a)
        assert inside[row] == within, (row, a, b)
        together = any(holds(outer, p) for inner in a for outer in b for p in sampled(inner))
        together |= any(holds(inner, p) for inner in a for outer in b for p in sampled(outer))
        assert meeting[row] == together, (row, a, b)


def test_constants_beside_columns(shapes: Shapes) -> None:
    assert shapes.column("CONTAINS(POINT(10, 10), t)") == [1, 0, 0, None]
    assert shapes.column("CONTAINS(POINT(50.5, 0), t)") == [0, 0, 1, None]
    assert shapes.column("INTERSECTS(CIRCLE(10, 12, 1.1), g)") == [1, 0, 0, None]
    assert shapes.column("INTERSECTS(g8, CIRCLE(10, 12.3, 0.2))") == [0, 0, 0, None]
    assert shapes.column("CONTAINS(g8, CIRCLE(10, 10, 5))") == [1, 1, 1, None]
    assert shapes.column("CONTAINS(c, POINT(10, 10))") == [0, 0, 0, None]
    assert shapes.column("CONTAINS(g, POINT(10, 10))") == [0, 0, 0, None]
    assert shapes.column("INTERSECTS(s_region, CIRCLE(10, 10, 0.1))") == [1, 0, 0, None]
    assert shapes.column("CONTAINS(NULL, g)") == [None] * 4


def test_properties_of_columns(shapes: Shapes) -> None:
    cap = 4 * math.pi * math.sin(math.radians(0.5)) ** 2 * (180 / math.pi) ** 2
    np.testing.assert_allclose(shapes.column("AREA(c)")[0], cap, rtol=1e-13)
    np.testing.assert_allclose(shapes.column("AREA(t)")[0], cap, rtol=1e-13)
    assert shapes.column("AREA(t)")[2:] == [None, None]
    assert shapes.column("AREA(p)") == [0.0, 0.0, 0.0, None]
    areas = shapes.column("AREA(g8)")
    assert areas[0] == pytest.approx(areas[1], rel=1e-12) == pytest.approx(15.755, rel=1e-3)
    np.testing.assert_allclose(shapes.column("CENTROID(t)")[0], [10, 10], atol=1e-9)
    assert shapes.column("COORD1(tp)")[:2] == pytest.approx([10, 359.5], abs=1e-12)
    assert shapes.column("COORD2(p4)") == [10.0, 0.5, -89.5, None]
    assert shapes.column("DISTANCE(p, tp)")[:3] == pytest.approx([0, 0, 0], abs=1e-12)
    assert shapes.column("COORDSYS(g)")[0] == "ICRS"
    assert shapes.column("CONTAINS(tp, CIRCLE(tp, 1))") == [1, 1, 1, None]
    assert shapes.column("AREA(POLYGON(p, tp, POINT(0, 0)))")[3] is None


@pytest.mark.parametrize("name", [*KINDS, "s_region"])
def test_geometries_come_out_as_they_are_with_their_types(shapes: Shapes, name: str) -> None:
    made = translate(f"SELECT {name} FROM a.shapes", shapes.catalog)
    kind = KINDS[name][0] if name in KINDS else STRING
    assert made.columns[0].type == kind
    wanted = KINDS[name][1] if name in KINDS else KINDS["t"][1]
    assert shapes.column(name) == wanted


def test_maps_in_columns(shapes: Shapes) -> None:
    assert shapes.column("CONTAINS(p, m)") == [1, 1, 1, None]
    assert shapes.column("CONTAINS(POINT(200, 50), m)") == [0, 0, 0, None]
    assert shapes.column("CONTAINS(c, m)") == [0, 1, 1, None]
    assert shapes.column("INTERSECTS(g, m)") == [1, 1, 1, None]
    assert shapes.column("INTERSECTS(m, t)") == [1, 1, 1, None]
    assert shapes.column("CONTAINS(m, CIRCLE(10, 10, 3))") == [1, 0, 0, None]
    assert shapes.column("CONTAINS(m, MOC('0/0-11'))") == [1, 1, 1, None]
    assert shapes.column("INTERSECTS(m, MOC('6/19543'))") == [1, 1, 0, None]
    np.testing.assert_allclose(shapes.column("AREA(m)")[2], 4 * 41252.96124941927 / 12, rtol=1e-12)
    assert shapes.column("gavo_mocunion(m, '0/8-11')")[2:] == ["0/8-11", None]
    assert shapes.column("gavo_mocintersect(m, MOC('0/8'))")[2] == "0/8"


@pytest.mark.parametrize(
    ("expression", "error", "text"),
    [
        ("CONTAINS(p, id)", AdqlTypeError, "POINT, BIGINT"),
        ("AREA(id)", AdqlTypeError, "AREA cannot take"),
        ("CENTROID(m)", AdqlTypeError, "MOC"),
        ("COORD1(t)", AdqlTypeError, "REGION"),
        ("DISTANCE(p, t)", AdqlTypeError, "DISTANCE cannot take"),
        ("MOC('13 14')", AdqlTypeError, "no MOC"),
        ("MOC(30, p)", AdqlTypeError, "between 0 and 29"),
        ("MOC(1.5, p)", AdqlTypeError, "MOC cannot be made of"),
        ("MOC(20, CIRCLE(10, 20, 50))", Unsupported, "too many cells"),
        ("CONTAINS(c, REGION('Union (Circle 1 2 3 Circle 4 5 6)'))", Unsupported, "UNION"),
        ("INTERSECTS(c, REGION('Intersection (Circle 1 2 3 Circle 4 5 6)'))", Unsupported, "INTERSECTION"),
        ("AREA(REGION('Not (Circle 1 2 3)'))", Unsupported, "area of a compound"),
    ],
)
def test_what_cannot_be_is_said(shapes: Shapes, expression: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        shapes.column(expression)
