"""The two doors in: `open_tables` for files of the operator, `read_upload` for those of strangers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..config.errors import UploadError
from .arrow_read import FILE, STREAM, open_arrow
from .fits_read import open_fits
from .input_read import read_head
from .parquet_read import open_parquet
from .source import OPERATOR, ReadLimits, SourceTable
from .text_read import open_text, text_hint
from .votable_read import first_votable, open_votables

_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"FEA1", "a Feather file of version 1"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"SQLite format 3", "an SQLite database"),
)
_READABLE = "VOTable, FITS, CSV, TSV, ECSV, Parquet and Arrow can be read, also gzipped"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def sniff(head: bytes) -> str:
    """Tell votable, fits, parquet, arrow or text from the first bytes of a (decompressed) file.

    The name and media type of a file are not asked: clients send what they like. UploadError for anything else.
    """
    if not head.strip():
        message = f"the file is empty; {_READABLE}"
        raise UploadError(message)
    if head.startswith(b"SIMPLE  ="):
        return "fits"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((FILE, STREAM)):
        return "arrow"
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            message = f"the file is {what}; {_READABLE}"
            raise UploadError(message)
    plain = head
    for mark in _BOMS:
        plain = plain.removeprefix(mark)
    start = plain[:256].replace(b"\0", b"").lstrip()
    if start.startswith(b"<"):
        if start[:14].lower().startswith((b"<html", b"<!doctype html")):
            message = f"the file is an HTML page; {_READABLE}"
            raise UploadError(message)
        return "votable"
    if b"\0" in head:
        message = f"the file is of an unknown kind; {_READABLE}"
        raise UploadError(message)
    return "text"


def open_tables(path: Path, limits: ReadLimits = OPERATOR) -> list[SourceTable]:
    """Open all tables of a file, whatever its format; rows are read when the batches of a table are asked for.

    Names (EXTNAME, TABLE name or ID, else the file's) differ from each other. UploadError for faults of the content.
    """
    tables = _ALL[sniff(read_head(path))](path, limits)
    if not tables:
        message = "the file contains no table"
        raise UploadError(message)
    return tables


def read_upload(path: Path, limits: ReadLimits, media_type: str = "") -> SourceTable:
    """Open the first table of an uploaded file under `limits`.

    The content decides what the file is; `media_type` tells a text table's delimiter and whether it has a header line
    (`text/csv;header=absent`). UploadTooLarge beyond the limits, UploadError for everything else that is wrong, both
    also while batches are read.
    """
    kind = sniff(read_head(path))
    return open_text(path, limits, text_hint(media_type)) if kind == "text" else _FIRST[kind](path, limits)


_ALL: dict[str, Callable[[Path, ReadLimits], list[SourceTable]]] = {
    "votable": open_votables,
    "fits": open_fits,
    "parquet": lambda path, limits: [open_parquet(path, limits)],
    "arrow": lambda path, limits: [open_arrow(path, limits)],
    "text": lambda path, limits: [open_text(path, limits)],
}
_FIRST: dict[str, Callable[[Path, ReadLimits], SourceTable]] = {
    "votable": first_votable,
    "fits": lambda path, limits: open_fits(path, limits)[0],
    "parquet": open_parquet,
    "arrow": open_arrow,
}
