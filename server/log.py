"""How a server writes its log: one line an event on standard error, JSON where no person watches.

What users wrote (queries, values, names) stands in events under the keys `PRIVATE` and in the texts of exceptions; it
is written only where the operator asks for the level `debug`.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog
from sqlalchemy.exc import OperationalError

from ..config.errors import EngineError, LimitError, OperatorError

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}
"""The levels of the setting `log_level`."""
PRIVATE = ("sql", "query", "detail")
# Exceptions whose texts come from the program or the machine; others may repeat what a user sent.
_TELLING = (
    OperatorError,
    LimitError,
    EngineError,
    OperationalError,  # of the job database; values are not in it
    OSError,
    AttributeError,
    NameError,
    ImportError,
    TypeError,
    AssertionError,
    RecursionError,
)
# What uvicorn says of requests that were broken off: it was told where it happened.
_TOLD = ("ASGI callable returned without completing response.", "Cancel %s running task(s)")


class Uvicorn(logging.Handler):
    """Takes uvicorn's warnings and errors into the log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record."""
        if not str(record.msg).startswith(_TOLD):
            log = structlog.get_logger(record.name)
            log.log(record.levelno, record.getMessage().strip(), exc_info=record.exc_info)


def configure_logging(level: int = logging.INFO) -> None:
    """Set structlog up for a server process; tracebacks never show values."""
    uvicorn = logging.getLogger("uvicorn")
    uvicorn.handlers, uvicorn.propagate = [Uvicorn(logging.WARNING)], False
    for_people = sys.stderr.isatty()
    last: Any = structlog.processors.JSONRenderer()
    if for_people:
        last = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    discreet = [] if level <= logging.DEBUG else [discreetly]
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *discreet,
            structlog.processors.format_exc_info,
            last,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


Event = MutableMapping[str, Any]


def discreetly(_: object, __: str, event: Event) -> Event:
    """Take out of an event what users wrote: the keys `PRIVATE`, and texts of exceptions that may repeat it."""
    for key in PRIVATE:
        event.pop(key, None)
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = discreet_traceback(error)
    return event


def discreet_traceback(error: BaseException) -> str:
    """Write the traceback of an error and its causes with code and types, texts only of exceptions that are ours."""
    parts = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        parts.append(_frames(cause.__traceback__) + _said(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\nThe above came from:\n".join(parts)


def _frames(trace: TracebackType | None) -> str:
    return "".join(traceback.format_list(traceback.extract_tb(trace)))


def _said(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{name}: {error}" if isinstance(error, _TELLING) else f"{name} (its text is logged at the level debug)"
