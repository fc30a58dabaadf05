"""The embedded engine: streaming, uploads, limits, errors without paths or SQL, and the second wall."""

import gc
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.config.errors import Cancelled, EngineError, OutOfResources, QueryError, QueryTimeout, StoreError
from nashira.config.settings import Engine, Settings
from nashira.config.site import SiteFolder
from nashira.engines.duckdb import DuckDBEngine
from nashira.schema.model import Column, Relation, Table
from nashira.schema.types import LONG

ENDLESS = "SELECT a.i AS c1 FROM range(1000000) a(i), range(1000000) b(i)"
SLOW = "SELECT count(*) AS c1 FROM range(1000000) a(i), range(1000000) b(i) WHERE a.i * b.i % 7 = 3"


@pytest.fixture
def folder(tmp_path: Any) -> Any:
    site = SiteFolder(tmp_path, Settings(engine=Engine(memory_mb=200, temp_mb=30)))
    for path in (site.store, site.temp):
        path.mkdir(parents=True)
    return site


@pytest.fixture
def engine(folder: Any) -> Any:
    engine = DuckDBEngine(folder)
    yield engine
    engine.close()


def rows(running: Any) -> Any:
    return pa.Table.from_batches(list(running)).to_pydict()


def put(folder: Any, table: Any, data: Any, name: Any = "0.parquet") -> Any:
    path = folder.store / table / "v-1" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(data), path)
    return path


def test_rows_of_a_stored_file(engine: Any, folder: Any) -> None:
    path = put(folder, "a.b", {"x": [1, 2, 3], "s": ["a", None, "ü"]})
    assert rows(engine.run(f"SELECT x AS c1, s AS c2 FROM read_parquet(['{path}'])")) == {
        "c1": [1, 2, 3],
        "c2": ["a", None, "ü"],
    }


def test_types_leave_as_declared(engine: Any) -> None:
    sql = """SELECT true AS c1, 1::UTINYINT AS c2, 1::SMALLINT AS c3, 1::INTEGER AS c4, 1::BIGINT AS c5, 1::FLOAT AS c6,
        1::DOUBLE AS c7, 'x' AS c8, TIMESTAMP '2020-01-01' AS c9, [1.0, 2]::DOUBLE[2] AS c10, [1.0]::DOUBLE[] AS c11"""
    (batch,) = engine.run(sql)
    doubles = pa.float64()
    assert batch.schema.types == [
        pa.bool_(), pa.uint8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), doubles, pa.string(),
        pa.timestamp("us"),
        pa.list_(doubles, 2), pa.list_(doubles),
    ]  # fmt: skip


def test_large_strings_of_uploads_become_strings(engine: Any) -> None:
    table = pa.table({"s": pa.array(["a"], pa.large_string()), "v": pa.array(["b"], pa.string_view())})
    (batch,) = engine.run("SELECT s AS c1, v AS c2 FROM upload_1", uploads={"upload_1": table})
    assert batch.schema.types == [pa.string(), pa.string()]


def test_an_empty_result_is_no_batch(engine: Any) -> None:
    assert list(engine.run("SELECT 1 AS c1 WHERE false")) == []


def test_functions_of_the_sphere_are_there_for_every_cursor(engine: Any) -> None:
    values = "(VALUES (1.0::DOUBLE), (3), (NULL)) t(x)"
    sql = f"SELECT ns_point_in_polygon(x, 0.5, [0.0, 0, 2, 0, 2, 2]::DOUBLE[]) AS c1 FROM {values}"
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: rows(engine.run(sql)), range(8)))
    assert results == [{"c1": [True, False, None]}] * 8
    assert rows(engine.run("SELECT len(ns_cells(1.0::DOUBLE, 2.0::DOUBLE, 0.1::DOUBLE, 5)) AS c1"))["c1"][0] >= 1


def test_a_value_error_of_a_function_is_a_query_error(engine: Any) -> None:
    with pytest.raises(QueryError, match="HEALPix orders lie between 0 and 29"):
        list(engine.run("SELECT ns_cells(1.0::DOUBLE, 2.0::DOUBLE, 0.1::DOUBLE, 40) AS c1"))


# ------------------------------------------------------------------------------------------------ uploads and tables


