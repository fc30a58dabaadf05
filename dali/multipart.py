"""A multipart/form-data body taken in piece by piece: short parts in memory, the others in files.

Clients label their parts in every way (no type, `Content-Type: None`, file names on parameters or none
on files), and UPLOAD may come after the part it names; so what a part is, is decided when all are read.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ..config.errors import ParameterError, UploadTooLarge

FIELDS_MOST = 1000
VALUES_BYTES = 8_000_000
_MEMORY_BYTES = 65_536
_TEXT_TYPES = frozenset({"", "text/plain", "application/x-www-form-urlencoded", "none"})


@dataclass(frozen=True, slots=True)
class Part:
    """An uploaded file: the label that `param:label` names, and where its content lies.

    `media_type` is what the client claimed, without parameters but `header` (RFC 4180); it may be empty or wrong.
    """

    label: str
    path: Path
    media_type: str
    size_bytes: int


@dataclass(slots=True)
class _Piece:
    """A part on its way in; its content is `data`, then `file` once it outgrew memory."""

    headers: dict[str, str] = field(default_factory=dict)
    label: str = ""
    has_file_name: bool = False
    media_type: str = ""
    data: bytearray = field(default_factory=bytearray)
    path: Path | None = None
    file: BinaryIO | None = None
    size_bytes: int = 0

    def spill(self, folder: Path) -> Path:
        """Move what is in memory into a new file of a random name."""
        if self.path is None:
            self.path = folder / f"part-{secrets.token_hex(16)}"
            self.file = self.path.open("xb")
            self.file.write(self.data)
            self.data.clear()
        return self.path

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()
            self.file = None


class MultipartBody:
    """The parts of one body; feed it, then `finish` or `discard`. Not for several threads at once."""

    def __init__(self, options: dict[bytes, bytes], folder: Path) -> None:
        self._folder = folder
        self._pieces: list[_Piece] = []
        self._field = self._value = b""
        self._ended = False
        self._parser = _parser(options, self)

    def feed(self, chunk: bytes) -> None:
        """Take in the next bytes; ParameterError where they are no multipart body."""
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _broken() from None

    def texts(self, name: str) -> list[tuple[str, str]]:
        """Give the short parts of this name (in capitals) as parameters, before the end is known."""
        return [(name, _text(piece)) for piece in self._pieces if piece.label.upper() == name and piece.path is None]

    def finish(self, files: Collection[str]) -> tuple[tuple[tuple[str, str], ...], tuple[Part, ...]]:
        """Tell parameters from files; parts labelled in `files` are files whatever they look like."""
        if not self._ended:
            raise _broken()
        values: list[tuple[str, str]] = []
        parts: list[Part] = []
        room = VALUES_BYTES
        for piece in self._pieces:
            piece.close()
            if piece.label in files or _looks_like_file(piece):
                path = piece.spill(self._folder)
                piece.close()
                parts.append(Part(piece.label, path, piece.media_type, piece.size_bytes))
                continue
            room -= piece.size_bytes
            if room < 0:
                message = f"The parameters are longer than the limit of {VALUES_BYTES} bytes"
                raise UploadTooLarge(message)
            values.append((piece.label.upper(), _text(piece)))
            if piece.path is not None:
                piece.path.unlink()
        return tuple(values), tuple(parts)

    def discard(self) -> None:
        """Remove every file; harmless when repeated."""
        for piece in self._pieces:
            piece.close()
            if piece.path is not None:
                piece.path.unlink(missing_ok=True)

    def part_begin(self) -> None:
        """Start a part."""
        if len(self._pieces) >= FIELDS_MOST:
            message = f"More than {FIELDS_MOST} parts were sent"
            raise ParameterError(message)
        self._pieces.append(_Piece())

    def header_field(self, data: bytes, start: int, end: int) -> None:
        """Collect a header's name."""
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        """Collect a header's value."""
        self._value += data[start:end]

    def header_end(self) -> None:
        """Note a whole header."""
        self._pieces[-1].headers[self._field.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._field = self._value = b""

    def headers_finished(self) -> None:
        """Read label and claims of the part."""
        piece = self._pieces[-1]
        _, options = parse_options_header(piece.headers.get("content-disposition"))
        name = options.get(b"name")
        if not name:
            message = "A part of the multipart body has no name"
            raise ParameterError(message)
        piece.label = _decode(name)
        piece.has_file_name = b"filename" in options
        piece.media_type = _media_type(piece.headers.get("content-type"))

    def part_data(self, data: bytes, start: int, end: int) -> None:
        """Keep content in memory while it is short, else in a file."""
        piece = self._pieces[-1]
        piece.size_bytes += end - start
        if piece.size_bytes > _MEMORY_BYTES:
            piece.spill(self._folder)
        if piece.file is not None:
            piece.file.write(data[start:end])
        else:
            piece.data += data[start:end]

    def part_end(self) -> None:
        """Close the part's file."""
        self._pieces[-1].close()

    def end(self) -> None:
        """Note that the closing boundary came."""
        self._ended = True


def _parser(options: dict[bytes, bytes], body: MultipartBody) -> MultipartParser:
    """Make the streaming parser that calls `body`."""
    boundary = options.get(b"boundary")
    if not boundary:
        message = "The multipart body has no boundary in its Content-Type"
        raise ParameterError(message)
    try:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": body.part_begin,
                "on_part_data": body.part_data,
                "on_part_end": body.part_end,
                "on_header_field": body.header_field,
                "on_header_value": body.header_value,
                "on_header_end": body.header_end,
                "on_headers_finished": body.headers_finished,
                "on_end": body.end,
            },
            max_header_count=16,
            max_header_size=8192,
        )
    except FormParserError:
        raise _broken() from None


def _looks_like_file(piece: _Piece) -> bool:
    """Tell a file by its claims, or by being no reasonable parameter (a query has 1 M characters at most)."""
    return piece.has_file_name or piece.media_type not in _TEXT_TYPES or piece.size_bytes > VALUES_BYTES // 2


def _media_type(header: str | None) -> str:
    """Give the media type of a Content-Type, with `header` where it is there: it tells how to read a CSV file."""
    kind, options = parse_options_header(header)
    said = {b"present": ";header=present", b"absent": ";header=absent"}
    return kind.decode("latin-1") + said.get(options.get(b"header", b"").lower(), "")


def _text(piece: _Piece) -> str:
    """Decode a parameter."""
    return _decode(piece.path.read_bytes() if piece.path is not None else bytes(piece.data))


def _decode(data: bytes) -> str:
    """Decode UTF-8 without NUL, else ParameterError."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        message = "A parameter in the multipart body is not text in UTF-8"
        raise ParameterError(message)
    return text


def _broken() -> ParameterError:
    return ParameterError("The multipart body is broken or incomplete")
