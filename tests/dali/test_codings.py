"""Content codings: what is chosen (RFC 9110 section 12.5.3) and what is made."""

import gzip
import time
import zlib
from collections.abc import Iterator

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from nashira.dali.codings import CODINGS, chosen_coding, pack, pack_whole, packable


def unpacked(data: bytes, coding: str) -> bytes:
    if coding == "gzip":
        return gzip.decompress(data)
    reader = zstandard.ZstdDecompressor().decompressobj()
    whole = reader.decompress(data)
    assert reader.eof
    assert not reader.unused_data, "one frame, since not every client reads a second one"
    return whole


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("gzip, deflate", "gzip"),
        ("GZIP ; Q=0.8", "gzip"),
        ("x-gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=0.5, zstd;q=0.4", "gzip"),
        ("gzip;q=0.5, zstd;q=0.5", "zstd"),
        ("gzip;q=0", None),
        ("gzip;q=0, zstd;q=0.001", "zstd"),
        ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=1", "gzip"),
        ("*", None),
        ("*;q=0, gzip", "gzip"),
        ("br, deflate", None),
        ("gzip;q=much", None),
        ("gzip;q=nan", None),
        (",;=,q,;;", None),
    ],
)
def test_the_client_decides_by_weights(accepted: str | None, coding: str | None) -> None:
    assert chosen_coding(accepted) == coding


@given(st.text(max_size=200))
def test_any_header_is_an_answer(accepted: str) -> None:
    assert chosen_coding(accepted) in {None, *CODINGS}


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("media_type", ["text/csv", "application/x-votable+xml;serialization=BINARY2"])
@given(st.lists(st.binary(max_size=3000), max_size=8))
def test_what_is_packed_comes_out_again(coding: str, media_type: str, chunks: list[bytes]) -> None:
    assert unpacked(b"".join(pack(chunks, coding, media_type)), coding) == b"".join(chunks)


@pytest.mark.parametrize("coding", CODINGS)
def test_large_contents_keep_their_order(coding: str) -> None:
    chunks = [bytes([n]) * 1_500_000 + b"%d\n" % n for n in range(12)]
    assert unpacked(b"".join(pack(map(memoryview, chunks), coding, "text/csv")), coding) == b"".join(chunks)


@pytest.mark.parametrize("coding", CODINGS)
def test_each_chunk_leaves_at_once(coding: str) -> None:
    """A client can read all that went in before the next chunk is there."""
    seen = b""

    def slow() -> Iterator[bytes]:
        yield b"first line\n"
        assert seen == b"first line\n"
        yield b"second line\n"

    reader = zlib.decompressobj(31) if coding == "gzip" else zstandard.ZstdDecompressor().decompressobj()
    for packed in pack(slow(), coding, "text/csv"):
        seen += reader.decompress(packed)
    assert seen == b"first line\nsecond line\n"


@pytest.mark.parametrize("coding", CODINGS)
def test_an_error_of_the_source_passes_through(coding: str) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 100_000
        message = "broken"
        raise OSError(message)

    with pytest.raises(OSError, match="broken"):
        list(pack(broken(), coding, "text/csv"))


def test_a_whole_content() -> None:
    assert gzip.decompress(pack_whole(b"whole" * 1000, "gzip", "text/html")) == b"whole" * 1000


def test_parquet_is_not_packed_again() -> None:
    assert packable("text/csv;header=present")
    assert packable("Application/X-VOTable+XML")
    assert not packable("application/vnd.apache.parquet")
    assert not packable("application/octet-stream")


def test_level_one_is_quick() -> None:
    body = b"".join(b"%d,%d\n" % (n, n * n) for n in range(200_000))
    started = time.perf_counter()
    assert len(pack_whole(body, "zstd", "text/csv")) < len(body) / 2
    assert time.perf_counter() - started < 1
