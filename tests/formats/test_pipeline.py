"""Work on shared threads: order, bounds, errors; and base64 in pieces."""

import base64
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nashira.formats import base64_write
from nashira.formats.base64_write import Base64
from nashira.formats.pipeline import AHEAD, encoded, in_order, overlapped

LARGE = 1_000_000


def size(_: int) -> int:
    return LARGE


def test_results_keep_their_order() -> None:
    def work(n: int) -> int:
        time.sleep(0.003 * (n % 3))
        return n

    assert list(in_order(range(40), work, size)) == list(range(40))
    assert list(overlapped(range(40), work)) == list(range(40))


def test_nothing_is_read_far_ahead_of_a_slow_reader() -> None:
    read: list[int] = []

    def source() -> Iterator[int]:
        for n in range(100):
            read.append(n)
            yield n

    results = in_order(source(), lambda n: n, size)
    for n in range(20):
        assert next(results) == n
        assert len(read) <= n + 1 + AHEAD
    results.close()  # type: ignore[attr-defined]
    assert len(read) <= 20 + AHEAD


def test_large_pieces_wait_for_each_other() -> None:
    """What is under way is bounded in bytes, too."""
    read: list[int] = []

    def source() -> Iterator[int]:
        for n in range(10):
            read.append(n)
            yield n

    results = in_order(source(), lambda n: n, lambda _: 100_000_000)
    for n in range(5):
        assert next(results) == n
        assert len(read) <= n + 2


def test_the_first_piece_leaves_before_the_second_is_there() -> None:
    def source() -> Iterator[int]:
        yield 1
        message = "asked for too early"
        raise AssertionError(message)

    assert next(in_order(source(), lambda n: n, size)) == 1
    assert next(overlapped(source(), lambda n: n)) == 1


@pytest.mark.parametrize("broken", [0, 1, 2, 7])
def test_errors_come_in_their_place(broken: int) -> None:
    def source() -> Iterator[int]:
        yield from range(broken)
        message = "source"
        raise OSError(message)

    def work(n: int) -> int:
        if n == broken:
            message = "work"
            raise ValueError(message)
        time.sleep(0.002)
        return n

    for results, kind in (
        (in_order(source(), lambda n: n, size), OSError),
        (in_order(range(20), work, size), ValueError),
    ):
        assert [next(results) for _ in range(broken)] == list(range(broken))
        with pytest.raises(kind):
            next(results)


def test_a_stateful_worker_is_never_called_twice_at_once() -> None:
    lock = threading.Lock()

    def work(n: int) -> int:
        assert lock.acquire(blocking=False)
        time.sleep(0.002)
        lock.release()
        return n

    assert list(overlapped(range(20), work)) == list(range(20))


def test_batches_are_cut_into_pieces() -> None:
    batch = pa.record_batch([pa.array(range(200_000))], ["a"])
    counts = list(encoded([batch, batch], lambda piece: piece.num_rows))
    assert sum(counts) == 400_000
    assert max(counts) <= 65_536
    assert list(encoded([], lambda piece: piece.num_rows)) == []


@pytest.mark.parametrize("openssl", [True, False])
@given(st.lists(st.binary(max_size=50), max_size=20))
def test_base64_in_pieces(openssl: bool, pieces: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not openssl:
            patch.setattr(base64_write, "_BLOCK", None)
        encoder = Base64()
        written = b"".join([*(encoder.encode(memoryview(piece)) for piece in pieces), encoder.rest()])
    assert written == base64.b64encode(b"".join(pieces))


def test_base64_of_large_pieces() -> None:
    data = bytes(range(256)) * 40_000
    encoder = Base64()
    written = b"".join([bytes(encoder.encode(memoryview(data)[1:])), encoder.encode(memoryview(data)), encoder.rest()])
    assert written == base64.b64encode(data[1:] + data)


def test_the_fast_encoder_is_there() -> None:
    """Python is linked with OpenSSL on every platform that is supported; without it BINARY2 is a third slower."""
    assert base64_write._BLOCK is not None


def test_a_forked_process_has_threads_of_its_own() -> None:
    """Job workers may fork; a pool whose threads stayed behind would wait for ever."""
    program = (
        "import os, sys\n"
        "from nashira.formats.pipeline import in_order\n"
        "def run(): return list(in_order(range(9), lambda n: n, lambda _: 1_000_000))\n"
        "run()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if run() == list(range(9)) else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
