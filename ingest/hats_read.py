"""HATS catalogues found elsewhere, published in place: their folders are read, never written, never copied.

Source: as `ingest.hats`; the older HiPSCat naming (catalog_info.json) is understood where the index is the new one.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..config.errors import PublishError
from ..engines.store_records import PartitionRecord
from ..schema.arrow import column_of
from ..schema.model import Column
from ..schema.types import arrow_type, vo_type
from .density import Pixel
from .names import INDEX_COLUMN, clean_column

_PROPERTIES = ("hats.properties", "properties")
_OLD = "catalog_info.json"
_COLLECTION = "collection.properties"
_PRODUCTS = frozenset({"", "object", "source", "catalog", "nested"})


@dataclass(frozen=True, slots=True)
class HatsCatalog:
    """A catalogue in place: its folder, columns (without the index), files, position columns, and what is left out."""

    folder: Path
    columns: tuple[Column, ...]
    partitions: tuple[PartitionRecord, ...]
    position: tuple[str, str] | None
    notes: tuple[str, ...]


def is_hats(path: Path) -> bool:
    """Tell whether a path is the folder of a HATS catalogue or collection."""
    return path.is_dir() and any(
        (path / name).is_file() for name in (*_PROPERTIES, _OLD, _COLLECTION, "partition_info.csv")
    )


def open_hats(path: Path) -> HatsCatalog:
    """Read what a HATS folder says; PublishError where it cannot be published in place."""
    folder = _primary(path)
    facts = _facts(folder)
    product = facts.get("dataproduct_type", facts.get("catalog_type", "")).lower()
    if product not in _PRODUCTS:
        message = f"{folder.name}: a HATS {product} is no catalogue to be queried; publish its main catalogue"
        raise PublishError(message)
    partitions = tuple(sorted(_partitions(folder), key=lambda part: (part.low, part.path)))
    if not partitions:
        message = f"{folder.name}: the HATS folder has no data files (dataset/Norder=…/Dir=…/Npix=….parquet)"
        raise PublishError(message)
    schema = pq.read_schema(folder / partitions[0].path)
    _check_index(folder, schema)
    columns, notes = _columns(_described(folder, schema))
    names = {column.name for column in columns}
    ra, dec = (facts.get(f"hats_col_{axis}", facts.get(f"{axis}_column", "")) for axis in ("ra", "dec"))
    return HatsCatalog(folder, columns, partitions, (ra, dec) if {ra, dec} <= names else None, notes)


def _primary(path: Path) -> Path:
    collection = path / _COLLECTION
    if not collection.is_file():
        return path
    name = _read_properties(collection).get("hats_primary_table_url", "")
    folder = (path / name).resolve()
    if not name or not folder.is_relative_to(path.resolve()):
        message = f"{path.name}: the HATS collection does not name a main catalogue inside itself"
        raise PublishError(message)
    return folder


def _facts(folder: Path) -> dict[str, str]:
    for name in _PROPERTIES:
        if (folder / name).is_file():
            return _read_properties(folder / name)
    if (folder / _OLD).is_file():
        try:
            found = json.loads((folder / _OLD).read_text(encoding="utf-8"))
        except ValueError as error:
            message = f"{folder.name}/{_OLD}: {error}"
            raise PublishError(message) from error
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
    return {}


def _read_properties(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs}


_FILE = re.compile(
    r"dataset/Norder=(\d{1,2})/Dir=\d+/Npix=(\d+)(?:/[^/]+)?\.parquet\Z|Norder=(\d{1,2})/Dir=\d+/Npix=(\d+)\.parquet\Z"
)


def _partitions(folder: Path) -> Iterator[PartitionRecord]:
    """Find the data files; rows come from partition_info.csv where it has them, else from the footers."""
    known = _known_rows(folder)
    for path in (
        folder.glob("dataset/**/*.parquet") if (folder / "dataset").is_dir() else folder.glob("Norder=*/**/*.parquet")
    ):
        name = path.relative_to(folder).as_posix()
        match = _FILE.match(name)
        if match is None:
            continue
        order, number = (int(a or b) for a, b in ((match[1], match[3]), (match[2], match[4])))
        if order > 29 or number >= 12 << 2 * order:
            message = f"{folder.name}/{name}: there is no such HEALPix pixel"
            raise PublishError(message)
        alone = path.name.startswith("Npix=")
        rows = known.get((order, number)) if alone else None
        pixel = Pixel(order, number)
        yield PartitionRecord(
            path=name, rows=footer_rows(path) if rows is None else rows, low=pixel.low, high=pixel.high
        )


def _known_rows(folder: Path) -> dict[tuple[int, int], int]:
    path = folder / "partition_info.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        try:
            rows = [{key.strip(): value for key, value in row.items()} for row in csv.DictReader(file)]
            return {(int(r["Norder"]), int(r["Npix"])): int(r["num_rows"]) for r in rows if r.get("num_rows")}
        except (KeyError, ValueError, AttributeError) as error:
            message = f"{folder.name}/partition_info.csv cannot be read: {error!r}"
            raise PublishError(message) from error


def footer_rows(path: Path) -> int:
    """Give the rows of a Parquet file by its footer; PublishError where it is none."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        message = f"{path.name} is no readable Parquet file: {error}"
        raise PublishError(message) from error


def _check_index(folder: Path, schema: pa.Schema) -> None:
    if INDEX_COLUMN not in schema.names or schema.field(INDEX_COLUMN).type != pa.int64():
        message = (
            f"{folder.name}: the HATS catalogue has no int64 column {INDEX_COLUMN}, so it cannot stay in place; "
            f"publish a copy by the pattern '{folder.name}/dataset/**/*.parquet'"
        )
        raise PublishError(message)


def _described(folder: Path, schema: pa.Schema) -> pa.Schema:
    """Prefer the fields of _common_metadata, which carry units and descriptions, where the types agree."""
    path = folder / "dataset" / "_common_metadata"
    if not path.is_file():
        return schema
    common = pq.read_schema(path)
    better = {f.name: f for f in common if f.metadata}
    return pa.schema([better.get(f.name, f) if better.get(f.name, f).type == f.type else f for f in schema])


def _columns(schema: pa.Schema) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Give the columns that can be published as they are stored, and sentences on those that cannot."""
    kept: list[Column] = []
    notes: list[str] = []
    seen = {INDEX_COLUMN}
    for field in schema:
        kind = vo_type(field.type)
        if field.name == INDEX_COLUMN:
            continue
        if kind is None or arrow_type(kind) is None or field.name.lower() in seen or not field.name.strip():
            notes.append(
                f"column {field.name!r} ({field.type}) is left out: its name or type has no place in a VOTable"
            )
            continue
        seen.add(field.name.lower())
        kept.append(clean_column(column_of(field)))
    return tuple(kept), tuple(notes)


def hats_batches(found: HatsCatalog) -> Iterator[pa.RecordBatch]:
    """Read the rows of a catalogue, file by file; batch columns correspond to `found.columns` by position."""
    names = [column.name for column in found.columns]
    for part in found.partitions:
        with pq.ParquetFile(found.folder / part.path) as file:
            for batch in file.iter_batches(columns=names):
                yield batch.select(names)