def test_uploads_of_one_name_do_not_meet(engine: Any) -> Any:
    def ask(n: Any) -> Any:
        table = pa.table({"x": np.full(1000, n)})
        return rows(engine.run("SELECT sum(x)::BIGINT AS c1 FROM upload_1", uploads={"upload_1": table}))["c1"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == [[n * 1000] for n in range(40)]
    with pytest.raises(EngineError):
        list(engine.run("SELECT * FROM upload_1"))


def test_tables_kept_in_the_engine(engine: Any) -> None:
    table = Table("TAP_SCHEMA", 'odd "name"', (Column("x", LONG),), Relation(()))
    data = pa.table({"x": [1, 2, 3], "_healpix_29": [5, 6, 7]})
    first, second = engine.put_table(table, data), engine.put_table(table, data.slice(1))
    assert first.path != second.path
    assert (first.rows, first.indexed) == (3, True)
    name = ".".join('"' + part.replace('"', '""') + '"' for part in first.path)
    running = iter(engine.run(f"SELECT x AS c1 FROM {name}"))
    assert next(running).num_rows == 3
    engine.drop(first)
    engine.drop(first)
    assert list(running) == []
    with pytest.raises(EngineError):
        list(engine.run(f"SELECT x AS c1 FROM {name}"))


# ------------------------------------------------------------------------------------------------ streaming


def test_ten_million_rows_pass_through_bounded_memory(engine: Any) -> None:
    process = psutil.Process()
    list(engine.run("SELECT 1 AS c1"))
    idle = process.memory_info().rss
    most = count = 0
    for batch in engine.run(
        "SELECT i AS c1, i * 1.5::DOUBLE AS c2, i::DOUBLE / 3 AS c3, i::VARCHAR AS c4 FROM range(10000000) t(i)"
    ):
        count += batch.num_rows
        if count < 500_000:
            time.sleep(0.02)
        most = max(most, process.memory_info().rss)
    assert count == 10_000_000
    assert most - idle < 200e6


def test_many_slow_readers_do_not_block_each_other(engine: Any, until: Any) -> Any:
    data = Table("s", "t", (Column("x", LONG),), Relation(()))
    relation = engine.put_table(data, pa.table({"x": np.arange(1_000_000)}))

    def read(_: Any) -> Any:
        count = 0
        for batch in engine.run(f"SELECT a.x AS c1, a.x AS c2 FROM {relation.path[0]}.t a, range(2)"):
            count += batch.num_rows
            time.sleep(0.005)
        return count

    with ThreadPoolExecutor(16) as pool:
        readers = [pool.submit(read, n) for n in range(16)]
        until(lambda: len(engine._running) == 16)
        began = time.monotonic()
        assert rows(engine.run("SELECT 1 AS c1")) == {"c1": [1]}
        assert time.monotonic() - began < 1
        assert [reader.result(timeout=30) for reader in readers] == [2_000_000] * 16


def test_wide_results_come_in_shorter_batches(engine: Any) -> None:
    columns = ", ".join(f"i AS c{n}" for n in range(1, 501))
    assert next(iter(engine.run(f"SELECT {columns} FROM range(100000) t(i)"))).num_rows <= 4096


# ------------------------------------------------------------------------------------------------ ends


@pytest.mark.parametrize("sql", [SLOW, ENDLESS])
def test_time_limit(engine: Any, sql: Any) -> None:
    began = time.monotonic()
    with pytest.raises(QueryTimeout, match=r"0\.2 seconds"):
        for _ in engine.run(sql, seconds=0.2):
            pass
    assert time.monotonic() - began < 2


def test_time_limit_frees_a_query_whose_reader_has_gone_to_sleep(engine: Any, until: Any) -> None:
    running = iter(engine.run(ENDLESS, seconds=0.1))
    next(running)
    until(lambda: not engine._running)
    with pytest.raises(QueryTimeout):
        next(running)


@pytest.mark.parametrize("sql", [SLOW, ENDLESS])
def test_cancel_from_another_thread(engine: Any, sql: Any) -> None:
    running = engine.run(sql)
    threading.Timer(0.15, running.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        for _ in running:
            pass
    assert time.monotonic() - began < 2
    running.cancel()
    running.close()


def test_cancel_before_the_first_step(engine: Any) -> None:
    running = engine.run(SLOW)
    running.cancel()
    with pytest.raises(Cancelled):
        list(running)


def test_cancel_hits_at_any_moment(engine: Any) -> None:
    for delay in np.linspace(0, 0.004, 30):
        running = engine.run(SLOW)
        threading.Timer(delay, running.cancel).start()
        with pytest.raises(Cancelled):
            list(running)


def test_close_while_another_thread_reads(engine: Any, until: Any) -> None:
    running = engine.run(SLOW)
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(lambda: list(running))
        until(lambda: engine._running)
        running.close()
        with pytest.raises(Cancelled):
            reader.result(timeout=5)
    assert not engine._running


def test_leaving_the_iteration_ends_the_query(engine: Any) -> None:
    for _ in engine.run(ENDLESS):
        break
    iteration = iter(engine.run(ENDLESS))
    next(iteration)
    iteration.close()
    assert not engine._running


def test_a_query_is_read_once(engine: Any) -> None:
    running = engine.run("SELECT 1 AS c1")
    list(running)
    with pytest.raises((EngineError, Cancelled)):
        list(running)


def test_closing_the_engine_ends_its_queries(folder: Any) -> None:
    engine = DuckDBEngine(folder)
    iteration = iter(engine.run(ENDLESS))
    next(iteration)
    engine.close()
    engine.close()
    with pytest.raises(Cancelled):
        next(iteration)
    with pytest.raises(EngineError, match="shutting down"):
        engine.run("SELECT 1")
    assert list(folder.temp.iterdir()) == []


# ------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("sql", "kind", "text"),
    [
        ("SELECT CAST(s AS INTEGER) AS c1 FROM (VALUES ('abc')) t(s)", QueryError, "'abc'"),
        ("SELECT CAST(1e300 * i AS INTEGER) AS c1 FROM range(3) t(i)", QueryError, "out of range"),
        ("SELECT 9223372036854775807 + i AS c1 FROM range(3) t(i)", QueryError, "Overflow"),
        ("SELECT CAST('2020-13-' || i AS TIMESTAMP) AS c1 FROM range(3) t(i)", QueryError, "timestamp"),
        ("SELECT error('OFFSET must not be negative') AS c1", QueryError, "OFFSET must not be negative"),
        ("SELECT list(i) AS c1 FROM range(200000000) t(i)", OutOfResources, "memory"),
        ("SELECT i AS c1 FROM range(30000000) t(i) ORDER BY hash(i)", OutOfResources, "temporary space"),
        ("SELECT nope AS c1", EngineError, "internal"),
        ("SELEC", EngineError, "internal"),
        ("SELECT 1::HUGEINT AS c1", EngineError, "internal"),
        ("SELECT 1 AS c1; SELECT 2 AS c1", EngineError, "internal"),
        ("CREATE TABLE t (x INTEGER)", EngineError, "internal"),
        ("EXPLAIN SELECT 1", EngineError, "internal"),
        ("", EngineError, "internal"),
    ],
)  # fmt: skip
def test_errors_are_readable_and_tell_no_secrets(engine: Any, sql: Any, kind: Any, text: Any) -> None:
    with pytest.raises(kind, match=text) as caught:
        list(engine.run(sql, tag="t-1"))
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "\n" not in message
    assert "SELECT" not in message
    assert "LINE" not in message
    assert "c1" not in message


def test_an_error_after_the_first_rows(engine: Any) -> None:
    iteration = iter(
        engine.run(
            "SELECT CAST(CASE WHEN i < 3000000 THEN i::VARCHAR ELSE 'x' END AS BIGINT) AS c1 FROM range(4000000) t(i)"
        )
    )
    next(iteration)
    with pytest.raises(QueryError, match="'x'"):
        list(iteration)


def test_missing_and_damaged_files_name_the_table_and_no_path(engine: Any, folder: Any) -> None:
    good = put(folder, "gaia.source", {"x": np.arange(200_000), "y": np.random.default_rng(0).random(200_000)})
    broken = good.with_name("broken.parquet")
    data = bytearray(good.read_bytes())
    data[5000:-20000] = os.urandom(len(data) - 25000)
    broken.write_bytes(data)
    text = good.with_name("text.parquet")
    text.write_text("this is not a Parquet file")
    for path in (good.with_name("gone.parquet"), broken, text):
        with pytest.raises(StoreError, match=r"table gaia\.source") as caught:
            list(engine.run(f"SELECT sum(x)::BIGINT AS c1, sum(y) AS c2 FROM read_parquet(['{path}'])"))
        assert str(folder.root) not in str(caught.value)
        assert "parquet" not in str(caught.value)


# ------------------------------------------------------------------------------------------------ the second wall


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_parquet('{store}/../secret.parquet')",
        "SELECT * FROM read_parquet('{store}/link.parquet')",
        "SELECT * FROM '{root}/secret.parquet'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')",
        "COPY (SELECT 1) TO '{store}/x.csv'",
        "ATTACH '{root}/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 4",
        "RESET lock_configuration",
        "PRAGMA database_list",
        "SELECT * FROM local",
    ],
)
def test_nothing_but_the_store_is_in_reach(engine: Any, folder: Any, sql: Any) -> None:
    local = pa.table({"x": [1]})
    pq.write_table(local, folder.root / "secret.parquet")
    (folder.store / "link.parquet").symlink_to(folder.root / "secret.parquet")
    with pytest.raises((EngineError, StoreError)):
        list(engine.run(sql.format(root=folder.root, store=folder.store)))
    assert sorted(path.name for path in folder.store.iterdir()) == ["link.parquet"]


