"""Where the rows of a table version go: Parquet files in its folder here, a database in `postgres_load`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from ..engines.store_records import PartitionRecord, RelationRecord
from ..formats.source import row_bytes
from ..schema.arrow import schema_of
from ..schema.model import Column, SkyColumns
from . import hats
from .density import Density
from .names import INDEX_COLUMN
from .parquet import NO_POSITION, rows_per_pixel, write_empty, write_parts, write_pixels


@dataclass(frozen=True, slots=True)
class Kept:
    """Where rows lie now: in files, or in a relation of the site's database."""

    partitions: tuple[PartitionRecord, ...] = ()
    relation: RelationRecord | None = None


class Shelf(Protocol):
    """Takes the rows of one version of a table, once."""

    def names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Give the names under which columns can be stored, for names that differ from each other."""
        ...

    def put(self, batches: Iterator[pa.RecordBatch], columns: Sequence[Column]) -> Kept:
        """Store rows without a position in their order; batch columns correspond to `columns` by position."""
        ...

    def put_on_sky(
        self, batches: Iterator[pa.RecordBatch], columns: Sequence[Column], sky: SkyColumns, density: Density
    ) -> Kept:
        """Store rows sorted by their last column, the HEALPix index, which comes behind `columns`.

        `density` counted all rows when the first batch comes; -1 is the index of rows without a position.
        """
        ...


def file_schema(columns: Sequence[Column]) -> pa.Schema:
    """Give the schema of data files: names and types only, so that footers stay small."""
    return pa.schema([pa.field(field.name, field.type) for field in schema_of(columns)])


@dataclass(frozen=True, slots=True)
class FileShelf:
    """Files below `folder`, for the table `name`."""

    name: str
    folder: Path

    def names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Give the names as they are: files take all."""
        return tuple(names)

    def put(self, batches: Iterator[pa.RecordBatch], columns: Sequence[Column]) -> Kept:
        """Write parts of a million rows."""
        schema = file_schema(columns)
        shaped = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in batches)
        return Kept(tuple(write_parts(shaped, schema, self.folder)))

    def put_on_sky(
        self, batches: Iterator[pa.RecordBatch], columns: Sequence[Column], sky: SkyColumns, density: Density
    ) -> Kept:
        """Write a file a pixel, with the files of HATS beside them."""
        index = pa.field(INDEX_COLUMN, pa.int64())
        schema = file_schema(columns).append(index)
        first = next(batches, None)  # now all rows were read and counted
        pixels = density.pixels(rows_per_pixel(density.rows, row_bytes(columns)))
        rest = chain(() if first is None else (first,), batches)
        parts = tuple(write_pixels(rest, schema, pixels, self.folder))
        on_sky = [part for part in parts if part.low >= 0]
        if on_sky:
            full = schema_of(columns).append(index)
            hats.write_metadata(self.folder, self.name, full, pixels, on_sky, (sky.ra, sky.dec))
        return Kept(parts or (write_empty(schema, NO_POSITION, self.folder),))
