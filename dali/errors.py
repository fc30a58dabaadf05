"""Errors to HTTP answers: one table, two kinds of document.

DALI 1.1 section 4.2 wants a VOTable or plain text with a fitting status. A sync query beyond its time limit
answers 504: 408 would invite clients to repeat it. Messages for operators may hold paths, so others get a
neutral sentence with the number under which the log has the whole story; engine errors are shown and logged.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ..config.errors import (
    Cancelled,
    EngineError,
    EngineUnavailable,
    Forbidden,
    LimitError,
    MethodNotAllowed,
    NashiraError,
    NotFound,
    OutOfResources,
    Overloaded,
    QueryError,
    QueryTimeout,
    TooManyRequests,
    UploadTooLarge,
    UserError,
)
from ..formats.votable_write import error_document

VOTABLE = "application/x-votable+xml"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Rule:
    """HTTP status of an error, and after how many seconds a retry makes sense (None: never by itself)."""

    status: int
    retry_seconds: int | None = None


# The first class that an error is an instance of decides.
ERRORS: tuple[tuple[type[Exception], Rule], ...] = (
    (UploadTooLarge, Rule(413)),
    (NotFound, Rule(404)),
    (Forbidden, Rule(403)),
    (MethodNotAllowed, Rule(405)),
    (UserError, Rule(400)),
    (QueryTimeout, Rule(504)),
    (Overloaded, Rule(503, 10)),
    (TooManyRequests, Rule(429, 1)),
    (OutOfResources, Rule(507)),
    (LimitError, Rule(503, 60)),
    (Cancelled, Rule(503, 10)),
    (EngineUnavailable, Rule(503, 10)),
    (NashiraError, Rule(500)),
    (Exception, Rule(500)),
)
_OPEN = (UserError, LimitError, Cancelled, EngineUnavailable)
_PHRASES = {404: "There is nothing at this address", 405: "This resource does not know that method"}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the world learns of an error."""

    status: int
    message: str
    headers: dict[str, str] = field(default_factory=dict)


def answer(error: Exception) -> Answer:
    """Look an error up; errors that are nobody's request are logged here with their traceback."""
    if isinstance(error, HTTPException):
        message = _PHRASES.get(error.status_code, error.detail)
        return Answer(error.status_code, message, dict(error.headers or {}))
    rule = next(rule for kind, rule in ERRORS if isinstance(error, kind))
    headers = {} if rule.retry_seconds is None else {"Retry-After": str(rule.retry_seconds)}
    return Answer(rule.status, public_message(error), headers)


def public_message(error: BaseException) -> str:
    """Say what a user may read about `error`: its own words, or a neutral sentence (then it is logged).

    A fault of a query is followed by the line it is in and a line of carets.
    """
    if isinstance(error, _OPEN) and str(error):
        excerpt = error.excerpt if isinstance(error, QueryError) else ""
        return f"{error}\n\n{excerpt}" if excerpt else str(error)
    if isinstance(error, EngineError) and str(error):
        _log.error("engine error", exc_info=error)
        return str(error)
    number = structlog.contextvars.get_contextvars().get("request_id") or secrets.token_hex(6)
    _log.error("internal error", request_id=number, exc_info=error)
    return f"The service failed for an internal reason; its operator finds it in the log under {number}"


def error_response(error: Exception) -> Response:
    """Answer with an error VOTable (DALI 1.1 section 4.2), status and Retry-After by the table.

    Where a limit ended the work, INFO `error` names which kind, for programs.
    """
    found = answer(error)
    infos = [("error", type(error).__name__)] if isinstance(error, LimitError) else []
    return Response(error_document(found.message, infos), found.status, found.headers, VOTABLE)


def plain_error_response(error: Exception) -> Response:
    """Answer with the message as text/plain (UWS, DALI 1.1 section 4.2)."""
    found = answer(error)
    return Response(found.message, found.status, found.headers, TEXT)
