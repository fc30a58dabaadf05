"""What each type of PostgreSQL becomes on its way to Arrow: nulls, arrays, infinite moments, extreme numbers."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from nashira.config.errors import EngineError
from nashira.config.settings import Engine, Settings
from nashira.config.site import SiteFolder
from nashira.engines.postgres import PostgresEngine
from nashira.engines.postgres_functions import install
from tests.postgres_server import PostgresServer

NOON = datetime.datetime(2020, 2, 29, 12, 0, 0, 123456)
INFINITE = float("inf")
DOUBLES, TIME = pa.list_(pa.float64()), pa.timestamp("us")

CASES: list[tuple[str, list[str], pa.DataType, list[object]]] = [
    ("boolean", ["true", "false"], pa.bool_(), [True, False]),
    ("smallint", ["-32768", "32767"], pa.int16(), [-32768, 32767]),
    ("integer", ["-2147483648", "2147483647"], pa.int32(), [-(2**31), 2**31 - 1]),
    ("bigint", ["-9223372036854775808", "9223372036854775807"], pa.int64(), [-(2**63), 2**63 - 1]),
    ("real", ["1.17549435e-38", "-Infinity", "0.5"], pa.float32(), [1.1754943508222875e-38, -INFINITE, 0.5]),
    ("double precision", ["5e-324", "Infinity", "-0", "0.1"], pa.float64(), [5e-324, INFINITE, -0.0, 0.1]),
    ("numeric", ["12345678901234567890.5", "-0.1", "1e-30", "0", "1e300", "Infinity"], pa.float64(),
     [12345678901234567890.5, -0.1, 1e-30, 0.0, 1e300, INFINITE]),
    ("numeric(10,3)", ["1.5"], pa.float64(), [1.5]),
    ("text", ["", "Ωß\n\"'\\\t", "\U0001f680"], pa.string(), ["", "Ωß\n\"'\\\t", "\U0001f680"]),
    ("varchar(5)", ["abc"], pa.string(), ["abc"]),
    ("char(5)", ["ab"], pa.string(), ["ab   "]),
    ("name", ["ab"], pa.string(), ["ab"]),
    ("timestamp", ["2020-02-29 12:00:00.123456", "infinity", "-infinity", "1969-12-31"], TIME,
     [NOON, None, None, datetime.datetime(1969, 12, 31)]),
    ("timestamptz", ["2020-02-29 14:00:00.123456+02", "infinity", "-infinity"], TIME, [NOON, None, None]),
    ("date", ["2020-02-29", "infinity", "-infinity", "0001-01-01"], TIME,
     [datetime.datetime(2020, 2, 29), None, None, datetime.datetime(1, 1, 1)]),
    ("double precision[]", ["{1.5,NULL,-2}", "{}", "{{1,2},{3,4}}"], DOUBLES,
     [[1.5, None, -2.0], [], [1.0, 2.0, 3.0, 4.0]]),
    ("real[]", ["{1.5}"], pa.list_(pa.float32()), [[1.5]]),
    ("smallint[]", ["{1,NULL}"], pa.list_(pa.int16()), [[1, None]]),
    ("bigint[]", ["{1,NULL}"], pa.list_(pa.int64()), [[1, None]]),
    ("boolean[]", ["{t,NULL}"], pa.list_(pa.bool_()), [[True, None]]),
    ("text[]", ["{a,NULL,\"\"}"], pa.list_(pa.string()), [["a", None, ""]]),
    ("numeric[]", ["{1.5,NULL}", "{}"], DOUBLES, [[1.5, None], []]),
    ("timestamp[]", ["{2020-02-29 12:00:00.123456,infinity,NULL}"], pa.list_(TIME), [[NOON, None, None]]),
    ("uuid", ["550e8400-e29b-41d4-a716-446655440000"], pa.string(), ["550e8400-e29b-41d4-a716-446655440000"]),
    ("bytea", ["\\x00ff10", "\\x"], pa.list_(pa.uint8()), [[0, 255, 16], []]),
    ("jsonb", ['{"a": [1, null]}'], pa.string(), ['{"a": [1, null]}']),
]  # fmt: skip


@pytest.fixture(scope="module")
def engine(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresEngine]:
    database = postgres.fresh()
    with psycopg.connect(database.url, autocommit=True) as owner:
        install(owner)
    engine = PostgresEngine(
        SiteFolder(Path(tmp_path_factory.mktemp("site")), Settings(engine=Engine(url=database.read_url)))
    )
    yield engine
    engine.close()


def column(engine: PostgresEngine, sql: str) -> pa.ChunkedArray:
    table = pa.Table.from_batches(list(engine.run(sql)))
    table.validate(full=True)
    return table.column(0)


@pytest.mark.parametrize(("kind", "texts", "arrow", "values"), CASES, ids=[case[0] for case in CASES])
def test_values_and_nulls(
    engine: PostgresEngine, kind: str, texts: list[str], arrow: pa.DataType, values: list[object]
) -> None:
    literals = ", ".join("(" + "'" + text.replace("'", "''") + f"'::{kind})" for text in texts)
    found = column(engine, f"SELECT c1 FROM (VALUES (NULL::{kind}), {literals}) t(c1)")
    assert found.type == arrow
    assert found.to_pylist() == [None, *values]
    assert column(engine, f"SELECT NULL::{kind} AS c1").to_pylist() == [None]


def test_not_a_number_stays_apart_from_null(engine: PostgresEngine) -> None:
    for kind in ("double precision", "real", "numeric"):
        found = column(engine, f"SELECT c1 FROM (VALUES ('NaN'::{kind}), (NULL)) t(c1)").to_pylist()
        assert found[0] != found[0]
        assert found[1] is None


def test_long_texts_and_many_nulls_across_batches(engine: PostgresEngine) -> None:
    found = column(engine, "SELECT CASE WHEN i % 3 = 0 THEN repeat('x', i) END AS c1 FROM generate_series(1, 6000) i")
    assert found.num_chunks > 1
    assert [len(text) if text else 0 for text in found.to_pylist()] == [i if i % 3 == 0 else 0 for i in range(1, 6001)]
    assert len(column(engine, "SELECT repeat('x', 100000000) AS c1")[0].as_py()) == 100_000_000


def test_uuids_and_bytes_of_many_rows_with_nulls(engine: PostgresEngine) -> None:
    sql = "SELECT CASE WHEN i % 2 = 0 THEN {} END AS c1 FROM generate_series(1, 100000) i"
    texts = column(engine, sql.format("md5(i::text)::uuid")).to_pylist()
    assert texts == column(engine, sql.format("md5(i::text)::uuid::text")).to_pylist()
    found = column(engine, sql.format("decode(lpad(to_hex(i), 6, '0'), 'hex')")).to_pylist()
    assert found == [list(i.to_bytes(3, "big")) if i % 2 == 0 else None for i in range(1, 100_001)]


@pytest.mark.parametrize("value", ["interval '1 day'", "row(1, 2)", "point '(1,2)'", "time '12:00'"])
def test_types_without_a_counterpart_are_refused(engine: PostgresEngine, value: str) -> None:
    with pytest.raises(EngineError, match="internal"):
        list(engine.run(f"SELECT {value} AS c1"))
    assert column(engine, "SELECT 1 AS c1").to_pylist() == [1]
