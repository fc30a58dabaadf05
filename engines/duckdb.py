"""The embedded engine: one in-memory DuckDB that reads the store's Parquet files, a cursor a query.

It is the second wall: it can read the store and nothing else, its configuration is locked, memory, threads and
temporary space are limited, and only single SELECT statements run.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import structlog
from duckdb import func

from ..config.errors import EngineError
from ..config.site import SiteFolder
from ..schema.model import Relation, Table
from ..sphere.functions import FUNCTIONS
from .duckdb_errors import FAILURES
from .duckdb_plans import estimated_rows
from .duckdb_running import DuckDBRunning
from .running import tagged
from .watchdog import Watchdog

log = structlog.get_logger(__name__)

_INDEX = "_healpix_29"
_LOCKED: tuple[tuple[str, object], ...] = (
    ("python_enable_replacements", False),
    ("autoinstall_known_extensions", False),
    ("autoload_known_extensions", False),
    ("allow_community_extensions", False),
    ("allow_persistent_secrets", False),
    ("parquet_metadata_cache", True),  # files of a version never change; 100 files open in 7 ms instead of 8
    ("enable_external_file_cache", False),  # the system's page cache is enough: no gain, but memory
    ("streaming_buffer_size", "2MB"),  # of each open stream; 10 MB by default
    ("enable_external_access", False),
    ("lock_configuration", True),  # last
)


class DuckDBEngine:
    """An in-memory DuckDB over the site's store; safe to call from any thread.

    `roots` are further folders whose files published tables consist of; all paths as they are after resolving links.
    """

    name = "duckdb"

    def __init__(self, folder: SiteFolder, roots: Sequence[Path] = ()) -> None:
        self._store = folder.store.resolve()
        self._temp = _temp_folder(folder.temp)
        self._watchdog = Watchdog()
        self._lock = threading.Lock()
        self._running: set[DuckDBRunning] = set()
        self._count = 0
        self._closed = False
        engine = folder.settings.engine
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "threads": engine.threads,
                "memory_limit": f"{engine.memory_mb}MB",
                "temp_directory": str(self._temp.path),
            },
        )
        self._register_functions()
        # Order matters: temporary space before access is closed, the lock at the end.
        self._set("max_temp_directory_size", f"{engine.temp_mb}MB")
        self._set("allowed_directories", [f"{path}/" for path in (self._store, *roots)])
        for name, value in _LOCKED:
            self._set(name, value)

    def _set(self, name: str, value: object) -> None:
        literal = "[" + ", ".join(map(_quoted, value)) + "]" if isinstance(value, list) else _quoted(value)
        self._connection.execute(f"SET {name} = {literal}")

    def _register_functions(self) -> None:
        for function in FUNCTIONS:
            self._connection.create_function(
                function.name,
                function.call,
                list(function.parameters),
                function.returns,
                type=func.ARROW,
                null_handling=func.SPECIAL,  # they give NULL for impossible positions too
            )

    def run(
        self, sql: str, *, uploads: Mapping[str, pa.Table] | None = None, seconds: float | None = None, tag: str = ""
    ) -> DuckDBRunning:
        """Start a query; `uploads` exist for this query only, whatever other queries call theirs."""
        cursor = self._cursor()
        for name, table in (uploads or {}).items():
            cursor.register(name, table)
        running = DuckDBRunning(
            cursor, tagged(sql, tag), self._watchdog, self._store, tag, seconds, self._running.discard
        )
        with self._lock:
            self._running.add(running)
        return running

    def estimate(self, sql: str) -> int | None:
        """Give the number of rows that the planner expects, None where it cannot tell; nothing is executed."""
        cursor = self._cursor()
        try:
            return estimated_rows(cursor, sql)
        except FAILURES as error:
            log.info("no estimate", error=type(error).__name__, detail=str(error), sql=sql)
            return None
        finally:
            cursor.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._closed:
                message = "The service is shutting down"
                raise EngineError(message)
            return self._connection.cursor()

    def put_table(self, table: Table, rows: pa.Table) -> Relation:
        """Keep a copy of `rows` in memory under a fresh schema name; columns as they are in `rows`."""
        with self._lock:
            self._count += 1
            schema = f"ns_{self._count}"
        path = (schema, table.name)
        cursor = self._cursor()
        try:
            cursor.register("incoming", rows)
            cursor.execute(f"CREATE SCHEMA {schema}")
            cursor.execute(f"CREATE TABLE {_named(path)} AS SELECT * FROM incoming")
        finally:
            cursor.close()
        return Relation(path, rows.num_rows, _INDEX in rows.column_names)

    def drop(self, relation: Relation) -> None:
        """Forget a table of `put_table`; queries that read it go on. Harmless when it is gone."""
        cursor = self._cursor()
        try:
            cursor.execute(f"DROP TABLE IF EXISTS {_named(relation.path)}")
            cursor.execute(f"DROP SCHEMA IF EXISTS {_named(relation.path[:1])}")
        finally:
            cursor.close()

    def close(self) -> None:
        """End all queries and release everything; harmless when repeated."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            running = list(self._running)
        for one in running:
            one.close()
        self._watchdog.close()
        self._connection.close()
        self._temp.remove()


class _TempFolder:
    """A folder of one engine; the lock that it holds tells other processes that it is in use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _temp_folder(parent: Path) -> _TempFolder:
    """Make a fresh folder in `parent` and remove those that killed processes left."""
    parent.mkdir(parents=True, exist_ok=True)
    for path in parent.glob("duckdb-*/lock"):
        _remove_abandoned(path)
    while True:
        folder = _TempFolder(Path(tempfile.mkdtemp(prefix="duckdb-", dir=parent)).resolve())
        if folder.path.exists():  # else another process took it for abandoned before it was locked
            return folder


def _remove_abandoned(lock: Path) -> None:
    """Delete the folder of a lock file that nobody holds."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(lock.parent, ignore_errors=True)
        log.info("removed temporary files of an ended process", folder=lock.parent.name)
    finally:
        os.close(descriptor)


def _named(path: Sequence[str]) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in path)


def _quoted(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "'" + str(value).replace("'", "''") + "'"
