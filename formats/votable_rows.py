"""VOTable rows: TABLEDATA, BINARY and BINARY2 bodies (VOTable 1.4 section 5), batch by batch."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from ..schema.model import Column
from ..schema.types import arrow_type
from .arrays import conform, pieces
from .cells_binary import Cell
from .cells_text import XML, texts
from .layout import layout_of
from .rows import RowPlan, encode_rows, join_texts, plan_rows


class Rows(Protocol):
    """The DATA element of one result."""

    opening: str
    closing: str

    def encode(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """Encode a batch; raises ParameterError before any byte of a piece that cannot be said leaves."""
        ...

    def rest(self) -> bytes:
        """Give what `encode` held back."""
        ...


class TableData:
    """Rows as XML elements."""

    opening = "<DATA>\n<TABLEDATA>\n"
    closing = "</TABLEDATA>\n</DATA>\n"

    def __init__(self, columns: Sequence[Column]) -> None:
        self.types = [arrow_type(column.type) for column in columns]
        self.layouts = [layout_of(column.type) for column in columns]
        self.row_bytes = sum(one.items * (one.width or 0) for one in self.layouts if one.listed)

    def encode(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """Encode a batch as TR elements."""
        for piece in pieces(batch, self.row_bytes):
            arrays = conform(piece, self.types)
            cells = [texts(array, layout, XML) for array, layout in zip(arrays, self.layouts, strict=True)]
            yield join_texts(cells, "<TR><TD>", "</TD><TD>", "</TD></TR>\n")

    def rest(self) -> bytes:
        """Nothing is held back."""
        return b""


class Binary:
    """Rows as base64; up to two bytes wait for the next piece, since base64 goes by threes."""

    def __init__(self, columns: Sequence[Column], plan: RowPlan, element: str) -> None:
        self.types = [arrow_type(column.type) for column in columns]
        self.plan = plan
        self.carry = b""
        self.opening = f'<DATA>\n<{element}>\n<STREAM encoding="base64">'
        self.closing = f"</STREAM>\n</{element}>\n</DATA>\n"

    def encode(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """Encode a batch."""
        for piece in pieces(batch, self.plan.row_bytes):
            rows = encode_rows(self.plan, conform(piece, self.types))
            head = self.carry + bytes(rows[: (-len(self.carry)) % 3])
            body = rows[len(head) - len(self.carry) :]
            if len(head) % 3:  # fewer than three bytes in all
                self.carry = head
                continue
            whole = len(body) - len(body) % 3
            self.carry = bytes(body[whole:])
            coded = binascii.b2a_base64(body[:whole], newline=False)
            yield binascii.b2a_base64(head, newline=False) + coded

    def rest(self) -> bytes:
        """Give the last bytes, padded."""
        rest, self.carry = self.carry, b""
        return binascii.b2a_base64(rest, newline=False)


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
