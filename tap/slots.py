"""How many sync queries run and wait at the same time in one process, and how many of them for one client."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ..config.errors import Overloaded

# Requests that may wait for each slot; beyond, the service says 503 at once instead of piling them up.
_WAITING_PER_SLOT = 8


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    client: str
    granted: asyncio.Future[None]


class Slots:
    """A gate of `slots` places, `of_client` of them for one client; to be used from one event loop at a time.

    Who waits is let in when a place is free: first who holds the fewest, then who came first. So a client that sends
    much waits for itself alone.
    """

    def __init__(self, slots: int, of_client: int) -> None:
        self._free = slots
        self._of_client = min(slots, max(1, of_client))
        self._most_waiting = slots * _WAITING_PER_SLOT
        self._held: Counter[str] = Counter()
        self._waiters: list[_Waiter] = []

    @asynccontextmanager
    async def taken(self, client: str) -> AsyncIterator[None]:
        """Hold a slot for the time of the block; Overloaded where too many wait already."""
        if self._free and self._held[client] < self._of_client:
            self._grant(client)
        else:
            await self._wait(client)
        try:
            yield
        finally:
            self._give_back(client)

    async def _wait(self, client: str) -> None:
        own = sum(waiter.client == client for waiter in self._waiters)
        if own >= self._of_client * _WAITING_PER_SLOT or len(self._waiters) >= self._most_waiting:
            whose = "of yours " if own else ""
            message = f"Too many queries {whose}are waiting; try again later or send the query to /async"
            raise Overloaded(message)
        waiter = _Waiter(client, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            else:  # it was let in at the same moment
                self._give_back(client)
            raise

    def _grant(self, client: str) -> None:
        self._free -= 1
        self._held[client] += 1

    def _give_back(self, client: str) -> None:
        self._free += 1
        self._held[client] -= 1
        if not self._held[client]:
            del self._held[client]
        while self._free:
            waiting = [waiter for waiter in self._waiters if self._held[waiter.client] < self._of_client]
            if not waiting:
                return
            first = min(waiting, key=lambda waiter: self._held[waiter.client])
            self._waiters.remove(first)
            self._grant(first.client)
            if not first.granted.done():
                first.granted.set_result(None)
