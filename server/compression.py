"""Content codings of answers that come whole: pages, VOSI documents, small results. Streams see to it themselves."""

from __future__ import annotations

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..dali.codings import LEAST_BYTES, chosen_coding, pack_whole, packable

_QUICK_BYTES = 65_536  # packed in less time than a hop to a thread and back is worth
# Parts and files with a name for their exact bytes are not to be touched; nor is what was packed already.
_FIXED = ("content-encoding", "content-range", "accept-ranges", "etag")


class Compression:
    """Pack whole answers for clients that ask (RFC 9110 sections 8.4 and 12.5.3)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        coding = chosen_coding(Headers(scope=scope).get("accept-encoding"))
        start: Message | None = None

        async def send_packed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _touchable(message):
                start = message  # goes out with the body: its length is not known before
                return
            if start is not None:
                begun, start = start, None
                message = await _packed(begun, message, coding)
                await send(begun)
            await send(message)

        await self._app(scope, receive, send_packed)


def _touchable(message: Message) -> bool:
    headers = Headers(raw=message["headers"])
    return packable(headers.get("content-type", "")) and not any(name in headers for name in _FIXED)


async def _packed(start: Message, message: Message, coding: str | None) -> Message:
    """Pack a whole body and change the headers; give other messages as they are."""
    headers = MutableHeaders(raw=start["headers"])
    headers.add_vary_header("Accept-Encoding")
    start["headers"] = headers.raw
    body = message.get("body", b"")
    if coding is None or message.get("more_body", False) or len(body) < LEAST_BYTES:
        return message
    kind = headers.get("content-type", "")
    if len(body) > _QUICK_BYTES:
        body = await to_thread.run_sync(pack_whole, body, coding, kind)
    else:
        body = pack_whole(body, coding, kind)
    headers["content-encoding"] = coding
    headers["content-length"] = str(len(body))
    start["headers"] = headers.raw
    return {**message, "body": body}
