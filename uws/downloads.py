"""Files of a job on the wire: with length, ETag, ranges and exactly the media type that was promised.

A client that asks for a content coding and for no range gets the file packed on the way: without length and ranges,
since these are of the file as it lies there, and under an ETag of its own (RFC 9110 section 8.8.3.3).
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from ..config.errors import NotFound
from ..dali.codings import LEAST_BYTES, chosen_coding, pack, packable
from ..formats.stream import Chunk

_READ_BYTES = 1_000_000
SAFE = {"x-content-type-options": "nosniff", "cache-control": "private, no-cache"}


async def download(
    request: Request, path: Path, media_type: str, disposition: str = "inline", compress: bool = False
) -> Response:
    """Answer with a file, a part of it (Range) or 304 (If-None-Match); NotFound where it is gone.

    With `compress` it may go out in a content coding.
    """
    try:
        found = await run_in_threadpool(path.stat)
    except FileNotFoundError:
        found = None
    if found is None or not stat.S_ISREG(found.st_mode):
        message = "This file is no longer kept"
        raise NotFound(message)
    # Given as a header, since the response would add a charset to text types.
    headers = {"content-type": media_type, "content-disposition": disposition, **SAFE}
    response: Response = FileResponse(path, headers=headers, stat_result=found)
    if compress and packable(media_type):
        response.headers["vary"] = "Accept-Encoding"
        coding = chosen_coding(request.headers.get("accept-encoding"))
        if coding is not None and found.st_size >= LEAST_BYTES and "range" not in request.headers:
            content = () if request.method == "HEAD" else pack(_read(path), coding, media_type)
            response = _packed(response, coding, content)
    kept = {name: response.headers[name] for name in ("etag", "vary") if name in response.headers}
    known = request.headers.get("if-none-match", "")
    if kept["etag"] in (tag.strip() for tag in known.split(",")):
        return Response(status_code=304, headers={**kept, **SAFE})
    return response


def _packed(plain: Response, coding: str, content: Iterable[Chunk]) -> Response:
    """Make the packed answer from the plain one."""
    kept = ("content-type", "content-disposition", "last-modified", "vary", *SAFE)
    headers = {name: plain.headers[name] for name in kept}
    headers |= {"content-encoding": coding, "etag": f'{plain.headers["etag"][:-1]}-{coding}"'}
    return StreamingResponse(content, headers=headers)


def _read(path: Path) -> Iterator[Chunk]:
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            yield chunk
