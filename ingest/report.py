"""How publishing speaks: sentences and progress, to whoever listens."""

from __future__ import annotations

import logging
from typing import Protocol

log = logging.getLogger(__name__)


class Report(Protocol):
    """A listener."""

    def say(self, text: str) -> None:
        """Hear a sentence about what was found or done."""
        ...

    def warn(self, text: str) -> None:
        """Hear of something that should be looked at."""
        ...

    def begin(self, work: str, rows: int | None) -> None:
        """Hear that work on `rows` rows (None: unknown) begins; it replaces the work before."""
        ...

    def advance(self, rows: int) -> None:
        """Hear that so many more rows are done."""
        ...

    def end(self) -> None:
        """Hear that the work has ended, well or not; harmless when repeated."""
        ...


class LogReport:
    """Writes to the log, without progress."""

    def say(self, text: str) -> None:
        """Log a sentence."""
        log.info("%s", text)

    def warn(self, text: str) -> None:
        """Log a warning."""
        log.warning("%s", text)

    def begin(self, work: str, rows: int | None) -> None:
        """Log the beginning of work."""
        log.debug("%s (%s rows)", work, "?" if rows is None else rows)

    def advance(self, rows: int) -> None:
        """Take no notice."""

    def end(self) -> None:
        """Take no notice."""
