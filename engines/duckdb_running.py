"""A query of the embedded engine under way: streaming, cancelling, time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import clear_frames

import duckdb
import pyarrow as pa
import structlog

from ..config.errors import Cancelled, EngineError, NashiraError, QueryTimeout
from .duckdb_errors import FAILURES, is_interrupt, translated
from .watchdog import Watchdog

log = structlog.get_logger(__name__)

_BATCH_ROWS = 16_384  # as fast as 65,536, and long texts of that many rows still fit into memory
_BATCH_CELLS = 600_000  # wide tables get shorter batches
_AGAIN_SECONDS = 0.05  # an interrupt between two steps of the engine is lost: repeat it
_PLAIN_TEXT = {pa.large_string(): pa.string(), pa.string_view(): pa.string()}


class DuckDBRunning:
    """A running query; it starts with the first step of the iteration, so that all its errors come from there."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        sql: str,
        watchdog: Watchdog,
        store: Path,
        tag: str,
        seconds: float | None,
        on_end: Callable[[DuckDBRunning], None],
    ) -> None:
        self._cursor = cursor
        self._sql = sql
        self._watchdog = watchdog
        self._store = store
        self._log = log.bind(tag=tag)
        self._seconds = seconds
        self._on_end = on_end
        self._step = threading.Lock()  # held while the engine works for us
        self._ended = False
        self._reason: NashiraError | None = None
        self._reader: pa.RecordBatchReader | None = None
        self._schema: pa.Schema | None = None
        self._alarm = None if seconds is None else watchdog.call_in(seconds, self._time_out)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield batches of plain types, text as `string`; see `engines.base.Running` for the errors."""
        try:
            while (batch := self._next()) is not None:
                if batch.num_rows:
                    yield batch
        finally:
            self.close()

    def cancel(self) -> None:
        """Stop the query from any thread; the iteration raises Cancelled. Harmless when it has ended."""
        self._stop(Cancelled("The query was cancelled"))

    def close(self) -> None:
        """Stop if running and release everything; harmless when repeated, waits for a step under way."""
        if self._ended:
            return
        self._stop(Cancelled("The query was stopped"))
        with self._step:
            self._release()

    def _time_out(self) -> None:
        self._stop(QueryTimeout(f"The query was stopped at its time limit of {self._seconds:g} seconds"))

    def _stop(self, reason: NashiraError) -> None:
        """Note why, interrupt the engine, and release where it is idle."""
        if self._ended:
            return
        if self._reason is None:
            self._reason = reason
        self._interrupt()

    def _interrupt(self) -> None:
        if self._step.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._step.release()
        elif not self._ended:
            self._cursor.interrupt()
            self._watchdog.call_in(_AGAIN_SECONDS, self._interrupt)

    def _release(self) -> None:
        """Give everything back; `_step` is held."""
        if self._ended:
            return
        self._ended = True
        if self._alarm is not None:
            self._watchdog.forget(self._alarm)
        self._reader = None
        self._cursor.close()
        self._on_end(self)

    def _next(self) -> pa.RecordBatch | None:
        with self._step:
            self._check()
            try:
                if self._reader is None:
                    self._start()
                batch = self._reader.read_next_batch() if self._reader is not None else None
            except StopIteration:
                self._check()
                return None
            except FAILURES as error:
                clear_frames(error.__traceback__)  # a relation in them keeps files open while somebody keeps the error
                raise self._failure(error) from error
            return batch if self._schema is None or batch is None else batch.cast(self._schema)

    def _check(self) -> None:
        if self._reason is not None:
            raise self._reason
        if self._ended:
            message = "The query was read already"
            raise EngineError(message)

    def _failure(self, error: BaseException) -> NashiraError:
        """Give our error; its cause and the SQL go to the log only."""
        if self._reason is not None:
            return self._reason
        if is_interrupt(error):
            return Cancelled("The query was cancelled")
        ours = translated(error, self._store)
        self._log.warning("query failed", kind=type(ours).__name__, detail=str(error), sql=self._sql)
        return ours

    def _start(self) -> None:
        """Plan the query and open its stream; only one SELECT is served."""
        statements = self._cursor.extract_statements(self._sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            self._log.error("refused what is not one SELECT", sql=self._sql)
            message = "The query failed for an internal reason; the operator finds it in the log"
            raise EngineError(message)
        relation = self._cursor.sql(statements[0])
        rows = max(1024, min(_BATCH_ROWS, _BATCH_CELLS // max(1, len(relation.columns))))
        self._reader = relation.to_arrow_reader(rows)
        self._schema = self._plain(self._reader.schema)

    def _plain(self, schema: pa.Schema) -> pa.Schema | None:
        """Give the schema to cast to, None where none is needed; refuse integers beyond 64 bits."""
        if any(
            pa.types.is_decimal(field.type) and (field.type.precision, field.type.scale) == (38, 0) for field in schema
        ):
            self._log.error("refused a HUGEINT column", sql=self._sql)
            message = "The query failed for an internal reason; the operator finds it in the log"
            raise EngineError(message)
        types = [_PLAIN_TEXT.get(field.type, field.type) for field in schema]
        if types == schema.types:
            return None
        return pa.schema([field.with_type(kind) for field, kind in zip(schema, types, strict=True)])
