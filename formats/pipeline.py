"""Work on several cores: pieces of a result go to shared threads, what they become comes back in order.

Arrow, NumPy and the compressors work outside the interpreter lock, so the next rows are read while the last are
encoded. No work given here may wait for other work given here.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

from .arrays import PIECE_BYTES, pieces

S = TypeVar("S")
T = TypeVar("T")
AHEAD = 3
"""Most pieces of one result that are worked on or wait for their turn."""
_FIRST_BYTES = 500_000
_SMALL_BYTES = 32_768  # done before a thread would have been woken


class _Threads:
    """The shared threads; a forked process gets its own, since none of its parent's live in it."""

    def __init__(self) -> None:
        self.start()
        os.register_at_fork(after_in_child=self.start)

    def start(self) -> None:
        self.submit = ThreadPoolExecutor(max(2, os.cpu_count() or 1), "encode").submit


_THREADS = _Threads()


def encoded(
    batches: Iterable[pa.RecordBatch], encode: Callable[[pa.RecordBatch], T], row_bytes: int = 0
) -> Iterator[T]:
    """Encode batches piece by piece and in order; `row_bytes` is what `pieces` wants to know."""
    return in_order(_cut(batches, row_bytes), encode, _size_bytes)


def _cut(batches: Iterable[pa.RecordBatch], row_bytes: int) -> Iterator[pa.RecordBatch]:
    """Cut batches into pieces, a small one first: a client sees it while the next is encoded."""
    begun = False
    for batch in batches:
        for piece in pieces(batch, row_bytes):
            if begun:
                yield piece
                continue
            begun = True
            rows = max(1, piece.num_rows * _FIRST_BYTES // max(_FIRST_BYTES, piece.nbytes))
            yield piece.slice(0, rows)
            if rows < piece.num_rows:
                yield piece.slice(rows)


def in_order(items: Iterable[S], work: Callable[[S], T], size_bytes: Callable[[S], int]) -> Iterator[T]:
    """Work on items on shared threads and give what they become, in order.

    The first item is worked on here, so that it leaves at once; `items` are read here, too. At most `AHEAD` items, or
    PIECE_BYTES of them, are under way. An error of `items` or of `work` comes when all before it has been given.
    """
    waiting: deque[tuple[int, Future[T]]] = deque()
    source, begun = iter(items), False
    failure: Exception | None = None
    try:
        while True:
            try:
                item = next(source)
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001  raised below, in its place
                failure = error
                break
            size = size_bytes(item)
            if not waiting and (not begun or size < _SMALL_BYTES):
                begun = True
                yield work(item)
                continue
            waiting.append((size, _THREADS.submit(work, item)))
            del item
            while waiting and (_enough(waiting) or waiting[0][1].done()):
                yield waiting.popleft()[1].result()
        while waiting:
            yield waiting.popleft()[1].result()
        if failure is not None:
            raise failure
    finally:
        for _, future in waiting:
            future.cancel()


def overlapped(items: Iterable[S], work: Callable[[S], T]) -> Iterator[T]:
    """Work on items one after another on a shared thread, each while the next one is read."""
    source = iter(items)
    for item in source:  # the first one leaves at once
        yield work(item)
        break
    future: Future[T] | None = None
    for item in source:
        if future is not None:
            yield future.result()
        future = _THREADS.submit(work, item)
    if future is not None:
        yield future.result()


def _enough(waiting: deque[tuple[int, Future[T]]]) -> bool:
    return len(waiting) >= AHEAD or sum(size for size, _ in waiting) >= PIECE_BYTES


def _size_bytes(batch: pa.RecordBatch) -> int:
    return int(batch.nbytes)
