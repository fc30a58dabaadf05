"""Time and peak memory of `nashira publish` on a made-up catalogue of 9 columns: python bench/publish.py 1000000."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 1_000_000


def make(path: Path, rows: int) -> None:
    """Write `rows` stars all over the sky: two ids, position, four magnitudes, a flag, a text."""
    rng = np.random.default_rng(1)
    writer: pq.ParquetWriter | None = None
    for start in range(0, rows, BATCH_ROWS):
        n = min(BATCH_ROWS, rows - start)
        ids = np.arange(start, start + n)
        table = pa.table(
            {
                "id": ids,
                "ra": rng.uniform(0, 360, n),
                "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, n))),
                **{f"mag_{band}": rng.normal(20, 2, n).astype(np.float32) for band in "griz"},
                "flag": rng.integers(0, 9, n).astype(np.int16),
                "name": pa.array(np.char.add("star ", ids.astype(str))),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def main(rows: int) -> None:
    """Make, publish in a process of its own, print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        source, site = Path(folder) / "stars.parquet", Path(folder) / "site"
        command = [sys.executable, "-m", "nashira"]
        subprocess.run([*command, "init", str(site)], check=True, capture_output=True)
        subprocess.run([sys.executable, __file__, "make", str(source), str(rows)], check=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        started = time.monotonic()
        subprocess.run([*command, "publish", str(source), "--site", str(site)], check=True)
        seconds = time.monotonic() - started
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        held = "" if peak > before else " (or less: making the file took as much)"
        size = sum(path.stat().st_size for path in (site / "store").rglob("*.parquet"))
        print(f"{rows:,} rows: {seconds:.2f} s, peak {peak / 1000:.0f} MB{held}, stored {size / 1e6:.0f} MB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000)
