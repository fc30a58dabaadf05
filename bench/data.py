"""The table that the figures are measured on: nine columns of the kinds that catalogues have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nashira.schema.arrow import schema_of
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE, FLOAT, INTEGER, LONG, STRING

COLUMNS = (
    Column("id", LONG, ucd="meta.id;meta.main"),
    Column("ra", DOUBLE, unit="deg", ucd="pos.eq.ra;meta.main"),
    Column("dec", DOUBLE, unit="deg", ucd="pos.eq.dec;meta.main"),
    Column("flux", DOUBLE, unit="Jy", ucd="phot.flux"),
    Column("mag", FLOAT, unit="mag", ucd="phot.mag"),
    Column("err", FLOAT, unit="mag", ucd="stat.error;phot.mag"),
    Column("field", INTEGER, ucd="meta.id.parent"),
    Column("flags", INTEGER, ucd="meta.code"),
    Column("name", STRING, ucd="meta.id"),
)
CHUNK = 1_000_000


def chunk(rows: int, first: int, rng: np.random.Generator) -> pa.Table:
    """Draw `rows` rows with ids from `first`, uniform on the sphere; one in ten err and flags is null."""
    null = rng.random(rows) < 0.1
    ids = np.arange(first, first + rows)
    arrays = [
        pa.array(ids),
        pa.array(rng.uniform(0, 360, rows)),
        pa.array(np.degrees(np.arcsin(rng.uniform(-1, 1, rows)))),
        pa.array(rng.lognormal(0, 1, rows)),
        pa.array(rng.normal(19, 2, rows).astype(np.float32)),
        pa.array(rng.gamma(2, 0.02, rows).astype(np.float32), mask=null),
        pa.array(rng.integers(0, 4000, rows).astype(np.int32)),
        pa.array(rng.integers(0, 64, rows).astype(np.int32), mask=null),
        pa.array(np.char.add("J", ids.astype(str))),
    ]
    return pa.Table.from_arrays(arrays, schema=schema_of(COLUMNS))


def write_catalogue(path: Path, rows: int) -> None:
    """Write a Parquet file of `rows` rows in random order, a million at a time."""
    rng = np.random.default_rng(rows)
    with pq.ParquetWriter(path, schema_of(COLUMNS), compression="zstd") as writer:
        for first in range(0, rows, CHUNK):
            writer.write_table(chunk(min(CHUNK, rows - first), first, rng))
