r"""FITS binary table (FITS 4.0 section 7.3) in the first extension, provenance and query in the primary header.

The header counts what only the last row tells, so rows are spooled to disk first (`fits_spool`), and nothing leaves
before all are there: an error of the source comes before the first byte, and OVERFLOW stands in the header as QSTATUS.
Nulls: NaN for floats, TNULL for integers (a value the data do not hold; where there is none the column is widened),
a zero byte for booleans (bits with nulls become booleans), the empty text, the empty array. Texts are ASCII, other
characters are escaped so that they can be restored (`fits_escapes`). Texts are padded to the longest one, or lie in the
heap where padding would waste most of the file; variable arrays lie in the heap, without their inner shape. A table has
at most 999 columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..config.errors import ParameterError
from ..schema.model import Column
from ..schema.types import ATOMS, Atom
from .cells_binary import Cell, cell_dtype, encode_fixed, encode_variable, refuse
from .fits_cards import BLOCK_BYTES, card, commentary, header_block
from .fits_escapes import KEYWORD, SCHEME, needs_escapes
from .fits_spool import Learnt, Spool, is_ready_text, spool, spool_file
from .layout import Layout, unique_names, votable_type
from .pipeline import encoded
from .stream import Chunk, ResultStream

MOST_COLUMNS = 999
_WIDER = {"unsignedByte": "short", "short": "int", "int": "long"}
_KEYWORDS = {
    "publisher": "PUBLISHR",
    "server_software": "CREATOR",
    "service_protocol": "PROTOCOL",
    "request": "REQUEST",
    "request_date": "DATE-REQ",
    "contact": "CONTACT",
    "service_ivoid": "SVCIVOID",
    "data_ivoid": "IVOID",
    "citation": "CITATION",
    "reference_url": "REFURL",
    "resource_version": "RSRCVERS",
    "rights": "RIGHTS",
    "creator": "AUTHOR",
}


@dataclass(frozen=True, slots=True)
class FitsColumn:
    """One column of the table: its cell, its header words, and the size of its heap entries (0: none)."""

    cell: Cell
    form: str
    shape: str = ""
    heap_bytes: int = 0


def write_fits(stream: ResultStream) -> Iterator[Chunk]:
    """Write a FITS file; ParameterError where the table has too many columns or a value cannot be said."""
    try:
        if len(stream.columns) > MOST_COLUMNS:
            message = f"FITS tables have at most {MOST_COLUMNS} columns, this one has {len(stream.columns)}"
            raise ParameterError(message)
        with spool_file() as file:
            yield from _write(stream, spool(stream, file))
    finally:
        stream.close()


def _write(stream: ResultStream, spooled: Spool) -> Iterator[Chunk]:
    names = unique_names(list(stream.columns), longest=68)
    rough = [
        _plan(name, layout, learnt, stream.rows)
        for name, layout, learnt in zip(names, spooled.layouts, spooled.learnt, strict=True)
    ]
    heap = sum(column.heap_bytes for column in rough)
    descriptor, letter = (">i4", "P") if heap < 2**31 else (">i8", "Q")
    plan = [replace(column, form=column.form.replace("P", letter)) for column in rough]
    fields = [
        (f"c{i}", cell_dtype(column.cell) if column.cell.fixed else np.dtype((descriptor, (2,))))
        for i, column in enumerate(plan)
    ]
    record = np.dtype(fields)
    escaped = any(facts.escaped for facts in spooled.learnt) or needs_escapes(_words(stream, names))
    yield primary_header(stream) + table_header(stream, names, plan, record.itemsize, heap, escaped)
    yield from _rows(spooled, plan, record)
    if heap:
        yield from _heap(spooled, plan)
    yield bytes(-(record.itemsize * stream.rows + heap) % BLOCK_BYTES)


def _words(stream: ResultStream, names: Sequence[str]) -> Iterator[str]:
    """Give all texts of the table's header that a column brings along."""
    yield from names
    for column in stream.columns:
        yield from (column.unit, column.ucd, column.utype, column.description)


