"""Celery over Redis: messages that say "a job is ready", and nothing else.

Which job, and whether it is still to be done, the store alone says. A message that is lost is sent again by a
sweep, one too many finds nothing to do; so neither the broker's redelivery nor its memory is leaned on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

import structlog
from celery import Celery
from kombu.exceptions import KombuError
from kombu.exceptions import OperationalError as BrokerError
from redis import Redis
from redis.exceptions import RedisError

from .model import Queue

READY = "nashira.ready"
_PATIENCE_SECONDS = 2.0  # for a broker that does not answer; the sweep tries again
_AGAIN_SECONDS = 2.0
_MOST_AGAIN = 200
_log = structlog.get_logger(__name__)


def queue_name(queue: Queue) -> str:
    """Name a queue of the broker."""
    return f"nashira.{queue}"


def make_celery(url: str) -> Celery:
    """Make the Celery application of a broker URL; it keeps no results and never delivers twice by itself."""
    app = Celery("nashira", broker=url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=False,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue=queue_name(Queue.SHORT),
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_connect_timeout": _PATIENCE_SECONDS,
            "socket_timeout": _PATIENCE_SECONDS * 5,  # a worker's blocking reads are shorter
            "socket_keepalive": True,
        },
    )
    return app


class Announcer:
    """Tells workers that jobs are ready; a broker that is away costs log lines, no job."""

    def __init__(self, url: str, waiting: Callable[[], dict[Queue, int]]) -> None:
        self._app = make_celery(url)
        self._redis = Redis.from_url(
            url, socket_connect_timeout=_PATIENCE_SECONDS, socket_timeout=_PATIENCE_SECONDS, health_check_interval=10
        )
        self._waiting = waiting
        self._lock = threading.Lock()
        self._looked = 0.0

    def ready(self, queue: Queue) -> None:
        """Send one message."""
        try:
            self._app.send_task(READY, queue=queue_name(queue), retry=False, ignore_result=True)
        except (BrokerError, KombuError, RedisError, OSError) as error:
            _log.warning("the broker does not take a message; the job waits for a sweep", error=type(error).__name__)

    def again(self, _: int) -> None:
        """Send what was lost: as many messages as jobs wait in the store beyond those that the broker still has."""
        with self._lock:
            if time.monotonic() - self._looked < _AGAIN_SECONDS:
                return
            self._looked = time.monotonic()
        try:
            for queue, jobs in self._waiting().items():
                held = int(self._redis.llen(queue_name(queue)))
                for _more in range(min(jobs - held, _MOST_AGAIN)):
                    self.ready(queue)
        except RedisError as error:
            _log.warning("the broker does not answer", error=type(error).__name__)

    def lengths(self) -> dict[Queue, int]:
        """Give how many messages wait, by queue; empty where the broker does not answer."""
        try:
            return {queue: int(self._redis.llen(queue_name(queue))) for queue in Queue}
        except RedisError:
            return {}

    def close(self) -> None:
        """Close all connections."""
        self._app.close()
        self._redis.close()


def names(queues: Collection[Queue]) -> list[str]:
    """Name the broker's queues of these queues."""
    return [queue_name(queue) for queue in queues]
