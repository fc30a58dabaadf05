"""The messages of an Arrow IPC stream before they are trusted (Arrow columnar format 1.5, "Serialization and IPC").

Compressed buffers begin with the size that they claim to have once decompressed, and memory is taken by that claim. So
the claims are read here, from the flatbuffers around them, before Arrow reads the batches.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from ..config.errors import UploadError, UploadTooLarge
from .source import ReadLimits

_MOST_MESSAGES = 50_000
_HEADER, _LENGTH, _BUFFERS, _COMPRESSION, _DICTIONARY_DATA = 2, 0, 2, 3, 1  # places of fields in their tables


@dataclass(frozen=True, slots=True)
class Claim:
    """What a message says of itself: rows of a record batch (0 for others), bytes of its buffers when decompressed."""

    rows: int
    size: int


def check_messages(stream: pa.Buffer, limits: ReadLimits) -> int:
    """Give the rows of a stream as its messages tell them.

    UploadTooLarge where they claim more rows or bytes than `limits` allow, or are too many; UploadError where the
    stream ends within one.
    """
    rows = size = count = 0
    for claim in _claims(stream):
        count, rows, size = count + 1, rows + claim.rows, size + claim.size
        if rows > limits.rows:
            message = f"the table has more than {limits.rows} rows, the limit for one table"
            raise UploadTooLarge(message)
        if size > limits.memory_bytes:
            message = f"the values of the table need more than {limits.memory_bytes} bytes of memory, the limit"
            raise UploadTooLarge(message)
        if count > _MOST_MESSAGES:
            message = f"the Arrow stream has more than {_MOST_MESSAGES} batches; write larger ones"
            raise UploadTooLarge(message)
    return rows


def _claims(stream: pa.Buffer) -> Iterator[Claim]:
    reader = pa.ipc.MessageReader.open_stream(pa.BufferReader(stream))
    try:
        for message in iter(reader.read_next_message, None):
            if message.type != "schema":
                yield _claim(message)
    except StopIteration:
        return
    except (pa.ArrowException, OSError, struct.error) as error:
        message = f"the Arrow stream is damaged or ends too early ({str(error).split(chr(10))[0][:200]})"
        raise UploadError(message) from error


def _claim(message: pa.ipc.Message) -> Claim:
    meta = message.metadata.to_pybytes()
    batch = _table(meta, _u32(meta, 0), _HEADER)
    rows = 0
    if message.type == "dictionary":
        batch = _table(meta, batch, _DICTIONARY_DATA)
    elif place := _field(meta, batch, _LENGTH):
        rows = _i64(meta, place)
    if rows < 0:
        text = "the Arrow stream is damaged: a batch of a negative number of rows"
        raise UploadError(text)
    return Claim(rows, sum(_sizes(meta, batch, message.body)))


def _sizes(meta: bytes, batch: int, body: pa.Buffer | None) -> Iterator[int]:
    place = _field(meta, batch, _BUFFERS)
    if not place:
        return
    vector = place + _u32(meta, place)
    packed = bool(_field(meta, batch, _COMPRESSION))
    for offset, length in struct.iter_unpack("<qq", meta[vector + 4 : vector + 4 + 16 * _u32(meta, vector)]):
        if packed and body is not None and length >= 8:
            claimed = struct.unpack("<q", body.slice(offset, 8).to_pybytes())[0] if 0 <= offset < body.size else -1
            yield claimed if claimed >= 0 else length
        else:
            yield max(0, length)


def _u32(meta: bytes, place: int) -> int:
    return int(struct.unpack_from("<I", meta, place)[0])


def _i64(meta: bytes, place: int) -> int:
    return int(struct.unpack_from("<q", meta, place)[0])


def _field(meta: bytes, table: int, index: int) -> int:
    """Give the place of a field of a flatbuffer table, 0 where it has its default."""
    vtable = table - int(struct.unpack_from("<i", meta, table)[0])
    slot = 4 + 2 * index
    if slot >= int(struct.unpack_from("<H", meta, vtable)[0]):
        return 0
    offset = int(struct.unpack_from("<H", meta, vtable + slot)[0])
    return table + offset if offset else 0


def _table(meta: bytes, table: int, index: int) -> int:
    """Follow a field to the table that it refers to."""
    place = _field(meta, table, index)
    if not place:
        message = "the Arrow stream is damaged: a message without content"
        raise UploadError(message)
    return place + _u32(meta, place)
