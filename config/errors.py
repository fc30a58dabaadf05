"""Everything that can go wrong, as one tree; `dali.errors` maps each leaf to HTTP and DALI.

NashiraError
├── UserError                  the request is at fault; the message is written for its author
│   ├── ParameterError         a DALI parameter is missing, repeated or has an impossible value
│   ├── QueryError             the ADQL text is at fault; carries a position and advice
│   │   ├── AdqlSyntaxError    it cannot be read
│   │   ├── UnknownName        a table, column, function or alias does not exist (or is ambiguous)
│   │   ├── AdqlTypeError      operands do not fit each other
│   │   └── Unsupported        valid ADQL that this engine cannot do
│   ├── UploadError            an uploaded table cannot be read
│   │   └── UploadTooLarge     it is beyond the limits
│   ├── NotFound               no such job, table or resource
│   ├── Forbidden              it exists, but not for this caller or not in this state
│   └── MethodNotAllowed       the resource has no such method
├── LimitError                 a limit of the service ended the work
│   ├── QueryTimeout           the time limit passed
│   ├── Overloaded             queues are full: try again later
│   ├── TooManyRequests        a client asks too often
│   └── OutOfResources         memory or temporary space of the engine is used up
├── Cancelled                  somebody asked the work to stop
├── OperatorError              the person who runs the site must act
│   ├── SettingsError          nashira.toml or the environment is wrong
│   ├── PublishError           a file or a descriptor cannot be published
│   └── StoreError             data in the store is missing or damaged
└── EngineError                the engine failed for a reason that is nobody's request
    └── EngineUnavailable      it went away or cannot be reached: the same work may succeed in a moment
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class NashiraError(Exception):
    """Base of all errors raised on purpose; `str(error)` is safe to show to a user."""


class UserError(NashiraError):
    """The request is at fault."""


class ParameterError(UserError):
    """A DALI parameter is missing, repeated or has an impossible value."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a query text: offsets in characters from 0, line and column from 1."""

    start: int
    end: int
    line: int
    column: int


def _printable(text: str) -> str:
    """Write characters out that cannot be shown, or that change how others are: they come from query texts."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)


class QueryError(UserError):
    """The ADQL text is at fault.

    `position` is None where the fault has no place. `expected` lists what could stand there, `suggestions` what was
    perhaps meant by the text there, best first; `advice` is a sentence or empty and offers the suggestions where it is
    not given; what cannot be printed is written out in both. `excerpt` is the text with a caret below the fault, empty
    until the text is known.
    `str()` joins message, place and advice in one line.
    """

    kind = "query"

    def __init__(
        self,
        message: str,
        position: Position | None = None,
        advice: str = "",
        *,
        expected: Sequence[str] = (),
        suggestions: Sequence[str] = (),
    ) -> None:
        self.message = _printable(message)
        self.position = position
        self.expected = tuple(expected)
        self.suggestions = tuple(suggestions)
        self.advice = _printable(advice or (f"Did you mean {' or '.join(suggestions)}?" if suggestions else ""))
        self.excerpt = ""
        place = f" (line {position.line}, column {position.column})" if position else ""
        super().__init__(f"{self.message}{place}{'. ' + self.advice if self.advice else ''}")


class AdqlSyntaxError(QueryError):
    """The text cannot be read as ADQL."""

    kind = "syntax"


class UnknownName(QueryError):
    """A table, column, function or alias does not exist or is ambiguous."""

    kind = "name"


class AdqlTypeError(QueryError):
    """Operands do not fit each other."""

    kind = "type"


class Unsupported(QueryError):
    """Valid ADQL that this engine cannot do."""

    kind = "unsupported"


class UploadError(UserError):
    """An uploaded table cannot be read."""


class UploadTooLarge(UploadError):
    """An uploaded table is beyond the limits."""


class NotFound(UserError):
    """No such job, table or resource."""


class Forbidden(UserError):
    """The resource exists, but not for this caller or not in this state."""


class MethodNotAllowed(UserError):
    """The resource has no such method."""


class LimitError(NashiraError):
    """A limit of the service ended the work."""


class QueryTimeout(LimitError):
    """The time limit passed."""


class Overloaded(LimitError):
    """Queues are full: try again later."""


class TooManyRequests(LimitError):
    """A client asks too often."""


class OutOfResources(LimitError):
    """Memory or temporary space of the engine is used up."""


class Cancelled(NashiraError):
    """Somebody asked the work to stop."""


class OperatorError(NashiraError):
    """The person who runs the site must act."""


class SettingsError(OperatorError):
    """The settings file or the environment is wrong."""


class PublishError(OperatorError):
    """A file or a descriptor cannot be published."""


class StoreError(OperatorError):
    """Data in the store is missing or damaged."""


class EngineError(NashiraError):
    """The engine failed for a reason that is nobody's request."""


class EngineUnavailable(EngineError):
    """The engine went away or cannot be reached: the same work may succeed in a moment."""
