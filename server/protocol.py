"""HTTP as uvicorn reads it, with limits on what comes before and behind a body.

The parser collects an address, a header or a trailer of any length, and waits for it for ever; a stranger could
fill the memory or the table of open connections with them.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 131_072
"""Most bytes that a client may send without completing a head or sending a piece of a body."""
HEAD_SECONDS = 30.0
"""Time for a head, from its first byte or from the opening of the connection."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_log = structlog.get_logger(__name__)


class GuardedProtocol(HttpToolsProtocol):
    """One connection; it is closed where a head is too long or too slow, or trailers are too long."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._useful = False  # whether the bytes just read completed something
        self._useless_bytes = 0
        self._in_head = self._in_body = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first head."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read the next bytes; close the connection where too many have led to nothing."""
        self._useful = False
        super().data_received(data)
        self._useless_bytes = 0 if self._useful else self._useless_bytes + len(data)
        if self._useless_bytes > HEAD_BYTES:
            self._refuse()
        elif self._in_head and self._timer is None:
            self._start_timer()

    def on_message_begin(self) -> None:
        """Note the start of a head."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note the end of a head."""
        self._in_head, self._useful, self._in_body = False, True, True
        self._stop_timer()
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are none, nothing here reads them."""
        if not self._in_body:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Note a piece of a body."""
        self._useful = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        self._useful, self._in_body = True, False
        super().on_message_complete()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._be_late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _be_late(self) -> None:
        """Close a connection that waits for a head; not one whose answer is under way."""
        self._timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self._start_timer()

    def _refuse(self) -> None:
        _log.warning("refused a request whose head or trailers are too long", detail=str(self.client))
        if not self._in_body and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
        self.transport.close()
