"""How the values of a column lie on the wire, derived once from its VOTable type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from ..schema.model import Column
from ..schema.types import ATOMS, INTEGERS, STRINGS, Atom, VOType

_KINDS = {"boolean": "boolean", "bit": "bit", "char": "text", "unicodeChar": "text"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Layout of one column.

    `kind` is integer, float, complex, boolean, bit, text or time. `dimensions` are the fixed array
    dimensions (first index fastest, text length excluded), `variable` tells that a last, open one follows;
    `listed` that Arrow carries lists. `width` is the length of one text in the units of its datatype
    (UTF-8 bytes for char, UTF-16 units for unicodeChar), None where it is open.
    `jsonned` marks arrays of texts of open width, which VOTable cannot say: they travel as JSON text.
    """

    kind: str
    atom: Atom
    dimensions: tuple[int, ...] = ()
    variable: bool = False
    listed: bool = False
    width: int | None = None
    jsonned: bool = False

    @property
    def items(self) -> int:
        """Elements of a fixed array, 1 for scalars; of a variable one, the elements its length is a multiple of."""
        return prod(self.dimensions)

    @property
    def parts(self) -> int:
        """Numbers in one element: 2 for complex, else 1."""
        return 2 if self.kind == "complex" else 1

    @property
    def is_text(self) -> bool:
        """Whether one value is one text on the wire (timestamps are)."""
        return self.jsonned or (self.kind in {"text", "time"} and not self.listed)


def layout_of(kind: VOType) -> Layout:
    """Give the layout of a type (VOTable 1.4 section 2.2; `arraysize` is `n`, `*`, `n*`, `axb`, `axb*`)."""
    atom = ATOMS[kind.datatype]
    dimensions = (kind.arraysize or "").split("x") if kind.arraysize else []
    width: int | None = None
    if kind.datatype in STRINGS:
        length = dimensions[0] if dimensions else "1"
        width = None if length.endswith("*") else int(length)
        dimensions = dimensions[1:]
        if kind.xtype == "timestamp":
            return Layout("time", atom, width=width)
    variable = any(d.endswith("*") for d in dimensions)
    fixed = tuple(int(d) for d in dimensions if not d.endswith("*"))
    jsonned = kind.datatype in STRINGS and bool(dimensions) and width is None
    return Layout(_kind(kind.datatype), atom, fixed, variable, bool(dimensions), width, jsonned)


def _kind(datatype: str) -> str:
    if datatype in INTEGERS:
        return "integer"
    if datatype.endswith("Complex"):
        return "complex"
    return _KINDS.get(datatype, "float")


def votable_type(kind: VOType) -> VOType:
    """Give the type as VOTable can declare it.

    `arraysize="1"` is left out; arrays of texts of open width become one `char(*)` of xtype json (DALI 1.2).
    """
    if kind.arraysize == "1":
        return replace(kind, arraysize=None)
    if layout_of(kind).jsonned:
        return VOType("char", "*", "json")
    return kind


def unique_names(columns: tuple[Column, ...] | list[Column], longest: int = 1000) -> list[str]:
    """Give the columns' names, cut to `longest` characters and unique without regard to case: `ra`, `ra_2`…"""
    seen: set[str] = set()
    names: list[str] = []
    for number, column in enumerate(columns, 1):
        stem = column.name[:longest] or f"col{number}"
        name, count = stem, 1
        while name.lower() in seen:
            count += 1
            name = f"{stem[: longest - len(str(count)) - 1]}_{count}"
        seen.add(name.lower())
        names.append(name)
    return names
