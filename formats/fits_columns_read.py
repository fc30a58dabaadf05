"""Columns of FITS tables: what TFORM and its companions say (FITS 4.0 sections 7.2.2 and 7.3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from ..config.errors import UploadError, UploadTooLarge
from ..schema.model import Column
from ..schema.types import ATOMS, PARTS, VOType
from .fits_header_read import Header
from .fits_units_read import vo_unit
from .source import ReadLimits, check_columns, unique_names

_BINARY = re.compile(r"\s*(\d{0,12})([LXBIJKAEDCMPQ])(.*)\Z", re.DOTALL)
_ARRAY = re.compile(r"([LXBIJKAEDCM])")
_ASCII = re.compile(r"\s*([AIFED])(\d{1,6})(?:\.\d{1,3})?\s*\Z")
_ATOMS = {atom.fits: atom for atom in ATOMS.values() if atom.datatype != "unicodeChar"}  # by the letter of TFORM
_SIZES = {letter: atom.size_bytes for letter, atom in _ATOMS.items()} | {"X": 0}
_DTYPES = {letter: PARTS.get(_ATOMS[letter].datatype, _ATOMS[letter].numpy) for letter in "BIJKEDCM"}
# (code, TZERO) of integers that are only shifted (section 5.2.5): the type that holds them
_SHIFTED = {("B", -128): "short", ("I", 1 << 15): "int", ("J", 1 << 31): "long", ("K", 1 << 63): "char"}
_EMPTY_COMMENT = re.compile(r"(?i)(label for|name of|data|column)?\s*(field|column|name)?\s*\d*\s*(name|label)?\Z")
_INTEGERS = frozenset("BIJK")
_TEXT_WIDTH = re.compile(r"(?::SSTR)?(\d{1,6})")


@dataclass(frozen=True, slots=True)
class FitsColumn:
    """A column with its storage: `repeat` elements of `code` at byte `place` of a row.

    `heap` is P or Q where the row holds a descriptor of elements in the heap, else empty. Values are raw × `scale` +
    `zero`, raw == `null` is null. `ascii_width` > 0 marks a column of an ASCII table;
    `escaped` one of texts with escapes (see `fits_escapes`).
    """

    column: Column
    code: str
    repeat: int
    place: int
    heap: str = ""
    scale: float = 1
    zero: float = 0
    null: str | int | None = None
    ascii_width: int = 0
    escaped: bool = False

    @property
    def dtype(self) -> str:
        """NumPy type of one element (complex: of a part)."""
        return _DTYPES.get(self.code, "u1")

    @property
    def element_bytes(self) -> int:
        """Bytes of one element; 0 for bits."""
        return _SIZES[self.code]

    @property
    def row_bytes(self) -> int:
        """Bytes that the column takes in a row."""
        if self.ascii_width:
            return self.ascii_width
        if self.heap:
            return {"P": 8, "Q": 16}[self.heap]
        return self.repeat * self.element_bytes or (self.repeat + 7) // 8

    @property
    def scaled(self) -> bool:
        """Whether raw numbers are to be changed."""
        return (self.scale, self.zero) != (1, 0)


def read_columns(header: Header, limits: ReadLimits) -> tuple[FitsColumn, ...]:
    """Read the columns of a table; those without any bytes (repeat 0) are left out. UploadError names the keyword."""
    count = header.number("TFIELDS")
    check_columns(count, limits)
    reader = _ascii_columns if header.text("XTENSION").upper() == "TABLE" else _binary_columns
    columns = list(reader(header, count, limits))
    width = header.number("NAXIS1")
    for one in columns:
        if one.place + one.row_bytes > width:
            message = f'column "{one.column.name}" lies beyond the end of a row (NAXIS1 = {width})'
            raise UploadError(message)
    if not columns:
        message = "the FITS table has no columns"
        raise UploadError(message)
    return tuple(columns)


def _names(header: Header, count: int) -> list[str]:
    return unique_names(header.text(f"TTYPE{n}") or f"col{n}" for n in range(1, count + 1))


def _binary_columns(header: Header, count: int, limits: ReadLimits) -> Iterator[FitsColumn]:
    place = 0
    for n, name in enumerate(_names(header, count), 1):
        form = header.text(f"TFORM{n}")
        found = _BINARY.match(form)
        if not found:
            message = f'the FITS keyword TFORM{n} ("{form[:40]}") is missing or no format of a binary table'
            raise UploadError(message)
        repeat, code, rest = int(found.group(1) or 1), found.group(2), found.group(3)
        heap = ""
        if code in "PQ":
            inner = _ARRAY.match(rest)
            if not inner or repeat > 1:
                message = f'the FITS keyword TFORM{n} ("{form[:40]}") is no format of a variable array'
                raise UploadError(message)
            heap, code = code if repeat else "", inner.group(1)
        if repeat * max(1, _SIZES[code]) > limits.cell_bytes:
            message = f'column "{name}": a value of format {form[:40]} is beyond the limit of {limits.cell_bytes} bytes'
            raise UploadTooLarge(message)
        if repeat:
            kind, scale, zero = _scaling(header, n, code)
            size = "*" if heap else _arraysize(header.text(f"TDIM{n}"), code, repeat, rest)
            if kind == "char" and code != "A":  # unsigned 64-bit: texts, but arrays of doubles
                kind, size = ("char", "20") if size is None else ("double", size)
            column = _column(header, n, name, VOType(kind, size, _xtype(header, n, kind, size)))
            null = header.values.get(f"TNULL{n}") if code in _INTEGERS else None
            null = null if isinstance(null, int) else None
            escaped = code == "A" and header.escaped
            one = FitsColumn(column, code, repeat, place, heap, scale, zero, null, escaped=escaped)
            yield one
            place += one.row_bytes


def _scaling(header: Header, n: int, code: str) -> tuple[str, float, float]:
    """Give (datatype of the values, TSCAL, TZERO); scaling by anything but a known shift gives doubles."""
    scale, zero = header.values.get(f"TSCAL{n}"), header.values.get(f"TZERO{n}")
    scale = scale if isinstance(scale, int | float) and not isinstance(scale, bool) else 1
    zero = zero if isinstance(zero, int | float) and not isinstance(zero, bool) else 0
    if code not in _DTYPES or (scale, zero) == (1, 0) or code in "CM":
        return _ATOMS[code].datatype, 1, 0
    if scale == 1 and (code, zero) in _SHIFTED:
        return _SHIFTED[code, int(zero)], 1, int(zero)
    return "double", scale, zero


def _arraysize(dimensions: str, code: str, repeat: int, rest: str) -> str | None:
    """Give the VOTable arraysize; a TDIM that does not fit the repeat count is ignored, as is usual."""
    sizes = [int(part) for part in re.findall(r"\d{1,9}", dimensions)[:10]]
    if code == "A" and not sizes:
        width = _TEXT_WIDTH.match(rest)
        if width and 0 < int(width.group(1)) < repeat and repeat % int(width.group(1)) == 0:
            sizes = [int(width.group(1)), repeat // int(width.group(1))]
    if len(sizes) > 1 and prod(sizes) == repeat:
        return "x".join(map(str, sizes))
    return str(repeat) if repeat > 1 or code == "A" else None


def _ascii_columns(header: Header, count: int, limits: ReadLimits) -> Iterator[FitsColumn]:
    for n, name in enumerate(_names(header, count), 1):
        found = _ASCII.match(header.text(f"TFORM{n}"))
        if not found:
            message = f'the FITS keyword TFORM{n} ("{header.text(f"TFORM{n}")[:40]}") is no format of an ASCII table'
            raise UploadError(message)
        letter, width = found.group(1), int(found.group(2))
        place = header.number(f"TBCOL{n}") - 1
        if place < 0 or not 0 < width <= limits.cell_bytes:
            message = f"the FITS keywords TBCOL{n} and TFORM{n} do not fit each other"
            raise UploadError(message)
        scale, zero = _scaling(header, n, "D")[1:]
        kind = VOType("double")
        if letter == "A":
            kind = VOType("char", str(width), _xtype(header, n, "char", str(width)))
        elif letter == "I" and (scale, zero) == (1, 0):
            kind = VOType("int" if width < 10 else "long")
        null = header.values.get(f"TNULL{n}")
        null = str(null).strip() if isinstance(null, str | int) and not isinstance(null, bool) else None
        column = _column(header, n, name, kind)
        yield FitsColumn(column, letter, 1, place, "", scale, zero, null, width)


def _column(header: Header, n: int, name: str, kind: VOType) -> Column:
    comment = header.comments.get(f"TTYPE{n}", "")
    description = header.text(f"TCOMM{n}") or ("" if _EMPTY_COMMENT.match(comment) else comment)
    ucd = header.text(f"TUCD{n}") or header.text(f"TBUCD{n}")
    unit = vo_unit(header.text(f"TUNIT{n}"))
    return Column(name, kind, description, unit, ucd, header.text(f"TUTYP{n}"))


def _xtype(header: Header, n: int, datatype: str, size: str | None) -> str | None:
    xtype = header.text(f"TXTYP{n}")
    if xtype == "timestamp" and (datatype != "char" or "x" in (size or "")):
        return None
    return xtype or None
