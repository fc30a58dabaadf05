"""Encoding on several cores: pieces of a result go to shared threads, what they become comes back in order.

Arrow and NumPy work outside the interpreter lock, so the next rows are read while the last are encoded.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

from .arrays import PIECE_BYTES, pieces

T = TypeVar("T")
AHEAD = 3
"""Most pieces of one result that are being encoded or wait for their turn."""
_SMALL_BYTES = 32_768  # encoded before a thread would have been woken
_THREADS = ThreadPoolExecutor(max(2, os.cpu_count() or 1), "encode")


def encoded(batches: Iterable[pa.RecordBatch], encode: Callable[[pa.RecordBatch], T], row_bytes: int = 0) -> Iterator[T]:
    """Encode batches piece by piece and in order; `row_bytes` is what `pieces` wants to know.

    The first piece is encoded on this thread, so that it leaves at once; `batches` are read on this thread, too. At
    most `AHEAD` pieces, or PIECE_BYTES of them, are under way. An error of `batches` or of `encode` comes when all
    pieces before it have been given.
    """
    waiting: deque[tuple[int, Future[T]]] = deque()
    source = (piece for batch in batches for piece in pieces(batch, row_bytes))
    failure: Exception | None = None
    begun = False
    try:
        while failure is None:
            try:
                piece = next(source, None)
            except Exception as error:  # noqa: BLE001  raised below, in its place
                piece, failure = None, error
            if piece is None:
                break
            if not waiting and (not begun or piece.nbytes < _SMALL_BYTES):
                begun = True
                yield encode(piece)
                continue
            waiting.append((piece.nbytes, _THREADS.submit(encode, piece)))
            while waiting and (_enough(waiting) or waiting[0][1].done()):
                yield waiting.popleft()[1].result()
        while waiting:
            yield waiting.popleft()[1].result()
        if failure is not None:
            raise failure
    finally:
        for _, future in waiting:
            future.cancel()


def _enough(waiting: deque[tuple[int, Future[T]]]) -> bool:
    return len(waiting) >= AHEAD or sum(size for size, _ in waiting) >= PIECE_BYTES
