"""How many sync queries run and wait at the same time in one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..config.errors import Overloaded

# Requests that may wait for each slot; beyond, the service says 503 at once instead of piling them up.
_WAITING_PER_SLOT = 8


class Slots:
    """A counting gate with a bounded queue; to be used from one event loop at a time."""

    def __init__(self, slots: int) -> None:
        self._free = asyncio.Semaphore(slots)
        self._most_waiting = slots * _WAITING_PER_SLOT
        self._waiting = 0

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Hold a slot for the time of the block; Overloaded where too many wait already."""
        if self._free.locked() and self._waiting >= self._most_waiting:
            message = "Too many queries are waiting; try again later or send the query to /async"
            raise Overloaded(message)
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()
