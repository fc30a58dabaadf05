"""A bounded number of sessions, made when needed and used again; those that were cancelled or lost are replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import adbc_driver_manager as adbc
import adbc_driver_postgresql as driver
import structlog

from ..config.errors import EngineError, Overloaded
from .postgres_errors import FAILURES, translated
from .postgres_session import Session

log = structlog.get_logger(__name__)

_WAIT_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_CLOSERS = 4


class SessionPool:
    """At most `most` sessions of the connection string `conninfo`; safe to use from any thread."""

    def __init__(self, conninfo: str, most: int) -> None:
        self._conninfo = conninfo
        self._most = most
        self._database: adbc.AdbcDatabase | None = None
        self._opening = threading.Lock()  # of the database object
        self._changed = threading.Condition()
        self._idle: list[Session] = []
        self._count = 0
        self._closed = False
        self.errands = ThreadPoolExecutor(_CLOSERS, thread_name_prefix="postgres-errand")

    def take(self, given_up: Callable[[], bool]) -> Session | None:
        """Give a session; None where `given_up()` came true meanwhile, Overloaded after ten seconds without a free one.

        EngineError where none can be made.
        """
        end = time.monotonic() + _WAIT_SECONDS
        with self._changed:
            while not self._idle and self._count >= self._most and not self._closed:
                if given_up():
                    return None
                if time.monotonic() > end:
                    message = "All connections to the database are in use; try again in a moment"
                    raise Overloaded(message)
                self._changed.wait(_LOOK_SECONDS)
            if self._closed:
                message = "The service is shutting down"
                raise EngineError(message)
            if self._idle:
                return self._idle.pop()
            self._count += 1
        try:
            return Session(self._open())
        except FAILURES as error:
            self._forget()
            log.error("no connection to the database", error=str(error))
            raise translated(error, alive=False) from error

    def _open(self) -> adbc.AdbcDatabase:
        """Give what connections are made of: it knows the types of the database, which takes 40 ms to learn."""
        with self._opening:
            if self._database is None:
                self._database = driver.connect(self._conninfo)
            return self._database

    def give_back(self, session: Session) -> None:
        """Take a session that is idle again."""
        with self._changed:
            if not self._closed:
                self._idle.append(session)
                self._changed.notify()
                return
        self._end(session)

    def discard(self, session: Session) -> None:
        """End a session and what it does, soon and by another thread."""
        try:
            self.errands.submit(self._stop, session)
        except RuntimeError:  # the errands have ended with the pool
            self._stop(session)

    def discard_idle(self) -> None:
        """End the idle sessions: one was found lost, so that the others are lost too."""
        with self._changed:
            idle, self._idle = self._idle, []
        for session in idle:
            self.discard(session)

    def _stop(self, session: Session) -> None:
        try:
            session.cancel()
        except FAILURES as error:
            log.debug("a session could not be cancelled", error=str(error))
        self._end(session)

    def _end(self, session: Session) -> None:
        try:
            session.close()
        except FAILURES as error:
            log.debug("a session did not close", error=str(error))
        self._forget()

    def _forget(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify()

    def close(self) -> None:
        """End all idle sessions and the errands under way; sessions in use end when they come back."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.discard_idle()
        self.errands.shutdown(wait=True)
        with self._opening:
            if self._database is not None and self._count == 0:
                self._database.close()
                self._database = None
