"""Values of every Arrow type that uploads may have, and what they are read as."""

import datetime as dt
import decimal
from typing import Any

import numpy as np
import pyarrow as pa

from nashira.schema.types import VOType

WHEN = dt.datetime(2020, 1, 2, 3, 4, 5, 6)

EVERY_TYPE: list[tuple[pa.Array, VOType, list[Any]]] = [
    (pa.array([True, None]), VOType("boolean"), [True, None]),
    (pa.array([1, None], pa.uint8()), VOType("unsignedByte"), [1, None]),
    (pa.array([-1, None], pa.int8()), VOType("short"), [-1, None]),
    (pa.array([-1, None], pa.int16()), VOType("short"), [-1, None]),
    (pa.array([65535, None], pa.uint16()), VOType("int"), [65535, None]),
    (pa.array([2**32 - 1, None], pa.uint32()), VOType("long"), [2**32 - 1, None]),
    (pa.array([2**64 - 1, None], pa.uint64()), VOType("char", "*"), [str(2**64 - 1), None]),
    (pa.array([2**62, None], pa.int64()), VOType("long"), [2**62, None]),
    (pa.array(np.array([1.5], "f2")), VOType("float"), [1.5]),
    (pa.array([1.5, None], pa.float32()), VOType("float"), [1.5, None]),
    (pa.array([1.5, None]), VOType("double"), [1.5, None]),
    (pa.array([decimal.Decimal("12.50"), None]), VOType("double"), [12.5, None]),
    (pa.array(["a", None]), VOType("char", "*"), ["a", None]),
    (pa.array(["a", None], pa.large_string()), VOType("char", "*"), ["a", None]),
    (pa.array(["a", None], pa.string_view()), VOType("char", "*"), ["a", None]),
    (pa.array(["a", "b", "a", None]).dictionary_encode(), VOType("char", "*"), ["a", "b", "a", None]),
    (pa.array([5, None, 5]).dictionary_encode(), VOType("long"), [5, None, 5]),
    (pa.nulls(2), VOType("char", "*"), [None, None]),
    (pa.array([b"\1\2", None, b""]), VOType("unsignedByte", "*"), [[1, 2], None, []]),
    (pa.array([b"\1\2", None], pa.binary(2)), VOType("unsignedByte", "*"), [[1, 2], None]),
    (pa.array([WHEN, None]), VOType("char", "*", "timestamp"), [WHEN, None]),
    (pa.array([WHEN], pa.timestamp("ns")), VOType("char", "*", "timestamp"), [WHEN]),
    (pa.array([WHEN], pa.timestamp("us", "Asia/Tokyo")), VOType("char", "*", "timestamp"), [WHEN]),
    (pa.array([WHEN.date(), None]), VOType("char", "*", "timestamp"), [dt.datetime(2020, 1, 2), None]),
    (pa.array([dt.time(1, 2, 3)]), VOType("char", "*"), ["01:02:03.000000"]),
    (pa.array([dt.timedelta(seconds=1.5)]), VOType("double"), [1.5]),
    (pa.array([[1, 2], None, []], pa.list_(pa.int32())), VOType("int", "*"), [[1, 2], None, []]),
    (pa.array([[1, 2], None], pa.large_list(pa.uint16())), VOType("int", "*"), [[1, 2], None]),
    (pa.array([[1.5, 2], None], pa.list_(pa.float32(), 2)), VOType("float", "2"), [[1.5, 2], None]),
    (pa.array([["a", 'b"'], None]), VOType("char", "*", "json"), ['["a","b\\""]', None]),
    (pa.array([{"x": 1, "y": "z"}, None]), VOType("char", "*", "json"), ['{"x":1,"y":"z"}', None]),
    (pa.array([[[1], [2, 3]]]), VOType("char", "*", "json"), ["[[1],[2,3]]"]),
    (
        pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
        VOType("char", "*", "json"),
        ['{"k":1}', None],
    ),
]
