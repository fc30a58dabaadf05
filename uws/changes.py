"""News of jobs: who waits for a change of phase, in this process, and hears of those of other processes.

A waiter is an asyncio event, no thread and no connection. Changes of this process arrive at once; those of
others by one query per half second for all waiters together.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress

import structlog
from starlette.concurrency import run_in_threadpool

from .model import Phase

POLL_SECONDS = 0.5

Listener = Callable[[str, Phase | None], None]
_log = structlog.get_logger(__name__)


class Watch:
    """One waiter: wakes when the job leaves the phase it has seen."""

    def __init__(self, job_id: str, seen: Phase) -> None:
        self.job_id = job_id
        self.seen = seen
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def tell(self, phase: Phase | None) -> None:
        """Wake the waiter if the phase is news to it; from any thread."""
        if phase != self.seen:
            self.wake()

    def wake(self) -> None:
        """Wake the waiter; from any thread."""
        with suppress(RuntimeError):  # its loop has ended, and the waiter with it
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float) -> None:
        """Return at a change or after this time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)


class Changes:
    """The exchange of news; `phases` asks the store for the phases of jobs."""

    def __init__(self, phases: Callable[[Collection[str]], Mapping[str, Phase]]) -> None:
        self._phases = phases
        self._lock = threading.Lock()
        self._watches: set[Watch] = set()
        self._listeners: list[Listener] = []
        self._outlets: list[Listener] = []
        self._poller: asyncio.Task[None] | None = None
        self._closed = False

    def listen(self, listener: Listener) -> None:
        """Call `listener(job id, phase or None if gone)` at every change, made here or heard of."""
        self._listeners.append(listener)

    def ignore(self, listener: Listener) -> None:
        """Stop calling the listener."""
        self._listeners.remove(listener)

    def spread(self, outlet: Listener) -> None:
        """Call `outlet` at every change made in this process, to carry it to others."""
        self._outlets.append(outlet)

    def tell(self, job_id: str, phase: Phase | None) -> None:
        """Spread the news that a job is now in `phase`, or gone (None); from any thread."""
        self.hear(job_id, phase)
        for outlet in tuple(self._outlets):
            outlet(job_id, phase)

    def hear(self, job_id: str, phase: Phase | None) -> None:
        """Tell this process alone; from any thread."""
        for listener in tuple(self._listeners):
            listener(job_id, phase)
        self._tell_watches({job_id: phase})

    def _tell_watches(self, news: Mapping[str, Phase | None]) -> None:
        with self._lock:
            watches = [watch for watch in self._watches if watch.job_id in news]
        for watch in watches:
            watch.tell(news[watch.job_id])

    @contextmanager
    def watch(self, job_id: str, seen: Phase) -> Iterator[Watch]:
        """Register a waiter of the running event loop for the length of the block."""
        watch = Watch(job_id, seen)
        with self._lock:
            self._watches.add(watch)
        if self._closed:
            watch.wake()
        self._keep_polling()
        try:
            yield watch
        finally:
            with self._lock:
                self._watches.discard(watch)

    def close(self) -> None:
        """Wake all waiters, now and in future: the server is about to stop."""
        self._closed = True
        with self._lock:
            watches = tuple(self._watches)
        for watch in watches:
            watch.wake()

    def _keep_polling(self) -> None:
        """Have one poller on the running loop while anybody waits."""
        loop = asyncio.get_running_loop()
        if self._poller is None or self._poller.done() or self._poller.get_loop() is not loop:
            self._poller = loop.create_task(self._poll())

    async def _poll(self) -> None:
        while self._watches:
            await asyncio.sleep(POLL_SECONDS)
            with self._lock:
                ids = {watch.job_id for watch in self._watches}
            if not ids:
                return
            try:
                phases = await run_in_threadpool(self._phases, ids)
            except Exception:  # noqa: BLE001 - logged; the next round may succeed, and waits end by themselves
                _log.exception("cannot poll the phases of jobs")
                continue
            self._tell_watches({job_id: phases.get(job_id) for job_id in ids})
