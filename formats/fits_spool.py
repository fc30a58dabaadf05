"""First pass over a FITS result: rows go to a temporary Arrow file, while what the header must say is learnt.

The header holds the number of rows, the width of texts, the magic null of integers and the size of the heap, none of
which is known before the last row. The file lies in the system's temporary folder and is gone after the result;
memory holds one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..config.errors import OutOfResources
from ..schema.model import Column
from ..schema.types import arrow_type
from .arrays import conform, flatten, pieces
from .cells_text import VOTABLE, json_texts, texts
from .fits_escapes import has_escapes, to_ascii
from .layout import Layout, layout_of
from .stream import ResultStream

SPOOL_BYTES = 20_000_000_000
"""Most bytes of temporary space for one FITS result."""
_TOO_LARGE = "The temporary space for FITS results is used up; ask for another RESPONSEFORMAT or for fewer rows"


@dataclass(slots=True)
class Learnt:
    """What the rows showed about one column.

    `widest` is the longest text in bytes, `most` the longest array in elements, `total` the sum of bytes of texts or
    of elements of arrays, `packed` the bytes of arrays of bits;
    `escaped` tells of texts with escapes (see `fits_escapes`); `lowest` and `highest` the range of its integers.
    """

    widest: int = 0
    most: int = 0
    total: int = 0
    packed: int = 0
    escaped: bool = False
    nulls: bool = False
    lowest: int | None = None
    highest: int | None = None

    def integers(self, array: pa.Array) -> None:
        """Widen the range by these."""
        ends = pc.min_max(array)
        low, high = ends["min"].as_py(), ends["max"].as_py()
        if low is None:
            return
        self.lowest = low if self.lowest is None else min(low, self.lowest)
        self.highest = high if self.highest is None else max(high, self.highest)


@dataclass(frozen=True, slots=True)
class Spool:
    """The rows on disk, texts already in ASCII, and what was learnt about each column."""

    path: str
    learnt: tuple[Learnt, ...]
    layouts: tuple[Layout, ...]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the rows again, a batch at a time: pages of a mapped file would count as memory of the server."""
        with pa.OSFile(self.path) as file:
            reader = pa.ipc.open_file(file)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)


def spool_file() -> IO[bytes]:
    """Make the temporary file; it goes when it is closed."""
    return NamedTemporaryFile(prefix="nashira-fits-")


def spool(stream: ResultStream, file: IO[bytes]) -> Spool:
    """Drain the stream into `file`; OutOfResources where that is too much for the disk."""
    columns = tuple(stream.columns)
    layouts = tuple(layout_of(column.type) for column in columns)
    types = [arrow_type(column.type) for column in columns]
    schema = pa.schema([(f"c{i}", _spooled_type(column)) for i, column in enumerate(columns)])
    learnt = tuple(Learnt() for _ in columns)
    size = 0
    with pa.ipc.new_file(file.name, schema) as writer:
        for batch in stream:
            for piece in pieces(batch):
                arrays = [_prepare(array, layout) for array, layout in zip(conform(piece, types), layouts, strict=True)]
                for array, layout, facts in zip(arrays, layouts, learnt, strict=True):
                    learn(array, layout, facts)
                ready = pa.RecordBatch.from_arrays(arrays, schema=schema)
                size += ready.nbytes
                if size > SPOOL_BYTES:
                    raise OutOfResources(_TOO_LARGE)
                _write(writer, ready)
    return Spool(file.name, learnt, layouts)


def _write(writer: Any, batch: pa.RecordBatch) -> None:
    try:
        writer.write_batch(batch)
    except OSError as error:
        raise OutOfResources(_TOO_LARGE) from error


def is_ready_text(layout: Layout) -> bool:
    """Whether the column lies in the spool as one ASCII text a row: texts, timestamps and open arrays of texts."""
    return layout.kind in {"text", "time"} and (not layout.listed or layout.variable or layout.jsonned)


def _spooled_type(column: Column) -> pa.DataType:
    return pa.string() if is_ready_text(layout_of(column.type)) else arrow_type(column.type)


def _prepare(array: pa.Array, layout: Layout) -> pa.Array:
    if layout.kind not in {"text", "time"}:
        return array
    if is_ready_text(layout):
        if layout.kind == "time":
            return texts(array, layout, VOTABLE)
        return to_ascii(json_texts(array) if layout.listed else array)
    inner, _ = flatten(array)
    plain = to_ascii(pc.fill_null(inner, ""))
    if not array.null_count:
        return pa.FixedSizeListArray.from_arrays(plain, layout.items)
    whole = pc.take(plain, pa.array(_row_places(array, layout.items)))
    return pa.FixedSizeListArray.from_arrays(pc.fill_null(whole, ""), layout.items)


def _row_places(array: pa.Array, items: int) -> Any:
    """Places of the elements of all rows in the flattened array; those of null rows are masked."""
    known = array.is_valid().to_numpy(zero_copy_only=False)
    places = np.cumsum(known)[:, None] * items - items + np.arange(items)
    return np.ma.masked_array(places.reshape(-1), np.repeat(~known, items))


def learn(array: pa.Array, layout: Layout, facts: Learnt) -> None:
    """Note what a batch of one column shows."""
    facts.nulls = facts.nulls or array.null_count > 0
    inner = array
    if layout.listed and not is_ready_text(layout):
        inner, lengths = flatten(array)
        facts.nulls = facts.nulls or inner.null_count > 0
        facts.most = max(facts.most, int(lengths.max(initial=0)))
        facts.total += int(lengths.sum())
        facts.packed += int(((lengths + 7) // 8).sum())
    _LEARN.get(layout.kind, _nothing)(inner, facts)


def _learn_texts(array: pa.Array, facts: Learnt) -> None:
    lengths = pc.binary_length(array)
    facts.widest = max(facts.widest, pc.max(lengths).as_py() or 0)
    facts.total += pc.sum(lengths).as_py() or 0
    facts.escaped = facts.escaped or has_escapes(array)


def _learn_integers(array: pa.Array, facts: Learnt) -> None:
    facts.integers(array)


def _nothing(array: pa.Array, facts: Learnt) -> None:
    del array, facts


_LEARN: dict[str, Callable[[pa.Array, Learnt], None]] = {
    "text": _learn_texts,
    "time": _learn_texts,
    "integer": _learn_integers,
}
