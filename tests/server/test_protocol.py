"""What comes before and behind a body: its size and its time are limited, honest requests pass."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from nashira.server import protocol
from nashira.server.protocol import HEAD_BYTES, GuardedProtocol


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell how long address and body were and which headers came; wait where asked to."""
    request = Request(scope, receive)
    body = await request.body()
    names = ",".join(sorted(request.headers))
    response: Response = PlainTextResponse(f"{len(request.url.query)} {len(body)} {names}")
    await response(scope, receive, send)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    config = uvicorn.Config(
        echo, loop="asyncio", http=GuardedProtocol, lifespan="off", log_config=None, timeout_keep_alive=30
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join(10)
    listener.close()


def exchange(connection: socket.socket, *pieces: bytes) -> bytes:
    """Send the pieces, then read until the other side closes or falls silent."""
    connection.settimeout(2)
    answer = b""
    try:
        for piece in pieces:
            connection.sendall(piece)
        while received := connection.recv(65_536):
            answer += received
    except (TimeoutError, ConnectionError):
        pass
    return answer


def test_honest_requests_pass_with_long_addresses_and_bodies(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as connection:
        head = (
            b"POST /?" + b"q" * 60_000 + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n"
        )
        assert b"60000 1000000 " in exchange(connection, head, *[b"b" * 1000] * 1000)


def test_two_requests_on_one_connection(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as connection:
        last = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
        assert exchange(connection, b"GET / HTTP/1.1\r\n\r\n", last).count(b"200 OK") == 2


def test_chunks_of_one_byte_are_a_body(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as connection:
        head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        assert b"0 50000 " in exchange(connection, head, *[b"1\r\nb\r\n" * 5000] * 10, b"0\r\n\r\n")


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 10])
def test_a_head_that_is_too_long_is_answered_431(address: tuple[str, int], start: bytes) -> None:
    with socket.create_connection(address) as connection:
        assert exchange(connection, start, b"a" * HEAD_BYTES).startswith(b"HTTP/1.1 431 ")


def test_trailers_are_dropped_and_have_an_end(address: tuple[str, int]) -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nb\r\n0\r\n"
    with socket.create_connection(address) as connection:
        assert exchange(connection, head, b"X-Forwarded-For: 1.2.3.4\r\n\r\n").endswith(
            b"0 1 connection,transfer-encoding"
        )
    with socket.create_connection(address) as connection:
        assert b"200" not in exchange(connection, head, b"X: a\r\n" * HEAD_BYTES)


@pytest.mark.parametrize("start", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nX: 1\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(address: tuple[str, int], start: bytes) -> None:
    begun = time.monotonic()
    with socket.create_connection(address) as connection:
        assert exchange(connection, start) == b""
    assert time.monotonic() - begun < 1.8


def test_the_second_head_has_its_time_too(address: tuple[str, int]) -> None:
    begun = time.monotonic()
    with socket.create_connection(address) as connection:
        assert exchange(connection, b"GET / HTTP/1.1\r\n\r\n", b"GET / HTT").count(b"200 OK") == 1
    assert time.monotonic() - begun < 1.8


def test_a_slow_body_is_no_slow_head(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\na")
        time.sleep(0.8)
        assert b"0 2 " in exchange(connection, b"b")
