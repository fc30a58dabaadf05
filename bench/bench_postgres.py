"""How rows of PostgreSQL become columns: bare binary COPY, the ways to decode it, and the engine, in one run.

`python -m bench.bench_postgres [--rows 1000000]`: nine columns of integers, doubles, floats, texts and nulls. Medians
of 5, interleaved, so that other work on the machine hits all alike. The engine streams with what came out best: ADBC.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import adbc_driver_manager as adbc
import adbc_driver_postgresql as driver
import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray

from nashira.config.settings import Engine, Settings
from nashira.config.site import SiteFolder
from nashira.engines.postgres import PostgresEngine
from nashira.engines.postgres_functions import install
from tests.postgres_server import READER, PostgresServer, running_server

PSQL = "/usr/lib/postgresql/15/bin/psql"
SQL = (
    "SELECT id AS c1, ra AS c2, de AS c3, mag AS c4, plx AS c5, e1 AS c6, e2 AS c7, name AS c8, kind AS c9 FROM b.nine"
)
TABLE = """
    CREATE TABLE b.nine AS SELECT i::bigint AS id, random() * 360 AS ra, random() * 180 - 90 AS de,
      CASE WHEN i % 10 > 0 THEN random() * 20 END AS mag, random() AS plx, random()::real AS e1,
      CASE WHEN i % 7 > 0 THEN random()::real END AS e2, 'HIP ' || i AS name,
      CASE WHEN i % 3 > 0 THEN 'G' || i % 10 || 'V' END AS kind
    FROM generate_series(1, %s) i"""
Buffer: TypeAlias = bytes | bytearray | memoryview
COPY = f"COPY ({SQL}) TO STDOUT (FORMAT binary)"
TYPES = (">i8", ">f8", ">f8", ">f8", ">f8", ">f4", ">f4", "", "")


def bare(server: PostgresServer) -> int:
    """Binary COPY by psql to nowhere: what any client pays at least."""
    subprocess.run([PSQL, server.read_url, "-qc", COPY], stdout=subprocess.DEVNULL, check=True)
    return 0


def received(server: PostgresServer) -> int:
    """Binary COPY by psycopg without looking at it: libpq hands out row by row."""
    with psycopg.connect(server.read_url) as connection, connection.cursor().copy(COPY) as copy:
        return sum(1 for _ in copy) - 1  # the header comes with the first row, the end by itself


def decoded(server: PostgresServer) -> int:
    """The same, decoded by NumPy column by column, ten thousand rows at a time."""
    rows = 0
    with psycopg.connect(server.read_url) as connection, connection.cursor().copy(COPY) as copy:
        pending: list[Buffer] = []
        for n, row in enumerate(copy):
            pending.append(bytes(row)[19:] if n == 0 else row)
            if len(pending) == 10_000:
                rows += int(decode(pending).num_rows)
                pending = []
        rows += int(decode([row for row in pending if len(row) > 2]).num_rows)
    return rows


def decode(rows: list[Buffer]) -> pa.RecordBatch:
    """Give the columns of rows in PostgreSQL's binary format."""
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    full = lengths > 2
    data = np.frombuffer(b"".join(rows), dtype=np.uint8)
    place = (np.cumsum(lengths) - lengths)[full] + 2
    columns = []
    for kind in TYPES:
        size = _numbers(data, place, ">i4").astype(np.int64)
        null, size, place = size < 0, np.maximum(size, 0), place + 4
        if kind:
            values = _numbers(data, np.minimum(place, len(data) - 8), kind)
            columns.append(pa.array(values.astype(values.dtype.newbyteorder("=")), mask=null))
        else:
            ends = np.cumsum(size)
            inside = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - size, size)
            texts = data[np.repeat(place, size) + inside]
            offsets = np.concatenate(([0], ends)).astype(np.int32)
            columns.append(pa.StringArray.from_buffers(len(size), pa.py_buffer(offsets), pa.py_buffer(texts)))
        place = place + size
    return pa.RecordBatch.from_arrays(columns, names=[f"c{n}" for n in range(1, 10)])


def _numbers(data: NDArray[np.uint8], place: NDArray[np.int64], kind: str) -> NDArray[Any]:
    width = np.dtype(kind).itemsize
    values: NDArray[Any] = data[place[:, None] + np.arange(width)].reshape(-1).view(kind)
    return values


def by_adbc(server: PostgresServer) -> int:
    """ADBC's reader of the same COPY, as it is."""
    with (
        driver.connect(server.read_url) as database,
        adbc.AdbcConnection(database) as connection,
        adbc.AdbcStatement(connection) as statement,
    ):
        statement.set_sql_query(SQL)
        handle, _ = statement.execute_query()
        return int(sum(batch.num_rows for batch in pa.RecordBatchReader._import_from_c(handle.address)))


def by_engine(engine: PostgresEngine) -> Callable[[PostgresServer], int]:
    """The engine, pooled connection and conversions included."""

    def run(_: PostgresServer) -> int:
        return int(sum(batch.num_rows for batch in engine.run(SQL)))

    return run


def client_cpu() -> float:
    """CPU seconds of this process and of the clients that it has run; the server's are not in it."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def prepare(server: PostgresServer, rows: int) -> None:
    """Make the table."""
    with psycopg.connect(server.url, autocommit=True) as owner:
        install(owner)
        owner.execute("CREATE SCHEMA b")
        owner.execute(TABLE.replace("%s", str(rows)))
        owner.execute("VACUUM ANALYZE b.nine")
        owner.execute(f"GRANT USAGE ON SCHEMA b TO {READER}")
        owner.execute(f"GRANT SELECT ON b.nine TO {READER}")


def measure(server: PostgresServer, rows: int, times: int) -> None:
    """Print the table of figures."""
    with tempfile.TemporaryDirectory() as folder:
        engine = PostgresEngine(SiteFolder(Path(folder), Settings(engine=Engine(url=server.read_url))))
        ways = {
            "bare COPY (psql to /dev/null)": bare,
            "psycopg, received only": received,
            "psycopg, decoded by NumPy": decoded,
            "ADBC": by_adbc,
            "engine": by_engine(engine),
        }
        walls: dict[str, list[float]] = {name: [] for name in ways}
        cpus: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(times + 1):
            for name, way in ways.items():
                wall, cpu = time.perf_counter(), client_cpu()
                found = way(server)
                assert found in {0, rows}, (name, found)
                walls[name].append(time.perf_counter() - wall)
                cpus[name].append(client_cpu() - cpu)
        engine.close()
    least = statistics.median(walls[next(iter(ways))][1:])
    print(f"{rows:,} rows x 9{'':21}ms   M rows/s   of bare COPY   client CPU ms")
    for name in ways:
        wall, cpu = statistics.median(walls[name][1:]), statistics.median(cpus[name][1:])
        print(f"{name:32s}{wall * 1e3:6.0f}{rows / wall / 1e6:11.2f}{100 * least / wall:14.0f} %{cpu * 1e3:16.0f}")


def main() -> None:
    """Start a server, measure, stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    with running_server() as server:
        prepare(server, given.rows)
        measure(server, given.rows, given.times)


if __name__ == "__main__":
    main()
