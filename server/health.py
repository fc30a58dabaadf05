"""Whether the site answers queries, asked by availability documents and by machines that watch it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..query.run import Question, run
from ..query.site import Site

# An answer is good for so long, so that nobody can load the engine by asking.
_FRESH_SECONDS = 2.0
_PROBE_SECONDS = 5.0
_PROBE = "SELECT TOP 1 schema_name FROM TAP_SCHEMA.schemas"
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Health:
    """A probe of the engine and its last answer."""

    site: Site
    _asked: float = field(default=float("-inf"))
    _trouble: str = ""

    def trouble(self) -> str:
        """Give a note for people if queries fail, else an empty text; blocks for one small query at most."""
        now = time.monotonic()
        if now - self._asked > _FRESH_SECONDS:
            self._trouble = self._probe()
            self._asked = now
        return self._trouble

    async def endpoint(self, _: Request) -> Response:
        """Answer /health: live is that this answer comes, ready that queries run; 503 while they do not."""
        trouble = await to_thread.run_sync(self.trouble)
        state = {"live": True, "ready": not trouble}
        return JSONResponse(state, 503 if trouble else 200, {"cache-control": "no-store"})

    def _probe(self) -> str:
        try:
            answer = run(self.site, Question(_PROBE, maxrec=1, seconds=_PROBE_SECONDS, tag="health"))
            for _ in answer.stream:
                pass
        except Exception as error:  # noqa: BLE001  whatever is wrong, the service must be able to say so
            _log.error("the engine does not answer", exc_info=error)
            return "queries cannot be answered at the moment"
        return ""
