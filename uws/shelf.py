"""Where results of jobs are kept for their owners: the folder they were written to, or any URL that fsspec reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Protocol

import fsspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ..config.errors import NotFound, SettingsError, StoreError
from .downloads import SAFE, download
from .files import JobFiles
from .model import JobResult

_CHUNK_BYTES = 1 << 20
_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")
_log = structlog.get_logger(__name__)


class Shelf(Protocol):
    """Keeps the files of completed tries; a try is named by job and number."""

    def keep(self, job_id: str, tries: int) -> None:
        """Take over what a try wrote; StoreError where that fails. The files never change again."""
        ...

    async def answer(self, request: Request, job_id: str, tries: int, result: JobResult) -> Response:
        """Send a result, or the part that Range asks for; NotFound where it is gone."""
        ...

    def remove(self, job_id: str) -> None:
        """Remove what is kept of a job; harmless when repeated."""
        ...


class FolderShelf:
    """Results stay where they were written."""

    def __init__(self, files: JobFiles, compress: bool) -> None:
        self._files = files
        self._compress = compress

    def keep(self, job_id: str, tries: int) -> None:
        """Do nothing: they are there."""

    async def answer(self, request: Request, job_id: str, tries: int, result: JobResult) -> Response:
        """Send a file of the folder."""
        path = self._files.of_try(job_id, tries) / result.name
        return await download(request, path, result.media_type, compress=self._compress)

    def remove(self, job_id: str) -> None:
        """Do nothing: the job's folder goes as a whole."""


class UrlShelf:
    """Results move to `<url>/<job>/<try>/<name>` when a job has completed."""

    def __init__(self, files: JobFiles, url: str) -> None:
        self._files = files
        try:
            self._system, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError, OSError) as error:
            message = f"[jobs] results: {error}"
            raise SettingsError(message) from error
        self._root = str(root).rstrip("/")

    def _path(self, job_id: str, *parts: object) -> str:
        return "/".join([self._root, job_id, *map(str, parts)])

    def keep(self, job_id: str, tries: int) -> None:
        """Upload the files, then remove them here."""
        folder = self._files.of_try(job_id, tries)
        try:
            self._system.makedirs(self._path(job_id, tries), exist_ok=True)
            for path in folder.iterdir():
                self._system.put_file(str(path), self._path(job_id, tries, path.name))
        except Exception as error:  # every file system has errors of its own
            message = "The result could not be stored"
            raise StoreError(message) from error
        self._files.remove_try(job_id, tries)

    async def answer(self, request: Request, job_id: str, tries: int, result: JobResult) -> Response:
        """Send a file, read piece by piece."""
        etag = f'"{job_id}-{tries}"'
        headers = {**SAFE, "etag": etag, "accept-ranges": "bytes", "content-type": result.media_type}
        headers["content-disposition"] = "inline"
        if etag in (tag.strip() for tag in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers={"etag": etag, **SAFE})
        size = result.size_bytes
        start, end, status = _asked(request, etag, size)
        if status == 416:
            return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
        if status == 206:
            headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
        headers["content-length"] = str(end - start)
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        file = await run_in_threadpool(self._open, job_id, tries, result.name)
        return StreamingResponse(_pieces(file, start, end), status, headers)

    def _open(self, job_id: str, tries: int, name: str) -> Any:
        try:
            return self._system.open(self._path(job_id, tries, name), "rb")
        except FileNotFoundError:
            message = "This file is no longer kept"
            raise NotFound(message) from None

    def remove(self, job_id: str) -> None:
        """Remove the job's folder there."""
        try:
            self._system.rm(self._path(job_id), recursive=True)
        except FileNotFoundError:
            return
        except Exception as error:  # noqa: BLE001  logged; every file system has errors of its own
            _log.warning("results could not be removed", job=job_id, error=f"{type(error).__name__}: {error}")


def make_shelf(files: JobFiles, url: str, compress: bool) -> Shelf:
    """Make the shelf that the settings name: that of the URL, else the folder."""
    return UrlShelf(files, url) if url else FolderShelf(files, compress)


def _asked(request: Request, etag: str, size: int) -> tuple[int, int, int]:
    """Read one Range (RFC 9110 section 14.2) as start, end and status; several, or none, are the whole file."""
    found = _RANGE.match(request.headers.get("range", "").replace(" ", ""))
    if found is None or request.headers.get("if-range", etag) != etag or found.group(0) == "bytes=-":
        return 0, size, 200
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    return (start, end, 206) if start < end else (0, 0, 416)


def _pieces(file: Any, start: int, end: int) -> Iterator[bytes]:
    """Read a part of an open file and close it."""
    with file:
        file.seek(start)
        while start < end:
            piece = file.read(min(_CHUNK_BYTES, end - start))
            if not piece:
                message = "A result is shorter than it was"
                raise StoreError(message)
            start += len(piece)
            yield piece
