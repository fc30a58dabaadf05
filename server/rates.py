"""How often one address may ask: a bucket of tokens each, refilled at a steady rate."""

from __future__ import annotations

import math
import time
from collections import OrderedDict

from starlette.types import ASGIApp, Receive, Scope, Send

from ..config.errors import TooManyRequests
from ..dali.errors import error_response

_FREE = ("/health", "/metrics")
_MOST_ADDRESSES = 100_000  # the longest silent are forgotten: their buckets are full anyway


class Buckets:
    """Tokens by address: `burst` at most, `per_second` new ones."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str, now: float) -> float:
        """Take a token; give 0, or the seconds until there is one."""
        tokens, seen = self._known.pop(address, (self._burst, now))
        tokens = min(self._burst, tokens + (now - seen) * self._per_second)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._per_second
        self._known[address] = (tokens if wait else tokens - 1, now)
        if len(self._known) > _MOST_ADDRESSES:
            self._known.popitem(last=False)
        return wait


class RateLimit:
    """Answers 429 to anonymous clients that ask more often than `per_minute` on average; 0 lets all pass."""

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self._app = app
        self._buckets = Buckets(per_minute / 60, max(1.0, per_minute / 6)) if per_minute else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._buckets is None or scope["type"] != "http" or scope["path"] in _FREE or "user" in scope:
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        wait = self._buckets.take(client[0] if client else "", time.monotonic())
        if not wait:
            await self._app(scope, receive, send)
            return
        response = error_response(TooManyRequests("You ask too often; wait a moment, or send long work to /async"))
        response.headers["retry-after"] = str(math.ceil(wait))
        await response(scope, receive, send)
