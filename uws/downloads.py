"""Files of a job on the wire: with length, ETag, ranges and exactly the media type that was promised."""

from __future__ import annotations

import stat
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ..config.errors import NotFound

_SAFE = {"x-content-type-options": "nosniff", "cache-control": "private, no-cache"}


async def download(request: Request, path: Path, media_type: str, disposition: str = "inline") -> Response:
    """Answer with a file, a part of it (Range) or 304 (If-None-Match); NotFound where it is gone."""
    try:
        found = await run_in_threadpool(path.stat)
    except FileNotFoundError:
        found = None
    if found is None or not stat.S_ISREG(found.st_mode):
        message = "This file is no longer kept"
        raise NotFound(message)
    # Given as a header, since the response would add a charset to text types.
    headers = {"content-type": media_type, "content-disposition": disposition, **_SAFE}
    response = FileResponse(path, headers=headers, stat_result=found)
    known = request.headers.get("if-none-match", "")
    if response.headers["etag"] in (tag.strip() for tag in known.split(",")):
        return Response(status_code=304, headers={"etag": response.headers["etag"], **_SAFE})
    return response
