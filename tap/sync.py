"""Synchronous queries: /sync by GET and POST (TAP 1.1 section 2.1), streamed.

A request costs one hop to a thread: there the query runs and its result is written. What fails before the first
bytes leave is an error document with its status. Later, a VOTable ends with an ERROR status of its own; in other
formats the transfer breaks, so that a part is never taken for the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..config.errors import EngineError, LimitError, QueryTimeout, UserError
from ..config.settings import Limits
from ..dali.codings import chosen_coding, pack, packable
from ..dali.errors import error_response
from ..dali.parameters import Form, read_form
from ..formats.registry import ChosenFormat
from ..formats.stream import Chunk
from ..query.site import Site
from ..uws.routes import party_of
from .execute import Context, Execution, execute
from .handover import Handover
from .parameters import chosen_format, read_request
from .slots import Slots

# Bytes collected before the first are sent: a result that fits needs no second hop and knows its length.
HEAD_BYTES = 65_536
# A client that does not take a piece of this size for so long has gone.
SEND_BYTES = 524_288
STALL_SECONDS = 60.0
# Formats that a browser shows, beside VOTables; others become files.
_SHOWN = frozenset({"html", "json"})
_log = structlog.get_logger(__name__)
# Makes a job of a request that was not done in time.
GoOn = Callable[[Form, QueryTimeout, Request], Response]
# Makes a page for people of an error and the query text.
ErrorPage = Callable[[Exception, str], Response]


@dataclass(frozen=True, slots=True)
class Head:
    """The start of an answer: its headers, the first bytes, and whether these are all."""

    headers: list[tuple[bytes, bytes]]
    body: bytes
    whole: bool


class Sync:
    """The resource /sync as an ASGI application."""

    def __init__(self, site: Site, page: ErrorPage | None = None, go_on: GoOn | None = None) -> None:
        self._page = page
        self._go_on = go_on if site.folder.settings.limits.sync_becomes_job else None
        engine = site.folder.settings.engine
        self._site = site
        self._compress = site.folder.settings.service.compress
        self._slots = Slots(engine.sync_slots, engine.sync_slots_client or max(1, engine.sync_slots // 2))
        self._pool = ThreadPoolExecutor(engine.sync_slots, "tap-sync")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        folder = self._site.folder
        try:
            form = await read_form(request, folder.temp, folder.settings.limits.upload_bytes)
        except Exception as error:  # noqa: BLE001  every error becomes an answer
            await error_response(error)(scope, receive, send)
            return
        try:
            if request.method == "HEAD":
                await _answer_head(form, folder.settings.limits)(scope, receive, send)
            else:
                await self._answer(form, scope, receive, send)
        finally:
            if form.parts:
                form.discard()

    async def _answer(self, form: Form, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the query and send its result, stopping both when the client leaves."""
        loop = asyncio.get_running_loop()
        handover: Handover[Head | Chunk] = Handover(loop)
        watch = loop.create_task(_watch(receive, handover))
        tag = str(scope.get("state", {}).get("request_id", ""))
        coding = chosen_coding(Headers(scope=scope).get("accept-encoding")) if self._compress else None
        try:
            async with self._slots.taken(party_of(Request(scope))):
                thread = loop.run_in_executor(self._pool, self._produce, form, handover, tag, coding)
                try:
                    await _send_all(handover, send)
                finally:
                    handover.stop()
                    await thread
        except Exception as error:  # noqa: BLE001  nothing was sent yet: every error becomes an answer
            response = await run_in_threadpool(self._failure, form, error, scope)
            await response(scope, receive, send)
        finally:
            watch.cancel()

    def _failure(self, form: Form, error: Exception, scope: Scope) -> Response:
        """Answer an error: with a page for those who asked for a page, else with a VOTable (DALI 1.1 section 4.2)."""
        if self._go_on is not None and isinstance(error, QueryTimeout):
            try:
                return self._go_on(form, error, Request(scope))
            except LimitError as full:
                _log.info("a sync query could not become a job", error=str(full))
        if self._page is None or not _wants_page(form):
            return error_response(error)
        return self._page(error, "".join(form.all("QUERY")[:1]))

    def _produce(self, form: Form, handover: Handover[Head | Chunk], tag: str, coding: str | None) -> None:
        """Run on a thread: execute, write, hand over; every error is handed over too."""
        context = Context(self._site.folder.temp, self._site.folder.settings.limits.sync_seconds, tag, handover.on_stop)
        try:
            handover.check()
            execution = execute(self._site, form, context)
            with closing(execution.stream):
                _hand_over(execution, handover, coding)
        except Exception as error:  # noqa: BLE001  the loop's side answers or breaks the transfer
            handover.fail(error)
        except BaseException as error:
            # panics of native libraries are no Exception; without this the client would wait for ever
            handover.fail(EngineError(f"The service failed for an internal reason ({type(error).__name__})"))
            raise


