"""VOTable 1.0–1.5 → tables, whatever the namespace and the serialisation."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from ..config.errors import UploadError
from .input_read import read_blocks
from .source import ReadLimits, SourceTable, unique_names, within
from .votable_binary_read import binary_batches
from .votable_document_read import VOTableDocument
from .votable_elements_read import TableHead
from .votable_fields_read import Field
from .votable_fits_read import fits_batches
from .votable_tabledata_read import tabledata_batches

_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_OTHERS = re.compile(r"(?i)(iso-?8859-\d{1,2}|latin-?1|windows-125\d|utf-?16(-?(le|be))?)\Z")


def open_votables(path: Path, limits: ReadLimits) -> list[SourceTable]:
    """List the TABLEs of a document, in order; each is read by an own pass when its batches are asked for.

    Names are the TABLE's name, else its ID, else that of the file, made unique; UploadError for faults of the document.
    """
    document = VOTableDocument(_utf8(read_blocks(path, limits)), limits)
    heads = list(iter(document.next_table, None))
    names = unique_names((head.name or head.id or path.name.split(".")[0] for head in heads), "table")
    infos = tuple(document.elements.infos)
    return [
        _table(head, name, _nth_rows(path, limits, number), infos, limits)
        for number, (head, name) in enumerate(zip(heads, names, strict=True))
    ]


def first_votable(path: Path, limits: ReadLimits) -> SourceTable:
    """Give the first TABLE of a document; the whole of it must be well-formed, which shows at the end of the rows."""
    document = VOTableDocument(_utf8(read_blocks(path, limits)), limits)
    head = document.next_table()
    if head is None:
        reason = document.elements.error
        message = f"the VOTable contains no TABLE{'; ' * bool(reason)}{reason}"
        raise UploadError(message)
    return _table(
        head, head.name or head.id or "table", _rows(document, head, limits), tuple(document.elements.infos), limits
    )


def _table(
    head: TableHead,
    name: str,
    batches: Iterator[pa.RecordBatch],
    infos: tuple[tuple[str, str], ...],
    limits: ReadLimits,
) -> SourceTable:
    columns = tuple(one.column for one in _named(head.fields))
    return SourceTable(name, columns, within(batches, limits), None, head.description, infos)


def _named(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    names = unique_names(one.column.name for one in fields)
    return tuple(replace(one, column=replace(one.column, name=name)) for one, name in zip(fields, names, strict=True))


def _nth_rows(path: Path, limits: ReadLimits, number: int) -> Iterator[pa.RecordBatch]:
    document = VOTableDocument(_utf8(read_blocks(path, limits)), limits)
    for _ in range(number):
        document.next_table()
    head = document.next_table()
    if head is None:
        message = "the file changed while it was read"
        raise UploadError(message)
    yield from _rows(document, head, limits)


def _rows(document: VOTableDocument, head: TableHead, limits: ReadLimits) -> Iterator[pa.RecordBatch]:
    fields = _named(head.fields)
    if not fields:
        message = "the TABLE has no FIELD"
        raise UploadError(message)
    if head.serialisation == "TABLEDATA":
        yield from tabledata_batches(document, fields)
    elif head.serialisation == "FITS":
        yield from fits_batches(document, head, fields, limits)
    elif head.serialisation:
        yield from binary_batches(document, fields, head.serialisation == "BINARY2", limits)
    document.finish()


def _utf8(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Turn a document in another encoding, told by its byte order mark or XML declaration, into UTF-8."""
    first = next(blocks, b"")
    found = _ENCODING.match(first[:400])
    name = found.group(1).decode("ascii") if found else "utf-8"
    if first[:2] in {codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE}:
        name = "utf-16"
    elif first[:4] in {b"\0<\0?", b"<\0?\0"}:
        name = "utf-16-be" if first[0] == 0 else "utf-16-le"
    if name.lower() in _UTF8:
        yield first
        yield from blocks
        return
    if not _OTHERS.match(name):
        message = f'the document has the encoding "{name}"; use UTF-8'
        raise UploadError(message)
    decoder = codecs.getincrementaldecoder(name)()
    try:
        yield decoder.decode(first).encode()
        for block in blocks:
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        message = f'the document is not in the encoding "{name}" that it declares'
        raise UploadError(message) from error
