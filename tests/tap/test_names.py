"""Names of objects are looked up at the operator's name service, once each, and never where there is none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

import pytest

from nashira.config.errors import Unsupported
from nashira.config.settings import Limits
from nashira.tap.names import NameService

ANSWERS = {
    "GJ 699": "# GJ 699\n#=S=Simbad\n%C.0 PM*\n%J 269.45207696 +04.69336497 = 17:57:48.49 +04:41:36.1\n",
    "plain": "10.5 -20.25\n",
    "nobody/?": "# nobody\n#!S=Simbad: no such object\n",
}


class Sesame(BaseHTTPRequestHandler):
    """Answers as the name service of CDS does with -oI, with an error where it knows nothing of a name."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        name = unquote(self.path.partition("?")[2])
        self.asked.append(name)
        body = ANSWERS.get(name, "").encode()
        self.send_response(200 if body else 500)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Sesame.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sesame)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/sesame/-oI?{{name}}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_positions_come_from_the_service_and_are_kept(url: str, tmp_path: Path) -> None:
    names = NameService(url, Limits(upload_private_hosts=True), 5, tmp_path)
    assert names("GJ 699") == (269.45207696, 4.69336497)
    assert names("GJ 699") == (269.45207696, 4.69336497)
    assert names("plain") == (10.5, -20.25)
    assert names("nobody/?") is None
    assert names("nobody/?") is None
    assert Sesame.asked == ["GJ 699", "plain", "nobody/?"]
    assert not list(tmp_path.iterdir())


def test_a_service_that_fails_is_told_and_asked_again(url: str, tmp_path: Path) -> None:
    names = NameService(url, Limits(upload_private_hosts=True), 5, tmp_path)
    for _ in range(2):
        with pytest.raises(Unsupported, match="does not answer"):
            names("unknown here")
    assert len(Sesame.asked) == 2


def test_private_addresses_are_not_asked(url: str, tmp_path: Path) -> None:
    """The same guard as for uploads: the operator's URL may still be led astray by a redirect or a name."""
    with pytest.raises(Unsupported, match="does not answer"):
        NameService(url, Limits(), 5, tmp_path)("GJ 699")
    assert Sesame.asked == []
