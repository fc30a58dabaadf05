"""Run a site: with HTTP, or job threads alone."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from types import FrameType

import uvicorn

from ..config.errors import SettingsError
from ..config.settings import Service
from ..config.site import SiteFolder
from ..uws.model import Queue
from .app import Engine, create_app, open_engine
from .log import LEVELS, configure_logging
from .processes import Processes, itself
from .protocol import GuardedProtocol

_BACKLOG = 2048
_LAST_SECONDS = 0.5
_CLOSE_SECONDS = 10.0  # for jobs to be handed back and engines to be closed
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  shown, not listened on
_ADVICE = {
    errno.EADDRINUSE: "another program listens there; choose a port with --port (0 takes a free one)",
    errno.EACCES: "ports below 1024 are for root; choose another with --port",
    errno.EADDRNOTAVAIL: "this machine has no such address; 0.0.0.0 means all that it has",
}


@dataclass(frozen=True, slots=True)
class Ready:
    """A server that answers: its public URL, and the one it listens on."""

    base_url: str
    listening: str

    def __str__(self) -> str:
        """Say it in a line."""
        line = f"Serving {self.base_url}/ (TAP: {self.base_url}/tap)"
        return line if self.listening == self.base_url else f"{line}, listening on {self.listening}"


Announce = Callable[[Ready], None]


def serve(
    folder: SiteFolder,
    host: str | None = None,
    port: int | None = None,
    announce: Announce | None = None,
    log_level: int | None = None,
    descriptor: int | None = None,
) -> int:
    """Serve a site until SIGINT or SIGTERM; `host` and `port` win over the settings, port 0 takes a free one.

    Gives the exit code. `descriptor` is a listening socket that is there already: that of a process which keeps
    several servers. Where the settings want several, this process becomes such a one.

    Where no public URL is set, the address listened on is it. `announce` is told when the server is ready.
    Open requests have `stop_seconds` to finish after the signal; then they are cancelled, jobs queued again.
    """
    service = folder.settings.service
    configure_logging(LEVELS[service.log_level] if log_level is None else log_level)
    if descriptor is None:
        listener = _listen(service.host if host is None else host, service.port if port is None else port)
    else:
        listener = socket.socket(fileno=descriptor)
    here = _url(listener)
    if service.base_url == Service.model_fields["base_url"].default:
        folder = _with_base_url(folder, here)
    ready = Ready(folder.settings.service.base_url, here)
    if descriptor is None and service.processes > 1:
        return _serve_by_many(folder, listener, lambda: announce(ready) if announce else None)
    config = uvicorn.Config(
        create_app(folder),
        loop="uvloop",
        http=GuardedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=service.trust_proxy,
        forwarded_allow_ips="*" if service.trust_proxy else None,
        timeout_graceful_shutdown=service.stop_seconds,
    )
    with listener:
        server = _Server(config, lambda: announce(ready) if announce else None)
        _on_signals(_obeyed)
        server.run(sockets=[listener])
    return 0


def _serve_by_many(folder: SiteFolder, listener: socket.socket, ready: Callable[[], None]) -> int:
    """Keep as many server processes as the settings want."""
    service = folder.settings.service
    os.environ["NASHIRA_SERVICE__BASE_URL"] = service.base_url
    processes = Processes(itself(["serve", "--site", str(folder.root)]), listener, service.processes)
    with listener:
        ready()
        return processes.run(service.stop_seconds + _CLOSE_SECONDS)


def _obeyed(_: int, __: FrameType | None) -> None:
    """Do nothing: uvicorn raises the signals that have stopped it once more."""


def _on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in _SIGNALS:
        signal.signal(number, handler)


def work(
    folder: SiteFolder, queues: Collection[Queue] = tuple(Queue), announce: Callable[[str], None] | None = None
) -> None:
    """Run jobs of a site without HTTP until SIGINT or SIGTERM; `announce` is told when they run.

    Where the site has a broker, messages say which of the `queues` have work; else job threads look for it.
    """
    configure_logging(LEVELS[folder.settings.service.log_level])
    engine = open_engine(folder)
    threads = folder.settings.jobs.workers
    place = f"{folder.root} on {threads} threads"
    try:
        if folder.settings.jobs.broker:
            _work_by_messages(engine, queues, lambda: announce(f"Running jobs of {place}") if announce else None)
        else:
            _work_on_threads(engine, lambda: announce(f"Running jobs of {place}") if announce else None)
    finally:
        engine.close()


def _work_by_messages(engine: Engine, queues: Collection[Queue], ready: Callable[[], None]) -> None:
    from ..uws.celery_jobs import CeleryJobs

    broker = engine.site.folder.settings.jobs.broker
    CeleryJobs(engine.jobs, engine.runners, broker, queues).run(ready)


def _work_on_threads(engine: Engine, ready: Callable[[], None]) -> None:
    stopped = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopped.set()

    _on_signals(stop)
    dispatcher = engine.dispatcher()
    dispatcher.start()
    ready()
    try:
        stopped.wait()
    finally:
        dispatcher.stop()


class _Server(uvicorn.Server):
    """Uvicorn, telling when it is ready, and always ending in order."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, also when a second signal came; requests that were cancelled have a moment to say so."""
        await super().shutdown(sockets)
        if self.force_exit:
            await self.lifespan.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=_LAST_SECONDS)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = _ADVICE.get(error.errno or 0, str(error.strerror).partition(" (while")[0])
        message = f"cannot listen on {host}, port {port}: {reason}"
        raise SettingsError(message) from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = _ANY.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _with_base_url(folder: SiteFolder, base_url: str) -> SiteFolder:
    settings = folder.settings
    service = settings.service.model_copy(update={"base_url": base_url})
    return replace(folder, settings=settings.model_copy(update={"service": service}))
