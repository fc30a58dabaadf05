"""A result on its way: columns, batches, and the truth about how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from ..schema.arrow import schema_of
from ..schema.model import Column

Chunk = bytes | memoryview
"""What writers give: bytes one after another, a memoryview where a copy can be spared."""


@dataclass(frozen=True, slots=True)
class SkySystem:
    """Columns, by their places in the result, that hold ICRS positions of one epoch (Julian years, None: unknown)."""

    columns: tuple[int, ...]
    epoch: float | None = None


@dataclass(frozen=True, slots=True)
class ResultInfo:
    """What a document says beside its rows: (name, value) pairs written as INFO or their like.

    `home` is the URL of a page for people that takes a query to be changed as its parameter `query`; `systems` are the
    frames of those columns whose frame is known.
    """

    infos: tuple[tuple[str, str], ...] = ()
    query: str = ""
    title: str = ""
    home: str = ""
    systems: tuple[SkySystem, ...] = ()


@dataclass(slots=True)
class ResultStream:
    """Columns and the batches that carry them, cut at `maxrec` rows.

    Iterating yields record batches whose columns correspond to `columns` by position (types are those of
    `schema.types.arrow_type`). `overflow` and `rows` are true once the iteration has ended. The source
    must offer at least one row more than `maxrec` where it has more, else the cut cannot be seen.
    `failure` is what ended the rows early where the document itself says so and therefore ends in order; who can say
    it better (a status, the phase of a job) finds it there.
    `close` stops the engine; it is called at the end of the iteration and may be called at any time.
    """

    columns: Sequence[Column]
    batches: Iterator[pa.RecordBatch]
    maxrec: int | None = None
    info: ResultInfo = field(default_factory=ResultInfo)
    on_close: Callable[[], None] | None = None
    rows: int = 0
    overflow: bool = False
    failure: Exception | None = None

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the batches, with VO metadata on its fields."""
        return schema_of(self.columns)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield batches up to `maxrec` rows and note an overflow; errors of the source pass through."""
        try:
            for batch in self.batches:
                room = batch.num_rows if self.maxrec is None else self.maxrec - self.rows
                if batch.num_rows > room:
                    self.overflow = True
                    if room:
                        self.rows += room
                        yield batch.slice(0, room)
                    return
                self.rows += batch.num_rows
                if batch.num_rows:
                    yield batch
            if self.maxrec == 0:
                self.overflow = True
        finally:
            self.close()

    def close(self) -> None:
        """Release the engine; harmless when repeated."""
        release, self.on_close = self.on_close, None
        if release is not None:
            release()
