"""The tables of the contract: small, with every type, every kind of NULL and the awkward places of the sky."""

# ruff: noqa: E501

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from nashira.schema.arrow import schema_of
from nashira.schema.model import Column, SkyColumns, Table
from nashira.schema.types import (
    BOOLEAN,
    CIRCLE,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    POINT,
    POLYGON,
    STRING,
    TIMESTAMP,
    VOType,
)
from nashira.sphere.coverage import healpix29

SHORT = VOType("short")
BYTE = VOType("unsignedByte")
UNICODE = VOType("unicodeChar", "*")
INDEX = Column("_healpix_29", LONG)


@dataclass(frozen=True, slots=True)
class Sample:
    """A table with its rows; `index` holds `_healpix_29` where the table has a position."""

    name: str
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    position: SkyColumns | None = None

    @property
    def data(self) -> pa.Table:
        """Columns as an engine keeps them, the index at the end."""
        arrays = [
            pa.array([row[i] for row in self.rows], type=field.type) for i, field in enumerate(schema_of(self.columns))
        ]
        made = pa.Table.from_arrays(arrays, names=[column.name for column in self.columns])
        if self.position is None:
            return made
        lon, lat = (made[name].to_numpy(zero_copy_only=False) for name in (self.position.ra, self.position.dec))
        return made.append_column(INDEX.name, pa.array(healpix29(lon, lat)))

    def table(self, source: Any) -> Table:
        """The declaration of the table, kept at `source`."""
        return Table("s", self.name, self.columns, source, position=self.position)


def _columns(*pairs: tuple[str, VOType]) -> tuple[Column, ...]:
    return tuple(Column(name, vo) for name, vo in pairs)


MOST, LEAST = 2**63 - 1, -(2**63)

ONE = Sample(
    "one",
    (
        *_columns(
            ("n", INTEGER), ("i", INTEGER), ("neg", INTEGER), ("zero", INTEGER), ("imax", INTEGER), ("imin", INTEGER),
            ("h", SHORT), ("hmax", SHORT), ("u", BYTE), ("b", LONG), ("bmax", LONG), ("bmin", LONG), ("d", DOUBLE), ("dneg", DOUBLE),
            ("big", DOUBLE), ("tiny", DOUBLE), ("f", FLOAT), ("s", STRING), ("empty", STRING), ("w", UNICODE), ("t", TIMESTAMP),
            ("flag", BOOLEAN), ("nil", INTEGER), ("nob", LONG), ("nod", DOUBLE), ("nos", STRING), ("nothing", TIMESTAMP), ("noflag", BOOLEAN),
        ),
        Column("p", POINT),
        Column("c", CIRCLE),
        Column("g", POLYGON),
        Column("nop", POINT),
        Column("noc", CIRCLE),
        Column("nog", POLYGON),
        Column("Mixed", INTEGER),
        Column("odd \"name\"", INTEGER),
        Column("size", INTEGER),
    ),
    [
        (
            1, 7, -7, 0, 2**31 - 1, -(2**31), 300, 2**15 - 1, 255, 10**12, MOST, LEAST, 2.5, -2.5,
            1e308, 1e-320, 1.5, "abc", "", "Äpfel ß Ω", datetime(2014, 8, 1, 12, 30, 15, 250000),
            True, None, None, None, None, None, None,
            [10.0, 20.0], [10.0, 20.0, 1.0], [9.0, 19.0, 11.0, 19.0, 11.0, 21.0, 9.0, 21.0], None, None, None, 5, 6, 4,
        )
    ],
)  # fmt: skip

A = Sample(
    "a",
    _columns(("id", INTEGER), ("s", STRING), ("v", DOUBLE)),
    [(1, "x", 1.5), (2, "y", None), (3, None, -2.0), (4, "x", 4.0), (4, "x", 4.0), (None, "Z", 0.0)],
)
B = Sample(
    "b",
    _columns(("id", INTEGER), ("s", STRING), ("w", DOUBLE)),
    [(1, "x", 10.0), (2, "q", 20.0), (4, "x", None), (5, "x", 50.0), (None, None, 1.0)],
)
NONE = Sample("none", _columns(("id", INTEGER), ("s", STRING), ("v", DOUBLE)), [])
WORDS = Sample(
    "words",
    _columns(("n", INTEGER), ("word", UNICODE)),
    list(
        enumerate(
            (
                "abc", "ABC", "a\\bc", "a%c", "a_c", "", "Äpfel", "äpfel", "a'b", "tab\there", "line\nend", "end\\", None,
                "abc ", "zebra", "Zebra", "\U0001f600", "é", "e\u0301", "ﬁ",
            )
        )
    ),
)  # fmt: skip
TIMES = Sample(
    "times",
    _columns(("n", INTEGER), ("t", TIMESTAMP)),
    list(
        enumerate(
            (
                datetime(1999, 12, 31, 23, 59, 59, 5),
                datetime(2000, 1, 1),
                None,
                datetime(1, 1, 1),
                datetime(9999, 12, 31, 23, 59, 59, 999999),
                datetime(2000, 1, 1, 0, 0, 0, 1),
            )
        )
    ),
)
BIGS = Sample("bigs", _columns(("n", INTEGER), ("b", LONG)), [(0, MOST), (1, 1), (2, LEAST), (3, None)])
FLOATS = Sample(
    "floats", _columns(("n", INTEGER), ("d", DOUBLE)), list(enumerate((1e308, 1e308, -1e308, 5e-324, None)))
)
PLACES = Sample(
    "places",
    (*_columns(("n", INTEGER), ("ra", DOUBLE), ("dec", DOUBLE), ("r", DOUBLE)),),
    [
        (0, 0.0, 0.0, 0.5),
        (1, 359.9, 0.05, None),
        (2, 0.1, -0.05, 0.0),
        (3, 180.0, 0.0, 180.0),
        (4, 123.0, 90.0, 1.0),
        (5, 0.0, 89.9, -1.0),
        (6, 180.0, 89.9, 0.15),
        (7, 45.0, -90.0, 200.0),
        (8, 300.0, -89.95, 90.0),
        (9, 90.0, 0.0, 90.0),
        (10, 270.0, 0.0, 89.999),
        (11, 10.0, 20.0, 5.0),
        (12, 10.0, 20.0001, 9e-5),
        (13, 190.0, -20.0, 3.0),
        (14, None, 5.0, 1.0),
        (15, 5.0, None, 1.0),
        (16, 45.0, 35.264389682754654, 2.0),
    ],
    position=SkyColumns("ra", "dec"),
)

TABLES = {sample.name: sample for sample in (ONE, A, B, NONE, WORDS, TIMES, BIGS, FLOATS, PLACES)}
"""Name → sample."""


def haversine_deg(lon1: Any, lat1: Any, lon2: Any, lat2: Any) -> Any:
    """Distances in degrees by Vincenty's formula, for expected rows."""
    l1, b1, l2, b2 = (np.radians(np.asarray(x, dtype=float)) for x in (lon1, lat1, lon2, lat2))
    across = np.hypot(np.cos(b2) * np.sin(l2 - l1), np.cos(b1) * np.sin(b2) - np.sin(b1) * np.cos(b2) * np.cos(l2 - l1))
    return np.degrees(np.arctan2(across, np.sin(b1) * np.sin(b2) + np.cos(b1) * np.cos(b2) * np.cos(l2 - l1)))
