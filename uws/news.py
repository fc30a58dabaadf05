"""News of jobs between processes, by Redis publish and subscribe.

It only makes things quick: what is missed here, the polls of waiters and the heartbeats of workers see a moment later.
"""

from __future__ import annotations

import threading
import time

import structlog
from redis import Redis
from redis.exceptions import RedisError

from .changes import Changes
from .model import Phase

_CHANNEL = "nashira.jobs"
_PATIENCE_SECONDS = 0.5
_PAUSE_SECONDS = 1.0
_PHASES: dict[str, Phase | None] = {"": None, **{str(phase): phase for phase in Phase}}
_log = structlog.get_logger(__name__)


class News:
    """Publishes the changes that this process makes, and tells it those of others."""

    def __init__(self, url: str, changes: Changes) -> None:
        self._changes = changes
        self._redis = Redis.from_url(
            url, socket_connect_timeout=_PATIENCE_SECONDS, socket_timeout=_PATIENCE_SECONDS, decode_responses=True
        )
        self._silent_until = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="job-news", daemon=True)

    def start(self) -> None:
        """Begin to publish and to listen."""
        self._changes.spread(self._publish)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        self._thread.join(2 * _PATIENCE_SECONDS + _PAUSE_SECONDS)
        self._redis.close()

    def _publish(self, job_id: str, phase: Phase | None) -> None:
        """Publish a change; after a failure nothing is tried for a moment, so that nobody waits for a dead broker."""
        if time.monotonic() < self._silent_until:
            return
        try:
            self._redis.publish(_CHANNEL, f"{job_id} {phase or ''}")
        except RedisError as error:
            self._silent_until = time.monotonic() + _PAUSE_SECONDS
            _log.warning("news of jobs cannot be published", error=type(error).__name__)

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                self._read()
            except RedisError as error:
                _log.warning("news of jobs cannot be read", error=type(error).__name__)
                self._stopping.wait(_PAUSE_SECONDS)

    def _read(self) -> None:
        with self._redis.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
            channel.subscribe(_CHANNEL)
            while not self._stopping.is_set():
                message = channel.get_message(timeout=_PATIENCE_SECONDS / 2)
                if message is not None:
                    job_id, _, phase = str(message["data"]).partition(" ")
                    if phase in _PHASES:
                        self._changes.hear(job_id, _PHASES[phase])
