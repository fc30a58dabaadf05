"""Files of jobs: `<job>/uploads/…` came with it, `<job>/<try>/…` is what one run wrote.

Each run of a job has a folder of its own, so a run that was taken for dead can never touch another's results;
which try is valid, the store alone says.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from ..dali.parameters import Part
from .model import Job, Upload

_INCOMING = "_incoming"
_UPLOADS = "uploads"
_ORPHAN_SECONDS = 3600


class JobFiles:
    """The folder of all jobs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.incoming.mkdir(parents=True, exist_ok=True)

    @property
    def incoming(self) -> Path:
        """Where requests put uploads before they belong to a job; on the same file system as the jobs."""
        return self.folder / _INCOMING

    def of_try(self, job_id: str, tries: int) -> Path:
        """Folder of one run."""
        return self.folder / job_id / str(tries)

    def take(self, job_id: str, parts: Iterable[Part]) -> tuple[Upload, ...]:
        """Move uploaded parts to the job; of equal labels the last one counts. Paths are relative to the job."""
        folder = self.folder / job_id / _UPLOADS
        uploads: dict[str, Upload] = {}
        for part in parts:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.move(part.path, folder / part.path.name)
            if part.label in uploads:
                self.drop(job_id, [uploads[part.label]])
            uploads[part.label] = Upload(part.label, Path(_UPLOADS) / part.path.name, part.media_type)
        return tuple(uploads.values())

    def drop(self, job_id: str, uploads: Iterable[Upload]) -> None:
        """Remove uploads given with relative paths."""
        for upload in uploads:
            (self.folder / job_id / upload.path).unlink(missing_ok=True)

    def absolute(self, job: Job) -> Job:
        """Give the job with absolute paths of its uploads."""
        if not job.uploads:
            return job
        folder = self.folder / job.id
        return replace(job, uploads=tuple(replace(upload, path=folder / upload.path) for upload in job.uploads))

    def remove(self, job_id: str) -> None:
        """Remove all files of a job; what a run still writes at this moment is removed as an orphan later."""
        shutil.rmtree(self.folder / job_id, ignore_errors=True)

    def remove_try(self, job_id: str, tries: int) -> None:
        """Remove what a run wrote, and the job's folder where nothing else is in it."""
        shutil.rmtree(self.of_try(job_id, tries), ignore_errors=True)
        folder = self.folder / job_id
        if folder.is_dir() and not any(folder.iterdir()):
            self.remove(job_id)

    def keep_try(self, job_id: str, tries: int) -> None:
        """Remove what other runs of the job wrote."""
        home = self.folder / job_id
        for folder in home.iterdir() if home.is_dir() else ():
            if folder.name.isdigit() and folder.name != str(tries):
                shutil.rmtree(folder, ignore_errors=True)

    def remove_orphans(self, known: Callable[[Collection[str]], Collection[str]]) -> None:
        """Remove files of no job that nobody changed for an hour; `known` tells which ids are jobs."""
        before = time.time() - _ORPHAN_SECONDS
        old = {path.name: path for path in self.folder.iterdir() if path.name != _INCOMING and _older(path, before)}
        names = sorted(old)
        for start in range(0, len(names), 500):
            some = names[start : start + 500]
            for name in set(some) - set(known(some)):
                shutil.rmtree(old[name], ignore_errors=True)
        for path in self.incoming.iterdir():
            if _older(path, before):
                path.unlink(missing_ok=True)


def _older(path: Path, before: float) -> bool:
    """Tell whether a path was last changed before a time; one that has just gone was not."""
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:
        return False
