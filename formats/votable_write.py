"""VOTable 1.4: the document around the rows, and the truth about how they ended (DALI 1.1 section 4.4).

The head says QUERY_STATUS OK before the first row is asked for. What goes wrong later is said behind the table:
OVERFLOW where rows were cut, ERROR with the reason where the source failed; the document stays well-formed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import structlog

from ..config.errors import NashiraError
from ..schema.model import Column
from ..schema.types import INTEGERS
from .layout import layout_of, unique_names, votable_type
from .pipeline import encoded
from .stream import Chunk, ResultInfo, ResultStream
from .votable_frames_write import frames
from .votable_rows import Rows, binary2_rows, binary_rows, tabledata_rows

log = structlog.get_logger(__name__)

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_QUOTED = str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})
INTERNAL = "internal error: the service failed while it wrote this result, the rows above are not all"


def content(text: str) -> str:
    """Write `text` as XML character data; characters that XML 1.0 forbids become U+FFFD."""
    return _NOT_XML.sub("\ufffd", text).translate(_ESCAPES)


def attributes(pairs: Iterable[tuple[str, str | None]]) -> str:
    """Write ` name="value"` for every pair that has a value."""
    return "".join(f' {name}="{content(value).translate(_QUOTED)}"' for name, value in pairs if value)


def info(name: str, value: str, text: str = "") -> str:
    """Write an INFO element; `value` is always there, even empty, as the schema wants it."""
    head = f'<INFO name="{content(name).translate(_QUOTED)}" value="{content(value).translate(_QUOTED)}"'
    return f"{head}>{content(text)}</INFO>\n" if text else f"{head}/>\n"


def xml_ids(columns: Sequence[Column]) -> list[str]:
    """Give each column an ID that is an XML name, unique in the document."""
    stems = [re.sub(r"[^A-Za-z0-9_.-]", "_", column.name) for column in columns]
    legal = [stem if re.match(r"[A-Za-z_]", stem) else f"_{stem}" for stem in stems]
    return unique_names([replace(column, name=name) for column, name in zip(columns, legal, strict=True)])


def field_elements(
    columns: Sequence[Column], identifiers: Sequence[str], refs: Sequence[str], nulls: Sequence[int | None]
) -> str:
    """Write the FIELDs; `refs` are IDs of frames or "", `nulls` magic integers to declare as VALUES null, or None."""
    elements: list[str] = []
    for column, identifier, ref, null in zip(columns, identifiers, refs, nulls, strict=True):
        kind = votable_type(column.type)
        head = attributes(
            (
                ("name", column.name or identifier),
                ("ID", identifier),
                ("datatype", kind.datatype),
                ("arraysize", kind.arraysize),
                ("xtype", kind.xtype),
                ("unit", column.unit),
                ("ucd", column.ucd),
                ("utype", column.utype),
                ("ref", ref),
            )
        )
        inside = f"<DESCRIPTION>{content(column.description)}</DESCRIPTION>" if column.description else ""
        inside += "" if null is None else f'<VALUES null="{null}"/>'
        elements.append(f"<FIELD{head}>{inside}</FIELD>\n" if inside else f"<FIELD{head}/>\n")
    return "".join(elements)


def header(columns: Sequence[Column], about: ResultInfo, nulls: Sequence[int | None], status: str = "OK") -> str:
    """Write everything from the XML declaration to the last FIELD."""
    infos = [info("QUERY_STATUS", status)]
    infos += [info("QUERY", about.query)] if about.query else []
    infos += [info(name, value) for name, value in about.infos]
    title = f"<DESCRIPTION>{content(about.title)}</DESCRIPTION>\n" if about.title else ""
    identifiers = xml_ids(columns)
    framed = frames(columns, identifiers, about.systems)
    head = f'{_HEAD}<RESOURCE type="results">\n{title}{"".join(infos)}{framed.elements}<TABLE>\n'
    return head + field_elements(columns, identifiers, framed.refs, nulls)


def footer(status: str = "", text: str = "") -> str:
    """Close TABLE, RESOURCE and VOTABLE, with a second QUERY_STATUS where the first one proved wrong."""
    late = info("QUERY_STATUS", status, text) if status else ""
    return f"</TABLE>\n{late}</RESOURCE>\n</VOTABLE>\n"


def error_document(message: str, infos: Sequence[tuple[str, str]] = ()) -> bytes:
    """Write a VOTable that only says what went wrong: QUERY_STATUS ERROR, `message` its text (DALI 1.1 section 4.4)."""
    others = "".join(info(name, value) for name, value in infos)
    status = info("QUERY_STATUS", "ERROR", message or "unknown error")
    return f'{_HEAD}<RESOURCE type="results">\n{status}{others}</RESOURCE>\n</VOTABLE>\n'.encode()


def metadata_document(columns: Sequence[Column], about: ResultInfo, status: str = "OK") -> bytes:
    """Write a VOTable of columns without data, as VOParquet embeds it."""
    return (header(columns, about, [None] * len(columns), status) + footer()).encode()


def write_tabledata(stream: ResultStream) -> Iterator[Chunk]:
    """Write a VOTable with TABLEDATA; null is an empty TD, so is the empty text."""
    return _write(stream, tuple(stream.columns), [None] * len(stream.columns), tabledata_rows)


def write_binary2(stream: ResultStream) -> Iterator[Chunk]:
    """Write a VOTable with BINARY2; nulls are flags, `char` is UTF-8 (VOTable 1.6)."""
    return _write(stream, tuple(stream.columns), [None] * len(stream.columns), binary2_rows)


def write_binary(stream: ResultStream) -> Iterator[Chunk]:
    """Write a VOTable with BINARY, which has no nulls but NaN and magic integers.

    These must be declared before the first row, so every integer column that may hold nulls declares the least value
    of its type, and nullable unsignedByte columns, whose 256 values are all in use, become short. Where the data hold
    a declared magic value the document ends with ERROR. Null texts and arrays become empty.
    """
    columns = tuple(map(_binary_column, stream.columns))
    return _write(stream, columns, [_magic(column) for column in columns], binary_rows)


def _binary_column(column: Column) -> Column:
    if column.type.datatype == "unsignedByte" and column.nullable:
        return replace(column, type=replace(column.type, datatype="short"))
    return column


def _magic(column: Column) -> int | None:
    kind = layout_of(column.type)
    if column.type.datatype not in INTEGERS or not column.nullable:
        return None
    return -(1 << (8 * kind.atom.size_bytes - 1))


def _write(
    stream: ResultStream, columns: tuple[Column, ...], nulls: list[int | None], rows: Callable[..., Rows]
) -> Iterator[Chunk]:
    try:
        body = rows(columns, nulls)
        yield (header(columns, stream.info, nulls) + body.opening).encode()
        status, text = "", ""
        try:
            for rows_of_piece in encoded(stream, body.encode, body.row_bytes):
                yield body.framed(rows_of_piece)
        except NashiraError as error:
            stream.failure = stream.failure or error
            status, text = "ERROR", str(error) or type(error).__name__
        except Exception as error:
            stream.failure = stream.failure or error
            log.exception("a result could not be written", query=stream.info.query)
            status, text = "ERROR", INTERNAL
        if not status and stream.overflow:
            status = "OVERFLOW"
        yield b"".join((body.rest(), body.closing.encode(), footer(status, text).encode()))
    finally:
        stream.close()
