"""How a server writes its log: one line an event on standard error, JSON where no person watches."""

from __future__ import annotations

import sys
from typing import Any

import structlog


def configure_logging() -> None:
    """Set structlog up for a server process; tracebacks never show values, they may be users' queries."""
    for_people = sys.stderr.isatty()
    last: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    if for_people:
        last = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *last,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
