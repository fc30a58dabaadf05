"""Rows per second of every writer, one core: 1 M rows × 9 columns (integers, doubles, floats, texts, nulls).

Run: `python bench/bench_writers.py [rows]`. CPU time of the process counts, so other work on the machine does not.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from nashira.formats.registry import FORMATS
from nashira.formats.stream import ResultStream
from nashira.schema.arrow import schema_of
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE, FLOAT, INTEGER, LONG, STRING

COLUMNS = (
    Column("source_id", LONG),
    Column("ra", DOUBLE, unit="deg"),
    Column("dec", DOUBLE, unit="deg"),
    Column("parallax", DOUBLE, unit="mas"),
    Column("g_mag", FLOAT, unit="mag"),
    Column("bp_rp", FLOAT, unit="mag"),
    Column("n_obs", INTEGER),
    Column("name", STRING),
    Column("class", STRING),
)
BATCH_ROWS = 65_536


def batches(rows: int) -> list[pa.RecordBatch]:
    """Make a catalogue that looks like a real one, nulls included."""
    rng = np.random.default_rng(42)
    holes = rng.random(rows) < 0.1
    arrays = [
        pa.array(rng.integers(0, 2**62, rows)),
        pa.array(rng.random(rows) * 360),
        pa.array(rng.random(rows) * 180 - 90),
        pa.array(rng.normal(1, 2, rows), mask=holes),
        pa.array(rng.normal(18, 2, rows).astype("f4")),
        pa.array(rng.normal(1, 0.5, rows).astype("f4"), mask=holes),
        pa.array(rng.integers(0, 2000, rows).astype("i4"), mask=holes),
        pa.array(np.char.add("HD ", rng.integers(0, 400_000, rows).astype(str)).tolist()),
        pa.array(np.array(["STAR", "GALAXY", "QSO"])[rng.integers(0, 3, rows)].tolist(), mask=holes),
    ]
    table = pa.Table.from_arrays(arrays, schema=schema_of(COLUMNS))
    return list(table.to_batches(max_chunksize=BATCH_ROWS))


def passes(data: list[pa.RecordBatch]) -> Iterator[tuple[str, float, int]]:
    """Give (name, best CPU seconds of three, bytes) of every format."""
    for entry in FORMATS:
        best, size = float("inf"), 0
        for _ in range(3):
            start = time.process_time()
            size = sum(map(len, entry.write(ResultStream(COLUMNS, iter(data)))))
            best = min(best, time.process_time() - start)
        yield entry.name, best, size


def main() -> None:
    """Print one line a format."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    pa.set_cpu_count(1)
    for name, seconds, size in passes(batches(rows)):
        print(f"{name:12} {rows / seconds / 1e6:6.2f} M rows/s  {size / rows:6.1f} bytes/row")


if __name__ == "__main__":
    main()
