"""One connection to PostgreSQL: statements, a streamed query, tables of its own, cancelling from another thread.

Rows travel as COPY (FORMAT binary), decoded into Arrow batches by the ADBC driver as they arrive.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader  # its errors carry the SQLSTATE
from adbc_driver_postgresql import ConnectionOptions, StatementOptions

from .postgres_types import incoming, postgres_type

_BATCH_BYTES = 2_000_000  # smaller ones cost the writers time, larger ones memory
_ANALYZED_ROWS = 1_000  # below, the planner's guess for a table it knows nothing of is good enough
_INDEX = "_healpix_29"
_READ_ONLY = "SET TRANSACTION READ ONLY"


class Session:
    """A connection; one thread at a time uses it, but any may call `cancel`. Failures are `adbc.Error`."""

    def __init__(self, database: adbc.AdbcDatabase) -> None:
        self._connection = adbc.AdbcConnection(database)
        self._statement: adbc.AdbcStatement | None = None
        self._reader: AdbcRecordBatchReader | None = None
        self._limit_ms = 0
        self._kept: set[str] = set()
        self.used = False  # it has served a query: the server may have gone away since

    @property
    def alive(self) -> bool:
        """Tell whether the connection was not lost, as far as the last answer of the server shows."""
        return self._state() != "unknown"

    def _state(self) -> str:
        return self._connection.get_option(ConnectionOptions.TRANSACTION_STATUS.value)

    def execute(self, sql: str) -> None:
        """Run a statement that gives no rows."""
        with adbc.AdbcStatement(self._connection) as statement:
            statement.set_sql_query(sql)
            statement.execute_update()

    def limit(self, seconds: float | None) -> None:
        """Let the server end statements by itself a second after their time, should this process be unable to."""
        wanted = 0 if seconds is None else min(int(seconds * 1000) + 1000, 2**31 - 1)
        if wanted != self._limit_ms:
            self.execute(f"SET statement_timeout = {wanted}")
            self._limit_ms = wanted

    def keep(self, wanted: Mapping[str, pa.Table], all_kept: Iterable[str]) -> None:
        """Have the tables `wanted` in this session, without those that are not in `all_kept` any more."""
        gone = self._kept.difference(all_kept)
        missing = {name: table for name, table in wanted.items() if name not in self._kept}
        if not gone and not missing:
            return
        self.execute("BEGIN READ WRITE")
        for name in gone:
            self.execute(f"DROP TABLE pg_temp.{quoted(name)}")
        for name, table in missing.items():
            self._load(name, table)
        self.execute("COMMIT")
        self._kept = (self._kept - gone) | set(missing)

    def bring(self, uploads: Mapping[str, pa.Table]) -> None:
        """Begin a transaction with the tables `uploads`, read-only from then on; they go when it ends."""
        self.execute("BEGIN READ WRITE")
        for name, table in uploads.items():
            self._load(name, table)
        self.execute(_READ_ONLY)

    def _load(self, name: str, table: pa.Table) -> None:
        """Make a temporary table and fill it by binary COPY."""
        table = incoming(table)
        columns = ", ".join(f"{quoted(field.name)} {postgres_type(field.type)}" for field in table.schema)
        self.execute(f"CREATE TEMP TABLE {quoted(name)} ({columns})")
        if table.num_rows:
            with adbc.AdbcStatement(self._connection) as statement:
                mode = {
                    adbc.StatementOptions.INGEST_TARGET_TABLE.value: name,
                    adbc.StatementOptions.INGEST_MODE.value: "adbc.ingest.mode.append",
                    adbc.StatementOptions.INGEST_TEMPORARY.value: "true",
                }
                statement.set_options(**mode)
                statement.bind_stream(table.to_reader())
                statement.execute_update()
        if _INDEX in table.column_names:
            self.execute(f"CREATE INDEX ON {quoted(name)} ({quoted(_INDEX)})")
        if table.num_rows >= _ANALYZED_ROWS:
            self.execute(f"ANALYZE {quoted(name)}")

    def open(self, sql: str) -> pa.Schema:
        """Start a query and give its schema; `next_batch` gives the rows."""
        self._statement = adbc.AdbcStatement(self._connection)
        self._statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES)})
        self._statement.set_sql_query(sql)
        handle, _ = self._statement.execute_query()
        self._reader = AdbcRecordBatchReader._import_from_c(handle.address)
        return self._reader.schema

    def next_batch(self) -> pa.RecordBatch | None:
        """Give the next rows of the query, None at its end."""
        if self._reader is None:
            return None
        try:
            return self._reader.read_next_batch()
        except StopIteration:
            return None

    def planned_rows(self, sql: str) -> int:
        """Give the number of rows that the planner expects; nothing is executed."""
        with adbc.AdbcStatement(self._connection) as statement:
            statement.set_options(**{StatementOptions.USE_COPY.value: "false"})  # EXPLAIN cannot be copied
            statement.set_sql_query(f"EXPLAIN (FORMAT JSON) {sql}")
            handle, _ = statement.execute_query()
            (text,) = pa.RecordBatchReader._import_from_c(handle.address).read_all().column(0).to_pylist()
        return int(json.loads(text)[0]["Plan"]["Plan Rows"])

    def finish(self) -> bool:
        """End the query and its transaction; tell whether the session can serve another one."""
        self._end()
        self.used = True
        if self._state() in {"intrans", "inerror"}:
            self.execute("ROLLBACK")
        return self._state() == "idle"

    def _end(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._statement is not None:
            self._statement.close()
            self._statement = None

    def cancel(self) -> None:
        """Ask the server to stop what this session does; from any thread."""
        self._connection.cancel()

    def close(self) -> None:
        """End the connection, and with it whatever it still does."""
        self._end()
        self._connection.close()


def quoted(name: str) -> str:
    """Give a name as a delimited SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
