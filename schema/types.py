"""One table of types: VOTable ↔ Arrow ↔ DuckDB ↔ PostgreSQL ↔ FITS ↔ ADQL.

Sources: VOTable 1.4 section 2.1, ADQL 2.1 section 3, FITS 4.0 section 7.3, DALI 1.1 section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class VOType:
    """Type of a column as VOTable and TAP_SCHEMA write it; arraysize None is a scalar."""

    datatype: str
    arraysize: str | None = None
    xtype: str | None = None


@dataclass(frozen=True, slots=True)
class Atom:
    """One VOTable datatype and its names elsewhere; `size_bytes` is that of one element in BINARY."""

    datatype: str
    arrow: pa.DataType
    duckdb: str
    fits: str
    numpy: str
    size_bytes: int
    adql: str
    postgres: str


ATOMS: dict[str, Atom] = {
    atom.datatype: atom
    for atom in (
        Atom("boolean", pa.bool_(), "BOOLEAN", "L", "u1", 1, "BOOLEAN", "boolean"),
        Atom("bit", pa.bool_(), "BOOLEAN", "X", "u1", 1, "BIT", "boolean"),
        Atom("unsignedByte", pa.uint8(), "UTINYINT", "B", "u1", 1, "SMALLINT", "smallint"),
        Atom("short", pa.int16(), "SMALLINT", "I", ">i2", 2, "SMALLINT", "smallint"),
        Atom("int", pa.int32(), "INTEGER", "J", ">i4", 4, "INTEGER", "integer"),
        Atom("long", pa.int64(), "BIGINT", "K", ">i8", 8, "BIGINT", "bigint"),
        Atom("float", pa.float32(), "FLOAT", "E", ">f4", 4, "REAL", "real"),
        Atom("double", pa.float64(), "DOUBLE", "D", ">f8", 8, "DOUBLE PRECISION", "double precision"),
        Atom("floatComplex", pa.list_(pa.float32(), 2), "FLOAT[2]", "C", ">c8", 8, "COMPLEX", "real[]"),
        Atom("doubleComplex", pa.list_(pa.float64(), 2), "DOUBLE[2]", "M", ">c16", 16, "COMPLEX", "double precision[]"),
        Atom("char", pa.string(), "VARCHAR", "A", "S", 1, "VARCHAR", "text"),
        Atom("unicodeChar", pa.string(), "VARCHAR", "A", "U", 2, "VARCHAR", "text"),
    )
}
PARTS = {"floatComplex": ">f4", "doubleComplex": ">f8"}  # NumPy types of the two parts of a complex number
INTEGERS = frozenset({"unsignedByte", "short", "int", "long"})
FLOATS = frozenset({"float", "double"})
NUMBERS = INTEGERS | FLOATS
STRINGS = frozenset({"char", "unicodeChar"})
GEOMETRIES = frozenset({"point", "circle", "polygon"})

BOOLEAN = VOType("boolean")
INTEGER = VOType("int")
LONG = VOType("long")
FLOAT = VOType("float")
DOUBLE = VOType("double")
STRING = VOType("char", "*")
TIMESTAMP = VOType("char", "*", "timestamp")
POINT = VOType("double", "2", "point")
CIRCLE = VOType("double", "3", "circle")
POLYGON = VOType("double", "*", "polygon")
MOC = VOType("char", "*", "moc")
REGION = VOType("char", "*", "adql:REGION")
REGION_TEXTS = frozenset(
    {"adql:region", "adql:point", "adql:circle", "adql:polygon", "adql:box", "region", "shape", "stc", "stcs", "stc-s"}
)
"""Lower-case xtypes of texts that hold regions: STC-S, or the shape of DALI 1.2."""


def is_string(vo: VOType) -> bool:
    """Tell whether a value of the type is one text (not an array of texts, not a timestamp)."""
    return vo.datatype in STRINGS and vo.xtype != "timestamp" and "x" not in (vo.arraysize or "")


def is_scalar_number(vo: VOType) -> bool:
    """Tell whether a value of the type is one integer or float."""
    return vo.datatype in NUMBERS and vo.arraysize is None


def arrow_type(vo: VOType) -> pa.DataType:
    """Give the Arrow type that carries `vo` from engine to wire.

    Text is `string`, timestamps are `timestamp[us]` (UTC, no zone); arrays are flat lists whose
    shape stays in `arraysize`: fixed → fixed_size_list, variable → list. An array of texts
    (`8x10`) is a list of strings; its first dimension is the text length.
    """
    atom = ATOMS[vo.datatype].arrow
    if vo.xtype == "timestamp" and vo.datatype in STRINGS:
        return pa.timestamp("us")
    dimensions = (vo.arraysize or "").split("x") if vo.arraysize else []
    if vo.datatype in STRINGS:
        dimensions = dimensions[1:]
    if not dimensions:
        return atom
    if any(d.endswith("*") for d in dimensions):
        return pa.list_(atom)
    return pa.list_(atom, prod(int(d) for d in dimensions))


_SCALARS: tuple[tuple[pa.DataType, str], ...] = (
    (pa.bool_(), "boolean"),
    (pa.uint8(), "unsignedByte"),
    (pa.int8(), "short"),
    (pa.int16(), "short"),
    (pa.uint16(), "int"),
    (pa.int32(), "int"),
    (pa.uint32(), "long"),
    (pa.int64(), "long"),
    (pa.float16(), "float"),
    (pa.float32(), "float"),
    (pa.float64(), "double"),
)


def vo_type(arrow: pa.DataType) -> VOType | None:
    """Give the VOTable type that an Arrow type maps to; None where there is none (cast it first)."""
    for known, datatype in _SCALARS:
        if arrow == known:
            return VOType(datatype)
    if pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow):
        return STRING
    if pa.types.is_timestamp(arrow) or pa.types.is_date(arrow):
        return TIMESTAMP
    if pa.types.is_fixed_size_list(arrow) or pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        inner = vo_type(arrow.value_type)
        if inner is None or inner.xtype:
            return None
        size = str(arrow.list_size) if pa.types.is_fixed_size_list(arrow) else "*"
        if inner.datatype in STRINGS:
            return VOType("char", f"*x{size}") if size != "*" else None
        return VOType(inner.datatype, size) if inner.arraysize is None else None
    return None


def duckdb_type(vo: VOType) -> str:
    """Give the DuckDB type that carries `vo`."""
    atom = ATOMS[vo.datatype].duckdb
    arrow = arrow_type(vo)
    if pa.types.is_timestamp(arrow):
        return "TIMESTAMP"
    if vo.datatype.endswith("Complex") and vo.arraysize is None:
        return atom
    if pa.types.is_fixed_size_list(arrow):
        return f"{atom}[{arrow.list_size}]"
    return f"{atom}[]" if pa.types.is_list(arrow) else atom


def postgres_type(vo: VOType) -> str:
    """Give the PostgreSQL type that carries `vo`; arrays of every shape are one-dimensional."""
    arrow = arrow_type(vo)
    if pa.types.is_timestamp(arrow):
        return "timestamp"
    atom = ATOMS[vo.datatype].postgres
    nested = pa.types.is_list(arrow) or pa.types.is_fixed_size_list(arrow)
    return f"{atom}[]" if nested and not atom.endswith("[]") else atom


def adql_type(vo: VOType) -> str:
    """Name the type as an ADQL author would, for messages and signatures."""
    if vo.xtype == "timestamp":
        return "TIMESTAMP"
    if vo.xtype in GEOMETRIES:
        return str(vo.xtype).upper()
    if vo.datatype in STRINGS and vo.xtype:
        named = "MOC" if vo.xtype == "moc" else "REGION" if vo.xtype.lower() in REGION_TEXTS else ""
        if named:
            return named
    name = ATOMS[vo.datatype].adql
    return f"{name}[{vo.arraysize}]" if vo.arraysize and vo.datatype not in STRINGS else name
