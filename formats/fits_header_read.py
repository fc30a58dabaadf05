"""FITS headers: the table extensions of a file and what their keywords say (FITS 4.0 sections 3, 4 and 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from ..config.errors import UploadError
from .fits_escapes import KEYWORD, SCHEME, plain_text

BLOCK = 2880
_CARD = 80
_END = b"END" + b" " * 77
_STRING = re.compile(r"\s*'((?:[^']|'')*)'\s*(?:/(.*))?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([EeDd][+-]?\d+)?\Z")
_MAX_DIGITS = 40
_TABLES = frozenset({"BINTABLE", "A3DTABLE", "TABLE"})

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Header:
    """Keywords with their values and comments; the first of repeated keywords counts."""

    values: Mapping[str, Value]
    comments: Mapping[str, str]

    def text(self, keyword: str) -> str:
        """Give a text, stripped, escapes undone; empty where the keyword is missing or no text."""
        value = self.values.get(keyword)
        if not isinstance(value, str):
            return ""
        return plain_text(value.strip()) if self.escaped else value.strip()

    @property
    def escaped(self) -> bool:
        """Whether backslash escapes stand for characters that FITS does not know."""
        return self.values.get(KEYWORD) == SCHEME

    def number(self, keyword: str, default: int | None = None) -> int:
        """Give a whole number ≥ 0; UploadError where it is missing (without `default`) or something else."""
        value = self.values.get(keyword, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            message = f"the FITS keyword {keyword} is missing or no whole number"
            raise UploadError(message)
        return value


@dataclass(frozen=True, slots=True)
class TableHDU:
    """A table extension: its header, its place among all HDUs (primary 0), and where its data begin and end."""

    header: Header
    number: int
    start: int
    end: int

    @property
    def name(self) -> str:
        """EXTNAME."""
        return self.header.text("EXTNAME")


def table_hdus(data: bytes) -> Iterator[TableHDU]:
    """Find the ASCII and binary tables of a file (`data` may be a memory map), compressed images left out.

    UploadError for damaged headers, for tile-compressed tables and where a table's data are cut off.
    """
    offset, number = 0, 0
    while offset < len(data) and (number == 0 or data[offset : offset + 8] == b"XTENSION"):
        header, start = read_header(data, offset)
        end = start + _data_bytes(header)
        kind = header.text("XTENSION").upper()
        if kind in _TABLES and header.values.get("ZIMAGE") is not True:
            if header.values.get("ZTABLE") is True:
                message = f"HDU {number} is a tile-compressed table: decompress it first"
                raise UploadError(message)
            if end > len(data):
                message = f"the FITS file ends too early: HDU {number} needs {end - len(data)} more bytes"
                raise UploadError(message)
            yield TableHDU(header, number, start, end)
        offset = -(-end // BLOCK) * BLOCK
        number += 1


def read_header(data: bytes, offset: int) -> tuple[Header, int]:
    """Read the header at `offset`; give it with the offset of its data. UploadError where it has no END."""
    values: dict[str, Value] = {}
    comments: dict[str, str] = {}
    last = ""
    for place in range(offset, len(data) - _CARD + 1, _CARD):
        card = data[place : place + _CARD]
        if card == _END:
            return Header(values, comments), -(-(place + _CARD) // BLOCK) * BLOCK
        keyword = card[:8].decode("latin-1").rstrip()
        if card[8:10] == b"= ":
            last = "" if keyword in values else keyword
            if last:
                values[keyword], comments[keyword] = _value(card[10:].decode("latin-1"))
        elif keyword == "CONTINUE" and last and str(values[last]).endswith("&"):
            more, comment = _value(card[8:].decode("latin-1"))
            values[last] = f"{str(values[last])[:-1]}{more or ''}"
            comments[last] = f"{comments[last]} {comment}".strip()
    message = "the FITS file ends within a header"
    raise UploadError(message)


def _value(text: str) -> tuple[Value, str]:
    """Read the value and the comment of a card; an unreadable value is None."""
    quoted = _STRING.match(text)
    if quoted:
        return quoted.group(1).replace("''", "'").rstrip(), (quoted.group(2) or "").strip()
    plain, _, comment = text.partition("/")
    plain = plain.strip()
    return _plain_value(plain), comment.strip()


def _plain_value(plain: str) -> Value:
    if plain in {"T", "F"}:
        return plain == "T"
    if len(plain) > _MAX_DIGITS or not _NUMBER.match(plain):
        return None
    if plain.lstrip("+-").isdigit():
        return int(plain)
    return float(plain.upper().replace("D", "E"))


def _data_bytes(header: Header) -> int:
    """Give the size of the data behind a header (FITS 4.0 equation 2; random groups section 6)."""
    bits = header.values.get("BITPIX")
    if isinstance(bits, bool) or not isinstance(bits, int):
        message = "the FITS keyword BITPIX is missing or no whole number"
        raise UploadError(message)
    axes = header.number("NAXIS")
    if axes > 999:
        message = "the FITS keyword NAXIS is beyond 999"
        raise UploadError(message)
    sizes = [header.number(f"NAXIS{axis}") for axis in range(1, axes + 1)]
    if sizes and sizes[0] == 0 and header.values.get("GROUPS") is True:
        sizes = sizes[1:]
    elements = prod(sizes) if sizes else 0
    return abs(bits) // 8 * header.number("GCOUNT", 1) * (header.number("PCOUNT", 0) + elements)
