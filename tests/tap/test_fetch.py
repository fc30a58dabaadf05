"""Uploads by URL: only http(s), only public hosts, within limits (TAP-66, TAP-67)."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from nashira.config.errors import Cancelled, UploadError, UploadTooLarge
from nashira.config.settings import Limits
from nashira.tap import fetch as fetch_module
from nashira.tap.fetch import fetch, is_public

OPEN = Limits(upload_private_hosts=True, upload_bytes=10_000, upload_seconds=5)


class Handler(BaseHTTPRequestHandler):
    """Paths say what to answer."""

    def do_GET(self) -> None:
        kind = self.path.strip("/")
        if kind.startswith("to="):
            self.send_response(302)
            self.send_header("Location", kind[3:])
            self.end_headers()
        elif kind == "missing":
            self.send_error(404)
        elif kind == "host":
            self.answer(self.headers["Host"].encode())
        elif kind == "slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                if self.server.done.wait(0.1):  # type: ignore[attr-defined]
                    break
                self.wfile.write(b"x")
        elif kind == "endless":
            self.send_response(200)
            self.end_headers()
            for _ in range(1000):
                self.wfile.write(b"x" * 1000)
        elif kind == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b"short")
        else:
            self.answer(kind.encode())

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()


@pytest.fixture
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.done = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.done.set()  # type: ignore[attr-defined]
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def get(uri: str, tmp_path: Path, limits: Limits = OPEN) -> bytes:
    fetch(uri, tmp_path / "file", limits, lambda _: None)
    return (tmp_path / "file").read_bytes()


def test_body_is_written_as_sent(server: str, tmp_path: Path) -> None:
    assert get(f"{server}/votable", tmp_path) == b"votable"


def test_the_name_stays_in_the_host_header(server: str, tmp_path: Path) -> None:
    port = server.rpartition(":")[2]
    assert get(f"http://localhost:{port}/host", tmp_path) == f"localhost:{port}".encode()


def test_redirects_are_followed(server: str, tmp_path: Path) -> None:
    assert get(f"{server}/to=/to={server}/end", tmp_path) == b"end"


def test_redirects_end_somewhere(server: str, tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="redirects more than"):
        get(f"{server}/to=" * 8 + f"{server}/end", tmp_path)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://host/x", "http://", "http://[::", "gopher://x/"])
def test_only_http_is_visited(server: str, tmp_path: Path, target: str) -> None:
    for uri in (target, f"{server}/to={target}"):
        with pytest.raises(UploadError):
            get(uri, tmp_path)


@pytest.mark.parametrize(
    ("path", "message"), [("missing", "status 404"), ("cut", "could not be read"), ("endless", "longer than the limit")]
)
def test_what_fails_is_said(server: str, tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(UploadError, match=message):
        get(f"{server}/{path}", tmp_path)


def test_announced_size_is_refused_before_reading(server: str, tmp_path: Path) -> None:
    with pytest.raises(UploadTooLarge):
        get(f"{server}/{'x' * 200}", tmp_path, OPEN.model_copy(update={"upload_bytes": 100}))


def test_time_limit_holds_for_a_dripping_server(server: str, tmp_path: Path) -> None:
    with pytest.raises(UploadError, match=r"longer than the 0\.3 seconds"):
        get(f"{server}/slow", tmp_path, OPEN.model_copy(update={"upload_seconds": 0.3}))


def test_cancel_ends_it(server: str, tmp_path: Path) -> None:
    def cancel_soon(stop: Any) -> None:
        threading.Timer(0.2, stop).start()

    with pytest.raises(Cancelled):
        fetch(f"{server}/slow", tmp_path / "file", OPEN, cancel_soon)


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="cannot be reached"):
        get("http://127.0.0.1:9/", tmp_path)


def test_loopback_is_not_visited_by_default(server: str, tmp_path: Path) -> None:
    port = server.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1"):
        with pytest.raises(UploadError):
            get(f"http://{host}:{port}/votable", tmp_path, Limits())
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_private_addresses(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "193.51.217.97", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


def test_a_name_that_changes_its_mind_gains_nothing(server: str, tmp_path: Path, monkeypatch: Any) -> None:
    """The address that was checked is the one connected to: one lookup a visit, and no name in the connection."""
    port = int(server.rpartition(":")[2])
    lookups: list[str] = []
    original = fetch_module._addresses

    async def rebinding(url: Any, uri: str, limits: Limits) -> Any:
        lookups.append(url.host)
        return await original(url.copy_with(host="127.0.0.1"), uri, limits)

    monkeypatch.setattr(fetch_module, "_addresses", rebinding)
    assert get(f"http://name.invalid:{port}/host", tmp_path) == f"name.invalid:{port}".encode()
    assert lookups == ["name.invalid"]
