"""A job as data, its phases, and the two doors of a service: its runner and the work it is handed.

Source: UWS 1.1 sections 2.1 and 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Phase(StrEnum):
    """Phases of UWS 1.1; HELD and SUSPENDED are never entered, clients take them for failures."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"
    ARCHIVED = "ARCHIVED"


class Queue(StrEnum):
    """Where a job waits: long ones never take the last workers, so that short ones always find some."""

    SHORT = "short"
    LONG = "long"


ACTIVE = frozenset({Phase.PENDING, Phase.QUEUED, Phase.EXECUTING})
FINAL = frozenset({Phase.COMPLETED, Phase.ERROR, Phase.ABORTED, Phase.ARCHIVED})


@dataclass(frozen=True, slots=True)
class JobResult:
    """A result file of a job; `name` is its id and its file name in the job's result folder."""

    name: str
    media_type: str
    size_bytes: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job ended in ERROR (or was aborted by a limit); `transient` says a retry may help."""

    message: str
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a job: kept in the job's folder under `path`, shown at parameters/`label`."""

    label: str
    path: Path
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the store knows it; times are UTC, aware. `parameters` keep order and repeats.

    `revision` counts changes of parameters and uploads, for compare and set. `party` is whom it counts for in limits
    and fairness: its owner, or the address it came from. Jobs of one `likeness` probably take the same time.
    """

    id: str
    service: str
    phase: Phase
    created: datetime
    destruction: datetime
    execution_seconds: int
    parameters: tuple[tuple[str, str], ...] = ()
    uploads: tuple[Upload, ...] = ()
    owner: str | None = None
    run_id: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    quote: datetime | None = None
    results: tuple[JobResult, ...] = ()
    failure: JobFailure | None = None
    tries: int = 0
    progress: Mapping[str, str] = field(default_factory=dict)
    revision: int = 0
    queue: Queue = Queue.SHORT
    party: str = ""
    likeness: str = ""


@dataclass(slots=True)
class Work:
    """What a runner is handed: the job, where to write, and how it hears of an abort.

    `on_cancel(f)` registers what stops the running query (called at once if the abort came first);
    `progress(rows="…")` is shown in uws:jobInfo. Result files are written under `folder` and become
    visible only when the job completes.
    """

    job: Job
    folder: Path
    on_cancel: Callable[[Callable[[], None]], None]
    progress: Callable[[Mapping[str, str]], None]


class Runner(Protocol):
    """A service's part of a job: do the work, write files into `work.folder`, return what they are.

    A NashiraError becomes the job's failure with its message; Cancelled the phase ABORTED; anything
    else a transient failure with a neutral message (and a log entry).
    """

    def __call__(self, work: Work) -> tuple[JobResult, ...]:
        """Run the job to its end."""
        ...
