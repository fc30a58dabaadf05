"""VOTable rows: TABLEDATA, BINARY and BINARY2 bodies (VOTable 1.4 section 5), batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from ..schema.model import Column
from ..schema.types import arrow_type
from .arrays import conform
from .base64_write import Base64
from .cells_binary import Cell
from .cells_text import XML, texts
from .layout import layout_of
from .rows import RowPlan, encode_rows, join_texts, plan_rows
from .stream import Chunk


class Rows(Protocol):
    """The DATA element of one result."""

    opening: str
    closing: str
    row_bytes: int

    def encode(self, piece: pa.RecordBatch) -> memoryview:
        """Encode rows, on any thread; ParameterError where a value cannot be said."""
        ...

    def framed(self, rows: memoryview) -> Chunk:
        """Give encoded rows as they are sent; called in order."""
        ...

    def rest(self) -> bytes:
        """Give what `framed` held back."""
        ...


class TableData:
    """Rows as XML elements."""

    opening = "<DATA>\n<TABLEDATA>\n"
    closing = "</TABLEDATA>\n</DATA>\n"

    def __init__(self, columns: Sequence[Column]) -> None:
        self.types = [arrow_type(column.type) for column in columns]
        self.layouts = [layout_of(column.type) for column in columns]
        self.row_bytes = sum(one.items * (one.width or 0) for one in self.layouts if one.listed)

    def encode(self, piece: pa.RecordBatch) -> memoryview:
        """Encode rows as TR elements."""
        arrays = conform(piece, self.types)
        cells = [texts(array, layout, XML) for array, layout in zip(arrays, self.layouts, strict=True)]
        return memoryview(join_texts(cells, "<TR><TD>", "</TD><TD>", "</TD></TR>\n"))

    def framed(self, rows: memoryview) -> Chunk:
        """Nothing is to be done."""
        return rows

    def rest(self) -> bytes:
        """Nothing is held back."""
        return b""


class Binary:
    """Rows as base64."""

    def __init__(self, columns: Sequence[Column], plan: RowPlan, element: str) -> None:
        self.types = [arrow_type(column.type) for column in columns]
        self.plan = plan
        self.row_bytes = plan.row_bytes
        self.base64 = Base64()
        self.opening = f'<DATA>\n<{element}>\n<STREAM encoding="base64">'
        self.closing = f"</STREAM>\n</{element}>\n</DATA>\n"

    def encode(self, piece: pa.RecordBatch) -> memoryview:
        """Encode rows as bytes."""
        return encode_rows(self.plan, conform(piece, self.types))

    def framed(self, rows: memoryview) -> Chunk:
        """Give base64."""
        return self.base64.encode(rows)

    def rest(self) -> bytes:
        """Give the last bytes, padded."""
        return self.base64.rest()


def tabledata_rows(columns: Sequence[Column], nulls: Sequence[int | None]) -> Rows:
    """Make a TABLEDATA body; `nulls` is not needed there."""
    del nulls
    return TableData(columns)


def binary2_rows(columns: Sequence[Column], nulls: Sequence[int | None]) -> Rows:
    """Make a BINARY2 body: each row leads with a null flag a column."""
    cells = _cells(columns, nulls, flagged=True)
    return Binary(columns, plan_rows(cells, flags=(len(cells) + 7) // 8), "BINARY2")


def binary_rows(columns: Sequence[Column], nulls: Sequence[int | None]) -> Rows:
    """Make a BINARY body; `nulls` are the magic integers declared in the head."""
    return Binary(columns, plan_rows(_cells(columns, nulls, flagged=False)), "BINARY")


def _cells(columns: Sequence[Column], nulls: Sequence[int | None], *, flagged: bool) -> list[Cell]:
    return [
        Cell(column.name, layout_of(column.type), null, flagged=flagged)
        for column, null in zip(columns, nulls, strict=True)
    ]
