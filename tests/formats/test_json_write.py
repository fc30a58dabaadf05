"""JSON results: proper JSON, nulls, non-finite numbers, the status at the end."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from nashira.config.errors import EngineError
from nashira.formats.json_write import write_json
from nashira.formats.stream import ResultInfo, ResultStream
from nashira.schema.model import Column
from nashira.schema.types import BOOLEAN, DOUBLE, LONG, POINT, STRING, TIMESTAMP, VOType
from tests.formats.samples import failing, stream


def document(columns: Sequence[Column], *data: Sequence[object], **more: Any) -> dict[str, Any]:
    found = json.loads(b"".join(write_json(stream(columns, *data, **more))))
    assert isinstance(found, dict)
    return found


def test_a_document_of_two_stars() -> None:
    columns = [Column("HIP", LONG, ucd="meta.id"), Column("Vmag", DOUBLE, "V", unit="mag"), Column("name", STRING)]
    found = document(columns, [1, 2], [-1.44, None], ["Sirius", None], info=ResultInfo(query="SELECT 1"))
    assert found == {
        "metadata": [
            {"name": "HIP", "datatype": "long", "ucd": "meta.id"},
            {"name": "Vmag", "datatype": "double", "unit": "mag", "description": "V"},
            {"name": "name", "datatype": "char", "arraysize": "*"},
        ],
        "info": [["QUERY", "SELECT 1"]],
        "data": [[1, -1.44, "Sirius"], [2, None, None]],
        "rows": 2,
        "status": "OK",
    }


def test_nan_and_infinity_are_texts_and_differ_from_null() -> None:
    data = document([Column("d", DOUBLE)], [float("nan"), float("inf"), float("-inf"), None, -0.0])["data"]
    assert data[:4] == [["NaN"], ["Infinity"], ["-Infinity"], [None]]
    assert str(data[4][0]) == "-0.0"


def test_other_types() -> None:
    columns = [
        Column("b", BOOLEAN),
        Column("p", POINT),
        Column("t", TIMESTAMP),
        Column("c", VOType("floatComplex", "*")),
        Column("s", VOType("char", "2x2")),
        Column("bits", VOType("bit", "3")),
        Column("n", VOType("int", "*")),
    ]
    found = document(
        columns,
        [True, None],
        [[1, None], None],
        [0, None],
        [[[1, 2], None], None],
        [['"', None], None],
        [[True, False, True], None],
        [[1, None], []],
    )
    assert found["data"] == [
        [True, [1, None], "1970-01-01T00:00:00", [[1, 2], None], ['"', None], [1, 0, 1], [1, None]],
        [None, None, None, None, None, None, []],
    ]


def test_control_characters_quotes_and_backslashes() -> None:
    hostile = ['a"b\\c', "\x00\x1f\n\t", "</script>", "é😀\u2028", ""]
    assert [row[0] for row in document([Column("s", STRING)], hostile)["data"]] == hostile


def test_the_status_comes_last_and_tells_overflow() -> None:
    written = b"".join(write_json(stream([Column("a", LONG)], [1, 2, 3], maxrec=2)))
    assert json.loads(written)["data"] == [[1], [2]]
    assert written.endswith(b'"rows":2,\n"status":"OVERFLOW"}\n')


def test_no_rows_and_many_batches() -> None:
    assert document([Column("a", LONG)], [])["data"] == []
    batches = [pa.record_batch([pa.array([i, i + 1])], ["a"]) for i in (1, 3)]
    written = b"".join(write_json(ResultStream([Column("a", LONG)], iter(batches))))
    assert json.loads(written)["data"] == [[1], [2], [3], [4]]


def test_a_failure_leaves_no_valid_json() -> None:
    sent: list[bytes | memoryview] = []
    with pytest.raises(EngineError):
        sent.extend(write_json(ResultStream([Column("a", LONG)], failing(EngineError("gone")))))
    parts = write_json(ResultStream([Column("a", LONG)], failing(EngineError("gone"))))
    with pytest.raises(json.JSONDecodeError):
        json.loads(bytes(next(parts)) + bytes(next(parts)))
