"""A query of the PostgreSQL engine under way: streaming, cancelling, time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pyarrow as pa
import structlog

from ..config.errors import Cancelled, EngineError, NashiraError, QueryTimeout
from .postgres_errors import FAILURES, state, translated
from .postgres_pool import SessionPool
from .postgres_session import Session
from .postgres_types import Converter, converters, plain
from .watchdog import Watchdog

log = structlog.get_logger(__name__)

_AGAIN_SECONDS = 0.2  # a cancel between two statements is lost: repeat it


class PostgresRunning:
    """A running query; it starts with the first step of the iteration, so that all its errors come from there.

    `prepare` makes a session ready for the query.
    """

    def __init__(
        self,
        pool: SessionPool,
        sql: str,
        prepare: Callable[[Session], None],
        watchdog: Watchdog,
        tag: str,
        seconds: float | None,
        on_end: Callable[[PostgresRunning], None],
    ) -> None:
        self._pool = pool
        self._sql = sql
        self._prepare = prepare
        self._watchdog = watchdog
        self._tag = tag
        self._log = log.bind(tag=tag)
        self._seconds = seconds
        self._on_end = on_end
        self._step = threading.Lock()  # held while the session works for us
        self._cancelling = threading.Lock()  # held while a cancel is sent, so that it hits no other query
        self._session: Session | None = None
        self._started = self._whole = self._cancel_sent = self._ended = False
        self._reason: NashiraError | None = None
        self._steps: list[Converter | None] | None = None
        self._alarm = None if seconds is None else watchdog.call_in(seconds, self._time_out)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield batches of plain types; see `engines.base.Running` for the errors."""
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
        """Note why, cancel what the server does, and release where it is idle."""
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
            self._pool.errands.submit(self._send_cancel)
            self._watchdog.call_in(_AGAIN_SECONDS, self._interrupt)

    def _send_cancel(self) -> None:
        with self._cancelling:
            if self._session is None:
                return
            self._cancel_sent = True
            try:
                self._session.cancel()
            except FAILURES as error:
                self._log.warning("the database cannot be told to cancel", error=str(error))

    def _release(self) -> None:
        """Give everything back; `_step` is held. A session is used again where its query has run to its end."""
        if self._ended:
            return
        self._ended = True
        if self._alarm is not None:
            self._watchdog.forget(self._alarm)
        with self._cancelling:
            session, self._session = self._session, None
        if session is not None:
            if self._whole and not self._cancel_sent and _finished(session):
                self._pool.give_back(session)
            else:
                self._pool.discard(session)
        self._on_end(self)

    def _next(self) -> pa.RecordBatch | None:
        with self._step:
            self._check()
            try:
                if not self._started:
                    self._start()
                batch = None if self._session is None else self._session.next_batch()
            except FAILURES as error:
                raise self._failure(error) from error
            self._check()
            if batch is None:
                self._whole = True
                return None
            return batch if self._steps is None else plain(batch, self._steps)

    def _check(self) -> None:
        if self._reason is not None:
            raise self._reason
        if self._ended:
            message = "The query was read already"
            raise EngineError(message)

    def _failure(self, error: BaseException) -> NashiraError:
        """Give our error; its cause and the SQL go to the log only."""
        alive = self._session is not None and self._session.alive
        if self._reason is not None:
            return self._reason
        self._whole = alive
        ours = translated(error, alive=alive)
        kind = type(ours).__name__
        self._log.warning("query failed", kind=kind, state=state(error), detail=str(error), sql=self._sql)
        return ours

    def _start(self) -> None:
        """Open the stream; a session that was lost while idle is replaced."""
        self._started = True
        if not self._sql.lstrip("(").startswith(("SELECT", "WITH")):
            self._log.error("refused what is not one SELECT", sql=self._sql)
            message = "The query failed for an internal reason; the operator finds it in the log"
            raise EngineError(message)
        while True:
            self._session = session = self._pool.take(lambda: self._reason is not None)
            if session is None:
                return
            try:
                self._prepare(session)
                schema = session.open(_tagged(self._sql, self._tag))
            except FAILURES:
                if session.alive or not session.used or self._reason is not None:
                    raise
                self._replace(session)
                continue
            self._steps = self._plain(schema)
            return

    def _replace(self, session: Session) -> None:
        with self._cancelling:
            self._session = None
        self._pool.discard(session)
        self._pool.discard_idle()
        self._log.info("connection to the database lost; making another")

    def _plain(self, schema: pa.Schema) -> list[Converter | None] | None:
        try:
            return converters(schema)
        except EngineError:
            self._log.error("a result column has a type that cannot be sent", types=str(schema.types), sql=self._sql)
            raise


def _finished(session: Session) -> bool:
    """End the query of a session and tell whether it can be used again."""
    try:
        return session.finish()
    except FAILURES as error:
        log.warning("a session did not end its transaction", error=str(error))
        return False


def _tagged(sql: str, tag: str) -> str:
    """Put the tag before the SQL as a comment that it cannot leave."""
    safe = "".join(c for c in tag if c.isalnum() or c in "-_.:")[:80]
    return f"/* {safe} */ {sql}" if safe else sql