def _wants_page(form: Form) -> bool:
    try:
        return chosen_format(form).format.name == "html"
    except UserError:
        return False


def _answer_head(form: Form, limits: Limits) -> Response:
    """Answer HEAD without running anything: the checks and the headers of a result."""
    try:
        asked = read_request(form, limits)
    except UserError as error:
        return error_response(error)
    return Response(headers=_headers(asked.format))


def _hand_over(execution: Execution, handover: Handover[Head | Chunk], coding: str | None) -> None:
    """Write the result: first what fits into the head, then chunk by chunk; an empty chunk is the end.

    Streams are packed here, on the way; what is whole is left to others.
    """
    chosen = execution.request.format
    chunks = execution.chunks()
    body, whole = _collect(chunks)
    execution.check()
    headers = _headers(chosen)
    if whole:
        headers["content-length"] = str(len(body))
    elif coding is not None and packable(chosen.content_type):
        headers["content-encoding"] = coding
        chunks = pack(chain((body,), chunks), coding, chosen.content_type)
        body = bytes(next(chunks))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    handover.put(Head(raw, body, whole))
    if not whole:
        for chunk in chunks:
            if chunk:
                handover.put(chunk)
        handover.put(b"")


def _collect(chunks: Iterator[Chunk]) -> tuple[bytes, bool]:
    """Join chunks until HEAD_BYTES are there; tell whether that was all."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) >= HEAD_BYTES:
            return bytes(body), False
    return bytes(body), True


def _headers(chosen: ChosenFormat) -> dict[str, str]:
    headers = {"content-type": chosen.content_type, "cache-control": "no-cache"}
    if packable(chosen.content_type):
        headers["vary"] = "Accept-Encoding"
    if not chosen.format.is_votable and chosen.format.name not in _SHOWN:
        headers["content-disposition"] = f'attachment; filename="result.{chosen.format.extension}"'
    return headers


async def _watch(receive: Receive, handover: Handover[Head | Chunk]) -> None:
    """Stop the work when the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    handover.stop()


async def _send_all(handover: Handover[Head | Chunk], send: Send) -> None:
    """Send what is handed over; errors pass through until the first bytes, afterwards they break the transfer."""
    head = await handover.get()
    if not isinstance(head, Head):
        message = "a result began without its head"
        raise EngineError(message)
    await send({"type": "http.response.start", "status": 200, "headers": head.headers})
    if head.whole:
        await send({"type": "http.response.body", "body": head.body})
        return
    try:
        chunk: Head | Chunk = head.body
        while not isinstance(chunk, Head) and chunk:
            await _send_chunk(chunk, send)
            chunk = await handover.get()
        async with asyncio.timeout(STALL_SECONDS):
            await send({"type": "http.response.body", "body": b""})
    except Exception as error:  # noqa: BLE001  the status is out: only a broken transfer can tell the client
        _log.warning("transfer broken", error=type(error).__name__, detail=str(error))


async def _send_chunk(chunk: Chunk, send: Send) -> None:
    view = memoryview(chunk)
    for start in range(0, len(view), SEND_BYTES):
        async with asyncio.timeout(STALL_SECONDS):
            await send({"type": "http.response.body", "body": view[start : start + SEND_BYTES], "more_body": True})
