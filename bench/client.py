"""A client that costs little: raw HTTP/1.1 over one kept connection, bodies counted and thrown away."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from dataclasses import dataclass
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, seconds to the first and the last byte, and bytes of the body (chunk framing included)."""

    status: int
    first_s: float
    total_s: float
    size_bytes: int


def sync_path(query: str, **parameters: str) -> str:
    """Give the path of a sync request."""
    pairs = {"LANG": "ADQL", "QUERY": query} | parameters
    return "/tap/sync?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in pairs.items())


_CLOSED = "the server closed the connection"


class Connection:
    """One kept connection to a server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 80))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(1 << 20)

    def get(self, path: str, header: str = "") -> Reply:
        """Send a GET and read its answer to the end; `header` are further header lines."""
        return self.send(self._request(path, header))

    def ask(self, path: str) -> None:
        """Send a GET and leave its answer to somebody else."""
        self.socket.sendall(self._request(path, ""))

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _request(self, path: str, header: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n{header}\r\n".encode()

    def send(self, request: bytes) -> Reply:
        """Send raw bytes and read one answer to its end."""
        start = time.perf_counter()
        self.socket.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._more()
        first = time.perf_counter() - start
        head, rest = head.split(b"\r\n\r\n", 1)
        status, lowered = int(head[9:12]), head.lower()
        if b"content-length:" in lowered:
            size = int(lowered.split(b"content-length:")[1].split(b"\r\n")[0])
            self._skip(rest, size)
        else:
            size = self._skip_chunks(rest)
        return Reply(status, first, time.perf_counter() - start, size)

    def _skip(self, got: bytes, wanted: int) -> bytes:
        """Read until `wanted` bytes are there in all; give what came beyond."""
        missing = wanted - len(got)
        if missing <= 0:
            return got[wanted:]
        view = memoryview(self.buffer)
        while missing > 0:
            count = self.socket.recv_into(view[: min(missing, len(view))])
            if count == 0:
                raise ConnectionError(_CLOSED)
            missing -= count
        return b""

    def _more(self) -> bytes:
        got = self.socket.recv(65536)
        if not got:
            raise ConnectionError(_CLOSED)
        return got

    def _skip_chunks(self, got: bytes) -> int:
        """Read a chunked body to its end; give its bytes."""
        total = 0
        while True:
            while b"\r\n" not in got:
                got += self._more()
            line, got = got.split(b"\r\n", 1)
            size = int(line, 16)
            got = self._skip(got, size + 2)
            if size == 0:
                return total
            total += size


async def _worker(host: str, port: int, requests: list[bytes], end: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    count = 0
    while time.monotonic() < end:
        writer.write(requests[count % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        lowered = head.lower()
        if b" 200 " not in head[:16]:
            message = f"unexpected answer: {head[:60]!r}"
            raise RuntimeError(message)
        if b"content-length:" in lowered:
            await reader.readexactly(int(lowered.split(b"content-length:")[1].split(b"\r\n")[0]))
        else:
            await reader.readuntil(b"\r\n0\r\n\r\n")
        count += 1
    writer.close()
    return count


async def load(url: str, paths: list[str], clients: int, seconds: float) -> float:
    """Keep `clients` connections busy for `seconds`; give requests per second."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    requests = [f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode() for path in paths]
    start = time.monotonic()
    turned = [requests[k % len(requests) :] + requests[: k % len(requests)] for k in range(clients)]
    counts = await asyncio.gather(*(_worker(host, port, own, start + seconds) for own in turned))
    return sum(counts) / (time.monotonic() - start)


if __name__ == "__main__":
    # A process of its own, so that the load does not share the bench's interpreter.
    print(asyncio.run(load(sys.argv[1], sys.stdin.read().split(), int(sys.argv[2]), float(sys.argv[3]))))
