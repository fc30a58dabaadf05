"""The tables of the wire bench: nine columns of all kinds, a hundred columns, arrays; and the site that serves them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nashira.schema.arrow import schema_of
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE, FLOAT, INTEGER, LONG, POINT, POLYGON, STRING, VOType

from . import data

BATCH_ROWS = 65_536
TIMES = 10  # a table of so many rows, joined with everything, makes a large result from a small site


@dataclass(frozen=True, slots=True)
class Result:
    """A result to be sent: its query, its rows and columns, the formats it is asked in and how often."""

    name: str
    title: str
    query: str
    rows: int
    columns: int
    formats: tuple[str, ...]
    runs: int


MOST = ("votable/b2", "votable/td", "fits", "csv", "parquet", "arrow")
ALL = ("votable/b2", "votable/b", "votable/td", "fits", "csv", "tsv", "parquet", "arrow", "ecsv", "json")


def results(rows: int) -> tuple[Result, ...]:
    """Give the results to be measured, the first with `rows` rows."""
    many = "SELECT s.id, s.ra, s.dec FROM bench.sources AS s, bench.ten AS t"
    return (
        Result("nine", f"{rows / 1e6:g} M rows × 9", "SELECT * FROM bench.sources", rows, 9, ALL, 5),
        Result("wide", "100,000 rows × 100", "SELECT * FROM bench.wide", WIDE_ROWS, 100, MOST, 3),
        Result("arrays", "100,000 rows × 5, arrays", "SELECT * FROM bench.arrays", ARRAY_ROWS, 5, MOST, 3),
        Result("narrow", f"{rows * TIMES / 1e6:g} M rows × 3", many, rows * TIMES, 3, MOST, 1),
    )


WIDE_ROWS = ARRAY_ROWS = 100_000
_WIDE_KINDS = (DOUBLE,) * 50 + (FLOAT,) * 30 + (INTEGER,) * 15 + (STRING,) * 5
WIDE = tuple(Column(f"c{number:03d}", kind) for number, kind in enumerate(_WIDE_KINDS))
ARRAYS = (
    Column("id", LONG),
    Column("pos", POINT),
    Column("bands", VOType("float", "8")),
    Column("counts", VOType("int", "*")),
    Column("shape", POLYGON),
)


def nine(rows: int) -> pa.Table:
    """Draw the table of nine columns, one in ten of two of them null."""
    return data.chunk(rows, 0, np.random.default_rng(1))


def wide(rows: int = WIDE_ROWS) -> pa.Table:
    """Draw the table of a hundred columns, one in twenty of the floats null."""
    rng = np.random.default_rng(2)
    null = rng.random(rows) < 0.05
    makers = {
        DOUBLE: lambda: pa.array(rng.normal(0, 1, rows)),
        FLOAT: lambda: pa.array(rng.normal(0, 1, rows).astype("f4"), mask=null),
        INTEGER: lambda: pa.array(rng.integers(0, 10_000, rows).astype("i4")),
        STRING: lambda: pa.array(np.char.add("field ", rng.integers(0, 999, rows).astype(str))),
    }
    return pa.Table.from_arrays([makers[kind]() for kind in _WIDE_KINDS], schema=schema_of(WIDE))


def arrays(rows: int = ARRAY_ROWS) -> pa.Table:
    """Draw the table of arrays: points, eight floats, 0 to 9 integers, polygons of 3 to 8 corners."""
    rng = np.random.default_rng(3)
    counts, corners = rng.integers(0, 10, rows), 2 * rng.integers(3, 9, rows)
    schema = schema_of(ARRAYS)
    columns = [
        pa.array(np.arange(rows)),
        pa.FixedSizeListArray.from_arrays(pa.array(rng.uniform(-90, 90, 2 * rows)), type=schema.field(1).type),
        pa.FixedSizeListArray.from_arrays(
            pa.array(rng.normal(20, 1, 8 * rows).astype("f4")), type=schema.field(2).type
        ),
        _lists(counts, rng.integers(0, 99, counts.sum()).astype("i4")),
        _lists(corners, rng.uniform(-90, 90, corners.sum())),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _lists(lengths: np.ndarray, values: np.ndarray) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(np.append(0, np.cumsum(lengths)), pa.int32()), pa.array(values))


def batches(table: pa.Table) -> list[pa.RecordBatch]:
    """Cut a table as engines do."""
    return list(table.to_batches(max_chunksize=BATCH_ROWS))


def write_tables(folder: Path, rows: int) -> dict[str, Path]:
    """Write all tables as Parquet files; give them by name."""
    ten = pa.table({"n": np.arange(TIMES, dtype="i4")})
    made: dict[str, Callable[[], pa.Table]] = {
        "sources": lambda: nine(rows),
        "wide": wide,
        "arrays": arrays,
        "ten": lambda: ten,
    }
    files = {name: folder / f"{name}.parquet" for name in made}
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in made.items():
        if not files[name].exists():
            pq.write_table(make(), files[name].with_suffix(".new"), compression="zstd")
            files[name].with_suffix(".new").rename(files[name])
    return files


def publish(site: Path, files: dict[str, Path], names: Sequence[str], settings: dict[str, str]) -> None:
    """Make a site and publish the named tables, as schema bench."""
    environment = dict(os.environ) | settings

    def nashira(*words: str) -> None:
        command = [sys.executable, "-m", "nashira", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    nashira("init", str(site))
    for name in names:
        nashira("publish", str(files[name]), "--site", str(site), "--table", f"bench.{name}")
