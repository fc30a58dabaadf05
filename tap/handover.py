"""From the thread that makes a result to the event loop that sends it.

One thread serves a response for its whole life: engines want their batches read from one thread, and the next
chunk is made while the last is sent. At most AHEAD chunks wait, so a slow client stops the engine, not the memory.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from ..config.errors import Cancelled

AHEAD = 2
T = TypeVar("T")


class Handover(Generic[T]):
    """A bounded queue from one thread to one event loop, with a stop button on the loop's side."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: asyncio.Queue[T | Exception] = asyncio.Queue()
        self._room = threading.Semaphore(AHEAD)
        self._lock = threading.Lock()
        self._stops: list[Callable[[], None]] = []
        self._stopped = False

    # ------------------------------------------------------------ the thread's side

    def put(self, item: T) -> None:
        """Hand an item over, waiting for room; Cancelled once the other side has stopped."""
        self._room.acquire()
        self.check()
        self._give(item)

    def fail(self, error: Exception) -> None:
        """Hand an error over as the last item, without waiting."""
        self._give(error)

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Register what ends the work; called at once where the stop came first."""
        with self._lock:
            if not self._stopped:
                self._stops.append(stop)
                return
        stop()

    def check(self) -> None:
        """Raise Cancelled once the other side has stopped."""
        if self._stopped:
            message = "The client went away"
            raise Cancelled(message)

    def _give(self, item: T | Exception) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)

    # ------------------------------------------------------------ the loop's side

    async def get(self) -> T:
        """Take the next item and make room; an error handed over is raised."""
        item = await self._items.get()
        self._room.release()
        if isinstance(item, Exception):
            raise item
        return item

    def stop(self) -> None:
        """Tell the thread to end, from the loop; harmless when repeated or when it has ended."""
        with self._lock:
            self._stopped = True
            stops, self._stops = self._stops, []
        for stop in stops:
            stop()
        self._room.release()
