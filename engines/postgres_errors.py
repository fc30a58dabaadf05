"""What PostgreSQL says when it fails, as errors of ours: a neutral text for the user, the whole text for the log."""

from __future__ import annotations

import re

import adbc_driver_manager as adbc
import pyarrow as pa

from ..config.errors import (
    EngineError,
    EngineUnavailable,
    NashiraError,
    OutOfResources,
    Overloaded,
    QueryError,
    QueryTimeout,
    StoreError,
)

FAILURES = (adbc.Error, OSError, RuntimeError, pa.ArrowException, MemoryError)
"""What the driver raises."""

_INTERNAL = EngineError, "The query failed for an internal reason; the operator finds it in the log"
_LOST = EngineUnavailable, "The database ended the connection or cannot be reached; try again in a moment"
_FULL = OutOfResources, "The query needs more memory or temporary space than the service allows"
_CHANGED = StoreError, "A table of this query has changed in the database; the operator has to publish it again"
_UNREADABLE = StoreError, "Stored data of this query cannot be read; the operator has to look at the database"

# The longest beginning of the SQLSTATE decides (PostgreSQL manual, appendix A).
_STATES: dict[str, tuple[type[NashiraError], str]] = {
    "": _INTERNAL,
    "08": _LOST,  # connection exceptions
    "25006": _INTERNAL,  # a write in a read-only transaction
    "3D000": _LOST,  # the database is gone
    "40": (EngineUnavailable, "The database stopped the query in favour of other work; try again in a moment"),
    "42501": _CHANGED,  # no privilege
    "42703": _CHANGED,  # no such column
    "42P01": _CHANGED,  # no such table
    "53": _FULL,
    "53300": (Overloaded, "The database takes no more connections; try again in a moment"),
    "54": _FULL,  # program limits, as the depth of the stack
    "57014": (QueryTimeout, "The query was stopped at its time limit"),
    "57P": _LOST,  # shutdown, crash, not yet started
    "58": _UNREADABLE,
    "XX001": _UNREADABLE,
    "XX002": _UNREADABLE,
}
_DATA = ("22", "P0001")  # data exceptions; errors that our own functions raise for the user
_STATE = "PG_DIAG_SQLSTATE"
_MESSAGE = "PG_DIAG_MESSAGE_PRIMARY"
_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")


def state(error: BaseException) -> str:
    """Give the SQLSTATE of a failure, empty where it has none."""
    return _detail(error, _STATE)


def translated(error: BaseException, *, alive: bool) -> NashiraError:
    """Give the error to raise for a failure of the driver; `alive` tells whether the connection still stands."""
    code = state(error)
    if isinstance(error, MemoryError):
        code = "53200"
    elif not alive and not code:
        code = "08006"
    if code.startswith(_DATA):
        text = _detail(error, _MESSAGE).strip().split("\n")[0].rstrip("!.")
        return QueryError(text if code == "P0001" else f"The query failed on a value: {text}")
    kind, message = next(_STATES[code[:n]] for n in range(len(code), -1, -1) if code[:n] in _STATES)
    return kind(message)


def _detail(error: BaseException, key: str) -> str:
    details = error.details if isinstance(error, adbc.Error) else ()
    found = (value for name, value in details if _text(name) == key)
    return _text(next(found, ""))


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def unreachable(error: BaseException) -> str:
    """Say why a connection cannot be made, in one line without names that the URL may have held."""
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    return _QUOTED.sub("…", lines[0] if lines else type(error).__name__)
