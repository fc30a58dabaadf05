"""One thread that calls functions at their time: time limits and repeated interrupts of all queries."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


class Watchdog:
    """Calls functions at set times in a thread of its own, which lives while there is something to wait for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._alarms: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def call_in(self, seconds: float, function: Callable[[], None]) -> int:
        """Call `function` in `seconds`; give a number for `forget`. The function must be quick and must not raise.

        After `close` nothing is called any more.
        """
        with self._changed:
            number = next(self._numbers)
            if self._closed:
                return number
            heapq.heappush(self._alarms, (time.monotonic() + seconds, number, function))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="query-watchdog", daemon=True)
                self._thread.start()
            elif self._alarms[0][1] == number:
                self._changed.notify()
            return number

    def forget(self, number: int) -> None:
        """Do not make that call; harmless when it was made."""
        with self._changed:
            for place, (_, other, _function) in enumerate(self._alarms):
                if other == number:
                    self._alarms[place] = self._alarms[-1]
                    self._alarms.pop()
                    heapq.heapify(self._alarms)
                    return

    def close(self) -> None:
        """Call nothing any more and end the thread: one alive when Python ends would keep what it called last."""
        with self._changed:
            self._closed = True
            self._alarms.clear()
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _watch(self) -> None:
        while True:
            function = self._due()
            if function is None:
                return
            try:
                function()
            except Exception:
                log.exception("watchdog call failed")
            function = None  # what was called may go while we wait

    def _due(self) -> Callable[[], None] | None:
        """Wait for the next call's time; None where nothing was asked for within a minute, or after `close`."""
        with self._changed:
            while True:
                if not self._alarms:
                    waited = not self._closed and self._changed.wait(60.0)
                    if not waited and not self._alarms:
                        self._thread = None
                        return None
                    continue
                rest = self._alarms[0][0] - time.monotonic()
                if rest <= 0.0:
                    return heapq.heappop(self._alarms)[2]
                self._changed.wait(rest)
