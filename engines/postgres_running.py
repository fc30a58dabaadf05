"""A query of the PostgreSQL engine under way: streaming, cancelling, time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pyarrow as pa
import structlog

from ..config.errors import EngineError, NashiraError
from .postgres_errors import FAILURES, state, translated
from .postgres_pool import SessionPool
from .postgres_session import Session
from .postgres_types import Converter, converters, plain
from .running import RunningQuery, tagged
from .watchdog import Watchdog

log = structlog.get_logger(__name__)


class PostgresRunning(RunningQuery):
    """A running query of the PostgreSQL engine; `prepare` makes a session ready for it."""

    again_seconds = 0.2

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
        self._tag = tag
        self._log = log.bind(tag=tag)
        self._on_end = on_end
        self._cancelling = threading.Lock()  # held while a cancel is sent, so that it hits no other query
        self._session: Session | None = None
        self._started = self._whole = self._cancel_sent = False
        self._steps: list[Converter | None] | None = None
        super().__init__(watchdog, seconds)

    def _send_cancel(self) -> None:
        with self._cancelling:
            if self._session is None:
                return
            self._cancel_sent = True
            try:
                self._session.cancel()
            except FAILURES as error:
                self._log.warning("the database cannot be told to cancel", error=str(error))

    def _interrupt_step(self) -> None:
        self._pool.errands.submit(self._send_cancel)

    def _give_back(self) -> None:
        """A session is used again where its query has run to its end."""
        with self._cancelling:
            session, self._session = self._session, None
        if session is not None:
            if self._whole and not self._cancel_sent and _finished(session):
                self._pool.give_back(session)
            else:
                self._pool.discard(session)
        self._on_end(self)

    def _take_step(self) -> pa.RecordBatch | None:
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
                schema = session.open(tagged(self._sql, self._tag))
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
