"""Parameters of a request: query string and body together, uploads on disk.

Sources: DALI 1.1 sections 2 and 4, TAP 1.1 section 2.7; RFC 7578 for multipart bodies.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from ..config.errors import Cancelled, ParameterError, UploadTooLarge
from .multipart import FIELDS_MOST, VALUES_BYTES, MultipartBody, Part
from .values import upload_labels

__all__ = ["Form", "Part", "read_body", "read_form"]

_URLENCODED = b"application/x-www-form-urlencoded"
_MULTIPART = b"multipart/form-data"
# A client that sends nothing of its body for so long has gone, whatever its connection says.
STALL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Form:
    """Parameters (name in capitals, value as sent) and uploaded parts of one request.

    The order is that of the request: query string first, then the body. Part labels keep their case.
    """

    values: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()

    def all(self, name: str) -> tuple[str, ...]:
        """Give every value of the parameter `name`, whose case does not matter."""
        wanted = name.upper()
        return tuple(value for key, value in self.values if key == wanted)

    def one(self, name: str) -> str | None:
        """Give the value of a single-valued parameter, None where it is absent.

        Repeats of one value are tolerated, clients send them (DALI 1.1 section 4.2 would refuse);
        different values raise ParameterError.
        """
        found = dict.fromkeys(self.all(name))
        if len(found) > 1:
            message = f"{name.upper()} can have one value only, but {len(found)} different ones were sent"
            raise ParameterError(message)
        return next(iter(found), None)

    def discard(self) -> None:
        """Remove the files of all parts that still lie where `read_form` put them."""
        for part in self.parts:
            part.path.unlink(missing_ok=True)


async def read_form(request: Request, folder: Path, max_bytes: int) -> Form:
    """Read all parameters of a request; uploaded parts become files of random names in `folder`.

    The body is never held in memory as a whole. ParameterError: it cannot be read as a form;
    UploadTooLarge: it is longer than `max_bytes`; Cancelled: the client went away.
    Where an error is raised, no file is left behind.
    """
    query = _pairs(request.scope.get("query_string", b""))
    if request.method not in {"POST", "PUT"}:
        return Form(query)
    content_type, options = parse_options_header(request.headers.get("content-type"))
    body = _limited(request, max_bytes)
    if content_type == _MULTIPART:
        return await _read_multipart(body, options, folder, query)
    data = await _collect(body, min(max_bytes, VALUES_BYTES))
    if data and content_type not in {_URLENCODED, b""}:
        name = content_type.decode("latin-1")[:80]
        message = f"The body is {name}; send application/x-www-form-urlencoded or multipart/form-data"
        raise ParameterError(message)
    return Form(query + _pairs(data))


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Read a body that is no form, at most as long as parameters may be; errors as those of `read_form`."""
    most = min(max_bytes, VALUES_BYTES)
    return await _collect(_limited(request, most), most)


async def _read_multipart(
    body: AsyncIterator[bytes], options: dict[bytes, bytes], folder: Path, query: tuple[tuple[str, str], ...]
) -> Form:
    """Feed the body to the parser on a thread, since it writes files."""
    sink = MultipartBody(options, folder)
    try:
        async for chunk in body:
            await run_in_threadpool(sink.feed, chunk)
        labels = upload_labels(value for name, value in (*query, *sink.texts("UPLOAD")) if name == "UPLOAD")
        values, parts = await run_in_threadpool(sink.finish, labels)
    except BaseException:
        sink.discard()
        raise
    return Form(query + values, parts)


async def _limited(request: Request, max_bytes: int) -> AsyncIterator[bytes]:
    """Yield the body's pieces; UploadTooLarge as soon as it is known to be longer than `max_bytes`."""
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isascii() and announced.isdigit() else 0
    if size <= max_bytes:
        size = 0
        chunks = request.stream()
        while (chunk := await _next(chunks)) is not None:
            size += len(chunk)
            if size > max_bytes:
                break
            if chunk:
                yield chunk
    if size > max_bytes:
        message = f"The request is longer than the limit of {max_bytes} bytes"
        raise UploadTooLarge(message)


async def _next(chunks: AsyncGenerator[bytes, None]) -> bytes | None:
    """Wait for the next piece of a body, None at its end; a client that sends nothing for long is given up."""
    try:
        async with asyncio.timeout(STALL_SECONDS):
            return await anext(chunks, None)
    except TimeoutError:
        message = f"The body of the request stopped coming; nothing was received for {STALL_SECONDS:g} seconds"
        raise ParameterError(message) from None
    except ClientDisconnect:
        message = "The client went away"
        raise Cancelled(message) from None


async def _collect(body: AsyncIterator[bytes], max_bytes: int) -> bytes:
    """Join a body that holds parameters alone."""
    data = bytearray()
    async for chunk in body:
        data += chunk
        if len(data) > max_bytes:
            message = f"The parameters are longer than the limit of {max_bytes} bytes"
            raise UploadTooLarge(message)
    return bytes(data)


def _pairs(data: bytes) -> tuple[tuple[str, str], ...]:
    """Decode `a=b&c=d`; ParameterError where it is not UTF-8, has a NUL or too many fields."""
    if data.count(b"&") >= FIELDS_MOST:
        message = f"More than {FIELDS_MOST} parameters were sent"
        raise ParameterError(message)
    try:
        pairs = parse_qsl(data.decode("utf-8"), keep_blank_values=True, errors="strict")
    except ValueError:
        message = "The parameters cannot be read: they must be percent-encoded UTF-8"
        raise ParameterError(message) from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        message = "A parameter contains the character NUL"
        raise ParameterError(message)
    return tuple((name.upper(), value) for name, value in pairs)
