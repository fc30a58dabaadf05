"""What running queries of all engines share: one reader, a way to stop from any thread, a time limit."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator

import pyarrow as pa

from ..config.errors import Cancelled, EngineError, NashiraError, QueryTimeout
from .watchdog import Watchdog


class RunningQuery(ABC):
    """A running query; it starts with the first step of the iteration, so that all its errors come from there.

    An engine says how to take a step, how to interrupt one, and how to give back what the query held. An interrupt
    between two steps is lost: it is repeated after `again_seconds` until the query has ended.
    """

    again_seconds: float

    def __init__(self, watchdog: Watchdog, seconds: float | None) -> None:
        self._watchdog = watchdog
        self._seconds = seconds
        self._step = threading.Lock()  # held while the engine works for us
        self._ended = False
        self._reason: NashiraError | None = None
        self._alarm = None if seconds is None else watchdog.call_in(seconds, self._time_out)

    @abstractmethod
    def _take_step(self) -> pa.RecordBatch | None:
        """Start where nothing has begun, then give the next batch, None at the end; `_step` is held."""

    @abstractmethod
    def _interrupt_step(self) -> None:
        """Interrupt the step that another thread waits for."""

    @abstractmethod
    def _give_back(self) -> None:
        """Release what the query holds, once; `_step` is held."""

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

    def _next(self) -> pa.RecordBatch | None:
        with self._step:
            self._check()
            return self._take_step()

    def _check(self) -> None:
        """Raise why the query was stopped."""
        if self._reason is not None:
            raise self._reason
        if self._ended:
            message = "The query was read already"
            raise EngineError(message)

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
            self._interrupt_step()
            self._watchdog.call_in(self.again_seconds, self._interrupt)

    def _release(self) -> None:
        if self._ended:
            return
        self._ended = True
        if self._alarm is not None:
            self._watchdog.forget(self._alarm)
        self._give_back()


def tagged(sql: str, tag: str) -> str:
    """Put the tag before the SQL as a comment that it cannot leave."""
    safe = "".join(c for c in tag if c.isalnum() or c in "-_.:")[:80]
    return f"/* {safe} */ {sql}" if safe else sql
