"""The terminal: progress bars where somebody watches, plain lines where not."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text


class RowsColumn(ProgressColumn):
    """Rows done and rows a second."""

    def render(self, task: Task) -> Text:
        """Give the text of a task."""
        speed = task.finished_speed or task.speed
        rate = f", {speed:,.0f} rows/s" if speed else ""
        return Text(f"{task.completed:,.0f} rows{rate}", style="progress.data.speed")


class ConsoleReport:
    """Speaks on a terminal; use as a context manager so that bars end with the work."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        if console.is_terminal:
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                RowsColumn(),
                TimeElapsedColumn(),
                console=console,
                transient=True,
            )
        self._work = ""
        self._rows = 0
        self._told = 0.0

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End drawing."""
        self.end()
        if self._progress is not None:
            self._progress.stop()

    def say(self, text: str) -> None:
        """Print a sentence."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print a warning."""
        self._console.print(f"[yellow]{escape(text)}[/yellow]", highlight=False, soft_wrap=True)

    def begin(self, work: str, rows: int | None) -> None:
        """Show a bar for new work."""
        self.end()
        self._work, self._rows, self._told = work, 0, time.monotonic()
        if self._progress is not None:
            self._task = self._progress.add_task(work, total=rows)

    def advance(self, rows: int) -> None:
        """Move the bar; without a terminal, print a line every ten seconds."""
        self._rows += rows
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, rows)
        elif self._progress is None and time.monotonic() - self._told > 10:
            self._told = time.monotonic()
            self.say(f"{self._work}: {self._rows:,} rows")

    def end(self) -> None:
        """Take the bar away."""
        if self._progress is not None and self._task is not None:
            self._progress.remove_task(self._task)
        self._task = None
