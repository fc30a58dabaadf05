"""Tables on their way in: columns, batches, and the limits under which a file is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from ..config.errors import UploadTooLarge
from ..schema.model import Column
from ..schema.types import arrow_type

BATCH_ROWS = 65_536
BATCH_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What reading one file may cost; the defaults suit uploads of strangers.

    `bytes` counts the document after decompression, `memory_bytes` the Arrow values made of all its rows
    (an empty row may stand for many), `cell_bytes` one value. Beyond a limit UploadTooLarge is raised.
    """

    bytes: int = 400_000_000
    rows: int = 1_000_000
    columns: int = 10_000
    cell_bytes: int = 1_000_000
    memory_bytes: int = 2_000_000_000


OPERATOR = ReadLimits(bytes=1 << 60, rows=1 << 60, columns=100_000, cell_bytes=256_000_000, memory_bytes=1 << 60)


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table of a file, read while `batches` is iterated (once).

    Batch columns correspond to `columns` by position, in the types of `schema.types.arrow_type`, at most 65,536 rows
    each. `rows` is None where the file does not tell. Faults of the content raise UploadError during the iteration.
    """

    name: str
    columns: tuple[Column, ...]
    batches: Iterator[pa.RecordBatch]
    rows: int | None
    description: str = ""
    infos: tuple[tuple[str, str], ...] = ()


def unique_names(names: Iterable[str], fallback: str = "column") -> list[str]:
    """Make names different from each other, also where case does not count; an empty one becomes `fallback`.

    The first of equal names stays, the next get `_2`, `_3`…
    """
    taken: set[str] = set()
    counts: dict[str, int] = {}
    unique = []
    for raw in names:
        base = raw.strip() or fallback
        name, key = base, base.lower()
        while name.lower() in taken:
            counts[key] = counts.get(key, 1) + 1
            name = f"{base}_{counts[key]}"
        taken.add(name.lower())
        unique.append(name)
    return unique


def row_bytes(columns: Iterable[Column]) -> int:
    """Estimate the Arrow bytes of one row: what fixed values take, 16 for texts and variable arrays."""
    return sum(_value_bytes(arrow_type(column.type)) for column in columns)


def _value_bytes(kind: pa.DataType) -> int:
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size) * _value_bytes(kind.value_type)
    return max(1, kind.bit_width // 8) if pa.types.is_primitive(kind) else 16


def rows_per_batch(columns: Iterable[Column]) -> int:
    """Give the rows of a batch of such columns: 65,536, fewer where rows are wide."""
    return max(1, min(BATCH_ROWS, BATCH_BYTES // max(1, row_bytes(columns))))


def within(batches: Iterable[pa.RecordBatch], limits: ReadLimits) -> Iterator[pa.RecordBatch]:
    """Pass batches on in pieces of at most 65,536 rows; UploadTooLarge beyond the rows or bytes of `limits`."""
    rows = size = 0
    for batch in batches:
        rows += batch.num_rows
        size += batch.get_total_buffer_size()
        if rows > limits.rows:
            message = f"the table has more than {limits.rows} rows, the limit for one table"
            raise UploadTooLarge(message)
        if size > limits.memory_bytes:
            message = f"the values of the table need more than {limits.memory_bytes} bytes of memory, the limit"
            raise UploadTooLarge(message)
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield batch.slice(start, BATCH_ROWS)


def check_columns(count: int, limits: ReadLimits) -> None:
    """Raise UploadTooLarge where a table has more columns than allowed."""
    if count > limits.columns:
        message = f"the table has more than {limits.columns} columns, the limit for one table"
        raise UploadTooLarge(message)
