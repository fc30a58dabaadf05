"""A server process for test_crash: job threads whose runs write a file in steps.

Usage: crash_host.py FOLDER DATABASE WORKERS LEASE_SECONDS [blind]; `blind` hides how to tell that a process is dead.
"""

import fcntl
import sys
import time
from pathlib import Path

from nashira.config.settings import Settings
from nashira.uws import workers
from nashira.uws.jobs import Jobs
from nashira.uws.model import JobResult, Work
from nashira.uws.store import JobStore
from nashira.uws.threads import ThreadDispatcher

STEPS = 20


def run(folder: Path) -> None:
    """Serve until killed, or told to stop by the file `stop`."""

    def runner(work: Work) -> tuple[JobResult, ...]:
        with (folder / f"{work.job.id}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                (folder / "overlap").touch()
            path = work.folder / "result"
            with path.open("w") as file:
                for step in range(STEPS):
                    file.write(f"{work.job.id} {work.job.tries} {step}\n")
                    file.flush()
                    time.sleep(0.005)
            with (folder / "runs").open("a") as log:
                log.write(f"{work.job.id}\n")
        return (JobResult("result", "text/plain", path.stat().st_size),)

    settings = Settings(jobs={"workers": int(sys.argv[3]), "lease_seconds": float(sys.argv[4])})
    jobs = Jobs(JobStore(sys.argv[2]), folder / "results", settings)
    dispatcher = ThreadDispatcher(jobs, {"tap": runner})
    dispatcher.start()
    while not (folder / "stop").exists():
        time.sleep(0.02)
    dispatcher.stop()


if __name__ == "__main__":
    if sys.argv[5:] == ["blind"]:
        workers._place = lambda: ""
    run(Path(sys.argv[1]))