def _rows(spooled: Spool, plan: Sequence[FitsColumn], record: np.dtype[Any]) -> Iterator[Chunk]:
    variable = [number for number, column in enumerate(plan) if not column.cell.fixed]

    def encode(piece: pa.RecordBatch) -> tuple[npt.NDArray[Any], int]:
        return _encode(piece, plan, record)

    heap = 0
    for rows, size in encoded(spooled.batches(), encode, record.itemsize):
        for number in variable if heap else ():
            rows[f"c{number}"][:, 1] += heap
        heap += size
        yield rows.view(np.uint8).data


def _encode(piece: pa.RecordBatch, plan: Sequence[FitsColumn], record: np.dtype[Any]) -> tuple[npt.NDArray[Any], int]:
    """Give the rows of a piece, pointing into its own heap, and the bytes of that heap."""
    heap = 0
    rows = np.zeros(piece.num_rows, record)
    for number, (array, column) in enumerate(zip(piece.columns, plan, strict=True)):
        if column.cell.fixed:
            rows[f"c{number}"] = encode_fixed(_widened(array, column.cell.layout), column.cell)
            continue
        counts, data = encode_variable(array, column.cell)
        ends = np.cumsum(pc.binary_length(data).to_numpy(), dtype=np.int64)
        rows[f"c{number}"][:, 0] = counts
        rows[f"c{number}"][1:, 1] = heap + ends[:-1]
        rows[f"c{number}"][0, 1] = heap
        heap += int(ends[-1])
    return rows, heap


def _heap(spooled: Spool, plan: Sequence[FitsColumn]) -> Iterator[Chunk]:
    for batch in spooled.batches():
        for array, column in zip(batch.columns, plan, strict=True):
            if not column.cell.fixed:
                _, data = encode_variable(array, column.cell)
                yield memoryview(pc.binary_join(pa.ListArray.from_arrays([0, len(data)], data), b"")[0].as_buffer())


def _widened(array: pa.Array, layout: Layout) -> pa.Array:
    if layout.kind != "integer":
        return array
    kind = layout.atom.arrow
    return array.cast(pa.list_(kind, layout.items) if layout.listed else kind)


def _plan(name: str, layout: Layout, learnt: Learnt, rows: int) -> FitsColumn:
    """Choose form, null and width of a column from what its rows showed."""
    if layout.kind in {"text", "time"}:
        return _plan_text(name, layout, learnt, rows)
    if layout.kind == "bit" and (learnt.nulls or not layout.listed):
        layout = replace(layout, kind="boolean", atom=ATOMS["boolean"])
    null: int | None = None
    if layout.kind == "integer" and learnt.nulls:
        layout, null = _null(name, layout, learnt)
    cell = Cell(name, layout, null, unknown=0, flagged=False)
    if layout.variable:
        heap = learnt.packed if layout.kind == "bit" else learnt.total * layout.atom.size_bytes
        return FitsColumn(cell, f"1P{layout.atom.fits}({learnt.most})", heap_bytes=heap)
    shape = f"({','.join(map(str, layout.dimensions))})" if len(layout.dimensions) > 1 else ""
    return FitsColumn(cell, f"{layout.items}{layout.atom.fits}", shape)


def _plan_text(name: str, layout: Layout, learnt: Learnt, rows: int) -> FitsColumn:
    width = max(1, learnt.widest)
    plain = replace(layout, kind="text", atom=ATOMS["char"], width=width)
    if not is_ready_text(layout):
        shape = f"({','.join(map(str, (width, *layout.dimensions)))})"
        return FitsColumn(Cell(name, plain, flagged=False), f"{width * layout.items}A", shape)
    plain = replace(plain, listed=False, variable=False, jsonned=False, dimensions=())
    if width > 128 and width * rows > 4 * learnt.total:
        cell = Cell(name, replace(plain, width=None), flagged=False)
        return FitsColumn(cell, f"1PA({width})", heap_bytes=learnt.total)
    return FitsColumn(Cell(name, plain, flagged=False), f"{width}A")


