"""Bytes of a file, gunzipped where needed, never more than the limit."""

from __future__ import annotations

import mmap
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..config.errors import UploadError, UploadTooLarge
from .source import ReadLimits

BLOCK_BYTES = 1 << 22
GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib's code for "a gzip member, largest window"


def read_blocks(path: Path, limits: ReadLimits, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Yield the content of `path` in blocks of at most `size` bytes; gzip is undone.

    UploadTooLarge beyond `limits.bytes` (counted after decompression), UploadError for a damaged gzip file. The file is
    mapped, so nothing is left open where the reading is given up.
    """
    data = _mapped(path)
    zipped = data[:2] == GZIP
    total = 0
    for block in _gunzip(data, size) if zipped else _pieces(data, size):
        total += len(block)
        if total > limits.bytes:
            message = f"the file has more than {limits.bytes} bytes{' once decompressed' * zipped}, the limit"
            raise UploadTooLarge(message)
        yield block


def _mapped(path: Path) -> mmap.mmap | bytes:
    with path.open("rb") as file:
        if not path.stat().st_size:
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _pieces(data: mmap.mmap | bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def _gunzip(data: mmap.mmap | bytes, size: int) -> Iterator[bytes]:
    """Undo gzip piece by piece, several members in a row too; trailing zero bytes are ignored."""
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        for piece in _pieces(data, 1 << 16):
            waiting = piece
            while waiting:
                if stream.eof:
                    waiting = waiting.lstrip(b"\0")
                    stream = zlib.decompressobj(_GZIP_WINDOW) if waiting else stream
                    if not waiting:
                        break
                block = stream.decompress(waiting, size)
                waiting = stream.unused_data or stream.unconsumed_tail
                if block:
                    yield block
        while not stream.eof and (block := stream.decompress(b"", size)):
            yield block
    except zlib.error as error:
        message = f"the gzip compression of the file is damaged ({error})"
        raise UploadError(message) from error
    if not stream.eof:
        message = "the gzip-compressed file ends too early"
        raise UploadError(message)


def read_head(path: Path, size: int = 65_536) -> bytes:
    """Give the first bytes of the (decompressed) content; a damaged file gives what could be read."""
    head = b""
    try:
        for block in read_blocks(path, ReadLimits(bytes=1 << 30), size):
            head += block
            if len(head) >= size:
                break
    except UploadError:
        if not head:
            raise
    return head[:size]


def map_file(path: Path, limits: ReadLimits) -> mmap.mmap:
    """Map the (decompressed) content into memory, read-only; gzip is undone into a nameless temporary file."""
    data = _mapped(path)
    if isinstance(data, bytes):
        message = "the file is empty"
        raise UploadError(message)
    if data[:2] != GZIP:
        if len(data) > limits.bytes:
            message = f"the file has more than {limits.bytes} bytes, the limit"
            raise UploadTooLarge(message)
        return data
    with tempfile.TemporaryFile() as plain:
        for block in read_blocks(path, limits):
            plain.write(block)
        plain.flush()
        if not plain.tell():
            message = "the file is empty"
            raise UploadError(message)
        return mmap.mmap(plain.fileno(), 0, access=mmap.ACCESS_READ)
