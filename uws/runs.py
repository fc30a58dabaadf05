"""One run of a job in a worker: its cancel switch, its progress, and how its end is told.

The end follows the contract of `model.Runner`; beyond it a QueryTimeout is an abort by the service, as UWS 1.1
section 2.1.4 has it.
"""

from __future__ import annotations

import errno
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from ..config.errors import Cancelled, EngineError, EngineUnavailable, QueryTimeout, UserError
from ..dali.errors import public_message
from .model import JobFailure, JobResult, Phase, Queue, Runner, Work
from .store import Claim

_RESULT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\Z", re.ASCII)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; QUEUED says that another try may succeed."""

    phase: Phase
    results: tuple[JobResult, ...] = ()
    failure: JobFailure | None = None


class Run:
    """A run under way; all methods may be called from any thread."""

    def __init__(self, claim: Claim, queue: Queue = Queue.SHORT) -> None:
        self.claim = claim
        self.queue = queue
        self.began = time.monotonic()
        self.pushed = False
        self._lock = threading.Lock()
        self._cancelled = False
        self._stoppers: list[Callable[[], None]] = []
        self._progress: dict[str, str] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the run to stop."""
        return self._cancelled

    def on_cancel(self, stopper: Callable[[], None]) -> None:
        """Register what stops the work; it is called at once if the run is cancelled already."""
        with self._lock:
            self._stoppers.append(stopper)
            late = self._cancelled
        if late:
            stopper()

    def cancel(self) -> None:
        """Stop the work; harmless when repeated."""
        with self._lock:
            if self._cancelled:
                return
            self._cancelled = True
            stoppers = tuple(self._stoppers)
        for stopper in stoppers:
            try:
                stopper()
            except Exception:  # noqa: BLE001 - logged; the others must still be asked
                _log.exception("a run could not be stopped", job=self.claim.job_id)

    def push_back(self) -> None:
        """Stop the work for the sake of others; it will be done again later."""
        self.pushed = True
        self.cancel()

    def close(self) -> None:
        """Forget what stops the work: it has ended."""
        with self._lock:
            self._stoppers.clear()

    def note(self, progress: Mapping[str, str]) -> None:
        """Keep the latest progress until somebody takes it to the store."""
        with self._lock:
            self._progress = {**(self._progress or {}), **progress}

    def take_progress(self) -> dict[str, str] | None:
        """Give progress that was not taken yet, None if there is no news."""
        with self._lock:
            progress, self._progress = self._progress, None
        return progress


def execute(runner: Runner, work: Work, run: Run) -> Outcome:
    """Run the job on this thread and tell how it ended; raises nothing that the runner raises."""
    try:
        results = tuple(runner(work))
        _check(results, work.folder)
    except Cancelled:
        return Outcome(Phase.ABORTED)
    except EngineUnavailable as error:
        return Outcome(Phase.ABORTED if run.cancelled else Phase.QUEUED, failure=_failure(error))
    except QueryTimeout as error:
        return Outcome(Phase.ABORTED, failure=JobFailure(str(error)))
    except Exception as error:  # noqa: BLE001 - whatever a runner raises ends its job, not the worker
        if run.cancelled:
            return Outcome(Phase.ABORTED)
        if is_full(error):
            _log.error("the disk for results is full", job=work.job.id)
            return FULL
        return Outcome(Phase.ERROR, failure=_failure(error))
    finally:
        run.close()
    return Outcome(Phase.COMPLETED, results)


def is_full(error: BaseException) -> bool:
    """Tell whether an error says that the disk, or the quota, is used up."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


FULL = Outcome(Phase.ERROR, failure=JobFailure("The disk for results is full; run the job again later", transient=True))
"""How a run ends that could not be written."""


def _failure(error: Exception) -> JobFailure:
    """Tell a failure: a user's error is final, any other may pass on another try."""
    return JobFailure(public_message(error), transient=not isinstance(error, UserError))


def _check(results: tuple[JobResult, ...], folder: Path) -> None:
    """Refuse results that are no files of the run."""
    names = [result.name for result in results]
    for name in names:
        if not _RESULT_NAME.match(name) or not (folder / name).is_file() or names.count(name) > 1:
            message = f"The runner names a result {name!r} that it did not write"
            raise EngineError(message)
