"""FIELD elements: what a column of a VOTable is (VOTable 1.4 sections 2.1, 2.2, 4.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ..config.errors import UploadError, UploadTooLarge
from ..schema.model import Column
from ..schema.types import ATOMS, STRINGS, VOType
from .source import ReadLimits

_SIZE = re.compile(r"(?:[0-9]+x)*(?:[0-9]+\*?|\*)\Z")
LONGEST_PIECE = 1000  # characters; the most a regular expression of RE2 repeats
_XTYPES = {"adql:TIMESTAMP": "timestamp"}


@dataclass(frozen=True, slots=True)
class Field:
    """A column with its storage: `count` elements per value (of texts: characters), or `variable` in steps of `count`.

    `null` is the text of VALUES null=, None without one.
    """

    column: Column
    count: int
    variable: bool
    null: str | None = None

    @property
    def datatype(self) -> str:
        """The VOTable datatype."""
        return self.column.type.datatype

    @property
    def scalar(self) -> bool:
        """Whether a value is one element (for texts: one text)."""
        size = self.column.type.arraysize
        return size is None or (self.datatype in STRINGS and "x" not in size)


def text_width(field: Field) -> int:
    """Give the length of one string of an array of strings such as `8x10`."""
    return int((field.column.type.arraysize or "").split("x")[0])


def make_field(attributes: Mapping[str, str], number: int, limits: ReadLimits) -> Field:
    """Read a FIELD from its attributes; `number` counts from 1.

    `arraysize="1"` is a scalar; TAP 1.0's `adql:TIMESTAMP` becomes `timestamp`. UploadError names the field.
    """
    name = attributes.get("name") or attributes.get("ID") or f"column_{number}"
    datatype = attributes.get("datatype", "").strip()
    if datatype not in ATOMS:
        known = ", ".join(ATOMS)
        said = f'the datatype "{_short(datatype)}"' if datatype else "no datatype"
        message = f'FIELD {number} ("{_short(name)}") has {said}; VOTable has {known}'
        raise UploadError(message)
    size = attributes.get("arraysize", "").strip() or None
    if size is not None and not _SIZE.match(size):
        message = f'FIELD {number} ("{_short(name)}") has the arraysize "{_short(size)}"; expected n, n*, * or AxBx*'
        raise UploadError(message)
    count, variable = _shape(size)
    atom = ATOMS[datatype]
    if count * atom.size_bytes > limits.cell_bytes:
        message = f'FIELD {number} ("{_short(name)}"): a value of arraysize {_short(size or "")} is beyond the limit'
        message += f" of {limits.cell_bytes} bytes"
        raise UploadTooLarge(message)
    if count < 1:
        message = f'FIELD {number} ("{_short(name)}") has the arraysize "{_short(size or "")}": zero elements'
        raise UploadError(message)
    if datatype in STRINGS and "x" in (size or "") and _int((size or "").split("x")[0]) > LONGEST_PIECE:
        message = f'FIELD {number} ("{_short(name)}"): strings of an array can have {LONGEST_PIECE} characters at most'
        raise UploadError(message)
    if size == "1":
        size = None
    xtype = attributes.get("xtype", "").strip()
    xtype = _XTYPES.get(xtype, xtype)
    if xtype == "timestamp" and "x" in (size or ""):
        xtype = ""  # arrays of timestamps stay arrays of texts
    kind = VOType(datatype, size, xtype or None)
    unit, ucd, utype = (attributes.get(key, "").strip() for key in ("unit", "ucd", "utype"))
    return Field(Column(name, kind, "", unit, ucd, utype), count, variable)


def _shape(size: str | None) -> tuple[int, bool]:
    """Give (elements, variable): for `3x4*` it is (3, True), the elements of one step of the open dimension."""
    parts = size.split("x") if size else []
    if parts and parts[-1].endswith("*"):
        return prod(_int(part) for part in parts[:-1]), True
    return prod(_int(part) for part in parts), False


def _int(digits: str) -> int:
    return int(digits[:12])  # enough to be beyond every limit


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
