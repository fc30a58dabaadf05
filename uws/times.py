"""Times of jobs: UTC, aware, whole milliseconds; microseconds since 1970 in the store.

Milliseconds are what the XML shows (UWS 1.1 section 2.2.1), so that a client's AFTER=creationTime is exact.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """Tell the time."""
    return whole(datetime.now(UTC))


def whole(time: datetime) -> datetime:
    """Cut an aware time to milliseconds of UTC."""
    time = time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def micros(time: datetime) -> int:
    """Count microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def moment(count: int) -> datetime:
    """Turn microseconds since 1970 into a time."""
    return _EPOCH + timedelta(microseconds=count)


def iso(time: datetime | None) -> str:
    """Write a time as UWS does (`2026-11-20T08:00:00.000Z`); None is empty."""
    return "" if time is None else time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