def _null(name: str, layout: Layout, learnt: Learnt) -> tuple[Layout, int]:
    """Find an integer that the data do not hold, in a wider type if need be."""
    atom: Atom = layout.atom
    while True:
        bits = 8 * atom.size_bytes
        low, high = (0, 255) if bits == 8 else (-(1 << bits - 1), (1 << bits - 1) - 1)
        if learnt.highest is None or learnt.highest < high:
            null = high if bits == 8 or (learnt.lowest is not None and learnt.lowest <= low) else low
            return replace(layout, atom=atom), null
        if learnt.lowest is not None and learnt.lowest > low:
            return replace(layout, atom=atom), low
        if atom.datatype not in _WIDER:
            raise refuse(Cell(name, layout), "its integers leave no value to stand for null in FITS")
        atom = ATOMS[_WIDER[atom.datatype]]


def primary_header(stream: ResultStream) -> bytes:
    """Write the primary HDU: no data, but how the table came about."""
    known = [(_KEYWORDS[name], value) for name, value in stream.info.infos if name in _KEYWORDS]
    others = [commentary("HISTORY", f"{name}: {value}") for name, value in stream.info.infos if name not in _KEYWORDS]
    status = "OVERFLOW" if stream.overflow else "OK"
    note = [commentary("HISTORY", f"OVERFLOW: the result was cut after {stream.rows} rows; there are more")]
    return header_block(
        [
            card("SIMPLE", value=True),
            card("BITPIX", 8),
            card("NAXIS", 0),
            card("EXTEND", value=True),
            *([card(KEYWORD, SCHEME)] if needs_escapes(_said(stream)) else []),
            *([card("OBJECT", stream.info.title)] if stream.info.title else []),
            card("QSTATUS", status),
            *([card("QUERY", " ".join(stream.info.query.split()))] if stream.info.query else []),
            *[card(keyword, value) for keyword, value in dict(known).items()],
            *others,
            *(note if stream.overflow else []),
        ]
    )


def _said(stream: ResultStream) -> Iterator[str]:
    """Give all texts of the primary header that come from outside."""
    yield from (stream.info.title, " ".join(stream.info.query.split()))
    yield from (text for pair in stream.info.infos for text in pair)


def table_header(
    stream: ResultStream, names: Sequence[str], plan: Sequence[FitsColumn], row_bytes: int, heap: int, escaped: bool
) -> bytes:
    """Write the header of the table: its sizes, then each column with unit, UCD, utype, xtype and description."""
    sizes = (
        ("BITPIX", 8),
        ("NAXIS", 2),
        ("NAXIS1", row_bytes),
        ("NAXIS2", stream.rows),
        ("PCOUNT", heap),
        ("GCOUNT", 1),
    )
    cards = [card("XTENSION", "BINTABLE"), *[card(keyword, value) for keyword, value in sizes]]
    cards += [card("TFIELDS", len(plan)), card("EXTNAME", "RESULT")]
    cards += [card("QSTATUS", "OVERFLOW" if stream.overflow else "OK")]
    cards += [card(KEYWORD, SCHEME)] if escaped else []
    for number, (column, name, planned) in enumerate(zip(stream.columns, names, plan, strict=True), 1):
        cards += _column_cards(number, column, name, planned)
    return header_block(cards)


def _column_cards(number: int, column: Column, name: str, planned: FitsColumn) -> list[str]:
    words: tuple[tuple[str, str | int | None], ...] = (
        ("TTYPE", name),
        ("TFORM", planned.form),
        ("TDIM", planned.shape),
        ("TNULL", planned.cell.null),
        ("TUNIT", column.unit),
        ("TUCD", column.ucd),
        ("TUTYP", column.utype),
        ("TXTYP", votable_type(column.type).xtype),
        ("TCOMM", column.description),
    )
    return [card(f"{word}{number}", value) for word, value in words if value not in (None, "")]
