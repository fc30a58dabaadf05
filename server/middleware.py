"""What every request passes: one pure ASGI wrapper for paths, request ids and headers, one for errors."""

from __future__ import annotations

import asyncio
import re
import secrets
from urllib.parse import urlsplit

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import __version__
from ..config.errors import Overloaded
from ..formats.html_write import SCRIPT_SOURCE
from .pages import Pages

# RFC 9110 product form with the comment of the IVOA software identification note (TAP-36)
SERVER = f"nashira/{__version__} (IVOA-publish)".encode()
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_SLASHES = re.compile("/{2,}")
_STOPPING = "The server is being stopped; ask again in a moment"
_CONTENT_POLICY = (
    f"default-src 'none'; script-src 'self' {SCRIPT_SOURCE}; connect-src 'self'; style-src 'unsafe-inline'; "
    "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
).encode()
_HTML_HEADERS = ((b"content-security-policy", _CONTENT_POLICY), (b"referrer-policy", b"same-origin"))


_OPEN = re.compile(r"/(tap|capabilities|availability)(/|\Z)")
_ANYBODY = (b"access-control-allow-origin", b"*")
_CROSS_ORIGIN = (
    _ANYBODY,
    (b"access-control-expose-headers", b"Content-Disposition, Content-Length, Location, Retry-After, X-Request-Id"),
)
_PREFLIGHT = (
    _ANYBODY,
    (b"access-control-allow-methods", b"GET, HEAD, POST, DELETE"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
)


class Envelope:
    """Tidy the path before routing and the headers after it.

    Double and trailing slashes vanish without a redirect, which would lose POST bodies (TAP-11); the path of
    the public base URL is cut off where a proxy passes it on. Every answer names the server and the request.
    """

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        self._app = app
        self._prefix = urlsplit(base_url).path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["path"] = self._tidy(scope["path"])
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_tidy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _headers(message.get("headers", ()), request_id)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_tidy)

    def _tidy(self, path: str) -> str:
        path = _SLASHES.sub("/", path)
        if self._prefix and (path + "/").startswith(self._prefix + "/"):
            path = path[len(self._prefix) :]
        return path.rstrip("/") or "/"


class CrossOrigin:
    """Let pages of any origin use the VO services (Fetch standard, section 3.2): they know no cookies or passwords.

    So do Aladin Lite, notebooks in browsers and the like. Preflight requests are answered here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not _OPEN.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        asked = {name for name, _ in scope["headers"]}
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in asked:
            await send({"type": "http.response.start", "status": 204, "headers": list(_PREFLIGHT)})
            await send({"type": "http.response.body"})
            return

        async def send_open(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_CROSS_ORIGIN]
            await send(message)

        await self._app(scope, receive, send_open)


class Errors:
    """Answer exceptions that nothing below has answered; a response that has begun is left broken."""

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except asyncio.CancelledError:  # the server is being stopped; what has begun stays broken
            if not started:
                await self._pages.error(scope, Overloaded(_STOPPING))(scope, receive, send)
        except Exception as error:
            if started:
                raise
            await self._pages.error(scope, error)(scope, receive, send)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.match(text := value.decode("latin-1")):
            return str(text)
    return secrets.token_hex(8)


def _headers(headers: list[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    tidy = [
        *headers,
        (b"server", SERVER),
        (b"x-request-id", request_id.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    if kind.startswith((b"text/html", b"application/xhtml")):
        tidy += _HTML_HEADERS
    return tidy
