"""The PostgreSQL engine: streaming, uploads, cancelling, restarts, errors without SQL, and the second wall."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import psycopg
import pyarrow as pa
import pytest

from nashira.config.errors import (
    Cancelled,
    EngineError,
    EngineUnavailable,
    OutOfResources,
    Overloaded,
    QueryError,
    QueryTimeout,
    StoreError,
    UploadError,
)
from nashira.config.settings import Engine, Settings
from nashira.config.site import SiteFolder
from nashira.engines.postgres import PostgresEngine
from nashira.engines.postgres_functions import install
from nashira.schema.model import Column, Relation, Table
from nashira.schema.types import LONG
from tests.postgres_server import READER, Database, PostgresServer, running_server

ENDLESS = "SELECT a.x AS c1 FROM s.million a CROSS JOIN s.million b"
SLOW = "SELECT count(*) AS c1 FROM s.million a CROSS JOIN s.million b WHERE a.x * b.x % 7 = 3"


def prepared(database: Database) -> Database:
    """Install the functions and a table that the reader may read."""
    with psycopg.connect(database.url, autocommit=True) as owner:
        install(owner)
        owner.execute("CREATE SCHEMA s")
        owner.execute("CREATE TABLE s.million AS SELECT i::bigint AS x FROM generate_series(0, 999999) i")
        owner.execute(f"GRANT USAGE ON SCHEMA s TO {READER}")
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA s TO {READER}")
    return database


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> Database:
    return prepared(postgres.fresh())


def site(path: Path, url: str, pool: int = 8) -> SiteFolder:
    return SiteFolder(path, Settings(engine=Engine(url=url, pool=pool)))


@pytest.fixture
def engine(tmp_path: Path, database: Database) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(site(tmp_path, database.read_url))
    yield engine
    engine.close()


@dataclass(frozen=True)
class Watcher:
    """What the server says of the sessions of a database."""

    database: Database

    def busy(self, *, state: str = "active") -> list[str]:
        query = """SELECT query FROM pg_stat_activity
            WHERE datname = %s AND usename = %s AND state = %s AND backend_type = 'client backend'"""
        with psycopg.connect(self.database.super_url) as connection:
            return [row[0] for row in connection.execute(query, (self.database.name, READER, state))]

    def sessions(self) -> int:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename = %s"
        with psycopg.connect(self.database.super_url) as connection:
            row = connection.execute(query, (self.database.name, READER)).fetchone()
            assert row is not None
            return int(row[0])


@pytest.fixture
def watcher(database: Database) -> Watcher:
    return Watcher(database)


def rows(running: Any) -> Any:
    return pa.Table.from_batches(list(running)).to_pydict()


Until = Callable[..., None]

# ------------------------------------------------------------------------------------------------ uploads and tables


def test_rows_of_a_table(engine: PostgresEngine) -> None:
    assert rows(engine.run("SELECT x AS c1 FROM s.million WHERE x < 3 ORDER BY x")) == {"c1": [0, 1, 2]}


def test_an_empty_result_is_no_batch(engine: PostgresEngine) -> None:
    assert list(engine.run("SELECT 1 AS c1 WHERE false")) == []


def test_uploads_of_one_name_do_not_meet(engine: PostgresEngine) -> None:
    def ask(n: int) -> object:
        table = pa.table({"x": np.full(1000, n)})
        return rows(engine.run("SELECT sum(x)::bigint AS c1 FROM pg_temp.upload_1", uploads={"upload_1": table}))["c1"]

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(40))) == [[n * 1000] for n in range(40)]
    with pytest.raises((EngineError, StoreError)):
        list(engine.run("SELECT * FROM pg_temp.upload_1"))


UPLOAD = pa.table(
    {
        "flag": pa.array([True, None]),
        "byte": pa.array([255, None], pa.uint8()),
        "short": pa.array([-32768, None], pa.int16()),
        "int": pa.array([-(2**31), None], pa.int32()),
        "long": pa.array([-(2**63), None], pa.int64()),
        "float": pa.array([1.5, None], pa.float32()),
        "double": pa.array([5e-324, None], pa.float64()),
        "text": pa.array(["", None], pa.string()),
        'odd "name" ü': pa.array(["Ωß\n\\", None], pa.large_string()),
        "time": pa.array([0, None], pa.timestamp("us")),
        "point": pa.array([[1.0, -2.0], None], pa.list_(pa.float64(), 2)),
        "list": pa.array([[1.0, None], None], pa.list_(pa.float64())),
        "texts": pa.array([["a", None], None], pa.list_(pa.string())),
    }
)


def test_uploaded_values_come_back_as_they_were(engine: PostgresEngine) -> None:
    (batch,) = engine.run('SELECT * FROM pg_temp."upload_1"', uploads={"upload_1": UPLOAD})
    assert batch.to_pydict() == UPLOAD.to_pydict()


def test_uploads_without_rows_or_columns(engine: PostgresEngine) -> None:
    empty = {"upload_1": UPLOAD.slice(2), "upload_2": pa.table({})}
    sql = 'SELECT (SELECT count(*) FROM pg_temp."upload_1") AS c1, (SELECT count(*) FROM pg_temp."upload_2") AS c2'
    assert rows(engine.run(sql, uploads=empty)) == {"c1": [0], "c2": [0]}


def test_an_upload_that_cannot_be_kept_is_the_users_fault(engine: PostgresEngine) -> None:
    with pytest.raises(QueryError, match="0x00"):
        list(engine.run("SELECT 1 AS c1", uploads={"upload_1": pa.table({"s": ["a\0b"]})}))
    with pytest.raises(UploadError, match="63 bytes"):
        list(engine.run("SELECT 1 AS c1", uploads={"upload_1": pa.table({"x" * 63 + "a": [1], "x" * 63 + "b": [2]})}))
    wide = pa.table({f"x{n}": [n] for n in range(1601)})
    with pytest.raises(UploadError, match="1601 columns"):
        list(engine.run("SELECT 1 AS c1", uploads={"upload_1": wide}))
    with pytest.raises(UploadError, match="struct"):
        list(engine.run("SELECT 1 AS c1", uploads={"upload_1": pa.table({"s": [{"a": 1}]})}))
    assert rows(engine.run("SELECT 1 AS c1")) == {"c1": [1]}


def test_tables_kept_by_the_engine_are_in_every_session(engine: PostgresEngine) -> None:
    table = Table("TAP_SCHEMA", 'odd "name"', (Column("x", LONG),), Relation(()))
    data = pa.table({"x": [1, 2, 3], "_healpix_29": [5, 6, 7]})
    first, second = engine.put_table(table, data), engine.put_table(table, data.slice(1))
    assert first.path != second.path
    assert (first.rows, first.indexed) == (3, True)
    sql = "SELECT a.x AS c1 FROM {} a JOIN {} b ON a.x = b.x ORDER BY a.x".format(*map(_named, (first, second)))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: rows(engine.run(sql)), range(8))) == [{"c1": [2, 3]}] * 8
    engine.drop(first)
    engine.drop(first)
    assert rows(engine.run(f"SELECT x AS c1 FROM {_named(second)}")) == {"c1": [2, 3]}
    with pytest.raises(StoreError):
        list(engine.run(f"SELECT x AS c1 FROM {_named(first)}"))


def _named(relation: Relation) -> str:
    return ".".join(f'"{part}"' for part in relation.path)


# ------------------------------------------------------------------------------------------------ streaming


def test_millions_of_rows_pass_through_bounded_memory(engine: PostgresEngine) -> None:
    process = psutil.Process()
    list(engine.run("SELECT 1 AS c1"))
    idle, most, count = process.memory_info().rss, 0, 0
    for batch in engine.run("SELECT x AS c1, x / 3.0::float8 AS c2, x::text AS c3 FROM s.million, (VALUES (1), (2)) v"):
        count += batch.num_rows
        if count < 300_000:
            time.sleep(0.02)
        most = max(most, process.memory_info().rss)
    assert count == 2_000_000
    assert most - idle < 100e6


def test_slow_readers_do_not_block_others(engine: PostgresEngine) -> None:
    readers = [iter(engine.run(ENDLESS)) for _ in range(7)]
    for reader in readers:
        next(reader)
    began = time.monotonic()
    assert rows(engine.run("SELECT 1 AS c1")) == {"c1": [1]}
    assert time.monotonic() - began < 1
    for reader in readers:
        reader.close()  # type: ignore[attr-defined]


def test_a_full_pool_is_said_in_words(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nashira.engines.postgres_pool._WAIT_SECONDS", 0.2)
    engine = PostgresEngine(site(tmp_path, database.read_url, pool=1))
    held = iter(engine.run(ENDLESS))
    next(held)
    with pytest.raises(Overloaded, match="All connections"):
        list(engine.run("SELECT 1 AS c1"))
    waiting = engine.run("SELECT 1 AS c1")
    threading.Timer(0.05, waiting.cancel).start()
    with pytest.raises(Cancelled):
        list(waiting)
    held.close()  # type: ignore[attr-defined]
    assert rows(engine.run("SELECT 1 AS c1")) == {"c1": [1]}
    engine.close()


# ------------------------------------------------------------------------------------------------ ends


@pytest.mark.parametrize("sql", [SLOW, ENDLESS])
def test_time_limit(engine: PostgresEngine, watcher: Watcher, until: Until, sql: str) -> None:
    began = time.monotonic()
    with pytest.raises(QueryTimeout, match=r"0\.3 seconds"):
        for _ in engine.run(sql, seconds=0.3):
            pass
    assert time.monotonic() - began < 1.3
    until(lambda: not watcher.busy(), 1)


def test_the_server_ends_a_query_whose_client_hangs(engine: PostgresEngine, watcher: Watcher, until: Until) -> None:
    engine._watchdog.close()
    with pytest.raises(QueryTimeout):
        list(engine.run(SLOW, seconds=0.1))


def test_time_limit_frees_a_query_whose_reader_has_gone_to_sleep(
    engine: PostgresEngine, watcher: Watcher, until: Until
) -> None:
    running = iter(engine.run(ENDLESS, seconds=1))
    next(running)
    until(lambda: not engine._running)
    until(lambda: not watcher.busy(), 1)
    with pytest.raises(QueryTimeout):
        next(running)


@pytest.mark.parametrize("sql", [SLOW, ENDLESS])
def test_cancel_reaches_the_backend_within_a_second(
    engine: PostgresEngine, watcher: Watcher, until: Until, sql: str
) -> None:
    running = engine.run(sql, tag="abc-1")
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(lambda: [None for _ in running])
        until(lambda: any("/* abc-1 */" in query for query in watcher.busy()))
        running.cancel()
        until(lambda: not watcher.busy(), 1)
        with pytest.raises(Cancelled):
            reader.result(timeout=5)
    running.cancel()
    running.close()


def test_cancel_before_the_first_step(engine: PostgresEngine) -> None:
    running = engine.run(SLOW)
    running.cancel()
    with pytest.raises(Cancelled):
        list(running)


def test_cancel_hits_at_any_moment_and_no_other_query(engine: PostgresEngine) -> None:
    for delay in np.linspace(0, 0.02, 20):
        running = engine.run(SLOW)
        threading.Timer(delay, running.cancel).start()
        with pytest.raises(Cancelled):
            list(running)
        assert rows(engine.run("SELECT count(*) AS c1 FROM s.million WHERE x < 1000")) == {"c1": [1000]}


def test_cancel_at_the_very_end_hits_no_other_query(engine: PostgresEngine) -> None:
    for delay in np.linspace(0, 0.01, 40):
        running = engine.run("SELECT count(*) AS c1 FROM s.million WHERE x < 100")
        timer = threading.Timer(delay, running.cancel)
        timer.start()
        with suppress(Cancelled):
            list(running)
        assert rows(engine.run("SELECT 1 AS c1")) == {"c1": [1]}
        timer.join()


def test_close_while_another_thread_reads(engine: PostgresEngine, until: Until) -> None:
    running = engine.run(SLOW)
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(lambda: list(running))
        time.sleep(0.1)
        running.close()
        with pytest.raises(Cancelled):
            reader.result(timeout=5)
    assert not engine._running


def test_leaving_the_iteration_ends_the_query(engine: PostgresEngine, watcher: Watcher, until: Until) -> None:
    for _ in engine.run(ENDLESS):
        break
    iteration = iter(engine.run(ENDLESS))
    next(iteration)
    iteration.close()  # type: ignore[attr-defined]
    assert not engine._running
    until(lambda: not watcher.busy(), 1)


def test_a_query_is_read_once(engine: PostgresEngine) -> None:
    running = engine.run("SELECT 1 AS c1")
    list(running)
    with pytest.raises((EngineError, Cancelled)):
        list(running)


def test_closing_the_engine_ends_its_queries(
    tmp_path: Path, database: Database, watcher: Watcher, until: Until
) -> None:
    before = {thread.name for thread in threading.enumerate()}
    engine = PostgresEngine(site(tmp_path, database.read_url))
    iteration = iter(engine.run(ENDLESS))
    next(iteration)
    engine.close()
    engine.close()
    with pytest.raises(Cancelled):
        next(iteration)
    with pytest.raises(EngineError, match="shutting down"):
        engine.run("SELECT 1")
    until(lambda: watcher.sessions() == 0, 2)
    assert {thread.name for thread in threading.enumerate()} <= before


# ------------------------------------------------------------------------------------------------ restarts


def test_a_restart_is_survived(tmp_path: Path) -> None:
    with running_server() as server:
        prepared(server.main)
        engine = PostgresEngine(site(tmp_path, server.read_url))
        kept = engine.put_table(Table("a", "b", (Column("x", LONG),), Relation(())), pa.table({"x": [7]}))
        iterations = [iter(engine.run(ENDLESS)) for _ in range(3)]
        for one in iterations:
            next(one)
        list(engine.run("SELECT 1 AS c1"))
        server.restart()
        with pytest.raises(EngineUnavailable, match="database ended the connection"):
            list(iterations[0])
        for one in iterations:
            one.close()  # type: ignore[attr-defined]
        for _ in range(4):
            assert rows(engine.run(f"SELECT x AS c1 FROM {_named(kept)}")) == {"c1": [7]}
        server.stop()
        with pytest.raises(EngineUnavailable, match="try again in a moment"):
            list(engine.run("SELECT 1 AS c1"))
        server.start()
        assert rows(engine.run("SELECT 1 AS c1")) == {"c1": [1]}
        engine.close()


# ------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("sql", "kind", "text"),
    [
        ("SELECT CAST(s AS integer) AS c1 FROM (VALUES ('abc')) t(s)", QueryError, "abc"),
        ("SELECT 1 / (x - 500000) AS c1 FROM s.million", QueryError, "division by zero"),
        ("SELECT nope AS c1 FROM s.million", StoreError, "changed in the database"),
        ("SELECT 1 AS c1 FROM s.gone", StoreError, "changed in the database"),
        ("SELECT rolpassword AS c1 FROM pg_authid", StoreError, "changed in the database"),
        ("SELECT repeat('x', 2000000000) AS c1", OutOfResources, "memory"),
        ("SELECT nope(1) AS c1", EngineError, "internal"),
        ("SELEC", EngineError, "internal"),
        ("SELECT 1 AS c1; SELECT 2 AS c1", EngineError, "internal"),
        ("CREATE TEMP TABLE t (x integer)", EngineError, "internal"),
        ("EXPLAIN SELECT 1", EngineError, "internal"),
        ("SELECT row(1, 2) AS c1", EngineError, "internal"),
        ("", EngineError, "internal"),
    ],
)
def test_errors_are_readable_and_tell_no_secrets(
    engine: PostgresEngine, sql: str, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        list(engine.run(sql, tag="t-1"))
    assert type(caught.value) is kind
    message = str(caught.value)
    for secret in ("\n", "SELECT", "LINE", "c1", "COPY", "libpq", "million"):
        assert secret not in message
    assert rows(engine.run("SELECT 1 AS c1")) == {"c1": [1]}


def test_an_error_after_the_first_rows(engine: PostgresEngine) -> None:
    iteration = iter(engine.run("SELECT 1 / (900000 - i) AS c1 FROM generate_series(1, 1000000) i"))
    next(iteration)
    with pytest.raises(QueryError, match="division by zero"):
        list(iteration)


# ------------------------------------------------------------------------------------------------ the second wall


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM s.million",
        "WITH gone AS (DELETE FROM s.million RETURNING x) SELECT x AS c1 FROM gone",
        "SELECT pg_read_file('/etc/passwd') AS c1",
        "SELECT lo_import('/etc/passwd') AS c1",
        "SELECT pg_reload_conf() AS c1",
        "COPY (SELECT 1) TO '/tmp/x'",
        "SET default_transaction_read_only = off",
        "SELECT 1) TO PROGRAM 'true' --",
        "SELECT x AS c1 INTO pg_temp.t FROM s.million",
        "(SELECT 1 AS c1) FOR UPDATE; DROP TABLE s.million",
    ],
)
def test_only_reading_is_possible(engine: PostgresEngine, sql: str) -> None:
    with pytest.raises((EngineError, StoreError)):
        list(engine.run(sql, tag="t-1"))
    assert rows(engine.run("SELECT count(*) AS c1 FROM s.million")) == {"c1": [1_000_000]}


def test_a_tag_cannot_leave_its_comment(engine: PostgresEngine) -> None:
    assert rows(engine.run("SELECT 1 AS c1", tag="a */ SELECT 2; /*")) == {"c1": [1]}


# ------------------------------------------------------------------------------------------------ estimates


def test_an_estimate_comes_from_the_planner(engine: PostgresEngine, database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("ANALYZE s.million")
    rows_ = engine.estimate("SELECT x AS c1 FROM s.million WHERE x < 100000")
    assert rows_ is not None
    assert 80_000 < rows_ < 120_000
    assert engine.estimate("SELECT nope") is None
