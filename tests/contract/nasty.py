"""Values that engines treat differently: extremes, infinities, NaN, odd texts, places where the sky ends."""
# ruff: noqa: E501  (values stay on few lines)

from __future__ import annotations

import math
from datetime import datetime

from nashira.schema.model import SkyColumns
from nashira.schema.types import BOOLEAN, CIRCLE, DOUBLE, FLOAT, INTEGER, LONG, POINT, POLYGON, STRING, TIMESTAMP
from tests.contract.tables import BYTE, SHORT, Sample, _columns

MOST, LEAST = 2**63 - 1, -(2**63)
LARGEST = 1.7976931348623157e308
DOUBLES = (
    0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 3.0, 0.1, -7.25, 0.49999999999999994, 1e-320, 5e-324, -2.2e-308, 1e-160, 1e160, 1e308, -1e308, LARGEST,
    math.inf, -math.inf, math.nan, 1e15, 1e16, 123456.789, 1e-5, 4503599627370497.5, 90.0, 180.0, 359.99999999, 709.9, -746.0, None,
)  # fmt: skip
SINGLES = (
    0.0,
    1.5,
    -2.5,
    1e38,
    3.4e38,
    1e-45,
    1e-40,
    math.inf,
    -math.inf,
    math.nan,
    0.1,
    1e7,
    16777216.0,
    123456.79,
    None,
)
LONGS = (0, 1, -1, 2, 7, -7, MOST, LEAST, MOST - 1, 2**62, 2**53 + 1, 3037000500, -3037000500, 2**31, None)
INTS = (0, 1, -1, 3, -5, 2**31 - 1, -(2**31), 46341, None)
SHORTS = (0, 1, -1, 2**15 - 1, -(2**15), None)
BYTES = (0, 1, 255, None)
TEXTS = (
    "", " ", "a", "A", "b", "B", "é", "É", "e\u0301", "ß", "Straße", "12", " 12 ", "+5", "-7.5", "12.5", "13.5", "1e3", "1E-2", ".5", "5.", ".", "0x1F", "1_000",
    "abc", "nan", "inf", "-Infinity", "1e400", "1e-400", "99999999999", "9223372036854775807", "9223372036854775808", "2000-01-01", "2000-01-01T12:00:00Z", "2000-02-30",
    "2000-01-01 24:00:00", "2000-01-01T12:00:00.123456789", "1999-12-31T23:59:59.5", "x%y", "x_y", "x\\y", "'", "#a#b", "red#Green", "Miller and Urey", "3:34:45.4", "-00:15:00",
    "ivo://org.gavo.dc/tap?x", "\u03a3", "\U0001f600", "zebra ", None,
)  # fmt: skip
TIMES = (
    datetime(2000, 1, 1), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(1969, 12, 31, 23, 59, 59, 999999), datetime(2014, 8, 1, 12, 30, 15, 250000),
    datetime(1582, 10, 10), None,
)  # fmt: skip
FLAGS = (True, False, None)
SPOTS = ((0.0, 0.0), (360.0, 0.0), (359.999, 0.001), (0.001, -0.001), (123.0, 90.0), (0.0, -90.0), (45.0, 89.9999), (225.0, 89.9999), (180.0, 0.0), (266.4, -29.0), (10.0, 20.0),
         (10.0, 20.0 + 1e-7), (-10.0, 5.0), (370.0, 5.0), (350.0, 5.0), (5e-324, 1e-300), (190.0, -20.0))  # fmt: skip
RADII = (0.0, 1e-7, 0.01, 1.0, 45.0, 90.0, 135.0, 179.9999, 180.0, 200.0, -1.0, None)
POLYGONS = (
    [10.0, 20, 11, 20, 11, 21], [11.0, 21, 11, 20, 10, 20], [0.0, 80, 120, 80, 240, 80], [359.0, -1, 1, -1, 1, 1, 359, 1], [0.0, -89, 90, -89, 180, -89, 270, -89],
    [1.0, 2, 3, 4], [5.0, 5, 5, 5, 5, 5], [0.0, 0, 90, 0, 0, 89], None,
)  # fmt: skip

FLOATS = Sample("nd", _columns(("n", INTEGER), ("d", DOUBLE)), list(enumerate(DOUBLES)))
REALS = Sample("nf", _columns(("n", INTEGER), ("f", FLOAT)), list(enumerate(SINGLES)))
WHOLES = Sample("nb", _columns(("n", INTEGER), ("b", LONG)), list(enumerate(LONGS)))
SMALLER = Sample(
    "ni",
    _columns(("n", INTEGER), ("i", INTEGER), ("h", SHORT), ("u", BYTE)),
    [(n, i, SHORTS[n % len(SHORTS)], BYTES[n % len(BYTES)]) for n, i in enumerate(INTS)],
)
WORDS = Sample("ns", _columns(("n", INTEGER), ("s", STRING)), list(enumerate(TEXTS)))
MOMENTS = Sample("nt", _columns(("n", INTEGER), ("t", TIMESTAMP)), list(enumerate(TIMES)))
BOOLEANS = Sample("nq", _columns(("n", INTEGER), ("q", BOOLEAN)), list(enumerate(FLAGS)))
PLACES = Sample(
    "np",
    _columns(("n", INTEGER), ("ra", DOUBLE), ("dec", DOUBLE), ("r", DOUBLE), ("p", POINT), ("c", CIRCLE)),
    [
        (n, lon, lat, RADII[n % len(RADII)], [lon, lat], [lon, lat, abs(RADII[n % len(RADII)] or 0.0)])
        for n, (lon, lat) in enumerate(SPOTS)
    ]
    + [(len(SPOTS), None, 3.0, 1.0, None, None), (len(SPOTS) + 1, 3.0, None, None, None, None)],
    position=SkyColumns("ra", "dec"),
)
SHAPES = Sample("ng", _columns(("n", INTEGER), ("g", POLYGON)), list(enumerate(POLYGONS)))

NASTY = (FLOATS, REALS, WHOLES, SMALLER, WORDS, MOMENTS, BOOLEANS, PLACES, SHAPES)
"""Tables of one kind of value each."""
