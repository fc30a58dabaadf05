"""A FITS file within a VOTable (VOTable 1.4 section 5.2): its rows, with the names and metadata of the FIELDs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from ..config.errors import UploadError
from ..schema.arrow import schema_of
from ..schema.types import VOType, arrow_type
from .fits_read import fits_tables
from .source import ReadLimits, SourceTable
from .votable_binary_read import decoded
from .votable_document_read import VOTableDocument
from .votable_elements_read import TableHead
from .votable_fields_read import Field


def fits_batches(
    document: VOTableDocument, head: TableHead, fields: Sequence[Field], limits: ReadLimits
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the FITS table in the STREAM: HDU `extnum`, else the first table.

    The FIELDs rule: UploadError where the FITS table has other columns or types than they say.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stream.fits"
        with path.open("wb") as file:
            for block in decoded(document):
                file.write(block)
        if not path.stat().st_size:
            message = "the STREAM of the FITS table is empty"
            raise UploadError(message)
        tables = fits_tables(path, limits)
    table = _chosen(tables, head.extnum)
    _check(table, fields)
    schema = schema_of([one.column for one in fields])
    for batch in table.batches:
        yield pa.record_batch(batch.columns, schema=schema)


def _chosen(tables: dict[int, SourceTable], number: int | None) -> SourceTable:
    if number is None:
        return next(iter(tables.values()))
    if number not in tables:
        message = f"the FITS file within the VOTable has no table in its extension {number}"
        raise UploadError(message)
    return tables[number]


def _check(table: SourceTable, fields: Sequence[Field]) -> None:
    if len(table.columns) != len(fields):
        message = f"the FITS table within the VOTable has {len(table.columns)} columns, but there are {len(fields)}"
        message += " FIELDs"
        raise UploadError(message)
    for column, one in zip(table.columns, fields, strict=True):
        if arrow_type(column.type) != arrow_type(one.column.type):
            message = f'FIELD "{one.column.name}" has the type {_type(one.column.type)},'
            message += f" but its FITS column has {_type(column.type)}"
            raise UploadError(message)


def _type(kind: VOType) -> str:
    return f"{kind.datatype}({kind.arraysize})" if kind.arraysize else kind.datatype
