"""A worker process for test_celery: runs jobs of a service that writes a file in steps.

Usage: celery_host.py FOLDER DATABASE BROKER [SETTING=NUMBER ...]; it says `ready` on its output.
"""

import fcntl
import sys
import threading
from pathlib import Path

from nashira.config.errors import Cancelled
from nashira.config.settings import Settings
from nashira.uws.celery_jobs import CeleryJobs
from nashira.uws.jobs import Jobs
from nashira.uws.model import JobResult, Queue, Work
from nashira.uws.store import JobStore

STEPS = 10


def run(folder: Path, database: str, broker: str, numbers: dict[str, float]) -> None:
    """Work until told to stop by a signal."""

    def runner(work: Work) -> tuple[JobResult, ...]:
        seconds = float(dict(work.job.parameters).get("SECONDS", "0"))
        cancelled = threading.Event()
        work.on_cancel(cancelled.set)
        with (folder / f"{work.job.id}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                (folder / "overlap").touch()
            with (work.folder / "result").open("w") as file:
                for step in range(STEPS):
                    file.write(f"{work.job.id} {step}\n")
                    if cancelled.wait(seconds / STEPS):
                        (folder / f"{work.job.id}.cancelled").touch()
                        message = "stopped"
                        raise Cancelled(message)
        return (JobResult("result", "text/plain", (work.folder / "result").stat().st_size),)

    settings = Settings(jobs={"broker": broker, "workers": 2, "lease_seconds": 2, **numbers})
    jobs = Jobs(JobStore(database), folder / "results", settings)
    CeleryJobs(jobs, {"tap": runner}, broker, tuple(Queue)).run(lambda: print("ready", flush=True))


if __name__ == "__main__":
    given = dict(part.split("=") for part in sys.argv[4:])
    run(Path(sys.argv[1]), sys.argv[2], sys.argv[3], {name: float(value) for name, value in given.items()})
