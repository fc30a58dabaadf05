"""A file that only remembers what was written: libraries write into it, writers take from it."""

from __future__ import annotations


class Sink:
    """A file for writing in order; `take` gives and forgets what was written since the last `take`."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> int:
        """Keep a copy of `data`."""
        self.chunks.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Give and forget what was written."""
        taken, self.chunks = b"".join(self.chunks), []
        return taken

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Take no more."""
        self.closed = True

    def readable(self) -> bool:
        """A sink is not read."""
        return False

    def writable(self) -> bool:
        """A sink is written."""
        return True

    def seekable(self) -> bool:
        """A sink goes on only."""
        return False
