"""FITS tables → Arrow, batch by batch from a memory map.

What becomes null: integers equal to TNULL, NaN in scalar floats (FITS has no other null for them; inside arrays NaN
stays), logical values other than T and F, texts that are empty once trailing blanks and NULs are gone, blank fields of
ASCII tables, empty variable arrays.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..config.errors import UploadError
from ..schema.arrow import schema_of
from ..schema.types import arrow_type
from .cells_read import Bytes, Cells, Flags, Places, bits, fixed_list, open_bits, open_list, scalars, split
from .fits_columns_read import FitsColumn, read_columns
from .fits_escapes import from_ascii
from .fits_header_read import TableHDU, table_hdus
from .fits_heap_read import Heap, heap_of
from .input_read import map_file
from .source import BATCH_BYTES, ReadLimits, SourceTable, rows_per_batch, unique_names, within
from .texts_read import BadCell, timestamps, values_of
from .votable_fields_read import Field, text_width

_SHIFT_TYPES = {"short": np.int16, "int": np.int32, "long": np.int64}


def open_fits(path: Path, limits: ReadLimits) -> list[SourceTable]:
    """List the tables of a FITS file (gzipped too), one per BINTABLE or TABLE extension, named by EXTNAME.

    Rows are read when the batches are asked for; UploadError for damaged headers or if there is no table.
    """
    return list(fits_tables(path, limits).values())


def fits_tables(path: Path, limits: ReadLimits) -> dict[int, SourceTable]:
    """Give the tables of a FITS file by the number of their HDU, the primary one being 0."""
    data = map_file(path, limits)
    hdus = list(table_hdus(data))  # type: ignore[arg-type]  # a map is sliced like bytes
    if not hdus:
        message = "the FITS file contains no table"
        raise UploadError(message)
    names = unique_names((hdu.name or path.name.split(".")[0] for hdu in hdus), "table")
    return {hdu.number: _table(data, hdu, name, limits) for hdu, name in zip(hdus, names, strict=True)}


def _table(data: mmap.mmap, hdu: TableHDU, name: str, limits: ReadLimits) -> SourceTable:
    columns = read_columns(hdu.header, limits)
    batches = within(_batches(data, hdu, columns, limits), limits)
    rows = hdu.header.number("NAXIS2")
    return SourceTable(name, tuple(one.column for one in columns), batches, rows)


def _batches(
    data: mmap.mmap, hdu: TableHDU, columns: tuple[FitsColumn, ...], limits: ReadLimits
) -> Iterator[pa.RecordBatch]:
    width, rows = hdu.header.number("NAXIS1"), hdu.header.number("NAXIS2")
    declared = [one.column for one in columns]
    schema = schema_of(declared)
    size = max(1, min(rows_per_batch(declared), BATCH_BYTES // max(1, width)))
    heap = heap_of(data, hdu, limits) if any(one.heap for one in columns) else None
    row = 0
    while row < rows:
        count = min(size, rows - row)
        table = np.frombuffer(data, np.uint8, count * width, hdu.start + row * width)
        arrays = []
        sizes = np.zeros(count, np.int64)
        for one in columns:
            try:
                sizes += heap.sizes(one, table, count, width) if heap and one.heap else 0
            except BadCell as error:
                raise _fault(one, row, error) from None
        count = heap.affordable(sizes) if heap else count
        for one in columns:
            try:
                arrays.append(_column(one, table, count, width, heap))
            except BadCell as error:
                raise _fault(one, row, error) from None
        yield pa.record_batch(arrays, schema=schema)
        row += count


def _fault(one: FitsColumn, row: int, error: BadCell) -> UploadError:
    return UploadError(f'row {row + error.row + 1}, column "{one.column.name}": {error}')


def _column(one: FitsColumn, table: Bytes, count: int, width: int, heap: Heap | None) -> pa.Array:
    if one.heap and heap is not None:
        lengths, offsets = heap.pieces(one, table, count, width)
        return _variable(one, lengths, heap.gather(one, lengths, offsets))
    starts = np.arange(count, dtype=np.int64) * width + one.place
    cells = Cells(table, starts, np.full(count, one.row_bytes, np.int64), width)
    if one.ascii_width:
        return _ascii(one, cells)
    if one.code == "A":
        return _fixed_texts(one, cells)
    values, null = _elements(one, cells)
    wanted = arrow_type(one.column.type)
    if pa.types.is_string(wanted):
        return scalars(values, null, pa.uint64()).cast(pa.string())
    if not pa.types.is_fixed_size_list(wanted):
        return scalars(values, null, wanted)
    return fixed_list(_flat(values, null), wanted, None)


def _flat(values: NDArray[np.generic], null: Flags | None) -> pa.Array:
    return scalars(values, null, pa.from_numpy_dtype(values.dtype))


def _elements(one: FitsColumn, cells: Cells) -> tuple[NDArray[np.generic], Flags | None]:
    """Give all elements of a fixed column, flat, and which are null; NaN is null in scalars only."""
    if one.code == "X":
        return bits(cells.compact(), one.row_bytes, one.repeat), None
    if one.code == "L":
        return _logical(cells.compact())
    values, null = scaled(one, cells.numbers(one.dtype))
    if values.dtype.kind == "f" and one.column.type.arraysize is None and one.code not in "CM":
        nan = np.isnan(values)
        null = nan if null is None else null | nan
    return values, null


def _logical(data: Bytes) -> tuple[NDArray[np.generic], Flags]:
    true = data == ord("T")
    return true, ~(true | (data == ord("F")))


def scaled(one: FitsColumn, raw: NDArray[np.generic]) -> tuple[NDArray[np.generic], Flags | None]:
    """Apply TNULL, TSCAL and TZERO to raw numbers; shifted (unsigned) integers become wider signed ones."""
    null = raw == one.null if isinstance(one.null, int) else None
    if not one.scaled:
        return raw, null
    kind = _SHIFT_TYPES.get(one.column.type.datatype)
    if kind is not None and one.scale == 1:
        return raw.astype(kind) + kind(one.zero), null
    if one.column.type.datatype == "char":
        return raw.view(np.uint64) ^ np.uint64(1 << 63), null
    return raw.astype(np.float64) * one.scale + one.zero, null


def _variable(one: FitsColumn, lengths: Places, raw: Bytes) -> pa.Array:
    """Make lists (or texts) of the heap bytes of a column; `lengths` counts elements."""
    if one.code == "A":
        offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
        return _trimmed(one, _decoded(Cells(raw, offsets[:-1].astype(np.int64), lengths)))
    null: Flags | None = None
    values: NDArray[np.generic]
    if one.code == "X":
        values = open_bits(raw, lengths)
    elif one.code == "L":
        values, null = _logical(raw)
    else:
        kind = np.dtype(one.dtype)
        values, null = scaled(one, raw.view(kind).astype(kind.newbyteorder("=")))
    return open_list(_flat(values, null), lengths, arrow_type(one.column.type), lengths == 0)


def _fixed_texts(one: FitsColumn, cells: Cells) -> pa.Array:
    if "x" not in (one.column.type.arraysize or ""):
        return _trimmed(one, _decoded(cells))
    pieces, _ = split(cells, text_width(Field(one.column, one.repeat, False)))
    texts = pc.ascii_rtrim(_decoded(pieces), characters=" ")
    return fixed_list(from_ascii(texts) if one.escaped else texts, arrow_type(one.column.type), None)


def _decoded(cells: Cells) -> pa.StringArray:
    """Read texts as UTF-8 (of which FITS's ASCII is a part), and as Latin-1 where they are not."""
    try:
        return cells.texts()
    except ValueError:
        pass
    data = cells.compact()
    wide = np.zeros((len(data), 2), np.uint8)  # as UTF-8, two bytes for each above 127
    high = data > 127
    wide[:, 0] = np.where(high, 0xC0 | (data >> 6), data)
    wide[:, 1] = np.where(high, 0x80 | (data & 0x3F), 0)
    kept = np.stack((np.ones_like(high), high), axis=1)
    sizes = np.append(0, np.cumsum(kept.sum(axis=1)))
    ends = np.cumsum(cells.lengths)
    starts = sizes[ends - cells.lengths]
    return Cells(wide[kept], starts, sizes[ends] - starts).texts()


def _trimmed(one: FitsColumn, texts: pa.StringArray) -> pa.Array:
    texts = pc.ascii_rtrim(texts, characters=" ")
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    texts = from_ascii(texts) if one.escaped else texts
    return timestamps(texts) if one.column.type.xtype == "timestamp" else texts


def _ascii(one: FitsColumn, cells: Cells) -> pa.Array:
    """Read a column of an ASCII table; numbers may have Fortran's D exponents."""
    texts = _decoded(cells)
    if one.null is not None:
        same = pc.equal(pc.ascii_trim(texts, characters=" "), str(one.null))
        texts = pc.if_else(same, pa.scalar(None, pa.string()), texts)
    if one.code == "A":
        return _trimmed(one, texts)
    if one.code != "I":
        texts = pc.replace_substring_regex(texts, pattern="[dD]", replacement="E")
    values = values_of(texts, Field(one.column, 1, False))
    return pc.add(pc.multiply(values, float(one.scale)), float(one.zero)) if one.scaled else values