def test_further_roots_can_be_read(folder: Any, tmp_path: Any) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    pq.write_table(pa.table({"x": [7]}), other / "a.parquet")
    engine = DuckDBEngine(folder, [other])
    assert rows(engine.run(f"SELECT x AS c1 FROM read_parquet(['{other}/a.parquet'])")) == {"c1": [7]}
    engine.close()


def test_limits_are_those_of_the_settings(engine: Any, folder: Any) -> None:
    names = "'threads', 'memory_limit', 'max_temp_directory_size', 'temp_directory', 'lock_configuration'"
    sql = f"SELECT name AS c1, value AS c2 FROM duckdb_settings() WHERE name IN ({names})"
    values = dict(zip(*rows(engine.run(sql)).values(), strict=True))
    assert values["threads"] == "2"
    assert values["lock_configuration"] == "true"
    assert values["memory_limit"].startswith("190.7")
    assert values["max_temp_directory_size"].startswith("28.6")
    assert values["temp_directory"].startswith(str(folder.temp.resolve()))


def test_temporary_folders_of_killed_processes_go(folder: Any) -> None:
    abandoned = folder.temp / "duckdb-dead"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    (abandoned / "data.tmp").write_bytes(b"x" * 1000)
    first = DuckDBEngine(folder)
    second = DuckDBEngine(folder)
    assert not abandoned.exists()
    assert len(list(folder.temp.iterdir())) == 2
    first.close()
    second.close()


