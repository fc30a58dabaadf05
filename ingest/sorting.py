"""Sort a stream of any length by its index within bounded memory: DuckDB's external sort."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

MEMORY_MB = 512
THREADS = 2
_ROWS = 65_536
_PREFIX = "publish-"
_LOCK = "lock"


@contextmanager
def work_folder(temp: Path) -> Iterator[Path]:
    """Give a folder of one's own below `temp`, removed at the end; leftovers of killed publishers go first."""
    temp.mkdir(parents=True, exist_ok=True)
    _sweep(temp)
    folder, lock = _new_folder(temp)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _new_folder(temp: Path) -> tuple[Path, int]:
    """Make a folder and lock it; one that a sweeper took in between is made again."""
    while True:
        folder = temp / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        folder.mkdir()
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            return folder, lock
        os.close(lock)


def _sweep(temp: Path) -> None:
    for folder in temp.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # it is just being made, or not ours
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)


def sorted_by_last(batches: Iterator[pa.RecordBatch], schema: pa.Schema, work: Path) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `batches` (of `schema`) sorted by the last column, null-free int64, ascending.

    Columns are known to the engine by number only, so that no name of a file reaches SQL. An error of `batches`
    comes out as it is; what does not fit into memory lies below `work`.
    """
    fault: list[BaseException] = []
    plain = pa.schema([pa.field(f"c{n}", field.type) for n, field in enumerate(schema)])
    source = pa.RecordBatchReader.from_batches(plain, _guarded(batches, plain, fault))
    connection = duckdb.connect()
    try:
        _configure(connection, work)
        connection.register("source", source)
        query = f"SELECT * FROM source ORDER BY c{len(schema) - 1}"
        for batch in connection.sql(query).to_arrow_reader(_ROWS):
            yield _as(batch, schema)
    except (duckdb.Error, pa.ArrowException, OSError):
        if fault:
            raise fault[0] from None
        raise
    finally:
        connection.close()


def _configure(connection: duckdb.DuckDBPyConnection, work: Path) -> None:
    free_mb = shutil.disk_usage(work).free // 1_000_000
    folder = str(work).replace("'", "''")
    for setting in (
        f"memory_limit='{MEMORY_MB}MB'",
        f"threads={THREADS}",
        f"temp_directory='{folder}'",
        f"max_temp_directory_size='{max(free_mb, 1)}MB'",  # only heeded after temp_directory
        "preserve_insertion_order=false",
        "enable_progress_bar=false",
    ):
        connection.execute(f"SET {setting}")


def _guarded(
    batches: Iterator[pa.RecordBatch], plain: pa.Schema, fault: list[BaseException]
) -> Iterator[pa.RecordBatch]:
    """Pass batches to the engine, keeping the error that it would wrap."""
    try:
        for batch in batches:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=plain)
    except BaseException as error:
        fault.append(error)
        raise


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Give a batch its names and exact types back."""
    arrays = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
