"""How a server writes its log: one line an event on standard error, JSON where no person watches."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

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
    """Set structlog up for a server process; tracebacks never show values, they may be users' queries."""
    uvicorn = logging.getLogger("uvicorn")
    uvicorn.handlers, uvicorn.propagate = [Uvicorn(logging.WARNING)], False
    for_people = sys.stderr.isatty()
    last: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    if for_people:
        last = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *last,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