def test_a_tag_cannot_leave_its_comment(engine: Any) -> None:
    assert rows(engine.run("SELECT 1 AS c1", tag="a */ SELECT 2; /*")) == {"c1": [1]}


def drained(running: Any) -> None:
    list(running)


def left(running: Any) -> None:
    iteration = iter(running)
    next(iteration)
    iteration.close()


def closed(running: Any) -> None:
    next(iter(running))
    running.close()


KEPT: list[BaseException] = []  # as those who answer an error keep it, with all that its traceback holds


def cancelled(running: Any) -> None:
    threading.Timer(0.05, running.cancel).start()
    with pytest.raises(Cancelled) as caught:
        list(running)
    KEPT.append(caught.value)


def failing(running: Any) -> None:
    with pytest.raises((EngineError, QueryError, StoreError)) as caught:
        list(running)
    KEPT.append(caught.value)


@pytest.mark.parametrize(
    ("sql", "end"),
    [
        ("SELECT x AS c1 FROM {t}", drained),
        ("SELECT a.x AS c1 FROM {t} a, {t} b, {t} c", left),
        ("SELECT a.x AS c1 FROM {t} a, {t} b, {t} c", closed),
        ("SELECT a.x AS c1 FROM {t} a, {t} b, {t} c", cancelled),
        ("SELECT sum(sin(a.x + b.x + c.x)) AS c1 FROM {t} a, {t} b, {t} c", cancelled),
        ("SELECT CAST('a' || x AS INTEGER) AS c1 FROM {t}", failing),
        ("SELECT nothing AS c1 FROM {t}", failing),
    ],
)
def test_no_file_stays_open_when_a_query_has_ended(engine: Any, folder: Any, sql: str, end: Any) -> None:
    """At once, not when the collector of cycles comes by: a query may read thousands of files."""
    path = put(folder, "a.b", {"x": np.arange(5000)})
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            end(engine.run(sql.format(t=f"read_parquet(['{path}'])")))
        assert [file.path for file in psutil.Process().open_files() if file.path == str(path)] == []
    finally:
        gc.enable()
