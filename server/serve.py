"""Run a site: with HTTP, or job threads alone."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

import uvicorn

from ..config.errors import SettingsError
from ..config.settings import Service
from ..config.site import SiteFolder
from .app import create_app, open_engine
from .log import configure_logging

_BACKLOG = 2048
_GRACE_SECONDS = 20
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  shown, not listened on

Announce = Callable[[str], None]


def serve(
    folder: SiteFolder, host: str | None = None, port: int | None = None, announce: Announce | None = None
) -> None:
    """Serve a site until SIGINT or SIGTERM; `host` and `port` win over the settings, port 0 takes a free one.

    Where no public URL is set, the address listened on is it. `announce` is told one line when the server is ready.
    Open requests have some seconds to finish after the signal.
    """
    configure_logging()
    service = folder.settings.service
    listener = _listen(service.host if host is None else host, service.port if port is None else port)
    here = _url(listener)
    if service.base_url == Service.model_fields["base_url"].default:
        folder = _with_base_url(folder, here)
    config = uvicorn.Config(
        create_app(folder),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=service.trust_proxy,
        forwarded_allow_ips="*" if service.trust_proxy else None,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    base_url = folder.settings.service.base_url
    line = f"Serving {base_url}/ (TAP: {base_url}/tap), listening on {here}"
    with listener:
        _Server(config, lambda: announce(line) if announce else None).run(sockets=[listener])


def work(folder: SiteFolder) -> None:
    """Run jobs of a site on threads, without HTTP, until SIGINT or SIGTERM."""
    configure_logging()
    stopped = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    engine = open_engine(folder)
    engine.dispatcher.start()
    try:
        stopped.wait()
    finally:
        engine.dispatcher.stop()
        engine.site.close()


class _Server(uvicorn.Server):
    """Uvicorn, telling when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        message = f"cannot listen on {host}, port {port}: {error.strerror}"
        raise SettingsError(message) from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = _ANY.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _with_base_url(folder: SiteFolder, base_url: str) -> SiteFolder:
    settings = folder.settings
    service = settings.service.model_copy(update={"base_url": base_url})
    return replace(folder, settings=settings.model_copy(update={"service": service}))
