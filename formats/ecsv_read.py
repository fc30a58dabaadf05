"""ECSV headers (Astropy APE 6, ECSV 1.0): YAML in comment lines before a plain text table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from ..config.errors import UploadError, UploadTooLarge
from ..schema.model import Column
from ..schema.types import VOType
from .ecsv_values_read import told_type
from .fits_units_read import vo_unit
from .source import ReadLimits, check_columns
from .votable_fields_read import make_field

ECSV = b"# %ECSV"
_MOST_YAML = 2_000_000  # bytes of a header; YAML is read slowly
_DATATYPES = {
    "bool": "boolean", "int8": "short", "uint8": "unsignedByte", "int16": "short", "uint16": "int", "int32": "int",
    "uint32": "long", "int64": "long", "float16": "float", "float32": "float", "float64": "double",
    "float128": "double", "complex64": "floatComplex", "complex128": "doubleComplex", "complex256": "doubleComplex",
}  # fmt: skip
_SUBTYPE = re.compile(r"([a-z0-9]+)\[([0-9, a-z]*)\]\Z")


@dataclass(frozen=True, slots=True)
class EcsvHeader:
    """What the header says; its end in bytes and lines."""

    columns: tuple[Column, ...]
    delimiter: str
    description: str
    size: int
    lines: int


class _Loader(yaml.SafeLoader):
    """A safe loader that passes over unknown tags and over merged keys (`<<`), which can grow without bounds."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Leave a mapping as it is written."""


def _unknown(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> None:
    """Make nothing of an unknown tag."""


_Loader.add_multi_constructor("", _unknown)


def read_ecsv_header(head: bytes, limits: ReadLimits) -> EcsvHeader:
    """Read the header at the start of a file; UploadError tells what is wrong with it."""
    size = lines = 0
    texts: list[str] = []
    while head.startswith(b"#", size):
        end = head.find(b"\n", size) + 1 or len(head)
        texts.append(head[size:end].decode("utf-8", "replace").rstrip("\r\n").removeprefix("#").removeprefix(" "))
        size, lines = end, lines + 1
    if size > _MOST_YAML:
        message = f"the ECSV header has more than {_MOST_YAML} bytes"
        raise UploadTooLarge(message)
    try:
        said = yaml.load("\n".join(texts[1:]), Loader=_Loader)  # noqa: S506  a subclass of the safe loader
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        place = str(error).split("\n")[0][:200]
        message = f"the ECSV header is no valid YAML: {place}"
        raise UploadError(message) from error
    if not isinstance(said, dict) or not isinstance(said.get("datatype"), list) or not said["datatype"]:
        message = "the ECSV header has no list of columns (datatype)"
        raise UploadError(message)
    check_columns(len(said["datatype"]), limits)
    columns = tuple(_column(one, number, limits) for number, one in enumerate(said["datatype"], 1))
    delimiter = said.get("delimiter", " ")
    if delimiter not in (" ", ","):
        message = "the delimiter of an ECSV file is a blank or a comma"
        raise UploadError(message)
    description = _text(_mapping(said.get("meta")).get("description"))
    return EcsvHeader(columns, delimiter, description, size, lines)


def _mapping(said: Any) -> dict[Any, Any]:
    """Give a YAML mapping, also an ordered one, which is loaded as pairs; anything else is empty."""
    if isinstance(said, list) and all(isinstance(pair, tuple) and isinstance(pair[0], str) for pair in said):
        return dict(said)
    return said if isinstance(said, dict) else {}


def _column(said: Any, number: int, limits: ReadLimits) -> Column:
    if not isinstance(said, dict) or not isinstance(said.get("name"), str | int | float):
        message = f"column {number} of the ECSV header has no name"
        raise UploadError(message)
    more = _mapping(said.get("meta"))
    ucd, utype = (_text(more.get(key) or said.get(key)) for key in ("ucd", "utype"))
    found = _type(_text(said.get("datatype")), _text(said.get("subtype")), str(said["name"]), number, limits)
    kind = told_type(found, *(_text(more.get(key)) for key in ("datatype", "arraysize", "xtype")))
    return Column(str(said["name"]), kind, _text(said.get("description")), vo_unit(_text(said.get("unit"))), ucd, utype)


def _text(said: Any) -> str:
    return str(said).strip() if isinstance(said, str | int | float) else ""


def _type(datatype: str, subtype: str, name: str, number: int, limits: ReadLimits) -> VOType:
    """Give the VOTable type; arrays of numbers keep their shape (first index fastest), other JSON values stay texts."""
    if datatype == "uint64":
        return VOType("char", "20")
    if datatype in _DATATYPES:
        return VOType(_DATATYPES[datatype])
    if datatype != "string":
        message = f'column {number} ("{name[:60]}") of the ECSV header has the unknown datatype "{datatype[:60]}"'
        raise UploadError(message)
    found = _SUBTYPE.match(subtype)
    if found and found.group(1) in _DATATYPES and not found.group(1).startswith("complex"):
        sizes = [part.strip() for part in found.group(2).split(",")][::-1]
        if "null" not in sizes[:-1]:
            size = "x".join("*" if one == "null" else one for one in sizes)
            attributes = {"name": name, "datatype": _DATATYPES[found.group(1)], "arraysize": size}
            return make_field(attributes, number, limits).column.type
    return VOType("char", "*", "json" if subtype else None)
