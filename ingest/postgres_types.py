"""How types of PostgreSQL become types of the Virtual Observatory, and which need a cast on the way."""

from __future__ import annotations

from dataclasses import dataclass

from ..schema.types import (
    BOOLEAN,
    CIRCLE,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    POINT,
    POLYGON,
    STRING,
    TIMESTAMP,
    VOType,
)

SHORT = VOType("short")
MOC = VOType("char", "*", "moc")
_LONG_DIGITS = 18


@dataclass(frozen=True, slots=True)
class RawType:
    """A type as pg_catalog tells it, domains resolved.

    `name` is that of a scalar or of an array's elements; `array`; `kind` is pg_type.typtype (b, e, c, r, m…);
    `modifier` is atttypmod, -1 where there is none; `dimensions` as declared; `written` is what people write.
    """

    name: str
    array: bool
    kind: str
    modifier: int
    dimensions: int
    written: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """A type here, and the word of `schema.model.Relation.native` where values are converted; else empty."""

    type: VOType
    native: str = ""


_SCALARS: dict[str, Mapped] = {
    "bool": Mapped(BOOLEAN),
    "int2": Mapped(SHORT),
    "int4": Mapped(INTEGER),
    "int8": Mapped(LONG),
    "oid": Mapped(LONG, "long"),
    "float4": Mapped(FLOAT),
    "float8": Mapped(DOUBLE),
    "text": Mapped(STRING),
    "varchar": Mapped(STRING),
    "timestamp": Mapped(TIMESTAMP),
    "timestamptz": Mapped(TIMESTAMP, "utc"),
    "date": Mapped(TIMESTAMP, "date"),
    "spoint": Mapped(POINT, "spoint"),
    "scircle": Mapped(CIRCLE, "scircle"),
    "spoly": Mapped(POLYGON, "spoly"),
    "sbox": Mapped(POLYGON, "sbox"),
    "smoc": Mapped(MOC, "smoc"),
}
_AS_TEXT = frozenset(
    "bpchar char name citext uuid json jsonb xml inet cidr macaddr macaddr8 time timetz interval money bit varbit"
    " hstore ltree".split()
)
_ELEMENTS = {
    "bool": "boolean",
    "int2": "short",
    "int4": "int",
    "int8": "long",
    "float4": "float",
    "float8": "double",
}


def mapped(raw: RawType) -> Mapped | None:
    """Give what a type becomes; None where it has no place in a VOTable."""
    if raw.array:
        return _array(raw)
    if raw.name in _SCALARS:
        return _SCALARS[raw.name]
    if raw.name == "numeric":
        return Mapped(LONG, "long") if _fits_long(raw.modifier) else Mapped(DOUBLE, "double")
    if raw.kind == "e" or raw.name in _AS_TEXT:
        return Mapped(STRING, "text")
    return None


def _array(raw: RawType) -> Mapped | None:
    if raw.dimensions > 1:
        return None  # its shape is that of each value, VOTable wants one for the column
    if raw.name in _ELEMENTS:
        return Mapped(VOType(_ELEMENTS[raw.name], "*"))
    if raw.name == "numeric":
        return Mapped(VOType("double", "*"), "double[]")
    return None


def _fits_long(modifier: int) -> bool:
    """Tell whether numeric(p, s) holds whole numbers of at most 18 digits; its modifier is ((p << 16) | s) + 4."""
    if modifier < 0:
        return False
    precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
    return scale == 0 and precision <= _LONG_DIGITS
