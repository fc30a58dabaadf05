"""A query of the embedded engine under way: streaming, cancelling, time limit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from traceback import clear_frames

import duckdb
import pyarrow as pa
import structlog

from ..config.errors import Cancelled, EngineError, NashiraError
from .duckdb_errors import FAILURES, is_interrupt, translated
from .running import RunningQuery
from .watchdog import Watchdog

log = structlog.get_logger(__name__)

_BATCH_ROWS = 16_384  # as fast as 65,536, and long texts of that many rows still fit into memory
_BATCH_CELLS = 600_000  # wide tables get shorter batches
_PLAIN_TEXT = {pa.large_string(): pa.string(), pa.string_view(): pa.string()}


class DuckDBRunning(RunningQuery):
    """A running query of the embedded engine."""

    again_seconds = 0.05

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
        self._store = store
        self._log = log.bind(tag=tag)
        self._on_end = on_end
        self._reader: pa.RecordBatchReader | None = None
        self._schema: pa.Schema | None = None
        super().__init__(watchdog, seconds)

    def _interrupt_step(self) -> None:
        self._cursor.interrupt()

    def _give_back(self) -> None:
        self._reader = None
        self._cursor.close()
        self._on_end(self)

    def _take_step(self) -> pa.RecordBatch | None:
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
