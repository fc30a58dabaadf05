"""Base64 of a stream (RFC 4648 section 4), by the encoder of the OpenSSL library that Python itself is linked with.

It is three times as fast as `binascii` and works outside the interpreter lock. Where Python has another TLS library or
none, `binascii` serves.
"""

from __future__ import annotations

import binascii
import ctypes
from collections.abc import Callable

import numpy as np

from .stream import Chunk

_MOST_BYTES = 1_000_000_000  # the encoder counts in int
Block = Callable[[int, int, int], int]


class Base64:
    """Bytes in, base64 out; up to two bytes wait for the next ones, since base64 goes by threes."""

    def __init__(self) -> None:
        self._carry = b""

    def encode(self, data: memoryview) -> Chunk:
        """Encode what came before and `data` up to a multiple of three bytes."""
        missing = -len(self._carry) % 3
        head = self._carry + bytes(data[:missing])
        if len(head) % 3:  # fewer than three bytes in all
            self._carry = head
            return b""
        whole = len(data) - (len(data) - missing) % 3
        self._carry = bytes(data[whole:])
        return _joined(head, data[missing:whole])

    def rest(self) -> bytes:
        """Encode the last bytes, padded."""
        rest, self._carry = self._carry, b""
        return binascii.b2a_base64(rest, newline=False)


def _openssl() -> Block | None:
    """Find EVP_EncodeBlock(target, source, size) in the library that Python's ssl module has loaded."""
    try:
        import _ssl

        block = ctypes.CDLL(_ssl.__file__).EVP_EncodeBlock
    except (ImportError, AttributeError, OSError):
        return None
    block.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
    block.restype = ctypes.c_int
    return block


_BLOCK = _openssl()


def _joined(head: bytes, data: memoryview) -> Chunk:
    """Encode `head` and `data`, each a multiple of three bytes, into one piece."""
    if _BLOCK is None or len(data) > _MOST_BYTES:
        return binascii.b2a_base64(head, newline=False) + binascii.b2a_base64(data, newline=False)
    start = len(head) // 3 * 4
    size = start + len(data) // 3 * 4
    target = np.empty(size + 1, np.uint8)  # the encoder ends with a zero byte
    target[:start] = np.frombuffer(binascii.b2a_base64(head, newline=False), np.uint8)
    source = np.frombuffer(data, np.uint8)
    _BLOCK(target.ctypes.data + start, source.ctypes.data, len(source))
    return target[:size].data
